//! `stat`: what stands at a path.

use super::returns::Returns;
use super::{Module, Outcome, Step, Stop, View};
use crate::host::{FileKind, Question, Resource, mode_text, quote};
use crate::value::{Map, Value};
use schemars::JsonSchema;
use serde::Deserialize;

/// Tells what stands at a path.
pub(super) struct Stat;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// The path.
    #[serde(alias = "dest", alias = "name")]
    path: String,
    /// Follow a symbolic link.
    #[serde(default)]
    follow: bool,
    /// Tell the checksum of a file.
    #[serde(default = "yes")]
    get_checksum: bool,
    /// Which checksum.
    #[serde(default, alias = "checksum", alias = "checksum_algo")]
    checksum_algorithm: Algorithm,
    /// Tell the kind of the content, if `file` is on the host.
    #[serde(default = "yes", alias = "mime", alias = "mime_type", alias = "mime-type")]
    get_mime: bool,
    /// Tell the attributes of the file system, if `lsattr` is on the host.
    #[serde(default = "yes", alias = "attributes")]
    get_attributes: bool,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Algorithm {
    Md5,
    #[default]
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

fn yes() -> bool {
    true
}

impl Module for Stat {
    const NAMES: &'static [&'static str] = &["ansible.builtin.stat", "stat"];
    type Arguments = Arguments;
    const PATHS: &'static [&'static str] = &["path", "dest", "name"];
    const IGNORED: &'static [&'static str] = &["get_selinux_context"];
    const RETURNS: &'static [Returns] = &[&[
        ("stat", "What stands at the path."),
        (
            "stat.exists",
            "Whether anything does; if not, nothing else is told.",
        ),
        ("stat.path", "The path."),
        ("stat.mode", "Permissions: four octal digits."),
        ("stat.isdir", "Whether it is a folder."),
        ("stat.isreg", "Whether it is a file."),
        ("stat.islnk", "Whether it is a symbolic link."),
        ("stat.ischr", "Whether it is a character device."),
        ("stat.isblk", "Whether it is a block device."),
        ("stat.isfifo", "Whether it is a named pipe."),
        ("stat.issock", "Whether it is a socket."),
        ("stat.uid", "Number of the owner."),
        ("stat.gid", "Number of the group."),
        ("stat.pw_name", "Name of the owner."),
        ("stat.gr_name", "Name of the group."),
        ("stat.size", "Bytes."),
        ("stat.inode", "Inode number."),
        ("stat.dev", "Device number."),
        ("stat.nlink", "Number of names."),
        ("stat.atime", "Last access in seconds since 1970."),
        ("stat.mtime", "Last change of the content in seconds since 1970."),
        (
            "stat.ctime",
            "Last change of anything about it in seconds since 1970.",
        ),
        ("stat.rusr", "Whether the owner may read."),
        ("stat.wusr", "Whether the owner may write."),
        ("stat.xusr", "Whether the owner may execute."),
        ("stat.rgrp", "Whether the group may read."),
        ("stat.wgrp", "Whether the group may write."),
        ("stat.xgrp", "Whether the group may execute."),
        ("stat.roth", "Whether others may read."),
        ("stat.woth", "Whether others may write."),
        ("stat.xoth", "Whether others may execute."),
        ("stat.isuid", "Whether it runs as its owner."),
        ("stat.isgid", "Whether it runs as its group."),
        ("stat.readable", "Whether the account of the task may read it."),
        ("stat.writeable", "Whether the account of the task may write it."),
        (
            "stat.executable",
            "Whether the account of the task may execute it.",
        ),
        (
            "stat.lnk_target",
            "What a symbolic link points at, as it is written.",
        ),
        (
            "stat.lnk_source",
            "The path that a symbolic link leads to in the end.",
        ),
        ("stat.checksum", "Digest of a file, with `get_checksum`."),
        (
            "stat.mimetype",
            "Kind of the content, with `get_mime`; `unknown` without `file`.",
        ),
        (
            "stat.charset",
            "Encoding of the content, with `get_mime`; `unknown` without `file`.",
        ),
        (
            "stat.attributes",
            "Attributes of the file system by name, with `get_attributes`.",
        ),
        ("stat.attr_flags", "The letters of the attributes."),
        (
            "stat.version",
            "Version of the file in the file system, if it has any.",
        ),
    ]];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        let path = arguments.path.as_str();
        if arguments.get_checksum && matches!(arguments.checksum_algorithm, Algorithm::Sha256) {
            view.note(Question::Digest { path: path.into() });
        }
        let outcome = Outcome::new().changed(false);
        let Some(stat) = view.stat(path, arguments.follow)? else {
            return Ok(Step::done(
                outcome.with("stat", Value::map([("exists", Value::Bool(false))])),
            ));
        };
        let mut fields = told(path, &stat);
        arguments.add_more(&stat, &mut fields, view)?;
        if arguments.get_checksum && stat.kind == FileKind::File {
            let checksum = checksum(path, arguments.checksum_algorithm, view)?;
            fields.insert("checksum".into(), checksum);
        }
        Ok(Step::done(outcome.with("stat", Value::Map(fields.into()))))
    }
}

