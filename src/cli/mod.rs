//! The command line.

pub mod artifacts;
pub mod lab;

use crate::error::Errors;
use clap::{Parser, Subcommand};
use std::io::Write;
use std::process::ExitCode;

#[derive(Parser, Debug)]
#[command(name = "vent", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// The programs and images a cluster is made of.
    #[command(subcommand)]
    Artifacts(artifacts::ArtifactsCommand),
    /// Machines made out of this computer.
    Lab(lab::LabOptions),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&crate::error::Error::new("cannot start").cause(error).into()),
    };
    let done = match &cli.command {
        Command::Lab(options) => return lab::run(options).unwrap_or_else(|errors| failed(&errors)),
        Command::Artifacts(command) => runtime.block_on(artifacts::run(command)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(errors) => failed(&errors),
    }
}

fn failed(errors: &Errors) -> ExitCode {
    // Without standard error there is nobody to tell.
    let _ = write!(std::io::stderr(), "{errors}");
    ExitCode::from(1)
}
