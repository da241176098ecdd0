//! One task on one host: loop, conditions, arguments, tries, result.

use super::attempt::{Attempt, CommandSettings, Ended};
use super::computer::Here;
use super::handlers::Notified;
use super::host::Host;
use super::play::Context;
use super::result::TaskResult;
use super::scope;
use crate::connection::Stream;
use crate::error::{Error, Result, nearest};
use crate::event::{Kind, Status, TaskEnded, TaskName};
use crate::model::{Condition, Placed, Task};
use crate::module;
use crate::template::{self, Decision, Scope};
use crate::value::{self, Map, Template, Unknown, Value};
use crate::vars::Layer;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One task on one host.
pub(super) struct OnHost<'a> {
    pub(super) context: &'a Arc<Context>,
    pub(super) host: &'a Arc<Host>,
    pub(super) task: &'a Arc<Task>,
    /// Variables of includes around the task, the strongest first.
    pub(super) parameters: &'a [Layer],
    pub(super) handler: bool,
    /// Set for a handler that may not be due: what would decide it.
    pub(super) maybe: Option<Arc<Unknown>>,
}

impl OnHost<'_> {
    /// Runs the task and tells its events; registers nothing.
    pub(super) async fn run(&self) -> TaskResult {
        let started = Instant::now();
        let scope = scope::of_task(self.context, self.host, Some(self.task), self.parameters);
        let name = self.name(&scope);
        self.context.run.events.tell(Kind::TaskStarted(name.clone()));
        let mut result = match &self.maybe {
            Some(origin) => TaskResult::undecided(origin.clone()),
            None => self.with_loop(&scope, &name).await,
        };
        if result.status == Status::Failed
            && self
                .flag(&scope, |keywords| &keywords.ignore_errors)
                .unwrap_or(false)
        {
            result.status = Status::Ignored;
        }
        self.tell(&name, &scope, None, self.task.r#loop.is_some(), &result, started);
        result
    }

    fn name(&self, scope: &Scope) -> TaskName {
        TaskName {
            playbook: self.context.name.clone(),
            play: self.context.title(),
            host: self.host.name.to_string(),
            delegate: None,
            task: title(self.task, scope),
            module: self.task.action.module.to_string(),
            place: self.task.place.short(),
            handler: self.handler,
        }
    }

    fn tell(
        &self,
        name: &TaskName,
        scope: &Scope,
        item: Option<&Value>,
        looped: bool,
        result: &TaskResult,
        started: Instant,
    ) {
        let hides = self.task.keyword(|keywords| &keywords.no_log).is_some();
        let hidden = hides && self.flag(scope, |keywords| &keywords.no_log).unwrap_or(true);
        let run = &self.context.run;
        let shown = |text: &Option<String>| text.as_ref().map(|text| run.mask(text));
        let censored =
            "the output has been hidden due to the fact that 'no_log: true' was specified for this result";
        let json = if hidden {
            serde_json::json!({ "censored": censored })
        } else {
            run.mask_json((&result.value).into())
        };
        let label =
            item.map(|item| run.mask(&item.as_str().map_or_else(|| value::repr(item), str::to_string)));
        let failed = result.is_failure();
        run.events.tell(Kind::TaskEnded(Box::new(TaskEnded {
            name: name.clone(),
            item: label.map(|label| {
                if hidden {
                    "(censored due to no_log)".into()
                } else {
                    label
                }
            }),
            looped,
            status: result.status,
            message: if hidden && failed {
                Some(censored.into())
            } else {
                shown(&result.message)
            },
            result: json,
            diffs: if hidden {
                vec![]
            } else {
                result.diffs.iter().map(|diff| run.mask_diff(diff)).collect()
            },
            digests: result.digests.clone(),
            report: if hidden { None } else { shown(&result.report) },
            origin: result.origin.as_ref().map(|origin| origin.origin.clone()),
            seconds: started.elapsed().as_secs_f64(),
        })));
    }

    /// A bool keyword of the task or around it, rendered; `None` if it is not set.
    fn flag(&self, scope: &Scope, pick: impl Fn(&crate::model::Keywords) -> &Option<Placed>) -> Option<bool> {
        let placed = self.task.keyword(pick)?;
        let rendered = template::render(&placed.value, scope).ok()??;
        value::to_bool(&rendered.value)
    }

    async fn with_loop(&self, scope: &Scope, name: &TaskName) -> TaskResult {
        let Some(wanted) = &self.task.r#loop else {
            return self.one(scope, name, &[]).await;
        };
        let items = match loop_items(wanted, self.context, self.host, self.task, self.parameters) {
            Ok(Value::List(items)) => items,
            Ok(Value::Unknown(origin)) => return self.without_items(scope, TaskResult::undecided(origin)),
            Ok(other) => {
                let error =
                    Error::new(format!("a loop needs a list, not {}", other.kind())).at(&wanted.items.place);
                return self.without_items(scope, TaskResult::error(&error));
            }
            Err(error) => return self.without_items(scope, TaskResult::error(&error)),
        };
        self.items(wanted, &items, scope, name).await
    }

    async fn items(
        &self,
        wanted: &crate::model::Loop,
        items: &[Value],
        scope: &Scope,
        name: &TaskName,
    ) -> TaskResult {
        let text = |placed: &Option<Placed>| {
            placed.as_ref().and_then(|placed| {
                template::render(&placed.value, scope)
                    .ok()??
                    .value
                    .as_str()
                    .map(str::to_string)
            })
        };
        let variable = text(&wanted.control.loop_var).unwrap_or_else(|| "item".into());
        let index = text(&wanted.control.index_var);
        let mut results = vec![];
        for (at, item) in items.iter().enumerate() {
            let started = Instant::now();
            let mut map = Map::new();
            map.insert(variable.as_str().into(), item.clone());
            map.insert("ansible_loop_var".into(), variable.as_str().into());
            if let Some(index) = &index {
                map.insert(index.as_str().into(), Value::Int(at as i64));
                map.insert("ansible_index_var".into(), index.as_str().into());
            }
            map.insert("ansible_loop".into(), extended(items, at));
            let mut layers = vec![Layer::Map(Arc::new(map))];
            layers.extend_from_slice(self.parameters);
            let inner = scope::of_task(self.context, self.host, Some(self.task), &layers);
            let mut result = self.one(&inner, name, &layers).await;
            // Later items see what `set_fact` has set for this one.
            for (name, value) in &result.facts {
                self.host.set(self.context.node, name, value.clone());
            }
            result.put(&variable, item.clone());
            result.put("ansible_loop_var", variable.as_str().into());
            let label = match &wanted.control.label {
                Some(label) => template::render(&label.value, &inner)
                    .ok()
                    .flatten()
                    .map(|label| label.value),
                None => None,
            };
            let ignored = result.status == Status::Failed
                && self
                    .flag(&inner, |keywords| &keywords.ignore_errors)
                    .unwrap_or(false);
            let mut shown = result.clone();
            if ignored {
                shown.status = Status::Ignored;
            }
            self.tell(
                name,
                &inner,
                Some(label.as_ref().unwrap_or(item)),
                false,
                &shown,
                started,
            );
            let stop = result.status == Status::Unreachable;
            results.push(result);
            if stop {
                break;
            }
            if let Some(pause) = text(&wanted.control.pause).and_then(|text| text.parse::<f64>().ok()) {
                tokio::time::sleep(Duration::from_secs_f64(pause)).await;
            }
        }
        TaskResult::looped(results)
    }

    /// The items cannot be told: the task is skipped all the same if its conditions do not hold.
    fn without_items(&self, scope: &Scope, otherwise: TaskResult) -> TaskResult {
        match self.conditions(scope) {
            Ok(Some(skipped)) if skipped.status == Status::Skipped => skipped,
            _ => otherwise,
        }
    }

    /// The result if the conditions do not hold or are not known.
    pub(super) fn conditions(&self, scope: &Scope) -> Result<Option<TaskResult>> {
        let mut unknown = None;
        for condition in self.task.conditions() {
            let decided = template::condition_at(&condition.value, Some(&condition.place), scope);
            match decided.map_err(|error| error.at(&condition.place))? {
                Decision::True => {}
                Decision::False => {
                    let reason = "Conditional result was False";
                    return Ok(Some(TaskResult::skipped(reason, Some(condition.value.clone()))));
                }
                Decision::Unknown(origin) => unknown = unknown.or(Some(origin)),
            }
        }
        Ok(unknown.map(TaskResult::undecided))
    }

    /// The task once, for one item if it has a loop.
    async fn one(&self, scope: &Scope, name: &TaskName, layers: &[Layer]) -> TaskResult {
        match self.conditions(scope) {
            Ok(None) => {}
            Ok(Some(result)) => return result,
            Err(error) => return TaskResult::error(&error),
        }
        let tried = self.tries(scope, name, layers).await;
        tried.unwrap_or_else(|error| TaskResult::error(&error.at(&self.task.action.place)))
    }

    /// Tries until the conditions of `until` hold.
    async fn tries(&self, scope: &Scope, name: &TaskName, layers: &[Layer]) -> Result<TaskResult> {
        let number = |placed: &Option<Placed>, default: f64| -> Result<f64> {
            let Some(placed) = placed else { return Ok(default) };
            let rendered = template::render(&placed.value, scope)?.map(|evaluated| evaluated.value);
            let text =
                rendered.map(|value| value.as_str().map_or_else(|| value::repr(&value), str::to_string));
            text.and_then(|text| text.trim().parse().ok())
                .ok_or_else(|| Error::new("this needs a number").at(&placed.place))
        };
        let has_until = !self.task.until.is_empty();
        let retries = if has_until || self.task.retries.is_some() {
            number(&self.task.retries, 3.0)?
        } else {
            0.0
        };
        let delay = number(&self.task.delay, 5.0)?;
        let attempts = retries.max(0.0) as usize + 1;
        for attempt in 1..=attempts {
            let mut result = self.try_once(scope, name).await?;
            if attempts == 1 || matches!(result.status, Status::Unreachable | Status::Undecided) {
                return Ok(result);
            }
            result.put("attempts", Value::Int(attempt as i64));
            let scope = self.with_result(&result, layers);
            let reached = match template::conditions(&values(&self.task.until), &scope) {
                _ if !has_until => !result.is_failure(),
                Ok(Decision::True | Decision::Unknown(_)) => true,
                Ok(Decision::False) => false,
                Err(error) => return Err(error),
            };
            if reached || self.context.run.settings.check && result.value.find_unknown().is_some() {
                return Ok(result);
            }
            if attempt == attempts {
                if has_until {
                    result.status = Status::Failed;
                    result.put("failed", true.into());
                    result.message = result.message.or(Some(format!(
                        "the condition of `until` did not hold after {attempt} tries"
                    )));
                }
                return Ok(result);
            }
            let left = attempts - attempt;
            let text = format!("{}: trying again ({left} tries left)", name.task);
            self.context.run.events.tell(Kind::Notice {
                host: Some(name.host.clone()),
                text,
            });
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs_f64(delay)) => {}
                () = self.context.run.stop.cancelled() => return Ok(result),
            }
        }
        Err(Error::new("the task was not tried"))
    }

    /// The scope in which `until`, `changed_when` and `failed_when` see the result.
    fn with_result(&self, result: &TaskResult, layers: &[Layer]) -> Scope {
        let Some(register) = &self.task.register else {
            let layers = if layers.is_empty() {
                self.parameters
            } else {
                layers
            };
            return scope::of_task(self.context, self.host, Some(self.task), layers);
        };
        let map: Map = [(Arc::from(register.as_str()), result.value.clone())]
            .into_iter()
            .collect();
        let mut all = vec![Layer::Map(Arc::new(map))];
        all.extend_from_slice(if layers.is_empty() {
            self.parameters
        } else {
            layers
        });
        scope::of_task(self.context, self.host, Some(self.task), &all)
    }

    async fn try_once(&self, scope: &Scope, name: &TaskName) -> Result<TaskResult> {
        let action = &self.task.action;
        let arguments = match self.arguments(scope)? {
            Ok(arguments) => arguments,
            Err(origin) => return Ok(TaskResult::undecided(origin)),
        };
        if let Some(result) = self.context.special(self.host, self.task, &arguments).await? {
            return Ok(result);
        }
        let Some(module) = module::find(&action.module) else {
            let known = module::MODULES
                .iter()
                .flat_map(|entry| entry.names.iter().copied());
            let error = Error::new(format!("unknown module `{}`", action.module)).at(&action.place);
            return Err(match nearest(&action.module, known) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error.help("`vent modules` lists what there is"),
            });
        };
        let result = self.attempt(module, &arguments, scope, name).await?;
        self.judged(result, scope)
    }

    async fn attempt(
        &self,
        module: &'static module::Entry,
        arguments: &Value,
        scope: &Scope,
        name: &TaskName,
    ) -> Result<TaskResult> {
        let run = &self.context.run;
        let (host, way) = self.context.way(self.host, self.task, scope)?;
        let _fork = run
            .forks
            .acquire()
            .await
            .map_err(|_| Error::new("the run is stopping"))?;
        let local = way.target.kind == crate::connection::Kind::Local;
        let connection = host.connection(way.target);
        let shell = match connection.shell(way.r#become.as_ref()).await {
            Ok(shell) => shell,
            Err(failure) => return Ok(self.connection_failure(&failure)),
        };
        let check = match self.flag(scope, |keywords| &keywords.check_mode) {
            Some(check) => check,
            None => run.settings.check,
        };
        let here = self.here(scope, check);
        let origin = format!("the result of `{}` ({})", name.task, name.place);
        let watch = |stream: Stream, bytes: &[u8]| run.watch(name, stream, bytes);
        let attempt = Attempt {
            module,
            arguments,
            host: &host,
            shell,
            user: way.user,
            computer: &here,
            check,
            diff: self
                .flag(scope, |keywords| &keywords.diff)
                .unwrap_or(run.settings.diff),
            verbosity: run.settings.verbosity,
            origin: Arc::new(Unknown { origin }),
            command: self.command_settings(scope, local)?,
            debts: self.context.debts_of(self.task, scope, &host),
            watch: &watch,
            cancel: &run.stop_now,
        };
        Ok(match attempt.run().await {
            Ended::Done(mut done) => {
                let outcome = std::mem::take(&mut done.outcome);
                TaskResult::done(outcome, done)
            }
            Ended::Failed(outcome, done) => self.module_failure(*outcome, done, &host, check),
            Ended::Undecided(origin) => TaskResult::undecided(origin),
            Ended::Connection(failure) => self.connection_failure(&failure),
            Ended::Error(error) => return Err(error),
        })
    }

    /// A failure of a module; in check mode a command that was not run may be the reason.
    fn module_failure(
        &self,
        outcome: module::Outcome,
        done: super::attempt::Done,
        host: &Host,
        check: bool,
    ) -> TaskResult {
        let opaque = host.state().opaque().cloned();
        if check
            && let Some(origin) = opaque
            && !matches!(self.task.action.short(), "fail" | "assert")
        {
            return TaskResult::undecided(origin);
        }
        let message = outcome.failed.clone().unwrap_or_default();
        let mut result = TaskResult::done(outcome, done);
        result.report = Some(self.report(&message, &result.value));
        result
    }

    /// What is shown of a failure: where, what, exit status and standard error.
    fn report(&self, message: &str, value: &Value) -> String {
        let mut error =
            Error::new(format!("{}: {}", self.task.action.module, message)).at(&self.task.action.place);
        if let Some(command) = value.get("cmd") {
            let words = command.as_list().map(|words| {
                words
                    .iter()
                    .filter_map(Value::as_str)
                    .collect::<Vec<_>>()
                    .join(" ")
            });
            let shown = words
                .or_else(|| command.as_str().map(str::to_string))
                .unwrap_or_default();
            error = error.cause(format!("command: {shown}"));
        }
        if let Some(Value::Int(code)) = value.get("rc") {
            error = error.cause(format!("exit code: {code}"));
        }
        for stream in ["stderr", "stdout"] {
            if let Some(text) = value
                .get(stream)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
            {
                let lines: Vec<&str> = text.lines().collect();
                error = error.cause(format!(
                    "{stream}: {}",
                    lines[lines.len().saturating_sub(20)..].join("\n")
                ));
            }
        }
        error.to_string()
    }

    fn connection_failure(&self, failure: &crate::connection::Failure) -> TaskResult {
        let error = Error::new(failure.message.clone())
            .at(&self.task.place)
            .help(failure.cure.clone());
        if failure.is_unreachable() {
            return TaskResult::unreachable(&failure.message, error.to_string());
        }
        TaskResult::error(&error)
    }

    fn here(&self, scope: &Scope, check: bool) -> Here {
        let mut random = [0; 32];
        let _ = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty());
        let run = &self.context.run;
        Here {
            scope: scope.clone(),
            search: scope::search(self.context, Some(self.task)),
            localhost: check.then(|| run.host("localhost")),
            now: jiff::Timestamp::now().as_second(),
            random,
            user: run.local_user.clone(),
        }
    }

    /// On this computer `vent` itself is found as well.
    fn command_settings(&self, scope: &Scope, local: bool) -> Result<CommandSettings> {
        let mut environment: Vec<(String, String)> = vec![];
        if local && let Some(path) = path_with_vent() {
            environment.push(("PATH".into(), path));
        }
        for layer in self.task.layers(|keywords| &keywords.environment) {
            let rendered = template::render(&layer.value, scope).map_err(|error| error.at(&layer.place))?;
            let maps = match rendered.map(|evaluated| evaluated.value) {
                Some(Value::List(items)) => items.to_vec(),
                Some(single) => vec![single],
                None => vec![],
            };
            for (name, value) in maps.iter().filter_map(Value::as_map).flatten() {
                environment.retain(|(known, _)| known != &**name);
                let text = value.as_str().map_or_else(|| value::repr(value), str::to_string);
                environment.push((name.to_string(), text));
            }
        }
        let timeout = self
            .task
            .keyword(|keywords| &keywords.timeout)
            .or(self.task.r#async.as_ref());
        let timeout = match timeout {
            Some(placed) => {
                let rendered = template::render(&placed.value, scope)?.map(|evaluated| evaluated.value);
                rendered
                    .as_ref()
                    .and_then(value::to_integer)
                    .filter(|seconds| *seconds > 0)
                    .map(|seconds| seconds as u64)
            }
            None => None,
        };
        let reads_only = !self.task.changed_when.is_empty()
            && self
                .task
                .changed_when
                .iter()
                .all(|condition| is_false(&condition.value));
        Ok(CommandSettings {
            environment,
            timeout,
            reads_only,
        })
    }

    /// `changed_when` and `failed_when`.
    fn judged(&self, mut result: TaskResult, scope: &Scope) -> Result<TaskResult> {
        if matches!(
            result.status,
            Status::Skipped | Status::Unreachable | Status::Undecided
        ) {
            return Ok(result);
        }
        let layers = self.loop_layers(scope);
        if !self.task.failed_when.is_empty() {
            let scope = self.with_result(&result, &layers);
            let failed = match decide(&self.task.failed_when, &scope)? {
                Decision::True => true,
                Decision::False => false,
                Decision::Unknown(_) => false,
            };
            result.put("failed_when_result", failed.into());
            result.put("failed", failed.into());
            result.status = match (failed, result.value.get("changed")) {
                (true, _) => Status::Failed,
                (_, Some(Value::Bool(true))) => Status::Changed,
                _ => Status::Ok,
            };
            if failed && result.report.is_none() {
                let condition = &self.task.failed_when[0];
                let message = result
                    .message
                    .clone()
                    .unwrap_or_else(|| "the condition of `failed_when` holds".into());
                result.report = Some(Error::new(message.clone()).at(&condition.place).to_string());
                result.message = Some(message);
            }
            if !failed {
                result.report = None;
            }
        }
        if !self.task.changed_when.is_empty() {
            let scope = self.with_result(&result, &layers);
            let changed = match decide(&self.task.changed_when, &scope)? {
                Decision::True => true,
                Decision::False => false,
                Decision::Unknown(origin) => {
                    let value = result.value;
                    let mut undecided = TaskResult::undecided(origin.clone());
                    undecided.value = value;
                    undecided.put("changed", Value::Unknown(origin));
                    return Ok(undecided);
                }
            };
            result.put("changed", changed.into());
            if result.status != Status::Failed {
                result.status = if changed { Status::Changed } else { Status::Ok };
            }
        }
        Ok(result)
    }

    /// The loop variables that `scope` was made with.
    fn loop_layers(&self, scope: &Scope) -> Vec<Layer> {
        let Some(Value::String(variable)) = scope.variables().get("ansible_loop_var") else {
            return vec![];
        };
        let names = [
            &*variable,
            "ansible_loop_var",
            "ansible_loop",
            "ansible_index_var",
        ];
        let index = scope.variables().get("ansible_index_var");
        let names = names.into_iter().chain(index.as_ref().and_then(Value::as_str));
        let map: Map = names
            .filter_map(|name| Some((Arc::from(name), scope.variables().get(name)?)))
            .collect();
        let mut layers = vec![Layer::Map(Arc::new(map))];
        layers.extend_from_slice(self.parameters);
        layers
    }

    /// The rendered arguments; `Err`: they cannot be told yet.
    fn arguments(&self, scope: &Scope) -> Result<std::result::Result<Value, Arc<Unknown>>> {
        let action = &self.task.action;
        let module = module::find(&action.module);
        let mut map = Map::new();
        for defaults in self.task.layers(|keywords| &keywords.module_defaults) {
            let rendered =
                template::render(&defaults.value, scope).map_err(|error| error.at(&defaults.place))?;
            let rendered = rendered.map(|evaluated| evaluated.value);
            for (name, arguments) in rendered.as_ref().and_then(Value::as_map).into_iter().flatten() {
                let same = module.is_some_and(|module| module.names.contains(&&**name));
                if same && let Some(arguments) = arguments.as_map() {
                    map.extend(arguments.clone());
                }
            }
        }
        if let Some(placed) = &action.template {
            let rendered = template::render(&placed.value, scope).map_err(|error| error.at(&placed.place))?;
            match rendered.map(|evaluated| evaluated.value) {
                Some(Value::Map(more)) => map.extend((*more).clone()),
                Some(Value::Unknown(origin)) => return Ok(Err(origin)),
                _ => return Err(Error::new("`args` must give a mapping").at(&placed.place)),
            }
        }
        if let Some(text) = &action.free_form {
            let name = module
                .and_then(|module| module.free_form)
                .unwrap_or("_raw_params");
            let rendered = template::render(&text.value, scope).map_err(|error| error.at(&text.place))?;
            if let Some(evaluated) = rendered {
                map.insert(name.into(), evaluated.value);
            }
        }
        for (name, argument) in &action.arguments {
            if module.is_some_and(|module| module.raw.contains(&&**name)) {
                map.insert(name.clone(), argument.value.clone());
                continue;
            }
            let rendered =
                template::render(&argument.value, scope).map_err(|error| error.at(&argument.place))?;
            match rendered {
                Some(evaluated) => drop(map.insert(name.clone(), evaluated.value)),
                None => drop(map.shift_remove(name)),
            }
        }
        Ok(Ok(Value::Map(map.into())))
    }

    /// Notes what follows from a result: variables, facts, handlers.
    pub(super) fn settle(&self, result: &TaskResult) -> Option<Error> {
        let (context, host) = (self.context, self.host);
        if let Some(register) = &self.task.register {
            host.set(context.node, register, result.value.untrusted());
        }
        for (name, value) in &result.facts {
            host.set(context.node, name, value.clone());
        }
        if !result.host_facts.is_empty() {
            let mut data = host.data();
            let facts = Arc::make_mut(&mut data.facts);
            facts.extend(result.host_facts.clone());
            data.gathered = true;
        }
        let notified = match (&result.status, result.value.get("changed")) {
            (Status::Undecided, _) => result.origin.clone().map(Notified::Maybe),
            (Status::Changed, _) | (_, Some(Value::Bool(true))) => Some(Notified::Surely),
            _ => None,
        };
        if let Some(notified) = notified {
            let scope = scope::of_task(context, host, Some(self.task), self.parameters);
            return context.notify(host, self.task, &scope, &notified);
        }
        None
    }

    /// Whether the conditions hold; what is unknown counts as not.
    pub(super) fn holds(&self) -> Result<bool> {
        let scope = scope::of_task(self.context, self.host, Some(self.task), self.parameters);
        Ok(self.conditions(&scope)?.is_none())
    }

    /// Tells the end of a task that did not come to be run.
    pub(super) fn tell_failure(&self, result: &TaskResult) {
        let scope = scope::of_task(self.context, self.host, Some(self.task), self.parameters);
        self.tell(&self.name(&scope), &scope, None, false, result, Instant::now());
    }
}

