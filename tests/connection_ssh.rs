//! SSH against a real sshd: logging in, host keys, ways there, limits, and connections that break.

use crate::ssh_server::{Server, fingerprint, free_port, keygen, run, signal};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use vent::connection::{Algorithms, Checking, Ended, Failure, FailureKind, Host, Job, Secret, Target};

async fn failure(target: Target) -> Failure {
    match Host::new(target).shell(None).await {
        Ok(_) => panic!("the host let us in"),
        Err(failure) => failure,
    }
}

async fn works(target: Target) {
    let shell = Host::new(target)
        .shell(None)
        .await
        .unwrap_or_else(|failure| panic!("{failure:?}"));
    assert_eq!(shell.ask("echo on").await.unwrap().stdout, b"on\n");
}

fn script(text: &str) -> Job {
    Job {
        script: text.into(),
        keep: 1 << 20,
        ..Job::default()
    }
}

#[tokio::test]
#[ignore = "needs root: logs in at an sshd"]
async fn all_kinds_of_frames_work_over_ssh() {
    let server = Server::start("");
    let shell = server.host().shell(None).await.unwrap();
    let output = shell.ask("echo out; echo err >&2; exit 7").await.unwrap();
    assert_eq!(
        (output.code, output.stdout, output.stderr),
        (7, b"out\n".to_vec(), b"err\n".to_vec())
    );
    let bytes: Vec<u8> = (0..20_000_000u32).map(|at| (at * 7 + at / 256) as u8).collect();
    for length in [0, 1000, 65536, 65537, bytes.len()] {
        let path = server.path("file");
        let into = format!("cat >{}", path.display());
        let output = shell
            .feed(&into, length as u64, &mut &bytes[..length])
            .await
            .unwrap();
        assert_eq!(output.code, 0);
        let mut back = vec![];
        shell
            .drain(&format!("cat {}", path.display()), &mut back)
            .await
            .unwrap();
        assert!(back == bytes[..length], "{length} bytes");
    }
    let none = CancellationToken::new();
    let job = Job {
        stdin: Some(b"in\0".to_vec()),
        ..script("cat; echo err >&2; (sleep 5) & exit 3")
    };
    let end = shell.job(&job, &|_, _| {}, &none).await.unwrap();
    assert_eq!(
        (end.ended, end.stdout, end.stderr),
        (Ended::Exit(3), b"in\0".to_vec(), b"err\n".to_vec())
    );
    let late = Job {
        timeout: Some(Duration::from_millis(200)),
        ..script("sleep 100")
    };
    assert_eq!(
        shell.job(&late, &|_, _| {}, &none).await.unwrap().ended,
        Ended::TimedOut
    );
    assert_eq!(shell.ask("echo on").await.unwrap().stdout, b"on\n");
}

#[tokio::test]
#[ignore = "needs root: logs in at an sshd"]
async fn a_full_target_neither_hangs_nor_disturbs_the_next_frame() {
    let server = Server::start("");
    let shell = server.host().shell(None).await.unwrap();
    let bytes = vec![7; 20 << 20];
    let mut input = &bytes[..];
    let feeding = shell.feed("cat >/dev/full", bytes.len() as u64, &mut input);
    let output = tokio::time::timeout(Duration::from_secs(20), feeding)
        .await
        .unwrap()
        .unwrap();
    assert_ne!(output.code, 0);
    assert!(String::from_utf8_lossy(&output.stderr).contains("No space left"));
    assert_eq!(shell.ask("echo on").await.unwrap().stdout, b"on\n");
}

#[tokio::test]
#[ignore = "needs root: logs in at an sshd"]
async fn a_refused_key_names_the_key_and_how_to_let_it_in() {
    let server = Server::start("");
    let stranger = server.path("stranger");
    keygen(&stranger, &["-t", "ed25519"]);
    let target = Target {
        keys: vec![stranger.clone()],
        ..server.target()
    };
    let failure = failure(target).await;
    assert_eq!(failure.kind, FailureKind::KeyRefused);
    let (port, print, path) = (server.port, fingerprint(&stranger), stranger.display());
    assert_eq!(
        failure.message,
        format!(
            "root cannot log in to web (127.0.0.1:{port}): the host takes none of the keys it was offered: {path} {print} (it takes publickey)"
        )
    );
    assert_eq!(
        failure.cure,
        format!(
            "check the user (`ansible_user`) and the key (`ansible_ssh_private_key_file`); to let the key in, type `ssh-copy-id -i {path} -p {port} root@127.0.0.1`"
        )
    );
}

