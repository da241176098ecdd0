//! The one way to call an API: paced, repeated where that is safe, and with errors that name the cure.

pub mod clock;
pub mod failure;
pub mod request;
pub mod retry;
pub mod secret;
pub mod service;
pub mod tls;

use crate::error::{Error, Result};
use clock::{Clock, SystemClock};
use failure::{Complaint, Failure, complaints};
use request::{Call, Prepared};
use reqwest::Method;
use retry::{Retry, asked, may_repeat};
use secret::Secret;
use serde::de::DeserializeOwned;
use serde_json::Value;
use service::Service;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tls::Trust;
use tokio::sync::Semaphore;

/// How often a call is made in all that gets no answer.
const UNANSWERED: u32 = 3;
/// How many calls of one client are under way at the same time.
const PARALLEL: usize = 8;

/// Gives a request its credentials; called for every attempt, because signatures expire.
pub trait Authorize: Debug + Send + Sync {
    /// The headers to add.
    fn headers(&self, request: &Prepared, now: SystemTime) -> Vec<(&'static str, String)>;

    /// What must never be seen in a message.
    fn secrets(&self) -> Vec<&Secret>;
}

/// What a client needs besides its credentials.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// The base address, without a slash at its end.
    pub base: String,
    /// How the certificate is checked.
    pub trust: Trust,
    /// When calls are repeated.
    pub retry: Retry,
    /// The time to wait by.
    pub clock: Arc<dyn Clock>,
}

impl ClientOptions {
    /// The usual options for a base address.
    pub fn new(base: &str) -> ClientOptions {
        ClientOptions {
            base: base.trim_end_matches('/').to_string(),
            trust: Trust::System,
            retry: Retry::default(),
            clock: Arc::new(SystemClock),
        }
    }
}

/// A client of one service at one address.
#[derive(Debug)]
pub struct Client {
    service: Service,
    options: ClientOptions,
    authorize: Box<dyn Authorize>,
    http: reqwest::Client,
    gate: Semaphore,
}

/// An answer of success.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
}

/// What came of one attempt: the pause that the service asks for stands beside a refusal.
type Attempt = std::result::Result<Answer, (Failure, Option<Duration>)>;

impl Client {
    /// A client.
    ///
    /// # Errors
    /// When the base address is none, or the token would travel in clear text over a network.
    pub fn new(service: Service, options: ClientOptions, authorize: Box<dyn Authorize>) -> Result<Client> {
        let local = check_address(&service, &options.base)?;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("vent/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(15))
            .timeout(Duration::from_secs(90));
        if local {
            builder = builder.no_proxy();
        }
        let http = options.trust.apply(builder)?.build().map_err(|error| {
            Error::new(format!("cannot set the client of {} up", service.name)).cause(chain(&error))
        })?;
        Ok(Client {
            service,
            options,
            authorize,
            http,
            gate: Semaphore::new(PARALLEL),
        })
    }

    /// The time this client waits by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.options.clock
    }

    /// The service, in words.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// Makes a call and reads its JSON; an empty answer is `null`.
    ///
    /// # Errors
    /// What the service refuses, or that it cannot be reached.
    pub async fn json(&self, call: &Call) -> Result<Value, Failure> {
        let answer = self.send(call).await?;
        self.read_json(call, &answer)
    }

