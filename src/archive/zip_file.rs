//! Members of a zip archive. Its times have no time zone, and it names no owners: they are not compared.

use super::{Member, MemberKind, digest, plain};
use std::fs::File;
use std::io::{self, Read};

/// Type bits of a Unix mode that mark a symbolic link.
const LINK: u32 = 0o120_000;

/// Reads every file of a zip archive.
pub(super) fn members(file: &File) -> io::Result<Vec<Member>> {
    let mut archive = zip::ZipArchive::new(file).map_err(io::Error::other)?;
    let mut members = vec![];
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).map_err(io::Error::other)?;
        let mode = entry.unix_mode();
        let kind = if entry.is_dir() {
            MemberKind::Folder
        } else if mode.is_some_and(|mode| mode & 0o170_000 == LINK) {
            let mut target = String::new();
            entry.by_ref().take(1 << 16).read_to_string(&mut target)?;
            MemberKind::Link(target)
        } else {
            MemberKind::File(digest(&mut entry)?)
        };
        members.push(Member {
            name: entry.name().map_err(io::Error::other)?.into_owned(),
            path: plain(entry.name().map_err(io::Error::other)?.as_bytes()),
            kind,
            mode: mode.map(|mode| mode & 0o7777).filter(|mode| *mode != 0),
            owner: None,
            group: None,
            modified: None,
        });
    }
    Ok(members)
}
