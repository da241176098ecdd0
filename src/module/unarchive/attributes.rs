//! Mode and owner of what was unpacked. What a link leads to is left alone: a link of an archive may point anywhere.

use super::super::{FileArguments, Stop, View};
use super::Own;
use crate::host::{Action, Effect, OURS, Resource, apart, enter, inside, quote};
use crate::value::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Sets mode and owner of all members, if they were asked for. Where all folders of members are ours
/// ([`crate::host::OURS`]), members are changed by their paths; what is no folder first, then the folders from the innermost
/// outwards, so that nothing is left to be done in one that was given away. Otherwise each folder is entered.
///
/// # Errors
/// A mode that is none; as [`View::ask`].
pub(super) fn set(
    own: &Own,
    file: &FileArguments,
    paths: &[String],
    view: &View<'_>,
) -> Result<Option<Action>, Stop> {
    let owner = file
        .owner
        .as_ref()
        .map(|owner| format!("chown -h -- {}", quote(owner)));
    let group = file
        .group
        .as_ref()
        .map(|group| format!("chgrp -h -- {}", quote(group)));
    let mode = file.wanted_mode()?.map(|_| match &file.mode {
        Some(Value::Int(bits)) => format!("{bits:04o}"),
        Some(value) => value.as_str().unwrap_or_default().to_string(),
        None => String::new(),
    });
    let mode = mode.map(|mode| format!("chmod {} --", quote(&mode)));
    let owners: Vec<&str> = [&owner, &group]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    if paths.is_empty() || owners.is_empty() && mode.is_none() {
        return Ok(None);
    }
    let levels = paths.iter().map(|path| depth(path)).collect::<BTreeSet<_>>();
    let levels = levels
        .iter()
        .rev()
        .map(usize::to_string)
        .collect::<Vec<_>>()
        .join(" ");
    let above = paths.iter().flat_map(|path| above(path)).collect::<BTreeSet<_>>();
    let above = above
        .iter()
        .map(|folder| quote(folder))
        .collect::<Vec<_>>()
        .join(" ");
    let script = format!(
        "{}{OURS}{}{}\
         set_all() {{ {}; }}\n\
         linked() {{ printf '../%s\\0' \"$@\" | xargs -0 sh -c 'ln -- \"$@\" .' sh && single && set_all files \"$@\"; }}\n\
         files() {{ for f do [ \"$k\" != no_links ] || [ ! -L \"$f\" ] || continue; printf './%s\\0' \"$f\"; done; }}\n\
         in_others() {{ ( within \"$1\" || exit 0; shift\n\
         i=$#; while [ $i -gt 0 ]; do if [ -L \"$1\" ] || {{ [ -e \"$1\" ] && [ ! -d \"$1\" ]; }}; then set -- \"$@\" \"$1\"; fi; shift; i=$((i-1)); done\n\
         [ $# -gt 0 ] || exit 0; if ours; then set_all files \"$@\"; else apart linked \"$@\"; fi ) || r=$?; }}\n\
         in_folders() {{ ( within \"$1\" || exit 0; shift\n\
         q=0; for f do [ -d \"$f\" ] && [ ! -L \"$f\" ] || continue; if [ \"$f\" = . ]; then set_all here; else inside \"$f\" set_all here; fi || q=$?; done; exit $q ) || r=$?; }}\n\
         here() {{ printf '.\\0'; }}\n\
         all_ours() {{ parents=$(printf '%s\\0' {above} | xargs -0 stat -c %u:%a -- 2>/dev/null) || return\n\
         for s in $parents; do kept \"$s\" || return; done; }}\n\
         if all_ours; then set_all others && for n in {levels}; do set_all folders || exit $?; done; exit; fi\n\
         r=0; each in_others; for n in {levels}; do level in_folders; done; exit $r\n",
        members(own, paths, view)?,
        inside(),
        apart(),
        set_all(&owners, mode.as_deref()),
    );
    let lines: Vec<String> = [owner, group, mode]
        .into_iter()
        .flatten()
        .map(|line| line.trim_end_matches(" --").replace(" -- ", " "))
        .collect();
    let explain = format!("cd {} && {} …", quote(&own.dest), lines.join(" … && "));
    Ok(Some(Action::Script {
        script,
        explain,
        effects: vec![Effect::Forgets(Resource::Path(own.dest.clone()))],
    }))
}

