//! Includes: files of tasks and roles that are chosen while running.

use super::result::TaskResult;
use super::scope;
use super::task::OnHost;
use crate::error::{Error, Errors};
use crate::model::{Include, Included, Item, Placed, RoleChoice, Variables};
use crate::template::{self, Scope};
use crate::value::{self, Value};
use crate::vars::Layer;
use std::sync::Arc;

/// Includes inside includes: Ansible ends near this depth as well, by Python's limit of recursion.
const DEEPEST: usize = 200;

/// The variables of one item of a loop, and the layers in which its templates are rendered.
type ItemScope = (Vec<(Arc<str>, Value)>, Vec<Layer>);

/// What one host includes.
pub(super) struct Found {
    /// The file or role, for the result.
    name: String,
    /// The same for hosts that include the same; it holds values, so that nobody is shown it.
    pub(super) key: String,
    /// The tasks.
    pub(super) items: Vec<Item>,
    /// The variables of the include.
    pub(super) layers: Vec<Layer>,
}

impl OnHost<'_> {
    /// What this host includes; `Err`: it is skipped, undecided, or wrong.
    pub(super) fn includes(&self, include: &Include) -> Result<Vec<Found>, Box<TaskResult>> {
        if self.task.scope.chain().count() > DEEPEST {
            let error = Error::new(format!("includes are nested deeper than {DEEPEST} levels"));
            let error = error.at(&include.task.action.place).help(
                "a file of tasks that includes itself needs a `when` that ends it; to repeat one task there is `until`",
            );
            return Err(Box::new(TaskResult::error(&error)));
        }
        let wrong = |error: Error| Box::new(TaskResult::error(&error.at(&include.task.action.place)));
        let scope = scope::of_task(self.context, self.host, Some(self.task), self.parameters);
        let mut found = vec![];
        for (item, layers) in self.loop_scopes(&scope).map_err(wrong)? {
            let scope = scope::of_task(self.context, self.host, Some(self.task), &layers);
            match self.conditions(&scope).map_err(wrong)? {
                None => {}
                Some(result) if self.task.r#loop.is_none() => return Err(Box::new(result)),
                Some(_) => continue,
            }
            let extra: Variables = item
                .iter()
                .map(|(name, value)| (name.clone(), Placed::new(value.clone(), &include.task.place)))
                .collect();
            let (name, key, items) = self.load(include, &scope, extra).map_err(|errors| {
                let mut result = errors.0.first().map_or_else(
                    || TaskResult::error(&Error::new("nothing to include")),
                    TaskResult::error,
                );
                result.report = Some(errors.to_string());
                Box::new(result)
            })?;
            let key = format!("{key} {item:?}");
            // The variables of an include are stronger than `set_fact` (Ansible's level 21).
            let own = &self.task.keywords.vars;
            let parameters = (!own.is_empty()).then(|| Layer::Placed(own.clone()));
            found.push(Found {
                name,
                key,
                items,
                layers: parameters.into_iter().collect(),
            });
        }
        Ok(found)
    }

    /// Tells what was included: Ansible counts each item that includes something as ok, and a loop without any as skipped.
    pub(super) fn tell_included(&self, found: &[Found]) {
        if found.is_empty() && self.task.r#loop.is_some() {
            self.tell_end(&TaskResult::looped(vec![]));
        }
        for one in found {
            self.tell_end(&TaskResult::included(Value::list([Value::string(&one.name)])));
        }
    }

    /// The variables of each item of the include's loop; one without variables if it has none.
    fn loop_scopes(&self, scope: &Scope) -> Result<Vec<ItemScope>, Error> {
        let Some(wanted) = &self.task.r#loop else {
            return Ok(vec![(vec![], self.parameters.to_vec())]);
        };
        let items =
            match super::task::loop_items(wanted, self.context, self.host, self.task, self.parameters)? {
                Value::List(items) => items,
                other => return Err(super::task::no_list(&other, &wanted.items.place)),
            };
        let variable = wanted
            .control
            .loop_var
            .as_ref()
            .and_then(|placed| template::render(&placed.value, scope).ok()?);
        let variable = variable.and_then(|rendered| rendered.value.as_str().map(str::to_string));
        let variable: Arc<str> = variable.unwrap_or_else(|| "item".into()).into();
        let index = wanted
            .control
            .index_var
            .as_ref()
            .and_then(|placed| placed.value.as_str());
        Ok(items
            .iter()
            .enumerate()
            .map(|(at, item)| {
                let mut variables = vec![(variable.clone(), item.clone())];
                variables.extend(index.map(|index| (Arc::from(index), Value::Int(at as i64))));
                let mut layers = vec![super::items::layer(variables.clone())];
                layers.extend_from_slice(self.parameters);
                (variables, layers)
            })
            .collect())
    }

    /// Name, key and tasks of what is included.
    fn load(
        &self,
        include: &Include,
        scope: &Scope,
        extra: Variables,
    ) -> Result<(String, String, Vec<Item>), Errors> {
        let text = |placed: &Placed| -> Result<String, Error> {
            let rendered = template::render(&placed.value, scope).map_err(|error| error.at(&placed.place))?;
            let text = rendered.and_then(|rendered| rendered.value.as_str().map(str::to_string));
            text.ok_or_else(|| Error::new("the name of what is included must be a text").at(&placed.place))
        };
        let loader = &self.context.run.loader;
        match &include.included {
            Included::Tasks(file) => {
                let file = text(file)?;
                let tasks = loader.include_tasks(include, &file, extra, &self.context.written)?;
                self.context.handlers.add(&tasks.handlers);
                Ok((file.clone(), file, tasks.items))
            }
            Included::Role(choice) => {
                let given = |placed: &Option<Placed>| -> Result<Option<Placed>, Error> {
                    placed
                        .as_ref()
                        .map(|placed| Ok(Placed::new(text(placed)?.as_str(), &placed.place)))
                        .transpose()
                };
                let name = text(&choice.name)?;
                let validate = choice.rolespec_validate.as_ref().map(|placed| {
                    let rendered = template::render(&placed.value, scope)?;
                    let value = rendered.map_or(Value::Null, |evaluated| evaluated.value);
                    Ok(Placed::new(value, &placed.place))
                });
                let choice = RoleChoice {
                    name: Placed::new(name.as_str(), &choice.name.place),
                    tasks_from: given(&choice.tasks_from)?,
                    vars_from: given(&choice.vars_from)?,
                    defaults_from: given(&choice.defaults_from)?,
                    handlers_from: given(&choice.handlers_from)?,
                    public: choice.public.clone(),
                    rolespec_validate: validate
                        .transpose()
                        .map_err(|error: Error| error.at(&choice.name.place))?,
                };
                let role = loader.include_role(include, &choice, extra, &self.context.written)?;
                self.context.handlers.add(&role.handlers);
                Ok((name.clone(), key(&choice, name), role.items))
            }
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
        &choice.rolespec_validate,
    ];
    let rest = rest.map(|placed| placed.as_ref().map(|placed| value::repr(&placed.value)));
    match rest.iter().all(Option::is_none) {
        true => name,
        false => format!("{name} {rest:?}"),
    }
}
