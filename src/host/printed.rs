//! What the script of many questions printed, read back into their answers.

use super::answer::{Account, Group, Package, Unfinished, Unit};
use super::{Answer, FileKind, Output, Question, Stat};
use crate::content::byte_text;
use std::collections::HashMap;
use std::sync::Arc;

/// The output of a question script could not be read.
#[derive(Clone, Debug, PartialEq)]
pub struct ParseError(pub String);

/// Reads what [`super::question_script`] printed; the answers stand in the order of the questions.
///
/// # Errors
/// Something that the script cannot have printed.
pub fn parse(questions: &[Question], nonce: &str, stdout: &[u8]) -> Result<Vec<Answer>, ParseError> {
    let mut found = Records::default();
    let mut rest = stdout;
    while let Some(start) = find(rest, nonce.as_bytes()) {
        rest = &rest[start + nonce.len()..];
        let Some((&kind, body)) = rest.split_first() else {
            break;
        };
        if kind == b';' {
            rest = body;
            continue;
        }
        let end =
            find(body, nonce.as_bytes()).ok_or_else(|| ParseError("an answer without an end".into()))?;
        let text = &body[..end];
        rest = &body[end + nonce.len()..];
        match kind {
            b'l' | b'f' => found.stats(kind == b'f', text, questions)?,
            kind => found.record(kind, text, rest)?,
        }
    }
    questions
        .iter()
        .enumerate()
        .map(|(at, question)| found.answer(at, question))
        .collect()
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

/// The records of one output.
#[derive(Default)]
struct Records {
    stats: HashMap<(bool, Vec<u8>), Stat>,
    targets: HashMap<Vec<u8>, String>,
    digests: HashMap<usize, Arc<str>>,
    packages: HashMap<String, Package>,
    units: HashMap<String, Unit>,
    single: HashMap<usize, (Vec<u8>, i32)>,
}

impl Records {
    /// What `stat` printed of the paths that are there, in the order of the questions.
    fn stats(&mut self, follow: bool, body: &[u8], questions: &[Question]) -> Result<(), ParseError> {
        let mut rest = body;
        for question in questions {
            let Question::Stat { path, follow: asked } = question else {
                continue;
            };
            if *asked != follow {
                continue;
            }
            let Some(record) = Record::of(rest) else {
                break;
            };
            let name = byte_text::bytes_of(path);
            if let Some(behind) = record
                .rest
                .strip_prefix(&*name)
                .and_then(|rest| rest.strip_prefix(b"\n"))
            {
                self.stats.insert((follow, name.into_owned()), record.stat()?);
                rest = behind;
            }
        }
        match rest.is_empty() {
            true => Ok(()),
            false => Err(ParseError(format!(
                "not a stat record: {}",
                String::from_utf8_lossy(rest)
            ))),
        }
    }

    fn record(&mut self, kind: u8, body: &[u8], rest: &[u8]) -> Result<(), ParseError> {
        match kind {
            b't' => {
                let at = body.iter().position(|byte| *byte == b'=').unwrap_or(body.len());
                let target = byte_text::text_of(body.get(at + 1..).unwrap_or_default());
                self.targets.insert(body[..at].to_vec(), target);
            }
            b'd' => {
                let text = String::from_utf8_lossy(body);
                let (index, sums) = text.split_once('=').unwrap_or((&text, ""));
                for (at, sum) in index.split_whitespace().zip(sums.lines()) {
                    let sum = sum.trim_start_matches('\\').split(' ').next().unwrap_or("");
                    if let (Ok(at), 64) = (at.parse(), sum.len()) {
                        self.digests.insert(at, sum.into());
                    }
                }
            }
            b'p' => self.packages.extend(
                String::from_utf8_lossy(body)
                    .lines()
                    .filter_map(read_package)
                    .flatten(),
            ),
            b'u' => {
                let text = String::from_utf8_lossy(body);
                let (name, shown) = text.split_once('=').unwrap_or((&text, ""));
                self.units
                    .insert(name.trim_matches('\'').to_string(), read_unit(shown));
            }
            b'n' => {
                let at = body.iter().position(|byte| *byte == b'=');
                let at = at.ok_or_else(|| ParseError("an answer without a number".into()))?;
                let number = std::str::from_utf8(&body[..at])
                    .ok()
                    .and_then(|text| text.parse().ok());
                let number = number.ok_or_else(|| ParseError("an answer without a number".into()))?;
                let code = rest.strip_prefix(b"c").and_then(|rest| {
                    let end = rest.iter().position(|byte| *byte == b';')?;
                    std::str::from_utf8(&rest[..end]).ok()?.parse().ok()
                });
                self.single
                    .insert(number, (body[at + 1..].to_vec(), code.unwrap_or(0)));
            }
            _ => {}
        }
        Ok(())
    }

    fn answer(&mut self, at: usize, question: &Question) -> Result<Answer, ParseError> {
        let missing = || ParseError(format!("no answer to question {at}"));
        Ok(match question {
            Question::Stat { path, follow } => {
                let name = byte_text::bytes_of(path);
                let mut stat = self.stats.get(&(*follow, name.to_vec())).cloned();
                if let Some(stat) = &mut stat
                    && stat.kind == FileKind::Link
                {
                    stat.target = self.targets.get(&*name).cloned();
                }
                Answer::Stat(stat)
            }
            Question::Digest { .. } => Answer::Digest(self.digests.get(&at).cloned()),
            Question::Package { name } => Answer::Package(self.packages.get(name).cloned()),
            Question::Unit { name } => Answer::Unit(self.units.get(name).cloned().unwrap_or_default()),
            question => {
                let (body, code) = self.single.remove(&at).ok_or_else(missing)?;
                read_single(question, body, code)
            }
        })
    }
}

fn read_single(question: &Question, body: Vec<u8>, code: i32) -> Answer {
    let text = || String::from_utf8_lossy(&body).into_owned();
    let content = body.strip_prefix(b"y");
    match question {
        Question::Content { .. } => Answer::Content(content.map(Arc::from)),
        Question::Names { .. } => Answer::Names(content.map(|names| {
            let names = names.split(|byte| *byte == 0).filter(|name| !name.is_empty());
            names.map(byte_text::text_of).collect()
        })),
        Question::User { .. } => Answer::User(read_account(&text())),
        Question::Group { .. } => Answer::Group(read_group(&text())),
        Question::Sysctl { .. } => {
            Answer::Text(content.map(|text| String::from_utf8_lossy(text).trim_end().to_string()))
        }
        Question::KernelModule { .. } => Answer::Flag(content.is_some()),
        _ => Answer::Output(Output {
            code,
            stdout: body,
            stderr: vec![],
        }),
    }
}

/// One record of `stat`: numbers, owner and group (whose names may hold spaces), and behind them a path.
struct Record<'a> {
    numbers: &'a [u8],
    owner: &'a [u8],
    group: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Record<'a> {
    /// How many numbers stand in front.
    const NUMBERS: usize = 10;

    fn of(text: &'a [u8]) -> Option<Record<'a>> {
        let text = text.strip_prefix(b"S")?;
        let mut spaces = text.iter().enumerate().filter(|(_, byte)| **byte == b' ');
        let (end, _) = spaces.nth(Record::NUMBERS - 1)?;
        let (numbers, rest) = (&text[..end], &text[end + 1..]);
        let mut parts = rest.splitn(3, |byte| *byte == b':');
        Some(Record {
            numbers,
            owner: parts.next()?,
            group: parts.next()?,
            rest: parts.next()?,
        })
    }

    fn stat(&self) -> Result<Stat, ParseError> {
        let wrong = || {
            ParseError(format!(
                "not a stat record: {}",
                String::from_utf8_lossy(self.numbers)
            ))
        };
        let mut fields = self.numbers.split(|byte| *byte == b' ');
        let mut next = || {
            let field = fields.next().and_then(|field| std::str::from_utf8(field).ok());
            field.ok_or_else(wrong)
        };
        let number = |text: &str| text.parse::<u64>().map_err(|_| wrong());
        let small = |text: &str| text.parse::<u32>().map_err(|_| wrong());
        let mode = u32::from_str_radix(next()?, 16).map_err(|_| wrong())?;
        let (uid, gid) = (small(next()?)?, small(next()?)?);
        let size = number(next()?)?;
        let mut time = || next()?.parse::<i64>().map_err(|_| wrong());
        let (accessed, modified, changed) = (time()?, time()?, time()?);
        let (links, inode, device) = (number(next()?)?, number(next()?)?, number(next()?)?);
        let named = |name: &[u8], id: u32| match name {
            b"UNKNOWN" => id.to_string(),
            name => String::from_utf8_lossy(name).into_owned(),
        };
        let kind = match mode & 0o170_000 {
            0o040_000 => FileKind::Folder,
            0o120_000 => FileKind::Link,
            0o020_000 => FileKind::CharacterDevice,
            0o060_000 => FileKind::BlockDevice,
            0o010_000 => FileKind::Pipe,
            0o140_000 => FileKind::Socket,
            _ => FileKind::File,
        };
        Ok(Stat {
            kind,
            mode: mode & 0o7777,
            uid,
            gid,
            owner: named(self.owner, uid),
            group: named(self.group, gid),
            size,
            accessed,
            modified,
            changed,
            links,
            inode,
            device,
            target: None,
        })
    }
}

/// A package by its name and by its name with the architecture.
fn read_package(line: &str) -> Option<[(String, Package); 2]> {
    let mut fields = line.split(' ');
    let (name, architecture, version) = (fields.next()?, fields.next()?, fields.next()?);
    let package = Package {
        version: version.to_string(),
    };
    let installed = fields.next()? == "installed";
    installed.then(|| {
        [
            (name.to_string(), package.clone()),
            (format!("{name}:{architecture}"), package),
        ]
    })
}

fn read_unit(shown: &str) -> Unit {
    let properties: Vec<(String, String)> = shown
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    let get = |wanted: &str| {
        properties
            .iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.clone())
            .unwrap_or_default()
    };
    Unit {
        load: get("LoadState"),
        active: get("ActiveState"),
        sub: get("SubState"),
        enabled: get("UnitFileState"),
        needs_reload: get("NeedDaemonReload") == "yes",
        properties,
    }
}

