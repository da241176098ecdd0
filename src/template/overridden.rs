//! Names of Vent's own filters, tests and lookups that files of a project may have as well. The project's are stronger, as in Ansible;
//! whether a file really has one is asked where it is used.

use super::NameKind;
use super::syntax::{known_filters, known_lookups, known_tests};
use std::collections::HashSet;
use std::sync::{OnceLock, PoisonError, RwLock};

type Names = RwLock<HashSet<(NameKind, &'static str)>>;

fn names() -> &'static Names {
    static NAMES: OnceLock<Names> = OnceLock::new();
    NAMES.get_or_init(Names::default)
}

/// Vent's own names of a kind.
fn known(kind: NameKind) -> &'static [&'static str] {
    match kind {
        NameKind::Filter => known_filters(),
        NameKind::Test => known_tests(),
        NameKind::Lookup => known_lookups(),
    }
}

/// The name by which Vent has one itself: it may have that of ansible-core's collection before it.
pub(super) fn own_name(kind: NameKind, name: &str) -> Option<&str> {
    let is_known = |name: &&str| known(kind).binary_search(name).is_ok();
    let short = || {
        let short = name.strip_prefix("ansible.builtin.");
        short.or_else(|| name.strip_prefix("ansible.legacy."))
    };
    Some(name).filter(is_known).or_else(|| short().filter(is_known))
}

/// True if Vent has one of this name itself.
pub fn is_own(kind: NameKind, name: &str) -> bool {
    own_name(kind, name).is_some()
}

/// Notes the names that the text of a file with plugins holds in quotes, or before `=`.
pub fn note_overridden(kind: NameKind, text: &str) {
    let held = known(kind).iter().filter(|name| may_name(text, name));
    let held: Vec<_> = held.map(|name| (kind, *name)).collect();
    note(held);
}

/// Notes one name; a lookup has that of its file.
pub fn note_overridden_name(kind: NameKind, name: &str) {
    let held = known(kind).iter().filter(|known| **known == name);
    note(held.map(|name| (kind, *name)).collect());
}

fn note(held: Vec<(NameKind, &'static str)>) {
    if held.is_empty() {
        return;
    }
    let before = count();
    names()
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .extend(held);
    if count() > before {
        // What was compiled calls Vent's own.
        super::evaluate::forget_prepared();
    }
}

/// How many names were noted: what was compiled when they were fewer is not kept.
pub(super) fn count() -> usize {
    names().read().unwrap_or_else(PoisonError::into_inner).len()
}

/// True if the text of a file may give this name to a plugin.
pub fn may_name(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let (before, behind) = (&text[..at], text[at + name.len()..].trim_start());
        let quoted = ['\'', '"']
            .iter()
            .any(|quote| before.ends_with(*quote) && behind.starts_with(*quote));
        let word = |c: char| c.is_alphanumeric() || c == '_';
        quoted || (!before.ends_with(word) && behind.starts_with('=') && !behind.starts_with("=="))
    })
}

/// True if a file of a project may have this name of Vent's.
pub(super) fn overridden(kind: NameKind, name: &str) -> bool {
    let names = names().read().unwrap_or_else(PoisonError::into_inner);
    !names.is_empty()
        && names
            .iter()
            .any(|(other, known)| *other == kind && *known == name)
}

/// True if Vent has one of this name itself, and no file of a project may have it.
pub(super) fn is_surely_own(kind: NameKind, name: &str) -> bool {
    known(kind).binary_search(&name).is_ok() && !overridden(kind, name)
}
