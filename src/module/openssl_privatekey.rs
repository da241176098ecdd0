//! `community.crypto.openssl_privatekey`: a private key in a file.

use super::crypto::{self, Held, Place, Wanted, failed, fingerprints};
use super::returns::{BACKUP, Returns};
use super::{Module, Outcome, Step, Stop, View, WithFile};
use crate::content::Content;
use crate::pki::{KeyFormat, KeyType, PrivateKey};
use crate::value::Value;
use schemars::JsonSchema;
use serde::Deserialize;

/// Makes a private key, once.
pub(super) struct OpensslPrivatekey;

/// When an existing key is replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Regenerate {
    Never,
    Fail,
    PartialIdempotence,
    #[default]
    FullIdempotence,
    Always,
}

/// What becomes of a key that fits in all but its format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mismatch {
    #[default]
    Regenerate,
    Convert,
}

/// The form the key is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Format {
    Pkcs1,
    Pkcs8,
    Raw,
    Auto,
    #[default]
    AutoIgnore,
}

/// Whether something should be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Presence {
    #[default]
    Present,
    Absent,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Own {
    /// The file of the key.
    path: String,
    /// Whether it should be there.
    #[serde(default)]
    state: Presence,
    /// RSA, ECC or Ed25519.
    #[serde(rename = "type", default = "rsa")]
    kind: String,
    /// Bits of an RSA key: 2048, 3072 or 4096.
    #[serde(default = "bits")]
    size: usize,
    /// Curve of an ECC key: secp256r1, secp384r1 or secp521r1.
    curve: Option<String>,
    /// The form the key is written in.
    #[serde(default)]
    format: Format,
    /// What becomes of a key that fits in all but its format.
    #[serde(default)]
    format_mismatch: Mismatch,
    /// When an existing key is replaced.
    #[serde(default)]
    regenerate: Regenerate,
    /// Make a new key in any case.
    #[serde(default)]
    force: bool,
    /// Keep the old file beside the new one.
    #[serde(default)]
    backup: bool,
    /// Give the key in the result.
    #[serde(default)]
    return_content: bool,
    /// A passphrase; encrypted keys are not supported.
    passphrase: Option<String>,
    /// The cipher of an encrypted key; only `auto`.
    cipher: Option<String>,
}

fn rsa() -> String {
    "RSA".into()
}

fn bits() -> usize {
    4096
}

impl Own {
    fn key_type(&self) -> Result<KeyType, Stop> {
        match (self.kind.as_str(), self.curve.as_deref()) {
            ("RSA", _) => Ok(KeyType::Rsa(self.size)),
            ("ECC", Some("secp256r1")) => Ok(KeyType::P256),
            ("ECC", Some("secp384r1")) => Ok(KeyType::P384),
            ("ECC", Some("secp521r1")) => Ok(KeyType::P521),
            ("ECC", None) => Err(Stop::failed(
                "type is ECC but all of the following are missing: curve",
            )),
            ("ECC", Some(curve)) => Err(Stop::failed(format!(
                "the curve {curve} is not supported: use secp256r1, secp384r1 or secp521r1"
            ))),
            ("Ed25519", _) => Ok(KeyType::Ed25519),
            (kind, _) => Err(Stop::failed(format!(
                "keys of type {kind} are not supported: use RSA, ECC or Ed25519"
            ))),
        }
    }

    /// The form to write; `None` where an existing form is left alone.
    fn key_format(&self, kind: KeyType) -> (KeyFormat, bool) {
        let automatic = match kind {
            KeyType::Ed25519 => KeyFormat::Pkcs8,
            _ => KeyFormat::Pkcs1,
        };
        match self.format {
            Format::Pkcs1 => (KeyFormat::Pkcs1, true),
            Format::Pkcs8 => (KeyFormat::Pkcs8, true),
            Format::Raw => (KeyFormat::Raw, true),
            Format::Auto => (automatic, true),
            Format::AutoIgnore => (automatic, false),
        }
    }

