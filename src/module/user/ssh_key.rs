//! The key for SSH that `user` makes for an account.

use super::super::blockinfile::State;
use super::super::{Outcome, Stop, View};
use super::Arguments;
use crate::host::{Account, Question, Resource, apart, inside, quote};

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
    ///
    /// The account may exchange whatever is in its home: folders are entered one by one, none by a link, and the key is made where only
    /// we can go, and is linked to its place if nothing is there; with `force` what is there is taken away before.
    pub(super) fn key(&self, here: Option<&Account>, view: &View<'_>) -> Result<String, Stop> {
        if !self.generate_ssh_key {
            return Ok(String::new());
        }
        let name = quote(&self.name);
        if let (Some(account), false, false) = (here, self.ssh_key_file.starts_with('/'), self.force)
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
        let (folders, file) = self
            .ssh_key_file
            .rsplit_once('/')
            .unwrap_or(("", &self.ssh_key_file));
        let enter = match self.ssh_key_file.starts_with('/') {
            true => format!(
                "mkdir -p -- {0} && cd -P -- {0} && place",
                quote(&format!("{folders}/"))
            ),
            false => {
                let steps = folders.split('/').filter(|part| !part.is_empty() && *part != ".");
                let steps: String = steps.map(|part| format!("into {} ", quote(part))).collect();
                format!("cd -P -- \"$h\" && {steps}place")
            }
        };
        let file = quote(file);
        // Anybody may read the arguments of a program: a passphrase goes another way.
        let (asked, open) = match &self.ssh_key_passphrase {
            None => (String::new(), " -N ''"),
            Some(passphrase) => (
                format!(
                    "printf '%s\\n' '#!/bin/sh' 'printf \"%s\\n\" \"$K\"' >./ask && chmod 700 ./ask && K={} SSH_ASKPASS=./ask SSH_ASKPASS_REQUIRE=force DISPLAY=: ",
                    quote(passphrase)
                ),
                "",
            ),
        };
        // What lies in the way is taken away itself, not what a link there leads to.
        let before = match self.force {
            true => format!("rm -f -- ./{file} ./{file}.pub && "),
            false => format!("[ -e ./{file} ] || "),
        };
        Ok(format!(
            "h=$(getent passwd {name} | cut -d: -f6) && g=$(id -g {name}) && (\n{}{}\
             into() {{ p=$1; shift; if [ -d \"./$p\" ]; then inside \"$p\" \"$@\"; else (umask 077; mkdir -- \"./$p\") && inside \"$p\" own \"$@\"; fi; }}\n\
             own() {{ chown {name}:\"$g\" . && \"$@\"; }}\n\
             place() {{ {before}apart make; }}\n\
             make() {{ {asked}ssh-keygen -q -t {}{bits} -C {comment}{open} -f ./key && chown {name}:\"$g\" ./key ./key.pub && \
             ln -T -- ./key ../{file} && ln -T -- ./key.pub ../{file}.pub; }}\n\
             {enter} )",
            inside(),
            apart(),
            quote(&self.ssh_key_type)
        ))
    }
}
