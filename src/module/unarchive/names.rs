//! Where `tar` and `unzip` put members of an archive.

use std::collections::BTreeSet;

/// Options of `tar` that change neither the names that members get nor the folder that they are unpacked in.
const PLAIN: [&str; 18] = [
    "-k",
    "-m",
    "-o",
    "-p",
    "-v",
    "--keep-newer-files",
    "--keep-old-files",
    "--no-overwrite-dir",
    "--no-same-owner",
    "--no-same-permissions",
    "--numeric-owner",
    "--overwrite",
    "--preserve-permissions",
    "--same-owner",
    "--same-permissions",
    "--skip-old-files",
    "--touch",
    "--verbose",
];

/// All folders that members lie in, each behind those above it; nothing if they may come to lie in others. `members` are
/// their paths without what [`stripped`] takes away.
pub(super) fn folders(
    members: impl Iterator<Item = String>,
    zip: bool,
    options: &[String],
) -> Option<Vec<String>> {
    if !plain(zip, options) {
        return None;
    }
    let mut folders = BTreeSet::new();
    for member in members {
        // `unzip` may write what is no letter of English otherwise, and takes a backslash for a slash.
        if zip
            && member
                .bytes()
                .any(|byte| !matches!(byte, b' '..=b'~') || byte == b'\\')
        {
            return None;
        }
        let parts: Vec<&str> = member
            .split('/')
            .filter(|part| !matches!(*part, "" | "."))
            .collect();
        folders.extend((1..parts.len()).map(|length| parts[..length].join("/")));
    }
    Some(folders.into_iter().collect())
}

fn plain(zip: bool, options: &[String]) -> bool {
    let mut options = options.iter();
    while let Some(option) = options.next() {
        let stripping = !zip && option == "--strip-components";
        if stripping && options.next().is_some() {
            continue;
        }
        if zip || !PLAIN.contains(&option.as_str()) && !option.starts_with("--strip-components=") {
            return false;
        }
    }
    true
}

/// The path after `--strip-components`.
pub(super) fn stripped(path: &str, options: &[String]) -> Option<String> {
    let mut count = 0;
    let mut options = options.iter().peekable();
    while let Some(option) = options.next() {
        let text = match option.strip_prefix("--strip-components=") {
            Some(text) => Some(text),
            None if option == "--strip-components" => options.peek().map(|text| text.as_str()),
            None => None,
        };
        count = text.and_then(|text| text.parse().ok()).unwrap_or(count);
    }
    Some(path.split('/').skip(count).collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(options: &[&str]) -> Vec<String> {
        options.iter().map(|option| option.to_string()).collect()
    }

    #[test]
    fn components_are_stripped_as_tar_strips_them() {
        let strip = |options: &[&str]| {
            let options: Vec<String> = options.iter().map(|option| option.to_string()).collect();
            stripped("a/b/c", &options).unwrap()
        };
        assert_eq!(strip(&["--strip-components=1"]), "b/c");
        assert_eq!(strip(&["--strip-components", "2"]), "c");
        assert_eq!(strip(&["--strip-components=3"]), "");
        assert_eq!(strip(&["--no-same-owner"]), "a/b/c");
    }

    #[test]
    fn folders_are_known_where_names_stay_what_they_are() {
        let folders = |zip, options: &[&str]| {
            folders(texts(&["a/b/", "./a/c/d", "e"]).into_iter(), zip, &texts(options))
        };
        let all = texts(&["a", "a/c"]);
        assert_eq!(folders(false, &[]), Some(all.clone()));
        assert_eq!(folders(true, &[]), Some(all.clone()));
        assert_eq!(folders(false, &["--no-same-owner"]), Some(all));
        for option in [
            "--transform=s/a/b/",
            "--xform",
            "-C",
            "--one-top-level",
            "-P",
            "--strip-comp=1",
        ] {
            assert_eq!(folders(false, &[option]), None, "{option}");
        }
        assert_eq!(folders(true, &["-j"]), None);
        assert_eq!(super::folders(texts(&["a\\b"]).into_iter(), true, &[]), None);
    }
}
