//! One call of an API: what is asked, and the exact bytes that are sent for it.

use crate::error::{Error, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::Value;

/// Everything but the characters that RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A text as part of a path or of a query: all but letters, digits and `-_.~` is escaped (a space is `%20`).
pub fn escape(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// What a call carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Nothing.
    None,
    /// JSON.
    Json(Value),
    /// `application/x-www-form-urlencoded` pairs.
    Form(Vec<(String, String)>),
    /// XML.
    Xml(String),
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The purpose, to follow "cannot": `create the device worker-0`.
    pub purpose: String,
    /// The method.
    pub method: Method,
    /// The path below the base address, with a leading slash, escaped.
    pub path: String,
    /// The query, not escaped.
    pub query: Vec<(String, String)>,
    /// The body.
    pub body: Body,
    /// Making the call twice does no more than making it once.
    pub repeatable: bool,
}

impl Call {
    /// A call without query and body.
    pub fn new(method: Method, path: impl Into<String>, purpose: impl Into<String>) -> Call {
        Call {
            purpose: purpose.into(),
            repeatable: method != Method::POST,
            method,
            path: path.into(),
            query: vec![],
            body: Body::None,
        }
    }

    /// A call that reads.
    pub fn get(path: impl Into<String>, purpose: impl Into<String>) -> Call {
        Call::new(Method::GET, path, purpose)
    }

    /// A call that makes or acts.
    pub fn post(path: impl Into<String>, purpose: impl Into<String>) -> Call {
        Call::new(Method::POST, path, purpose)
    }

    /// A call that replaces or acts.
    pub fn put(path: impl Into<String>, purpose: impl Into<String>) -> Call {
        Call::new(Method::PUT, path, purpose)
    }

    /// A call that removes.
    pub fn delete(path: impl Into<String>, purpose: impl Into<String>) -> Call {
        Call::new(Method::DELETE, path, purpose)
    }

    /// Adds a parameter to the query.
    pub fn with(mut self, name: &str, value: impl ToString) -> Call {
        self.query.push((name.to_string(), value.to_string()));
        self
    }

    /// Gives the call a body of JSON.
    pub fn json(mut self, body: Value) -> Call {
        self.body = Body::Json(body);
        self
    }

    /// Gives the call a body of form pairs.
    pub fn form(mut self, pairs: Vec<(String, String)>) -> Call {
        self.body = Body::Form(pairs);
        self
    }

    /// Gives the call a body of XML.
    pub fn xml(mut self, text: String) -> Call {
        self.body = Body::Xml(text);
        self
    }

    /// What was sent under `field`, if that may be shown.
    pub fn sent(&self, field: &str) -> Option<String> {
        let lower = field.to_ascii_lowercase();
        if ["user", "password", "secret", "key", "md5", "token"]
            .iter()
            .any(|word| lower.contains(word))
        {
            return None;
        }
        match &self.body {
            Body::Json(Value::Object(fields)) => fields.get(field).map(Value::to_string),
            Body::Form(pairs) => pairs
                .iter()
                .find(|pair| pair.0 == field)
                .map(|pair| pair.1.clone()),
            _ => None,
        }
    }

    /// The names of the fields that were sent.
    pub fn fields(&self) -> Vec<&str> {
        let query = self.query.iter().map(|pair| pair.0.as_str());
        match &self.body {
            Body::Json(Value::Object(fields)) => query.chain(fields.keys().map(String::as_str)).collect(),
            Body::Form(pairs) => query.chain(pairs.iter().map(|pair| pair.0.as_str())).collect(),
            _ => query.collect(),
        }
    }

    /// The bytes to be sent, and what a signature covers.
    ///
    /// # Errors
    /// When the body cannot be written as JSON.
    pub fn prepare(&self, base: &str) -> Result<Prepared> {
        let query: Vec<String> = self
            .query
            .iter()
            .map(|(name, value)| format!("{}={}", escape(name), escape(value)))
            .collect();
        let url = format!("{base}{}", self.path);
        let path = url
            .split_once("://")
            .and_then(|(_, rest)| rest.find('/').map(|at| rest[at..].to_string()))
            .unwrap_or_else(|| "/".to_string());
        let (content_type, body) = match &self.body {
            Body::None => (None, vec![]),
            Body::Json(value) => {
                let bytes = serde_json::to_vec(value)
                    .map_err(|error| Error::new(format!("cannot {}", self.purpose)).cause(error))?;
                (Some("application/json"), bytes)
            }
            Body::Form(pairs) => {
                let pairs: Vec<String> = pairs
                    .iter()
                    .map(|(name, value)| format!("{}={}", escape(name), escape(value)))
                    .collect();
                (
                    Some("application/x-www-form-urlencoded"),
                    pairs.join("&").into_bytes(),
                )
            }
            Body::Xml(text) => (Some("text/xml"), text.clone().into_bytes()),
        };
        Ok(Prepared {
            method: self.method.clone(),
            host: host_of(&url).to_string(),
            path,
            query: self.query.clone(),
            url: if query.is_empty() {
                url
            } else {
                format!("{url}?{}", query.join("&"))
            },
            content_type,
            body,
        })
    }
}

/// `host:port` of an address.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or(rest)
}

/// A call as it is sent: nothing between here and the wire changes it, so a signature stays true.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The method.
    pub method: Method,
    /// The host, and the port if the address names one.
    pub host: String,
    /// The path as sent, with the path of the base address.
    pub path: String,
    /// The query, not escaped.
    pub query: Vec<(String, String)>,
    /// The whole address.
    pub url: String,
    /// The type of the body, if there is one.
    pub content_type: Option<&'static str>,
    /// The body.
    pub body: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_the_base_address_is_part_of_the_path_and_the_query_is_escaped() {
        let call = Call::get("/ssh-key/my%20key", "read").with("labels", "{\"env\":\"prod x\"}");
        let prepared = call.prepare("https://api-ch-gva-2.exoscale.com/v2").unwrap();
        assert_eq!(prepared.path, "/v2/ssh-key/my%20key");
        assert_eq!(prepared.host, "api-ch-gva-2.exoscale.com");
        assert!(prepared.url.ends_with("?labels=%7B%22env%22%3A%22prod%20x%22%7D"));
    }

    #[test]
    fn what_was_sent_is_shown_but_not_secrets() {
        let call =
            Call::post("/x", "make").json(serde_json::json!({"plan": "c3", "userdata": "#!", "md5": "x"}));
        assert_eq!(call.sent("plan").as_deref(), Some("\"c3\""));
        assert_eq!(call.sent("userdata"), None);
        assert_eq!(call.sent("md5"), None);
    }
}
