//! Questions to the person at the terminal of this process.

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use std::io::{BufRead, Write};

/// Asks at the terminal of this process, with `hidden` without showing what is typed; nothing if there is none.
pub fn ask(question: &str, hidden: bool) -> Option<String> {
    let mut terminal = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/tty")
        .ok()?;
    let before = tcgetattr(&terminal).ok()?;
    if hidden {
        let mut silent = before.clone();
        silent.local_modes -= LocalModes::ECHO;
        tcsetattr(&terminal, OptionalActions::Flush, &silent).ok()?;
    }
    let mut line = String::new();
    let read = terminal
        .write_all(question.as_bytes())
        .and_then(|()| std::io::BufReader::new(&terminal).read_line(&mut line));
    if hidden {
        // The terminal is given back as it was, whatever came of the question.
        let _ = tcsetattr(&terminal, OptionalActions::Now, &before);
        let _ = terminal.write_all(b"\n");
    }
    read.ok().filter(|read| *read > 0)?;
    Some(line.trim_end_matches(['\r', '\n']).to_string())
}
