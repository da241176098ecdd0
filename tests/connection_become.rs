//! Becoming another user with real sudo, su and doas, as a real user of this computer, over real sshd and
//! dropbear. Needs root; makes the user `vent-test` and takes it away again.

use crate::ssh_server::{Server, run, signal};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use vent::connection::{Become, Ended, Failure, FailureKind, Host, Job, Method, Secret, Shell, Target};

const USER: &str = "vent-test";
const PASSWORD: &str = "correct horse";
const RULES: &str = "/etc/sudoers.d/vent-test";

/// The user, while it exists; one test at a time.
struct User {
    home: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl User {
    fn new() -> User {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        User::remove();
        let home = tempfile::tempdir().unwrap();
        let at = home.path().to_str().unwrap();
        run("useradd", &["-M", "-d", at, "-s", "/bin/bash", USER]);
        let hash = run("openssl", &["passwd", "-6", PASSWORD]);
        run("usermod", &["-p", hash.trim(), USER]);
        run("chown", &[USER, at]);
        run("chmod", &["755", at]);
        User { home, _alone: alone }
    }

    fn remove() {
        let _ = std::fs::remove_file(RULES);
        let left = Command::new("ps")
            .args(["-u", USER, "-o", "pid="])
            .output()
            .unwrap();
        for process in String::from_utf8_lossy(&left.stdout).split_whitespace() {
            signal("KILL", process.parse().unwrap());
        }
        let _ = Command::new("userdel")
            .arg("-f")
            .arg(USER)
            .stderr(std::process::Stdio::null())
            .status();
    }

    /// Sets what sudo allows.
    fn rules(&self, text: &str) {
        let fresh = self.home.path().join("rules");
        std::fs::write(&fresh, format!("{text}\n")).unwrap();
        run(
            "install",
            &["-m", "440", "-o", "root", fresh.to_str().unwrap(), RULES],
        );
    }

    /// The host as this user.
    fn target(&self, server: &Server) -> Target {
        Target {
            user: USER.into(),
            ..server.target()
        }
    }
}

impl Drop for User {
    fn drop(&mut self) {
        User::remove();
    }
}

fn other(method: Method, password: Option<&str>) -> Become {
    Become {
        method,
        user: "root".into(),
        password: password.map(Secret::new),
        flags: None,
        exe: None,
    }
}

async fn failure(host: &Host, other: &Become) -> Failure {
    match host.shell(Some(other)).await {
        Ok(_) => panic!("it lets us"),
        Err(failure) => failure,
    }
}

async fn who(shell: &Shell) -> String {
    let output = shell.ask("id -un").await.unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_string()
}

#[tokio::test]
#[ignore = "needs root: makes users, and logs in at sshd and dropbear"]
async fn sudo_without_password_gives_a_root_shell_that_can_do_everything() {
    let user = User::new();
    let server = Server::start("");
    user.rules(&format!("{USER} ALL=(ALL) NOPASSWD: ALL"));
    let host = Host::new(user.target(&server));
    let plain = host.shell(None).await.unwrap();
    let root = host.shell(Some(&other(Method::Sudo, None))).await.unwrap();
    assert_eq!(
        (who(&plain).await.as_str(), who(&root).await.as_str()),
        (USER, "root")
    );
    assert_eq!(root.ask("echo $HOME").await.unwrap().stdout, b"/root\n");
    let bytes: Vec<u8> = (0..500_000u32).map(|at| (at % 251) as u8).collect();
    let output = root.feed("sha256sum", 500_000, &mut &bytes[..]).await.unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).starts_with(&*vent::content::digest_of(&bytes)));
    let job = Job {
        script: "sleep 100".into(),
        timeout: Some(Duration::from_millis(200)),
        ..Job::default()
    };
    let end = root
        .job(&job, &|_, _| {}, &CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(end.ended, Ended::TimedOut);
    let same = Become {
        user: USER.into(),
        ..other(Method::Doas, None)
    };
    assert_eq!(
        who(&host.shell(Some(&same)).await.unwrap()).await,
        USER,
        "becoming oneself needs no program"
    );
}