/// The search path of programs with the folder of this program behind it.
fn path_with_vent() -> Option<String> {
    let own = std::env::current_exe().ok()?;
    let path = std::env::var("PATH").ok()?;
    Some(format!("{path}:{}", own.parent()?.display()))
}

/// The name of a task as it is shown: rendered, with its role before it.
pub(super) fn title(task: &Task, scope: &Scope) -> String {
    let given = task.keywords.name.as_ref().map(|name| {
        let rendered = template::render(&name.value, scope).ok().flatten();
        let text = rendered.and_then(|rendered| rendered.value.as_str().map(str::to_string));
        text.or_else(|| name.value.as_str().map(str::to_string))
            .unwrap_or_default()
    });
    let title = given.unwrap_or_else(|| task.action.module.to_string());
    match task.role() {
        Some(role) => format!("{} : {title}", role.name),
        None => title,
    }
}

fn values(conditions: &[Condition]) -> Vec<Value> {
    conditions
        .iter()
        .map(|condition| condition.value.clone())
        .collect()
}

fn decide(conditions: &[Condition], scope: &Scope) -> Result<Decision> {
    let decided = template::conditions(&values(conditions), scope);
    decided.map_err(|error| {
        conditions
            .iter()
            .fold(error, |error, condition| error.at(&condition.place))
    })
}

