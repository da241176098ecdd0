//! What the playbook of forty tasks puts on the machines: large files, folders, archives and packages of two releases.

use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A folder with all of it.
pub fn files() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for release in 1..=2 {
        large(&folder.path().join(format!("large-{release}")), release);
        tree(&folder.path().join(format!("tree-{release}")), release);
        archive(folder.path(), release);
        package(folder.path(), release);
    }
    folder
}

/// Six megabytes that no compression makes small.
fn large(path: &Path, release: u32) {
    let mut text = String::new();
    for line in 0..100_000 {
        text.push_str(&vent::content::digest_of(format!("{release} {line}").as_bytes()));
    }
    std::fs::write(path, text).unwrap();
}

/// Folders with files that both releases have, and one that only this one has.
fn tree(path: &Path, release: u32) {
    for folder in ["a", "b/c"] {
        std::fs::create_dir_all(path.join(folder)).unwrap();
        for file in 0..8 {
            let text = format!("{folder} {file} of {release}\n");
            std::fs::write(path.join(folder).join(format!("file-{file}")), text).unwrap();
        }
    }
    std::fs::write(path.join(format!("of-{release}")), "only here\n").unwrap();
}

fn archive(folder: &Path, release: u32) {
    run(
        folder,
        &[
            "tar",
            "--sort=name",
            "--mtime=@1700000000",
            "--owner=0",
            "--group=0",
            "-czf",
        ],
        &[
            &format!("archive-{release}.tar.gz"),
            "-C",
            &format!("tree-{release}"),
            "a",
            "b",
        ],
    );
}

/// A package of one file, of version 1 or 2.
fn package(folder: &Path, release: u32) {
    let root = folder.join(format!("package-{release}"));
    std::fs::create_dir_all(root.join("DEBIAN")).unwrap();
    std::fs::create_dir_all(root.join("usr/share/app-package")).unwrap();
    let control = format!(
        "Package: app-package\nVersion: {release}\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\n\
         Description: nothing but a file\n"
    );
    std::fs::write(root.join("DEBIAN/control"), control).unwrap();
    let file = root.join("usr/share/app-package/version");
    std::fs::write(file, format!("{release}\n")).unwrap();
    let (root, to) = (root.display().to_string(), format!("app-{release}.deb"));
    run(
        folder,
        &["dpkg-deb", "--root-owner-group", "--build"],
        &[&root, &to],
    );
}

fn run(folder: &Path, words: &[&str], more: &[&str]) {
    let output = Command::new(words[0])
        .args(&words[1..])
        .args(more)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{words:?} {more:?}: {output:?}");
}
