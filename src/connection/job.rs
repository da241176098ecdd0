//! Commands of users: a process group of their own, their true exit status, their output as it comes.

use super::failure::Failure;
use super::frame::{self, Parser, Part};
use super::shell::{Shell, Stream};
use super::wire::{Piece, Wire};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// How long a background process may keep the output open after the command itself has ended.
const LINGER: Duration = Duration::from_millis(200);
/// The time between asking a process group to end and ending it.
const GRACE: Duration = Duration::from_secs(2);
/// How long to wait for an end that nothing can hold up but the kernel.
const LAST: Duration = Duration::from_secs(10);

/// A command of a user.
#[derive(Clone, Debug, Default)]
pub struct Job {
    /// Text for `sh`, which reads it from its standard input.
    pub script: String,
    /// Its standard input; empty if there is none.
    pub stdin: Option<Vec<u8>>,
    /// How long it may run.
    pub timeout: Option<Duration>,
    /// How many bytes of each output the result keeps; the rest reaches only the callback.
    pub keep: usize,
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With this exit status; 128 + n after signal n.
    Exit(i32),
    /// Nobody knows its status: the shell that waited for it was killed.
    Lost,
    /// It was killed because it took too long.
    TimedOut,
    /// It was killed because it was not wanted any more.
    Cancelled,
}

/// What a job left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobEnd {
    /// How it ended.
    pub ended: Ended,
    /// Its standard output, up to [`Job::keep`] bytes.
    pub stdout: Vec<u8>,
    /// Its standard error, up to [`Job::keep`] bytes.
    pub stderr: Vec<u8>,
    /// True if an output was longer than what was kept.
    pub cut: bool,
}

impl Shell {
    /// Runs a command of a user. `output` is given the bytes of both streams while it runs; a process it
    /// leaves in the background may go on, but not write on. A time-out, `cancel`, or dropping this
    /// future kills its process group, first with TERM, then with KILL.
    ///
    /// # Errors
    /// Only what keeps it from being run or its end from being known. A command whose connection is lost
    /// goes on on the host.
    pub async fn job(
        &self,
        job: &Job,
        output: &(dyn Fn(Stream, &[u8]) + Send + Sync),
        cancel: &CancellationToken,
    ) -> Result<JobEnd, Failure> {
        let mut lease = self.pool.lease(true).await?;
        let (nonce, parser) = lease.wire().frame()?;
        let line = frame::job(&nonce, &job.script, job.stdin.as_deref());
        let mut running = Abandoned(Some((lease, Running::new(parser, job))));
        let Some((lease, state)) = &mut running.0 else {
            unreachable!("a job that was just put here")
        };
        lease.wire().send(&line).await?;
        state.follow(lease.wire(), output, cancel).await?;
        let Some((mut lease, state)) = running.0.take() else {
            unreachable!("a job that was just followed")
        };
        if state.is_over() {
            lease.give_back();
        }
        Ok(state.end)
    }
}

/// Follows a job on a shell that somebody else has started.
///
/// # Errors
/// As [`Shell::job`].
#[cfg(feature = "fuzz")]
pub(super) async fn run(wire: &mut Wire, job: &Job) -> Result<JobEnd, Failure> {
    let (nonce, parser) = wire.frame()?;
    wire.send(&frame::job(&nonce, &job.script, job.stdin.as_deref()))
        .await?;
    let mut running = Running::new(parser, job);
    running
        .follow(wire, &|_, _| {}, &CancellationToken::new())
        .await?;
    Ok(running.end)
}

/// Kills what is still running when the future of a job is dropped.
struct Abandoned(Option<(super::pool::Lease, Running)>);

impl Drop for Abandoned {
    fn drop(&mut self) {
        let (Some((lease, mut state)), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        if let Some(mut wire) = lease.keep()
            && wire.is_alive()
        {
            let cancel = CancellationToken::new();
            cancel.cancel();
            runtime.spawn(async move {
                // The shell is not used again, so its fate does not matter.
                let _ = state.follow(&mut wire, &|_, _| {}, &cancel).await;
            });
        }
    }
}

/// A job on its way.
struct Running {
    parser: Parser,
    keep: usize,
    deadline: Option<Instant>,
    group: Option<i64>,
    relays: Vec<i64>,
    code: Option<i32>,
    errors_ended: bool,
    closed: bool,
    /// Why it is being killed, if it is.
    killed: Option<Ended>,
    /// The signals still to be sent, with their times; the last entry is the end of patience.
    next: Vec<(Instant, Step)>,
    end: JobEnd,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Signal(&'static str),
    CloseOutput,
    GiveUp,
}

impl Running {
    fn new(parser: Parser, job: &Job) -> Running {
        Running {
            parser,
            keep: job.keep,
            deadline: job
                .timeout
                .and_then(|timeout| Instant::now().checked_add(timeout)),
            group: None,
            relays: vec![],
            code: None,
            errors_ended: false,
            closed: false,
            killed: None,
            next: vec![],
            end: JobEnd {
                ended: Ended::Lost,
                stdout: vec![],
                stderr: vec![],
                cut: false,
            },
        }
    }

