//! What `ansible.cfg` and the variables `ANSIBLE_...` of the environment say; the environment is stronger.

mod sources;

use super::group_names::GroupNames;
use super::python;
use crate::error::{Collector, ErrorKind, Errors, Result};
use sources::{File, Setting, Sources, found};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The settings that are read; what nobody set is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Configuration {
    /// The `ansible.cfg` that was read.
    pub file: Option<PathBuf>,
    /// Inventory sources (`inventory`, `ANSIBLE_INVENTORY`).
    pub inventory: Vec<String>,
    /// The account to log in to.
    pub remote_user: Option<String>,
    /// The private key to log in with.
    pub private_key_file: Option<PathBuf>,
    /// Whether host keys are checked.
    pub host_key_checking: Option<bool>,
    /// How long a connection may take to come up.
    pub timeout: Option<Duration>,
    /// How many hosts at the same time.
    pub forks: Option<usize>,
    /// The file with the vault password.
    pub vault_password_file: Option<PathBuf>,
    /// Folders with roles; Ansible's usual ones if nobody set others.
    pub roles_path: Vec<PathBuf>,
    /// Folders with collections; Ansible's usual ones if nobody set others, then the packages of the user's ansible-core.
    pub collections_path: Vec<PathBuf>,
    /// Folders with modules of the user's own (`library`); Ansible's usual ones if nobody set others.
    pub library: Vec<PathBuf>,
    /// Folders with plugins of the user's own, by the names of such folders beside a playbook; Ansible's usual ones if nobody set others.
    pub plugins: HashMap<&'static str, Vec<PathBuf>>,
    /// The vars plugins that are asked although they are in a collection (`vars_plugins_enabled`).
    pub vars_plugins_enabled: Vec<String>,
    /// Folders with what such modules import (`module_utils`); Ansible's usual ones if nobody set others.
    pub module_utils: Vec<PathBuf>,
    /// The folder of an account on a host for files on their way (`remote_tmp`).
    pub remote_tmp: Option<String>,
    /// The Python that runs modules on hosts (`interpreter_python`).
    pub interpreter_python: Option<String>,
    /// Mappings of stronger variables add to those of weaker ones (`hash_behaviour=merge`).
    pub merges_hashes: bool,
    /// What is done about names of groups with characters that no variable may have.
    pub group_names: GroupNames,
    /// When plays gather facts (`gathering`).
    pub gathering: Option<Gathering>,
    /// What comes of inventories that cannot be read.
    pub unparsed: Unparsed,
    /// Who may read inventories (`enable_plugins`), if not everybody.
    pub inventory_plugins: Option<Vec<String>>,
    /// How a run is shown under Ansible's names.
    pub shown: Shown,
}

/// What comes of inventories that cannot be read, under Ansible's names (section `[inventory]`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unparsed {
    /// One that cannot be read is warned of, and the others are enough; else it is an error.
    pub lenient: bool,
    /// One is an error all the same (`any_unparsed_is_failed`).
    pub any_is_failed: bool,
    /// That none could be read is an error (`unparsed_is_failed`).
    pub none_is_failed: bool,
    /// That none could be read is warned of (`inventory_unparsed_warning`).
    pub warns_of_none: bool,
}

impl Default for Unparsed {
    fn default() -> Unparsed {
        Unparsed {
            lenient: false,
            any_is_failed: false,
            none_is_failed: false,
            warns_of_none: true,
        }
    }
}

/// When plays gather facts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gathering {
    /// Each, unless it says otherwise (`implicit`).
    Implicit,
    /// Those that say so (`explicit`).
    Explicit,
    /// Each, of hosts whose facts are not known yet (`smart`).
    #[default]
    Smart,
}

impl Gathering {
    fn of_word(word: &str) -> Option<Gathering> {
        Some(match word {
            "implicit" => Gathering::Implicit,
            "explicit" => Gathering::Explicit,
            "smart" => Gathering::Smart,
            _ => return None,
        })
    }
}

/// The settings of Ansible's callback `default` and of its display.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shown {
    /// Skipped hosts (true if nobody says otherwise).
    pub display_skipped_hosts: Option<bool>,
    /// Hosts on which nothing changed (true if nobody says otherwise).
    pub display_ok_hosts: Option<bool>,
    /// Failures go to standard error.
    pub display_failed_stderr: Option<bool>,
    /// A line for each host that begins with a task.
    pub show_per_host_start: Option<bool>,
    /// `[CHECK MODE]` in banners.
    pub check_mode_markers: Option<bool>,
    /// The place of a task that fails.
    pub show_task_path_on_failure: Option<bool>,
    /// Results on several lines (`callback_format_pretty`).
    pub pretty_results: Option<bool>,
    /// Colours even where there is no terminal.
    pub force_color: Option<bool>,
    /// No colours.
    pub nocolor: Option<bool>,
    /// It is said that there are no hosts (true if nobody says otherwise).
    pub localhost_warning: Option<bool>,
    /// So many `-v` more.
    pub verbosity: u8,
    /// Who writes standard output (`stdout_callback`).
    pub stdout_callback: Option<String>,
    /// `ansible` heeds it too (`bin_ansible_callbacks`).
    pub bin_ansible_callbacks: Option<bool>,
}

