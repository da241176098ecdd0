//! Includes: the files of tasks and roles that a host chooses while running.

use super::loops::Course;
use super::tell::CENSORED_ITEM;
use super::{HostTask, TaskResult};
use crate::error::{Error, Errors};
use crate::event::{Kind, Status, TaskName};
use crate::model::{self, Include, Item, Loop, Placed, Role, RoleChoice, Variables};
use crate::source::{Place, Source};
use crate::template::{self, Scope};
use crate::value::{self, Map, Value, to_bool};
use crate::vars::Layer;
use std::sync::Arc;

/// Includes inside includes: Ansible ends near this depth as well, by Python's limit of recursion.
const DEEPEST: usize = 200;

/// The variables of one item of a loop, and the layers in which its templates are rendered.
type ItemScope = (Map, Arc<[Layer]>);

/// What one host includes, by name; the same for hosts with equal [`Inclusion::key`].
#[derive(Clone)]
pub struct Inclusion {
    /// The file or role, for the result.
    pub name: String,
    /// What is shown of the loop's item.
    pub label: Option<String>,
    /// The same for hosts that include the same; it holds values, so that nobody is shown it.
    pub key: String,
    /// What is to be read, with every name rendered.
    pub chosen: Chosen,
    /// The result of the task for it, if it is registered.
    result: Map,
    /// The variables of the loop's item, put upon what is included.
    pub extra: Variables,
    /// The variables of the include.
    pub layers: Vec<Layer>,
}

/// A file of tasks or a role, chosen.
#[derive(Clone)]
pub enum Chosen {
    /// The name of the file.
    Tasks(String),
    /// The role.
    Role(Box<RoleChoice>),
}

/// The tasks that an include brought.
pub struct Included {
    /// The tasks.
    pub items: Arc<[Item]>,
    /// The handlers of a role.
    pub handlers: Vec<Item>,
    /// Roles whose variables all tasks of the play see from now on (`public`).
    pub public: Vec<Arc<Role>>,
}

impl HostTask {
    /// What this host includes; `Err`: it is skipped, undecided, or wrong.
    pub fn inclusions(&self, include: &Include) -> Result<Vec<Inclusion>, Box<TaskResult>> {
        if self.task.scope.chain().count() > DEEPEST {
            let error = Error::new(format!("includes are nested deeper than {DEEPEST} levels"));
            let error = error.at(&include.task.action.place).help(
                "a file of tasks that includes itself needs a `when` that ends it; to repeat one task there is `until`",
            );
            return Err(Box::new(TaskResult::error(&error)));
        }
        let wrong = |error: Error| Box::new(TaskResult::error(&error.at(&include.task.action.place)));
        let scope = self.scope();
        let mut found = vec![];
        for (item, layers) in self.loop_scopes(&scope).map_err(wrong)? {
            let scope = self.scope_with(&layers);
            match self.conditions(&scope).map_err(wrong)? {
                None => {}
                Some(result) if self.task.r#loop.is_none() => return Err(Box::new(result)),
                Some(_) => continue,
            }
            // An item may be what a host said: it stands in no file of the project's.
            let place = Place::new(&Source::named("loop", String::new()), 0..0);
            let extra: Variables = item
                .iter()
                .map(|(name, value)| (name.clone(), Placed::new(value.clone(), &place)))
                .collect();
            let (name, key, chosen) = choose(include, &scope).map_err(|error| self.wrong(error.into()))?;
            // The variables of an include are stronger than `set_fact` (Ansible's level 21).
            let own = &self.task.keywords.vars;
            let parameters = (!own.is_empty()).then(|| Layer::Placed(own.clone()));
            let label = wanted_label(
                include.task.r#loop.as_ref(),
                item.first().map(|(_, item)| item),
                &scope,
            );
            found.push(Inclusion {
                result: match &self.task.register {
                    Some(_) => self.inclusion_result(&name, &item, &scope),
                    None => Map::new(),
                },
                name,
                label,
                key: format!("{key} {item:?}"),
                chosen,
                extra,
                layers: parameters.into_iter().collect(),
            });
        }
        Ok(found)
    }

