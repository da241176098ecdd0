//! `unarchive`: what is in an archive, unpacked in a folder of the host.
//!
//! An archive of this computer is read here and compared with what stands on the host, so that it is only sent
//! if something is missing; one of the host is compared there.

mod attributes;
mod compare;
mod names;
mod remote;

use super::placed::missing;
use super::returns::{FILE, Returns};
use super::{FileArguments, LocalFile, Module, Outcome, Step, Stop, View, WithFile};
use crate::archive::{Archive, Packing};
use crate::content::{Content, hexadecimal};
use crate::host::{
    Action, Answer, Attributes, Effect, FileKind, Question, Resource, Unpacking, quote, unpack,
};
use crate::value::Value;
use compare::Wanted;
use schemars::JsonSchema;
use serde::Deserialize;

/// Unpacks archives.
pub(super) struct Unarchive;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Own {
    /// The archive: a file of this computer, or with `remote_src` a file of the host or an address.
    src: String,
    /// The folder of the host in which it is unpacked.
    dest: String,
    /// `src` is a path of the host.
    #[serde(default)]
    remote_src: bool,
    /// The old name of the opposite of `remote_src`.
    copy: Option<bool>,
    /// Skip if this path is there.
    creates: Option<String>,
    /// Give the names of what is in the archive.
    #[serde(default)]
    list_files: bool,
    /// Only these paths.
    #[serde(default)]
    include: Vec<String>,
    /// Not these paths; patterns.
    #[serde(default)]
    exclude: Vec<String>,
    /// More options of `tar` or `unzip`.
    #[serde(default)]
    extra_opts: Vec<String>,
    /// Leave files that are newer than those of the archive.
    #[serde(default)]
    keep_newer: bool,
}

impl Own {
    fn is_remote(&self) -> bool {
        self.remote_src || self.copy == Some(false)
    }

    /// Options of `tar` that choose members and say how they are written.
    fn tar_options(&self) -> String {
        let mut options = String::new();
        for option in &self.extra_opts {
            options.push_str(&format!(" {}", quote(option)));
        }
        for pattern in &self.exclude {
            options.push_str(&format!(" --exclude={}", quote(pattern)));
        }
        options
    }

    /// The members that are wanted, as the words of `tar` behind its options, or as patterns of `unzip`.
    fn included(&self, zip: bool) -> String {
        let names = self.include.iter();
        let words: String = names
            .map(|name| format!(" {}", quote(&word(name, zip))))
            .collect();
        match zip || words.is_empty() {
            true => words,
            false => format!(" --{words}"),
        }
    }

    /// A device, and a program that runs as its owner or its group, are only unpacked where modes are asked for as they
    /// are in the archive.
    fn allows_privileged(&self, member: &str) -> Result<(), Stop> {
        const ASK: [&str; 3] = ["-p", "--preserve-permissions", "--same-permissions"];
        match self
            .extra_opts
            .iter()
            .any(|option| ASK.contains(&option.as_str()))
        {
            true => Ok(()),
            false => Err(Stop::failed(format!(
                "{member} in the archive is a device or runs as its owner or group (set-uid, set-gid); \
                 if that is wanted, say so by `extra_opts: [--same-permissions]`, else leave it out by `exclude`"
            ))),
        }
    }

    /// The line that unpacks `archive` into a folder, both as words of a shell.
    fn line(&self, archive: &str, dest: &str, zip: bool) -> String {
        if zip {
            let extra: String = self
                .extra_opts
                .iter()
                .map(|option| format!(" {}", quote(option)))
                .collect();
            let exclude: String = match self.exclude.is_empty() {
                true => String::new(),
                false => self
                    .exclude
                    .iter()
                    .fold(" -x".into(), |line, name| line + " " + &quote(&word(name, true))),
            };
            let overwrite = if self.keep_newer { "-uo" } else { "-o" };
            return format!(
                "unzip -q {overwrite}{extra} {archive}{}{exclude} -d {dest}",
                self.included(true)
            );
        }
        let newer = if self.keep_newer {
            " --keep-newer-files"
        } else {
            ""
        };
        format!(
            "tar -x -C {dest}{newer}{} -f {archive}{}",
            self.tar_options(),
            self.included(false)
        )
    }

