//! Feeds what others may have written to the readers of Vent, by libFuzzer. `FUZZ_TARGET` names one of [`TARGETS`]; `fuzz/run` builds
//! this with counted edges, and says how long each was fed.
//!
//! A target hands its bytes to one reader as the program does, and draws the errors. It ends the process by a panic, by taking
//! too long, or by taking too much memory; otherwise it tells whether the input brought about the rare thing that is taken for a
//! fault where `FUZZ_PLANTED` is set, to see that faults are found.

#![no_main]

mod answers;
mod files;
mod inventory;
mod ssh;
mod template;
mod yaml;

use std::sync::OnceLock;

/// What is fed, by its name.
type Target = (&'static str, fn(&[u8]) -> bool);

/// All targets, in the order in which they are run.
const TARGETS: &[Target] = &[
    ("yaml", yaml::read),
    ("playbook", yaml::playbook),
    ("free-form", yaml::free_form),
    ("inventory", inventory::file),
    ("pattern", inventory::pattern),
    ("template", template::render),
    ("vault", yaml::vault),
    ("ssh-config", ssh::configuration),
    ("known-hosts", ssh::known_hosts),
    ("shell", answers::shell),
    ("answers", answers::read),
    ("facts", answers::facts),
    ("module", answers::module),
    ("server", answers::server),
];

static CHOSEN: OnceLock<(fn(&[u8]) -> bool, bool)> = OnceLock::new();

fn choose() {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let Some(target) = TARGETS.iter().find(|target| target.0 == name) else {
        let names: Vec<_> = TARGETS.iter().map(|target| target.0).collect();
        eprintln!("FUZZ_TARGET is one of {}", names.join(" "));
        std::process::exit(2);
    };
    CHOSEN.get_or_init(|| (target.1, std::env::var_os("FUZZ_PLANTED").is_some()));
}

libfuzzer_sys::fuzz_target!(init: choose(), |bytes: &[u8]| {
    if let Some((target, planted)) = CHOSEN.get() {
        let found = target(bytes);
        assert!(!(found && *planted), "the planted fault");
    }
});
