//! What is chosen for a run: options that `vent run` and Ansible's commands share, as Ansible has them.

use super::project::Purpose;
use crate::engine::Settings;
use clap::Args;

/// Which hosts and tasks.
#[derive(Args, Debug, Default)]
pub struct Selection {
    /// Leave out hosts that do not match this pattern.
    #[arg(short, long)]
    pub limit: Option<String>,
    /// Only tasks with one of these tags.
    #[arg(short, long, value_delimiter = ',')]
    pub tags: Vec<String>,
    /// No tasks with one of these tags.
    #[arg(long, value_delimiter = ',')]
    pub skip_tags: Vec<String>,
}

/// How tasks are done.
#[derive(Args, Debug, Default)]
pub struct Manner {
    /// Plan, and touch nothing.
    #[arg(short = 'C', long)]
    pub check: bool,
    /// Show what changes in files.
    #[arg(short = 'D', long)]
    pub diff: bool,
    /// How many hosts at the same time (default 50).
    #[arg(short, long, value_parser = at_least_one)]
    pub forks: Option<usize>,
    /// Run as another user.
    #[arg(short = 'b', long = "become")]
    pub r#become: bool,
    /// The other user.
    #[arg(long)]
    pub become_user: Option<String>,
    /// How to become the other user: sudo, su, doas.
    #[arg(long)]
    pub become_method: Option<String>,
    /// More words: output of commands, skipped tasks; twice: results.
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

impl Selection {
    /// The settings with these, what was chosen before first.
    pub fn settings(&self, chosen: Settings) -> Settings {
        Settings {
            limit: self.limit.clone(),
            tags: [chosen.tags, self.tags.clone()].concat(),
            skip_tags: [chosen.skip_tags, self.skip_tags.clone()].concat(),
            ..chosen
        }
    }
}

impl Manner {
    /// The settings of a project with these.
    pub fn settings(&self, chosen: Settings) -> Settings {
        Settings {
            check: self.check,
            diff: self.diff || chosen.diff,
            verbosity: self.verbose,
            forks: self.forks.unwrap_or(chosen.forks),
            r#become: self.r#become,
            become_user: self.become_user.clone(),
            become_method: self.become_method.clone(),
            ..chosen
        }
    }
}

/// The choices.
#[derive(Args, Debug, Default)]
pub struct Choices {
    #[command(flatten)]
    pub manner: Manner,
    #[command(flatten)]
    pub selection: Selection,
    /// Skip all tasks before the one with this name.
    #[arg(long)]
    pub start_at_task: Option<String>,
    /// Run handlers after a failure as well.
    #[arg(long)]
    pub force_handlers: bool,
    /// Only list the hosts of each play.
    #[arg(long)]
    pub list_hosts: bool,
    /// Only list the tasks of each play.
    #[arg(long)]
    pub list_tasks: bool,
    /// Only list the tags of each play and of its tasks.
    #[arg(long)]
    pub list_tags: bool,
    /// Only check that all files can be read.
    #[arg(long)]
    pub syntax_check: bool,
}

impl Choices {
    /// What a project with playbooks is opened for.
    pub fn purpose(&self) -> Purpose {
        match self.syntax_check || self.list_hosts || self.list_tasks || self.list_tags {
            true => Purpose::Reading,
            false => Purpose::Reaching,
        }
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least one host at a time".into()),
        Ok(number) => Ok(number),
        Err(_) => Err("a whole number is needed".into()),
    }
}
