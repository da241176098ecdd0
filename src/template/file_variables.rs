//! The variables that a template file sees beside those of its task, as Ansible's `template` module has them.

use super::scope::{Scope, Variables};
use crate::value::{Map, Value};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

/// A template file and where its result goes.
#[derive(Clone, Debug)]
pub struct TemplateFile<'a> {
    /// As it was named in the task.
    pub name: &'a str,
    /// Where it was found.
    pub path: &'a Path,
    /// Where its result goes.
    pub destination: &'a str,
    /// Seconds since 1970, for `template_run_date`.
    pub now: i64,
}

/// Variables in front of others.
struct Before {
    own: Map,
    /// Seen where the others have none of that name.
    defaults: Map,
    others: Arc<dyn Variables>,
}

impl Variables for Before {
    fn get(&self, name: &str) -> Option<Value> {
        let own = self.own.get(name).cloned();
        own.or_else(|| self.others.get(name))
            .or_else(|| self.defaults.get(name).cloned())
    }

    fn names(&self) -> Vec<Arc<str>> {
        let mut names = self.others.names();
        names.extend(self.own.keys().chain(self.defaults.keys()).cloned());
        names.sort();
        names.dedup();
        names
    }

    fn host(&self, name: &str) -> Option<Arc<dyn Variables>> {
        self.others.host(name)
    }

    fn hosts(&self) -> Vec<Arc<str>> {
        self.others.hosts()
    }
}

/// The scope in which a template file is rendered: `template_path` and its like stand before all other
/// variables, `ansible_managed` can be set by any of them.
pub fn of_template_file(file: &TemplateFile<'_>, scope: &Scope) -> Scope {
    let whole = std::path::absolute(file.path).unwrap_or_else(|_| file.path.to_path_buf());
    let found = std::fs::metadata(file.path).ok();
    let owner = found.as_ref().map(|found| owner_name(found.uid()));
    let node = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let own = [
        ("template_host", Value::string(&node)),
        ("template_uid", owner.unwrap_or(Value::Null)),
        ("template_path", Value::string(file.name)),
        ("template_fullpath", Value::string(whole.to_string_lossy())),
        ("template_destpath", Value::string(file.destination)),
        ("template_mtime", time(found.map(|found| found.mtime()))),
        ("template_run_date", time(Some(file.now))),
    ];
    let before = Before {
        own: own
            .into_iter()
            .map(|(name, value)| (name.into(), value))
            .collect(),
        defaults: [("ansible_managed".into(), "Ansible managed".into())]
            .into_iter()
            .collect(),
        others: scope.variables().clone(),
    };
    Scope::new(Arc::new(before), scope.surroundings().clone())
}

/// A time of this computer as Python prints it.
fn time(seconds: Option<i64>) -> Value {
    let stamp = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    let local = stamp.map(|stamp| stamp.to_zoned(jiff::tz::TimeZone::system()));
    local.map_or(Value::Null, |local| {
        Value::string(local.strftime("%Y-%m-%d %H:%M:%S").to_string())
    })
}

/// The name of an account of this computer, or its number if it has none.
fn owner_name(number: u32) -> Value {
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut fields = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let found = fields.find(|fields| fields.get(2) == Some(&number.to_string().as_str()));
    match found.as_ref().and_then(|fields| fields.first()) {
        Some(name) => Value::string(*name),
        None => Value::Int(i64::from(number)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(Map);

    impl Variables for Fixed {
        fn get(&self, name: &str) -> Option<Value> {
            self.0.get(name).cloned()
        }

        fn names(&self) -> Vec<Arc<str>> {
            self.0.keys().cloned().collect()
        }

        fn host(&self, _: &str) -> Option<Arc<dyn Variables>> {
            None
        }

        fn hosts(&self) -> Vec<Arc<str>> {
            vec![]
        }
    }

    fn seen(variables: &[(&str, &str)], name: &str) -> Option<Value> {
        let map = variables
            .iter()
            .map(|(name, value)| (Arc::from(*name), Value::string(*value)));
        let scope = Scope::new(Arc::new(Fixed(map.collect())), Arc::default());
        let file = TemplateFile {
            name: "motd.j2",
            path: Path::new("/nowhere/motd.j2"),
            destination: "/etc/motd",
            now: 0,
        };
        of_template_file(&file, &scope).variables().get(name)
    }

    #[test]
    fn a_template_knows_itself_and_who_manages_it() {
        assert_eq!(seen(&[], "ansible_managed"), Some("Ansible managed".into()));
        assert_eq!(
            seen(&[("ansible_managed", "by us")], "ansible_managed"),
            Some("by us".into())
        );
        assert_eq!(
            seen(&[("template_path", "set")], "template_path"),
            Some("motd.j2".into())
        );
        assert_eq!(seen(&[], "template_destpath"), Some("/etc/motd".into()));
        assert_eq!(seen(&[("port", "80")], "port"), Some("80".into()));
    }
}
