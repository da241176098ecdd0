//! What the PKI makes is accepted by OpenSSL, and what OpenSSL makes is read.

use std::path::Path;
use std::process::Command;
use time::OffsetDateTime;
use time::macros::datetime;
use vent::pki::*;

const NOW: OffsetDateTime = datetime!(2026-11-21 12:00:00 UTC);

fn openssl(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "openssl {arguments:?}: {text}{complaint}"
    );
    text
}

fn names(texts: &[&str]) -> Vec<GeneralName> {
    texts
        .iter()
        .map(|text| GeneralName::parse(text).unwrap())
        .collect()
}

fn authority(name: &str, kind: KeyType, path_length: &str) -> (Certificate, PrivateKey) {
    let key = PrivateKey::generate(kind).unwrap();
    let extensions = [
        Extension::basic_constraints(&["CA:TRUE", path_length], true).unwrap(),
        Extension::key_usage(&["keyCertSign", "cRLSign"], true).unwrap(),
    ];
    let subject = Name::new([("CN", name)]).unwrap();
    let request = create_request(&subject, &extensions, &key, Digest::Sha256).unwrap();
    let request = Request::from_pem(&request).unwrap();
    let issuance = Issuance {
        request: &request,
        authority: Authority::Itself,
        key: &key,
        digest: Digest::Sha256,
        not_before: parse_time("-1h", NOW).unwrap(),
        not_after: parse_time("+3650d", NOW).unwrap(),
        serial: [0; 20],
        key_identifier: KeyIdentifier::IfNotProvided,
    };
    let certificate = Certificate::from_pem(&issue(&issuance).unwrap()).unwrap();
    assert_eq!(
        certificate_differences(&certificate, &issuance),
        Vec::<String>::new()
    );
    (certificate, key)
}

fn leaf_extensions() -> Vec<Extension> {
    vec![
        Extension::subject_alternative_name(
            &names(&[
                "DNS:a.example",
                "DNS:*.b.example",
                "IP:10.0.0.1",
                "IP:fd00::1",
                "email:a@b",
                "URI:spiffe://x/y",
            ]),
            false,
        )
        .unwrap(),
        Extension::key_usage(&["digitalSignature", "keyEncipherment"], true).unwrap(),
        Extension::extended_key_usage(&["serverAuth", "clientAuth"], false).unwrap(),
        Extension::basic_constraints(&["CA:FALSE"], true).unwrap(),
    ]
}

fn pem_of(certificate: &Certificate) -> String {
    pem::encode(&pem::Pem::new("CERTIFICATE", certificate.encoded.clone()))
}

