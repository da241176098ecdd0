//! The tokens that ssh_config(5) fills in behind a percent sign.

use std::path::{Path, PathBuf};

/// What the percent signs of ssh_config(5) stand for.
pub(super) struct Tokens<'a> {
    pub(super) host: &'a str,
    pub(super) original: &'a str,
    pub(super) port: u16,
    pub(super) user: &'a str,
    pub(super) local: &'a str,
    pub(super) home: &'a Path,
}

impl Tokens<'_> {
    /// The text with its tokens filled in.
    pub(super) fn replace(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            match rest.next() {
                Some('h') => out.push_str(self.host),
                Some('n') => out.push_str(self.original),
                Some('p') => out.push_str(&self.port.to_string()),
                Some('r') => out.push_str(self.user),
                Some('u') => out.push_str(self.local),
                Some('d') => out.push_str(&self.home.to_string_lossy()),
                Some('%') => out.push('%'),
                Some(other) => out.extend(['%', other]),
                None => out.push('%'),
            }
        }
        out
    }

    /// The text as a path: quotes off, `~/` is the home folder.
    pub(super) fn path(&self, text: &str) -> PathBuf {
        let text = self.replace(text.trim_matches('"'));
        match text.strip_prefix("~/") {
            Some(rest) => self.home.join(rest),
            None => PathBuf::from(text),
        }
    }
}
