//! The keywords that plays, roles, blocks and tasks share.

use super::reader::{Reader, Takes};
use crate::model::Keywords;
use crate::yaml::Node;

/// What can hold keywords.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Level {
    Play,
    Role,
    Block,
    Task,
}

/// Keywords of plays, roles, blocks and tasks.
pub(super) const SHARED: &[&str] = &[
    "any_errors_fatal",
    "become",
    "become_exe",
    "become_flags",
    "become_method",
    "become_user",
    "check_mode",
    "collections",
    "connection",
    "debugger",
    "diff",
    "environment",
    "ignore_errors",
    "ignore_unreachable",
    "module_defaults",
    "name",
    "no_log",
    "port",
    "remote_user",
    "run_once",
    "tags",
    "throttle",
    "timeout",
    "vars",
];

/// Those that plays do not have.
pub(super) const BELOW_PLAYS: &[&str] = &["delegate_facts", "delegate_to", "when"];

impl Reader<'_> {
    /// Reads a shared keyword; false if the key is none at this level.
    pub fn keyword(&mut self, keywords: &mut Keywords, level: Level, key: &Node, node: &Node) -> bool {
        let name = key.text().unwrap_or_default();
        let known = SHARED.contains(&name)
            || (level != Level::Play && BELOW_PLAYS.contains(&name))
            || (name == "notify" && matches!(level, Level::Block | Level::Task));
        if !known {
            return false;
        }
        match name {
            "when" => keywords.when = self.conditions(name, node),
            "vars" => keywords.vars = self.variables(name, node).into(),
            "tags" => keywords.tags = self.comma_list(node),
            "notify" => keywords.notify = self.list(node),
            "environment" => keywords.environment = self.list(node),
            "module_defaults" => keywords.module_defaults = self.list(node),
            "collections" => {
                let names = self.list(node);
                let names = names.iter().filter_map(|placed| placed.value.as_str());
                keywords.collections = names.map(str::to_string).collect();
            }
            "debugger" => self.refuse(
                "there is no debugger for tasks here; remove `debugger`",
                &key.place,
            ),
            _ => self.single(keywords, name, node),
        }
        true
    }

    fn single(&mut self, keywords: &mut Keywords, name: &str, node: &Node) {
        let (slot, takes) = match name {
            "name" => (&mut keywords.name, Takes::Text),
            "connection" => (&mut keywords.connection, Takes::Text),
            "port" => (&mut keywords.port, Takes::Number),
            "remote_user" => (&mut keywords.remote_user, Takes::Text),
            "become" => (&mut keywords.r#become, Takes::Flag),
            "become_user" => (&mut keywords.become_user, Takes::Text),
            "become_method" => (&mut keywords.become_method, Takes::Text),
            "become_flags" => (&mut keywords.become_flags, Takes::Text),
            "become_exe" => (&mut keywords.become_exe, Takes::Text),
            "delegate_to" => (&mut keywords.delegate_to, Takes::Text),
            "delegate_facts" => (&mut keywords.delegate_facts, Takes::Flag),
            "run_once" => (&mut keywords.run_once, Takes::Flag),
            "ignore_errors" => (&mut keywords.ignore_errors, Takes::Flag),
            "ignore_unreachable" => (&mut keywords.ignore_unreachable, Takes::Flag),
            "any_errors_fatal" => (&mut keywords.any_errors_fatal, Takes::Flag),
            "no_log" => (&mut keywords.no_log, Takes::Flag),
            "check_mode" => (&mut keywords.check_mode, Takes::Flag),
            "diff" => (&mut keywords.diff, Takes::Flag),
            "throttle" => (&mut keywords.throttle, Takes::Number),
            _ => (&mut keywords.timeout, Takes::Number),
        };
        *slot = self.setting(name, node, takes);
    }
}
