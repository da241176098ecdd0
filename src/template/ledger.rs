//! The ledger of one evaluation: which unknown, undefined and secret things it was handed.
//!
//! An object of the template language cannot watch `==`, `<` or `in`. What can be watched is the handing
//! out: whatever an evaluation was given stands here, and its result is judged by that.

use super::Scope;
use crate::budget::EVALUATION;
use crate::error::{Error, fault};
use crate::source::Place;
use crate::value::Unknown;
use minijinja::value::Value as Jinja;
use minijinja::{Error as JinjaError, ErrorKind};
use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::sync::Arc;

/// The bytes of an item of a list.
pub(super) const ITEM: usize = 64;

/// Names one note, so that it can be forgiven.
pub(super) type Note = u64;

/// What one evaluation was handed.
#[derive(Default)]
pub(super) struct Ledger {
    /// The variables the evaluation sees.
    pub scope: Option<Scope>,
    /// Unknown things, each with its origin.
    pub unknown: Vec<(Note, Arc<Unknown>)>,
    /// Undefined things, each with Ansible's sentence about it and the place of its name if that is in the
    /// template of a variable.
    pub undefined: Vec<(Note, String, Option<Place>)>,
    /// Template files that were included.
    pub included: Vec<PathBuf>,
    /// The first error of a variable that is rendered when it is used.
    pub error: Option<Error>,
    /// True if a secret was handed out.
    pub secret: bool,
    /// How many values the template printed, and the last of them.
    pub printed: (usize, Option<Jinja>),
}

thread_local! {
    static LEDGER: RefCell<Ledger> = RefCell::default();
    static NEXT: Cell<Note> = const { Cell::new(1) };
    /// How many evaluations are under way in each other, and what they spent of the budget of the outermost.
    static SPENT: Cell<(usize, u64)> = const { Cell::new((0, 0)) };
}

/// Puts the ledger of the surrounding evaluation back, whatever happens.
struct Restore(Option<Ledger>);

impl Drop for Restore {
    fn drop(&mut self) {
        if let Some(outer) = self.0.take() {
            LEDGER.with(|ledger| ledger.replace(outer));
        }
    }
}

/// Runs an evaluation with a ledger of its own, so that evaluations nest.
/// A panic in it is an error of the evaluation.
pub(super) fn with_fresh<T>(
    scope: &Scope,
    evaluate: impl FnOnce() -> Result<T, JinjaError>,
) -> (Result<T, JinjaError>, Ledger) {
    let fresh = Ledger {
        scope: Some(scope.clone()),
        ..Ledger::default()
    };
    let (depth, spent) = SPENT.get();
    SPENT.set((depth + 1, if depth == 0 { 0 } else { spent }));
    let mut restore = Restore(Some(LEDGER.with(|ledger| ledger.replace(fresh))));
    let result = fault::catch(evaluate).unwrap_or_else(|fault| {
        let sentence = format!("a fault of Vent itself: {}", fault.message);
        Err(JinjaError::new(ErrorKind::InvalidOperation, sentence))
    });
    SPENT.set((depth, SPENT.get().1));
    let outer = restore.0.take().unwrap_or_default();
    (result, LEDGER.with(|ledger| ledger.replace(outer)))
}

/// Notes that texts or lists of so many bytes are made; asked before they are.
///
/// # Errors
/// The sentence of the budget, once it is used up.
pub(super) fn spend(bytes: usize) -> Result<(), String> {
    let (depth, spent) = SPENT.get();
    let spent = spent.saturating_add(bytes as u64);
    SPENT.set((depth, spent));
    EVALUATION.check(spent)
}

/// As [`spend`], for a list: of so many items.
///
/// # Errors
/// As [`spend`].
pub(super) fn spend_items(count: usize) -> Result<(), String> {
    spend(count.saturating_mul(ITEM))
}

/// The variables of the evaluation that is going on.
pub(super) fn scope() -> Option<Scope> {
    LEDGER.with(|ledger| ledger.borrow().scope.clone())
}

/// Notes that something unknown was handed out.
pub(super) fn note_unknown(unknown: &Arc<Unknown>) -> Note {
    let note = next();
    LEDGER.with(|ledger| ledger.borrow_mut().unknown.push((note, unknown.clone())));
    note
}

/// Notes that something undefined was handed out; `text` is the sentence of the error it will be.
pub(super) fn note_undefined(text: String, place: Option<Place>) -> Note {
    let note = next();
    LEDGER.with(|ledger| ledger.borrow_mut().undefined.push((note, text, place)));
    note
}

/// Notes that a template file was included.
pub(super) fn note_included(path: PathBuf) {
    LEDGER.with(|ledger| ledger.borrow_mut().included.push(path));
}

/// Notes the error of a variable that could not be rendered; the first one stays.
pub(super) fn note_error(error: Error) {
    LEDGER.with(|ledger| {
        ledger.borrow_mut().error.get_or_insert(error);
    });
}

/// Notes that a secret was handed out.
pub(super) fn note_secret() {
    LEDGER.with(|ledger| ledger.borrow_mut().secret = true);
}

/// Notes that a value was printed.
pub(super) fn note_printed(value: &Jinja) {
    LEDGER.with(|ledger| {
        let printed = &mut ledger.borrow_mut().printed;
        *printed = (printed.0 + 1, Some(value.clone()));
    });
}

/// Removes a note: `default` and `is defined` looked at the thing and it needs no more care.
pub(super) fn forgive(note: Note) {
    LEDGER.with(|ledger| {
        let mut ledger = ledger.borrow_mut();
        ledger.undefined.retain(|entry| entry.0 != note);
        ledger.unknown.retain(|entry| entry.0 != note);
    });
}

/// The sentence that was noted about an undefined thing.
pub(super) fn undefined_text(note: Note) -> Option<String> {
    LEDGER.with(|ledger| {
        let ledger = ledger.borrow();
        let found = ledger.undefined.iter().find(|entry| entry.0 == note)?;
        Some(found.1.clone())
    })
}

fn next() -> Note {
    NEXT.with(|next| next.replace(next.get() + 1))
}

/// How many values the template printed, and the last of them.
pub(super) fn printed() -> (usize, Option<Jinja>) {
    LEDGER.with(|ledger| ledger.borrow().printed.clone())
}
