//! `timezone`: the time zone of the machine.

use super::{Module, Outcome, Step, Stop, View};
use crate::content::Content;
use crate::host::{Action, Attributes, Resource, quote};
use schemars::JsonSchema;
use serde::Deserialize;

/// Sets the time zone.
pub(super) struct Timezone;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// Its name, such as `Europe/Berlin`.
    name: String,
}

impl Module for Timezone {
    const NAMES: &'static [&'static str] = &["community.general.timezone", "timezone"];
    type Arguments = Arguments;

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        let name = arguments.name.as_str();
        let zone = format!("/usr/share/zoneinfo/{name}");
        let local = Resource::Path("/etc/localtime".into());
        let script = format!(
            "[ -f {} ] && echo known; readlink -f /etc/localtime; cat /etc/timezone",
            quote(&zone)
        );
        let about = [local.clone(), Resource::Path("/etc/timezone".into())];
        let text = view.probe(&script, &about)?.text();
        let mut lines: Vec<&str> = text.lines().collect();
        if lines.first() != Some(&"known") {
            return Err(Stop::failed(format!(
                "given timezone \"{name}\" is not available"
            )));
        }
        lines.remove(0);
        let live = lines.first().copied() == Some(zone.as_str());
        // Debian keeps the name in a file of its own too.
        let noted = lines.get(1).is_none_or(|noted| *noted == name);
        if live && noted {
            return Ok(Step::done(Outcome::new()));
        }
        let mut actions = vec![];
        if !live {
            actions.push(Action::Link {
                path: "/etc/localtime".into(),
                target: zone,
                symbolic: true,
            });
        }
        if !noted {
            actions.push(Action::WriteFile {
                path: "/etc/timezone".into(),
                content: Content::bytes(format!("{name}\n")),
                attributes: Attributes::default(),
                validate: None,
                backup: false,
                unsafe_writes: false,
            });
        }
        Ok(Step::Finish(actions, Outcome::new()))
    }
}
