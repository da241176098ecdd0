//! What is in an archive of this computer: tar, plain or compressed with gzip, bzip2, xz or zstd, and zip.

mod tar_file;
mod zip_file;

use crate::content::{byte_text, hexadecimal};
use sha2::Digest;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// What an archive holds, in its own order.
#[derive(Clone, Debug, PartialEq)]
pub struct Archive {
    /// How it is packed.
    pub packing: Packing,
    /// What is in it.
    pub members: Vec<Member>,
}

/// How an archive is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// tar without compression.
    Tar,
    /// tar under gzip.
    Gzip,
    /// tar under bzip2.
    Bzip2,
    /// tar under xz.
    Xz,
    /// tar under zstd.
    Zstd,
    /// zip.
    Zip,
}

/// One thing in an archive.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its path as it is written there.
    pub name: String,
    /// Its path without `./` before and the slash of a folder behind; `.` is the folder it is unpacked in.
    pub path: String,
    /// What it is.
    pub kind: MemberKind,
    /// Permission bits, if the archive says.
    pub mode: Option<u32>,
    /// Number and name of its owner, if the archive says.
    pub owner: Option<(u64, String)>,
    /// Number and name of its group, if the archive says.
    pub group: Option<(u64, String)>,
    /// Last change of its content in seconds since 1970, if the archive says it with its time zone.
    pub modified: Option<i64>,
}

/// What a member is.
#[derive(Clone, Debug, PartialEq)]
pub enum MemberKind {
    /// A regular file with its SHA-256 in lower-case hexadecimal.
    File(Arc<str>),
    /// A folder.
    Folder,
    /// A symbolic link with its target.
    Link(String),
    /// Another name of a member: its path.
    HardLink(String),
    /// A character or block device.
    Device,
    /// A named pipe, or what else there is.
    Special,
}

/// Archives that were read, by their content: the hosts of a play ask for the same one.
type ReadArchives = HashMap<Arc<str>, Arc<Archive>>;

static KNOWN: Mutex<Option<ReadArchives>> = Mutex::new(None);

/// Reads an archive of this computer once; `digest` is the SHA-256 of its content.
///
/// # Errors
/// A file that cannot be read or is no archive.
pub fn open(path: &Path, digest: &Arc<str>) -> io::Result<Arc<Archive>> {
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(archive) = known().as_ref().and_then(|known| known.get(digest)) {
        return Ok(archive.clone());
    }
    let archive = Arc::new(read(path)?);
    known()
        .get_or_insert_default()
        .insert(digest.clone(), archive.clone());
    Ok(archive)
}

fn read(path: &Path) -> io::Result<Archive> {
    let mut file = File::open(path)?;
    let packing = packing(&mut file)?;
    let source = || io::BufReader::with_capacity(1 << 18, &file);
    let members = match packing {
        Packing::Zip => zip_file::members(&file)?,
        Packing::Tar => tar_file::members(source())?,
        Packing::Gzip => tar_file::members(flate2::read::MultiGzDecoder::new(source()))?,
        Packing::Bzip2 => tar_file::members(bzip2::read::MultiBzDecoder::new(source()))?,
        Packing::Xz => tar_file::members(lzma_rust2::XzReader::new(source(), true))?,
        Packing::Zstd => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(source()).map_err(io::Error::other)?;
            tar_file::members(decoder)?
        }
    };
    Ok(Archive { packing, members })
}

/// The packing by the first bytes, whatever the file is called.
fn packing(file: &mut File) -> io::Result<Packing> {
    let mut first = Vec::with_capacity(512);
    file.by_ref().take(512).read_to_end(&mut first)?;
    file.rewind()?;
    let starts: [(&[u8], Packing); 6] = [
        (b"\x1f\x8b", Packing::Gzip),
        (b"BZh", Packing::Bzip2),
        (b"\xfd7zXZ\0", Packing::Xz),
        (b"\x28\xb5\x2f\xfd", Packing::Zstd),
        (b"PK\x03\x04", Packing::Zip),
        (b"PK\x05\x06", Packing::Zip),
    ];
    if let Some((_, packing)) = starts.iter().find(|(start, _)| first.starts_with(start)) {
        return Ok(*packing);
    }
    // `ustar` stands in every header since 1988; older ones begin with a name and digits of a mode.
    if first.get(257..262) == Some(b"ustar") || first.get(100..107).is_some_and(octal) {
        return Ok(Packing::Tar);
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidData,
        "this is no tar archive (plain, gzip, bzip2, xz or zstd) and no zip archive",
    ))
}

fn octal(field: &[u8]) -> bool {
    field.iter().all(|byte| matches!(byte, b'0'..=b'7' | b' ' | 0)) && field.iter().any(u8::is_ascii_digit)
}

/// The SHA-256 of everything a reader gives.
fn digest(mut from: impl Read) -> io::Result<Arc<str>> {
    let mut state = sha2::Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(hexadecimal(&state.finalize()).into()),
            read => state.update(&buffer[..read]),
        }
    }
}

/// A member's path as it is compared: without `./` before and a slash behind.
fn plain(path: &[u8]) -> String {
    let text = byte_text::text_of(path);
    let text = text.trim_end_matches('/');
    text.strip_prefix("./").unwrap_or(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn archive(name: &str, command: &str) -> io::Result<Archive> {
        let folder = tempfile::tempdir().unwrap();
        let script = format!(
            "cd {} && mkdir -p d/e && printf abc >d/f && ln -s f d/l && ln d/f d/h && chmod 0750 d/e && {command}",
            folder.path().display()
        );
        let made = Command::new("sh").args(["-c", &script]).status().unwrap();
        assert!(made.success(), "{command}");
        read(&folder.path().join(name))
    }

    #[test]
    fn every_packing_is_read_alike() {
        let plain = archive("a", "tar cf a --owner=root:0 --group=root:0 d").unwrap();
        assert_eq!(plain.packing, Packing::Tar);
        let file = plain.members.iter().find(|member| member.path == "d/f").unwrap();
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert!(
            file.kind == MemberKind::File(digest.into()) || file.kind == MemberKind::HardLink("d/h".into())
        );
        assert_eq!(file.owner, Some((0, "root".into())));
        let folder = plain.members.iter().find(|member| member.path == "d/e").unwrap();
        assert_eq!((&folder.kind, folder.mode), (&MemberKind::Folder, Some(0o750)));
        for (packing, option) in [
            (Packing::Gzip, "z"),
            (Packing::Bzip2, "j"),
            (Packing::Xz, "J"),
            (Packing::Zstd, "-zstd"),
        ] {
            let command = format!("tar -c{option} -f a d").replace("-c-zstd", "-c --zstd");
            let tool = ["gzip", "bzip2", "xz", "zstd"][packing as usize - 1];
            if !Path::new("/usr/bin").join(tool).exists() && !Path::new("/bin").join(tool).exists() {
                continue;
            }
            let packed = archive("a", &command).unwrap();
            assert_eq!(packed.packing, packing);
            let names = |archive: &Archive| -> Vec<String> {
                let mut names: Vec<_> = archive.members.iter().map(|member| member.path.clone()).collect();
                names.sort();
                names
            };
            assert_eq!(names(&packed), names(&plain));
        }
    }

    #[test]
    fn a_text_is_no_archive() {
        let error = archive("a", "echo 'no archive at all' >a").unwrap_err();
        assert!(error.to_string().starts_with("this is no tar archive"), "{error}");
    }
}