/// Where roles are searched if nothing else is set.
const ROLES_PATH: &str = "~/.ansible/roles:/usr/share/ansible/roles:/etc/ansible/roles";

/// Where collections are searched if nothing else is set.
const COLLECTIONS_PATH: &str = "~/.ansible/collections:/usr/share/ansible/collections";

/// Where modules of the user's own are searched if nothing else is set.
const LIBRARY: &str = "~/.ansible/plugins/modules:/usr/share/ansible/plugins/modules";

/// Where plugins of the user's own are searched if nothing else is set, by the names of the settings.
const PLUGINS: [(&str, &str); 5] = [
    (
        "vars_plugins",
        "~/.ansible/plugins/vars:/usr/share/ansible/plugins/vars",
    ),
    (
        "inventory_plugins",
        "~/.ansible/plugins/inventory:/usr/share/ansible/plugins/inventory",
    ),
    (
        "filter_plugins",
        "~/.ansible/plugins/filter:/usr/share/ansible/plugins/filter",
    ),
    (
        "test_plugins",
        "~/.ansible/plugins/test:/usr/share/ansible/plugins/test",
    ),
    (
        "lookup_plugins",
        "~/.ansible/plugins/lookup:/usr/share/ansible/plugins/lookup",
    ),
];

/// Where what they import is searched if nothing else is set.
const MODULE_UTILS: &str = "~/.ansible/plugins/module_utils:/usr/share/ansible/plugins/module_utils";

impl Configuration {
    /// Reads the first of `ANSIBLE_CONFIG`, `ansible.cfg` here, `~/.ansible.cfg`, `/etc/ansible/ansible.cfg`, and
    /// the environment.
    ///
    /// # Errors
    /// A file that cannot be read, a setting of the wrong kind.
    pub fn read() -> Result<Configuration, Errors> {
        let environment = |name: &str| std::env::var(name).ok();
        let here = std::env::current_dir().unwrap_or_default();
        Configuration::of(&environment, &here).map_err(|errors| errors.of_kind(ErrorKind::Configuration))
    }

    fn of(environment: &dyn Fn(&str) -> Option<String>, here: &Path) -> Result<Configuration, Errors> {
        let mut errors = Collector::default();
        let path_read = found(environment, here);
        let file = path_read.as_deref().map(File::read).transpose()?;
        errors.take(file.as_ref().map_or(Ok(()), File::check));
        let sources = Sources {
            environment,
            here,
            file,
        };
        let path = |setting: Setting| sources.path(&setting.text, &setting.folder);
        let flag = sources.get("host_key_checking").map(|found| found.flag());
        let host_key_checking = flag.and_then(|flag| errors.take(flag));
        let mut number = |name: &str| {
            let number = sources.get(name).map(|found| found.number());
            number.and_then(|number| errors.take(number))
        };
        let (timeout, forks) = (number("timeout"), number("forks"));
        let verbosity = number("verbosity").unwrap_or(0);
        let mut flag = |name: &str| {
            let flag = sources.get(name).map(|found| found.flag());
            flag.and_then(|flag| errors.take(flag))
        };
        let shown = Shown {
            display_skipped_hosts: flag("display_skipped_hosts"),
            display_ok_hosts: flag("display_ok_hosts"),
            display_failed_stderr: flag("display_failed_stderr"),
            show_per_host_start: flag("show_per_host_start"),
            check_mode_markers: flag("check_mode_markers"),
            show_task_path_on_failure: flag("show_task_path_on_failure"),
            pretty_results: flag("callback_format_pretty"),
            force_color: flag("force_color"),
            nocolor: flag("nocolor"),
            localhost_warning: flag("localhost_warning"),
            verbosity: u8::try_from(verbosity).unwrap_or(u8::MAX),
            stdout_callback: sources.get("stdout_callback").map(|found| found.text),
            bin_ansible_callbacks: sources
                .variable("ANSIBLE_LOAD_CALLBACK_PLUGINS")
                .or_else(|| sources.get("bin_ansible_callbacks"))
                .and_then(|found| errors.take(found.flag())),
        };
        let mut of_inventory = |name: &str, variable: &str| {
            let found = sources.of_section("inventory", name, variable);
            found.and_then(|found| errors.take(found.flag()))
        };
        let unparsed = Unparsed {
            lenient: false,
            any_is_failed: of_inventory(
                "any_unparsed_is_failed",
                "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED",
            )
            .unwrap_or(false),
            none_is_failed: of_inventory("unparsed_is_failed", "ANSIBLE_INVENTORY_UNPARSED_FAILED")
                .unwrap_or(false),
            warns_of_none: of_inventory("inventory_unparsed_warning", "ANSIBLE_INVENTORY_UNPARSED_WARNING")
                .unwrap_or(true),
        };
        errors.finish(Configuration {
            file: path_read,
            unparsed,
            inventory_plugins: sources
                .of_section("inventory", "enable_plugins", "ANSIBLE_INVENTORY_ENABLED")
                .map(|found| list(&found.text)),
            inventory: sources
                .get("inventory")
                .map(|found| sources.inventory(&found))
                .unwrap_or_default(),
            remote_user: sources.get("remote_user").map(|found| found.text),
            private_key_file: sources.get("private_key_file").map(path),
            host_key_checking,
            timeout: timeout.map(Duration::from_secs),
            forks: forks.map(|forks| forks as usize),
            vault_password_file: sources.get("vault_password_file").map(path),
            roles_path: sources.paths("roles_path", ROLES_PATH),
            collections_path: [
                sources.paths("collections_path", COLLECTIONS_PATH),
                python::packages(&environment("PATH").unwrap_or_default()),
            ]
            .concat(),
            library: sources.paths("library", LIBRARY),
            vars_plugins_enabled: sources
                .variable("ANSIBLE_VARS_ENABLED")
                .or_else(|| sources.get("vars_plugins_enabled"))
                .map(|found| list(&found.text))
                .unwrap_or_default(),
            plugins: PLUGINS
                .map(|(name, usual)| (name, sources.paths(name, usual)))
                .into(),
            shown,
            group_names: sources
                .variable("ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS")
                .or_else(|| sources.get("force_valid_group_names"))
                .and_then(|found| GroupNames::of_word(&found.text))
                .unwrap_or_default(),
            gathering: sources
                .get("gathering")
                .and_then(|found| Gathering::of_word(&found.text)),
            merges_hashes: sources
                .get("hash_behaviour")
                .is_some_and(|found| found.text == "merge"),
            module_utils: sources.paths("module_utils", MODULE_UTILS),
            remote_tmp: sources.get("remote_tmp").map(|found| found.text),
            interpreter_python: sources
                .get("interpreter_python")
                .or_else(|| sources.variable("ANSIBLE_PYTHON_INTERPRETER"))
                .map(|found| found.text),
        })
    }
}

