//! `community.crypto.x509_certificate` and `x509_certificate_pipe`: a certificate, signed by itself or by an own
//! authority.

use super::crypto::{self, Held, Place, Wanted, failed};
use super::openssl_csr::pipe;
use super::openssl_privatekey::Presence;
use super::returns::{BACKUP, Returns};
use super::{Module, Outcome, Step, Stop, View, WithFile};
use crate::content::Content;
use crate::pki::{
    Authority, Certificate, Digest, Issuance, KeyIdentifier, Name, PrivateKey, Request,
    certificate_differences, create_request, issue, parse_time,
};
use crate::value::Value;
use schemars::JsonSchema;
use serde::Deserialize;
use time::OffsetDateTime;

/// What is told of a certificate.
const TOLD: Returns = &[
    ("certificate", "The certificate; in a file with `return_content`."),
    ("notBefore", "From when it is good, as ASN.1 writes it."),
    ("notAfter", "Until when it is good."),
    (
        "serial_number",
        "Its number; decimal digits if it is longer than 63 bits.",
    ),
    ("csr", "The file of the request."),
    ("privatekey", "The file of the subject's key."),
    (
        "ca_cert",
        "The file of the authority's certificate, with `provider: ownca`.",
    ),
    (
        "ca_privatekey",
        "The file of the authority's key, with `provider: ownca`.",
    ),
];

/// Makes a certificate in a file.
pub(super) struct X509Certificate;
/// Makes a certificate in the result.
pub(super) struct X509CertificatePipe;

/// Who signs.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Provider {
    Selfsigned,
    Ownca,
}

/// When a certificate gets an identifier of its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Identify {
    #[default]
    CreateIfNotProvided,
    AlwaysCreate,
    NeverCreate,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Own {
    /// The file of the certificate.
    path: Option<String>,
    /// The certificate that is there (for the pipe).
    content: Option<String>,
    /// Whether the file should be there.
    #[serde(default)]
    state: Presence,
    /// Who signs: the subject itself, or an own authority.
    provider: Option<Provider>,
    /// The request, by its file.
    csr_path: Option<String>,
    /// The request itself.
    csr_content: Option<String>,
    /// The subject's key, by its file.
    privatekey_path: Option<String>,
    /// The subject's key itself.
    privatekey_content: Option<String>,
    /// Passphrase of the key; encrypted keys are not supported.
    privatekey_passphrase: Option<String>,
    /// Leave the times out of the comparison with what is there.
    #[serde(default = "yes")]
    ignore_timestamps: bool,
    /// Digest of a self-made signature.
    #[serde(default = "sha256")]
    selfsigned_digest: String,
    /// From when a self-signed certificate is good.
    #[serde(default = "now", alias = "selfsigned_notBefore")]
    selfsigned_not_before: String,
    /// Until when a self-signed certificate is good.
    #[serde(default = "ten_years", alias = "selfsigned_notAfter")]
    selfsigned_not_after: String,
    /// Version of a self-signed certificate; only 3.
    #[serde(default = "three")]
    selfsigned_version: i64,
    /// When a self-signed certificate gets an identifier of its key.
    #[serde(default)]
    selfsigned_create_subject_key_identifier: Identify,
    /// The authority's certificate, by its file.
    ownca_path: Option<String>,
    /// The authority's certificate itself.
    ownca_content: Option<String>,
    /// The authority's key, by its file.
    ownca_privatekey_path: Option<String>,
    /// The authority's key itself.
    ownca_privatekey_content: Option<String>,
    /// Passphrase of the authority's key; encrypted keys are not supported.
    ownca_privatekey_passphrase: Option<String>,
    /// Digest of the authority's signature.
    #[serde(default = "sha256")]
    ownca_digest: String,
    /// From when the certificate is good.
    #[serde(default = "now")]
    ownca_not_before: String,
    /// Until when the certificate is good.
    #[serde(default = "ten_years")]
    ownca_not_after: String,
    /// Version of the certificate; only 3.
    #[serde(default = "three")]
    ownca_version: i64,
    /// When the certificate gets an identifier of its key.
    #[serde(default)]
    ownca_create_subject_key_identifier: Identify,
    /// Name the authority's key in the certificate.
    #[serde(default = "yes")]
    ownca_create_authority_key_identifier: bool,
    /// Make the certificate anew in any case.
    #[serde(default)]
    force: bool,
    /// Keep the old file beside the new one.
    #[serde(default)]
    backup: bool,
    /// Give the certificate in the result.
    #[serde(default)]
    return_content: bool,
}

