//! What a module that is a program printed, read as Ansible reads it.

use super::Outcome;
use crate::content::unified;
use crate::event::Diff;
use crate::value::{JsonProblem, Map, Value, json, parse_json, to_bool, truthy};
use std::sync::Arc;

/// What a module left behind.
#[derive(Clone, Copy, Debug)]
pub struct ModuleOutput<'a> {
    /// Its standard output, with the result.
    pub stdout: &'a [u8],
    /// Its standard error.
    pub stderr: &'a [u8],
    /// Its exit status, which says nothing of failure.
    pub code: i64,
}

/// A result, and what is to be told beside it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModuleResult {
    /// The result.
    pub outcome: Outcome,
    /// Warnings, and what is deprecated.
    pub warnings: Vec<String>,
}

/// Facts that a module may not set, by their beginnings and ends: they say how hosts are reached.
const CONNECTION_FACTS: [&str; 9] = [
    "ansible_become",
    "ansible_connection",
    "ansible_host",
    "ansible_user",
    "ansible_port",
    "ansible_password",
    "ansible_ssh_",
    "ansible_local_",
    "discovered_interpreter_",
];
const OTHER_FACTS: [&str; 5] = [
    "ansible_facts",
    "ansible_rsync_path",
    "ansible_playbook_python",
    "ansible_remote_tmp",
    "ansible_winrm",
];

impl ModuleOutput<'_> {
    /// Reads the result.
    pub fn result(&self) -> ModuleResult {
        let text = String::from_utf8_lossy(self.stdout);
        let mut warnings = vec![];
        let parsed = match object(&text) {
            Ok((object, junk)) => {
                if !junk.is_empty() {
                    warnings.push(format!("Module invocation had junk after the JSON data: {junk}"));
                }
                parse_json(&object).map_err(|problem| match problem {
                    JsonProblem::NotUtf8 => "it holds data that is no UTF-8",
                    JsonProblem::At(_) => "what begins like a JSON object is none",
                })
            }
            Err(why) => Err(why),
        };
        match parsed {
            Ok(Value::Map(map)) => read(Arc::unwrap_or_clone(map), warnings),
            Ok(_) => self.unreadable("it is no JSON object"),
            Err(why) => self.unreadable(why),
        }
    }

    /// There is no result.
    fn unreadable(&self, why: &str) -> ModuleResult {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let stderr = text(self.stderr);
        let missing = ["No such file or directory", "not found", "No module named"];
        let message = match stderr.lines().last() {
            Some(last) if self.code == 127 || missing.iter().any(|sign| last.contains(sign)) => {
                format!(
                    "The module failed to execute correctly, you probably need to set the interpreter: {last}"
                )
            }
            _ => format!("Module result deserialization failed: {why}."),
        };
        let outcome = Outcome::new()
            .changed(false)
            .with("module_stdout", text(self.stdout))
            .with("module_stderr", stderr)
            .with("rc", self.code)
            .failed(message);
        ModuleResult {
            outcome,
            warnings: vec![],
        }
    }
}

/// The lines from the first that begins with `{` to the last that ends with `}`, and what is behind them.
fn object(text: &str) -> Result<(String, String), &'static str> {
    let lines: Vec<&str> = text.lines().collect();
    let begin = lines.iter().position(|line| line.trim().starts_with('{'));
    let begin = begin.ok_or("no start of json char found")?;
    let end = lines.iter().rposition(|line| line.trim().ends_with('}'));
    let end = end
        .filter(|end| *end >= begin)
        .ok_or("no end of json char found")?;
    Ok((lines[begin..=end].join("\n"), lines[end + 1..].join("\n")))
}

