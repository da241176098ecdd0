//! `pause`: a run that waits a while.

use super::returns::Returns;
use super::{Outcome, RunModule, Stop, World};
use crate::value::{Value, repr};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::{Duration, Instant};

/// Waits, once for all hosts. A run waits for nobody: without a time it only shows the prompt.
pub(super) struct Pause;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// How many minutes to wait.
    minutes: Option<f64>,
    /// How many seconds to wait, at least one.
    seconds: Option<f64>,
    /// A sentence to show.
    prompt: Option<String>,
    /// For the result only: nothing is read.
    #[serde(default = "yes")]
    echo: bool,
}

fn yes() -> bool {
    true
}

impl RunModule for Pause {
    const NAMES: &'static [&'static str] = &["ansible.builtin.pause", "pause"];
    type Arguments = Arguments;
    const RETURNS: &'static [Returns] = &[&[
        ("rc", "0."),
        ("stdout", "How long it waited."),
        ("stderr", "Nothing."),
        ("start", "When it began."),
        ("stop", "When it ended."),
        ("delta", "Whole seconds between them."),
        ("echo", "The argument."),
        ("user_input", "Nothing: nobody is asked."),
    ]];

    async fn run(arguments: &Arguments, world: &dyn World) -> Result<Outcome, Stop> {
        let time = arguments.time()?;
        let (start, began) = (now(), Instant::now());
        match (&arguments.prompt, time) {
            (Some(prompt), _) => world.say(prompt.clone()),
            (None, Some(_)) => {}
            (None, None) => world.say("`pause` without a time: a run waits for nobody".into()),
        }
        let mut waited = time.unwrap_or_default();
        if !world.is_check() && time.is_some() {
            tokio::select! {
                () = tokio::time::sleep(waited) => {}
                () = world.stop().cancelled() => {}
            }
            waited = began.elapsed();
        }
        let seconds = waited.as_secs_f64();
        let shown = match arguments.seconds {
            Some(_) => format!("{} seconds", rounded(seconds)),
            None => format!("{} minutes", rounded(seconds / 60.0)),
        };
        Ok(Outcome::new()
            .changed(false)
            .with("rc", 0)
            .with("stdout", format!("Paused for {shown}"))
            .with("stderr", "")
            .with("start", start)
            .with("stop", now())
            .with("delta", seconds as i64)
            .with("echo", arguments.echo)
            .with("user_input", ""))
    }
}

impl Arguments {
    /// How long to wait.
    fn time(&self) -> Result<Option<Duration>, Stop> {
        let seconds = match (self.minutes, self.seconds) {
            (Some(_), Some(_)) => {
                return Err(Stop::failed("parameters are mutually exclusive: minutes|seconds"));
            }
            (Some(minutes), None) => minutes.trunc() * 60.0,
            (None, Some(seconds)) => seconds.trunc(),
            (None, None) => return Ok(None),
        };
        let time = Duration::try_from_secs_f64(seconds.max(1.0));
        time.map(Some)
            .map_err(|error| Stop::failed(format!("nobody can wait for {seconds} seconds: {error}")))
    }
}

/// Two digits behind the point, as Python writes them.
fn rounded(number: f64) -> String {
    repr(&Value::Float((number * 100.0).round() / 100.0))
}

/// The time of this computer, as Python writes it.
fn now() -> String {
    jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S%.6f").to_string()
}