/// Shell text that changes what `"$@"` prints; with `k=no_links` it leaves links out.
fn set_all(owners: &[&str], mode: Option<&str>) -> String {
    let owners = owners
        .iter()
        .map(|line| format!("k= && \"$@\" | xargs -0 -r {line}"));
    let mode = mode.map(|line| format!("k=no_links && \"$@\" | xargs -0 -r {line}"));
    owners.chain(mode).collect::<Vec<_>>().join(" && ")
}

fn depth(path: &str) -> usize {
    parts(path).len()
}

fn parts(path: &str) -> Vec<&str> {
    path.split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect()
}

/// The folders above a member, `.` for the outermost.
fn above(path: &str) -> Vec<String> {
    let parts = parts(path);
    let folder = |length: usize| {
        std::iter::once(".")
            .chain(parts.iter().copied().take(length))
            .collect::<Vec<_>>()
            .join("/")
    };
    (0..parts.len().max(1)).map(folder).collect()
}

/// Shell text that enters the folder that the archive is unpacked in and defines `level COMMAND`, which calls it with the
/// folder and the names of members in it, for the members `$n` folders deep; `each COMMAND`, which does so for all;
/// `others` and `folders`, which print the paths of members that no link leads to: what is no folder of all depths, and
/// the folders of depth `$n`, or of all; each with NUL behind it.
///
/// # Errors
/// As [`View::ask`].
pub(super) fn members(own: &Own, paths: &[String], view: &View<'_>) -> Result<String, Stop> {
    let identity = view.stat(&own.dest, true)?.map(|stat| (stat.device, stat.inode));
    let mut levels: BTreeMap<usize, BTreeMap<String, BTreeSet<&str>>> = BTreeMap::new();
    for path in paths {
        let parts = parts(path);
        let name = parts.last().copied().unwrap_or(".");
        let folder = above(path).pop().unwrap_or_default();
        levels
            .entry(parts.len())
            .or_default()
            .entry(folder)
            .or_default()
            .insert(name);
    }
    let mut script = enter(&own.dest, identity);
    script.push_str("top=${PWD%/}\nlevel() { case $n in\n");
    for (depth, folders) in &levels {
        let _ = writeln!(script, "{depth})");
        for (folder, names) in folders {
            let names: Vec<String> = names.iter().map(|name| quote(name)).collect();
            let _ = writeln!(script, "\"$@\" {} {}", quote(folder), names.join(" "));
        }
        script.push_str(";;\n");
    }
    let all: Vec<String> = levels.keys().map(usize::to_string).collect();
    let _ = writeln!(
        script,
        "esac; }}\n\
         each() {{ for n in {}; do level \"$@\"; done; n=; }}\n\
         within() {{ cd -P -- \"$1\" 2>/dev/null && [ \"${{PWD%/}}\" = \"$top${{1#.}}\" ]; }}\n\
         linkless() {{ p=$1; while case $p in ./*) ;; *) false;; esac; do [ ! -L \"$p\" ] || return; p=${{p%/*}}; done; }}\n\
         pick() {{ d=$1; shift; linkless \"$d\" || return 0\n\
         for f do f=$d/$f; if [ -d \"$f\" ] && [ ! -L \"$f\" ]; then [ $w = folders ]; else [ $w = others ]; fi || continue\n\
         [ \"$k\" != no_links ] || [ ! -L \"$f\" ] || continue; printf '%s\\0' \"$f\"; done; }}\n\
         others() {{ w=others; each pick; }}\n\
         folders() {{ w=folders; if [ \"$n\" ]; then level pick; else each pick; fi; }}\n\
         n=; k=",
        all.join(" ")
    );
    Ok(script)
}
