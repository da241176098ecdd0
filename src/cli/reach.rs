//! How hosts are reached: connection variables, `ansible.cfg` and the command line become a target.

use crate::connection::configuration::{Environment, Options, target};
use crate::connection::{Secret, Target};
use crate::engine::Reach;
use crate::error::{Error, Result};
use crate::value::{self, Map, Value};
use std::path::PathBuf;
use std::time::Duration;

/// What the command line and `ansible.cfg` say of connections.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// `-c`, else `transport`.
    pub connection: Option<String>,
    /// `-u`, else `remote_user`.
    pub user: Option<String>,
    /// `remote_port`.
    pub port: Option<u16>,
    /// `--private-key`, else `private_key_file`.
    pub private_key_file: Option<PathBuf>,
    /// What opens that key.
    pub passphrase: Option<Secret>,
    /// `-k`.
    pub password: Option<Secret>,
    /// `host_key_checking`.
    pub host_key_checking: Option<bool>,
    /// `-T`, else `timeout`.
    pub timeout: Option<Duration>,
    /// `ssh_args`, `--ssh-common-args` and `--ssh-extra-args`: for hosts that say none of their own.
    pub arguments: [Option<String>; 3],
}

const HOST: &[&str] = &["ansible_host", "ansible_ssh_host"];
const PORT: &[&str] = &["ansible_port", "ansible_ssh_port"];
const USER: &[&str] = &["ansible_user", "ansible_ssh_user"];
const CONNECTION: &[&str] = &["ansible_connection"];
const PASSWORD: &[&str] = &["ansible_password", "ansible_ssh_pass", "ansible_ssh_password"];
const PRIVATE_KEY_FILE: &[&str] = &["ansible_ssh_private_key_file", "ansible_private_key_file"];
const PASSPHRASE: &[&str] = &[
    "ansible_ssh_private_key_passphrase",
    "ansible_private_key_passphrase",
];
const ARGUMENTS: &[&str] = &[
    "ansible_ssh_args",
    "ansible_ssh_common_args",
    "ansible_ssh_extra_args",
];
const HOST_KEY_CHECKING: &[&str] = &["ansible_host_key_checking", "ansible_ssh_host_key_checking"];
const TIMEOUT: &[&str] = &["ansible_ssh_timeout", "ansible_timeout"];

/// The ways to all hosts.
pub struct Ways {
    defaults: Defaults,
    environment: Environment,
}

impl Ways {
    /// The ways with these defaults, from this computer as it is now.
    pub fn new(defaults: Defaults) -> Ways {
        Ways {
            defaults,
            environment: Environment::current(),
        }
    }
}

impl Reach for Ways {
    fn variables(&self) -> &'static [&'static [&'static str]] {
        &[
            HOST,
            PORT,
            USER,
            CONNECTION,
            PASSWORD,
            PRIVATE_KEY_FILE,
            PASSPHRASE,
            ARGUMENTS,
            HOST_KEY_CHECKING,
            TIMEOUT,
        ]
    }

    fn target(&self, name: &str, variables: &Map) -> Result<Target> {
        let value = |names: &[&str]| {
            let found = names.iter().find_map(|name| variables.get(*name));
            found.filter(|value| !value.is_null())
        };
        let text = |names: &[&str]| {
            value(names).map(|value| value.as_str().map_or_else(|| value::repr(value), str::to_string))
        };
        let secret = |names: &[&str]| text(names).map(|text| Secret::new(&text));
        let local = matches!(name, "localhost" | "127.0.0.1" | "::1");
        let connection = text(CONNECTION).or_else(|| self.defaults.connection.clone());
        // Tasks know the name of a host as its address where nobody has said another.
        let host = HOST
            .iter()
            .filter_map(|alias| text(&[alias]))
            .find(|host| host != name);
        let connection = connection.or_else(|| (local && host.is_none()).then(|| "local".into()));
        let port = value(PORT).map(|value| port(name, value)).transpose()?;
        let timeout = value(TIMEOUT).map(|value| timeout(name, value)).transpose()?;
        let arguments = ARGUMENTS.iter().zip(&self.defaults.arguments);
        let arguments = arguments.filter_map(|(name, given)| text(&[name]).or_else(|| given.clone()));
        let options = Options {
            name: name.to_string(),
            connection,
            host,
            port: port.or(self.defaults.port),
            user: text(USER).or_else(|| self.defaults.user.clone()),
            private_key_file: text(PRIVATE_KEY_FILE)
                .map(|path| expand(&path))
                .or_else(|| self.defaults.private_key_file.clone()),
            passphrase: secret(PASSPHRASE).or_else(|| self.defaults.passphrase.clone()),
            password: secret(PASSWORD).or_else(|| self.defaults.password.clone()),
            arguments: arguments.collect::<Vec<_>>().join(" "),
            host_key_checking: value(HOST_KEY_CHECKING)
                .and_then(value::to_bool)
                .or(self.defaults.host_key_checking),
            timeout: timeout.or(self.defaults.timeout),
        };
        target(&options, &self.environment).map_err(|error| error.cause(format!("host {name}")))
    }
}

fn port(host: &str, value: &Value) -> Result<u16> {
    let number = value::to_integer(value).and_then(|number| u16::try_from(number).ok());
    number.ok_or_else(|| {
        let text = value::repr(value);
        Error::new(format!("ansible_port of {host} is no port: {text}"))
    })
}

fn timeout(host: &str, value: &Value) -> Result<Duration> {
    let number = value::to_integer(value).and_then(|number| u64::try_from(number).ok());
    number.map(Duration::from_secs).ok_or_else(|| {
        let text = value::repr(value);
        Error::new(format!(
            "ansible_timeout of {host} is no number of seconds: {text}"
        ))
    })
}

fn expand(path: &str) -> PathBuf {
    match path.strip_prefix("~/") {
        Some(below) => std::env::home_dir().unwrap_or_default().join(below),
        None => PathBuf::from(path),
    }
}
