//! Which Python a host runs modules with, where nobody has said it.

use crate::words::quote;

/// What a host said of its Pythons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovery {
    /// The first that is new enough.
    pub found: Option<String>,
    /// All others that were met, with their versions.
    pub too_old: Vec<(String, String)>,
}

/// Shell text that looks for the first of `pythons` which is no older than `oldest`.
pub fn discovery_script(pythons: &[String], oldest: (u32, u32)) -> String {
    let (major, minor) = oldest;
    let names: Vec<String> = pythons.iter().map(|name| quote(name)).collect();
    let question = format!(
        "import sys; v = sys.version_info[:2]; sys.stdout.write(\"%d.%d\" % v); sys.exit(v < ({major}, {minor}))"
    );
    format!(
        "for p in {}; do p=$(command -v \"$p\") || continue; v=$(\"$p\" -c {} 2>/dev/null); r=$?; [ -n \"$v\" ] || continue; \
         printf '%s %s %s\\n' \"$r\" \"$v\" \"$p\"; [ \"$r\" = 0 ] && break; done; :",
        names.join(" "),
        quote(&question)
    )
}

impl Discovery {
    /// Reads what [`discovery_script`] printed.
    pub fn read(printed: &[u8]) -> Discovery {
        let text = String::from_utf8_lossy(printed);
        let mut discovery = Discovery {
            found: None,
            too_old: vec![],
        };
        for line in text.lines() {
            let mut words = line.splitn(3, ' ');
            if let (Some(code), Some(version), Some(path)) = (words.next(), words.next(), words.next()) {
                match code {
                    "0" => discovery.found = Some(path.to_string()),
                    _ => discovery.too_old.push((path.to_string(), version.to_string())),
                }
            }
        }
        discovery
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn the_first_that_is_new_enough_is_taken() {
        let ask = |names: &[&str], oldest| {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            let script = discovery_script(&names, oldest);
            let output = Command::new("sh").args(["-c", &script]).output().unwrap();
            Discovery::read(&output.stdout)
        };
        let found = ask(&["no-such-python", "python3"], (3, 6));
        assert!(found.found.is_some_and(|path| path.ends_with("/python3")));
        let old = ask(&["python3"], (9, 0));
        assert_eq!((old.found, old.too_old.len()), (None, 1));
    }
}
