//! `community.crypto.x509_certificate_info` and `openssl_privatekey_info`: what stands in certificates and keys.

use super::crypto::{self, colons, decimal, failed, fingerprints, public_data};
use super::{Module, Outcome, Step, Stop, View};
use crate::pki::{
    Certificate, Extension, ExtensionKind, KEY_USAGES, Name, PrivateKey, asn1_time, attribute_long_name,
    extended_key_usage_name, parse_time,
};
use crate::value::{Map, Value};
use base64::Engine;
use schemars::JsonSchema;
use serde::Deserialize;
use time::OffsetDateTime;

/// Reads a certificate.
pub(super) struct X509CertificateInfo;
/// Reads a private key.
pub(super) struct OpensslPrivatekeyInfo;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct CertificateArguments {
    /// The file of the certificate.
    path: Option<String>,
    /// The certificate itself.
    content: Option<String>,
    /// Names of times; the result says whether the certificate is good at each.
    valid_at: Option<Value>,
    /// How international names are shown; only `ignore`.
    name_encoding: Option<String>,
}

impl Module for X509CertificateInfo {
    const NAMES: &'static [&'static str] =
        &["community.crypto.x509_certificate_info", "x509_certificate_info"];
    type Arguments = CertificateArguments;
    const IGNORED: &'static [&'static str] = crypto::IGNORED;

    fn step(arguments: &CertificateArguments, view: &View<'_>) -> Result<Step, Stop> {
        if arguments
            .name_encoding
            .as_deref()
            .is_some_and(|encoding| encoding != "ignore")
        {
            return Err(Stop::failed("name_encoding: only `ignore` is supported"));
        }
        let (path, content) = (arguments.path.as_deref(), arguments.content.as_deref());
        let text = match crypto::required("certificate", path, content, view) {
            // Reading changes nothing, whatever there will be to read.
            Err(Stop::Undecided(_)) => return Ok(unknown(CERTIFICATE_FIELDS, view)),
            text => text?,
        };
        let certificate = Certificate::from_pem(&text).map_err(failed)?;
        let now = OffsetDateTime::from_unix_timestamp(view.control_node().now())
            .map_err(|cause| Stop::failed(cause.to_string()))?;
        let mut valid = Map::new();
        for (name, time) in arguments.valid_at.iter().filter_map(Value::as_map).flatten() {
            let moment = parse_time(time.as_str().unwrap_or_default(), now).map_err(failed)?;
            valid.insert(name.clone(), certificate.valid_at(moment).into());
        }
        let (kind, data) = public_data(&certificate.public_key);
        let outcome = Outcome::new()
            .changed(false)
            .with("version", i64::from(certificate.version))
            .with("serial_number", decimal(&certificate.serial))
            .with("subject", name_map(&certificate.subject))
            .with("subject_ordered", name_list(&certificate.subject))
            .with("issuer", name_map(&certificate.issuer))
            .with("issuer_ordered", name_list(&certificate.issuer))
            .with("not_before", asn1_time(certificate.not_before))
            .with("not_after", asn1_time(certificate.not_after))
            .with("expired", certificate.not_after < now)
            .with("valid_at", Value::Map(valid.into()))
            .with(
                "signature_algorithm",
                signature_name(&certificate.signature_algorithm),
            )
            .with("public_key", certificate.public_key.pem())
            .with("public_key_type", kind)
            .with("public_key_data", data)
            .with(
                "public_key_fingerprints",
                fingerprints(certificate.public_key.der()),
            )
            .with("fingerprints", fingerprints(&certificate.encoded));
        Ok(Step::done(extensions(outcome, &certificate)))
    }
}

const CERTIFICATE_FIELDS: &[&str] = &[
    "version",
    "serial_number",
    "subject",
    "subject_ordered",
    "issuer",
    "issuer_ordered",
    "not_before",
    "not_after",
    "expired",
    "valid_at",
    "signature_algorithm",
    "public_key",
    "public_key_type",
    "public_key_data",
    "public_key_fingerprints",
    "fingerprints",
    "subject_alt_name",
    "key_usage",
    "extended_key_usage",
    "basic_constraints",
    "subject_key_identifier",
    "authority_key_identifier",
    "extensions_by_oid",
];

const KEY_FIELDS: &[&str] = &["public_key", "public_key_fingerprints", "type", "public_data"];

/// The result where what is read would only be made when this is applied.
fn unknown(fields: &[&str], view: &View<'_>) -> Step {
    let outcome = Outcome::new().changed(false);
    Step::done(
        fields
            .iter()
            .fold(outcome, |outcome, name| outcome.with(name, view.unknown())),
    )
}

fn name_map(name: &Name) -> Value {
    let entries = name.attributes.iter();
    Value::map(entries.map(|(oid, text)| (attribute_long_name(oid), Value::from(text.as_str()))))
}

fn name_list(name: &Name) -> Value {
    let entries = name.attributes.iter();
    Value::list(
        entries.map(|(oid, text)| Value::list([attribute_long_name(oid).into(), text.as_str().into()])),
    )
}

