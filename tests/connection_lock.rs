//! The lock of a host: one run at a time, and orphans are waited for. The "runs" are separate connections
//! of this process; each has its own shells, as separate processes would.

use crate::anew;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use vent::connection::{Claim, Host, HostLock, Job, Target, Tell};

/// Set where this test is started anew.
const INSIDE: &str = "VENT_TEST_LOCK";

fn host() -> Host {
    Host::new(Target::local("web"))
}

/// Collects what it is told.
fn ear() -> (Tell, Arc<Mutex<Vec<String>>>) {
    let heard = Arc::new(Mutex::new(vec![]));
    let ear = heard.clone();
    (Arc::new(move |text| ear.lock().unwrap().push(text)), heard)
}

/// Claims a host for a run.
async fn claim(host: &Host, owner: &str, tell: Tell) -> HostLock {
    let timeout = Duration::from_secs(60);
    let owner = owner.to_string();
    host.claim(Claim { owner, timeout, tell }).await
}

/// Takes the lock of the account that logs in.
async fn lock(host: &Host, owner: &str, tell: Tell) -> HostLock {
    let lock = claim(host, owner, tell).await;
    let until = tokio::time::Instant::now() + Duration::from_secs(60);
    lock.take(&[None], until).await.unwrap();
    lock
}

/// Starts a test of this file anew; the lock is one for the whole computer, so that one at a time may go on.
fn alone(test: &str) {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    anew::start(test, &[], (INSIDE, "1"));
}

#[tokio::test]
async fn one_run_at_a_time_uses_a_host() {
    if std::env::var_os(INSIDE).is_none() {
        // In a process without other tests' shells, since it kills those of its own.
        return alone("connection_lock::one_run_at_a_time_uses_a_host");
    }
    let (first, second) = (host(), host());
    let shell = first.shell(None).await.unwrap();
    let held = lock(&first, "`vent run first.yml`", ear().0).await;
    assert_eq!(shell.ask("echo on").await.unwrap().stdout, b"on\n");

    // Another run waits until the first lets go.
    let (waiting, heard) = ear();
    let begin = Instant::now();
    let (held, ()) = tokio::join!(lock(&second, "`vent run second.yml`", waiting), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(held);
    });
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
        "sleep 300 >/dev/null 2>&1 & echo $! >{}; sleep 6; : >{}",
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
    let again = lock(&third, "`vent run third.yml`", waiting).await;
    assert!(done.exists(), "the command had ended");
    assert!(running.await.unwrap().is_err());
    assert_eq!(
        *heard.lock().unwrap(),
        ["web still runs a command of `vent run second.yml`, which has ended; waiting for the command"]
    );
    drop((held, again));
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

/// Whoever looks while another name of the same run takes the lock must not read the owner before.
#[tokio::test]
async fn three_names_of_one_machine_never_wait_for_each_other() {
    if std::env::var_os(INSIDE).is_none() {
        return alone("connection_lock::three_names_of_one_machine_never_wait_for_each_other");
    }
    for round in 0..40 {
        let names = [host(), host(), host()];
        let owner = format!("`vent run round-{round}.yml`");
        let tries = names.iter().map(async |name| {
            let lock = claim(name, &owner, ear().0).await;
            assert!(lock.try_take(&[None]).await.unwrap(), "round {round}");
            lock
        });
        drop(futures::future::join_all(tries).await);
        for name in names {
            name.close().await;
        }
    }
}
