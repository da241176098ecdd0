//! One running `sh` with its three pipes, whatever they go through, and one frame after the other on it.

use super::failure::Failure;
use super::frame::{self, Hello, Nonce, Parser, Part};
use super::shell::{LONGEST_ANSWER, Stream};
use std::collections::VecDeque;
use std::pin::Pin;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

/// How many pieces may wait for whoever reads a wire; beyond that the sender has to wait.
pub const PIECES: usize = 64;

/// The bytes that a login shell may write before `sh` answers: greetings of its profile.
pub(super) const LONGEST_GREETING: usize = 1 << 20;

/// What comes out of a shell.
#[derive(Debug)]
pub enum Piece {
    /// Bytes of one of its streams.
    Bytes(Stream, Vec<u8>),
    /// It ended with this status, if one is known.
    Ended(Option<i32>),
}

/// The pipes of a running program. Dropping it closes them.
pub struct Pipes {
    /// Its standard input.
    pub input: Pin<Box<dyn AsyncWrite + Send>>,
    /// Its output; ends after [`Piece::Ended`].
    pub pieces: mpsc::Receiver<Piece>,
}

/// A shell that knows the protocol.
pub struct Wire {
    host: String,
    pipes: Pipes,
    waiting: VecDeque<Piece>,
    /// The bytes that wait.
    kept: usize,
    ended: bool,
    hello: Hello,
    marked: bool,
}

/// How a shell that should have said hello ended instead.
#[derive(Debug)]
pub enum NoHello {
    /// It ended, or said too much; its status and what it wrote to standard error and output.
    Ended(Option<i32>, String),
    /// The first line did not arrive: something else read it.
    Eaten,
}

impl Wire {
    /// Teaches a fresh shell the protocol.
    pub async fn start(host: &str, pipes: Pipes) -> Result<Wire, NoHello> {
        let nonce = Nonce::fresh().map_err(|error| NoHello::Ended(None, error.to_string()))?;
        let mut wire = Wire {
            host: host.to_string(),
            pipes,
            waiting: VecDeque::new(),
            kept: 0,
            ended: false,
            hello: Hello {
                groups: false,
                bytewise: false,
            },
            marked: false,
        };
        // A shell that ends at once is told by what it wrote, not by the broken pipe.
        let sent = wire.send(&frame::preamble(&nonce)).await;
        wire.hear(nonce, sent.is_ok()).await
    }

    async fn hear(mut self, nonce: Nonce, sent: bool) -> Result<Wire, NoHello> {
        let mut parser = Parser::new(nonce);
        let (mut noise, mut digits, mut quiet, mut status) = (vec![], None, false, None);
        let mut heard = 0;
        while !(digits.is_some() && quiet) {
            let Some(piece) = self.next().await else {
                return Err(NoHello::Ended(status, readable(&noise)));
            };
            match piece {
                Piece::Bytes(stream, bytes) => {
                    heard += bytes.len();
                    if heard > LONGEST_GREETING {
                        let begin = readable(&noise);
                        let text =
                            format!("it wrote more than {LONGEST_GREETING} bytes, beginning with: {begin}");
                        return Err(NoHello::Ended(status, text));
                    }
                    if noise.len() < 4096 {
                        noise.extend_from_slice(&bytes);
                    }
                    parser.push(stream, &bytes, &mut |part| match part {
                        Part::Record(_, b'h', text) => digits = Some(text.to_string()),
                        Part::Record(_, b'e', _) => quiet = true,
                        _ => {}
                    });
                }
                Piece::Ended(code) => status = code.or(status),
            }
        }
        match Hello::read(&digits.unwrap_or_default()) {
            Some(hello) if sent => {
                self.hello = hello;
                Ok(self)
            }
            _ => Err(NoHello::Eaten),
        }
    }

    /// What the shell said about itself.
    pub fn hello(&self) -> Hello {
        self.hello
    }

    /// True if the shell holds the mark of the run (see `lock`).
    pub fn is_marked(&self) -> bool {
        self.marked
    }

    /// Notes that the shell holds the mark of the run.
    pub fn set_marked(&mut self) {
        self.marked = true;
    }

    /// The name of the host, for messages.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// True while a frame can be sent.
    pub fn is_alive(&mut self) -> bool {
        while let Ok(piece) = self.pipes.pieces.try_recv() {
            self.ended |= matches!(piece, Piece::Ended(_));
        }
        !self.ended && !self.pipes.pieces.is_closed()
    }

    /// A nonce and a parser for the next frame.
    pub fn frame(&self) -> Result<(Nonce, Parser), Failure> {
        let nonce = Nonce::fresh().map_err(|error| Failure::here("no random bytes", &error))?;
        Ok((nonce, Parser::new(nonce)))
    }

    /// Writes to the shell. What the shell says meanwhile is kept, so that neither waits for the other;
    /// a shell that ends stops the writing.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let Wire {
            pipes, waiting, kept, ..
        } = self;
        let input = &mut pipes.input;
        let writing = async {
            input.write_all(bytes).await?;
            input.flush().await
        };
        tokio::pin!(writing);
        loop {
            tokio::select! {
                biased;
                done = &mut writing => {
                    return done.map_err(|_| Failure::lost(&self.host));
                }
                piece = pipes.pieces.recv() => match piece {
                    Some(Piece::Ended(code)) => {
                        waiting.push_back(Piece::Ended(code));
                        return Err(Failure::lost(&self.host));
                    }
                    Some(piece) => {
                        if let Piece::Bytes(_, bytes) = &piece {
                            *kept += bytes.len();
                        }
                        if *kept > LONGEST_ANSWER {
                            return Err(Failure::too_much(&self.host, "what was said meanwhile", LONGEST_ANSWER));
                        }
                        waiting.push_back(piece);
                    }
                    None => return Err(Failure::lost(&self.host)),
                },
            }
        }
    }

    /// The next piece, or nothing once the shell is gone. Cancelling loses nothing.
    pub async fn next(&mut self) -> Option<Piece> {
        if let Some(piece) = self.waiting.pop_front() {
            if let Piece::Bytes(_, bytes) = &piece {
                self.kept -= bytes.len();
            }
            return Some(piece);
        }
        let piece = self.pipes.pieces.recv().await;
        self.ended |= matches!(piece, None | Some(Piece::Ended(_)));
        piece
    }
}

/// Text for a message: what can be read of it, trimmed, not endless.
fn readable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let clean: String = text.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
    clean.trim().chars().take(600).collect()
}