    /// What a host registers of something that it includes.
    fn inclusion_result(&self, name: &str, item: &Map, scope: &Scope) -> Map {
        let mut result = Map::new();
        let mut given = Map::new();
        for (name, argument) in &self.task.action.arguments {
            let rendered = template::render(&argument.value, scope).ok().flatten();
            if let Some(rendered) = rendered.filter(|_| &**name != "file") {
                given.insert(name.clone(), rendered.value);
            }
        }
        if self.task.action.short() == "include_tasks" {
            result.insert("include".into(), name.into());
        } else if given.is_empty() {
            given.insert("name".into(), name.into());
        }
        result.insert("include_args".into(), Value::from(given));
        result.extend(item.clone());
        result.shift_remove("ansible_loop");
        result
    }

    /// Registers what a host includes.
    pub fn register_inclusions(&self, found: &[Inclusion]) {
        if self.task.register.is_none() {
            return;
        }
        let mut result = match self.task.r#loop {
            None => found
                .last()
                .map(|inclusion| inclusion.result.clone())
                .unwrap_or_default(),
            Some(_) => {
                let results = found.iter().map(|inclusion| inclusion.result.clone());
                let results = Value::list(results.map(Value::from));
                let message = "All items completed";
                [
                    ("results".into(), results),
                    ("skipped".into(), found.is_empty().into()),
                    ("msg".into(), message.into()),
                ]
                .into_iter()
                .collect()
            }
        };
        result.insert("changed".into(), false.into());
        self.register_value(&Value::from(result));
    }

    /// Reads what was chosen.
    ///
    /// # Errors
    /// The result of the including task where a file is missing or wrong.
    pub fn read(&self, include: &Include, inclusion: &Inclusion) -> Result<Included, Box<TaskResult>> {
        let (loader, extra) = (&self.context.run.loader, inclusion.extra.clone());
        let folder = &self.context.play.written;
        let read = match &inclusion.chosen {
            Chosen::Tasks(file) => loader.include_tasks(include, file, extra, folder),
            Chosen::Role(choice) => loader.include_role(include, choice, extra, folder),
        };
        let read = read.map_err(|errors| match &inclusion.chosen {
            Chosen::Tasks(_) => self.wrong_file(errors, inclusion),
            Chosen::Role(_) => self.wrong(errors),
        })?;
        let public = match &inclusion.chosen {
            Chosen::Role(choice) => choice.public.as_ref().and_then(|placed| to_bool(&placed.value)),
            Chosen::Tasks(_) => None,
        };
        Ok(Included {
            items: read.items.into(),
            handlers: read.handlers,
            public: if public == Some(true) { read.roles } else { vec![] },
        })
    }

    /// A file that cannot be read has a `reason` in Ansible, and no message.
    fn wrong_file(&self, errors: Errors, inclusion: &Inclusion) -> Box<TaskResult> {
        // What is wrong in a file has its place there.
        let own = self.task.place.source.path.as_ref();
        let is_missing = errors.0.iter().all(|error| {
            error
                .place()
                .is_some_and(|place| place.source.path.as_ref() == own)
        });
        let mut result = self.wrong(errors);
        let message = result.message.clone().unwrap_or_default();
        let path = self.context.play.folder.join(&inclusion.name);
        let reason = match is_missing {
            true => format!(
                "Could not find or access '{}' on the Ansible Controller: {message}",
                path.display()
            ),
            false => message,
        };
        result.put("include", inclusion.name.as_str().into());
        result.put("reason", reason.into());
        if let Value::Map(map) = &mut result.value {
            Arc::make_mut(map).shift_remove("msg");
        }
        result
    }

    fn wrong(&self, errors: Errors) -> Box<TaskResult> {
        let mut result = errors.0.first().map_or_else(
            || TaskResult::error(&Error::new("nothing to include")),
            TaskResult::error,
        );
        result.report = Some(errors.to_string());
        Box::new(result)
    }

    /// Counts what the host includes: Ansible counts each item that includes something as ok, and a loop without any as
    /// skipped.
    pub fn count_inclusions(&self, found: &[Inclusion]) {
        if found.is_empty() && self.task.r#loop.is_some() {
            self.tell_not_run(&TaskResult::looped(vec![]));
        }
        for _ in found {
            self.context.run.stats.ended(&self.host.name, Status::Ok, false);
        }
    }

    /// Tells that something is included for some hosts: files by their whole path.
    pub fn tell_included(&self, inclusion: &Inclusion, items: &[Item], hosts: Vec<String>) {
        let scope = self.scope();
        let name: TaskName = self.name(&scope);
        let file = match (&inclusion.chosen, items.first()) {
            (Chosen::Tasks(_), Some(item)) => item.place().source.path.as_deref(),
            _ => None,
        };
        let file = file.and_then(|path| std::path::absolute(path).ok());
        let file = file.map(|path| path.display().to_string());
        let shown = |text: &str| match self.hides(&scope) {
            true => CENSORED_ITEM.to_string(),
            false => self.context.run.mask(text),
        };
        let included = shown(file.as_deref().unwrap_or(&inclusion.name));
        let given = shown(&inclusion.name);
        let item = inclusion.label.as_deref().map(shown);
        self.context.run.events.tell(Kind::Included {
            name,
            included,
            given,
            item,
            hosts,
        });
    }

    /// The variables of each item of the include's loop; one without variables if it has none.
    fn loop_scopes(&self, scope: &Scope) -> Result<Vec<ItemScope>, Error> {
        let Some(wanted) = &self.task.r#loop else {
            return Ok(vec![(Map::new(), self.parameters.clone())]);
        };
        let items = match self.loop_items(wanted)? {
            Value::List(items) => items,
            other => return Err(super::loops::no_list(&other, &wanted.items.place)),
        };
        let course = Course::of(wanted, scope);
        Ok((0..items.len())
            .map(|at| {
                let variables = course.variables(&items, at);
                let own = Layer::Map(Arc::new(variables.clone()));
                let layers = std::iter::once(own).chain(self.parameters.iter().cloned());
                (variables, layers.collect())
            })
            .collect())
    }
}

