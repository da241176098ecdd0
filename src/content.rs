//! What is written into a file: bytes in memory, a file of this computer, something made only when it is
//! written, or unknown until it is applied.

mod blocking;
pub mod byte_text;
mod kept;
mod unified;

pub use blocking::blocking;
pub use kept::Kept;
pub use unified::{show_around, unified};

use crate::error::Result;
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
    /// Made when it is written, because it is another one every time: a key, a certificate. In check mode it
    /// is not made, and what is read from the file afterwards is unknown.
    Made(Arc<Recipe>),
    /// Only applying can tell.
    Unknown(Arc<Unknown>),
}

/// How a content is made when it is needed.
pub struct Recipe {
    what: String,
    make: Box<dyn Fn() -> Result<Vec<u8>> + Send + Sync>,
}

impl Recipe {
    /// What it is, such as `an RSA key of 2048 bits`.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Makes it, a new one at every call.
    ///
    /// # Errors
    /// What its maker says.
    pub fn make(&self) -> Result<Vec<u8>> {
        (self.make)()
    }
}

impl std::fmt::Debug for Recipe {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Recipe({})", self.what)
    }
}

/// Two recipes are the same if they make the same kind of thing; what they make differs anyway.
impl PartialEq for Recipe {
    fn eq(&self, other: &Recipe) -> bool {
        self.what == other.what
    }
}

impl Content {
    /// Bytes in memory.
    pub fn bytes(bytes: impl AsRef<[u8]>) -> Content {
        Content::Bytes(Arc::from(bytes.as_ref()))
    }

    /// A text in memory, with the bytes that it stands for ([`byte_text`]).
    pub fn text(text: impl AsRef<str>) -> Content {
        Content::bytes(byte_text::bytes_of(text.as_ref()))
    }

    /// A content that is made when it is written; `what` says what it is.
    pub fn made(
        what: impl Into<String>,
        make: impl Fn() -> Result<Vec<u8>> + Send + Sync + 'static,
    ) -> Content {
        Content::Made(Arc::new(Recipe {
            what: what.into(),
            make: Box::new(make),
        }))
    }

    /// A file of this computer: reads it once to know its digest.
    ///
    /// # Errors
    /// What the system says when the file cannot be read.
    pub fn local_file(path: &Path, digests: &Digests) -> std::io::Result<Content> {
        let (digest, length) = digests.of(path)?;
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
            Content::Made(_) | Content::Unknown(_) => None,
        }
    }

    /// The bytes; nothing where they are made or known only later.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn read(&self) -> std::io::Result<Option<Arc<[u8]>>> {
        Ok(match self {
            Content::Bytes(bytes) => Some(bytes.clone()),
            Content::LocalFile { path, .. } => Some(blocking(|| std::fs::read(path))?.into()),
            Content::Made(_) | Content::Unknown(_) => None,
        })
    }

    /// The SHA-1 in lower-case hexadecimal, if the content is known; a file of this computer is read for it.
    pub fn sha1(&self) -> Option<String> {
        self.hashed::<sha1::Sha1>()
    }

    /// The MD5 in lower-case hexadecimal, if the content is known; a file of this computer is read for it.
    pub fn md5(&self) -> Option<String> {
        self.hashed::<md5::Md5>()
    }

    fn hashed<D: Digest>(&self) -> Option<String> {
        let digest = match self {
            Content::Bytes(bytes) => D::digest(bytes),
            Content::LocalFile { path, .. } => hashed_file::<D>(path).ok()?.0,
            Content::Made(_) | Content::Unknown(_) => return None,
        };
        Some(hexadecimal(&digest))
    }

    /// The length in bytes, if the content is known.
    pub fn length(&self) -> Option<u64> {
        match self {
            Content::Bytes(bytes) => Some(bytes.len() as u64),
            Content::LocalFile { length, .. } => Some(*length),
            Content::Made(_) | Content::Unknown(_) => None,
        }
    }
}

/// The SHA-256 of bytes in lower-case hexadecimal.
pub fn digest_of(bytes: &[u8]) -> Arc<str> {
    hexadecimal(&sha2::Sha256::digest(bytes)).into()
}

/// Digests of files of this computer, each made once for as long as the file stays as it is.
#[derive(Debug, Default)]
pub struct Digests(Kept<(Arc<str>, u64)>);

impl Digests {
    /// The SHA-256 of a file in lower-case hexadecimal, and its length.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn of(&self, path: &Path) -> std::io::Result<(Arc<str>, u64)> {
        self.0.get(path, || blocking(|| digest_of_file(path)))
    }
}

/// The SHA-256 of a file of this computer in lower-case hexadecimal, and its length in bytes.
///
/// # Errors
/// What the system says when the file cannot be read.
fn digest_of_file(path: &Path) -> std::io::Result<(Arc<str>, u64)> {
    let (digest, length) = hashed_file::<sha2::Sha256>(path)?;
    Ok((hexadecimal(&digest).into(), length))
}

fn hashed_file<D: Digest>(path: &Path) -> std::io::Result<(sha2::digest::Output<D>, u64)> {
    let mut file = std::fs::File::open(path)?;
    let mut state = D::new();
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
    Ok((state.finalize(), length))
}

/// Bytes as lower-case hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    hex::encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_file_have_the_same_digest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"abc").unwrap();
        let file = Content::local_file(&path, &Digests::default()).unwrap();
        assert_eq!(file.digest(), Content::bytes("abc").digest());
        assert_eq!(
            file.digest().as_deref(),
            Some("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        );
        assert_eq!(file.length(), Some(3));
        assert_eq!(file.sha1(), Content::bytes("abc").sha1());
        assert_eq!(
            file.sha1().as_deref(),
            Some("a9993e364706816aba3e25717850c26c9cd0d89d")
        );
        assert_eq!(file.md5().as_deref(), Some("900150983cd24fb0d6963f7d28e17f72"));
    }
}