#[test]
fn openssl_accepts_chains_of_every_kind_of_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for kind in [
        KeyType::Rsa(2048),
        KeyType::P256,
        KeyType::P384,
        KeyType::P521,
        KeyType::Ed25519,
    ] {
        let (ca, ca_key) = authority("the authority", kind, "pathlen:0");
        let key = PrivateKey::generate(kind).unwrap();
        let subject = Name::new([
            ("CN", "kubernetes-admin"),
            ("O", "system:masters"),
            ("O", "second"),
        ])
        .unwrap();
        let request = create_request(&subject, &leaf_extensions(), &key, Digest::Sha256).unwrap();
        std::fs::write(path.join("leaf.csr"), &request).unwrap();
        openssl(path, &["req", "-in", "leaf.csr", "-verify", "-noout"]);
        let request = Request::from_pem(&request).unwrap();
        let issuance = Issuance {
            request: &request,
            authority: Authority::Own {
                certificate: &ca,
                identify: true,
            },
            key: &ca_key,
            digest: Digest::Sha256,
            not_before: NOW - time::Duration::hours(1),
            not_after: parse_time("+365d", NOW).unwrap(),
            serial: [0xff; 20],
            key_identifier: KeyIdentifier::IfNotProvided,
        };
        let text = issue(&issuance).unwrap();
        let leaf = Certificate::from_pem(&text).unwrap();
        assert_eq!(certificate_differences(&leaf, &issuance), Vec::<String>::new());
        assert!(leaf.belongs_to(&key) && !leaf.belongs_to(&ca_key));
        assert_eq!(verify_chain(&leaf, &[], std::slice::from_ref(&ca), NOW), Ok(()));
        std::fs::write(path.join("leaf.pem"), &text).unwrap();
        std::fs::write(path.join("ca.pem"), pem_of(&ca)).unwrap();
        let time = NOW.unix_timestamp().to_string();
        openssl(
            path,
            &[
                "verify",
                "-x509_strict",
                "-attime",
                &time,
                "-CAfile",
                "ca.pem",
                "leaf.pem",
            ],
        );
        let shown = openssl(
            path,
            &[
                "x509", "-in", "leaf.pem", "-noout", "-text", "-nameopt", "RFC2253",
            ],
        );
        for part in [
            "Subject: O=second,O=system:masters,CN=kubernetes-admin",
            "DNS:a.example, DNS:*.b.example, IP Address:10.0.0.1, IP Address:FD00:0:0:0:0:0:0:1, email:a@b, URI:spiffe://x/y",
            "Digital Signature, Key Encipherment",
            "TLS Web Server Authentication, TLS Web Client Authentication",
            "Not Before: Nov 21 11:00:00 2026 GMT",
            "Not After : Nov 21 12:00:00 2027 GMT",
        ] {
            assert!(shown.contains(part), "{part}\n{shown}");
        }
        for format in [KeyFormat::Pkcs8, KeyFormat::Pkcs1] {
            let Ok(text) = key.pem(format) else {
                assert_eq!((kind, format), (KeyType::Ed25519, KeyFormat::Pkcs1));
                continue;
            };
            std::fs::write(path.join("leaf.key"), &text).unwrap();
            let public = openssl(path, &["pkey", "-in", "leaf.key", "-pubout"]);
            assert_eq!(public, key.public_key().unwrap().pem());
            assert_eq!(KeyFormat::of(text.as_bytes()), format);
            assert_eq!(PrivateKey::from_pem(&text).unwrap().pkcs8(), key.pkcs8());
        }
    }
}

#[test]
fn openssl_reads_every_extension_of_a_request() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let key = PrivateKey::generate(KeyType::Ed25519).unwrap();
    let subject = Name::new([("C", "DE"), ("emailAddress", "a@b"), ("CN", "\u{fc}ber")]).unwrap();
    let point = |name: &str| names(&[name, "dirName:CN=crl"]);
    let extensions = [
        Extension::subject_alternative_name(
            &names(&["RID:2.999.3", "otherName:1.2.3;UTF8:some", "dirName:/CN=a/O=b"]),
            false,
        )
        .unwrap(),
        Extension::key_usage(&["decipherOnly", "keyAgreement"], false).unwrap(),
        Extension::extended_key_usage(&["OCSPSigning", "2.5.29.37.0", "1.2.3.4"], true).unwrap(),
        Extension::basic_constraints(&["CA:TRUE", "pathlen:300"], true).unwrap(),
        Extension::name_constraints(
            &names(&["DNS:.a.example", "IP:10.0.0.0/8"]),
            &names(&["email:b.example"]),
            true,
        )
        .unwrap(),
        Extension::crl_distribution_points(&[point("URI:http://one/"), point("URI:http://two/")]).unwrap(),
        Extension::ocsp_must_staple(false),
        Extension::subject_key_identifier(&[0, 0xff]),
        Extension::authority_key_identifier(&[0x80; 200]),
    ];
    let show = |extensions: &[Extension]| {
        let text = create_request(&subject, extensions, &key, Digest::Sha256).unwrap();
        std::fs::write(path.join("csr"), &text).unwrap();
        let options = [
            "req", "-in", "csr", "-verify", "-noout", "-text", "-nameopt", "RFC2253",
        ];
        (Request::from_pem(&text).unwrap(), openssl(path, &options))
    };
    let (request, shown) = show(&extensions);
    assert_eq!(request.extensions, extensions);
    assert!(request.signature_valid);
    let shown: Vec<&str> = shown
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let shown = shown.join("\n");
    let digits = ["80"; 200].join(":");
    for part in [
        "Subject: CN=\\C3\\BCber,emailAddress=a@b,C=DE",
        "X509v3 Subject Alternative Name:\nRegistered ID:2.999.3, othername: 1.2.3::some, DirName:/O=b/CN=a",
        "X509v3 Key Usage:\nKey Agreement, Decipher Only",
        "X509v3 Extended Key Usage: critical\nOCSP Signing, Any Extended Key Usage, 1.2.3.4",
        "X509v3 Basic Constraints: critical\nCA:TRUE, pathlen:300",
        "X509v3 Name Constraints: critical\nPermitted:\nDNS:.a.example\nIP:10.0.0.0/255.0.0.0\nExcluded:\nemail:b.example",
        "Full Name:\nURI:http://one/\nDirName:CN = crl\nFull Name:\nURI:http://two/\nDirName:CN = crl",
        "TLS Feature:\nstatus_request",
        "X509v3 Subject Key Identifier:\n00:FF",
        &format!("X509v3 Authority Key Identifier:\n{digits}"),
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    let constraints = request.extension(ExtensionKind::BasicConstraints).unwrap();
    assert_eq!(constraints.authority(), (true, Some(300)));
    let usages = request.extension(ExtensionKind::KeyUsage).unwrap();
    assert_eq!(usages.key_usages(), [4, 8]);
    let identifier = request.extension(ExtensionKind::AuthorityKeyIdentifier).unwrap();
    assert_eq!(identifier.key_identifier(), Some(vec![0x80; 200]));
    assert!(show(&[]).1.contains("(none)"));
}

