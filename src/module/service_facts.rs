//! `service_facts` and `package_facts`: what runs and what is installed.

use super::returns::{FACTS, Returns};
use super::{Module, Outcome, Step, Stop, View};
use crate::host::Resource;
use crate::value::{Map, Value};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Tells the services of the host.
pub(super) struct ServiceFacts;
/// Tells the packages of the host.
pub(super) struct PackageFacts;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct ServiceArguments {}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct PackageArguments {
    /// Where to look; only `apt` and `auto`.
    #[serde(default = "auto")]
    manager: Vec<String>,
}

fn auto() -> Vec<String> {
    vec!["auto".into()]
}

fn facts(name: &str, value: Value) -> Step {
    let facts = [(name.into(), value)];
    Step::done(Outcome::new().changed(false).gathered("", facts.into()))
}

impl Module for ServiceFacts {
    const NAMES: &'static [&'static str] = &["ansible.builtin.service_facts", "service_facts"];
    type Arguments = ServiceArguments;
    const RETURNS: &'static [Returns] = &[
        FACTS,
        &[
            ("ansible_facts.services", "The services by their names."),
            ("ansible_facts.services.name", "The unit."),
            (
                "ansible_facts.services.state",
                "`running`, `stopped`, `failed`, `inactive` or `not-found`.",
            ),
            (
                "ansible_facts.services.status",
                "`enabled`, `disabled`, `static` and so on, `not-found` or `unknown`.",
            ),
            ("ansible_facts.services.source", "`systemd`."),
        ],
    ];

    fn step(_: &ServiceArguments, view: &View<'_>) -> Result<Step, Stop> {
        let script = "systemctl list-units --no-pager --plain --no-legend --type service --all; printf '\\036'; \
                      systemctl list-unit-files --no-pager --no-legend --type service --all";
        let text = view.probe(script, &[Resource::Other("units".into())])?.text();
        let (units, files) = text.split_once('\u{1e}').unwrap_or((&text, ""));
        let mut services: BTreeMap<&str, [&str; 2]> = BTreeMap::new();
        for line in units.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            if let [name, load, active, sub, ..] = words[..] {
                let state = match (load, active, sub) {
                    ("not-found", ..) => "not-found",
                    (_, "failed", _) => "failed",
                    (_, _, "running") => "running",
                    _ => "stopped",
                };
                services.insert(name, [state, "unknown"]);
            }
        }
        for line in files.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            if let [name, status, ..] = words[..] {
                let state = if status == "disabled" || status == "masked" {
                    "stopped"
                } else {
                    "inactive"
                };
                services.entry(name).or_insert([state, status])[1] = status;
            }
        }
        let services = services.into_iter().map(|(name, [state, status])| {
            let status = if state == "not-found" { "not-found" } else { status };
            let entry = [
                ("name", name),
                ("state", state),
                ("status", status),
                ("source", "systemd"),
            ];
            (
                name,
                Value::map(entry.map(|(key, text)| (key, Value::string(text)))),
            )
        });
        Ok(facts("services", Value::map(services)))
    }
}

impl Module for PackageFacts {
    const NAMES: &'static [&'static str] = &["ansible.builtin.package_facts", "package_facts"];
    type Arguments = PackageArguments;
    const IGNORED: &'static [&'static str] = &["strategy"];
    const RETURNS: &'static [Returns] = &[
        FACTS,
        &[
            (
                "ansible_facts.packages",
                "Lists of the installed packages by their names.",
            ),
            ("ansible_facts.packages.name", "The name."),
            ("ansible_facts.packages.version", "The version."),
            ("ansible_facts.packages.arch", "The architecture."),
            ("ansible_facts.packages.category", "The section."),
            ("ansible_facts.packages.origin", "Whose it is."),
            ("ansible_facts.packages.source", "`apt`."),
        ],
    ];

    fn step(arguments: &PackageArguments, view: &View<'_>) -> Result<Step, Stop> {
        if !arguments
            .manager
            .iter()
            .any(|manager| manager == "auto" || manager == "apt")
        {
            return Err(Stop::failed("manager: only apt is supported"));
        }
        let script = "dpkg-query -W -f='${db:Status-Status}|${Package}|${Version}|${Architecture}|${Section}|${Origin}\\n'";
        let output = view.probe(script, &[Resource::Other("packages".into())])?;
        if output.code != 0 {
            return Err(Stop::failed(
                "Could not detect a supported package manager: this host has no dpkg",
            ));
        }
        let mut packages: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for line in output.text().lines() {
            let fields: Vec<&str> = line.split('|').collect();
            if let ["installed", name, version, architecture, section, origin] = fields[..] {
                let entry: Map = [
                    ("name", name),
                    ("version", version),
                    ("arch", architecture),
                    ("category", section),
                    ("origin", origin),
                    ("source", "apt"),
                ]
                .into_iter()
                .map(|(key, text)| (key.into(), text.into()))
                .collect();
                packages
                    .entry(name.into())
                    .or_default()
                    .push(Value::Map(entry.into()));
            }
        }
        let packages = packages
            .into_iter()
            .map(|(name, entries)| (name, Value::from(entries)));
        Ok(facts("packages", Value::map(packages)))
    }
}
