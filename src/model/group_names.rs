//! Names of groups with characters that no variable's name may have (`TRANSFORM_INVALID_GROUP_CHARS`).

use std::borrow::Cow;

/// What is done about such names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupNames {
    /// They stay, with a warning (`never`).
    #[default]
    Kept,
    /// They stay (`ignore`).
    KeptSilently,
    /// `_` stands for each such character, with a warning (`always`).
    Replaced,
    /// `_` stands for each such character (`silently`).
    ReplacedSilently,
}

impl GroupNames {
    /// What a word of the configuration means; none for any other word.
    pub fn of_word(word: &str) -> Option<GroupNames> {
        Some(match word {
            "never" => GroupNames::Kept,
            "ignore" => GroupNames::KeptSilently,
            "always" => GroupNames::Replaced,
            "silently" => GroupNames::ReplacedSilently,
            _ => return None,
        })
    }

    /// The name that a group gets which is written so.
    pub fn name(self, written: &str) -> Cow<'_, str> {
        match self {
            GroupNames::Replaced | GroupNames::ReplacedSilently if !is_valid(written) => {
                let letter = |(at, c): (usize, char)| if valid(at, c) { c } else { '_' };
                Cow::Owned(written.chars().enumerate().map(letter).collect())
            }
            _ => Cow::Borrowed(written),
        }
    }

    /// What is warned of when a group is written so.
    pub fn warning(self, written: &str) -> Option<&'static str> {
        match self {
            GroupNames::Kept if !is_valid(written) => {
                Some("Invalid characters were found in group names but not replaced")
            }
            GroupNames::Replaced if !is_valid(written) => {
                Some("Invalid characters were found in group names and automatically replaced")
            }
            _ => None,
        }
    }
}

fn is_valid(name: &str) -> bool {
    name.chars().enumerate().all(|(at, c)| valid(at, c))
}

fn valid(at: usize, c: char) -> bool {
    c == '_' || c.is_alphabetic() || at > 0 && c.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_of_no_variable_are_kept_or_replaced() {
        assert_eq!(GroupNames::Replaced.name("9-a.b"), "__a_b");
        assert_eq!(GroupNames::ReplacedSilently.name("a-b"), "a_b");
        assert_eq!(GroupNames::Kept.name("a-b"), "a-b");
        assert!(GroupNames::Kept.warning("a-b").is_some() && GroupNames::Kept.warning("a_b2").is_none());
        assert_eq!(GroupNames::KeptSilently.warning("a-b"), None);
    }
}
