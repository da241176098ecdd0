//! Settings of `ansible.cfg` and of the environment: those that Vent heeds, where Ansible's words differ from its own (the others are
//! held against Ansible by `tests/output/commands/settings.sh`), and what is said of those that it does not heed.

use std::path::Path;
use std::process::{Command, Stdio};

/// A project with an `ansible.cfg` and a playbook for one host, with these tasks.
fn project(settings: &str, tasks: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("ansible.cfg", settings);
    write("hosts", "here ansible_connection=local\n");
    write(
        "site.yml",
        &format!("- hosts: here\n  gather_facts: false\n  tasks:\n{tasks}"),
    );
    for name in ["ansible", "ansible-config", "ansible-playbook", "vent"] {
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_vent"), folder.path().join(name)).unwrap();
    }
    folder
}

/// What a command of Ansible's prints and says, and its exit code.
fn run(folder: &Path, words: &[&str], variables: &[(&str, &str)]) -> (String, i32) {
    let output = Command::new(folder.join(words[0]))
        .current_dir(folder)
        .args(&words[1..])
        .stdin(Stdio::null())
        .env("HOME", folder)
        .env("ANSIBLE_NOCOLOR", "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        String::from_utf8_lossy(&text).into_owned(),
        output.status.code().unwrap_or(-1),
    )
}

const PLAYBOOK: &[&str] = &["ansible-playbook", "-i", "hosts", "site.yml"];

#[test]
fn tasks_have_the_time_that_the_configuration_gives_them() {
    let tasks =
        "    - command: sleep 20\n      ignore_errors: true\n    - command: sleep 2\n      timeout: 30\n";
    let folder = project("[defaults]\ntask_timeout = 1\n", tasks);
    let (text, code) = run(folder.path(), PLAYBOOK, &[]);
    assert!(text.contains("Timed out after 1 second(s)."), "{text}");
    assert!(
        text.contains("ok=2 ") && text.contains("ignored=1 ") && code == 0,
        "{text}"
    );
}

#[test]
fn jobs_are_asked_as_often_as_the_configuration_says() {
    let folder = project("", "    - command: sleep 2\n      async: 10\n");
    let (text, _) = run(folder.path(), PLAYBOOK, &[("ANSIBLE_POLL_INTERVAL", "1")]);
    assert!(text.contains("ASYNC POLL on here"), "{text}");
}

#[test]
fn tasks_become_who_the_configuration_says() {
    let settings = "[privilege_escalation]\nbecome = true\nbecome_user = nobody\nbecome_method = su\n";
    let folder = project("", "    - command: /bin/true\n");
    let program = folder.path().join("switch");
    std::fs::write(&program, "#!/bin/sh\necho \"called: $1 $2\" >&2\nexit 1\n").unwrap();
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let program = program.display();
    let settings = format!("{settings}[su_become_plugin]\nexecutable = {program}\nflags = --flag\n");
    std::fs::write(folder.path().join("ansible.cfg"), settings).unwrap();
    let (text, _) = run(folder.path(), PLAYBOOK, &[]);
    assert!(text.contains("become nobody: called: --flag nobody"), "{text}");
    let (text, _) = run(folder.path(), PLAYBOOK, &[("ANSIBLE_BECOME_USER", "games")]);
    assert!(text.contains("become games: called: --flag games"), "{text}");
    let (text, code) = run(
        folder.path(),
        &[PLAYBOOK, &["-e", "ansible_become=false"]].concat(),
        &[],
    );
    assert!(code == 0, "{text}");
}

#[test]
fn hosts_wait_for_each_other_or_not_as_the_configuration_says() {
    let tasks = "    - name: first\n      command: sleep {{ 3 if inventory_hostname == 'slow' else 0 }}\n    - name: second\n      command: /bin/true\n";
    let folder = project("", tasks);
    std::fs::write(
        folder.path().join("hosts"),
        "[all:vars]\nansible_connection=local\n[here]\nslow\nfast\n",
    )
    .unwrap();
    for (strategy, waits) in [
        ("linear", true),
        ("free", false),
        ("ansible.builtin.host_pinned", false),
    ] {
        let (text, code) = run(folder.path(), PLAYBOOK, &[("ANSIBLE_STRATEGY", strategy)]);
        assert_eq!(code, 0, "{text}");
        let lines: Vec<_> = text.lines().filter(|line| line.starts_with("changed:")).collect();
        let end = |line: &str| lines.iter().position(|other| *other == line);
        let waited = end("changed: [slow]") < lines.iter().rposition(|line| *line == "changed: [fast]");
        assert_eq!(waited, waits, "{strategy}: {text}");
    }
}

