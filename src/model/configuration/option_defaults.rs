//! What the configuration says of what is not typed on a command line.

use super::setting_reader::SettingReader;
use std::path::PathBuf;

/// Options of Ansible's commands, where they are not given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OptionDefaults {
    /// What changes in files is shown.
    pub diff: bool,
    /// So many lines around each change.
    pub diff_context: Option<u32>,
    /// Tags, before those of the command line.
    pub tags: Vec<String>,
    /// Tags of tasks that are skipped, before those of the command line.
    pub skip_tags: Vec<String>,
    /// The module of `ansible`.
    pub module_name: Option<String>,
    /// The arguments of that module.
    pub module_args: Option<String>,
    /// The folder whose `group_vars`, `roles` and plugins `ansible` and `ansible-inventory` use.
    pub playbook_dir: Option<PathBuf>,
    /// `ansible-inventory` shows variables where they are stated.
    pub inventory_export: bool,
}

impl OptionDefaults {
    pub(super) fn read(reader: &mut SettingReader) -> OptionDefaults {
        let context = reader.number("DIFF_CONTEXT");
        OptionDefaults {
            diff: reader.flag("DIFF_ALWAYS").unwrap_or(false),
            diff_context: context.map(|lines| u32::try_from(lines).unwrap_or(u32::MAX)),
            tags: reader.list("TAGS_RUN").unwrap_or_default(),
            skip_tags: reader.list("TAGS_SKIP").unwrap_or_default(),
            module_name: reader.text("DEFAULT_MODULE_NAME"),
            module_args: reader.text("DEFAULT_MODULE_ARGS"),
            playbook_dir: reader.path("PLAYBOOK_DIR"),
            inventory_export: reader.flag("INVENTORY_EXPORT").unwrap_or(false),
        }
    }
}
