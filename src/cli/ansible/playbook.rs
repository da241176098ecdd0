//! `ansible-playbook`.

use super::Command;
use crate::cli::choices::Choices;
use crate::cli::project;
use crate::cli::run::{self, Output, RunCommand};
use crate::error::{Error, ErrorKind, Errors, Result};
use clap::Parser;
use std::path::PathBuf;

/// Runs Ansible playbooks, by Vent.
#[derive(Parser, Debug)]
#[command(name = "ansible-playbook", infer_long_args = true)]
pub struct PlaybookCommand {
    /// The playbooks.
    #[arg(required = true, value_name = "playbook")]
    playbooks: Vec<PathBuf>,
    #[command(flatten)]
    project: project::Options,
    #[command(flatten)]
    choices: Choices,
    /// Ask before each task.
    #[arg(long)]
    step: bool,
    /// Forget the facts that a cache holds. Vent keeps none.
    #[arg(long)]
    flush_cache: bool,
}

impl Command for PlaybookCommand {
    async fn run(self) -> Result<i32, Errors> {
        if self.step {
            let error = Error::new("Vent does not ask before each task").cause("`--step` is not there yet");
            return Err(error.of_kind(ErrorKind::Wrong).into());
        }
        let command = RunCommand {
            playbooks: self.playbooks,
            project: project::Options {
                named_as_ansible: true,
                ..self.project
            },
            choices: self.choices,
            lock_timeout: 600,
            output: Output::Ansible,
            with_needs: false,
            no_needs: true,
        };
        run::run(&command).await
    }
}
