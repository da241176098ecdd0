//! Passwords of the command line: typed at the terminal, or out of files.

use crate::connection::{Secret, terminal};
use crate::error::{Error, Result};
use crate::model::configuration::PasswordSources;
use clap::Args;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Options that give or ask for passwords.
#[derive(Args, Debug, Default)]
pub struct PasswordOptions {
    /// Ask for the password to log in with.
    #[arg(short = 'k', long)]
    pub ask_pass: bool,
    /// Ask for the password to become another account; empty means the one of `-k`.
    #[arg(short = 'K', long)]
    pub ask_become_pass: bool,
    /// Ask for the password of vaulted files.
    #[arg(short = 'J', long, visible_alias = "ask-vault-pass")]
    pub ask_vault_password: bool,
    /// A file with the password to log in with.
    #[arg(long, alias = "conn-pass-file", conflicts_with = "ask_pass")]
    pub connection_password_file: Option<PathBuf>,
    /// A file with the password to become another account.
    #[arg(long, alias = "become-pass-file", conflicts_with = "ask_become_pass")]
    pub become_password_file: Option<PathBuf>,
}

/// What was given or typed.
#[derive(Clone, Debug, Default)]
pub struct Passwords {
    /// To log in with.
    pub connection: Option<Secret>,
    /// To become another account.
    pub r#become: Option<Secret>,
    /// Of vaulted files.
    pub vault: Option<Secret>,
}

impl PasswordOptions {
    /// These with what the configuration says, where nothing is given; of hosts only if any is to be reached.
    pub fn configured(&self, sources: &PasswordSources, reaches: bool) -> PasswordOptions {
        let given = self.ask_pass || self.connection_password_file.is_some();
        let given_become = self.ask_become_pass || self.become_password_file.is_some();
        let file = |own: &Option<PathBuf>, configured: &Option<PathBuf>, asks: bool| match own {
            Some(path) => Some(path.clone()),
            None => configured.clone().filter(|_| reaches && !asks),
        };
        let ask_pass = self.ask_pass || reaches && !given && sources.ask_pass;
        let ask_become_pass = self.ask_become_pass || reaches && !given_become && sources.ask_become_pass;
        PasswordOptions {
            ask_pass,
            ask_become_pass,
            ask_vault_password: self.ask_vault_password || sources.ask_vault_pass,
            connection_password_file: file(
                &self.connection_password_file,
                &sources.connection_password_file,
                ask_pass,
            ),
            become_password_file: file(
                &self.become_password_file,
                &sources.become_password_file,
                ask_become_pass,
            ),
        }
    }

    /// Reads the files and asks for the rest.
    ///
    /// # Errors
    /// A file that cannot be read, no terminal to ask at.
    pub fn read(&self) -> Result<Passwords> {
        let connection = match (&self.connection_password_file, self.ask_pass) {
            (Some(path), _) => Some(of_file(path)?),
            (None, true) => Some(typed("SSH password: ", "--connection-password-file")?),
            (None, false) => None,
        };
        let r#become = match (&self.become_password_file, self.ask_become_pass) {
            (Some(path), _) => Some(of_file(path)?),
            (None, true) => {
                let question = match connection {
                    Some(_) => "BECOME password[defaults to SSH password]: ",
                    None => "BECOME password: ",
                };
                let password = typed(question, "--become-password-file")?;
                match (password.reveal(), &connection) {
                    ("", Some(same)) => Some(same.clone()),
                    _ => Some(password),
                }
            }
            (None, false) => None,
        };
        let vault = match self.ask_vault_password {
            true => Some(typed("Vault password: ", "--vault-password-file")?),
            false => None,
        };
        Ok(Passwords {
            connection,
            r#become,
            vault,
        })
    }
}

fn typed(question: &str, instead: &str) -> Result<Secret> {
    match terminal::ask(question, true) {
        Some(text) => Ok(Secret::new(&text)),
        None => {
            let what = question.trim_end_matches([':', ' ']);
            Err(Error::new(format!("there is no terminal to ask for the {what}"))
                .help(format!("give {instead} FILE")))
        }
    }
}

/// The password in a file; what an executable file prints, as with Ansible.
fn of_file(path: &Path) -> Result<Secret> {
    let wrong = |error: std::io::Error| {
        Error::new(format!("cannot read the password file {}", path.display())).cause(error)
    };
    let executable = std::fs::metadata(path).map_err(wrong)?.permissions().mode() & 0o111 != 0;
    let bytes = if executable {
        let output = Command::new(std::path::absolute(path).map_err(wrong)?)
            .output()
            .map_err(wrong)?;
        if !output.status.success() {
            let code = output.status.code().unwrap_or(-1);
            return Err(Error::new(format!(
                "the password program {} ended with {code}",
                path.display()
            ))
            .cause(String::from_utf8_lossy(&output.stderr).trim()));
        }
        output.stdout
    } else {
        std::fs::read(path).map_err(wrong)?
    };
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(Error::new(format!(
            "the password file {} is empty",
            path.display()
        )));
    }
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_is_stronger_than_the_configuration() {
        let sources = PasswordSources {
            ask_pass: true,
            ask_vault_pass: true,
            connection_password_file: Some("configured".into()),
            become_password_file: Some("configured".into()),
            ..PasswordSources::default()
        };
        let nothing = PasswordOptions::default().configured(&sources, true);
        assert!(nothing.ask_pass && nothing.ask_vault_password && !nothing.ask_become_pass);
        assert_eq!(nothing.connection_password_file, None);
        assert_eq!(nothing.become_password_file, Some("configured".into()));
        let given = PasswordOptions {
            connection_password_file: Some("given".into()),
            ask_become_pass: true,
            ..PasswordOptions::default()
        };
        let given = given.configured(&sources, true);
        assert_eq!((given.ask_pass, given.ask_become_pass), (false, true));
        assert_eq!(given.connection_password_file, Some("given".into()));
        assert_eq!(given.become_password_file, None);
        let reading = PasswordOptions::default().configured(&sources, false);
        assert!(!reading.ask_pass && reading.become_password_file.is_none() && reading.ask_vault_password);
    }
}
