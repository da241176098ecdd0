//! `argument_specs` of roles (`meta/argument_specs.yml`, else `meta/main.yml`): a task before those of the role that
//! holds its arguments against them.

use super::reader::Reader;
use crate::error::{Error, ErrorKind};
use crate::model::task::Argument;
use crate::model::{Action, Item, Keywords, Placed, Scope, ScopeKind, Task};
use crate::source::Place;
use crate::value::Value;
use crate::yaml::Node;
use std::path::Path;
use std::sync::Arc;

impl Reader<'_> {
    /// The task that validates the arguments of an entry point (the name of a file of tasks); `None` if nothing
    /// describes them. `scope` is that of the role.
    pub fn validation(
        &mut self,
        folder: &Path,
        meta: Option<&Node>,
        entry: &str,
        scope: &Arc<Scope>,
    ) -> Option<Item> {
        let names = ["argument_specs.yml", "argument_specs.yaml", "argument_specs.json"];
        let mut files = names.iter().map(|name| folder.join("meta").join(name));
        let own;
        let specs = match files.find(|path| path.is_file()) {
            Some(path) => {
                own = self.root(&path)?;
                own.get("argument_specs")
            }
            None => meta?.get("argument_specs"),
        };
        let specs = self.mapping("`argument_specs`", specs?)?;
        let (name, spec) = specs
            .entries()?
            .iter()
            .find(|(name, _)| name.text() == Some(entry))?;
        let spec = self.mapping(&format!("`{entry}`"), spec)?;
        let described = spec.get("short_description");
        if let Some(node) = described.filter(|node| node.is_null() || node.text().is_none()) {
            let message = format!("`short_description` takes a text, not {}", node.kind_name());
            self.errors
                .push(Error::new(message).at(&node.place).of_kind(ErrorKind::Task));
        }
        let options = match spec.get("options") {
            Some(node) => self.options(node)?,
            None => Placed::new(Value::Map(Arc::default()), &name.place),
        };
        let title = format!("Validating arguments against arg spec '{entry}'");
        let title = match described.and_then(Node::text) {
            Some(described) => format!("{title} - {described}"),
            None => title,
        };
        Some(validating(&title, entry, options, scope, &name.place))
    }

    /// A node that must be a mapping; nothing at all (also `{}`, `false`) is none.
    fn mapping<'n>(&mut self, of: &str, node: &'n Node) -> Option<&'n Node> {
        let nothing = match self.placed(node)?.value {
            Value::Null | Value::Bool(false) => true,
            Value::List(items) => items.is_empty(),
            Value::Map(map) => map.is_empty(),
            _ => false,
        };
        if nothing {
            return None;
        }
        if node.entries().is_none() {
            let message = format!("{of} takes a mapping, not {}", node.kind_name());
            self.errors
                .push(Error::new(message).at(&node.place).of_kind(ErrorKind::Task));
            return None;
        }
        Some(node)
    }

    /// The options of an entry point, each of them a mapping, on all levels.
    fn options(&mut self, node: &Node) -> Option<Placed> {
        let placed = self.placed(node)?;
        if !matches!(placed.value, Value::Template(_)) {
            self.check_options(node);
        }
        Some(placed)
    }

    fn check_options(&mut self, node: &Node) {
        let mut wrong = |message: String, place: &Place| {
            let error = Error::new(message).at(place).of_kind(ErrorKind::Task);
            let help =
                "describe an option by its `type`, `required`, `default`, `choices`, `elements` or `options`";
            self.errors.push(error.help(help));
        };
        let Some(entries) = node.entries() else {
            return wrong(
                format!("`options` takes a mapping, not {}", node.kind_name()),
                &node.place,
            );
        };
        let mut below = vec![];
        for (name, option) in entries {
            if option.entries().is_none() {
                let name = name.text().unwrap_or_default();
                let message = format!("the option `{name}` takes a mapping, not {}", option.kind_name());
                wrong(message, &option.place);
            }
            below.extend(option.get("options").filter(|node| !node.is_null()));
        }
        for node in below {
            self.check_options(node);
        }
    }
}

fn validating(title: &str, entry: &str, options: Placed, scope: &Arc<Scope>, place: &Place) -> Item {
    let (mut given, mut role) = (Value::Map(Arc::default()), None);
    if let ScopeKind::Role {
        role: own,
        parameters,
        ..
    } = &scope.kind
    {
        given = Value::map(
            parameters
                .iter()
                .map(|(name, placed)| (name, placed.value.clone())),
        );
        role = Some(own);
    }
    let context = [
        ("argument_spec_name", entry.into()),
        ("name", role.map_or(Value::Null, |role| role.name.as_str().into())),
        ("path", role.map_or(Value::Null, |role| role.path.as_str().into())),
        ("type", "role".into()),
    ];
    let argument = |value: Value, place: &Place| Argument {
        value,
        name_place: place.clone(),
        place: place.clone(),
    };
    let arguments = [
        ("argument_spec", argument(options.value, &options.place)),
        ("provided_arguments", argument(given, place)),
        ("validate_args_context", argument(Value::map(context), place)),
    ];
    let keywords = Keywords {
        // Not rendered, as in Ansible.
        name: Some(Placed::new(Value::string(title), place)),
        tags: vec![Placed::new("always", place)],
        ..Keywords::default()
    };
    let action = Action {
        module: "ansible.builtin.validate_argument_spec".into(),
        arguments: arguments
            .into_iter()
            .map(|(name, argument)| (name.into(), argument))
            .collect(),
        free_form: None,
        template: None,
        unresolved: None,
        foreign: None,
        place: place.clone(),
    };
    Item::Task(Arc::new(Task::unwritten(action, keywords, scope)))
}

