//! The shell text that puts things at paths of a host, so that nobody else who may write in a folder on the way can turn
//! it elsewhere.
//!
//! The folder is entered once; a symbolic link on the way is followed only if it leads where it led when the step was
//! planned. What is made is made under a name that nobody can guess, never over something that is there, and everything
//! done to it afterwards is done to the open file, not to its name. The rename at the end follows nothing.

use super::attributes::owner_and_mode;
use super::foreign::removing;
use super::temporary::FRESH_NAME;
use super::{Attributes, FileKind, Question, Stat, quote};
use std::fmt::Write;

/// Exit status of a write: the folder cannot be entered, or nothing can be made in it.
pub(super) const NO_ROOM: i32 = 10;
/// The content could not be written.
const NO_CONTENT: i32 = 11;
/// Mode, owner or the rename failed.
pub(super) const NO_RENAME: i32 = 12;
/// The check command refused the content.
const REFUSED: i32 = 13;
/// A link on the way was put there meanwhile.
pub(super) const DIVERTED: i32 = 14;
/// What stood there was exchanged meanwhile.
pub(super) const EXCHANGED: i32 = 15;

/// Which folder it is: device and inode.
pub type Identity = (u64, u64);

/// A path of a host, as the folder that is entered and the name in it, with what was known of both when the step was
/// planned.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Destination {
    /// The nearest folder above that was there, and which one it was.
    entered: String,
    identity: Option<Identity>,
    /// The folders between it and the name, which were not there.
    between: Vec<String>,
    name: String,
    /// What stands there, links followed.
    here: Option<Stat>,
    /// The name is a symbolic link.
    is_link: bool,
}

/// A path without what means nothing: `//`, `/./` and `/` at its end.
pub(super) fn normal(path: &str) -> String {
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    let root = if path.starts_with('/') { "/" } else { "" };
    match format!("{root}{}", parts.join("/")) {
        empty if empty.is_empty() => ".".into(),
        path => path,
    }
}

/// The folder of a path and the name in it; `/` and `.` have no name.
fn folder_and_name(path: &str) -> (String, String) {
    let path = normal(path);
    match path.rsplit_once('/') {
        Some(("", name)) => ("/".into(), name.into()),
        Some((folder, name)) => (folder.into(), name.into()),
        None if path == "." => (path, String::new()),
        None => (".".into(), path),
    }
}

/// What has to be known of a path before something is put there: what stands there, and at every folder above.
pub fn places(path: &str) -> Vec<Question> {
    let stat = |path: &str, follow| Question::Stat {
        path: path.into(),
        follow,
    };
    let mut questions = vec![stat(path, false), stat(path, true)];
    let mut at = folder_and_name(path).0;
    while at != "/" && at != "." {
        questions.push(stat(&at, true));
        at = folder_and_name(&at).0;
    }
    questions
}

impl Destination {
    /// For a path. `stat` tells what stood at a path when the step was planned, links followed or not; `None` if that is
    /// not known.
    pub fn new(path: &str, stat: &dyn Fn(&str, bool) -> Option<Option<Stat>>) -> Destination {
        let known = |path: &str, follow| stat(path, follow).flatten();
        let (mut entered, name) = folder_and_name(path);
        let mut between = vec![];
        while stat(&entered, true) == Some(None) {
            let (above, folder) = folder_and_name(&entered);
            if folder.is_empty() {
                break;
            }
            between.insert(0, folder);
            entered = above;
        }
        Destination {
            identity: known(&entered, true).map(|stat| (stat.device, stat.inode)),
            entered,
            between,
            name,
            here: known(path, true),
            is_link: known(path, false).is_some_and(|stat| stat.kind == FileKind::Link),
        }
    }

    /// False for `/` and for what ends in `..`, which nothing can be put at.
    pub fn has_name(&self) -> bool {
        !self.name.is_empty() && self.name != ".."
    }

    pub(super) fn named(&self) -> String {
        quote(&format!("./{}", self.name))
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_link(&self) -> bool {
        self.is_link
    }

    /// Enters the folder; `$O` is the folder before it.
    pub(super) fn enter(&self) -> String {
        let mut script = enter(&self.entered, self.identity);
        if !self.between.is_empty() {
            let between = quote(&self.between.join("/"));
            let _ = writeln!(
                script,
                "w=${{PWD%/}}/{between}; cd -P -- ./{between} || exit {NO_ROOM}; [ \"$PWD\" = \"$w\" ] || exit {DIVERTED}"
            );
        }
        script
    }
}

/// Enters a folder, and makes sure that it is the one that was meant: no link was followed, or it led there when the step
/// was planned. `$O` is the folder before it.
pub fn enter(folder: &str, identity: Option<Identity>) -> String {
    let folder = normal(folder);
    let quoted = quote(&folder);
    let same = match folder.as_str() {
        "." => return "O=$PWD\n".into(),
        _ if folder.starts_with('/') => format!("[ \"$PWD\" = {quoted} ]"),
        _ => format!("[ \"$PWD\" = \"${{O%/}}/\"{quoted} ]"),
    };
    let planned = match identity {
        Some((device, inode)) => format!(" || [ \"$(stat -c %d:%i .)\" = {device}:{inode} ]"),
        None => String::new(),
    };
    format!(
        "O=$PWD; cd -P -- {quoted} || exit {NO_ROOM}; {same}{planned} || {{ printf '%s\\n' \"$PWD\" >&2; exit {DIVERTED}; }}\n"
    )
}

/// The open file itself, as `$p`. A host without `/proc` has only the name, which will do where the folder is ours.
const OPEN_FILE: &str =
    "p=/proc/self/fd/6; [ -e \"$p\" ] || { [ -O . ] && p=./$t; } || { echo 'no /proc' >&2; exit 12; }\n";

/// How a file is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Writing<'a> {
    /// The bytes to come, if they may be cut off on their way.
    pub length: Option<u64>,
    /// A command with `%s` for the new file, which has to succeed before it takes its place.
    pub validate: Option<&'a str>,
    /// The name under which the old file is kept beside it.
    pub backup: Option<&'a str>,
    /// The content may be written into the file that is there if that cannot be replaced, such as a bind mount.
    pub in_place: bool,
}

