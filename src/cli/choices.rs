//! What is chosen for a run: options that `vent run` and `ansible-playbook` share, as Ansible has them.

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

/// The choices.
#[derive(Args, Debug, Default)]
pub struct Choices {
    /// Plan, and touch nothing.
    #[arg(short = 'C', long)]
    pub check: bool,
    /// Show what changes in files.
    #[arg(short = 'D', long)]
    pub diff: bool,
    #[command(flatten)]
    pub selection: Selection,
    /// Skip all tasks before the one with this name.
    #[arg(long)]
    pub start_at_task: Option<String>,
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
    /// Run handlers after a failure as well.
    #[arg(long)]
    pub force_handlers: bool,
    /// More words: output of commands, skipped tasks; twice: results.
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
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

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least one host at a time".into()),
        Ok(number) => Ok(number),
        Err(_) => Err("a whole number is needed".into()),
    }
}
