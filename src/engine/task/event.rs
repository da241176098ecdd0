//! The events of a task on a host.

use super::super::result::TaskResult;
use super::super::scope;
use super::{OnHost, title};
use crate::error::Error;
use crate::event::{Kind, TaskEnded, TaskName};
use crate::template::Scope;
use crate::value::{self, Value};
use std::time::Instant;

impl OnHost<'_> {
    pub(super) fn name(&self, scope: &Scope) -> TaskName {
        TaskName {
            playbook: self.context.name.clone(),
            play: self.context.title(),
            host: self.host.name.to_string(),
            delegate: None,
            task: self.context.run.mask(&title(self.task, scope)),
            module: self.task.action.module.to_string(),
            place: self.task.place.short(),
            handler: self.handler,
        }
    }

    pub(super) fn tell(
        &self,
        name: &TaskName,
        scope: &Scope,
        item: Option<&Value>,
        looped: bool,
        result: &TaskResult,
        started: Instant,
    ) {
        let hidden = self.hides(scope);
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
            commands: if hidden {
                result.commands.iter().map(|_| format!("# {censored}")).collect()
            } else {
                result.commands.iter().map(|line| run.mask(line)).collect()
            },
            report: match hidden {
                true if failed => Some(Error::new(censored).at(&self.task.action.place).to_string()),
                true => None,
                false => shown(&result.report),
            },
            origin: result.origin.as_ref().map(|origin| origin.origin.clone()),
            seconds: started.elapsed().as_secs_f64(),
        })));
    }

    /// True if nothing of the result may be shown (`no_log`); also if that cannot be told.
    pub(super) fn hides(&self, scope: &Scope) -> bool {
        let hides = self.task.keyword(|keywords| &keywords.no_log).is_some();
        hides && self.flag(scope, |keywords| &keywords.no_log).unwrap_or(true)
    }

    /// Tells the end of a task that did not come to be run.
    pub(in crate::engine) fn tell_end(&self, result: &TaskResult) {
        let scope = scope::of_task(self.context, self.host, Some(self.task), self.parameters);
        self.tell(&self.name(&scope), &scope, None, false, result, Instant::now());
    }
}
