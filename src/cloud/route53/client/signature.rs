//! Signature version 4 of Amazon's services
//! (docs.aws.amazon.com, "AWS Signature Version 4 for API requests").

use crate::cloud::client::http::Authorize;
use crate::cloud::client::http::request::{Prepared, escape};
use crate::cloud::client::http::secret::Secret;
use crate::content::hexadecimal;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::time::{SystemTime, UNIX_EPOCH};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// A key with its secret, for one service in one region.
#[derive(Clone, Debug)]
pub struct Key {
    /// The key's public part.
    pub key: Secret,
    /// Its secret.
    pub secret: Secret,
    /// The token of the session that it was made for.
    pub session_token: Option<Secret>,
    /// The region; `us-east-1` for services that have none.
    pub region: String,
    /// The service, as the signature names it.
    pub service: String,
}

/// What is signed of a request.
#[derive(Clone, Debug)]
pub struct Signed<'a> {
    /// The method.
    pub method: &'a str,
    /// The path as sent.
    pub path: &'a str,
    /// The query, not escaped.
    pub query: &'a [(String, String)],
    /// The headers that are signed.
    pub headers: &'a [(String, String)],
    /// The body.
    pub body: &'a [u8],
}

impl Signed<'_> {
    /// The request in the one form that both sides hash.
    pub fn canonical(&self) -> String {
        let mut query: Vec<(String, String)> = self
            .query
            .iter()
            .map(|(name, value)| (escape(name), escape(value)))
            .collect();
        query.sort();
        let query: Vec<String> = query
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let path: Vec<String> = self.path.split('/').map(escape).collect();
        let path = path.join("/");
        format!(
            "{}\n{}\n{}\n{}\n{}\n{}",
            self.method,
            if path.is_empty() { "/" } else { &path },
            query.join("&"),
            self.headers_text(),
            self.names(),
            hexadecimal(&Sha256::digest(self.body))
        )
    }

    /// Names in lower case in their order, with their values in the order they were given.
    fn grouped(&self) -> Vec<(String, String)> {
        let mut grouped: Vec<(String, String)> = vec![];
        for (name, value) in self.headers {
            let name = name.to_ascii_lowercase();
            let words: Vec<&str> = value.split_whitespace().collect();
            let value = words.join(" ");
            match grouped.iter_mut().find(|known| known.0 == name) {
                Some(known) => {
                    known.1.push(',');
                    known.1.push_str(&value);
                }
                None => grouped.push((name, value)),
            }
        }
        grouped.sort();
        grouped
    }

    fn headers_text(&self) -> String {
        let lines = self.grouped();
        lines
            .iter()
            .map(|(name, value)| format!("{name}:{value}\n"))
            .collect()
    }

    fn names(&self) -> String {
        let names: Vec<String> = self.grouped().into_iter().map(|pair| pair.0).collect();
        names.join(";")
    }
}

impl Key {
    /// What is signed: the time (`20150830T123600Z`), the scope, and the digest of the request.
    pub fn string_to_sign(&self, request: &Signed<'_>, time: &str) -> String {
        let digest = hexadecimal(&Sha256::digest(request.canonical().as_bytes()));
        format!("{ALGORITHM}\n{time}\n{}\n{digest}", self.scope(time))
    }

    fn scope(&self, time: &str) -> String {
        let date = time.get(..8).unwrap_or(time);
        format!("{date}/{}/{}/aws4_request", self.region, self.service)
    }

    /// The signature of a request.
    pub fn signature(&self, request: &Signed<'_>, time: &str) -> String {
        let date = time.get(..8).unwrap_or(time);
        let mut key = format!("AWS4{}", self.secret.reveal()).into_bytes();
        for part in [date, &self.region, &self.service, "aws4_request"] {
            key = keyed_digest(&key, part.as_bytes());
        }
        let text = self.string_to_sign(request, time);
        hexadecimal(&keyed_digest(&key, text.as_bytes()))
    }

    /// The header `Authorization` of a request.
    pub fn authorization(&self, request: &Signed<'_>, time: &str) -> String {
        format!(
            "{ALGORITHM} Credential={}/{}, SignedHeaders={}, Signature={}",
            self.key.reveal(),
            self.scope(time),
            request.names(),
            self.signature(request, time)
        )
    }
}

/// HMAC-SHA256.
fn keyed_digest(key: &[u8], text: &[u8]) -> Vec<u8> {
    // A key of any length is a key of HMAC.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return vec![];
    };
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

impl Authorize for Key {
    fn headers(&self, request: &Prepared, now: SystemTime) -> Vec<(&'static str, String)> {
        let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let time = jiff::Timestamp::from_second(i64::try_from(seconds).unwrap_or_default())
            .unwrap_or_default()
            .strftime("%Y%m%dT%H%M%SZ")
            .to_string();
        let mut added = vec![("X-Amz-Date", time.clone())];
        if let Some(token) = &self.session_token {
            added.push(("X-Amz-Security-Token", token.reveal().to_string()));
        }
        let signed: Vec<(String, String)> = [("Host", request.host.clone())]
            .iter()
            .chain(&added)
            .map(|(name, value)| (name.to_string(), value.clone()))
            .collect();
        let signed = Signed {
            method: request.method.as_str(),
            path: &request.path,
            query: &request.query,
            headers: &signed,
            body: &request.body,
        };
        added.push(("Authorization", self.authorization(&signed, &time)));
        added
    }

    fn secrets(&self) -> Vec<&Secret> {
        [&self.key, &self.secret]
            .into_iter()
            .chain(&self.session_token)
            .collect()
    }
}
