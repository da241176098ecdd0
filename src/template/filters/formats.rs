//! JSON, Base64, URLs and dates.

use super::{Filter, filter};
use crate::content::byte_text;
use crate::template::call::{Answer, Call, truthy};
use crate::template::convert::print;
use crate::template::ledger::spend;
use crate::value::{Value, json};
use base64::Engine;

pub(super) const FILTERS: &[Filter] = &[
    filter("to_json", |call| {
        let indent = call
            .integer(1, "indent")?
            .and_then(|indent| usize::try_from(indent).ok());
        affordable(call.input(), indent)?;
        let sort = call.named().get("sort_keys").is_some_and(truthy);
        Ok(plain_or_ascii(call, json(call.input(), indent, sort)).into())
    }),
    filter("to_nice_json", |call| {
        let indent = call
            .integer(1, "indent")?
            .and_then(|indent| usize::try_from(indent).ok())
            .unwrap_or(4);
        affordable(call.input(), Some(indent))?;
        let sort = call.named().get("sort_keys").is_none_or(truthy);
        Ok(plain_or_ascii(call, json(call.input(), Some(indent), sort)).into())
    }),
    filter("tojson", |call| {
        let indent = call
            .integer(1, "indent")?
            .and_then(|indent| usize::try_from(indent).ok());
        affordable(call.input(), indent)?;
        let text = json(call.input(), indent, true);
        let escaped = [
            ('<', "\\u003c"),
            ('>', "\\u003e"),
            ('&', "\\u0026"),
            ('\'', "\\u0027"),
        ]
        .into_iter()
        .fold(text, |text, (c, code)| text.replace(c, code));
        Ok(escaped.into())
    }),
    filter("from_json", |call| match call.input() {
        Value::String(text) => match serde_json::from_str::<serde_json::Value>(text) {
            Ok(value) => Ok(value.into()),
            Err(error) => Err(format!("the text is no JSON: {error}")),
        },
        other => Err(format!("expects a text, got a value of kind `{}`", other.kind())),
    }),
    filter("b64encode", |call| {
        let encoding = call.text(1, "encoding").unwrap_or_else(|| "utf-8".into());
        let bytes = encoded(&call.input_text(), &encoding)?;
        Ok(match call.flag(2, "urlsafe", false) {
            true => base64::engine::general_purpose::URL_SAFE.encode(bytes),
            false => base64::engine::general_purpose::STANDARD.encode(bytes),
        }
        .into())
    }),
    filter("b64decode", |call| {
        let text: String = call.input_text().chars().filter(|c| !c.is_whitespace()).collect();
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(&text)
            .or_else(|_| base64::engine::general_purpose::URL_SAFE.decode(&text));
        let encoding = call.text(1, "encoding").unwrap_or_else(|| "utf-8".into());
        decoded(
            bytes.map_err(|error| format!("the text is no Base64: {error}"))?,
            &encoding,
        )
        .map(Value::from)
    }),
    filter("urlencode", urlencode),
    filter("urlsplit", urlsplit),
    filter("urldecode", |call| Ok(decode_url(&call.input_text()).into())),
    filter("strftime", strftime),
];

/// Counts the blanks of an indentation that nobody writes by hand, before they are made.
fn affordable(value: &Value, indent: Option<usize>) -> Result<(), String> {
    match indent {
        Some(indent) if indent > 64 => spend(json(value, None, false).len().saturating_mul(indent)),
        _ => Ok(()),
    }
}

/// The bytes of a text in an encoding, named as Python names it.
fn encoded(text: &str, encoding: &str) -> Result<Vec<u8>, String> {
    match encoding.to_lowercase().replace('_', "-").as_str() {
        "utf-8" | "utf8" => Ok(byte_text::bytes_of(text).into_owned()),
        "utf-16-le" | "utf-16le" => Ok(text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        "utf-16-be" | "utf-16be" => Ok(text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        "latin-1" | "latin1" | "iso-8859-1" | "ascii" => text
            .chars()
            .map(|c| u8::try_from(c).map_err(|_| format!("`{c}` is no letter of {encoding}")))
            .collect(),
        _ => Err(format!(
            "the encoding {encoding} is not known here; use utf-8, utf-16-le or latin-1"
        )),
    }
}

/// The text that bytes are in an encoding.
fn decoded(bytes: Vec<u8>, encoding: &str) -> Result<String, String> {
    let pairs = |of: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| of([pair[0], pair[1]])).collect();
        String::from_utf16(&units).map_err(|_| format!("the decoded bytes are no {encoding} text"))
    };
    match encoding.to_lowercase().replace('_', "-").as_str() {
        "utf-8" | "utf8" => Ok(byte_text::text_of(&bytes)),
        "utf-16-le" | "utf-16le" => pairs(u16::from_le_bytes),
        "utf-16-be" | "utf-16be" => pairs(u16::from_be_bytes),
        "latin-1" | "latin1" | "iso-8859-1" | "ascii" => Ok(bytes.into_iter().map(char::from).collect()),
        _ => Err(format!(
            "the encoding {encoding} is not known here; use utf-8, utf-16-le or latin-1"
        )),
    }
}