#[test]
fn openssh_reads_public_keys_alike() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for kind in [KeyType::Rsa(2048), KeyType::P256, KeyType::P384, KeyType::P521] {
        let key = PrivateKey::generate(kind).unwrap().public_key().unwrap();
        std::fs::write(path.join("key.pub"), key.pem()).unwrap();
        let output = Command::new("ssh-keygen")
            .args(["-i", "-m", "PKCS8", "-f", "key.pub"])
            .current_dir(path)
            .output()
            .unwrap();
        assert_eq!(Some(String::from_utf8(output.stdout).unwrap()), key.openssh());
    }
    openssl(
        path,
        &["ecparam", "-name", "secp256k1", "-genkey", "-out", "k.key"],
    );
    let other = openssl(path, &["pkey", "-in", "k.key", "-pubout"]);
    assert_eq!(PublicKey::from_pem(&other).unwrap().openssh(), None);
    let plain = PrivateKey::generate(KeyType::Ed25519)
        .unwrap()
        .public_key()
        .unwrap();
    assert!(
        plain
            .openssh()
            .unwrap()
            .starts_with("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI")
    );
}

#[test]
fn an_authority_made_by_openssl_signs_here() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for (algorithm, option) in [("RSA", "rsa_keygen_bits:2048"), ("EC", "ec_paramgen_curve:P-384")] {
        openssl(
            path,
            &[
                "genpkey",
                "-algorithm",
                algorithm,
                "-pkeyopt",
                option,
                "-out",
                "pkcs8.key",
            ],
        );
        openssl(
            path,
            &["pkey", "-in", "pkcs8.key", "-traditional", "-out", "ca.key"],
        );
        openssl(
            path,
            &[
                "req",
                "-x509",
                "-new",
                "-key",
                "ca.key",
                "-sha256",
                "-subj",
                "/O=foreign/CN=ca",
                "-days",
                "30",
                "-out",
                "ca.pem",
            ],
        );
        let read = |name: &str| std::fs::read_to_string(path.join(name)).unwrap();
        let ca_key = PrivateKey::from_pem(&read("ca.key")).unwrap();
        assert_eq!(
            PrivateKey::from_pem(&read("pkcs8.key")).unwrap().pkcs8(),
            ca_key.pkcs8()
        );
        let ca = Certificate::from_pem(&read("ca.pem")).unwrap();
        assert!(ca.belongs_to(&ca_key) && ca.signed_by(&ca.public_key));
        let key = PrivateKey::generate(KeyType::Rsa(2048)).unwrap();
        let subject = Name::new([("CN", "leaf")]).unwrap();
        let request = create_request(&subject, &leaf_extensions(), &key, Digest::Sha512).unwrap();
        let request = Request::from_pem(&request).unwrap();
        let text = issue(&Issuance {
            request: &request,
            authority: Authority::Own {
                certificate: &ca,
                identify: true,
            },
            key: &ca_key,
            digest: Digest::Sha256,
            not_before: ca.not_before,
            not_after: ca.not_after,
            serial: [7; 20],
            key_identifier: KeyIdentifier::IfNotProvided,
        })
        .unwrap();
        std::fs::write(path.join("leaf.pem"), text).unwrap();
        openssl(path, &["verify", "-CAfile", "ca.pem", "leaf.pem"]);
    }
}