fn signature_name(oid: &str) -> &str {
    match oid {
        "1.2.840.113549.1.1.5" => "sha1WithRSAEncryption",
        "1.2.840.113549.1.1.11" => "sha256WithRSAEncryption",
        "1.2.840.113549.1.1.12" => "sha384WithRSAEncryption",
        "1.2.840.113549.1.1.13" => "sha512WithRSAEncryption",
        "1.2.840.10045.4.3.2" => "ecdsa-with-SHA256",
        "1.2.840.10045.4.3.3" => "ecdsa-with-SHA384",
        "1.2.840.10045.4.3.4" => "ecdsa-with-SHA512",
        "1.3.101.112" => "ED25519",
        other => other,
    }
}

fn extensions(outcome: Outcome, certificate: &Certificate) -> Outcome {
    let get = |kind| certificate.extension(kind);
    let texts = |texts: Vec<String>| Value::list(texts.into_iter().map(Value::from));
    let listed = |outcome: Outcome, name: &str, kind, read: &dyn Fn(&Extension) -> Value| {
        let found = get(kind);
        outcome.with(name, found.map(read)).with(
            &format!("{name}_critical"),
            found.is_some_and(|found| found.critical),
        )
    };
    let identifier = |kind| {
        let bytes = get(kind).and_then(Extension::key_identifier);
        bytes.map(|bytes| Value::from(colons(&bytes)))
    };
    let mut outcome = listed(
        outcome,
        "subject_alt_name",
        ExtensionKind::SubjectAlternativeName,
        &|found| texts(found.general_names().iter().map(ToString::to_string).collect()),
    );
    outcome = listed(outcome, "key_usage", ExtensionKind::KeyUsage, &|found| {
        let mut names: Vec<String> = found
            .key_usages()
            .iter()
            .map(|at| KEY_USAGES[*at].1.into())
            .collect();
        names.sort();
        texts(names)
    });
    outcome = listed(
        outcome,
        "extended_key_usage",
        ExtensionKind::ExtendedKeyUsage,
        &|found| {
            let usages = found.extended_key_usages();
            let mut names: Vec<String> = usages
                .iter()
                .map(|oid| extended_key_usage_name(oid).into())
                .collect();
            names.sort();
            texts(names)
        },
    );
    outcome = listed(
        outcome,
        "basic_constraints",
        ExtensionKind::BasicConstraints,
        &|found| {
            let (authority, length) = found.authority();
            let mut words = vec![format!("CA:{}", if authority { "TRUE" } else { "FALSE" })];
            words.extend(length.map(|length| format!("pathlen:{length}")));
            texts(words)
        },
    );
    outcome = listed(outcome, "ocsp_must_staple", ExtensionKind::TlsFeature, &|_| {
        true.into()
    });
    let all = certificate.extensions.iter().map(|extension| {
        let value = base64::engine::general_purpose::STANDARD.encode(&extension.value);
        let entries = [
            ("critical", Value::Bool(extension.critical)),
            ("value", value.into()),
        ];
        (extension.oid.clone(), Value::map(entries))
    });
    outcome
        .with(
            "subject_key_identifier",
            identifier(ExtensionKind::SubjectKeyIdentifier),
        )
        .with(
            "authority_key_identifier",
            identifier(ExtensionKind::AuthorityKeyIdentifier),
        )
        .with("authority_cert_issuer", Value::Null)
        .with("authority_cert_serial_number", Value::Null)
        .with("extensions_by_oid", Value::map(all))
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct KeyArguments {
    /// The file of the key.
    path: Option<String>,
    /// The key itself.
    content: Option<String>,
    /// A passphrase; encrypted keys are not supported.
    passphrase: Option<String>,
    /// Give the secret parts; not supported.
    #[serde(default)]
    return_private_key_data: bool,
    /// Check that the key's parts fit each other; reading it does that already.
    #[serde(default)]
    check_consistency: bool,
}

impl Module for OpensslPrivatekeyInfo {
    const NAMES: &'static [&'static str] = &[
        "community.crypto.openssl_privatekey_info",
        "openssl_privatekey_info",
    ];
    type Arguments = KeyArguments;
    const IGNORED: &'static [&'static str] = crypto::IGNORED;

    fn step(arguments: &KeyArguments, view: &View<'_>) -> Result<Step, Stop> {
        if arguments.return_private_key_data || arguments.passphrase.is_some() {
            return Err(Stop::failed(
                "return_private_key_data and passphrase are not supported",
            ));
        }
        let (path, content) = (arguments.path.as_deref(), arguments.content.as_deref());
        let text = match crypto::required("private key", path, content, view) {
            Err(Stop::Undecided(_)) => return Ok(unknown(KEY_FIELDS, view)),
            text => text?,
        };
        let key = PrivateKey::from_pem(&text).map_err(failed)?;
        let public = key.public_key().map_err(failed)?;
        let (kind, data) = public_data(&public);
        let consistent = arguments.check_consistency.then_some(true);
        Ok(Step::done(
            Outcome::new()
                .changed(false)
                .with("can_load_key", true)
                .with("can_parse_key", true)
                .with("key_is_consistent", consistent)
                .with("public_key", public.pem())
                .with("public_key_fingerprints", fingerprints(public.der()))
                .with("type", kind)
                .with("public_data", data),
        ))
    }
}
