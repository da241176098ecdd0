//! The shell protocol on this computer: questions, bytes in and out, commands of users.

use std::os::unix::fs::PermissionsExt;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use vent::connection::{Become, Ended, Host, Job, JobEnd, Method, Shell, Stream, Target};
use vent::words::quote;

fn host() -> Host {
    Host::new(Target::local("here"))
}

async fn job(shell: &Shell, job: Job) -> JobEnd {
    shell
        .job(&job, &|_, _| {}, &CancellationToken::new())
        .await
        .unwrap()
}

fn script(text: &str) -> Job {
    Job {
        script: text.into(),
        keep: 1 << 20,
        ..Job::default()
    }
}

/// All byte values, many times, without order.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 12345u32;
    let next = |_| {
        state = state.wrapping_mul(1664525).wrapping_add(1013904223);
        (state >> 24) as u8
    };
    (0..length).map(next).collect()
}

#[tokio::test]
async fn an_ask_keeps_its_streams_apart_and_leaves_nothing_behind() {
    let shell = host().shell(None).await.unwrap();
    let output = shell
        .ask("echo out; echo err >&2; cd /; V=2; umask 000; exit 7")
        .await
        .unwrap();
    assert_eq!(
        (output.code, output.stdout, output.stderr),
        (7, b"out\n".to_vec(), b"err\n".to_vec())
    );
    let output = shell.ask("cat; printf '%s' \"$V\"").await.unwrap();
    assert_eq!(
        (output.code, output.stdout),
        (0, b"1".to_vec()),
        "input is empty, variables are gone"
    );
    let output = shell.ask("if then").await.unwrap();
    assert_eq!(output.code, 2, "a syntax error ends only its own frame");
    assert_eq!(shell.ask("echo on").await.unwrap().stdout, b"on\n");
}

#[tokio::test]
async fn many_asks_at_once_each_get_their_own_answer() {
    let shell = host().shell(None).await.unwrap();
    let asks = (0..100).map(|number| {
        let shell = shell.clone();
        async move {
            shell
                .ask(&format!("echo {number}; echo e{number} >&2"))
                .await
                .unwrap()
        }
    });
    for (number, output) in futures::future::join_all(asks).await.into_iter().enumerate() {
        assert_eq!(output.stdout, format!("{number}\n").into_bytes());
        assert_eq!(output.stderr, format!("e{number}\n").into_bytes());
    }
}

#[tokio::test]
async fn bytes_go_in_and_come_out_as_they_are() {
    let shell = host().shell(None).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    for length in [0, 1, 255, 4096, 65536, 65537, 3_000_000] {
        let path = folder.path().join(format!("file{length}"));
        let mut bytes = noise(length);
        if let Some(first) = bytes.first_mut() {
            *first = b'-';
        }
        let script = format!("cat >{}; echo done", quote(path.to_str().unwrap()));
        let output = shell.feed(&script, length as u64, &mut &bytes[..]).await.unwrap();
        assert_eq!((output.code, output.stdout), (0, b"done\n".to_vec()));
        assert!(std::fs::read(&path).unwrap() == bytes, "{length} bytes in");
        let mut back = vec![];
        let script = format!("cat {}; echo e >&2", quote(path.to_str().unwrap()));
        let output = shell.drain(&script, &mut back).await.unwrap();
        assert_eq!((output.code, output.stderr), (0, b"e\n".to_vec()));
        assert!(back == bytes, "{length} bytes out");
    }
}

#[tokio::test]
async fn a_feed_whose_script_does_not_read_keeps_the_frames_in_step() {
    let shell = host().shell(None).await.unwrap();
    let bytes = noise(500_000);
    let output = shell
        .feed("cat >/no/such/folder/file", 500_000, &mut &bytes[..])
        .await
        .unwrap();
    assert_ne!(output.code, 0);
    assert_eq!(shell.ask("echo on").await.unwrap().stdout, b"on\n");
}

