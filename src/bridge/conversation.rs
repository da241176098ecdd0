//! A child of the worker that is asked, and asks back before it answers.

use super::frame::{Frame, Frames, frame};
use super::worker::{LONGEST, Worker};
use crate::content::blocking;
use crate::error::Result;
use crate::template::{Asked, Known};
use crate::value::json as as_json;
use serde_json::{Value as Json, json};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

/// A child that serves one connection.
pub(super) struct Conversation {
    worker: Arc<Worker>,
    stream: UnixStream,
    frames: Frames,
}

impl Conversation {
    /// With a child of its own.
    ///
    /// # Errors
    /// The worker is not there any more.
    pub(super) fn with(worker: Arc<Worker>) -> Result<Conversation> {
        Ok(Conversation {
            stream: worker.connect()?,
            worker,
            frames: Frames::up_to(LONGEST),
        })
    }

    /// The answer to a message. What the child asks meanwhile, `asked` answers.
    ///
    /// # Errors
    /// The child ends without an answer.
    pub(super) fn ask(&mut self, message: &Json, blob: &[u8], asked: &mut dyn Asked) -> Result<Frame> {
        let mut next = frame(message, blob);
        loop {
            let answer = blocking(|| {
                self.stream.write_all(&next).ok()?;
                self.frames.receive(&mut self.stream)
            });
            let (answer, blob) = answer.ok_or_else(|| self.worker.lost())?;
            match answer.get("ask").and_then(Json::as_str) {
                Some(question) => next = answered(question, &answer, asked),
                None => return Ok((answer, blob)),
            }
        }
    }
}

/// The frame that answers a question.
fn answered(question: &str, about: &Json, asked: &mut dyn Asked) -> Vec<u8> {
    let part = |name: &str| about.get(name).and_then(Json::as_str);
    let host = part("host");
    let names = |names: Option<Vec<Arc<str>>>| match names {
        Some(names) => json!({"names": names.iter().map(|name| &**name).collect::<Vec<_>>()}),
        None => json!({}),
    };
    match question {
        "variable" => match asked.variable(host, part("name").unwrap_or_default()) {
            Known::Missing => frame(&json!({}), &[]),
            Known::Undefined(text) => frame(&json!({"undefined": text}), &[]),
            Known::Value(value) => frame(&json!({}), as_json(&value, None, false).as_bytes()),
        },
        "names" => frame(&names(asked.names(part("of").or(host))), &[]),
        _ => frame(&names(Some(asked.hosts())), &[]),
    }
}
