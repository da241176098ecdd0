//! `community.crypto.openssl_csr` and `openssl_csr_pipe`: a certificate request.

use super::crypto::{self, Held, Place, Wanted, failed, from_colons};
use super::openssl_privatekey::Presence;
use super::returns::{BACKUP, Returns};
use super::{Module, Outcome, Step, Stop, View, WithFile};
use crate::content::Content;
use crate::host::Action;
use crate::pki::{
    Digest, Extension, GeneralName, Name, PrivateKey, Request, create_request, request_differences,
};
use crate::value::Value;
use schemars::JsonSchema;
use serde::Deserialize;

/// What is told of a request.
const TOLD: Returns = &[
    ("privatekey", "The file of the key that signs."),
    ("subject", "Pairs of attribute and text."),
    ("subjectAltName", "Alternative names."),
    ("keyUsage", "What the key may be used for."),
    ("extendedKeyUsage", "What the certificate may be used for."),
    ("basicConstraints", "Whether it is an authority."),
    ("ocspMustStaple", "Whether OCSP is to be stapled."),
    ("ocsp_must_staple", "The same by the name that Ansible documents."),
    ("name_constraints_permitted", "Names an authority may issue for."),
    (
        "name_constraints_excluded",
        "Names an authority may not issue for.",
    ),
    ("csr", "The request; in a file with `return_content`."),
];

/// Makes a certificate request in a file.
pub(super) struct OpensslCsr;
/// Makes a certificate request in the result.
pub(super) struct OpensslCsrPipe;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Own {
    /// The file of the request.
    path: Option<String>,
    /// The request that is there (for the pipe).
    content: Option<String>,
    /// Whether the file should be there.
    #[serde(default)]
    state: Presence,
    /// The key that signs, by its file.
    privatekey_path: Option<String>,
    /// The key that signs, itself.
    privatekey_content: Option<String>,
    /// Passphrase of the key; encrypted keys are not supported.
    privatekey_passphrase: Option<String>,
    /// Digest of the signature: sha256, sha384 or sha512.
    #[serde(default = "sha256")]
    digest: String,
    /// Version; only 1.
    #[serde(default = "one")]
    version: i64,
    /// Subject: attribute names and texts, or lists of texts.
    subject: Option<Value>,
    /// Subject in a fixed order: a list of mappings with one attribute each.
    subject_ordered: Option<Vec<Value>>,
    /// Country of the subject.
    #[serde(alias = "C", alias = "countryName")]
    country_name: Option<String>,
    /// State or province of the subject.
    #[serde(alias = "ST", alias = "stateOrProvinceName")]
    state_or_province_name: Option<String>,
    /// Locality of the subject.
    #[serde(alias = "L", alias = "localityName")]
    locality_name: Option<String>,
    /// Organization of the subject.
    #[serde(alias = "O", alias = "organizationName")]
    organization_name: Option<String>,
    /// Unit of the organization.
    #[serde(alias = "OU", alias = "organizationalUnitName")]
    organizational_unit_name: Option<String>,
    /// Common name of the subject.
    #[serde(alias = "CN", alias = "commonName")]
    common_name: Option<String>,
    /// Mail address of the subject.
    #[serde(alias = "E", alias = "emailAddress")]
    email_address: Option<String>,
    /// Alternative names: `DNS:`, `IP:`, `email:`, `URI:`, `RID:`, `dirName:`, `otherName:`.
    #[serde(alias = "subjectAltName")]
    subject_alt_name: Option<Vec<String>>,
    /// Mark the alternative names as critical.
    #[serde(default, alias = "subjectAltName_critical")]
    subject_alt_name_critical: bool,
    /// Take the common name as alternative name if there is none.
    #[serde(default = "yes", alias = "useCommonNameForSAN")]
    use_common_name_for_san: bool,
    /// What the key may be used for.
    #[serde(alias = "keyUsage")]
    key_usage: Option<Vec<String>>,
    /// Mark the key usage as critical.
    #[serde(default, alias = "keyUsage_critical")]
    key_usage_critical: bool,
    /// What the certificate may be used for.
    #[serde(alias = "extKeyUsage", alias = "extendedKeyUsage")]
    extended_key_usage: Option<Vec<String>>,
    /// Mark the extended key usage as critical.
    #[serde(default, alias = "extKeyUsage_critical", alias = "extendedKeyUsage_critical")]
    extended_key_usage_critical: bool,
    /// `CA:TRUE`, `CA:FALSE`, `pathlen:NUMBER`.
    #[serde(alias = "basicConstraints")]
    basic_constraints: Option<Vec<String>>,
    /// Mark the basic constraints as critical.
    #[serde(default, alias = "basicConstraints_critical")]
    basic_constraints_critical: bool,
    /// Ask that OCSP be stapled.
    #[serde(default, alias = "ocspMustStaple")]
    ocsp_must_staple: bool,
    /// Mark the demand for stapling as critical.
    #[serde(default, alias = "ocspMustStaple_critical")]
    ocsp_must_staple_critical: bool,
    /// Names an authority may issue for.
    name_constraints_permitted: Option<Vec<String>>,
    /// Names an authority may not issue for.
    name_constraints_excluded: Option<Vec<String>>,
    /// Mark the name constraints as critical.
    #[serde(default)]
    name_constraints_critical: bool,
    /// Add the usual identifier of the key.
    #[serde(default)]
    create_subject_key_identifier: bool,
    /// Identifier of the key: pairs of hexadecimal digits with colons between.
    subject_key_identifier: Option<String>,
    /// Identifier of the issuer's key.
    authority_key_identifier: Option<String>,
    /// Where lists of revoked certificates are found: mappings with `full_name`.
    crl_distribution_points: Option<Vec<Value>>,
    /// Make the request anew in any case.
    #[serde(default)]
    force: bool,
    /// Keep the old file beside the new one.
    #[serde(default)]
    backup: bool,
    /// Give the request in the result.
    #[serde(default)]
    return_content: bool,
}

