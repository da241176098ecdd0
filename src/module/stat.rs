//! `stat`: what stands at a path.

use super::{Module, Outcome, Step, Stop, View};
use crate::host::{FileKind, Question, mode_text};
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
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Algorithm {
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
    const IGNORED: &'static [&'static str] = &[
        "get_mime",
        "get_attributes",
        "mime",
        "attributes",
        "get_selinux_context",
    ];

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
        if let Some(target) = &stat.target {
            put("lnk_target", target.as_str().into());
            put("lnk_source", target.as_str().into());
        }
        let access = access(path, view)?;
        for (name, letter) in [("readable", 'r'), ("writeable", 'w'), ("executable", 'x')] {
            put(name, access.contains(letter).into());
        }
        if arguments.get_checksum && stat.kind == FileKind::File {
            put("checksum", checksum(path, arguments.checksum_algorithm, view)?);
        }
        Ok(Step::done(outcome.with("stat", Value::Map(fields.into()))))
    }
}

/// Which of read, write and execute the asking account may.
fn access(path: &str, view: &View<'_>) -> Result<String, Stop> {
    let quoted = crate::host::quote(path);
    let script =
        format!("[ -r {quoted} ] && printf r; [ -w {quoted} ] && printf w; [ -x {quoted} ] && printf x; :");
    match view.probe(&script, &[crate::host::Resource::Path(path.into())]) {
        Ok(output) => Ok(output.text()),
        Err(stop) => Err(stop),
    }
}

fn checksum(path: &str, algorithm: Algorithm, view: &View<'_>) -> Result<Value, Stop> {
    let program = match algorithm {
        Algorithm::Sha256 => return Ok(view.digest(path)?.as_deref().map_or(Value::Null, Value::from)),
        Algorithm::Md5 => "md5sum",
        Algorithm::Sha1 => "sha1sum",
        Algorithm::Sha224 => "sha224sum",
        Algorithm::Sha384 => "sha384sum",
        Algorithm::Sha512 => "sha512sum",
    };
    let script = format!("{program} <{}", crate::host::quote(path));
    let output = view.probe(&script, &[crate::host::Resource::Path(path.into())])?;
    Ok(output.text().split(' ').next().unwrap_or_default().into())
}
