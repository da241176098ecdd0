//! What the work of this room says while it goes on; whoever started it decides how to show it.

use super::key::Key;
use std::fmt;
use std::sync::Arc;

/// One thing worth saying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Another process is busy with the same file.
    Waiting(String),
    /// A source is being read.
    Fetching {
        /// What is wanted.
        key: Key,
        /// Address, or path in a mirror.
        from: String,
    },
    /// A source does not have it; the next one is tried.
    Unavailable {
        /// What is wanted.
        key: Key,
        /// Which source.
        from: String,
        /// Why not.
        why: String,
    },
    /// A build begins.
    Building {
        /// What is built.
        key: Key,
        /// From what.
        from: String,
    },
    /// A build or download goes on.
    Progress {
        /// What is on its way.
        key: Key,
        /// How far it is.
        state: String,
    },
    /// A line of a compiler, a linker, or a program that brings sources.
    Output(String),
    /// A file arrived in the cache.
    Obtained {
        /// The file.
        key: Key,
        /// Where it came from.
        from: String,
        /// Bytes.
        size: u64,
        /// Seconds it took.
        seconds: u64,
        /// Set if no digest is locked for a file of this origin.
        unlocked: bool,
    },
    /// Something is installed on this computer.
    Installing(String),
}

/// Takes the notices.
pub type Tell = Arc<dyn Fn(&Notice) + Send + Sync>;

impl fmt::Display for Notice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Waiting(what) => write!(out, "waiting for another process that holds {what}"),
            Notice::Fetching { key, from } => write!(out, "fetching {key} from {from}"),
            Notice::Unavailable { key, from, why } => write!(out, "{key}: not from {from}: {why}"),
            Notice::Building { key, from } => write!(out, "building {key} from {from}"),
            Notice::Progress { key, state } => write!(out, "{}: {state}", key.name),
            Notice::Output(line) => out.write_str(line),
            Notice::Obtained {
                key,
                from,
                size,
                seconds,
                unlocked,
            } => {
                let remark = if *unlocked {
                    ", its digest is not locked"
                } else {
                    ""
                };
                let size = megabytes(*size);
                write!(out, "{key}: {from} ({size} in {seconds} s{remark})")
            }
            Notice::Installing(what) => write!(out, "installing {what}"),
        }
    }
}

/// Bytes as megabytes with one decimal.
pub fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
}

#[cfg(test)]
mod tests {
    use super::super::key::Architecture;
    use super::*;

    #[test]
    fn notices_are_sentences() {
        let key = Key {
            name: "etcd".into(),
            version: "3.6.8".into(),
            variant: None,
            arch: Architecture::Amd64,
        };
        let (from, size) = ("built from artifacts/etcd".to_string(), 26_512_345);
        let notice = Notice::Obtained {
            key,
            from,
            size,
            seconds: 46,
            unlocked: true,
        };
        assert_eq!(
            notice.to_string(),
            "etcd 3.6.8 for amd64: built from artifacts/etcd (26.5 MB in 46 s, its digest is not locked)"
        );
    }
}