#[test]
fn patterns_that_match_nothing_are_warned_of_unless_the_configuration_says_otherwise() {
    let folder = project("[inventory]\nhost_pattern_mismatch = ignore\n", "    - ping:\n");
    let ping = ["ansible", "-i", "hosts", "here:nobody", "-m", "ping"];
    let (text, code) = run(folder.path(), &ping, &[]);
    assert!(!text.contains("nobody") && code == 0, "{text}");
    let (text, code) = run(
        folder.path(),
        &ping,
        &[("ANSIBLE_HOST_PATTERN_MISMATCH", "warning")],
    );
    assert!(text.contains("nobody") && code == 0, "{text}");
}

#[test]
fn tags_of_the_configuration_choose_tasks_of_the_user_only() {
    let tasks = "    - command: echo tagged\n      tags: [x]\n    - command: echo other\n";
    let folder = project("[tags]\nrun = x\n", tasks);
    let (text, code) = run(
        folder.path(),
        &["vent", "explain", "-i", "hosts", "site.yml"],
        &[],
    );
    assert!(
        code == 0 && text.contains("echo tagged") && !text.contains("echo other"),
        "{text}"
    );
    let (text, code) = run(folder.path(), &["vent", "clean", "-i", "hosts", "here"], &[]);
    assert!(code == 0 && text.contains("ok=1 "), "{text}");
}

#[test]
fn passwords_are_read_where_the_configuration_says_and_hosts_are_reached() {
    for setting in ["become_password_file", "connection_password_file"] {
        let folder = project(&format!("[defaults]\n{setting} = nowhere\n"), "    - ping:\n");
        let (text, code) = run(folder.path(), PLAYBOOK, &[]);
        assert!(
            text.contains("cannot read the password file") && code != 0,
            "{text}"
        );
        let (text, code) = run(folder.path(), &[PLAYBOOK, &["--list-hosts"]].concat(), &[]);
        assert!(code == 0, "{text}");
    }
}

#[test]
fn hosts_are_reached_at_the_port_and_with_the_options_of_the_configuration() {
    let folder = project("[defaults]\nremote_port = 1\n", "    - ping:\n");
    let ping = ["ansible", "-i", "127.0.0.2,", "all", "-m", "ping"];
    let (text, code) = run(folder.path(), &ping, &[]);
    assert!(
        text.contains("cannot be reached at 127.0.0.2:1:") && code == 4,
        "{text}"
    );
    let folder = project(
        "[ssh_connection]\nssh_args = -C -o ControlMaster=auto -o Port=2\n",
        "    - ping:\n",
    );
    let (text, _) = run(folder.path(), &ping, &[]);
    assert!(text.contains("cannot be reached at 127.0.0.2:2:"), "{text}");
    for name in [
        "ANSIBLE_SSH_ARGS",
        "ANSIBLE_SSH_COMMON_ARGS",
        "ANSIBLE_SSH_EXTRA_ARGS",
    ] {
        let folder = project("", "    - ping:\n");
        let (text, _) = run(folder.path(), &ping, &[(name, "-o Port=3")]);
        assert!(
            text.contains("cannot be reached at 127.0.0.2:3:"),
            "{name}: {text}"
        );
    }
}

