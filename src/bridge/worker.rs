//! The worker: the program of `worker.py`, run by the Python that has ansible-core. One for a run, started when it is first needed.

use super::core::Core;
use super::frame::{Frame, Frames, frame};
use crate::error::{Error, Result};
use serde_json::{Value as Json, json};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream as Connection;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// Its text.
const TEXT: &str = include_str!("worker.py");

/// The part of it that holds the variables which plugins see.
const VARIABLES: &str = include_str!("variables.py");

/// The part of it that calls plugins.
const PLUGINS: &str = include_str!("plugins.py");

/// How long it may take until it listens: it imports ansible-core.
const PATIENCE: Duration = Duration::from_secs(120);

/// The bytes of an answer.
pub(super) const LONGEST: usize = 256 << 20;

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
    /// Starts it, which takes a moment: it imports ansible-core.
    ///
    /// # Errors
    /// What keeps it from starting, with what it said.
    pub fn start(core: &Core) -> Result<Worker> {
        let broken = |cause: String| {
            Error::new(format!("the worker of {} does not start", core.python.display())).cause(cause)
        };
        let mut child = Command::new(&core.python)
            .args(["-c", &[TEXT, VARIABLES, PLUGINS, "main()\n"].join("\n\n")])
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
        let told = said.clone();
        let listening = std::thread::spawn(move || listen(errors, &told));
        let (sender, receiver) = mpsc::channel();
        let greeted = input
            .write_all(&frame(&json!({"op": "hello"}), &[]))
            .and_then(|()| input.flush());
        std::thread::spawn(move || sender.send(Frames::up_to(LONGEST).receive(&mut output)));
        let answer = greeted
            .ok()
            .and_then(|()| receiver.recv_timeout(PATIENCE).ok().flatten());
        let socket = answer.and_then(|(answer, _)| Some(PathBuf::from(answer.get("socket")?.as_str()?)));
        match socket {
            Some(socket) => Ok(Worker {
                child: Mutex::new(child),
                _input: input,
                socket,
                said,
            }),
            None => {
                // What it says it says before its end.
                let _ = child.kill();
                let _ = child.wait();
                let _ = listening.join();
                Err(broken(last_words(&said)))
            }
        }
    }

    /// True while it runs.
    pub fn is_alive(&self) -> bool {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(child.try_wait(), Ok(None))
    }

    /// A child of its own that is asked more than once, by whoever waits for its answers.
    ///
    /// # Errors
    /// The worker is not there any more, with what it said.
    pub fn connect(&self) -> Result<Connection> {
        Connection::connect(&self.socket).map_err(|_| self.lost())
    }

    /// What is said where no answer comes any more.
    pub fn lost(&self) -> Error {
        Error::new("the worker ended in the middle of it").cause(last_words(&self.said))
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
            let text = format!("the worker gave no answer in {} seconds", limit.as_secs());
            return Err(match answer {
                Err(_) => Error::new(text).cause(last_words(&self.said)),
                Ok(_) => self.lost(),
            });
        };
        match refusal(&answer) {
            Some(error) => Err(error),
            None => Ok((answer, blob)),
        }
    }
}

/// The error in an answer.
pub(super) fn refusal(answer: &Json) -> Option<Error> {
    let error = answer.get("error")?;
    let part = |name: &str| error.get(name).and_then(Json::as_str).unwrap_or_default().trim();
    Some(Error::new(format!("{}: {}", part("type"), part("message"))).cause(part("traceback")))
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
fn listen(mut errors: impl Read, said: &Mutex<String>) {
    let mut buffer = vec![0; 4096];
    while let Ok(read @ 1..) = errors.read(&mut buffer) {
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
