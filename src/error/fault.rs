//! Faults of the program itself: a panic ends the work that it is met in, and no other.

use super::{Error, ErrorKind};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

thread_local! {
    /// True while somebody on this thread will tell of a panic.
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
    /// The last panic of this thread.
    static LAST: RefCell<Option<Fault>> = const { RefCell::new(None) };
}

/// A panic that was caught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What the panic said.
    pub message: String,
    /// `FILE:LINE:COLUMN` of the program's source, if it is known.
    pub source: Option<String>,
}

impl Fault {
    /// The error that it is; `what` is what it ended, such as "this task".
    pub fn error(&self, what: &str) -> Error {
        let place = self
            .source
            .as_ref()
            .map_or(String::new(), |place| format!(", at {place}"));
        Error::new(format!("a fault of Vent itself ended {what}"))
            .cause(format!("{}{place}", self.message))
            .help("report it with these lines; all else goes on")
            .of_kind(ErrorKind::Unexpected)
    }
}

/// What a panic said.
fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| text.to_string());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without words".into())
}

/// From now on panics that are caught by [`catch`] and [`caught`] write nothing themselves, so that no raw text runs
/// through the live view. All others are told as ever.
pub fn tell_only_what_nobody_catches() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !EXPECTED.get() {
            return usual(panic);
        }
        let fault = Fault {
            message: message(panic.payload()),
            source: panic.location().map(ToString::to_string),
        };
        LAST.with(|last| last.replace(Some(fault)));
    }));
}

/// Does work; a panic in it is a fault.
///
/// # Errors
/// The panic. What the work changed until then stays changed.
pub fn catch<T>(work: impl FnOnce() -> T) -> Result<T, Fault> {
    let outer = EXPECTED.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    EXPECTED.set(outer);
    done.map_err(|payload| {
        let told = LAST.with(RefCell::take);
        told.unwrap_or_else(|| Fault {
            message: message(&*payload),
            source: None,
        })
    })
}

/// As [`catch`], for work that waits.
///
/// # Errors
/// The panic.
pub async fn caught<F: Future>(work: F) -> Result<F::Output, Fault> {
    let mut work = std::pin::pin!(work);
    std::future::poll_fn(|context| match catch(|| work.as_mut().poll(context)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
        Err(fault) => Poll::Ready(Err(fault)),
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_fault_with_its_words_and_its_place() {
        assert_eq!(catch(|| 1), Ok(1));
        tell_only_what_nobody_catches();
        let fault = catch(|| panic!("number {}", 2)).unwrap_err();
        assert_eq!(fault.message, "number 2");
        assert!(
            fault
                .source
                .is_some_and(|place| place.starts_with("src/error/fault.rs:"))
        );
    }
}
