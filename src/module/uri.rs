//! `uri`: one HTTP request from the host, through `curl`.

mod answer;

use super::returns::{FILE, Returns};
use super::{Module, Outcome, Step, Stop, View};
use crate::host::{Action, Attributes, Effect, Resource, Writing, quote, write_file};
use crate::value::{Value, json};
use schemars::JsonSchema;
use serde::Deserialize;
use std::fmt::Write;

/// Makes an HTTP request.
pub(super) struct Uri;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// The address.
    url: String,
    /// The method.
    #[serde(default = "get")]
    method: String,
    /// What is sent.
    body: Option<Value>,
    /// How it is sent: `raw`, `json`, `form-urlencoded`.
    #[serde(default = "raw")]
    body_format: String,
    /// Headers of the request.
    headers: Option<Value>,
    /// Status that counts as success.
    #[serde(default = "ok")]
    status_code: Vec<u16>,
    /// Give the body of the answer.
    #[serde(default)]
    return_content: bool,
    /// Follow redirects: `all`, `safe`, `urllib2`, `none`.
    #[serde(default = "safe")]
    follow_redirects: String,
    /// Verify the certificate of the other side.
    #[serde(default = "yes")]
    validate_certs: bool,
    /// Certificates of authorities, a file of the host.
    ca_path: Option<String>,
    /// Certificate of this side.
    client_cert: Option<String>,
    /// Key of this side.
    client_key: Option<String>,
    /// Name for authentication.
    #[serde(alias = "user")]
    url_username: Option<String>,
    /// Password for authentication.
    #[serde(alias = "password")]
    url_password: Option<String>,
    /// Seconds until it has failed.
    #[serde(default = "half_minute")]
    timeout: u64,
    /// Socket of the host instead of the network.
    unix_socket: Option<String>,
    /// Use the proxy of the environment.
    #[serde(default = "yes")]
    use_proxy: bool,
    /// Name of the program in the request.
    #[serde(default = "agent")]
    http_agent: String,
    /// File for the body of the answer.
    dest: Option<String>,
    /// Skip if this file is there.
    creates: Option<String>,
    /// Skip if this file is not there.
    removes: Option<String>,
}

fn get() -> String {
    "GET".into()
}

fn raw() -> String {
    "raw".into()
}

fn ok() -> Vec<u16> {
    vec![200]
}

fn safe() -> String {
    "safe".into()
}

fn yes() -> bool {
    true
}

fn half_minute() -> u64 {
    30
}

fn agent() -> String {
    "ansible-httpget".into()
}

/// Stands between headers and body in the output.
const MARK: &str = "\u{1e}";

impl Arguments {
    fn body(&self) -> Option<(String, &'static str)> {
        let body = self.body.as_ref().filter(|body| !body.is_null())?;
        let plain = |value: &Value| {
            value
                .as_str()
                .map_or_else(|| json(value, None, false), str::to_string)
        };
        Some(match (self.body_format.as_str(), body) {
            ("json", Value::String(_) | Value::Secret(_)) => (plain(body), "application/json"),
            ("json", body) => (json(body, None, false), "application/json"),
            ("form-urlencoded", Value::Map(map)) => {
                let parts: Vec<String> = map
                    .iter()
                    .map(|(name, value)| format!("{}={}", encoded(name), encoded(&plain(value))))
                    .collect();
                (parts.join("&"), "application/x-www-form-urlencoded")
            }
            ("form-urlencoded", body) => (plain(body), "application/x-www-form-urlencoded"),
            (_, body) => (plain(body), ""),
        })
    }

    fn header_lines(&self) -> Vec<String> {
        let entries = self.headers.iter().filter_map(Value::as_map).flatten();
        let text = |value: &Value| {
            value
                .as_str()
                .map_or_else(|| crate::value::repr(value), str::to_string)
        };
        entries
            .map(|(name, value)| format!("{name}: {}", text(value)))
            .collect()
    }

    /// The configuration that `curl` reads from its standard input, so that no secret is on its command line.
    fn configuration(&self) -> String {
        let mut lines = String::new();
        let mut put = |name: &str, value: &str| {
            let value = value
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            // Writing to a `String` cannot fail.
            let _ = writeln!(lines, "{name} = \"{value}\"");
        };
        put("url", &self.url);
        put("request", &self.method.to_uppercase());
        put("user-agent", &self.http_agent);
        put("max-time", &self.timeout.to_string());
        let given = self.header_lines();
        if let Some((body, kind)) = self.body() {
            put("data-raw", &body);
            let typed = given
                .iter()
                .any(|line| line.to_ascii_lowercase().starts_with("content-type:"));
            if !typed && !kind.is_empty() {
                put("header", &format!("Content-Type: {kind}"));
            }
        }
        for line in &given {
            put("header", line);
        }
        for (name, value) in [
            ("cacert", &self.ca_path),
            ("cert", &self.client_cert),
            ("key", &self.client_key),
            ("unix-socket", &self.unix_socket),
        ] {
            if let Some(value) = value {
                put(name, value);
            }
        }
        if let Some(user) = &self.url_username {
            put(
                "user",
                &format!("{user}:{}", self.url_password.as_deref().unwrap_or_default()),
            );
        }
        let safe_method = ["GET", "HEAD"].contains(&self.method.to_uppercase().as_str());
        let follow = match self.follow_redirects.as_str() {
            "all" | "yes" | "urllib2" | "True" | "true" => true,
            "safe" => safe_method,
            _ => false,
        };
        for (wanted, option) in [
            (follow, "location"),
            (!self.validate_certs, "insecure"),
            (self.method.eq_ignore_ascii_case("HEAD"), "head"),
        ] {
            if wanted {
                let _ = writeln!(lines, "{option}");
            }
        }
        if !self.use_proxy {
            let _ = writeln!(lines, "noproxy = \"*\"");
        }
        lines
    }

