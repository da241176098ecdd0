//! The commands in README.md, CONTRIBUTING.md and bench/README.md: each is run, or tried as far as a test may go.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// How a command of the documents is tried.
#[derive(Debug, PartialEq)]
enum Trial {
    /// As it stands; what it prints has to be what the document shows.
    Run,
    /// With these words behind it, which keep it from doing its work but not from reading its options and files.
    With(&'static str),
    /// Every alternative between bars with `--help`, which proves that the subcommand and its arguments are there.
    Alternatives,
    /// As `vent link` makes it.
    Linked,
    /// It is a program of this repository that cannot be run here; its syntax is checked.
    Script,
}

/// The beginnings of commands; the first that fits tells how they are tried.
const TRIALS: &[(&str, Trial)] = &[
    (".ci/run", Trial::Script),
    ("bench/run", Trial::With("--help")),
    ("bench/idle", Trial::With("--help")),
    ("bench/scale", Trial::With("--help")),
    ("bench/bridge", Trial::With("--help")),
    ("docs/record", Trial::With("--help")),
    ("vent graph ", Trial::Run),
    ("vent modules", Trial::Run),
    ("vent validate ", Trial::Run),
    ("vent explain ", Trial::With("--help")),
    ("vent lab ", Trial::Alternatives),
    ("vent clean ", Trial::With("--help")),
    ("vent artifacts ", Trial::Alternatives),
    ("vent run playbooks/", Trial::With("--syntax-check")),
    ("vent run site.yml ", Trial::With("--list-hosts")),
    ("vent link ", Trial::With("--help")),
    ("FOLDER/ansible-playbook ", Trial::Linked),
    ("bench/foreign", Trial::With("--help")),
];

/// What stands before a command that runs Vent from its source.
const FROM_SOURCE: &str = "cargo run --release --locked -- ";

/// A command and the lines that a document shows below it.
struct Shown {
    place: String,
    command: String,
    output: Vec<String>,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The commands of a document's indented blocks. In a block with `$ ` they are the lines that begin so, and the
/// others are output; in any other block every line is a command. Words in brackets are a remark.
fn commands(name: &str) -> Vec<Shown> {
    let text = std::fs::read_to_string(root().join(name)).unwrap();
    let lines: Vec<_> = text.lines().enumerate().collect();
    let mut found: Vec<Shown> = vec![];
    for block in lines.split(|(_, line)| !line.is_empty() && !line.starts_with("    ")) {
        let block = || {
            block
                .iter()
                .filter_map(|(at, line)| Some((at, line.strip_prefix("    ")?)))
        };
        let session = block().any(|(_, line)| line.starts_with("$ "));
        for (at, line) in block() {
            let command = if session {
                line.strip_prefix("$ ")
            } else {
                Some(line)
            };
            match (command, found.last_mut()) {
                (Some(command), _) => found.push(Shown {
                    place: format!("{name}:{}", at + 1),
                    command: command.split("   ").next().unwrap().trim().to_string(),
                    output: vec![],
                }),
                (None, Some(last)) => last.output.push(line.to_string()),
                (None, None) => {}
            }
        }
    }
    found
}

/// A project with the files that the documents take for the reader's own.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    file("site.yml", "- hosts: web\n  tasks:\n    - ping:\n");
    file("inventory/hosts.ini", "[web]\na ansible_host=127.0.0.1\n");
    folder
}

fn run(line: &str, folder: &Path) -> Output {
    let words: Vec<_> = line.split_whitespace().collect();
    let program = match words[0] {
        "vent" => PathBuf::from(env!("CARGO_BIN_EXE_vent")),
        linked if linked.starts_with("FOLDER/") => folder.join(linked),
        own => root().join(own),
    };
    let mut command = Command::new(program);
    command.args(&words[1..]).current_dir(folder);
    command.output().unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn succeeds(shown: &Shown, line: &str, folder: &Path) -> String {
    let output = run(line, folder);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{}: `{line}` fails:\n{said}",
        shown.place
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The single commands of a synopsis such as `vent lab up | ssh NODE [-- COMMAND]`.
fn alternatives(command: &str) -> Vec<String> {
    let mut parts = command.split(" | ");
    let words: Vec<_> = parts.next().unwrap().split_whitespace().collect();
    let head = words[..2].join(" ");
    let first = words[2..].join(" ");
    std::iter::once(first.as_str())
        .chain(parts)
        .map(|part| format!("{head} {part}"))
        .collect()
}

/// Tries a synopsis: the help of each alternative names its options, and the arguments in capitals.
fn try_alternatives(shown: &Shown) {
    for line in alternatives(&shown.command) {
        let words: Vec<_> = line.split_whitespace().collect();
        let help = succeeds(shown, &format!("{} --help", words[..3].join(" ")), &root());
        for argument in words[3..].iter().map(|word| word.trim_matches(['[', ']'])) {
            let named = match argument.starts_with('-') {
                true => help.contains(argument),
                false => help.contains(&format!("<{argument}>")) || help.contains(&format!("[{argument}]")),
            };
            assert!(
                named || argument == "--",
                "{}: `{line}` takes no {argument}:\n{help}",
                shown.place
            );
        }
    }
}

/// Whatever a document shows of the output is there, in that order; `...` stands for lines left out.
fn shows(shown: &Shown, output: &str) {
    let mut lines = output.lines();
    for wanted in shown
        .output
        .iter()
        .filter(|line| !line.is_empty() && *line != "...")
    {
        assert!(
            lines.any(|line| line == wanted),
            "{}: `{}` does not print\n{wanted}\nafter what the document shows before it, but\n{output}",
            shown.place,
            shown.command
        );
    }
}

fn attempt(shown: &Shown, own: &Path) -> &'static Trial {
    let command = shown.command.replace(FROM_SOURCE, "vent ");
    let known = TRIALS.iter().find(|(start, _)| command.starts_with(start));
    let Some((_, trial)) = known else {
        panic!(
            "{}: no trial is known for `{command}`: add one to TRIALS",
            shown.place
        )
    };
    let folder = if command.contains("site.yml") {
        own.to_path_buf()
    } else {
        root()
    };
    match trial {
        Trial::Run => shows(shown, &succeeds(shown, &command, &folder)),
        Trial::With(words) => drop(succeeds(shown, &format!("{command} {words}"), &folder)),
        Trial::Alternatives => try_alternatives(shown),
        Trial::Linked => {
            succeeds(shown, "vent link FOLDER", &folder);
            drop(succeeds(shown, &command, &folder));
        }
        Trial::Script => {
            let checked = Command::new("bash")
                .arg("-n")
                .arg(root().join(&command))
                .output()
                .unwrap();
            assert!(
                checked.status.success(),
                "{}: {}",
                shown.place,
                String::from_utf8_lossy(&checked.stderr)
            );
        }
    }
    trial
}

#[test]
fn every_command_of_the_documents_works() {
    let project = project();
    let mut told = String::new();
    for name in ["README.md", "CONTRIBUTING.md", "bench/README.md"] {
        let all = commands(name);
        for shown in &all {
            let trial = attempt(shown, project.path());
            let _ = writeln!(told, "{}: {} ({trial:?})", shown.place, shown.command);
        }
    }
    println!("{told}");
    assert!(
        told.lines().count() >= 10,
        "hardly any command was found:\n{told}"
    );
}

#[test]
fn every_file_that_the_documents_name_is_there() {
    let mut missing = vec![];
    for name in ["README.md", "CONTRIBUTING.md", "bench/README.md"] {
        let text = std::fs::read_to_string(root().join(name)).unwrap();
        let folder = root().join(name).parent().unwrap().to_path_buf();
        for (at, line) in text.lines().enumerate() {
            let links = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            let links = links
                .filter(|link| !link.contains("://"))
                .map(|link| folder.join(link));
            let paths = line.split('`').skip(1).step_by(2).filter(|word| is_path(word));
            let paths = paths.map(|word| root().join(word));
            missing.extend(
                links
                    .chain(paths)
                    .filter(|path| !path.exists())
                    .map(|path| format!("{name}:{}: {}", at + 1, path.display())),
            );
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Words in the documents' marks that stand for a file of this repository: no capitals, which are place holders.
fn is_path(word: &str) -> bool {
    let starts = [
        "src/",
        "tests/",
        "playbooks/",
        "inventory/",
        "docs/",
        "bench/",
        "templates/",
        ".ci/",
    ];
    starts.iter().any(|start| word.starts_with(start))
        && !word.contains(|letter: char| letter.is_uppercase() || " *:".contains(letter))
        && !word.contains("-name")
}

#[test]
fn every_test_that_the_guarantees_name_is_there() {
    let text = std::fs::read_to_string(root().join("docs/security.md")).unwrap();
    let mut files = vec![];
    for folder in ["src", "tests"] {
        crate::rooms::files(&root().join(folder), &mut files);
    }
    let sources: Vec<String> = files
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let mut count = 0;
    for paragraph in text.split("\n- ").skip(1) {
        let paragraph = paragraph.split("\n## ").next().unwrap_or_default();
        let named: Vec<&str> = paragraph
            .split('`')
            .skip(1)
            .step_by(2)
            .filter_map(|words| words.rsplit("::").next())
            .filter(|name| name.matches('_').count() > 2)
            .collect();
        assert!(!named.is_empty(), "no test is named: {paragraph}");
        for name in named {
            let there = sources
                .iter()
                .any(|source| source.contains(&format!("fn {name}(")));
            assert!(there, "there is no test {name}");
            count += 1;
        }
    }
    assert!(count > 5);
}

#[test]
fn the_lab_says_whose_root_its_root_is() {
    let help = run("vent lab --help", &root());
    for text in [
        std::fs::read_to_string(root().join("README.md")).unwrap(),
        String::from_utf8(help.stdout).unwrap(),
    ] {
        let text = text
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .to_lowercase();
        assert!(text.contains("is root of this computer"), "{text}");
    }
}
