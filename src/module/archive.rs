//! `archive`: files and folders of the host packed into one file.

use super::returns::{FILE, Returns};
use super::{FileArguments, Module, Outcome, Step, Stop, View, WithFile};
use crate::host::{Action, Attributes, Effect, Resource, Writing, enter, quote, removing, write_file};
use crate::value::Value;
use schemars::JsonSchema;
use serde::Deserialize;
use std::fmt::Write;

/// Packs files.
pub(super) struct Archive;

/// How an archive is packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    Bz2,
    #[default]
    Gz,
    Tar,
    Xz,
    Zip,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Own {
    /// What is packed; patterns of the shell are expanded.
    path: Vec<String>,
    /// The archive; for one path its name with the ending of the format.
    dest: Option<String>,
    /// How it is packed.
    #[serde(default)]
    format: Format,
    /// What is left out; patterns are expanded.
    #[serde(default)]
    exclude_path: Vec<String>,
    /// Names that are left out; patterns.
    #[serde(default)]
    exclusion_patterns: Vec<String>,
    /// Make an archive even of a single file, instead of only compressing it.
    #[serde(default)]
    force_archive: bool,
    /// Remove what was packed.
    #[serde(default)]
    remove: bool,
}

impl Format {
    fn ending(self) -> &'static str {
        match self {
            Format::Bz2 => "bz2",
            Format::Gz => "gz",
            Format::Tar => "tar",
            Format::Xz => "xz",
            Format::Zip => "zip",
        }
    }
}

/// True for a path that the shell expands.
fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?'])
}

/// What the question script tells of what is packed.
struct Packed {
    /// Paths after expansion.
    paths: Vec<String>,
    excluded: Vec<String>,
    missing: Vec<String>,
    /// The folder that all lie in.
    root: String,
    /// What is in the archive, or becomes it.
    members: Vec<String>,
    /// A single file is only compressed.
    single: bool,
}

impl Packed {
    fn read(text: &str) -> Packed {
        let mut records = text.split('\0');
        let told: Vec<&str> = records
            .by_ref()
            .take_while(|record| *record != "members")
            .collect();
        let of = |key: &str| -> Vec<String> {
            let paths = told.iter().filter_map(|record| record.strip_prefix(key));
            paths.map(str::to_string).collect()
        };
        let paths = of("path ");
        let root = of("root ").pop().unwrap_or_default();
        let root = format!("{}/", root.trim_end_matches('/'));
        Packed {
            members: records
                .filter(|member| !member.is_empty())
                .map(|member| format!("{root}{member}"))
                .collect(),
            excluded: of("exclude "),
            missing: of("missing "),
            single: of("kind ") == ["file"],
            paths,
            root,
        }
    }

    /// What `dest` is afterwards.
    fn state(&self, dest: &str, there: bool) -> &'static str {
        const ARCHIVES: [&str; 7] = [".tar", ".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".tbz2", ".zip"];
        let name = dest.to_lowercase();
        match () {
            () if self.members.is_empty() && !there => "absent",
            () if self.members.is_empty() && ARCHIVES.iter().any(|ending| name.ends_with(ending)) => {
                "archive"
            }
            () if self.members.is_empty() || self.single => "compress",
            () if !self.missing.is_empty() => "incomplete",
            () => "archive",
        }
    }

    fn told(&self, dest: &str, there: bool) -> Outcome {
        let list = |texts: &[String]| Value::list(texts.iter().map(Value::string));
        Outcome::new()
            .of(dest)
            .with("dest", dest)
            .with("dest_state", self.state(dest, there))
            .with("archived", list(&self.members))
            .with("arcroot", self.root.as_str())
            .with("missing", list(&self.missing))
            .with("expanded_paths", list(&self.paths))
            .with("expanded_exclude_paths", list(&self.excluded))
    }
}

/// A pattern for the shell: everything quoted but the marks of patterns.
fn pattern(text: &str) -> String {
    text.split_inclusive(['*', '?'])
        .map(|part| match part.strip_suffix(['*', '?']) {
            Some("") => part.to_string(),
            Some(rest) => format!("{}{}", quote(rest), &part[rest.len()..]),
            None => quote(part),
        })
        .collect()
}

