//! `reboot`: a host that goes away and comes back.

use super::super::play::Way;
use super::super::result::TaskResult;
use super::OnHost;
use crate::connection::{self, Failure, Kind, Shell};
use crate::error::Result;
use crate::host::quote;
use crate::module::Outcome;
use crate::template::Scope;
use crate::value::{self, Value};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What tells one start of a machine from another.
const BOOT: &str = "cat /proc/sys/kernel/random/boot_id";

/// The host of a task while it is waited for.
struct Waiting<'a> {
    on_host: &'a OnHost<'a>,
    connection: connection::Host,
    way: Way,
    timeout: Duration,
    connect: Duration,
    sleep: Duration,
}

impl OnHost<'_> {
    /// Starts the machine anew and waits until it is back.
    pub(super) async fn reboot(&self, scope: &Scope, arguments: &Value) -> Result<TaskResult> {
        let waiting = self.waiting(scope, arguments)?;
        let done = |elapsed: u64| {
            let outcome = Outcome::new().changed(true).with("rebooted", true);
            TaskResult::done(
                outcome.with("elapsed", Value::Int(elapsed as i64)),
                Default::default(),
            )
        };
        if waiting.way.target.kind == Kind::Local {
            let message = "Running reboot with local connection would reboot the control node.";
            return Ok(self.broken_off(message));
        }
        if self.context.run.settings.check {
            return Ok(done(0));
        }
        let text = |name: &str, default: &str| {
            arguments
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or(default)
                .to_string()
        };
        let boot = text("boot_time_command", BOOT);
        let started = Instant::now();
        let before = match waiting.ask(&boot).await {
            Ok(before) => before,
            Err(failure) => return Ok(self.connection_failure(&failure)),
        };
        let minutes = seconds(arguments, "pre_reboot_delay", 0.0) as u64 / 60;
        let at = if minutes == 0 {
            "now".into()
        } else {
            format!("+{minutes}")
        };
        let message = quote(&text("msg", "Reboot initiated by Ansible"));
        let command = text("reboot_command", &format!("shutdown -r {at} {message}"));
        // The connection may be lost before the command's end is told.
        if let Ok(output) = waiting.run(&command).await
            && output.code != 0
        {
            let stderr = String::from_utf8_lossy(&output.stderr).trim().to_string();
            return Ok(self.broken_off(&format!("Reboot command failed. Error was: '{stderr}'")));
        }
        let delay = Duration::from_secs_f64(seconds(arguments, "post_reboot_delay", 0.0));
        tokio::time::sleep(delay).await;
        let test = text("test_command", "whoami");
        let script = format!(
            "b=$({boot}) || exit 1; [ \"$b\" != {} ] && {{ {test}; }} >/dev/null 2>&1 && echo back",
            quote(&before)
        );
        let back = waiting.until(&script, started).await;
        Ok(match back {
            true => done(started.elapsed().as_secs()),
            false => self.broken_off(&waiting.in_vain(started)),
        })
    }

    fn waiting(&self, scope: &Scope, arguments: &Value) -> Result<Waiting<'_>> {
        let (host, way) = self.context.way(self.host, self.task, scope)?;
        let connect = way.target.connect_timeout.as_secs_f64();
        let waiting = Waiting {
            on_host: self,
            connection: host.connection(way.target.clone()),
            way,
            timeout: Duration::from_secs_f64(seconds(arguments, "reboot_timeout", 600.0)),
            connect: Duration::from_secs_f64(seconds(arguments, "connect_timeout", connect)),
            sleep: Duration::from_secs_f64(seconds(arguments, "sleep", 1.0)),
        };
        Ok(waiting)
    }

    fn broken_off(&self, message: &str) -> TaskResult {
        let outcome = Outcome::new().changed(false).failed(message);
        let mut result = TaskResult::done(outcome, Default::default());
        result.report = Some(self.report(message, &result.value));
        result
    }
}

impl Waiting<'_> {
    /// Why the machine was not waited for any longer.
    fn in_vain(&self, started: Instant) -> String {
        if self.on_host.context.run.stop.is_cancelled() {
            return "stopped while the machine was on its way back".into();
        }
        format!(
            "Timed out waiting for the machine to come back after {} seconds",
            started.elapsed().as_secs()
        )
    }

    async fn shell(&self) -> Result<Arc<Shell>, Failure> {
        self.connection.shell(self.way.r#become.as_ref()).await
    }

    async fn run(&self, script: &str) -> Result<connection::Output, Failure> {
        self.shell().await?.ask(script).await
    }

    async fn ask(&self, script: &str) -> Result<String, Failure> {
        let output = self.run(script).await?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
    }

    /// Connects anew again and again until the script prints `back`; false if that takes too long.
    async fn until(&self, script: &str, started: Instant) -> bool {
        let stop = &self.on_host.context.run.stop;
        loop {
            self.connection.close().await;
            let asked = tokio::time::timeout(self.connect, self.ask(script)).await;
            if matches!(asked, Ok(Ok(printed)) if printed == "back") {
                return true;
            }
            if started.elapsed() > self.timeout || stop.is_cancelled() {
                return false;
            }
            tokio::time::sleep(self.sleep).await;
        }
    }
}

fn seconds(arguments: &Value, name: &str, default: f64) -> f64 {
    match arguments.get(name) {
        Some(Value::Float(seconds)) => *seconds,
        Some(value) => value::to_integer(value).map_or(default, |seconds| seconds as f64),
        None => default,
    }
    .max(0.0)
}
