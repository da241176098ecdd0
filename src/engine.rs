//! Running playbooks: the graph, the plays, the tasks of each host. Tells events, prints nothing.
//!
//! Five layers, each using only those behind it: a run goes through the plays of its playbooks, a play through its lists
//! of tasks, a task on one host makes, judges and tells a result, an attempt asks and acts by one module, and the state is
//! what all of them know.

mod attempt;
mod play;
mod run;
mod state;
mod task;

pub use run::{Finished, ListedPlaybook, listing, run};
pub use state::host::Reach;
pub use state::run::{Parts, Reload};
pub use state::settings::Settings;

/// The variable of the environment that tells commands on this computer which run started them.
pub const WITHIN: &str = "VENT_RUN";