/// However its script ends: the bytes that it has not read are no lines of the shell.
async fn what_a_feed_leaves_is_never_run(shell: &Shell, folder: &std::path::Path) {
    let mark = folder.join("run");
    let line = format!("echo run >{}\n", quote(mark.to_str().unwrap()));
    let bytes = line.repeat(300_000 / line.len() + 1).into_bytes();
    let length = bytes.len() as u64;
    for (script, code) in [
        ("exit 3", Some(3)),
        ("head -c 100000 >/dev/null; exit 4", Some(4)),
        ("exec false", Some(1)),
        ("set -e; false; true", Some(1)),
        ("if then", Some(2)),
        ("trap 'exit 5' EXIT; exit 6", Some(5)),
        ("kill -9 $$", None),
        // Who hands the bytes on is killed, the shell is not.
        (
            "own=$(readlink /proc/self/fd/0); killed=; until [ $killed ]; do for f in /proc/[0-9]*; do \
             [ \"$(readlink $f/fd/1)\" = \"$own\" ] && grep -q head $f/cmdline && kill -9 ${f#/proc/} && killed=1; done; done; cat >/dev/null",
            None,
        ),
    ] {
        let ended = shell.feed(script, length, &mut &bytes[..]).await;
        match (ended, code) {
            (Ok(output), Some(code)) if code != 2 => assert_eq!(output.code, code, "{script}"),
            (Ok(output), Some(_)) => assert_ne!(output.code, 0, "{script}"),
            (Err(_), None) => {}
            (ended, code) => panic!("{script}: {ended:?} instead of {code:?}"),
        }
        assert_eq!(shell.ask("echo on").await.unwrap().stdout, b"on\n", "{script}");
        assert!(!mark.exists(), "{script}: what it left was run");
    }
}

#[tokio::test]
async fn what_a_feed_leaves_is_never_run_however_its_script_ends() {
    let folder = tempfile::tempdir().unwrap();
    what_a_feed_leaves_is_never_run(&host().shell(None).await.unwrap(), folder.path()).await;
}

#[tokio::test]
async fn a_feed_whose_input_ends_early_is_an_error_of_this_computer() {
    let shell = host().shell(None).await.unwrap();
    let bytes = noise(100);
    for length in [200, 200_000] {
        let failure = shell
            .feed("cat >/dev/null", length, &mut &bytes[..])
            .await
            .unwrap_err();
        assert!(
            failure
                .message
                .starts_with("what should be sent to the host cannot be read"),
            "{failure}"
        );
        assert_eq!(shell.ask("echo on").await.unwrap().stdout, b"on\n");
    }
}

#[tokio::test]
async fn a_job_has_its_status_its_input_and_both_outputs_while_it_runs() {
    let shell = host().shell(None).await.unwrap();
    let seen = Mutex::new(vec![]);
    let begin = Instant::now();
    let end = shell
        .job(
            &Job {
                stdin: Some(b"a%b\\c\0d'e".to_vec()),
                ..script("cat; sleep 0.5; echo err >&2; exit 42")
            },
            &|stream, bytes| {
                seen.lock()
                    .unwrap()
                    .push((stream, bytes.to_vec(), begin.elapsed()))
            },
            &CancellationToken::new(),
        )
        .await
        .unwrap();
    assert_eq!(end.ended, Ended::Exit(42));
    assert_eq!(
        (end.stdout, end.stderr),
        (b"a%b\\c\0d'e".to_vec(), b"err\n".to_vec())
    );
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen[0].0, Stream::Stdout);
    assert!(
        seen[0].2 < Duration::from_millis(400),
        "output comes while the job runs"
    );
}

#[tokio::test]
async fn whatever_a_job_does_the_next_frame_is_clean() {
    let shell = host().shell(None).await.unwrap();
    let cases = [
        ("exit 3", Ended::Exit(3)),
        ("set -e; false; echo no", Ended::Exit(1)),
        ("cd /; trap 'exit 9' EXIT; export A=1", Ended::Exit(9)),
        ("kill -9 $$", Ended::Exit(137)),
        ("kill 0", Ended::Exit(143)),
        ("kill -9 $PPID", Ended::Lost),
        ("if then", Ended::Exit(2)),
        ("cat", Ended::Exit(0)),
        ("printf 'a\\000b\\r\\033'", Ended::Exit(0)),
    ];
    for (text, ended) in cases {
        let end = job(&shell, script(text)).await;
        assert_eq!(end.ended, ended, "{text}");
        assert_eq!(shell.ask("echo on").await.unwrap().stdout, b"on\n", "{text}");
    }
}

#[tokio::test]
async fn a_background_process_does_not_hold_a_job_nor_disturb_later_frames() {
    let shell = host().shell(None).await.unwrap();
    let begin = Instant::now();
    let end = job(&shell, script("(sleep 1; echo late; echo late >&2) & echo now")).await;
    assert_eq!((end.ended, end.stdout), (Ended::Exit(0), b"now\n".to_vec()));
    assert!(begin.elapsed() < Duration::from_millis(900));
    let output = shell.ask("sleep 1.2; echo on").await.unwrap();
    assert_eq!((output.stdout, output.stderr), (b"on\n".to_vec(), vec![]));
}