fn yes() -> bool {
    true
}

fn three() -> i64 {
    3
}

fn sha256() -> String {
    "sha256".into()
}

fn now() -> String {
    "+0s".into()
}

fn ten_years() -> String {
    "+3650d".into()
}

/// Everything a certificate is made of, as texts, so that it can be made later.
#[derive(Clone)]
struct Ingredients {
    request: String,
    key: String,
    authority: Option<String>,
    identify: bool,
    digest: Digest,
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
    key_identifier: KeyIdentifier,
    serial: [u8; 20],
}

impl Ingredients {
    fn with<T>(
        &self,
        then: impl FnOnce(&Issuance<'_>) -> crate::error::Result<T>,
    ) -> crate::error::Result<T> {
        let request = Request::from_pem(&self.request)?;
        let key = PrivateKey::from_pem(&self.key)?;
        let certificate = self.authority.as_deref().map(Certificate::from_pem).transpose()?;
        let authority = match &certificate {
            Some(certificate) => Authority::Own {
                certificate,
                identify: self.identify,
            },
            None => Authority::Itself,
        };
        then(&Issuance {
            request: &request,
            authority,
            key: &key,
            digest: self.digest,
            not_before: self.not_before,
            not_after: self.not_after,
            serial: self.serial,
            key_identifier: self.key_identifier,
        })
    }
}

impl Own {
    fn check(&self) -> Result<Provider, Stop> {
        if self.privatekey_passphrase.is_some() || self.ownca_privatekey_passphrase.is_some() {
            return Err(Stop::failed("passphrases: encrypted keys are not supported"));
        }
        if self.selfsigned_version != 3 || self.ownca_version != 3 {
            return Err(Stop::failed("certificates have version 3"));
        }
        self.provider
            .ok_or_else(|| Stop::failed("state is present but all of the following are missing: provider"))
    }

    /// Reads everything at once; texts that would only be made when this is applied are unknown.
    fn ingredients(&self, view: &View<'_>) -> Result<Ingredients, Stop> {
        let provider = self.check()?;
        for path in [
            &self.csr_path,
            &self.privatekey_path,
            &self.ownca_path,
            &self.ownca_privatekey_path,
        ]
        .into_iter()
        .flatten()
        {
            let _ = crypto::text_of(path, view);
        }
        let read = |what, path: &Option<String>, content: &Option<String>| {
            crypto::required(what, path.as_deref(), content.as_deref(), view)
        };
        let own = provider == Provider::Selfsigned;
        let (key, authority) = if own {
            let key = read("private key", &self.privatekey_path, &self.privatekey_content)?;
            (key, None)
        } else {
            let certificate = read("CA certificate", &self.ownca_path, &self.ownca_content)?;
            let key = read(
                "CA private key",
                &self.ownca_privatekey_path,
                &self.ownca_privatekey_content,
            )?;
            (key, Some(certificate))
        };
        let request = match (&self.csr_path, &self.csr_content) {
            // Without a request a key signs itself, without a subject.
            (None, None) if own => {
                let key = PrivateKey::from_pem(&key).map_err(failed)?;
                create_request(&Name::default(), &[], &key, Digest::Sha256).map_err(failed)?
            }
            _ => read("certificate signing request", &self.csr_path, &self.csr_content)?,
        };
        let (digest, from, until, identify) = match own {
            true => (
                &self.selfsigned_digest,
                &self.selfsigned_not_before,
                &self.selfsigned_not_after,
                self.selfsigned_create_subject_key_identifier,
            ),
            false => (
                &self.ownca_digest,
                &self.ownca_not_before,
                &self.ownca_not_after,
                self.ownca_create_subject_key_identifier,
            ),
        };
        let now = OffsetDateTime::from_unix_timestamp(view.control_node().now())
            .map_err(|cause| Stop::failed(cause.to_string()))?;
        let mut serial = [0; 20];
        serial.copy_from_slice(&view.control_node().random()[..20]);
        Ok(Ingredients {
            request,
            key,
            authority,
            identify: self.ownca_create_authority_key_identifier,
            digest: Digest::named(digest).map_err(failed)?,
            not_before: parse_time(from, now).map_err(failed)?,
            not_after: parse_time(until, now).map_err(failed)?,
            key_identifier: match identify {
                Identify::CreateIfNotProvided => KeyIdentifier::IfNotProvided,
                Identify::AlwaysCreate => KeyIdentifier::Always,
                Identify::NeverCreate => KeyIdentifier::Never,
            },
            serial,
        })
    }

