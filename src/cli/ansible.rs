//! Vent under the names of Ansible's commands: a link of such a name to `vent` is called as that command is, with its options.

mod ad_hoc;
mod config;
mod display;
mod document;
mod hosts;
mod inventory;
mod playbook;
mod version;

use super::{guarded, on_runtime};
use crate::error::{Error, Errors, Result};
use clap::{Args, Parser};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub use display::{callback, reporter};

/// A command of Ansible's.
struct Name {
    name: &'static str,
    perform: fn(&Call) -> ExitCode,
}

/// Those that Vent answers to.
const NAMES: &[Name] = &[
    Name {
        name: "ansible",
        perform: |call| perform::<ad_hoc::AdHocCommand>(call),
    },
    Name {
        name: "ansible-config",
        perform: |call| perform::<config::ConfigCommand>(call),
    },
    Name {
        name: "ansible-inventory",
        perform: |call| perform::<inventory::InventoryCommand>(call),
    },
    Name {
        name: "ansible-playbook",
        perform: |call| perform::<playbook::PlaybookCommand>(call),
    },
];

/// How this process was called.
pub struct Call {
    name: &'static Name,
    /// What stands behind the name.
    arguments: Vec<OsString>,
}

/// What a command of Ansible's takes, and does.
trait Command: Parser {
    /// Does it; gives the exit code.
    ///
    /// # Errors
    /// Everything that is wrong in the files and options.
    async fn run(self) -> Result<i32, Errors>;
}

/// The call of one of Ansible's commands, if this process has its name.
pub fn called() -> Option<Call> {
    let mut words = std::env::args_os();
    let program = words.next()?;
    let own = Path::new(&program).file_name()?.to_str()?;
    let name = NAMES.iter().find(|name| name.name == own)?;
    Some(Call {
        name,
        arguments: words.collect(),
    })
}

impl Call {
    /// Does what was called for.
    pub fn perform(self) -> ExitCode {
        guarded(move || (self.name.perform)(&self))
    }
}

fn perform<C: Command>(call: &Call) -> ExitCode {
    let words = std::iter::once(OsString::from(call.name.name)).chain(call.arguments.iter().cloned());
    // `--version` alone is enough, though the playbooks are missing.
    if call.arguments.iter().any(|word| word == "--version") {
        return match version::text(call.name.name) {
            Ok(text) => {
                super::print(&text);
                ExitCode::SUCCESS
            }
            Err(errors) => told(&errors),
        };
    }
    let command = match C::try_parse_from(words) {
        Ok(command) => command,
        Err(error) => error.exit(),
    };
    on_runtime(|runtime| runtime.block_on(command.run())).unwrap_or_else(|errors| told(&errors))
}

/// Errors behind Ansible's word for them.
fn told(errors: &Errors) -> ExitCode {
    for error in &errors.0 {
        super::say(&format!("[ERROR]: {}", error.drawn()));
    }
    ExitCode::from(errors.exit_code())
}

/// What `vent link` takes.
#[derive(Args, Debug)]
pub struct LinkCommand {
    /// The folder for the links; put it before others in PATH.
    folder: PathBuf,
}

/// Makes a link to this program for each of Ansible's commands that it answers to.
///
/// # Errors
/// Something else stands at the place of a link.
pub fn link(command: &LinkCommand) -> Result<()> {
    let cannot = |error: std::io::Error| Error::new("cannot make the links").cause(error);
    let program = std::env::current_exe().map_err(cannot)?;
    std::fs::create_dir_all(&command.folder).map_err(cannot)?;
    for Name { name, .. } in NAMES {
        let path = command.folder.join(name);
        match std::fs::read_link(&path) {
            Ok(to) if to == program => continue,
            Ok(to) if to.file_name() == program.file_name() => std::fs::remove_file(&path).map_err(cannot)?,
            _ if path.symlink_metadata().is_ok() => {
                let error = Error::new(format!(
                    "{} is there already, and no link to Vent",
                    path.display()
                ));
                return Err(error.help("name a folder of its own, or remove it"));
            }
            _ => {}
        }
        std::os::unix::fs::symlink(&program, &path).map_err(cannot)?;
    }
    Ok(())
}
