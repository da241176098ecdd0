//! Tasks that are really carried out in a folder of this computer.

use super::carry_out::{Mode, Side, carry_out};
use super::desk::Desk;
use super::returned::undeclared;
use super::{files_of, read};
use serde_json::json;
use std::path::PathBuf;
use vent::content::Content;
use vent::host::*;
use vent::module::find;
use vent::value::Value;

/// This computer, really.
struct Real;

fn sh(script: &str) -> Output {
    let output = std::process::Command::new("sh")
        .arg("-c")
        .arg(script)
        .output()
        .unwrap();
    Output {
        code: output.status.code().unwrap_or(-1),
        stdout: output.stdout,
        stderr: output.stderr,
    }
}

fn attributes(path: &str, attributes: &Attributes) {
    use std::os::unix::fs::PermissionsExt;
    if let Some(mode) = attributes.mode {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
}

impl Side for Real {
    fn answer(&mut self, questions: &[Question]) -> Vec<Answer> {
        let nonce = "6b9e3c2f6b9e3c2f6b9e3c2f6b9e3c2f";
        parse(questions, nonce, &sh(&question_script(questions, nonce)).stdout).unwrap()
    }

    fn perform(&mut self, action: &Action) -> Performed {
        let mut output = Output::default();
        match action {
            Action::WriteFile {
                path,
                content,
                attributes: given,
                ..
            } => {
                let bytes = match content {
                    Content::Bytes(bytes) => bytes.to_vec(),
                    Content::Made(recipe) => recipe.make().unwrap(),
                    Content::LocalFile { path, .. } => std::fs::read(path).unwrap(),
                    other => panic!("{other:?}"),
                };
                std::fs::write(path, bytes).unwrap();
                attributes(path, given);
            }
            Action::MakeFolder {
                path,
                attributes: given,
            } => {
                std::fs::create_dir_all(path).unwrap();
                attributes(path, given);
            }
            Action::SetAttributes {
                path,
                attributes: given,
                ..
            } => attributes(path, given),
            Action::Remove { path } => drop(sh(&format!("rm -rf {}", quote(path)))),
            Action::Script { script, explain, .. } => {
                output = sh(script);
                assert_eq!(
                    output.code,
                    0,
                    "{explain}: {}",
                    String::from_utf8_lossy(&output.stderr)
                );
            }
            other => panic!("{other:?}"),
        }
        Performed {
            output,
            ..Performed::default()
        }
    }
}

/// With `VENT_KEEP` the tasks work in that folder and leave it, for another engine to look at.
#[test]
fn the_second_time_nothing_changes() {
    for path in files_of("tests/local") {
        let temporary = tempfile::tempdir().unwrap();
        let folder = match std::env::var_os("VENT_KEEP") {
            Some(folder) => PathBuf::from(folder),
            None => temporary.path().to_path_buf(),
        };
        let text = std::fs::read_to_string(&path)
            .unwrap()
            .replace("{{ folder }}", folder.to_str().unwrap());
        let desk = Desk::real();
        for second in [false, true] {
            for task in read(&path, &text).as_array().unwrap() {
                let title = format!("{}: {}", path.display(), task["name"]);
                let (module, arguments) = task
                    .as_object()
                    .unwrap()
                    .iter()
                    .find(|(name, _)| {
                        !["name", "register", "fails", "repeats", "changes"].contains(&name.as_str())
                    })
                    .unwrap();
                let end = carry_out(
                    module,
                    &Value::from(arguments.clone()),
                    &desk,
                    &mut Real,
                    Mode::Run,
                );
                let undeclared = undeclared(find(module).unwrap(), &end.outcome);
                assert!(undeclared.is_empty(), "{title}: {}", undeclared.join(", "));
                match (end.outcome.failed.as_deref(), task["fails"].as_str()) {
                    (None, None) => {
                        let expected =
                            (!second && task["changes"] != json!(false)) || task["repeats"] == json!(true);
                        let reads =
                            module.ends_with("_info") || ["find", "stat", "slurp"].contains(&module.as_str());
                        assert!(
                            reads
                                || end.changed == expected
                                || std::env::var_os("VENT_KEEP").is_some() && !second,
                            "{title}: changed is {}, run {}\n{:?}",
                            end.changed,
                            u8::from(second) + 1,
                            end.actions
                        );
                    }
                    (Some(message), Some(wanted)) => assert!(message.contains(wanted), "{title}: {message}"),
                    (Some(message), None) => panic!("{title}: {message}"),
                    (None, Some(_)) => panic!("{title}: should have failed"),
                }
            }
        }
    }
}
