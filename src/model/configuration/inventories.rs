//! What the configuration says of inventories.

use super::asked::Asked;

/// What comes of inventories that cannot be read, under Ansible's names (section `[inventory]`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unparsed {
    /// One that cannot be read is warned of, and the others are enough; else it is an error.
    pub lenient: bool,
    /// One is an error all the same (`any_unparsed_is_failed`).
    pub any_is_failed: bool,
    /// That none could be read is an error (`unparsed_is_failed`).
    pub none_is_failed: bool,
    /// That none could be read is warned of (`inventory_unparsed_warning`).
    pub warns_of_none: bool,
}

impl Default for Unparsed {
    fn default() -> Unparsed {
        Unparsed {
            lenient: false,
            any_is_failed: false,
            none_is_failed: false,
            warns_of_none: true,
        }
    }
}

impl Unparsed {
    pub(super) fn read(asked: &mut Asked) -> Unparsed {
        Unparsed {
            lenient: false,
            any_is_failed: asked.flag("INVENTORY_ANY_UNPARSED_IS_FAILED").unwrap_or(false),
            none_is_failed: asked.flag("INVENTORY_UNPARSED_IS_FAILED").unwrap_or(false),
            warns_of_none: asked.flag("INVENTORY_UNPARSED_WARNING").unwrap_or(true),
        }
    }
}
