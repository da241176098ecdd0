//! From the settings of ssh, out of arguments and configuration files, to the [`Target`] of a host and of its jump hosts.

use super::Environment;
use crate::connection::algorithms::Algorithms;
use crate::connection::percent::Tokens;
use crate::connection::ssh_config::{self, SshConfig, Subject};
use crate::connection::target::{Checking, Target};
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How many jump hosts may follow from each other's configuration.
pub(super) const DEEPEST: usize = 8;

/// What stands around the settings of a host.
pub(super) struct Resolver<'a> {
    /// This computer.
    pub(super) environment: &'a Environment,
    /// The configuration in place of the usual ones (`-F`).
    pub(super) config: Option<PathBuf>,
}

impl Resolver<'_> {
    /// The target of a host, and those of the jump hosts before it. Settings that are there already come first.
    ///
    /// # Errors
    /// A setting that is none, jump hosts that lead to themselves.
    pub(super) fn resolve(&self, host: &str, mut settings: SshConfig, depth: usize) -> Result<Target> {
        self.read_files(host, &mut settings)?;
        let Environment {
            home,
            user: local,
            agent,
            ..
        } = self.environment;
        let user = settings.first("user").unwrap_or(local).to_string();
        let address = settings
            .first("hostname")
            .map_or(host.to_string(), |name| name.replace("%h", host));
        let port = match settings.first("port") {
            Some(text) => number(text, "Port")?,
            None => 22,
        };
        let mut target = Target::ssh(host, &address, port, &user);
        let tokens = Tokens {
            host: &address,
            original: host,
            port,
            user: &user,
            local,
            home,
        };
        target.agent = match settings.first("identityagent") {
            Some("none") => None,
            Some("SSH_AUTH_SOCK") | None => agent.clone(),
            Some(path) => Some(tokens.path(path)),
        };
        target.identities_only = settings.first("identitiesonly").is_some_and(is_yes);
        target.keys = self.keys(&settings, &tokens);
        let allowed = |names: &[&str], method: &str| allowed(&settings, names, method);
        target.password_authentication = allowed(&["passwordauthentication"], "password");
        let questions = ["kbdinteractiveauthentication", "challengeresponseauthentication"];
        target.keyboard_interactive = allowed(&questions, "keyboard-interactive");
        if !allowed(&["pubkeyauthentication"], "publickey") {
            target.keys.clear();
            target.agent = None;
        }
        target.known_hosts = self.known_hosts(&settings, &tokens);
        target.revoked_host_keys = settings
            .first("revokedhostkeys")
            .filter(|path| *path != "none")
            .map(|path| tokens.path(path));
        target.host_key_alias = settings.first("hostkeyalias").map(str::to_string);
        target.host_key_checking = checking(settings.first("stricthostkeychecking").unwrap_or("ask"))?;
        let algorithms = |name| settings.first(name).map(Algorithms::of);
        target.host_key_algorithms = algorithms("hostkeyalgorithms").unwrap_or_default();
        target.pubkey_algorithms = algorithms("pubkeyacceptedalgorithms")
            .or_else(|| algorithms("pubkeyacceptedkeytypes"))
            .unwrap_or_default();
        if let Some(seconds) = settings.first("connecttimeout").filter(|value| *value != "none") {
            target.connect_timeout = Duration::from_secs(number(seconds, "ConnectTimeout")?);
        }
        if let Some(seconds) = settings.first("serveraliveinterval") {
            target.keepalive_interval = Duration::from_secs(number(seconds, "ServerAliveInterval")?);
        }
        if let Some(count) = settings.first("serveralivecountmax") {
            target.keepalive_count = number(count, "ServerAliveCountMax")?;
        }
        self.proxy(&settings, &tokens, depth, &mut target)?;
        Ok(target)
    }

    fn read_files(&self, host: &str, settings: &mut SshConfig) -> Result<()> {
        let Environment {
            home,
            user,
            system_config,
            texts,
            ..
        } = self.environment;
        let given = settings.first("user").map(str::to_string);
        let subject = Subject {
            host,
            user: given.as_deref(),
            local_user: user,
            home,
        };
        let files = match &self.config {
            Some(file) if file == Path::new("none") => vec![],
            Some(file) => vec![file.clone()],
            None => vec![home.join(".ssh/config"), system_config.clone()],
        };
        for file in files {
            settings.extend(ssh_config::read(&file, subject, texts)?);
        }
        Ok(())
    }

    /// The keys that are named, else the usual ones that exist.
    fn keys(&self, settings: &SshConfig, tokens: &Tokens<'_>) -> Vec<PathBuf> {
        let mut keys: Vec<PathBuf> = vec![];
        for named in settings.all("identityfile").filter(|path| *path != "none") {
            let path = tokens.path(named);
            if !keys.contains(&path) {
                keys.push(path);
            }
        }
        if settings.first("identityfile").is_none() {
            let usual = ["id_ed25519", "id_ecdsa", "id_rsa"].map(|name| tokens.home.join(".ssh").join(name));
            keys = usual.into_iter().filter(|path| path.exists()).collect();
        }
        keys
    }

    fn known_hosts(&self, settings: &SshConfig, tokens: &Tokens<'_>) -> Vec<PathBuf> {
        let files = |name: &str, usual: &str| -> Vec<PathBuf> {
            let value = settings.first(name).unwrap_or(usual);
            value
                .split_whitespace()
                .filter(|path| *path != "none")
                .map(|path| tokens.path(path))
                .collect()
        };
        let mut all = files("userknownhostsfile", "~/.ssh/known_hosts ~/.ssh/known_hosts2");
        all.extend(files(
            "globalknownhostsfile",
            "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2",
        ));
        all
    }

    fn proxy(
        &self,
        settings: &SshConfig,
        tokens: &Tokens<'_>,
        depth: usize,
        target: &mut Target,
    ) -> Result<()> {
        // As with ssh, whichever of the two comes first counts; a command beside a jump is rare enough.
        let jump = settings
            .first("proxyjump")
            .filter(|value| !value.eq_ignore_ascii_case("none"));
        let command = settings
            .first("proxycommand")
            .filter(|value| !value.eq_ignore_ascii_case("none"));
        match (jump, command) {
            (Some(_), _) if depth == 0 => Err(Error::new(format!(
                "the jump hosts of `{}` lead through each other without end",
                target.name
            ))
            .help("look at ProxyJump in ~/.ssh/config")),
            (Some(list), _) => {
                for hop in list.split(',') {
                    let (host, settings) = hop_settings(hop.trim())?;
                    let mut through = self.resolve(&host, settings, depth - 1)?;
                    target.jump.append(&mut through.jump);
                    target.jump.push(through);
                }
                Ok(())
            }
            (None, command) => {
                if command.is_some() && !is_host_name(tokens.original) {
                    return Err(refused("host", tokens.original));
                }
                if command.is_some() && !is_user_name(tokens.user) {
                    return Err(refused("user", tokens.user));
                }
                target.proxy_command = command.map(|command| tokens.replace(command));
                Ok(())
            }
        }
    }
}

