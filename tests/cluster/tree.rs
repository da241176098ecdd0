//! Trees of files: what lies in a folder, and how two of them differ.

use crate::lists;
use glob::Pattern;
use std::collections::{BTreeMap, HashMap};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// One file: what it is, mode and owner, and the digest of its content or where it points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    kind: char,
    mode: u32,
    owner: (u32, u32),
    content: String,
}

/// Every file below a folder, by its path from there.
pub type Tree = BTreeMap<String, Entry>;

/// Digests of files that did not change since: by device, inode, time of change and length.
#[derive(Default)]
pub struct Digests(HashMap<(u64, u64, i64, i64, u64), String>);

impl Digests {
    /// Reads a tree. Files that vanish while it is read are left out.
    pub fn tree(&mut self, root: &Path) -> Tree {
        let mut tree = Tree::new();
        self.add(root, root, &mut tree);
        tree
    }

    fn add(&mut self, root: &Path, folder: &Path, tree: &mut Tree) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let Ok(data) = path.symlink_metadata() else {
                continue;
            };
            let kind = data.file_type();
            let (letter, content) = if kind.is_dir() {
                self.add(root, &path, tree);
                ('d', String::new())
            } else if kind.is_symlink() {
                let target = std::fs::read_link(&path).unwrap_or_default();
                ('l', target.display().to_string())
            } else if kind.is_file() {
                ('f', self.digest(&path, &data))
            } else if kind.is_socket() {
                ('s', String::new())
            } else {
                // An overlay notes here that a file of the layer below was removed.
                ('c', data.rdev().to_string())
            };
            let name = path.strip_prefix(root).unwrap();
            let entry = Entry {
                kind: letter,
                mode: data.mode() & 0o7777,
                owner: (data.uid(), data.gid()),
                content,
            };
            tree.insert(format!("/{}", name.display()), entry);
        }
    }

    fn digest(&mut self, path: &Path, data: &std::fs::Metadata) -> String {
        let key = (
            data.dev(),
            data.ino(),
            data.ctime(),
            data.ctime_nsec(),
            data.len(),
        );
        let read = || vent::content::digest_of(&std::fs::read(path).unwrap_or_default()).to_string();
        self.0.entry(key).or_insert_with(read).clone()
    }
}

/// Paths that differ for a reason other than the run: patterns of a list.
pub struct Exceptions(Vec<Pattern>);

impl Exceptions {
    /// Those of `tests/volatile-paths.txt`.
    pub fn read() -> Exceptions {
        let entries = lists::read("tests/volatile-paths.txt");
        Exceptions::of(entries.iter().map(|entry| entry.0.as_str()))
    }

    /// These patterns.
    pub fn of<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Exceptions {
        let patterns = patterns.into_iter().map(|pattern| Pattern::new(pattern).unwrap());
        Exceptions(patterns.collect())
    }
}

/// A line for each path that is not the same in both.
pub fn differences(before: &Tree, after: &Tree, but: &Exceptions) -> Vec<String> {
    let names: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    names
        .into_iter()
        .filter(|name| !but.0.iter().any(|pattern| pattern.matches(name)))
        .filter_map(|name| match (before.get(name), after.get(name)) {
            (Some(one), Some(other)) if one == other => None,
            (Some(one), Some(other)) => Some(format!("{name}: {one:?} -> {other:?}")),
            (Some(_), None) => Some(format!("{name}: gone")),
            (None, _) => Some(format!("{name}: new")),
        })
        .collect()
}

#[test]
fn every_kind_of_difference_is_seen() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["same", "content", "mode", "gone", "volatile"] {
        std::fs::write(at(name), name).unwrap();
    }
    std::os::unix::fs::symlink("same", at("link")).unwrap();
    let mut digests = Digests::default();
    let before = digests.tree(folder.path());
    std::fs::write(at("content"), "c0ntent").unwrap();
    std::fs::write(at("volatile"), "other").unwrap();
    std::fs::set_permissions(at("mode"), PermissionsExt::from_mode(0o600)).unwrap();
    std::fs::remove_file(at("gone")).unwrap();
    std::fs::remove_file(at("link")).unwrap();
    std::os::unix::fs::symlink("mode", at("link")).unwrap();
    std::fs::create_dir(at("new")).unwrap();
    let after = digests.tree(folder.path());
    let found = differences(&before, &after, &Exceptions::of(["/vol*"]));
    let names: Vec<_> = found.iter().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(
        names,
        ["/content", "/gone", "/link", "/mode", "/new"],
        "{found:#?}"
    );
}
