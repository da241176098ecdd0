//! `find`: files of the host by name, age, size and content.

use super::python_regex::{compile, search};
use super::returns::Returns;
use super::stat::{Algorithm, checksum};
use super::tree::operand;
use super::{Module, Outcome, Step, Stop, View, parse_mode};
use crate::host::{Resource, quote};
use crate::value::{Map, Value};
use crate::wildcard::fnmatch;
use schemars::JsonSchema;
use serde::Deserialize;

/// Looks for files.
pub(super) struct Find;

/// The kind of things that are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Any,
    Directory,
    #[default]
    File,
    Link,
}

/// The time that counts as age.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Stamp {
    Atime,
    Ctime,
    #[default]
    Mtime,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// Folders to look in.
    #[serde(alias = "name", alias = "path")]
    paths: Vec<String>,
    /// Names: shell patterns, or expressions with `use_regex`.
    #[serde(default, alias = "pattern")]
    patterns: Vec<String>,
    /// Names that are left out.
    #[serde(default, alias = "exclude")]
    excludes: Vec<String>,
    /// An expression that a line of the file must match.
    contains: Option<String>,
    /// Match `contains` anywhere in the whole text, not at the beginning of each line.
    #[serde(default)]
    read_whole_file: bool,
    /// Encoding of the files that `contains` looks into; the default is utf-8.
    encoding: Option<String>,
    /// Patterns are regular expressions.
    #[serde(default)]
    use_regex: bool,
    /// The kind of things.
    #[serde(default)]
    file_type: Kind,
    /// Look in folders of folders too.
    #[serde(default)]
    recurse: bool,
    /// How many folders deep.
    depth: Option<u32>,
    /// Take hidden ones.
    #[serde(default)]
    hidden: bool,
    /// Follow links to folders.
    #[serde(default)]
    follow: bool,
    /// At least this old (`2d`, `1w`), or at most with a minus.
    age: Option<String>,
    /// The time that counts as age.
    #[serde(default)]
    age_stamp: Stamp,
    /// At least this big (`10m`), or at most with a minus.
    size: Option<String>,
    /// Give digests.
    #[serde(default)]
    get_checksum: bool,
    /// Which digest.
    #[serde(default, alias = "checksum", alias = "checksum_algo")]
    checksum_algorithm: Algorithm,
    /// Permissions: octal digits in quotes or symbolic.
    mode: Option<Value>,
    /// These permissions exactly, not just one of them.
    #[serde(default = "yes")]
    exact_mode: bool,
    /// At most so many.
    limit: Option<i64>,
}

impl Arguments {
    /// Prints for each folder `//=` and how many things are in it, or `-` if it is none, and for each thing `//` with
    /// kind, mode, owner, group, links, size, times, inode, device, path. No path holds two slashes in a row
    /// ([`operand`]), whatever names are made of: so none can pass for the beginning of an entry.
    fn script(&self) -> String {
        // What lies one folder deeper than wanted is looked at too, to be left out.
        let (depth, examined) = match (self.recurse, self.depth.filter(|depth| *depth > 0)) {
            (false, _) => (" -maxdepth 1".to_string(), " -maxdepth 1".to_string()),
            (true, Some(depth)) => (
                format!(" -maxdepth {depth}"),
                format!(" -maxdepth {}", u64::from(depth) + 1),
            ),
            (true, None) => (String::new(), String::new()),
        };
        let kind = match self.file_type {
            Kind::Any => "",
            Kind::Directory => " -type d",
            Kind::File => " -type f",
            Kind::Link => " -type l",
        };
        let follow = if self.follow { "-L " } else { "-H " };
        let mut script = String::new();
        for path in &self.paths {
            let path = quote(&operand(path));
            script.push_str(&format!(
                "printf //=; if [ -d {path} ]; then {{ e=$({{ find {follow}{path} -mindepth 1{examined} -print0 | tr -cd '\\000' | wc -c >&4; }} 2>&1); }} 4>&1; \
                 printf '//!%s' \"$e\"; \
                 find {follow}{path} -mindepth 1{depth}{kind} -exec stat -c '//%F|%a|%u|%g|%U|%G|%h|%s|%X|%Y|%Z|%i|%d|%n' {{}} + ; \
                 else echo -; fi\n"
            ));
        }
        script
    }

