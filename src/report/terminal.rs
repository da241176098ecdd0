//! The live view: what runs where and for how long stands at the bottom, lines scroll above it.

use super::duration::duration;
use super::plain::{Choice, lines};
use super::running::Running;
use super::width::{cut, width};
use super::{Recap, Reporter};
use crate::event::{Event, Kind};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// At most so many tasks are live lines: those that have run longest.
const LIVE: usize = 8;
/// How often the view is painted. A task is shown from the second painting on, so that short ones do not flicker.
const PERIOD: Duration = Duration::from_millis(200);
/// The columns of a terminal that does not tell its size.
const COLUMNS: usize = 80;
/// Names of hosts are filled up to the longest one beside them, but no further than this.
const WIDEST: usize = 24;
/// What turns while something runs.
const SPINNER: [char; 4] = ['|', '/', '-', '\\'];

/// Shows a run in a terminal.
pub struct Terminal {
    view: Arc<View>,
    choice: Choice,
    recap: Recap,
}

/// The lines at the bottom, painted at every event that writes lines and by a thread in between.
struct View {
    bar: ProgressBar,
    state: Mutex<State>,
    /// How the terminal was before.
    before: Option<Termios>,
}

impl Drop for View {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // A terminal that has gone away needs nothing any more.
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
        }
    }
}

/// Keeps the terminal from showing a typed Ctrl-C as `^C`, which would push the view down by a line. Gives how it
/// was before.
fn hush() -> Option<Termios> {
    let input = std::io::stdin();
    // Only the program in front may set the terminal; another would be stopped.
    if tcgetpgrp(&input).ok()? != rustix::process::getpgrp() {
        return None;
    }
    let before = tcgetattr(&input).ok()?;
    let mut quiet = before.clone();
    quiet.local_modes.remove(LocalModes::ECHOCTL);
    tcsetattr(&input, OptionalActions::Now, &quiet).ok()?;
    Some(before)
}

struct State {
    started: Instant,
    running: Running,
    playbooks: usize,
    done: usize,
    ended: bool,
}

impl Terminal {
    /// A view on standard error; lines go to standard output.
    pub fn new(verbosity: u8, colour: bool) -> Terminal {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(20));
        bar.set_style(
            ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
        );
        let state = State {
            started: Instant::now(),
            running: Running::default(),
            playbooks: 0,
            done: 0,
            ended: false,
        };
        let view = Arc::new(View {
            bar,
            state: Mutex::new(state),
            before: hush(),
        });
        let painter = Arc::downgrade(&view);
        // Without the thread the view stands still between two events; the run does not depend on it.
        let _ = std::thread::Builder::new()
            .name("live view".into())
            .spawn(move || paint_again(&painter));
        Terminal {
            view,
            choice: Choice { verbosity, colour },
            recap: Recap::default(),
        }
    }
}

/// Paints until the run has ended.
fn paint_again(view: &Weak<View>) {
    loop {
        std::thread::sleep(PERIOD);
        match view.upgrade() {
            Some(view) if !view.state().ended => view.paint(),
            _ => return,
        }
    }
}

impl View {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Paints; the lock is held meanwhile, so that nothing is painted after the end.
    fn paint(&self) {
        let state = self.state();
        if !state.ended {
            self.bar.set_message(state.text(columns(), Instant::now()));
        }
    }
}

impl State {
    fn note(&mut self, event: &Event) {
        self.running.note(event);
        match &event.kind {
            Kind::RunStarted { playbooks, .. } => self.playbooks = playbooks.len(),
            Kind::PlaybookEnded { .. } => self.done += 1,
            Kind::RunEnded { .. } => self.ended = true,
            _ => {}
        }
    }

    /// The lines, each within `columns`.
    fn text(&self, columns: usize, now: Instant) -> String {
        let age = |since: &Instant| now.saturating_duration_since(*since);
        let long = self.running.longer_than(PERIOD, now);
        let shown = &long[..long.len().min(LIVE)];
        let hosts = shown.iter().map(|task| width(&task.name.host)).max().unwrap_or(0);
        let mut text = String::new();
        for task in shown {
            let name = &task.name;
            let blank = " ".repeat(hosts.min(WIDEST).saturating_sub(width(&name.host)));
            let line = format!(
                "  {:>9}  {}{blank}  {} | {}{}",
                duration(task.age(now).as_secs_f64()),
                name.host,
                name.playbook,
                name.task,
                task.progress
                    .as_ref()
                    .map(|text| format!(" ({text})"))
                    .unwrap_or_default()
            );
            text.push_str(&cut(&line, columns));
            text.push('\n');
        }
        let elapsed = age(&self.started);
        let turn = (elapsed.as_millis() / PERIOD.as_millis()) as usize % SPINNER.len();
        let more = match long.len().saturating_sub(LIVE) {
            0 => String::new(),
            1 => ", 1 more task".to_string(),
            more => format!(", {more} more tasks"),
        };
        let line = format!(
            "{} {}, {} of {} playbook{} done{more}",
            SPINNER[turn],
            duration(elapsed.as_secs_f64()),
            self.done,
            self.playbooks,
            if self.playbooks == 1 { "" } else { "s" }
        );
        text.push_str(&cut(&line, columns));
        text
    }
}

fn columns() -> usize {
    let size = rustix::termios::tcgetwinsize(std::io::stderr());
    let columns = size.map_or(0, |size| usize::from(size.ws_col));
    if columns == 0 { COLUMNS } else { columns }
}

impl Reporter for Terminal {
    fn event(&mut self, event: &Event) {
        self.recap.event(event);
        let ended = {
            let mut state = self.view.state();
            state.note(event);
            state.ended
        };
        if ended {
            self.view.bar.finish_and_clear();
        }
        let text = lines(event, self.choice, &self.recap);
        if !text.is_empty() {
            self.view.bar.suspend(|| {
                // A terminal that has gone away does not stop the run.
                let _ = std::io::stdout().write_all(text.as_bytes());
                let _ = std::io::stdout().flush();
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::TaskName;

    fn started(host: &str, task: &str) -> Event {
        let name = TaskName {
            playbook: "etcd".into(),
            host: host.into(),
            task: task.into(),
            place: task.into(),
            ..TaskName::default()
        };
        Event {
            time: 0.0,
            kind: Kind::HostStarted(name),
        }
    }

    fn state(count: usize) -> State {
        let mut state = State {
            started: Instant::now(),
            running: Running::default(),
            playbooks: 3,
            done: 1,
            ended: false,
        };
        for number in 0..count {
            state.note(&started(
                &format!("node-{number}"),
                "A task whose name is a long sentence",
            ));
        }
        state
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_what_is_too_much_is_counted() {
        let state = state(10);
        let later = Instant::now() + Duration::from_secs(2);
        let text = state.text(40, later);
        assert_eq!(text.lines().count(), LIVE + 1);
        assert!(text.lines().all(|line| line.chars().count() < 40), "{text}");
        assert!(
            text.starts_with("      2.0 s  node-0  etcd | A task w...\n"),
            "{text}"
        );
        assert!(
            state
                .text(80, later)
                .ends_with(" 2.0 s, 1 of 3 playbooks done, 2 more tasks"),
            "{text}"
        );
    }

    #[test]
    fn what_has_just_begun_is_not_shown_yet() {
        assert_eq!(state(3).text(80, Instant::now()).lines().count(), 1);
    }
}
