//! `apt`, and `package` on machines that have it: Debian packages.

use super::arguments::joined_schema;
use super::package_names::{base, matches, pattern, provided, version};
use super::returns::Returns;
use super::{Module, Outcome, Step, Stop, View, collection_of};
use crate::host::{Action, Answer, Effect, Package, Question, Resource, quote};
use crate::value::{ArgumentError, Value, deserialize, fields};
use schemars::{JsonSchema, Schema};
use serde::Deserialize;

/// What is told of packages.
const RETURNS: &[Returns] = &[
    &[
        ("cache_updated", "Whether the lists of packages were fetched."),
        (
            "cache_update_time",
            "When they were fetched last, in seconds since 1970; 0 if nobody asked.",
        ),
    ],
    &[
        ("stdout", "What apt printed, if something was done."),
        ("stdout_lines", "Its lines."),
        ("stderr", "What apt said to standard error."),
        ("stderr_lines", "Its lines."),
    ],
];

/// Installs and removes Debian packages.
pub(super) struct Apt;
/// Installs and removes packages by whatever the machine has.
pub(super) struct AnyPackage;

/// What should be with the packages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum State {
    #[default]
    #[serde(alias = "installed")]
    Present,
    #[serde(alias = "removed")]
    Absent,
    Latest,
    BuildDep,
    Fixed,
}

/// Upgrade of everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Upgrade {
    #[default]
    #[serde(alias = "False", alias = "false")]
    No,
    #[serde(alias = "safe", alias = "True", alias = "true")]
    Yes,
    #[serde(alias = "dist")]
    Full,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// Packages: `name`, `name=version` (with `*`), `name/release`.
    #[serde(default, alias = "package", alias = "pkg")]
    name: Vec<String>,
    /// What should be with them.
    #[serde(default)]
    state: State,
    /// A package file of the host.
    deb: Option<String>,
    /// Fetch the lists of packages first.
    #[serde(alias = "update-cache")]
    update_cache: Option<bool>,
    /// Seconds for which fetched lists are new enough.
    #[serde(default)]
    cache_valid_time: i64,
    /// Install what packages recommend; the default is apt's own.
    #[serde(alias = "install-recommends")]
    install_recommends: Option<bool>,
    /// Release to take packages from.
    #[serde(alias = "default-release")]
    default_release: Option<String>,
    /// Remove configuration too.
    #[serde(default)]
    purge: bool,
    /// Remove what nothing needs any more.
    #[serde(default)]
    autoremove: bool,
    /// Remove package files that cannot be fetched any more.
    #[serde(default)]
    autoclean: bool,
    /// Remove all fetched package files.
    #[serde(default)]
    clean: bool,
    /// Upgrade everything that is installed.
    #[serde(default)]
    upgrade: Upgrade,
    /// Upgrade, never install.
    #[serde(default)]
    only_upgrade: bool,
    /// Go on where apt asks whether it should.
    #[serde(default)]
    force: bool,
    /// Take packages nobody signed.
    #[serde(default, alias = "allow-unauthenticated")]
    allow_unauthenticated: bool,
    /// Take older versions.
    #[serde(
        default,
        alias = "allow-downgrade",
        alias = "allow_downgrades",
        alias = "allow-downgrades"
    )]
    allow_downgrade: bool,
    /// Change packages that are held.
    #[serde(default)]
    allow_change_held_packages: bool,
    /// Options of dpkg, with commas between.
    #[serde(default = "dpkg_options")]
    dpkg_options: String,
    /// Seconds to wait for another apt.
    #[serde(default = "minute")]
    lock_timeout: i64,
    /// Exit status that service starts get while packages are installed.
    policy_rc_d: Option<i64>,
}

fn dpkg_options() -> String {
    "force-confdef,force-confold".into()
}

fn minute() -> i64 {
    60
}

/// Where fetched lists are looked at, for answers that a fetch changes.
fn lists() -> Resource {
    Resource::Other("apt lists".into())
}