#[tokio::test]
#[ignore = "needs root: logs in at an sshd"]
async fn a_changed_host_key_is_refused_with_both_fingerprints() {
    let server = Server::start("");
    keygen(&server.path("other"), &["-t", "ed25519"]);
    let other = server.text("other.pub");
    let port = server.port;
    let mut target = server.target();
    let known = server.write("known_hosts", &format!("# hosts\n[127.0.0.1]:{port} {other}"));
    let (now, before) = (
        fingerprint(&server.path("host.pub")),
        fingerprint(&server.path("other.pub")),
    );
    let refused = failure(target.clone()).await;
    assert_eq!(refused.kind, FailureKind::HostKeyChanged);
    assert_eq!(
        refused.message,
        format!(
            "the host key of web (127.0.0.1:{port}) has changed: it shows ssh-ed25519 {now}, but {}:2 says {before}",
            known.display()
        )
    );
    assert_eq!(
        refused.cure,
        format!(
            "somebody may be listening in, or the host was installed anew; only if you know that it was, type `ssh-keygen -R '[127.0.0.1]:{port}' -f {}` and run again",
            known.display()
        )
    );
    target.host_key_checking = Checking::AcceptNew;
    assert_eq!(failure(target.clone()).await.kind, FailureKind::HostKeyChanged);
    run(
        "ssh-keygen",
        &[
            "-q",
            "-R",
            &format!("[127.0.0.1]:{port}"),
            "-f",
            known.to_str().unwrap(),
        ],
    );
    works(target).await;
}

#[tokio::test]
#[ignore = "needs root: logs in at an sshd"]
async fn unknown_host_keys_are_refused_or_learned_as_wanted() {
    let server = Server::start("");
    let target = Target {
        known_hosts: vec![server.path("new/known_hosts")],
        ..server.target()
    };
    let refused = failure(target.clone()).await;
    assert_eq!(refused.kind, FailureKind::HostKeyUnknown);
    let (port, print) = (server.port, fingerprint(&server.path("host.pub")));
    assert_eq!(
        refused.message,
        format!("the host key of web (127.0.0.1:{port}) is not known: it shows ssh-ed25519 {print}")
    );
    let with = |checking| Target {
        host_key_checking: checking,
        ..target.clone()
    };
    works(with(Checking::Off)).await;
    assert!(!server.path("new").exists());
    works(with(Checking::AcceptNew)).await;
    assert_eq!(
        server.text("new/known_hosts"),
        format!("[127.0.0.1]:{port} {}\n", server.host_key())
    );
    works(with(Checking::Strict)).await;
    run(
        "ssh-keygen",
        &["-q", "-H", "-f", server.path("new/known_hosts").to_str().unwrap()],
    );
    assert!(server.text("new/known_hosts").starts_with("|1|"));
    works(with(Checking::Strict)).await;
    server.write("new/known_hosts", &format!("@revoked * {}\n", server.host_key()));
    assert_eq!(
        failure(with(Checking::AcceptNew)).await.kind,
        FailureKind::HostKeyRevoked
    );
}

#[tokio::test]
#[ignore = "needs root: logs in at an sshd"]
async fn the_key_that_is_written_down_is_asked_for_first() {
    let folder = tempfile::tempdir().unwrap();
    let rsa = folder.path().join("rsa");
    keygen(&rsa, &["-t", "rsa", "-b", "2048"]);
    let server = Server::start(&format!("HostKey {}", rsa.display()));
    let public = std::fs::read_to_string(rsa.with_extension("pub")).unwrap();
    let target = server.target();
    server.write("known_hosts", &format!("[127.0.0.1]:{} {public}", server.port));
    works(target).await;
}

