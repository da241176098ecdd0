//! Two users of this computer who log in and may become root. Needs root.

use crate::ssh_server::run;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Two accounts that may become root, as long as this is there; one test at a time.
pub struct Accounts {
    _alone: MutexGuard<'static, ()>,
}

/// The name of one.
pub const ONE: &str = "vent-lock-one";
/// The name of the other.
pub const TWO: &str = "vent-lock-two";
const RULES: &str = "/etc/sudoers.d/vent-lock";

impl Accounts {
    /// Makes them.
    pub fn new() -> Accounts {
        static ALONE: Mutex<()> = Mutex::new(());
        let accounts = Accounts {
            _alone: ALONE.lock().unwrap_or_else(PoisonError::into_inner),
        };
        Accounts::remove();
        for name in [ONE, TWO] {
            run("useradd", &["-m", "-s", "/bin/sh", name]);
            run("usermod", &["-p", "*", name]);
            Accounts::remove_lock(name);
        }
        let rules = format!("{ONE} ALL=(ALL) NOPASSWD: ALL\n{TWO} ALL=(ALL) NOPASSWD: ALL\n");
        std::fs::write(RULES, rules).unwrap();
        std::fs::set_permissions(RULES, PermissionsExt::from_mode(0o440)).unwrap();
        accounts
    }

    fn remove() {
        let _ = std::fs::remove_file(RULES);
        for name in [ONE, TWO] {
            Accounts::remove_lock(name);
            let _ = Command::new("userdel")
                .args(["-f", "-r", name])
                .stderr(Stdio::null())
                .status();
        }
    }

    /// Removes the folder of an account's lock; one of an earlier account with this number, too.
    fn remove_lock(name: &str) {
        let id = Command::new("id").args(["-u", name]).output().unwrap();
        if let Ok(id) = String::from_utf8_lossy(&id.stdout).trim().parse::<u32>() {
            let _ = std::fs::remove_dir_all(format!("/tmp/vent-{id}"));
        }
    }
}

impl Drop for Accounts {
    fn drop(&mut self) {
        Accounts::remove();
    }
}
