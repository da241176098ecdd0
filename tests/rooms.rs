//! The walls of the house: a room imports only rooms that stand above it in `src/lib.rs`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The rooms in the order of `src/lib.rs`.
fn rooms() -> Vec<String> {
    let text = std::fs::read_to_string("src/lib.rs").unwrap();
    let rooms = text
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    rooms.map(str::to_string).collect()
}

/// Every room that a text names after `crate::`, also inside braces.
fn named(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for part in text.split("crate::").skip(1) {
        let mut depth = 0;
        let mut word = String::new();
        let mut first = true;
        for c in part.chars() {
            if c == '{' && word.is_empty() && first {
                depth = 1;
            } else if c.is_ascii_alphanumeric() || c == '_' {
                word.push(c);
            } else {
                if !word.is_empty() && first {
                    found.insert(std::mem::take(&mut word));
                }
                word.clear();
                first = depth == 1 && c == ',' || depth == 1 && first && c.is_whitespace();
                if depth == 0 || c == ';' {
                    break;
                }
            }
        }
    }
    found
}

#[test]
fn a_room_imports_only_rooms_above_it() {
    let rooms = rooms();
    let mut all = vec![];
    files(Path::new("src"), &mut all);
    let mut wrong = vec![];
    for path in all {
        let below = path.strip_prefix("src").unwrap();
        let room = below
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_string_lossy()
            .replace(".rs", "");
        let Some(own) = rooms.iter().position(|name| *name == room) else {
            continue;
        };
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let code: String = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .map(|line| format!("{line}\n"))
            .collect();
        for other in named(&code) {
            if rooms
                .iter()
                .position(|name| *name == other)
                .is_some_and(|other| other > own)
            {
                wrong.push(format!("{} imports {other}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unsafe_code_stands_only_in_the_yaml_reader() {
    let mut all = vec![];
    files(Path::new("src"), &mut all);
    for path in all.iter().filter(|path| !path.starts_with("src/yaml")) {
        let text = std::fs::read_to_string(path).unwrap();
        let found = text
            .lines()
            .find(|line| line.contains("unsafe {") || line.contains("unsafe fn"));
        assert_eq!(found, None, "{}", path.display());
    }
}

#[test]
fn the_wall_test_sees_imports_in_every_form() {
    let text = "use crate::error::{Error, Result};\nuse crate::{model, value::Value};\ncrate::host::quote(x)";
    let names: Vec<String> = named(text).into_iter().collect();
    assert_eq!(names, ["error", "host", "model", "value"]);
}
