//! How this computer gets Debian packages: its mirrors, proxies and certificates, for the nodes to do the same.

use super::command;
use crate::error::Result;
use std::path::Path;

/// Mirrors as base addresses, without suite.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mirrors {
    /// Debian itself.
    pub main: Option<String>,
    /// Its security updates.
    pub security: Option<String>,
}

/// The Debian releases whose mirrors carry bookworm as well.
const RELEASES: [&str; 9] = [
    "bullseye",
    "bookworm",
    "trixie",
    "forky",
    "sid",
    "oldoldstable",
    "oldstable",
    "stable",
    "testing",
];

impl Mirrors {
    /// The mirrors that `/etc/apt` of this computer names; none on a computer that is not Debian.
    pub fn of_this_computer() -> Mirrors {
        let mut texts = vec![];
        let mut files = vec![Path::new("/etc/apt/sources.list").to_path_buf()];
        if let Ok(entries) = std::fs::read_dir("/etc/apt/sources.list.d") {
            files.extend(entries.flatten().map(|entry| entry.path()));
        }
        files.sort();
        for file in files {
            if let Ok(text) = std::fs::read_to_string(&file) {
                match file.extension().and_then(|ending| ending.to_str()) {
                    Some("sources") => texts.push(one_line_style(&text)),
                    Some("list") => texts.push(text),
                    _ => {}
                }
            }
        }
        Mirrors::read(&texts.join("\n"))
    }

    /// Finds the mirrors in lines of `sources.list`.
    fn read(text: &str) -> Mirrors {
        let mut mirrors = Mirrors::default();
        for line in text.lines() {
            let Some(rest) = line.trim().strip_prefix("deb ") else {
                continue;
            };
            let rest = match rest.trim().strip_prefix('[') {
                Some(options) => options.split_once(']').map_or("", |(_, rest)| rest),
                None => rest,
            };
            let mut words = rest.split_whitespace();
            let (Some(address), Some(suite)) = (words.next(), words.next()) else {
                continue;
            };
            let release = suite.split(['-', '/']).next().unwrap_or("");
            if !RELEASES.contains(&release) || !words.any(|component| component == "main") {
                continue;
            }
            if suite.ends_with("-security") {
                mirrors.security.get_or_insert_with(|| address.to_string());
            } else {
                mirrors.main.get_or_insert_with(|| address.to_string());
            }
        }
        mirrors
    }

    /// The `sources.list` of a node, if this computer has a mirror to name in it.
    pub fn sources_list(&self) -> Option<String> {
        let main = self.main.as_ref()?;
        let mut text = format!("deb {main} bookworm main\ndeb {main} bookworm-updates main\n");
        if let Some(security) = &self.security {
            text.push_str(&format!("deb {security} bookworm-security main\n"));
        }
        Some(text)
    }
}

/// Turns the deb822 form of a source into lines of `sources.list`.
fn one_line_style(text: &str) -> String {
    let mut lines = vec![];
    for paragraph in text.split("\n\n") {
        let field = |name: &str| {
            paragraph
                .lines()
                .filter(|line| !line.starts_with('#'))
                .find_map(|line| {
                    let (key, value) = line.split_once(':')?;
                    key.eq_ignore_ascii_case(name).then(|| value.trim().to_string())
                })
                .unwrap_or_default()
        };
        let types = field("Types");
        if field("Enabled").eq_ignore_ascii_case("no") || !types.split_whitespace().any(|word| word == "deb")
        {
            continue;
        }
        for address in field("URIs").split_whitespace() {
            for suite in field("Suites").split_whitespace() {
                lines.push(format!("deb {address} {suite} {}", field("Components")));
            }
        }
    }
    lines.join("\n")
}

/// The settings of apt on this computer without which its mirrors cannot be read: proxies and checks of dates.
///
/// # Errors
/// `apt-config` cannot be run.
pub fn settings_of_this_computer() -> Result<String> {
    let wanted = [
        "Acquire::http::Proxy",
        "Acquire::https::Proxy",
        "Acquire::Check-Valid-Until",
        "Acquire::Check-Date",
    ];
    let dump = command::run(&["apt-config", "dump"])?;
    let lines: Vec<&str> = dump
        .lines()
        .filter(|line| {
            let key = line.split_whitespace().next().unwrap_or("");
            wanted
                .iter()
                .any(|name| key == *name || key.starts_with(&format!("{name}::")))
        })
        .collect();
    let mut text = lines.join("\n");
    for (variable, key) in [
        ("http_proxy", "Acquire::http::Proxy"),
        ("https_proxy", "Acquire::https::Proxy"),
    ] {
        if let Ok(proxy) = std::env::var(variable)
            && !dump.lines().any(|line| line.starts_with(&format!("{key} \"")))
        {
            text.push_str(&format!("\n{key} \"{proxy}\";"));
        }
    }
    Ok(text.trim_start().to_string() + "\n")
}

/// The name servers that nodes can reach: those of this computer, or the ones behind its local resolver.
pub fn resolver_settings() -> Option<String> {
    ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"]
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .find_map(|text| reachable_name_servers(&text))
}

/// The lines that count in a node, if a name server is left.
fn reachable_name_servers(text: &str) -> Option<String> {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => words
                    .next()
                    .is_some_and(|address| !address.starts_with("127.") && !address.starts_with("::1")),
                Some("search" | "options" | "domain") => true,
                _ => false,
            }
        })
        .collect();
    lines
        .iter()
        .any(|line| line.starts_with("nameserver"))
        .then(|| lines.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_are_found_in_both_forms_and_foreign_ones_are_left() {
        let deb822 = "Types: deb\n# a remark: with a colon\nURIs: http://mirror.test/debian\nSuites: trixie trixie-updates\n\
                      Components: main\n\nTypes: deb\nURIs: http://mirror.test/security\nSuites: trixie-security\nComponents: main\n\
                      \nEnabled: no\nTypes: deb\nURIs: http://off.test/\nSuites: bookworm\nComponents: main\n";
        let wanted = Mirrors {
            main: Some("http://mirror.test/debian".into()),
            security: Some("http://mirror.test/security".into()),
        };
        assert_eq!(Mirrors::read(&one_line_style(deb822)), wanted);
        let lines = "# deb http://no.test bookworm main\ndeb https://other.test/ nodistro main\n\
                     deb [arch=amd64 signed-by=/x] http://mirror.test/debian bookworm contrib main\n\
                     deb http://mirror.test/security bookworm-security main\ndeb http://u.test/ubuntu jammy main\n";
        assert_eq!(Mirrors::read(lines), wanted);
        assert_eq!(
            wanted.sources_list().unwrap(),
            "deb http://mirror.test/debian bookworm main\ndeb http://mirror.test/debian bookworm-updates main\n\
             deb http://mirror.test/security bookworm-security main\n"
        );
    }

    #[test]
    fn a_resolver_on_the_loopback_is_of_no_use_to_a_node() {
        assert_eq!(
            reachable_name_servers("nameserver 127.0.0.53\noptions edns0\n"),
            None
        );
        assert_eq!(
            reachable_name_servers("# x\nnameserver 127.0.0.1\nnameserver 192.0.2.7\nsearch a.test\n"),
            Some("nameserver 192.0.2.7\nsearch a.test\n".into())
        );
    }
}