fn is_false(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => !flag,
        Value::String(text) => matches!(text.trim(), "false" | "False" | "no"),
        _ => false,
    }
}

/// `ansible_loop`.
fn extended(items: &[Value], at: usize) -> Value {
    let mut map = Map::new();
    let mut put = |name: &str, value: Value| drop(map.insert(name.into(), value));
    let length = items.len();
    put("index", Value::Int(at as i64 + 1));
    put("index0", Value::Int(at as i64));
    put("revindex", Value::Int((length - at) as i64));
    put("revindex0", Value::Int((length - at) as i64 - 1));
    put("first", (at == 0).into());
    put("last", (at + 1 == length).into());
    put("length", Value::Int(length as i64));
    put("allitems", Value::list(items.iter().cloned()));
    if let Some(next) = items.get(at + 1) {
        put("nextitem", next.clone());
    }
    if let Some(previous) = at.checked_sub(1).and_then(|at| items.get(at)) {
        put("previtem", previous.clone());
    }
    Value::Map(map.into())
}

/// What a task is repeated over. `with_NAME` is the lookup NAME over the terms.
pub(super) fn loop_items(
    wanted: &crate::model::Loop,
    context: &Arc<Context>,
    host: &Host,
    task: &Task,
    parameters: &[Layer],
) -> Result<Value> {
    let scope = scope::of_task(context, host, Some(task), parameters);
    let rendered =
        template::render(&wanted.items.value, &scope).map_err(|error| error.at(&wanted.items.place))?;
    let items = rendered.map_or(Value::Null, |evaluated| evaluated.value);
    let Some(lookup) = &wanted.lookup else {
        return Ok(items);
    };
    if let Value::Unknown(_) = items {
        return Ok(items);
    }
    let terms = match items {
        Value::List(items) => items.to_vec(),
        single => vec![single],
    };
    let map: Map = terms
        .into_iter()
        .enumerate()
        .map(|(at, term)| (Arc::from(format!("vent_term_{at}")), term))
        .collect();
    let names: Vec<String> = map.keys().map(|name| format!(", {name}")).collect();
    let text = format!("{{{{ query('{lookup}'{}) }}}}", names.concat());
    let mut layers = vec![Layer::Map(Arc::new(map))];
    layers.extend_from_slice(parameters);
    let scope = scope::of_task(context, host, Some(task), &layers);
    let expression = Value::Template(Arc::new(Template {
        text,
        place: Some(wanted.items.place.clone()),
    }));
    let found = template::render(&expression, &scope).map_err(|error| error.at(&wanted.items.place))?;
    Ok(found.map_or(Value::Null, |evaluated| evaluated.value))
}