    /// The line that a person would type, and the script that unpacks. `members` are the paths that all members of the
    /// archive get.
    ///
    /// # Errors
    /// As [`View::ask`].
    fn unpack(
        &self,
        archive: &str,
        zip: bool,
        members: impl Iterator<Item = String>,
        view: &View<'_>,
    ) -> Result<(String, String), Stop> {
        let identity = view.stat(&self.dest, true)?.map(|stat| (stat.device, stat.inode));
        let archive = quote(archive);
        let folders = names::folders(members, zip, &self.extra_opts);
        let script = unpack(&Unpacking {
            folder: &self.dest,
            identity,
            folders: folders.as_deref(),
            heeds_files: self.keep_newer || !self.extra_opts.is_empty(),
            command: &self.line(&archive, "\"$d\"", zip),
        });
        Ok((self.line(&archive, &quote(&self.dest), zip), script))
    }
}

/// A name as a word of `unzip`, which takes words with a dash before for options, wherever they stand.
fn word(name: &str, zip: bool) -> String {
    match name.strip_prefix('-') {
        Some(rest) if zip => format!("[-]{rest}"),
        _ => name.to_string(),
    }
}

/// A member must not lead out of the folder that it is unpacked in.
fn stays_inside(member: &str) -> Result<(), Stop> {
    match member.split('/').any(|part| part == "..") {
        false => Ok(()),
        true => Err(Stop::failed(format!(
            "the archive would leave the folder that it is unpacked in: it holds {member}. Nothing was unpacked; \
             look where the archive comes from"
        ))),
    }
}

/// What Ansible calls that which unpacks it.
fn handler(packing: Packing) -> &'static str {
    match packing {
        Packing::Tar => "TarArchive",
        Packing::Gzip => "TgzArchive",
        Packing::Bzip2 => "TarBzipArchive",
        Packing::Xz => "TarXzArchive",
        Packing::Zstd => "TarZstdArchive",
        Packing::Zip => "ZipArchive",
    }
}

/// The program that a packing needs on the host beside `tar`, and its package.
fn unpacker(packing: Packing) -> Option<&'static str> {
    match packing {
        Packing::Tar => None,
        Packing::Gzip => Some("gzip"),
        Packing::Bzip2 => Some("bzip2"),
        Packing::Xz => Some("xz"),
        Packing::Zstd => Some("zstd"),
        Packing::Zip => Some("unzip"),
    }
}

impl Module for Unarchive {
    const NAMES: &'static [&'static str] = &["ansible.builtin.unarchive", "unarchive"];
    type Arguments = WithFile<Own>;
    const PATHS: &'static [&'static str] = &["dest", "creates"];
    const IGNORED: &'static [&'static str] = &[
        "decrypt",
        "validate_certs",
        "io_buffer_size",
        "unsafe_writes",
        "attributes",
    ];
    const MISSING: Option<&'static str> = Some("src (or content) and dest are required");
    const RETURNS: &'static [Returns] = &[
        FILE,
        &[
            ("dest", "The folder, which `owner`, `mode` and so on describe."),
            ("src", "The archive."),
            (
                "handler",
                "How it is packed: `TgzArchive`, `TarXzArchive`, `ZipArchive` and so on.",
            ),
            ("files", "The names of what is in it, with `list_files`."),
        ],
    ];

    fn step(arguments: &WithFile<Own>, view: &View<'_>) -> Result<Step, Stop> {
        let own = &arguments.own;
        if !own.include.is_empty() && !own.exclude.is_empty() {
            return Err(Stop::failed("parameters are mutually exclusive: include|exclude"));
        }
        if let Some(path) = &own.creates
            && view.stat(path, true)?.is_some()
        {
            return Ok(Step::done(
                Outcome::new().skipped(format!("skipped, since {path} exists")),
            ));
        }
        view.note_described(&own.dest);
        let dest = view.stat(&own.dest, true)?;
        if dest.is_none_or(|stat| stat.kind != FileKind::Folder) {
            return Err(Stop::failed(format!(
                "dest '{}' must be an existing dir",
                own.dest
            )));
        }
        let outcome = Outcome::new()
            .of(own.dest.as_str())
            .with("dest", own.dest.as_str())
            .with("src", own.src.as_str());
        if own.is_remote() {
            return remote::step(own, &arguments.file, outcome, view);
        }
        local(own, &arguments.file, outcome, view)
    }
}

