//! Filters on paths.

use super::{Filter, filter};
use crate::template::call::{Answer, Call};
use crate::template::convert::print;
use crate::value::Value;
use crate::wildcard::paths;

pub(super) const FILTERS: &[Filter] = &[
    filter("basename", |call| {
        let text = call.input_str()?;
        Ok(text.rsplit('/').next().unwrap_or("").into())
    }),
    filter("dirname", |call| Ok(dirname(call.input_str()?).into())),
    filter("expanduser", |call| Ok(expand_user(call.input_str()?).into())),
    filter(
        "expandvars",
        |call| Ok(expand_variables(call.input_str()?).into()),
    ),
    filter("realpath", |call| {
        let path = call.input_str()?;
        let real = std::fs::canonicalize(path).map(|path| path.display().to_string());
        Ok(real.unwrap_or_else(|_| normal(&absolute(path))).into())
    }),
    filter("relpath", |call| {
        let start = call.text(1, "start").unwrap_or_else(|| ".".into());
        Ok(relative(call.input_str()?, &start).into())
    }),
    filter("normpath", |call| Ok(normal(call.input_str()?).into())),
    filter("splitext", |call| {
        let path = call.input_str()?;
        let name = path.rfind('/').map_or(0, |at| at + 1);
        let lead = path[name..].len() - path[name..].trim_start_matches('.').len();
        let (stem, ending) = match path[name + lead..].rfind('.') {
            Some(dot) => path.split_at(name + lead + dot),
            None => (path, ""),
        };
        Ok(Value::list([stem.into(), ending.into()]))
    }),
    filter("path_join", |call| {
        let parts: Vec<String> = match call.input() {
            Value::List(parts) => parts.iter().map(print).collect(),
            _ => vec![call.input_str()?.to_string()],
        };
        Ok(join(&parts).into())
    }),
    filter("commonpath", |call| {
        let paths: Vec<String> = call.input_list()?.iter().map(print).collect();
        Ok(common(&paths).into())
    }),
    filter("fileglob", |call| {
        let found = paths(call.input_str()?).into_iter().filter(|path| path.is_file());
        Ok(Value::list(
            found.map(|path| Value::from(path.display().to_string())),
        ))
    }),
    filter("win_basename", |call| {
        Ok(call.input_str()?.rsplit(['\\', '/']).next().unwrap_or("").into())
    }),
    filter("win_dirname", |call| {
        let text = call.input_str()?;
        let folder = text.rfind(['\\', '/']).map_or("", |at| &text[..=at]);
        let bare = folder.trim_end_matches(['\\', '/']);
        Ok(if bare.is_empty() || bare.ends_with(':') {
            folder
        } else {
            bare
        }
        .into())
    }),
    filter("win_splitdrive", win_splitdrive),
];

fn win_splitdrive(call: &Call) -> Answer {
    let text = call.input_text();
    let drive = if text.chars().nth(1) == Some(':') {
        text.char_indices().nth(2).map_or(text.len(), |at| at.0)
    } else {
        0
    };
    let (drive, rest) = text.split_at(drive);
    Ok(Value::list([drive.into(), rest.into()]))
}

fn dirname(path: &str) -> &str {
    let head = path.rfind('/').map_or("", |at| &path[..=at]);
    let bare = head.trim_end_matches('/');
    if bare.is_empty() { head } else { bare }
}

/// `~` and `~/...` with the home of the user who runs Vent.
pub(in crate::template) fn expand_user(path: &str) -> String {
    match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => match std::env::var("HOME") {
            Ok(home) => format!("{}{rest}", home.trim_end_matches('/')),
            Err(_) => path.to_string(),
        },
        Some(rest) => {
            let name = rest.split('/').next().unwrap_or_default();
            match home_of(name) {
                Some(home) => format!("{}{}", home.trim_end_matches('/'), &rest[name.len()..]),
                None => path.to_string(),
            }
        }
        None => path.to_string(),
    }
}

/// The home folder of an account of this computer.
fn home_of(account: &str) -> Option<String> {
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    let mut lines = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let fields = lines.find(|fields| fields.first() == Some(&account))?;
    fields.get(5).map(|home| home.to_string())
}

/// `$NAME` and `${NAME}` from the environment; names that are not set stay as they are.
fn expand_variables(path: &str) -> String {
    let mut expanded = String::new();
    let mut rest = path;
    while let Some(at) = rest.find('$') {
        expanded.push_str(&rest[..at]);
        rest = &rest[at..];
        let braced = rest[1..].starts_with('{');
        let name: String = rest[1 + usize::from(braced)..]
            .chars()
            .take_while(|c| {
                if braced {
                    *c != '}'
                } else {
                    c.is_ascii_alphanumeric() || *c == '_'
                }
            })
            .collect();
        let length = 1 + name.len() + if braced { 2 } else { 0 };
        let written = rest.get(..length).unwrap_or(rest);
        match std::env::var(&name) {
            Ok(value) if !name.is_empty() => expanded.push_str(&value),
            _ => expanded.push_str(written),
        }
        rest = &rest[written.len()..];
    }
    expanded + rest
}

fn absolute(path: &str) -> String {
    std::path::absolute(path).map_or_else(|_| path.to_string(), |path| path.display().to_string())
}

/// Python's `normpath`: without `.`, `..` and double slashes.
fn normal(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = vec![];
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".into(),
        (false, false) => joined,
    }
}

fn relative(path: &str, start: &str) -> String {
    let (path, start) = (normal(&absolute(path)), normal(&absolute(start)));
    let parts = |path: &str| {
        path.split('/')
            .filter(|part| !part.is_empty())
            .map(str::to_string)
            .collect::<Vec<_>>()
    };
    let (path, start) = (parts(&path), parts(&start));
    let same = path.iter().zip(&start).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..".to_string(), start.len() - same);
    let way: Vec<String> = up.chain(path[same..].iter().cloned()).collect();
    if way.is_empty() { ".".into() } else { way.join("/") }
}

fn join(parts: &[String]) -> String {
    let mut joined = String::new();
    for part in parts {
        if part.starts_with('/') || joined.is_empty() {
            joined.clone_from(part);
        } else {
            if !joined.ends_with('/') {
                joined.push('/');
            }
            joined.push_str(part);
        }
    }
    joined
}

fn common(paths: &[String]) -> String {
    let Some(first) = paths.first() else {
        return String::new();
    };
    let parts = |path: &str| {
        path.split('/')
            .filter(|part| !part.is_empty())
            .map(str::to_string)
            .collect::<Vec<_>>()
    };
    let shared = paths.iter().skip(1).fold(parts(first), |shared, path| {
        shared
            .into_iter()
            .zip(parts(path))
            .take_while(|(a, b)| a == b)
            .map(|pair| pair.0)
            .collect()
    });
    format!(
        "{}{}",
        if first.starts_with('/') { "/" } else { "" },
        shared.join("/")
    )
}