    /// What the script printed: every thing with its path below the folder that was looked into.
    fn read<'a>(&'a self, printed: &'a str) -> Listing<'a> {
        let mut listing = Listing::default();
        let mut folders = self.paths.iter();
        let (mut folder, mut base) = ("", String::new());
        for record in printed.split("//") {
            let record = record.strip_suffix('\n').unwrap_or(record);
            if let Some(count) = record.strip_prefix('=') {
                folder = folders.next().map_or("", String::as_str);
                base = operand(folder);
                match count.trim().parse::<i64>() {
                    Ok(count) => listing.examined += count,
                    Err(_) => listing.missing.push(folder),
                }
                continue;
            }
            if let Some(told) = record.strip_prefix('!') {
                listing.closed.extend(told.lines().filter_map(closed));
                continue;
            }
            let fields: Vec<&str> = record.splitn(14, '|').collect();
            if let Ok(fields) = <[&str; 14]>::try_from(fields) {
                let below = fields[13].strip_prefix(base.as_str()).unwrap_or(fields[13]);
                listing.found.push(Found {
                    fields,
                    below,
                    folder,
                });
            }
        }
        listing
    }

    fn fits_name(&self, name: &str) -> Result<bool, Stop> {
        let any = |patterns: &[String]| -> Result<bool, Stop> {
            for pattern in patterns {
                let fits = match self.use_regex {
                    true => search(&compile(&format!("^(?:{pattern})"), "")?, name)?.is_some(),
                    false => fnmatch(pattern).matches(name),
                };
                if fits {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        Ok((self.patterns.is_empty() || any(&self.patterns)?) && !any(&self.excludes)?)
    }

    fn fits_numbers(&self, fields: &Fields<'_>, now: i64) -> Result<bool, Stop> {
        let number = |at: usize| {
            fields
                .get(at)
                .and_then(|text| text.parse::<i64>().ok())
                .unwrap_or(0)
        };
        let mut fits = true;
        if let Some(age) = &self.age {
            let limit = scaled(
                age,
                &[('s', 1), ('m', 60), ('h', 3600), ('d', 86_400), ('w', 604_800)],
            )?;
            let stamp = match self.age_stamp {
                Stamp::Atime => number(8),
                Stamp::Mtime => number(9),
                Stamp::Ctime => number(10),
            };
            fits &= if limit >= 0 {
                now - stamp >= limit
            } else {
                now - stamp <= -limit
            };
        }
        if let Some(size) = &self.size {
            let limit = scaled(
                size,
                &[
                    ('b', 1),
                    ('k', 1 << 10),
                    ('m', 1 << 20),
                    ('g', 1 << 30),
                    ('t', 1 << 40),
                ],
            )?;
            fits &= if limit >= 0 {
                number(7) >= limit
            } else {
                number(7) <= -limit
            };
        }
        Ok(fits)
    }

    /// True if the permissions are those that are wanted, or without `exact_mode` one of them.
    fn fits_mode(&self, fields: &Fields<'_>) -> bool {
        let Some(wanted) = self.mode.as_ref().and_then(Value::as_str) else {
            return true;
        };
        let wanted = u32::from_str_radix(wanted, 8)
            .ok()
            .or_else(|| parse_mode(wanted, 0, false));
        let mode = u32::from_str_radix(fields[1], 8).unwrap_or(0);
        match (wanted, self.exact_mode) {
            (Some(wanted), true) => mode == wanted & 0o7777,
            (Some(wanted), false) => mode & wanted != 0,
            (None, _) => false,
        }
    }

    /// Refuses values that no module of Ansible's takes.
    fn check(&self) -> Result<(), Stop> {
        if let Some(value) = self.mode.as_ref().filter(|value| value.as_str().is_none()) {
            return Err(Stop::failed(format!(
                "argument 'mode' is not a string and conversion is not allowed, value is of type {}",
                if matches!(value, Value::Int(_)) {
                    "int"
                } else {
                    "another kind"
                }
            )));
        }
        match self.limit {
            Some(limit) if limit <= 0 => Err(Stop::failed(format!(
                "limit cannot be {limit} (use None for unlimited)"
            ))),
            _ => Ok(()),
        }
    }

    /// Whether `contains` matches in a file; the inner error tells why the file cannot be read as text.
    fn contains(&self, pattern: &str, path: &str, view: &View<'_>) -> Result<Result<bool, String>, Stop> {
        let text = match text_of(path, self.encoding.as_deref(), view)? {
            Ok(text) => text,
            Err(why) => return Ok(Err(why)),
        };
        if self.read_whole_file {
            return Ok(Ok(search(&compile(pattern, "")?, &text)?.is_some()));
        }
        let regex = compile(&format!("^(?:{pattern})"), "")?;
        for line in text.split_inclusive('\n') {
            if search(&regex, line)?.is_some() {
                return Ok(Ok(true));
            }
        }
        Ok(Ok(false))
    }
}

/// The longest file that is looked into.
const LIMIT: u64 = 16 << 20;

/// The text of a file; the inner error tells why it is none.
fn text_of(path: &str, encoding: Option<&str>, view: &View<'_>) -> Result<Result<String, String>, Stop> {
    let shown = encoding.unwrap_or("None (default determined by the Python built-in function \"open\")");
    let wrong =
        || format!("Failed to read the file {path} due to an encoding error. current encoding: {shown}");
    let Some(name) = encoding.filter(|name| !is_utf8(name)) else {
        let content = view.content(path, LIMIT)?.unwrap_or_else(|| [].into());
        return Ok(String::from_utf8(content.to_vec()).map_err(|_| wrong()));
    };
    // The programs of the host know other encodings.
    let (name, file) = (quote(name), quote(path));
    let script = format!(
        "command -v iconv >/dev/null || exit 9; iconv -f {name} -t UTF-8 </dev/null || exit 8; head -c {LIMIT} <{file} | iconv -f {name} -t UTF-8"
    );
    let output = view.probe(&script, &[Resource::Path(path.into())])?;
    Ok(match output.code {
        0 => Ok(output.text()),
        8 => Err(format!("unknown encoding: {}", encoding.unwrap_or_default())),
        9 => {
            return Err(Stop::failed(
                "find: another `encoding` than utf-8 needs iconv on the host",
            ));
        }
        _ => Err(wrong()),
    })
}

fn is_utf8(name: &str) -> bool {
    ["utf-8", "utf8", "utf_8"].contains(&name.to_ascii_lowercase().as_str())
}

/// A number with a unit behind it.
fn scaled(text: &str, units: &[(char, i64)]) -> Result<i64, Stop> {
    let wrong = || {
        Stop::failed(format!(
            "failed to process `{text}`: a number with a unit is wanted"
        ))
    };
    let last = text.chars().last().ok_or_else(wrong)?.to_ascii_lowercase();
    let (digits, factor) = match units.iter().find(|unit| unit.0 == last) {
        Some((_, factor)) => (&text[..text.len() - 1], *factor),
        None => (text, 1),
    };
    digits
        .trim()
        .parse::<i64>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(wrong)
}

/// What `stat` printed of a thing.
type Fields<'a> = [&'a str; 14];

/// A thing that was found.
struct Found<'a> {
    fields: Fields<'a>,
    /// The path below the folder.
    below: &'a str,
    /// The folder that was looked into.
    folder: &'a str,
}

/// What is in the folders.
#[derive(Default)]
struct Listing<'a> {
    found: Vec<Found<'a>>,
    examined: i64,
    /// Folders that are none.
    missing: Vec<&'a str>,
    /// Folders that cannot be looked into, each with the reason.
    closed: Vec<(&'a str, &'a str)>,
}