#[tokio::test]
#[ignore = "needs root: logs in at an sshd"]
async fn a_certificate_proves_a_host_to_those_who_trust_its_authority() {
    let folder = tempfile::tempdir().unwrap();
    let (ca, own) = (folder.path().join("ca"), folder.path().join("own"));
    keygen(&ca, &["-t", "ed25519"]);
    keygen(&own, &["-t", "ed25519"]);
    let sign = |names: &str| {
        let public = own.with_extension("pub");
        let (ca, public) = (ca.to_str().unwrap(), public.to_str().unwrap());
        run(
            "ssh-keygen",
            &["-q", "-s", ca, "-I", "id", "-h", "-n", names, public],
        );
    };
    sign("127.0.0.1");
    let lines = format!("HostKey {0}\nHostCertificate {0}-cert.pub", own.display());
    let server = Server::start(&lines);
    let target = server.target();
    let authority = std::fs::read_to_string(ca.with_extension("pub")).unwrap();
    server.write("known_hosts", &format!("@cert-authority 127.* {authority}"));
    works(target.clone()).await;
    server.write("known_hosts", &format!("@cert-authority 10.* {authority}"));
    assert_eq!(failure(target).await.kind, FailureKind::HostKeyUnknown);
    sign("db.example.org");
    let server = Server::start(&lines);
    let target = server.target();
    server.write("known_hosts", &format!("@cert-authority 127.* {authority}"));
    assert_eq!(failure(target).await.kind, FailureKind::HostKeyUnknown);
}

#[tokio::test]
async fn hosts_that_cannot_be_reached_say_why() {
    let port = free_port();
    let closed = failure(Target::ssh("web", "127.0.0.1", port, "deploy")).await;
    assert_eq!(closed.kind, FailureKind::Unreachable);
    assert_eq!(
        closed.message,
        format!("web cannot be reached at 127.0.0.1:{port}: nothing listens there (connection refused)")
    );
    assert_eq!(
        closed.cure,
        format!(
            "check that the host runs and that address and port are right (`ansible_host`, `ansible_port`); try it by hand: `ssh -p {port} deploy@127.0.0.1`"
        )
    );
    let nowhere = failure(Target::ssh("web", "web.invalid", 22, "deploy")).await;
    assert_eq!(
        nowhere.message,
        "web cannot be reached at web.invalid:22: no address is known for the name web.invalid"
    );
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let silent = Target {
        connect_timeout: Duration::from_secs(1),
        ..Target::ssh("web", "127.0.0.1", port, "deploy")
    };
    assert_eq!(
        failure(silent).await.message,
        format!("web cannot be reached at 127.0.0.1:{port}: no answer in 1 seconds")
    );
}

#[tokio::test]
#[ignore = "needs root: logs in at an sshd"]
async fn encrypted_keys_are_opened_with_their_passphrase_only_if_the_host_wants_them() {
    let server = Server::start("");
    let locked = server.path("locked");
    run(
        "ssh-keygen",
        &[
            "-q",
            "-t",
            "ed25519",
            "-N",
            "open sesame",
            "-f",
            locked.to_str().unwrap(),
        ],
    );
    let target = Target {
        keys: vec![locked.clone()],
        passphrase: Some(Secret::new("wrong")),
        ..server.target()
    };
    assert_eq!(
        failure(target.clone()).await.kind,
        FailureKind::KeyRefused,
        "it is not even opened"
    );
    server.write("authorized", &server.text("locked.pub"));
    let refused = failure(target.clone()).await;
    assert_eq!(refused.kind, FailureKind::KeyUnreadable);
    assert_eq!(
        refused.message,
        format!(
            "the private key {} for web is encrypted, and the passphrase is wrong",
            locked.display()
        )
    );
    works(Target {
        passphrase: Some(Secret::new("open sesame")),
        ..target
    })
    .await;
}

