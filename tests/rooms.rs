//! The walls of the house: a room imports only rooms that stand above it in `src/lib.rs`; inside the room `cloud`
//! no provider imports another one, and what talks to an API knows nothing of machines and inventories.

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

/// The path of a file's module, below the crate: `src/cloud/client/http.rs` is `cloud`, `client`, `http`.
fn module(path: &Path) -> Vec<String> {
    let below = path.strip_prefix("src").unwrap().with_extension("");
    let names = below
        .iter()
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| name != "mod");
    names.collect()
}

/// Every path, below the crate, that the text of `module` names by `crate::` or `super::`, inside braces too. What
/// stands behind the unit tests and in comments does not count.
fn imports(module: &[String], text: &str) -> BTreeSet<Vec<String>> {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back().unwrap_or(' ');
            // The rest of `super::super::`, names that only end alike, and `pub(in crate::...)`.
            if before == ':' || before.is_alphanumeric() || before == '_' || code[..at].ends_with("pub(in ") {
                continue;
            }
            let mut base = if start == "crate::" {
                vec![]
            } else {
                module.to_vec()
            };
            let mut rest = code[at..].strip_prefix("crate::").unwrap_or(&code[at..]);
            while let Some(behind) = rest.strip_prefix("super::") {
                base.pop();
                rest = behind;
            }
            tree(rest, &base, &mut found);
        }
    }
    found
}

/// Reads `a::b::{c, d::e}` at the beginning of `text`, below `base`; what stands behind it.
fn tree<'a>(text: &'a str, base: &[String], found: &mut BTreeSet<Vec<String>>) -> &'a str {
    let mut path = base.to_vec();
    let mut rest = text.trim_start();
    loop {
        if let Some(mut inside) = rest.strip_prefix('{') {
            loop {
                inside = tree(inside, &path, found).trim_start();
                match inside.strip_prefix(',') {
                    Some(more) => inside = more,
                    None => return inside.strip_prefix('}').unwrap_or(inside),
                }
            }
        }
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        let (name, behind) = rest.split_at(end.unwrap_or(rest.len()));
        if !name.is_empty() && name != "self" {
            path.push(name.to_string());
        }
        match behind.strip_prefix("::") {
            Some(more) if !name.is_empty() => rest = more,
            _ => break,
        }
    }
    if path.len() > base.len() || text.starts_with("self") {
        found.insert(path.clone());
    }
    let name = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '*');
    &rest[name.unwrap_or(rest.len())..]
}

#[test]
fn a_room_imports_only_rooms_above_it() {
    let rooms = rooms();
    let place = |name: &String| rooms.iter().position(|room| room == name);
    let mut all = vec![];
    files(Path::new("src"), &mut all);
    let mut wrong = BTreeSet::new();
    for path in all {
        let own = module(&path);
        let Some(room) = place(&own[0]) else {
            continue;
        };
        for other in imports(&own, &std::fs::read_to_string(&path).unwrap()) {
            if place(&other[0]).is_some_and(|other| other > room) {
                wrong.insert(format!("{} imports {}", path.display(), other[0]));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The parts of the room `cloud` and of each provider in it, in the order in which they may use each other.
const PARTS: &[&str] = &["client", "machines", "inventory"];

/// Where a module of the room `cloud` stands: in the folder of which provider, if it is not for all of them, and in
/// which part; `None` for what only lists others.
fn corner(module: &[String]) -> Option<(Option<&str>, usize)> {
    let part = |name: Option<&String>| {
        PARTS
            .iter()
            .position(|part| Some(*part) == name.map(String::as_str))
    };
    match part(module.get(1)) {
        Some(part) => Some((None, part)),
        None => Some((Some(module.get(1)?), part(module.get(2))?)),
    }
}

#[test]
fn no_provider_imports_another_and_no_client_knows_what_is_made_of_its_answers() {
    let mut all = vec![];
    files(Path::new("src/cloud"), &mut all);
    let mut wrong = BTreeSet::new();
    for path in all {
        let own = module(&path);
        let Some((provider, part)) = corner(&own) else {
            assert!(own.len() == 2, "{} stands in no part", path.display());
            continue;
        };
        for other in imports(&own, &std::fs::read_to_string(&path).unwrap()) {
            let fits = match corner(&other) {
                _ if other[0] != "cloud" => true,
                Some((whose, other)) => other <= part && (whose.is_none() || whose == provider),
                None => false,
            };
            if !fits {
                wrong.insert(format!("{} imports {}", path.display(), other.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The layers of the engine, the one in front first; `state` stands behind all.
const LAYERS: [&str; 5] = ["run", "play", "task", "attempt", "state"];

/// The layers that a file of the engine names: `crate::engine::LAYER`, or `super::LAYER` in the file of a layer.
fn layers_named(text: &str, is_layer_file: bool) -> BTreeSet<usize> {
    let prefixes = match is_layer_file {
        true => vec!["engine::", "    super::", "use super::", "(super::", " super::"],
        false => vec!["engine::"],
    };
    let after = prefixes.iter().flat_map(|prefix| text.split(prefix).skip(1));
    let word = |part: &str| -> String { part.chars().take_while(|c| c.is_ascii_lowercase()).collect() };
    after
        .filter_map(|part| LAYERS.iter().position(|layer| word(part) == *layer))
        .collect()
}

#[test]
fn a_layer_of_the_engine_imports_only_those_behind_it() {
    let mut all = vec![];
    files(Path::new("src/engine"), &mut all);
    let mut wrong = vec![];
    for path in all {
        let below = path.strip_prefix("src/engine").unwrap();
        let first = below.components().next().unwrap().as_os_str().to_string_lossy();
        let own = LAYERS
            .iter()
            .position(|layer| *layer == first.trim_end_matches(".rs"));
        let Some(own) = own else {
            wrong.push(format!("{} is in no layer", path.display()));
            continue;
        };
        let text = std::fs::read_to_string(&path).unwrap();
        let named = layers_named(&text, below.components().count() == 1);
        for other in named.into_iter().filter(|other| *other < own) {
            wrong.push(format!("{} imports {}", path.display(), LAYERS[other]));
        }
        if below.components().count() > 1 && text.contains("super::super::") {
            wrong.push(format!("{} climbs with super::super", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_test_of_layers_sees_imports_in_every_form() {
    let text = "use crate::engine::play::Failed;\nuse super::run::Finished;\n";
    assert_eq!(layers_named(text, true).into_iter().collect::<Vec<_>>(), [0, 1]);
    assert_eq!(layers_named(text, false).into_iter().collect::<Vec<_>>(), [1]);
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
    let text = "use crate::error::{Error, Result};\nuse crate::{model, value::Value};\ncrate::host::quote(x);\n\
        use super::given::Given;\nuse super::super::{plan::{self, Step}, client::*};\n// crate::engine\n\
        pub(in crate::cloud) fn f(x: super::Own) {}\n#[cfg(test)]\nmod tests { use crate::cli; }";
    let own = ["cloud", "packet", "machines"].map(String::from);
    let names: Vec<String> = imports(&own, text).iter().map(|path| path.join("::")).collect();
    assert_eq!(
        names,
        [
            "cloud::client",
            "cloud::packet::Own",
            "cloud::packet::given::Given",
            "cloud::plan",
            "cloud::plan::Step",
            "error::Error",
            "error::Result",
            "host::quote",
            "model",
            "value::Value"
        ]
    );
    assert_eq!(module(Path::new("src/cli/mod.rs")), ["cli"]);
}
