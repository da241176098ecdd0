//! Running playbooks: the graph, the plays, the tasks of each host. Tells events, prints nothing.

mod ahead;
mod attempt;
mod computer;
mod debts;
mod facts;
mod handlers;
mod host;
mod include;
mod include_vars;
mod items;
mod locks;
mod machines;
mod names;
mod perform;
mod play;
mod result;
mod run;
mod scope;
mod scripts;
mod settings;
mod special;
mod task;

pub use host::Reach;
pub use run::{Finished, Parts, Reload, run};
pub use settings::Settings;
pub use special::SPECIAL;

/// The variable of the environment that tells commands on this computer which run started them.
pub const WITHIN: &str = "VENT_RUN";