#[tokio::test]
#[ignore = "needs root: logs in at an sshd"]
async fn rsa_keys_and_user_certificates_are_taken() {
    let server = Server::start("");
    let rsa = server.path("rsa");
    keygen(&rsa, &["-t", "rsa", "-b", "2048"]);
    server.write("authorized", &server.text("rsa.pub"));
    works(Target {
        keys: vec![rsa],
        ..server.target()
    })
    .await;
    let (ca, own) = (server.path("ca"), server.path("own"));
    keygen(&ca, &["-t", "ed25519"]);
    keygen(&own, &["-t", "ed25519"]);
    let public = own.with_extension("pub");
    run(
        "ssh-keygen",
        &[
            "-q",
            "-s",
            ca.to_str().unwrap(),
            "-I",
            "id",
            "-n",
            "root",
            public.to_str().unwrap(),
        ],
    );
    server.write("authorized", &format!("cert-authority {}", server.text("ca.pub")));
    works(Target {
        keys: vec![own],
        ..server.target()
    })
    .await;
}

#[tokio::test]
#[ignore = "needs root: logs in at an sshd"]
async fn the_agent_lends_its_keys() {
    let server = Server::start("");
    let socket = server.path("agent");
    let mut agent = Command::new("ssh-agent")
        .args(["-D", "-a"])
        .arg(&socket)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while !socket.exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let added = Command::new("ssh-add")
        .arg("-q")
        .arg(server.path("key"))
        .env("SSH_AUTH_SOCK", &socket)
        .status();
    assert!(added.unwrap().success());
    let target = Target {
        keys: vec![],
        agent: Some(socket),
        ..server.target()
    };
    works(target.clone()).await;
    let only = Target {
        identities_only: true,
        ..target
    };
    let refused = failure(only).await;
    agent.kill().unwrap();
    agent.wait().unwrap();
    assert!(
        refused.message.ends_with("there is no key to offer"),
        "{}",
        refused.message
    );
}

#[tokio::test]
#[ignore = "needs root: logs in at an sshd"]
async fn jump_hosts_and_proxy_commands_lead_to_the_host() {
    let (edge, inner) = (Server::start(""), Server::start(""));
    works(Target {
        jump: vec![edge.target()],
        ..inner.target()
    })
    .await;
    let command = format!(
        "bash -c 'exec 3<>/dev/tcp/127.0.0.1/{}; cat <&3 & cat >&3'",
        inner.port
    );
    works(Target {
        proxy_command: Some(command),
        address: "nowhere.invalid".into(),
        host_key_alias: Some(format!("[127.0.0.1]:{}", inner.port)),
        ..inner.target()
    })
    .await;
    let broken = failure(Target {
        proxy_command: Some("echo 'no such way' >&2".into()),
        ..inner.target()
    })
    .await;
    assert_eq!(
        broken.message,
        format!(
            "web cannot be reached at 127.0.0.1:{}: it closed the connection before the login: no such way",
            inner.port
        )
    );
    let beyond = failure(Target {
        jump: vec![edge.target()],
        ..Target::ssh("web", "127.0.0.1", free_port(), "root")
    })
    .await;
    assert!(
        beyond
            .message
            .ends_with("the jump host before it cannot connect to it"),
        "{}",
        beyond.message
    );
}

#[tokio::test]
#[ignore = "needs root: logs in at an sshd"]
async fn a_server_with_one_session_per_connection_gets_more_connections() {
    let server = Server::start("MaxSessions 1");
    let shell = server.host().shell(None).await.unwrap();
    let (running, none) = (script("sleep 1; echo job"), CancellationToken::new());
    let (end, answer) = tokio::join!(shell.job(&running, &|_, _| {}, &none), shell.ask("echo on"));
    assert_eq!(end.unwrap().stdout, b"job\n");
    assert_eq!(answer.unwrap().stdout, b"on\n");
}

