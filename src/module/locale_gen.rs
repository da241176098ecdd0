//! `locale_gen`: locales that programs of the host can use.

use super::blockinfile::State;
use super::returns::Returns;
use super::{Module, Outcome, Step, Stop, View};
use crate::content::Content;
use crate::host::{Action, Attributes, Effect, Resource};
use crate::value::Value;
use schemars::JsonSchema;
use serde::Deserialize;

/// Makes locales.
pub(super) struct LocaleGen;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// Locales, such as `en_US.UTF-8`.
    name: Vec<String>,
    /// Whether they should be there.
    #[serde(default)]
    state: State,
}

const FILE: &str = "/etc/locale.gen";

/// A locale as `locale -a` writes it: `en_US.utf8`.
fn normal(name: &str) -> String {
    match name.split_once('.') {
        Some((language, set)) => {
            let (set, modifier) = match set.split_once('@') {
                Some((set, modifier)) => (set, format!("@{modifier}")),
                None => (set, String::new()),
            };
            let set: String = set.to_ascii_lowercase().chars().filter(|c| *c != '-').collect();
            format!("{language}.{set}{modifier}")
        }
        None => name.to_string(),
    }
}

/// The file with the lines of the locales switched on or off.
fn edited(text: &str, names: &[&String], on: bool) -> String {
    let line = |line: &str| {
        let bare = line.trim_start_matches(['#', ' ', '\t']);
        let name = bare.split_whitespace().next().unwrap_or_default();
        if !names.iter().any(|wanted| *wanted == name) {
            return format!("{line}\n");
        }
        if on {
            format!("{bare}\n")
        } else {
            format!("# {bare}\n")
        }
    };
    text.lines().map(line).collect()
}

impl Module for LocaleGen {
    const NAMES: &'static [&'static str] = &["community.general.locale_gen", "locale_gen"];
    type Arguments = Arguments;
    const RETURNS: &'static [Returns] = &[&[
        ("name", "The locales."),
        ("mechanism", "How they are made: `glibc`."),
    ]];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        let about = [Resource::Path(FILE.into()), Resource::Other("locales".into())];
        let output = view.probe(
            &format!("[ -f {FILE} ] || exit 9; locale -a | sed 's/^/have /'; sed 's/^/line /' {FILE}"),
            &about,
        )?;
        if output.code == 9 {
            return Err(Stop::failed(
                "/etc/locale.gen and /var/lib/locales/supported.d/local are missing. Is the package \"locales\" installed?",
            ));
        }
        let printed = output.text();
        let of = |key: &'static str| printed.lines().filter_map(move |line| line.strip_prefix(key));
        let text: String = of("line ").map(|line| format!("{line}\n")).collect();
        let known = |name: &String| {
            text.lines()
                .any(|line| line.trim_start_matches(['#', ' ']).split_whitespace().next() == Some(name))
        };
        let unknown: Vec<&String> = arguments.name.iter().filter(|name| !known(name)).collect();
        if !unknown.is_empty() {
            let list: Vec<String> = unknown.iter().map(|name| name.to_string()).collect();
            return Err(Stop::failed(format!(
                "The following locales you have entered are not available on your system: {}",
                list.join(", ")
            )));
        }
        let present = arguments.state == State::Present;
        let have = |name: &String| of("have ").any(|line| line == normal(name) || line == name.as_str());
        let wrong: Vec<&String> = arguments
            .name
            .iter()
            .filter(|name| have(name) != present)
            .collect();
        let outcome = Outcome::new()
            .with("name", Value::list(arguments.name.iter().map(Value::string)))
            .with("mechanism", "glibc");
        if wrong.is_empty() {
            return Ok(Step::done(outcome));
        }
        let file = edited(&text, &wrong, present);
        // Without `--keep-existing`, as it is called here, all others in the file are made again as well.
        let write = Action::WriteFile {
            path: FILE.into(),
            content: Content::bytes(file),
            attributes: Attributes::default(),
            validate: None,
            backup: false,
            unsafe_writes: false,
        };
        Ok(Step::Finish(
            vec![
                write,
                Action::Script {
                    script: "locale-gen >&2".into(),
                    explain: "locale-gen".into(),
                    effects: vec![Effect::Forgets(Resource::Other("locales".into()))],
                },
            ],
            outcome,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_are_named_as_the_system_lists_them() {
        assert_eq!(normal("en_US.UTF-8"), "en_US.utf8");
        assert_eq!(normal("de_DE.ISO-8859-15@euro"), "de_DE.iso885915@euro");
        assert_eq!(normal("C"), "C");
    }

    #[test]
    fn lines_are_switched_on_and_off() {
        let name = "de_DE.UTF-8".to_string();
        let text = "# a remark\n# de_DE.UTF-8 UTF-8\n# de_DE ISO-8859-1\n";
        let on = edited(text, &[&name], true);
        assert_eq!(on, "# a remark\nde_DE.UTF-8 UTF-8\n# de_DE ISO-8859-1\n");
        assert_eq!(edited(&on, &[&name], false), text);
    }
}
