//! The lock of a host: one run at a time, and orphans are waited for. The "runs" are separate connections
//! of this process; each has its own shells, as separate processes would.

use crate::anew;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use vent::connection::{Host, Job, Target, Waiting};

/// Set where this test is started anew.
const INSIDE: &str = "VENT_TEST_LOCK";

fn host() -> Host {
    Host::new(Target::local("web"))
}

/// Collects what it is told.
fn ear() -> (Waiting, Arc<Mutex<Vec<String>>>) {
    let heard = Arc::new(Mutex::new(vec![]));
    let ear = heard.clone();
    (Arc::new(move |text| ear.lock().unwrap().push(text)), heard)
}

/// The lock is one for the whole computer, so these are one test.
#[tokio::test]
async fn one_run_at_a_time_uses_a_host() {
    if std::env::var_os(INSIDE).is_none() {
        // In a process without other tests' shells, since it kills those of its own.
        return anew::start(
            "connection_lock::one_run_at_a_time_uses_a_host",
            &[],
            (INSIDE, "1"),
        );
    }
    let (first, second) = (host(), host());
    let shell = first.shell(None).await.unwrap();
    let lock = first.lock("`vent run first.yml`", ear().0).await.unwrap();
    assert_eq!(shell.ask("echo on").await.unwrap().stdout, b"on\n");

    // Another run waits until the first lets go.
    let (waiting, heard) = ear();
    let begin = Instant::now();
    let (lock, ()) = tokio::join!(second.lock("`vent run second.yml`", waiting), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(lock);
    });
    let lock = lock.unwrap();
    assert!(begin.elapsed() >= Duration::from_secs(1));
    assert_eq!(
        *heard.lock().unwrap(),
        ["web is in use by `vent run first.yml`; waiting for it"]
    );

    // A run that dies leaves its command; the next run waits for the command.
    let shell = second.shell(None).await.unwrap();
    let mark = tempfile::tempdir().unwrap();
    let done = mark.path().join("done");
    let daemon = mark.path().join("daemon");
    let script = format!(
        "sleep 300 >/dev/null 2>&1 & echo $! >{}; sleep 2; : >{}",
        daemon.display(),
        done.display()
    );
    let job = Job {
        script,
        ..Job::default()
    };
    let running = tokio::spawn(async move { shell.job(&job, &|_, _| {}, &CancellationToken::new()).await });
    tokio::time::sleep(Duration::from_millis(500)).await;
    kill_shells_of_this_process();
    let third = host();
    let (waiting, heard) = ear();
    let again = third.lock("`vent run third.yml`", waiting).await.unwrap();
    assert!(done.exists(), "the command had ended");
    assert!(running.await.unwrap().is_err());
    assert_eq!(
        *heard.lock().unwrap(),
        ["web still runs a command of `vent run second.yml`, which has ended; waiting for the command"]
    );
    drop((lock, again));
    let daemon = std::fs::read_to_string(&daemon).unwrap();
    let _ = std::process::Command::new("kill").arg(daemon.trim()).status();
}

/// Kills the control shells, which are children of this process, and nothing below them.
fn kill_shells_of_this_process() {
    let own = std::process::id().to_string();
    let out = std::process::Command::new("ps")
        .args(["--ppid", &own, "-o", "pid=,args="])
        .output()
        .unwrap();
    for line in String::from_utf8_lossy(&out.stdout)
        .lines()
        .filter(|line| line.contains("sh"))
    {
        let process = line.split_whitespace().next().unwrap();
        let _ = std::process::Command::new("kill")
            .args(["-KILL", process])
            .status();
    }
}
