//! What a person would type: every task with its shell lines, those of hosts with the same lines together.

use super::Reporter;
use crate::event::{Event, Kind, Status, TaskEnded, TaskName};
use indexmap::IndexMap;
use std::fmt::Write as _;
use std::io::Write;

/// Gathers the lines of a run and writes them at its end, playbook by playbook.
pub struct Explain<W: Write + Send> {
    out: W,
    playbooks: IndexMap<String, Page>,
}

/// The tasks of a playbook, in the order they came.
type Page = IndexMap<(String, String), Lines>;

/// The lines of a task, and the hosts that need them.
type Lines = IndexMap<String, Vec<String>>;

impl<W: Write + Send> Explain<W> {
    /// Writes into `out`.
    pub fn new(out: W) -> Explain<W> {
        Explain {
            out,
            playbooks: IndexMap::new(),
        }
    }

    fn page(&mut self, name: &TaskName) -> &mut Lines {
        let page = self.playbooks.entry(name.playbook.clone()).or_default();
        page.entry((name.place.clone(), name.task.clone())).or_default()
    }

    fn task(&mut self, task: &TaskEnded) {
        let text = match (task.status, task.commands.is_empty()) {
            (_, false) => task.commands.join("\n"),
            (Status::Undecided, _) if !task.looped => {
                let origin = task.origin.as_deref().unwrap_or("what is done before it");
                format!("# cannot be told before {origin}")
            }
            (Status::Failed | Status::Unreachable, _) if !task.looped => {
                let message = task.message.as_deref().unwrap_or("it fails");
                message
                    .lines()
                    .map(|line| format!("# {line}\n"))
                    .collect::<String>()
                    .trim_end()
                    .to_string()
            }
            _ => return,
        };
        // The items of a loop were told one by one, the whole task says nothing new.
        if task.looped {
            return;
        }
        let host = task.name.host.clone();
        let lines = self.page(&task.name);
        // Lines of several items follow each other on each host.
        match lines
            .iter()
            .position(|(_, hosts)| task.item.is_some() && hosts.contains(&host))
        {
            Some(at) => {
                let before = lines
                    .get_index(at)
                    .map(|(text, _)| text.clone())
                    .unwrap_or_default();
                if let Some((_, hosts)) = lines.get_index_mut(at) {
                    hosts.retain(|known| *known != host);
                }
                lines.entry(format!("{before}\n{text}")).or_default().push(host);
                lines.retain(|_, hosts| !hosts.is_empty());
            }
            None => lines.entry(text).or_default().push(host),
        }
    }

    fn text(&self) -> String {
        let mut out = String::new();
        for (playbook, page) in &self.playbooks {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "### {playbook}");
            for ((place, task), lines) in page.iter().filter(|(_, lines)| !lines.is_empty()) {
                let _ = writeln!(out, "\n## {task} ({place})");
                for (text, hosts) in lines {
                    let _ = writeln!(out, "# on {}\n{text}", hosts.join(", "));
                }
            }
            if page.values().all(IndexMap::is_empty) {
                let _ = writeln!(out, "\n# nothing is left to be done");
            }
            out.push('\n');
        }
        out
    }
}

impl<W: Write + Send> Reporter for Explain<W> {
    fn event(&mut self, event: &Event) {
        match &event.kind {
            Kind::HostStarted(name) => drop(self.page(name)),
            Kind::TaskEnded(task) | Kind::ItemEnded(task) => self.task(task),
            Kind::RunEnded { .. } => {
                let text = self.text();
                // A reader that has gone away does not stop the run.
                let _ = self.out.write_all(text.as_bytes());
                let _ = self.out.flush();
            }
            _ => {}
        }
    }
}
