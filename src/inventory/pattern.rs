//! Host patterns: `a:b`, `a,b`, `!x`, `&y`, globs, `~regex`, `[0]`, `[1:2]`, and `--limit`.

use super::{Inventory, LOCALHOST};
use crate::budget::PARTS;
use crate::error::cures::HOSTS_ARE_SHOWN;
use crate::error::{Error, Result, nearest};
use crate::source::Place;
use crate::value::Value;
use crate::wildcard::fnmatch;
use indexmap::IndexSet;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

/// The hosts of a play's rendered pattern, a text or a list of texts: each once, in the order of the pattern.
/// What names nobody adds nobody (see [`unmatched`]).
///
/// # Errors
/// A value of another kind, a broken regular expression.
pub fn hosts(inventory: &Inventory, pattern: &Value, place: &Place) -> Result<Vec<Arc<str>>> {
    let parts = parts_of(pattern).map_err(|error| error.at(place))?;
    let found = evaluate(inventory, &parts, &mut vec![]).map_err(|error| error.at(place))?;
    Ok(found.into_iter().collect())
}

/// The parts of a pattern that match no group and no host, each with what was probably meant.
///
/// # Errors
/// As [`hosts`].
pub fn unmatched(inventory: &Inventory, pattern: &Value, place: &Place) -> Result<Vec<Error>> {
    let mut unmatched = vec![];
    let parts = parts_of(pattern).map_err(|error| error.at(place))?;
    evaluate(inventory, &parts, &mut unmatched).map_err(|error| error.at(place))?;
    Ok(unmatched.into_iter().map(|error| error.at(place)).collect())
}

/// What `--limit` leaves.
#[derive(Clone, Debug)]
pub struct Limited {
    /// The hosts.
    pub hosts: HashSet<Arc<str>>,
    /// The parts that match no group and no host (see [`unmatched`]).
    pub unmatched: Vec<Error>,
}

/// The hosts of `--limit`: a pattern in which `@file` stands for the patterns in the lines of a file.
///
/// # Errors
/// A broken regular expression, a file that cannot be read, and when nobody is left.
pub fn limit(inventory: &Inventory, pattern: &str) -> Result<Limited> {
    let mut parts = vec![];
    for part in split(pattern) {
        let Some(file) = part.strip_prefix('@') else {
            parts.push(part);
            continue;
        };
        let text = std::fs::read_to_string(file).map_err(|error| {
            let message = match Path::new(file).is_dir() {
                true => format!("Limit starting with \"@\" must be a file: {file}"),
                false => format!("cannot read the hosts of `--limit` from {file}"),
            };
            Error::new(message)
                .cause(error)
                .help("`@FILE` names a file with one pattern a line; a host is named without `@`")
        })?;
        let lines = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        parts.extend(lines.flat_map(split));
    }
    let mut unmatched = vec![];
    let found = evaluate(inventory, &parts, &mut unmatched)?;
    if found.is_empty() {
        let near = unmatched.first().and_then(Error::cure).map(str::to_string);
        let error = nobody(inventory, pattern);
        return Err(match near {
            Some(near) => error.help(near),
            None => error,
        });
    }
    Ok(Limited {
        hosts: found.into_iter().collect(),
        unmatched,
    })
}

/// A pattern that matches no host of the inventory.
pub fn nobody(inventory: &Inventory, pattern: &str) -> Error {
    let known = inventory
        .groups
        .keys()
        .chain(inventory.hosts.keys())
        .map(|name| &**name);
    let error = Error::new(format!("no host matches the pattern `{pattern}`"));
    error.help(HOSTS_ARE_SHOWN).did_you_mean(nearest(pattern, known))
}

fn parts_of(pattern: &Value) -> Result<Vec<String>> {
    let texts = match pattern {
        Value::List(items) => items.iter().map(text_of).collect::<Result<Vec<_>>>()?,
        value => vec![text_of(value)?],
    };
    let parts: Vec<String> = texts.iter().flat_map(|part| split(part)).collect();
    PARTS.check(parts.len() as u64).map_err(Error::new)?;
    Ok(parts)
}

fn text_of(value: &Value) -> Result<String> {
    match value {
        Value::List(_) | Value::Map(_) | Value::Null | Value::Unknown(_) => Err(Error::new(format!(
            "a host pattern is a text, not {}",
            value.kind()
        ))),
        Value::Int(number) => Ok(number.to_string()),
        value => Ok(value.as_str().unwrap_or_default().to_string()),
    }
}

