//! Mode and owner of a folder with everything in it. Links are not followed.
//!
//! A tree that is ours ([`super::foreign`]) is changed by `find`, as long as it is ours: first what is no folder, then the
//! folders from the innermost outwards, so that whatever is given away, or opened to others, holds nothing that is still to
//! be changed. In any other tree each folder is entered, and what is in it is changed where nobody can exchange it.

use super::foreign::{OURS, apart, inside};
use super::write::{NO_RENAME, exact};
use super::{Attributes, quote};

/// What is to be changed in a tree.
#[derive(Clone, Debug, Default)]
pub struct TreeChanges {
    /// Name or number of the owner.
    pub owner: Option<String>,
    /// Name or number of the group.
    pub group: Option<String>,
    /// Modes of folders: the one that is there, if not all are meant, and the one to be.
    pub folder_modes: Vec<(Option<u32>, u32)>,
    /// The same of what is neither folder nor link.
    pub file_modes: Vec<(Option<u32>, u32)>,
}

impl From<&Attributes> for TreeChanges {
    fn from(attributes: &Attributes) -> TreeChanges {
        let modes: Vec<_> = attributes.mode.iter().map(|mode| (None, *mode)).collect();
        TreeChanges {
            owner: attributes.owner.clone(),
            group: attributes.group.clone(),
            folder_modes: modes.clone(),
            file_modes: modes,
        }
    }
}

/// A test of `find` and what is to be done with what it finds.
struct Clause {
    test: String,
    command: String,
}

impl TreeChanges {
    /// Owner and group are changed at once.
    fn giving(&self) -> Option<Clause> {
        let owner = self.owner.as_deref().map(quote);
        let group = self.group.as_deref().map(quote);
        let (test, command) = match (owner, group, &self.owner, &self.group) {
            (Some(user), Some(group), Some(owner), Some(named)) => (
                format!("\\( ! -user {user} -o ! -group {group} \\)"),
                format!("chown -h -- {}", quote(&format!("{owner}:{named}"))),
            ),
            (Some(user), ..) => (format!("! -user {user}"), format!("chown -h -- {user}")),
            (None, Some(group), ..) => (format!("! -group {group}"), format!("chgrp -h -- {group}")),
            _ => return None,
        };
        Some(Clause { test, command })
    }

    /// Shell text that changes what `kind` finds below `.`, `$1` being more options of `find`. Modes are changed in one
    /// walk, so that nothing is changed twice.
    fn changing(&self, kind: &str, modes: &[Clause]) -> String {
        let clause = |Clause { test, command }: &Clause| format!("{kind} {test} -exec {command} {{}} +");
        let mut walks: Vec<String> = self.giving().iter().map(clause).collect();
        if !modes.is_empty() {
            walks.push(modes.iter().map(clause).collect::<Vec<_>>().join(" -o "));
        }
        let walks = walks.iter().map(|walk| format!("find . $1 {walk}"));
        let all: Vec<String> = walks
            .map(|walk| format!("{walk} || set -- \"$1\" {NO_RENAME}"))
            .collect();
        match all.is_empty() {
            true => ":".into(),
            false => format!("set -- \"$1\" 0; {}; return $2", all.join("; ")),
        }
    }

    /// Tests of `find` for whatever is not yet as it has to be, in brackets.
    fn differing(&self, modes: &[&[Clause]]) -> String {
        let tests: Vec<String> = (self.giving().iter().map(|clause| clause.test.clone()))
            .chain(
                modes
                    .iter()
                    .flat_map(|modes| modes.iter().map(|clause| format!("! -type l {}", clause.test))),
            )
            .collect();
        match tests.is_empty() {
            // Nothing is a block device and none.
            true => "-type b ! -type b".into(),
            false => format!("\\( {} \\)", tests.join(" -o ")),
        }
    }

    /// Shell text that changes everything in `.`, and `.` itself.
    pub fn script(&self) -> String {
        let (folders, files) = (clauses(&self.folder_modes), clauses(&self.file_modes));
        // With a single change each folder comes behind what is in it. With several, one after the other, the first would
        // open folders to others while the second still has to go through them: so level by level.
        let outwards = match folders.len() + usize::from(self.giving().is_some()) {
            0 | 1 => "folders -depth || r=$?".to_string(),
            _ => "n=0; while [ -n \"$(find . -mindepth $n -maxdepth $n -type d 2>/dev/null | head -c 1)\" ]; do n=$((n+1)); done\n\
                  while [ $n -gt 0 ]; do n=$((n-1)); folders \"-mindepth $n -maxdepth $n\" || r=$?; done"
                .to_string(),
        };
        let direct = "-mindepth 1 -maxdepth 1";
        format!(
            "{OURS}{}{}\
             files() {{ {}; }}\n\
             folders() {{ {}; }}\n\
             differs() {{ [ -n \"$(find . {all} -print 2>/dev/null | head -c 1)\" ]; }}\n\
             files_differ() {{ [ -n \"$(find . {direct} ! -type d {here} -print)\" ]; }}\n\
             linked() {{ find .. {direct} ! -type d {here} -exec sh -c 'exec ln -- \"$@\" .' sh {{}} + || exit {NO_RENAME}; single && files ''; }}\n\
             all() {{ r=0; files '' || r=$?\n{outwards}\nreturn $r; }}\n\
             walk() {{\n\
             o=; if ours; then if below_ours; then all; return; fi; o=1; fi\n\
             r=0; for f in * .[!.]* ..?*; do [ -d \"$f\" ] && [ ! -L \"$f\" ] || continue; inside \"$f\" some || r=$?; done\n\
             if [ $o ]; then files '{direct}' || r=$?\n\
             elif files_differ; then apart linked || r=$?; fi\n\
             folders '-maxdepth 0' || r=$?; return $r\n}}\n\
             some() {{ differs || return 0; walk; }}\n\
             walk || exit $?\n",
            inside(),
            apart(),
            self.changing(
                "! -type d",
                &files.iter().map(Clause::of_no_link).collect::<Vec<_>>()
            ),
            self.changing("-type d", &folders),
            all = self.differing(&[&folders, &files]),
            here = self.differing(&[&files]),
        )
    }
}

impl Clause {
    fn of_no_link(&self) -> Clause {
        Clause {
            test: format!("! -type l {}", self.test),
            command: self.command.clone(),
        }
    }
}

fn clauses(modes: &[(Option<u32>, u32)]) -> Vec<Clause> {
    let clause = |(now, wanted): &(Option<u32>, u32)| Clause {
        test: match now {
            Some(now) => format!("-perm {now:o}"),
            None => format!("! -perm {wanted:o}"),
        },
        command: format!("chmod {}", exact(*wanted)),
    };
    modes.iter().map(clause).collect()
}