    fn read_json(&self, call: &Call, answer: &Answer) -> Result<Value, Failure> {
        if answer.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer.body).map_err(|error| {
            let error = Error::new(format!("{}: cannot {}", self.service.name, call.purpose))
                .cause(format!("the answer is not JSON: {error}"))
                .help(format!(
                    "check that {} names the address of this API",
                    self.service.address_variables.join(" or ")
                ));
            Failure::unanswered(error, call.method != Method::GET)
        })
    }

    /// Makes a call, again and again where that is safe.
    ///
    /// # Errors
    /// What the service refuses, or that it cannot be reached.
    pub async fn send(&self, call: &Call) -> Result<Answer, Failure> {
        let prepared = call
            .prepare(&self.options.base)
            .map_err(|error| Failure::unanswered(error, false))?;
        let idempotent = call.repeatable;
        let salt = prepared
            .url
            .bytes()
            .fold(7u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        let mut attempt = 0;
        loop {
            let result = {
                let _permit = self.gate.acquire().await;
                self.attempt(call, &prepared).await
            };
            let (failure, wanted) = match result {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let again = match failure.status {
                Some(_) if failure.is_busy() => true,
                Some(status) => may_repeat(
                    status,
                    idempotent && (status != 500 || self.options.retry.repeat_500),
                ),
                None => idempotent || !failure.perhaps_done,
            };
            attempt += 1;
            let limit = match failure.status {
                Some(_) => self.options.retry.attempts,
                // A wrong address or certificate does not become right by waiting.
                None => self.options.retry.attempts.min(UNANSWERED),
            };
            if !again || attempt >= limit {
                return Err(failure);
            }
            let own = self.options.retry.pause(attempt - 1, salt);
            let pause = wanted.map_or(own, |wanted| wanted.max(self.options.retry.first));
            if pause > self.options.retry.patience {
                return Err(failure);
            }
            self.options.clock.sleep(pause).await;
        }
    }

    /// One attempt.
    async fn attempt(&self, call: &Call, prepared: &Prepared) -> Attempt {
        let now = self.options.clock.now();
        let mut request = self.http.request(prepared.method.clone(), &prepared.url);
        if let Some(kind) = prepared.content_type {
            request = request.header("Content-Type", kind);
        }
        if prepared.content_type.is_some() || prepared.method != Method::GET {
            request = request.body(prepared.body.clone());
        }
        request = request.header("Accept", "application/json");
        for (name, value) in self.authorize.headers(prepared, now) {
            request = request.header(name, value);
        }
        let response = request
            .send()
            .await
            .map_err(|error| (self.unreachable(call, &error), None))?;
        let status = response.status().as_u16();
        let wanted = asked(response.headers(), now);
        let reason = response
            .extensions()
            .get::<hyper::ext::ReasonPhrase>()
            .map(|reason| String::from_utf8_lossy(reason.as_bytes()).into_owned());
        let body = response.bytes().await;
        if (200..300).contains(&status) {
            return match body {
                Ok(body) => Ok(Answer {
                    status,
                    body: body.to_vec(),
                }),
                Err(error) => Err((self.unreachable(call, &error), None)),
            };
        }
        let said = complaints(call, &body.unwrap_or_default(), reason.as_deref())
            .into_iter()
            .map(|complaint| Complaint {
                text: self.mask(&complaint.text),
                field: complaint.field,
            })
            .collect();
        Err((Failure::answered(&self.service, call, status, said), wanted))
    }

    /// `text` without the secrets of this client.
    fn mask(&self, text: &str) -> String {
        self.authorize
            .secrets()
            .into_iter()
            .fold(text.to_string(), |text, secret| secret.mask(&text))
    }

    fn unreachable(&self, call: &Call, error: &reqwest::Error) -> Failure {
        let help = if error.is_timeout() {
            "the service is slow or the network loses packets: run again".to_string()
        } else {
            format!(
                "check the network, the proxy settings, and {} if you set it",
                self.service.address_variables.join(" or ")
            )
        };
        let told = Error::new(format!("{}: cannot {}", self.service.name, call.purpose))
            .cause(self.mask(&chain(error)))
            .help(help);
        Failure::unanswered(told, !error.is_connect() && !error.is_builder())
    }
}

/// Refuses what is not an address, and clear text to anywhere but this computer; true: it is this computer.
fn check_address(service: &Service, base: &str) -> Result<bool> {
    let variables = service.address_variables.join(" or ");
    let url = reqwest::Url::parse(base).map_err(|error| {
        Error::new(format!(
            "`{base}` is not the address of an API of {}",
            service.name
        ))
        .cause(error)
        .help(format!(
            "set {variables} to an address such as https://api.example/v1"
        ))
    })?;
    let local = match url.host_str() {
        Some("localhost") => true,
        Some(host) => host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback()),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(local),
        "http" if local => Ok(local),
        _ => Err(
            Error::new(format!("the token would travel in clear text to {base}"))
                .help(format!("use https:// in {variables}")),
        ),
    }
}

/// An error with all that lies behind it; the address (it may hold a name of a resource only) is left out.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(cause) = below {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        below = cause.source();
    }
    text
}

/// Reads an answer as `T`: a `null` counts as absent, what `T` does not know is ignored.
///
/// # Errors
/// When a field has an impossible type; it is named.
pub fn parse<T: DeserializeOwned>(service: &Service, value: Value) -> Result<T> {
    serde_json::from_value(without_nulls(value)).map_err(|error| {
        Error::new(format!("{} gave an answer that cannot be read", service.name))
            .cause(error)
            .help("the address may be that of another API, or of a newer form of this one")
    })
}

/// A value without the entries that are `null`.
pub fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clear_text_is_for_this_computer_only() {
        let service = Service::for_tests();
        assert!(check_address(&service, "https://api.example/metal/v1").is_ok_and(|local| !local));
        assert!(check_address(&service, "http://127.0.0.1:4010").is_ok_and(|local| local));
        assert!(check_address(&service, "http://[::1]:4010").is_ok_and(|local| local));
        assert!(check_address(&service, "http://api.example").is_err());
        assert!(check_address(&service, "api.example").is_err());
    }

    #[test]
    fn null_counts_as_absent() {
        let value = serde_json::json!({"a": null, "b": [{"c": null}]});
        assert_eq!(without_nulls(value), serde_json::json!({"b": [{}]}));
    }
}
