//! The settings that somebody makes and Vent does not heed.

use super::known::{KNOWN, Known, Treatment};
use super::rules::is_free;
use super::sources::{Maker, Setting, Sources};

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
    for known in KNOWN.iter() {
        let Some(setting) = sources.setting(known) else {
            continue;
        };
        let Some(why) = reason(known, &setting) else {
            continue;
        };
        let holds = sources.typed(known, &setting) == sources.default(known);
        if holds || makers.contains(&setting.maker) {
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
fn reason(known: &Known, setting: &Setting) -> Option<String> {
    let text = setting.text();
    if known.name == "DEFAULT_STRATEGY" && is_free(text).is_none() {
        return Some(format!(
            "there is no strategy `{text}`, hosts go on as in `linear`"
        ));
    }
    let Treatment::NotHeeded(why) = known.treatment else {
        return None;
    };
    // What one plugin does not heed may be another's.
    let mut others = KNOWN.iter();
    let otherwise = others.any(|other| {
        let is_made = match setting.maker {
            Maker::Variable(name) => other.variables.contains(&name),
            Maker::Entry(section, key) => other.entries.contains(&(section, key)),
        };
        is_made && !matches!(other.treatment, Treatment::NotHeeded(_))
    });
    (!otherwise).then(|| why.to_string())
}