/// Writes standard input to a path: the file is there whole or not at all. Mode, owner, access control lists and extended
/// attributes of the file before it are kept, as far as `attributes` do not say otherwise. [`failure_text`] tells what
/// its exit status means.
///
/// A new file takes two processes, and one more for each of mode and owner.
pub fn write_file(destination: &Destination, attributes: &Attributes, writing: &Writing<'_>) -> String {
    let mut script = destination.enter();
    script.push_str(FRESH_NAME);
    if attributes.mode.is_some() || destination.here.is_some() {
        script.push_str("umask 077\n");
    }
    script.push_str("set -C\n{\n");
    let _ = writeln!(
        script,
        "e=$(LC_ALL=C dd bs=65536 conv=fsync 2>&1 >&6) || {{ printf '%s\\n' \"${{e%%\n*}}\" >&2; exit {NO_CONTENT}; }}"
    );
    script.push_str(OPEN_FILE);
    if let Some(length) = writing.length {
        let _ = writeln!(
            script,
            "[ \"$(stat -L -c %s \"$p\")\" = {length} ] || exit {NO_CONTENT}"
        );
    }
    if let Some(command) = writing.validate {
        let _ = writeln!(
            script,
            "v=${{PWD%/}}/$t; ( cd -- \"$O\" 2>/dev/null; {} ) >&2 6>&- || exit {REFUSED}",
            command.replace("%s", "\"$v\"")
        );
    }
    script.push_str(&attribute_steps(destination, attributes));
    let _ = writeln!(script, "}} 6>\"./$t\" || exit {NO_ROOM}");
    if let Some(backup) = writing.backup {
        script.push_str(&keep(destination, backup));
    }
    script.push_str(&put(destination, writing.in_place));
    script
}

/// Gives the open file what it has to have, and then looks whether it has it.
fn attribute_steps(destination: &Destination, attributes: &Attributes) -> String {
    let mut script = String::new();
    let failed = format!("|| exit {NO_RENAME}");
    if let Some(here) = &destination.here {
        let (mode, owner) = (exact(here.mode), format!("{}:{}", here.uid, here.gid));
        // Who may not give files away keeps what can be kept, as in Ansible.
        let by_number = format!("{{ chown {owner} \"$p\" 2>/dev/null; chmod {mode} \"$p\"; }}");
        if destination.is_link || here.kind != FileKind::File {
            let _ = writeln!(script, "{by_number} {failed}");
        } else {
            let from = destination.named();
            let _ = writeln!(
                script,
                "c=; [ ! -e /sys/fs/selinux/enforce ] || c=,context\n\
                 cp --attributes-only --no-dereference --preserve=mode,ownership,xattr$c -- {from} \"$p\" 2>/dev/null || {by_number} {failed}\n\
                 s=$(stat -L -c '%u:%g %a' \"$p\"); [ \"$s\" = '{owner} {:o}' ] || {{ [ \"${{s#* }}\" = {:o} ] && [ -O \"$p\" ] && [ ! -O /proc/1 ]; }} || exit {EXCHANGED}",
                here.mode, here.mode
            );
        }
    }
    let owner = match (&attributes.owner, &attributes.group) {
        (Some(owner), Some(group)) => Some(format!("chown {}", quote(&format!("{owner}:{group}")))),
        (Some(owner), None) => Some(format!("chown {}", quote(owner))),
        (None, Some(group)) => Some(format!("chgrp {}", quote(group))),
        (None, None) => None,
    };
    if let Some(owner) = &owner {
        let _ = writeln!(script, "{owner} \"$p\" {failed}");
    }
    // Giving a file away takes its set-user-id bit.
    let kept = destination.here.as_ref().map(|here| here.mode);
    let again = kept.filter(|mode| owner.is_some() && mode & 0o6000 != 0);
    if let Some(mode) = attributes.mode.or(again) {
        let _ = writeln!(script, "chmod {} \"$p\" {failed}", exact(mode));
    }
    script
}