#[test]
fn settings_that_are_not_heeded_are_named_once() {
    let settings = "[defaults]\n\
                    callbacks_enabled = timer\n\
                    strategy = mitogen_linear\n\
                    nocows = 1\n\
                    fact_caching = memory\n\
                    no_such_setting = 1\n\
                    duplicate_dict_key = error\n\
                    [ssh_connection]\n\
                    pipelining = true\n\
                    [paramiko_connection]\n\
                    pty = false\n\
                    [galaxy]\n\
                    server_list = mine\n";
    let folder = project(settings, "    - ping:\n");
    let variables = [
        ("ANSIBLE_DISPLAY_ARGS_TO_STDOUT", "yes"),
        ("ANSIBLE_SSH_EXECUTABLE", "ssh"),
        ("ANSIBLE_REMOTE_USER", "somebody"),
        ("ANSIBLE_NO_SUCH_SETTING", "1"),
    ];
    let (text, code) = run(folder.path(), PLAYBOOK, &variables);
    let expected = "[WARNING]: nothing comes of settings that Vent does not heed\n  \
                    HERE/ansible.cfg:2:21: CALLBACKS_ENABLED: Vent runs no callback plugins of others\n  \
                    HERE/ansible.cfg:3:12: DEFAULT_STRATEGY: there is no strategy `mitogen_linear`, hosts go on as in `linear`\n  \
                    ANSIBLE_DISPLAY_ARGS_TO_STDOUT: DISPLAY_ARGS_TO_STDOUT: the banners of tasks show no arguments\n  \
                    HERE/ansible.cfg:7:22: DUPLICATE_YAML_DICT_KEY: a key that stands twice is warned of\n  \
                    HERE/ansible.cfg:11:7: pty: Vent speaks SSH itself, as `ssh` does\n\n";
    let here = folder.path().canonicalize().unwrap();
    let text = text.replace(&here.display().to_string(), "HERE");
    assert_eq!((text.matches(expected).count(), code), (1, 0), "{text}");
    let (text, _) = run(folder.path(), &[PLAYBOOK, &["--list-hosts"]].concat(), &variables);
    assert!(!text.contains("heed"), "{text}");
    let (text, _) = run(folder.path(), PLAYBOOK, &[("ANSIBLE_CONFIG", "/dev/null")]);
    assert!(!text.contains("heed"), "{text}");
}

#[test]
fn the_file_to_begin_with_changes_nothing() {
    let folder = project("", "    - ping:\n");
    for kind in ["base", "all"] {
        let (text, code) = run(folder.path(), &["ansible-config", "init", "-t", kind], &[]);
        assert!(
            code == 0 && text.contains("# DEFAULT_FORKS (integer): heeded\nforks=5\n"),
            "{text}"
        );
        std::fs::write(folder.path().join("ansible.cfg"), text).unwrap();
        let (text, code) = run(folder.path(), PLAYBOOK, &[]);
        assert!(code == 0 && !text.contains("WARNING"), "{text}");
    }
    let (text, _) = run(
        folder.path(),
        &["ansible-config", "init", "--disabled", "-f", "env"],
        &[],
    );
    assert!(text.contains("\n#ANSIBLE_ACTION_WARNINGS=1\n"), "{text}");
}

#[test]
fn the_list_says_what_vent_does_with_each_setting() {
    let folder = project("", "    - ping:\n");
    let list = |words: &[&str]| run(folder.path(), &[&["ansible-config", "list"], words].concat(), &[]).0;
    let text = list(&[]);
    let entry = "ANY_ERRORS_FATAL:\n  default: false\n  env:\n  - name: ANSIBLE_ANY_ERRORS_FATAL\n  ini:\n  \
                 - key: any_errors_fatal\n    section: defaults\n  type: boolean\n  vent: heeded\n";
    assert!(text.contains(entry), "{text}");
    assert!(
        text.contains("\n  vent: 'needless: ") && text.contains("\n  vent: 'not heeded: "),
        "{text}"
    );
    let all: serde_json::Value = serde_json::from_str(&list(&["-t", "all", "-f", "json"])).unwrap();
    assert_eq!(all["PLUGINS"]["CONNECTION"]["ssh"]["ssh_args"]["vent"], "heeded");
    assert_eq!(all["DEFAULT_FORKS"]["default"], 5);
}

#[test]
fn a_file_in_a_folder_that_everybody_may_write_in_is_not_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = project("[defaults]\nforks = many\n", "    - ping:\n");
    let (text, code) = run(folder.path(), PLAYBOOK, &[]);
    assert_eq!(code, 5, "{text}");
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).unwrap();
    let (text, code) = run(folder.path(), PLAYBOOK, &[]);
    assert!(
        code == 0 && text.contains("is open to everybody: its ansible.cfg is not read"),
        "{text}"
    );
    let (text, code) = run(folder.path(), PLAYBOOK, &[("ANSIBLE_CONFIG", "ansible.cfg")]);
    assert_eq!(code, 5, "{text}");
}
