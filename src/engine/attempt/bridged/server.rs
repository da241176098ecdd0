//! Servers on hosts: started, spoken to, ended.

use crate::bridge::{Frame, Frames, SERVER, frame};
use crate::connection::{Piece, Program, Shell, Stream};
use crate::engine::state::bridged::{Lost, Request, Server};
use crate::host::quote;
use serde_json::Value as Json;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// How long a Python may take until it says hello.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a server may take to look at the files of a module, and to keep those that it lacks, over however slow a line.
const STORING: Duration = Duration::from_secs(600);

/// How long a module may take to end that is killed.
const LAST: Duration = Duration::from_secs(10);

/// The bytes of an answer: two streams of a module, and what is told beside them.
const LONGEST: usize = 40 << 20;

/// The variable of the environment with its text.
const TEXT: &str = "VENT_SERVER";

/// Runs that text, and leaves nothing of it to modules.
const READ: &str = "import os; exec(os.environ.pop('VENT_SERVER'))";

/// The bytes of its standard error that are kept.
const KEPT: usize = 4000;

/// Starts a server; `python` is shell text.
///
/// # Errors
/// The Python does not start: what was said instead; the connection is gone.
pub async fn start(shell: &Arc<Shell>, python: &str) -> Result<Server, Lost> {
    // By the environment: whoever looks at the processes of the host sees a line, not a text.
    let command = format!("env {TEXT}={} {python} -c {}", quote(SERVER), quote(READ));
    let program = shell.program(&command).await.map_err(Lost::Connection)?;
    let mut talk = Talk {
        program,
        frames: Frames::up_to(LONGEST),
        said: vec![],
        status: None,
    };
    let hello = tokio::time::timeout(PATIENCE, talk.next()).await;
    let hello =
        hello.map_err(|_| Lost::Ended(format!("it said nothing for {} seconds", PATIENCE.as_secs())))?;
    let (hello, _) = hello?;
    let version = |at: usize| {
        let number = hello.get("python").and_then(|python| python.get(at)?.as_u64());
        number.and_then(|number| u32::try_from(number).ok())
    };
    let version = version(0).zip(version(1));
    let version = version.ok_or_else(|| Lost::Ended("it answers something else than was asked".into()))?;
    let (sender, requests) = mpsc::unbounded_channel();
    tokio::spawn(talk.follow(requests));
    Ok(Server::new(version, sender, shell.clone()))
}

/// Asks a server something that it does itself.
///
/// # Errors
/// It has ended, or its connection, or it does not answer.
pub async fn ask_soon(server: &Arc<Server>, message: Json, blob: Vec<u8>) -> Result<Frame, Lost> {
    let answer = work(server, message, blob).answer();
    let answer = tokio::time::timeout(STORING, answer).await;
    answer.unwrap_or_else(|_| {
        Err(Lost::Ended(format!(
            "it gave no answer in {} seconds",
            STORING.as_secs()
        )))
    })
}

/// Has a server do something; it is told when nobody waits for that any more.
pub fn work(server: &Arc<Server>, mut message: Json, blob: Vec<u8>) -> Work {
    let id = server.number();
    if let Some(message) = message.as_object_mut() {
        message.insert("id".into(), id.into());
    }
    let (sender, answer) = oneshot::channel();
    server.request(Request {
        id,
        message,
        blob,
        answer: Some(sender),
    });
    Work {
        server: server.clone(),
        id,
        answer,
        open: true,
    }
}

/// Something that a server does. Dropping it has it ended.
pub struct Work {
    server: Arc<Server>,
    id: u64,
    answer: oneshot::Receiver<Result<Frame, Lost>>,
    open: bool,
}

/// How work ended that had a limit.
pub enum Outlived {
    /// By itself.
    No(Result<Frame, Lost>),
    /// It was ended: its time was over.
    TimedOut,
    /// It was ended: nobody wants it any more.
    Cancelled,
}

impl Work {
    async fn answer(mut self) -> Result<Frame, Lost> {
        let answer = (&mut self.answer).await;
        self.open = false;
        answer.unwrap_or_else(|_| Err(Lost::Ended("it has ended".into())))
    }

