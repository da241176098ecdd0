//! Which algorithms of keys may be used: the lists of `HostKeyAlgorithms` and `PubkeyAcceptedAlgorithms`
//! (ssh_config(5)). Signatures by SHA-1 (`ssh-rsa`) are in no list that does not name them.

use crate::wildcard::openssh;
use russh::keys::{Algorithm, EcdsaCurve, HashAlg};

/// All algorithms that can be used, the best first; the last is SHA-1.
const ALL: [Algorithm; 9] = [
    Algorithm::Ed25519,
    Algorithm::Ecdsa {
        curve: EcdsaCurve::NistP256,
    },
    Algorithm::Ecdsa {
        curve: EcdsaCurve::NistP384,
    },
    Algorithm::Ecdsa {
        curve: EcdsaCurve::NistP521,
    },
    Algorithm::SkEd25519,
    Algorithm::SkEcdsaSha2NistP256,
    Algorithm::Rsa {
        hash: Some(HashAlg::Sha512),
    },
    Algorithm::Rsa {
        hash: Some(HashAlg::Sha256),
    },
    Algorithm::Rsa { hash: None },
];

/// The algorithms that may be used, plain and in certificates, the preferred first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Algorithms {
    /// Of bare keys.
    pub plain: Vec<Algorithm>,
    /// Of keys in certificates.
    pub certificates: Vec<Algorithm>,
}

impl Default for Algorithms {
    fn default() -> Algorithms {
        let safe = ALL[..ALL.len() - 1].to_vec();
        Algorithms {
            plain: safe.clone(),
            certificates: safe,
        }
    }
}

impl Algorithms {
    /// Reads the value of a setting: `+` adds to the usual ones, `-` takes away, `^` puts in front, and
    /// without a sign the names are all there is. Names may have wildcards.
    pub fn of(list: &str) -> Algorithms {
        let usual = Algorithms::default();
        let (sign, names) = match list.chars().next() {
            Some(sign @ ('+' | '-' | '^')) => (sign, &list[1..]),
            _ => ('=', list),
        };
        let patterns: Vec<_> = names.split(',').map(str::trim).map(openssh).collect();
        let choose = |usual: Vec<Algorithm>, name: fn(&Algorithm) -> String| {
            // In the order of the patterns, as they were written.
            let mut named: Vec<Algorithm> = vec![];
            for pattern in &patterns {
                for one in ALL.iter().filter(|one| pattern.matches(&name(one))) {
                    if !named.contains(one) {
                        named.push(one.clone());
                    }
                }
            }
            let rest = |named: &[Algorithm]| -> Vec<Algorithm> {
                let kept = usual.iter().filter(|one| !named.contains(one));
                kept.cloned().collect()
            };
            match sign {
                '+' => {
                    let new = named.into_iter().filter(|one| !usual.contains(one));
                    usual.iter().cloned().chain(new).collect()
                }
                '-' => rest(&named),
                '^' => [named.clone(), rest(&named)].concat(),
                _ => named,
            }
        };
        Algorithms {
            plain: choose(usual.plain, |one| one.as_str().to_string()),
            certificates: choose(usual.certificates, Algorithm::to_certificate_type),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &str) -> String {
        let plain = Algorithms::of(list).plain;
        let names: Vec<_> = plain.iter().map(Algorithm::as_str).collect();
        names.join(",")
    }

    #[test]
    fn lists_are_read_as_ssh_reads_them() {
        let usual = "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,\
                     sk-ssh-ed25519@openssh.com,sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-512,rsa-sha2-256";
        assert_eq!(names("+none"), usual);
        assert_eq!(names("+ssh-rsa"), format!("{usual},ssh-rsa"));
        assert_eq!(names("+ssh-*"), format!("{usual},ssh-rsa"));
        assert_eq!(
            names("-ecdsa-*,sk-*,ssh-rsa"),
            "ssh-ed25519,rsa-sha2-512,rsa-sha2-256"
        );
        assert_eq!(names("rsa-sha2-256,ssh-ed25519"), "rsa-sha2-256,ssh-ed25519");
        assert!(names("^rsa-sha2-256").starts_with("rsa-sha2-256,ssh-ed25519,"));
        assert!(Algorithms::of("ssh-ed25519").certificates.is_empty());
        let authority = Algorithms::of("ssh-ed25519-cert-v01@openssh.com");
        assert_eq!(
            (authority.plain, authority.certificates),
            (vec![], vec![Algorithm::Ed25519])
        );
    }
}