    /// The certificate that is wanted, unless `existing` already is it.
    fn wanted(&self, existing: Option<&str>, view: &View<'_>) -> Result<Option<Content>, Stop> {
        let ingredients = match self.ingredients(view) {
            Err(Stop::Undecided(unknown)) if existing.is_none() || self.force => {
                return Ok(Some(Content::Unknown(unknown)));
            }
            ingredients => ingredients?,
        };
        if let Some(Ok(existing)) = existing.filter(|_| !self.force).map(Certificate::from_pem) {
            let fits = ingredients
                .with(|wanted| Ok(certificate_differences(&existing, wanted).is_empty()))
                .map_err(failed)?;
            let times = self.ignore_timestamps
                || (existing.not_before == ingredients.not_before
                    && existing.not_after == ingredients.not_after);
            if fits && times {
                return Ok(None);
            }
        }
        Ok(Some(Content::made("a certificate", move || {
            Ok(ingredients.with(issue)?.into_bytes())
        })))
    }

    fn describe(&self, held: &Held) -> Result<Outcome, Stop> {
        let path = |path: &Option<String>| path.as_deref().map(Value::string);
        let outcome = Outcome::new()
            .with("privatekey", path(&self.privatekey_path))
            .with("csr", path(&self.csr_path));
        let outcome = match self.provider {
            Some(Provider::Ownca) => outcome
                .with("ca_cert", path(&self.ownca_path))
                .with("ca_privatekey", path(&self.ownca_privatekey_path)),
            _ => outcome,
        };
        let fields = ["notBefore", "notAfter", "serial_number"];
        Ok(match held {
            Held::Text(text) => match Certificate::from_pem(text) {
                Err(_) => outcome,
                Ok(certificate) => outcome
                    .with("notBefore", crate::pki::asn1_time(certificate.not_before))
                    .with("notAfter", crate::pki::asn1_time(certificate.not_after))
                    .with("serial_number", crypto::decimal(&certificate.serial)),
            },
            Held::Nothing => outcome,
            Held::Unknown(unknown) => fields
                .iter()
                .fold(outcome, |outcome, name| outcome.with(name, unknown.clone())),
        })
    }
}

impl Module for X509Certificate {
    const NAMES: &'static [&'static str] = &["community.crypto.x509_certificate", "x509_certificate"];
    type Arguments = WithFile<Own>;
    const IGNORED: &'static [&'static str] = crypto::IGNORED;
    const RETURNS: &'static [Returns] = &[BACKUP, TOLD, &[("filename", "The file of the certificate.")]];

    fn step(arguments: &WithFile<Own>, view: &View<'_>) -> Result<Step, Stop> {
        let own = &arguments.own;
        let Some(path) = own.path.as_deref() else {
            return Err(Stop::failed("missing required argument `path`"));
        };
        let place = Place::new(path, &arguments.file, view)
            .default_mode(0o644)
            .backup(own.backup);
        let wanted = || {
            if own.state == Presence::Absent {
                return Ok(Wanted::Absent);
            }
            crypto::renewed(path, |existing| own.wanted(existing, view), view)
        };
        let describe = |held: Held| {
            let outcome = own.describe(&held)?.with("filename", path);
            Ok(match own.return_content {
                true => outcome.with("certificate", held.field(|text| Ok::<_, Stop>(text.into()))?),
                false => outcome,
            })
        };
        place.step(wanted, describe, view)
    }
}

impl Module for X509CertificatePipe {
    const NAMES: &'static [&'static str] =
        &["community.crypto.x509_certificate_pipe", "x509_certificate_pipe"];
    type Arguments = Own;
    const IGNORED: &'static [&'static str] = crypto::IGNORED;
    const RETURNS: &'static [Returns] = &[TOLD];

    fn step(own: &Own, view: &View<'_>) -> Result<Step, Stop> {
        let existing = own.content.as_deref();
        pipe(
            "certificate",
            existing,
            || own.wanted(existing, view),
            |held| own.describe(held),
            view,
        )
    }
}
