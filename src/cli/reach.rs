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
    /// `-c`.
    pub connection: Option<String>,
    /// `-u`, else `remote_user`.
    pub user: Option<String>,
    /// `--private-key`, else `private_key_file`.
    pub private_key_file: Option<PathBuf>,
    /// `-k`.
    pub password: Option<Secret>,
    /// `host_key_checking`.
    pub host_key_checking: Option<bool>,
    /// `timeout`.
    pub timeout: Option<Duration>,
}

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
    fn target(&self, name: &str, variables: &Map) -> Result<Target> {
        let text = |names: &[&str]| {
            let found = names
                .iter()
                .find_map(|name| variables.get(*name))
                .filter(|value| !value.is_null());
            found.map(|value| value.as_str().map_or_else(|| value::repr(value), str::to_string))
        };
        let local = matches!(name, "localhost" | "127.0.0.1" | "::1");
        let connection = text(&["ansible_connection"]).or_else(|| self.defaults.connection.clone());
        let connection =
            connection.or_else(|| (local && !variables.contains_key("ansible_host")).then(|| "local".into()));
        let port = match variables
            .get("ansible_port")
            .or(variables.get("ansible_ssh_port"))
        {
            None | Some(Value::Null) => None,
            Some(value) => {
                let number = value::to_integer(value).and_then(|number| u16::try_from(number).ok());
                Some(number.ok_or_else(|| {
                    Error::new(format!(
                        "ansible_port of {name} is no port: {}",
                        value::repr(value)
                    ))
                })?)
            }
        };
        let arguments = [
            "ansible_ssh_args",
            "ansible_ssh_common_args",
            "ansible_ssh_extra_args",
        ];
        let arguments: Vec<String> = arguments.iter().filter_map(|name| text(&[name])).collect();
        let checking = ["ansible_host_key_checking", "ansible_ssh_host_key_checking"];
        let checking = checking
            .iter()
            .find_map(|name| variables.get(*name))
            .and_then(value::to_bool);
        let options = Options {
            name: name.to_string(),
            connection,
            host: text(&["ansible_host", "ansible_ssh_host"]),
            port,
            user: text(&["ansible_user", "ansible_ssh_user"]).or_else(|| self.defaults.user.clone()),
            private_key_file: text(&["ansible_ssh_private_key_file", "ansible_private_key_file"])
                .map(|path| expand(&path))
                .or_else(|| self.defaults.private_key_file.clone()),
            passphrase: text(&["ansible_ssh_private_key_passphrase"]).map(|text| Secret::new(&text)),
            password: text(&["ansible_password", "ansible_ssh_pass", "ansible_ssh_password"])
                .map(|text| Secret::new(&text))
                .or_else(|| self.defaults.password.clone()),
            arguments: arguments.join(" "),
            host_key_checking: checking.or(self.defaults.host_key_checking),
            timeout: self.defaults.timeout,
        };
        target(&options, &self.environment).map_err(|error| error.cause(format!("host {name}")))
    }
}

fn expand(path: &str) -> PathBuf {
    match path.strip_prefix("~/") {
        Some(below) => std::env::home_dir().unwrap_or_default().join(below),
        None => PathBuf::from(path),
    }
}
