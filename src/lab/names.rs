//! Every name the lab gives on this computer; all derive from the lab's folder, so that what a killed
//! process left behind can be found without remembering anything.

use crate::content::digest_of;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// How the nftables tables of all labs begin.
pub const TABLE: &str = "vent_lab_";

/// The names of one lab.
#[derive(Clone, Debug, PartialEq)]
pub struct Names {
    /// Five characters that tell this lab from all others on this computer.
    tag: String,
}

impl Names {
    /// The names of the lab whose folder is `folder`.
    pub fn of(folder: &Path) -> Names {
        let digest = digest_of(folder.as_os_str().as_bytes());
        Names {
            tag: format!("v{}", &digest[..4]),
        }
    }

    /// The bridge that this computer, too, is on.
    pub fn public_bridge(&self) -> String {
        format!("{}-public", self.tag)
    }

    /// The bridge that only joins the nodes.
    pub fn private_bridge(&self) -> String {
        format!("{}-private", self.tag)
    }

    /// What systemd-nspawn calls the node with this last number; its public interface becomes `vb-` and this.
    pub fn machine(&self, address: u8) -> String {
        format!("{}-n{address}", self.tag)
    }

    /// True if this is the name of a machine of this lab.
    pub fn is_machine(&self, name: &str) -> bool {
        name.strip_prefix(&self.tag)
            .is_some_and(|rest| rest.starts_with("-n"))
    }

    /// This computer's end of a node's public interface.
    pub fn public_port(&self, address: u8) -> String {
        format!("vb-{}", self.machine(address))
    }

    /// This computer's end of a node's private interface.
    pub fn private_port(&self, address: u8) -> String {
        format!("vp-{}", self.machine(address))
    }

    /// True if this is this computer's end of an interface of one of this lab's nodes.
    pub fn is_port(&self, name: &str) -> bool {
        let machine = name.strip_prefix("vb-").or_else(|| name.strip_prefix("vp-"));
        machine.is_some_and(|machine| self.is_machine(machine))
    }

    /// The nftables table with the lab's own rules.
    pub fn table(&self) -> String {
        format!("{TABLE}{}", self.tag)
    }

    /// The comment on every rule that stands in somebody else's table.
    pub fn rule_comment(&self) -> String {
        format!("vent lab {}", self.tag)
    }

    /// The control group, below the caller's, that holds one group per node.
    pub fn control_group(&self) -> String {
        format!("vent-lab-{}", self.tag)
    }

    /// The systemd unit of a node, where systemd runs this computer.
    pub fn unit(&self, node: &str) -> String {
        format!("vent-lab-{}-{node}.service", self.tag)
    }

    /// An interface made for a moment to see whether the kernel can.
    pub fn trial_interface(&self) -> String {
        format!("{}-trial", self.tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interface_names_fit_fifteen_characters_and_differ_between_labs() {
        let names = Names::of(Path::new("/root/.local/state/vent/lab/vent"));
        for name in [
            names.public_bridge(),
            names.private_bridge(),
            names.public_port(254),
            names.private_port(254),
            names.trial_interface(),
        ] {
            assert!(name.len() <= 15, "{name}");
        }
        assert!(names.is_port(&names.public_port(7)) && names.is_port(&names.private_port(254)));
        assert!(!names.is_port(&names.public_bridge()));
        assert_ne!(names, Names::of(Path::new("/root/.local/state/vent/lab/other")));
    }
}
