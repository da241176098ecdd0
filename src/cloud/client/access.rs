//! Where tokens and addresses come from: an option, a file, the environment.

use super::http::secret::Secret;
use super::http::service::Service;
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// Reads an environment variable; replaceable, so that tests need not change the process.
pub type Environment<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// The environment of this process; an empty variable counts as unset.
pub fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// The first of `names` that is set.
pub fn first_set(environment: Environment<'_>, names: &[&str]) -> Option<String> {
    let set = |name: &&str| environment(name).filter(|text| !text.trim().is_empty());
    names.iter().find_map(set)
}

/// A path with `~/` at its beginning is below the home folder.
pub fn expanded(path: &str) -> PathBuf {
    match path.strip_prefix("~/") {
        Some(below) => std::env::home_dir().unwrap_or_default().join(below),
        None => PathBuf::from(path),
    }
}

/// What `path` means in `file`: below the home folder, absolute, or beside the file.
pub fn beside(file: &Path, path: &str) -> PathBuf {
    file.parent().unwrap_or(Path::new("")).join(expanded(path))
}

/// A token: the option, else the file, else the first set variable.
///
/// # Errors
/// When there is none, or the file cannot be read.
pub fn secret(
    service: &Service,
    what: &str,
    option: Option<Secret>,
    file: Option<&Path>,
    environment: Environment<'_>,
    names: &[&str],
) -> Result<Secret> {
    if let Some(secret) = option {
        return Ok(secret);
    }
    if let Some(path) = file {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::new(format!(
                "cannot read the {what} of {} from {}",
                service.name,
                path.display()
            ))
            .cause(error)
            .help(format!(
                "name a file that can be read, or leave the option out and set {}",
                names.join(" or ")
            ))
        })?;
        if text.trim().is_empty() {
            return Err(Error::new(format!(
                "there is no {what} of {} in {}: the file is empty",
                service.name,
                path.display()
            ))
            .help(format!(
                "write it there, or leave the option out and set {}",
                names.join(" or ")
            )));
        }
        return Ok(Secret::new(&text));
    }
    first_set(environment, names)
        .map(|text| Secret::new(&text))
        .ok_or_else(|| {
            Error::new(format!("no {what} of {} is given", service.name)).help(format!(
                "set {} in the environment, or name a file that holds it",
                names.join(" or ")
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_beside_its_file_absolute_or_below_the_home_folder() {
        let file = Path::new("/p/inventory/cloud.yml");
        assert_eq!(beside(file, "token"), Path::new("/p/inventory/token"));
        assert_eq!(beside(file, "/etc/token"), Path::new("/etc/token"));
        assert_eq!(
            beside(file, "~/token"),
            std::env::home_dir().unwrap().join("token")
        );
    }

    #[test]
    fn the_option_comes_before_the_file_before_the_environment() {
        let service = Service::for_tests();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "from-file\n").unwrap();
        let environment = |name: &str| (name == "B").then(|| "from-environment".to_string());
        let read = |option: Option<&str>, file| {
            secret(
                &service,
                "token",
                option.map(Secret::new),
                file,
                &environment,
                &["A", "B"],
            )
            .map(|secret| secret.reveal().to_string())
        };
        assert_eq!(read(Some("given"), Some(path.as_path())).unwrap(), "given");
        assert_eq!(read(None, Some(path.as_path())).unwrap(), "from-file");
        assert_eq!(read(None, None).unwrap(), "from-environment");
        let blank = |name: &str| Some(if name == "A" { " " } else { "set" }.to_string());
        assert_eq!(first_set(&blank, &["A", "B"]).as_deref(), Some("set"));
        std::fs::write(&path, "\n").unwrap();
        let empty = read(None, Some(path.as_path())).unwrap_err().to_string();
        assert!(
            empty.contains("the file is empty") && empty.contains("set A or B"),
            "{empty}"
        );
        let missing = read(None, Some(Path::new("/none"))).unwrap_err().to_string();
        assert!(missing.contains("name a file that can be read"), "{missing}");
        let none = secret(&service, "token", None, None, &|_| None, &["A"]);
        assert!(none.unwrap_err().to_string().contains("set A"));
    }
}
