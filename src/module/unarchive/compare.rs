//! An archive of this computer against what stands on the host, as `tar --diff` compares.

use super::super::{FileArguments, Stop, View, parse_mode};
use super::names::stripped;
use super::{Own, stays_inside};
use crate::archive::{Archive, Member, MemberKind, Packing};
use crate::host::{FileKind, Resource, Stat, quote};
use crate::module::Mode;
use crate::wildcard::fnmatch;
use glob::Pattern;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// A member that is to be unpacked.
pub(super) struct Wanted {
    pub(super) path: String,
    pub(super) member: Member,
}

impl Wanted {
    pub(super) fn is_link(&self) -> bool {
        matches!(self.member.kind, MemberKind::Link(_))
    }

    /// The digest of a regular file.
    pub(super) fn digest(&self) -> Option<Arc<str>> {
        match &self.member.kind {
            MemberKind::File(digest) => Some(digest.clone()),
            _ => None,
        }
    }

    /// What `stat` will say of a file or a folder; `None` where it cannot be told.
    pub(super) fn stat(&self) -> Option<Stat> {
        let kind = match self.member.kind {
            MemberKind::File(_) => FileKind::File,
            MemberKind::Folder => FileKind::Folder,
            _ => return None,
        };
        let (uid, owner) = self.member.owner.clone()?;
        let (gid, group) = self.member.group.clone()?;
        Some(Stat {
            kind,
            mode: self.member.mode?,
            uid: u32::try_from(uid).ok()?,
            gid: u32::try_from(gid).ok()?,
            owner,
            group,
            size: 0,
            accessed: 0,
            modified: self.member.modified?,
            changed: 0,
            links: 1,
            inode: 0,
            device: 0,
            target: None,
        })
    }
}

/// The members that `include` and `exclude` leave.
pub(super) fn wanted(archive: &Archive, own: &Own) -> Result<Vec<Wanted>, Stop> {
    let patterns = own.exclude.iter();
    let excluded: Vec<Pattern> = patterns
        .map(|pattern| fnmatch(pattern.trim_end_matches('/')))
        .collect();
    let mut wanted = vec![];
    for member in &archive.members {
        let chosen = |name: &String| {
            let name = name.trim_end_matches('/').trim_start_matches("./");
            member.path == name
                || member
                    .path
                    .strip_prefix(name)
                    .is_some_and(|rest| rest.starts_with('/'))
        };
        if !own.include.is_empty() && !own.include.iter().any(chosen) || member.path.is_empty() {
            continue;
        }
        if excluded.iter().any(|pattern| excludes(pattern, &member.path)) {
            continue;
        }
        let path = match stripped(&member.path, &own.extra_opts) {
            Some(path) if !path.is_empty() => path,
            _ => continue,
        };
        if path.contains('\n') {
            return Err(Stop::failed(format!(
                "a name in the archive holds a line break: {path:?}"
            )));
        }
        stays_inside(&path)?;
        let privileged = member.kind == MemberKind::Device
            || matches!(member.kind, MemberKind::File(_))
                && member.mode.is_some_and(|mode| mode & 0o6000 != 0);
        // `unzip` makes neither.
        if privileged && archive.packing != Packing::Zip {
            own.allows_privileged(&path)?;
        }
        wanted.push(Wanted {
            path,
            member: member.clone(),
        });
    }
    Ok(wanted)
}

/// As tar matches: the pattern may begin at any component, and what is below is left out too.
fn excludes(pattern: &Pattern, path: &str) -> bool {
    let slashes = path.match_indices('/').map(|(at, _)| at);
    let ends = slashes.clone().chain([path.len()]);
    let mut starts = [0].into_iter().chain(slashes.map(|at| at + 1));
    starts.any(|start| {
        let mut ends = ends.clone().filter(|end| *end > start);
        ends.any(|end| pattern.matches(&path[start..end]))
    })
}

/// What stands on the host at the path of a member.
#[derive(Default)]
pub(super) struct ExistingEntry {
    kind: String,
    mode: u32,
    owner: [String; 2],
    group: [String; 2],
    modified: i64,
    digest: String,
    target: Option<String>,
}

/// Looks at all members in one trip.
pub(super) fn look(
    wanted: &[Wanted],
    own: &Own,
    view: &View<'_>,
) -> Result<HashMap<String, ExistingEntry>, Stop> {
    let words = |keep: &dyn Fn(&Wanted) -> bool| -> String {
        let kept = wanted.iter().filter(|member| keep(member));
        kept.map(|member| format!(" {}", quote(&format!("./{}", member.path))))
            .collect()
    };
    let mut all = words(&|_| true);
    if all.is_empty() {
        return Ok(HashMap::new());
    }
    // A link may lead to a member.
    let above: BTreeSet<&str> = wanted.iter().flat_map(|member| above(&member.path)).collect();
    all.extend(
        above
            .iter()
            .map(|path| format!(" {}", quote(&format!("./{path}")))),
    );
    let mut script = format!(
        "cd {} || exit 3\necho '#stat'; printf '%s\\0'{all} | xargs -0 stat -c '%F|%a|%u|%U|%g|%G|%Y|%n' -- 2>/dev/null\n",
        quote(&own.dest)
    );
    let files = words(&|member| member.digest().is_some());
    if !files.is_empty() {
        script.push_str(&format!(
            "echo '#digest'; printf '%s\\0'{files} | xargs -0 sha256sum -- 2>/dev/null\n"
        ));
    }
    let links = words(&Wanted::is_link);
    if !links.is_empty() {
        script.push_str(&format!(
            "printf '\\0'; for l in{links}; do [ ! -L \"$l\" ] || {{ readlink -n -- \"$l\"; printf '\\0%s\\0' \"$l\"; }}; done\n"
        ));
    }
    script.push_str("exit 0\n");
    let output = view.probe(&script, &[Resource::Path(own.dest.clone())])?.text();
    Ok(parse(&output))
}

