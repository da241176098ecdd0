//! What a command works with: configuration, inventory, variables, ways to hosts.

use super::passwords::PasswordOptions;
use super::reach::{Defaults, Ways};
use crate::artifact::cache_folder;
use crate::bridge::{self, Bridge};
use crate::connection::Secret;
use crate::content;
use crate::engine::{Reach, Reload, Settings};
use crate::error::cures::BELOW_THE_FOLDER;
use crate::error::{Error, ErrorKind, Errors, Result};
use crate::graph::Graph;
use crate::inventory::{Inventory, pattern};
use crate::model::configuration::{
    Configuration, Gathering, Inventories, OptionDefaults, PasswordSources, Reaching, Rules, Shown, Unheeded,
    Unparsed,
};
use crate::model::load::{Known, Loader, SearchPaths, free_form};
use crate::module;
use crate::source::{Place, Source};
use crate::template;
use crate::value::{Map, Value};
use crate::vault::{DEFAULT_LABEL, Vault};
use crate::yaml;
use clap::Args;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How many hosts at the same time, if nobody says another number.
const FORKS: usize = 50;

/// Options that all commands with playbooks or an inventory share.
#[derive(Args, Debug, Default)]
pub struct Options {
    /// An inventory: a file, a folder, or `host,`. May stand several times.
    #[arg(short, long, alias = "inventory-file")]
    pub inventory: Vec<String>,
    /// A variable: `name=value`, a YAML mapping, or `@file`.
    #[arg(short, long)]
    pub extra_vars: Vec<String>,
    /// The account to log in to.
    #[arg(short, long)]
    pub user: Option<String>,
    /// The private key to log in with.
    #[arg(long, alias = "key-file")]
    pub private_key: Option<PathBuf>,
    /// How to reach hosts: ssh, local.
    #[arg(short, long)]
    pub connection: Option<String>,
    /// How long a host may take to answer, in seconds (default 10).
    #[arg(short = 'T', long)]
    pub timeout: Option<u64>,
    /// A file with the password of vaulted files.
    #[arg(long, alias = "vault-pass-file")]
    pub vault_password_file: Vec<PathBuf>,
    /// A vault identity: `label@file`.
    #[arg(long)]
    pub vault_id: Vec<String>,
    /// Run only modules that Vent has itself: ask neither ansible-core nor Python.
    #[arg(long)]
    pub native_only: bool,
    /// The Python that has ansible-core, for modules that Vent does not have.
    #[arg(long, value_name = "PATH", env = bridge::VARIABLE)]
    pub ansible_python: Option<PathBuf>,
    #[command(flatten)]
    pub passwords: PasswordOptions,
    /// Options for ssh, such as `-o ProxyJump=...`.
    #[arg(long, allow_hyphen_values = true)]
    pub ssh_common_args: Option<String>,
    /// More options for ssh.
    #[arg(long, allow_hyphen_values = true)]
    pub ssh_extra_args: Option<String>,
    /// Options for sftp. Files go over the connection to the host, and sftp is never started.
    #[arg(long, allow_hyphen_values = true)]
    pub sftp_extra_args: Option<String>,
    /// Options for scp, which is never started either.
    #[arg(long, allow_hyphen_values = true)]
    pub scp_extra_args: Option<String>,
    /// Folders with modules, before others; parted by colons.
    #[arg(short = 'M', long, value_delimiter = ':')]
    pub module_path: Vec<PathBuf>,
    /// Called as one of Ansible's commands: a project is Ansible's, not Vent's.
    #[arg(skip)]
    pub named_as_ansible: bool,
}

/// What a project is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Its files are read.
    Reading,
    /// Hosts are reached: the configuration may have passwords asked for.
    Reaching,
}

/// Where Ansible looks for hosts if nobody says where.
const ANSIBLES: &str = "/etc/ansible/hosts";

