//! temporary
use std::path::PathBuf;
pub struct Configuration {
    pub inventory: Vec<String>,
    pub remote_user: Option<String>,
    pub private_key_file: Option<PathBuf>,
    pub host_key_checking: Option<bool>,
    pub timeout: Option<std::time::Duration>,
    pub forks: Option<usize>,
    pub vault_password_file: Option<PathBuf>,
    pub roles_path: Vec<PathBuf>,
}
impl Configuration {
    pub fn read() -> crate::error::Result<Configuration> {
        Ok(Configuration {
            inventory: vec![],
            remote_user: None,
            private_key_file: None,
            host_key_checking: None,
            timeout: None,
            forks: None,
            vault_password_file: None,
            roles_path: vec![],
        })
    }
}
