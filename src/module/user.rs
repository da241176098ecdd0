//! `user`: accounts of the machine.

mod outcome;
mod ssh_key;

use super::blockinfile::State;
use super::returns::Returns;
use super::{Module, Step, Stop, View};
use crate::host::{Account, Action, Answer, Effect, Question, Resource, Unfinished, quote};
use crate::value::Value;
use schemars::JsonSchema;
use serde::Deserialize;

/// Keeps an account.
pub(super) struct User;

/// When a password is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum UpdatePassword {
    #[default]
    Always,
    OnCreate,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// Its name.
    #[serde(alias = "user")]
    name: String,
    /// Whether it should be there.
    #[serde(default)]
    state: State,
    /// Its number.
    uid: Option<u32>,
    /// Allow a number that is taken.
    #[serde(default)]
    non_unique: bool,
    /// Its primary group.
    group: Option<String>,
    /// Its other groups.
    groups: Option<Vec<String>>,
    /// Keep other groups it is in.
    #[serde(default)]
    append: bool,
    /// Its comment, usually a person's name.
    comment: Option<String>,
    /// Its home folder.
    home: Option<String>,
    /// Make the home folder if there is none.
    #[serde(default = "yes", alias = "createhome")]
    create_home: bool,
    /// Move the content of the home folder when it changes.
    #[serde(default)]
    move_home: bool,
    /// Where the content of a new home folder comes from.
    skeleton: Option<String>,
    /// Its login shell.
    shell: Option<String>,
    /// Take the number from those of the system.
    #[serde(default)]
    system: bool,
    /// Its password, encrypted as in `/etc/shadow`.
    password: Option<Value>,
    /// When the password is set.
    #[serde(default)]
    update_password: UpdatePassword,
    /// Lock or unlock the password.
    password_lock: Option<bool>,
    /// The day it ends, in seconds since 1970; negative for never.
    expires: Option<f64>,
    /// Remove the home folder with the account.
    #[serde(default)]
    remove: bool,
    /// Remove the account while it is logged in.
    #[serde(default)]
    force: bool,
    /// Make a key for SSH.
    #[serde(default)]
    generate_ssh_key: bool,
    /// Its file, below the home folder.
    #[serde(default = "key_file")]
    ssh_key_file: String,
    /// Its kind.
    #[serde(default = "key_type")]
    ssh_key_type: String,
    /// Its bits.
    ssh_key_bits: Option<u32>,
    /// Its comment.
    ssh_key_comment: Option<String>,
    /// What opens it.
    ssh_key_passphrase: Option<String>,
    /// Days after which the password has to be changed.
    password_expire_max: Option<i64>,
    /// Days before which the password cannot be changed.
    password_expire_min: Option<i64>,
    /// Days before that end on which the account is warned.
    password_expire_warn: Option<i64>,
    /// Days after that end on which the account is closed.
    password_expire_account_disable: Option<i64>,
    /// The bits that a new home folder does not get.
    umask: Option<String>,
    /// The least number of a new account.
    uid_min: Option<u32>,
    /// The greatest number of a new account.
    uid_max: Option<u32>,
    /// Only accounts of the machine's own files; this is what is done anyway.
    #[serde(default)]
    local: bool,
}

/// Sets `m` to the mode of a new home folder, as `/etc/login.defs` has it: HOME_MODE, else what UMASK leaves.
const MODE_OF_HOMES: &str = "{ of() { sed -n \"s/^$1[[:space:]]\\{1,\\}\\([0-7]\\{1,\\}\\)\\$/\\1/p\" /etc/login.defs 2>/dev/null | tail -n 1; }; \
    m=$(of HOME_MODE); u=$(of UMASK); [ -n \"$m\" ] || m=$(printf %o $((0777 & ~0${u:-22}))); }";

fn yes() -> bool {
    true
}

fn key_file() -> String {
    ".ssh/id_rsa".into()
}

fn key_type() -> String {
    "rsa".into()
}

/// What `/etc/shadow` holds of an account: password, the days of its change, of a warning, until it is closed, and the last day.
struct Shadow {
    password: String,
    min: Option<i64>,
    max: Option<i64>,
    warn: Option<i64>,
    inactive: Option<i64>,
    expires: Option<i64>,
}

