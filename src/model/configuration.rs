//! What `ansible.cfg` and the variables `ANSIBLE_...` of the environment say; the environment is stronger.

mod becoming;
mod definitions;
mod effective;
mod file;
mod inventories;
mod option_defaults;
mod passwords;
mod reaching;
mod rules;
mod setting_reader;
mod shown;
mod sources;
mod unheeded;

use super::group_names::GroupNames;
use super::python;
use crate::error::{Collector, ErrorKind, Errors, Result};
use file::File;
use setting_reader::SettingReader;
use sources::{Sources, found};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

pub use definitions::{BASE, SETTINGS, SettingDefinition, Treatment};
pub use effective::EffectiveSetting;
pub use inventories::{Inventories, Unparsed};
pub use option_defaults::OptionDefaults;
pub use passwords::PasswordSources;
pub use reaching::Reaching;
pub use rules::{Mismatch, Rules};
pub use shown::Shown;
pub use unheeded::Unheeded;

/// The settings that are read; what nobody set is `None` or empty.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    /// The `ansible.cfg` that was read.
    pub file: Option<PathBuf>,
    /// Inventory sources (`inventory`, `ANSIBLE_INVENTORY`).
    pub inventory: Vec<String>,
    /// How inventories are read.
    pub inventories: Inventories,
    /// How hosts are reached.
    pub reaching: Reaching,
    /// Where passwords come from.
    pub passwords: PasswordSources,
    /// How runs go.
    pub rules: Rules,
    /// Options of commands.
    pub option_defaults: OptionDefaults,
    /// How many hosts at the same time.
    pub forks: Option<usize>,
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
    /// How a run is shown under Ansible's names.
    pub shown: Shown,
    /// What else is set, and not heeded.
    pub unheeded: Vec<Unheeded>,
    /// The current folder, if it has an `ansible.cfg` that does not count since anybody may have put it there.
    pub passed_over: Option<PathBuf>,
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

/// The folders with plugins of the user's own: the names of such folders beside a playbook, and of the settings.
const PLUGINS: [(&str, &str); 5] = [
    ("vars_plugins", "DEFAULT_VARS_PLUGIN_PATH"),
    ("inventory_plugins", "DEFAULT_INVENTORY_PLUGIN_PATH"),
    ("filter_plugins", "DEFAULT_FILTER_PLUGIN_PATH"),
    ("test_plugins", "DEFAULT_TEST_PLUGIN_PATH"),
    ("lookup_plugins", "DEFAULT_LOOKUP_PLUGIN_PATH"),
];

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
        Configuration::with_sources(environment, here).map(|(configuration, _)| configuration)
    }

    /// The configuration, and where it was looked up.
    fn with_sources<'a>(
        environment: &'a dyn Fn(&str) -> Option<String>,
        here: &'a Path,
    ) -> Result<(Configuration, Sources<'a>), Errors> {
        let mut errors = Collector::default();
        let path = found(environment, here);
        let file = path.as_deref().map(File::read).transpose()?;
        let file = file.map(|(file, checked)| {
            errors.take(checked);
            file
        });
        let sources = Sources {
            environment,
            here,
            file,
        };
        let mut reader = SettingReader { sources, errors };
        let configuration = Configuration::of_settings(&mut reader, path);
        reader.errors.finish((configuration, reader.sources))
    }

    fn of_settings(reader: &mut SettingReader, file: Option<PathBuf>) -> Configuration {
        let inventory = reader.setting("DEFAULT_HOST_LIST");
        let inventory = inventory.map(|setting| reader.sources.inventory(&setting));
        Configuration {
            file,
            inventory: inventory.unwrap_or_default(),
            inventories: Inventories::read(reader),
            reaching: Reaching::read(reader),
            passwords: PasswordSources::read(reader),
            rules: Rules::read(reader),
            option_defaults: OptionDefaults::read(reader),
            forks: reader.number("DEFAULT_FORKS").map(|forks| forks as usize),
            roles_path: reader.paths("DEFAULT_ROLES_PATH"),
            collections_path: collections(reader),
            library: reader.paths("DEFAULT_MODULE_PATH"),
            vars_plugins_enabled: reader.list("VARIABLE_PLUGINS_ENABLED").unwrap_or_default(),
            plugins: PLUGINS
                .map(|(folder, setting)| (folder, reader.paths(setting)))
                .into(),
            shown: Shown::read(reader),
            unheeded: unheeded::unheeded(&reader.sources),
            passed_over: sources::passed_over(reader.sources.environment, reader.sources.here),
            group_names: reader
                .word("TRANSFORM_INVALID_GROUP_CHARS")
                .and_then(|word| GroupNames::of_word(&word))
                .unwrap_or_default(),
            gathering: reader
                .word("DEFAULT_GATHERING")
                .and_then(|word| Gathering::of_word(&word)),
            merges_hashes: reader.word("DEFAULT_HASH_BEHAVIOUR").as_deref() == Some("merge"),
            module_utils: reader.paths("DEFAULT_MODULE_UTILS_PATH"),
            remote_tmp: reader.text_of("shell sh", "remote_tmp"),
            interpreter_python: reader.text("INTERPRETER_PYTHON"),
        }
    }
}

