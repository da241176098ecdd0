//! `git`: a working copy of a repository at a version.

use super::returns::Returns;
use super::{Module, Outcome, Step, Stop, View};
use crate::host::{Action, Effect, Output, Resource, quote, requote};
use crate::value::Value;
use schemars::JsonSchema;
use serde::Deserialize;

/// Keeps a working copy.
pub(super) struct Git;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// The repository.
    #[serde(alias = "name")]
    repo: String,
    /// The folder of the working copy.
    dest: String,
    /// A branch, a tag, a commit or `HEAD`.
    #[serde(default = "head")]
    version: String,
    /// What the repository is called in the working copy.
    #[serde(default = "origin")]
    remote: String,
    /// Throw local changes away.
    #[serde(default)]
    force: bool,
    /// Bring a working copy that is there up to date.
    #[serde(default = "yes")]
    update: bool,
    /// Make the working copy if it is not there.
    #[serde(default = "yes")]
    clone: bool,
    /// So many commits of history.
    depth: Option<u32>,
    /// No working copy, only the repository.
    #[serde(default)]
    bare: bool,
    /// With submodules.
    #[serde(default = "yes")]
    recursive: bool,
    /// Submodules at the newest commit of their branch.
    #[serde(default)]
    track_submodules: bool,
    /// Only the history of the version.
    #[serde(default)]
    single_branch: bool,
    /// More to fetch.
    refspec: Option<String>,
    /// A folder apart for the repository.
    separate_git_dir: Option<String>,
    /// Take the key of an SSH host that is not known.
    #[serde(default)]
    accept_hostkey: bool,
    /// As `accept_hostkey`, but never a changed one.
    #[serde(default)]
    accept_newhostkey: bool,
    /// The private key for SSH, a path of the host.
    key_file: Option<String>,
    /// More options of `ssh`.
    ssh_opts: Option<String>,
    /// The folder of the host where programs are looked for first: the path of `git`.
    executable: Option<String>,
}

fn head() -> String {
    "HEAD".into()
}

fn origin() -> String {
    "origin".into()
}

fn yes() -> bool {
    true
}

/// What stands in `dest`, and what the repository has.
struct Checkout {
    before: Option<String>,
    address: String,
    modified: bool,
    remote: Option<String>,
    branch: bool,
}

impl Arguments {
    /// Settings of the programs, before every script.
    fn settings(&self) -> String {
        let mut ssh = String::from("ssh");
        if let Some(key) = &self.key_file {
            ssh.push_str(&format!(" -i {} -o IdentitiesOnly=yes", quote(key)));
        }
        if self.accept_newhostkey {
            ssh.push_str(" -o StrictHostKeyChecking=accept-new");
        } else if self.accept_hostkey {
            ssh.push_str(" -o StrictHostKeyChecking=no");
        }
        if let Some(options) = &self.ssh_opts {
            let words = requote(options).unwrap_or_else(|| quote(options));
            ssh.push_str(&format!(" {words}"));
        }
        let ssh = match ssh.as_str() {
            "ssh" => String::new(),
            _ => format!(
                "export GIT_SSH_COMMAND={}\n",
                quote(&format!("{ssh} -o BatchMode=yes"))
            ),
        };
        let git = match &self.executable {
            Some(path) => format!("git() {{ {} \"$@\"; }}\n", quote(path)),
            None => {
                "command -v git >/dev/null || { echo 'git is not on the host: install it' >&2; exit 9; }\n"
                    .into()
            }
        };
        format!("export GIT_TERMINAL_PROMPT=0 LC_ALL=C\n{ssh}{git}")
    }

    fn is_commit(&self) -> bool {
        self.version.len() == 40 && self.version.chars().all(|c| c.is_ascii_hexdigit())
    }

    /// Prints what is there in lines `KEY VALUE`.
    fn question(&self) -> String {
        let (dest, repo, remote) = (quote(&self.dest), quote(&self.repo), quote(&self.remote));
        let version = &self.version;
        let wanted = match version.as_str() {
            "HEAD" => "HEAD".to_string(),
            _ => [
                format!("refs/heads/{version}"),
                format!("refs/tags/{version}"),
                format!("refs/tags/{version}^{{}}"),
                version.clone(),
            ]
            .map(|name| quote(&name))
            .join(" "),
        };
        let listing = match self.update || self.clone {
            true if !self.is_commit() => {
                format!(
                    "r=$(git ls-remote {repo} {wanted}) || exit 8; printf '%s\\n' \"$r\" | sed 's/^/remote /'"
                )
            }
            _ => String::new(),
        };
        format!(
            "{}if [ -e {dest}/.git ] || [ -f {dest}/HEAD -a -d {dest}/objects ]; then echo there\n\
             printf 'before %s\\n' \"$(git -C {dest} rev-parse HEAD 2>/dev/null)\"\n\
             printf 'address %s\\n' \"$(git -C {dest} config --get remote.{remote}.url)\"\n\
             [ ! -e {dest}/.git ] || [ -z \"$(git -C {dest} status --porcelain -uno)\" ] || echo modified\n\
             else [ -z \"$(ls -A {dest} 2>/dev/null)\" ] || echo occupied; fi\n{listing}\nexit 0",
            self.settings()
        )
    }

