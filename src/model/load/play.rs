//! Plays.

use super::keyword::{Level, SHARED};
use super::reader::{Reader, Takes};
use crate::error::Error;
use crate::model::{Encryption, Keywords, Need, Placed, Play, Prompt, Scope, ScopeKind, Variables};
use crate::value::{Value, to_bool, to_integer};
use crate::yaml::Node;
use std::sync::Arc;

/// Keywords of plays beside the shared ones.
const OF_PLAYS: &[&str] = &[
    "fact_path",
    "force_handlers",
    "gather_facts",
    "gather_subset",
    "gather_timeout",
    "handlers",
    "hosts",
    "max_fail_percentage",
    "order",
    "post_tasks",
    "pre_tasks",
    "roles",
    "serial",
    "strategy",
    "tasks",
    "user",
    "vars_files",
    "vars_prompt",
];

/// The variable of Vent's own that lets a play run beside others on the same hosts.
const SHARES: &str = "vent_shares_hosts";

/// The variable of Vent's own that names what must have run before.
pub(super) const NEEDS: &str = "vent_needs";

impl Reader<'_> {
    /// A play; `import` is what an `import_playbook` puts upon it.
    pub fn play(&mut self, node: &Node, import: Option<(&Arc<Scope>, &Variables)>) -> Option<Play> {
        let mut keywords = Keywords::default();
        for (key, value) in node.entries()? {
            let name = key.text().unwrap_or_default();
            if self.keyword(&mut keywords, Level::Play, key, value) || OF_PLAYS.contains(&name) {
                continue;
            }
            self.unknown_key(key, "a play", &[SHARED, OF_PLAYS].concat());
        }
        if let Some(user) = node.get("user") {
            if node.get("remote_user").is_some() {
                let message = "both 'user' and 'remote_user' are set for this play.";
                let error = Error::new(message).at(&user.place);
                self.errors
                    .push(error.help("`user` is an old name of `remote_user`: remove it"));
            }
            keywords.remote_user = self.setting("user", user, Takes::Text);
        }
        if let Some((_, vars)) = import {
            Arc::make_mut(&mut keywords.vars).extend(vars.clone());
        }
        let shares_hosts = self.shares_hosts(&keywords.vars);
        let scope = Arc::new(Scope {
            kind: ScopeKind::Play,
            keywords,
            parent: import.map(|import| import.0.clone()),
        });
        self.handlers.clear();
        self.roles.clear();
        let hosts = self.hosts(node);
        let roles = self.play_roles(node.get("roles"), &scope);
        let mut section = |key: &str| {
            node.get(key)
                .map(|tasks| self.items_of(tasks, &scope, key == "handlers", key))
                .unwrap_or_default()
        };
        let (pre_tasks, tasks, post_tasks) = (section("pre_tasks"), section("tasks"), section("post_tasks"));
        let own_handlers = section("handlers");
        // Those of roles come first, so that a play's own handler of the same name is the one that is found.
        let mut handlers = std::mem::take(&mut self.handlers);
        handlers.extend(own_handlers);
        let mut set = |key: &str, takes| node.get(key).and_then(|value| self.setting(key, value, takes));
        let play = Play {
            gather_facts: set("gather_facts", Takes::Bool),
            gather_subset: set("gather_subset", Takes::Anything),
            gather_timeout: set("gather_timeout", Takes::Number),
            serial: set("serial", Takes::Anything),
            strategy: set("strategy", Takes::Text),
            max_fail_percentage: set("max_fail_percentage", Takes::Number),
            order: set("order", Takes::Text),
            force_handlers: set("force_handlers", Takes::Bool),
            hosts: hosts?,
            vars_files: node
                .get("vars_files")
                .map(|files| self.list(files))
                .unwrap_or_default(),
            roles,
            used_roles: std::mem::take(&mut self.roles),
            pre_tasks,
            tasks,
            post_tasks,
            handlers,
            shares_hosts,
            prompts: node
                .get("vars_prompt")
                .map(|prompts| self.prompts(prompts))
                .unwrap_or_default(),
            scope,
            place: node.place.clone(),
        };
        self.known_words(&play);
        Some(play)
    }

    /// `vars_prompt`: a list of questions.
    fn prompts(&mut self, node: &Node) -> Vec<Prompt> {
        let mut prompts = vec![];
        for entry in self.list(node) {
            let text = |key: &str| Some(entry.value.get(key)?.as_str()?.to_string());
            let flag = |key: &str, default| entry.value.get(key).and_then(to_bool).unwrap_or(default);
            let Some(name) = text("name") else {
                let error = Error::new("Invalid vars_prompt data structure, missing 'name' key");
                self.errors.push(
                    error
                        .at(&entry.place)
                        .help("write `- {name: color, prompt: Which color}`"),
                );
                continue;
            };
            let number = |key: &str| usize::try_from(to_integer(entry.value.get(key)?)?).ok();
            let encrypt = text("encrypt").map(|scheme| Encryption {
                scheme,
                salt: text("salt"),
                salt_size: number("salt_size"),
            });
            prompts.push(Prompt {
                question: text("prompt").unwrap_or_else(|| name.clone()),
                default: entry
                    .value
                    .get("default")
                    .filter(|default| !default.is_null())
                    .cloned(),
                private: flag("private", true),
                confirm: flag("confirm", false),
                encrypt,
                name,
            });
        }
        prompts
    }

    fn hosts(&mut self, node: &Node) -> Option<Placed> {
        let Some(hosts) = node.get("hosts") else {
            let error = Error::new("this play does not say on which hosts it runs").at(&node.place);
            self.errors
                .push(error.help("add `hosts: all`, or the groups it is for"));
            return None;
        };
        let placed = self.placed(hosts)?;
        let text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
        let fits = match &placed.value {
            Value::List(items) => !items.is_empty() && items.iter().all(text),
            value => text(value),
        };
        if matches!(&placed.value, Value::List(items) if items.is_empty()) {
            let message = "Hosts list cannot be empty. Please check your playbook";
            self.refuse(message, &hosts.place);
            return None;
        }
        if !fits {
            self.refuse("`hosts` takes a host pattern or a list of them", &hosts.place);
            return None;
        }
        Some(placed)
    }

    /// Words that only some values are allowed for.
    fn known_words(&mut self, play: &Play) {
        const STRATEGIES: &[&str] = &["linear", "free", "ansible.builtin.linear", "ansible.builtin.free"];
        const ORDERS: &[&str] = &[
            "inventory",
            "sorted",
            "reverse_inventory",
            "reverse_sorted",
            "shuffle",
        ];
        for (name, setting, known) in [
            ("strategy", &play.strategy, STRATEGIES),
            ("order", &play.order, ORDERS),
        ] {
            let Some(placed) = setting else { continue };
            let Value::String(text) = &placed.value else {
                continue;
            };
            if !known.contains(&&**text) {
                let error = Error::new(format!("`{name}` cannot be `{text}` here")).at(&placed.place);
                self.errors
                    .push(error.help(format!("it can be {}", known.join(", "))));
            }
        }
    }

    fn shares_hosts(&mut self, vars: &Variables) -> bool {
        let Some(placed) = vars.get(SHARES) else {
            return false;
        };
        to_bool(&placed.value).unwrap_or_else(|| {
            self.refuse(
                format!("`{SHARES}` takes true or false, written out"),
                &placed.place,
            );
            false
        })
    }

    /// What `vent_needs` among variables states.
    pub fn needs(&mut self, vars: &Variables) -> Option<Vec<Need>> {
        let placed = vars.get(NEEDS)?;
        let names = match &placed.value {
            Value::List(items) => items.iter().map(|item| match item {
                Value::String(name) => Some(name.to_string()),
                _ => None,
            }),
            _ => {
                let error = Error::new(format!("`{NEEDS}` takes a list of playbook names")).at(&placed.place);
                self.errors
                    .push(error.help(format!("write {NEEDS}: [name, name], or [] for none")));
                return None;
            }
        };
        let Some(names) = names.collect::<Option<Vec<_>>>() else {
            self.refuse(format!("`{NEEDS}` takes names, written out"), &placed.place);
            return None;
        };
        let place = |name: &str| {
            let span = placed.place.span.clone();
            let text = placed.place.source.text.get(span.clone()).unwrap_or("");
            let at = text.find(name).map(|at| span.start + at);
            at.map_or(placed.place.clone(), |at| {
                crate::source::Place::new(&placed.place.source, at..at + name.len())
            })
        };
        Some(
            names
                .into_iter()
                .map(|name| Need {
                    place: place(&name),
                    name,
                })
                .collect(),
        )
    }
}
