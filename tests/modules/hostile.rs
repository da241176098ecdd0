//! No value becomes program text: the cases of all modules once more, each of their texts in turn replaced by one that a shell
//! would run wherever it is not quoted. Nothing is executed; the scripts are read as `sh` reads them, all their branches,
//! and the programs that they hand to `sh -c`, `sed` or `awk` with them.
//!
//! What is a program by its nature (`shell`) stands in `programs.txt` with its reason.

use super::carry_out::{Mode, Side, carry_out};
use super::cases::cases;
use super::desk::Desk;
use super::pretended::Pretended;
use super::reasons;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use vent::host::*;
use vent::module::Work;
use vent::value::Value;

/// The word that must stand between single quotes wherever it appears.
const MARK: &str = "VENTMARK";
/// Values that run it in other places: outside quotes, between single ones, between double ones.
const HOSTILE: [&str; 3] = [
    "x$(VENTMARK)`VENTMARK`;VENTMARK\nVENTMARK|VENTMARK/e;VENTMARK #",
    "x';VENTMARK;'",
    "x\";VENTMARK;\"",
];

/// A word of a command.
#[derive(Debug, Default)]
struct Word {
    /// Without its quotes.
    text: String,
    /// What of it stands outside quotes, backticks between double ones too.
    naked: String,
}

/// Reads shell text into commands, those of substitutions too.
struct Reader<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    commands: Vec<Vec<Word>>,
}

/// The commands of a script.
fn commands(script: &str) -> Vec<Vec<Word>> {
    let mut reader = Reader {
        rest: script.chars().peekable(),
        commands: vec![],
    };
    while reader.rest.peek().is_some() {
        reader.list();
    }
    reader.commands
}

impl Reader<'_> {
    /// Up to the parenthesis that closes it, or to the end.
    fn list(&mut self) {
        let (mut command, mut word): (Vec<Word>, Option<Word>) = (vec![], None);
        let (mut depth, mut choices) = (0, 0);
        loop {
            let next = self.rest.next();
            if !matches!(next, Some(c) if !c.is_whitespace() && !";&|()<>".contains(c)) {
                if let Some(word) = word.take() {
                    match word.naked.as_str() {
                        "case" => choices += 1,
                        "esac" => choices -= 1,
                        _ => {}
                    }
                    command.push(word);
                }
                if matches!(next, None | Some('\n' | ';' | '&' | '|' | '(' | ')')) {
                    self.commands.push(std::mem::take(&mut command));
                }
            }
            match next {
                None => return,
                Some('(') => depth += 1,
                Some(')') if depth > 0 => depth -= 1,
                Some(')') if choices == 0 => return,
                Some(c) if c.is_whitespace() || ";&|)<>".contains(c) => {}
                Some('#') if word.is_none() => while self.rest.next_if(|c| *c != '\n').is_some() {},
                Some(c) => self.part(c, word.get_or_insert_default()),
            }
        }
    }

    /// One character of a word, or all between two quotes.
    fn part(&mut self, first: char, word: &mut Word) {
        match first {
            '\'' => word.text.extend(self.rest.by_ref().take_while(|c| *c != '\'')),
            '"' => {
                while let Some(c) = self.rest.next().filter(|c| *c != '"') {
                    match c {
                        '\\' | '`' | '$' => self.part(c, word),
                        c => word.text.push(c),
                    }
                }
            }
            '\\' => word.text.extend(self.rest.next()),
            '`' => word.naked.push('`'),
            '$' if self.rest.next_if_eq(&'(').is_some() => self.list(),
            c => {
                word.naked.push(c);
                word.text.push(c);
            }
        }
    }
}

/// Where the mark would be run.
fn run_by(script: &str) -> Vec<String> {
    let mut found = vec![];
    for command in commands(script) {
        for (at, word) in command.iter().enumerate() {
            let before = at.checked_sub(1).map_or("", |at| command[at].text.as_str());
            let line = || {
                command
                    .iter()
                    .map(|word| word.text.as_str())
                    .collect::<Vec<_>>()
                    .join(" ")
            };
            if word.naked.contains(MARK) || word.naked.contains('`') && word.text.contains(MARK) {
                found.push(format!("not quoted: {}", line()));
            } else if word.text.contains(MARK) && is_program(&command, at) {
                found.push(format!("program of another language: {}", line()));
            }
            // What Git hands to `sh`, and what is handed to it at once.
            match word.text.strip_prefix("GIT_SSH_COMMAND=") {
                Some(inner) => found.extend(run_by(inner)),
                None if matches!(before, "eval" | "trap") => found.extend(run_by(&word.text)),
                None if before == "-c" && command[..at].iter().any(is_shell) => {
                    found.extend(run_by(&word.text));
                }
                None => {}
            }
        }
    }
    found
}

fn is_shell(word: &Word) -> bool {
    let name = word.text.rsplit('/').next();
    matches!(name, Some("sh" | "bash" | "dash" | "su" | "python3"))
}

/// True if the word is a program that `sed` or `awk` runs.
fn is_program(command: &[Word], at: usize) -> bool {
    let editor = |word: &Word| matches!(word.text.as_str(), "sed" | "awk" | "perl");
    let Some(start) = command[..at].iter().rposition(editor) else {
        return false;
    };
    let between = &command[start + 1..at];
    let is_option = |at: usize| between[at].text.starts_with('-') || between[at - 1].text == "-v";
    !command[at].text.starts_with('-')
        && (0..between.len()).all(|at| between[at].text.starts_with('-') || at > 0 && is_option(at))
        && between.last().is_none_or(|last| last.text != "-v")
}