/// A folder and why it cannot be looked into, of a line of `find`: `find: 'a': Permission denied`, in some without quotes.
fn closed(line: &str) -> Option<(&str, &str)> {
    let (path, why) = line.strip_prefix("find: ")?.rsplit_once(": ")?;
    let bare = path.strip_prefix('\'').and_then(|path| path.strip_suffix('\''));
    Some((bare.unwrap_or(path), why))
}

/// The entry of a result, as `stat` tells it.
fn entry(fields: &Fields<'_>) -> Map {
    let mut entry = Map::new();
    let mut put = |name: &str, value: Value| entry.insert(name.into(), value);
    let number = |at: usize| fields[at].parse::<i64>().map_or(Value::Null, Value::Int);
    let mode = u32::from_str_radix(fields[1], 8).unwrap_or(0);
    put("path", fields[13].strip_prefix("./").unwrap_or(fields[13]).into());
    put("mode", format!("{mode:04o}").into());
    let kind = fields[0];
    for (name, is) in [
        ("isdir", kind == "directory"),
        ("isreg", kind.starts_with("regular")),
        ("islnk", kind == "symbolic link"),
        ("ischr", kind.starts_with("character")),
        ("isblk", kind.starts_with("block")),
        ("isfifo", kind == "fifo"),
        ("issock", kind == "socket"),
    ] {
        put(name, is.into());
    }
    for (name, at) in [
        ("uid", 2),
        ("gid", 3),
        ("nlink", 6),
        ("size", 7),
        ("inode", 11),
        ("dev", 12),
    ] {
        put(name, number(at));
    }
    put("pw_name", fields[4].into());
    put("gr_name", fields[5].into());
    for (name, at) in [("atime", 8), ("mtime", 9), ("ctime", 10)] {
        put(name, fields[at].parse().map_or(Value::Null, Value::Float));
    }
    for (at, who) in ["oth", "grp", "usr"].iter().enumerate() {
        for (bit, what) in ["x", "w", "r"].iter().enumerate() {
            put(&format!("{what}{who}"), (mode >> (at * 3 + bit) & 1 == 1).into());
        }
    }
    put("isuid", (mode & 0o4000 != 0).into());
    put("isgid", (mode & 0o2000 != 0).into());
    entry
}

