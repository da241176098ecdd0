//! What Vent prints under the names of Ansible's commands is what those of 2.19 printed, letter by letter but for times
//! (`tests/output/expected`, written by `tests/output/record.sh`). The arguments of a playbook stand in its first line; other commands
//! stand in `tests/output/commands`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/output")
}

/// The playbooks with arguments, by name.
fn playbooks() -> Vec<(String, String)> {
    let entries = std::fs::read_dir(folder()).unwrap().flatten();
    let files = entries.map(|entry| entry.path()).filter(|path| path.is_file());
    files
        .filter_map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let arguments = text.lines().next()?.strip_prefix("# -")?;
            let name = path.file_stem()?.to_str()?.to_string();
            Some((name, format!("-{arguments}")))
        })
        .collect()
}

/// What Vent prints of a playbook, times and folders made the same, and the exit code.
fn printed(names: &Path, name: &str, arguments: &str) -> String {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let shown = if name == "quiet" { "false" } else { "true" };
    let run = Command::new(names.join("ansible-playbook"))
        .current_dir(folder())
        .args(arguments.split(' '))
        .args(["-c", "local", "-e"])
        .arg(format!("out={}", out.display()))
        .arg(format!("{name}.yml"))
        .stdin(Stdio::null())
        .env("HOME", home.path())
        .env("ANSIBLE_NOCOLOR", "1")
        .env("ANSIBLE_DISPLAY_OK_HOSTS", shown)
        .env("ANSIBLE_DISPLAY_SKIPPED_HOSTS", shown)
        .output()
        .unwrap();
    let code = run.status.code().unwrap();
    format!("{}exit code {code}\n", same(home.path(), &run.stdout))
}

/// The same with times and folders made the same.
fn same(home: &Path, printed: &[u8]) -> String {
    let log = home.join("log");
    std::fs::write(&log, printed).unwrap();
    let same = Command::new("sh")
        .arg(folder().join("same.sh"))
        .args([home.join("out"), folder()])
        .stdin(std::fs::File::open(&log).unwrap())
        .output()
        .unwrap();
    String::from_utf8_lossy(&same.stdout).into_owned()
}

/// What Vent prints of the commands in a file.
fn printed_by_commands(names: &Path, name: &str) -> String {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let run = Command::new("sh")
        .arg(folder().join("commands/run.sh"))
        .arg(name)
        .args([names, &out])
        .env("HOME", home.path())
        .env("ANSIBLE_NOCOLOR", "1")
        .output()
        .unwrap();
    same(home.path(), &run.stdout)
}

/// A folder with `ansible-playbook` in it.
fn names() -> tempfile::TempDir {
    let names = tempfile::tempdir().unwrap();
    let vent = env!("CARGO_BIN_EXE_vent");
    let linked = Command::new(vent).arg("link").arg(names.path()).status();
    assert!(linked.unwrap().success());
    names
}

#[test]
fn what_is_printed_as_ansible_playbook_is_what_that_prints() {
    let names = names();
    let playbooks = playbooks();
    assert!(playbooks.len() >= 6, "only {} playbooks", playbooks.len());
    let playbooks = playbooks.into_iter();
    let playbooks = playbooks.map(|(name, arguments)| {
        let printed = printed(names.path(), &name, &arguments);
        (name, printed)
    });
    assert_printed(playbooks.collect());
}

#[test]
fn what_is_printed_by_the_other_commands_is_what_they_print() {
    let names = names();
    let files = ["ad-hoc", "config", "inventory", "settings"];
    let printed = files.map(|name| (name.to_string(), printed_by_commands(names.path(), name)));
    assert_printed(printed.to_vec());
}