impl Arguments {
    /// What Ansible warns of: a password that seems to be no digest.
    fn warnings(&self) -> Vec<Value> {
        let looks_hashed = |password: &str| {
            let fields: Vec<&str> = password.split('$').collect();
            let [.., last] = fields[..] else { return false };
            let length = match fields.get(1) {
                Some(&"1") => Some(22),
                Some(&"5") => Some(43),
                Some(&"6") => Some(86),
                _ => None,
            };
            fields.len() >= 3
                && !password.contains([':', '*', '!'])
                && last
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "./=".contains(c))
                && length.is_none_or(|length| last.len() == length)
        };
        let mut warnings = vec![];
        if self.append && self.groups.is_none() {
            warnings.push(Value::string(
                "'append' is set, but no 'groups' are specified. Use 'groups' for appending new groups.",
            ));
        }
        match self.password() {
            Some(password) if !["*", "!", "*************"].contains(&password) && !looks_hashed(password) => {
                warnings.push(Value::string(
                    "The input password appears not to have been hashed. The 'password' argument must be encrypted for this module to work properly.",
                ));
            }
            _ => {}
        }
        warnings
    }

    fn password(&self) -> Option<&str> {
        self.password.as_ref().and_then(Value::as_str)
    }

    fn shadow(&self, view: &View<'_>) -> Result<Shadow, Stop> {
        let name = quote(&self.name);
        let script = format!("getent shadow {name} || grep \"^\"{name}: /etc/shadow");
        let text = view.probe(&script, &[Resource::User(self.name.clone())])?.text();
        let fields: Vec<&str> = text.trim().split(':').collect();
        let day = |at: usize| fields.get(at).and_then(|day| day.parse().ok());
        Ok(Shadow {
            password: fields.get(1).copied().unwrap_or_default().into(),
            min: day(3),
            max: day(4),
            warn: day(5),
            inactive: day(6),
            expires: day(7),
        })
    }

    /// The options that `useradd` and `usermod` share.
    fn options(&self, changed: impl Fn(&str) -> bool) -> Vec<String> {
        let mut words = vec![];
        if let Some(uid) = self.uid.filter(|_| changed("uid")) {
            words.push(format!("-u {uid}{}", if self.non_unique { " -o" } else { "" }));
        }
        let texts = [
            ("comment", "-c", &self.comment),
            ("home", "-d", &self.home),
            ("shell", "-s", &self.shell),
            ("group", "-g", &self.group),
        ];
        for (name, flag, text) in texts {
            if let Some(text) = text.as_deref().filter(|_| changed(name)) {
                words.push(format!("{flag} {}", quote(text)));
            }
        }
        if let Some(expires) = self.expires.filter(|_| changed("expires")) {
            let day = if expires < 0.0 {
                "''".to_string()
            } else {
                ((expires / 86_400.0) as i64).to_string()
            };
            words.push(format!("-e {day}"));
        }
        if let Some(days) = self
            .password_expire_account_disable
            .filter(|_| changed("inactive"))
        {
            words.push(format!("-f {days}"));
        }
        words
    }

    /// The command that sets the days of the password, for those that are not `now`; nothing if all are.
    fn password_days(&self, now: Option<&Shadow>) -> Option<String> {
        let days = [
            ("-m", self.password_expire_min, now.and_then(|now| now.min)),
            ("-M", self.password_expire_max, now.and_then(|now| now.max)),
            ("-W", self.password_expire_warn, now.and_then(|now| now.warn)),
        ];
        let options = days
            .iter()
            .filter(|(_, wanted, now)| wanted.is_some() && wanted != now);
        let options: String = options
            .map(|(flag, days, _)| format!(" {flag} {}", days.unwrap_or_default()))
            .collect();
        (!options.is_empty()).then(|| format!("chage{options} {}", quote(&self.name)))
    }

    /// Refuses what cannot be had together.
    fn check(&self) -> Result<(), Stop> {
        let given = [
            ("uid_min", self.uid_min.is_some()),
            ("uid_max", self.uid_max.is_some()),
            ("umask", self.umask.is_some()),
        ];
        match given.iter().find(|(_, given)| *given && self.local) {
            Some((name, _)) => Err(Stop::failed(format!("'{name}' can not be used with 'local'"))),
            None => Ok(()),
        }
    }

    /// Sets the password by its digest, which nobody else is to see among the arguments of a program.
    fn set_password(&self) -> Option<String> {
        let line = format!("{}:{}", self.name, self.password()?);
        Some(format!("printf '%s\\n' {} | chpasswd -e", quote(&line)))
    }

    fn create(&self, view: &View<'_>) -> Result<String, Stop> {
        let mut words = vec!["useradd".to_string()];
        words.extend(self.options(|_| true));
        // A group of its own name that is there already is taken.
        if self.group.is_none() && view.group(&self.name)?.is_some() {
            words.push("-N".into());
        }
        if let Some(groups) = self.groups.as_ref().filter(|groups| !groups.is_empty()) {
            words.push(format!("-G {}", quote(&groups.join(","))));
        }
        match (&self.skeleton, self.create_home) {
            (Some(skeleton), true) => words.push(format!("-m -k {}", quote(skeleton))),
            (None, true) => words.push("-m".into()),
            (_, false) => words.push("-M".into()),
        }
        if self.system {
            words.push("-r".into());
        }
        if let Some(umask) = &self.umask {
            words.push(format!("-K {}", quote(&format!("UMASK={umask}"))));
        }
        for (name, number) in [("UID_MIN", self.uid_min), ("UID_MAX", self.uid_max)] {
            words.extend(number.map(|number| format!("-K {name}={number}")));
        }
        words.push(quote(&self.name));
        let mut script = words.join(" ");
        if let Some(set) = self.set_password() {
            script.push_str(&format!(" && {set}"));
        }
        if let Some(set) = self.password_days(None) {
            script.push_str(&format!(" && {set}"));
        }
        if self.password_lock == Some(true) {
            script.push_str(&format!(" && usermod -L {}", quote(&self.name)));
        }
        Ok(script)
    }

    fn modify(&self, here: &Account, view: &View<'_>) -> Result<String, Stop> {
        let differs =
            |wanted: &Option<String>, now: &str| wanted.as_deref().is_some_and(|wanted| wanted != now);
        let group = match &self.group {
            None => false,
            Some(name) => {
                let gid = match name.parse() {
                    Ok(gid) => gid,
                    Err(_) => match view.group(name)? {
                        Some(group) => group.gid,
                        None => return Err(Stop::failed(format!("Group {name} does not exist"))),
                    },
                };
                gid != here.gid
            }
        };
        let mut changed: Vec<&str> = vec![];
        for (name, is) in [
            ("uid", self.uid.is_some_and(|uid| uid != here.uid)),
            ("comment", differs(&self.comment, &here.comment)),
            ("home", differs(&self.home, &here.home)),
            ("shell", differs(&self.shell, &here.shell)),
            ("group", group),
        ] {
            if is {
                changed.push(name);
            }
        }
        let mut words = vec![];
        let secret = self.password().is_some() && self.update_password == UpdatePassword::Always;
        let mut days = None;
        let inactive = self.password_expire_account_disable;
        if secret
            || self.password_lock.is_some()
            || self.expires.is_some()
            || inactive.is_some()
            || self.password_days(None).is_some()
        {
            let shadow = self.shadow(view)?;
            days = self.password_days(Some(&shadow));
            if inactive.is_some() && inactive != shadow.inactive {
                changed.push("inactive");
            }
            let bare = shadow.password.trim_start_matches('!');
            if secret
                && self
                    .password()
                    .is_some_and(|password| password.trim_start_matches('!') != bare)
            {
                changed.push("password");
            }
            match self.password_lock {
                Some(true) if !shadow.password.starts_with('!') => words.push("-L".to_string()),
                Some(false) if shadow.password.starts_with('!') => words.push("-U".to_string()),
                _ => {}
            }
            let wanted = self
                .expires
                .map(|time| (time >= 0.0).then_some((time / 86_400.0) as i64));
            if wanted.is_some_and(|wanted| wanted != shadow.expires) {
                changed.push("expires");
            }
        }
        words.extend(self.options(|name| changed.contains(&name)));
        if changed.contains(&"home") && self.move_home {
            words.push("-m".into());
        }
        if let Some(groups) = &self.groups {
            words.extend(self.other_groups(&by_name(groups, here, view)?, here));
        }
        let mut commands = self.finish(here, view)?;
        if changed.contains(&"password") {
            commands.extend(self.set_password());
        }
        if !words.is_empty() {
            commands.push(format!("usermod {} {}", words.join(" "), quote(&self.name)));
        }
        commands.extend(days);
        commands.extend(self.missing_home(here, view)?);
        Ok(commands.join(" && "))
    }

    /// What a killed `useradd` or `usermod` has left undone.
    fn finish(&self, here: &Account, view: &View<'_>) -> Result<Vec<String>, Stop> {
        let mut commands = vec![];
        if here.unfinished.contains(&Unfinished::Shadow) {
            commands.push("pwconv".to_string());
        }
        let group = view.group(&self.name)?;
        if here.unfinished.contains(&Unfinished::PrimaryGroup) && group.is_none() {
            commands.push(format!("groupadd -g {} {}", here.gid, quote(&self.name)));
        }
        let memberships = self.groups.is_some() && here.unfinished.contains(&Unfinished::Memberships);
        if memberships || group.is_some_and(|group| !group.unfinished.is_empty()) {
            commands.push("grpconv".to_string());
        }
        Ok(commands)
    }

    /// Makes the home folder of an account that has none, as Ansible does.
    fn missing_home(&self, here: &Account, view: &View<'_>) -> Result<Option<String>, Stop> {
        let home = self.home.as_deref().unwrap_or(&here.home);
        if !self.create_home || home.is_empty() || view.stat(home, true)?.is_some() {
            return Ok(None);
        }
        let (home, name) = (quote(home), quote(&self.name));
        let skeleton = quote(self.skeleton.as_deref().unwrap_or("/etc/skel"));
        Ok(Some(format!(
            "{{ [ -d {skeleton} ] && mkdir -p -- \"$(dirname -- {home})\" && cp -R -P -- {skeleton} {home} || mkdir -p -- {home}; }} && {MODE_OF_HOMES} && \
             chmod \"$m\" {home} && chown -R -h {name}: {home}"
        )))
    }

    fn other_groups(&self, wanted: &[String], here: &Account) -> Option<String> {
        let now = here.groups.get(1..).unwrap_or_default();
        let primary = here.groups.first();
        let missing = wanted
            .iter()
            .any(|group| !now.contains(group) && Some(group) != primary);
        let extra = !self.append && now.iter().any(|group| !wanted.contains(group));
        let flag = if self.append { "-a -G" } else { "-G" };
        (missing || extra).then(|| format!("{flag} {}", quote(&wanted.join(","))))
    }
}

