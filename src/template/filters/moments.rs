//! `to_datetime`, and what Python's `datetime` and `timedelta` can do in a template: differences, formats, parts.
//! Out of a template they come as text.

use super::operators::operate;
use crate::template::call::{self, Call, Given, Plugin, given};
use jiff::civil::DateTime;
use minijinja::value::{Object, ObjectRepr, Value as Jinja};
use minijinja::{Environment, Error as JinjaError, ErrorKind, State};
use std::fmt;
use std::sync::Arc;

/// Its names.
pub(super) const NAMES: [&str; 2] = ["to_datetime", "ansible.builtin.to_datetime"];

/// How a moment is handed from the filter to its object.
const EXACT: &str = "%Y-%m-%dT%H:%M:%S%.f";

/// Adds it to an environment.
pub(super) fn add(environment: &mut Environment<'static>) {
    for name in NAMES {
        environment.add_filter(name, move |arguments: Given| {
            let read = |call: &Call| {
                let format = call
                    .text(1, "format")
                    .unwrap_or_else(|| "%Y-%m-%d %H:%M:%S".into());
                match DateTime::strptime(&format, call.input_text()) {
                    Ok(time) => Ok(time.strftime(EXACT).to_string().into()),
                    Err(error) => Err(format!("the time does not match its format: {error}")),
                }
            };
            call::run(
                Plugin::Filter("ansible.builtin.to_datetime"),
                &given(arguments),
                false,
                read,
            )
            .map(from_text)
        });
    }
    environment.add_filter("__minus", minus);
}

/// The moment that a text in [`EXACT`] is; all else as it is.
fn from_text(value: Jinja) -> Jinja {
    let time = value
        .as_str()
        .and_then(|text| DateTime::strptime(EXACT, text).ok());
    time.map_or(value, moment)
}

/// A moment for templates.
pub(in crate::template) fn moment(time: DateTime) -> Jinja {
    Jinja::from_object(Moment(time))
}

/// `left - right`.
fn minus(state: &mut State, left: Jinja, right: Jinja) -> Result<Jinja, JinjaError> {
    let wrong = |error: jiff::Error| JinjaError::new(ErrorKind::InvalidOperation, error.to_string());
    let moment_of = |value: &Jinja| value.downcast_object_ref::<Moment>().map(|moment| moment.0);
    let span_of = |value: &Jinja| value.downcast_object_ref::<Span>().map(|span| span.0);
    match (
        moment_of(&left),
        moment_of(&right),
        span_of(&left),
        span_of(&right),
    ) {
        (Some(left), Some(right), ..) => {
            let micros = left.duration_since(right).as_micros();
            Ok(Jinja::from_object(Span(
                i64::try_from(micros).unwrap_or(i64::MAX),
            )))
        }
        (Some(left), _, _, Some(span)) => left
            .checked_sub(jiff::SignedDuration::from_micros(span))
            .map(moment)
            .map_err(wrong),
        (_, _, Some(left), Some(right)) => Ok(Jinja::from_object(Span(left - right))),
        _ => operate(state, "left - right", left, right),
    }
}

/// Python's `datetime`.
struct Moment(DateTime);

impl fmt::Debug for Moment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = match self.0.subsec_nanosecond() {
            0 => "%Y-%m-%d %H:%M:%S",
            _ => "%Y-%m-%d %H:%M:%S.%6f",
        };
        write!(out, "{}", self.0.strftime(format))
    }
}

impl Object for Moment {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        Some(match key.as_str()? {
            "year" => Jinja::from(self.0.year()),
            "month" => Jinja::from(self.0.month()),
            "day" => Jinja::from(self.0.day()),
            "hour" => Jinja::from(self.0.hour()),
            "minute" => Jinja::from(self.0.minute()),
            "second" => Jinja::from(self.0.second()),
            "microsecond" => Jinja::from(self.0.subsec_nanosecond() / 1000),
            _ => return None,
        })
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        arguments: &[Jinja],
    ) -> Result<Jinja, JinjaError> {
        let wrong = |sentence: String| JinjaError::new(ErrorKind::InvalidOperation, sentence);
        Ok(match method {
            "strftime" => {
                let format = arguments.first().and_then(Jinja::as_str).unwrap_or_default();
                let text = jiff::fmt::strtime::format(format, self.0);
                Jinja::from(text.map_err(|error| wrong(format!("strftime: {error}")))?)
            }
            "isoformat" => Jinja::from(format!("{self:?}").replacen(' ', "T", 1)),
            "date" => Jinja::from(self.0.strftime("%Y-%m-%d").to_string()),
            "time" => Jinja::from(self.0.strftime("%H:%M:%S").to_string()),
            "weekday" => Jinja::from(self.0.weekday().to_monday_zero_offset()),
            "isoweekday" => Jinja::from(self.0.weekday().to_monday_one_offset()),
            "timestamp" => {
                let zoned = self.0.to_zoned(jiff::tz::TimeZone::system());
                let zoned = zoned.map_err(|error| wrong(error.to_string()))?;
                Jinja::from(zoned.timestamp().as_microsecond() as f64 / 1e6)
            }
            _ => {
                return Err(JinjaError::new(
                    ErrorKind::UnknownMethod,
                    format!("a time has no method named {method}"),
                ));
            }
        })
    }

    fn render(self: &Arc<Self>, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, out)
    }
}

/// Python's `timedelta`, in microseconds.
struct Span(i64);

const DAY: i64 = 86_400_000_000;

impl fmt::Debug for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, rest) = (self.0.div_euclid(DAY), self.0.rem_euclid(DAY));
        match days {
            0 => {}
            1 | -1 => write!(out, "{days} day, ")?,
            _ => write!(out, "{days} days, ")?,
        }
        let seconds = rest / 1_000_000;
        write!(
            out,
            "{}:{:02}:{:02}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        )?;
        match rest % 1_000_000 {
            0 => Ok(()),
            micros => write!(out, ".{micros:06}"),
        }
    }
}

impl Object for Span {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        Some(match key.as_str()? {
            "days" => Jinja::from(self.0.div_euclid(DAY)),
            "seconds" => Jinja::from(self.0.rem_euclid(DAY) / 1_000_000),
            "microseconds" => Jinja::from(self.0 % 1_000_000),
            _ => return None,
        })
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        _: &[Jinja],
    ) -> Result<Jinja, JinjaError> {
        match method {
            "total_seconds" => Ok(Jinja::from(self.0 as f64 / 1e6)),
            _ => Err(JinjaError::new(
                ErrorKind::UnknownMethod,
                format!("a length of time has no method named {method}"),
            )),
        }
    }

    fn is_true(self: &Arc<Self>) -> bool {
        self.0 != 0
    }

    fn render(self: &Arc<Self>, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, out)
    }
}
