//! What the configuration says of reaching hosts.

use super::setting_reader::SettingReader;
use crate::connection::Secret;
use std::path::PathBuf;
use std::time::Duration;

/// How hosts are reached that say nothing of it themselves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reaching {
    /// The connection plugin, if it is not the usual one.
    pub transport: Option<String>,
    /// The port.
    pub port: Option<u16>,
    /// The account to log in to.
    pub remote_user: Option<String>,
    /// The private key to log in with.
    pub private_key_file: Option<PathBuf>,
    /// What opens that key.
    pub passphrase: Option<Secret>,
    /// Whether host keys are checked.
    pub host_key_checking: Option<bool>,
    /// How long a connection may take to come up.
    pub timeout: Option<Duration>,
    /// Options for `ssh`: `ssh_args`, `ssh_common_args`, `ssh_extra_args`.
    pub arguments: [Option<String>; 3],
}

/// The plugin whose settings they are.
const SSH: &str = "connection ssh";

impl Reaching {
    pub(super) fn read(reader: &mut SettingReader) -> Reaching {
        let transport = reader.text("DEFAULT_TRANSPORT");
        let timeout = reader.number_of(SSH, "timeout");
        Reaching {
            transport: transport
                .filter(|name| !["ssh", "smart", "ansible.builtin.ssh"].contains(&name.as_str())),
            port: port(reader),
            remote_user: reader.text("DEFAULT_REMOTE_USER"),
            private_key_file: reader.path("DEFAULT_PRIVATE_KEY_FILE"),
            passphrase: reader
                .text_of(SSH, "private_key_passphrase")
                .map(|text| Secret::new(&text)),
            host_key_checking: reader.flag_of(SSH, "host_key_checking"),
            timeout: timeout.map(Duration::from_secs),
            arguments: ["ssh_args", "ssh_common_args", "ssh_extra_args"]
                .map(|name| reader.text_of(SSH, name)),
        }
    }
}

fn port(reader: &mut SettingReader) -> Option<u16> {
    let number = reader.number("DEFAULT_REMOTE_PORT")?;
    let port = u16::try_from(number).ok().filter(|port| *port > 0);
    if port.is_none()
        && let Some(setting) = reader.setting("DEFAULT_REMOTE_PORT")
    {
        reader
            .errors
            .push(setting.wrong("a port, a number from 1 to 65535"));
    }
    port
}
