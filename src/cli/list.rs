//! `--list-hosts`, `--list-tasks`, and `vent graph`.

use super::run::RunCommand;
use crate::error::{Errors, Result};
use crate::graph::Graph;
use crate::inventory::{Inventory, pattern};
use crate::model::Item;
use crate::value::Value;
use std::fmt::Write;

/// Lists hosts or tasks of every play.
///
/// # Errors
/// A pattern that cannot be read.
pub fn list(graph: &Graph, inventory: &Inventory, command: &RunCommand) -> Result<(), Errors> {
    let mut out = String::new();
    for node in &graph.nodes {
        let _ = writeln!(out, "\nplaybook: {}", node.playbook.path.display());
        for (number, play) in node.plays.iter().enumerate() {
            let _ = writeln!(
                out,
                "\n  play #{} ({}): {}",
                number + 1,
                play.hosts.value.as_str().unwrap_or("list"),
                play.title()
            );
            if command.list_hosts {
                hosts(&mut out, inventory, play, command)?;
            }
            if command.list_tasks {
                let _ = writeln!(out, "    tasks:");
                play.items().for_each(|items| tasks(&mut out, items));
            }
        }
    }
    super::print(&out);
    Ok(())
}

fn hosts(
    out: &mut String,
    inventory: &Inventory,
    play: &crate::model::Play,
    command: &RunCommand,
) -> Result<(), Errors> {
    if let Value::Template(text) = &play.hosts.value {
        let _ = writeln!(out, "    hosts: decided when the play starts: {}", text.text);
        return Ok(());
    }
    let mut found = pattern::hosts(inventory, &play.hosts.value, &play.hosts.place)?;
    for error in pattern::unmatched(inventory, &play.hosts.value, &play.hosts.place)? {
        super::say(&format!("[WARNING]: {}", error.line()));
    }
    if let Some(limit) = &command.limit {
        let limited = pattern::limit(inventory, limit)?;
        found.retain(|name| limited.hosts.contains(name));
    }
    let _ = writeln!(out, "    hosts ({}):", found.len());
    for name in found {
        let _ = writeln!(out, "      {name}");
    }
    Ok(())
}

fn tasks(out: &mut String, items: &[Item]) {
    for item in items {
        match item {
            Item::Block(block) => {
                [&block.block, &block.rescue, &block.always]
                    .into_iter()
                    .for_each(|list| tasks(out, list));
            }
            Item::Task(task) => task_line(out, task),
            Item::Include(include) => task_line(out, &include.task),
        }
    }
}

fn task_line(out: &mut String, task: &crate::model::Task) {
    let name = task.keywords.name.as_ref().and_then(|name| name.value.as_str());
    let role = task
        .role()
        .map(|role| format!("{} : ", role.name))
        .unwrap_or_default();
    let tags: Vec<&str> = task.tags().iter().filter_map(|tag| tag.value.as_str()).collect();
    let _ = writeln!(
        out,
        "      {role}{}\tTAGS: [{}]",
        name.unwrap_or(&task.action.module),
        tags.join(", ")
    );
}

/// The graph as text: every playbook with what it needs, needs that others imply left out.
pub fn drawn(graph: &Graph) -> String {
    let mut out = String::new();
    for (at, node) in graph.nodes.iter().enumerate() {
        let needs: Vec<&str> = graph
            .reduced(at)
            .into_iter()
            .map(|need| graph.nodes[need].name.as_str())
            .collect();
        let needs = if needs.is_empty() {
            String::new()
        } else {
            format!(" <- {}", needs.join(", "))
        };
        let _ = writeln!(out, "{}{needs}", node.name);
    }
    out
}

/// The graph in the language of Graphviz.
pub fn dot(graph: &Graph) -> String {
    let mut out = String::from("digraph vent {\n  rankdir = LR;\n");
    for (at, node) in graph.nodes.iter().enumerate() {
        let _ = writeln!(out, "  \"{}\";", node.name);
        for need in graph.reduced(at) {
            let _ = writeln!(out, "  \"{}\" -> \"{}\";", graph.nodes[need].name, node.name);
        }
    }
    out.push_str("}\n");
    out
}
