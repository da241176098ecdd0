//! `community.crypto.x509_certificate_info` and `openssl_privatekey_info`: what stands in certificates and keys.

use super::crypto::{self, colons, decimal, failed, fingerprints, public_data};
use super::returns::Returns;
use super::{Module, Outcome, Step, Stop, View};
use crate::pki::{
    Certificate, Extension, ExtensionKind, GeneralName, KEY_USAGES, Name, PrivateKey, asn1_time,
    attribute_long_name, extended_key_usage_name, parse_time,
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
    const RETURNS: &'static [Returns] = &[CERTIFICATE];

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
            Err(Stop::Undecided(_)) => return Ok(unknown(CERTIFICATE, view)),
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
        Ok(Step::done(of_issuer(
            extensions(outcome, &certificate),
            &certificate,
        )))
    }
}

/// What is told of a certificate.
const CERTIFICATE: Returns = &[
    ("version", "Its version."),
    (
        "serial_number",
        "Its number; decimal digits if it is longer than 63 bits.",
    ),
    ("subject", "Attributes of the subject."),
    ("subject_ordered", "The same as pairs."),
    ("issuer", "Attributes of the issuer."),
    ("issuer_ordered", "The same as pairs."),
    ("not_before", "From when it is good, as ASN.1 writes it."),
    ("not_after", "Until when it is good."),
    ("expired", "Whether it is good no more."),
    ("valid_at", "Whether it is good at the times that were named."),
    ("signature_algorithm", "How it is signed."),
    ("fingerprints", "Digests of the certificate, by algorithm."),
    ("public_key", "Its key as PEM."),
    ("public_key_type", "`RSA`, `ECC`, `Ed25519` and so on."),
    ("public_key_fingerprints", "Digests of its key, by algorithm."),
    ("public_key_data", "What its key consists of."),
    ("public_key_data.size", "Bits of an RSA key."),
    (
        "public_key_data.modulus",
        "Modulus of an RSA key; decimal digits.",
    ),
    ("public_key_data.exponent", "Exponent of an RSA key."),
    ("public_key_data.curve", "Curve of an ECC key."),
    (
        "public_key_data.exponent_size",
        "Bits of the subgroup of an ECC key.",
    ),
    ("public_key_data.x", "Coordinate of an ECC key; decimal digits."),
    ("public_key_data.y", "Coordinate of an ECC key; decimal digits."),
    ("public_key_data.key", "Another key in hexadecimal digits."),
    ("subject_alt_name", "Alternative names."),
    ("subject_alt_name_critical", "Whether they are critical."),
    ("key_usage", "What its key may be used for."),
    ("key_usage_critical", "Whether that is critical."),
    ("extended_key_usage", "What it may be used for."),
    ("extended_key_usage_critical", "Whether that is critical."),
    ("basic_constraints", "Whether it is an authority."),
    ("basic_constraints_critical", "Whether that is critical."),
    ("ocsp_must_staple", "True if OCSP is to be stapled."),
    ("ocsp_must_staple_critical", "Whether that is critical."),
    ("subject_key_identifier", "Identifier of its key."),
    ("authority_key_identifier", "Identifier of the issuer's key."),
    (
        "authority_cert_issuer",
        "Names of the issuer of the issuer's certificate.",
    ),
    (
        "authority_cert_serial_number",
        "Number of the issuer's certificate.",
    ),
    ("ocsp_uri", "Where its state is told."),
    ("issuer_uri", "Where the issuer's certificate is found."),
    ("extensions_by_oid", "All extensions by their object identifiers."),
    ("extensions_by_oid.critical", "Whether it is critical."),
    ("extensions_by_oid.value", "Its DER content in base64."),
];

/// What is told of a private key.
const KEY: Returns = &[
    ("can_load_key", "Whether it was read."),
    ("can_parse_key", "Whether it was understood."),
    (
        "key_is_consistent",
        "True with `check_consistency`: reading it checks that.",
    ),
    ("type", "`RSA`, `ECC`, `Ed25519` and so on."),
    ("public_key", "Its public part as PEM."),
    (
        "public_key_fingerprints",
        "Digests of its public part, by algorithm.",
    ),
    ("public_data", "What its public part consists of."),
    ("public_data.size", "Bits of an RSA key."),
    ("public_data.modulus", "Modulus of an RSA key; decimal digits."),
    ("public_data.exponent", "Exponent of an RSA key."),
    ("public_data.curve", "Curve of an ECC key."),
    ("public_data.exponent_size", "Bits of the subgroup of an ECC key."),
    ("public_data.x", "Coordinate of an ECC key; decimal digits."),
    ("public_data.y", "Coordinate of an ECC key; decimal digits."),
    ("public_data.key", "Another key in hexadecimal digits."),
];

/// The result where what is read would only be made when this is applied.
fn unknown(fields: Returns, view: &View<'_>) -> Step {
    let outcome = Outcome::new().changed(false);
    let whole = fields.iter().filter(|(name, _)| !name.contains('.'));
    Step::done(whole.fold(outcome, |outcome, (name, _)| outcome.with(name, view.unknown())))
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
        .with("extensions_by_oid", Value::map(all))
}

/// What leads to the issuer.
fn of_issuer(outcome: Outcome, certificate: &Certificate) -> Outcome {
    let get = |kind| certificate.extension(kind);
    let (issuer, serial) = get(ExtensionKind::AuthorityKeyIdentifier)
        .map(Extension::authority_certificate)
        .unwrap_or_default();
    let access = |method| {
        let names = get(ExtensionKind::AuthorityInformationAccess).map(|found| found.access(method));
        let name = names.unwrap_or_default().into_iter().next()?.to_string();
        Some(Value::from(name.strip_prefix("URI:").unwrap_or(&name)))
    };
    let names = |names: Vec<GeneralName>| Value::list(names.iter().map(|name| name.to_string().into()));
    outcome
        .with("authority_cert_issuer", issuer.map(names))
        .with("authority_cert_serial_number", serial.as_deref().map(decimal))
        .with("ocsp_uri", access("1.3.6.1.5.5.7.48.1"))
        .with("issuer_uri", access("1.3.6.1.5.5.7.48.2"))
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
    const RETURNS: &'static [Returns] = &[KEY];

    fn step(arguments: &KeyArguments, view: &View<'_>) -> Result<Step, Stop> {
        if arguments.return_private_key_data || arguments.passphrase.is_some() {
            return Err(Stop::failed(
                "return_private_key_data and passphrase are not supported",
            ));
        }
        let (path, content) = (arguments.path.as_deref(), arguments.content.as_deref());
        let cannot = |stop: Stop, loaded: bool| match stop {
            Stop::Failed(message) => Stop::FailedWith(Box::new(
                Outcome::new()
                    .with("can_load_key", loaded)
                    .with("can_parse_key", false)
                    .with("key_is_consistent", Value::Null)
                    .failed(message),
            )),
            stop => stop,
        };
        let text = match crypto::required("private key", path, content, view) {
            Err(Stop::Undecided(_)) => return Ok(unknown(KEY, view)),
            text => text.map_err(|stop| cannot(stop, false))?,
        };
        let key = PrivateKey::from_pem(&text).map_err(|error| cannot(failed(error), true))?;
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