#[tokio::test]
#[ignore = "needs root: logs in at an sshd"]
async fn a_server_that_drops_logins_is_asked_again() {
    let server = Server::start("MaxStartups 2:60:4");
    let hosts = (0..24).map(|_| {
        let host = server.host();
        async move { host.shell(None).await.map(|_| ()) }
    });
    for result in futures::future::join_all(hosts).await {
        result.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs root: logs in at an sshd"]
async fn a_lost_connection_is_said_and_rebuilt_at_the_next_use() {
    let server = Server::start("");
    let host = server.host();
    let shell = host.shell(None).await.unwrap();
    let mark = server.path("mark");
    let (running, none) = (
        script(&format!("sleep 1; echo done >{}", mark.display())),
        CancellationToken::new(),
    );
    let (end, ()) = tokio::join!(shell.job(&running, &|_, _| {}, &none), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        server
            .sessions()
            .into_iter()
            .for_each(|session| signal("KILL", session));
    });
    let failure = end.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Lost);
    assert_eq!(
        failure.message,
        "the connection to web was lost while a command ran"
    );
    assert_eq!(
        shell.ask("echo on").await.unwrap().stdout,
        b"on\n",
        "the same shell connects anew"
    );
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(mark.exists(), "the command went on");
    host.close().await;
    assert_eq!(
        host.shell(None)
            .await
            .unwrap()
            .ask("echo on")
            .await
            .unwrap()
            .stdout,
        b"on\n"
    );
}

#[tokio::test]
#[ignore = "needs root: logs in at an sshd"]
async fn a_server_that_falls_silent_is_noticed() {
    let server = Server::start("");
    let host = Host::new(Target {
        keepalive_interval: Duration::from_secs(1),
        keepalive_count: 2,
        ..server.target()
    });
    let shell = host.shell(None).await.unwrap();
    let begin = Instant::now();
    let (end, ()) = tokio::join!(shell.ask("sleep 30"), async {
        let stopped = server.sessions();
        stopped.iter().for_each(|session| signal("STOP", *session));
    });
    assert_eq!(end.unwrap_err().kind, FailureKind::Lost);
    assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
}

#[tokio::test]
#[ignore = "needs root: logs in at an sshd"]
async fn noisy_start_files_do_no_harm_and_hostile_ones_are_named() {
    let server = Server::start("PermitUserEnvironment no");
    let with = |command: &str| {
        let line = format!("command=\"{command}\" {}", server.text("key.pub"));
        server.write("authorized", &line);
        server.target()
    };
    works(with(
        "echo noise; echo more >&2; printf '\\\\033[1m'; eval $SSH_ORIGINAL_COMMAND",
    ))
    .await;
    let ended = failure(with("echo Go away.; exit 5")).await;
    assert_eq!(ended.kind, FailureKind::ShellRefused);
    assert_eq!(
        ended.message,
        "the login of root on web ended before `/bin/sh` answered (exit status 5): Go away."
    );
    let eaten = failure(with("read line; eval $SSH_ORIGINAL_COMMAND")).await;
    assert_eq!(
        eaten.message,
        "a start file of the login shell of root on web read the input that was meant for `/bin/sh`"
    );
}

/// Prints what a frame costs: `cargo test --release connection_ssh::measure -- --ignored --nocapture`.
#[tokio::test]
#[ignore = "a measurement"]
async fn measure() {
    let server = Server::start("");
    let begin = Instant::now();
    let host = server.host();
    let shell = host.shell(None).await.unwrap();
    println!("connect, log in, first shell: {:?}", begin.elapsed());
    let none = CancellationToken::new();
    let local = Host::new(Target::local("here"));
    for (name, shell) in [("ssh", shell), ("local", local.shell(None).await.unwrap())] {
        let mut asks = vec![];
        let mut jobs = vec![];
        for _ in 0..200 {
            let begin = Instant::now();
            shell.ask(":").await.unwrap();
            asks.push(begin.elapsed());
            let begin = Instant::now();
            shell.job(&script(":"), &|_, _| {}, &none).await.unwrap();
            jobs.push(begin.elapsed());
        }
        asks.sort();
        jobs.sort();
        println!(
            "{name}: ask {:?}, job {:?} (medians of 200)",
            asks[100], jobs[100]
        );
        let bytes = vec![1; 100 << 20];
        let begin = Instant::now();
        shell
            .feed("cat >/dev/null", bytes.len() as u64, &mut &bytes[..])
            .await
            .unwrap();
        println!("{name}: 100 MiB in {:?}", begin.elapsed());
        let begin = Instant::now();
        let mut sink = tokio::io::sink();
        shell
            .drain("head -c 104857600 /dev/zero", &mut sink)
            .await
            .unwrap();
        println!("{name}: 100 MiB out {:?}", begin.elapsed());
    }
    let _: PathBuf = server.path("");
}