/// Groups by their names; a number is the group that the account is in by that number, whatever its name.
fn by_name(wanted: &[String], here: &Account, view: &View<'_>) -> Result<Vec<String>, Stop> {
    let named = |group: &String| {
        let Ok(number) = group.parse::<u32>() else {
            return Ok(group.clone());
        };
        for known in &here.groups {
            if view.group(known)?.is_some_and(|found| found.gid == number) {
                return Ok(known.clone());
            }
        }
        Ok(group.clone())
    };
    wanted.iter().map(named).collect()
}

impl Module for User {
    const NAMES: &'static [&'static str] = &["ansible.builtin.user", "user"];
    type Arguments = Arguments;
    const PATHS: &'static [&'static str] = &["home", "shell", "ssh_key_file"];
    const IGNORED: &'static [&'static str] = &["seuser", "hidden", "login_class", "profile", "role"];
    const RETURNS: &'static [Returns] = outcome::RETURNS;

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        arguments.check()?;
        let name = arguments.name.as_str();
        if let Some(performed) = view.performed().first() {
            if performed.unknown {
                let outcome = arguments.describe(None, Some(view.unknown())).changed(true);
                let outcome = arguments.of_old(arguments.of_new(outcome));
                return Ok(Step::done(arguments.with_key(outcome, None, view)?));
            }
            let account = view.account(name)?;
            let outcome = arguments.describe(account.as_ref(), None).changed(true);
            let outcome = arguments.after_commands(outcome, &performed.output);
            return Ok(Step::done(arguments.with_key(outcome, account.as_ref(), view)?));
        }
        if let Some(Value::Unknown(unknown)) = &arguments.password {
            return Err(Stop::Undecided(unknown.clone()));
        }
        for group in arguments.group.iter().chain([&arguments.name]) {
            view.note(Question::Group { name: group.clone() });
        }
        let here = view.account(name)?;
        let quoted = quote(name);
        let mut commands = vec![match (&here, arguments.state) {
            (None, State::Absent) => String::new(),
            (Some(_), State::Absent) => {
                let force = if arguments.force { " -f" } else { "" };
                let remove = if arguments.remove { " -r" } else { "" };
                format!("userdel{force}{remove} {quoted}")
            }
            (None, State::Present) => arguments.create(view)?,
            (Some(account), State::Present) => arguments.modify(account, view)?,
        }];
        if arguments.state == State::Present {
            commands.push(arguments.key(here.as_ref(), view)?);
        }
        commands.retain(|command| !command.is_empty());
        if commands.is_empty() {
            let outcome = arguments.describe(here.as_ref(), None);
            let outcome = match here {
                Some(_) => arguments.of_old(outcome),
                None => outcome,
            };
            return Ok(Step::done(arguments.with_key(outcome, here.as_ref(), view)?));
        }
        let script = commands.join(" && ");
        let secrets = arguments
            .password()
            .into_iter()
            .chain(arguments.ssh_key_passphrase.as_deref());
        let explain = secrets.fold(script.clone(), |text, secret| match secret {
            "" => text,
            secret => text.replace(secret, "PASSWORD"),
        });
        let after = arguments.after(here.as_ref());
        let mut effects = vec![
            Effect::Forgets(Resource::User(name.into())),
            Effect::Answers(Question::User { name: name.into() }, Answer::User(after.clone())),
        ];
        // useradd and userdel may make and remove the group of the same name.
        if here.is_none() || after.is_none() {
            effects.push(Effect::Forgets(Resource::Group(name.into())));
        }
        if let (Some(account), true, None) = (&after, arguments.create_home, &here)
            && !account.home.is_empty()
        {
            effects.push(Effect::Forgets(Resource::Path(account.home.clone())));
        }
        let script = match &here {
            Some(_) => script,
            // The result tells whether the account is new, which is known no more when it is made.
            None => format!("echo {} && {script}", outcome::NEW),
        };
        Ok(Step::Act(vec![Action::Script {
            script,
            explain,
            effects,
        }]))
    }
}
