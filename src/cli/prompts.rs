//! `vars_prompt`: asked before anything runs, so that a run never waits for a person.

use crate::connection::terminal;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::model::Prompt;
use crate::template;
use crate::value::{Map, Value, repr};
use std::collections::HashMap;
use std::sync::Arc;

/// Asks everything that the plays of a graph want to know; the answers by the place of the play.
///
/// # Errors
/// A question without a default and no terminal to ask at.
pub fn ask(graph: &Graph, extra: &Map) -> Result<HashMap<String, Arc<Map>>> {
    let mut all = HashMap::new();
    for play in graph.nodes.iter().flat_map(|node| &node.plays) {
        let mut answers = Map::new();
        for prompt in play
            .prompts
            .iter()
            .filter(|prompt| !extra.contains_key(prompt.name.as_str()))
        {
            let answer = answer(prompt).and_then(|answer| encrypted(prompt, answer));
            let answer = answer.map_err(|error| error.at(&play.place))?;
            answers.insert(prompt.name.as_str().into(), answer);
        }
        if !answers.is_empty() {
            all.insert(play.place.short(), Arc::new(answers));
        }
    }
    Ok(all)
}

/// Nobody is asked: the defaults of the questions, by the place of the play. As Ansible does where it only lists.
pub fn defaults(graph: &Graph, extra: &Map) -> HashMap<String, Arc<Map>> {
    let plays = graph.nodes.iter().flat_map(|node| &node.plays);
    let answers = plays.map(|play| {
        let prompts = play
            .prompts
            .iter()
            .filter(|prompt| !extra.contains_key(prompt.name.as_str()));
        let answers = prompts.map(|prompt| {
            let default = prompt.default.clone().unwrap_or(Value::Null);
            (prompt.name.as_str().into(), default)
        });
        (play.place.short(), Arc::new(answers.collect::<Map>()))
    });
    answers.collect()
}

/// The answer as `encrypt` wants it.
fn encrypted(prompt: &Prompt, answer: Value) -> Result<Value> {
    let Some(encrypt) = &prompt.encrypt else {
        return Ok(answer);
    };
    let text = answer.as_str().map_or_else(|| repr(&answer), str::to_string);
    let salt = (encrypt.salt.clone(), encrypt.salt_size);
    let hashed = template::hashed(&text, &encrypt.scheme, salt, None);
    hashed
        .map(Value::string)
        .map_err(|sentence| Error::new(format!("`encrypt` of `{}`: {sentence}", prompt.name)))
}

fn answer(prompt: &Prompt) -> Result<Value> {
    let default = prompt
        .default
        .as_ref()
        .map(|value| value.as_str().map_or_else(|| repr(value), str::to_string));
    let question = match &default {
        Some(default) if !prompt.private => format!("{} [{default}]: ", prompt.question),
        _ => format!("{}: ", prompt.question),
    };
    loop {
        let Some(typed) = terminal::ask(&question, prompt.private) else {
            // As Ansible without a terminal: the default stands.
            return prompt.default.clone().ok_or_else(|| {
                Error::new(format!("there is no terminal to ask for `{}`", prompt.name))
                    .help(format!("give it with -e {}=...", prompt.name))
            });
        };
        if prompt.confirm {
            let again = terminal::ask(&format!("confirm {}: ", prompt.question), prompt.private);
            if again.as_ref() != Some(&typed) {
                super::say("***** VALUES ENTERED DO NOT MATCH ****");
                continue;
            }
        }
        return Ok(match (typed.is_empty(), &prompt.default) {
            (true, Some(default)) => default.clone(),
            _ => Value::string(typed),
        });
    }
}