/// The entries of `found` in whose files `contains` matches, with digests, in one more trip. A folder with a file that
/// cannot be read as text is given up there, and `skipped` tells why.
fn looked_into(
    arguments: &Arguments,
    found: Vec<(Map, &str)>,
    skipped: &mut Map,
    view: &View<'_>,
) -> Result<Vec<Map>, Stop> {
    let path = |entry: &Map| {
        entry
            .get("path")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_string()
    };
    let of_file = |entry: &Map| entry.get("isreg") == Some(&Value::Bool(true));
    let pattern = arguments
        .contains
        .as_deref()
        .filter(|_| arguments.file_type == Kind::File);
    for (entry, _) in found.iter().filter(|(entry, _)| of_file(entry)) {
        if pattern.is_some() {
            let _ = text_of(&path(entry), arguments.encoding.as_deref(), view);
        }
        if arguments.get_checksum {
            let _ = checksum(&path(entry), arguments.checksum_algorithm, view);
        }
    }
    let mut kept = vec![];
    for (mut entry, folder) in found {
        if skipped.contains_key(folder) {
            continue;
        }
        let path = path(&entry);
        if let Some(pattern) = pattern {
            match arguments.contains(pattern, &path, view)? {
                Ok(true) => {}
                Ok(false) => continue,
                Err(why) => {
                    skipped.insert(folder.into(), why.into());
                    continue;
                }
            }
        }
        if arguments.get_checksum && of_file(&entry) {
            let checksum = checksum(&path, arguments.checksum_algorithm, view)?;
            entry.insert("checksum".into(), checksum);
        }
        kept.push(entry);
    }
    Ok(kept)
}

impl Module for Find {
    const NAMES: &'static [&'static str] = &["ansible.builtin.find", "find"];
    type Arguments = Arguments;
    const PATHS: &'static [&'static str] = &["paths", "name", "path"];
    const RETURNS: &'static [Returns] = &[&[
        ("files", "What was found, each as `stat` tells it."),
        ("matched", "How many were found."),
        ("examined", "How many were looked at."),
        ("skipped_paths", "Why paths were not looked into, by path."),
    ]];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        arguments.check()?;
        let about: Vec<Resource> = arguments
            .paths
            .iter()
            .map(|path| Resource::Path(path.clone()))
            .collect();
        let output = view.probe(&arguments.script(), &about)?.text();
        let now = view.control_node().now();
        let listing = arguments.read(&output);
        let missing = listing.missing.iter();
        let mut skipped: Map = missing
            .map(|path| ((*path).into(), format!("'{path}' is not a directory").into()))
            .collect();
        let closed = listing.closed.iter();
        skipped.extend(closed.map(|(path, why)| ((*path).into(), format!("{why}: '{path}'").into())));
        let mut found = vec![];
        for Found {
            fields,
            below,
            folder,
        } in &listing.found
        {
            let hidden = below.split('/').any(|part| part.starts_with('.'));
            let name = below.rsplit('/').next().unwrap_or_default();
            if (hidden && !arguments.hidden)
                || !arguments.fits_name(name)?
                || !arguments.fits_mode(fields)
                || !arguments.fits_numbers(fields, now)?
            {
                continue;
            }
            found.push((entry(fields), *folder));
        }
        let mut found = looked_into(arguments, found, &mut skipped, view)?;
        let limit = arguments.limit.and_then(|limit| usize::try_from(limit).ok());
        let limit = limit.unwrap_or(usize::MAX);
        found.truncate(limit);
        let matched = found.len() as i64;
        let message = match skipped.is_empty() {
            false => "Not all paths examined, check warnings for details",
            true if found.len() == limit => "Limit of matches reached",
            true => "All paths examined",
        };
        Ok(Step::done(
            Outcome::new()
                .changed(false)
                .with(
                    "files",
                    Value::list(found.into_iter().map(|entry| Value::Map(entry.into()))),
                )
                .with("matched", matched)
                .with("examined", Value::Int(listing.examined))
                .with("skipped_paths", Value::Map(skipped.into()))
                .with("msg", message),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_sizes_have_units() {
        assert_eq!(scaled("-2d", &[('d', 86_400)]).unwrap(), -172_800);
        assert_eq!(scaled("10", &[('d', 86_400)]).unwrap(), 10);
        assert!(scaled("x", &[]).is_err());
    }
}
