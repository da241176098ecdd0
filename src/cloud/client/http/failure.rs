//! What a service says when it refuses, in the many forms services say it, and the cure.

use super::request::Call;
use super::service::Service;
use crate::error::Error;
use serde_json::Value;

/// A call that did not succeed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The status of the answer; `None` when there was no answer.
    pub status: Option<u16>,
    /// True when the call may have been performed although no success was told.
    pub perhaps_done: bool,
    /// What the service said, without secrets.
    pub said: Vec<Complaint>,
    error: Error,
}

/// One thing a service complains about.
#[derive(Clone, Debug, PartialEq)]
pub struct Complaint {
    /// The field it is about, if the service or its text names one.
    pub field: Option<String>,
    /// The text.
    pub text: String,
}

impl Failure {
    /// A failure without an answer.
    pub fn unanswered(error: Error, perhaps_done: bool) -> Failure {
        Failure {
            status: None,
            perhaps_done,
            said: vec![],
            error,
        }
    }

    /// A failure that an answer tells.
    pub fn answered(service: &Service, call: &Call, status: u16, said: Vec<Complaint>) -> Failure {
        let mut error = Error::new(format!("{}: cannot {}", service.name, call.purpose)).cause(format!(
            "{} answered {}",
            service.name,
            describe(status)
        ));
        for complaint in &said {
            let sent = complaint.field.as_deref().and_then(|field| call.sent(field));
            error = error.cause(match (&complaint.field, sent) {
                (Some(field), Some(sent)) => format!("`{field}` (sent: {sent}): {}", complaint.text),
                (Some(field), None) => format!("`{field}`: {}", complaint.text),
                (None, _) => complaint.text.clone(),
            });
        }
        let signature = said.iter().any(|complaint| {
            ["request signature", "InvalidClientTokenId", "InvalidSignature"]
                .iter()
                .any(|part| complaint.text.contains(part))
        });
        Failure {
            status: Some(status),
            perhaps_done: matches!(status, 500 | 502..=504 | 520..=530),
            said,
            error: error.help(cure(service, status, signature)),
        }
    }

    /// The same failure with another cure.
    pub fn help(self, help: impl Into<String>) -> Failure {
        Failure {
            error: self.error.help(help),
            ..self
        }
    }

    /// True when the resource does not exist; Proxmox tells it with 500 and the file of its settings.
    pub fn is_missing(&self) -> bool {
        let gone = |complaint: &Complaint| {
            complaint.text.contains("Configuration file '") && complaint.text.contains("does not exist")
        };
        self.status == Some(404) || (self.status == Some(500) && self.said.iter().any(gone))
    }

    /// True when the service says that it is busy, where others answer 429: nothing was done.
    pub fn is_busy(&self) -> bool {
        let busy = ["Throttling", "PriorRequestNotComplete"];
        let said = |complaint: &Complaint| busy.iter().any(|code| complaint.text.starts_with(code));
        self.status == Some(400) && self.said.iter().any(said)
    }

    /// True when a text of the service holds `part`.
    pub fn says(&self, part: &str) -> bool {
        self.said.iter().any(|complaint| complaint.text.contains(part))
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        failure.error
    }
}

/// The status with its usual name.
fn describe(status: u16) -> String {
    let reason = reqwest::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason());
    match reason {
        Some(reason) => format!("{status} {reason}"),
        None => status.to_string(),
    }
}

/// What to do about a refusal.
fn cure(service: &Service, status: u16, signature: bool) -> String {
    let token = service.token_variables.join(" or ");
    match status {
        401 => format!("the token was not accepted: set {token} to a valid one"),
        403 if signature => format!(
            "the key or its secret is wrong, or this computer's clock is: set {token} to a valid pair and check the time"
        ),
        403 => format!("the token is valid but may not do this: {}", service.rights),
        404 => {
            "it does not exist (any more), or the token cannot see it: check project, zone and name".into()
        }
        409 => {
            "it exists already, or something else is being done with it: look at what exists, then run again"
                .into()
        }
        400 | 413 | 415 | 422 => "correct the value named above where it was set, then run again".into(),
        429 => "the service limits the number of calls: wait a few minutes, then run again".into(),
        300..=399 => format!(
            "set {} to the address that the service moved to; redirects are not followed, so that the token goes nowhere else",
            service.address_variables.join(" or ")
        ),
        500..=599 => {
            "the service has a problem of its own: run again later; what was made stays and is found again"
                .into()
        }
        _ => format!(
            "check that {} names the address of this API",
            service.address_variables.join(" or ")
        ),
    }
}

/// Reads the complaints out of an answer: `error`, `errors` (texts, objects, or a map of fields), `message`,
/// RFC 9457's `title` and `detail`; else the reason phrase, else a short plain text.
pub fn complaints(call: &Call, body: &[u8], reason: Option<&str>) -> Vec<Complaint> {
    let mut said = vec![];
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(fields)) => {
            for name in ["error", "message", "title", "detail"] {
                match fields.get(name) {
                    Some(Value::String(text)) => add(&mut said, call, None, text),
                    Some(Value::Object(inner)) => {
                        if let Some(Value::String(text)) = inner.get("message") {
                            add(&mut said, call, None, text);
                        }
                    }
                    _ => {}
                }
            }
            match fields.get("errors") {
                Some(Value::Array(items)) => items.iter().for_each(|item| listed(&mut said, call, item)),
                Some(Value::Object(map)) => {
                    for (field, text) in map {
                        let text = text.as_str().map_or_else(|| text.to_string(), str::to_string);
                        add(&mut said, call, Some(field.clone()), &text);
                    }
                }
                Some(Value::String(text)) => add(&mut said, call, None, text),
                _ => {}
            }
        }
        Ok(Value::String(text)) => add(&mut said, call, None, &text),
        _ => {
            let text = String::from_utf8_lossy(body);
            let text = text.trim();
            for told in in_xml(text) {
                add(&mut said, call, None, &told);
            }
            if !text.is_empty() && !text.starts_with('<') {
                let short: String = text.chars().take(300).collect();
                add(&mut said, call, None, &short);
            }
        }
    }
    if let Some(reason) = reason.filter(|_| said.iter().all(|complaint| complaint.field.is_some())) {
        add(&mut said, call, None, reason);
    }
    said
}