    /// All records have come: the shell is free again.
    fn is_over(&self) -> bool {
        self.closed && (self.errors_ended || self.code.is_none())
    }

    async fn follow(
        &mut self,
        wire: &mut Wire,
        output: &(dyn Fn(Stream, &[u8]) + Send + Sync),
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        while !self.is_over() {
            let step = self.next.first().copied();
            let deadline = self.deadline.filter(|_| self.is_running());
            let never = Instant::now() + Duration::from_secs(3600);
            tokio::select! {
                biased;
                () = cancel.cancelled(), if self.is_running() => self.kill(Ended::Cancelled),
                () = sleep_until(deadline.unwrap_or(never)), if deadline.is_some() => self.kill(Ended::TimedOut),
                () = sleep_until(step.map_or(never, |step| step.0)), if step.is_some() => {
                    if !self.act(wire).await? {
                        break;
                    }
                }
                piece = wire.next() => match piece {
                    Some(Piece::Bytes(stream, bytes)) => self.take(stream, &bytes, output),
                    Some(Piece::Ended(_)) | None => return Err(Failure::lost(wire.host())),
                },
            }
        }
        self.finish_off(wire).await?;
        self.end.ended = match (self.killed, self.code) {
            (Some(reason), _) => reason,
            (None, Some(code)) => Ended::Exit(code),
            (None, None) => Ended::Lost,
        };
        Ok(())
    }

    /// Ends what is left of a killed group whose leader has ended early.
    async fn finish_off(&mut self, wire: &mut Wire) -> Result<(), Failure> {
        let pending = self.next.iter().any(|step| step.1 == Step::Signal("KILL"));
        match self.group {
            Some(group) if pending => {
                let own = wire.hello().groups;
                wire.send(&frame::signal("KILL", group, own)).await
            }
            _ => Ok(()),
        }
    }

    /// The command has not ended and is not being killed.
    fn is_running(&self) -> bool {
        self.killed.is_none() && self.code.is_none()
    }

    /// Plans the killing.
    fn kill(&mut self, reason: Ended) {
        let now = Instant::now();
        self.killed = Some(reason);
        self.next = vec![
            (now, Step::Signal("TERM")),
            (now + GRACE, Step::Signal("KILL")),
            (now + GRACE + LINGER, Step::CloseOutput),
            (now + GRACE + LAST, Step::GiveUp),
        ];
    }

    /// Takes the next step; false if there is nothing more to be done.
    async fn act(&mut self, wire: &mut Wire) -> Result<bool, Failure> {
        let (_, step) = self.next.remove(0);
        match (step, self.group) {
            (Step::Signal(name), Some(group)) => {
                let own = wire.hello().groups;
                wire.send(&frame::signal(name, group, own)).await?;
            }
            (Step::Signal(name), None) => {
                // Its number has not arrived yet.
                let soon = Instant::now() + Duration::from_millis(20);
                self.next.insert(0, (soon, Step::Signal(name)));
            }
            (Step::CloseOutput, _) => {
                for relay in self.relays.clone() {
                    wire.send(&frame::signal("PIPE", relay, false)).await?;
                }
            }
            (Step::GiveUp, _) => return Ok(false),
        }
        Ok(true)
    }

    fn take(&mut self, stream: Stream, bytes: &[u8], output: &(dyn Fn(Stream, &[u8]) + Send + Sync)) {
        let Running {
            parser,
            keep,
            group,
            relays,
            code,
            errors_ended,
            closed,
            end,
            ..
        } = self;
        parser.push(stream, bytes, &mut |part| match part {
            Part::Data(stream, data) => {
                output(stream, data);
                let kept = match stream {
                    Stream::Stdout => &mut end.stdout,
                    Stream::Stderr => &mut end.stderr,
                };
                let room = keep.saturating_sub(kept.len());
                end.cut |= data.len() > room;
                kept.extend_from_slice(&data[..data.len().min(room)]);
            }
            Part::Record(_, b'c', digits) => relays.extend(digits.parse::<i64>()),
            Part::Record(_, b'g', digits) => *group = digits.parse().ok(),
            Part::Record(_, b'x', digits) => *code = digits.parse().ok(),
            Part::Record(_, b'e', _) => *errors_ended = true,
            Part::Record(_, b'z', _) => *closed = true,
            Part::Record(..) => {}
        });
        if self.code.is_some() && self.errors_ended && !self.closed && self.next.is_empty() {
            let now = Instant::now();
            self.next = vec![
                (now + LINGER, Step::CloseOutput),
                (now + LINGER + LAST, Step::GiveUp),
            ];
        }
    }
}
