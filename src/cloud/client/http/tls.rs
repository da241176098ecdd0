//! Whom to believe: the usual authorities, authorities out of a file, or one certificate known by its digest.

use crate::error::{Error, Result};
use reqwest::ClientBuilder;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use sha2::Digest;
use std::path::PathBuf;
use std::sync::Arc;

/// How the certificate of a service is checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Trust {
    /// By the authorities that this computer believes.
    #[default]
    System,
    /// By the authorities in this file of PEM certificates, besides those of this computer.
    Authority(PathBuf),
    /// By its SHA-256 digest, as `pvenode cert info` shows it (`AB:CD:...`).
    Fingerprint(String),
    /// Not at all.
    Anything,
}

impl Trust {
    /// Sets `builder` up.
    ///
    /// # Errors
    /// When the file of authorities cannot be read or the fingerprint is not one.
    pub fn apply(&self, builder: ClientBuilder) -> Result<ClientBuilder> {
        match self {
            Trust::System => Ok(builder),
            Trust::Anything => Ok(builder.tls_danger_accept_invalid_certs(true)),
            Trust::Authority(path) => {
                let refuse = |cause: String| {
                    Error::new(format!(
                        "cannot read the authorities in {}",
                        path.display()
                    ))
                    .cause(cause)
                    .help("name a file of PEM certificates, such as /etc/pve/pve-root-ca.pem of a Proxmox node")
                };
                let text = std::fs::read(path).map_err(|error| refuse(error.to_string()))?;
                let authorities = reqwest::Certificate::from_pem_bundle(&text)
                    .map_err(|error| refuse(error.to_string()))?;
                if authorities.is_empty() {
                    return Err(refuse("it holds no certificate".into()));
                }
                Ok(builder.tls_certs_merge(authorities))
            }
            Trust::Fingerprint(text) => {
                let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
                let pin = Pin {
                    digest: parse_fingerprint(text)?,
                    provider: provider.clone(),
                };
                let config = ClientConfig::builder_with_provider(provider)
                    .with_safe_default_protocol_versions()
                    .map_err(|error| Error::new("cannot set TLS up").cause(error))?
                    .dangerous()
                    .with_custom_certificate_verifier(Arc::new(pin))
                    .with_no_client_auth();
                Ok(builder.tls_backend_preconfigured(config))
            }
        }
    }
}

/// The bytes of `AB:CD:...`, with or without colons.
fn parse_fingerprint(text: &str) -> Result<[u8; 32]> {
    let digits: String = text
        .chars()
        .filter(|letter| *letter != ':' && !letter.is_whitespace())
        .collect();
    let bytes: Option<Vec<u8>> = (0..digits.len())
        .step_by(2)
        .map(|at| {
            digits
                .get(at..at + 2)
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
        })
        .collect();
    bytes
        .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
        .ok_or_else(|| {
            Error::new(format!(
                "`{text}` is not the SHA-256 fingerprint of a certificate"
            ))
            .help("it has 64 hexadecimal digits; `pvenode cert info` on the node shows it")
        })
}

/// Accepts one certificate only; the handshake must still prove its key.
#[derive(Debug)]
struct Pin {
    digest: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pin {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let found = sha2::Sha256::digest(end_entity.as_ref());
        if found[..] == self.digest {
            return Ok(ServerCertVerified::assertion());
        }
        let shown: Vec<String> = found.iter().map(|byte| format!("{byte:02X}")).collect();
        Err(rustls::Error::General(format!(
            "the certificate has the fingerprint {}, which is not the one given",
            shown.join(":")
        )))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_with_and_without_colons() {
        let plain = "ab".repeat(32);
        let colons = vec!["AB"; 32].join(":");
        assert_eq!(
            parse_fingerprint(&plain).unwrap(),
            parse_fingerprint(&colons).unwrap()
        );
        assert!(parse_fingerprint("abc").is_err());
        assert!(parse_fingerprint(&"é".repeat(32)).is_err());
    }
}
