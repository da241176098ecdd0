//! What `user` tells of an account, and what the account is after its commands.

use super::super::Outcome;
use super::super::blockinfile::State;
use super::Arguments;
use crate::host::Account;
use crate::value::Value;

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
            return outcome.with("force", self.force).with("remove", self.remove);
        }
        let text = |text: Option<&str>| text.map(Value::string).or(unknown.clone()).unwrap_or_default();
        let number = |number: Option<u32>| match number {
            Some(number) => Value::Int(number.into()),
            None => unknown.clone().unwrap_or_default(),
        };
        outcome
            .with("append", self.append)
            .with("create_home", self.create_home)
            .with("move_home", self.move_home)
            .with("system", self.system)
            .with("uid", number(account.map(|account| account.uid).or(self.uid)))
            .with("group", number(account.map(|account| account.gid)))
            .with(
                "groups",
                self.groups
                    .as_ref()
                    .map_or(Value::string(""), |groups| groups.join(",").into()),
            )
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
            )
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
