//! How a run is shown under Ansible's names, by the settings and the terminal there are.

use crate::cli::project::Project;
use crate::report::ansible::{Ansible, Callback, Minimal, Style};
use crate::report::{Display, Reporter};
use std::io::{IsTerminal, stderr, stdout};

/// Columns of a banner without a terminal, and at least.
const COLUMNS: usize = 79;

/// The callback of the configuration; one that Vent does not have is said, and `default` takes its place.
pub fn callback(project: &Project) -> Callback {
    let Some(name) = &project.shown.stdout_callback else {
        return Callback::Default;
    };
    Callback::of_name(name).unwrap_or_else(|| {
        crate::cli::say(&format!(
            "[WARNING]: Vent does not have the callback `{name}` (`stdout_callback`): it shows the run as `default` does"
        ));
        Callback::Default
    })
}

/// Who shows a run on standard output, for so many `-v`.
pub fn reporter(callback: Callback, project: &Project, verbosity: u8) -> Box<dyn Reporter> {
    let display = display(project, verbosity);
    let minimal = |style, display| Box::new(Minimal::new(stdout(), stderr(), display, style));
    match callback {
        Callback::Default => Box::new(Ansible::new(stdout(), stderr(), display)),
        Callback::Minimal => minimal(Style::Minimal, display),
        Callback::OneLine => minimal(Style::OneLine, display),
    }
}

fn display(project: &Project, verbosity: u8) -> Display {
    let shown = &project.shown;
    let stdout = stdout();
    let columns = match stdout.is_terminal() {
        true => rustix::termios::tcgetwinsize(&stdout).map_or(0, |size| usize::from(size.ws_col)),
        false => 0,
    };
    let is_dumb = std::env::var_os("TERM").is_some_and(|name| name == "dumb");
    let plain = shown.nocolor == Some(true) || std::env::var_os("NO_COLOR").is_some();
    let capable = stdout.is_terminal() && !is_dumb && !plain;
    Display {
        verbosity: verbosity.max(shown.verbosity),
        colour: shown.force_color == Some(true) || capable,
        columns: columns.saturating_sub(1).max(COLUMNS),
        skipped_hosts: shown.display_skipped_hosts.unwrap_or(true),
        ok_hosts: shown.display_ok_hosts.unwrap_or(true),
        failed_on_stderr: shown.display_failed_stderr.unwrap_or(false),
        per_host_start: shown.show_per_host_start.unwrap_or(false),
        check_mode_markers: shown.check_mode_markers.unwrap_or(false),
        task_path_on_failure: shown.show_task_path_on_failure.unwrap_or(false),
        pretty_results: shown.pretty_results,
        config_file: project
            .config_file
            .as_ref()
            .map(|path| path.display().to_string()),
    }
}
