//! What is told while programs are built, by a playbook and by `vent artifacts` alike: which, how many of all, and with
//! `-v` what the compilers say. Programs of the test stand in for Go and the C compiler, so that nothing else is needed.

use super::bench::texts;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};

const GO: &str = r##"#!/bin/sh
case "$1 $2" in
version*) echo "go version go1.99.0 linux/amd64" ;;
"mod download") echo "go: downloading example.org/c v1.0.0" >&2 ;;
"list -m") pwd ;;
build*)
    while [ "$1" != -o ]; do shift; done
    printf 'hello/words\n# hello: main.go:1: a rem\303\244rk, \377\nlast' >&2
    echo built >"$2" ;;
esac
"##;

const GCC: &str = r#"#!/bin/sh
[ "$1" != --version ] || { echo "gcc (stand-in) 1"; exit; }
while [ "$1" != -o ]; do shift; done
echo 'c.c:1: warning: a warning' >&2
echo compiled >"$2"
"#;

/// Every package is there.
const DPKG_QUERY: &str = "#!/bin/sh\nprintf installed\n";

const ARTIFACTS: &str = "
go: 1.99.0
programs:
  - names: [hello]
    version: 1.0.0
    build: {module: hello, package: .}
  - names: [pinns]
    version: 2.0.0
    build: {module: hello, c: {module: example.org/c, sources: [c.c]}}
images: []
";

const SITE: &str = "
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Get them
      vent_artifacts: {artifacts: artifacts}
";

/// A project with a Go program and a C program.
struct Project(tempfile::TempDir);

impl Project {
    fn new() -> Project {
        let project = Project(tempfile::tempdir().unwrap());
        std::fs::create_dir_all(project.path("artifacts/hello")).unwrap();
        std::fs::create_dir(project.path("bin")).unwrap();
        let files = [
            ("artifacts/artifacts.yml", ARTIFACTS),
            ("artifacts/hello/go.mod", "module hello\n"),
            ("site.yml", SITE),
            ("bin/go", GO),
            ("bin/gcc", GCC),
            ("bin/dpkg-query", DPKG_QUERY),
        ];
        for (name, text) in files {
            let path = project.path(name);
            std::fs::write(&path, text).unwrap();
            if name.starts_with("bin/") {
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
            }
        }
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs `vent` with an empty cache.
    fn vent(&self, words: &[&str]) -> Output {
        let cache = tempfile::tempdir_in(self.0.path()).unwrap();
        let path = format!(
            "{}:{}",
            self.path("bin").display(),
            std::env::var("PATH").unwrap()
        );
        let output = Command::new(env!("CARGO_BIN_EXE_vent"))
            .args(words)
            .current_dir(self.0.path())
            .env("PATH", path)
            .env("HOME", self.0.path())
            .env("VENT_CACHE", cache.path())
            .env_remove("VENT_MIRROR")
            .output()
            .unwrap();
        let (said, errors) = texts(&output);
        assert!(output.status.success(), "{said}{errors}");
        output
    }
}

/// What the compilers say.
const SAID: [&str; 5] = [
    "hello/words",
    "# hello: main.go:1: a rem\u{e4}rk, \u{fffd}",
    "last",
    "go: downloading example.org/c v1.0.0",
    "c.c:1: warning: a warning",
];

/// Which program, and how many of all are there.
fn is_counted(text: &str) {
    for part in [
        "0 of 2: building ",
        " of 2: building hello 1.0.0 for ",
        " of 2: building pinns 2.0.0 for ",
        "2 of 2: ",
    ] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
}

#[test]
fn a_playbook_tells_which_program_of_how_many_and_with_v_what_compilers_say() {
    let project = Project::new();
    let run = |more: &[&str]| {
        let words = [&["run", "site.yml", "--output"], more].concat();
        texts(&project.vent(&words)).0
    };
    let (few, many, json) = (run(&["plain"]), run(&["plain", "-v"]), run(&["json"]));
    is_counted(&few);
    is_counted(&many);
    for line in SAID {
        assert!(!few.contains(line), "{few}");
        assert!(
            many.contains(&format!("  localhost | {line}\n")),
            "{line}\n{many}"
        );
    }
    let told: Vec<serde_json::Value> = json
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let lines = told.iter().filter(|event| event["event"] == "output");
    let mut lines: Vec<_> = lines.map(|event| event["line"].as_str().unwrap()).collect();
    lines.sort_unstable();
    let mut said = SAID;
    said.sort_unstable();
    assert_eq!(lines, said, "{json}");

    std::fs::write(project.path("site.yml"), format!("{SITE}      no_log: true\n")).unwrap();
    let hidden = run(&["plain", "-v"]);
    assert!(!hidden.contains("a warning"), "{hidden}");
}

#[test]
fn the_command_tells_the_same() {
    let project = Project::new();
    let (_, few) = texts(&project.vent(&["artifacts", "build"]));
    let (printed, many) = texts(&project.vent(&["artifacts", "fetch", "-v"]));
    assert_eq!(printed.lines().count(), 2, "{printed}");
    is_counted(&few);
    is_counted(&many);
    for line in SAID {
        assert!(!few.contains(line), "{few}");
        assert!(many.contains(&format!("  {line}\n")), "{line}\n{many}");
    }
    let (_, one) = texts(&project.vent(&["artifacts", "path", "hello"]));
    assert!(
        one.starts_with("building hello"),
        "one of one is not counted: {one}"
    );
}
