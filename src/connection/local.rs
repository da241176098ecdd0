//! Programs of this computer as pipes.

use super::shell::Stream;
use super::ssh::Road;
use super::wire::{PIECES, Piece, Pipes};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

/// How long a program's streams may stay open after it has ended.
const LINGER: Duration = Duration::from_millis(500);

/// Starts `sh -c command` in a session of its own, so that Ctrl-C at the terminal does not reach it.
///
/// # Errors
/// What the system says when the program cannot be started.
pub fn spawn(command: &str) -> std::io::Result<Pipes> {
    let mut child = program(&["setsid", "/bin/sh", "-c", command])
        .spawn()
        .or_else(|_| program(&["/bin/sh", "-c", command]).process_group(0).spawn())?;
    let missing = || std::io::Error::other("a pipe is missing");
    let input = child.stdin.take().ok_or_else(missing)?;
    let output = child.stdout.take().ok_or_else(missing)?;
    let errors = child.stderr.take().ok_or_else(missing)?;
    let (sender, pieces) = mpsc::channel(PIECES);
    tokio::spawn(pump(child, output, errors, sender));
    Ok(Pipes {
        input: Box::pin(input),
        pieces,
    })
}

fn program(words: &[&str]) -> Command {
    let mut command = Command::new(words[0]);
    command
        .args(&words[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Starts a program whose standard input and output are the connection to a server (`ProxyCommand`); what
/// it writes to standard error is kept in `complaint`.
///
/// # Errors
/// What the system says when the program cannot be started.
pub fn proxy(command: &str, complaint: Arc<Mutex<String>>) -> std::io::Result<impl Road + use<>> {
    let mut child = program(&["/bin/sh", "-c", &format!("exec {command}")])
        .process_group(0)
        .spawn()?;
    let missing = || std::io::Error::other("a pipe is missing");
    let input = child.stdin.take().ok_or_else(missing)?;
    let output = child.stdout.take().ok_or_else(missing)?;
    let mut errors = child.stderr.take().ok_or_else(missing)?;
    tokio::spawn(async move {
        let mut buffer = vec![0; 4096];
        while let Ok(read @ 1..) = errors.read(&mut buffer).await {
            let mut said = complaint.lock().unwrap_or_else(PoisonError::into_inner);
            if said.len() < 4096 {
                said.push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
        }
        // Its exit status says nothing that the connection has not said.
        let _ = child.wait().await;
    });
    Ok(tokio::io::join(output, input))
}

/// Moves output until the program and both streams have ended, or until nobody listens any more.
async fn pump(
    mut child: Child,
    output: impl AsyncRead + Unpin,
    errors: impl AsyncRead + Unpin,
    sender: mpsc::Sender<Piece>,
) {
    let streams = async {
        tokio::join!(
            forward(output, Stream::Stdout, &sender),
            forward(errors, Stream::Stderr, &sender)
        )
    };
    tokio::pin!(streams);
    // A process in the background may hold the streams open long after the program has ended.
    tokio::select! {
        _ = &mut streams => {}
        _ = child.wait() => {
            let _ = tokio::time::timeout(LINGER, streams).await;
        }
        () = sender.closed() => {}
    }
    let code = child.wait().await.ok().and_then(|status| status.code());
    // Nobody may be listening any more; then there is nobody to tell.
    let _ = sender.send(Piece::Ended(code)).await;
}

async fn forward(mut from: impl AsyncRead + Unpin, stream: Stream, sender: &mpsc::Sender<Piece>) {
    let mut buffer = vec![0; 32 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if sender
            .send(Piece::Bytes(stream, buffer[..read].to_vec()))
            .await
            .is_err()
        {
            return;
        }
    }
}
