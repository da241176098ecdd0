//! One run at a time per host, across processes, accounts and versions; and nobody else keeps a run waiting.

use super::accounts::{Accounts, ONE, TWO};
use super::remote::{Lab, printed};
use crate::ssh_server::{run, signal};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// Two lines in a log with time between them, so that runs that do not wait are seen.
const SITE: &str = r#"
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.shell: echo begin >>FOLDER/log; sleep 4; echo end >>FOLDER/log
"#;

#[test]
#[ignore = "needs root: logs in at an sshd"]
fn two_runs_use_a_host_one_after_the_other() {
    let lab = Lab::new(&["web"]);
    lab.playbook("site.yml", SITE);
    let first = lab.start(&["site.yml"]);
    let id = first.id();
    lab.wait_for("log");
    let second = lab.run(&["site.yml"]);
    printed(&first.wait_with_output().unwrap());
    let text = printed(&second);
    assert_eq!(lab.text("log"), "begin\nend\nbegin\nend\n");
    assert!(
        text.contains("web is in use by `vent run site.yml` of root@"),
        "{text}"
    );
    assert!(
        text.contains(&format!(", process {id}; waiting for it")),
        "{text}"
    );
}

#[test]
#[ignore = "needs root: logs in at an sshd"]
fn a_check_waits_for_nobody() {
    let lab = Lab::new(&["web"]);
    lab.playbook("site.yml", &SITE.replace("sleep 4", "sleep 8"));
    let mut first = lab.start(&["site.yml"]);
    lab.wait_for("log");
    printed(&lab.run(&["site.yml", "--check"]));
    assert_eq!(lab.text("log"), "begin\n", "the check waited for the run");
    first.kill().unwrap();
    first.wait().unwrap();
}

#[test]
#[ignore = "needs root: logs in at an sshd"]
fn a_run_waits_for_the_command_that_a_killed_one_left() {
    let lab = Lab::new(&["web"]);
    lab.playbook("site.yml", &SITE.replace("sleep 4", "sleep 5"));
    let mut first = lab.start(&["site.yml"]);
    lab.wait_for("log");
    signal("KILL", first.id());
    first.wait().unwrap();
    lab.playbook("next.yml", "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.shell: echo next >>FOLDER/log\n");
    let text = printed(&lab.run(&["next.yml"]));
    assert_eq!(lab.text("log"), "begin\nend\nnext\n");
    let told = format!(
        ", process {}, which has ended; waiting for the command",
        first.id()
    );
    assert!(
        text.contains("web still runs a command of `vent run site.yml`"),
        "{text}"
    );
    assert!(text.contains(&told), "{text}");
}

#[test]
#[ignore = "needs root: logs in at an sshd"]
fn a_host_with_two_names_does_not_wait_for_itself() {
    let lab = Lab::new(&["web=db"]);
    lab.playbook("site.yml", SITE);
    let text = printed(&lab.run(&["site.yml"]));
    assert_eq!(lab.text("log").lines().count(), 4);
    assert!(!text.contains("waiting"), "{text}");
}

#[test]
#[ignore = "needs root: logs in at an sshd"]
fn a_run_that_a_playbook_starts_has_the_locks_of_the_run_around_it() {
    let lab = Lab::new(&["web"]);
    let inner = "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.shell: echo inner >>FOLDER/log\n";
    lab.playbook("inner.yml", inner);
    let site = "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.command: vent run -i FOLDER/hosts.yml FOLDER/inner.yml\n      delegate_to: localhost\n";
    lab.playbook("site.yml", site);
    printed(&lab.run(&["site.yml"]));
    assert_eq!(lab.text("log"), "inner\n");
}

/// Each run uses the hosts in another order; each keeps the first while the other wants it.
#[test]
#[ignore = "needs root: logs in at an sshd"]
fn two_runs_never_wait_for_each_other() {
    let lab = Lab::new(&["a", "b"]);
    let play = |host: &str, log: &str| {
        format!(
            "- hosts: {host}\n  gather_facts: false\n  tasks:\n    - ansible.builtin.shell: echo on >>FOLDER/{log}; sleep 1\n"
        )
    };
    lab.playbook("one.yml", &[play("a", "one"), play("b", "one")].concat());
    lab.playbook("two.yml", &[play("b", "two"), play("a", "two")].concat());
    let one = lab.start(&["one.yml"]);
    lab.wait_for("one");
    let two = lab.start(&["two.yml"]);
    printed(&one.wait_with_output().unwrap());
    printed(&two.wait_with_output().unwrap());
    assert_eq!(
        (lab.text("one"), lab.text("two")),
        ("on\non\n".into(), "on\non\n".into())
    );
}

