//! What `user` tells of an account, and what the account is after its commands.

use super::super::Outcome;
use super::super::blockinfile::State;
use super::super::returns::Returns;
use super::Arguments;
use crate::host::{Account, Output};
use crate::value::Value;

/// What the commands that make an account print first.
pub(super) const NEW: &str = "new account";

/// What is told of an account.
pub(super) const RETURNS: &[Returns] = &[&[
    ("name", "The account."),
    ("state", "`present` or `absent`."),
    ("uid", "Its number."),
    ("group", "Number of its primary group."),
    (
        "groups",
        "Its other groups as they were asked for, with commas between.",
    ),
    ("comment", "Its comment."),
    ("home", "Its home folder."),
    ("shell", "Its login shell."),
    ("password", "`NOT_LOGGING_PASSWORD`, if there is one to be set."),
    (
        "create_home",
        "Of a new account: whether its home folder is made.",
    ),
    (
        "system",
        "Of a new account: whether it was to get a number of the system.",
    ),
    (
        "append",
        "Of an account that was there: whether it stays in other groups.",
    ),
    (
        "move_home",
        "Of an account that was there: whether its files move with its home folder.",
    ),
    ("force", "Of an account that goes: whether it may be logged in."),
    (
        "remove",
        "Of an account that goes: whether its home folder goes too.",
    ),
    (
        "warnings",
        "That the password seems to be no digest, if it is so.",
    ),
    ("ssh_key_file", "The key, with `generate_ssh_key`."),
    ("ssh_fingerprint", "Fingerprint of the key."),
    ("ssh_public_key", "Public part of the key."),
    ("stdout", "What the commands printed, if anything."),
    ("stdout_lines", "Its lines."),
    ("stderr", "What the commands said to standard error, if anything."),
    ("stderr_lines", "Its lines."),
]];

impl Arguments {
    /// What the result tells of the account; `unknown` stands for what only the host knows.
    pub(super) fn describe(&self, account: Option<&Account>, unknown: Option<Value>) -> Outcome {
        let outcome = Outcome::new().with("name", self.name.as_str()).with(
            "state",
            if self.state == State::Absent {
                "absent"
            } else {
                "present"
            },
        );
        if self.state == State::Absent {
            return outcome;
        }
        let text = |text: Option<&str>| text.map(Value::string).or(unknown.clone()).unwrap_or_default();
        let number = |number: Option<u32>| match number {
            Some(number) => Value::Int(number.into()),
            None => unknown.clone().unwrap_or_default(),
        };
        let outcome = outcome
            .with("uid", number(account.map(|account| account.uid).or(self.uid)))
            .with("group", number(account.map(|account| account.gid)))
            .with(
                "comment",
                text(
                    account
                        .map(|account| account.comment.as_str())
                        .or(self.comment.as_deref()),
                ),
            )
            .with(
                "home",
                text(
                    account
                        .map(|account| account.home.as_str())
                        .or(self.home.as_deref()),
                ),
            )
            .with(
                "shell",
                text(
                    account
                        .map(|account| account.shell.as_str())
                        .or(self.shell.as_deref()),
                ),
            );
        let outcome = match self.groups.as_deref() {
            None | Some([]) => outcome,
            Some(groups) => outcome.with("groups", groups.join(",")),
        };
        let warnings = self.warnings();
        let outcome = match warnings.is_empty() {
            true => outcome,
            false => outcome.with("warnings", Value::list(warnings)),
        };
        match self.password() {
            Some(password) if !password.is_empty() => outcome.with("password", "NOT_LOGGING_PASSWORD"),
            _ => outcome,
        }
    }

    /// What is told of an account that was not there before.
    pub(super) fn of_new(&self, outcome: Outcome) -> Outcome {
        match self.state {
            State::Absent => outcome,
            State::Present => outcome
                .with("create_home", self.create_home)
                .with("system", self.system),
        }
    }

    /// What is told of an account that was there before.
    pub(super) fn of_old(&self, outcome: Outcome) -> Outcome {
        match self.state {
            State::Absent => outcome.with("force", self.force).with("remove", self.remove),
            State::Present => outcome
                .with("append", self.append)
                .with("move_home", self.move_home),
        }
    }

    /// What the commands printed, and what hangs on whether they made the account.
    pub(super) fn after_commands(&self, outcome: Outcome, output: &Output) -> Outcome {
        let text = output.text();
        let (mut outcome, stdout) = match text.strip_prefix(NEW) {
            Some(rest) => (self.of_new(outcome), rest.trim_start_matches('\n')),
            None => (self.of_old(outcome), text.as_str()),
        };
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        for (name, lines, text) in [
            ("stdout", "stdout_lines", stdout),
            ("stderr", "stderr_lines", stderr.as_str()),
        ] {
            if !text.is_empty() {
                let all = Value::list(text.lines().map(Value::string));
                outcome = outcome.with(name, text).with(lines, all);
            }
        }
        outcome
    }

    /// The account as it is after the commands, as far as that can be told.
    pub(super) fn after(&self, here: Option<&Account>) -> Option<Account> {
        if self.state == State::Absent {
            return None;
        }
        let mut account = here.cloned().unwrap_or_default();
        account.uid = self.uid.unwrap_or(account.uid);
        for (field, wanted) in [
            (&mut account.comment, &self.comment),
            (&mut account.home, &self.home),
            (&mut account.shell, &self.shell),
        ] {
            if let Some(wanted) = wanted {
                field.clone_from(wanted);
            }
        }
        if account.groups.is_empty() {
            account
                .groups
                .push(self.group.clone().unwrap_or_else(|| self.name.clone()));
        }
        let wanted = self.groups.iter().flatten();
        if self.groups.is_some() && !self.append {
            account.groups.truncate(1);
        }
        let missing: Vec<String> = wanted
            .filter(|group| !account.groups.contains(group))
            .cloned()
            .collect();
        account.groups.extend(missing);
        Some(account)
    }
}
