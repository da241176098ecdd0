//! The key for SSH that `user` makes for an account.

use super::super::blockinfile::State;
use super::super::{Outcome, Stop, View};
use super::Arguments;
use crate::host::{Account, Question, Resource, quote};

impl Arguments {
    /// The result with what there is to say of the key that was asked for.
    pub(super) fn with_key(
        &self,
        outcome: Outcome,
        account: Option<&Account>,
        view: &View<'_>,
    ) -> Result<Outcome, Stop> {
        if !self.generate_ssh_key || self.state == State::Absent {
            return Ok(outcome);
        }
        let Some(account) = account else {
            let unknown = view.unknown();
            return Ok(["ssh_key_file", "ssh_public_key", "ssh_fingerprint"]
                .into_iter()
                .fold(outcome, |outcome, name| outcome.with(name, unknown.clone())));
        };
        let path = match self.ssh_key_file.starts_with('/') {
            true => self.ssh_key_file.clone(),
            false => format!("{}/{}", account.home, self.ssh_key_file),
        };
        let public = format!("{path}.pub");
        let script = format!("ssh-keygen -lf {}", quote(&public));
        view.note(Question::Content {
            path: public.clone(),
            limit: 1 << 16,
        });
        let print = view.probe(&script, &[Resource::Path(public.clone())])?.text();
        let content = view.content(&public, 1 << 16)?.unwrap_or_default();
        Ok(outcome
            .with("ssh_key_file", path)
            .with("ssh_public_key", String::from_utf8_lossy(&content).trim_end())
            .with("ssh_fingerprint", print.trim_end()))
    }

    /// The commands that make the key if it is not there; the home folder may only be known to the host.
    pub(super) fn key(&self, here: Option<&Account>, view: &View<'_>) -> Result<String, Stop> {
        if !self.generate_ssh_key {
            return Ok(String::new());
        }
        let name = quote(&self.name);
        if let (Some(account), false) = (here, self.ssh_key_file.starts_with('/'))
            && view
                .stat(&format!("{}/{}", account.home, self.ssh_key_file), true)?
                .is_some()
        {
            return Ok(String::new());
        }
        let bits = self
            .ssh_key_bits
            .map_or(String::new(), |bits| format!(" -b {bits}"));
        let comment = match &self.ssh_key_comment {
            Some(comment) => quote(comment),
            None => "\"ansible-generated on $(uname -n)\"".into(),
        };
        let file = match self.ssh_key_file.starts_with('/') {
            true => quote(&self.ssh_key_file),
            false => format!("\"$h\"/{}", quote(&self.ssh_key_file)),
        };
        Ok(format!(
            "h=$(getent passwd {name} | cut -d: -f6); g=$(id -g {name}); f={file}; [ -e \"$f\" ] || {{ \
             (umask 077; mkdir -p \"${{f%/*}}\") && ssh-keygen -q -t {}{bits} -C {comment} -N '' -f \"$f\" && \
             chown {name}:\"$g\" \"${{f%/*}}\" \"$f\" \"$f.pub\"; }}",
            quote(&self.ssh_key_type)
        ))
    }
}
