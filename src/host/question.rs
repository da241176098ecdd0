//! Questions: everything Vent can want to know about a host before it acts.

use super::RecordQuestion;

/// A question to a host. Its answer is an [`Answer`](super::Answer) of the kind that is named here.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Question {
    /// What stands at a path: `Answer::Stat`. With `follow` a symbolic link is followed.
    Stat { path: String, follow: bool },
    /// The SHA-256 of a regular file, links followed: `Answer::Digest`.
    Digest { path: String },
    /// The content of a file up to `limit` bytes, links followed: `Answer::Content`.
    Content { path: String, limit: u64 },
    /// The names in a folder: `Answer::Names`.
    Names { path: String },
    /// An account: `Answer::User`.
    User { name: String },
    /// A group: `Answer::Group`.
    Group { name: String },
    /// An installed Debian package: `Answer::Package`.
    Package { name: String },
    /// A systemd unit: `Answer::Unit`.
    Unit { name: String },
    /// A kernel setting as `sysctl` names it: `Answer::Text`.
    Sysctl { key: String },
    /// Whether a kernel module is loaded or built in: `Answer::Flag`.
    KernelModule { name: String },
    /// A script of ours that reads and changes nothing: `Answer::Output`. `about` lists what its answer
    /// depends on, so that actions on those discard it.
    Probe { script: String, about: Vec<Resource> },
    /// A set of records of the domain name system, which this computer asks a service for: `Answer::Record`.
    Record(Box<RecordQuestion>),
}

/// Something an answer depends on and an action touches.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resource {
    /// A path of the host and all below it.
    Path(String),
    /// A systemd unit.
    Unit(String),
    /// A package.
    Package(String),
    /// An account.
    User(String),
    /// A group.
    Group(String),
    /// A kernel setting.
    Sysctl(String),
    /// A kernel module.
    KernelModule(String),
    /// Anything else, by a name of the module's own, such as `hostname`.
    Other(String),
}

impl Question {
    /// What the answer depends on.
    pub fn about(&self) -> Vec<Resource> {
        match self {
            Question::Stat { path, .. }
            | Question::Digest { path }
            | Question::Content { path, .. }
            | Question::Names { path } => vec![Resource::Path(path.clone())],
            Question::User { name } => vec![Resource::User(name.clone())],
            Question::Group { name } => vec![Resource::Group(name.clone())],
            Question::Package { name } => vec![Resource::Package(name.clone())],
            Question::Unit { name } => vec![Resource::Unit(name.clone())],
            Question::Sysctl { key } => vec![Resource::Sysctl(key.clone())],
            Question::KernelModule { name } => vec![Resource::KernelModule(name.clone())],
            Question::Probe { about, .. } => about.clone(),
            Question::Record(question) => vec![question.about()],
        }
    }
}

impl Resource {
    /// True if a change of `self` may change what depends on `other`: they are the same, or one path lies
    /// in the other.
    pub fn touches(&self, other: &Resource) -> bool {
        match (self, other) {
            (Resource::Path(left), Resource::Path(right)) => lies_in(left, right) || lies_in(right, left),
            _ => self == other,
        }
    }
}

/// True if `path` is `folder` or lies below it.
pub(super) fn lies_in(path: &str, folder: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    path == folder
        || path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_touches_what_lies_in_it_and_around_it() {
        let path = |text: &str| Resource::Path(text.into());
        assert!(path("/etc").touches(&path("/etc/etcd/conf")));
        assert!(path("/etc/etcd/conf").touches(&path("/etc/")));
        assert!(!path("/etc").touches(&path("/etcd")));
    }
}