    /// Waits for it as long as it may take; what takes longer is ended, and that is waited for.
    pub async fn until(mut self, limit: Option<Duration>, cancel: &CancellationToken) -> Outlived {
        let time = async {
            match limit {
                Some(limit) => tokio::time::sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        let ended = tokio::select! {
            biased;
            answer = &mut self.answer => {
                self.open = false;
                return Outlived::No(answer.unwrap_or_else(|_| Err(Lost::Ended("it has ended".into()))));
            }
            () = time => Outlived::TimedOut,
            () = cancel.cancelled() => Outlived::Cancelled,
        };
        self.end();
        self.open = false;
        // What it still has to say is not wanted.
        let _ = tokio::time::timeout(LAST, &mut self.answer).await;
        ended
    }

    /// Has it ended.
    fn end(&self) {
        self.server.request(Request {
            id: self.id,
            message: serde_json::json!({"op": "end", "id": self.id}),
            blob: vec![],
            answer: None,
        });
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if self.open {
            self.end();
        }
    }
}

/// The talk with a server.
struct Talk {
    program: Program,
    frames: Frames,
    said: Vec<u8>,
    status: Option<Option<i32>>,
}

impl Talk {
    /// The next frame.
    async fn next(&mut self) -> Result<Frame, Lost> {
        loop {
            if let Some(frame) = self.frames.take().map_err(Lost::Ended)? {
                return Ok(frame);
            }
            match self.program.next().await {
                Some(Piece::Bytes(Stream::Stdout, bytes)) => self.frames.push(&bytes),
                Some(Piece::Bytes(Stream::Stderr, bytes)) => {
                    self.said.extend_from_slice(&bytes);
                    let surplus = self.said.len().saturating_sub(KEPT);
                    self.said.drain(..surplus);
                }
                Some(Piece::Ended(status)) => self.status = Some(status),
                None => return Err(self.lost()),
            }
        }
    }

    fn lost(&self) -> Lost {
        let said = String::from_utf8_lossy(&self.said).trim().to_string();
        match self.status.flatten() {
            Some(status) if said.is_empty() => Lost::Ended(format!("it ended with exit status {status}")),
            Some(_) => Lost::Ended(said),
            None => Lost::Connection(self.program.lost()),
        }
    }

    /// Passes requests and answers on until the server or the connection ends.
    async fn follow(mut self, mut requests: mpsc::UnboundedReceiver<Request>) {
        let gone = self.program.gone();
        let mut waiting: HashMap<u64, oneshot::Sender<Result<Frame, Lost>>> = HashMap::new();
        let lost = loop {
            tokio::select! {
                biased;
                answer = self.next() => match answer {
                    Ok((message, blob)) => {
                        let id = message.get("id").and_then(Json::as_u64).unwrap_or_default();
                        if let Some(sender) = waiting.remove(&id) {
                            // Whoever asked may not wait any more.
                            let _ = sender.send(Ok((message, blob)));
                        }
                    }
                    Err(lost) => break lost,
                },
                request = requests.recv() => {
                    let Some(request) = request else { return };
                    if request.answer.is_none() && !waiting.contains_key(&request.id) {
                        continue;
                    }
                    if let Err(failure) = self.program.send(&frame(&request.message, &request.blob)).await {
                        if let Some(sender) = request.answer {
                            let _ = sender.send(Err(Lost::Connection(failure)));
                        }
                        break self.rest().await;
                    }
                    if let Some(sender) = request.answer {
                        waiting.insert(request.id, sender);
                    }
                }
                () = gone.cancelled(), if waiting.is_empty() => return,
            }
        };
        requests.close();
        for sender in waiting.into_values() {
            let _ = sender.send(Err(lost.clone()));
        }
    }

    /// Why it takes nothing any more.
    async fn rest(&mut self) -> Lost {
        loop {
            if let Err(lost) = self.next().await {
                return lost;
            }
        }
    }
}
