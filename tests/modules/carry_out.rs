//! What the engine does with one module, without an engine: asks, acts, until it is done.

use super::desk::Desk;
use std::sync::Arc;
use vent::host::*;
use vent::module::*;
use vent::value::{Unknown, Value};

/// Something that answers questions and takes actions.
pub trait Side {
    fn answer(&mut self, questions: &[Question]) -> Vec<Answer>;
    fn perform(&mut self, action: &Action) -> Performed;
}

/// How actions are treated.
#[derive(Clone, Copy, PartialEq)]
pub enum Mode {
    /// They are performed.
    Run,
    /// They are applied to what is known, as in check mode.
    Check,
}

/// How a task ended.
pub struct End {
    pub actions: Vec<Action>,
    pub changed: bool,
    /// `failed` in it is what the task failed with, if only because it is undecided.
    pub outcome: Outcome,
}

impl End {
    fn failed(outcome: Outcome, actions: Vec<Action>) -> End {
        End {
            actions,
            changed: false,
            outcome,
        }
    }
}

/// A task under way.
struct Task<'a> {
    state: State,
    user: Arc<str>,
    origin: Arc<Unknown>,
    mode: Mode,
    desk: &'a Desk,
    side: &'a mut dyn Side,
    performed: Vec<Performed>,
    actions: Vec<Action>,
}

impl Task<'_> {
    fn ask(&mut self, questions: Vec<Question>) {
        let answers = self.side.answer(&questions);
        for (question, answer) in questions.into_iter().zip(answers) {
            self.state.learn(&self.user, question, answer);
        }
    }

    fn act(&mut self, actions: Vec<Action>) {
        for action in actions {
            self.desk.turn();
            match self.mode {
                Mode::Run => {
                    self.performed.push(self.side.perform(&action));
                    self.state.performed(&action);
                }
                Mode::Check => {
                    self.state.apply(&action, &self.origin);
                    self.performed.push(Performed {
                        unknown: true,
                        ..Performed::default()
                    });
                }
            }
            self.actions.push(action);
        }
    }

    fn described(&mut self, outcome: Outcome) -> Outcome {
        let Some(path) = outcome.file.as_ref().filter(|_| outcome.failed.is_none()) else {
            return outcome;
        };
        let question = description(path);
        if self.state.answer(&self.user, &question).is_none() {
            self.ask(vec![self.state.wanted(&question)]);
        }
        match self.state.answer(&self.user, &question) {
            Some(Answer::Stat(stat)) => outcome.described(stat.as_ref(), &self.origin),
            _ => outcome.undescribed(&self.origin),
        }
    }

    fn finished(mut self, outcome: Outcome) -> End {
        let mut outcome = self.described(outcome);
        if outcome.prints {
            outcome = outcome.printed(&self.performed, &self.origin);
        }
        if let Some(backup) = self.performed.iter().find_map(|done| done.backup.clone()) {
            outcome = outcome.kept(&backup);
        }
        if outcome.failed.is_some() {
            return End::failed(outcome, self.actions);
        }
        End {
            changed: outcome.changed.unwrap_or(!self.actions.is_empty()),
            actions: self.actions,
            outcome,
        }
    }
}

/// Carries a module out with these arguments.
pub fn carry_out(module: &str, arguments: &Value, desk: &Desk, side: &mut dyn Side, mode: Mode) -> End {
    let entry = find(module).unwrap_or_else(|| panic!("there is no module {module}"));
    let origin = Arc::new(Unknown {
        origin: "the task".into(),
    });
    let mut task = Task {
        state: State::default(),
        user: Arc::from("root"),
        origin: origin.clone(),
        mode,
        desk,
        side,
        performed: vec![],
        actions: vec![],
    };
    let failed = |message: String, task: Task| End::failed(Outcome::new().failed(message), task.actions);
    if let Err(error) = (entry.check)(arguments) {
        return failed(error.to_string(), task);
    }
    for _ in 0..16 {
        let view = View::new(&task.state, &task.user, desk, &task.performed, &origin, 0);
        let step = entry.work.step(arguments, &view);
        let open = view.into_open();
        match step {
            Err(Stop::Pending) => task.ask(open),
            Err(Stop::Failed(message)) => return failed(message, task),
            Err(Stop::Arguments(error)) => return failed(error.to_string(), task),
            Err(Stop::FailedWith(outcome)) => return End::failed(*outcome, task.actions),
            Err(Stop::Undecided(unknown)) => return failed(format!("undecided: {}", unknown.origin), task),
            Err(Stop::Error(error)) => return failed(error.to_string(), task),
            Err(Stop::Connection(failure)) => return failed(failure.to_string(), task),
            Ok(Step::Act(actions)) => task.act(actions),
            Ok(Step::Finish(actions, outcome)) => {
                task.act(actions);
                return task.finished(outcome);
            }
        }
    }
    panic!("{module} does not come to an end");
}
