//! Where tokens and addresses come from: an option, a file, the environment.

use super::http::secret::Secret;
use super::http::service::Service;
use crate::error::{Error, Result};
use std::path::Path;

/// Reads an environment variable; replaceable, so that tests need not change the process.
pub type Environment<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// The environment of this process; an empty variable counts as unset.
pub fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// The first of `names` that is set.
pub fn first_set(environment: Environment<'_>, names: &[&str]) -> Option<String> {
    names
        .iter()
        .find_map(|name| environment(name))
        .filter(|text| !text.trim().is_empty())
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
        })?;
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
        let none = secret(&service, "token", None, None, &|_| None, &["A"]);
        assert!(none.unwrap_err().to_string().contains("set A"));
    }
}
