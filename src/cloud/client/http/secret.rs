//! Tokens: held, sent, and never shown.

use std::fmt;

/// A token or the secret of a key.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Holds a secret; white space around it (the line end of a file) is dropped.
    pub fn new(text: &str) -> Secret {
        Secret(text.trim().to_string())
    }

    /// The secret itself, for the wire.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// `text` without this secret.
    pub fn mask(&self, text: &str) -> String {
        if self.0.is_empty() {
            text.to_string()
        } else {
            text.replace(&self.0, "***")
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown_and_is_taken_out_of_texts() {
        let secret = Secret::new("abc\n");
        assert_eq!(format!("{secret:?}"), "***");
        assert_eq!(secret.mask("bad token abc!"), "bad token ***!");
    }
}
