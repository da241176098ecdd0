//! What cloud-init finds at a machine's first start: its host key, who may log in, and what the user adds.

use super::host_keys::HostKey;
use crate::value::Value;
use crate::yaml;

/// The line between the parts of user data.
const BOUNDARY: &str = "==vent-part==";

/// User data that give a machine its name and host key and let `keys` in; `more` is run besides.
pub fn user_data(name: &str, host_key: &HostKey, keys: &[String], more: &[&str]) -> String {
    let texts = |items: &[String]| Value::list(items.iter().map(Value::string));
    let named: &[(&str, Value)] = &[("hostname", name.into()), ("preserve_hostname", false.into())];
    // Members of a pool share their user data, and have names of their provider's choice.
    let named = if name.is_empty() { &[] } else { named };
    let own = named.iter().cloned().chain([
        // The machine makes no keys of its own: the one it is given is the only one it shows.
        ("ssh_deletekeys", true.into()),
        ("ssh_genkeytypes", Value::list([])),
        (
            "ssh_keys",
            Value::map([
                ("ed25519_private", host_key.private.as_str().into()),
                ("ed25519_public", host_key.public.as_str().into()),
            ]),
        ),
        ("ssh_authorized_keys", texts(keys)),
    ]);
    let own = format!("#cloud-config\n{}", yaml::write(&Value::map(own)));
    let more: Vec<&str> = more
        .iter()
        .copied()
        .filter(|text| !text.trim().is_empty())
        .collect();
    if more.is_empty() {
        return own;
    }
    let mut text = format!("Content-Type: multipart/mixed; boundary=\"{BOUNDARY}\"\nMIME-Version: 1.0\n\n");
    for part in std::iter::once(own.as_str()).chain(more) {
        let kind = match part.lines().next().unwrap_or_default().trim() {
            "#cloud-config" => "text/cloud-config",
            "#cloud-boothook" => "text/cloud-boothook",
            "#include" => "text/x-include-url",
            first if first.starts_with("#!") => "text/x-shellscript",
            _ => "text/plain",
        };
        let part = part.trim_end();
        text.push_str(&format!(
            "--{BOUNDARY}\nContent-Type: {kind}; charset=\"utf-8\"\nMIME-Version: 1.0\n\n{part}\n"
        ));
    }
    text.push_str(&format!("--{BOUNDARY}--\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> HostKey {
        HostKey {
            private: "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n".into(),
            public: "ssh-ed25519 AAAA".into(),
        }
    }

    #[test]
    fn the_host_key_is_given_and_no_other_is_made() {
        let text = user_data("worker-0", &key(), &["ssh-ed25519 AAAB me".into()], &[]);
        assert!(text.starts_with("#cloud-config\nhostname: worker-0\n"), "{text}");
        let source = crate::source::Source::named("user data", text);
        let root = yaml::parse_one(&source).unwrap().0.unwrap();
        let read = root.value(&crate::vault::Vault::default()).unwrap();
        let keys = read.get("ssh_keys").unwrap();
        assert_eq!(keys.get("ed25519_private"), Some(&Value::string(key().private)));
        assert_eq!(keys.get("ed25519_public"), Some(&Value::string(key().public)));
        assert_eq!(read.get("ssh_deletekeys"), Some(&Value::Bool(true)));
        assert_eq!(read.get("ssh_genkeytypes"), Some(&Value::list([])));
        assert_eq!(
            read.get("ssh_authorized_keys"),
            Some(&Value::list(["ssh-ed25519 AAAB me".into()]))
        );
    }

    #[test]
    fn what_the_user_adds_is_a_part_of_its_own() {
        let text = user_data(
            "w",
            &key(),
            &[],
            &["#!/bin/sh\ntrue\n", "#cloud-config\npackages: [curl]\n", ""],
        );
        assert!(text.starts_with("Content-Type: multipart/mixed; boundary="));
        assert_eq!(text.matches("\n--==vent-part==\n").count(), 3, "{text}");
        assert!(text.contains("text/x-shellscript") && text.ends_with("--==vent-part==--\n"));
    }
}