    fn script(&self, view: &View<'_>) -> Result<String, Stop> {
        let keep = match &self.dest {
            Some(dest) => format!(
                "cmp -s \"$t/body\" {} && printf same || {{ ( {}) <\"$t/body\" && printf new; }} || printf bad",
                quote(dest),
                write_file(
                    &view.destination(dest)?,
                    &Attributes::default(),
                    &Writing::default()
                )
            ),
            None => ":".into(),
        };
        Ok(format!(
            "command -v curl >/dev/null || {{ printf '%s' 'uri needs curl on the host: install it'; exit 0; }}\n\
             t=$(mktemp -d) || exit 1; trap 'rm -rf \"$t\"' EXIT\n\
             printf '%s' {} | curl -q -sS -K - -D \"$t/head\" -o \"$t/body\" -w '%{{http_code}} %{{url_effective}} %{{num_redirects}}' >\"$t/end\" 2>\"$t/error\"\n\
             printf '%s{MARK}' \"$?\"; cat \"$t/end\"; printf '{MARK}'; cat \"$t/error\"; printf '{MARK}'; cat \"$t/head\" 2>/dev/null; printf '{MARK}'\n\
             [ ! -e \"$t/body\" ] || {{ read -r s u <\"$t/end\"; case \" {} \" in *\" $s \"*) {keep};; esac; }}\n\
             printf '{MARK}'; [ ! -e \"$t/body\" ] || cat \"$t/body\"",
            quote(&self.configuration()),
            self.status_code
                .iter()
                .map(u16::to_string)
                .collect::<Vec<_>>()
                .join(" ")
        ))
    }
}

fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

impl Module for Uri {
    const NAMES: &'static [&'static str] = &["ansible.builtin.uri", "uri"];
    type Arguments = Arguments;
    const PATHS: &'static [&'static str] = &["dest", "creates", "removes"];
    const IGNORED: &'static [&'static str] = &[
        "force",
        "force_basic_auth",
        "decompress",
        "ciphers",
        "use_gssapi",
        "use_netrc",
        "unredirected_headers",
        "remote_src",
        "src",
        "unsafe_writes",
    ];
    const RETURNS: &'static [Returns] = &[
        FILE,
        &[
            ("status", "Status of the answer; -1 if there was none."),
            ("url", "The address, after redirects."),
            ("redirected", "Whether there were redirects."),
            ("elapsed", "Seconds it took."),
            (
                "content",
                "The body, with `return_content` or another status than was wanted.",
            ),
            ("json", "What the body says, if it is JSON."),
            ("cookies", "What the answer wants to be remembered, by name."),
            ("cookies_string", "The same as a header says it."),
            (
                "path",
                "The file of the body, with `dest`; `owner`, `mode` and so on describe it.",
            ),
            ("stdout", "Why nothing was asked, with `creates` or `removes`."),
            ("stdout_lines", "Its lines."),
            (
                "<header>",
                "The headers of the answer, in lower case and with `_` for `-`.",
            ),
        ],
    ];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        if let Some(performed) = view.performed().first() {
            return Ok(Step::done(arguments.outcome(performed, view)));
        }
        for (path, there) in [(&arguments.creates, true), (&arguments.removes, false)] {
            if let Some(path) = path
                && view.stat(path, true)?.is_some() == there
            {
                let end = if there { "exists" } else { "does not exist" };
                let message = format!("skipped, since '{path}' {end}");
                let lines = Value::list([Value::string(&message)]);
                let outcome = Outcome::new().changed(false).with("stdout_lines", lines);
                return Ok(Step::done(outcome.with("stdout", message)));
            }
        }
        if let Some(unknown) = arguments.body.as_ref().and_then(Value::find_unknown) {
            return Err(Stop::Undecided(unknown.clone()));
        }
        Ok(Step::Act(vec![Action::Script {
            script: arguments.script(view)?,
            explain: format!("curl -X {} {}", arguments.method, quote(&arguments.url)),
            effects: arguments
                .dest
                .iter()
                .map(|path| Effect::Forgets(Resource::Path(path.clone())))
                .collect(),
        }]))
    }
}