fn yes() -> bool {
    true
}

fn one() -> i64 {
    1
}

fn sha256() -> String {
    "sha256".into()
}

fn general_names(texts: &[String]) -> Result<Vec<GeneralName>, Stop> {
    texts
        .iter()
        .map(|text| GeneralName::parse(text).map_err(failed))
        .collect()
}

/// A list that was given and is not empty.
fn some<T>(list: &Option<Vec<T>>) -> Option<&[T]> {
    list.as_deref().filter(|list| !list.is_empty())
}

/// Attributes out of a mapping of names to texts or lists of texts.
fn attributes(value: &Value, into: &mut Vec<(String, String)>) -> Result<(), Stop> {
    let wrong = || Stop::failed("subject: a mapping of attribute names to texts or lists of texts is wanted");
    for (name, value) in value.as_map().ok_or_else(wrong)? {
        let single = std::slice::from_ref(value);
        for text in value.as_list().unwrap_or(single) {
            match text {
                Value::Unknown(unknown) => return Err(Stop::Undecided(unknown.clone())),
                Value::List(_) | Value::Map(_) => return Err(wrong()),
                text => into.push((
                    name.to_string(),
                    text.as_str()
                        .map_or_else(|| crate::value::repr(text), str::to_string),
                )),
            }
        }
    }
    Ok(())
}

impl Own {
    /// The subject as it was given, under the names that were used.
    fn subject_attributes(&self) -> Result<Vec<(String, String)>, Stop> {
        let mut all = vec![];
        if let Some(ordered) = &self.subject_ordered {
            for entry in ordered {
                attributes(entry, &mut all)?;
            }
            return Ok(all);
        }
        let single = [
            ("C", &self.country_name),
            ("ST", &self.state_or_province_name),
            ("L", &self.locality_name),
            ("O", &self.organization_name),
            ("OU", &self.organizational_unit_name),
            ("CN", &self.common_name),
            ("emailAddress", &self.email_address),
        ];
        for (name, text) in single {
            all.extend(text.clone().map(|text| (name.to_string(), text)));
        }
        if let Some(subject) = self.subject.as_ref().filter(|subject| !subject.is_null()) {
            attributes(subject, &mut all)?;
        }
        all.retain(|attribute| !attribute.1.is_empty());
        Ok(all)
    }

