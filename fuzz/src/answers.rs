//! What a host says: by the protocol of its shell, and in the answers to questions.

use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::AsyncWrite;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use vent::bridge::Frames;
use vent::connection::fuzz::{Piece, Pipes, Wire, ask, job};
use vent::connection::{Ended, Job, Stream};
use vent::host::{Answer, FileKind, Question, parse, parse_facts};
use vent::module::ModuleOutput;
use vent::value::Value;

/// The byte of an input that stands for the number which marks the answers.
const NUMBER: u8 = 0xff;

fn with_number(bytes: &[u8], number: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for byte in bytes {
        match *byte {
            NUMBER => out.extend_from_slice(number),
            byte => out.push(byte),
        }
    }
    out
}

/// A shell that answers every line that holds a fresh number by the next frame of the input.
struct Answering {
    input: Vec<u8>,
    at: usize,
    number: Vec<u8>,
    sender: mpsc::Sender<Piece>,
}

impl Answering {
    /// Pieces up to the end of the frame: a byte whose first bit chooses the stream, whose second one ends the shell and whose others
    /// tell how many bytes follow. A zero ends the frame.
    fn answer(&mut self, line: &[u8]) {
        let hexadecimal = |bytes: &&[u8]| bytes.iter().all(u8::is_ascii_hexdigit);
        let Some(number) = line.windows(32).find(hexadecimal) else {
            return;
        };
        if self.number == number {
            return;
        }
        self.number = number.to_vec();
        while let Some(&head) = self.input.get(self.at) {
            self.at += 1;
            if head == 0 {
                return;
            }
            let end = (self.at + usize::from(head >> 2)).min(self.input.len());
            let stream = if head & 1 == 0 {
                Stream::Stdout
            } else {
                Stream::Stderr
            };
            let piece = match head & 2 {
                0 => Piece::Bytes(stream, with_number(&self.input[self.at..end], &self.number)),
                _ => Piece::Ended(Some(i32::from(head >> 2))),
            };
            if head & 2 == 0 {
                self.at = end;
            }
            if self.sender.try_send(piece).is_err() {
                return;
            }
        }
    }
}

struct Input(Arc<Mutex<Option<Answering>>>);

impl AsyncWrite for Input {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let mut answering = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shell) = answering.as_mut() {
            shell.answer(bytes);
            // Nothing more is to come: the connection ends.
            if shell.at >= shell.input.len() {
                *answering = None;
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn runtime() -> Option<&'static Runtime> {
    static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();
    let build = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .ok()
    };
    RUNTIME.get_or_init(build).as_ref()
}

/// A shell that says hello, answers a question, runs a job and answers once more.
pub fn shell(bytes: &[u8]) -> bool {
    let Some(runtime) = runtime() else { return false };
    let (sender, pieces) = mpsc::channel(bytes.len() + 1);
    let shell = Answering {
        input: bytes.to_vec(),
        at: 0,
        number: vec![],
        sender,
    };
    let input = Box::pin(Input(Arc::new(Mutex::new(Some(shell)))));
    let talk = async {
        let Ok(mut wire) = Wire::start("host", Pipes { input, pieces }).await else {
            return false;
        };
        if ask(&mut wire, "true").await.is_err() {
            return false;
        }
        let work = Job {
            script: "true".into(),
            keep: 2,
            ..Job::default()
        };
        let Ok(end) = job(&mut wire, &work).await else {
            return false;
        };
        ask(&mut wire, "true").await.is_ok() && end.ended == Ended::Lost
    };
    // All pieces of a frame are there at once: who waits for more waits in vain, and a host that falls silent is not what is tried.
    let waiting = async { tokio::time::timeout(Duration::ZERO, tokio::task::unconstrained(talk)).await };
    runtime.block_on(waiting).unwrap_or_default()
}

fn questions() -> Vec<Question> {
    let name = || "a".to_string();
    vec![
        Question::Stat {
            path: name(),
            follow: false,
        },
        Question::Stat {
            path: name(),
            follow: true,
        },
        Question::Stat {
            path: "b".into(),
            follow: false,
        },
        Question::Digest { path: name() },
        Question::Content {
            path: name(),
            limit: 100,
        },
        Question::Names { path: name() },
        Question::User { name: name() },
        Question::Group { name: name() },
        Question::Package { name: name() },
        Question::Unit { name: name() },
        Question::Sysctl { key: name() },
        Question::KernelModule { name: name() },
        Question::Probe {
            script: name(),
            about: vec![],
        },
    ]
}

/// What the script of many questions printed.
pub fn read(bytes: &[u8]) -> bool {
    const NONCE: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
    match parse(&questions(), NONCE, &with_number(bytes, NONCE.as_bytes())) {
        Ok(answers) => answers
            .iter()
            .any(|answer| matches!(answer, Answer::Stat(Some(stat)) if stat.kind == FileKind::Pipe)),
        Err(_) => false,
    }
}

/// What the script of the facts printed.
pub fn facts(bytes: &[u8]) -> bool {
    let facts = parse_facts(bytes);
    let local = facts.get("local").and_then(Value::as_map);
    local.is_some_and(|local| local.len() > 2)
}

/// What a module printed. Rare is a result with a difference that is no failure.
pub fn module(bytes: &[u8]) -> bool {
    let output = ModuleOutput {
        stdout: bytes,
        stderr: bytes,
        code: 1,
    };
    let outcome = output.result().outcome;
    !outcome.diffs.is_empty() && outcome.failed.is_none()
}

/// What a server of modules says, in pieces. Rare is an answer with another number than 1.
pub fn server(bytes: &[u8]) -> bool {
    let mut frames = Frames::up_to(1 << 16);
    let mut found = vec![];
    for piece in bytes.chunks(7) {
        frames.push(piece);
        while let Ok(Some(frame)) = frames.take() {
            found.push(frame);
        }
    }
    let number = |message: &serde_json::Value| message.get("id").and_then(|id| id.as_u64());
    found
        .iter()
        .any(|(message, _)| number(message).is_some_and(|id| id != 1))
}
