//! Mode and owner of a folder with all that is in it, each thing by what it is now.
//!
//! A symbolic mode makes another one of each that is there (`X` for folders and what is executable). So the host is asked
//! which modes and owners there are, not for names, and what has them is changed then ([`TreeChanges`]). No link is followed.

use super::{FileArguments, Mode, Stop, View};
use crate::host::{Action, Attributes, Effect, FileKind, Resource, Stat, TreeChanges, enter, quote};
use std::collections::BTreeSet;

/// A folder as `find` is given it: a relative one begins with `./`, so that none is an option, and nowhere stand two
/// slashes in a row.
pub(super) fn operand(path: &str) -> String {
    let parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
    let start = if path.starts_with('/') { "/" } else { "./" };
    format!("{start}{}", parts.collect::<Vec<_>>().join("/"))
}

/// What is to be done so that the folder `path` and all in it have the mode and owner that are asked for; `here` stands
/// at the path and may be a link to the folder.
///
/// # Errors
/// As [`View::ask`]; a mode that is none.
pub(super) fn set_attributes(
    path: &str,
    here: &Stat,
    file: &FileArguments,
    view: &View<'_>,
) -> Result<Option<Action>, Stop> {
    let asked = file.attributes(None, true)?;
    if asked.is_empty() {
        return Ok(None);
    }
    // With a slash behind it a link is the folder.
    let folder = format!("{}/", operand(path).trim_end_matches('/'));
    let about = Resource::Path(path.into());
    let script = format!(
        "find {} -exec stat -c '%f %u %U %g %G' {{}} + | sort -u",
        quote(&folder)
    );
    let printed = view.probe(&script, std::slice::from_ref(&about))?.text();
    let differing = Differing::read(&printed, file)?;
    if differing.is_empty() {
        return Ok(None);
    }
    if !matches!(file.wanted_mode()?, Some(Mode::Symbolic(_))) {
        let link = here.kind == FileKind::Link;
        return Ok(Some(Action::SetAttributes {
            path: if link { format!("{path}/") } else { path.into() },
            attributes: asked,
            follow: false,
            recursive: true,
        }));
    }
    let identity = view.stat(path, true)?.map(|stat| (stat.device, stat.inode));
    Ok(Some(Action::Script {
        script: enter(path, identity) + &differing.changes(&asked).script(),
        explain: explain(file, &quote(path)),
        effects: vec![Effect::Forgets(about)],
    }))
}

/// What has to be changed in a folder.
struct Differing {
    owner: bool,
    group: bool,
    /// The modes that are there, and those to be, of folders and of other things.
    folder_modes: BTreeSet<(u32, u32)>,
    file_modes: BTreeSet<(u32, u32)>,
}

impl Differing {
    /// Out of lines of `stat`: raw mode, number and name of owner and group.
    fn read(printed: &str, file: &FileArguments) -> Result<Differing, Stop> {
        let mut differing = Differing {
            owner: false,
            group: false,
            folder_modes: BTreeSet::new(),
            file_modes: BTreeSet::new(),
        };
        let other = |wanted: &Option<String>, there: [&str; 2]| {
            wanted.as_deref().is_some_and(|wanted| !there.contains(&wanted))
        };
        for line in printed.lines() {
            let fields: Vec<&str> = line.split(' ').collect();
            let [raw, uid, owner, gid, group] = fields[..] else {
                continue;
            };
            let Ok(raw) = u32::from_str_radix(raw, 16) else {
                continue;
            };
            let chowned = other(&file.owner, [uid, owner]) || other(&file.group, [gid, group]);
            differing.owner |= other(&file.owner, [uid, owner]);
            differing.group |= other(&file.group, [gid, group]);
            let (is_folder, modes) = match raw & 0o170_000 {
                0o120_000 => continue,
                0o040_000 => (true, &mut differing.folder_modes),
                _ => (false, &mut differing.file_modes),
            };
            let now = raw & 0o7777;
            // The kernel takes these bits away when the owner changes.
            let later = chowned.then_some(now & !0o6000);
            for now in std::iter::once(now).chain(later) {
                let wanted = file.attributes(Some(now), is_folder)?.mode;
                if let Some(wanted) = wanted.filter(|wanted| *wanted != now) {
                    modes.insert((now, wanted));
                }
            }
        }
        Ok(differing)
    }

    fn is_empty(&self) -> bool {
        !self.owner && !self.group && self.folder_modes.is_empty() && self.file_modes.is_empty()
    }

    fn changes(&self, asked: &Attributes) -> TreeChanges {
        let modes =
            |modes: &BTreeSet<(u32, u32)>| modes.iter().map(|(now, wanted)| (Some(*now), *wanted)).collect();
        TreeChanges {
            owner: asked.owner.clone().filter(|_| self.owner),
            group: asked.group.clone().filter(|_| self.group),
            folder_modes: modes(&self.folder_modes),
            file_modes: modes(&self.file_modes),
        }
    }
}

/// What a person would type.
fn explain(file: &FileArguments, path: &str) -> String {
    let given = [("chown", &file.owner), ("chgrp", &file.group)];
    let owners = given
        .iter()
        .filter_map(|(line, name)| Some(format!("{line} -R {} {path}", quote(name.as_deref()?))));
    let mode = file.mode.as_ref().and_then(|mode| mode.as_str());
    let mode = mode.map(|mode| format!("chmod -R {} {path}", quote(mode)));
    owners.chain(mode).collect::<Vec<_>>().join("\n")
}