#[test]
fn what_does_not_fit_is_said() {
    let (ca, ca_key) = authority("ca", KeyType::P256, "pathlen:0");
    let (other, other_key) = authority("other", KeyType::P256, "pathlen:1");
    let key = PrivateKey::generate(KeyType::P256).unwrap();
    let subject = Name::new([("CN", "leaf"), ("O", "one")]).unwrap();
    let extensions = leaf_extensions();
    let text = create_request(&subject, &extensions, &key, Digest::Sha256).unwrap();
    let request = Request::from_pem(&text).unwrap();
    let public = key.public_key().unwrap();
    let swapped = Name::new([("O", "one"), ("CN", "leaf")]).unwrap();
    assert!(request_differences(&request, &swapped, false, &extensions, &public).is_empty());
    assert_eq!(
        request_differences(&request, &swapped, true, &extensions, &public),
        ["the subject is `CN=leaf,O=one`"]
    );
    assert_eq!(
        request_differences(
            &request,
            &subject,
            false,
            &extensions[1..],
            &other_key.public_key().unwrap()
        ),
        [
            "the alternative names are no longer wanted",
            "it was made for another key"
        ]
    );
    let issuance = |certificate, key| Issuance {
        request: &request,
        authority: Authority::Own {
            certificate,
            identify: true,
        },
        key,
        digest: Digest::Sha256,
        not_before: NOW,
        not_after: NOW + time::Duration::days(1),
        serial: [1; 20],
        key_identifier: KeyIdentifier::IfNotProvided,
    };
    let leaf = Certificate::from_pem(&issue(&issuance(&ca, &ca_key)).unwrap()).unwrap();
    assert_eq!(
        certificate_differences(&leaf, &issuance(&other, &other_key)),
        [
            "its issuer is `CN=ca`",
            "it was not signed by the issuer's key",
            "the authority key identifier differ"
        ]
    );
    let error = issue(&issuance(&ca, &other_key)).unwrap_err();
    assert!(error.message().contains("does not belong"), "{error}");
    assert!(
        issue(&issuance(&leaf, &key))
            .unwrap_err()
            .message()
            .contains("is not an authority")
    );
    let later = NOW + time::Duration::days(2);
    assert_eq!(
        verify_chain(&leaf, &[], std::slice::from_ref(&ca), later),
        Err("`CN=leaf,O=one` is not good at that time".into())
    );
    assert_eq!(
        verify_chain(&leaf, &[], &[other], NOW),
        Err("nobody known has issued `CN=leaf,O=one`".into())
    );
}

#[test]
fn keys_that_cannot_be_used_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    openssl(
        path,
        &[
            "genpkey",
            "-algorithm",
            "EC",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-aes256",
            "-pass",
            "pass:x",
            "-out",
            "e.key",
        ],
    );
    let text = std::fs::read_to_string(path.join("e.key")).unwrap();
    assert_eq!(
        PrivateKey::from_pem(&text).unwrap_err().message(),
        "the private key is encrypted"
    );
    assert!(
        PrivateKey::from_pem("nothing")
            .unwrap_err()
            .message()
            .contains("no private key")
    );
    assert!(PrivateKey::generate(KeyType::Rsa(1000)).is_err());
}
