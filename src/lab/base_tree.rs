//! The tree that all nodes share, read-only: Debian as bare as a cloud image, made once by debootstrap.

use super::apt::Mirrors;
use super::command;
use super::files::{make_file, remove_tree};
use super::folders::{lock_file, make_private};
use super::settings::Image;
use crate::content::digest_of;
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// What every machine of a cloud has; all else is for the playbooks to install.
const PACKAGES: &str =
    "systemd,systemd-sysv,dbus,openssh-server,iproute2,ca-certificates,udev,kmod,sudo,procps";

/// Makes the node look like a machine of its own, early in every boot.
const NODE_SCRIPT: &str = include_str!("base_tree/lab-node.sh");
const NODE_UNIT: &str = include_str!("base_tree/lab-node.service");

/// Done inside the new tree. The timers would take apt's lock at a moment of their own.
const FINISH: &str = "set -e
systemctl enable systemd-networkd.service ssh.service lab-node.service
systemctl mask apt-daily.timer apt-daily-upgrade.timer
rm -f /etc/ssh/ssh_host_* /etc/resolv.conf /etc/hostname /var/lib/dbus/machine-id
: >/etc/machine-id
apt-get clean
find /var/lib/apt/lists /var/log -type f -delete";

impl Image {
    /// The packages beyond Debian's minimum, separated by commas.
    fn packages(self) -> String {
        match self {
            Image::Bookworm => PACKAGES.into(),
            Image::BookwormPython => format!("{PACKAGES},python3,python3-apt"),
        }
    }

    /// The word in `inventory/lab.yml`.
    fn name(self) -> &'static str {
        match self {
            Image::Bookworm => "bookworm",
            Image::BookwormPython => "bookworm-python",
        }
    }
}

/// The base tree of `image` under `trees`, made now if it is not there yet.
///
/// # Errors
/// The folder cannot be written, or debootstrap fails (most often because the mirror cannot be reached).
pub fn provide(image: Image, trees: &Path, progress: &(dyn Fn(&str) + Sync)) -> Result<PathBuf> {
    let recipe = format!("{}{NODE_SCRIPT}{NODE_UNIT}{FINISH}", image.packages());
    let name = format!("{}-{}", image.name(), &digest_of(recipe.as_bytes())[..8]);
    let tree = trees.join(&name);
    if tree.is_dir() {
        return Ok(tree);
    }
    make_private(trees)?;
    let _lock = lock_file(&trees.join(format!("{name}.lock")))?;
    if tree.is_dir() {
        return Ok(tree);
    }
    progress(&format!(
        "making the base tree {} by debootstrap (about a minute, 350 MB, once)",
        tree.display()
    ));
    let partial = trees.join(format!("{name}.partial"));
    remove_tree(&partial)?;
    build(image, &partial)?;
    std::fs::rename(&partial, &tree)
        .map_err(|cause| Error::new(format!("{} cannot be put into place", tree.display())).cause(cause))?;
    Ok(tree)
}

fn build(image: Image, tree: &Path) -> Result<()> {
    let path = tree.to_string_lossy();
    let include = format!("--include={}", image.packages());
    let mirror = Mirrors::of_this_computer().main;
    // In namespaces of its own and bound to this process, so that nothing of it outlives a kill.
    let mut line = bound_to_this_process();
    line.extend(["debootstrap", "--variant=minbase", &include, "bookworm", &path]);
    line.extend(mirror.as_deref());
    command::run(&line).map_err(|error| {
        error.help(
            "the lab makes its base tree from the Debian mirror that /etc/apt of this computer names;\n\
             see that `apt-get update` works here, then try again",
        )
    })?;
    make_file(&tree.join("usr/local/sbin/lab-node"), NODE_SCRIPT, 0o755)?;
    make_file(
        &tree.join("etc/systemd/system/lab-node.service"),
        NODE_UNIT,
        0o644,
    )?;
    let mut line = bound_to_this_process();
    line.extend(["chroot", &path, "sh", "-c", FINISH]);
    command::run(&line)?;
    Ok(())
}

fn bound_to_this_process() -> Vec<&'static str> {
    vec![
        "setpriv",
        "--pdeathsig",
        "KILL",
        "unshare",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child=KILL",
    ]
}
