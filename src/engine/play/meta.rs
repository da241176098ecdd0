//! `meta`: things about the run itself.

use super::super::host::Host;
use super::super::items::Failed;
use super::super::result::TaskResult;
use super::super::task::OnHost;
use super::Context;
use crate::model::Task;
use crate::vars::Layer;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Words whose conditions every host is asked; of those that concern the whole play Ansible asks the first alone.
const EVERY: [&str; 5] = [
    "noop",
    "reset_connection",
    "end_host",
    "end_role",
    "flush_handlers",
];

impl Context {
    /// `meta`: things about the run itself.
    pub(in crate::engine) async fn meta(
        self: &Arc<Context>,
        task: &Arc<Task>,
        hosts: &[Arc<Host>],
        parameters: &[Layer],
    ) -> Failed {
        let word = task
            .action
            .free_form
            .as_ref()
            .and_then(|placed| placed.value.as_str())
            .unwrap_or_default()
            .trim()
            .to_string();
        let asked = match EVERY.contains(&word.as_str()) {
            true => hosts,
            false => &hosts[..1],
        };
        let (chosen, mut failed) = self.holding(task, asked, parameters);
        match word.as_str() {
            "flush_handlers" => {
                let gone = self.flush(&chosen).await;
                failed.extend(gone.into_iter().map(|host| (host, None)));
            }
            "end_play" | "end_batch" if !chosen.is_empty() => {
                self.ended.fetch_or(word == "end_play", Ordering::Relaxed);
                hosts.iter().for_each(|host| self.end(host));
            }
            "end_host" => chosen.iter().for_each(|host| self.end(host)),
            "clear_facts" if !chosen.is_empty() => {
                for host in hosts {
                    let mut data = host.data();
                    data.facts = Arc::default();
                    data.gathered = false;
                }
            }
            "refresh_inventory" if !chosen.is_empty() => {
                if let Err(error) = self.run.refresh().await {
                    self.run.tell_error(&self.name, &self.title(), &error);
                    hosts.iter().for_each(|host| self.failed(host, false));
                }
            }
            "clear_host_errors" if !chosen.is_empty() => self.out().clear(),
            "reset_connection" => {
                for host in &chosen {
                    host.reset().await;
                }
            }
            _ => {}
        }
        failed
    }

    /// The hosts for which the conditions hold, and those for which they are wrong.
    fn holding(
        self: &Arc<Context>,
        task: &Arc<Task>,
        hosts: &[Arc<Host>],
        parameters: &[Layer],
    ) -> (Vec<Arc<Host>>, Failed) {
        let mut chosen = vec![];
        let mut failed: Failed = vec![];
        for host in hosts {
            let on_host = OnHost::new(self, host, task, parameters);
            match on_host.holds() {
                Ok(true) => chosen.push(host.clone()),
                Ok(false) => {}
                Err(error) => {
                    let result = TaskResult::error(&error);
                    on_host.tell_end(&result);
                    self.failed(host, false);
                    failed.push((host.clone(), Some((task.clone(), result))));
                }
            }
        }
        (chosen, failed)
    }
}
