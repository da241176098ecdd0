//! YAML, playbooks, the free text behind a module's name, vaulted texts.

use crate::files;
use std::sync::Arc;
use vent::model::load::SearchPaths;
use vent::model::{Entry, Item, Known, Loader};
use vent::source::Source;
use vent::vault::Vault;
use vent::{module, yaml};

/// A vault with one password.
pub fn passwords() -> Vault {
    let mut vault = Vault::default();
    vault.add("default", "secret");
    vault
}

/// A loader that knows all modules.
pub fn loader(vault: Vault) -> Loader {
    let known = Known {
        modules: module::MODULES,
        lookups: vec!["items", "dict", "fileglob", "sequence", "nested"],
    };
    Loader::new(vault, known, SearchPaths::default())
}

/// Any text: its values, and those written and read once more.
pub fn read(bytes: &[u8]) -> bool {
    let source = Source::named("fuzz.yml", String::from_utf8_lossy(bytes).into_owned());
    match yaml::parse(&source) {
        Ok(parsed) => {
            for warning in &parsed.warnings {
                let _ = warning.to_string();
            }
            for document in &parsed.documents {
                match document.value(&Vault::default()) {
                    Ok(value) => {
                        yaml::write(&value);
                    }
                    Err(error) => drop(error.to_string()),
                }
            }
            parsed.documents.len() > 2
                && parsed
                    .documents
                    .last()
                    .is_some_and(|last| last.entries().is_some())
        }
        Err(errors) => {
            let _ = errors.to_string();
            false
        }
    }
}

/// A whole playbook.
pub fn playbook(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    if files::leads_away(&text) {
        return false;
    }
    let path = files::write("site.yml", text.as_bytes());
    match loader(Vault::default()).playbook(&path) {
        Ok(playbook) => playbook.entries.iter().any(|entry| match entry {
            Entry::Play(play) => play.hosts.value.as_str().is_some_and(|hosts| !hosts.is_ascii()),
            Entry::Import(_) => false,
        }),
        Err(errors) => {
            let _ = errors.to_string();
            false
        }
    }
}

/// The first byte chooses the module, the rest is what stands behind its name.
pub fn free_form(bytes: &[u8]) -> bool {
    const MODULES: [&str; 4] = ["debug", "command", "file", "add_host"];
    let Some((first, rest)) = bytes.split_first() else {
        return false;
    };
    let text = String::from_utf8_lossy(rest);
    if files::leads_away(&text) {
        return false;
    }
    let module = MODULES[usize::from(*first) % MODULES.len()];
    let quoted = serde_json::Value::from(&*text);
    let path = files::write(
        "free.yml",
        format!("- hosts: all\n  tasks:\n  - {module}: {quoted}\n").as_bytes(),
    );
    match loader(Vault::default()).playbook(&path) {
        Ok(playbook) => {
            playbook.entries.iter().any(|entry| match entry {
                Entry::Play(play) => play.tasks.iter().any(|item| match item {
                    Item::Task(task) => {
                        task.action.arguments.len() == 3
                            && task.action.arguments.values().any(|argument| {
                                argument.value.as_str().is_some_and(|text| text.contains('\t'))
                            })
                    }
                    _ => false,
                }),
                Entry::Import(_) => false,
            })
        }
        Err(errors) => {
            let _ = errors.to_string();
            false
        }
    }
}

/// A vaulted text: as a file, and as a value of a file.
pub fn vault(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    // The keys of a password take milliseconds, so they are made of what has the form of a vaulted text only.
    let formed = match Vault::default().decrypt(&text) {
        Ok(_) => true,
        Err(error) => error.message().contains("no vault password was given"),
    };
    if !formed {
        return false;
    }
    let vault = passwords();
    if let Err(error) = vault.decrypt(&text) {
        let _ = error.to_string();
    }
    let inside = format!("a: !vault |\n  {}\n", text.trim().replace('\n', "\n  "));
    let source: Arc<Source> = Source::named("fuzz.yml", inside);
    if let Ok((Some(node), _)) = yaml::parse_one(&source)
        && let Err(error) = node.value(&vault)
    {
        let _ = error.to_string();
    }
    let label = text.lines().next().and_then(|header| header.split(';').nth(3));
    label.is_some_and(|label| label.trim().len() == 3)
}
