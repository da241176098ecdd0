//! What a module that is a program is given: its arguments, and Ansible's own among them.

use crate::value::{Map, Value, json, repr};
use crate::words::quote;

/// What Ansible's own arguments tell.
#[derive(Clone, Debug)]
pub struct Situation<'a> {
    /// Only plan.
    pub check: bool,
    /// Differences are wanted.
    pub diff: bool,
    /// Nothing is to be logged.
    pub no_log: bool,
    /// How many `-v`.
    pub verbosity: u8,
    /// The module, as the task names it.
    pub module: &'a str,
    /// The version of Ansible.
    pub version: &'a str,
    /// The folder of an account for files on their way.
    pub remote_tmp: &'a str,
}

impl Situation<'_> {
    /// Ansible's own arguments, without the beginning `_ansible_` of their names.
    fn all(&self) -> Map {
        let special = ["fuse", "nfs", "vboxsf", "ramfs", "9p", "vfat"];
        let entries: [(&str, Value); 18] = [
            ("check_mode", self.check.into()),
            ("no_log", self.no_log.into()),
            ("debug", false.into()),
            ("diff", self.diff.into()),
            ("verbosity", i64::from(self.verbosity).into()),
            ("version", self.version.into()),
            ("module_name", self.module.into()),
            ("syslog_facility", "LOG_USER".into()),
            ("selinux_special_fs", Value::list(special.map(Value::string))),
            ("string_conversion_action", "warn".into()),
            ("socket", Value::Null),
            ("shell_executable", "/bin/sh".into()),
            ("keep_remote_files", false.into()),
            ("tmpdir", Value::Null),
            ("remote_tmp", self.remote_tmp.into()),
            ("ignore_unknown_opts", false.into()),
            ("target_log_info", Value::Null),
            ("tracebacks_for", Value::list([])),
        ];
        entries
            .map(|(name, value)| (name.into(), value))
            .into_iter()
            .collect()
    }
}

/// The JSON that a module of Python reads; one that it does not know among Ansible's own would make it fail.
pub fn for_python(arguments: &Map, internal: &[String], situation: &Situation<'_>) -> Vec<u8> {
    let own = situation.all();
    let known = internal
        .iter()
        .filter_map(|name| Some((format!("_ansible_{name}"), own.get(name.as_str())?.clone())));
    let all = arguments
        .iter()
        .map(|(name, value)| (name.to_string(), value.clone()))
        .chain(known);
    let all = Value::map([("ANSIBLE_MODULE_ARGS", Value::map(all))]);
    json(&all, None, false).into_bytes()
}

/// The arguments of a module in another language, with all of Ansible's own.
fn with_internal(arguments: &Map, situation: &Situation<'_>) -> Map {
    let own = situation.all().into_iter();
    let own = own.map(|(name, value)| (format!("_ansible_{name}").into(), value));
    arguments.clone().into_iter().chain(own).collect()
}

/// The JSON that a module in another language reads.
pub fn as_json(arguments: &Map, situation: &Situation<'_>) -> String {
    json(
        &Value::Map(with_internal(arguments, situation).into()),
        None,
        false,
    )
}

/// The `key=value` that an old-style module reads: what is no text, in Python's writing.
pub fn as_pairs(arguments: &Map, situation: &Situation<'_>) -> String {
    let pair = |(name, value): (&std::sync::Arc<str>, &Value)| {
        let text = value.as_str().map_or_else(|| repr(value), str::to_string);
        format!("{name}={} ", quote(&text))
    };
    with_internal(arguments, situation).iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn situation() -> Situation<'static> {
        Situation {
            check: true,
            diff: false,
            no_log: false,
            verbosity: 0,
            module: "mine",
            version: crate::bridge::VERSION,
            remote_tmp: crate::bridge::REMOTE_TMP,
        }
    }

    fn arguments() -> Map {
        let entries = [
            ("a", "b c".into()),
            ("l", Value::list([true.into(), Value::Null])),
        ];
        entries
            .map(|(name, value): (&str, Value)| (name.into(), value))
            .into_iter()
            .collect()
    }

    #[test]
    fn python_is_told_only_what_its_ansible_core_knows() {
        let internal = ["check_mode".to_string(), "new_one".to_string()];
        let text = for_python(&arguments(), &internal, &situation());
        let wanted =
            r#"{"ANSIBLE_MODULE_ARGS": {"a": "b c", "l": [true, null], "_ansible_check_mode": true}}"#;
        assert_eq!(String::from_utf8_lossy(&text), wanted);
    }

    #[test]
    fn pairs_are_in_the_writing_of_python() {
        let text = as_pairs(&arguments(), &situation());
        assert!(
            text.starts_with("a='b c' l='[True, None]' _ansible_check_mode=True "),
            "{text}"
        );
    }
}
