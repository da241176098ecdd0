//! Becoming another user: the command for it, and the talk about the password.

use super::failure::{Failure, FailureKind};
use super::frame::{Nonce, Parser, Part};
use super::shell::Stream;
use super::target::{Become, Method};
use super::wire::{LONGEST_GREETING, Piece, Pipes};
use crate::words::quote;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// How long the program may take until it asks or starts the shell; directories may be slow to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts an `sh` as another user. Nothing is sent before the program asks for the password or the shell
/// says that it runs: the program would take it for the password.
pub struct Dialogue<'a> {
    other: &'a Become,
    host: &'a str,
    login: &'a str,
    nonce: Nonce,
}

impl<'a> Dialogue<'a> {
    /// For becoming `other` on `host` after logging in as `login`.
    pub fn new(other: &'a Become, host: &'a str, login: &'a str) -> Result<Dialogue<'a>, Failure> {
        let dialogue = Dialogue {
            other,
            host,
            login,
            nonce: Nonce::fresh().map_err(|error| Failure::here("no random bytes", &error))?,
        };
        if other.method == Method::Doas && other.password.is_some() {
            return Err(Failure::new(
                FailureKind::BecomePassword,
                format!("doas on {host} reads its password from a terminal only, and there is none"),
                format!(
                    "put `permit nopass {login} as {}` into /etc/doas.conf there, or use `become_method: sudo`",
                    other.user
                ),
            ));
        }
        Ok(dialogue)
    }

    /// The command, as text that every login shell understands.
    pub fn command(&self) -> String {
        let Become { method, user, .. } = self.other;
        let nonce = self.nonce.text();
        let program = quote(self.other.exe.as_deref().unwrap_or(method.name()));
        let asks = self.other.password.is_some();
        let given = self.other.flags.as_deref().unwrap_or(match method {
            Method::Sudo => "-H",
            Method::Su | Method::Doas => "",
        });
        let mut words: Vec<String> = vec!["exec".into(), program];
        let flags =
            shlex::split(given).unwrap_or_else(|| given.split_whitespace().map(String::from).collect());
        let kept = flags.iter().filter(|flag| !matches!(flag.as_str(), "-n" | "-S"));
        words.extend(kept.map(|flag| quote(flag)));
        let user = quote(user);
        let start = format!("'printf %s \"{nonce}r;\"; exec /bin/sh'");
        match method {
            Method::Sudo if asks => words.push(format!("-S -p '{nonce}p;' -u {user} -- /bin/sh -c {start}")),
            Method::Sudo => words.push(format!("-n -u {user} -- /bin/sh -c {start}")),
            Method::Doas => words.push(format!("-n -u {user} /bin/sh -c {start}")),
            Method::Su => words.push(format!("{user} -c {start}")),
        }
        words.join(" ")
    }

    /// Talks until the shell runs.
    ///
    /// # Errors
    /// A password that is missing or wrong, and all else the program complains about.
    pub async fn hold(&self, pipes: Pipes) -> Result<Pipes, Failure> {
        match tokio::time::timeout(PATIENCE, self.talk(pipes)).await {
            Ok(result) => result,
            Err(_) => Err(self.refused(&format!("no answer in {} seconds", PATIENCE.as_secs()))),
        }
    }

    async fn talk(&self, mut pipes: Pipes) -> Result<Pipes, Failure> {
        let mut parser = Parser::new(self.nonce);
        let mut sent = false;
        let mut said = Vec::new();
        loop {
            let (stream, bytes) = match pipes.pieces.recv().await {
                Some(Piece::Bytes(stream, bytes)) => (stream, bytes),
                Some(Piece::Ended(_)) | None => return Err(self.ended(sent, &said)),
            };
            let (mut asked, mut ready) = (false, false);
            parser.push(stream, &bytes, &mut |part| match part {
                Part::Record(_, b'p', _) => asked = true,
                Part::Record(_, b'r', _) => ready = true,
                _ => {}
            });
            if ready {
                return Ok(pipes);
            }
            if stream == Stream::Stderr {
                if said.len() + bytes.len() > LONGEST_GREETING {
                    let text = format!("it wrote more than {LONGEST_GREETING} bytes and started no shell");
                    return Err(self.refused(&text));
                }
                said.extend_from_slice(&bytes);
                asked |= self.other.method == Method::Su && asks(&said);
            }
            if asked {
                if sent {
                    return Err(self.wrong());
                }
                let Some(password) = &self.other.password else {
                    return Err(self.missing());
                };
                let line = format!("{}\n", password.reveal());
                // If the program has gone, what it said is read next.
                let _ = pipes.input.write_all(line.as_bytes()).await;
                let _ = pipes.input.flush().await;
                sent = true;
                said.clear();
            }
        }
    }

    fn ended(&self, sent: bool, said: &[u8]) -> Failure {
        let text = String::from_utf8_lossy(said).replace(self.nonce.text(), "");
        let wants = [
            "password is required",
            "no password",
            "terminal is required",
            "Authentication required",
        ];
        let denies = [
            "ncorrect password",
            "Authentication failure",
            "incorrect password",
        ];
        if sent && (denies.iter().any(|sign| text.contains(sign)) || text.trim().is_empty()) {
            self.wrong()
        } else if !sent && wants.iter().any(|sign| text.contains(sign)) {
            self.missing()
        } else {
            self.refused(text.trim())
        }
    }

    fn wrong(&self) -> Failure {
        let Become { method, user, .. } = self.other;
        let (name, host, login) = (method.name(), self.host, self.login);
        let whose = if *method == Method::Su { user } else { login };
        Failure::new(
            FailureKind::BecomePassword,
            format!("Incorrect {name} password: {name} on {host} does not let {login} become {user}"),
            format!(
                "give the password of {whose} with --ask-become-pass (-K) or as `ansible_become_password`"
            ),
        )
    }

    fn missing(&self) -> Failure {
        let Become { method, user, .. } = self.other;
        let (name, host, login) = (method.name(), self.host, self.login);
        Failure::new(
            FailureKind::BecomePassword,
            format!("{name} on {host} wants a password before {login} becomes {user}, and none was given"),
            "add --ask-become-pass (-K), or set `ansible_become_password` in a vault file",
        )
    }

    fn refused(&self, text: &str) -> Failure {
        let Become { method, user, .. } = self.other;
        let (name, host, login) = (method.name(), self.host, self.login);
        let text = if text.is_empty() {
            "it gave no reason"
        } else {
            text
        };
        let own = format!("{name}: ");
        let text = text.strip_prefix(&own).unwrap_or(text);
        Failure::new(
            FailureKind::BecomeRefused,
            format!("{name} on {host} does not let {login} become {user}: {text}"),
            format!("try it by hand there: `{}`", self.by_hand()),
        )
    }

    fn by_hand(&self) -> String {
        let user = quote(&self.other.user);
        let program = self.other.exe.as_deref().unwrap_or(self.other.method.name());
        match self.other.method {
            Method::Su => format!("{program} {user} -c id"),
            Method::Sudo | Method::Doas => format!("{program} -u {user} id"),
        }
    }
}

/// True if the text ends like the question of `su` for a password, in whatever language.
fn asks(said: &[u8]) -> bool {
    let text = String::from_utf8_lossy(said);
    text.trim_end().ends_with([':', '：'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::target::Secret;

    fn other(method: Method, password: Option<&str>, flags: Option<&str>) -> Become {
        Become {
            method,
            user: "root".into(),
            password: password.map(Secret::new),
            flags: flags.map(str::to_string),
            exe: None,
        }
    }

    #[test]
    fn the_command_never_waits_for_a_terminal() {
        let asked = other(Method::Sudo, Some("secret"), Some("-H -S -n"));
        let dialogue = Dialogue::new(&asked, "web", "deploy").unwrap();
        let nonce = dialogue.nonce.text();
        assert_eq!(
            dialogue.command(),
            format!(
                "exec sudo -H -S -p '{nonce}p;' -u root -- /bin/sh -c 'printf %s \"{nonce}r;\"; exec /bin/sh'"
            )
        );
        let silent = other(Method::Sudo, None, None);
        let command = Dialogue::new(&silent, "web", "deploy").unwrap().command();
        assert!(
            command.starts_with("exec sudo -H -n -u root -- /bin/sh -c "),
            "{command}"
        );
    }

    #[test]
    fn doas_with_a_password_is_refused_with_its_cure() {
        let asked = other(Method::Doas, Some("secret"), None);
        let failure = Dialogue::new(&asked, "web", "deploy").err().unwrap();
        assert_eq!(
            failure.message,
            "doas on web reads its password from a terminal only, and there is none"
        );
        assert_eq!(
            failure.cure,
            "put `permit nopass deploy as root` into /etc/doas.conf there, or use `become_method: sudo`"
        );
    }
}
