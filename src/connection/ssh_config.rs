//! The client configuration of OpenSSH (ssh_config(5)): which settings hold for one host.

use crate::content::Kept;
use crate::error::{Error, Result};
use crate::wildcard::{openssh, paths_in};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How deep `Include` may go, as in OpenSSH.
const DEEPEST: usize = 16;
/// How many files one configuration may be made of; `Include *` in each of a folder would read them without end.
const MOST: usize = 1024;

/// Settings in the order in which they were found; the first of a name counts, except for the ones that
/// add up. Names are in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SshConfig(Vec<(String, String)>);

impl SshConfig {
    /// Adds a setting behind those that are there.
    pub fn push(&mut self, name: &str, value: &str) {
        self.0.push((name.to_lowercase(), value.to_string()));
    }

    /// Adds settings behind those that are there.
    pub fn extend(&mut self, other: SshConfig) {
        self.0.extend(other.0);
    }

    /// The value of a setting that does not add up.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of a setting that adds up (`identityfile`).
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |entry| entry.0 == name)
            .map(|entry| entry.1.as_str())
    }
}

/// The texts of the files, each read once for as long as it stays as it is.
#[derive(Debug, Default)]
pub struct Texts(Kept<Arc<str>>);

impl Texts {
    /// The text of a file; nothing of one that does not exist or cannot be read.
    fn of(&self, file: &Path) -> Arc<str> {
        let read = || std::fs::read(file).map(|text| String::from_utf8_lossy(&text).into());
        self.0.get(file, read).unwrap_or_default()
    }
}

/// For whom a configuration is read.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The host as the user names it.
    pub host: &'a str,
    /// The user to log in as, if that is decided.
    pub user: Option<&'a str>,
    /// The user of this computer.
    pub local_user: &'a str,
    /// The home folder of the user of this computer.
    pub home: &'a Path,
}

/// Reads the settings of a file that hold for a subject. A file that does not exist holds none.
///
/// # Errors
/// `Include` that goes too deep, as in OpenSSH, or means too many files.
pub fn read(file: &Path, subject: Subject<'_>, texts: &Texts) -> Result<SshConfig> {
    let mut settings = SshConfig::default();
    let mut reader = Reader {
        texts,
        subject,
        left: MOST,
        settings: &mut settings,
    };
    reader.file(file, DEEPEST)?;
    Ok(settings)
}

/// A configuration that is being read.
struct Reader<'a> {
    texts: &'a Texts,
    subject: Subject<'a>,
    /// How many files may still be read.
    left: usize,
    settings: &'a mut SshConfig,
}

