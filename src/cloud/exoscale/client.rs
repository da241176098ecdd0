//! Exoscale: API v2. Every resource belongs to a zone, and every zone has an address of its own.

pub mod balancers;
pub mod networks;
pub mod operation;
mod permission;
pub mod resources;
pub mod signature;
pub mod types;

use crate::cloud::client::access::{Environment, first_set, secret};
use crate::cloud::client::http::failure::Failure;
use crate::cloud::client::http::request::Call;
use crate::cloud::client::http::secret::Secret;
use crate::cloud::client::http::service::Service;
use crate::cloud::client::http::{Client, ClientOptions, parse};
use crate::error::Result;
use serde::de::DeserializeOwned;
use serde_json::Value;
use signature::Key;
use std::path::PathBuf;

/// The variables that hold the key.
pub const KEY_VARIABLES: &[&str] = &["EXOSCALE_API_KEY", "EXOSCALE_KEY"];
/// The variables that hold the key's secret.
pub const SECRET_VARIABLES: &[&str] = &["EXOSCALE_API_SECRET", "EXOSCALE_SECRET"];
/// The variables that hold the zone.
pub const ZONE_VARIABLES: &[&str] = &["EXOSCALE_ZONE", "EXOSCALE_DEFAULT_ZONE"];
/// The variables that hold an address that is used instead of the zones' own.
pub const ADDRESS_VARIABLES: &[&str] = &["EXOSCALE_API_ENDPOINT", "EXOSCALE_API_URL"];
/// The zones known when this was written, for keys whose role may not list them.
pub const ZONES: &[&str] = &[
    "at-vie-1", "at-vie-2", "bg-sof-1", "ch-dk-2", "ch-gva-2", "de-fra-1", "de-muc-1", "hr-zag-1",
];

/// The service, in words.
pub const SERVICE: Service = Service {
    name: "Exoscale",
    token_variables: &["EXOSCALE_API_KEY", "EXOSCALE_API_SECRET"],
    address_variables: ADDRESS_VARIABLES,
    rights: "add the operation to the policy of the key's role (compute: list and get for reading, all for making)",
};

/// How to reach the API.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The key, if it is not in the environment.
    pub key: Option<Secret>,
    /// The key's secret, if it is not in the environment.
    pub secret: Option<Secret>,
    /// A file that holds the secret.
    pub secret_file: Option<PathBuf>,
    /// An address that is used instead of the zones' own; `{zone}` in it stands for the name of the zone.
    pub url: Option<String>,
}

/// The account: makes clients of zones.
#[derive(Debug)]
pub struct Exoscale {
    key: Secret,
    secret: Secret,
    url: Option<String>,
    template: ClientOptions,
}

/// A client of one zone.
#[derive(Debug)]
pub struct Zone {
    /// Its name.
    pub name: String,
    client: Client,
}

impl Exoscale {
    /// The account that `access` and the environment give.
    ///
    /// # Errors
    /// When the key or its secret is not given.
    pub fn new(access: &Access, environment: Environment<'_>) -> Result<Exoscale> {
        Exoscale::with(access, environment, |_| {})
    }

    /// Like [`Exoscale::new`], with the options of all clients changed by `change`.
    ///
    /// # Errors
    /// As [`Exoscale::new`].
    pub fn with(
        access: &Access,
        environment: Environment<'_>,
        change: impl FnOnce(&mut ClientOptions),
    ) -> Result<Exoscale> {
        let key = secret(
            &SERVICE,
            "key",
            access.key.clone(),
            None,
            environment,
            KEY_VARIABLES,
        )?;
        let file = access.secret_file.as_deref();
        let secret = secret(
            &SERVICE,
            "secret",
            access.secret.clone(),
            file,
            environment,
            SECRET_VARIABLES,
        )?;
        let mut template = ClientOptions::new("");
        change(&mut template);
        Ok(Exoscale {
            key,
            secret,
            url: access
                .url
                .clone()
                .or_else(|| first_set(environment, ADDRESS_VARIABLES)),
            template,
        })
    }

    /// True when a set address cannot tell zones apart: then there is one zone only.
    pub fn is_single_zone(&self) -> bool {
        self.url.as_deref().is_some_and(|url| !url.contains("{zone}"))
    }

    /// A client of the zone `name`. A set address is used for every zone and every call.
    ///
    /// # Errors
    /// When the set address is none.
    pub fn zone(&self, name: &str) -> Result<Zone> {
        let base = match &self.url {
            Some(url) => with_version(&url.replace("{zone}", name)),
            None => format!("https://api-{name}.exoscale.com/v2"),
        };
        let mut options = self.template.clone();
        options.base = base;
        let key = Key {
            key: self.key.clone(),
            secret: self.secret.clone(),
        };
        Ok(Zone {
            name: name.to_string(),
            client: Client::new(SERVICE, options, Box::new(key))?,
        })
    }

    /// The names of all zones; the known ones where the key may not list them.
    ///
    /// # Errors
    /// What the service refuses, save 403.
    pub async fn zones(&self) -> Result<Vec<String>, Failure> {
        let zone = self
            .zone("ch-gva-2")
            .map_err(|error| Failure::unanswered(error, false))?;
        let call = Call::get("/zone", "list the zones");
        match zone.list::<types::Named>(call, "zones").await {
            Ok(zones) => Ok(zones.into_iter().map(|zone| zone.name).collect()),
            Err(failure) if failure.status == Some(403) && !failure.says("request signature") => {
                Ok(ZONES.iter().map(|name| name.to_string()).collect())
            }
            Err(failure) => Err(failure),
        }
    }
}

impl Zone {
    async fn ask(&self, call: &Call) -> Result<Value, Failure> {
        let answer = self.client.json(call).await;
        answer.map_err(|failure| permission::explained(failure, call))
    }

    /// Makes a call and reads its answer.
    async fn call<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Failure> {
        let answer = self.ask(call).await?;
        parse(&SERVICE, answer).map_err(|error| Failure::unanswered(error, true))
    }

    /// Reads a list that stands under `name`.
    async fn list<T: DeserializeOwned>(&self, call: Call, name: &str) -> Result<Vec<T>, Failure> {
        let mut answer = self.ask(&call).await?;
        let items = answer
            .get_mut(name)
            .map(Value::take)
            .unwrap_or_else(|| Value::Array(vec![]));
        parse(&SERVICE, items).map_err(|error| Failure::unanswered(error, false))
    }

    /// The client below.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

/// An address with the version of the API at its end.
fn with_version(url: &str) -> String {
    let url = url.trim_end_matches('/');
    if url.ends_with("/v2") {
        url.to_string()
    } else {
        format!("{url}/v2")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_address_is_used_for_every_zone() {
        let environment = |name: &str| match name {
            "EXOSCALE_API_KEY" => Some("EXOk".to_string()),
            "EXOSCALE_API_SECRET" => Some("s".to_string()),
            "EXOSCALE_API_ENDPOINT" => Some("http://127.0.0.1:1/".to_string()),
            _ => None,
        };
        let account = Exoscale::new(&Access::default(), &environment).unwrap();
        assert_eq!(
            account.url.as_deref().map(with_version).as_deref(),
            Some("http://127.0.0.1:1/v2")
        );
        assert!(account.zone("ch-dk-2").is_ok());
        assert_eq!(with_version("https://x/v2"), "https://x/v2");
    }
}
