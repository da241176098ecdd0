//! `machines:` of a provider's file: read once, kept in the inventory, and told to the hosts it is about.

use super::PluginFile;
use super::options::Common;
use super::{CloudInventory, ProviderInventory, cache};
use crate::cloud::machines::Machines;
use crate::cloud::machines::given::Given;
use crate::error::Errors;
use std::path::PathBuf;
use std::sync::Arc;

/// The machines that a file asks for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The machines.
    pub machines: Arc<dyn Machines>,
    /// What was kept of the provider's answers; out of date once a machine was made or removed.
    cache: Option<PathBuf>,
}

impl Asked {
    /// Forgets what was kept of the provider's answers.
    pub fn forget_answers(&self) {
        if let Some(path) = &self.cache {
            // What is not there need not be forgotten.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Reads the option, if the file has it.
///
/// # Errors
/// Everything that is wrong in it, with its places.
pub fn read<C: ProviderInventory>(
    cloud: &C,
    own: &C::Options,
    common: &Common,
    file: &PluginFile<'_>,
) -> Result<Option<Asked>, Errors> {
    if common.machines.is_null() {
        return Ok(None);
    }
    let node = file.root.get("machines").unwrap_or(file.root);
    let given = Given::new(&common.machines, node);
    let machines = cloud.machines(own, common, given, file.path)?;
    let cache = common.cache.then(|| cache::file_of(file, common));
    Ok(Some(Asked { machines, cache }))
}

/// Tells each host what the file says of its machine: how its host key is known, and who may come in.
pub fn describe(found: &mut CloudInventory, machines: &dyn Machines) {
    let common = machines.common();
    for (name, variables) in &mut found.hosts {
        if let Some(arguments) = machines.folder().ssh_arguments(name) {
            variables.insert("ansible_ssh_common_args".into(), arguments.into());
        }
        if common.ssh_port != 22 {
            variables.insert("ansible_port".into(), common.ssh_port.into());
        }
        for (variable, value) in common.variables() {
            variables.insert(variable.into(), value);
        }
    }
}
