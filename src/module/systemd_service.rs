//! `systemd_service`, `systemd` and `service`: units of systemd.

use super::returns::Returns;
use super::{Module, Outcome, Step, Stop, View};
use crate::host::{Action, Answer, Effect, Question, Unit, quote};
use crate::value::{Map, Value};
use schemars::JsonSchema;
use serde::Deserialize;

/// Starts, stops and enables units.
pub(super) struct SystemdService;

/// What should be with the unit.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Started,
    Stopped,
    Restarted,
    Reloaded,
}

/// Whose systemd.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Scope {
    #[default]
    System,
    User,
    Global,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// The unit; `.service` may be left out.
    #[serde(alias = "service", alias = "unit")]
    name: Option<String>,
    /// What should be with it.
    state: Option<State>,
    /// Start it with the machine.
    enabled: Option<bool>,
    /// Make it impossible to start.
    masked: Option<bool>,
    /// Read unit files again first, if they have changed and the unit is touched.
    #[serde(default, alias = "daemon-reload")]
    daemon_reload: bool,
    /// Start systemd itself anew.
    #[serde(default, alias = "daemon-reexec")]
    daemon_reexec: bool,
    /// Replace links that are in the way of enabling.
    #[serde(default)]
    force: bool,
    /// Do not wait until it is done.
    #[serde(default)]
    no_block: bool,
    /// Whose systemd: only the system's.
    #[serde(default)]
    scope: Scope,
}

