//! Cures that are the same wherever they are told.

use super::Error;
use std::fmt::Display;

/// Where all modules are named.
pub const MODULES_ARE_LISTED: &str = "`vent modules` lists what there is";

/// Where all hosts and groups are named.
pub const HOSTS_ARE_SHOWN: &str = "`vent inventory --graph` shows all hosts and groups";

/// What a file is looked for beside, when another file names it.
pub const BESIDE_THE_FILE: &str = "the name is relative to the file it stands in";

/// What a file is looked for in, when the command line names it.
pub const BELOW_THE_FOLDER: &str = "the name is relative to the folder this is typed in";

/// How a playbook is called by others that need it.
pub const NAMES_OF_PLAYBOOKS: &str = "a playbook is named after its file, without number and ending";

/// How playbooks stop needing each other.
pub const TAKE_A_NEED_AWAY: &str = "take one of these needs away";

/// Asks whether `near` was meant.
pub fn did_you_mean(near: impl Display) -> String {
    format!("did you mean `{near}`?")
}

impl Error {
    /// Asks whether `near` was meant, in place of the cure for when nothing is near.
    pub fn did_you_mean(self, near: Option<impl Display>) -> Error {
        match near {
            Some(near) => self.help(did_you_mean(near)),
            None => self,
        }
    }
}
