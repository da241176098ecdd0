//! Texts with what they were compiled to, which borrows from them.

use super::splitter::Logic;
use minijinja::Template;
use self_cell::self_cell;

/// What a text was compiled to.
pub(super) enum Form<'source> {
    /// `{{ expression }}` alone, or a condition: keeps the kind of its value.
    Expression(Logic<'source>),
    /// Text with marks in it.
    Text(Template<'source, 'source>),
}

self_cell!(
    /// A name and a text, and what they were compiled to.
    pub(super) struct Compiled {
        owner: (String, String),

        #[covariant]
        dependent: Form,
    }
);
