//! Proxmox VE: the API of a cluster of nodes, below `/api2/json`.

pub mod firewall;
pub mod guests;
pub mod task;
pub mod types;

use crate::cloud::client::access::{Environment, first_set, secret};
use crate::cloud::client::http::failure::Failure;
use crate::cloud::client::http::request::{Call, Prepared};
use crate::cloud::client::http::secret::Secret;
use crate::cloud::client::http::service::Service;
use crate::cloud::client::http::tls::Trust;
use crate::cloud::client::http::{Authorize, Client, ClientOptions, parse};
use crate::error::{Error, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::PathBuf;
use std::time::SystemTime;

/// The variables that hold the base address.
pub const ADDRESS_VARIABLES: &[&str] = &["PROXMOX_URL", "PROXMOX_VE_ENDPOINT", "PM_API_URL"];
/// The variables that hold the user, as `root@pam`.
pub const USER_VARIABLES: &[&str] = &["PROXMOX_USER", "PROXMOX_VE_USERNAME"];
/// The variables that hold the name of the token, alone or as `USER@REALM!NAME`.
pub const TOKEN_VARIABLES: &[&str] = &["PROXMOX_TOKEN_ID", "PM_API_TOKEN_ID"];
/// The variables that hold the token's secret.
pub const SECRET_VARIABLES: &[&str] = &["PROXMOX_TOKEN_SECRET", "PM_API_TOKEN_SECRET"];
/// The variables that hold the fingerprint of the certificate.
pub const FINGERPRINT_VARIABLES: &[&str] = &["PROXMOX_FINGERPRINT"];
/// The variables that name a file of authorities.
pub const AUTHORITY_VARIABLES: &[&str] = &["PROXMOX_CA_FILE"];

/// The service, in words.
pub const SERVICE: Service = Service {
    name: "Proxmox",
    token_variables: &["PROXMOX_TOKEN_ID", "PROXMOX_TOKEN_SECRET"],
    address_variables: ADDRESS_VARIABLES,
    rights: "give the token itself the rights (a token with separated privileges starts with none): \
             VM.Audit for reading; VM.Allocate, VM.Clone, VM.Config.*, VM.PowerMgmt, Datastore.AllocateSpace, SDN.Use for making",
};

/// How to reach the API.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The address, as `https://pve.example:8006`, if it is not in the environment.
    pub url: Option<String>,
    /// The user, as `root@pam`.
    pub user: Option<String>,
    /// The name of the token, alone or with the user before a `!`.
    pub token_id: Option<String>,
    /// The token's secret.
    pub token_secret: Option<Secret>,
    /// A file that holds the token's secret.
    pub token_secret_file: Option<PathBuf>,
    /// How the certificate is checked, if not by the environment.
    pub trust: Option<Trust>,
}

/// A client.
#[derive(Debug)]
pub struct Proxmox {
    client: Client,
    /// The name of the token: the user of the tasks it begins.
    token: String,
}

/// Sends the token as the API wants it.
#[derive(Debug)]
struct Token {
    name: String,
    secret: Secret,
}

impl Authorize for Token {
    fn headers(&self, _request: &Prepared, _now: SystemTime) -> Vec<(&'static str, String)> {
        let header = format!("PVEAPIToken={}={}", self.name, self.secret.reveal());
        vec![("Authorization", header)]
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.secret]
    }
}

impl Proxmox {
    /// A client with what `access` and the environment give.
    ///
    /// # Errors
    /// When the address, the token or its secret is not given.
    pub fn new(access: &Access, environment: Environment<'_>) -> Result<Proxmox> {
        Proxmox::with(access, environment, |_| {})
    }

    /// Like [`Proxmox::new`], with the options changed by `change`.
    ///
    /// # Errors
    /// As [`Proxmox::new`].
    pub fn with(
        access: &Access,
        environment: Environment<'_>,
        change: impl FnOnce(&mut ClientOptions),
    ) -> Result<Proxmox> {
        let url = access
            .url
            .clone()
            .or_else(|| first_set(environment, ADDRESS_VARIABLES))
            .ok_or_else(|| {
                Error::new("the address of Proxmox is not given")
                    .help("set PROXMOX_URL to an address such as https://pve.example:8006")
            })?;
        let secret = secret(
            &SERVICE,
            "token secret",
            access.token_secret.clone(),
            access.token_secret_file.as_deref(),
            environment,
            SECRET_VARIABLES,
        )?;
        let token = Token {
            name: token_name(access, environment)?,
            secret,
        };
        let mut options = ClientOptions::new(&with_path(&url));
        options.trust = match &access.trust {
            Some(trust) => trust.clone(),
            None => trust_of(environment),
        };
        options.retry.repeat_500 = false;
        change(&mut options);
        let name = token.name.clone();
        let client = Client::new(SERVICE, options, Box::new(token))?;
        Ok(Proxmox { client, token: name })
    }

    /// Makes a call and reads what stands under `data`.
    async fn call<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Failure> {
        let mut answer = self.client.json(call).await?;
        let data = answer.get_mut("data").map(Value::take).unwrap_or_default();
        parse(&SERVICE, data).map_err(|error| Failure::unanswered(error, true))
    }

    /// The client below.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

/// `USER@REALM!NAME`.
fn token_name(access: &Access, environment: Environment<'_>) -> Result<String> {
    let id = access
        .token_id
        .clone()
        .or_else(|| first_set(environment, TOKEN_VARIABLES));
    let user = access
        .user
        .clone()
        .or_else(|| first_set(environment, USER_VARIABLES));
    match (id, user) {
        (Some(id), _) if id.contains('!') => Ok(id),
        (Some(id), Some(user)) => Ok(format!("{user}!{id}")),
        _ => Err(Error::new("the token of Proxmox is not named").help(
            "set PROXMOX_TOKEN_ID to USER@REALM!NAME, or PROXMOX_USER to USER@REALM and PROXMOX_TOKEN_ID to NAME",
        )),
    }
}

/// How the environment says that the certificate is checked.
fn trust_of(environment: Environment<'_>) -> Trust {
    match (
        first_set(environment, FINGERPRINT_VARIABLES),
        first_set(environment, AUTHORITY_VARIABLES),
    ) {
        (Some(fingerprint), _) => Trust::Fingerprint(fingerprint),
        (None, Some(path)) => Trust::Authority(path.into()),
        (None, None) => Trust::System,
    }
}

/// An address with the path of the API at its end.
fn with_path(url: &str) -> String {
    let url = url.trim_end_matches('/');
    if url.ends_with("/api2/json") {
        url.to_string()
    } else {
        format!("{url}/api2/json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_named_with_its_user() {
        let access = |user: Option<&str>, id: Option<&str>| Access {
            user: user.map(str::to_string),
            token_id: id.map(str::to_string),
            ..Access::default()
        };
        let none = |_: &str| None;
        let named = token_name(&access(Some("root@pam"), Some("vent")), &none).unwrap();
        assert_eq!(named, "root@pam!vent");
        let whole = token_name(&access(Some("x@pam"), Some("root@pam!vent")), &none).unwrap();
        assert_eq!(whole, "root@pam!vent");
        assert!(token_name(&access(None, Some("vent")), &none).is_err());
        assert_eq!(with_path("https://pve:8006/"), "https://pve:8006/api2/json");
    }
}
