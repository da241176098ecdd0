//! `community.crypto.openssl_publickey`: the public part of a key in a file.

use super::crypto::{self, Held, Place, Wanted, failed, fingerprints};
use super::openssl_privatekey::Presence;
use super::returns::{BACKUP, Returns};
use super::{Module, Outcome, Step, Stop, View, WithFile};
use crate::content::Content;
use crate::pki::{PrivateKey, PublicKey};
use crate::value::Value;
use schemars::JsonSchema;
use serde::Deserialize;

/// Writes the public part of a private key.
pub(super) struct OpensslPublickey;

/// The form the key is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
pub(super) enum Format {
    #[default]
    #[serde(rename = "PEM")]
    Pem,
    #[serde(rename = "OpenSSH")]
    OpenSsh,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Own {
    /// The file of the public key.
    path: String,
    /// Whether it should be there.
    #[serde(default)]
    state: Presence,
    /// The private key, by its file.
    privatekey_path: Option<String>,
    /// The private key itself.
    privatekey_content: Option<String>,
    /// Passphrase of the private key; encrypted keys are not supported.
    privatekey_passphrase: Option<String>,
    /// The form the key is written in.
    #[serde(default)]
    format: Format,
    /// Write it in any case.
    #[serde(default)]
    force: bool,
    /// Keep the old file beside the new one.
    #[serde(default)]
    backup: bool,
    /// Give the key in the result.
    #[serde(default)]
    return_content: bool,
}

impl Own {
    fn key(&self, view: &View<'_>) -> Result<PublicKey, Stop> {
        let (path, content) = (
            self.privatekey_path.as_deref(),
            self.privatekey_content.as_deref(),
        );
        let text = crypto::required("private key", path, content, view)?;
        PrivateKey::from_pem(&text)
            .and_then(|key| key.public_key())
            .map_err(failed)
    }

    fn wanted(&self, view: &View<'_>) -> Result<Wanted, Stop> {
        if self.state == Presence::Absent {
            return Ok(Wanted::Absent);
        }
        if self.privatekey_passphrase.is_some() {
            return Err(Stop::failed(
                "privatekey_passphrase: encrypted keys are not supported",
            ));
        }
        let existing = crypto::text_of(&self.path, view)?;
        let key = match self.key(view) {
            Err(Stop::Undecided(unknown)) if existing.is_none() => {
                return Ok(Wanted::Write(Content::Unknown(unknown)));
            }
            key => key?,
        };
        let text = match self.format {
            Format::Pem => key.pem(),
            Format::OpenSsh => {
                let text = key.openssh().ok_or_else(|| {
                    Stop::failed("a key of this type cannot be written as OpenSSH: use RSA, ECC or Ed25519")
                })?;
                text.trim_end().to_string()
            }
        };
        let same = existing.is_some_and(|existing| match self.format {
            Format::Pem => PublicKey::from_pem(&existing).is_ok_and(|existing| existing == key),
            // A comment may stand behind the key.
            Format::OpenSsh => existing.split_whitespace().take(2).eq(text.split_whitespace()),
        });
        Ok(match same && !self.force {
            true => Wanted::Keep,
            false => Wanted::Write(Content::text(text)),
        })
    }

    fn describe(&self, held: &Held, view: &View<'_>) -> Result<Outcome, Stop> {
        let format = match self.format {
            Format::Pem => "PEM",
            Format::OpenSsh => "OpenSSH",
        };
        let mut outcome = Outcome::new()
            .with("privatekey", self.privatekey_path.as_deref().map(Value::string))
            .with("filename", self.path.as_str())
            .with("format", format)
            .with(
                "fingerprint",
                match held {
                    Held::Nothing => Value::map::<&str>([]),
                    held => held.field(|_| Ok::<_, Stop>(fingerprints(self.key(view)?.der())))?,
                },
            );
        if self.return_content {
            outcome = outcome.with("publickey", held.field(|text| Ok::<_, Stop>(text.into()))?);
        }
        Ok(outcome)
    }
}

impl Module for OpensslPublickey {
    const NAMES: &'static [&'static str] = &["community.crypto.openssl_publickey", "openssl_publickey"];
    type Arguments = WithFile<Own>;
    const IGNORED: &'static [&'static str] = crypto::IGNORED;
    const RETURNS: &'static [Returns] = &[
        BACKUP,
        &[
            ("filename", "The file of the public key."),
            ("privatekey", "The file of the private key."),
            ("format", "`PEM` or `OpenSSH`."),
            ("fingerprint", "Digests of the key, by algorithm."),
            ("publickey", "The key, with `return_content`."),
        ],
    ];

    fn step(arguments: &WithFile<Own>, view: &View<'_>) -> Result<Step, Stop> {
        let own = &arguments.own;
        let place = Place::new(&own.path, &arguments.file, view)
            .default_mode(0o644)
            .backup(own.backup);
        place.step(|| own.wanted(view), |held| own.describe(&held, view), view)
    }
}
