//! The worker: the program of `worker.py`, run by the Python that has ansible-core. One for a run, started when it is first needed.

use super::core::Core;
use super::frame::{Frame, Frames, frame};
use crate::error::{Error, Result};
use serde_json::{Value as Json, json};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStdin, Command};

/// Its text.
const TEXT: &str = include_str!("worker.py");

/// How long it may take until it listens: it imports ansible-core.
const PATIENCE: Duration = Duration::from_secs(120);

/// The bytes of an answer.
const LONGEST: usize = 256 << 20;

/// The bytes of its standard error that an error shows.
const SHOWN: usize = 2000;

/// The worker. It ends when its standard input does: when this is dropped, and when this process ends, however it ends.
pub struct Worker {
    child: Mutex<Child>,
    _input: ChildStdin,
    socket: PathBuf,
    said: Arc<Mutex<String>>,
}

impl Worker {
    /// Starts it.
    ///
    /// # Errors
    /// What keeps it from starting, with what it said.
    pub async fn start(core: &Core) -> Result<Worker> {
        let broken = |cause: String| {
            Error::new(format!("the worker of {} does not start", core.python.display())).cause(cause)
        };
        let mut child = Command::new(&core.python)
            .args(["-c", TEXT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|error| broken(error.to_string()))?;
        let (Some(mut input), Some(mut output), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(broken("a pipe is missing".into()));
        };
        let said = Arc::new(Mutex::new(String::new()));
        tokio::spawn(listen(errors, said.clone()));
        let hello = async {
            input.write_all(&frame(&json!({"op": "hello"}), &[])).await.ok()?;
            input.flush().await.ok()?;
            receive(&mut output).await
        };
        let answer = tokio::time::timeout(PATIENCE, hello).await.ok().flatten();
        let socket = answer.and_then(|(answer, _)| Some(PathBuf::from(answer.get("socket")?.as_str()?)));
        match socket {
            Some(socket) => Ok(Worker {
                child: Mutex::new(child),
                _input: input,
                socket,
                said,
            }),
            None => {
                // Its last words come before its end.
                let _ = tokio::time::timeout(Duration::from_secs(1), child.wait()).await;
                Err(broken(last_words(&said)))
            }
        }
    }

    /// True while it runs.
    pub fn is_alive(&self) -> bool {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(child.try_wait(), Ok(None))
    }

    /// Has one thing done by a child of its own.
    ///
    /// # Errors
    /// What the worker says, and no answer within `limit`.
    pub async fn call(&self, message: &Json, limit: Duration) -> Result<Frame> {
        let asked = async {
            let mut stream = UnixStream::connect(&self.socket).await.ok()?;
            stream.write_all(&frame(message, &[])).await.ok()?;
            receive(&mut stream).await
        };
        let answer = tokio::time::timeout(limit, asked).await;
        let Ok(Some((answer, blob))) = answer else {
            let text = match answer {
                Err(_) => format!("the worker gave no answer in {} seconds", limit.as_secs()),
                Ok(_) => "the worker ended in the middle of it".into(),
            };
            return Err(Error::new(text).cause(last_words(&self.said)));
        };
        match answer.get("error") {
            Some(error) => {
                let part = |name: &str| error.get(name).and_then(Json::as_str).unwrap_or_default().trim();
                Err(Error::new(format!("{}: {}", part("type"), part("message"))).cause(part("traceback")))
            }
            None => Ok((answer, blob)),
        }
    }
}

/// Reads one frame.
async fn receive(from: &mut (impl AsyncRead + Unpin)) -> Option<Frame> {
    let mut frames = Frames::up_to(LONGEST);
    let mut buffer = vec![0; 64 << 10];
    loop {
        if let Some(frame) = frames.take().ok()? {
            return Some(frame);
        }
        match from.read(&mut buffer).await.ok()? {
            0 => return None,
            read => frames.push(&buffer[..read]),
        }
    }
}

/// Keeps the end of what it says.
async fn listen(mut errors: impl AsyncRead + Unpin, said: Arc<Mutex<String>>) {
    let mut buffer = vec![0; 4096];
    while let Ok(read @ 1..) = errors.read(&mut buffer).await {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.push_str(&String::from_utf8_lossy(&buffer[..read]));
        let surplus = said.len().saturating_sub(SHOWN);
        let cut = (surplus..=said.len()).find(|at| said.is_char_boundary(*at));
        said.drain(..cut.unwrap_or_default());
    }
}

fn last_words(said: &Mutex<String>) -> String {
    let said = said.lock().unwrap_or_else(PoisonError::into_inner);
    match said.trim() {
        "" => "it said nothing".into(),
        text => format!("it said: {text}"),
    }
}
