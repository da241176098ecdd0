//! Digests of files.

use crate::content::hexadecimal;
use crate::error::{Error, Result};
use sha2::{Digest, Sha256, Sha512};
use std::io::Read;
use std::path::Path;

/// SHA-256 of a file, in lower-case hexadecimal digits.
pub fn sha256(path: &Path) -> Result<String> {
    of_file::<Sha256>(path)
}

/// SHA-512 of a file, in lower-case hexadecimal digits.
pub fn sha512(path: &Path) -> Result<String> {
    of_file::<Sha512>(path)
}

/// SHA-256 of bytes, in lower-case hexadecimal digits.
pub fn sha256_of(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn of_file<D: Digest>(path: &Path) -> Result<String> {
    let read = || -> std::io::Result<String> {
        let mut file = std::fs::File::open(path)?;
        let mut digest = D::new();
        let mut block = vec![0; 1 << 16];
        loop {
            match file.read(&mut block)? {
                0 => return Ok(hexadecimal(&digest.finalize())),
                length => digest.update(&block[..length]),
            }
        }
    };
    read().map_err(|error| Error::new(format!("cannot read {}", path.display())).cause(error))
}

/// The digest that a publisher's checksum file names for `file`: the line that ends in the file's
/// name, or the only line of a file that holds nothing but a digest.
pub fn listed(checksums: &str, file: &str) -> Option<String> {
    let digest = |word: &str| {
        let sound = matches!(word.len(), 64 | 128) && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        sound.then(|| word.to_ascii_lowercase())
    };
    let mut lines = checksums.lines().filter(|line| !line.trim().is_empty());
    let named = lines.clone().find_map(|line| {
        let (first, name) = line.trim().split_once(char::is_whitespace)?;
        let name = name.trim().trim_start_matches('*');
        let name = name.rsplit('/').next().unwrap_or(name);
        if name == file { digest(first) } else { None }
    });
    named.or_else(|| match (lines.next(), lines.next()) {
        (Some(line), None) => digest(line.trim()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZERO: &str = "0000000000000000000000000000000000000000000000000000000000000000";
    const FEED: &str = "FEEDFEEDFEEDFEEDFEEDFEEDFEEDFEEDFEEDFEEDFEEDFEEDFEEDFEEDFEEDFEED";

    #[test]
    fn digests_are_those_of_the_standard() {
        assert_eq!(
            sha256_of(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        let path = std::env::temp_dir().join(format!("vent-digest-{}", std::process::id()));
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(sha256(&path).unwrap(), sha256_of(b"abc"));
        assert!(sha512(&path).unwrap().starts_with("ddaf35a193617aba"));
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn checksum_files_of_all_kinds_are_understood() {
        let many = format!("{ZERO}  other.tgz\n{FEED} *dist/program.tgz\n");
        assert_eq!(listed(&many, "program.tgz"), Some(FEED.to_lowercase()));
        assert_eq!(listed(&format!("{ZERO}\n"), "program"), Some(ZERO.to_string()));
        assert_eq!(listed(&many, "absent"), None);
        assert_eq!(listed("<html>", "program"), None);
    }
}