/// What Amazon's services say: a code with its message, or messages alone.
fn in_xml(text: &str) -> Vec<String> {
    let Ok(document) = roxmltree::Document::parse(text) else {
        return vec![];
    };
    let named = |name: &'static str| {
        let nodes = document.descendants();
        let nodes = nodes.filter(move |node| node.tag_name().name() == name);
        nodes.filter_map(|node| Some(node.text()?.trim().to_string()))
    };
    let code = named("Code").next();
    named("Message")
        .map(|message| match &code {
            Some(code) => format!("{code}: {message}"),
            None => message,
        })
        .collect()
}

/// One item of a list `errors`.
fn listed(said: &mut Vec<Complaint>, call: &Call, item: &Value) {
    if let Some(text) = item.as_str() {
        return add(said, call, None, text);
    }
    let text = ["detail", "message", "error", "title"]
        .iter()
        .find_map(|name| item.get(name).and_then(Value::as_str));
    let field = ["location", "field", "pointer"]
        .iter()
        .find_map(|name| item.get(name).and_then(Value::as_str))
        .map(|place| place.trim_start_matches("$['").trim_end_matches("']").to_string());
    if let Some(text) = text {
        add(said, call, field, text);
    }
}

/// Notes a complaint once; a field it does not name is looked for in its text.
fn add(said: &mut Vec<Complaint>, call: &Call, field: Option<String>, text: &str) {
    let text = text.trim().to_string();
    if text.is_empty()
        || said
            .iter()
            .any(|known| known.text == text && known.field == field)
    {
        return;
    }
    let field = field.or_else(|| {
        let words: Vec<&str> = text
            .split(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != '-')
            .collect();
        call.fields()
            .into_iter()
            .find(|field| words.contains(field))
            .map(str::to_string)
    });
    said.push(Complaint { field, text });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: &str, reason: Option<&str>) -> Vec<(Option<String>, String)> {
        let call = Call::post("/x", "make it").json(json!({"plan": "c3", "name": "n"}));
        complaints(&call, body.as_bytes(), reason)
            .into_iter()
            .map(|complaint| (complaint.field, complaint.text))
            .collect()
    }

    fn one(field: Option<&str>, text: &str) -> Vec<(Option<String>, String)> {
        vec![(field.map(str::to_string), text.to_string())]
    }

    #[test]
    fn every_form_of_refusal_is_read() {
        let rows = [
            (r#"{"error":"Invalid token"}"#, one(None, "Invalid token")),
            (
                r#"{"errors":["plan is not available"]}"#,
                one(Some("plan"), "plan is not available"),
            ),
            (r#"{"message":"Not found"}"#, one(None, "Not found")),
            (
                r#"{"title":"Bad","errors":[{"location":"$['size']","detail":"too small"}]}"#,
                vec![
                    (None, "Bad".to_string()),
                    (Some("size".to_string()), "too small".to_string()),
                ],
            ),
            (
                r#"{"data":null,"message":"Parameter verification failed.\n","errors":{"newid":"already used"}}"#,
                vec![
                    (None, "Parameter verification failed.".to_string()),
                    (Some("newid".to_string()), "already used".to_string()),
                ],
            ),
            ("<html>gateway</html>", vec![]),
            (
                "<?xml version=\"1.0\"?><ErrorResponse xmlns=\"x\"><Error><Type>Sender</Type><Code>Throttling</Code>\
                <Message>Rate exceeded</Message></Error></ErrorResponse>",
                one(None, "Throttling: Rate exceeded"),
            ),
            (
                "<InvalidChangeBatch xmlns=\"x\"><Messages><Message>it was not found</Message></Messages></InvalidChangeBatch>",
                one(None, "it was not found"),
            ),
            ("", vec![]),
            ("service is down", one(None, "service is down")),
        ];
        for (body, wanted) in rows {
            assert_eq!(read(body, None), wanted, "{body}");
        }
        assert_eq!(
            read(r#"{"data":null}"#, Some("VM 100 already exists")),
            one(None, "VM 100 already exists")
        );
    }

    #[test]
    fn a_failure_names_resource_field_value_and_cure() {
        let call = Call::post("/x", "create the device worker-0").json(json!({"plan": "c9.huge"}));
        let said = complaints(&call, br#"{"errors":["plan is unknown"]}"#, None);
        let error = Error::from(Failure::answered(&Service::for_tests(), &call, 422, said));
        assert_eq!(
            error.to_string(),
            "error: Packet: cannot create the device worker-0\n  \
             cause: Packet answered 422 Unprocessable Entity\n  \
             cause: `plan` (sent: \"c9.huge\"): plan is unknown\n  \
             help: correct the value named above where it was set, then run again\n"
        );
    }
}
