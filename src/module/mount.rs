//! `mount`: file systems, in `/etc/fstab` and mounted.

use super::place::{lines_of, text_of};
use super::returns::Returns;
use super::{Module, Outcome, Step, Stop, View};
use crate::content::Content;
use crate::host::{Action, Attributes, Effect, Resource, quote};
use schemars::JsonSchema;
use serde::Deserialize;

/// Keeps a mounted file system.
pub(super) struct Mount;

/// What should be with it.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Absent,
    AbsentFromFstab,
    Ephemeral,
    Mounted,
    Present,
    Remounted,
    Unmounted,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// Where it is mounted.
    #[serde(alias = "name")]
    path: String,
    /// What is mounted.
    src: Option<String>,
    /// Its kind.
    fstype: Option<String>,
    /// Its options.
    #[serde(default = "defaults")]
    opts: String,
    /// Fifth field of the line.
    #[serde(default = "zero")]
    dump: String,
    /// Sixth field of the line.
    #[serde(default = "zero")]
    passno: String,
    /// What should be with it.
    state: State,
    /// The file.
    #[serde(default = "fstab")]
    fstab: String,
    /// Mount it at the start.
    #[serde(default = "yes")]
    boot: bool,
}

fn defaults() -> String {
    "defaults".into()
}

fn zero() -> String {
    "0".into()
}

fn fstab() -> String {
    "/etc/fstab".into()
}

fn yes() -> bool {
    true
}

/// Spaces are written in octal in the file.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\134")
        .replace(' ', "\\040")
        .replace('\t', "\\011")
}

impl Arguments {
    fn line(&self) -> Result<String, Stop> {
        let (Some(src), Some(kind)) = (&self.src, &self.fstype) else {
            return Err(Stop::failed("src and fstype are required for this state"));
        };
        let mut opts = self.opts.clone();
        if !self.boot && !opts.split(',').any(|option| option == "noauto") {
            opts.push_str(",noauto");
        }
        let fields = [escaped(src), escaped(&self.path), kind.clone(), escaped(&opts)];
        Ok(format!("{} {} {}", fields.join(" "), self.dump, self.passno))
    }

    /// The file with the line as it is wanted, or without it.
    fn edited(&self, text: &str, present: bool) -> Result<String, Stop> {
        let wanted = if present { Some(self.line()?) } else { None };
        let (mut out, mut found) = (String::new(), false);
        for line in lines_of(text) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            if line.trim_start().starts_with('#') || fields.get(1) != Some(&escaped(&self.path).as_str()) {
                out.push_str(&format!("{line}\n"));
            } else if let Some(wanted) = wanted.as_deref().filter(|_| !found) {
                found = true;
                let same = fields.iter().copied().eq(wanted.split(' '));
                out.push_str(&format!("{}\n", if same { line } else { wanted }));
            }
        }
        if let Some(wanted) = wanted.filter(|_| !found) {
            out.push_str(&format!("{wanted}\n"));
        }
        Ok(out)
    }

    fn commands(&self, mounted: bool, changed: bool, there: bool) -> Result<Vec<String>, Stop> {
        let path = quote(&self.path);
        let mut commands = vec![];
        match self.state {
            State::Mounted | State::Ephemeral if !there => commands.push(format!("mkdir -p {path}")),
            _ => {}
        }
        match (self.state, mounted) {
            (State::Mounted, false) => commands.push(format!("mount {path}")),
            (State::Mounted, true) if changed => commands.push(format!(
                "mount -o remount {path} || {{ umount {path} && mount {path}; }}"
            )),
            (State::Remounted, _) => commands.push(format!("mount -o remount {path}")),
            (State::Ephemeral, false) => {
                self.line()?;
                let kind = self.fstype.as_deref().unwrap_or_default();
                let src = self.src.as_deref().unwrap_or_default();
                commands.push(format!(
                    "mount -t {} -o {} {} {path}",
                    quote(kind),
                    quote(&self.opts),
                    quote(src)
                ));
            }
            (State::Unmounted | State::Absent, true) => commands.push(format!("umount {path}")),
            _ => {}
        }
        if self.state == State::Absent && there {
            commands.push(format!("rmdir {path}"));
        }
        Ok(commands)
    }
}

impl Arguments {
    fn told(&self) -> Outcome {
        let given = [("src", &self.src), ("fstype", &self.fstype)];
        let given = given
            .iter()
            .filter_map(|(name, text)| Some((*name, text.as_deref()?)));
        let outcome = Outcome::new()
            .with("name", self.path.as_str())
            .with("opts", self.opts.as_str())
            .with("dump", self.dump.as_str())
            .with("passno", self.passno.as_str())
            .with("boot", if self.boot { "yes" } else { "no" })
            .with("fstab", self.fstab.as_str())
            .with("backup_file", "");
        given.fold(outcome, |outcome, (name, text)| outcome.with(name, text))
    }
}

impl Module for Mount {
    const NAMES: &'static [&'static str] = &["ansible.posix.mount", "mount"];
    type Arguments = Arguments;
    const PATHS: &'static [&'static str] = &["path", "name"];
    const IGNORED: &'static [&'static str] = &["backup", "opts_no_log"];
    const RETURNS: &'static [Returns] = &[&[
        ("name", "Where it is mounted."),
        ("src", "What is mounted, if it was named."),
        ("fstype", "Its kind, if it was named."),
        ("opts", "Its options."),
        ("dump", "Fifth field of the line."),
        ("passno", "Sixth field of the line."),
        ("boot", "`yes` or `no`: whether it is mounted at the start."),
        ("fstab", "The file of the line."),
        ("backup_file", "Empty: no old file is kept."),
    ]];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        let path = arguments.path.as_str();
        let about = [Resource::Other("mounts".into()), Resource::Path(path.into())];
        let script = format!(
            "cut -d' ' -f2 /proc/mounts | grep -qxF -e {}",
            quote(&escaped(path))
        );
        view.note(crate::host::Question::Stat {
            path: path.into(),
            follow: true,
        });
        let text = text_of(&arguments.fstab, view)?;
        let text = text.unwrap_or_default();
        let edited = match arguments.state {
            State::Mounted | State::Present => arguments.edited(&text, true)?,
            State::Absent | State::AbsentFromFstab => arguments.edited(&text, false)?,
            _ => text.clone(),
        };
        let mounted = view.probe(&script, &about)?.code == 0;
        let there = view.stat(path, true)?.is_some();
        let changed = edited != text;
        let mut actions = vec![];
        if changed {
            actions.push(Action::WriteFile {
                path: arguments.fstab.clone(),
                content: Content::text(edited),
                attributes: Attributes::default(),
                validate: None,
                backup: false,
                unsafe_writes: false,
            });
        }
        let commands = arguments.commands(mounted, changed, there)?;
        if !commands.is_empty() {
            actions.push(Action::Script {
                script: commands.join(" &&\n"),
                explain: commands.join("\n"),
                effects: about.map(Effect::Forgets).to_vec(),
            });
        }
        Ok(Step::Finish(actions, arguments.told()))
    }
}
