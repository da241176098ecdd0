//! What can go wrong between this computer and a shell on a host, in words for the user.

use std::fmt;

/// The class of a failure; decides whether a host counts as unreachable or as failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// No connection: name, network, port, or no answer in time.
    Unreachable,
    /// The host shows another key than the one written down.
    HostKeyChanged,
    /// The host shows a key nobody wrote down, and unknown keys are refused.
    HostKeyUnknown,
    /// The host shows a key that is marked as revoked.
    HostKeyRevoked,
    /// A key or certificate of ours cannot be read.
    KeyUnreadable,
    /// The host takes none of the keys.
    KeyRefused,
    /// The host does not take the password.
    PasswordRefused,
    /// The host opened no session, or its login shell started no `sh`.
    ShellRefused,
    /// Another run uses the host, and did not end in time.
    Locked,
    /// sudo, su or doas wants a password, or another one.
    BecomePassword,
    /// sudo, su or doas refuses for another reason.
    BecomeRefused,
    /// The connection ended while something ran.
    Lost,
    /// Something on this computer, such as a file that should be sent.
    Here,
}

/// A failure: what happened and why, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its class.
    pub kind: FailureKind,
    /// What happened and why; one sentence, lower case, without a full stop.
    pub message: String,
    /// What to do or to type next.
    pub cure: String,
}

impl Failure {
    /// A failure with its texts.
    pub fn new(kind: FailureKind, message: impl Into<String>, cure: impl Into<String>) -> Failure {
        Failure {
            kind,
            message: message.into(),
            cure: cure.into(),
        }
    }

    /// True if Ansible would call the host unreachable rather than the task failed.
    pub fn is_unreachable(&self) -> bool {
        use FailureKind::{BecomePassword, BecomeRefused, Here};
        !matches!(self.kind, BecomePassword | BecomeRefused | Here)
    }

    /// The connection to `host` ended.
    pub(super) fn lost(host: &str) -> Failure {
        Failure::new(
            FailureKind::Lost,
            format!("the connection to {host} was lost while a command ran"),
            "run the playbook again: Vent connects anew and goes on from what it finds",
        )
    }

    /// `host` said more than anybody listens to; `what` is what it said, `limit` in bytes.
    pub(super) fn too_much(host: &str, what: &str, limit: usize) -> Failure {
        Failure::new(
            FailureKind::Lost,
            format!("{what} of {host} is longer than {limit} bytes, so the connection was ended"),
            "look at the host: no answer to Vent is as long as that",
        )
    }

    /// The system of this computer says no.
    pub(super) fn here(what: &str, error: &std::io::Error) -> Failure {
        Failure::new(
            FailureKind::Here,
            format!("{what}: {error}"),
            "this happened on the computer that runs Vent",
        )
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
