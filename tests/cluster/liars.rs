//! Modules that lie, each in its own way, run through the library beside those that are shipped: what holds a check against the run
//! after it must catch every one of them.

use super::events::Run;
use super::join;
use super::tree::{Digests, Exceptions, differences};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use vent::connection::Target;
use vent::connection::configuration::{Environment, Options, target};
use vent::content::Content;
use vent::engine::{self, Parts, Reach, Settings};
use vent::event::{Events, Status};
use vent::graph::Graph;
use vent::host::{Action, Attributes, quote};
use vent::inventory::Inventory;
use vent::model::load::SearchPaths;
use vent::model::{Known, Loader};
use vent::module::{Entry, MODULES, Module, Outcome, Step, Stop, View, entry};
use vent::value::Map;
use vent::vault::Vault;

/// The shipped modules and the liars.
static WITH_LIARS: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let liars = [
        entry::<Honest>(),
        entry::<Late>(),
        entry::<Boastful>(),
        entry::<Fickle>(),
        entry::<Silent>(),
        entry::<Meddling>(),
    ];
    MODULES.iter().copied().chain(liars).collect()
});

#[derive(Deserialize, JsonSchema)]
struct Arguments {
    /// The file that it is about.
    path: String,
}

fn write(path: &str, content: &str) -> Action {
    Action::WriteFile {
        path: path.into(),
        content: Content::bytes(content),
        attributes: Attributes::default(),
        validate: None,
        backup: false,
        unsafe_writes: false,
    }
}

fn script(text: String) -> Action {
    Action::Script {
        explain: text.clone(),
        script: text,
        effects: vec![],
    }
}

/// Writes, and says so.
struct Honest;

impl Module for Honest {
    const NAMES: &'static [&'static str] = &["test.liars.honest"];
    type Arguments = Arguments;

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        let actions = match view.stat(&arguments.path, true)? {
            Some(_) => vec![],
            None => vec![write(&arguments.path, "honest")],
        };
        Ok(Step::Finish(actions, Outcome::new()))
    }
}

/// Says that nothing would be changed, and that something was: it takes an answer that is not known for one that is empty.
struct Late;

impl Module for Late {
    const NAMES: &'static [&'static str] = &["test.liars.late"];
    type Arguments = Arguments;

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        let Some(done) = view.performed().first() else {
            let text = format!("echo late >{} && echo written", quote(&arguments.path));
            return Ok(Step::Act(vec![script(text)]));
        };
        let changed = done.output.text().contains("written");
        Ok(Step::done(Outcome::new().changed(changed)))
    }
}

/// Says that something would be changed, and does nothing.
struct Boastful;

impl Module for Boastful {
    const NAMES: &'static [&'static str] = &["test.liars.boastful"];
    type Arguments = Arguments;

    fn step(_: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        let Some(done) = view.performed().first() else {
            return Ok(Step::Act(vec![script("echo nothing to do".into())]));
        };
        let changed = !done.output.text().contains("nothing to do");
        Ok(Step::done(Outcome::new().changed(changed)))
    }
}

/// Writes something else each time.
struct Fickle;

impl Module for Fickle {
    const NAMES: &'static [&'static str] = &["test.liars.fickle"];
    type Arguments = Arguments;

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        let content = format!("{:?}", view.control_node().random());
        Ok(Step::Finish(
            vec![write(&arguments.path, &content)],
            Outcome::new(),
        ))
    }
}

/// Writes, and says that nothing was changed, in a check and in a run.
struct Silent;

impl Module for Silent {
    const NAMES: &'static [&'static str] = &["test.liars.silent"];
    type Arguments = Arguments;

    fn step(arguments: &Arguments, _: &View<'_>) -> Result<Step, Stop> {
        let actions = vec![write(&arguments.path, "silent")];
        Ok(Step::Finish(actions, Outcome::new().changed(false)))
    }
}

/// Changes the host while it pretends to ask.
struct Meddling;

impl Module for Meddling {
    const NAMES: &'static [&'static str] = &["test.liars.meddling"];
    type Arguments = Arguments;

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        view.probe(&format!("echo meddled >{}", quote(&arguments.path)), &[])?;
        Ok(Step::done(Outcome::new()))
    }
}

/// Every host is this computer.
struct Here;

impl Reach for Here {
    fn variables(&self) -> &'static [&'static [&'static str]] {
        &[]
    }