/// With `ensure_ascii=False` the letters outside ASCII stand as they are.
fn plain_or_ascii(call: &Call, text: String) -> String {
    if call.named().get("ensure_ascii").is_none_or(truthy) || !text.contains("\\u") {
        return text;
    }
    let mut plain = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        let units: Vec<u16> = escapes(&rest[at..]).collect();
        let decoded = String::from_utf16_lossy(&units);
        match decoded.chars().next().filter(|c| *c as u32 >= 0x7f) {
            Some(c) => {
                plain.push(c);
                rest = &rest[at + 6 * c.len_utf16()..];
            }
            None => {
                plain.push_str(&rest[at..at + 2]);
                rest = &rest[at + 2..];
            }
        }
    }
    plain + rest
}

/// The UTF-16 units of the `\uXXXX` escapes a text begins with.
fn escapes(text: &str) -> impl Iterator<Item = u16> + '_ {
    (0..).step_by(6).map_while(|at| {
        let escape = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(escape, 16).ok()
    })
}

/// A text with `%XX` for what has a meaning in URLs; mappings and pairs become a query.
fn urlencode(call: &Call) -> Answer {
    let pairs: Vec<(String, String)> = match call.input() {
        Value::Map(map) => map
            .iter()
            .map(|(key, value)| (key.to_string(), print(value)))
            .collect(),
        Value::List(items) => items
            .iter()
            .map(|item| match item.as_list() {
                Some([key, value]) => Ok((print(key), print(value))),
                _ => Err("expects a text, a mapping or a list of pairs".to_string()),
            })
            .collect::<Result<_, _>>()?,
        other => return Ok(encode_url(&print(other), "/").into()),
    };
    let part = |text: &str| encode_url(text, " ").replace(' ', "+");
    let written: Vec<String> = pairs
        .iter()
        .map(|(key, value)| format!("{}={}", part(key), part(value)))
        .collect();
    Ok(written.join("&").into())
}

fn encode_url(text: &str, safe: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || "_.-~".contains(c) || safe.contains(c) {
            encoded.push(c);
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Scheme, network location and path of an address without query and fragment.
pub(in crate::template) fn url_parts(url: &str) -> (String, &str, &str) {
    let (scheme, rest) = match url.split_once(':') {
        Some((scheme, rest)) if !scheme.is_empty() && !scheme.contains('/') => (scheme.to_lowercase(), rest),
        _ => (String::new(), url),
    };
    match rest.strip_prefix("//") {
        Some(rest) => {
            let (netloc, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            (scheme, netloc, path)
        }
        None => (scheme, "", rest),
    }
}

fn urlsplit(call: &Call) -> Answer {
    let url = call.input_text();
    let (rest, fragment) = url.split_once('#').unwrap_or((&url, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (scheme, netloc, path) = url_parts(rest);
    let (user, host) = netloc
        .rsplit_once('@')
        .map_or((None, netloc), |(user, host)| (Some(user), host));
    let (username, password) = match user.map(|user| user.split_once(':').unwrap_or((user, ""))) {
        Some((name, "")) => (Some(name), None),
        Some((name, password)) => (Some(name), Some(password)),
        None => (None, None),
    };
    let (hostname, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.chars().all(|c| c.is_ascii_digit()) => {
            (name, port.parse::<i64>().ok())
        }
        _ => (host, None),
    };
    let hostname = hostname.trim_matches(['[', ']']).to_lowercase();
    let text = |text: Option<&str>| text.map_or(Value::Null, Value::string);
    let parts = [
        ("fragment", fragment.into()),
        (
            "hostname",
            if hostname.is_empty() {
                Value::Null
            } else {
                hostname.into()
            },
        ),
        ("netloc", netloc.into()),
        ("password", text(password)),
        ("path", path.into()),
        ("port", port.map_or(Value::Null, Value::Int)),
        ("query", query.into()),
        ("scheme", scheme.into()),
        ("username", text(username)),
    ];
    match call.text(1, "query") {
        None => Ok(Value::map(parts)),
        Some(name) => {
            let found = parts.into_iter().find(|part| part.0 == name);
            found
                .map(|part| part.1)
                .ok_or_else(|| format!("unknown URL component: {name}"))
        }
    }
}

fn decode_url(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = text
            .get(at + 1..at + 3)
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        match (bytes[at], code) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 3;
            }
            (b'+', _) => {
                decoded.push(b' ');
                at += 1;
            }
            (byte, _) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// `format | strftime(second, utc)`.
fn strftime(call: &Call) -> Answer {
    let time = match call.get(1, "second").filter(|second| !second.is_null()) {
        None => jiff::Timestamp::now(),
        Some(second) => {
            let seconds: f64 = print(second)
                .parse()
                .map_err(|_| format!("Invalid value for epoch value ({})", print(second)))?;
            jiff::Timestamp::from_millisecond((seconds * 1000.0) as i64).map_err(|error| error.to_string())?
        }
    };
    let zone = if call.flag(2, "utc", false) {
        jiff::tz::TimeZone::UTC
    } else {
        jiff::tz::TimeZone::system()
    };
    jiff::fmt::strtime::format(call.input_text(), &time.to_zoned(zone))
        .map(Value::from)
        .map_err(|error| error.to_string())
}
