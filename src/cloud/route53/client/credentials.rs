//! Where the key of Amazon's services comes from: arguments, the environment, the file of credentials.

use super::SERVICE;
use super::signature::Key;
use crate::cloud::client::access::{Environment, first_set};
use crate::cloud::client::http::secret::Secret;
use crate::cloud::client::http::tls::Trust;
use crate::error::{Error, Result};
use crate::host::DnsAccess;
use std::path::PathBuf;

/// The variables that hold the key.
pub const KEY_VARIABLES: &[&str] = &["AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "EC2_ACCESS_KEY"];
/// The variables that hold the key's secret.
pub const SECRET_VARIABLES: &[&str] = &["AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "EC2_SECRET_KEY"];
/// The variables that hold the token of a session.
pub const TOKEN_VARIABLES: &[&str] = &["AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "EC2_SECURITY_TOKEN"];
/// The variables that name the section of the file of credentials.
pub const PROFILE_VARIABLES: &[&str] = &["AWS_PROFILE", "AWS_DEFAULT_PROFILE"];

/// The key: out of `access`; else, unless a profile is named there, out of the environment; else out of the file.
///
/// # Errors
/// When there is none, or half of one.
pub fn find(access: &DnsAccess, environment: Environment<'_>) -> Result<Key> {
    let made = |key: &str, secret: &str, token: Option<&str>| Key {
        key: Secret::new(key),
        secret: Secret::new(secret),
        session_token: token.map(Secret::new),
        region: "us-east-1".into(),
        service: "route53".into(),
    };
    if let (Some(key), Some(secret)) = (&access.key, &access.secret) {
        let token = access.session_token.as_ref().map(|token| token.0.as_str());
        return Ok(made(key, &secret.0, token));
    }
    if access.key.is_some() != access.secret.is_some() {
        return Err(
            Error::new("half of a key of Route 53 is given").help("give both access_key and secret_key")
        );
    }
    let named = access.profile.clone();
    if named.is_none() {
        let key = first_set(environment, KEY_VARIABLES);
        let secret = first_set(environment, SECRET_VARIABLES);
        if let (Some(key), Some(secret)) = (key, secret) {
            let token = first_set(environment, TOKEN_VARIABLES);
            return Ok(made(&key, &secret, token.as_deref()));
        }
    }
    let profile = named
        .or_else(|| first_set(environment, PROFILE_VARIABLES))
        .unwrap_or_else(|| "default".into());
    let path = file(environment);
    let text = path.as_ref().and_then(|path| std::fs::read_to_string(path).ok());
    let section = section(&text.unwrap_or_default(), &profile);
    let value = |name: &str| {
        section
            .iter()
            .find(|pair| pair.0 == name)
            .map(|pair| pair.1.as_str())
    };
    match (value("aws_access_key_id"), value("aws_secret_access_key")) {
        (Some(key), Some(secret)) => Ok(made(key, secret, value("aws_session_token"))),
        _ => Err(missing(&profile, path)),
    }
}

fn missing(profile: &str, path: Option<PathBuf>) -> Error {
    let mut error = Error::new(format!("no key of {} is given", SERVICE.name));
    if let Some(path) = path {
        error = error.cause(format!("{} has no key for [{profile}]", path.display()));
    }
    error.help(format!(
        "set {} and {} in the environment, or name a profile of the file of credentials",
        KEY_VARIABLES[0], SECRET_VARIABLES[0]
    ))
}

/// The file of credentials.
fn file(environment: Environment<'_>) -> Option<PathBuf> {
    environment("AWS_SHARED_CREDENTIALS_FILE")
        .map(PathBuf::from)
        .or_else(|| environment("HOME").map(|home| PathBuf::from(home).join(".aws/credentials")))
}

/// The pairs below `[name]`.
fn section(text: &str, name: &str) -> Vec<(String, String)> {
    let mut inside = false;
    let mut found = vec![];
    for line in text.lines().map(str::trim) {
        if let Some(title) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            inside = title.trim() == name;
        } else if let Some((key, value)) = line
            .split_once('=')
            .filter(|_| inside && !line.starts_with(['#', ';']))
        {
            found.push((key.trim().to_ascii_lowercase(), value.trim().to_string()));
        }
    }
    found
}

/// How the certificate of the service is checked.
pub fn trust(access: &DnsAccess, environment: Environment<'_>) -> Trust {
    if access.unchecked {
        return Trust::Anything;
    }
    let authorities = access
        .authorities
        .clone()
        .or_else(|| first_set(environment, &["AWS_CA_BUNDLE"]));
    authorities.map_or(Trust::System, |path| Trust::Authority(path.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Hidden;

    fn read(access: &DnsAccess, environment: &[(&str, &str)]) -> Result<(String, String, bool)> {
        let environment = |name: &str| {
            let found = environment.iter().find(|pair| pair.0 == name);
            found.map(|pair| pair.1.to_string())
        };
        find(access, &environment).map(|key| {
            let session = key.session_token.is_some();
            (key.key.reveal().into(), key.secret.reveal().into(), session)
        })
    }

    #[test]
    fn arguments_come_before_the_environment_before_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials");
        let text = "[default]\naws_access_key_id = F\naws_secret_access_key = f\n\
            # aws_session_token = no\n[other]\naws_access_key_id=O\naws_secret_access_key=o\naws_session_token=t\n";
        std::fs::write(&path, text).unwrap();
        let file = ("AWS_SHARED_CREDENTIALS_FILE", path.to_str().unwrap());
        let own = [file, ("AWS_ACCESS_KEY", "E"), ("AWS_SECRET_ACCESS_KEY", "e")];
        let given = DnsAccess {
            key: Some("A".into()),
            secret: Some(Hidden("a".into())),
            ..DnsAccess::default()
        };
        let other = DnsAccess {
            profile: Some("other".into()),
            ..DnsAccess::default()
        };
        let nothing = DnsAccess::default();
        assert_eq!(read(&given, &own).unwrap(), ("A".into(), "a".into(), false));
        assert_eq!(read(&nothing, &own).unwrap(), ("E".into(), "e".into(), false));
        assert_eq!(read(&nothing, &[file]).unwrap(), ("F".into(), "f".into(), false));
        assert_eq!(read(&other, &own).unwrap(), ("O".into(), "o".into(), true));
        assert_eq!(read(&nothing, &[file, ("AWS_PROFILE", "other")]).unwrap().0, "O");
        let told = read(&nothing, &[]).unwrap_err().to_string();
        assert!(
            told.contains("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
            "{told}"
        );
        let half = DnsAccess {
            key: Some("A".into()),
            ..DnsAccess::default()
        };
        assert!(
            read(&half, &own)
                .unwrap_err()
                .to_string()
                .contains("half of a key")
        );
    }
}
