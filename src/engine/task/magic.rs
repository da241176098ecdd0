//! The magic variables of a host, made when they are asked for.

use crate::bridge::VERSION;
use crate::engine::state::host::Host;
use crate::engine::state::play::PlayState;
use crate::engine::state::run::RunState;
use crate::model::Task;
use crate::value::Value;
use crate::vars::Source;
use std::sync::Arc;

/// The magic variables of a host, in a play and a task if there are such.
pub(super) struct Magic {
    pub(super) run: Arc<RunState>,
    pub(super) host: Arc<Host>,
    pub(super) play: Option<Arc<PlayState>>,
    pub(super) task: Option<Arc<Task>>,
}

/// Those that every host has.
const ALWAYS: &[&str] = &[
    "inventory_hostname",
    "inventory_hostname_short",
    "groups",
    "group_names",
    "ansible_check_mode",
    "ansible_diff_mode",
    "ansible_verbosity",
    "ansible_forks",
    "ansible_version",
    "ansible_run_tags",
    "ansible_skip_tags",
    "ansible_limit",
    "inventory_file",
    "inventory_dir",
    "ansible_facts",
];

/// Those of a play.
const OF_PLAY: &[&str] = &[
    "playbook_dir",
    "ansible_play_name",
    "ansible_play_hosts_all",
    "ansible_play_hosts",
    "play_hosts",
    "ansible_play_batch",
    "ansible_play_role_names",
    "role_names",
    "ansible_role_names",
    "ansible_dependent_role_names",
];

/// Those of a task of a role.
const OF_ROLE: &[&str] = &[
    "role_name",
    "role_path",
    "ansible_role_name",
    "ansible_parent_role_names",
    "ansible_parent_role_paths",
];

/// The variables of the host that does a task for another, by its name.
const DELEGATED: &str = "ansible_delegated_vars";

impl Source for Magic {
    fn get(&self, name: &str) -> Option<Value> {
        self.always(name)
            .or_else(|| self.of_play(name))
            .or_else(|| self.of_role(name))
            .or_else(|| (name == DELEGATED).then(|| self.delegated())?)
    }

    fn names(&self) -> Vec<Arc<str>> {
        let names = [ALWAYS, OF_PLAY, OF_ROLE, &[DELEGATED]].concat();
        let there = names.into_iter().filter(|name| self.get(name).is_some());
        there.map(Arc::from).collect()
    }
}

impl Magic {
    fn always(&self, name: &str) -> Option<Value> {
        let (run, host) = (&self.run, &self.host);
        let settings = &run.settings;
        let tags = |tags: &[String], all: &str| match tags {
            [] => Value::list((!all.is_empty()).then(|| all.into())),
            tags => Value::list(tags.iter().map(Value::string)),
        };
        Some(match name {
            "inventory_hostname" => Value::String(host.name.clone()),
            "inventory_hostname_short" => host.name.split('.').next().unwrap_or_default().into(),
            "groups" => run.hosts.groups(),
            "group_names" => {
                let inventory = run.hosts.inventory();
                let own = inventory.hosts.get(&host.name).map(|host| &host.groups[..]);
                Value::list(own.unwrap_or_default().iter().cloned().map(Value::String))
            }
            "ansible_check_mode" => settings.check.into(),
            "ansible_diff_mode" => settings.diff.into(),
            "ansible_verbosity" => i64::from(settings.verbosity).into(),
            "ansible_forks" => (settings.forks as i64).into(),
            "ansible_version" => version(),
            "ansible_run_tags" => tags(&settings.tags, "all"),
            "ansible_skip_tags" => tags(&settings.skip_tags, ""),
            "ansible_limit" => settings.limit.as_deref()?.into(),
            "inventory_file" => {
                let inventory = run.hosts.inventory();
                inventory.sources.first()?.display().to_string().into()
            }
            "inventory_dir" => {
                let inventory = run.hosts.inventory();
                let source = inventory.sources.first()?;
                let folder = if source.is_dir() {
                    Some(source.as_path())
                } else {
                    source.parent()
                };
                folder.map(|folder| folder.display().to_string()).into()
            }
            "ansible_facts" => Value::Map(host.data().facts.clone()),
            // Looked for only when somebody asks for it.
            "ansible_playbook_python" => {
                let core = run.bridged.bridge.allowed_core().ok()?;
                core.python.display().to_string().into()
            }
            _ => return None,
        })
    }

    fn of_play(&self, name: &str) -> Option<Value> {
        let play = self.play.as_ref()?;
        Some(match name {
            "playbook_dir" => play.folder.display().to_string().into(),
            "ansible_play_name" => play.play.title().into(),
            "ansible_play_hosts_all" => play.host_names().all,
            "ansible_play_hosts" => play.host_names().alive,
            "play_hosts" | "ansible_play_batch" => play.host_names().batch,
            "ansible_role_names" => {
                Value::list(play.play.used_roles.iter().map(|role| role.name.as_str().into()))
            }
            "ansible_dependent_role_names" => Value::list(dependent_roles(play).into_iter().map(Value::from)),
            "ansible_play_role_names" | "role_names" => {
                let dependent = dependent_roles(play);
                let roles = play.play.used_roles.iter().map(|role| role.name.as_str());
                let roles = roles.filter(|name| !dependent.contains(name));
                Value::list(roles.map(Value::from))
            }
            _ => return None,
        })
    }

    /// A template, since who does the task may be one.
    fn delegated(&self) -> Option<Value> {
        let placed = self.task.as_ref()?.keyword(|keywords| &keywords.delegate_to)?;
        let expression = match &placed.value {
            Value::Template(template) => {
                let inside = template.text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
                // More than one is a name in parts.
                (!inside.contains("{{")).then(|| format!("({inside})"))?
            }
            name => serde_json::Value::from(name.as_str()?).to_string(),
        };
        let own = "combine({'inventory_hostname': inventory_hostname})";
        let text = format!("{{{{ {{{expression}: hostvars[{expression}] | {own}}} }}}}");
        Some(Value::trusted(&text, Some(placed.place.clone())))
    }

    fn of_role(&self, name: &str) -> Option<Value> {
        let task = self.task.as_ref()?;
        let role = task.role()?;
        let parents = || task.scope.roles().skip(1);
        match name {
            "role_name" | "ansible_role_name" => Some(role.name.as_str().into()),
            "role_path" => Some(role.path.as_str().into()),
            // Those that included the role, the nearest first.
            "ansible_parent_role_names" if parents().next().is_some() => {
                Some(Value::list(parents().map(|role| role.name.as_str().into())))
            }
            "ansible_parent_role_paths" if parents().next().is_some() => {
                Some(Value::list(parents().map(|role| role.path.as_str().into())))
            }
            _ => None,
        }
    }
}

/// The roles of a play that others depend on.
fn dependent_roles(play: &PlayState) -> Vec<&str> {
    let used = &play.play.used_roles;
    let is_needed = |name: &str| {
        let mut all = used.iter().flat_map(|role| &role.dependencies);
        all.any(|needed| needed == name)
    };
    let names = used.iter().map(|role| role.name.as_str());
    names.filter(|name| is_needed(name)).collect()
}

/// The version of Ansible whose behaviour this is.
fn version() -> Value {
    let numbers = VERSION.split('.').filter_map(|number| number.parse().ok());
    let names = ["major", "minor", "revision"].into_iter();
    let texts = ["full", "string"].map(|name| (name, VERSION.into()));
    Value::map(texts.into_iter().chain(names.zip(numbers.map(Value::Int))))
}