/// What the system's `stat` tells.
fn told(path: &str, stat: &crate::host::Stat) -> Map {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| drop(fields.insert(name.into(), value));
    put("exists", true.into());
    put("path", path.into());
    put("mode", mode_text(stat.mode).into());
    for (name, kind) in [
        ("isdir", FileKind::Folder),
        ("isreg", FileKind::File),
        ("islnk", FileKind::Link),
        ("ischr", FileKind::CharacterDevice),
        ("isblk", FileKind::BlockDevice),
        ("isfifo", FileKind::Pipe),
        ("issock", FileKind::Socket),
    ] {
        put(name, (stat.kind == kind).into());
    }
    let numbers = [
        ("uid", i64::from(stat.uid)),
        ("gid", i64::from(stat.gid)),
        ("size", stat.size as i64),
        ("inode", stat.inode as i64),
        ("dev", stat.device as i64),
        ("nlink", stat.links as i64),
    ];
    for (name, number) in numbers {
        put(name, number.into());
    }
    for (name, seconds) in [
        ("atime", stat.accessed),
        ("mtime", stat.modified),
        ("ctime", stat.changed),
    ] {
        put(name, Value::Float(seconds as f64));
    }
    for (at, who) in ["oth", "grp", "usr"].iter().enumerate() {
        for (bit, what) in ["x", "w", "r"].iter().enumerate() {
            let name = match (*what, *who) {
                ("r", who) => format!("r{who}"),
                (what, who) => format!("{what}{who}"),
            };
            put(&name, (stat.mode >> (at * 3 + bit) & 1 == 1).into());
        }
    }
    put("isuid", (stat.mode & 0o4000 != 0).into());
    put("isgid", (stat.mode & 0o2000 != 0).into());
    put("pw_name", stat.owner.as_str().into());
    put("gr_name", stat.group.as_str().into());
    fields
}

impl Arguments {
    /// Adds what `stat` does not tell.
    fn add_more(&self, stat: &crate::host::Stat, fields: &mut Map, view: &View<'_>) -> Result<(), Stop> {
        let mut put = |name: &str, value: Value| drop(fields.insert(name.into(), value));
        let more = self.more(view)?;
        let record = |key: &str| {
            more.split('\0')
                .find_map(|record| record.strip_prefix(key))
                .unwrap_or_default()
        };
        if let Some(target) = &stat.target {
            put("lnk_target", target.as_str().into());
            put("lnk_source", record("real ").into());
        }
        for (name, letter) in [("readable", 'r'), ("writeable", 'w'), ("executable", 'x')] {
            put(name, record("access ").contains(letter).into());
        }
        if self.get_mime {
            let (kind, charset) = record("mime ")
                .trim_end()
                .split_once("; charset=")
                .unwrap_or(("unknown", "unknown"));
            put("mimetype", kind.into());
            put("charset", charset.into());
        }
        if self.get_attributes {
            let mut words = record("attributes ").split_whitespace();
            put("version", words.next().map(Value::string).into());
            let flags = words.next().unwrap_or_default().replace('-', "");
            let names = flags.chars().filter_map(attribute).map(Value::string);
            put("attributes", Value::list(names));
            put("attr_flags", flags.into());
        }
        Ok(())
    }

    /// Prints what `stat` does not tell, each with NUL behind it: what the asking account may do, where links lead to,
    /// attributes, content.
    fn more(&self, view: &View<'_>) -> Result<String, Stop> {
        let quoted = quote(&self.path);
        let mut script = format!(
            "printf 'access '; [ ! -r {quoted} ] || printf r; [ ! -w {quoted} ] || printf w; [ ! -x {quoted} ] || printf x; printf '\\0'\n\
             [ ! -L {quoted} ] || {{ printf 'real '; readlink -n -f -- {quoted}; printf '\\0'; }}\n"
        );
        if self.get_attributes {
            script.push_str(&format!(
                "printf 'attributes '; lsattr -vd -- {quoted} 2>/dev/null; printf '\\0'\n"
            ));
        }
        if self.get_mime {
            let follow = if self.follow { " -L" } else { "" };
            script.push_str(&format!(
                "printf 'mime '; file -b --mime-type --mime-encoding{follow} -- {quoted} 2>/dev/null; printf '\\0'\n"
            ));
        }
        Ok(view.probe(&script, &[Resource::Path(self.path.clone())])?.text())
    }
}

/// The name of a letter that `lsattr` prints.
fn attribute(letter: char) -> Option<&'static str> {
    Some(match letter {
        'A' => "noatime",
        'a' => "append",
        'c' => "compressed",
        'C' => "nocow",
        'd' => "nodump",
        'D' => "dirsync",
        'e' => "extents",
        'E' => "encrypted",
        'h' => "blocksize",
        'i' => "immutable",
        'I' => "indexed",
        'j' => "journalled",
        'N' => "inline",
        's' => "zero",
        'S' => "synchronous",
        't' => "notail",
        'T' => "blockroot",
        'u' => "undelete",
        'X' => "compressedraw",
        'Z' => "compresseddirty",
        _ => return None,
    })
}

/// The digest of a file; nothing where that cannot be read.
///
/// # Errors
/// As [`View::ask`].
pub(super) fn checksum(path: &str, algorithm: Algorithm, view: &View<'_>) -> Result<Value, Stop> {
    let program = match algorithm {
        Algorithm::Sha256 => return Ok(view.digest(path)?.as_deref().map_or(Value::Null, Value::from)),
        Algorithm::Md5 => "md5sum",
        Algorithm::Sha1 => "sha1sum",
        Algorithm::Sha224 => "sha224sum",
        Algorithm::Sha384 => "sha384sum",
        Algorithm::Sha512 => "sha512sum",
    };
    let script = format!("{program} <{}", quote(path));
    let output = view.probe(&script, &[Resource::Path(path.into())])?;
    Ok(output.text().split(' ').next().unwrap_or_default().into())
}
