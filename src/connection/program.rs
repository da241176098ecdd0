//! A program of ours on a host that goes on for the run: it takes the place of an `sh` of its own, so that its standard input and
//! output are the way to it.

use super::failure::Failure;
use super::shell::Shell;
use super::wire::{Piece, Wire};
use tokio_util::sync::CancellationToken;

/// A program that goes on. Dropping it closes its standard input, by which it has to end.
pub struct Program {
    wire: Wire,
    gone: CancellationToken,
}

impl Shell {
    /// Starts a program; `command` is shell text that can stand behind `exec`. Nothing may be sent before the program has said
    /// something: the shell might read it.
    ///
    /// # Errors
    /// All that keeps a shell from starting.
    pub async fn program(&self, command: &str) -> Result<Program, Failure> {
        let gone = self.pool.gone();
        let lease = self.pool.lease(true).await?;
        let host = lease.host().to_string();
        let mut wire = lease.keep().ok_or_else(|| Failure::lost(&host))?;
        wire.send(format!("exec {command}\n").as_bytes()).await?;
        Ok(Program { wire, gone })
    }
}

impl Program {
    /// Writes to its standard input. What it says meanwhile is kept.
    ///
    /// # Errors
    /// It has ended, or its connection.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.wire.send(bytes).await
    }

    /// What it says next; nothing once it is gone. Cancelling loses nothing.
    pub async fn next(&mut self) -> Option<Piece> {
        self.wire.next().await
    }

    /// What is told of it when nothing more comes.
    pub fn lost(&self) -> Failure {
        Failure::lost(self.wire.host())
    }

    /// Cancelled when the connection is to be closed: then it should end as soon as it has nothing to do.
    pub fn gone(&self) -> CancellationToken {
        self.gone.clone()
    }
}