    fn alternative_names(&self, subject: &Name) -> Vec<String> {
        match some(&self.subject_alt_name) {
            Some(names) => names.to_vec(),
            None if self.use_common_name_for_san => subject
                .get("CN")
                .map(|name| format!("DNS:{name}"))
                .into_iter()
                .collect(),
            None => vec![],
        }
    }

    fn extensions(&self, subject: &Name, key: &PrivateKey) -> Result<Vec<Extension>, Stop> {
        let mut all = vec![];
        let names = general_names(&self.alternative_names(subject))?;
        if !names.is_empty() {
            all.push(Extension::subject_alternative_name(
                &names,
                self.subject_alt_name_critical,
            ));
        }
        if let Some(usages) = some(&self.key_usage) {
            all.push(Extension::key_usage(usages, self.key_usage_critical));
        }
        if let Some(usages) = some(&self.extended_key_usage) {
            all.push(Extension::extended_key_usage(
                usages,
                self.extended_key_usage_critical,
            ));
        }
        if let Some(words) = some(&self.basic_constraints) {
            all.push(Extension::basic_constraints(
                words,
                self.basic_constraints_critical,
            ));
        }
        if self.ocsp_must_staple {
            all.push(Ok(Extension::ocsp_must_staple(self.ocsp_must_staple_critical)));
        }
        if self.create_subject_key_identifier {
            let public = key.public_key().map_err(failed)?;
            all.push(Ok(Extension::subject_key_identifier(&public.identifier())));
        } else if let Some(identifier) = &self.subject_key_identifier {
            all.push(Ok(Extension::subject_key_identifier(&from_colons(identifier)?)));
        }
        let lists = [&self.name_constraints_permitted, &self.name_constraints_excluded];
        if lists.iter().any(|list| some(list).is_some()) {
            let [permitted, excluded] = lists.map(|list| general_names(list.as_deref().unwrap_or_default()));
            all.push(Extension::name_constraints(
                &permitted?,
                &excluded?,
                self.name_constraints_critical,
            ));
        }
        if let Some(identifier) = &self.authority_key_identifier {
            all.push(Ok(Extension::authority_key_identifier(&from_colons(identifier)?)));
        }
        if let Some(points) = some(&self.crl_distribution_points) {
            all.push(Extension::crl_distribution_points(&distribution_points(points)?));
        }
        all.into_iter()
            .map(|extension| extension.map_err(failed))
            .collect()
    }

    /// The request that is wanted, unless `existing` already is it.
    fn wanted(&self, existing: Option<&str>, view: &View<'_>) -> Result<Option<Content>, Stop> {
        if self.version != 1 {
            return Err(Stop::failed(
                "version: the only version of certificate requests is 1",
            ));
        }
        if self.privatekey_passphrase.is_some() {
            return Err(Stop::failed(
                "privatekey_passphrase: encrypted keys are not supported",
            ));
        }
        let (path, content) = (
            self.privatekey_path.as_deref(),
            self.privatekey_content.as_deref(),
        );
        let key_text = match crypto::required("private key", path, content, view) {
            // The key itself would only be made when this is applied.
            Err(Stop::Undecided(unknown)) if existing.is_none() || self.force => {
                return Ok(Some(Content::Unknown(unknown)));
            }
            text => text?,
        };
        let key = PrivateKey::from_pem(&key_text).map_err(failed)?;
        let subject = Name::new(self.subject_attributes()?).map_err(failed)?;
        let extensions = self.extensions(&subject, &key)?;
        let digest = Digest::named(&self.digest).map_err(failed)?;
        if let Some(Ok(existing)) = existing.filter(|_| !self.force).map(Request::from_pem) {
            let public = key.public_key().map_err(failed)?;
            let ordered = self.subject_ordered.is_some();
            if request_differences(&existing, &subject, ordered, &extensions, &public).is_empty() {
                return Ok(None);
            }
        }
        Ok(Some(Content::made("a certificate request", move || {
            let key = PrivateKey::from_pem(&key_text)?;
            Ok(create_request(&subject, &extensions, &key, digest)?.into_bytes())
        })))
    }

