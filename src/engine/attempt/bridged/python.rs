//! Modules of Python's, by a server on the host.

use super::server::{self, Outlived};
use super::{Attempt, Broken, Done, ForeignWork, Ran, Stopped, secrets};
use crate::bridge::{Payload, RUNNER, for_python};
use crate::connection::Shell;
use crate::engine::attempt::perform;
use crate::engine::state::bridged::{Lost, Server};
use crate::error::Error;
use crate::host::{Command, quote};
use crate::module::ASYNC_FOLDER;
use crate::value::Map;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::time::Duration;

/// The profile of ansible-core 2.19 in which a result holds marks of its values.
const MARKED: &str = "modern";

impl Attempt<'_> {
    pub(super) async fn python(
        &self,
        work: &ForeignWork<'_>,
        shell: &Arc<Shell>,
        arguments: &Map,
        done: &mut Done,
        facts: &mut Map,
    ) -> Result<Ran, Stopped> {
        work.bridged.bridge.serves(work.module)?;
        let payload = tokio::select! {
            payload = work.bridged.bridge.payload(work.module) => payload?,
            () = self.cancel.cancelled() => return Err(Broken::Action("stopped".into()).into()),
        };
        if payload.profile == MARKED {
            let text = format!(
                "the module {} writes its result with marks that Vent does not read (the profile `{MARKED}`)",
                work.module.name
            );
            return Err(Error::new(text).into());
        }
        if let Some(spec) = &payload.spec {
            secrets::learn(arguments, &spec.options, work.learn);
        }
        self.may_run(work.module, payload.spec.as_ref())?;
        let python = self.python_of(work, shell, &payload, facts).await?;
        let (server, tree) = self.stored(work, shell, &payload, &python).await?;
        let text = for_python(arguments, &payload.internal, &self.situation(work, &payload.core));
        let action = self.begin_foreign(shell, done).await?;
        let ran = match &self.command.background {
            Some(job) => {
                let command = [
                    python.as_str(),
                    "-c",
                    &quote(RUNNER),
                    &quote(&tree),
                    &payload.module,
                ];
                let command = format!("{} {}", command.join(" "), quote(&payload.profile));
                self.in_background(shell, job, &text, &command, work).await
            }
            None => self.by_server(&server, &tree, &payload, text).await,
        };
        self.end_foreign(&action);
        ran
    }

    /// Has the server run it.
    async fn by_server(
        &self,
        server: &Arc<Server>,
        tree: &str,
        payload: &Payload,
        arguments: Vec<u8>,
    ) -> Result<Ran, Stopped> {
        let message = json!({
            "op": "run",
            "tree": tree,
            "module": payload.module,
            "profile": payload.profile,
            "environment": self.command.environment,
        });
        let work = server::work(server, message, arguments);
        let limit = self.command.timeout.map(Duration::from_secs);
        let (answer, mut stdout) = match work.until(limit, self.cancel).await {
            Outlived::No(answer) => answer?,
            Outlived::TimedOut => return Err(Stopped::TimedOut(self.command.timeout.unwrap_or_default())),
            Outlived::Cancelled => return Err(Broken::Action("stopped".into()).into()),
        };
        refused(&answer)?;
        let length = answer.get("out").and_then(Json::as_u64).unwrap_or_default();
        let stderr = stdout.split_off(stdout.len().min(length as usize));
        let code = answer.get("rc").and_then(Json::as_i64).unwrap_or(-1);
        Ok(Ran::Ended { stdout, stderr, code })
    }

    /// Starts it as a program that goes on by itself; its result is read by `async_status`.
    async fn in_background(
        &self,
        shell: &Shell,
        job: &str,
        arguments: &[u8],
        command: &str,
        work: &ForeignWork<'_>,
    ) -> Result<Ran, Stopped> {
        let script = format!(
            ": >\"${{HOME:-/tmp}}\"/{ASYNC_FOLDER}/{job}/module\nprintf %s {} | {command}",
            quote(&String::from_utf8_lossy(arguments))
        );
        let command = Command {
            script,
            environment: self.command.environment.clone(),
            timeout: self.command.timeout,
            background: Some(job.to_string()),
            ..Command::default()
        };
        let started = perform::run(shell, &command, "", &|_, _| {}, self.cancel).await?;
        match started.output.code {
            0 => Ok(Ran::Started),
            code => {
                let said = String::from_utf8_lossy(&started.output.stderr).into_owned();
                let text = format!(
                    "the module {} was not started (exit status {code}): {said}",
                    work.module.name
                );
                Err(Broken::Action(text).into())
            }
        }
    }

    /// A server whose imports fit, and the tree there that holds the payload.
    async fn stored(
        &self,
        work: &ForeignWork<'_>,
        shell: &Arc<Shell>,
        payload: &Payload,
        python: &str,
    ) -> Result<(Arc<Server>, String), Stopped> {
        let digest = payload.digest();
        let servers = work.bridged.servers(shell, python);
        let mut servers = servers.lock().await;
        servers.retain(|server| server.is_alive());
        let known = servers.iter().find(|server| server.fits(&payload.files)).cloned();
        let server = match known {
            Some(server) => server,
            None => {
                let server = Arc::new(self.started(work, shell, python).await?);
                servers.push(server.clone());
                server
            }
        };
        if let Some(tree) = server.tree(&digest) {
            return Ok((server, tree));
        }
        let files: Vec<_> = payload
            .files
            .iter()
            .map(|file| (&file.path, &file.digest, file.length))
            .collect();
        let mut message =
            json!({"op": "store", "remote_tmp": work.remote_tmp, "core": payload.core, "files": files});
        let (mut answer, _) = server::ask_soon(&server, message.clone(), vec![]).await?;
        refused(&answer)?;
        if let Some(missing) = answer
            .get("missing")
            .filter(|missing| **missing != json!([]))
            .cloned()
        {
            let numbers: Vec<usize> = serde_json::from_value(missing.clone()).unwrap_or_default();
            let blob = work.bridged.bridge.contents(work.module, payload, &numbers)?;
            message["sent"] = missing;
            (answer, _) = server::ask_soon(&server, message, blob).await?;
            refused(&answer)?;
        }
        let Some(tree) = answer.get("tree").and_then(Json::as_str) else {
            return Err(Broken::Action("the host did not keep the files of the module".into()).into());
        };
        let imported = answer.get("imported").cloned().unwrap_or_default();
        let imported: Vec<String> = serde_json::from_value(imported).unwrap_or_default();
        server.stores(digest, tree, &payload.files, &imported);
        Ok((server, tree.to_string()))
    }

    /// A new server.
    async fn started(
        &self,
        work: &ForeignWork<'_>,
        shell: &Arc<Shell>,
        python: &str,
    ) -> Result<Server, Stopped> {
        let core = work.bridged.bridge.core()?;
        let error = |text: String| {
            let error = Error::new(text).help(
                "name a Python of that host with `ansible_python_interpreter`, or leave it to be looked for (`auto`)",
            );
            Err(error.into())
        };
        let host = work.host;
        let (major, minor) = core.oldest_python();
        match server::start(shell, python).await {
            Ok(server) if server.python < (major, minor) => error(format!(
                "the module {} of ansible-core {} needs Python {major}.{minor} or newer on {host}, and {python} is Python {}.{}",
                work.module.name, core.version, server.python.0, server.python.1
            )),
            Ok(server) => Ok(server),
            Err(Lost::Connection(failure)) => Err(Broken::Connection(failure).into()),
            Err(Lost::Ended(said)) => error(format!(
                "the module {} needs Python on {host}, and {python} does not start there: {said}",
                work.module.name
            )),
        }
    }
}

/// What a server refuses.
fn refused(answer: &Json) -> Result<(), Stopped> {
    match answer.get("error").and_then(Json::as_str) {
        Some(error) => Err(Broken::Action(error.to_string()).into()),
        None => Ok(()),
    }
}
