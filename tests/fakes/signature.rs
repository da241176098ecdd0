//! Exoscale's signature, recomputed from what came over the wire.

use super::exoscale::{KEY, SECRET};
use super::message::Request;
use base64::Engine;
use hmac::{Hmac, KeyInit, Mac};
use std::collections::BTreeMap;

/// Says what is wrong with the signature of a request.
pub fn verify(request: &Request) -> Result<(), String> {
    let header = request.header("authorization");
    let fields = header.strip_prefix("EXO2-HMAC-SHA256 ").ok_or("no signature")?;
    let fields: BTreeMap<&str, &str> = fields
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .collect();
    if fields.get("credential") != Some(&KEY) {
        return Err("unknown key".into());
    }
    let expires = fields.get("expires").copied().unwrap_or("0");
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    if expires.parse::<u64>().unwrap_or(0) < now {
        return Err("expired".into());
    }
    let names = fields.get("signed-query-args").copied().unwrap_or("");
    let values: String = names
        .split(';')
        .filter(|name| !name.is_empty())
        .map(|name| request.parameter(name).unwrap_or(""))
        .collect();
    let body = String::from_utf8_lossy(&request.body);
    let text = format!(
        "{} {}\n{body}\n{values}\n\n{expires}",
        request.method, request.path
    );
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    let wanted = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    match fields.get("signature") {
        Some(given) if *given == wanted => Ok(()),
        _ => Err("the signature differs".into()),
    }
}
