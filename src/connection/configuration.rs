//! From the variables of a host, the arguments for ssh and OpenSSH's configuration to a [`Target`].

use super::algorithms::Algorithms;
use super::arguments;
use super::percent::Tokens;
use super::ssh_config::{self, SshConfig, Subject, Texts};
use super::target::{Checking, Kind, Secret, Target};
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What the inventory, `ansible.cfg` and the command line say about reaching a host.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `inventory_hostname`.
    pub name: String,
    /// `ansible_connection`: `ssh` (default), `smart`, `paramiko` or `local`.
    pub connection: Option<String>,
    /// `ansible_host`.
    pub host: Option<String>,
    /// `ansible_port`.
    pub port: Option<u16>,
    /// `ansible_user`, else `remote_user`.
    pub user: Option<String>,
    /// `ansible_ssh_private_key_file`, else `private_key_file`.
    pub private_key_file: Option<PathBuf>,
    /// `ansible_ssh_private_key_passphrase`.
    pub passphrase: Option<Secret>,
    /// `ansible_password` or `ansible_ssh_pass`.
    pub password: Option<Secret>,
    /// `ansible_ssh_args`, `ansible_ssh_common_args` and `ansible_ssh_extra_args`, joined by blanks.
    pub arguments: String,
    /// `host_key_checking`; only `false` says something.
    pub host_key_checking: Option<bool>,
    /// `timeout`.
    pub timeout: Option<Duration>,
}

/// This computer, as far as connections depend on it.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The home folder of the user.
    pub home: PathBuf,
    /// The user.
    pub user: String,
    /// The socket of the SSH agent.
    pub agent: Option<PathBuf>,
    /// The configuration for everybody (`/etc/ssh/ssh_config`).
    pub system_config: PathBuf,
    /// What was read of these files.
    pub texts: Arc<Texts>,
}

impl Environment {
    /// The one this process runs in.
    pub fn current() -> Environment {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let root = rustix::process::geteuid().is_root();
        let home =
            variable("HOME").map_or_else(|| PathBuf::from(if root { "/root" } else { "/" }), PathBuf::from);
        let user = ["USER", "LOGNAME"].into_iter().find_map(variable);
        let user = user.map(|name| name.to_string_lossy().into_owned());
        Environment {
            home,
            user: user.unwrap_or_else(|| "root".to_string()),
            agent: variable("SSH_AUTH_SOCK").map(PathBuf::from),
            system_config: PathBuf::from("/etc/ssh/ssh_config"),
            texts: Arc::default(),
        }
    }
}

/// How many jump hosts may follow from each other's configuration.
const DEEPEST: usize = 8;

/// Decides where a host is and how to log in. As with ssh, the first of these that says something counts:
/// variables, arguments, `~/.ssh/config`, `/etc/ssh/ssh_config`, defaults.
///
/// # Errors
/// A connection or an argument that Vent does not know; the caller knows the place.
pub fn target(options: &Options, environment: &Environment) -> Result<Target> {
    let kind = kind(options.connection.as_deref().unwrap_or("ssh"))?;
    if kind == Kind::Local {
        return Ok(Target::local(&options.name));
    }
    let mut settings = SshConfig::default();
    if options.host_key_checking == Some(false) {
        settings.push("stricthostkeychecking", "no");
    }
    if let Some(file) = &options.private_key_file {
        settings.push("identityfile", &file.display().to_string());
    }
    let mut put = |name, value: Option<String>| value.iter().for_each(|value| settings.push(name, value));
    put("port", options.port.map(|port| port.to_string()));
    put("user", options.user.clone());
    let config = arguments::read(&options.arguments, &mut settings)?;
    if let Some(timeout) = options.timeout {
        settings.push("connecttimeout", &timeout.as_secs().max(1).to_string());
    }
    let host = options.host.clone().unwrap_or_else(|| options.name.clone());
    let resolver = Resolver { environment, config };
    let mut target = resolver.resolve(&host, settings, DEEPEST)?;
    target.name.clone_from(&options.name);
    target.password.clone_from(&options.password);
    target.passphrase.clone_from(&options.passphrase);
    Ok(target)
}

fn kind(name: &str) -> Result<Kind> {
    match name.rsplit('.').next().unwrap_or(name) {
        "ssh" | "smart" | "paramiko" | "paramiko_ssh" => Ok(Kind::Ssh),
        "local" => Ok(Kind::Local),
        _ => Err(Error::new(format!("the connection `{name}` is not known"))
            .help("Vent reaches hosts by `ssh`, and this computer by `local`")),
    }
}

struct Resolver<'a> {
    environment: &'a Environment,
    config: Option<PathBuf>,
}

impl Resolver<'_> {
    fn resolve(&self, host: &str, mut settings: SshConfig, depth: usize) -> Result<Target> {
        self.read_files(host, &mut settings);
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
        if settings
            .first("pubkeyauthentication")
            .is_some_and(|value| value.eq_ignore_ascii_case("no"))
        {
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

    fn read_files(&self, host: &str, settings: &mut SshConfig) {
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
            settings.extend(ssh_config::read(&file, subject, texts));
        }
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
                target.proxy_command = command.map(|command| tokens.replace(command));
                Ok(())
            }
        }
    }
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

