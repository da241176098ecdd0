//! `pip`: packages of Python, on hosts that have it.

use super::command::argument;
use super::returns::Returns;
use super::{Module, Outcome, Step, Stop, View};
use crate::host::{Action, Effect, Resource, quote, requote};
use crate::value::Value;
use schemars::JsonSchema;
use serde::Deserialize;

/// Keeps packages of Python.
pub(super) struct Pip;

/// What should be with the packages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Absent,
    Forcereinstall,
    Latest,
    #[default]
    Present,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// Packages, with a version if wanted.
    #[serde(default)]
    name: Vec<String>,
    /// The version of a single package.
    version: Option<Value>,
    /// A file of the host that names packages.
    requirements: Option<String>,
    /// A virtual environment; made if it is not there.
    virtualenv: Option<String>,
    /// The command that makes it.
    virtualenv_command: Option<String>,
    /// The Python it is made for.
    virtualenv_python: Option<String>,
    /// It sees the system's packages.
    #[serde(default)]
    virtualenv_site_packages: bool,
    /// What should be with the packages.
    #[serde(default)]
    state: State,
    /// More options of `pip`.
    extra_args: Option<String>,
    /// Install so that changes of the source take effect.
    #[serde(default)]
    editable: bool,
    /// Folder to run in.
    chdir: Option<String>,
    /// The `pip` to use.
    executable: Option<String>,
    /// Install into a Python that the system's packages manage.
    #[serde(default)]
    break_system_packages: bool,
}

fn open_quotes(argument: &str, line: &str) -> Stop {
    Stop::failed(format!("the quotes of `{argument}` are not closed: {line}"))
}

impl Arguments {
    fn program(&self) -> String {
        match (&self.virtualenv, &self.executable) {
            (Some(folder), _) => format!("{}/bin/pip", quote(folder)),
            (None, Some(program)) => quote(program),
            (None, None) => "pip3".into(),
        }
    }

    fn packages(&self) -> Result<Vec<String>, Stop> {
        match (&self.version, &self.name[..]) {
            (None, names) => Ok(names.to_vec()),
            (Some(version), [name]) => {
                let version = version
                    .as_str()
                    .map_or_else(|| crate::value::repr(version), str::to_string);
                Ok(vec![format!("{name}=={version}")])
            }
            _ => Err(Stop::failed(
                "'version' argument is ambiguous when installing multiple package distributions.",
            )),
        }
    }

    /// The line that installs or removes; `dry` only says what it would do.
    fn line(&self, dry: bool) -> Result<String, Stop> {
        let mut line = self.program();
        line.push_str(match self.state {
            State::Absent => " uninstall -y",
            State::Latest => " install -U",
            State::Forcereinstall => " install -U --force-reinstall",
            State::Present => " install",
        });
        if dry {
            line.push_str(" --dry-run");
        }
        if self.break_system_packages {
            line = format!("PIP_BREAK_SYSTEM_PACKAGES=1 {line}");
        }
        if let Some(extra) = &self.extra_args {
            let words = requote(extra).ok_or_else(|| open_quotes("extra_args", extra))?;
            line.push_str(&format!(" {words}"));
        }
        for package in self.packages()? {
            let editable = if self.editable { " -e" } else { "" };
            line.push_str(&format!("{editable} {}", quote(&package)));
        }
        if let Some(file) = &self.requirements {
            line.push_str(&format!(" -r {}", quote(file)));
        }
        Ok(line)
    }

    fn folder(&self) -> String {
        match &self.chdir {
            Some(folder) => format!("cd {} || exit 1\n", quote(folder)),
            None => String::new(),
        }
    }

    /// The line that makes the virtual environment.
    fn environment(&self, folder: &str) -> Result<String, Stop> {
        let site = if self.virtualenv_site_packages {
            " --system-site-packages"
        } else {
            ""
        };
        let command = match &self.virtualenv_command {
            Some(line) => {
                let words = shlex::split(line).ok_or_else(|| open_quotes("virtualenv_command", line))?;
                let words: Vec<String> = words.iter().map(|word| argument(word, true)).collect();
                Some(words.join(" "))
            }
            None => None,
        };
        Ok(match (command, &self.virtualenv_python) {
            (Some(command), Some(python)) => {
                format!("{command}{site} -p {} {}", quote(python), quote(folder))
            }
            (Some(command), None) => format!("{command}{site} {}", quote(folder)),
            (None, python) => {
                let python = python.as_deref().unwrap_or("python3");
                format!("{} -m venv{site} {}", quote(python), quote(folder))
            }
        })
    }

