//! No lost restart: a handler that is due is written down on the host before the change is made. This is how; the
//! play finds what earlier runs wrote down, and crosses out what has run.

use super::{notifications, way};
use crate::connection;
use crate::engine::state::context::Context;
use crate::engine::state::host::Host;
use crate::host::quote;
use crate::model::Task;
use crate::template::Scope;
use std::sync::Arc;

/// Where debts lie on a host.
pub const FOLDER: &str = "/var/lib/vent/debts";

/// Shell text that notes the debts of a task that is about to change something.
pub fn note(context: &Context, task: &Task, scope: &Scope, host: &Arc<Host>) -> String {
    if task.notify().is_empty() || are_not_kept(context, host) {
        return String::new();
    }
    let paths: Vec<String> = notifications::names(task, scope)
        .iter()
        .map(|(name, _)| path(context, name))
        .collect();
    if paths.is_empty() {
        return String::new();
    }
    format!(
        "(umask 077; mkdir -p {FOLDER}) 2>/dev/null && : >>{} 2>/dev/null; ",
        paths.join(" 2>/dev/null && : >>")
    )
}

/// The path of the debt of a handler, quoted.
pub fn path(context: &Context, handler: &str) -> String {
    quote(&format!("{FOLDER}/{}", file_name(context, handler)))
}

/// True for this computer: it is shared by all hosts that are it, and their debts could not be told apart.
pub fn are_not_kept(context: &Context, host: &Arc<Host>) -> bool {
    way::of_play(context, host).is_ok_and(|target| target.kind == connection::Kind::Local)
}

/// The file name of the debt of a handler.
pub fn file_name(context: &Context, handler: &str) -> String {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || c == '.' || c == '-' {
            c
        } else {
            '_'
        }
    };
    format!("{}.{handler}", context.play.name)
        .chars()
        .map(safe)
        .collect()
}