/// All scripts that a module wants to have run.
struct Heard {
    side: Pretended,
    scripts: Vec<String>,
}

impl Side for Heard {
    fn answer(&mut self, questions: &[Question]) -> Vec<Answer> {
        self.scripts
            .push(question_script(questions, "6b9e3c2f6b9e3c2f6b9e3c2f6b9e3c2f"));
        self.side.answer(questions)
    }

    fn perform(&mut self, action: &Action) -> Performed {
        match action {
            Action::Script { script, .. } => self.scripts.push(script.clone()),
            Action::Run(command) => self.scripts.push(command.script.clone()),
            Action::WriteFile { validate, .. } => self.scripts.extend(validate.clone()),
            _ => {}
        }
        self.side.perform(action)
    }
}

/// The places of all texts in a value.
fn texts(value: &Json, place: &str, out: &mut Vec<String>) {
    match value {
        Json::String(_) => out.push(place.into()),
        Json::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                texts(item, &format!("{place}/{at}"), out);
            }
        }
        Json::Object(map) => {
            for (name, item) in map {
                texts(
                    item,
                    &format!("{place}/{}", name.replace('~', "~0").replace('/', "~1")),
                    out,
                );
            }
        }
        _ => {}
    }
}

/// The part of a place that `programs.txt` names: `shell cmd`; answers of the host have no part.
fn topic<'a>(place: &'a str, module: &str) -> Option<(String, &'a str)> {
    let name = place.strip_prefix("/arguments/")?.split('/').next()?;
    Some((format!("{module} {name}"), name))
}

#[test]
fn no_value_becomes_program_text() {
    let programs = reasons("programs.txt");
    let mut needed = BTreeSet::new();
    let (mut wrong, mut tried) = (BTreeSet::new(), 0);
    for case in cases() {
        let Work::Step(_) = case.module().work else {
            continue;
        };
        let name = case.module().names[0];
        let mut places = vec![];
        for part in ["arguments", "files", "probes", "outputs", "users"] {
            texts(&case.says[part], &format!("/{part}"), &mut places);
        }
        places.retain(|place| {
            !["/has", "/mode", "/started"]
                .iter()
                .any(|end| place.ends_with(end))
        });
        // Arguments that the case does not give, so that each module is tried with all it takes.
        let schema = Json::from((case.module().schema)());
        for name in schema["properties"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|property| property.0)
        {
            if case.says["arguments"][name].is_null() {
                places.push(format!("/arguments/{name}"));
            }
        }
        for place in places {
            let usual = case
                .says
                .pointer(&place)
                .and_then(Json::as_str)
                .unwrap_or_default();
            for hostile in HOSTILE
                .into_iter()
                .flat_map(|text| [text.to_string(), format!("{usual}{text}")])
            {
                let mut says = case.says.clone();
                match (says.pointer_mut(&place), place.strip_prefix("/arguments/")) {
                    (Some(text), _) => *text = hostile.into(),
                    (None, Some(name)) => says["arguments"][name] = hostile.into(),
                    (None, None) => panic!("{place}"),
                }
                let mut side = Heard {
                    side: Pretended::lenient(&says),
                    scripts: vec![],
                };
                let arguments = Value::from(says["arguments"].clone());
                carry_out(name, &arguments, &Desk::of(&says), &mut side, Mode::Run);
                tried += 1;
                let found: Vec<String> = side.scripts.iter().flat_map(|script| run_by(script)).collect();
                let Some(first) = found.first() else {
                    continue;
                };
                match topic(&place, name).filter(|topic| programs.iter().any(|line| line.0 == topic.0)) {
                    Some((topic, _)) => drop(needed.insert(topic)),
                    None => drop(wrong.insert(format!("{}{place}: {first}", case.title))),
                }
            }
        }
    }
    println!("{tried} values tried");
    let needless = programs.iter().filter(|line| !needed.contains(&line.0));
    wrong.extend(needless.map(|line| format!("programs.txt: {}: it is no program", line.0)));
    let wrong: Vec<_> = wrong.into_iter().collect();
    assert!(
        wrong.is_empty(),
        "{} of {tried}\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// The reader itself: what is quoted, and what is not.
#[test]
fn the_mark_is_found_wherever_a_shell_would_run_it() {
    for hostile in HOSTILE {
        let word = quote(hostile);
        for script in [
            format!("echo {word}"),
            format!("x=\"$(printf %s {word})\"; ( cat <{word} )"),
            format!("sh -c 'echo \"$1\"' sh {word}"),
            format!("sh -c {}", quote(&format!("echo {word}"))),
            format!("awk -v n={word} '{{ print n }}'; sed -n p {word}"),
        ] {
            assert_eq!(run_by(&script), Vec::<String>::new(), "{script}");
        }
    }
    let word = quote(HOSTILE[0]);
    for script in [
        format!("echo {}", HOSTILE[0]),
        format!("echo \"{}\"", HOSTILE[0]),
        format!("echo '{}'", HOSTILE[1]),
        format!("echo \"{}\"", HOSTILE[2]),
        format!(": # {}", HOSTILE[0]),
        format!("echo \"$(cat {})\"", HOSTILE[0]),
        format!("bash -c ': </dev/tcp/'{word}'/80'"),
        format!("sed -i -E 's/^'{word}'$//' /etc/x"),
        format!("eval {word}"),
        format!("GIT_SSH_COMMAND={word} git fetch"),
    ] {
        assert_ne!(run_by(&script), Vec::<String>::new(), "{script}");
    }
}