/// What is shown of an item: `loop_control.label`, else the item.
fn wanted_label(wanted: Option<&Loop>, item: Option<&Value>, scope: &Scope) -> Option<String> {
    let label = wanted.and_then(|wanted| wanted.control.label.as_ref());
    let label = label.and_then(|label| template::render(&label.value, scope).ok()?);
    let label = label.map(|label| label.value).or_else(|| item.cloned())?;
    Some(label.as_str().map_or_else(|| value::repr(&label), str::to_string))
}

/// Name, key and choice of what is included.
fn choose(include: &Include, scope: &Scope) -> Result<(String, String, Chosen), Error> {
    let text = |placed: &Placed| -> Result<String, Error> {
        let rendered = template::render(&placed.value, scope).map_err(|error| error.at(&placed.place))?;
        let text = rendered.and_then(|rendered| rendered.value.as_str().map(str::to_string));
        text.ok_or_else(|| Error::new("the name of what is included must be a text").at(&placed.place))
    };
    match &include.included {
        model::Included::Tasks(file) => {
            let file = text(file)?;
            Ok((file.clone(), file.clone(), Chosen::Tasks(file)))
        }
        model::Included::Role(choice) => {
            let given = |placed: &Option<Placed>| -> Result<Option<Placed>, Error> {
                placed
                    .as_ref()
                    .map(|placed| Ok(Placed::new(text(placed)?.as_str(), &placed.place)))
                    .transpose()
            };
            let name = text(&choice.name)?;
            let rendered = |placed: &Option<Placed>| -> Result<Option<Placed>, Error> {
                let Some(placed) = placed else { return Ok(None) };
                let rendered = template::render(&placed.value, scope);
                let rendered = rendered.map_err(|error| error.at(&choice.name.place))?;
                let value = rendered.map_or(Value::Null, |evaluated| evaluated.value);
                Ok(Some(Placed::new(value, &placed.place)))
            };
            let choice = RoleChoice {
                name: Placed::new(name.as_str(), &choice.name.place),
                tasks_from: given(&choice.tasks_from)?,
                vars_from: given(&choice.vars_from)?,
                defaults_from: given(&choice.defaults_from)?,
                handlers_from: given(&choice.handlers_from)?,
                public: rendered(&choice.public)?,
                rolespec_validate: rendered(&choice.rolespec_validate)?,
            };
            let key = key(&choice, name.clone());
            Ok((name, key, Chosen::Role(Box::new(choice))))
        }
    }
}

/// The same for hosts that include the same of a role.
fn key(choice: &RoleChoice, name: String) -> String {
    let rest = [
        &choice.tasks_from,
        &choice.vars_from,
        &choice.defaults_from,
        &choice.handlers_from,
        &choice.public,
        &choice.rolespec_validate,
    ];
    let rest = rest.map(|placed| placed.as_ref().map(|placed| value::repr(&placed.value)));
    match rest.iter().all(Option::is_none) {
        true => name,
        false => format!("{name} {rest:?}"),
    }
}