    fn checkout(&self, output: &Output) -> Result<Checkout, Stop> {
        let text = output.text();
        let of = |key: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(key))
                .map(|rest| rest.trim().to_string())
        };
        let has = |word: &str| text.lines().any(|line| line == word);
        match output.code {
            0 => {}
            code => {
                let stderr = String::from_utf8_lossy(&output.stderr).trim().to_string();
                let message = match code {
                    8 => format!("Failed to read {}: {stderr}", self.repo),
                    _ => stderr,
                };
                return Err(Stop::failed(message));
            }
        }
        if has("occupied") {
            return Err(Stop::failed(format!(
                "destination path '{}' already exists and is not an empty directory",
                self.dest
            )));
        }
        let refs: Vec<(&str, &str)> = text
            .lines()
            .filter_map(|line| line.strip_prefix("remote ")?.split_once('\t'))
            .collect();
        let at = |name: &str| {
            refs.iter()
                .find(|(_, found)| *found == name)
                .map(|(id, _)| id.to_string())
        };
        let version = &self.version;
        let branch = at(&format!("refs/heads/{version}"));
        let remote = match self.is_commit() {
            true => Some(version.clone()),
            false => branch
                .clone()
                .or_else(|| at(&format!("refs/tags/{version}^{{}}")))
                .or_else(|| at(&format!("refs/tags/{version}")))
                .or_else(|| at(version)),
        };
        Ok(Checkout {
            before: has("there").then(|| of("before ").unwrap_or_default()),
            address: of("address ").unwrap_or_default(),
            modified: has("modified"),
            remote,
            branch: branch.is_some(),
        })
    }

    /// Submodules as they belong to the commit.
    fn submodules(&self) -> String {
        if !self.recursive || self.bare {
            return String::new();
        }
        let newest = if self.track_submodules { " --remote" } else { "" };
        format!(
            "if [ -f .gitmodules ]; then git submodule -q sync --recursive; git submodule -q update --init --recursive{newest} || exit 1; fi\n"
        )
    }

    /// Goes to the version in the working copy.
    fn switch(&self, branch: bool) -> String {
        if self.bare {
            return String::new();
        }
        let (version, remote) = (quote(&self.version), quote(&self.remote));
        match (self.version.as_str(), branch) {
            ("HEAD", _) => format!(
                "b=$(git symbolic-ref -q --short HEAD || git rev-parse --abbrev-ref {remote}/HEAD | sed 's,^[^/]*/,,')\n\
                 git checkout -q --force \"$b\" -- && git reset -q --hard {remote}/\"$b\" -- || exit 1\n"
            ),
            (_, true) => format!(
                "git checkout -q --force -B {version} {remote}/{version} -- && git branch -q --set-upstream-to={remote}/{version} || exit 1\n"
            ),
            (_, false) => format!("git checkout -q --force {version} -- || exit 1\n"),
        }
    }

    fn clone_script(&self, found: &Checkout) -> String {
        let mut options = String::new();
        if self.bare {
            options.push_str(" --bare");
        } else {
            options.push_str(&format!(" --origin {}", quote(&self.remote)));
        }
        if let Some(depth) = self.depth.filter(|_| !self.is_commit()) {
            options.push_str(&format!(" --depth {depth}"));
        }
        if self.single_branch {
            options.push_str(" --single-branch");
        }
        if self.version != "HEAD" && !self.is_commit() {
            options.push_str(&format!(" --branch {}", quote(&self.version)));
        }
        if let Some(folder) = &self.separate_git_dir {
            options.push_str(&format!(" --separate-git-dir={}", quote(folder)));
        }
        let (repo, dest) = (quote(&self.repo), quote(&self.dest));
        format!(
            "{}mkdir -p \"$(dirname {dest})\" && git clone -q{options} -- {repo} {dest} && cd {dest} || exit 1\n{}{}{}git rev-parse HEAD",
            self.settings(),
            self.fetch_refspec(),
            if self.is_commit() {
                self.switch(found.branch)
            } else {
                String::new()
            },
            self.submodules()
        )
    }

    fn fetch_refspec(&self) -> String {
        match &self.refspec {
            Some(refspec) => format!(
                "git fetch -q {} {} || exit 1\n",
                quote(&self.remote),
                quote(refspec)
            ),
            None => String::new(),
        }
    }

    fn update_script(&self, found: &Checkout) -> String {
        let (dest, repo, remote) = (quote(&self.dest), quote(&self.repo), quote(&self.remote));
        let depth = match self.depth {
            Some(depth) if !self.is_commit() => format!(" --depth {depth}"),
            _ => String::new(),
        };
        let fetch = match self.bare {
            true => format!(
                "git fetch -q --force {repo} '+refs/heads/*:refs/heads/*' '+refs/tags/*:refs/tags/*' || exit 1\n"
            ),
            false => format!(
                "git remote get-url {remote} >/dev/null 2>&1 && git remote set-url {remote} {repo} || git remote add {remote} {repo}\n\
                 git fetch -q --force{depth} {remote} '+refs/heads/*:refs/remotes/'{remote}'/*' '+refs/tags/*:refs/tags/*' || exit 1\n"
            ),
        };
        let clean = if self.force && !self.bare {
            "git reset -q --hard HEAD -- || exit 1\n"
        } else {
            ""
        };
        format!(
            "{}cd {dest} || exit 1\n{clean}{fetch}{}{}{}git rev-parse HEAD",
            self.settings(),
            self.fetch_refspec(),
            self.switch(found.branch),
            self.submodules()
        )
    }
}