/// Takes a pattern apart: at commas if there are any, else at colons outside of brackets.
fn split(pattern: &str) -> Vec<String> {
    let pattern = pattern.trim();
    let parts: Vec<&str> = if pattern.contains(',') {
        pattern.split(',').collect()
    } else if pattern.parse::<std::net::Ipv6Addr>().is_ok() || pattern.starts_with('~') {
        vec![pattern]
    } else {
        let mut depth = 0;
        let at_colon = |c: char| {
            match c {
                '[' => depth += 1,
                ']' => depth -= 1,
                _ => {}
            }
            (c == ':' || c.is_whitespace()) && depth == 0
        };
        pattern.split(at_colon).collect()
    };
    parts
        .into_iter()
        .map(|part| part.trim().to_string())
        .filter(|part| !part.is_empty())
        .collect()
}

/// Unions first, then intersections, then exclusions, as Ansible orders them.
fn evaluate(
    inventory: &Inventory,
    parts: &[String],
    unmatched: &mut Vec<Error>,
) -> Result<IndexSet<Arc<str>>> {
    let mut found = IndexSet::new();
    let mut one = |part: &str| one(inventory, part, unmatched);
    let regular: Vec<_> = parts
        .iter()
        .filter(|part| !part.starts_with(['!', '&']))
        .collect();
    if regular.is_empty() {
        found.extend(one("all")?);
    }
    for part in regular {
        found.extend(one(part)?);
    }
    for part in parts.iter().filter_map(|part| part.strip_prefix('&')) {
        let kept = one(part)?;
        found.retain(|name| kept.contains(name));
    }
    for part in parts.iter().filter_map(|part| part.strip_prefix('!')) {
        for name in one(part)? {
            found.shift_remove(&name);
        }
    }
    Ok(found)
}

/// The hosts of one part, its subscript applied.
fn one(inventory: &Inventory, part: &str, unmatched: &mut Vec<Error>) -> Result<Vec<Arc<str>>> {
    let (name, subscript) = subscript(part);
    let hosts = named(inventory, name, unmatched)?;
    let Some((from, to)) = subscript.filter(|_| !hosts.is_empty()) else {
        return Ok(hosts);
    };
    let count = hosts.len() as i64;
    let position = |number: i64| if number < 0 { number + count } else { number };
    let first = position(from);
    let last = to.map_or(first, |to| to.map_or(count - 1, position));
    if first < 0 || (to.is_none() && first >= count) {
        let error = Error::new(format!("`{part}` asks for a host that `{name}` does not have"));
        return Err(error.help(format!("`{name}` has {count}, counted from 0")));
    }
    let wanted = hosts.into_iter().enumerate();
    let wanted = wanted.filter(|(at, _)| (first..=last).contains(&(*at as i64)));
    Ok(wanted.map(|(_, host)| host).collect())
}

/// A subscript: the first position, and, for a range, the last, which may be left out.
type Subscript = (i64, Option<Option<i64>>);

/// Parts `group[0]`, `group[-1]`, `group[1:2]`, `group[1:]` from their subscript.
fn subscript(part: &str) -> (&str, Option<Subscript>) {
    let whole = (part, None);
    if part.starts_with('~') {
        return whole;
    }
    let Some((name, inside)) = part.strip_suffix(']').and_then(|part| part.rsplit_once('[')) else {
        return whole;
    };
    let found = match inside.split_once([':', '-']).filter(|pair| !pair.0.is_empty()) {
        Some((from, "")) => from.parse().ok().map(|from| (from, Some(None))),
        Some((from, to)) => from
            .parse()
            .ok()
            .zip(to.parse().ok())
            .map(|(from, to)| (from, Some(Some(to)))),
        None => inside.parse().ok().map(|from| (from, None)),
    };
    match found {
        Some(found) if !name.is_empty() => (name, Some(found)),
        _ => whole,
    }
}

/// The hosts of a name, glob or regular expression: of the groups that match, and of hosts if no group does
/// or the pattern may name both.
fn named(inventory: &Inventory, name: &str, unmatched: &mut Vec<Error>) -> Result<Vec<Arc<str>>> {
    let members = |group: &str| {
        let hosts = inventory.hosts_of(group).unwrap_or_default();
        hosts.into_iter().map(|host| host.name.clone())
    };
    if name == "all" || name == "*" {
        return Ok(members("all").collect());
    }
    let matcher = Matcher::new(name)?;
    let groups: Vec<_> = inventory
        .groups
        .keys()
        .filter(|group| matcher.matches(group))
        .collect();
    let mut found: IndexSet<Arc<str>> = groups.iter().flat_map(|group| members(group)).collect();
    if groups.is_empty() || name.starts_with('~') || name.contains(['.', '?', '*', '[']) {
        found.extend(members("all").filter(|host| matcher.matches(host)));
    }
    // The implicit localhost is in no group, and no pattern but its name finds it.
    if found.is_empty() && LOCALHOST.contains(&name) {
        found.insert(Arc::from(name));
    } else if found.is_empty() && groups.is_empty() {
        let error = Error::new(format!("Could not match supplied host pattern, ignoring: {name}"));
        unmatched.push(match nobody(inventory, name).cure() {
            Some(cure) => error.help(cure),
            None => error,
        });
    }
    Ok(found.into_iter().collect())
}

