//! `get_url`: a file from the network, fetched by the host itself.

use super::file::differing;
use super::returns::{BACKUP, FILE, Returns};
use super::{Module, Outcome, Step, Stop, View, WithFile};
use crate::content::hexadecimal;
use crate::host::{
    Action, Attributes, Effect, FileKind, Performed, Resource, Stat, Writing, quote, write_file,
};
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
    /// Seconds of silence, also before the first answer, after which it has failed.
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
    /// Shell functions: `get ADDRESS` writes what is there to its standard output, `load ADDRESS` writes it into the file
    /// `$t` and prints status and address; errors go to `$t.e`. By curl or wget, whichever is there.
    fn fetcher(&self) -> String {
        let (mut curl, mut wget) = (vec![], vec![]);
        let in_quotes = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let in_line = |text: &str| text.replace('\n', " ");
        for (name, value) in self.headers.iter().filter_map(Value::as_map).flatten() {
            let line = in_line(&format!("{name}: {}", value.as_str().unwrap_or_default()));
            curl.push(format!("header = \"{}\"", in_quotes(&line)));
            wget.push(format!("header = {line}"));
        }
        if let Some(user) = &self.url_username {
            let password = self.url_password.as_deref().unwrap_or_default();
            let (user, password) = (in_line(user), in_line(password));
            curl.push(format!("user = \"{}\"", in_quotes(&format!("{user}:{password}"))));
            wget.extend([format!("user = {user}"), format!("password = {password}")]);
        }
        let secret = !curl.is_empty();
        let lines = |lines: &[String]| quote(&lines.join("\n"));
        let (mut curl_options, mut wget_options) = ("", "");
        if !self.validate_certs {
            (curl_options, wget_options) = (" -k", " --no-check-certificate");
        }
        // A time of silence, as of Ansible's sockets, not of the whole: a large file may take longer.
        let seconds = self.timeout;
        let silence = format!("--connect-timeout {seconds} --speed-time {seconds} --speed-limit 1");
        // Anybody may read the arguments of a program: what may be secret goes another way.
        let (curl, wget) = match secret {
            true => (
                format!(
                    "printf '%s\\n' {} | curl -K - -sSL {silence}{curl_options}",
                    lines(&curl)
                ),
                format!("configured {} -q -T {seconds}{wget_options}", lines(&wget)),
            ),
            false => (
                format!("curl -sSL {silence}{curl_options}"),
                format!("wget -q -T {seconds}{wget_options}"),
            ),
        };
        // wget takes its configuration from a regular file only.
        let configured = "configured() { c=$(mktemp) || return 1; printf '%s\\n' \"$1\" >\"$c\"; shift; wget --config=\"$c\" \"$@\"; r=$?; rm -f \"$c\"; return $r; }";
        format!(
            "{configured}\nif command -v curl >/dev/null; then\n\
             get() {{ {curl} -f -- \"$1\"; }}\n\
             load() {{ {curl} -o \"$t\" -w '%{{http_code}} %{{url_effective}}' -- \"$1\" 2>\"$t.e\"; }}\n\
             elif command -v wget >/dev/null; then\n\
             get() {{ {wget} -O - -- \"$1\"; }}\n\
             load() {{ {wget} -S -O \"$t\" -- \"$1\" 2>\"$t.e\"; r=$?\n\
             printf '%s %s' \"$(sed -n 's,^ *HTTP/[0-9.]* \\([0-9]*\\).*,\\1,p' \"$t.e\" | tail -n 1)\" \"$1\"; return $r; }}\n\
             else get() {{ echo 'get_url needs curl or wget on the host' >&2; return 1; }}; load() {{ get 2>\"$t.e\"; }}; fi"
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
        let word = match digest.contains("://") {
            true => format!(
                "$(get {} | awk -v n={} 'NF == 1 {{ print $1 }} {{ f = $2; sub(/^[*]/, \"\", f); sub(/^[.][/]/, \"\", f) }} f == n {{ print $1 }}' | head -n 1)",
                quote(digest),
                quote(self.name())
            ),
            false => quote(&digest.to_ascii_lowercase()),
        };
        Ok(Some((format!("{algorithm}sum"), word)))
    }

    /// Prints lines `KEY VALUE` and in the end `new`, `same` or `failed REASON`; always ends well.
    fn script(&self, path: &str, view: &View<'_>) -> Result<String, Stop> {
        let to = quote(path);
        let verify = match self.digest()? {
            Some((program, word)) => format!(
                "w={word}; h=$({program} <\"$t\" | cut -d' ' -f1); [ \"$h\" = \"$w\" ] || fail \"The checksum for $t did not match $w; it was $h.\""
            ),
            None => ":".into(),
        };
        let random = view.control_node().random();
        let ending = format!(".{}~", hexadecimal(&random[..8]));
        let name = path.rsplit('/').next().unwrap_or_default();
        let kept = format!("{name}{ending}");
        let backup = match self.backup {
            true => format!(
                "[ ! -e {to} ] || echo backup_file {}",
                quote(&format!("{path}{ending}"))
            ),
            false => ":".into(),
        };
        let writing = Writing {
            backup: self.backup.then_some(kept.as_str()),
            ..Writing::default()
        };
        let write = write_file(&view.destination(path)?, &Attributes::default(), &writing);
        Ok(format!(
            "d=$(mktemp -d) || exit 1; t=$d/fetched; trap 'rm -rf \"$d\"' EXIT\n{}\nfail() {{ echo \"failed $1\"; exit 0; }}\n\
             digest() {{ echo \"$1 $($2 <\"$3\" 2>/dev/null | cut -d' ' -f1)\"; }}\n\
             e=$(load {}); r=$?; printf 'status_code %s\\nurl %s\\n' \"${{e%% *}}\" \"${{e#* }}\"\n\
             case \"$r ${{e%% *}}\" in 0\\ [45]*) fail \"Request failed: HTTP Error ${{e%% *}}\";; 0*) ;; *) fail \"Request failed: $(tail -n 1 \"$t.e\")\";; esac\n\
             echo \"src $t\"; echo \"bytes $(wc -c <\"$t\" | tr -d ' ')\"; digest checksum_src sha1sum \"$t\"; [ ! -e {to} ] || digest checksum_dest sha1sum {to}\n\
             {verify}\ndigest md5sum md5sum \"$t\"\n\
             if [ -e {to} ] && cmp -s \"$t\" {to}; then echo same; exit 0; fi\n{backup}\n\
             ( {write}) <\"$t\" && echo new || fail 'could not write '{to}",
            self.fetcher(),
            quote(&self.url)
        ))
    }

    /// The file that it becomes.
    fn path(&self, view: &View<'_>) -> Result<String, Stop> {
        view.note_described(&self.dest);
        let folder = stat(&self.dest, view)?.is_some_and(|stat| stat.kind == FileKind::Folder);
        Ok(match folder || self.dest.ends_with('/') {
            true => format!("{}/{}", self.dest.trim_end_matches('/'), self.name()),
            false => self.dest.clone(),
        })
    }

    /// The last part of the address.
    fn name(&self) -> &str {
        let path = self.url.split(['?', '#']).next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default()
    }

    /// Whether the file that is there has the digest that was asked for.
    fn is_known(&self, path: &str, view: &View<'_>) -> Result<bool, Stop> {
        let Some((program, word)) = self.digest()? else {
            return Ok(false);
        };
        let script = format!(
            "{}\nw={word}; [ \"$({program} <{} | cut -d' ' -f1)\" = \"$w\" ]",
            self.fetcher(),
            quote(path)
        );
        Ok(view.probe(&script, &[Resource::Path(path.into())])?.code == 0)
    }

    /// What the script told.
    fn told(&self, outcome: Outcome, performed: &Performed, view: &View<'_>) -> Outcome {
        if performed.unknown {
            let names = [
                "status_code",
                "msg",
                "elapsed",
                "checksum_src",
                "checksum_dest",
                "md5sum",
                "src",
            ];
            let unknown = |outcome: Outcome, name: &&str| outcome.with(name, view.unknown());
            return names.iter().fold(outcome, unknown);
        }
        let text = performed.output.text();
        let line = |key: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once(' '));
            lines.find(|line| line.0 == key).map(|line| line.1)
        };
        let mut outcome = outcome.with("elapsed", Value::Int(performed.seconds as i64));
        if let Some(code) = line("status_code")
            .and_then(|code| code.parse::<i64>().ok())
            .filter(|code| *code > 0)
        {
            outcome = outcome.with("status_code", code);
        }
        for name in ["url", "src", "checksum_src", "md5sum", "backup_file"] {
            if let Some(text) = line(name).filter(|text| !text.is_empty()) {
                outcome = outcome.with(name, text);
            }
        }
        if line("src").is_some() {
            outcome = outcome.with("checksum_dest", line("checksum_dest").map(Value::string));
        }
        if let Some(reason) = line("failed") {
            return outcome.changed(false).failed(reason);
        }
        outcome
            .with(
                "msg",
                format!("OK ({} bytes)", line("bytes").unwrap_or("unknown")),
            )
            .changed(text.lines().any(|line| line == "new"))
    }
}

