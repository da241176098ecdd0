//! `get_url`: a file from the network, fetched by the host itself.

use super::file::{describe, differing};
use super::{Module, Outcome, Step, Stop, View, WithFile};
use crate::host::{Action, Effect, FileKind, Question, Resource, quote};
use crate::value::Value;
use schemars::JsonSchema;
use serde::Deserialize;

/// Fetches a file from the network.
pub(super) struct GetUrl;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Own {
    /// The address.
    url: String,
    /// Where to; a folder, or a file.
    dest: String,
    /// `ALGORITHM:DIGEST`; the digest may be the address of a file of digests.
    #[serde(default)]
    checksum: String,
    /// Fetch it again even if it is there.
    #[serde(default)]
    force: bool,
    /// Keep the old file beside the new one.
    #[serde(default)]
    backup: bool,
    /// Headers of the request.
    headers: Option<Value>,
    /// Seconds until it has failed.
    #[serde(default = "ten")]
    timeout: u64,
    /// Verify the certificate of the other side.
    #[serde(default = "yes")]
    validate_certs: bool,
    /// Name for authentication.
    #[serde(alias = "username")]
    url_username: Option<String>,
    /// Password for authentication.
    #[serde(alias = "password")]
    url_password: Option<String>,
}

fn ten() -> u64 {
    10
}

fn yes() -> bool {
    true
}

impl Own {
    /// A command that writes an address to its standard output; curl or wget, whichever is there.
    fn fetcher(&self) -> String {
        let (mut curl, mut wget) = (String::new(), String::new());
        for (name, value) in self.headers.iter().filter_map(Value::as_map).flatten() {
            let line = quote(&format!("{name}: {}", value.as_str().unwrap_or_default()));
            curl.push_str(&format!(" -H {line}"));
            wget.push_str(&format!(" --header={line}"));
        }
        if let Some(user) = &self.url_username {
            let password = self.url_password.as_deref().unwrap_or_default();
            curl.push_str(&format!(" -u {}", quote(&format!("{user}:{password}"))));
            wget.push_str(&format!(" --user={} --password={}", quote(user), quote(password)));
        }
        if !self.validate_certs {
            curl.push_str(" -k");
            wget.push_str(" --no-check-certificate");
        }
        let seconds = self.timeout;
        format!(
            "get() {{ if command -v curl >/dev/null; then curl -fsSL --connect-timeout {seconds}{curl} -- \"$1\"; \
             elif command -v wget >/dev/null; then wget -q -T {seconds}{wget} -O - -- \"$1\"; \
             else echo 'get_url needs curl or wget on the host' >&2; return 1; fi; }}"
        )
    }

    /// Name of the digest program, and a shell word for the digest.
    fn digest(&self) -> Result<Option<(String, String)>, Stop> {
        if self.checksum.is_empty() {
            return Ok(None);
        }
        let wrong = || Stop::failed("checksum: ALGORITHM:DIGEST is wanted, such as sha256:e3b0...");
        let (algorithm, digest) = self.checksum.split_once(':').ok_or_else(wrong)?;
        let algorithm = algorithm.to_ascii_lowercase();
        if !["md5", "sha1", "sha224", "sha256", "sha384", "sha512"].contains(&algorithm.as_str()) {
            return Err(wrong());
        }
        let name = self
            .url
            .split(['?', '#'])
            .next()
            .unwrap_or_default()
            .rsplit('/')
            .next()
            .unwrap_or_default();
        let word = match digest.contains("://") {
            true => format!(
                "$(get {} | awk -v n={} 'NF == 1 {{ print $1 }} {{ f = $2; sub(/^[*]/, \"\", f); sub(/^[.][/]/, \"\", f) }} f == n {{ print $1 }}' | head -n 1)",
                quote(digest),
                quote(name)
            ),
            false => quote(&digest.to_ascii_lowercase()),
        };
        Ok(Some((format!("{algorithm}sum"), word)))
    }