#[cfg(test)]
mod tests {
    use crate::model::load::tests::{messages, site};
    use crate::model::{Item, Task};
    use crate::value::Value;
    use std::sync::Arc;

    const SITE: &str = "- hosts: a\n  roles: [{role: web, size: 3}]\n  tasks:\n    - import_role: {name: web, tasks_from: other}\n    \
                        - import_role: {name: web, rolespec_validate: false}\n";

    /// The tasks of the blocks of a play: titles, and the first task itself.
    fn titles(files: &[(&str, &str)]) -> (Vec<String>, Option<Arc<Task>>) {
        fn walk(items: &[Item], found: &mut Vec<Arc<Task>>) {
            for item in items {
                match item {
                    Item::Task(task) => found.push(task.clone()),
                    Item::Block(block) => walk(&block.block, found),
                    Item::Include(_) => {}
                }
            }
        }
        let (_folder, playbook) = site(files);
        let playbook = playbook.unwrap();
        let play = playbook.plays().next().unwrap();
        let mut found = vec![];
        for items in play.items() {
            walk(items, &mut found);
        }
        let titles = found.iter().map(|task| task.title().to_string()).collect();
        (titles, found.first().cloned())
    }

    #[test]
    fn a_described_entry_point_begins_with_its_validation() {
        let specs = "argument_specs:\n  main:\n    short_description: A {{ x }}\n    options: {size: {type: int}}\n  other: {options: {}}\n";
        let task = "- debug:\n";
        let roles = [
            ("site.yml", SITE),
            ("roles/web/tasks/main.yml", task),
            ("roles/web/tasks/other.yml", task),
        ];
        let (shown, first) = titles(&[&roles[..], &[("roles/web/meta/argument_specs.yaml", specs)]].concat());
        let wanted = [
            "Validating arguments against arg spec 'main' - A {{ x }}",
            "debug",
            "Validating arguments against arg spec 'other'",
            "debug",
            "debug",
        ];
        assert_eq!(shown, wanted);
        let first = first.unwrap();
        assert_eq!(first.tags()[0].value, "always".into());
        assert_eq!(
            first.keywords.name.as_ref().unwrap().value,
            Value::string(wanted[0])
        );
        let argument = |name: &str| &first.action.arguments[name].value;
        assert_eq!(argument("provided_arguments").get("size"), Some(&Value::Int(3)));
        assert!(argument("argument_spec").get("size").is_some());
        assert_eq!(argument("validate_args_context").get("name"), Some(&"web".into()));
        let (shown, _) = titles(&[&roles[..], &[("roles/web/meta/main.yml", specs)]].concat());
        assert_eq!(shown, wanted);
        // A file of its own is stronger, even if it says nothing.
        let both = [
            ("roles/web/meta/main.yml", specs),
            ("roles/web/meta/argument_specs.yml", ""),
        ];
        let (shown, _) = titles(&[&roles[..], &both[..]].concat());
        assert_eq!(shown, ["debug"; 3]);
    }

    #[test]
    fn a_role_without_tasks_is_validated_too() {
        let (shown, _) = titles(&[
            ("site.yml", "- hosts: a\n  roles: [web]\n"),
            (
                "roles/web/meta/main.yml",
                "argument_specs: {main: {options: {x: {}}}}\n",
            ),
        ]);
        assert_eq!(shown, ["Validating arguments against arg spec 'main'"]);
    }

    #[test]
    fn broken_descriptions_are_refused_with_their_place() {
        let shown = |specs: &str| {
            let site = "- hosts: a\n  roles: [web]\n";
            messages(&[("site.yml", site), ("roles/web/meta/argument_specs.yml", specs)])
        };
        let place = "roles/web/meta/argument_specs.yml:1";
        for (specs, wanted) in [
            (
                "argument_specs: [a]",
                ":17: `argument_specs` takes a mapping, not a list",
            ),
            (
                "argument_specs: {main: a}",
                ":24: `main` takes a mapping, not a text",
            ),
            (
                "argument_specs: {main: {short_description: []}}",
                ":44: `short_description` takes a text, not a list",
            ),
            (
                "argument_specs: {main: {options: []}}",
                ":34: `options` takes a mapping, not a list",
            ),
            (
                "argument_specs: {main: {options: {a: {options: {b: str}}}}}",
                ":52: the option `b` takes a mapping, not a text",
            ),
        ] {
            assert_eq!(shown(specs), [format!("{place}{wanted}")]);
        }
    }
}