/// What a command works with.
pub struct Project {
    /// Reads files.
    pub loader: Arc<Loader>,
    /// Reaches hosts.
    pub reach: Arc<dyn Reach>,
    /// `-e`.
    pub extra: Arc<Map>,
    /// `forks` of `ansible.cfg`.
    forks: Option<usize>,
    /// How a run is shown under Ansible's names.
    pub shown: Shown,
    /// The `ansible.cfg` that was read.
    pub config_file: Option<PathBuf>,
    /// The password of `-K`.
    become_password: Option<Secret>,
    /// `remote_tmp` of `ansible.cfg`.
    pub remote_tmp: Option<String>,
    /// `interpreter_python` of `ansible.cfg`.
    interpreter_python: Option<String>,
    /// When plays gather facts: Ansible's usual is each, under Ansible's names.
    gathering: Gathering,
    /// How runs go.
    rules: Rules,
    /// Options of commands, where they are not given.
    pub option_defaults: OptionDefaults,
    /// The settings that are not heeded.
    pub unheeded: Vec<Unheeded>,
    sources: Vec<String>,
    /// The folder of the first playbook, beside which variables, roles and plugins lie.
    pub folder: PathBuf,
    named_as_ansible: bool,
}

impl Project {
    /// Reads configuration, passwords and `-e`, and reaches no host.
    ///
    /// # Errors
    /// A file that cannot be read, a variable that is none.
    pub fn open(options: &Options, playbook: Option<&Path>) -> Result<Project, Errors> {
        Project::open_for(options, playbook, Purpose::Reading)
    }

    /// Reads configuration, passwords and `-e`.
    ///
    /// # Errors
    /// A file that cannot be read, a variable that is none.
    pub fn open_for(options: &Options, playbook: Option<&Path>, purpose: Purpose) -> Result<Project, Errors> {
        let folder = playbook.and_then(Path::parent).unwrap_or(Path::new(""));
        Project::opened(options, Configuration::read()?, folder.to_path_buf(), purpose)
    }

    /// Reads configuration, passwords and `-e`, for a folder without a playbook: the given one, else that of the configuration, else this
    /// one.
    ///
    /// # Errors
    /// As [`Project::open`].
    pub fn open_in(options: &Options, folder: Option<PathBuf>, purpose: Purpose) -> Result<Project, Errors> {
        let configuration = Configuration::read()?;
        let folder = folder.or_else(|| configuration.option_defaults.playbook_dir.clone());
        Project::opened(options, configuration, folder.unwrap_or_default(), purpose)
    }

    fn opened(
        options: &Options,
        configuration: Configuration,
        folder: PathBuf,
        purpose: Purpose,
    ) -> Result<Project, Errors> {
        let sources = &configuration.passwords;
        let passwords = options
            .passwords
            .configured(sources, purpose == Purpose::Reaching)
            .read()?;
        let vault = vault(options, sources, passwords.vault.as_ref())?;
        let known = Known {
            modules: module::MODULES,
            lookups: template::known_lookups().to_vec(),
        };
        let defaults = defaults(options, configuration.reaching, passwords.connection);
        if let Some(lines) = configuration.option_defaults.diff_context {
            content::show_around(lines);
        }
        let extra = extra(&options.extra_vars, &vault)?;
        let sources = if options.inventory.is_empty() {
            configuration.inventory
        } else {
            options.inventory.clone()
        };
        let search = SearchPaths {
            roles: configuration.roles_path,
            collections: configuration.collections_path,
            library: [options.module_path.clone(), configuration.library].concat(),
            module_utils: configuration.module_utils,
            plugins: configuration.plugins,
            vars_plugins_enabled: configuration.vars_plugins_enabled,
        };
        let extra = Arc::new(extra);
        let bridge = Bridge::new(bridge::Options {
            native_only: options.native_only,
            python: options.ansible_python.clone(),
            search_path: std::env::var("PATH").unwrap_or_default(),
            cache: cache_folder(|name| std::env::var_os(name)),
        });
        let loader = Loader::new(vault, known, search)
            .with_extra(extra.clone())
            .configured(configuration.merges_hashes, configuration.group_names)
            .reads_inventories(Inventories {
                unparsed: Unparsed {
                    lenient: options.named_as_ansible,
                    ..configuration.inventories.unparsed
                },
                ..configuration.inventories
            });
        loader.warn(without_effect(options, configuration.passed_over.as_deref()));
        Ok(Project {
            loader: Arc::new(loader.with_bridge(Arc::new(bridge))),
            reach: Arc::new(Ways::new(defaults)),
            extra,
            forks: configuration.forks,
            shown: configuration.shown,
            config_file: configuration.file,
            become_password: passwords.r#become,
            remote_tmp: configuration.remote_tmp,
            interpreter_python: configuration.interpreter_python,
            rules: configuration.rules,
            unheeded: configuration.unheeded,
            option_defaults: configuration.option_defaults,
            gathering: configuration.gathering.unwrap_or(match options.named_as_ansible {
                true => Gathering::Implicit,
                false => Gathering::Smart,
            }),
            sources,
            folder,
            named_as_ansible: options.named_as_ansible,
        })
    }