    fn made(&self, kind: KeyType) -> Wanted {
        let format = self.key_format(kind).0;
        let what = match kind {
            KeyType::Rsa(size) => format!("an RSA key of {size} bits"),
            other => format!("a {other:?} key"),
        };
        Wanted::Write(Content::made(what, move || {
            let key = PrivateKey::generate(kind)?;
            Ok(key.pem(format)?.into_bytes())
        }))
    }

    fn wanted(&self, view: &View<'_>) -> Result<Wanted, Stop> {
        if self.state == Presence::Absent {
            return Ok(Wanted::Absent);
        }
        let kind = self.key_type()?;
        let Some(text) = crypto::text_of(&self.path, view)? else {
            return Ok(self.made(kind));
        };
        if self.force || self.regenerate == Regenerate::Always {
            return Ok(self.made(kind));
        }
        let key = match PrivateKey::from_pem(&text) {
            Ok(key) => key,
            Err(_) if self.regenerate == Regenerate::FullIdempotence => return Ok(self.made(kind)),
            Err(error) => {
                return Err(Stop::failed(format!(
                    "Unable to read the key. The key is protected with a passphrase or broken: {}. \
                     Will not proceed; `regenerate: full_idempotence` or `force: true` replaces it",
                    error.line()
                )));
            }
        };
        let (format, checked) = self.key_format(kind);
        let wrong = match () {
            () if key.kind() != kind => "type, size or curve",
            () if checked && KeyFormat::of(text.as_bytes()) != format => {
                if self.format_mismatch == Mismatch::Convert {
                    let converted = key.pem(format).map_err(failed)?;
                    return Ok(Wanted::Write(Content::text(converted)));
                }
                "format"
            }
            () => return Ok(Wanted::Keep),
        };
        match self.regenerate {
            Regenerate::Never => Ok(Wanted::Keep),
            Regenerate::Fail => Err(Stop::failed(format!(
                "Key has wrong {wrong}. Will not proceed. To force regeneration, call the module with \
                 `regenerate` set to `partial_idempotence`, `full_idempotence` or `always`, or with `force=true`"
            ))),
            _ => Ok(self.made(kind)),
        }
    }

    fn describe(&self, held: &Held) -> Result<Outcome, Stop> {
        let fingerprint = held.field(|text| {
            let public = PrivateKey::from_pem(text).and_then(|key| key.public_key());
            Ok::<_, Stop>(public.map_or(Value::Null, |public| fingerprints(public.der())))
        })?;
        let mut outcome = Outcome::new()
            .with("filename", self.path.as_str())
            .with("type", self.kind.as_str())
            .with("size", Value::Int(self.size as i64))
            .with("fingerprint", fingerprint);
        if let Some(curve) = self.curve.as_deref().filter(|_| self.kind == "ECC") {
            outcome = outcome.with("curve", curve);
        }
        if self.return_content {
            let secret = |text: &str| Ok::<_, Stop>(Value::Secret(text.into()));
            outcome = outcome.with("privatekey", held.field(secret)?);
        }
        Ok(outcome)
    }
}

impl Module for OpensslPrivatekey {
    const NAMES: &'static [&'static str] = &["community.crypto.openssl_privatekey", "openssl_privatekey"];
    type Arguments = WithFile<Own>;
    const IGNORED: &'static [&'static str] = crypto::IGNORED;
    const RETURNS: &'static [Returns] = &[
        BACKUP,
        &[
            ("filename", "The file of the key."),
            ("type", "The kind of key that was asked for."),
            ("size", "The bits that were asked for, if it is an RSA key."),
            ("curve", "The curve, if it is an ECC key."),
            ("fingerprint", "Digests of the public part, by algorithm."),
            ("privatekey", "The key, with `return_content`."),
        ],
    ];

    fn step(arguments: &WithFile<Own>, view: &View<'_>) -> Result<Step, Stop> {
        let own = &arguments.own;
        if own.passphrase.is_some() || own.cipher.as_deref().is_some_and(|cipher| cipher != "auto") {
            return Err(Stop::failed(
                "passphrase: encrypted keys are not supported; protect the key by its mode",
            ));
        }
        let place = Place::new(&own.path, &arguments.file, view)
            .default_mode(0o600)
            .backup(own.backup);
        place.step(|| own.wanted(view), |held| own.describe(&held), view)
    }
}
