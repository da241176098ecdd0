//! From the variables of a host, the arguments for ssh and OpenSSH's configuration to a [`Target`].

mod resolver;

use super::arguments;
use super::ssh_config::{SshConfig, Texts};
use super::target::{Kind, Secret, Target};
use crate::error::{Error, Result};
use resolver::Resolver;
use std::path::PathBuf;
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
    let mut target = resolver.resolve(&host, settings, resolver::DEEPEST)?;
    target.name.clone_from(&options.name);
    target.password.clone_from(&options.password);
    target.passphrase.clone_from(&options.passphrase);
    Ok(target)
}

fn kind(name: &str) -> Result<Kind> {
    let refused = |of: &str| {
        let error = Error::new(format!(
            "the connection `{name}` is for {of}, which Vent does not manage"
        ));
        Err(error.help("leave this host out with `--limit`, and use Ansible for it"))
    };
    match name.rsplit('.').next().unwrap_or(name) {
        "ssh" | "smart" | "paramiko" | "paramiko_ssh" => Ok(Kind::Ssh),
        "local" => Ok(Kind::Local),
        "winrm" | "psrp" => refused("Windows"),
        "network_cli" | "netconf" | "httpapi" | "napalm" => refused("network devices"),
        _ => Err(Error::new(format!("the connection `{name}` is not known"))
            .help("Vent reaches hosts by `ssh`, and this computer by `local`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::target::Checking;

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
    fn methods_that_are_switched_off_or_not_preferred_are_not_used() {
        let (_folder, environment) = environment(
            "Host web\n  PasswordAuthentication no\n  ChallengeResponseAuthentication no\nHost keyless\n  PubkeyAuthentication no\n",
        );
        let methods = |host: &str, arguments: &str| {
            let options = Options {
                name: host.into(),
                ..options(arguments)
            };
            let target = target(&options, &environment).unwrap();
            let keys = !target.keys.is_empty() && target.agent.is_some();
            (keys, target.password_authentication, target.keyboard_interactive)
        };
        assert_eq!(methods("other", ""), (true, true, true));
        assert_eq!(methods("web", ""), (true, false, false));
        assert_eq!(
            methods("web", "-o PasswordAuthentication=yes"),
            (true, true, false)
        );
        assert_eq!(methods("keyless", ""), (false, true, true));
        let preferred = "-o PreferredAuthentications=gssapi-with-mic,password";
        assert_eq!(methods("other", preferred), (false, true, false));
        assert_eq!(
            methods("other", "-o KbdInteractiveAuthentication=false"),
            (true, true, false)
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