    /// What the options of a project and its configuration say of each of its runs.
    pub fn settings(&self) -> Settings {
        Settings {
            forks: self.forks.unwrap_or(FORKS),
            extra: self.extra.clone(),
            become_password: self.become_password.clone(),
            remote_tmp: self.remote_tmp.clone(),
            interpreter_python: self.interpreter_python.clone(),
            gathering: self.gathering,
            rules: self.rules.clone(),
            diff: self.option_defaults.diff,
            tags: self.option_defaults.tags.clone(),
            skip_tags: self.option_defaults.skip_tags.clone(),
            ..Settings::default()
        }
    }

    /// The inventory: `-i`, else the configuration's, else `inventory/lab.yml` of the playbook's project, else Ansible's usual
    /// one.
    ///
    /// # Errors
    /// Everything that is wrong in its files.
    pub fn inventory(&self) -> Result<Inventory, Errors> {
        Inventory::load(&self.sources(), &self.loader, Some(&self.folder))
    }

    fn sources(&self) -> Vec<String> {
        if !self.sources.is_empty() {
            return self.sources.clone();
        }
        let near = [
            self.folder.join("../inventory/lab.yml"),
            self.folder.join("inventory/lab.yml"),
            "inventory/lab.yml".into(),
        ];
        let near = near.into_iter().filter(|_| !self.named_as_ansible);
        let found = near.chain([ANSIBLES.into()]).find(|path| path.exists());
        found.iter().map(|path| path.display().to_string()).collect()
    }

    /// Reads the inventory anew, as [`Project::inventory`] does.
    pub fn reload(&self) -> Arc<Reload> {
        let (sources, loader, folder) = (self.sources(), self.loader.clone(), self.folder.clone());
        Arc::new(move || Inventory::load(&sources, &loader, Some(&folder)))
    }

    /// Starts the lab if a host of a play is one of its nodes.
    ///
    /// # Errors
    /// What the lab says.
    pub async fn wake(
        &self,
        graph: &Graph,
        inventory: &Inventory,
        limit: Option<&str>,
    ) -> Result<(), Errors> {
        let Some(lab) = inventory.labs.first().cloned() else {
            return Ok(());
        };
        let limited = limit.map(|limit| pattern::limit(inventory, limit)).transpose()?;
        let nodes = inventory.hosts_of("lab").unwrap_or_default();
        let chosen = |name: &Arc<str>| {
            limited
                .as_ref()
                .is_none_or(|limited| limited.hosts.contains(name))
        };
        let wanted = graph.nodes.iter().flat_map(|node| &node.plays).any(|play| {
            let hosts = match &play.hosts.value {
                Value::Template(_) => return true,
                value => pattern::hosts(inventory, value, &play.hosts.place).unwrap_or_default(),
            };
            nodes.iter().any(|node| hosts.contains(&node.name))
        });
        if wanted && nodes.iter().any(|node| chosen(&node.name)) {
            let woken =
                tokio::task::spawn_blocking(move || lab.up(&|text| super::say(&format!("lab: {text}"))))
                    .await;
            woken.map_err(|error| Error::new("the lab broke").cause(error))??;
        }
        Ok(())
    }
}

