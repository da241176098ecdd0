//! `reboot`: a host that goes away and comes back.

use super::returns::Returns;
use super::{Connection, Nature, Outcome, RunModule, Stop, World};
use crate::host::quote;
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::{Duration, Instant};

/// Starts the machine anew and waits until it is back.
pub(super) struct Reboot;

/// Between two tries to reach the machine.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// Seconds until the machine goes down; fewer than 60 are none.
    #[serde(default, alias = "pre_reboot_delay_sec")]
    pre_reboot_delay: f64,
    /// Seconds to wait before the machine is asked whether it is back.
    #[serde(default, alias = "post_reboot_delay_sec")]
    post_reboot_delay: f64,
    /// Seconds until it has failed.
    #[serde(default = "ten_minutes", alias = "reboot_timeout_sec")]
    reboot_timeout: f64,
    /// Seconds for one try to reach the machine [default: those of the connection].
    #[serde(alias = "connect_timeout_sec")]
    connect_timeout: Option<f64>,
    /// A command that has to succeed when the machine is back.
    #[serde(default = "whoami")]
    test_command: String,
    /// What the users of the machine are told.
    #[serde(default = "message")]
    msg: String,
    /// Where the command is looked for first.
    #[serde(default = "search_paths")]
    search_paths: Vec<String>,
    /// A command that prints what tells one start of the machine from another.
    #[serde(default = "boot_id")]
    boot_time_command: String,
    /// The command that starts the machine anew [default: shutdown -r].
    reboot_command: Option<String>,
}

fn ten_minutes() -> f64 {
    600.0
}

fn whoami() -> String {
    "whoami".into()
}

fn message() -> String {
    "Reboot initiated by Ansible".into()
}

fn search_paths() -> Vec<String> {
    ["/sbin", "/bin", "/usr/sbin", "/usr/bin", "/usr/local/sbin"]
        .map(String::from)
        .into()
}

fn boot_id() -> String {
    "cat /proc/sys/kernel/random/boot_id".into()
}

impl RunModule for Reboot {
    const NAMES: &'static [&'static str] = &["ansible.builtin.reboot", "reboot"];
    type Arguments = Arguments;
    const NATURE: Nature = Nature::OF_A_HOST;
    const RETURNS: &'static [Returns] = &[&[
        ("rebooted", "Whether the machine was told to go down."),
        ("elapsed", "Seconds until it was back."),
    ]];

    async fn run(arguments: &Arguments, world: &dyn World) -> Result<Outcome, Stop> {
        let host = world.host()?;
        if host.is_local() {
            let message = "Running reboot with local connection would reboot the control node.";
            return Ok(ended(false, 0).failed(message));
        }
        if world.is_check() {
            return Ok(ended(true, 0).changed(true));
        }
        let before = host.ask(&arguments.boot_time_command).await?;
        if before.code != 0 {
            return Ok(ended(false, 0).failed(format!(
                "failed to get host boot time info, rc: {}, stdout: {}, stderr: {}",
                before.code,
                text(&before.stdout),
                text(&before.stderr)
            )));
        }
        let started = Instant::now();
        // The connection may be lost before the command's end is told.
        if let Ok(output) = host.ask(&arguments.command()).await
            && output.code != 0
        {
            let elapsed = started.elapsed().as_secs();
            return Ok(ended(false, elapsed).failed(format!(
                "Reboot command failed. Error was: '{}, {}'",
                text(&output.stdout),
                text(&output.stderr)
            )));
        }
        tokio::time::sleep(duration(arguments.post_reboot_delay)).await;
        let is_back = arguments.is_back(&text(&before.stdout));
        let back = arguments.wait(host, &is_back, started, world).await;
        let elapsed = started.elapsed().as_secs();
        Ok(match back {
            true => ended(true, elapsed).changed(true),
            false if world.stop().is_cancelled() => {
                ended(true, elapsed).failed("stopped while the machine was on its way back")
            }
            false => ended(true, elapsed).failed(format!(
                "Timed out waiting for the machine to come back after {elapsed} seconds"
            )),
        })
    }
}

impl Arguments {
    /// The script that starts the machine anew.
    fn command(&self) -> String {
        let minutes = duration(self.pre_reboot_delay).as_secs() / 60;
        let at = match minutes {
            0 => "now".to_string(),
            minutes => format!("+{minutes}"),
        };
        let usual = || format!("shutdown -r {at} {}", quote(&self.msg));
        let command = self.reboot_command.clone().unwrap_or_else(usual);
        format!("PATH={}:$PATH; {command}", quote(&self.search_paths.join(":")))
    }

    /// The script that prints `back` when the machine has started anew and its test succeeds.
    fn is_back(&self, before: &str) -> String {
        format!(
            "b=$({}) || exit 1; [ -n \"$b\" ] && [ \"$b\" != {} ] && {{ {}; }} >/dev/null 2>&1 && echo back",
            self.boot_time_command,
            quote(before),
            self.test_command
        )
    }

    /// Connects anew again and again until the script prints `back`; false if that takes too long.
    async fn wait(&self, host: &dyn Connection, script: &str, started: Instant, world: &dyn World) -> bool {
        let limit = self
            .connect_timeout
            .map_or_else(|| host.connect_timeout(), duration);
        loop {
            host.close().await;
            let asked = tokio::time::timeout(limit, host.ask(script)).await;
            if matches!(asked, Ok(Ok(output)) if text(&output.stdout) == "back") {
                return true;
            }
            if started.elapsed() > duration(self.reboot_timeout) || world.stop().is_cancelled() {
                return false;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn text(printed: &[u8]) -> String {
    String::from_utf8_lossy(printed).trim().to_string()
}

/// Seconds as they are given; none if they are negative or no time at all.
fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

fn ended(rebooted: bool, elapsed: u64) -> Outcome {
    Outcome::new()
        .changed(false)
        .with("rebooted", rebooted)
        .with("elapsed", elapsed as i64)
}