#[tokio::test]
#[ignore = "needs root: makes users, and logs in at sshd and dropbear"]
async fn sudo_with_a_password_takes_the_right_one_and_says_what_is_wrong() {
    let user = User::new();
    let server = Server::start("");
    user.rules(&format!("Defaults:{USER} lecture=always\n{USER} ALL=(ALL) ALL"));
    let host = Host::new(user.target(&server));
    let root = host
        .shell(Some(&other(Method::Sudo, Some(PASSWORD))))
        .await
        .unwrap();
    assert_eq!(who(&root).await, "root");
    let missing = failure(&host, &other(Method::Sudo, None)).await;
    assert_eq!(missing.kind, FailureKind::BecomePassword);
    assert_eq!(
        missing.message,
        "sudo on web wants a password before vent-test becomes root, and none was given"
    );
    assert_eq!(
        missing.cure,
        "add --ask-become-pass (-K), or set `ansible_become_password` in a vault file"
    );
    let begin = Instant::now();
    let wrong = failure(&host, &other(Method::Sudo, Some("wrong"))).await;
    assert_eq!(wrong.kind, FailureKind::BecomePassword);
    assert_eq!(
        wrong.message,
        "Incorrect sudo password: sudo on web does not let vent-test become root"
    );
    assert_eq!(
        wrong.cure,
        "give the password of vent-test with --ask-become-pass (-K) or as `ansible_become_password`"
    );
    assert!(begin.elapsed() < Duration::from_secs(8), "it is tried once only");
    user.rules(&format!("{USER} ALL=(ALL) NOPASSWD: ALL"));
    let unasked = Host::new(user.target(&server));
    let root = unasked
        .shell(Some(&other(Method::Sudo, Some("not needed"))))
        .await
        .unwrap();
    assert_eq!(who(&root).await, "root");
}

#[tokio::test]
#[ignore = "needs root: makes users, and logs in at sshd and dropbear"]
async fn sudo_that_refuses_is_quoted() {
    let user = User::new();
    let server = Server::start("");
    let host = Host::new(user.target(&server));
    let refused = failure(&host, &other(Method::Sudo, Some(PASSWORD))).await;
    assert_eq!(refused.kind, FailureKind::BecomeRefused);
    assert!(
        refused.message.starts_with(
            "sudo on web does not let vent-test become root: vent-test is not in the sudoers file"
        ),
        "{}",
        refused.message
    );
    assert_eq!(refused.cure, "try it by hand there: `sudo -u root id`");
    let absent = Become {
        exe: Some("/no/such/sudo".into()),
        ..other(Method::Sudo, None)
    };
    let absent = failure(&host, &absent).await;
    assert!(absent.message.contains("No such file"), "{}", absent.message);
    assert_eq!(
        who(&host.shell(None).await.unwrap()).await,
        USER,
        "the connection is still good"
    );
}

#[tokio::test]
#[ignore = "needs root: makes users, and logs in at sshd and dropbear"]
async fn su_takes_the_password_of_the_other_user() {
    let user = User::new();
    let server = Server::start("");
    let root = server.host();
    let to_user = Become {
        user: USER.into(),
        ..other(Method::Su, None)
    };
    assert_eq!(
        who(&root.shell(Some(&to_user)).await.unwrap()).await,
        USER,
        "root is not asked"
    );
    let host = Host::new(user.target(&server));
    let back = Become {
        user: USER.into(),
        ..other(Method::Su, Some(PASSWORD))
    };
    // Becoming oneself would be no change, so the login user is called otherwise here.
    let shell = host
        .shell(Some(&Become {
            user: format!("-- {USER}"),
            ..back.clone()
        }))
        .await;
    assert!(shell.is_err(), "user names are quoted");
    let wrong = failure(&host, &other(Method::Su, Some("wrong"))).await;
    assert_eq!(
        wrong.message,
        "Incorrect su password: su on web does not let vent-test become root"
    );
    assert_eq!(
        wrong.cure,
        "give the password of root with --ask-become-pass (-K) or as `ansible_become_password`"
    );
    let missing = failure(&host, &other(Method::Su, None)).await;
    assert_eq!(
        missing.message,
        "su on web wants a password before vent-test becomes root, and none was given"
    );
}