#[test]
#[ignore = "needs root: logs in at an sshd"]
fn wait_for_connection_waits_until_the_host_answers() {
    let lab = Lab::new(&["web"]);
    lab.playbook("site.yml", "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.file: {path: FOLDER/begun, state: touch, mode: '0600'}\n      delegate_to: localhost\n    - ansible.builtin.wait_for_connection: {connect_timeout: 1, timeout: 60}\n      register: r\n    - ansible.builtin.debug: {msg: 'after {{ r.elapsed }} seconds'}\n");
    let server = lab.servers[0].process();
    signal("STOP", server);
    let run = lab.start(&["site.yml"]);
    lab.wait_for("begun");
    std::thread::sleep(std::time::Duration::from_secs(2));
    signal("CONT", server);
    let text = printed(&run.wait_with_output().unwrap());
    assert!(
        text.contains("after ") && !text.contains("after 0 seconds"),
        "{text}"
    );
    lab.playbook("short.yml", "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.wait_for_connection: {connect_timeout: 1, timeout: 1}\n");
    signal("STOP", server);
    let output = lab.run(&["short.yml"]);
    signal("CONT", server);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains("the host did not answer in time: web gave no answer in 1 seconds"),
        "{text}"
    );
    assert_eq!(output.status.code(), Some(2));
}

const NOBODY: &str = "nobody";

/// What stands in for a run of 0.1.0.
const OLD: &str = include_str!("lock_of_0_1_0.sh");

/// Something of another account on the first host of a lab, that ends when it is dropped.
struct Other(Child);

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Lab {
    /// A shell of an account on the first host, in the folder `open`.
    fn as_account(&self, account: &str, script: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        let server = self.servers[0].process().to_string();
        let open = self.open();
        command
            .args(["--mount", "--target", &server, "--"])
            .args([
                "setpriv",
                "--reuid",
                account,
                "--regid",
                "65534",
                "--clear-groups",
                "env",
                "-C",
                &open,
            ])
            .args(["sh", "-c", script, "sh"])
            .args(arguments)
            .env_remove("XDG_RUNTIME_DIR")
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Starts something of an account on the first host.
    fn other(&self, account: &str, script: &str, arguments: &[&str]) -> Other {
        let mut command = self.as_account(account, script, arguments);
        Other(command.stdout(Stdio::null()).spawn().unwrap())
    }

    /// A run of 0.1.0 that logs in as an account: it makes the file `NAME.held`, and ends with `NAME.end`.
    fn old_run(&self, account: &str, name: &str) -> Other {
        let files = ["held", "end", "said"].map(|ending| format!("{name}.{ending}"));
        self.other(account, OLD, &files.each_ref().map(String::as_str))
    }

    /// What 0.1.0 leaves when it has run as root.
    fn with_old_files(&self) {
        self.inside("umask 0; cd /var/lib/vent && chmod 755 . && : >lock && : >lock.commands && echo forged >lock.owner");
    }
}

/// All that a run said.
fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// What an account can list and open of the lock.
const TOUCH: &str = "ls /var/lib/vent; for f in lock lock.commands lock.gate lock.owner; do [ ! -r /var/lib/vent/$f ] || echo open: $f; done; :";

#[test]
#[ignore = "needs root: logs in at an sshd"]
fn nobody_else_can_open_the_lock_or_write_what_others_are_told() {
    let lab = Lab::new(&["web"]);
    lab.playbook("site.yml", &SITE.replace("sleep 4", "sleep 0"));
    for before in ["", "files of 0.1.0"] {
        if !before.is_empty() {
            lab.inside("rm -rf /var/lib/vent/*");
            lab.with_old_files();
        }
        printed(&lab.run(&["site.yml"]));
        let seen =
            lab.inside("cd /var/lib/vent && stat -c '%U %a %n' . lock lock.commands lock.gate lock.owner");
        let files =
            "root 700 .\nroot 600 lock\nroot 600 lock.commands\nroot 600 lock.gate\nroot 600 lock.owner\n";
        assert_eq!(seen, files, "{before}");
        let touched = lab.as_account(NOBODY, TOUCH, &[]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&touched.stdout), "", "{before}");
    }
}