    fn script(&self, path: &str) -> Result<String, Stop> {
        let to = quote(path);
        let verify = match self.digest()? {
            Some((program, word)) => format!(
                "w={word}; h=$({program} <\"$t\" | cut -d' ' -f1); [ \"$h\" = \"$w\" ] || {{ echo \"The checksum for $t did not match $w; it was $h.\" >&2; exit 1; }}"
            ),
            None => ":".into(),
        };
        let backup = match self.backup {
            true => format!("[ ! -e {to} ] || cp -p {to} {to}.$(date +%Y-%m-%d@%H:%M:%S)~"),
            false => ":".into(),
        };
        Ok(format!(
            "{}\nt={to}.vent.$$; trap 'rm -f \"$t\"' EXIT; get {} >\"$t\" || exit 1\n{verify}\n\
             if [ -e {to} ] && cmp -s \"$t\" {to}; then printf same; exit 0; fi\n{backup}\n\
             if [ -e {to} ]; then chmod \"$(stat -c %a {to})\" \"$t\"; chown \"$(stat -c %u:%g {to})\" \"$t\"; else chmod 0644 \"$t\"; fi\n\
             mv -f \"$t\" {to} && printf new",
            self.fetcher(),
            quote(&self.url)
        ))
    }
}

impl Module for GetUrl {
    const NAMES: &'static [&'static str] = &["ansible.builtin.get_url", "get_url"];
    type Arguments = WithFile<Own>;
    const IGNORED: &'static [&'static str] = &[
        "unsafe_writes",
        "attributes",
        "use_proxy",
        "http_agent",
        "tmp_dest",
        "force_basic_auth",
        "use_gssapi",
        "use_netrc",
        "ciphers",
        "decompress",
        "unredirected_headers",
        "client_cert",
        "client_key",
    ];

    fn step(arguments: &WithFile<Own>, view: &View<'_>) -> Result<Step, Stop> {
        let own = &arguments.own;
        let mut path = own.dest.clone();
        let name = own
            .url
            .split(['?', '#'])
            .next()
            .unwrap_or_default()
            .rsplit('/')
            .next()
            .unwrap_or_default();
        view.note(Question::Digest { path: path.clone() });
        if view
            .stat(&path, true)?
            .is_some_and(|stat| stat.kind == FileKind::Folder)
            || path.ends_with('/')
        {
            path = format!("{}/{name}", path.trim_end_matches('/'));
        }
        let here = view.stat(&path, true)?;
        let wanted = arguments
            .file
            .attributes(here.as_ref().map(|stat| stat.mode), false)?;
        let set = |attributes: crate::host::Attributes| Action::SetAttributes {
            path: path.clone(),
            attributes,
            follow: true,
            recursive: false,
        };
        let mut outcome = Outcome::new()
            .with("url", own.url.as_str())
            .with("dest", path.as_str());
        if let Some(performed) = view.performed().first() {
            let fetched = performed.unknown || performed.output.text() == "new";
            let attributes = here
                .as_ref()
                .map(|stat| differing(&wanted, stat))
                .unwrap_or_default();
            let changed = fetched || !attributes.is_empty();
            let actions = if attributes.is_empty() {
                vec![]
            } else {
                vec![set(attributes)]
            };
            return Ok(Step::Finish(actions, outcome.changed(changed)));
        }
        let same = match (&here, own.digest()?) {
            (None, _) => false,
            (Some(_), None) => false,
            (Some(_), Some((program, word))) => {
                let script = format!(
                    "{}\nw={word}; [ \"$({program} <{} | cut -d' ' -f1)\" = \"$w\" ]",
                    own.fetcher(),
                    quote(&path)
                );
                view.probe(&script, &[Resource::Path(path.clone())])?.code == 0
            }
        };
        if let Some(stat) = here.as_ref().filter(|_| same && !own.force) {
            outcome = describe(outcome, stat).with("msg", "file already exists");
            let attributes = differing(&wanted, stat);
            let actions = if attributes.is_empty() {
                vec![]
            } else {
                vec![set(attributes)]
            };
            return Ok(Step::Finish(actions, outcome));
        }
        let fetch = Action::Script {
            script: own.script(&path)?,
            explain: format!("curl -fL -o {} {}", quote(&path), quote(&own.url)),
            effects: vec![Effect::Forgets(Resource::Path(path.clone()))],
        };
        Ok(Step::Act(vec![fetch]))
    }
}
