//! `--list-hosts`, `--list-tasks`, `--list-tags`, in Ansible's form, and `vent graph`.

use super::choices::Choices;
use crate::engine::ListedPlaybook;
use crate::graph::Graph;
use crate::value::{Value, repr};
use std::collections::BTreeSet;
use std::fmt::Write;

/// The lists that were asked for, letter by letter as ansible-playbook prints them. (Its hosts, and the tags of its plays, come in no
/// order; here they stand in the order of the inventory and of the file.)
pub fn text(playbooks: &[ListedPlaybook], choices: &Choices) -> String {
    let mut out = String::new();
    for playbook in playbooks {
        let _ = writeln!(out, "\nplaybook: {}", playbook.path.display());
        for (number, play) in playbook.plays.iter().enumerate() {
            let patterns = play.patterns.as_ref().map(|patterns| patterns.join(","));
            let (patterns, tags) = (patterns.unwrap_or_default(), play.tags.join(","));
            let number = number + 1;
            let _ = writeln!(
                out,
                "\n  play #{number} ({patterns}): {}\tTAGS: [{tags}]",
                play.name
            );
            if choices.list_hosts {
                let patterns = play.patterns.as_ref();
                let patterns = patterns.map(|patterns| Value::list(patterns.iter().map(Value::string)));
                let patterns = repr(&patterns.unwrap_or(Value::Null));
                let _ = writeln!(out, "    pattern: {patterns}\n    hosts ({}):", play.hosts.len());
                for host in &play.hosts {
                    let _ = writeln!(out, "      {host}");
                }
            }
            let own: BTreeSet<&str> = play.tags.iter().map(String::as_str).collect();
            let mut all = own.clone();
            let mut lines = String::new();
            for task in &play.tasks {
                let tags = task.tags.iter().map(String::as_str);
                let tags: BTreeSet<&str> = own.iter().copied().chain(tags).collect();
                let _ = writeln!(lines, "      {}\tTAGS: [{}]", task.name, joined(&tags));
                all.extend(tags);
            }
            if choices.list_tasks {
                let _ = write!(out, "    tasks:\n{lines}");
            }
            if choices.list_tags {
                let _ = writeln!(out, "      TASK TAGS: [{}]", joined(&all));
            }
        }
    }
    out
}

fn joined(tags: &BTreeSet<&str>) -> String {
    tags.iter().copied().collect::<Vec<_>>().join(", ")
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