/// Where unit files lie.
const FOLDERS: &[&str] = &[
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

const SUFFIXES: &[&str] = &[
    ".service",
    ".socket",
    ".timer",
    ".mount",
    ".automount",
    ".path",
    ".target",
    ".swap",
    ".slice",
    ".scope",
    ".device",
];

/// The name of the unit with its ending.
fn full_name(name: &str) -> String {
    match SUFFIXES.iter().any(|suffix| name.ends_with(suffix)) {
        true => name.into(),
        false => format!("{name}.service"),
    }
}

/// The file of a unit that systemd does not know (yet): it may have been written just now.
fn unit_file(name: &str, view: &View<'_>) -> Result<bool, Stop> {
    let template = match (name.split_once('@'), name.rsplit_once('.')) {
        (Some((stem, _)), Some((_, suffix))) => format!("{stem}@.{suffix}"),
        _ => name.to_string(),
    };
    for folder in FOLDERS {
        for name in [name, &template] {
            view.note(Question::Stat {
                path: format!("{folder}/{name}"),
                follow: true,
            });
        }
    }
    for folder in FOLDERS {
        for name in [name, &template] {
            if view.stat(&format!("{folder}/{name}"), true)?.is_some() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn is_enabled(unit: &Unit) -> bool {
    [
        "enabled",
        "enabled-runtime",
        "static",
        "generated",
        "transient",
        "alias",
    ]
    .contains(&unit.enabled.as_str())
}

/// The commands that are due, the unit as it is afterwards, and whether something changes.
struct Plan {
    commands: Vec<String>,
    after: Unit,
}

impl Plan {
    fn add(&mut self, verb: &str, name: &str, flags: &str) {
        self.commands
            .push(format!("systemctl {verb}{flags} {}", quote(name)));
    }
}

impl Arguments {
    fn plan(&self, name: &str, unit: Unit) -> Plan {
        let mut plan = Plan {
            commands: vec![],
            after: unit.clone(),
        };
        let masked = unit.load == "masked" || unit.enabled.starts_with("masked");
        if self.masked.is_some_and(|wanted| wanted != masked) {
            plan.add(if masked { "unmask" } else { "mask" }, name, "");
            plan.after.load = if masked { "loaded" } else { "masked" }.into();
        }
        if let Some(wanted) = self.enabled.filter(|wanted| *wanted != is_enabled(&unit)) {
            let flags = if self.force { " --force" } else { "" };
            plan.add(if wanted { "enable" } else { "disable" }, name, flags);
            plan.after.enabled = if wanted { "enabled" } else { "disabled" }.into();
        }
        let running = ["active", "activating", "reloading"].contains(&unit.active.as_str());
        let verb = match (self.state, running) {
            (Some(State::Started), false) => "start",
            (Some(State::Stopped), true) => "stop",
            (Some(State::Stopped), false) if unit.active == "deactivating" => "stop",
            (Some(State::Restarted), true) => "restart",
            (Some(State::Reloaded), true) => "reload",
            (Some(State::Restarted | State::Reloaded), false) => "start",
            _ => "",
        };
        if !verb.is_empty() {
            plan.add(verb, name, if self.no_block { " --no-block" } else { "" });
            let (active, sub) = if verb == "stop" {
                ("inactive", "dead")
            } else {
                ("active", "running")
            };
            (plan.after.active, plan.after.sub) = (active.into(), sub.into());
        }
        plan
    }
}

impl Module for SystemdService {
    const NAMES: &'static [&'static str] = &[
        "ansible.builtin.systemd_service",
        "systemd_service",
        "ansible.builtin.systemd",
        "systemd",
        "ansible.builtin.service",
        "service",
    ];
    type Arguments = Arguments;
    const IGNORED: &'static [&'static str] = &["use", "pattern", "runlevel", "sleep", "arguments", "args"];
    const RETURNS: &'static [Returns] = &[&[
        ("name", "The unit, as it was named."),
        ("state", "`started` or `stopped`, if that was asked for."),
        (
            "enabled",
            "Whether it starts with the machine, if that was asked for.",
        ),
        ("status", "Its properties as `systemctl show` told them before."),
    ]];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        if arguments.scope != Scope::System {
            return Err(Stop::failed("scope: only the system's units are supported"));
        }
        let mut before = vec![];
        if arguments.daemon_reexec {
            before.push("systemctl daemon-reexec".to_string());
        }
        let Some(name) = arguments.name.as_deref().map(full_name) else {
            if arguments.state.is_some() || arguments.enabled.is_some() || arguments.masked.is_some() {
                return Err(Stop::failed("missing required argument `name`"));
            }
            if arguments.daemon_reload {
                before.push("systemctl daemon-reload".into());
            }
            let actions = script(before, vec![]);
            let status = Value::Map(Map::new().into());
            let outcome = Outcome::new().changed(false).with("name", Value::Null);
            return Ok(Step::Finish(actions, outcome.with("status", status)));
        };
        let mut unit = view.unit(&name)?;
        let wished = arguments.state.is_some() || arguments.enabled.is_some();
        if unit.load.is_empty() || unit.load == "not-found" {
            if unit_file(&name, view)? {
                unit.load = "loaded".into();
                unit.active = "inactive".into();
            } else if wished {
                let shown = arguments.name.as_deref().unwrap_or_default();
                return Err(Stop::failed(format!(
                    "Could not find the requested service {shown}: host"
                )));
            }
        }
        let plan = arguments.plan(&name, unit.clone());
        let changed = !plan.commands.is_empty();
        // Unit files are read again only where it can make a difference: it takes systemd long.
        if arguments.daemon_reload && (changed || unit.needs_reload) {
            before.push("systemctl daemon-reload".into());
        }
        before.extend(plan.commands);
        let after = Unit {
            needs_reload: false,
            ..plan.after
        };
        let mut outcome = Outcome::new()
            .changed(changed)
            .with("name", arguments.name.as_deref().map(Value::string));
        if arguments.enabled.is_some() {
            outcome = outcome.with("enabled", is_enabled(&after));
        }
        if arguments.state.is_some() {
            let state = if after.active == "inactive" {
                "stopped"
            } else {
                "started"
            };
            outcome = outcome.with("state", state);
        }
        let status: Map = unit
            .properties
            .iter()
            .map(|(name, value)| (name.as_str().into(), value.as_str().into()))
            .collect();
        let outcome = outcome.with("status", Value::Map(status.into()));
        let question = Question::Unit { name: name.clone() };
        let effects = vec![Effect::Answers(question, Answer::Unit(after))];
        Ok(Step::Finish(script(before, effects), outcome))
    }
}

/// One script for all commands; the first that fails ends it.
fn script(commands: Vec<String>, effects: Vec<Effect>) -> Vec<Action> {
    if commands.is_empty() {
        return vec![];
    }
    vec![Action::Script {
        script: commands.join(" &&\n"),
        explain: commands.join("\n"),
        effects,
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_an_ending_is_a_service() {
        assert_eq!(full_name("etcd"), "etcd.service");
        assert_eq!(full_name("a.b"), "a.b.service");
        assert_eq!(full_name("apt-daily.timer"), "apt-daily.timer");
    }
}