/// An archive of this computer.
fn local(own: &Own, file: &FileArguments, outcome: Outcome, view: &View<'_>) -> Result<Step, Stop> {
    let tried = |tried: &[_]| missing(&own.src, tried);
    let path = view
        .control_node()
        .find("files", &own.src)
        .map_err(|paths| tried(&paths))?;
    let content = match view.control_node().file(&path) {
        LocalFile::File(Content::Unknown(unknown)) => return Err(Stop::Undecided(unknown)),
        LocalFile::File(content) => content,
        _ => return Err(tried(&[path])),
    };
    let archive = view
        .control_node()
        .archive(&path)
        .map_err(|error| Stop::failed(format!("cannot read the archive {}: {error}", path.display())))?;
    let wanted = compare::wanted(&archive, own)?;
    let found = compare::look(&wanted, own, view)?;
    let mut outcome = outcome.with("handler", handler(archive.packing));
    if own.list_files {
        outcome = outcome.with(
            "files",
            named(wanted.iter().map(|wanted| wanted.member.name.as_str())),
        );
    }
    let mut actions = vec![];
    let unpacked = compare::differs(&wanted, &found, file, own.keep_newer);
    if unpacked {
        actions.extend(send_and_unpack(own, &archive, content, &wanted, view)?);
    }
    if unpacked || compare::attributes_differ(&wanted, &found, file)? {
        let paths = wanted
            .iter()
            .filter(|member| !member.is_link())
            .map(|member| member.path.clone());
        actions.extend(attributes::set(own, file, &paths.collect::<Vec<_>>(), view)?);
    }
    Ok(Step::Finish(actions, outcome))
}

fn named<'a>(names: impl Iterator<Item = &'a str>) -> Value {
    Value::list(names.map(Value::string))
}

/// The archive goes to the host under a temporary name, is unpacked and removed.
fn send_and_unpack(
    own: &Own,
    archive: &Archive,
    content: Content,
    wanted: &[Wanted],
    view: &View<'_>,
) -> Result<Vec<Action>, Stop> {
    let there = format!(
        "/tmp/.vent-unarchive-{}",
        hexadecimal(&view.control_node().random()[..8])
    );
    let needs = match unpacker(archive.packing) {
        Some(program) => format!(
            "command -v {program} >/dev/null || {{ echo 'unarchive needs {program} on the host: install it' >&2; exit 1; }}\n"
        ),
        None => String::new(),
    };
    let members = archive.members.iter();
    let members = members.filter_map(|member| names::stripped(&member.path, &own.extra_opts));
    let (line, script) = own.unpack(&there, archive.packing == Packing::Zip, members, view)?;
    let write = Action::WriteFile {
        path: there.clone(),
        content,
        attributes: Attributes {
            mode: Some(0o600),
            ..Attributes::default()
        },
        validate: None,
        backup: false,
        unsafe_writes: false,
    };
    let unpack = Action::Script {
        script: format!("trap 'rm -f {there}' EXIT\n{needs}(\n{script})"),
        explain: format!("{line} && rm {there}"),
        effects: effects(own, wanted),
    };
    Ok(vec![write, unpack])
}

/// What stands in the folder afterwards.
fn effects(own: &Own, wanted: &[Wanted]) -> Vec<Effect> {
    let mut effects = vec![Effect::Forgets(Resource::Path(own.dest.clone()))];
    for member in wanted {
        let path = format!("{}/{}", own.dest.trim_end_matches('/'), member.path);
        let Some(stat) = member.stat() else { continue };
        for follow in [false, true] {
            let question = Question::Stat {
                path: path.clone(),
                follow,
            };
            effects.push(Effect::Answers(question, Answer::Stat(Some(stat.clone()))));
        }
        if let Some(digest) = member.digest() {
            effects.push(Effect::Answers(
                Question::Digest { path },
                Answer::Digest(Some(digest)),
            ));
        }
    }
    effects
}
