//! What one evaluation of a template and the reading of one file may cost: far above what anybody needs, and far below what
//! ends the program. `--budget` multiplies all of it.

use std::sync::atomic::{AtomicU64, Ordering};

static TIMES: AtomicU64 = AtomicU64::new(1);

/// Gives `times` as much as usual from now on.
pub fn multiply(times: u64) {
    TIMES.store(times.max(1), Ordering::Relaxed);
}

/// A limit, and what it limits.
#[derive(Debug)]
pub struct Budget {
    what: &'static str,
    usual: u64,
}

/// What filters, lookups and methods make in one evaluation, and what it prints.
pub const EVALUATION: Budget = Budget::new("bytes of texts and lists in one evaluation", 256 << 20);
/// The instructions of the template engine.
pub const STEPS: Budget = Budget::new("steps of a template in one evaluation", 50_000_000);
/// What `password_hash` is asked for; ten million take some seconds.
pub const ROUNDS: Budget = Budget::new("rounds for the hash of a password", 10_000_000);
/// The values of a YAML text, each alias counted with all that it stands for.
pub const NODES: Budget = Budget::new("values in one file, counted by its aliases too", 2_000_000);
/// The names and patterns in one pattern of hosts.
pub const PARTS: Budget = Budget::new("parts in one pattern of hosts", 50_000);
/// The hosts that one name with ranges stands for.
pub const HOSTS: Budget = Budget::new("hosts in one name", 100_000);
/// What the names with ranges of one inventory stand for: each host as often as it is named, with each of its variables.
pub const RANGES: Budget = Budget::new("hosts and variables by the ranges of one inventory", 300_000);

impl Budget {
    const fn new(what: &'static str, usual: u64) -> Budget {
        Budget { what, usual }
    }

    /// How much there may be.
    pub fn limit(&self) -> u64 {
        self.usual.saturating_mul(TIMES.load(Ordering::Relaxed))
    }

    /// The sentence of the error.
    pub fn exceeded(&self) -> String {
        format!(
            "this takes more than {} {}; `--budget 2` allows twice as much",
            self.limit(),
            self.what
        )
    }

    /// Refuses what is too much.
    ///
    /// # Errors
    /// The sentence that names the budget and the option.
    pub fn check(&self, wanted: u64) -> Result<(), String> {
        match wanted > self.limit() {
            true => Err(self.exceeded()),
            false => Ok(()),
        }
    }
}
