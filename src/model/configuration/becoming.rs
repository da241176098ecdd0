//! What the configuration says of becoming other accounts (section `[privilege_escalation]` and those of become plugins).

use super::setting_reader::SettingReader;
use crate::connection::Secret;
use std::collections::HashMap;

/// How tasks become other accounts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Becoming {
    /// They do, where nobody says otherwise.
    pub wanted: bool,
    /// The method.
    pub method: Option<String>,
    /// The details, by the methods.
    ways: HashMap<&'static str, Way>,
}

/// The details of one method.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Way {
    /// The other account.
    pub user: Option<String>,
    /// The program.
    pub exe: Option<String>,
    /// Its options.
    pub flags: Option<String>,
    /// The password.
    pub password: Option<Secret>,
}

impl Becoming {
    pub(super) fn read(reader: &mut SettingReader) -> Becoming {
        let of_plugin = |reader: &SettingReader, owner: &str| Way {
            user: reader.text_of(owner, "become_user"),
            exe: reader.text_of(owner, "become_exe"),
            flags: reader.text_of(owner, "become_flags"),
            password: reader
                .text_of(owner, "become_pass")
                .map(|text| Secret::new(&text)),
        };
        let general = Way {
            user: reader.text("DEFAULT_BECOME_USER"),
            exe: reader.text("DEFAULT_BECOME_EXE"),
            flags: reader.text("DEFAULT_BECOME_FLAGS"),
            password: None,
        };
        Becoming {
            wanted: reader.flag("DEFAULT_BECOME").unwrap_or(false),
            method: reader.text("DEFAULT_BECOME_METHOD"),
            ways: HashMap::from([
                ("sudo", of_plugin(reader, "become sudo")),
                ("su", of_plugin(reader, "become su")),
                ("doas", general),
            ]),
        }
    }

    /// The details of a method.
    pub fn way(&self, method: &str) -> Way {
        self.ways.get(method).cloned().unwrap_or_default()
    }
}
