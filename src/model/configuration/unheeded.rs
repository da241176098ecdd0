//! The settings that somebody makes and Vent does not heed.

use super::definitions::{SETTINGS, SettingDefinition, Treatment};
use super::rules::is_free;
use super::sources::{Maker, Setting, Sources};
use crate::value::Value;

/// A setting that somebody makes and Vent does not heed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unheeded {
    /// Its name.
    pub name: String,
    /// Where it is made: a variable of the environment, or a place in `ansible.cfg`.
    pub place: String,
    /// Why nothing comes of it.
    pub why: String,
}

/// Each once, in the order of the table. One that says what holds anyway is none of them.
pub(super) fn unheeded(sources: &Sources) -> Vec<Unheeded> {
    let mut makers = vec![];
    let mut all = vec![];
    for known in SETTINGS.iter() {
        let Some(setting) = sources
            .setting(known)
            .filter(|setting| !setting.written.is_empty())
        else {
            continue;
        };
        let Some(why) = reason(sources, known, &setting) else {
            continue;
        };
        if makers.contains(&setting.maker) {
            continue;
        }
        makers.push(setting.maker);
        all.push(Unheeded {
            name: known.name.to_string(),
            place: match setting.maker {
                Maker::Variable(name) => name.to_string(),
                Maker::Entry(..) => setting.place.to_string(),
            },
            why,
        });
    }
    all
}

/// Why nothing comes of the setting; none if something does, or need not.
fn reason(sources: &Sources, known: &SettingDefinition, setting: &Setting) -> Option<String> {
    let text = setting.text();
    if known.name == "DEFAULT_STRATEGY" && is_free(text).is_none() {
        return Some(format!(
            "there is no strategy `{text}`, hosts go on as in `linear`"
        ));
    }
    let Treatment::NotHeeded(why) = known.treatment else {
        return None;
    };
    // What is not heeded as the setting of one plugin may be as another's.
    let mut twins = SETTINGS.iter().filter(|twin| makes(setting.maker, twin));
    let is_well = twins.any(|twin| {
        !matches!(twin.treatment, Treatment::NotHeeded(_))
            || holds(&sources.typed(twin, setting), &sources.default(twin))
    });
    (!is_well).then(|| why.to_string())
}

fn makes(maker: Maker, known: &SettingDefinition) -> bool {
    match maker {
        Maker::Variable(name) => known.variables.contains(&name),
        Maker::Entry(section, key) => known.entries.contains(&(section, key)),
    }
}

/// True if a value is what holds anyway.
fn holds(made: &Value, default: &Value) -> bool {
    match (made, default) {
        (Value::Bool(false), Value::Null) => true,
        (Value::Float(made), Value::Int(default)) => *made == *default as f64,
        // A setting of no type is a text when it is made.
        (Value::String(made), Value::Int(default)) => **made == *default.to_string(),
        (made, default) => made == default,
    }
}
