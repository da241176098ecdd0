//! Certificates that no authority signed: believed by their fingerprint or as authority, and not otherwise.

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sha2::Digest;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use vent::cloud::client::http::secret::Secret;
use vent::cloud::client::http::tls::Trust;
use vent::cloud::proxmox::client::{Access, Proxmox};
use vent::error::Error;

/// A server with a certificate of its own that answers everything with an empty list; its address and
/// certificate.
fn serve() -> (String, rcgen::CertifiedKey<rcgen::KeyPair>) {
    let own = rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
    let certificate = CertificateDer::from(own.cert.der().to_vec());
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let settings = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let settings = Arc::new(settings);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let Ok(session) = ServerConnection::new(settings.clone()) else {
                continue;
            };
            let mut stream = StreamOwned::new(session, stream);
            let mut request = [0; 4096];
            if stream.read(&mut request).is_ok_and(|count| count > 0) {
                let body = "{\"data\":[]}";
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n", body.len());
                let _ = write!(stream, "{head}Connection: close\r\n\r\n{body}");
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    (url, own)
}

async fn ask(url: &str, trust: Trust) -> Result<usize, String> {
    let access = Access {
        url: Some(url.to_string()),
        token_id: Some("root@pam!vent".into()),
        token_secret: Some(Secret::new("secret")),
        trust: Some(trust),
        ..Access::default()
    };
    let clock = Arc::new(crate::fakes::VirtualClock::default());
    let client = Proxmox::with(&access, &|_| None, |settings| settings.clock = clock).unwrap();
    let nodes = client.nodes().await;
    nodes
        .map(|nodes| nodes.len())
        .map_err(|failure| Error::from(failure).to_string())
}

#[tokio::test]
async fn a_certificate_of_its_own_is_believed_only_if_it_is_known() {
    let (url, own) = serve();
    let digest = sha2::Sha256::digest(own.cert.der());
    let digits: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    let fingerprint = digits.join(":");
    assert_eq!(ask(&url, Trust::Fingerprint(fingerprint.clone())).await, Ok(0));
    let refused = ask(&url, Trust::Fingerprint("00".repeat(32))).await.unwrap_err();
    assert!(refused.contains(&fingerprint), "{refused}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authority.pem");
    std::fs::write(&path, own.cert.pem()).unwrap();
    assert_eq!(ask(&url, Trust::Authority(path)).await, Ok(0));
    assert_eq!(ask(&url, Trust::Anything).await, Ok(0));
    let refused = ask(&url, Trust::System).await.unwrap_err();
    assert!(refused.contains("certificate"), "{refused}");
}
