//! How a run is shown under Ansible's names: the settings of the callback `default` and of Ansible's display.

use super::setting_reader::SettingReader;
use super::sources::Maker;

/// The settings of Ansible's callback `default` and of its display.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shown {
    /// Skipped hosts (true if nobody says otherwise).
    pub display_skipped_hosts: Option<bool>,
    /// Hosts on which nothing changed (true if nobody says otherwise).
    pub display_ok_hosts: Option<bool>,
    /// Failures go to standard error.
    pub display_failed_stderr: Option<bool>,
    /// A line for each host that begins with a task.
    pub show_per_host_start: Option<bool>,
    /// `[CHECK MODE]` in banners.
    pub check_mode_markers: Option<bool>,
    /// The place of a task that fails.
    pub show_task_path_on_failure: Option<bool>,
    /// Results on several lines (`callback_format_pretty`).
    pub pretty_results: Option<bool>,
    /// Colours even where there is no terminal.
    pub force_color: Option<bool>,
    /// No colours.
    pub nocolor: Option<bool>,
    /// It is said that there are no hosts (true if nobody says otherwise).
    pub localhost_warning: Option<bool>,
    /// So many `-v` more.
    pub verbosity: u8,
    /// Who writes standard output (`stdout_callback`).
    pub stdout_callback: Option<String>,
    /// `ansible` heeds it too (`bin_ansible_callbacks`).
    pub bin_ansible_callbacks: Option<bool>,
}

impl Shown {
    pub(super) fn read(reader: &mut SettingReader) -> Shown {
        let mut of_default = |name: &str| reader.flag_of("callback default", name);
        let shown = Shown {
            display_skipped_hosts: of_default("display_skipped_hosts"),
            display_ok_hosts: of_default("display_ok_hosts"),
            display_failed_stderr: of_default("display_failed_stderr"),
            show_per_host_start: of_default("show_per_host_start"),
            check_mode_markers: of_default("check_mode_markers"),
            show_task_path_on_failure: of_default("show_task_path_on_failure"),
            pretty_results: of_default("pretty_results"),
            ..Shown::default()
        };
        // https://no-color.org: whatever that variable is set to; who writes looks at it.
        let general = reader
            .setting("ANSIBLE_NOCOLOR")
            .is_some_and(|setting| setting.maker == Maker::Variable("NO_COLOR"));
        Shown {
            force_color: reader.flag("ANSIBLE_FORCE_COLOR"),
            nocolor: (!general).then(|| reader.flag("ANSIBLE_NOCOLOR")).flatten(),
            localhost_warning: reader.flag("LOCALHOST_WARNING"),
            verbosity: reader
                .number("DEFAULT_VERBOSITY")
                .map_or(0, |number| u8::try_from(number).unwrap_or(u8::MAX)),
            stdout_callback: reader.text("DEFAULT_STDOUT_CALLBACK"),
            bin_ansible_callbacks: reader.flag("DEFAULT_LOAD_CALLBACK_PLUGINS"),
            ..shown
        }
    }
}
