//! The configuration of OpenSSH's client, arguments for `ssh`, and the files that know the keys of hosts.

use crate::files;
use std::sync::Arc;
use vent::connection::configuration::{Environment, Options, target};
use vent::connection::fuzz::{Verdict, judge, revoked};

/// The first line is what `ansible_ssh_args` holds, the rest `~/.ssh/config`.
pub fn configuration(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    // A pattern of an absolute `Include` reads this computer.
    let includes = text
        .lines()
        .any(|line| line.to_lowercase().contains("include") && line.contains(['/', '*']));
    if includes || files::leads_away(&text) {
        return false;
    }
    let (arguments, file) = text.split_once('\n').unwrap_or(("", &text));
    files::write(".ssh/config", file.as_bytes());
    files::write(".ssh/more/one", b"Host inner\n  Port 77\n");
    let environment = Environment {
        home: files::folder().to_path_buf(),
        user: "me".into(),
        agent: None,
        system_config: "/nonexistent".into(),
        texts: Arc::default(),
    };
    let options = Options {
        name: "web".into(),
        arguments: arguments.into(),
        ..Options::default()
    };
    match target(&options, &environment) {
        Ok(target) => target.jump.len() == 2 && target.keys.len() == 2,
        Err(error) => {
            let _ = error.to_string();
            false
        }
    }
}

/// The first line is the key or certificate that a host shows, the rest `known_hosts` and a list of revoked keys.
pub fn known_hosts(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let (shown, file) = text.split_once('\n').unwrap_or(("", &text));
    let path = files::write("known_hosts", file.as_bytes());
    let _ = revoked(&path);
    let files = [path];
    let verdicts = [22, 2222].map(|port| judge(&files, "web", port, shown));
    matches!(
        verdicts,
        [Some(Verdict::Changed(_, 4, _)), Some(Verdict::Unknown)]
    )
}