#[tokio::test]
#[ignore = "needs root: makes users, and logs in at sshd and dropbear"]
async fn passwords_let_in_over_both_methods() {
    let user = User::new();
    let methods = [
        "PasswordAuthentication yes\nKbdInteractiveAuthentication no\nUsePAM yes",
        "PasswordAuthentication no\nKbdInteractiveAuthentication yes\nUsePAM yes",
    ];
    for method in methods {
        let server = Server::start(method);
        let target = |password: &str| Target {
            keys: vec![],
            password: Some(Secret::new(password)),
            ..user.target(&server)
        };
        let shell = Host::new(target(PASSWORD))
            .shell(None)
            .await
            .unwrap_or_else(|failure| panic!("{failure:?}"));
        assert_eq!(who(&shell).await, USER);
        let refused = Host::new(target("wrong")).shell(None).await.err().unwrap();
        assert_eq!(refused.kind, FailureKind::PasswordRefused);
        let port = server.port;
        let start = format!(
            "vent-test cannot log in to web (127.0.0.1:{port}): the host does not take the password (it takes "
        );
        assert!(refused.message.starts_with(&start), "{}", refused.message);
    }
}

#[tokio::test]
#[ignore = "needs root: makes users, and logs in at sshd and dropbear"]
async fn dropbear_serves_as_well() {
    let user = User::new();
    let server = Server::dropbear();
    let folder = user.home.path().join(".ssh");
    std::fs::create_dir(&folder).unwrap();
    std::fs::copy(server.path("key.pub"), folder.join("authorized_keys")).unwrap();
    run("chown", &["-R", USER, folder.to_str().unwrap()]);
    let host = Host::new(user.target(&server));
    let shell = host
        .shell(None)
        .await
        .unwrap_or_else(|failure| panic!("{failure:?}"));
    let none = CancellationToken::new();
    let job = Job {
        script: "echo job; (sleep 3) & exit 4".into(),
        keep: 100,
        ..Job::default()
    };
    let end = shell.job(&job, &|_, _| {}, &none).await.unwrap();
    assert_eq!((end.ended, end.stdout), (Ended::Exit(4), b"job\n".to_vec()));
    let bytes = vec![9; 3_000_000];
    let output = shell.feed("wc -c", 3_000_000, &mut &bytes[..]).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "3000000");
}

#[tokio::test]
#[ignore = "needs root: makes an account"]
async fn what_the_list_of_processes_shows_of_the_talk_with_sudo_is_worth_nothing_afterwards() {
    let server = Server::start("");
    let user = User::new();
    user.rules(&format!("{USER} ALL=(ALL) NOPASSWD: ALL"));
    let host = Host::new(user.target(&server));
    let shell = host.shell(Some(&other(Method::Sudo, None))).await.unwrap();
    let shown = run("ps", &["-A", "-ww", "-o", "args="]);
    let start = shown
        .lines()
        .find(|line| line.contains("exec sudo") || line.starts_with("sudo -H -n -u root"));
    let start = start.unwrap_or_else(|| panic!("{shown}"));
    let (_, from) = start.split_once("printf %s \"").unwrap();
    let nonce = &from[..32];
    assert!(nonce.bytes().all(|byte| byte.is_ascii_hexdigit()), "{start}");
    // Whoever read it cannot forge an answer: it is data like any other.
    let forged = format!("{nonce}x7;{nonce}e;");
    let script = format!("printf '%s' '{forged}'; printf '%s' '{forged}' >&2");
    let answer = shell.ask(&script).await.unwrap();
    assert_eq!(
        (answer.code, answer.stdout, answer.stderr),
        (0, forged.clone().into_bytes(), forged.into_bytes())
    );
    assert_eq!(who(&shell).await, "root");
}
