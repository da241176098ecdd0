//! What the configuration says of what is not typed on a command line.

use super::asked::Asked;
use std::path::PathBuf;

/// Options of Ansible's commands, where they are not given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Typing {
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

impl Typing {
    pub(super) fn read(asked: &mut Asked) -> Typing {
        let context = asked.number("DIFF_CONTEXT");
        Typing {
            diff: asked.flag("DIFF_ALWAYS").unwrap_or(false),
            diff_context: context.map(|lines| u32::try_from(lines).unwrap_or(u32::MAX)),
            tags: asked.list("TAGS_RUN").unwrap_or_default(),
            skip_tags: asked.list("TAGS_SKIP").unwrap_or_default(),
            module_name: asked.text("DEFAULT_MODULE_NAME"),
            module_args: asked.text("DEFAULT_MODULE_ARGS"),
            playbook_dir: asked.path("PLAYBOOK_DIR"),
            inventory_export: asked.flag("INVENTORY_EXPORT").unwrap_or(false),
        }
    }
}
