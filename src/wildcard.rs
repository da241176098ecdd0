//! Names by their wildcards: patterns as Python's `fnmatch` and as OpenSSH reads them, and the files that a pattern of
//! paths means. Matching is the crate `glob`'s; what differs there from both is set right here.

use glob::{MatchOptions, Pattern};
use std::path::{Path, PathBuf};

/// A pattern as Python's `fnmatch` reads it: `*`, `?`, `[abc]`, `[!abc]`, a slash being a character like others and
/// a bracket that is not closed too.
pub fn fnmatch(pattern: &str) -> Pattern {
    let pattern = single(pattern);
    Pattern::new(&pattern).unwrap_or_else(|_| plain_brackets(&pattern))
}

/// A pattern as OpenSSH reads it (ssh_config(5), PATTERNS): `*` and `?` alone.
pub fn openssh(pattern: &str) -> Pattern {
    plain_brackets(&single(pattern))
}

/// `**` means no more than `*`.
fn single(pattern: &str) -> String {
    let mut pattern = pattern.to_string();
    while pattern.contains("**") {
        pattern = pattern.replace("**", "*");
    }
    pattern
}

fn plain_brackets(pattern: &str) -> Pattern {
    Pattern::new(&pattern.replace('[', "[[]")).unwrap_or_default()
}

/// What there is at the paths that a pattern means, sorted, as Python's `glob.glob` finds it: a wildcard stops at a
/// slash and means no hidden file.
pub fn paths(pattern: &str) -> Vec<PathBuf> {
    let pattern = single(pattern);
    let options = MatchOptions {
        require_literal_separator: true,
        ..MatchOptions::default()
    };
    let found = glob::glob_with(&pattern, options)
        .or_else(|_| glob::glob_with(&pattern.replace('[', "[[]"), options));
    let found = found.into_iter().flatten().filter_map(Result::ok);
    let found = found.filter(|path| !hidden(&pattern, path));
    // The crate drops it.
    match pattern.starts_with("./") {
        true => found.map(|path| Path::new(".").join(path)).collect(),
        false => found.collect(),
    }
}

/// As [`paths`], below a folder whose name means itself; a pattern with a slash before it lies in no folder.
pub fn paths_in(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let folder = PathBuf::from(Pattern::escape(&folder.to_string_lossy()));
    paths(&folder.join(pattern).to_string_lossy())
}

/// True if a component of a path begins with a dot where its pattern does not. The crate's own option for it breaks
/// down on names that are not UTF-8.
fn hidden(pattern: &str, path: &Path) -> bool {
    let names = path.iter().rev().zip(Path::new(pattern).iter().rev());
    let dot = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b".");
    names
        .into_iter()
        .any(|(name, pattern)| dot(name) && !dot(pattern))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn fnmatch_is_pythons() {
        for (pattern, name, fits) in [
            ("*.pem", "ca.pem", true),
            ("*.pem", "ca.pem.bak", false),
            ("[!a]?", "bc", true),
            ("[!a]?", "ac", false),
            ("[^a]", "^", true),
            ("[]x]", "]", true),
            ("a[", "a[", true),
            ("a[*", "a[b", true),
            ("{a,b}", "a", false),
            ("{a,b}", "{a,b}", true),
            ("a\\*", "a\\b", true),
            ("*", ".a/b", true),
            ("a/**/b", "a/b", false),
            ("a**b", "acb", true),
        ] {
            assert_eq!(fnmatch(pattern).matches(name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn openssh_knows_two_wildcards() {
        for (pattern, name, fits) in [
            ("*.example.org", "a.example.org", true),
            ("web?", "web1", true),
            ("web?", "web", false),
            ("[web]:2222", "[web]:2222", true),
            ("[web]", "w", false),
            ("*a*b*", "xaxbx", true),
            ("***", "", true),
        ] {
            assert_eq!(openssh(pattern).matches(name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn paths_are_found_as_the_shell_does() {
        let folder = tempfile::tempdir().unwrap();
        let name = |path: &PathBuf| path.strip_prefix(folder.path()).unwrap().display().to_string();
        for sub in ["one", "two", ".three"] {
            std::fs::create_dir(folder.path().join(sub)).unwrap();
            for file in ["b.yml", "a.yml", ".c.yml", "{d}.yml", "e["] {
                std::fs::write(folder.path().join(sub).join(file), "").unwrap();
            }
        }
        std::fs::write(
            folder.path().join(std::ffi::OsStr::from_bytes(b"one/\xff.yml")),
            "",
        )
        .unwrap();
        let found = |pattern: &str| -> Vec<String> {
            let pattern = format!("{}/{pattern}", folder.path().display());
            paths(&pattern).iter().map(name).collect()
        };
        assert_eq!(found("*/a.yml"), ["one/a.yml", "two/a.yml"]);
        assert_eq!(found("one/[ab].yml"), ["one/a.yml", "one/b.yml"]);
        assert_eq!(found("one/{*"), ["one/{d}.yml"]);
        assert_eq!(found("two/*.yml"), ["two/a.yml", "two/b.yml", "two/{d}.yml"]);
        assert_eq!(found("two/.*.yml"), ["two/.c.yml"]);
        assert_eq!(found("two/*["), ["two/e["]);
        assert_eq!(found("none/*"), Vec::<String>::new());
        std::fs::create_dir(folder.path().join("[x]")).unwrap();
        std::fs::write(folder.path().join("[x]/a.yml"), "").unwrap();
        let below: Vec<String> = paths_in(&folder.path().join("[x]"), "*.yml")
            .iter()
            .map(name)
            .collect();
        assert_eq!(below, ["[x]/a.yml"]);
        assert_eq!(paths("./Cargo.t*"), [PathBuf::from("./Cargo.toml")]);
        assert_eq!(paths("Cargo.t*"), [PathBuf::from("Cargo.toml")]);
    }
}