fn read(mut map: Map, mut warnings: Vec<String>) -> ModuleResult {
    map.retain(|name, _| !name.starts_with("_ansible_"));
    // The last is what the module was given: it is told only to those who ask for it.
    for name in ["add_host", "add_group", "invocation"] {
        map.shift_remove(name);
    }
    if map.get("results").is_some_and(|value| value.as_list().is_none())
        && let Some(value) = map.shift_remove("results")
    {
        map.insert("ansible_module_results".into(), value);
    }
    let junk: Vec<Value> = warnings.drain(..).map(Value::from).collect();
    let mut told = |name: &str, beginning: &str, before: &[Value]| {
        let items = match map.shift_remove(name) {
            Some(Value::List(items)) => items.to_vec(),
            Some(Value::Null) | None => vec![],
            Some(single) => vec![single],
        };
        let items: Vec<Value> = before.iter().cloned().chain(items.iter().map(plain)).collect();
        for item in &items {
            let text = item.get("msg").unwrap_or(item);
            warnings.push(format!("{beginning}{}", text.as_str().unwrap_or_default()));
        }
        if !items.is_empty() {
            map.insert(name.into(), items.into());
        }
    };
    told("warnings", "", &junk);
    told("deprecations", "deprecated: ", &[]);
    if let Some(exception) = map.get("exception").map(traceback) {
        map.insert("exception".into(), exception.into());
    }
    for stream in ["stdout", "stderr"] {
        let lines = format!("{stream}_lines");
        if let Some(text) = map.get(stream).and_then(Value::as_str)
            && !map.contains_key(lines.as_str())
        {
            let all = Value::list(text.lines().map(Value::string));
            map.insert(lines.into(), all);
        }
    }
    let flag = |name: &str| {
        map.get(name)
            .is_some_and(|value| to_bool(value).unwrap_or(truthy(value)))
    };
    let failed = match map.get("failed") {
        Some(_) => flag("failed"),
        None => map
            .get("rc")
            .is_some_and(|code| !matches!(code, Value::Int(0) | Value::Null) && code.as_str() != Some("0")),
    };
    let (changed, skipped) = (flag("changed"), flag("skipped"));
    let message = || match map.get("msg") {
        Some(Value::String(text)) => text.to_string(),
        Some(other) => json(other, None, false),
        None if map.get("rc").is_some() => "non-zero return code".into(),
        None => "the module failed and does not say why".into(),
    };
    let mut outcome = Outcome::new().changed(changed);
    if failed {
        outcome = outcome.failed(message());
    } else if skipped {
        outcome = outcome.skipped(message());
    }
    outcome.returned_facts = facts(&mut map);
    outcome.diffs = map.get("diff").map(diffs).unwrap_or_default();
    for name in ["changed", "failed", "skipped"] {
        map.shift_remove(name);
    }
    outcome.fields.extend(map);
    ModuleResult { outcome, warnings }
}

/// A value of the newer ansible-core, which has objects for warnings and failures, as the older ones write it.
fn plain(value: &Value) -> Value {
    match value.get("event").and_then(|event| event.get("msg")) {
        Some(message) => {
            let mut map = Map::new();
            map.insert("msg".into(), message.clone());
            for name in ["version", "date"] {
                if let Some(value) = value.get(name).filter(|value| !value.is_null()) {
                    map.insert(name.into(), value.clone());
                }
            }
            let by = value.get("deprecator").and_then(|by| by.get("resolved_name"));
            if let Some(by) = by {
                map.insert("collection_name".into(), by.clone());
            }
            match value.get("__ansible_type").and_then(Value::as_str) {
                Some("DeprecationSummary") => Value::Map(map.into()),
                _ => message.clone(),
            }
        }
        None => value.clone(),
    }
}

/// The text of a traceback.
fn traceback(exception: &Value) -> String {
    let event = exception.get("event");
    let formatted = event.and_then(|event| event.get("formatted_traceback").or(event.get("msg")));
    let text = formatted.unwrap_or(exception);
    text.as_str()
        .map_or_else(|| json(text, None, false), str::to_string)
}

/// The facts of the result, without those that would say how hosts are reached.
fn facts(map: &mut Map) -> Map {
    let Some(all) = map.shift_remove("ansible_facts") else {
        return Map::new();
    };
    let given = all.as_map().cloned().unwrap_or_default();
    let allowed = |name: &str| {
        let connection = CONNECTION_FACTS.iter().any(|start| name.starts_with(start));
        let interpreter = name.starts_with("ansible_") && name.ends_with("_interpreter");
        name.starts_with("ansible_ssh_host_key_")
            || !connection && !interpreter && !OTHER_FACTS.contains(&name)
    };
    let kept: Map = given.into_iter().filter(|(name, _)| allowed(name)).collect();
    map.insert("ansible_facts".into(), Value::Map(kept.clone().into()));
    kept
}

/// What changed, for `--diff`.
fn diffs(value: &Value) -> Vec<Diff> {
    let all = match value {
        Value::List(items) => items.to_vec(),
        single => vec![single.clone()],
    };
    all.iter().filter_map(diff).collect()
}