/// The names of a list, parted by commas.
fn list(text: &str) -> Vec<String> {
    text.split(',').map(|name| name.trim().to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[ssh_connection]\nforks = 1\n[defaults]\n# forks = 2\ninventory = hosts.ini, more\nforks=7 ; seven\n\
                        roles_path = roles:~/shared\nhost_key_checking: False\nremote_user = me\nprivate_key_file = ~/.ssh/key\n";

    fn read(text: &str, variables: &[(&str, &str)]) -> Result<Configuration, Errors> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ansible.cfg"), text).unwrap();
        std::fs::write(folder.path().join("more"), "").unwrap();
        let environment = |name: &str| {
            let all = [variables, &[("HOME", "/home/me")]].concat();
            all.iter()
                .find(|entry| entry.0 == name)
                .map(|entry| entry.1.to_string())
        };
        let mut read = Configuration::of(&environment, folder.path())?;
        let here = format!("{}/", folder.path().display());
        read.inventory
            .iter_mut()
            .for_each(|path| *path = path.replace(&here, ""));
        read.roles_path
            .iter_mut()
            .for_each(|path| *path = path.display().to_string().replace(&here, "").into());
        Ok(read)
    }

    #[test]
    fn a_file_is_read() {
        let configuration = read(TEXT, &[]).unwrap();
        assert_eq!(configuration.inventory, ["hosts.ini", "more"]);
        assert_eq!(configuration.forks, Some(7));
        assert_eq!(configuration.host_key_checking, Some(false));
        assert_eq!(configuration.remote_user.as_deref(), Some("me"));
        assert_eq!(configuration.private_key_file, Some("/home/me/.ssh/key".into()));
        assert_eq!(
            configuration.roles_path,
            [PathBuf::from("roles"), "/home/me/shared".into()]
        );
    }

    #[test]
    fn the_environment_is_stronger() {
        let configuration = read(
            TEXT,
            &[("ANSIBLE_FORKS", "9"), ("ANSIBLE_INVENTORY", "web1,web2")],
        )
        .unwrap();
        assert_eq!(configuration.forks, Some(9));
        assert_eq!(configuration.inventory, ["web1,web2"]);
        assert_eq!(read("", &[]).unwrap().roles_path.len(), 3);
    }

    #[test]
    fn a_setting_of_the_wrong_kind_is_shown() {
        let errors = read(
            "[defaults]\nforks = many\nhost_key_checking = perhaps\nnonsense\n",
            &[],
        )
        .unwrap_err();
        let found = errors
            .0
            .iter()
            .map(|error| (error.place().unwrap().line_column(), error.message()));
        let expected = [
            ((4, 1), "this line is no setting"),
            ((3, 21), "`perhaps` is not true or false"),
            ((2, 9), "`many` is not a whole number"),
        ];
        assert_eq!(found.collect::<Vec<_>>(), expected);
        let errors = read("forks = 5\n", &[]).unwrap_err();
        assert_eq!(errors.0[0].message(), "a setting needs a section above it");
    }
}
