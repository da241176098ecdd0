//! Templates: values, conditions, files.

use crate::files;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use vent::source::Source;
use vent::template::{
    FileOptions, Scope, Surroundings, Variables, check_file, check_syntax, condition, render as rendered,
    render_file,
};
use vent::value::{Map, Value};
use vent::vault::Vault;
use vent::yaml;

/// The variables of the tests of templates.
struct World(Map);

impl Variables for World {
    fn get(&self, name: &str) -> Option<Value> {
        self.0.get(name).cloned()
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.0.keys().cloned().collect()
    }

    fn host(&self, _: &str) -> Option<Arc<dyn Variables>> {
        None
    }

    fn hosts(&self) -> Vec<Arc<str>> {
        vec![]
    }
}

/// The first lines of files that choose other marks.
const MARKS: [&str; 3] = [
    "#jinja2: trim_blocks:False",
    "#jinja2: lstrip_blocks: True",
    "#jinja2: variable_start_string:'[%', variable_end_string:'%]'",
];

fn world() -> &'static Arc<World> {
    static WORLD: OnceLock<Arc<World>> = OnceLock::new();
    WORLD.get_or_init(|| {
        let text = include_str!("../../tests/templates/world.yml");
        let source = Source::named("world.yml", text.into());
        let node = yaml::parse_one(&source).ok().and_then(|parsed| parsed.0);
        let value = node.and_then(|node| node.value(&Vault::default()).ok());
        Arc::new(World(
            value
                .as_ref()
                .and_then(Value::as_map)
                .cloned()
                .unwrap_or_default(),
        ))
    })
}

/// The first byte chooses what it is: a value, a condition, a file. Programs are not run, and nobody else is asked.
pub fn render(bytes: &[u8]) -> bool {
    let Some((first, rest)) = bytes.split_first() else {
        return false;
    };
    let text = String::from_utf8_lossy(rest);
    // Each set of marks is kept for the rest of the program.
    let marked = text.starts_with("#jinja2:") && !MARKS.contains(&text.lines().next().unwrap_or_default());
    if marked || files::leads_away(&text) {
        return false;
    }
    let surroundings = Surroundings {
        search: vec![files::folder().to_path_buf()],
        check: true,
        ahead: true,
        ..Surroundings::default()
    };
    let scope = Scope::new(world().clone(), Arc::new(surroundings));
    let value = Value::trusted(&text, None);
    match first {
        b'c' => {
            let _ = condition(&value, &scope).map_err(|error| error.to_string());
            false
        }
        b'f' => {
            let source = Source::file(Path::new("fuzz.j2"), text.into_owned());
            let _ = check_file(&source).map_err(|error| error.to_string());
            match render_file(&source, &FileOptions::default(), &scope) {
                Ok(_) => false,
                Err(error) => {
                    let _ = error.to_string();
                    false
                }
            }
        }
        _ => {
            let _ = check_syntax(&value).map_err(|error| error.to_string());
            match rendered(&value, &scope) {
                Ok(Some(evaluated)) => evaluated.value.as_list().is_some_and(|items| items.len() == 7),
                Ok(None) => false,
                Err(error) => {
                    let _ = error.to_string();
                    false
                }
            }
        }
    }
}