fn diff(value: &Value) -> Option<Diff> {
    let text = |name: &str| {
        value.get(name).map(|value| match value {
            Value::Map(_) | Value::List(_) => json(value, Some(4), true) + "\n",
            Value::Null => String::new(),
            other => other
                .as_str()
                .map_or_else(|| json(other, None, false), str::to_string),
        })
    };
    let header = |name: &str| text(name).unwrap_or_default();
    let (before, after) = (header("before_header"), header("after_header"));
    let path = if after.is_empty() {
        before.clone()
    } else {
        after.clone()
    };
    if let Some(prepared) = text("prepared") {
        return Some(Diff { path, text: prepared });
    }
    let names = [(before, " (before)"), (after, " (after)")];
    let [before, after] = names.map(|(name, when)| {
        if name.is_empty() {
            format!("{path}{when}")
        } else {
            name
        }
    });
    let changed = unified(&text("before")?, &text("after")?, (&before, &after));
    (!changed.is_empty()).then_some(Diff { path, text: changed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::repr;

    fn result(stdout: &str) -> ModuleResult {
        let output = ModuleOutput {
            stdout: stdout.as_bytes(),
            stderr: b"",
            code: 3,
        };
        output.result()
    }

    #[test]
    fn the_exit_status_says_nothing_and_what_stands_around_the_object_is_told() {
        let read = result("Last login: today\n{\"changed\": true,\n \"x\": 1}\nbye\n");
        assert_eq!(read.outcome.changed, Some(true));
        assert_eq!(
            (read.outcome.failed, read.outcome.fields["x"].clone()),
            (None, Value::Int(1))
        );
        assert_eq!(
            read.warnings,
            ["Module invocation had junk after the JSON data: bye"]
        );
    }

    #[test]
    fn what_is_no_object_is_a_failure() {
        for (text, why) in [
            ("", "no start of json char found"),
            ("[1]", "no start of json char found"),
            ("{\"a\": 1", "no end of json char found"),
            ("{nothing}", "what begins like a JSON object is none"),
            ("{\"a\": \"\\udcff\"}", "it holds data that is no UTF-8"),
        ] {
            let read = result(text).outcome;
            let wanted = format!("Module result deserialization failed: {why}.");
            assert_eq!(read.failed, Some(wanted), "{text}");
            assert_eq!(read.fields["rc"], Value::Int(3));
        }
    }

    #[test]
    fn an_rc_without_failed_is_a_failure_and_failed_decides() {
        assert!(result("{\"rc\": 2}").outcome.failed.is_some());
        assert!(result("{\"rc\": 2, \"failed\": false}").outcome.failed.is_none());
        assert!(result("{\"rc\": 0}").outcome.failed.is_none());
        let failed = result("{\"failed\": true, \"msg\": \"no\"}").outcome;
        assert_eq!(failed.failed.as_deref(), Some("no"));
    }

    #[test]
    fn what_only_the_engine_may_say_is_taken_away() {
        let read = result(
            "{\"_ansible_x\": 1, \"add_host\": {}, \"results\": 5, \"stdout\": \"a\\nb\", \"ansible_facts\": \
             {\"mine\": 1, \"ansible_host\": \"evil\", \"ansible_python_interpreter\": \"evil\", \"ansible_become_user\": \"x\", \
             \"ansible_distribution\": \"D\", \"ansible_ssh_host_key_rsa_public\": \"k\", \"ansible_ssh_port\": 5}}",
        );
        let fields = Value::Map(read.outcome.fields.into());
        assert_eq!(
            repr(&fields),
            "{'stdout': 'a\\nb', 'ansible_module_results': 5, 'stdout_lines': ['a', 'b'], 'ansible_facts': {'mine': 1, \
             'ansible_distribution': 'D', 'ansible_ssh_host_key_rsa_public': 'k'}}"
        );
        let names: Vec<_> = read.outcome.returned_facts.keys().map(|name| &**name).collect();
        assert_eq!(
            names,
            ["mine", "ansible_distribution", "ansible_ssh_host_key_rsa_public"]
        );
        assert!(
            result("{\"ansible_facts\": null}")
                .outcome
                .returned_facts
                .is_empty()
        );
    }

    #[test]
    fn objects_of_newer_versions_are_read_as_texts() {
        let read = result(
            "{\"failed\": true, \"msg\": \"m\", \"warnings\": [{\"event\": {\"msg\": \"careful\"}, \"__ansible_type\": \
             \"WarningSummary\"}, \"plain\"], \"deprecations\": [{\"event\": {\"msg\": \"old\"}, \"version\": \"3.0\", \
             \"deprecator\": {\"resolved_name\": \"a.b\"}, \"__ansible_type\": \"DeprecationSummary\"}], \"exception\": \
             {\"event\": {\"msg\": \"m\", \"formatted_traceback\": \"Traceback\\nE: m\"}, \"__ansible_type\": \"ErrorSummary\"}}",
        );
        assert_eq!(read.warnings, ["careful", "plain", "deprecated: old"]);
        let fields = Value::Map(read.outcome.fields.into());
        assert_eq!(
            repr(&fields),
            "{'msg': 'm', 'exception': 'Traceback\\nE: m', 'warnings': ['careful', 'plain'], 'deprecations': [{'msg': 'old', \
             'version': '3.0', 'collection_name': 'a.b'}]}"
        );
    }

    #[test]
    fn differences_are_shown() {
        let read = result(
            "{\"diff\": {\"before\": \"a\\n\", \"after\": \"b\\n\", \"before_header\": \"/x\", \"after_header\": \"/x\"}}",
        );
        assert_eq!(read.outcome.diffs.len(), 1);
        assert!(
            read.outcome.diffs[0].text.contains("-a\n+b\n"),
            "{:?}",
            read.outcome.diffs
        );
    }
}