impl Arguments {
    fn program(&self) -> String {
        let mut words = vec![
            "DEBIAN_FRONTEND=noninteractive DEBIAN_PRIORITY=critical apt-get -y".to_string(),
            format!("-o DPkg::Lock::Timeout={}", self.lock_timeout),
        ];
        for option in self.dpkg_options.split(',').filter(|option| !option.is_empty()) {
            words.push(format!("-o {}", quote(&format!("Dpkg::Options::=--{option}"))));
        }
        if let Some(recommends) = self.install_recommends {
            words.push(format!(
                "-o APT::Install-Recommends={}",
                if recommends { "yes" } else { "no" }
            ));
        }
        words.extend(
            self.default_release
                .iter()
                .map(|release| format!("-t {}", quote(release))),
        );
        for (wanted, flag) in [
            (self.force, "--force-yes"),
            (self.allow_unauthenticated, "--allow-unauthenticated"),
            (self.allow_downgrade, "--allow-downgrades"),
            (self.allow_change_held_packages, "--allow-change-held-packages"),
            (self.only_upgrade, "--only-upgrade"),
            (self.autoremove, "--auto-remove"),
        ] {
            if wanted {
                words.push(flag.into());
            }
        }
        words.join(" ")
    }

    /// Options of dpkg for the configuring of what it has unpacked.
    fn forced(&self) -> String {
        let options = self.dpkg_options.split(',').filter(|option| !option.is_empty());
        options.map(|option| format!(" --{}", quote(option))).collect()
    }

    fn run(&self, rest: &str, effects: Vec<Effect>) -> Action {
        // apt refuses to do anything after dpkg was interrupted, until what it has unpacked is configured.
        let script = format!(
            "if ls /var/lib/dpkg/updates 2>/dev/null | grep -q '^[0-9]*$'; then \
             DEBIAN_FRONTEND=noninteractive DEBIAN_PRIORITY=critical dpkg{} --configure -a >&2 || :; fi\n{} {rest}",
            self.forced(),
            self.program()
        );
        let script = match self.policy_rc_d {
            Some(code) => format!(
                "p=/usr/sbin/policy-rc.d; [ -e $p ] && mv $p $p.vent; printf '#!/bin/sh\\nexit {code}\\n' >$p; chmod 755 $p\n\
                 {script}; r=$?; rm -f $p; [ -e $p.vent ] && mv $p.vent $p; exit $r"
            ),
            None => script,
        };
        Action::Script {
            script,
            explain: format!("apt-get {rest}"),
            effects,
        }
    }

    /// Seconds since 1970 of the last fetch.
    fn fetched(&self, view: &View<'_>) -> Result<i64, Stop> {
        let script = "stat -c %Y /var/lib/apt/periodic/update-success-stamp || stat -c %Y /var/lib/apt/lists; \
                      ls /var/lib/apt/lists/*_Packages* >/dev/null || echo none";
        let text = view.probe(script, &[lists()])?.text();
        let mut lines = text.lines();
        let time = lines.next().and_then(|line| line.parse().ok()).unwrap_or(0);
        Ok(if text.contains("none") { 0 } else { time })
    }

    /// The packages that have to be installed or removed.
    fn wrong<'a>(&'a self, view: &View<'_>) -> Result<Vec<&'a str>, Stop> {
        for name in &self.name {
            view.note(Question::Package {
                name: base(name).into(),
            });
        }
        let mut wrong = vec![];
        for name in &self.name {
            let installed = match base(name).contains('*') {
                true => pattern(base(name), view)?,
                false => view.package(base(name))?,
            };
            let fits = match (&installed, self.state, version(name)) {
                (installed, State::Absent, _) => installed.is_none(),
                (None, _, _) => false,
                (Some(package), _, Some(version)) => matches(version, &package.version),
                (Some(_), _, None) => true,
            };
            if !fits {
                wrong.push(name.as_str());
            }
        }
        if self.state == State::Present && !self.only_upgrade && !wrong.is_empty() {
            let provided = provided(&wrong, view)?;
            wrong.retain(|name| !provided.contains(&name.to_string()));
        }
        if self.state == State::Latest {
            let old = self.outdated(&wrong, view)?;
            wrong.extend(old);
        }
        Ok(wrong)
    }

