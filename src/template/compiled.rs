//! Texts with what they were compiled to, which borrows from them.

use super::splitter::Logic;
use minijinja::{Environment, Template};
use self_cell::self_cell;
use std::sync::Arc;

/// What a template borrows from.
pub(super) struct Owner {
    /// The name that its errors tell.
    pub(super) name: String,
    /// The text.
    pub(super) text: String,
    /// What it was compiled in.
    pub(super) environment: Arc<Environment<'static>>,
}

/// What a text was compiled to.
pub(super) enum Form<'source> {
    /// `{{ expression }}` alone, or a condition: keeps the kind of its value.
    Expression(Logic<'source>),
    /// Text with marks in it.
    Text(Template<'source, 'source>),
}

self_cell!(
    /// A text, and what it was compiled to.
    pub(super) struct Compiled {
        owner: Owner,

        #[covariant]
        dependent: Form,
    }
);
