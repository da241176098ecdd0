//! Names of Debian packages as playbooks write them: with a version, a release, a pattern, or of what a package provides.

use super::{Stop, View};
use crate::host::{Package, Resource, quote};
use crate::wildcard::fnmatch;

/// The name without version and release.
pub(super) fn base(name: &str) -> &str {
    name.split(['=', '/']).next().unwrap_or(name)
}

/// The version after `=`.
pub(super) fn version(name: &str) -> Option<&str> {
    name.split_once('=').map(|(_, version)| version)
}

/// A version fits one with `*` in it.
pub(super) fn matches(wanted: &str, version: &str) -> bool {
    wanted == version || fnmatch(wanted).matches(version)
}

/// Any installed package whose name fits a pattern.
pub(super) fn pattern(pattern: &str, view: &View<'_>) -> Result<Option<Package>, Stop> {
    let script = format!(
        "dpkg-query -W -f='${{db:Status-Status}} ${{Version}}\\n' {} | sed -n 's/^installed //p'",
        quote(pattern)
    );
    let output = view.probe(&script, &[Resource::Other("packages".into())])?.text();
    Ok(output.lines().next().map(|version| Package {
        version: version.into(),
    }))
}

/// Those of the names that an installed package provides.
pub(super) fn provided(names: &[&str], view: &View<'_>) -> Result<Vec<String>, Stop> {
    let script =
        "dpkg-query -W -f='${db:Status-Status} ${Provides}\\n' | sed -n 's/^installed \\(..*\\)/\\1/p'";
    let mut about: Vec<Resource> = names
        .iter()
        .map(|name| Resource::Package(base(name).into()))
        .collect();
    about.push(Resource::Other("packages".into()));
    let output = match view.probe(script, &about) {
        // Packages that a step before would bring may provide it too; asking for it again changes nothing.
        Err(Stop::Undecided(_)) => return Ok(vec![]),
        output => output?.text(),
    };
    let provided = output
        .split([',', '\n'])
        .filter_map(|entry| entry.split_whitespace().next())
        .map(str::to_string);
    Ok(provided.filter(|name| names.contains(&name.as_str())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_versions_and_releases() {
        assert_eq!((base("jq=1.6*"), version("jq=1.6*")), ("jq", Some("1.6*")));
        assert_eq!((base("jq/testing"), version("jq")), ("jq", None));
        assert!(matches("1.6*", "1.6-2.1") && !matches("1.6*", "1.7"));
    }
}