    /// The installed packages of which there is a newer version.
    fn outdated<'a>(&'a self, known: &[&str], view: &View<'_>) -> Result<Vec<&'a str>, Stop> {
        let names: Vec<&str> = self
            .name
            .iter()
            .map(String::as_str)
            .filter(|name| !known.contains(name) && version(name).is_none())
            .collect();
        if names.is_empty() {
            return Ok(vec![]);
        }
        let words: Vec<String> = names.iter().map(|name| quote(base(name))).collect();
        let mut about: Vec<Resource> = names
            .iter()
            .map(|name| Resource::Package(base(name).into()))
            .collect();
        about.push(lists());
        let release = match &self.default_release {
            Some(release) => format!("-t {} ", quote(release)),
            None => String::new(),
        };
        let shown = view
            .probe(&format!("apt-cache {release}policy {}", words.join(" ")), &about)?
            .text();
        let mut old = vec![];
        let mut current = "";
        let mut installed = "";
        for line in shown.lines() {
            if !line.starts_with(' ') {
                current = line.trim_end_matches(':');
            } else if let Some(version) = line.trim().strip_prefix("Installed: ") {
                installed = version;
            } else if let Some(candidate) = line.trim().strip_prefix("Candidate: ")
                && candidate != installed
            {
                old.extend(names.iter().filter(|name| base(name) == current).copied());
            }
        }
        Ok(old)
    }

    /// The actions on packages; the lists are already as new as they have to be.
    fn actions(&self, view: &View<'_>) -> Result<Vec<Action>, Stop> {
        let mut actions = vec![];
        let everything = || vec![Effect::Forgets(Resource::Other("packages".into()))];
        match self.upgrade {
            Upgrade::No => {}
            kind => {
                let command = if kind == Upgrade::Full {
                    "dist-upgrade"
                } else {
                    "upgrade --with-new-pkgs"
                };
                let script = format!("LC_ALL=C apt-get -s {command} | grep -c '^Inst '");
                let about = [lists(), Resource::Other("packages".into())];
                if view.probe(&script, &about)?.text().trim() != "0" {
                    actions.push(self.run(command, everything()));
                }
            }
        }
        if let Some(path) = &self.deb {
            actions.extend(self.package_file(path, view)?);
        }
        let wrong = self.wrong(view)?;
        if !wrong.is_empty() {
            let command = match self.state {
                State::Absent if self.purge => "purge",
                State::Absent => "remove",
                State::BuildDep => "build-dep",
                _ => "install",
            };
            let words: Vec<String> = wrong.iter().map(|name| quote(name)).collect();
            let effects = wrong.iter().flat_map(|name| self.effects(base(name))).collect();
            actions.push(self.run(&format!("{command} {}", words.join(" ")), effects));
        }
        if self.state == State::Fixed {
            actions.push(self.run("install --fix-broken", everything()));
        }
        if self.autoremove && self.name.is_empty() && self.upgrade == Upgrade::No {
            let script = "LC_ALL=C apt-get -s autoremove | grep -c '^Remv '";
            let about = [Resource::Other("packages".into())];
            if view.probe(script, &about)?.text().trim() != "0" {
                let purge = if self.purge { " --purge" } else { "" };
                actions.push(self.run(&format!("autoremove{purge}"), everything()));
            }
        }
        for (wanted, command) in [(self.autoclean, "autoclean"), (self.clean, "clean")] {
            if wanted {
                actions.push(self.run(command, vec![]));
            }
        }
        Ok(actions)
    }

    fn package_file(&self, path: &str, view: &View<'_>) -> Result<Option<Action>, Stop> {
        let quoted = quote(path);
        let script = format!("dpkg-deb -f {quoted} Package && dpkg-deb -f {quoted} Version");
        let output = view.probe(&script, &[Resource::Path(path.into())])?.text();
        let mut lines = output.lines();
        let (Some(name), Some(version)) = (lines.next(), lines.next()) else {
            return Err(Stop::failed(format!(
                "Unable to install package: {path} is no package file"
            )));
        };
        let installed = view
            .package(name)?
            .is_some_and(|package| package.version == version);
        let file = if path.starts_with('/') {
            path.to_string()
        } else {
            format!("./{path}")
        };
        Ok((!installed).then(|| self.run(&format!("install {}", quote(&file)), self.effects(name))))
    }

    /// What installing or removing a package does to later answers: what else it brings cannot be told.
    fn effects(&self, name: &str) -> Vec<Effect> {
        let package = match self.state {
            State::Absent => None,
            _ => Some(Package::default()),
        };
        let question = Question::Package { name: name.into() };
        let mut effects = vec![Effect::Answers(question, Answer::Package(package))];
        effects.extend(
            [
                Resource::Unit(format!("{name}.service")),
                Resource::Path(format!("/etc/{name}")),
                Resource::Path(format!("/etc/{name}.conf")),
                Resource::Path(format!("/usr/bin/{name}")),
                Resource::Path(format!("/usr/sbin/{name}")),
                Resource::User(name.into()),
                Resource::Other("packages".into()),
            ]
            .map(Effect::Forgets),
        );
        effects
    }
}

