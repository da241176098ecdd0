//! Packet, later Equinix Metal: API v1. The vendor closed the service in 2026; this client is for services
//! that keep its interface, at an address that is set.

pub mod devices;
pub mod networks;
pub mod types;

use crate::cloud::client::access::{Environment, first_set, secret};
use crate::cloud::client::http::failure::Failure;
use crate::cloud::client::http::request::{Call, Prepared};
use crate::cloud::client::http::secret::Secret;
use crate::cloud::client::http::service::Service;
use crate::cloud::client::http::{Authorize, Client, ClientOptions, parse};
use crate::error::Result;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::PathBuf;
use std::time::SystemTime;
use types::Project;

/// The variables that hold the token, those of all usual tools.
pub const TOKEN_VARIABLES: &[&str] = &[
    "METAL_AUTH_TOKEN",
    "METAL_API_TOKEN",
    "PACKET_AUTH_TOKEN",
    "PACKET_API_TOKEN",
];
/// The variables that hold the base address.
pub const ADDRESS_VARIABLES: &[&str] = &["METAL_API_URL", "PACKET_API_URL"];
/// The base address of the vendor.
pub const ADDRESS: &str = "https://api.equinix.com/metal/v1";
/// How many things a page holds.
const PER_PAGE: usize = 100;

/// The service, in words.
pub const SERVICE: Service = Service {
    name: "Packet",
    token_variables: TOKEN_VARIABLES,
    address_variables: ADDRESS_VARIABLES,
    rights: "use a key that may write, of a user who is a collaborator of the project",
};

/// How to reach the API.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The token, if it is not in the environment.
    pub token: Option<Secret>,
    /// A file that holds the token.
    pub token_file: Option<PathBuf>,
    /// The base address, if it is not in the environment.
    pub url: Option<String>,
}

/// A client.
#[derive(Debug)]
pub struct Packet {
    client: Client,
}

/// Sends the token as the API wants it.
#[derive(Debug)]
struct Token(Secret);

impl Authorize for Token {
    fn headers(&self, _request: &Prepared, _now: SystemTime) -> Vec<(&'static str, String)> {
        vec![("X-Auth-Token", self.0.reveal().to_string())]
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.0]
    }
}

impl Packet {
    /// A client with what `access` and the environment give.
    ///
    /// # Errors
    /// When there is no token or the address is none.
    pub fn new(access: &Access, environment: Environment<'_>) -> Result<Packet> {
        Packet::with(access, environment, |_| {})
    }

    /// Like [`Packet::new`], with the options changed by `change`.
    ///
    /// # Errors
    /// As [`Packet::new`].
    pub fn with(
        access: &Access,
        environment: Environment<'_>,
        change: impl FnOnce(&mut ClientOptions),
    ) -> Result<Packet> {
        let token = secret(
            &SERVICE,
            "token",
            access.token.clone(),
            access.token_file.as_deref(),
            environment,
            TOKEN_VARIABLES,
        )?;
        let base = access
            .url
            .clone()
            .or_else(|| first_set(environment, ADDRESS_VARIABLES))
            .unwrap_or_else(|| ADDRESS.to_string());
        let mut options = ClientOptions::new(&base);
        change(&mut options);
        let client = Client::new(SERVICE, options, Box::new(Token(token)))?;
        Ok(Packet { client })
    }

    /// All projects that the token can see.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn projects(&self) -> Result<Vec<Project>, Failure> {
        let call = Call::get("/projects", "list the projects");
        self.list(call, "projects").await
    }

    /// Reads all pages of a list that stands under `name` in each answer.
    async fn list<T: DeserializeOwned>(&self, call: Call, name: &str) -> Result<Vec<T>, Failure> {
        let mut found = vec![];
        let mut page = 1;
        loop {
            let asked = call.clone().with("page", page).with("per_page", PER_PAGE);
            let mut answer = self.client.json(&asked).await?;
            let next = next_page(answer.get("meta"), page);
            let items = answer
                .get_mut(name)
                .map(Value::take)
                .unwrap_or_else(|| Value::Array(vec![]));
            let items: Vec<T> = self.read(items)?;
            let empty = items.is_empty();
            found.extend(items);
            match next {
                Some(next) if !empty => page = next,
                _ => return Ok(found),
            }
        }
    }

    /// Makes a call and reads its answer.
    async fn call<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Failure> {
        let answer = self.client.json(call).await?;
        self.read(answer)
    }

    fn read<T: DeserializeOwned>(&self, value: Value) -> Result<T, Failure> {
        parse(&SERVICE, value).map_err(|error| Failure::unanswered(error, true))
    }

    /// The client below.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

/// The number of the next page: by `current_page` and `last_page`, else by the link `next`, which is a path
/// or a whole address.
fn next_page(meta: Option<&Value>, page: u64) -> Option<u64> {
    let meta = meta?;
    let number = |name: &str| meta.get(name).and_then(Value::as_u64);
    if let (Some(current), Some(last)) = (number("current_page"), number("last_page")) {
        return (current < last).then_some(page + 1);
    }
    let link = meta.get("next")?;
    let link = link.get("href").unwrap_or(link).as_str()?;
    let query = link.split_once('?')?.1;
    let next = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("page="))?
        .parse::<u64>()
        .ok()?;
    (next > page).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_next_page_is_found_in_every_form_of_meta() {
        let rows = [
            (json!({"current_page": 1, "last_page": 3}), Some(2)),
            (json!({"current_page": 1, "last_page": 1, "next": null}), None),
            (
                json!({"next": {"href": "/metal/v1/projects?page=2&per_page=10"}}),
                Some(2),
            ),
            (json!({"next": {"href": "/projects?page=1"}}), None),
            (json!({"next": null}), None),
            (json!({}), None),
        ];
        for (meta, wanted) in rows {
            assert_eq!(next_page(Some(&meta), 1), wanted, "{meta}");
        }
        assert_eq!(next_page(None, 1), None);
    }
}
