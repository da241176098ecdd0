//! Numbers that make no sense, and faults of the program: they end one task on one host.

use super::{ended, playbook, vent};
use crate::cluster::liars::run_with;
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::LazyLock;
use vent::event::Kind;
use vent::module::{Entry, MODULES, Module, Outcome, Step, Stop, View, entry};

/// Panics on the host that it is told.
struct Faulty;

#[derive(Deserialize, JsonSchema)]
struct Arguments {
    /// True on the host that it is to panic on.
    here: bool,
}

impl Module for Faulty {
    const NAMES: &'static [&'static str] = &["test.faults.faulty"];
    type Arguments = Arguments;

    fn step(arguments: &Arguments, _: &View<'_>) -> Result<Step, Stop> {
        assert!(!arguments.here, "on purpose");
        Ok(Step::done(Outcome::new()))
    }
}

static WITH_FAULTY: LazyLock<Vec<Entry>> =
    LazyLock::new(|| MODULES.iter().copied().chain([entry::<Faulty>()]).collect());

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_fails_the_task_on_its_host_and_the_run_goes_on() {
    let folder = playbook(
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - name: faulty\n      \
         test.faults.faulty: {here: \"{{ inventory_hostname == 'b' }}\"}\n    - name: next\n      debug:\n",
    );
    let run = run_with(&WITH_FAULTY, folder.path(), "a,b,c", false).await;
    assert_eq!(run.code, 2);
    let ended: Vec<String> = run
        .tasks()
        .map(|task| format!("{} {} {:?}", task.name.host, task.name.task, task.status))
        .collect();
    for wanted in [
        "a faulty Ok",
        "b faulty Failed",
        "c faulty Ok",
        "a next Ok",
        "c next Ok",
    ] {
        assert!(ended.iter().any(|ended| ended == wanted), "{wanted}: {ended:?}");
    }
    assert_eq!(ended.len(), 5, "{ended:?}");
    let failed = run.events.iter().find_map(|event| match &event.kind {
        Kind::TaskEnded(task) => task.report.clone(),
        _ => None,
    });
    let report = failed.unwrap();
    assert!(
        report.contains("a fault of Vent itself ended the task with `test.faults.faulty` on b"),
        "{report}"
    );
    assert!(
        report.contains("on purpose") && report.contains("site.yml:5:"),
        "{report}"
    );
}

/// What a run says of one task with a `debug` and more.
fn said(task: &str) -> (String, i32) {
    let folder = playbook(&format!(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - {task}\n    - debug: {{msg: behind it}}\n"
    ));
    ended(&vent(folder.path(), &["run", "site.yml"]))
}

/// As in Ansible, a delay below nothing is a second; one that no clock can count is an error with its place.
#[test]
fn delays_that_no_clock_can_count_are_an_error() {
    let task = |delay: &str| {
        format!("command: 'false'\n      retries: 1\n      delay: {delay}\n      ignore_errors: true")
    };
    let (text, code) = said(&task("-1"));
    assert!(text.contains("behind it") && code == 0, "{text}");
    for delay in ["1e300", ".inf", ".nan"] {
        let (text, code) = said(&task(delay));
        assert!(text.contains("nobody can wait for"), "{text}");
        assert!(
            text.contains("site.yml:6:14") && text.contains("behind it"),
            "{text}"
        );
        assert_eq!(code, 0, "{text}");
    }
    let (text, _) =
        said("command: 'true'\n      retries: 1e300\n      until: true\n      timeout: 9223372036854775807");
    assert!(text.contains("behind it"), "{text}");
}

#[test]
fn numbers_of_templates_stay_numbers() {
    for (expression, wanted) in [
        ("1.5 | round(99999)", "1.5"),
        ("1.5 | round(-99999)", "0.0"),
        (
            "lookup('sequence', 'count=3 start=9223372036854775807')",
            "9223372036854775807",
        ),
        (
            "lookup('sequence', 'start=1 count=2 stride=9223372036854775807')",
            "9223372036854775808",
        ),
        ("lookup('sequence', 'end=1 format=%070000d') | length", "70000"),
    ] {
        let (text, code) = said(&format!(
            "debug: {{msg: \"{{{{ {expression} }}}}\"}}\n      ignore_errors: true"
        ));
        assert!(text.contains(wanted), "{expression}: {text}");
        assert!(
            !text.contains("panicked") && !text.contains("fault"),
            "{expression}: {text}"
        );
        assert!(text.contains("behind it") && code == 0, "{expression}: {text}");
    }
}
