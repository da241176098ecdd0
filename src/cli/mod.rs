//! The command line.

mod ansible;
pub mod artifacts;
mod choices;
mod clean;
mod explain;
mod graph;
mod inventory;
mod journal;
pub mod lab;
mod list;
mod machines;
mod missing_needs;
mod modules;
mod needs;
mod passwords;
mod project;
mod prompts;
mod reach;
mod run;
mod survey;
mod unheeded;
mod validate;

use crate::error::{Error, ErrorKind, Errors, fault};
use clap::{Parser, Subcommand};
use std::io::Write;
use std::process::ExitCode;

#[derive(Parser, Debug)]
#[command(name = "vent", version, about)]
struct Cli {
    /// Times as much memory and time as usual for one template, one file and one name of hosts.
    #[arg(
        long,
        global = true,
        value_name = "TIMES",
        default_value_t = 1,
        env = "VENT_BUDGET"
    )]
    budget: u64,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Runs playbooks.
    Run(Box<run::RunCommand>),
    /// Reads playbooks strictly, and refuses what names something that is not there.
    Validate(Box<validate::ValidateCommand>),
    /// Prints what a person would type: the shell lines of everything that is left to be done.
    Explain(Box<explain::ExplainCommand>),
    /// Prints which playbook needs which.
    Graph(graph::GraphCommand),
    /// Removes from hosts what modules left that are not Vent's.
    Clean(Box<clean::CleanCommand>),
    /// Shows hosts, groups and variables.
    Inventory(Box<inventory::InventoryCommand>),
    /// Lists the modules, or tells the arguments of one.
    Modules(modules::ModulesCommand),
    /// The programs and images a cluster is made of.
    #[command(subcommand)]
    Artifacts(artifacts::ArtifactsCommand),
    /// Machines that the inventory asks a provider for.
    #[command(subcommand)]
    Machines(machines::MachinesCommand),
    /// Machines made out of this computer.
    Lab(lab::LabOptions),
    /// Makes links to this program under the names of Ansible's commands.
    Link(ansible::LinkCommand),
}

/// Bytes of stack of every thread: templates may nest as deeply as their author likes.
const STACK: usize = 64 << 20;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    fault::tell_only_what_nobody_catches();
    if let Some(call) = ansible::called() {
        return call.perform();
    }
    let cli = Cli::parse();
    crate::budget::multiply(cli.budget);
    guarded(move || perform(&cli))
}

/// Does the work in a thread of its own, whose panic has its exit code too.
fn guarded(work: impl FnOnce() -> ExitCode + Send + 'static) -> ExitCode {
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(work);
    match thread.map(|thread| thread.join()) {
        Ok(Ok(code)) => code,
        // The panic has told what happened.
        Ok(Err(_)) => ExitCode::from(ErrorKind::Unexpected.exit_code()),
        Err(error) => failed(&Error::new("cannot start").cause(error).into()),
    }
}

fn perform(cli: &Cli) -> ExitCode {
    let done = on_runtime(|runtime| match &cli.command {
        Command::Lab(options) => lab::run(options),
        Command::Artifacts(command) => runtime.block_on(artifacts::run(command)).map(|()| 0),
        Command::Graph(command) => graph::run(command).map(|()| 0),
        Command::Inventory(command) => inventory::run(command).map(|()| 0),
        Command::Validate(command) => validate::run(command).map(|()| 0),
        Command::Modules(command) => modules::run(command).map(|()| 0),
        Command::Explain(command) => runtime.block_on(explain::explain(command)),
        Command::Machines(command) => runtime.block_on(machines::run(command)).map(|()| 0),
        Command::Clean(command) => runtime.block_on(clean::clean(command)),
        Command::Run(command) => runtime.block_on(run::run(command)),
        Command::Link(command) => Ok(ansible::link(command).map(|()| 0)?),
    });
    done.unwrap_or_else(|errors| failed(&errors))
}

/// Does a command's work, which gives an exit code, with an executor for what waits.
fn on_runtime(
    work: impl FnOnce(&tokio::runtime::Runtime) -> Result<i32, Errors>,
) -> Result<ExitCode, Errors> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_stack_size(STACK)
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| Error::new("cannot start").cause(error))?;
    let done = work(&runtime);
    // Whatever still waits, such as a second interrupt, is not waited for.
    runtime.shutdown_background();
    done.map(|code| ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

fn failed(errors: &Errors) -> ExitCode {
    // Without standard error there is nobody to tell.
    let _ = write!(std::io::stderr(), "{errors}");
    ExitCode::from(errors.exit_code())
}

/// Tells the user something beside the output.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Prints a result.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_the_program_has_the_exit_code_that_ansible_gives_it() {
        assert_eq!(guarded(|| ExitCode::from(2)), ExitCode::from(2));
        assert_eq!(guarded(|| panic!("on purpose")), ExitCode::from(250));
    }
}