impl Own {
    fn dest(&self) -> Result<String, Stop> {
        match (&self.dest, &self.path[..]) {
            (Some(dest), _) => Ok(dest.clone()),
            (None, [one]) if !is_pattern(one) => {
                Ok(format!("{}.{}", one.trim_end_matches('/'), self.format.ending()))
            }
            _ => Err(Stop::failed(
                "Error, must specify \"dest\" when archiving multiple files or trees",
            )),
        }
    }

    /// Shell text that sets `root` to the folder that all paths lie in and prints it, and defines `members`, which prints
    /// what is below it, each with NUL behind it; `kind` is `file` for a single file that is only compressed. Exit status
    /// 4: nothing is there, 6: a name that `zip`, which reads lines, cannot be told.
    fn gather(&self) -> String {
        let words = |list: &[String]| {
            list.iter()
                .map(|path| format!(" {}", pattern(path.trim_end_matches('/'))))
                .collect::<String>()
        };
        let single = !self.force_archive
            && !matches!(self.format, Format::Zip | Format::Tar)
            && matches!(&self.path[..], [one] if !is_pattern(one));
        let except: String = self
            .exclusion_patterns
            .iter()
            .map(|name| format!(" ! -name {}", quote(name)))
            .collect();
        // `find` gives the names to a shell as its arguments, where no byte of them means anything.
        let keep = format!(
            "for f; do keep=y; for x in{} \"\"; do [ -n \"$x\" ] || continue; case \"${{root%/}}/${{f#./}}/\" in \"$x\"/*) keep=;; esac; done\n\
             [ -z \"$keep\" ] || printf '%s\\0' \"${{f#./}}\"; done",
            words(&self.exclude_path)
        );
        format!(
            "kind=archive; first=; count=0; root=\n\
             above() {{ case \"$1\" in */*) d=${{1%/*}}; [ -n \"$d\" ] || d=/;; *) d=.;; esac; }}\n\
             for p in{0}; do [ -e \"$p\" ] || case \"$p\" in *[*?]*) continue;; esac; above \"$p\"\n\
             [ ! -e \"$p\" ] || {{ count=$((count + 1)); first=$p; }}\n\
             if [ -z \"$root\" ]; then root=$d; fi\n\
             while [ \"$root\" != / ] && case \"$d/\" in \"${{root%/}}\"/*) false;; *) true;; esac; do e=$d; above \"$root\"; root=$d; d=$e; done; done\n\
             export root; printf 'root %s\\0' \"$root\"; [ $count -gt 0 ] || exit 4\n\
             {1}\n\
             members() {{ cd -- \"$root\" || exit 5; for p in{0}; do [ -e \"$p\" ] || continue\n\
             r=${{p#\"${{root%/}}\"/}}; m=; [ -L \"$p\" ] || [ ! -d \"$p\" ] || m='-mindepth 1'; find \"./$r\" $m{except} -exec sh -c {2} sh {{}} +; done | LC_ALL=C sort -zu; }}\n\
             {3}\n",
            words(&self.path),
            if single {
                "[ -d \"$first\" ] || kind=file"
            } else {
                ":"
            },
            quote(&keep),
            match self.format {
                Format::Zip => "[ \"$(members | tr -cd '\\n' | wc -c)\" -eq 0 ] || exit 6",
                _ => ":",
            }
        )
    }

    /// Shell text that prints what [`Packed`] reads of the paths, before anything is made of them.
    fn listing(&self) -> String {
        let mut script = String::new();
        let mut put = |key: &str, path: &str, plain: &str| {
            let word = pattern(path.trim_end_matches('/'));
            script.push_str(&match is_pattern(path) {
                true => format!("for p in {word}; do [ ! -e \"$p\" ] || printf '{key} %s\\0' \"$p\"; done\n"),
                false => format!("printf '{key} %s\\0' {word}; {plain}\n").replace("{}", &word),
            });
        };
        for path in &self.path {
            put("path", path, "[ -e {} ] || printf 'missing %s\\0' {}");
        }
        for path in &self.exclude_path {
            put("exclude", path, ":");
        }
        script
    }

