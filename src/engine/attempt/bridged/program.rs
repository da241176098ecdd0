//! Modules in other languages: a file that is put on the host and run there, with a file of arguments.

use super::{Attempt, Broken, Done, ForeignWork, Ran, Stopped};
use crate::bridge::{JSON_MARK, Style, VERSION, as_json, as_pairs};
use crate::connection::Shell;
use crate::content::digest_of;
use crate::engine::attempt::perform;
use crate::error::Error;
use crate::host::{Command, quote};
use crate::module::ASYNC_FOLDER;
use crate::value::Map;
use crate::words::quote_bytes;

/// The exit status of the question for a module that is not on the host.
const ABSENT: i32 = 217;

impl Attempt<'_> {
    pub(super) async fn program(
        &self,
        work: &ForeignWork<'_>,
        shell: &Shell,
        arguments: &Map,
        done: &mut Done,
    ) -> Result<Ran, Stopped> {
        self.may_run(work.module, None)?;
        let text = std::fs::read(&work.module.path).map_err(|error| {
            let path = work.module.path.display();
            Error::new(format!("cannot read the module {path}")).cause(error)
        })?;
        let interpreter = match (work.module.style, Self::written_interpreter(work)) {
            (_, Some(interpreter)) => interpreter,
            (Style::Binary, None) => String::new(),
            (_, None) => {
                let error = Error::new(format!("the module {} names no interpreter", work.module.name));
                let path = work.module.path.display();
                return Err(error.cause(format!("{path} begins with no `#!`")).into());
            }
        };
        let program = Program {
            folder: folder(work.remote_tmp),
            text,
            interpreter,
            work,
        };
        let action = self.begin_foreign(shell, done).await?;
        let ran = self.run_program(&program, shell, arguments).await;
        self.end_foreign(&action);
        ran
    }

    async fn run_program(
        &self,
        program: &Program<'_, '_>,
        shell: &Shell,
        arguments: &Map,
    ) -> Result<Ran, Stopped> {
        let situation = self.situation(program.work, VERSION);
        let module = program.work.module;
        let (body, given) = match module.style {
            Style::JsonArgs => (with_json(&program.text, &as_json(arguments, &situation)), None),
            Style::Old => (program.text.clone(), Some(as_pairs(arguments, &situation))),
            _ => (program.text.clone(), Some(as_json(arguments, &situation))),
        };
        let script = program.script(&body, given.as_deref(), self.command.background.as_deref());
        let command = Command {
            script,
            environment: self.command.environment.clone(),
            timeout: self.command.timeout,
            background: self.command.background.clone(),
            ..Command::default()
        };
        self.put(program, shell, &body).await?;
        let performed = perform::run(shell, &command, "", &|_, _| {}, self.cancel).await?;
        if performed.timed_out {
            return Err(Stopped::TimedOut(self.command.timeout.unwrap_or_default()));
        }
        let output = performed.output;
        Ok(match self.command.background.is_some() {
            true => Ran::Started,
            false => Ran::Ended {
                stdout: output.stdout,
                stderr: output.stderr,
                code: output.code.into(),
            },
        })
    }

    /// Puts the module on the host if it is not there. What holds arguments is not kept: it goes along with the run.
    async fn put(&self, program: &Program<'_, '_>, shell: &Shell, body: &[u8]) -> Result<(), Stopped> {
        if program.work.module.style == Style::JsonArgs {
            return Ok(());
        }
        let there = shell
            .ask(&program.is_there(body))
            .await
            .map_err(Broken::Connection)?;
        if there.code == 0 {
            return Ok(());
        }
        if there.code != ABSENT {
            let said = String::from_utf8_lossy(&there.stderr).into_owned();
            return Err(Broken::Action(said.trim_end().to_string()).into());
        }
        let script = program.keep(body);
        let kept = shell.feed(&script, body.len() as u64, &mut &body[..]).await;
        let kept = kept.map_err(Broken::Connection)?;
        match kept.code {
            0 => Ok(()),
            _ => {
                let said = String::from_utf8_lossy(&kept.stderr).into_owned();
                let text = format!(
                    "could not put the module {} on the host: {said}",
                    program.work.module.name
                );
                Err(Broken::Action(text.trim_end().to_string()).into())
            }
        }
    }
}

