//! Members of a tar archive.

use super::{Member, MemberKind, digest, plain};
use crate::content::byte_text;
use std::io::{self, Read};
use tar::EntryType;

/// Reads a tar archive to its end.
pub(super) fn members(from: impl Read) -> io::Result<Vec<Member>> {
    let mut archive = tar::Archive::new(from);
    let mut members = vec![];
    for entry in archive.entries()? {
        let mut entry = entry?;
        let header = entry.header().clone();
        let link = entry
            .link_name_bytes()
            .map(|name| byte_text::text_of(&name))
            .unwrap_or_default();
        let kind = match header.entry_type() {
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                MemberKind::File(digest(&mut entry)?)
            }
            EntryType::Directory => MemberKind::Folder,
            EntryType::Symlink => MemberKind::Link(link),
            EntryType::Link => MemberKind::HardLink(plain(&byte_text::bytes_of(&link))),
            EntryType::Char | EntryType::Block => MemberKind::Device,
            EntryType::XGlobalHeader | EntryType::XHeader => continue,
            _ => MemberKind::Special,
        };
        let name = |bytes: Option<&[u8]>| {
            byte_text::text_of(bytes.unwrap_or_default())
                .trim_end_matches('\0')
                .to_string()
        };
        members.push(Member {
            name: byte_text::text_of(&entry.path_bytes()),
            path: plain(&entry.path_bytes()),
            kind,
            mode: Some(header.mode()? & 0o7777),
            owner: Some((header.uid()?, name(header.username_bytes()))),
            group: Some((header.gid()?, name(header.groupname_bytes()))),
            modified: i64::try_from(header.mtime()?).ok(),
        });
    }
    Ok(members)
}