impl Module for GetUrl {
    const NAMES: &'static [&'static str] = &["ansible.builtin.get_url", "get_url"];
    type Arguments = WithFile<Own>;
    const PATHS: &'static [&'static str] = &["dest"];
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
    const RETURNS: &'static [Returns] = &[
        FILE,
        BACKUP,
        &[
            ("url", "The address, after redirects."),
            ("dest", "The file."),
            ("src", "The file it was fetched into first."),
            ("status_code", "Status of the answer."),
            ("elapsed", "Seconds it took."),
            ("checksum_src", "SHA-1 of what was fetched."),
            ("checksum_dest", "SHA-1 of the file that was there before."),
            ("md5sum", "MD5 of what was fetched."),
        ],
    ];

    fn step(arguments: &WithFile<Own>, view: &View<'_>) -> Result<Step, Stop> {
        let own = &arguments.own;
        let path = own.path(view)?;
        let here = stat(&path, view)?;
        let wanted = arguments
            .file
            .attributes(here.as_ref().map(|stat| stat.mode), false)?;
        let attributes = here.as_ref().map(|stat| differing(&wanted, stat));
        let set = attributes.filter(|attributes| !attributes.is_empty());
        let set = set.map(|attributes| Action::SetAttributes {
            path: path.clone(),
            attributes,
            follow: true,
            recursive: false,
        });
        let actions = Vec::from_iter(set);
        let outcome = Outcome::new()
            .of(path.as_str())
            .with("url", own.url.as_str())
            .with("dest", path.as_str());
        if let Some(performed) = view.performed().first() {
            let outcome = own.told(outcome, performed, view);
            if outcome.failed.is_some() {
                return Ok(Step::done(outcome));
            }
            let changed = outcome.changed.unwrap_or(true) || !actions.is_empty();
            return Ok(Step::Finish(actions, outcome.changed(changed)));
        }
        if here.is_some() && !own.force && own.is_known(&path, view)? {
            let outcome = outcome
                .with("msg", "file already exists")
                .with("elapsed", Value::Int(0))
                .with("checksum_src", Value::Null)
                .with("checksum_dest", Value::Null);
            return Ok(Step::Finish(actions, outcome));
        }
        let fetch = Action::Script {
            script: own.script(&path, view)?,
            explain: format!("curl -fL -o {} {}", quote(&path), quote(&own.url)),
            effects: vec![Effect::Forgets(Resource::Path(path.clone()))],
        };
        Ok(Step::Act(vec![fetch]))
    }
}

/// What stands at a path; in check mode nobody knows what came, once it came.
fn stat(path: &str, view: &View<'_>) -> Result<Option<Stat>, Stop> {
    match view.stat(path, true) {
        Err(Stop::Undecided(_)) if !view.performed().is_empty() => Ok(None),
        stat => stat,
    }
}