/// What was given and does nothing: options, and the `ansible.cfg` of a folder.
fn without_effect(options: &Options, passed_over: Option<&Path>) -> Vec<Error> {
    let programs = [
        ("sftp", &options.sftp_extra_args),
        ("scp", &options.scp_extra_args),
    ];
    let given = programs.into_iter().filter(|(_, given)| given.is_some());
    let given = given.map(|(name, _)| {
        Error::new(format!(
            "`--{name}-extra-args` does nothing: files go over the connection to the host, {name} is never started"
        ))
    });
    let folder = passed_over.map(|folder| {
        Error::new(format!(
            "{} is open to everybody: its ansible.cfg is not read",
            folder.display()
        ))
        .help("take it from others (`chmod o-w`), or name the file: ANSIBLE_CONFIG=./ansible.cfg")
    });
    given.chain(folder).collect()
}

/// How hosts are reached: the options of the command line before the configuration.
fn defaults(options: &Options, configured: Reaching, password: Option<Secret>) -> Defaults {
    let [ssh_args, common_args, extra_args] = configured.arguments;
    Defaults {
        connection: options.connection.clone().or(configured.transport),
        user: options.user.clone().or(configured.remote_user),
        port: configured.port,
        private_key_file: options.private_key.clone().or(configured.private_key_file),
        passphrase: configured.passphrase,
        password,
        host_key_checking: configured.host_key_checking,
        timeout: options.timeout.map(Duration::from_secs).or(configured.timeout),
        arguments: [
            ssh_args,
            options.ssh_common_args.clone().or(common_args),
            options.ssh_extra_args.clone().or(extra_args),
        ],
    }
}

/// The passwords that may open vaulted texts: those of the configuration's identities first, as Ansible tries them.
fn vault(options: &Options, sources: &PasswordSources, typed: Option<&Secret>) -> Result<Vault> {
    let label = sources.vault_identity.as_deref().unwrap_or(DEFAULT_LABEL);
    let mut vault = Vault::default();
    for identity in sources.vault_identities.iter().chain(&options.vault_id) {
        vault.add_identity(identity, label)?;
    }
    let files = options.vault_password_file.iter();
    for path in files.chain(&sources.vault_password_file) {
        vault.add_file(label, path)?;
    }
    if let Some(password) = typed {
        vault.add(label, password.reveal());
    }
    if sources.vault_id_match {
        vault.match_labels(label);
    }
    Ok(vault)
}

/// The variables of `-e`, later ones win.
fn extra(texts: &[String], vault: &Vault) -> Result<Map, Errors> {
    let mut map = Map::new();
    for text in texts {
        let trimmed = text.trim();
        if let Some(path) = trimmed.strip_prefix('@') {
            let read = std::fs::read_to_string(path).map_err(|error| {
                Error::new(format!("cannot read the variables of `-e @{path}`"))
                    .cause(error)
                    .help(BELOW_THE_FOLDER)
            })?;
            map.extend(mapping(&Source::file(Path::new(path), read), vault)?);
        } else if trimmed.starts_with('{') {
            map.extend(mapping(&Source::named("-e", trimmed.to_string()), vault)?);
        } else {
            map.extend(words(trimmed)?);
        }
    }
    Ok(map)
}

fn mapping(source: &Arc<Source>, vault: &Vault) -> Result<Map, Errors> {
    let parsed = yaml::parse(source)?;
    let Some(node) = parsed.documents.first() else {
        return Ok(Map::new());
    };
    match node.value(vault)? {
        Value::Map(map) => Ok((*map).clone()),
        Value::Null => Ok(Map::new()),
        other => Err(
            Error::new(format!("variables need a mapping, not {}", other.kind()))
                .at(&node.place)
                .into(),
        ),
    }
}

/// `name=value name='other value'`: the values are texts. A template is one word, as behind a module's name.
fn words(text: &str) -> Result<Map, Errors> {
    let parted = free_form::split(text, false).map_err(|problem| {
        Error::new(format!("cannot take `-e` apart: {problem}"))
            .at(&Place::new(&Source::named("-e", text.to_string()), 0..text.len()))
            .help("quote the whole for the shell: -e \"name='a value'\"")
            .of_kind(ErrorKind::Unreadable)
    })?;
    if !parted.rest.is_empty() {
        let error = Error::new(format!("`-e {text}` is no variable"))
            .help("write -e name=value, -e '{name: value}' or -e @file");
        return Err(error.into());
    }
    let values = parted.pairs.into_iter();
    Ok(values
        .map(|pair| (pair.key.into(), Value::trusted(&pair.value, None)))
        .collect())
}