/// `nobody` opened the files of 0.1.0 before root's folder was its own, and may lock what it has open whenever it likes.
#[test]
#[ignore = "needs root: logs in at an sshd"]
fn whoever_keeps_an_old_file_open_keeps_a_run_waiting_once_and_is_named() {
    let lab = Lab::new(&["web"]);
    lab.playbook("site.yml", &SITE.replace("sleep 4", "sleep 0"));
    lab.with_old_files();
    let keeps = "exec 8</var/lib/vent/lock 9</var/lib/vent/lock.commands; : >kept; flock 8; flock 9; : >held; exec sleep 600";
    let other = lab.other(NOBODY, keeps, &[]);
    lab.wait_for("open/held");
    let first = lab.run(&["site.yml", "--lock-timeout", "2"]);
    let process = other.0.id();
    let told = printed(&first);
    let waits = format!(
        "web is in use by process {process} of nobody, which holds the lock of Vent 0.1.0; waiting for it"
    );
    let passes = format!(
        "process {process} of nobody still holds the lock of Vent 0.1.0 on web and is not waited for any longer"
    );
    assert!(
        told.contains(&waits) && told.contains(&passes) && !told.contains("forged"),
        "{told}"
    );
    let told = printed(&lab.run(&["site.yml"]));
    assert!(!told.contains("waiting"), "{told}");
}

/// A run that holds the files of 0.1.0 as well is told by its own name, and does not wait for itself.
#[test]
#[ignore = "needs root: logs in at an sshd"]
fn old_files_that_were_put_aside_make_no_old_run_of_a_new_one() {
    let lab = Lab::new(&["web=db"]);
    lab.playbook("site.yml", SITE);
    lab.with_old_files();
    for _ in 0..2 {
        let told = printed(&lab.run(&["site.yml", "--limit", "web"]));
        assert!(!told.contains("waiting"), "{told}");
    }
    let _ = std::fs::remove_file(lab.path("log"));
    let first = lab.start(&["site.yml"]);
    lab.wait_for("log");
    let told = printed(&lab.run(&["site.yml", "--limit", "web"]));
    assert!(
        told.contains("web is in use by `vent run site.yml` of root@"),
        "{told}"
    );
    let told = printed(&first.wait_with_output().unwrap());
    assert!(!told.contains("waiting"), "{told}");
    assert_eq!(lab.inside("ls /var/lib/vent/old"), "lock\nlock.commands\n");
}

#[test]
#[ignore = "needs root: makes users, logs in at an sshd"]
fn two_login_users_with_sudo_exclude_each_other() {
    let _accounts = Accounts::new();
    let lab = Lab::new(&["web"]);
    lab.playbook("site.yml", &SITE.replace("  gather", "  become: true\n  gather"));
    let first = lab.run_as(ONE, &[]);
    lab.wait_for("log");
    let second = lab.run_as(TWO, &[]).wait_with_output().unwrap();
    printed(&first.wait_with_output().unwrap());
    let told = printed(&second);
    assert_eq!(lab.text("log"), "begin\nend\nbegin\nend\n");
    assert!(
        told.contains("web is in use by `vent run site.yml` of root@"),
        "{told}"
    );
}

/// As root, and as a login user that becomes root; where root has left files of 0.1.0, and where nobody has.
#[test]
#[ignore = "needs root: makes users, logs in at an sshd"]
fn a_run_of_0_1_0_and_a_new_one_exclude_each_other() {
    let _accounts = Accounts::new();
    for (account, files) in [("root", false), ("root", true), (ONE, false), (ONE, true)] {
        let lab = Lab::new(&["web"]);
        let site = SITE.replace("  gather", "  become: true\n  gather");
        lab.playbook("site.yml", &site.replace("FOLDER/log", "FOLDER/open/log"));
        lab.open();
        if files {
            lab.with_old_files();
        }
        let case = format!("{account}, files of root: {files}");

        let old = lab.old_run(account, "first");
        lab.wait_for("open/first.held");
        let new = lab.run_as(account, &[]);
        std::thread::sleep(Duration::from_secs(3));
        assert_eq!(lab.text("open/log"), "", "the new run did not wait: {case}");
        std::fs::write(lab.path("open/first.end"), "").unwrap();
        lab.wait_for("open/log");
        drop(old);

        let _old = lab.old_run(account, "second");
        std::thread::sleep(Duration::from_secs(2));
        assert!(
            !lab.path("open/second.held").exists(),
            "the old run did not wait: {case}"
        );
        printed(&new.wait_with_output().unwrap());
        lab.wait_for("open/second.held");
        assert_eq!(lab.text("open/log"), "begin\nend\n");
    }
}