impl Module for Apt {
    const NAMES: &'static [&'static str] = &["ansible.builtin.apt", "apt"];
    type Arguments = Arguments;
    const PATHS: &'static [&'static str] = &["deb"];
    const IGNORED: &'static [&'static str] = &[
        "force_apt_get",
        "update_cache_retries",
        "update_cache_retry_max_delay",
        "fail_on_autoremove",
        "auto_install_module_deps",
    ];
    const RETURNS: &'static [Returns] = RETURNS;

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        let update = arguments.update_cache.unwrap_or(arguments.cache_valid_time > 0);
        let mut last = Value::Int(0);
        if update && view.performed().is_empty() {
            // Both are wanted: one trip.
            for name in &arguments.name {
                view.note(Question::Package {
                    name: base(name).into(),
                });
            }
            let time = arguments.fetched(view)?;
            if time + arguments.cache_valid_time <= view.control_node().now() {
                let fetch = Action::Script {
                    script: format!("{} update", arguments.program()),
                    explain: "apt-get update".into(),
                    effects: vec![Effect::Forgets(lists())],
                };
                return Ok(Step::Act(vec![fetch]));
            }
            last = Value::Int(time);
        }
        let fetched = !view.performed().is_empty();
        if fetched {
            last = Value::Int(view.control_node().now());
        }
        let actions = arguments.actions(view)?;
        let alone = arguments.name.is_empty() && arguments.deb.is_none() && arguments.upgrade == Upgrade::No;
        let changed = !actions.is_empty() || (alone && fetched);
        let outcome = Outcome::new()
            .with_output()
            .changed(changed)
            .with("cache_updated", fetched)
            .with("cache_update_time", last);
        Ok(Step::Finish(actions, outcome))
    }
}

/// What `package` takes: what `apt` does, and which manager is to be used.
#[derive(Clone, Debug)]
pub(super) struct AnyArguments {
    apt: Arguments,
    manager: Manager,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
struct Manager {
    /// The package manager, by the name of its module; `auto` is the machine's own, or what `ansible_package_use` says.
    #[serde(rename = "use")]
    name: Option<String>,
}

impl super::arguments::Arguments for AnyArguments {
    fn schema() -> Schema {
        joined_schema::<Arguments, Manager>()
    }

    fn names() -> Vec<&'static str> {
        [fields::<Arguments>(), fields::<Manager>()].concat()
    }

    fn read(value: &Value) -> Result<(AnyArguments, Vec<&'static str>), ArgumentError> {
        let (apt, mut known) =
            deserialize(value).map(|(read, fields): (Arguments, _)| (read, fields.to_vec()))?;
        let (manager, fields) = deserialize(value)?;
        known.extend_from_slice(fields);
        Ok((AnyArguments { apt, manager }, known))
    }
}

impl AnyArguments {
    /// The package manager that was asked for, if one was.
    fn manager(&self, view: &View<'_>) -> Result<Option<String>, Stop> {
        let named = self.manager.name.clone().filter(|name| name != "auto");
        let variable = || view.control_node().variable("ansible_package_use");
        let name = match named {
            Some(name) => Some(name),
            None => variable()?.and_then(|value| value.as_str().map(str::to_string)),
        };
        Ok(name.filter(|name| !name.is_empty() && name != "auto"))
    }
}

impl Module for AnyPackage {
    const NAMES: &'static [&'static str] = &["ansible.builtin.package", "package"];
    type Arguments = AnyArguments;
    const RETURNS: &'static [Returns] = RETURNS;

    fn step(arguments: &AnyArguments, view: &View<'_>) -> Result<Step, Stop> {
        if let Some(manager) = arguments.manager(view)? {
            if super::find(&manager).is_none() && collection_of(&manager).is_none() {
                return Err(Stop::failed(format!(
                    "Could not find a matching action for the \"{manager}\" package manager."
                )));
            }
            if !Apt::NAMES.contains(&manager.as_str()) {
                return Err(Stop::failed(format!(
                    "package: only machines with apt are supported, and `{manager}` is asked for; use its own module"
                )));
            }
        }
        let found = view.probe("command -v apt-get", &[Resource::Path("/usr/bin/apt-get".into())])?;
        if found.stdout.is_empty() {
            return Err(Stop::failed(
                "package: only machines with apt are supported; use the command of this machine's package manager",
            ));
        }
        Apt::step(&arguments.apt, view)
    }
}
