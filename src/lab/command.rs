//! Runs programs of this computer and turns their failures into errors.

use crate::error::{Error, Result};
use crate::words::quote;
use std::io::Write;
use std::process::{Command, Output, Stdio};

/// Runs a program to its end and gives what it printed.
///
/// # Errors
/// The program is missing or failed; the command line and its last words are in the error.
pub fn run(line: &[&str]) -> Result<String> {
    with_input(line, "")
}

/// Like [`run`], with a text on its standard input.
///
/// # Errors
/// As [`run`].
pub fn with_input(line: &[&str], input: &str) -> Result<String> {
    let output = output(line, input)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(failed(line, &output))
}

/// True if the program ended well; what it printed is dropped.
pub fn succeeds(line: &[&str]) -> bool {
    output(line, "").is_ok_and(|output| output.status.success())
}

/// Runs a program and gives its outcome, good or bad.
///
/// # Errors
/// The program could not be started.
pub fn output(line: &[&str], input: &str) -> Result<Output> {
    let unable =
        |cause: std::io::Error| Error::new(format!("`{}` could not be run", shown(line))).cause(cause);
    let mut child = Command::new(line[0])
        .args(&line[1..])
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(unable)?;
    if let Some(mut pipe) = child.stdin.take() {
        // A program that does not read its input says itself what is wrong.
        let _ = pipe.write_all(input.as_bytes());
    }
    child.wait_with_output().map_err(unable)
}

/// The error of a program that ended badly.
fn failed(line: &[&str], output: &Output) -> Error {
    let words = String::from_utf8_lossy(&output.stderr);
    let words = if words.trim().is_empty() {
        String::from_utf8_lossy(&output.stdout)
    } else {
        words
    };
    let lines: Vec<&str> = words.trim().lines().collect();
    let last = lines[lines.len().saturating_sub(8)..].join("\n");
    let error = Error::new(format!("`{}` failed ({})", shown(line), output.status));
    if last.is_empty() { error } else { error.cause(last) }
}

/// The command line as a person would type it.
fn shown(line: &[&str]) -> String {
    line.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ")
}

/// True if a program of this name lies on the path.
pub fn exists(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/sbin:/usr/bin:/sbin:/bin".into());
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_shows_the_line_and_the_last_words() {
        let error = run(&["sh", "-c", "echo first >&2; echo 'no such thing' >&2; exit 3"]).unwrap_err();
        assert!(error.message().contains("exit status: 3"), "{error}");
        assert!(error.line().ends_with("first\nno such thing"), "{error}");
        assert!(
            run(&["no-such-program"])
                .unwrap_err()
                .line()
                .contains("No such file")
        );
    }

    #[test]
    fn input_arrives_and_output_comes_back() {
        assert_eq!(with_input(&["cat"], "text").unwrap(), "text");
        assert!(exists("sh") && !exists("no-such-program"));
        assert!(succeeds(&["true"]) && !succeeds(&["false"]));
    }
}