/// True for a name that OpenSSH takes for a host: a ProxyCommand hands it to a shell (CVE-2023-51385). What the user's
/// own configuration makes of it is not looked at.
fn is_host_name(name: &str) -> bool {
    let acts = |c: char| c.is_whitespace() || c.is_control() || "'`\"$\\;&<>|(){}".contains(c);
    !name.starts_with('-') && !name.contains(acts)
}

/// True for a name that OpenSSH takes for a user.
fn is_user_name(name: &str) -> bool {
    let acts = |c: char| c.is_control() || "'`\";&<>|(){}".contains(c);
    !name.starts_with('-') && !name.contains(acts) && !name.contains(" -") && !name.ends_with('\\')
}

fn refused(what: &str, name: &str) -> Error {
    Error::new(format!(
        "`{name}` is no name of a {what}: it holds what a shell would act on"
    ))
    .help("OpenSSH refuses it too, since a ProxyCommand hands it to a shell")
}

/// `[user@]host[:port]` or `ssh://[user@]host[:port]`.
fn hop_settings(hop: &str) -> Result<(String, SshConfig)> {
    let mut settings = SshConfig::default();
    let rest = hop.strip_prefix("ssh://").unwrap_or(hop);
    let rest = match rest.rsplit_once('@') {
        Some((user, rest)) => {
            settings.push("user", user);
            rest
        }
        None => rest,
    };
    let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => match rest.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (rest, None),
        },
    };
    if let Some(port) = port {
        number::<u16>(port, "ProxyJump")?;
        settings.push("port", port);
    }
    Ok((host.to_string(), settings))
}

fn checking(value: &str) -> Result<Checking> {
    match value.to_lowercase().as_str() {
        "yes" | "ask" | "true" => Ok(Checking::Strict),
        "accept-new" => Ok(Checking::AcceptNew),
        "no" | "off" | "false" => Ok(Checking::Off),
        _ => Err(Error::new(format!("StrictHostKeyChecking cannot be `{value}`"))
            .help("it is yes, accept-new or no")),
    }
}

/// True unless one of the settings switches the method of logging in off, or `PreferredAuthentications` leaves it out.
fn allowed(settings: &SshConfig, names: &[&str], method: &str) -> bool {
    let off = |value: &str| value.eq_ignore_ascii_case("no") || value.eq_ignore_ascii_case("false");
    let preferred = settings.first("preferredauthentications");
    !names
        .iter()
        .find_map(|name| settings.first(name))
        .is_some_and(off)
        && preferred.is_none_or(|list| list.split(',').any(|one| one.trim() == method))
}

fn is_yes(value: &str) -> bool {
    value.eq_ignore_ascii_case("yes") || value.eq_ignore_ascii_case("true")
}

fn number<N: std::str::FromStr>(text: &str, name: &str) -> Result<N> {
    text.parse()
        .map_err(|_| Error::new(format!("{name} cannot be `{text}`")).help("write a number"))
}