impl Module for Git {
    const NAMES: &'static [&'static str] = &["ansible.builtin.git", "git"];
    type Arguments = Arguments;
    const PATHS: &'static [&'static str] = &["dest", "key_file", "executable", "separate_git_dir"];
    const IGNORED: &'static [&'static str] = &[
        "umask",
        "verify_commit",
        "gpg_allowlist",
        "gpg_whitelist",
        "reference",
        "archive",
        "archive_prefix",
    ];
    const RETURNS: &'static [Returns] = &[&[
        ("before", "The commit that was there before."),
        ("after", "The commit that is there now."),
        (
            "remote_url_changed",
            "Whether the working copy belonged to another repository; with `update`.",
        ),
    ]];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        let mut about = vec![Resource::Path(arguments.dest.clone())];
        if arguments.repo.starts_with('/') {
            about.push(Resource::Path(arguments.repo.clone()));
        }
        let text = |id: &Option<String>| id.as_deref().map_or(Value::Null, Value::string);
        let found = arguments.checkout(&view.probe(&arguments.question(), &about)?)?;
        let outcome = Outcome::new().with("before", text(&found.before.clone().filter(|id| !id.is_empty())));
        let script = |script: String, explain: String| Action::Script {
            script,
            explain,
            effects: vec![Effect::Forgets(about[0].clone())],
        };
        let (repo, dest) = (quote(&arguments.repo), quote(&arguments.dest));
        let missing = || {
            let version = &arguments.version;
            Stop::failed(format!(
                "Failed to checkout {version}: {} has no such branch, tag or commit",
                arguments.repo
            ))
        };
        let Some(before) = &found.before else {
            if !arguments.clone {
                let outcome = outcome.with("after", text(&found.remote));
                return Ok(Step::done(outcome.changed(true)));
            }
            let after = found.remote.clone().ok_or_else(missing)?;
            let line =
                format!("git clone -b {} {repo} {dest}", quote(&arguments.version)).replace("-b HEAD ", "");
            let action = script(arguments.clone_script(&found), line);
            return Ok(Step::Finish(vec![action], outcome.with("after", after)));
        };
        if !arguments.update {
            return Ok(Step::done(outcome.with("after", before.as_str())));
        }
        if found.modified && !arguments.force {
            return Err(Stop::failed(format!(
                "Local modifications exist in the destination: {} (force=no).",
                arguments.dest
            )));
        }
        let moved = found.address != arguments.repo && !arguments.bare;
        let after = found.remote.clone().ok_or_else(missing)?;
        let mut outcome = outcome
            .with("after", after.as_str())
            .with("remote_url_changed", moved);
        if *before == after && !found.modified && !moved {
            return Ok(Step::done(outcome));
        }
        outcome = outcome.changed(*before != after || found.modified || moved);
        let line = format!(
            "git -C {dest} fetch && git -C {dest} checkout {}",
            quote(&arguments.version)
        );
        Ok(Step::Finish(
            vec![script(arguments.update_script(&found), line)],
            outcome,
        ))
    }
}