/// What became of a login: whether it came about, and whether the server saw a password before.
type Login = (bool, bool);

fn login_of_ssh(server: &Server, checking: &str, key: &str) -> Login {
    login_of_ssh_with(server, checking, key, &[])
}

fn login_of_ssh_with(server: &Server, checking: &str, key: &str, options: &[&str]) -> Login {
    let ask = server.write("ask", "#!/bin/sh\necho secret\n");
    run("chmod", &["755", ask.to_str().unwrap()]);
    let before = server.text("log").len();
    let known = format!("UserKnownHostsFile={}", server.path("known_hosts").display());
    let checking = format!("StrictHostKeyChecking={checking}");
    let port = server.port.to_string();
    let mut ssh = Command::new("ssh");
    ssh.args([
        "-F",
        "none",
        "-p",
        &port,
        "-i",
        server.path(key).to_str().unwrap(),
    ]);
    for option in [
        known.as_str(),
        &checking,
        "GlobalKnownHostsFile=/dev/null",
        "IdentitiesOnly=yes",
        "NumberOfPasswordPrompts=1",
        "UpdateHostKeys=no",
    ]
    .iter()
    .chain(options)
    {
        ssh.args(["-o", option]);
    }
    let status = ssh
        .args(["root@127.0.0.1", "true"])
        .env("SSH_ASKPASS", ask)
        .env("SSH_ASKPASS_REQUIRE", "force")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status();
    (status.unwrap().success(), saw_password(server, before))
}

async fn login_of_vent(server: &Server, checking: Checking, key: &str) -> Login {
    let before = server.text("log").len();
    let target = Target {
        host_key_checking: checking,
        keys: vec![server.path(key)],
        password: Some(Secret::new("secret")),
        known_hosts: vec![server.path("known_hosts")],
        ..server.target_as_it_is_known()
    };
    let entered = Host::new(target).shell(None).await.is_ok();
    (entered, saw_password(server, before))
}

/// True if the server's log tells, behind its first bytes, of a password that was tried.
fn saw_password(server: &Server, before: usize) -> bool {
    let log = server.text("log");
    ["Failed password", "Failed keyboard-interactive"]
        .iter()
        .any(|words| log[before..].contains(words))
}

#[tokio::test]
#[ignore = "needs root: logs in at an sshd"]
async fn keys_of_hosts_are_judged_as_ssh_judges_them_and_the_doubtful_get_no_password() {
    // Refusing an answer to questions takes seconds: of those cases every third does.
    for (methods, step) in [
        ("PasswordAuthentication yes", 1),
        ("UsePAM yes\nKbdInteractiveAuthentication yes", 3),
    ] {
        let server = Server::start(methods);
        keygen(&server.path("same"), &["-t", "ed25519"]);
        keygen(&server.path("type"), &["-t", "rsa", "-b", "2048"]);
        let (own, same, other) = (
            server.host_key(),
            server.text("same.pub"),
            server.text("type.pub"),
        );
        let name = format!("[127.0.0.1]:{}", server.port);
        let files = [
            String::new(),
            format!("{name} {own}\n"),
            format!("{name} {same}"),
            format!("{name} {other}"),
            format!("{name} {other}{name} {own}\n"),
            format!("127.0.0.1 {other}"),
            format!("@revoked * {own}\n"),
            format!("{name} {own}\n@revoked {name} {own}\n"),
            format!("@cert-authority {name} {same}"),
        ];
        for file in files.iter().step_by(step) {
            for (word, checking) in [
                ("yes", Checking::Strict),
                ("accept-new", Checking::AcceptNew),
                ("no", Checking::Off),
            ] {
                for key in ["key", "same"] {
                    server.write("known_hosts", file);
                    let ssh = login_of_ssh(&server, word, key);
                    server.write("known_hosts", file);
                    let vent = login_of_vent(&server, checking, key).await;
                    assert_eq!(vent, ssh, "{methods}, {word}, {key}, known_hosts: {file}");
                }
            }
        }
    }
}

