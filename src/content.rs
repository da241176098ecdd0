//! What is written into a file: bytes in memory, a file of this computer, or unknown until it is applied.

use crate::value::Unknown;
use sha2::Digest;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The content of a file to be written.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A small content.
    Bytes(Arc<[u8]>),
    /// A file of this computer, streamed when it is needed.
    LocalFile {
        /// Where it lies.
        path: PathBuf,
        /// Its SHA-256 in lower-case hexadecimal.
        digest: Arc<str>,
        /// Its length in bytes.
        length: u64,
    },
    /// Only applying can tell.
    Unknown(Arc<Unknown>),
}

impl Content {
    /// Bytes in memory.
    pub fn bytes(bytes: impl AsRef<[u8]>) -> Content {
        Content::Bytes(Arc::from(bytes.as_ref()))
    }

    /// A file of this computer: reads it once to know its digest.
    ///
    /// # Errors
    /// What the system says when the file cannot be read.
    pub fn local_file(path: &Path) -> std::io::Result<Content> {
        let (digest, length) = digest_of_file(path)?;
        Ok(Content::LocalFile {
            path: path.to_path_buf(),
            digest,
            length,
        })
    }

    /// The SHA-256 in lower-case hexadecimal, if the content is known.
    pub fn digest(&self) -> Option<Arc<str>> {
        match self {
            Content::Bytes(bytes) => Some(digest_of(bytes)),
            Content::LocalFile { digest, .. } => Some(digest.clone()),
            Content::Unknown(_) => None,
        }
    }

    /// The length in bytes, if the content is known.
    pub fn length(&self) -> Option<u64> {
        match self {
            Content::Bytes(bytes) => Some(bytes.len() as u64),
            Content::LocalFile { length, .. } => Some(*length),
            Content::Unknown(_) => None,
        }
    }
}

/// The SHA-256 of bytes in lower-case hexadecimal.
pub fn digest_of(bytes: &[u8]) -> Arc<str> {
    hexadecimal(&sha2::Sha256::digest(bytes)).into()
}

/// The SHA-256 of a file of this computer in lower-case hexadecimal, and its length in bytes.
///
/// # Errors
/// What the system says when the file cannot be read.
pub fn digest_of_file(path: &Path) -> std::io::Result<(Arc<str>, u64)> {
    let mut file = std::fs::File::open(path)?;
    let mut state = sha2::Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    let mut length = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        length += read as u64;
        state.update(&buffer[..read]);
    }
    Ok((hexadecimal(&state.finalize()).into(), length))
}

/// Bytes as lower-case hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|half| char::from_digit(half.into(), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_file_have_the_same_digest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"abc").unwrap();
        let file = Content::local_file(&path).unwrap();
        assert_eq!(file.digest(), Content::bytes("abc").digest());
        assert_eq!(
            file.digest().as_deref(),
            Some("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        );
        assert_eq!(file.length(), Some(3));
    }
}
