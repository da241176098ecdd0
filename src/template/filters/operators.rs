//! What the patcher writes for operators: those that Python has otherwise, and those that make texts and lists, which are counted.

use crate::template::call::order;
use crate::template::convert::{expose, take};
use crate::template::sizes::{bytes, count, held};
use minijinja::value::{Value as Jinja, ValueKind};
use minijinja::{Environment, Error as JinjaError, ErrorKind, State};

/// How long a text or list may grow by small additions that are counted alone, in bytes: above it the whole is counted each time it is
/// made.
const SMALL: usize = 1 << 20;

/// Adds them to an environment.
pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_filter("__remainder", remainder);
    for (name, holds) in ORDERS {
        environment.add_filter(name, move |left: Jinja, right: Jinja| {
            let (left, right) = (expose(take(&left)), expose(take(&right)));
            match order(&left, &right) {
                Ok(order) => Ok(holds(order)),
                Err(sentence) => Err(JinjaError::new(ErrorKind::InvalidOperation, sentence)),
            }
        });
    }
    environment.add_filter("__plus", |state: &mut State, left: Jinja, right: Jinja| {
        if let (Some(left), Some(right)) = (integer(&left), integer(&right))
            && let Some(sum) = left.checked_add(right)
        {
            return Ok(Jinja::from(sum));
        }
        count_joined(bytes(&left), bytes(&right))?;
        operate(state, "left + right", left, right)
    });
    environment.add_filter("__join", |state: &mut State, left: Jinja, right: Jinja| {
        count_joined(bytes(&left), bytes(&right))?;
        operate(state, "left ~ right", left, right)
    });
    environment.add_filter("__times", |state: &mut State, left: Jinja, right: Jinja| {
        let times = |value: &Jinja| value.as_usize().unwrap_or(1);
        count(bytes(&left).saturating_mul(times(&right)))?;
        count(bytes(&right).saturating_mul(times(&left)))?;
        operate(state, "left * right", left, right)
    });
    environment.add_filter("__counted", |value: Jinja| count(held(&value)).map(|()| value));
}

/// What an operator of the engine makes of two values.
pub(super) fn operate(
    state: &State,
    operation: &str,
    left: Jinja,
    right: Jinja,
) -> Result<Jinja, JinjaError> {
    let values = minijinja::context! { left, right };
    let made = state.env().compile_expression(operation)?.eval(values);
    // The place is that of the operator in the template, and not the one in here.
    made.map_err(|error| JinjaError::new(error.kind(), error.detail().unwrap_or_default().to_string()))
}

fn integer(value: &Jinja) -> Option<i64> {
    value.as_i64().filter(|_| value.is_integer())
}

/// Counts what is made of two values, by their bytes. What grows little by little is counted by what is added.
fn count_joined(left: usize, right: usize) -> Result<(), JinjaError> {
    let whole = left.saturating_add(right);
    count(if whole > SMALL { whole } else { left.min(right) })
}

type Order = (&'static str, fn(std::cmp::Ordering) -> bool);

/// What the patcher writes for `<`, `<=`, `>` and `>=`.
const ORDERS: [Order; 4] = [
    ("__lt", std::cmp::Ordering::is_lt),
    ("__lte", std::cmp::Ordering::is_le),
    ("__gt", std::cmp::Ordering::is_gt),
    ("__gte", std::cmp::Ordering::is_ge),
];

/// `left % right`: formatting for texts, the remainder with Python's sign for numbers.
fn remainder(state: &mut State, left: Jinja, right: Jinja) -> Result<Jinja, JinjaError> {
    if let Some(format) = left.as_str() {
        if !format.contains('%') && right.kind() != ValueKind::Map {
            let sentence = "not all arguments converted during string formatting";
            return Err(JinjaError::new(ErrorKind::InvalidOperation, sentence));
        }
        let mut arguments = vec![left];
        match right.is_tuple() {
            true => arguments.extend(right.try_iter()?),
            false => arguments.push(right),
        }
        return state.apply_filter("format", &arguments);
    }
    let as_number = |value: Jinja| match value.kind() {
        ValueKind::Bool => Jinja::from(i64::from(value.is_true())),
        _ => value,
    };
    let (left, right) = (as_number(left), as_number(right));
    let zero = || JinjaError::new(ErrorKind::InvalidOperation, "integer modulo by zero");
    if let (true, true, Some(left), Some(right)) = (
        left.is_integer(),
        right.is_integer(),
        left.as_i64(),
        right.as_i64(),
    ) {
        let remainder = left.checked_rem(right).ok_or_else(zero)?;
        let other_side = remainder != 0 && (remainder < 0) != (right < 0);
        return Ok(Jinja::from(if other_side {
            remainder + right
        } else {
            remainder
        }));
    }
    let wrong = |_| {
        let sentence = format!(
            "unsupported operand kinds for %: {} and {}",
            left.kind(),
            right.kind()
        );
        JinjaError::new(ErrorKind::InvalidOperation, sentence)
    };
    let (a, b) = (
        f64::try_from(left.clone()).map_err(wrong)?,
        f64::try_from(right.clone()).map_err(wrong)?,
    );
    if b == 0.0 {
        return Err(zero());
    }
    let remainder = a % b;
    let other_side = remainder != 0.0 && (remainder < 0.0) != (b < 0.0);
    Ok(Jinja::from(if other_side { remainder + b } else { remainder }))
}