enum Matcher {
    Glob(glob::Pattern),
    Regex(Box<fancy_regex::Regex>),
    Name(String),
}

impl Matcher {
    fn new(name: &str) -> Result<Matcher> {
        if let Some(expression) = name.strip_prefix('~') {
            // Python's `match` begins at the beginning of the text.
            let regex = fancy_regex::Regex::new(&format!("^(?:{expression})"));
            let error = |error| Error::new(format!("`{name}` is not a regular expression")).cause(error);
            return Ok(Matcher::Regex(Box::new(regex.map_err(error)?)));
        }
        if !name.contains(['*', '?', '[']) {
            return Ok(Matcher::Name(name.to_string()));
        }
        Ok(Matcher::Glob(fnmatch(name)))
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Matcher::Glob(glob) => glob.matches(name),
            Matcher::Regex(regex) => regex.is_match(name).unwrap_or(false),
            Matcher::Name(wanted) => wanted == name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::load::tests::loader;

    fn inventory() -> Inventory {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hosts");
        std::fs::write(
            &path,
            "[web]\nweb[1:3]\nshared\n[db]\ndb1.example\nshared\n[empty]\n",
        )
        .unwrap();
        Inventory::load(&[path.display().to_string()], &loader(), None).unwrap()
    }

    fn place() -> Place {
        Place::new(&crate::source::Source::named("test", String::new()), 0..0)
    }

    fn names(pattern: &str) -> String {
        hosts(&inventory(), &pattern.into(), &place()).unwrap().join(" ")
    }

    // Compared with `ansible PATTERN --list-hosts` of ansible-core 2.19 over the same inventory.
    #[test]
    fn patterns_mean_what_they_mean_to_ansible() {
        for (pattern, hosts) in [
            ("all", "web1 web2 web3 shared db1.example"),
            // As in Ansible: of no parts all are left.
            (", ,", "web1 web2 web3 shared db1.example"),
            (",,web1, ,", "web1"),
            ("*", "web1 web2 web3 shared db1.example"),
            ("web", "web1 web2 web3 shared"),
            ("web:db", "web1 web2 web3 shared db1.example"),
            ("db,web", "db1.example shared web1 web2 web3"),
            ("web:&db", "shared"),
            ("web:!db", "web1 web2 web3"),
            ("!db", "web1 web2 web3"),
            ("!db:web", "web1 web2 web3"),
            ("web[0]", "web1"),
            ("web[-1]", "shared"),
            ("web[1:2]", "web2 web3"),
            ("web[2:]", "web3 shared"),
            ("web[1:9]", "web2 web3 shared"),
            ("*.example", "db1.example"),
            ("w?b2", "web2"),
            ("~web[13]", "web1 web3"),
            ("~.*1", "web1 db1.example"),
            ("web*", "web1 web2 web3 shared"),
            ("localhost", "localhost"),
            ("web1 web2", "web1 web2"),
            ("empty", ""),
        ] {
            assert_eq!(names(pattern), hosts, "{pattern}");
        }
    }

    #[test]
    fn a_pattern_that_matches_nobody_says_what_was_meant() {
        let inventory = inventory();
        let found = unmatched(&inventory, &"webb:web".into(), &place()).unwrap();
        assert_eq!(
            found[0].message(),
            "Could not match supplied host pattern, ignoring: webb"
        );
        assert_eq!(found[0].cure(), Some("did you mean `web`?"));
        assert!(
            unmatched(&inventory, &"empty".into(), &place())
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn a_limit_takes_files_and_must_leave_somebody() {
        let inventory = inventory();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("retry");
        std::fs::write(&file, "web1\n\nshared\n").unwrap();
        let limited = limit(&inventory, &format!("@{}", file.display())).unwrap();
        assert_eq!((limited.hosts.len(), limited.unmatched.len()), (2, 0));
        let limited = limit(&inventory, "web1,nobody").unwrap();
        assert_eq!((limited.hosts.len(), limited.unmatched.len()), (1, 1));
        assert_eq!(
            limit(&inventory, "wep1").unwrap_err().to_string(),
            "error: no host matches the pattern `wep1`\n  help: did you mean `web1`?\n"
        );
        for nobody in ["web:!web", "empty", "web[13]"] {
            assert!(limit(&inventory, nobody).is_err(), "{nobody}");
        }
    }

    #[test]
    fn a_list_is_a_pattern() {
        let inventory = inventory();
        let value = Value::list([Value::string("db"), Value::string("!shared")]);
        assert_eq!(hosts(&inventory, &value, &place()).unwrap().len(), 1);
        assert!(hosts(&inventory, &Value::Null, &place()).is_err());
    }
}
