//! Lookups of variables, the environment and programs, and the time.

use super::{Lookup, keeping, lookup, unknown_in_check};
use crate::content::blocking;
use crate::template::call::{self, Answer, Call, Plugin};
use crate::template::convert::print;
use crate::template::filters::moments::moment;
use crate::template::filters::regexes::compiled;
use crate::value::Value;
use minijinja::Error as JinjaError;
use minijinja::value::Value as Jinja;
use std::process::Command;

pub(super) const LOOKUPS: &[Lookup] = &[
    keeping("env", |call| {
        let default = call.named().get("default").cloned();
        let default = default.unwrap_or_else(|| Value::string(""));
        let each = |term: &Value| match std::env::var(print(term)) {
            Ok(text) => text.into(),
            Err(_) => default.clone(),
        };
        Ok(Value::list(call.positional().iter().map(each)))
    }),
    keeping("vars", |call| {
        let each = |term: &Value| {
            if !matches!(term, Value::String(_) | Value::Secret(_)) {
                return Err(format!("Variable name must be 'str' not '{}'.", term.kind()));
            }
            let name = print(term);
            let found = call
                .scope
                .resolved(&name)
                .or_else(|| call.named().get("default").cloned());
            found.ok_or_else(|| format!("No variable named '{name}' was found."))
        };
        call.positional()
            .iter()
            .map(each)
            .collect::<Result<Vec<_>, String>>()
            .map(Value::list)
    }),
    lookup("varnames", |call| {
        let mut found = vec![];
        for term in call.positional() {
            let regex = compiled(&print(term), false, false)?;
            let mut names = call.scope.variables().names();
            names.sort_unstable();
            found.extend(
                names
                    .into_iter()
                    .filter(|name| regex.is_match(&**name).unwrap_or(false))
                    .map(Value::String),
            );
        }
        Ok(Value::list(found))
    }),
    lookup("pipe", |call| {
        if let Some(unknown) = unknown_in_check(call, "the output of the program that the lookup `pipe` runs")
        {
            return Ok(unknown);
        }
        let each = |term: &Value| {
            run("pipe", &print(term)).map(|text| Value::string(text.trim_end_matches('\n').trim_end()))
        };
        call.positional()
            .iter()
            .map(each)
            .collect::<Result<Vec<_>, String>>()
            .map(Value::list)
    }),
    lookup("lines", |call| {
        if let Some(unknown) =
            unknown_in_check(call, "the output of the program that the lookup `lines` runs")
        {
            return Ok(unknown);
        }
        let mut lines = vec![];
        for term in call.positional() {
            lines.extend(
                run("lines", &print(term))?
                    .lines()
                    .map(|line| Value::string(line.trim_end())),
            );
        }
        Ok(Value::list(lines))
    }),
    lookup("inventory_hostnames", inventory_hostnames),
    lookup("config", config),
];

/// What a command prints, for the lookup of that name.
fn run(plugin: &str, command: &str) -> Result<String, String> {
    let output = blocking(|| Command::new("/bin/sh").arg("-c").arg(command).output())
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        let code = output.status.code().unwrap_or(-1);
        let told = String::from_utf8_lossy(&output.stderr);
        let told = told.trim();
        let behind = if told.is_empty() { "" } else { ": " };
        return Err(format!(
            "lookup_plugin.{plugin}({command}) returned {code}{behind}{told}"
        ));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Hosts of a pattern: groups and names, joined by `:` or `,`, with `!` and `&`.
fn inventory_hostnames(call: &Call) -> Answer {
    let groups = call.scope.resolved("groups").unwrap_or_default();
    let all = call.scope.variables().hosts();
    let expand = |name: &str| -> Vec<String> {
        match groups.get(name).and_then(Value::as_list) {
            Some(hosts) => hosts.iter().map(print).collect(),
            None if name == "all" || name == "*" => all.iter().map(ToString::to_string).collect(),
            None => all
                .iter()
                .filter(|host| &***host == name)
                .map(ToString::to_string)
                .collect(),
        }
    };
    let mut hosts: Vec<String> = vec![];
    for term in call.positional() {
        let text = print(term);
        let mut parts: Vec<&str> = text
            .split([':', ','])
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .collect();
        parts.sort_by_key(|part| match part.chars().next() {
            Some('&') => 1,
            Some('!') => 2,
            _ => 0,
        });
        for part in parts {
            if let Some(name) = part.strip_prefix('!') {
                let gone = expand(name);
                hosts.retain(|host| !gone.contains(host));
            } else if let Some(name) = part.strip_prefix('&') {
                let kept = expand(name);
                hosts.retain(|host| kept.contains(host));
            } else {
                let more: Vec<String> = expand(part)
                    .into_iter()
                    .filter(|host| !hosts.contains(host))
                    .collect();
                hosts.extend(more);
            }
        }
    }
    Ok(Value::list(hosts.into_iter().map(Value::from)))
}

/// The few settings that playbooks ask for, with Ansible's usual values.
fn config(call: &Call) -> Answer {
    let each = |term: &Value| {
        Ok(match print(term).as_str() {
            "DEFAULT_FORKS" => Value::Int(50),
            "DEFAULT_BECOME_USER" => "root".into(),
            "DEFAULT_BECOME_METHOD" => "sudo".into(),
            "DEFAULT_REMOTE_USER" => Value::Null,
            "DEFAULT_LOCAL_TMP" => std::env::temp_dir().display().to_string().into(),
            "HOST_KEY_CHECKING" => Value::Bool(true),
            name => return Err(format!("the setting '{name}' is not known here")),
        })
    };
    call.positional()
        .iter()
        .map(each)
        .collect::<Result<Vec<_>, String>>()
        .map(Value::list)
}

/// `now(utc, fmt)`: the time, or its text in a format.
pub(super) fn now(arguments: &[Jinja]) -> Result<Jinja, JinjaError> {
    let utc = std::cell::Cell::new(false);
    let zoned = || {
        let zone = match utc.get() {
            true => jiff::tz::TimeZone::UTC,
            false => jiff::tz::TimeZone::system(),
        };
        jiff::Timestamp::now().to_zoned(zone)
    };
    let text = call::run(Plugin::Function("now"), arguments, false, |call| {
        utc.set(call.flag(0, "utc", false));
        match call.text(1, "fmt") {
            None => Ok(Value::Null),
            Some(format) => jiff::fmt::strtime::format(&format, &zoned())
                .map(Value::from)
                .map_err(|error| error.to_string()),
        }
    })?;
    Ok(if text.is_none() {
        moment(zoned().datetime())
    } else {
        text
    })
}