#[tokio::test]
async fn a_time_out_kills_the_whole_group_even_if_it_does_not_listen() {
    let shell = host().shell(None).await.unwrap();
    let mark = &format!("31415.{}", std::process::id());
    let begin = Instant::now();
    let end = job(
        &shell,
        Job {
            timeout: Some(Duration::from_millis(300)),
            ..script(&format!("echo before; sleep {mark} | cat"))
        },
    )
    .await;
    assert_eq!((end.ended, end.stdout), (Ended::TimedOut, b"before\n".to_vec()));
    assert!(begin.elapsed() < Duration::from_secs(2));
    let deaf = format!("trap '' TERM; sleep {mark}; sleep {mark}");
    let begin = Instant::now();
    let end = job(
        &shell,
        Job {
            timeout: Some(Duration::from_millis(100)),
            ..script(&deaf)
        },
    )
    .await;
    assert_eq!(end.ended, Ended::TimedOut);
    assert!(begin.elapsed() < Duration::from_secs(5));
    let left = shell
        .ask(&format!("ps -A -o args | grep '[s]leep {mark}'"))
        .await
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&left.stdout), "");
}

#[tokio::test]
async fn a_job_can_be_cancelled_and_a_dropped_one_is_killed() {
    let shell = host().shell(None).await.unwrap();
    let cancel = CancellationToken::new();
    let mark = format!("27182.{}", std::process::id());
    let running = script(&format!("sleep {mark}"));
    let (end, ()) = tokio::join!(shell.job(&running, &|_, _| {}, &cancel), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        cancel.cancel();
    });
    assert_eq!(end.unwrap().ended, Ended::Cancelled);
    let none = CancellationToken::new();
    let dropped = shell.job(&running, &|_, _| {}, &none);
    assert!(
        tokio::time::timeout(Duration::from_millis(200), dropped)
            .await
            .is_err()
    );
    let gone = format!(
        "for i in 1 2 3 4 5 6 7 8 9 10; do ps -A -o args | grep -q '[s]leep {mark}' || exit 0; sleep 0.1; done; exit 1"
    );
    assert_eq!(shell.ask(&gone).await.unwrap().code, 0);
}

#[tokio::test]
async fn questions_are_answered_while_a_job_runs() {
    let shell = host().shell(None).await.unwrap();
    let (running, none) = (script("sleep 1; echo job"), CancellationToken::new());
    let (end, answered) = tokio::join!(shell.job(&running, &|_, _| {}, &none), async {
        let begin = Instant::now();
        for _ in 0..20 {
            assert_eq!(shell.ask("echo on").await.unwrap().stdout, b"on\n");
        }
        begin.elapsed()
    });
    assert_eq!(end.unwrap().stdout, b"job\n");
    assert!(answered < Duration::from_millis(700), "{answered:?}");
}

#[tokio::test]
async fn output_beyond_what_is_kept_reaches_the_callback_only() {
    let shell = host().shell(None).await.unwrap();
    let total = Mutex::new(0);
    let end = shell
        .job(
            &Job {
                keep: 1000,
                ..script("head -c 50000000 /dev/zero")
            },
            &|_, bytes| *total.lock().unwrap() += bytes.len(),
            &CancellationToken::new(),
        )
        .await
        .unwrap();
    assert_eq!(
        (end.stdout.len(), end.cut, total.into_inner().unwrap()),
        (1000, true, 50_000_000)
    );
}

#[tokio::test]
async fn interrupts_are_not_ignored_in_jobs() {
    let shell = host().shell(None).await.unwrap();
    let end = job(&shell, script("kill -INT $$; echo survived")).await;
    assert_eq!((end.ended, end.stdout), (Ended::Exit(130), vec![]));
}

#[tokio::test]
async fn a_script_may_be_longer_than_what_a_program_takes_as_an_argument() {
    let shell = host().shell(None).await.unwrap();
    let text = "x".repeat(1_000_000);
    let end = job(&shell, script(&format!(": {text}; echo on"))).await;
    assert_eq!((end.ended, end.stdout), (Ended::Exit(0), b"on\n".to_vec()));
    let ask = format!("true {text}; echo on");
    assert_eq!(shell.ask(&ask).await.unwrap().stdout, b"on\n");
}

