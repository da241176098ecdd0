//! `RevokedHostKeys` (ssh_config(5)): keys that no host may show, whatever else is wanted.

use russh::keys::PublicKey;
use std::path::Path;

/// How a key revocation list of OpenSSH begins.
const KRL: &[u8] = b"SSHKRL\n\0";

/// The keys in a file, one a line.
///
/// # Errors
/// Why the file tells nothing; then no key can be trusted.
pub fn read(file: &Path) -> Result<Vec<PublicKey>, String> {
    let bytes = std::fs::read(file).map_err(|error| format!("it cannot be read: {error}"))?;
    if bytes.starts_with(KRL) {
        return Err("it is a KRL, and only a list of public keys, one a line, is read".to_string());
    }
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().enumerate();
    let keys = lines.filter(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    keys.map(|(at, line)| {
        PublicKey::from_openssh(line.trim()).map_err(|error| format!("line {}: {error}", at + 1))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_understood_is_no_empty_list() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("revoked");
        assert!(read(&file).is_err());
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
        std::fs::write(&file, format!("# lost in May\n\n{key} web\n")).unwrap();
        assert_eq!(
            read(&file).unwrap(),
            [PublicKey::from_openssh(&format!("{key} web")).unwrap()]
        );
        std::fs::write(&file, b"SSHKRL\n\0and so on").unwrap();
        assert!(read(&file).unwrap_err().contains("KRL"));
        std::fs::write(&file, "garbage\n").unwrap();
        assert!(read(&file).unwrap_err().starts_with("line 1: "));
    }
}
