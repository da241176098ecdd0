//! What the coming tasks will ask the same host, as far as that can be told before their turn.

use super::loops::{Course, items_of};
use super::way::{self, Way};
use super::{HostTask, scope, selection};
use crate::engine::state::host::Host;
use crate::host::{Question, State};
use crate::model::{Item, Task};
use crate::module::{Entry, Step, Stop, View, Work};
use crate::template::Scope;
use crate::value::{Unknown, Value};
use crate::vars::Layer;
use std::sync::Arc;

/// More questions in one trip would delay the task that is waiting for its own.
const MOST_QUESTIONS: usize = 100;

/// A walk over the coming tasks.
struct Walk<'a> {
    from: &'a HostTask,
    /// Who does the task.
    host: &'a Arc<Host>,
    way: &'a Way,
    state: &'a State,
    check: bool,
    /// How many tasks and items are still looked at.
    left: usize,
    questions: Vec<Question>,
}

/// True if what comes behind a module cannot be told before its turn.
fn ends_looking_ahead(module: &Entry) -> bool {
    matches!(module.work, Work::Run(_) | Work::Foreign)
        || module.nature.gathers_facts
        || module.nature.asks_in_turn
}

/// Whether a walk goes on.
#[derive(PartialEq)]
enum Walked {
    On,
    /// What comes behind hangs on what is done here.
    NoFurther,
}

impl HostTask {
    /// What the rest of this task's loop and the tasks behind it would ask now, on the same way to the same host;
    /// `most` is the number of tasks and items to look at. Nothing is told, and what cannot be told is left out.
    pub fn coming_questions(
        &self,
        (host, way): (&Arc<Host>, &Way),
        state: &State,
        check: bool,
        most: usize,
    ) -> Vec<Question> {
        let mut walk = Walk {
            from: self,
            host,
            way,
            state,
            check,
            left: most,
            questions: vec![],
        };
        if walk.rest_of_loop() == Walked::On {
            let _ = walk.items(self.coming.items());
        }
        walk.questions.truncate(MOST_QUESTIONS);
        walk.questions
    }
}

impl Walk<'_> {
    fn is_full(&self) -> bool {
        self.left == 0 || self.questions.len() >= MOST_QUESTIONS
    }

    /// The items of the current task's loop behind the current one.
    fn rest_of_loop(&mut self) -> Walked {
        let task = &self.from.task;
        if task.r#loop.is_none() {
            return Walked::On;
        }
        match &self.from.rest {
            Some((items, next)) => self.loop_items(task, items, *next),
            None => Walked::NoFurther,
        }
    }

    fn items(&mut self, items: &[Item]) -> Walked {
        for item in items {
            if self.is_full() {
                return Walked::NoFurther;
            }
            let walked = match item {
                Item::Task(task) => self.task(task),
                Item::Block(block) => match self.items(&block.block) {
                    Walked::On => self.items(&block.always),
                    ended => ended,
                },
                Item::Include(_) => Walked::NoFurther,
            };
            if walked == Walked::NoFurther {
                return walked;
            }
        }
        Walked::On
    }

    fn task(&mut self, task: &Arc<Task>) -> Walked {
        let module = self.from.context.run.module_of(&task.action);
        // What is done to the run or to its knowledge of a host decides what comes behind.
        if module.is_none_or(ends_looking_ahead) {
            return Walked::NoFurther;
        }
        let scope = self.scope(task, &self.from.parameters);
        let repeated = task.is_repeated() || task.r#async.is_some();
        let once = task.keyword(|keywords| &keywords.run_once).is_some();
        if repeated || once || !selection::selects(&self.from.context.run, task, || scope.clone()) {
            return Walked::On;
        }
        match &task.r#loop {
            None => self.one(task, &scope, &self.from.parameters),
            Some(wanted) => {
                let scope_of = |layers: &[Layer]| self.scope(task, layers);
                match items_of(wanted, &self.from.parameters, &scope_of) {
                    Ok(Value::List(items)) => self.loop_items(task, &items, 0),
                    _ => Walked::On,
                }
            }
        }
    }

    fn loop_items(&mut self, task: &Arc<Task>, items: &Arc<Vec<Value>>, from: usize) -> Walked {
        let Some(wanted) = &task.r#loop else {
            return Walked::On;
        };
        let scope = self.scope(task, &self.from.parameters);
        let course = Course::of(wanted, &scope);
        for at in from..items.len() {
            if self.is_full() {
                return Walked::NoFurther;
            }
            let mut layers = vec![Layer::Map(Arc::new(course.variables(items, at)))];
            layers.extend_from_slice(&self.from.parameters);
            let scope = self.scope(task, &layers);
            if self.one(task, &scope, &layers) == Walked::NoFurther {
                return Walked::NoFurther;
            }
        }
        Walked::On
    }

    fn scope(&self, task: &Arc<Task>, layers: &[Layer]) -> Scope {
        scope::of_task_ahead(&self.from.context, &self.from.host, task, layers)
    }

    /// The questions of a task for one item.
    fn one(&mut self, task: &Arc<Task>, scope: &Scope, parameters: &[Layer]) -> Walked {
        self.left = self.left.saturating_sub(1);
        let on_host = HostTask::new(&self.from.context, &self.from.host, task, &Arc::from(parameters));
        let Some((module, arguments)) = self.plain(&on_host, scope) else {
            return Walked::On;
        };
        let control_node = on_host.control_node(scope, self.check);
        let origin = Arc::new(Unknown {
            origin: String::new(),
        });
        let verbosity = self.from.context.run.settings.verbosity;
        let view = View::new(self.state, &self.way.user, &control_node, &[], &origin, verbosity);
        let step = module.work.step(&arguments, &view);
        let open = view.into_open();
        let acts = match &step {
            Ok(Step::Act(actions) | Step::Finish(actions, _)) => !actions.is_empty(),
            Err(Stop::Pending) => {
                for question in open {
                    if !matches!(question, Question::Record(_)) && !self.questions.contains(&question) {
                        self.questions.push(question);
                    }
                }
                false
            }
            Err(_) => false,
        };
        // What is done makes all that was looked up old; a check does nothing.
        match acts && !self.check {
            true => Walked::NoFurther,
            false => Walked::On,
        }
    }

    /// Module and arguments of a task that goes the same way to the same host; `None` if it does not, is skipped, or
    /// cannot be told yet.
    fn plain(&self, on_host: &HostTask, scope: &Scope) -> Option<(&'static Entry, Value)> {
        let module = on_host.context.run.module_of(&on_host.task.action)?;
        if !matches!(on_host.conditions(scope), Ok(None)) || on_host.is_check(scope) != self.check {
            return None;
        }
        let (host, way) = way::of_task(&on_host.context, &on_host.host, &on_host.task, scope).ok()?;
        let same = host.name == self.host.name
            && way.target.endpoint() == self.way.target.endpoint()
            && way.target.user == self.way.target.user
            && way.r#become == self.way.r#become;
        let arguments = on_host.arguments(scope).ok()?.ok()?;
        same.then_some((module, arguments))
    }
}
