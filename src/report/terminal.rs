//! The live view: what runs where and for how long stands at the bottom, lines scroll above it.

use super::plain::{Choice, lines};
use super::{Recap, Reporter};
use crate::event::{Event, Kind, TaskName};
use indexmap::IndexMap;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::Write;
use std::time::{Duration, Instant};

/// At most so many lines are live: the tasks that have run longest.
const LIVE: usize = 8;

/// Shows a run in a terminal.
pub struct Terminal {
    view: MultiProgress,
    total: ProgressBar,
    bars: Vec<ProgressBar>,
    running: IndexMap<(String, String), (TaskName, Instant)>,
    playbooks: usize,
    done: usize,
    choice: Choice,
    recap: Recap,
}

impl Terminal {
    /// A view on standard error; lines go to standard output.
    pub fn new(verbosity: u8) -> Terminal {
        let view = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        let style = |text: &str| {
            ProgressStyle::with_template(text).unwrap_or_else(|_| ProgressStyle::default_spinner())
        };
        let bars = (0..LIVE)
            .map(|_| {
                let bar = view.add(ProgressBar::new_spinner());
                bar.set_style(style("{msg}"));
                bar
            })
            .collect();
        let total = view.add(ProgressBar::new_spinner());
        total.set_style(style("{spinner} {elapsed} {msg}"));
        total.enable_steady_tick(Duration::from_millis(200));
        Terminal {
            view,
            total,
            bars,
            running: IndexMap::new(),
            playbooks: 0,
            done: 0,
            choice: Choice {
                verbosity,
                colour: true,
            },
            recap: Recap::default(),
        }
    }

    fn note(&mut self, event: &Event) {
        match &event.kind {
            Kind::RunStarted { playbooks, .. } => self.playbooks = playbooks.len(),
            Kind::TaskStarted(name) => {
                let key = (name.host.clone(), name.playbook.clone());
                self.running.insert(key, (name.clone(), Instant::now()));
            }
            Kind::TaskEnded(task) if task.item.is_none() => {
                self.running
                    .shift_remove(&(task.name.host.clone(), task.name.playbook.clone()));
            }
            Kind::PlaybookEnded { .. } => self.done += 1,
            _ => {}
        }
    }

    fn paint(&mut self) {
        for (at, bar) in self.bars.iter().enumerate() {
            let text = match self.running.get_index(at) {
                Some((_, (name, since))) => {
                    format!(
                        "  {:>5.1} s  {}  {} | {}",
                        since.elapsed().as_secs_f64(),
                        name.host,
                        name.playbook,
                        name.task
                    )
                }
                None => String::new(),
            };
            bar.set_message(text);
        }
        let more = self.running.len().saturating_sub(LIVE);
        let more = if more > 0 {
            format!(", {more} more tasks")
        } else {
            String::new()
        };
        self.total
            .set_message(format!("{} of {} playbooks{more}", self.done, self.playbooks));
    }
}

impl Reporter for Terminal {
    fn event(&mut self, event: &Event) {
        self.recap.event(event);
        self.note(event);
        let text = lines(event, self.choice, &self.recap);
        if matches!(event.kind, Kind::RunEnded { .. }) {
            self.total.finish_and_clear();
            self.bars.iter().for_each(ProgressBar::finish_and_clear);
        }
        if !text.is_empty() {
            // A terminal that has gone away does not stop the run.
            self.view.suspend(|| {
                let _ = std::io::stdout().write_all(text.as_bytes());
            });
        }
        if !matches!(event.kind, Kind::RunEnded { .. }) {
            self.paint();
        }
    }
}