/// Holds what was printed against what is recorded.
fn assert_printed(all: Vec<(String, String)>) {
    let mut wrong = vec![];
    for (name, printed) in all {
        let expected = folder().join("expected").join(format!("{name}.txt"));
        let expected = std::fs::read_to_string(expected).unwrap();
        let lines = expected.lines().zip(printed.lines());
        let differing: Vec<String> = lines
            .filter(|(one, two)| one != two)
            .map(|(one, two)| format!("- {one}\n+ {two}"))
            .take(12)
            .collect();
        if expected != printed {
            wrong.push(format!("{name}\n{}\n{printed}", differing.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_lines_of_a_failure_show_no_secret() {
    let (names, project) = (names(), tempfile::tempdir().unwrap());
    let write = |name: &str, text: &str| std::fs::write(project.path().join(name), text).unwrap();
    write(
        "hosts",
        "here ansible_connection=local ansible_password=not-to-be-seen\n",
    );
    let play = "- hosts: here\n  gather_facts: false\n  tasks:\n";
    let task = "    - name: not-to-be-seen\n      vars: {v: not-to-be-seen}\n      MODULE # not-to-be-seen\n      ignore_errors: true\n";
    let tasks =
        ["command: /bin/false", "debug: {msg: '{{ nothing }}'}"].map(|module| task.replace("MODULE", module));
    write("site.yml", &format!("{play}{}", tasks.concat()));
    let run = Command::new(names.path().join("ansible-playbook"))
        .current_dir(project.path())
        .args(["-i", "hosts", "site.yml"])
        .stdin(Stdio::null())
        .env("HOME", project.path())
        .output()
        .unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr)
    );
    assert!(!said.contains("not-to-be-seen"), "{said}");
    assert!(
        said.contains("<<< caused by >>>") && said.matches("column").count() == 3,
        "{said}"
    );
}

#[test]
fn names_of_variables_that_are_keywords_are_warned_of_with_their_lines() {
    let (names, project) = (names(), tempfile::tempdir().unwrap());
    let write = |name: &str, text: &str| std::fs::write(project.path().join(name), text).unwrap();
    write("more.yml", "query: 1\n");
    write(
        "site.yml",
        "- hosts: localhost\n  gather_facts: false\n  vars: {lipsum: 1, mine: 2}\n  tasks:\n    - set_fact:\n        lookup: 1\n\
         \x20   - include_vars: more.yml\n",
    );
    let run = Command::new(names.path().join("ansible-playbook"))
        .current_dir(project.path())
        .args(["-i", "localhost,", "-c", "local", "site.yml"])
        .stdin(Stdio::null())
        .env("HOME", project.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    let warning = |name: &str| format!("[WARNING]: Found variable using reserved name '{name}'.\nOrigin: ");
    let place = |name: &str| {
        project
            .path()
            .canonicalize()
            .unwrap()
            .join(name)
            .display()
            .to_string()
    };
    for (name, file, lines) in [
        (
            "lipsum",
            "site.yml:3:10",
            "3   vars: {lipsum: 1, mine: 2}\n           ^ column 10\n",
        ),
        (
            "lookup",
            "site.yml:6:9",
            "6         lookup: 1\n          ^ column 9\n",
        ),
        ("query", "more.yml:1:1", "1 query: 1\n  ^ column 1\n"),
    ] {
        let begin = format!("{}{}\n\n", warning(name), place(file));
        let from = said
            .find(&begin)
            .unwrap_or_else(|| panic!("{begin} is not in {said}"));
        assert!(said[from..].contains(lines), "{said}");
    }
    assert_eq!(said.matches("[WARNING]").count(), 3, "{said}");
}

/// The exit code of `ansible localhost -m ping` with arguments and a variable of the environment, and what it says beside.
fn pinged(names: &Path, folder: &Path, arguments: &[&str], variable: Option<(&str, &str)>) -> (i32, String) {
    let run = Command::new(names.join("ansible"))
        .current_dir(folder)
        .args(["localhost", "-m", "ping"])
        .args(arguments)
        .stdin(Stdio::null())
        .env("HOME", folder)
        .envs(variable)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    (run.status.code().unwrap(), said)
}

#[test]
fn an_inventory_that_cannot_be_read_is_warned_of_or_refused_as_the_settings_say() {
    const ANY: (&str, &str) = ("ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED", "true");
    const NONE: (&str, &str) = ("ANSIBLE_INVENTORY_UNPARSED_FAILED", "true");
    const SILENT: (&str, &str) = ("ANSIBLE_INVENTORY_UNPARSED_WARNING", "false");
    const YAML: (&str, &str) = ("ANSIBLE_INVENTORY_ENABLED", "yaml");
    let (names, folder) = (names(), tempfile::tempdir().unwrap());
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("good", "host\n");
    write("bad", "host\n[open\n");
    std::fs::create_dir_all(folder.path().join("many/empty")).unwrap();
    write("many/hosts", "host\n");
    let none = "No inventory was parsed";
    // What ansible-core 2.19 ends with and says.
    let cases: &[(&[&str], Option<(&str, &str)>, i32, &[&str])] = &[
        (&["-i", "good"], None, 0, &[]),
        (&["-i", "nowhere"], None, 0, &["Unable to parse", none]),
        (&["-i", "nowhere", "-i", "good"], None, 0, &["Unable to parse"]),
        (
            &["-i", "nowhere", "-i", "good"],
            Some(ANY),
            1,
            &["Completely failed"],
        ),
        (&["-i", "nowhere"], Some(NONE), 1, &[none]),
        (
            &["-i", "nowhere", "-i", "good"],
            Some(NONE),
            0,
            &["Unable to parse"],
        ),
        (&["-i", "nowhere"], Some(SILENT), 0, &["Unable to parse"]),
        (
            &["-i", "bad"],
            None,
            0,
            &["'ini' plugin: this section is not closed", none],
        ),
        (&["-i", "bad"], Some(ANY), 1, &["Completely failed"]),
        (&["-i", "many"], None, 0, &["many/empty as an inventory source"]),
        (&["-i", "many"], Some(ANY), 1, &["many/empty"]),
        (&["-i", "good"], Some(YAML), 0, &[none]),
        (&[], None, 0, &[none]),
    ];
    for (arguments, variable, code, words) in cases {
        let (ended, said) = pinged(names.path(), folder.path(), arguments, *variable);
        assert_eq!(ended, *code, "{arguments:?} {variable:?}: {said}");
        for word in *words {
            assert!(said.contains(word), "{arguments:?} {variable:?}: {said}");
        }
        assert_eq!(
            said.contains(none),
            words.contains(&none),
            "{arguments:?} {variable:?}: {said}"
        );
    }
}

#[test]
fn a_tree_holds_a_file_for_each_host_whatever_its_name() {
    let (names, folder) = (names(), tempfile::tempdir().unwrap());
    let local = "{ansible_connection: local}";
    let inventory = format!("all: {{hosts: {{../outside: {local}, in/side: {local}, plain: {local}}}}}\n");
    std::fs::write(folder.path().join("hosts.yml"), inventory).unwrap();
    let run = Command::new(names.path().join("ansible"))
        .current_dir(folder.path())
        .args(["all", "-i", "hosts.yml", "-m", "ping", "-t", "tree"])
        .stdin(Stdio::null())
        .env("HOME", folder.path())
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let entries = std::fs::read_dir(folder.path().join("tree")).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["..%2Foutside", "in%2Fside", "plain"]);
    assert!(!folder.path().join("outside").exists());
}
