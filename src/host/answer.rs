//! Answers of a host.

use super::DnsAnswer;
use crate::content::byte_text;
use crate::value::Unknown;
use std::sync::Arc;

/// What a host said to a [`Question`](super::Question).
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// What stands at a path, `None` if nothing does.
    Stat(Option<Stat>),
    /// A digest, `None` if there is no readable regular file.
    Digest(Option<Arc<str>>),
    /// A content, `None` if there is no readable file; cut at the limit of the question.
    Content(Option<Arc<[u8]>>),
    /// The names in a folder, `None` if there is none.
    Names(Option<Vec<String>>),
    /// An account, `None` if it does not exist.
    User(Option<Account>),
    /// A group, `None` if it does not exist.
    Group(Option<Group>),
    /// An installed package, `None` if it is not installed.
    Package(Option<Package>),
    /// A unit; one that does not exist has the load state `not-found`.
    Unit(Unit),
    /// A text, `None` if there is none.
    Text(Option<String>),
    /// Yes or no.
    Flag(bool),
    /// What a probe printed.
    Output(Output),
    /// A set of records and its zone.
    Record(Box<DnsAnswer>),
    /// In check mode: only applying can tell.
    Unknown(Arc<Unknown>),
}

/// The kind of thing at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A character device.
    CharacterDevice,
    /// A block device.
    BlockDevice,
    /// A named pipe.
    Pipe,
    /// A socket.
    Socket,
}

/// What `stat` tells of a path.
#[derive(Clone, Debug, PartialEq)]
pub struct Stat {
    /// The kind.
    pub kind: FileKind,
    /// Permission bits with set-user-id, set-group-id and sticky.
    pub mode: u32,
    /// Owner and group, as numbers and names (the number again where there is no name).
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
    /// The owner's name.
    pub owner: String,
    /// The group's name.
    pub group: String,
    /// Bytes.
    pub size: u64,
    /// Seconds since 1970 of last access, change of content, change of attributes.
    pub accessed: i64,
    /// Last change of content.
    pub modified: i64,
    /// Last change of attributes.
    pub changed: i64,
    /// Number of hard links.
    pub links: u64,
    /// Inode number.
    pub inode: u64,
    /// Device number.
    pub device: u64,
    /// Where a symbolic link points.
    pub target: Option<String>,
}

/// A line of the account database, with the groups the account is in.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Account {
    /// User number.
    pub uid: u32,
    /// Number of the primary group.
    pub gid: u32,
    /// Comment field.
    pub comment: String,
    /// Home folder.
    pub home: String,
    /// Login shell.
    pub shell: String,
    /// Names of all groups, the primary one first.
    pub groups: Vec<String>,
    /// What a program that was killed has left undone.
    pub unfinished: Vec<Unfinished>,
}

/// What one file of accounts says and the other one beside it does not, because the program that writes both was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfinished {
    /// The account is in `/etc/passwd` and not in `/etc/shadow`.
    Shadow,
    /// The group is in `/etc/group` and not in `/etc/gshadow`.
    GroupShadow,
    /// The account's primary group is not there.
    PrimaryGroup,
    /// A group lists the account in one of `/etc/group` and `/etc/gshadow` only.
    Memberships,
}

/// A line of the group database.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Group {
    /// Group number.
    pub gid: u32,
    /// Names of the members that are listed.
    pub members: Vec<String>,
    /// What a program that was killed has left undone.
    pub unfinished: Vec<Unfinished>,
}

/// An installed package.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Package {
    /// Its version.
    pub version: String,
}

/// A systemd unit, in `systemctl show`'s words.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Unit {
    /// `loaded`, `not-found`, `masked`, ...
    pub load: String,
    /// `active`, `inactive`, `failed`, `activating`, ...
    pub active: String,
    /// The finer state, such as `running`.
    pub sub: String,
    /// `enabled`, `disabled`, `static`, `masked`, ...; empty if unknown to systemd.
    pub enabled: String,
    /// The unit file changed since systemd read it.
    pub needs_reload: bool,
    /// All properties of `systemctl show`, in order.
    pub properties: Vec<(String, String)>,
}

/// What a script gave.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Output {
    /// Exit status.
    pub code: i32,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Standard output as text, without a loss ([`byte_text`]).
    pub fn text(&self) -> String {
        byte_text::text_of(&self.stdout)
    }
}
