//! `vent lab`: up, down, stop, reset, status, ssh.

use crate::error::{Error, Errors, Result};
use crate::lab::Lab;
use crate::vault::Vault;
use crate::yaml;
use clap::{Args, Subcommand};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

/// Machines made out of this computer: each boots systemd and sshd, and has networks, control groups and
/// packages of its own. They share this computer's kernel. Needs root on Debian or Ubuntu.
#[derive(Args, Debug)]
pub struct LabOptions {
    /// The lab's inventory.
    #[arg(
        short,
        long,
        value_name = "FILE",
        default_value = "inventory/lab.yml",
        global = true
    )]
    inventory: PathBuf,
    #[command(subcommand)]
    command: LabCommand,
}

/// What to do with the lab.
#[derive(Subcommand, Debug)]
pub enum LabCommand {
    /// Boots the nodes that do not run, and makes whatever they need. Root of a node is root of this computer: a lab
    /// keeps nobody in.
    Up,
    /// Ends the lab with its disks, networks and rules. Only base trees stay, in the cache.
    Down,
    /// Ends the nodes (or those named) as if their power failed. They keep their disks; `up` starts them again.
    Stop {
        /// Only these nodes.
        nodes: Vec<String>,
    },
    /// Empties the nodes (or those named) and boots them anew.
    Reset {
        /// Only these nodes.
        nodes: Vec<String>,
    },
    /// Prints one line per node: name, state, public and private address, memory.
    Status,
    /// Logs in on a node, or runs a command there; ends with the command's exit code.
    Ssh {
        /// The node's name.
        node: String,
        /// The command.
        #[arg(last = true)]
        command: Vec<String>,
    },
}

/// Performs a command of `vent lab`; gives the exit code.
///
/// # Errors
/// What the lab says.
pub fn run(options: &LabOptions) -> Result<i32, Errors> {
    let lab = read(&options.inventory)?;
    match &options.command {
        LabCommand::Up => lab.up(&say)?,
        LabCommand::Down => lab.down(&say)?,
        LabCommand::Stop { nodes } => lab.stop(nodes)?,
        LabCommand::Reset { nodes } => lab.reset(nodes, &say)?,
        LabCommand::Status => {
            for status in lab.status()? {
                print(&format!("{status}\n"))?;
            }
        }
        LabCommand::Ssh { node, command } => return Ok(log_in(&lab, node, command)?),
    }
    Ok(0)
}

fn read(path: &Path) -> Result<Lab, Errors> {
    let source = yaml::read(path).map_err(|error| {
        error.help("go to the folder of the playbooks, or name the lab's inventory with -i")
    })?;
    let empty = || Error::new(format!("{} is empty", path.display()));
    let root = yaml::parse_one(&source)?.0.ok_or_else(empty)?;
    let value = root.value(&Vault::default())?;
    Ok(Lab::load(&value).map_err(|error| error.at(&root.place))?)
}

/// Takes the place of this process, so that terminal, signals and exit code are those of `ssh`.
fn log_in(lab: &Lab, node: &str, command: &[String]) -> Result<i32> {
    let mut line = lab.ssh(node)?;
    line.extend(command.iter().cloned());
    let cause = std::process::Command::new(&line[0]).args(&line[1..]).exec();
    Err(Error::new("`ssh` could not be run").cause(cause))
}

fn say(text: &str) {
    // Without standard error there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "lab: {text}");
}

fn print(text: &str) -> Result<()> {
    std::io::stdout()
        .write_all(text.as_bytes())
        .map_err(|cause| Error::new("cannot write to standard output").cause(cause))
}