    fn target(&self, name: &str, _: &Map) -> vent::error::Result<Target> {
        let options = Options {
            name: name.into(),
            connection: Some("local".into()),
            ..Options::default()
        };
        target(&options, &Environment::current())
    }
}

/// Runs `site.yml` of a folder through the library with the liars, on one host.
async fn run(folder: &Path, check: bool) -> Run {
    run_with(&WITH_LIARS, folder, "host,", check).await.succeeded()
}

/// Runs `site.yml` of a folder through the library, with these modules, on hosts that are all this computer.
pub async fn run_with(modules: &'static [Entry], folder: &Path, hosts: &'static str, check: bool) -> Run {
    let known = Known {
        modules,
        lookups: vec![],
    };
    let loader = Arc::new(Loader::new(Vault::default(), known, SearchPaths::default()));
    let playbook = loader.playbook(&folder.join("site.yml")).unwrap();
    let load = {
        let loader = loader.clone();
        move || Inventory::load(&[hosts.into()], &loader, None)
    };
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let finished = engine::run(Parts {
        settings: Settings {
            check,
            ..Settings::default()
        },
        graph: Graph::of(&[Arc::new(playbook)]).unwrap(),
        inventory: load().unwrap(),
        events: Events::new(sender),
        reach: Arc::new(Here),
        modules,
        loader,
        reload: Arc::new(load),
        stop: CancellationToken::new(),
        stop_now: CancellationToken::new(),
    });
    let code = finished.await.unwrap().code;
    let mut events = vec![];
    while let Some(event) = receiver.recv().await {
        events.push(event);
    }
    Run {
        code,
        events,
        stderr: String::new(),
    }
}

/// A folder with a playbook that calls these modules, each for the file of its name.
fn playbook(modules: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let task = |name: &&str| {
        format!("    - name: {name}\n      test.liars.{name}: {{path: \"{{{{ playbook_dir }}}}/{name}\"}}\n")
    };
    let tasks: String = modules.iter().map(task).collect();
    let text = format!("- hosts: host\n  gather_facts: false\n  tasks:\n{tasks}");
    std::fs::write(folder.path().join("site.yml"), text).unwrap();
    folder
}

#[tokio::test]
async fn modules_that_announce_wrongly_are_caught() {
    let folder = playbook(&["honest", "late", "boastful", "fickle"]);
    let mut digests = Digests::default();
    let before = digests.tree(folder.path());
    let check = run(folder.path(), true).await;
    let after = digests.tree(folder.path());
    assert_eq!(differences(&before, &after, &Exceptions::of([])), [""; 0]);

    let real = run(folder.path(), false).await;
    let joined = join::join(&check.events, &real.events);
    let caught: BTreeSet<_> = joined
        .lies
        .iter()
        .map(|lie| lie.split_once(": ").unwrap().1)
        .map(|lie| lie.split(" with digest").next().unwrap())
        .map(|lie| lie.replace(folder.path().to_str().unwrap(), ""))
        .collect();
    assert_eq!(
        caught,
        [
            "late: announced Ok, was Changed",
            "boastful: announced Changed, was Ok",
            "fickle: announced /fickle",
        ]
        .map(String::from)
        .into()
    );
    assert_eq!((joined.all, joined.open), (4, 0));
}

#[tokio::test]
async fn a_module_that_changes_something_in_a_check_is_caught() {
    let folder = playbook(&["honest", "meddling"]);
    let mut digests = Digests::default();
    let before = digests.tree(folder.path());
    run(folder.path(), true).await;
    let after = digests.tree(folder.path());
    let touched = differences(&before, &after, &Exceptions::of([]));
    assert_eq!(touched, ["/meddling: new"]);
}

/// Check and run agree on it: only what lies on the disk tells.
#[tokio::test]
async fn a_module_that_never_says_what_it_changes_is_caught() {
    let folder = playbook(&["honest", "silent"]);
    std::fs::write(folder.path().join("honest"), "honest").unwrap();
    let check = run(folder.path(), true).await;
    let mut digests = Digests::default();
    let before = digests.tree(folder.path());
    let real = run(folder.path(), false).await;
    assert_eq!(join::join(&check.events, &real.events).lies, [""; 0]);
    assert!(real.with(Status::Changed).is_empty());
    let after = digests.tree(folder.path());
    let unspoken = differences(&before, &after, &Exceptions::of([]));
    assert_eq!(unspoken, ["/silent: new"]);
}
