//! Where a host is and how to log in: everything a connection needs to know, already decided.

use super::algorithms::Algorithms;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A text that is never shown: a password or passphrase.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Takes a text into keeping.
    pub fn new(text: &str) -> Secret {
        Secret(text.into())
    }

    /// The text itself; only for handing it to what asks for it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(…)")
    }
}

/// How a host is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// This computer, through a child process.
    Local,
    /// Another computer, over SSH.
    Ssh,
}

/// What to do about a host key that no known_hosts file holds; a changed or revoked key is refused unless `Off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checking {
    /// Refuse it.
    Strict,
    /// Write it down and go on.
    AcceptNew,
    /// Go on; a host whose key has changed or is revoked is offered keys only, no password.
    Off,
}

/// One host on the way to the target (`ProxyJump`).
pub type Jump = Target;

/// A host and the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The name in the inventory; used in messages.
    pub name: String,
    /// How it is reached.
    pub kind: Kind,
    /// Host name or IP address.
    pub address: String,
    /// TCP port.
    pub port: u16,
    /// The account to log in to.
    pub user: String,
    /// Private key files in the order in which they are offered.
    pub keys: Vec<PathBuf>,
    /// Offer only `keys`, nothing else out of the agent.
    pub identities_only: bool,
    /// The socket of the SSH agent.
    pub agent: Option<PathBuf>,
    /// The password for logging in.
    pub password: Option<Secret>,
    /// The password may be given as such (`PasswordAuthentication`).
    pub password_authentication: bool,
    /// The password may answer questions (`KbdInteractiveAuthentication`).
    pub keyboard_interactive: bool,
    /// The passphrase of the key files.
    pub passphrase: Option<Secret>,
    /// known_hosts files; the first takes new keys.
    pub known_hosts: Vec<PathBuf>,
    /// Keys that are refused whatever `host_key_checking` says (`RevokedHostKeys`).
    pub revoked_host_keys: Option<PathBuf>,
    /// The name under which the host key is looked up, if it is not the address.
    pub host_key_alias: Option<String>,
    /// What to do about unknown host keys.
    pub host_key_checking: Checking,
    /// The algorithms a host may prove itself by (`HostKeyAlgorithms`).
    pub host_key_algorithms: Algorithms,
    /// The algorithms to log in by (`PubkeyAcceptedAlgorithms`).
    pub pubkey_algorithms: Algorithms,
    /// Hosts to go through, in order.
    pub jump: Vec<Jump>,
    /// A command whose standard input and output are the connection (`ProxyCommand`), ready for `sh -c`.
    pub proxy_command: Option<String>,
    /// How long connecting and logging in may take.
    pub connect_timeout: Duration,
    /// The time of silence after which the host is asked for a sign of life.
    pub keepalive_interval: Duration,
    /// The number of unanswered questions after which the connection counts as lost.
    pub keepalive_count: usize,
}

impl Target {
    /// This computer.
    pub fn local(name: &str) -> Target {
        Target {
            kind: Kind::Local,
            ..Target::ssh(name, "localhost", 22, "")
        }
    }

    /// A computer reached over SSH, with the agent of this process and no keys of its own.
    pub fn ssh(name: &str, address: &str, port: u16, user: &str) -> Target {
        Target {
            name: name.to_string(),
            kind: Kind::Ssh,
            address: address.to_string(),
            port,
            user: user.to_string(),
            keys: vec![],
            identities_only: false,
            agent: std::env::var_os("SSH_AUTH_SOCK")
                .filter(|path| !path.is_empty())
                .map(PathBuf::from),
            password: None,
            password_authentication: true,
            keyboard_interactive: true,
            passphrase: None,
            known_hosts: vec![],
            revoked_host_keys: None,
            host_key_alias: None,
            host_key_checking: Checking::Strict,
            host_key_algorithms: Algorithms::default(),
            pubkey_algorithms: Algorithms::default(),
            jump: vec![],
            proxy_command: None,
            connect_timeout: Duration::from_secs(10),
            keepalive_interval: Duration::from_secs(15),
            keepalive_count: 4,
        }
    }

    /// `address:port`, with brackets around an IPv6 address.
    pub fn endpoint(&self) -> String {
        if self.address.contains(':') {
            format!("[{}]:{}", self.address, self.port)
        } else {
            format!("{}:{}", self.address, self.port)
        }
    }
}

/// The program that changes the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// `sudo`.
    Sudo,
    /// `su`.
    Su,
    /// `doas`.
    Doas,
}

impl Method {
    /// The name of the program, which is also Ansible's name of the method.
    pub fn name(self) -> &'static str {
        match self {
            Method::Sudo => "sudo",
            Method::Su => "su",
            Method::Doas => "doas",
        }
    }
}

/// Becoming another user on the host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Become {
    /// With which program.
    pub method: Method,
    /// Which user.
    pub user: String,
    /// The password the program asks for.
    pub password: Option<Secret>,
    /// Options instead of the usual ones (`-H` for sudo), as shell text.
    pub flags: Option<String>,
    /// The path of the program, if it is not to be looked up.
    pub exe: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown_by_debug() {
        let target = Target {
            password: Some(Secret::new("hunter2")),
            ..Target::ssh("a", "::1", 22, "root")
        };
        assert!(!format!("{target:?}").contains("hunter2"));
        assert_eq!(target.endpoint(), "[::1]:22");
    }
}
