//! Names of variables that are also those of keywords of plays and tasks, or of what templates have anyway.

use crate::error::Error;
use crate::source::Place;

/// Ansible's list, without `vars`, which it sets itself; sorted.
const NAMES: &[&str] = &[
    "action",
    "always",
    "any_errors_fatal",
    "args",
    "async",
    "async_val",
    "become",
    "become_exe",
    "become_flags",
    "become_method",
    "become_user",
    "block",
    "changed_when",
    "check_mode",
    "collections",
    "connection",
    "cycler",
    "debugger",
    "delay",
    "delegate_facts",
    "delegate_to",
    "dict",
    "diff",
    "environment",
    "fact_path",
    "failed_when",
    "force_handlers",
    "gather_facts",
    "gather_timeout",
    "handlers",
    "hosts",
    "ignore_errors",
    "ignore_unreachable",
    "joiner",
    "lipsum",
    "local_action",
    "lookup",
    "loop",
    "loop_control",
    "loop_with",
    "max_fail_percentage",
    "module_defaults",
    "name",
    "namespace",
    "no_log",
    "notify",
    "now",
    "omit",
    "order",
    "poll",
    "port",
    "post_tasks",
    "pre_tasks",
    "q",
    "query",
    "range",
    "register",
    "remote_user",
    "rescue",
    "retries",
    "roles",
    "run_once",
    "serial",
    "strategy",
    "tags",
    "tasks",
    "throttle",
    "timeout",
    "undef",
    "until",
    "vars_files",
    "vars_prompt",
    "when",
    "with_",
];

/// What Ansible warns of when a variable has such a name.
pub fn warning(name: &str, place: &Place) -> Option<Error> {
    NAMES.binary_search(&name).ok()?;
    Some(Error::new(format!("Found variable using reserved name '{name}'.")).at(place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    #[test]
    fn the_names_are_sorted_and_found() {
        assert!(NAMES.is_sorted());
        let place = Place::new(&Source::named("x", "q: 1".into()), 0..1);
        let text = warning("q", &place).map(|warning| warning.message().to_string());
        assert_eq!(text.as_deref(), Some("Found variable using reserved name 'q'."));
        assert!(warning("vars", &place).is_none() && warning("mine", &place).is_none());
    }
}
