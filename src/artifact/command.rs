//! Running the few programs of this computer that this room needs: tar, gzip, go, a C compiler, apt.

use crate::error::{Error, Result};
use std::process::{ExitStatus, Stdio};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

/// A command that ends with this process, however it ends.
pub fn command(program: &str) -> Command {
    let mut command = match which("setpriv") {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL", "--", program]);
            command
        }
        None => Command::new(program),
    };
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Path of a program, if it is on PATH.
pub fn which(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// Runs a command to its end; its standard output. A failure shows the last lines of what it said.
pub async fn output(command: &mut Command, purpose: &str) -> Result<String> {
    output_told(command, purpose, &|_| {}).await
}

/// As [`output`]; each line of standard error is handed out as it comes.
pub async fn output_told(
    command: &mut Command,
    purpose: &str,
    tell: &(dyn Fn(&str) + Sync),
) -> Result<String> {
    let mut said = String::new();
    let done = watched(command, |line| {
        tell(line);
        said.push_str(line);
        said.push('\n');
    });
    let (status, printed) = done
        .await
        .map_err(|error| Error::new(format!("cannot {purpose}")).cause(error))?;
    if status.success() {
        return Ok(String::from_utf8_lossy(&printed).into_owned());
    }
    Err(Error::new(format!("cannot {purpose}"))
        .cause(status)
        .cause(tail(&said, 20)))
}

/// Runs a command to its end: how it ended, and its standard output. Each line of standard error is handed out as it
/// comes.
pub async fn watched(
    command: &mut Command,
    mut said: impl FnMut(&str),
) -> std::io::Result<(ExitStatus, Vec<u8>)> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let printed = async {
        let mut printed = vec![];
        match stdout {
            Some(mut stdout) => stdout.read_to_end(&mut printed).await.map(|_| printed),
            None => Ok(printed),
        }
    };
    let lines = async {
        let Some(stderr) = stderr else { return Ok(()) };
        let (mut stderr, mut line) = (BufReader::new(stderr), vec![]);
        // Compilers need not speak UTF-8.
        while stderr.read_until(b'\n', &mut line).await? > 0 {
            said(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']));
            line.clear();
        }
        Ok(())
    };
    let (printed, ()) = tokio::try_join!(printed, lines)?;
    Ok((child.wait().await?, printed))
}

/// Runs a command whose standard output becomes a file; the file does not stay if it fails.
pub async fn into_file(command: &mut Command, to: &std::path::Path, purpose: &str) -> Result<()> {
    let problem = || Error::new(format!("cannot {purpose}"));
    let out = std::fs::File::create(to).map_err(|error| problem().cause(error))?;
    let child = command.stdout(out).stderr(Stdio::piped()).spawn();
    let done = child
        .map_err(|error| problem().cause(error))?
        .wait_with_output()
        .await;
    let done = done.map_err(|error| problem().cause(error))?;
    if done.status.success() {
        return Ok(());
    }
    let _ = std::fs::remove_file(to);
    Err(problem().cause(tail(&String::from_utf8_lossy(&done.stderr), 20)))
}

/// The last lines of a text.
pub fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.trim_end().lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failing_command_shows_what_it_said() {
        let mut failing = command("sh");
        failing.args(["-c", "echo no >&2; exit 3"]);
        let error = output(&mut failing, "try").await.unwrap_err().to_string();
        assert_eq!(error, "error: cannot try\n  cause: exit status: 3\n  cause: no\n");
    }

    #[test]
    fn a_tail_is_the_end() {
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc");
        assert_eq!(tail("", 2), "");
    }
}
