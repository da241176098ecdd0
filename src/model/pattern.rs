//! Host patterns: `web:db`, `all:!old`, `web:&staging`, globs, `~regex`, `[0]`, `[1:3]`.

use super::Inventory;
use crate::error::{Error, Result, nearest};
use crate::source::Place;
use crate::value::Value;
use indexmap::IndexSet;
use std::collections::HashSet;
use std::sync::Arc;

/// The hosts of a play's pattern: a text, or a list of texts. In the order of the inventory, by the order of
/// the pattern's parts.
///
/// # Errors
/// A pattern that cannot be read.
pub fn hosts(inventory: &Inventory, pattern: &Value, place: &Place) -> Result<Vec<Arc<str>>> {
    let parts: Vec<String> = match pattern {
        Value::List(items) => items.iter().filter_map(Value::as_str).flat_map(split).collect(),
        Value::Null => vec![],
        value => split(value.as_str().ok_or_else(|| {
            Error::new(format!(
                "a host pattern is a text or a list, not {}",
                value.kind()
            ))
            .at(place)
        })?),
    };
    let found = select(inventory, &parts).map_err(|error| error.at(place))?;
    Ok(found.into_iter().collect())
}

/// The hosts of `--limit`: a pattern, or `@file` with a pattern a line.
///
/// # Errors
/// A pattern that cannot be read or matches nobody.
pub fn limit(inventory: &Inventory, pattern: &str) -> Result<HashSet<Arc<str>>> {
    let mut parts = vec![];
    for part in split(pattern) {
        match part.strip_prefix('@') {
            Some(file) => {
                let text = std::fs::read_to_string(file).map_err(|error| {
                    Error::new(format!("cannot read the hosts of `--limit` from {file}")).cause(error)
                })?;
                parts.extend(
                    text.lines()
                        .map(str::trim)
                        .filter(|line| !line.is_empty() && !line.starts_with('#'))
                        .flat_map(split),
                );
            }
            None => parts.push(part),
        }
    }
    for part in &parts {
        let bare = part.trim_start_matches(['!', '&']);
        if matching(inventory, bare)?.is_empty() {
            return Err(nobody(inventory, bare));
        }
    }
    Ok(select(inventory, &parts)?.into_iter().collect())
}

/// A pattern that matches no host of the inventory.
pub fn nobody(inventory: &Inventory, pattern: &str) -> Error {
    let names = inventory
        .groups
        .keys()
        .chain(inventory.hosts.keys())
        .map(|name| &**name);
    let error = Error::new(format!("no host matches the pattern `{pattern}`"));
    match nearest(pattern, names) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error.help("`vent inventory --graph` shows all hosts and groups"),
    }
}