impl Reader<'_> {
    /// What a file says about hosts ends with it.
    fn file(&mut self, file: &Path, depth: usize) -> Result<()> {
        let refused = |what: String| {
            let error = Error::new(format!("{} includes {what}", file.display()));
            Err(error.help("does one of its `Include` mean the file itself, as `Include *` does?"))
        };
        if self.left == 0 {
            return refused(format!("more than {MOST} files"));
        }
        self.left -= 1;
        let (subject, mut active) = (self.subject, true);
        for line in self.texts.of(file).lines() {
            let Some((name, value)) = split(line) else {
                continue;
            };
            match name.as_str() {
                "host" => active = matches_host(&words(value), subject.host),
                "match" => active = matches_all(&words(value), subject, self.settings),
                "include" if active => {
                    for pattern in words(value) {
                        for included in expand(&pattern, file, subject.home) {
                            if depth == 0 {
                                return refused(format!("others more than {DEEPEST} files deep"));
                            }
                            self.file(&included, depth - 1)?;
                        }
                    }
                }
                _ if active => self.settings.push(&name, &unquoted(value)),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Name (in lower case) and value of a line `Name value` or `Name=value`.
pub fn split(line: &str) -> Option<(String, &str)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let end = line.find(|c: char| c.is_whitespace() || c == '=')?;
    let value = line[end..].trim_start();
    let value = value.strip_prefix('=').unwrap_or(value).trim();
    Some((line[..end].to_lowercase(), value))
}

/// The words of a value; double quotes keep blanks together, `#` begins a comment.
fn words(value: &str) -> Vec<String> {
    let mut words = vec![];
    let mut rest = value.trim_start();
    while !rest.is_empty() && !rest.starts_with('#') {
        let (word, left) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        words.push(word.to_string());
        rest = left.trim_start();
    }
    words
}

/// A value without the quotes around all of it.
fn unquoted(value: &str) -> String {
    let inner = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    inner.unwrap_or(value).to_string()
}

fn matches_host(patterns: &[String], host: &str) -> bool {
    let denied = |pattern: &String| {
        pattern
            .strip_prefix('!')
            .is_some_and(|pattern| openssh(pattern).matches(host))
    };
    let allowed = |pattern: &String| !pattern.starts_with('!') && openssh(pattern).matches(host);
    !patterns.iter().any(denied) && patterns.iter().any(allowed)
}

/// `Match` with the criteria that need no program: what is not understood does not match.
fn matches_all(criteria: &[String], subject: Subject<'_>, settings: &SshConfig) -> bool {
    let mut left = criteria.iter();
    while let Some(criterion) = left.next() {
        let (negated, name) = match criterion.strip_prefix('!') {
            Some(name) => (true, name),
            None => (false, criterion.as_str()),
        };
        let name = name.to_lowercase();
        if name == "all" {
            continue;
        }
        let Some(patterns) = left.next() else { return false };
        let patterns: Vec<String> = patterns.split(',').map(str::to_string).collect();
        let user = subject
            .user
            .or(settings.first("user"))
            .unwrap_or(subject.local_user);
        let holds = match name.as_str() {
            "host" => matches_host(&patterns, settings.first("hostname").unwrap_or(subject.host)),
            "originalhost" => matches_host(&patterns, subject.host),
            "user" => matches_host(&patterns, user),
            "localuser" => matches_host(&patterns, subject.local_user),
            _ => return false,
        };
        if holds == negated {
            return false;
        }
    }
    !criteria.is_empty()
}

/// The files an `Include` means, in name order; relative ones lie beside the file that includes them.
fn expand(pattern: &str, file: &Path, home: &Path) -> Vec<PathBuf> {
    match pattern.strip_prefix("~/") {
        Some(rest) => paths_in(home, rest),
        None => paths_in(file.parent().unwrap_or(Path::new("")), pattern),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str, host: &str) -> SshConfig {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path();
        std::fs::create_dir_all(home.join(".ssh/more")).unwrap();
        std::fs::write(home.join(".ssh/config"), text).unwrap();
        std::fs::write(home.join(".ssh/more/a.conf"), "Host inner\n  Port 77\n").unwrap();
        let subject = Subject {
            host,
            user: None,
            local_user: "me",
            home,
        };
        read(&home.join(".ssh/config"), subject, &Texts::default()).unwrap()
    }

    #[test]
    fn the_first_value_counts_and_identities_add_up() {
        let text = "IdentityFile ~/.ssh/a\n\nHost web* !web9\n\tPort=2222\n  IdentityFile \"~/my keys/b\"\n\
                    Host *\n  Port 22\n  User everyone # really\n";
        let web = settings(text, "web1");
        assert_eq!(web.first("port"), Some("2222"));
        assert_eq!(
            web.all("identityfile").collect::<Vec<_>>(),
            ["~/.ssh/a", "~/my keys/b"]
        );
        assert_eq!(settings(text, "web9").first("port"), Some("22"));
    }

    #[test]
    fn included_files_are_read_where_they_stand() {
        let text = "Include more/*.conf\nHost *\n  Port 22\n";
        assert_eq!(settings(text, "inner").first("port"), Some("77"));
        assert_eq!(settings(text, "outer").first("port"), Some("22"));
    }

    #[test]
    fn match_knows_hosts_and_users_and_nothing_that_runs_programs() {
        let text = "Match host web user me\n  Port 1\nMatch exec true\n  Port 2\nMatch all\n  Port 3\n";
        assert_eq!(settings(text, "web").first("port"), Some("1"));
        assert_eq!(settings(text, "db").first("port"), Some("3"));
    }
}
