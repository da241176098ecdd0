//! The shell text that changes mode and owner of what stands at a path: of what was there when the step was planned, and of
//! nothing that somebody put in its place.

use super::foreign::{OURS, apart, inside};
use super::tree::TreeChanges;
use super::write::{DIVERTED, Destination, EXCHANGED, NO_RENAME, NO_ROOM, enter, exact};
use super::{Attributes, FileKind, Stat, quote};

/// Gives what stands at `path` its mode and owner; `path` is a word of a shell.
pub(super) fn owner_and_mode(attributes: &Attributes, path: &str) -> String {
    steps(attributes, path, false)
}

/// As [`owner_and_mode`]. A link gets an owner, but no mode: it has none of its own.
fn steps(attributes: &Attributes, path: &str, link: bool) -> String {
    let option = if link { "-h " } else { "" };
    let owner = attributes.owner.as_ref().map(|owner| ("chown", owner));
    let group = attributes.group.as_ref().map(|group| ("chgrp", group));
    let mode = attributes.mode.filter(|_| !link);
    let steps: Vec<String> = [owner, group]
        .into_iter()
        .flatten()
        .map(|(program, name)| format!("{program} {option}-- {} {path}", quote(name)))
        .chain(mode.map(|mode| format!("chmod {} {path}", exact(mode))))
        .collect();
    match steps.is_empty() {
        true => ":".into(),
        false => steps.join(" && "),
    }
}

/// Changes mode and owner of what stands at a path. `destination` is that of `path`, `here` what stands there by `follow`.
///
/// A file or a folder is opened and looked at first. What has no content to be opened for, and what the account may not
/// open, is changed under its name in a folder that is ours ([`super::foreign`]), if need be in one that is made for that.
pub fn set_attributes(
    path: &str,
    destination: &Destination,
    here: Option<&Stat>,
    attributes: &Attributes,
    (follow, recursive): (bool, bool),
) -> String {
    if recursive {
        let identity = here.map(|stat| (stat.device, stat.inode));
        return enter(path, identity) + &TreeChanges::from(attributes).script();
    }
    let by_name = by_name(destination, here, attributes, follow);
    let Some(here) = here.filter(|stat| matches!(stat.kind, FileKind::File | FileKind::Folder)) else {
        return by_name;
    };
    let quoted = quote(path);
    let script = format!(
        "[ \"$(stat -L -c %d:%i \"$p\")\" = {}:{} ] || exit {EXCHANGED}\n{}\n",
        here.device,
        here.inode,
        owner_and_mode(attributes, "\"$p\"")
    );
    // Who may only write a file of their own opens it so.
    format!(
        "p=/proc/self/fd/7\nif [ -e /proc/self ] && [ -r {quoted} ]; then {{\n{script}}} 7<{quoted}\n\
         elif [ -e /proc/self ] && [ -f {quoted} ] && [ -w {quoted} ]; then {{\n{script}}} 7>>{quoted}\nelse\n{by_name}fi\n"
    )
}

/// Changes what stands at a path without opening it.
fn by_name(destination: &Destination, here: Option<&Stat>, attributes: &Attributes, follow: bool) -> String {
    let kind = here.map(|stat| stat.kind);
    let as_planned = match here {
        Some(stat) => format!("[ \"$(stat -c %d:%i \"$1\")\" = {}:{} ]", stat.device, stat.inode),
        None => "[ ! -L \"$1\" ]".into(),
    };
    let (go, name) = target(destination, follow);
    let otherwise = match kind {
        Some(FileKind::Folder) => format!("inside {name} change ."),
        Some(_) => format!("apart linked {name}"),
        None => format!(
            "if [ -d ./{name} ] && [ ! -L ./{name} ]; then inside {name} change .; else apart linked {name}; fi"
        ),
    };
    format!(
        "{}{go}{OURS}{}{}\
         change() {{ {as_planned} || return {EXCHANGED}; {} || return {NO_RENAME}; }}\n\
         linked() {{ ln -- \"../$1\" \"./$1\" || return {NO_RENAME}; single && change \"./$1\"; }}\n\
         if ours; then change ./{name}; else {otherwise}; fi || exit $?\n",
        destination.enter(),
        inside(),
        apart(),
        steps(attributes, "\"$1\"", kind == Some(FileKind::Link) && !follow)
    )
}

/// Shell text that goes where a link that is followed leads, and the name there, as a word: a name in another folder, where
/// what is not what was planned is to be left alone.
fn target(destination: &Destination, follow: bool) -> (String, String) {
    match follow && destination.is_link() {
        true => (
            format!(
                "f=$(readlink -f -- {}) || exit {DIVERTED}; cd -P -- \"${{f%/*}}/\" || exit {NO_ROOM}\n",
                destination.named()
            ),
            "\"${f##*/}\"".to_string(),
        ),
        false => (String::new(), quote(destination.name())),
    }
}

/// Sets the times of what stands at a path, by `options` of `touch`: of `here`, which links lead to and which was there when
/// the step was planned. Nothing is made. In place of a link that somebody put there meanwhile nothing but that is changed.
pub fn touch(destination: &Destination, here: &Stat, options: &str) -> String {
    let (go, name) = target(destination, true);
    format!(
        "{}{go}[ \"$(stat -c %d:%i ./{name})\" = {}:{} ] || {{ echo 'it was exchanged for something else after it was looked at' >&2; exit {EXCHANGED}; }}\n\
         touch -c -h {options} -- ./{name}\n",
        destination.enter(),
        here.device,
        here.inode
    )
}