/// The parts of a pattern: between commas, or between colons that are in no brackets and no IPv6 address.
fn split(pattern: &str) -> Vec<String> {
    let clean = |parts: Vec<&str>| {
        parts
            .into_iter()
            .map(|part| part.trim().to_string())
            .filter(|part| !part.is_empty())
            .collect()
    };
    if pattern.contains(',') {
        return clean(pattern.split(',').collect());
    }
    if pattern
        .trim_start_matches(['!', '&'])
        .parse::<std::net::Ipv6Addr>()
        .is_ok()
    {
        return clean(vec![pattern]);
    }
    let mut parts = vec![];
    let (mut depth, mut start) = (0, 0);
    for (at, c) in pattern.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            ':' if depth == 0 => {
                parts.push(&pattern[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&pattern[start..]);
    clean(parts)
}

/// Unions first, then intersections, then exclusions, as Ansible orders them.
fn select(inventory: &Inventory, parts: &[String]) -> Result<IndexSet<Arc<str>>> {
    let mut found = IndexSet::new();
    let plain = parts.iter().filter(|part| !part.starts_with(['!', '&']));
    let mut any = false;
    for part in plain {
        any = true;
        found.extend(matching(inventory, part)?);
    }
    if !any && !parts.is_empty() {
        found.extend(matching(inventory, "all")?);
    }
    for part in parts {
        if let Some(part) = part.strip_prefix('&') {
            let wanted: HashSet<_> = matching(inventory, part)?.into_iter().collect();
            found.retain(|name| wanted.contains(name));
        }
    }
    for part in parts {
        if let Some(part) = part.strip_prefix('!') {
            let unwanted: HashSet<_> = matching(inventory, part)?.into_iter().collect();
            found.retain(|name| !unwanted.contains(name));
        }
    }
    Ok(found)
}

/// The hosts of one part without its mark.
fn matching(inventory: &Inventory, part: &str) -> Result<Vec<Arc<str>>> {
    let (name, subscript) = subscript(part)?;
    let mut found: IndexSet<Arc<str>> = IndexSet::new();
    let test: Box<dyn Fn(&str) -> bool> = if let Some(expression) = name.strip_prefix('~') {
        let compiled = fancy_regex::Regex::new(&format!("^(?:{expression})"));
        let compiled = compiled
            .map_err(|error| Error::new(format!("`{name}` is no regular expression")).cause(error))?;
        Box::new(move |name| compiled.is_match(name).unwrap_or(false))
    } else {
        let glob = globset::GlobBuilder::new(name).literal_separator(false).build();
        let glob = glob
            .map_err(|error| Error::new(format!("`{name}` is no pattern")).cause(error))?
            .compile_matcher();
        let exact = name.to_string();
        Box::new(move |name| name == exact || glob.is_match(name))
    };
    let all = matches!(name, "all" | "*");
    for group in inventory
        .groups
        .keys()
        .filter(|group| all && &***group == "all" || !all && test(group))
    {
        found.extend(
            inventory
                .hosts_of(group)
                .unwrap_or_default()
                .into_iter()
                .map(|host| host.name.clone()),
        );
    }
    let by_group = inventory.groups.contains_key(name);
    if !by_group || all {
        found.extend(inventory.hosts.keys().filter(|host| all || test(host)).cloned());
    }
    // The implicit localhost is in no group, and no pattern but its name finds it.
    if found.is_empty() && matches!(name, "localhost" | "127.0.0.1" | "::1") {
        found.insert(name.into());
    }
    let found: Vec<_> = found.into_iter().collect();
    Ok(match subscript {
        None => found,
        Some((from, to)) => {
            let at = |index: i64| if index < 0 { (found.len() as i64 + index).max(0) } else { index } as usize;
            let (from, to) = (at(from), to.map_or(found.len(), |to| at(to) + 1).min(found.len()));
            found.get(from..to).map(<[_]>::to_vec).unwrap_or_default()
        }
    })
}

type Subscript = Option<(i64, Option<i64>)>;

/// `name[0]`, `name[-1]`, `name[0:2]` (the end included), `name[1:]`.
fn subscript(part: &str) -> Result<(&str, Subscript)> {
    let Some((name, inside)) = part.strip_suffix(']').and_then(|part| part.rsplit_once('[')) else {
        return Ok((part, None));
    };
    let number = |text: &str| text.trim().parse::<i64>().ok();
    let range = match inside.split_once(':') {
        None => number(inside).map(|at| (at, Some(at))),
        Some((from, to)) => {
            let from = if from.trim().is_empty() {
                Some(0)
            } else {
                number(from)
            };
            let to = if to.trim().is_empty() {
                Some(None)
            } else {
                number(to).map(Some)
            };
            from.zip(to)
        }
    };
    // Brackets of a glob, such as `web[ab]`.
    Ok(match range {
        Some(range) if !part.starts_with('~') => (name, Some(range)),
        _ => (part, None),
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Group, Host};
    use super::*;
    use crate::source::Source;

    fn inventory() -> Inventory {
        let mut inventory = Inventory::default();
        let groups = [
            ("all", vec![]),
            ("web", vec!["web1", "web2", "web3"]),
            ("db", vec!["db1", "web3"]),
        ];
        for (group, hosts) in groups {
            for host in &hosts {
                let name: Arc<str> = (*host).into();
                let made = Host {
                    name: name.clone(),
                    variables: Arc::default(),
                    own: Default::default(),
                    groups: vec![],
                    place: None,
                };
                inventory.hosts.entry(name).or_insert(made);
            }
            let hosts = hosts.into_iter().map(Arc::from).collect();
            inventory.groups.insert(
                group.into(),
                Group {
                    name: group.into(),
                    hosts,
                    ..Group::default()
                },
            );
        }
        inventory
    }

    fn found(pattern: &str) -> String {
        let place = Place::new(&Source::named("test", String::new()), 0..0);
        hosts(&inventory(), &pattern.into(), &place).unwrap().join(" ")
    }

    #[test]
    fn patterns_choose_hosts_as_ansible_does() {
        for (pattern, names) in [
            ("all", "web1 web2 web3 db1"),
            ("web:db", "web1 web2 web3 db1"),
            ("web,db", "web1 web2 web3 db1"),
            ("web:&db", "web3"),
            ("web:!db", "web1 web2"),
            ("!db", "web1 web2"),
            ("web[0]", "web1"),
            ("web[-1]", "web3"),
            ("web[0:1]", "web1 web2"),
            ("web[1:]", "web2 web3"),
            ("web*", "web1 web2 web3"),
            ("~(web|db)1", "web1 db1"),
            ("db1", "db1"),
            ("localhost", "localhost"),
            ("nobody", ""),
        ] {
            assert_eq!(found(pattern), names, "{pattern}");
        }
    }

    #[test]
    fn a_limit_that_matches_nobody_is_refused() {
        let error = limit(&inventory(), "wep1").unwrap_err();
        assert_eq!(
            error.to_string(),
            "error: no host matches the pattern `wep1`\n  help: did you mean `web1`?\n"
        );
    }
}