/// A module with what it is run by.
struct Program<'a, 'w> {
    /// Shell text that sets `b` to the account's folder for modules, or ends.
    folder: String,
    text: Vec<u8>,
    /// Shell text; empty for a program that runs by itself.
    interpreter: String,
    work: &'a ForeignWork<'w>,
}

impl Program<'_, '_> {
    /// Shell text for the file of the module, below `b`.
    fn file(&self, body: &[u8]) -> String {
        let name = self.work.module.path.file_name().unwrap_or_default();
        format!(
            "\"$b\"/programs/{}/{}",
            digest_of(body),
            quote(&name.to_string_lossy())
        )
    }

    /// Shell text that ends with [`ABSENT`] if the module is not on the host as it is here.
    fn is_there(&self, body: &[u8]) -> String {
        format!(
            "{}\n[ -f {file} ] && [ \"$(sha256sum <{file})\" = '{digest}  -' ] || exit {ABSENT}",
            self.folder,
            file = self.file(body),
            digest = digest_of(body)
        )
    }

    /// Shell text that keeps its standard input as the module.
    fn keep(&self, body: &[u8]) -> String {
        format!(
            "{}\nf={}; mkdir -p \"${{f%/*}}\" && cat >\"$f.$$\" && [ \"$(sha256sum <\"$f.$$\")\" = '{}  -' ] && chmod 700 \"$f.$$\" && \
             mv -f \"$f.$$\" \"$f\"",
            self.folder,
            self.file(body),
            digest_of(body)
        )
    }

    /// Shell text that runs the module: its arguments stand in a file of a folder that goes with it.
    fn script(&self, body: &[u8], given: Option<&str>, job: Option<&str>) -> String {
        let mark = job.map(|job| format!(": >\"${{HOME:-/tmp}}\"/{ASYNC_FOLDER}/{job}/module\n"));
        let begin = format!(
            "{}{}\nw=$(mktemp -d \"$b/run.XXXXXX\") || exit\ntrap 'rm -rf \"$w\"' EXIT\ntrap 'exit 143' HUP TERM INT\n",
            mark.unwrap_or_default(),
            self.folder
        );
        let (put, file, words) = match given {
            Some(given) => (
                format!("printf %s {} >\"$w/arguments\"\n", quote(given)),
                self.file(body),
                " \"$w/arguments\"",
            ),
            None => {
                let text = quote_bytes(body);
                let text = String::from_utf8_lossy(&text).into_owned();
                (
                    format!("printf %s {text} >\"$w/module\" && chmod 700 \"$w/module\"\n"),
                    "\"$w/module\"".to_string(),
                    "",
                )
            }
        };
        // Another run may have removed it since it was put there.
        format!(
            "{begin}{put}[ -f {file} ] || {{ echo 'the module has vanished from the host' >&2; exit 1; }}\n\
             {} {file}{words} </dev/null",
            self.interpreter
        )
    }
}

/// Shell text that sets `b` to the folder of this account's modules, which it alone may enter, or ends with a sentence.
fn folder(remote_tmp: &str) -> String {
    let path = match remote_tmp.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("\"$h\"{}", quote(rest)),
        _ => quote(remote_tmp),
    };
    let home = "u=$(id -un); case $u in *[!A-Za-z0-9._-]*) h=$HOME ;; *) eval \"h=~$u\" ;; esac";
    format!(
        "umask 077; {home}; b={path}/vent; mkdir -p \"$b/programs\" || exit 1\n\
         if [ -h \"$b\" ] || [ ! -O \"$b\" ] || [ -n \"$(find \"$b\" -prune -perm /077)\" ]; then \
         echo \"$b is not a folder of $u alone: remove it\" >&2; exit 1; fi"
    )
}

/// The module with its arguments in the place of the mark.
fn with_json(text: &[u8], json: &str) -> Vec<u8> {
    let mut made = vec![];
    let mut rest = text;
    while let Some(at) = rest
        .windows(JSON_MARK.len())
        .position(|window| window == JSON_MARK)
    {
        made.extend_from_slice(&rest[..at]);
        made.extend_from_slice(json.as_bytes());
        rest = &rest[at + JSON_MARK.len()..];
    }
    made.extend_from_slice(rest);
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_stand_wherever_the_mark_stood() {
        let text = b"a <<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>> b <<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>";
        assert_eq!(with_json(text, "{}"), b"a {} b {}");
    }
}