#[tokio::test]
#[ignore = "needs root: logs in at an sshd"]
async fn the_password_goes_where_the_configuration_of_ssh_lets_it() {
    let server = Server::start("PasswordAuthentication yes\nUsePAM yes\nKbdInteractiveAuthentication yes");
    keygen(&server.path("stranger"), &["-t", "ed25519"]);
    let name = format!("[127.0.0.1]:{}", server.port);
    server.write("known_hosts", &format!("{name} {}\n", server.host_key()));
    let known = format!(
        "-o UserKnownHostsFile={} -o IdentitiesOnly=yes",
        server.path("known_hosts").display()
    );
    for (options, key, login) in [
        (
            &["PasswordAuthentication=no", "KbdInteractiveAuthentication=no"][..],
            "stranger",
            (false, false),
        ),
        (
            &["PreferredAuthentications=publickey"],
            "stranger",
            (false, false),
        ),
        (&["PreferredAuthentications=password"], "key", (false, true)),
        (
            &["PubkeyAuthentication=no", "KbdInteractiveAuthentication=no"],
            "key",
            (false, true),
        ),
        (
            &["PasswordAuthentication=no", "KbdInteractiveAuthentication=no"],
            "key",
            (true, false),
        ),
    ] {
        assert_eq!(
            login_of_ssh_with(&server, "yes", key, options),
            login,
            "{options:?}"
        );
        let arguments: String = options.iter().map(|option| format!(" -o {option}")).collect();
        let target = vent::connection::configuration::target(
            &vent::connection::configuration::Options {
                name: "web".into(),
                host: Some("127.0.0.1".into()),
                port: Some(server.port),
                user: Some("root".into()),
                private_key_file: Some(server.path(key)),
                password: Some(Secret::new("secret")),
                arguments: known.clone() + &arguments,
                ..Default::default()
            },
            &vent::connection::configuration::Environment::current(),
        )
        .unwrap();
        let before = server.text("log").len();
        let entered = Host::new(target).shell(None).await;
        if let (Err(refused), (false, false)) = (&entered, login) {
            assert!(
                refused.message.contains("does not let the password be given"),
                "{}",
                refused.message
            );
        }
        assert_eq!(
            (entered.is_ok(), saw_password(&server, before)),
            login,
            "{options:?}"
        );
    }
}

#[tokio::test]
#[ignore = "needs root: logs in at an sshd"]
async fn a_host_without_trust_is_told_no_password_and_the_user_why() {
    let server = Server::start("PasswordAuthentication yes");
    keygen(&server.path("other"), &["-t", "rsa", "-b", "2048"]);
    let port = server.port;
    let target = server.target();
    let known = server.write(
        "known_hosts",
        &format!("[127.0.0.1]:{port} {}", server.text("other.pub")),
    );
    let refused = failure(Target {
        host_key_checking: Checking::Off,
        keys: vec![],
        password: Some(Secret::new("secret")),
        ..target
    })
    .await;
    assert_eq!(refused.kind, FailureKind::HostKeyChanged);
    assert_eq!(
        refused.message,
        format!(
            "the host key of web (127.0.0.1:{port}) has changed: it shows ssh-ed25519 {}, but {}:1 says {}; so it \
             gets no password, and it takes none of the keys",
            fingerprint(&server.path("host.pub")),
            known.display(),
            fingerprint(&server.path("other.pub"))
        )
    );
}