    /// Shell text that removes what was packed. The folder that is sure of each path is entered, and no link followed
    /// behind it.
    fn removal(&self, target: &str, view: &View<'_>) -> Result<String, Stop> {
        let mut script = "r=0\n".to_string();
        for path in &self.path {
            let path = path.trim_end_matches('/');
            let folder = match fixed(path) {
                fixed if is_pattern(path) => fixed,
                fixed => fixed
                    .rsplit_once('/')
                    .map_or(".".into(), |(folder, _)| folder.to_string()),
            };
            let entered = if folder.is_empty() { "/" } else { &folder };
            let identity = view.stat(entered, true)?.map(|stat| (stat.device, stat.inode));
            let _ = writeln!(
                script,
                "( set -- {}\n{}w=${{PWD%/}}; for p do [ \"$p\" != {target} ] && {{ [ -e \"$p\" ] || [ -L \"$p\" ]; }} || continue\n\
                 case $p in */*) d=${{p%/*}}; d=${{d#{}}};; *) d=;; esac\n\
                 ( cd -P -- \".$d\" && [ \"${{PWD%/}}\" = \"$w$d\" ] && remove \"${{p##*/}}\" ) || exit; done ) || r=$?",
                pattern(path),
                enter(entered, identity),
                quote(&folder),
            );
        }
        Ok(script + "exit $r")
    }

    fn unpacked(&self, dest: &str) -> String {
        let program = match self.format {
            Format::Bz2 => "bzip2 -dc",
            Format::Xz => "xz -dc",
            _ => "gzip -dc",
        };
        format!("{program} {dest}")
    }

    /// Exit status 0: the archive holds what it should.
    fn question(&self, dest: &str) -> String {
        let dest = quote(dest);
        // Two sets of names that only differ in line breaks differ for `--diff` too.
        const LINES: &str = "members | tr '\\0' '\\n' | LC_ALL=C sort -u";
        let whole = match self.format {
            Format::Zip => format!(
                "[ \"$(unzip -Z1 {dest} | sed 's,/$,,' | LC_ALL=C sort -u)\" = \"$({LINES})\" ] || exit 3\n\
                 cd -- \"$root\" && {LINES} | while IFS= read -r f; do [ -d \"$f\" ] || unzip -p {dest} \"$f\" | cmp -s - \"./$f\" || exit 3; done"
            ),
            _ => format!(
                "[ \"$(tar --quoting-style=literal -tf {dest} | sed 's,/$,,' | LC_ALL=C sort -u)\" = \"$({LINES})\" ] && tar --diff -f {dest} -C \"$root\" >/dev/null 2>&1 || exit 3"
            ),
        };
        let single = self.unpacked(&dest);
        format!(
            "{}{}printf 'kind %s\\0members\\0' $kind\n\
             if [ $kind = file ]; then printf '%s\\0' \"${{first##*/}}\"; else members; fi\n\
             [ -f {dest} ] || exit 3\nif [ $kind = file ]; then {single} | cmp -s - \"$first\" || exit 3; else {whole}\nfi",
            self.listing(),
            self.gather()
        )
    }

    fn script(&self, dest: &str, view: &View<'_>) -> Result<String, Stop> {
        let target = quote(dest);
        let (compress, tar) = match self.format {
            Format::Bz2 => ("bzip2 -c", "tar -cjf"),
            Format::Gz | Format::Zip => ("gzip -nc", "tar -czf"),
            Format::Tar => ("cat", "tar -cf"),
            Format::Xz => ("xz -c", "tar -cJf"),
        };
        let pack = match self.format {
            Format::Zip => "(cd -- \"$root\" && members | tr '\\0' '\\n' | zip -q \"$t\" -@)".to_string(),
            _ => format!("members | {tar} \"$t\" -C \"$root\" --no-recursion --null -T -"),
        };
        let remove = match self.remove {
            true => format!("( {}{} )", removing(), self.removal(&target, view)?),
            false => ":".into(),
        };
        let write = write_file(
            &view.destination(dest)?,
            &Attributes::default(),
            &Writing::default(),
        );
        Ok(format!(
            "{}d=$(mktemp -d) || exit 1; trap 'rm -rf \"$d\"' EXIT; t=$d/packed.{}\n\
             if [ $kind = file ]; then {compress} <\"$first\" >\"$t\"; else {pack}; fi || exit 1\n\
             ( {write}) <\"$t\" && {remove}",
            self.gather(),
            self.format.ending()
        ))
    }
}