    fn describe(&self) -> Result<Outcome, Stop> {
        let list = |list: &Option<Vec<String>>| match some(list) {
            Some(list) => Value::list(list.iter().map(Value::string)),
            None => Value::Null,
        };
        let all = |list: &Option<Vec<String>>| Value::list(list.iter().flatten().map(Value::string));
        let attributes = self.subject_attributes()?;
        let subject = Name::new(attributes.clone()).map_err(failed)?;
        let names = self.alternative_names(&subject);
        let attributes = attributes
            .into_iter()
            .map(|(name, text)| Value::list([name.into(), text.into()]));
        Ok(Outcome::new()
            .with("privatekey", self.privatekey_path.as_deref().map(Value::string))
            .with("subject", Value::list(attributes))
            .with("subjectAltName", list(&Some(names)))
            .with("keyUsage", list(&self.key_usage))
            .with("extendedKeyUsage", list(&self.extended_key_usage))
            .with("basicConstraints", list(&self.basic_constraints))
            .with("ocspMustStaple", self.ocsp_must_staple)
            .with("ocsp_must_staple", self.ocsp_must_staple)
            .with(
                "name_constraints_permitted",
                all(&self.name_constraints_permitted),
            )
            .with("name_constraints_excluded", all(&self.name_constraints_excluded)))
    }
}

fn distribution_points(points: &[Value]) -> Result<Vec<Vec<GeneralName>>, Stop> {
    let read = |point: &Value| {
        let names = point.get("full_name").and_then(Value::as_list).ok_or_else(|| {
            Stop::failed("crl_distribution_points: only points with a list `full_name` are supported")
        })?;
        let names: Vec<String> = names
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_string)
            .collect();
        general_names(&names)
    };
    points.iter().map(read).collect()
}

impl Module for OpensslCsr {
    const NAMES: &'static [&'static str] = &["community.crypto.openssl_csr", "openssl_csr"];
    type Arguments = WithFile<Own>;
    const IGNORED: &'static [&'static str] = crypto::IGNORED;
    const RETURNS: &'static [Returns] = &[BACKUP, TOLD, &[("filename", "The file of the request.")]];

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
            let outcome = own.describe()?.with("filename", path);
            Ok(match own.return_content {
                true => outcome.with("csr", held.field(|text| Ok::<_, Stop>(text.into()))?),
                false => outcome,
            })
        };
        place.step(wanted, describe, view)
    }
}

impl Module for OpensslCsrPipe {
    const NAMES: &'static [&'static str] = &["community.crypto.openssl_csr_pipe", "openssl_csr_pipe"];
    type Arguments = Own;
    const IGNORED: &'static [&'static str] = crypto::IGNORED;
    const RETURNS: &'static [Returns] = &[TOLD];

    fn step(own: &Own, view: &View<'_>) -> Result<Step, Stop> {
        pipe(
            "csr",
            own.content.as_deref(),
            || own.wanted(own.content.as_deref(), view),
            |_| own.describe(),
            view,
        )
    }
}

/// A module whose product stands in the result: what is made anew passes through an action, so that in check
/// mode nobody takes it for what applying will make.
pub(super) fn pipe(
    field: &str,
    existing: Option<&str>,
    wanted: impl FnOnce() -> Result<Option<Content>, Stop>,
    describe: impl FnOnce(&Held) -> Result<Outcome, Stop>,
    view: &View<'_>,
) -> Result<Step, Stop> {
    let told = |held: Held| -> Result<Outcome, Stop> {
        let text = held.field(|text| Ok::<_, Stop>(text.into()))?;
        Ok(describe(&held)?.with(field, text))
    };
    if let Some(performed) = view.performed().first() {
        let made = performed.output.text();
        let held = match performed.unknown {
            true => Held::Unknown(view.unknown()),
            false => Held::Text(&made),
        };
        return Ok(Step::done(told(held)?.changed(true)));
    }
    let Some(content) = wanted()? else {
        return Ok(Step::done(told(Held::Text(existing.unwrap_or_default()))?));
    };
    let text = match content {
        Content::Made(recipe) => String::from_utf8_lossy(&recipe.make().map_err(failed)?).into_owned(),
        Content::Unknown(unknown) => return Err(Stop::Undecided(unknown)),
        Content::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Content::LocalFile { .. } => String::new(),
    };
    Ok(Step::Act(vec![Action::Script {
        script: format!("printf %s {}", crate::host::quote(&text)),
        explain: format!("# the {field} is made"),
        effects: vec![],
    }]))
}