#[tokio::test]
#[ignore = "needs root: logs in at an sshd"]
async fn sha_1_signs_nothing_that_the_user_does_not_name_it_for() {
    let folder = tempfile::tempdir().unwrap();
    let rsa = folder.path().join("rsa");
    keygen(&rsa, &["-t", "rsa", "-b", "2048"]);
    // A host that proves itself by SHA-1 only.
    let server = Server::start(&format!("HostKey {}\nHostKeyAlgorithms ssh-rsa", rsa.display()));
    let target = server.target();
    let public = std::fs::read_to_string(rsa.with_extension("pub")).unwrap();
    server.write("known_hosts", &format!("[127.0.0.1]:{} {public}", server.port));
    let refused = failure(target.clone()).await;
    assert!(
        refused.message.contains("no common algorithm"),
        "{}",
        refused.message
    );
    works(Target {
        host_key_algorithms: Algorithms::of("+ssh-rsa"),
        ..target
    })
    .await;
    // A host that takes SHA-1 only.
    let server = Server::start("PubkeyAcceptedAlgorithms ssh-rsa");
    std::fs::copy(&rsa, server.path("rsa")).unwrap();
    server.write("authorized", &public);
    let target = Target {
        keys: vec![server.path("rsa")],
        ..server.target()
    };
    let before = server.text("log").len();
    assert_eq!(failure(target.clone()).await.kind, FailureKind::KeyRefused);
    assert!(
        !server.text("log")[before..].contains("ssh-rsa"),
        "{}",
        server.text("log")
    );
    works(Target {
        pubkey_algorithms: Algorithms::of("ssh-rsa"),
        ..target
    })
    .await;
}

#[tokio::test]
#[ignore = "needs root: logs in at an sshd"]
async fn a_key_among_revoked_host_keys_is_refused_whatever_is_wanted() {
    let server = Server::start("");
    let target = Target {
        revoked_host_keys: Some(server.path("revoked")),
        ..server.target()
    };
    let ssh = |checking: &str| {
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", "none", "-p", &server.port.to_string()]);
        ssh.arg("-i").arg(server.path("key"));
        for (name, file) in [
            ("UserKnownHostsFile", "known_hosts"),
            ("RevokedHostKeys", "revoked"),
        ] {
            ssh.arg("-o")
                .arg(format!("{name}={}", server.path(file).display()));
        }
        ssh.args([
            "-o",
            &format!("StrictHostKeyChecking={checking}"),
            "root@127.0.0.1",
            "true",
        ]);
        ssh.stderr(Stdio::null())
            .stdin(Stdio::null())
            .status()
            .unwrap()
            .success()
    };
    keygen(&server.path("other"), &["-t", "ed25519"]);
    let lists = [
        (None, false),
        (Some(server.text("other.pub")), true),
        (Some(format!("{}\n", server.host_key())), false),
    ];
    for (list, entered) in lists {
        if let Some(list) = &list {
            server.write("revoked", list);
        }
        for (word, checking) in [("yes", Checking::Strict), ("no", Checking::Off)] {
            let target = Target {
                host_key_checking: checking,
                ..target.clone()
            };
            assert_eq!(ssh(word), entered, "{list:?}, {word}");
            match entered {
                true => works(target).await,
                false => assert_eq!(failure(target).await.kind, FailureKind::HostKeyRevoked),
            }
        }
    }
}

#[tokio::test]
#[ignore = "needs root: logs in at an sshd"]
async fn a_certificate_that_an_authority_signed_by_sha_1_proves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (ca, own) = (folder.path().join("ca"), folder.path().join("own"));
    keygen(&ca, &["-t", "rsa", "-b", "2048"]);
    keygen(&own, &["-t", "ed25519"]);
    let authority = std::fs::read_to_string(ca.with_extension("pub")).unwrap();
    let public = own.with_extension("pub");
    let lines = format!("HostKey {0}\nHostCertificate {0}-cert.pub", own.display());
    for (algorithm, proves) in [("rsa-sha2-512", true), ("ssh-rsa", false)] {
        let mut sign = Command::new("ssh-keygen");
        sign.args(["-q", "-t", algorithm, "-I", "id", "-h", "-n", "127.0.0.1", "-s"]);
        assert!(sign.arg(&ca).arg(&public).status().unwrap().success());
        let server = Server::start(&lines);
        let target = server.target();
        server.write("known_hosts", &format!("@cert-authority * {authority}"));
        match proves {
            true => works(target).await,
            false => assert_eq!(failure(target).await.kind, FailureKind::HostKeyUnknown),
        }
    }
}