#[test]
#[ignore = "needs root: logs in at an sshd"]
fn a_host_that_is_not_free_in_time_is_unreachable_and_the_holder_is_named() {
    let lab = Lab::new(&["web"]);
    lab.playbook("site.yml", &SITE.replace("sleep 4", "sleep 8"));
    let first = lab.start(&["site.yml"]);
    lab.wait_for("log");
    let second = lab.run(&["site.yml", "--lock-timeout", "1"]);
    let told = text(&second);
    let names = format!(", process {}, which did not end in 1 seconds", first.id());
    assert!(
        told.contains("web is in use by `vent run site.yml` of root@"),
        "{told}"
    );
    assert!(told.contains(&names), "{told}");
    assert!(told.contains("`--lock-timeout` waits longer"), "{told}");
    assert_eq!(second.status.code(), Some(4), "{told}");
    printed(&first.wait_with_output().unwrap());
    assert_eq!(lab.text("log"), "begin\nend\n");
}

/// `site.yml`, run by the first account, waits for a run of this playbook.
fn waits_for(lab: &Lab, playbook: &str) {
    let first = lab.start(&[playbook]);
    lab.wait_for("open/log");
    let second = lab.run_as(ONE, &[]).wait_with_output().unwrap();
    printed(&first.wait_with_output().unwrap());
    let told = printed(&second);
    assert!(told.contains("waiting for it"), "{told}");
    assert_eq!(lab.text("open/log"), "begin\nend\nbegin\nend\n");
}

/// The account stands in an included file, of which nothing is known when the play begins.
#[test]
#[ignore = "needs root: makes users, logs in at an sshd"]
fn an_account_that_turns_up_later_is_locked_too() {
    let _accounts = Accounts::new();
    let lab = Lab::new(&["web"]);
    lab.open();
    let later = "- ansible.builtin.shell: echo begin >>FOLDER/open/log; sleep 4; echo end >>FOLDER/open/log\n  become: true\n  become_user: vent-lock-one\n";
    lab.playbook("later.yml", later);
    lab.playbook(
        "one.yml",
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.include_tasks: later.yml\n",
    );
    lab.playbook("site.yml", &SITE.replace("FOLDER/log", "FOLDER/open/log"));
    waits_for(&lab, "one.yml");
}

#[test]
#[ignore = "needs root: makes users, logs in at an sshd"]
fn an_account_that_a_later_play_logs_in_as_is_locked_too() {
    let _accounts = Accounts::new();
    let lab = Lab::new(&["web"]);
    lab.open();
    let site = SITE.replace("FOLDER/log", "FOLDER/open/log");
    let play = "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.command: \"true\"\n";
    let later = site.replace("  gather", "  vars: {ansible_user: vent-lock-one}\n  gather");
    lab.playbook("two.yml", &format!("{play}{later}"));
    lab.playbook("site.yml", &site);
    waits_for(&lab, "two.yml");
}

#[test]
#[ignore = "needs root: makes users, logs in at an sshd"]
fn a_folder_of_somebody_else_is_not_trusted() {
    let _accounts = Accounts::new();
    let lab = Lab::new(&["web"]);
    lab.open();
    lab.playbook(
        "site.yml",
        &SITE
            .replace("FOLDER/log; sleep 4", "FOLDER/open/log; sleep 0")
            .replace("FOLDER/log", "FOLDER/open/log"),
    );

    let id = run("id", &["-u", ONE]);
    let theirs = format!("/tmp/vent-{}", id.trim());
    run("install", &["-d", "-m", "777", "-o", NOBODY, &theirs]);
    let told = printed(&lab.run_as(ONE, &[]).wait_with_output().unwrap());
    assert!(!told.contains("not locked"), "{told}");
    assert_eq!(run("ls", &[&theirs]), "");
    let own = format!("/home/{ONE}/.vent");
    assert_eq!(
        run("stat", &["-c", "%U %a", &own, &format!("{own}/lock")]),
        format!("{ONE} 700\n{ONE} 600\n")
    );

    // Whoever may write beside the lock could put another one in its place.
    lab.inside("chmod 777 /var/lib/vent");
    let told = printed(&lab.run(&["site.yml"]));
    let says = "root on web is not locked against other runs: /var/lib/vent cannot be made, or others may write in it or above it; look at the owners and modes of /var/lib and /var/lib/vent";
    assert!(told.contains(says), "{told}");
    assert_eq!(lab.inside("ls /var/lib/vent"), "");
}
