//! What can be asked of a host as one user.

use super::failure::Failure;
use super::frame::{self, Parser, Part};
use super::pool::{Lease, Pool};
use super::wire::{Piece, Wire};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Inputs up to this many bytes travel inside the request; more needs a round trip more.
const INLINE: u64 = 64 << 10;
/// The same for shells that read byte by byte.
const INLINE_BYTEWISE: u64 = 16 << 10;

/// The bytes of one answer, of both streams; commands of users keep as much.
pub(super) const LONGEST_ANSWER: usize = 16 << 20;

/// One of the two outputs of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Stdout = 0,
    /// Standard error.
    Stderr = 1,
}

/// What a script of ours left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its exit status.
    pub code: i32,
    /// Its standard output; empty if it was streamed.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

/// The shells of (host, user). Any number of calls may be under way at once: each takes an idle `sh` of
/// this user, and one more is started when all others are held by long work.
///
/// A call that is dropped before its end leaves an `ask`, `feed` or `drain` to itself on the host and
/// kills a `job`.
pub struct Shell {
    pub(super) pool: Pool,
}

impl Shell {
    pub(super) fn new(pool: Pool) -> Shell {
        Shell { pool }
    }

    /// Runs a script of ours: questions and small actions. Its standard input is empty; it runs in a
    /// subshell, so nothing it sets stays. What may leave a background process has to be a job.
    ///
    /// # Errors
    /// Only what keeps the script from being run or answered; its exit status is in the output.
    pub async fn ask(&self, script: &str) -> Result<Output, Failure> {
        let mut lease = self.pool.lease(false).await?;
        let (nonce, parser) = lease.wire().frame()?;
        lease.wire().send(&frame::ask(&nonce, script)).await?;
        let output = collect(lease.wire(), parser).await?;
        lease.give_back();
        Ok(output)
    }

    /// Runs a script whose standard input is the first `length` bytes of `input`. A connection that is
    /// lost may give the script fewer bytes: it must check the length or digest before it makes the
    /// content visible.
    ///
    /// # Errors
    /// As [`Shell::ask`], and when `input` ends early or cannot be read.
    pub async fn feed(
        &self,
        script: &str,
        length: u64,
        input: &mut (dyn AsyncRead + Unpin + Send),
    ) -> Result<Output, Failure> {
        let mut lease = self.pool.lease(length > INLINE).await?;
        let inline = if lease.wire().hello().bytewise {
            INLINE_BYTEWISE
        } else {
            INLINE
        };
        let output = if length <= inline {
            feed_inline(&mut lease, script, length, input).await?
        } else {
            feed_after(&mut lease, script, length, input).await?
        };
        lease.give_back();
        Ok(output)
    }

    /// Runs a script whose standard output goes into `output` while it runs.
    ///
    /// # Errors
    /// As [`Shell::ask`], and when `output` cannot be written.
    pub async fn drain(
        &self,
        script: &str,
        output: &mut (dyn AsyncWrite + Unpin + Send),
    ) -> Result<Output, Failure> {
        let mut lease = self.pool.lease(true).await?;
        let (nonce, parser) = lease.wire().frame()?;
        lease.wire().send(&frame::ask(&nonce, script)).await?;
        let mut answer = Answer::new(parser);
        while !answer.is_whole() {
            answer.more(lease.wire()).await?;
            let bytes = std::mem::take(&mut answer.stdout);
            output.write_all(&bytes).await.map_err(cannot_write)?;
        }
        output.flush().await.map_err(cannot_write)?;
        lease.give_back();
        answer.finish(lease.host())
    }
}

fn cannot_write(error: std::io::Error) -> Failure {
    Failure::here("what the host sent cannot be written", &error)
}

fn cannot_read(error: std::io::Error) -> Failure {
    Failure::here("what should be sent to the host cannot be read", &error)
}

async fn feed_inline(
    lease: &mut Lease,
    script: &str,
    length: u64,
    input: &mut (dyn AsyncRead + Unpin + Send),
) -> Result<Output, Failure> {
    let mut bytes = vec![0; length as usize];
    if let Err(error) = input.read_exact(&mut bytes).await {
        lease.give_back();
        return Err(cannot_read(error));
    }
    let (nonce, parser) = lease.wire().frame()?;
    let line = frame::ask_with_input(&nonce, script, &bytes);
    lease.wire().send(&line).await?;
    collect(lease.wire(), parser).await
}

async fn feed_after(
    lease: &mut Lease,
    script: &str,
    length: u64,
    input: &mut (dyn AsyncRead + Unpin + Send),
) -> Result<Output, Failure> {
    let (nonce, parser) = lease.wire().frame()?;
    let wire = lease.wire();
    wire.send(&frame::feed(&nonce, script, length)).await?;
    let mut answer = Answer::new(parser);
    while !answer.begun {
        answer.more(wire).await?;
    }
    let mut buffer = vec![0; 256 << 10];
    let mut left = length;
    while left > 0 {
        let most = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let read = input.read(&mut buffer[..most]).await.map_err(cannot_read)?;
        if read == 0 {
            let error = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
            return Err(cannot_read(error));
        }
        wire.send(&buffer[..read]).await?;
        left -= read as u64;
    }
    while !answer.is_whole() {
        answer.more(wire).await?;
    }
    answer.finish(wire.host())
}

pub(super) async fn collect(wire: &mut Wire, parser: Parser) -> Result<Output, Failure> {
    let mut answer = Answer::new(parser);
    while !answer.is_whole() {
        answer.more(wire).await?;
    }
    answer.finish(wire.host())
}

/// The answer to an ask or a feed while it comes in.
struct Answer {
    parser: Parser,
    begun: bool,
    code: Option<i32>,
    errors_ended: bool,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Answer {
    fn new(parser: Parser) -> Answer {
        Answer {
            parser,
            begun: false,
            code: None,
            errors_ended: false,
            stdout: vec![],
            stderr: vec![],
        }
    }

    fn is_whole(&self) -> bool {
        self.code.is_some() && self.errors_ended
    }

    async fn more(&mut self, wire: &mut Wire) -> Result<(), Failure> {
        match wire.next().await {
            Some(Piece::Bytes(stream, bytes)) => self.take(stream, &bytes),
            Some(Piece::Ended(_)) | None => return Err(Failure::lost(wire.host())),
        }
        match self.stdout.len() + self.stderr.len() > LONGEST_ANSWER {
            true => Err(Failure::too_much(wire.host(), "an answer", LONGEST_ANSWER)),
            false => Ok(()),
        }
    }

    fn take(&mut self, stream: Stream, bytes: &[u8]) {
        let Answer {
            parser,
            begun,
            code,
            errors_ended,
            stdout,
            stderr,
        } = self;
        parser.push(stream, bytes, &mut |part| match part {
            // After the last record of a stream come only strays of what the script left behind.
            Part::Data(Stream::Stdout, data) if code.is_none() => stdout.extend_from_slice(data),
            Part::Data(Stream::Stderr, data) if !*errors_ended => stderr.extend_from_slice(data),
            Part::Data(..) => {}
            Part::Record(Stream::Stdout, b'b', _) => *begun = true,
            Part::Record(Stream::Stdout, b'x', digits) => *code = Some(digits.parse().unwrap_or(-1)),
            Part::Record(Stream::Stderr, b'e', _) => *errors_ended = true,
            Part::Record(..) => {}
        });
    }

    fn finish(self, host: &str) -> Result<Output, Failure> {
        match self.code {
            Some(code) => Ok(Output {
                code,
                stdout: self.stdout,
                stderr: self.stderr,
            }),
            None => Err(Failure::lost(host)),
        }
    }
}