    /// Whether something is to be done, by what is installed and, for more than that, by pip's own dry run.
    fn is_done(&self, about: &[Resource], view: &View<'_>) -> Result<bool, Stop> {
        let program = self.program();
        let listing = format!(
            "{}command -v {program} >/dev/null || exit 9; {program} list --format=freeze --disable-pip-version-check 2>/dev/null",
            self.folder()
        );
        let output = view.probe(&listing, about)?;
        if output.code == 9 {
            return Err(Stop::failed(format!(
                "Unable to find any of {program} to use. pip needs to be installed."
            )));
        }
        let plain = |name: &str| name.to_ascii_lowercase().replace(['_', '.'], "-");
        let text = output.text();
        let installed: Vec<(String, &str)> = text
            .lines()
            .filter_map(|line| line.split_once("=="))
            .map(|(name, version)| (plain(name), version))
            .collect();
        let has = |package: &String| {
            let (name, version) = match package.split_once("==") {
                Some((name, version)) => (name, Some(version)),
                None => (package.as_str(), None),
            };
            let name = plain(name.split('[').next().unwrap_or_default().trim());
            installed.iter().any(|(known, there)| {
                *known == name && version.is_none_or(|version| version.trim() == *there)
            })
        };
        let packages = self.packages()?;
        let simple = |package: &String| {
            let rest = package.replacen("==", "", 1);
            !rest.contains(['<', '>', '=', '!', '~', '/', ':', '@', ';', ',', '*'])
        };
        match self.state {
            State::Absent => return Ok(!packages.iter().any(has)),
            State::Forcereinstall => return Ok(false),
            State::Present if self.requirements.is_none() && packages.iter().all(simple) => {
                return Ok(packages.iter().all(has));
            }
            _ => {}
        }
        let dry = view.probe(&format!("{}{}", self.folder(), self.line(true)?), about)?;
        Ok(dry.code == 0 && !dry.text().contains("Would install"))
    }
}

impl Module for Pip {
    const NAMES: &'static [&'static str] = &["ansible.builtin.pip", "pip"];
    type Arguments = Arguments;
    const PATHS: &'static [&'static str] = &["virtualenv", "chdir", "executable"];
    const IGNORED: &'static [&'static str] = &["umask"];
    const RETURNS: &'static [Returns] = &[&[
        ("cmd", "The line that installs or removes."),
        ("name", "The packages."),
        ("version", "The version of a single package."),
        ("requirements", "The file that names packages."),
        ("virtualenv", "The virtual environment."),
        ("state", "What was wanted of the packages."),
        ("stdout", "What was printed, if something was done."),
        ("stdout_lines", "Its lines."),
        ("stderr", "What was said to standard error."),
        ("stderr_lines", "Its lines."),
    ]];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        if arguments.name.is_empty() && arguments.requirements.is_none() && arguments.virtualenv.is_none() {
            return Err(Stop::failed(
                "one of the following is required: name, requirements",
            ));
        }
        let place = arguments
            .virtualenv
            .clone()
            .unwrap_or_else(|| "the system".into());
        let mut about = vec![Resource::Other(format!("packages of Python in {place}"))];
        about.extend(
            arguments
                .virtualenv
                .iter()
                .chain(&arguments.requirements)
                .cloned()
                .map(Resource::Path),
        );
        let script = |line: String| Action::Script {
            script: format!("{}{line}", arguments.folder()),
            explain: line,
            effects: about.iter().cloned().map(Effect::Forgets).collect(),
        };
        let mut actions = vec![];
        let fresh = match &arguments.virtualenv {
            Some(folder) => view.stat(&format!("{folder}/bin/activate"), true)?.is_none(),
            None => false,
        };
        if let Some(folder) = arguments.virtualenv.as_ref().filter(|_| fresh) {
            actions.push(script(arguments.environment(folder)?));
        }
        let wanted = !arguments.name.is_empty() || arguments.requirements.is_some();
        let idle = !wanted || fresh && arguments.state == State::Absent;
        if !idle && (fresh || !arguments.is_done(&about, view)?) {
            actions.push(script(arguments.line(false)?));
        }
        let text = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::string);
        let version = arguments.version.as_ref().map(|version| match version.as_str() {
            Some(text) => text.to_string(),
            None => crate::value::repr(version),
        });
        let outcome = Outcome::new()
            .with_output()
            .with("cmd", arguments.line(false)?)
            .with("version", version.map(Value::from))
            .with("state", format!("{:?}", arguments.state).to_lowercase())
            .with("name", Value::list(arguments.name.iter().map(Value::string)))
            .with("requirements", text(&arguments.requirements))
            .with("virtualenv", text(&arguments.virtualenv));
        Ok(Step::Finish(actions, outcome))
    }
}
