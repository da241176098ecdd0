//! `apt_repository` and `deb822_repository`: where packages come from.

use super::blockinfile::State;
use super::place::{Place, Wanted, lines_of, text_of};
use super::returns::{FILE, Returns};
use super::{LocalFile, Module, Outcome, Step, Stop, View, WithFile};
use crate::content::Content;
use crate::host::{Action, Effect, Resource};
use crate::value::Value;
use schemars::JsonSchema;
use serde::Deserialize;

/// Keeps a line of a list of sources.
pub(super) struct AptRepository;
/// Keeps a file of sources in the newer form.
pub(super) struct Deb822Repository;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct LineOwn {
    /// The line: `deb [options] URI suite components`.
    repo: String,
    /// Whether it should be there.
    #[serde(default)]
    state: State,
    /// Name of the file below `/etc/apt/sources.list.d`.
    filename: Option<String>,
    /// Fetch the lists of packages after a change.
    #[serde(default = "yes", alias = "update-cache")]
    update_cache: bool,
}

fn yes() -> bool {
    true
}

/// A name for a file out of a line, as `apt_repository` makes it.
fn file_name(line: &str) -> String {
    let mut rest = line.trim();
    for start in ["deb-src", "deb"] {
        rest = rest.strip_prefix(start).unwrap_or(rest).trim_start();
    }
    if rest.starts_with('[') {
        rest = rest.split_once(']').map_or(rest, |split| split.1).trim_start();
    }
    let address = rest.split_whitespace().next().unwrap_or_default();
    let address = address.split_once("://").map_or(address, |split| split.1);
    let name: String = address
        .trim_matches('/')
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    name
}

fn update() -> Action {
    Action::Script {
        script: "DEBIAN_FRONTEND=noninteractive apt-get update".into(),
        explain: "apt-get update".into(),
        effects: vec![Effect::Forgets(Resource::Other("apt lists".into()))],
    }
}

impl Module for AptRepository {
    const NAMES: &'static [&'static str] = &["ansible.builtin.apt_repository", "apt_repository"];
    type Arguments = WithFile<LineOwn>;
    const IGNORED: &'static [&'static str] = &[
        "codename",
        "validate_certs",
        "install_python_apt",
        "update_cache_retries",
        "update_cache_retry_max_delay",
        "attributes",
    ];
    const RETURNS: &'static [Returns] = &[&[
        ("repo", "The line."),
        ("state", "`present` or `absent`."),
        ("sources_added", "The file that was made."),
        ("sources_removed", "The file that was removed."),
    ]];

    fn step(arguments: &WithFile<LineOwn>, view: &View<'_>) -> Result<Step, Stop> {
        let own = &arguments.own;
        let line = own.repo.split_whitespace().collect::<Vec<_>>().join(" ");
        if !line.starts_with("deb") {
            return Err(Stop::failed(format!(
                "`{line}` is no line of sources: only lines with `deb` or `deb-src` are supported"
            )));
        }
        let name = own.filename.clone().unwrap_or_else(|| file_name(&line));
        let path = format!("/etc/apt/sources.list.d/{}.list", name.trim_end_matches(".list"));
        let script = "cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list";
        let all = view.probe(script, &[Resource::Path("/etc/apt".into())])?.text();
        let same = |other: &str| other.split_whitespace().eq(line.split(' '));
        let known = all.lines().any(same);
        let place = Place::new(&path, &arguments.file, view).default_mode(0o644);
        let text = text_of(&path, view)?.unwrap_or_default();
        let rest: String = lines_of(&text)
            .filter(|other| !same(other))
            .map(|line| format!("{line}\n"))
            .collect();
        let wanted = match (own.state, known) {
            (State::Present, true) | (State::Absent, false) => Wanted::Keep,
            (State::Present, false) => Wanted::Write(Content::text(format!("{text}{line}\n"))),
            (State::Absent, true) if rest.is_empty() => Wanted::Absent,
            (State::Absent, true) => Wanted::Write(Content::text(rest)),
        };
        let mut actions = match wanted {
            Wanted::Keep if text.is_empty() => vec![],
            wanted => place.actions(wanted, view)?,
        };
        let listed = |is: bool| Value::list(is.then(|| Value::string(&path)));
        let made = |action: &Action| matches!(action, Action::WriteFile { .. }) && text.is_empty();
        let outcome = Outcome::new()
            .with("repo", own.repo.as_str())
            .with("state", format!("{:?}", own.state).to_lowercase())
            .with("sources_added", listed(actions.iter().any(made)))
            .with(
                "sources_removed",
                listed(matches!(actions[..], [Action::Remove { .. }])),
            );
        if !actions.is_empty() && own.update_cache {
            actions.push(update());
        }
        Ok(Step::Finish(actions, outcome))
    }
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Deb822Own {
    /// Name of the file below `/etc/apt/sources.list.d`.
    name: String,
    /// Whether it should be there.
    #[serde(default)]
    state: State,
    /// `deb`, `deb-src`.
    #[serde(default = "deb")]
    types: Vec<String>,
    /// Addresses.
    #[serde(default)]
    uris: Vec<String>,
    /// Suites.
    #[serde(default)]
    suites: Vec<String>,
    /// Components.
    #[serde(default)]
    components: Vec<String>,
    /// Architectures.
    #[serde(default)]
    architectures: Vec<String>,
    /// The key: an armoured text, a path of the host, or a file of this computer.
    signed_by: Option<String>,
    /// Use it.
    enabled: Option<bool>,
    /// Trust it without a key.
    trusted: Option<bool>,
}