impl Module for Archive {
    const NAMES: &'static [&'static str] = &["community.general.archive", "archive"];
    type Arguments = WithFile<Own>;
    const PATHS: &'static [&'static str] = &["path", "dest", "exclude_path"];
    const IGNORED: &'static [&'static str] = &["unsafe_writes", "attributes"];
    const RETURNS: &'static [Returns] = &[
        FILE,
        &[
            ("dest", "The archive, which `owner`, `mode` and so on describe."),
            (
                "dest_state",
                "`archive`, `incomplete` (not all paths were there), `compress` (a single file) or `absent`.",
            ),
            ("archived", "What is in it."),
            ("arcroot", "The folder that its names begin at."),
            ("missing", "Paths that are not there."),
            ("expanded_paths", "The paths, patterns expanded."),
            ("expanded_exclude_paths", "What is left out, patterns expanded."),
        ],
    ];

    fn step(arguments: &WithFile<Own>, view: &View<'_>) -> Result<Step, Stop> {
        let own = &arguments.own;
        let dest = own.dest()?;
        let mut about: Vec<Resource> = own.path.iter().map(|path| Resource::Path(fixed(path))).collect();
        about.push(Resource::Path(dest.clone()));
        let output = view.probe(&own.question(&dest), &about)?;
        view.note_described(&dest);
        let there = view.stat(&dest, true)?;
        let found = Packed::read(&output.text());
        let outcome = found.told(&dest, there.is_some());
        let mut actions = vec![];
        match output.code {
            0 => {}
            3 => {
                let words: Vec<String> = own.path.iter().map(|path| pattern(path)).collect();
                let mut effects = vec![Effect::Forgets(Resource::Path(dest.clone()))];
                if own.remove {
                    effects.extend(about.iter().cloned().map(Effect::Forgets));
                }
                actions.push(Action::Script {
                    script: own.script(&dest, view)?,
                    explain: match own.format {
                        Format::Zip => format!("zip -r {} {}", quote(&dest), words.join(" ")),
                        _ => format!("tar -caf {} {}", quote(&dest), words.join(" ")),
                    },
                    effects,
                });
            }
            4 if found.paths.iter().all(|path| found.excluded.contains(path)) => {
                return Err(Stop::failed("Error, no source paths were found"));
            }
            4 => {}
            6 => {
                return Err(Stop::failed(
                    "a name holds a line break, which `zip` cannot be told; choose another format",
                ));
            }
            code => {
                return Err(Stop::failed(format!(
                    "cannot read what is to be packed: exit status {code}"
                )));
            }
        }
        actions.extend(attributes(
            &arguments.file,
            &dest,
            there.as_ref(),
            !actions.is_empty(),
        )?);
        Ok(Step::Finish(actions, outcome))
    }
}

/// The part of a path before the first mark of a pattern, up to a folder.
fn fixed(path: &str) -> String {
    match path.find(['*', '?', '[']) {
        Some(at) => path[..at]
            .rsplit_once('/')
            .map_or(".", |split| split.0)
            .to_string(),
        None => path.trim_end_matches('/').to_string(),
    }
}

fn attributes(
    file: &FileArguments,
    dest: &str,
    there: Option<&crate::host::Stat>,
    anew: bool,
) -> Result<Option<Action>, Stop> {
    let wanted = file.attributes(there.map(|stat| stat.mode), false)?;
    let attributes = match there {
        Some(stat) if !anew => super::file::differing(&wanted, stat),
        _ => wanted,
    };
    let set = Action::SetAttributes {
        path: dest.into(),
        attributes: attributes.clone(),
        follow: true,
        recursive: false,
    };
    Ok((!attributes.is_empty()).then_some(set))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_patterns_stay_and_all_else_is_quoted() {
        assert_eq!(pattern("/var/log/*.log"), "/var/log/*.log");
        assert_eq!(pattern("/a b/?c"), "'/a b/'?c");
        assert_eq!(fixed("/var/log/*.log"), "/var/log");
    }
}