/// All settings that Ansible knows with their values, as [`Configuration::read`] finds them, out of a given `ansible.cfg` if there is
/// one.
///
/// # Errors
/// As [`Configuration::read`].
pub fn effective_settings(file: Option<&Path>) -> Result<Vec<EffectiveSetting>, Errors> {
    let environment = |name: &str| match file {
        Some(file) if name == "ANSIBLE_CONFIG" => Some(file.display().to_string()),
        _ => std::env::var(name).ok(),
    };
    let here = std::env::current_dir().unwrap_or_default();
    let (_, sources) = Configuration::with_sources(&environment, &here)
        .map_err(|errors| errors.of_kind(ErrorKind::Configuration))?;
    Ok(SETTINGS.iter().map(|known| sources.effective(known)).collect())
}

/// The folders with collections.
fn collections(reader: &mut SettingReader) -> Vec<PathBuf> {
    let mut folders = reader.paths("COLLECTIONS_PATHS");
    if reader.flag("COLLECTIONS_SCAN_SYS_PATH").unwrap_or(true) {
        let search_path = (reader.sources.environment)("PATH").unwrap_or_default();
        folders.extend(python::packages(&search_path));
    }
    folders
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

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
        assert_eq!(configuration.reaching.host_key_checking, Some(false));
        assert_eq!(configuration.reaching.remote_user.as_deref(), Some("me"));
        assert_eq!(
            configuration.reaching.private_key_file,
            Some("/home/me/.ssh/key".into())
        );
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
    fn a_setting_is_found_under_all_its_names() {
        let text = "[ssh_connection]\ntimeout = 7\nhost_key_checking = no\n[defaults]\nTIMEOUT = 5\nhome = ~/ansible\n";
        let configuration = read(text, &[]).unwrap();
        assert_eq!(configuration.reaching.timeout, Some(Duration::from_secs(7)));
        assert_eq!(configuration.reaching.host_key_checking, Some(false));
        assert_eq!(
            configuration.roles_path[0],
            PathBuf::from("/home/me/ansible/roles")
        );
        let variables = [
            ("ANSIBLE_SSH_TIMEOUT", "9"),
            ("ANSIBLE_TIMEOUT", "8"),
            ("ANSIBLE_REMOTE_TEMP", "/t"),
            ("ANSIBLE_LIBRARY", "a/../$MORE/${MORE}:"),
            ("MORE", "more"),
        ];
        let configuration = read(text, &variables).unwrap();
        assert_eq!(configuration.reaching.timeout, Some(Duration::from_secs(9)));
        assert_eq!(configuration.remote_tmp.as_deref(), Some("/t"));
        assert!(configuration.library[0].ends_with("more/more"));
        assert_eq!(configuration.library.len(), 1);
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
        let errors = read("[defaults]\ngathering = never\n", &[]).unwrap_err();
        assert_eq!(
            errors.0[0].message(),
            "`never` is nothing that this setting may be"
        );
        assert_eq!(errors.0[0].cure(), Some("it is one of explicit, implicit, smart"));
        let errors = read("forks = 5\n", &[]).unwrap_err();
        assert_eq!(errors.0[0].message(), "a setting needs a section above it");
    }
}
