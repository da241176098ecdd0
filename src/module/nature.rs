//! What a module is, beside what it does: the engine asks this, and never a module's name.

use super::Patience;
use crate::value::Value;

/// What a module is.
#[derive(Clone, Copy, Debug)]
pub struct Nature {
    /// It asks or changes the task's host. Otherwise nothing is connected for it (`debug`, `add_host`, `pause`).
    pub needs_host: bool,
    /// It is done once for all hosts of the play, as Ansible's modules that bypass the loop over hosts (`add_host`,
    /// `pause`).
    pub once: bool,
    /// It runs a command of the user's, which may touch anything; its free text is a command line (`command`).
    pub runs_command: bool,
    /// Its command can go on by itself (`async` with `poll: 0`).
    pub can_go_on: bool,
    /// It gathers the facts that every play expects, so that what comes behind it hangs on it (`setup`).
    pub gathers_facts: bool,
    /// What it asks changes by itself, so that nothing is asked ahead of its turn (`async_status`).
    pub asks_in_turn: bool,
    /// Hosts do it one behind the other, in their order, since it changes what they share (`group_by`).
    pub one_by_one: bool,
    /// Its result is what the task is for, and is shown whatever the verbosity (`debug`).
    pub shows_result: bool,
    /// Ansible skips it in check mode, and so does a task that is alone in it. A check of the whole run plans it.
    pub skips_check: bool,
    /// How long the host is waited for, by the arguments (`wait_for_connection`).
    pub patience: Option<fn(&Value) -> Option<Patience>>,
}

impl Nature {
    /// Most modules: they ask and change a host.
    pub const OF_A_HOST: Nature = Nature {
        needs_host: true,
        once: false,
        runs_command: false,
        can_go_on: false,
        gathers_facts: false,
        asks_in_turn: false,
        one_by_one: false,
        shows_result: false,
        skips_check: false,
        patience: None,
    };
    /// Modules that need nothing but their arguments, variables and this computer.
    pub const WITHOUT_HOST: Nature = Nature {
        needs_host: false,
        ..Nature::OF_A_HOST
    };
    /// Those of them that are done once for all hosts.
    pub const OF_THE_RUN: Nature = Nature {
        once: true,
        ..Nature::WITHOUT_HOST
    };
    /// Modules that run a command of the user's.
    pub const OF_A_COMMAND: Nature = Nature {
        runs_command: true,
        can_go_on: true,
        ..Nature::OF_A_HOST
    };
}