fn deb() -> Vec<String> {
    vec!["deb".into()]
}

impl Deb822Own {
    fn text(&self, key: Option<&str>) -> String {
        let flag = |flag: Option<bool>| flag.map(|flag| if flag { "yes".to_string() } else { "no".into() });
        let list = |list: &Vec<String>| (!list.is_empty()).then(|| list.join(" "));
        let mut fields = vec![
            ("Architectures", list(&self.architectures)),
            ("Components", list(&self.components)),
            ("Enabled", flag(self.enabled)),
            ("X-Repolib-Name", Some(self.name.clone())),
            ("Signed-By", key.map(str::to_string)),
            ("Suites", list(&self.suites)),
            ("Trusted", flag(self.trusted)),
            ("Types", list(&self.types)),
            ("URIs", list(&self.uris)),
        ];
        fields.retain(|field| field.1.is_some());
        fields
            .into_iter()
            .map(|(name, value)| format!("{name}: {}\n", value.unwrap_or_default()))
            .collect()
    }
}

/// A name for files out of the name of a repository, as Ansible makes it.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.to_lowercase().chars() {
        let space = c == '_' || c.is_whitespace();
        if space && !slug.ends_with(' ') {
            slug.push(' ');
        } else if matches!(c, 'a'..='z' | '0'..='9' | '-') {
            slug.push(c);
        }
    }
    slug.replace(' ', "-")
}

impl Module for Deb822Repository {
    const NAMES: &'static [&'static str] = &["ansible.builtin.deb822_repository", "deb822_repository"];
    type Arguments = WithFile<Deb822Own>;
    const IGNORED: &'static [&'static str] = &["install_python_debian", "attributes"];
    const RETURNS: &'static [Returns] = &[
        FILE,
        &[
            ("repo", "What stands in the file."),
            ("dest", "The file, which `owner`, `mode` and so on describe."),
            ("key_filename", "The file of the key."),
        ],
    ];

    fn step(arguments: &WithFile<Deb822Own>, view: &View<'_>) -> Result<Step, Stop> {
        let own = &arguments.own;
        let stem = slug(&own.name);
        let path = format!("/etc/apt/sources.list.d/{stem}.sources");
        let [key_path, binary_path] = ["asc", "gpg"].map(|end| format!("/etc/apt/keyrings/{stem}.{end}"));
        let place = |path, wanted: Wanted| {
            let place = Place::new(path, &arguments.file, view).default_mode(0o644);
            place.actions(wanted, view)
        };
        let outcome = Outcome::new().of(path.as_str()).with("dest", path.as_str());
        if own.state == State::Absent {
            let outcome = outcome
                .with("repo", Value::Null)
                .with("key_filename", binary_path.as_str());
            let mut actions = place(&path, Wanted::Absent)?;
            actions.extend(place(&key_path, Wanted::Absent)?);
            actions.extend(place(&binary_path, Wanted::Absent)?);
            return Ok(Step::Finish(actions, outcome));
        }
        let mut actions = vec![];
        let key = match own.signed_by.as_deref() {
            Some(key) if key.contains("://") => {
                return Err(Stop::failed(
                    "signed_by: an address is not supported; fetch the key with get_url and give its path",
                ));
            }
            Some(key) if key.starts_with("-----BEGIN") => {
                let text = text_of(&key_path, view)?;
                let wanted = match text.as_deref() == Some(key) {
                    true => Wanted::Keep,
                    false => Wanted::Write(Content::text(key)),
                };
                if view.stat("/etc/apt/keyrings", true)?.is_none() {
                    return Err(Stop::failed(
                        "/etc/apt/keyrings is not there: make the folder first",
                    ));
                }
                actions.extend(place(&key_path, wanted)?);
                Some(key_path.clone())
            }
            Some(key) => match view.control_node().file(std::path::Path::new(key)) {
                LocalFile::File(content) if view.stat(key, true)?.is_none() => {
                    actions.extend(place(&key_path, Wanted::Write(content))?);
                    Some(key_path.clone())
                }
                _ => Some(key.to_string()),
            },
            None => None,
        };
        let text = own.text(key.as_deref());
        let wanted = match text_of(&path, view)?.as_deref() == Some(text.as_str()) {
            true => Wanted::Keep,
            false => Wanted::Write(Content::text(&text)),
        };
        actions.extend(place(&path, wanted)?);
        Ok(Step::Finish(
            actions,
            outcome
                .with("repo", text)
                .with("key_filename", key.map(Value::from)),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_gives_the_name_of_its_files() {
        assert_eq!(slug("My repo__of example.org - 2"), "my-repo-of-exampleorg---2");
    }

    #[test]
    fn a_line_gives_the_name_of_its_file() {
        assert_eq!(
            file_name("deb [arch=amd64] https://download.docker.com/linux/debian bookworm stable"),
            "download_docker_com_linux_debian"
        );
    }
}