/// Anybody may read the arguments of a program, so a script comes another way.
#[tokio::test]
async fn no_script_stands_among_the_arguments_of_a_program() {
    let shell = host().shell(None).await.unwrap();
    let seen =
        "for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline; echo; done 2>/dev/null | grep -c [g]eiheim";
    let end = job(
        &shell,
        script(&format!("a=geiheim; {seen}; sleep 0; read x; echo \"[$x]\"")),
    )
    .await;
    assert_eq!(
        (end.ended, String::from_utf8_lossy(&end.stdout)),
        (Ended::Exit(0), "0\n[]\n".into())
    );
}

#[tokio::test]
async fn a_killed_shell_is_a_lost_connection_and_the_next_use_starts_another() {
    let host = host();
    let shell = host.shell(None).await.unwrap();
    let failure = shell.ask("kill -9 $$; sleep 1").await.unwrap_err();
    assert_eq!(
        failure.message,
        "the connection to here was lost while a command ran"
    );
    assert_eq!(shell.ask("echo on").await.unwrap().stdout, b"on\n");
}

/// Gives `/bin/sh` another meaning below it: a `su` that mounts `shell` over it, out of sight of the rest.
fn as_other_shell(shell: &str, folder: &std::path::Path) -> Become {
    let path = folder.join("su");
    let text = format!(
        "#!/bin/bash\nexec unshare -m /bin/bash -c 'mount --bind {shell} $(readlink -f /bin/sh) && exec /bin/bash -c \"$1\"' _ \"$3\"\n"
    );
    std::fs::write(&path, text).unwrap();
    let made = std::process::Command::new("chmod").arg("755").arg(&path).status();
    assert!(made.unwrap().success());
    Become {
        method: Method::Su,
        user: "nobody".into(),
        password: None,
        flags: None,
        exe: Some(path.to_str().unwrap().into()),
    }
}

#[tokio::test]
#[ignore = "needs root: mounts bash, busybox and mksh as /bin/sh"]
async fn every_shell_speaks_the_protocol() {
    let folder = tempfile::tempdir().unwrap();
    for program in ["/bin/bash", "/bin/busybox", "/bin/mksh"] {
        let host = host();
        let shell = host.shell(Some(&as_other_shell(program, folder.path()))).await;
        let shell = shell.unwrap_or_else(|failure| panic!("{program}: {failure}"));
        let output = shell.ask("echo out; echo err >&2; exit 7").await.unwrap();
        assert_eq!(
            (output.code, output.stdout, output.stderr),
            (7, b"out\n".to_vec(), b"err\n".to_vec())
        );
        let own = shell.ask("stat -L -c %i /proc/$$/exe").await.unwrap();
        let inode = std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(program).unwrap());
        assert_eq!(
            String::from_utf8_lossy(&own.stdout).trim(),
            inode.to_string(),
            "{program}"
        );
        let bytes = noise(200_000);
        for length in [1000, 16384, 60000, 200_000] {
            let mut back = vec![];
            let path = quote(folder.path().join("file").to_str().unwrap()).to_string();
            let input = &mut &bytes[..length];
            let output = shell
                .feed(&format!("cat >{path}"), length as u64, input)
                .await
                .unwrap();
            assert_eq!(
                output.code,
                0,
                "{program}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            shell.drain(&format!("cat {path}"), &mut back).await.unwrap();
            assert!(back == bytes[..length], "{program}: {length} bytes");
        }
        let open = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(folder.path(), open).unwrap();
        what_a_feed_leaves_is_never_run(&shell, folder.path()).await;
        let with_input = Job {
            stdin: Some(noise(5000)),
            ..script("cat; exit 3")
        };
        let end = job(&shell, with_input).await;
        assert_eq!(
            (end.ended, end.stdout),
            (Ended::Exit(3), noise(5000)),
            "{program}"
        );
        let begin = Instant::now();
        let end = job(&shell, script("(sleep 2; echo late) & echo now")).await;
        assert_eq!(
            (end.ended, end.stdout),
            (Ended::Exit(0), b"now\n".to_vec()),
            "{program}"
        );
        assert!(begin.elapsed() < Duration::from_millis(1500), "{program}");
        let late = Job {
            timeout: Some(Duration::from_millis(200)),
            ..script("sleep 100 | cat")
        };
        assert_eq!(job(&shell, late).await.ended, Ended::TimedOut, "{program}");
        assert_eq!(
            job(&shell, script("kill -9 $PPID")).await.ended,
            Ended::Lost,
            "{program}"
        );
        assert_eq!(shell.ask("echo on").await.unwrap().stdout, b"on\n", "{program}");
    }
}