fn read_account(text: &str) -> Option<Account> {
    let mut lines = text.lines();
    let fields: Vec<&str> = lines.next()?.split(':').collect();
    let [_, _, uid, gid, comment, home, shell] = fields[..] else {
        return None;
    };
    let groups = lines
        .next()
        .unwrap_or("")
        .split_whitespace()
        .map(str::to_string)
        .collect();
    Some(Account {
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        comment: comment.into(),
        home: home.into(),
        shell: shell.into(),
        groups,
        unfinished: lines.filter_map(read_unfinished).collect(),
    })
}

fn read_unfinished(word: &str) -> Option<Unfinished> {
    match word {
        "shadow" => Some(Unfinished::Shadow),
        "gshadow" => Some(Unfinished::GroupShadow),
        "primary-group" => Some(Unfinished::PrimaryGroup),
        "memberships" => Some(Unfinished::Memberships),
        _ => None,
    }
}

fn read_group(text: &str) -> Option<Group> {
    let mut lines = text.lines();
    let fields: Vec<&str> = lines.next()?.split(':').collect();
    let [_, _, gid, members] = fields[..] else {
        return None;
    };
    let members = members
        .split(',')
        .filter(|name| !name.is_empty())
        .map(str::to_string)
        .collect();
    Some(Group {
        gid: gid.parse().ok()?,
        members,
        unfinished: lines.filter_map(read_unfinished).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::question_script;
    use std::process::Command;

    const NONCE: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

    fn ask(shell: &[&str], questions: &[Question]) -> Vec<Answer> {
        let script = question_script(questions, NONCE);
        let output = Command::new(shell[0])
            .args(&shell[1..])
            .arg("-c")
            .arg(&script)
            .output()
            .unwrap();
        parse(questions, NONCE, &output.stdout).unwrap()
    }

    fn shells() -> Vec<Vec<&'static str>> {
        let all = [vec!["dash"], vec!["bash"], vec!["busybox", "sh"]];
        let there = |shell: &Vec<&str>| Command::new(shell[0]).arg("-c").arg("true").output().is_ok();
        all.into_iter().filter(there).collect()
    }

    #[test]
    fn files_with_any_name_and_content_are_described() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| format!("{}/{name}", folder.path().display());
        let odd = path("a 'b'\nc");
        std::fs::write(&odd, b"one\0two;\n").unwrap();
        std::os::unix::fs::symlink("a 'b'\nc", path("link")).unwrap();
        for shell in shells() {
            let answers = ask(
                &shell,
                &[
                    Question::Stat {
                        path: odd.clone(),
                        follow: false,
                    },
                    Question::Stat {
                        path: path("link"),
                        follow: false,
                    },
                    Question::Stat {
                        path: path("link"),
                        follow: true,
                    },
                    Question::Stat {
                        path: path("missing"),
                        follow: false,
                    },
                    Question::Digest {
                        path: path("missing"),
                    },
                    Question::Digest { path: odd.clone() },
                    Question::Content {
                        path: odd.clone(),
                        limit: 100,
                    },
                    Question::Content {
                        path: odd.clone(),
                        limit: 3,
                    },
                    Question::Names { path: path("") },
                ],
            );
            let kind = |answer: &Answer| match answer {
                Answer::Stat(stat) => stat.as_ref().map(|stat| (stat.kind, stat.size)),
                other => panic!("{other:?}"),
            };
            assert_eq!(kind(&answers[0]), Some((FileKind::File, 9)), "{shell:?}");
            assert_eq!(kind(&answers[1]).map(|found| found.0), Some(FileKind::Link));
            match &answers[1] {
                Answer::Stat(Some(stat)) => assert_eq!(stat.target.as_deref(), Some("a 'b'\nc"), "{shell:?}"),
                other => panic!("{other:?}"),
            }
            assert_eq!(kind(&answers[2]), Some((FileKind::File, 9)));
            assert_eq!(kind(&answers[3]), None);
            assert_eq!(answers[4], Answer::Digest(None));
            assert_eq!(
                answers[5],
                Answer::Digest(Some(crate::content::digest_of(b"one\0two;\n"))),
                "{shell:?}"
            );
            assert_eq!(answers[6], Answer::Content(Some(Arc::from(&b"one\0two;\n"[..]))));
            assert_eq!(answers[7], Answer::Content(Some(Arc::from(&b"one"[..]))));
            assert_eq!(
                answers[8],
                Answer::Names(Some(vec!["a 'b'\nc".into(), "link".into()])),
                "{shell:?}"
            );
        }
    }

    #[test]
    fn accounts_settings_and_probes_are_read() {
        for shell in shells() {
            let answers = ask(
                &shell,
                &[
                    Question::User { name: "root".into() },
                    Question::Group {
                        name: "nobody-there".into(),
                    },
                    Question::Sysctl {
                        key: "kernel.ostype".into(),
                    },
                    Question::Probe {
                        script: "echo out; exit 3".into(),
                        about: vec![],
                    },
                    Question::Package { name: "dpkg".into() },
                    Question::Package {
                        name: "no-such-package".into(),
                    },
                ],
            );
            match &answers[0] {
                Answer::User(Some(account)) => {
                    assert_eq!((account.uid, account.groups[0].as_str()), (0, "root"))
                }
                other => panic!("{shell:?} {other:?}"),
            }
            assert_eq!(answers[1], Answer::Group(None));
            assert_eq!(answers[2], Answer::Text(Some("Linux".into())));
            assert_eq!(
                answers[3],
                Answer::Output(Output {
                    code: 3,
                    stdout: b"out\n".to_vec(),
                    stderr: vec![]
                })
            );
            assert!(matches!(answers[4], Answer::Package(Some(_))));
            assert_eq!(answers[5], Answer::Package(None));
        }
    }
}