fn is_yes(value: &str) -> bool {
    value.eq_ignore_ascii_case("yes") || value.eq_ignore_ascii_case("true")
}

fn number<N: std::str::FromStr>(text: &str, name: &str) -> Result<N> {
    text.parse()
        .map_err(|_| Error::new(format!("{name} cannot be `{text}`")).help("write a number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(config: &str) -> (tempfile::TempDir, Environment) {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_path_buf();
        std::fs::create_dir(home.join(".ssh")).unwrap();
        std::fs::write(home.join(".ssh/config"), config).unwrap();
        std::fs::write(home.join(".ssh/id_rsa"), "").unwrap();
        let environment = Environment {
            home,
            user: "me".into(),
            agent: Some("/run/agent".into()),
            system_config: "/nonexistent".into(),
            texts: Arc::default(),
        };
        (folder, environment)
    }

    fn options(arguments: &str) -> Options {
        Options {
            name: "web".into(),
            arguments: arguments.into(),
            ..Options::default()
        }
    }

    #[test]
    fn without_any_word_it_is_what_ssh_would_do() {
        let (_folder, environment) = environment("");
        let target = target(&options(""), &environment).unwrap();
        assert_eq!(
            (target.endpoint().as_str(), target.user.as_str()),
            ("web:22", "me")
        );
        assert_eq!(target.keys, [environment.home.join(".ssh/id_rsa")]);
        assert_eq!(target.known_hosts[0], environment.home.join(".ssh/known_hosts"));
        assert_eq!(target.host_key_checking, Checking::Strict);
        assert_eq!(target.connect_timeout, Duration::from_secs(10));
    }

    #[test]
    fn variables_come_before_arguments_before_the_configuration() {
        let (_folder, environment) = environment(
            "Host web\n  HostName 192.0.2.7\n  User config\n  Port 1\n  IdentityFile ~/.ssh/c\n  ProxyJump you@edge:2222\n\
             Host edge\n  HostName edge.example.org\n  User nobody\n",
        );
        let options = Options {
            port: Some(3),
            private_key_file: Some("~/.ssh/v".into()),
            ..options(
                "-o Port=2 -o User=argument -oIdentitiesOnly=yes -o StrictHostKeyChecking=accept-new -C -o ControlMaster=auto",
            )
        };
        let target = target(&options, &environment).unwrap();
        assert_eq!(
            (target.name.as_str(), target.endpoint().as_str()),
            ("web", "192.0.2.7:3")
        );
        assert_eq!(target.user, "argument");
        assert!(target.identities_only);
        assert_eq!(target.host_key_checking, Checking::AcceptNew);
        assert_eq!(
            target.keys,
            [environment.home.join(".ssh/v"), environment.home.join(".ssh/c")]
        );
        let jump = &target.jump[0];
        assert_eq!(
            (jump.endpoint().as_str(), jump.user.as_str()),
            ("edge.example.org:2222", "you")
        );
    }

    #[test]
    fn the_percent_signs_of_a_proxy_command_are_filled_in() {
        let (_folder, environment) = environment("");
        let options = Options {
            host: Some("192.0.2.9".into()),
            ..options("-o ProxyCommand='nc -x proxy %h %p %%' -p 2200")
        };
        let target = target(&options, &environment).unwrap();
        assert_eq!(
            target.proxy_command.as_deref(),
            Some("nc -x proxy 192.0.2.9 2200 %")
        );
    }

    #[test]
    fn what_is_not_known_is_refused_with_its_cure() {
        let (_folder, environment) = environment("");
        let error = |arguments| {
            let error = target(&options(arguments), &environment).unwrap_err();
            format!("{} / {}", error.message(), error.cure().unwrap_or(""))
        };
        assert_eq!(
            error("-o Usr=me"),
            "the option `-o Usr` for ssh is not supported / did you mean `user`?"
        );
        assert_eq!(
            error("-L 1:2:3"),
            "the argument `-L` for ssh is not supported / Vent speaks SSH itself and knows -o, -i, -p, -l, -J and -F"
        );
        assert_eq!(
            error("-o StrictHostKeyChecking=maybe"),
            "StrictHostKeyChecking cannot be `maybe` / it is yes, accept-new or no"
        );
        let docker = Options {
            connection: Some("docker".into()),
            ..options("")
        };
        assert_eq!(
            target(&docker, &environment).unwrap_err().message(),
            "the connection `docker` is not known"
        );
    }

    #[test]
    fn jump_hosts_that_lead_to_themselves_are_an_error() {
        let (_folder, environment) = environment("Host *\n  ProxyJump edge\n");
        let error = target(&options(""), &environment).unwrap_err();
        assert_eq!(
            error.message(),
            "the jump hosts of `edge` lead through each other without end"
        );
    }
}
