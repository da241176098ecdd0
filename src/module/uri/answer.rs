//! What an HTTP server answered, out of what `curl` wrote down.

use super::super::{Outcome, View};
use super::{Arguments, MARK};
use crate::host::Performed;
use crate::value::{Map, Value};

/// What only the answer tells.
const NAMES: [&str; 9] = [
    "status",
    "msg",
    "content",
    "json",
    "url",
    "redirected",
    "elapsed",
    "cookies",
    "cookies_string",
];

impl Arguments {
    /// The result out of what the script printed.
    pub(super) fn outcome(&self, performed: &Performed, view: &View<'_>) -> Outcome {
        let base = Outcome::new().changed(false);
        let base = match &self.dest {
            Some(path) => base.of(path.as_str()).with("path", path.as_str()),
            None => base,
        };
        if performed.unknown {
            return NAMES
                .into_iter()
                .fold(base, |outcome, name| outcome.with(name, view.unknown()));
        }
        let text = performed.output.text();
        let parts: Vec<&str> = text.splitn(6, MARK).collect();
        let [code, end, error, head, kept, body] = parts[..] else {
            return base.failed(text);
        };
        let mut words = end.split(' ');
        let status: u16 = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        let url = words.next().unwrap_or(&self.url);
        let redirected = words.next().is_some_and(|count| count != "0");
        let mut outcome = cookies(headers(base, head), head)
            .changed(kept == "new")
            .with("url", url)
            .with("redirected", redirected)
            .with("elapsed", Value::Int(performed.seconds as i64));
        let fits = self.status_code.contains(&status);
        if self.return_content || !fits {
            outcome = outcome.with("content", body);
        }
        let kind = outcome
            .fields
            .get("content_type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if kind.contains("json")
            && let Ok(value) = serde_json::from_str::<serde_json::Value>(body)
        {
            outcome = outcome.with("json", Value::from(value));
        }
        if code != "0" {
            // Ansible has -1 where there was no answer at all.
            return outcome.with("status", Value::Int(-1)).failed(format!(
                "Status code was -1 and not {:?}: {}",
                self.status_code,
                error.trim()
            ));
        }
        let outcome = outcome.with("status", Value::Int(status.into()));
        let line = head
            .lines()
            .rfind(|line| line.starts_with("HTTP/"))
            .unwrap_or_default();
        let reason = line.splitn(3, ' ').nth(2).unwrap_or_default().trim();
        match fits {
            true if kept == "bad" => {
                let path = self.dest.as_deref().unwrap_or_default();
                outcome.failed(format!("could not write the answer to {path}"))
            }
            true => outcome.with("msg", format!("OK ({} bytes)", body.len())),
            false => outcome.failed(format!(
                "Status code was {status} and not {:?}: HTTP Error {status}: {reason}",
                self.status_code
            )),
        }
    }
}

/// What the answers want to be remembered, in the order of the headers.
fn cookies(outcome: Outcome, head: &str) -> Outcome {
    let mut found: Vec<(&str, &str)> = vec![];
    for line in head.lines() {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        if name.trim().eq_ignore_ascii_case("set-cookie")
            && let Some((name, value)) = value.split(';').next().unwrap_or_default().split_once('=')
        {
            found.retain(|other| other.0 != name.trim());
            found.push((name.trim(), value.trim()));
        }
    }
    let pairs: Vec<String> = found
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let cookies = found.iter().map(|(name, value)| (name, Value::string(value)));
    outcome
        .with("cookies", Value::map(cookies))
        .with("cookies_string", pairs.join("; "))
}

/// The headers of the last answer as fields: lower case, `_` for `-`.
fn headers(outcome: Outcome, head: &str) -> Outcome {
    let mut fields = Map::new();
    for line in head.lines() {
        if line.starts_with("HTTP/") {
            fields.clear();
        } else if let Some((name, value)) = line.split_once(':') {
            let name = name.trim().to_lowercase().replace('-', "_");
            fields.insert(name.into(), value.trim().into());
        }
    }
    fields
        .into_iter()
        .fold(outcome, |outcome, (name, value)| outcome.with(&name, value))
}
