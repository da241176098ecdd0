//! Actions as cases write them.

use serde_json::{Map as Object, Value as Json, json};
use vent::content::Content;
use vent::host::*;

/// An action as cases write it.
pub fn shown(action: &Action) -> Json {
    let mut out = Object::new();
    let mut attributes = None;
    match action {
        Action::WriteFile {
            path,
            content,
            attributes: given,
            validate,
            backup,
            unsafe_writes,
        } => {
            out.insert("write".into(), json!(path));
            let content = match content {
                Content::Bytes(bytes) => json!(String::from_utf8_lossy(bytes)),
                Content::Made(recipe) => json!({"made": recipe.what()}),
                Content::LocalFile { path, .. } => json!({"file": path}),
                Content::Unknown(_) => json!({"unknown": true}),
            };
            out.insert("content".into(), content);
            attributes = Some(given);
            if let Some(validate) = validate {
                out.insert("validate".into(), json!(validate));
            }
            if *backup {
                out.insert("backup".into(), json!(true));
            }
            if *unsafe_writes {
                out.insert("unsafe_writes".into(), json!(true));
            }
        }
        Action::MakeFolder {
            path,
            attributes: given,
        } => {
            out.insert("folder".into(), json!(path));
            attributes = Some(given);
        }
        Action::SetAttributes {
            path,
            attributes: given,
            ..
        } => {
            out.insert("attributes".into(), json!(path));
            attributes = Some(given);
        }
        Action::Link { path, target, .. } => {
            out.insert("link".into(), json!(path));
            out.insert("target".into(), json!(target));
        }
        Action::Remove { path } => drop(out.insert("remove".into(), json!(path))),
        Action::Run(command) => drop(out.insert("run".into(), json!(command.script))),
        Action::Script { explain, .. } => drop(out.insert("script".into(), json!(explain))),
        Action::ChangeRecord(change) => {
            out.insert(
                "record".into(),
                json!(format!("{:?}", change.action).to_lowercase()),
            );
            out.insert("lines".into(), json!(change.difference()));
        }
        Action::Fetch { path, to } => {
            out.insert("fetch".into(), json!(path));
            out.insert("to".into(), json!(to));
        }
    }
    if let Some(attributes) = attributes {
        if let Some(mode) = attributes.mode {
            out.insert("mode".into(), json!(mode_text(mode)));
        }
        for (name, text) in [("owner", &attributes.owner), ("group", &attributes.group)] {
            if let Some(text) = text {
                out.insert(name.into(), json!(text));
            }
        }
    }
    Json::Object(out)
}
