//! What the configuration says of passwords.

use super::setting_reader::SettingReader;
use std::path::PathBuf;

/// Where passwords come from that nobody gave on the command line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PasswordSources {
    /// The one to log in with is asked for.
    pub ask_pass: bool,
    /// The one to become another account with is asked for.
    pub ask_become_pass: bool,
    /// The one of vaulted files is asked for.
    pub ask_vault_pass: bool,
    /// A file with the one to log in with.
    pub connection_password_file: Option<PathBuf>,
    /// A file with the one to become another account with.
    pub become_password_file: Option<PathBuf>,
    /// The file with the vault password.
    pub vault_password_file: Option<PathBuf>,
    /// What a vault password is labelled that has no label of its own.
    pub vault_identity: Option<String>,
    /// Vault identities, before those of the command line: `LABEL@FILE`.
    pub vault_identities: Vec<String>,
    /// Only passwords of a vaulted text's own label are tried.
    pub vault_id_match: bool,
}

impl PasswordSources {
    pub(super) fn read(reader: &mut SettingReader) -> PasswordSources {
        PasswordSources {
            ask_pass: reader.flag("DEFAULT_ASK_PASS").unwrap_or(false),
            ask_become_pass: reader.flag("DEFAULT_BECOME_ASK_PASS").unwrap_or(false),
            ask_vault_pass: reader.flag("DEFAULT_ASK_VAULT_PASS").unwrap_or(false),
            connection_password_file: reader.path("CONNECTION_PASSWORD_FILE"),
            become_password_file: reader.path("BECOME_PASSWORD_FILE"),
            vault_password_file: reader.path("DEFAULT_VAULT_PASSWORD_FILE"),
            vault_identity: reader.text("DEFAULT_VAULT_IDENTITY"),
            vault_identities: reader.list("DEFAULT_VAULT_IDENTITY_LIST").unwrap_or_default(),
            vault_id_match: reader.flag("DEFAULT_VAULT_ID_MATCH").unwrap_or(false),
        }
    }
}
