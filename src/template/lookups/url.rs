//! `url`: what an HTTP server answers.

use super::{Lookup, lookup, unknown};
use crate::content::blocking;
use crate::template::call::{Answer, Call, truthy};
use crate::template::convert::print;
use crate::value::Value;
use std::time::Duration;

pub(super) const LOOKUPS: &[Lookup] = &[lookup("url", url)];

fn url(call: &Call) -> Answer {
    if call.scope.surroundings().ahead {
        return Ok(unknown("what an HTTP server answers"));
    }
    let named = call.named();
    let lines = named.get("split_lines").is_none_or(truthy);
    let mut found = vec![];
    for term in call.positional() {
        let text = fetch(call, &print(term))?;
        match lines {
            true => found.extend(text.lines().map(Value::string)),
            false => found.push(Value::string(text)),
        }
    }
    Ok(Value::list(found))
}

/// Asks on a thread of its own: templates are evaluated where nothing may wait for another.
fn fetch(call: &Call, address: &str) -> Result<String, String> {
    let named = call.named();
    let text = |name: &str| named.get(name).map(print);
    let seconds = text("timeout")
        .and_then(|text| text.parse::<f64>().ok())
        .unwrap_or(10.0);
    let certain = named.get("validate_certs").is_none_or(truthy);
    let headers: Vec<(String, String)> = named
        .get("headers")
        .and_then(Value::as_map)
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.to_string(), print(value)))
        .collect();
    let account = text("username").map(|user| (user, text("password")));
    let wrong = |error: &dyn std::fmt::Display| format!("Received no answer from {address}: {error}");
    let request = async {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs_f64(seconds.clamp(0.1, 86_400.0)))
            .tls_danger_accept_invalid_certs(!certain)
            .build()
            .map_err(|error| wrong(&error))?;
        let mut request = client.get(address);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some((user, password)) = account {
            request = request.basic_auth(user, password);
        }
        let answer = request.send().await.map_err(|error| wrong(&error))?;
        if !answer.status().is_success() {
            return Err(format!("Received HTTP error for {address} : {}", answer.status()));
        }
        answer.text().await.map_err(|error| wrong(&error))
    };
    let ask = || {
        std::thread::scope(|threads| {
            let asking = threads.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.map_err(|error| error.to_string())?.block_on(request)
            });
            asking.join().unwrap_or_else(|_| Err("the request broke".into()))
        })
    };
    blocking(ask)
}
