//! `until`, `retries` and `delay`.

use super::judgement::values;
use super::{HostTask, TaskResult};
use crate::error::{Error, Result};
use crate::event::{Kind, Status, TaskName};
use crate::model::Placed;
use crate::template::{self, Decision, Scope};
use crate::value::{self, Map, Value};
use crate::vars::Layer;
use std::sync::Arc;
use std::time::Duration;

impl HostTask {
    /// Tries until the conditions of `until` hold.
    pub async fn tries(&self, scope: &Scope, name: &TaskName, layers: &[Layer]) -> Result<TaskResult> {
        let has_until = !self.task.until.is_empty();
        let retries = if self.task.is_repeated() {
            number(&self.task.retries, 3.0, scope)?
        } else {
            0.0
        };
        let delay = number(&self.task.delay, 5.0, scope)?;
        // As Ansible: what is below nothing is a second.
        let delay = Duration::try_from_secs_f64(if delay < 0.0 { 1.0 } else { delay }).map_err(|_| {
            let place = self.task.delay.as_ref().map(|placed| &placed.place);
            let error = Error::new(format!("nobody can wait for {delay} seconds"));
            error.at_some(place).help("`delay` is a number of seconds")
        })?;
        let attempts = (retries.max(0.0) as usize).saturating_add(1);
        for attempt in 1..=attempts {
            let mut result = self.try_once(scope, name).await?;
            if attempts > 1 && !matches!(result.status, Status::Unreachable | Status::Undecided) {
                result.put("attempts", Value::Int(attempt as i64));
            }
            let result = self.judged(result, scope)?;
            if attempts == 1 || matches!(result.status, Status::Unreachable | Status::Undecided) {
                return Ok(result);
            }
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
                return Ok(self.given_up(result, attempt));
            }
            let left = attempts - attempt;
            self.context.run.events.tell(Kind::Retried {
                name: name.clone(),
                attempt,
                left,
            });
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = self.context.run.permits.stop.cancelled() => return Ok(result),
            }
        }
        Err(Error::new("the task was not tried"))
    }

    /// The result of the last try, whose conditions did not hold.
    fn given_up(&self, mut result: TaskResult, attempt: usize) -> TaskResult {
        // Ansible counts the tries after the first here.
        result.put("attempts", Value::Int(attempt as i64 - 1));
        if self.task.until.is_empty() {
            return result;
        }
        let message = result.message.clone();
        let message =
            message.unwrap_or_else(|| format!("the condition of `until` did not hold after {attempt} tries"));
        let report = result.report.take();
        result.put("failed", true.into());
        // As Ansible: what `failed_when` says of the last try counts for the host.
        if !self.task.failed_when.is_empty() {
            result.report = report;
            return result;
        }
        result.report = report.or_else(|| Some(self.report(&message, &result.value)));
        result.message = Some(message);
        result.status = Status::Failed;
        result
    }

    /// The scope in which `until`, `changed_when` and `failed_when` see the result.
    pub fn with_result(&self, result: &TaskResult, layers: &[Layer]) -> Scope {
        let Some(register) = &self.task.register else {
            let layers = if layers.is_empty() {
                &self.parameters
            } else {
                layers
            };
            return self.scope_with(layers);
        };
        let map: Map = [(Arc::from(register.as_str()), result.value.clone())]
            .into_iter()
            .collect();
        let mut all = vec![Layer::Map(Arc::new(map))];
        all.extend_from_slice(if layers.is_empty() {
            &self.parameters
        } else {
            layers
        });
        self.scope_with(&all)
    }
}

/// The number behind a keyword.
fn number(placed: &Option<Placed>, default: f64, scope: &Scope) -> Result<f64> {
    let Some(placed) = placed else { return Ok(default) };
    let rendered = template::render(&placed.value, scope)?.map(|evaluated| evaluated.value);
    let text = rendered.map(|value| value.as_str().map_or_else(|| value::repr(&value), str::to_string));
    text.and_then(|text| text.trim().parse().ok())
        .ok_or_else(|| Error::new("this needs a number").at(&placed.place))
}