fn parse(output: &str) -> HashMap<String, ExistingEntry> {
    let mut found: HashMap<String, ExistingEntry> = HashMap::new();
    let mut links = output.split('\0');
    let lines = links.next().unwrap_or_default().lines();
    let mut section = "";
    for line in lines {
        if line.starts_with('#') && !line.contains('|') && !line.contains(' ') {
            section = &line[1..];
            continue;
        }
        match section {
            "stat" => {
                let fields: Vec<&str> = line.splitn(8, '|').collect();
                let [kind, mode, uid, owner, gid, group, modified, path] = fields[..] else {
                    continue;
                };
                let entry = found.entry(path.trim_start_matches("./").into()).or_default();
                entry.kind = kind.into();
                entry.mode = u32::from_str_radix(mode, 8).unwrap_or(0);
                entry.owner = [uid.into(), owner.into()];
                entry.group = [gid.into(), group.into()];
                entry.modified = modified.parse().unwrap_or(0);
            }
            "digest" => {
                // Names with a backslash are told with two.
                let plain = line.strip_prefix('\\').map(|line| line.replace("\\\\", "\\"));
                if let Some((digest, path)) = plain.as_deref().unwrap_or(line).split_once("  ") {
                    found
                        .entry(path.trim_start_matches("./").into())
                        .or_default()
                        .digest = digest.into();
                }
            }
            _ => {}
        }
    }
    while let (Some(target), Some(path)) = (links.next(), links.next()) {
        let path = path.trim_start_matches("./");
        found.entry(path.into()).or_default().target = Some(target.into());
    }
    found
}

/// The folders above a path, below the one that is unpacked in.
fn above(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

/// True if something would be unpacked.
pub(super) fn differs(
    wanted: &[Wanted],
    found: &HashMap<String, ExistingEntry>,
    file: &FileArguments,
    keep_newer: bool,
) -> bool {
    // A later member of the same name is the one that is left.
    let mut last: HashMap<&str, &Wanted> = HashMap::new();
    for member in wanted {
        last.insert(&member.path, member);
    }
    last.into_values().any(|wanted| match found.get(&wanted.path) {
        None => true,
        Some(found) => differs_from(&wanted.member, found, file, keep_newer),
    })
}

fn differs_from(member: &Member, found: &ExistingEntry, file: &FileArguments, keep_newer: bool) -> bool {
    let owned = |name: &Option<(u64, String)>, there: &[String; 2], given: &Option<String>| match name {
        Some((number, name)) if given.is_none() => *name != there[1] && number.to_string() != there[0],
        _ => false,
    };
    let mode = file.mode.is_none() && member.mode.is_some_and(|mode| mode != found.mode);
    let other_owner =
        owned(&member.owner, &found.owner, &file.owner) || owned(&member.group, &found.group, &file.group);
    match &member.kind {
        MemberKind::Folder => found.kind != "directory" || mode || other_owner,
        MemberKind::Link(target) => found.target.as_ref() != Some(target),
        MemberKind::File(digest) => {
            if keep_newer && member.modified.is_some_and(|modified| found.modified > modified) {
                return false;
            }
            !found.kind.starts_with("regular")
                || *found.digest != **digest
                || mode
                || other_owner
                || member.modified.is_some_and(|modified| modified != found.modified)
        }
        MemberKind::HardLink(_) => !found.kind.starts_with("regular"),
        MemberKind::Device | MemberKind::Special => false,
    }
}

/// True if mode or owner that were asked for differ somewhere.
pub(super) fn attributes_differ(
    wanted: &[Wanted],
    found: &HashMap<String, ExistingEntry>,
    file: &FileArguments,
) -> Result<bool, Stop> {
    let mode = file.wanted_mode()?;
    let other = |given: &Option<String>, there: &[String; 2]| {
        given.as_ref().is_some_and(|given| !there.contains(given))
    };
    let is_link = |path: &str| found.get(path).is_some_and(|found| found.kind == "symbolic link");
    let kept = |member: &&Wanted| !member.is_link() && !above(&member.path).any(is_link);
    Ok(wanted.iter().filter(kept).any(|member| {
        let Some(found) = found.get(&member.path) else {
            return true;
        };
        let differs = match &mode {
            Some(Mode::Bits(bits)) => *bits != found.mode,
            Some(Mode::Symbolic(text)) => {
                parse_mode(text, found.mode, found.kind == "directory") != Some(found.mode)
            }
            _ => false,
        };
        differs || other(&file.owner, &found.owner) || other(&file.group, &found.group)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exclusion_begins_and_ends_at_any_component() {
        for (pattern, path, out) in [
            ("b", "a/b/c", true),
            ("b", "b", true),
            ("a/b", "a/b/c", true),
            ("*.o", "a/b.o", true),
            ("a*c", "a/b/c/d", true),
            ("b", "a/bc", false),
            ("b", "ab/c", false),
            ("c/d", "a/c/e", false),
        ] {
            assert_eq!(excludes(&fnmatch(pattern), path), out, "{pattern} {path}");
        }
    }
}