/// Keeps the old file under another name: the file itself where the file system can.
fn keep(destination: &Destination, backup: &str) -> String {
    let (from, to) = (destination.named(), quote(&format!("./{backup}")));
    format!(
        "[ ! -e {from} ] || ln -- {from} {to} 2>/dev/null || cp -p -P -- {from} {to} || exit {NO_RENAME}\n"
    )
}

/// The rename; or, if it was asked for, the content into the file that cannot be replaced.
fn put(destination: &Destination, in_place: bool) -> String {
    let name = destination.named();
    let otherwise = match (&destination.here, in_place) {
        (Some(here), true) => format!(
            "{{ {{ [ \"$(stat -L -c %d:%i /proc/self/fd/7)\" = {}:{} ] || exit {EXCHANGED}; cat <\"./$t\" >|/proc/self/fd/7 && rm -f -- \"./$t\"; }} 7<{name}; }}",
            here.device, here.inode
        ),
        _ => format!("exit {NO_RENAME}"),
    };
    format!("mv -f -T -- \"./$t\" {name} || {otherwise} || exit {NO_RENAME}\ntrap - EXIT\n")
}

/// A mode as `chmod` sets it exactly: with four digits GNU's leaves the set-group-id bit of a folder alone.
pub(super) fn exact(mode: u32) -> String {
    format!("{mode:05o}")
}

/// What an exit status of the scripts of this file means; nothing if the program that failed has said it itself.
pub fn failure_text(code: i32, stderr: &str) -> Option<&'static str> {
    Some(match code {
        NO_ROOM => "cannot make a temporary file beside it: is the folder there and writable?",
        NO_CONTENT => "the content could not be written: is the disk full?",
        NO_RENAME if stderr.contains("busy") => {
            "it cannot be replaced, it may be a mount of its own: `unsafe_writes: true` writes into the file that is there"
        }
        NO_RENAME => "mode, owner or the final rename failed",
        REFUSED => "the validate command refused it",
        DIVERTED => {
            "a link on the way leads elsewhere than when it was looked at; somebody may want to have another file changed. It leads to:"
        }
        EXCHANGED => "what stands there was exchanged for something else after it was looked at",
        _ => return None,
    })
}

/// Makes a link in place of a link or file that is there; the path is never missing.
pub fn make_link(destination: &Destination, target: &str, symbolic: bool) -> String {
    let option = if symbolic { "-s " } else { "" };
    let target = match symbolic || target.starts_with('/') {
        true => quote(target),
        false => format!("\"${{O%/}}/\"{}", quote(target)),
    };
    let name = destination.named();
    format!(
        "{}{FRESH_NAME}ln {option}-- {target} \"./$t\" && mv -f -T -- \"./$t\" {name} || exit 1\nrm -f -- \"./$t\"; trap - EXIT\n",
        destination.enter()
    )
}

/// Removes a file, a link, or a folder with everything in it.
pub fn remove(destination: &Destination) -> String {
    format!(
        "[ -d {} ] || exit 0\n{}{}remove {}\n",
        quote(&destination.entered),
        destination.enter(),
        removing(),
        quote(&destination.name)
    )
}

/// Removes a folder in which there is nothing.
pub fn remove_empty(destination: &Destination) -> String {
    format!("{}rmdir -- {}\n", destination.enter(), destination.named())
}

/// Makes a folder and those above it. One that has to have a mode or an owner gets them under a name that nobody can
/// guess, from within; then it takes its place.
pub fn make_folder(destination: &Destination, attributes: &Attributes) -> String {
    let mut script = enter(&destination.entered, destination.identity);
    let make = match attributes.is_empty() {
        true => "mkdir -- \"./$1\" 2>/dev/null".to_string(),
        false => format!(
            "{FRESH_NAME}(umask 077; mkdir -- \"./$t\") || exit {NO_ROOM}\n\
             ( h=${{PWD%/}}/$t; cd -P -- \"./$t\" && [ \"$PWD\" = \"$h\" ] || exit {DIVERTED}\n\
             set -- * .[!.]* ..?*; for f do if [ -e \"$f\" ] || [ -L \"$f\" ]; then exit {EXCHANGED}; fi; done\n\
             {} ) || {{ r=$?; rmdir -- \"./$t\"; exit $r; }}\n\
             mv -n -T -- \"./$t\" \"./$1\" 2>/dev/null; [ ! -d \"./$t\" ] || rmdir -- \"./$t\"; trap - EXIT",
            owner_and_mode(attributes, ".")
        ),
    };
    // Another task may make the same folder at this moment; only what is no folder afterwards is an error.
    let _ = writeln!(
        script,
        "m() {{\n\
         if [ ! -e \"./$1\" ] && [ ! -L \"./$1\" ]; then\n{make}\nfi\n\
         [ -d \"./$1\" ] || mkdir -- \"./$1\" || exit 1\n\
         w=${{PWD%/}}/$1; cd -P -- \"./$1\" && [ \"$PWD\" = \"$w\" ] || {{ printf '%s\\n' \"$PWD\" >&2; exit {DIVERTED}; }}\n}}"
    );
    for name in destination.between.iter().chain([&destination.name]) {
        let _ = writeln!(script, "m {}", quote(name));
    }
    script
}
