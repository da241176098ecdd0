//! The times that `file` gives to what it touches.

use super::super::{Stop, View};
use crate::host::quote;
use jiff::civil::{Date, DateTime};

/// One of the two times of a file.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Time {
    /// This moment.
    Now,
    /// What it is.
    Keep,
    /// Another, in the host's time zone, as `touch -d` reads it.
    At(String),
}

impl Time {
    /// Reads `preserve`, `now` (the default) or a time of the given format (`strptime`).
    ///
    /// # Errors
    /// A time that is not of the format.
    pub(super) fn read(text: Option<&str>, format: &str) -> Result<Time, Stop> {
        match text {
            None | Some("now" | "") => Ok(Time::Now),
            Some("preserve") => Ok(Time::Keep),
            Some(text) => {
                let Ok(time) = DateTime::strptime(format, text)
                    .or_else(|_| Date::strptime(format, text).map(|day| day.at(0, 0, 0, 0)))
                else {
                    return Err(Stop::failed(format!(
                        "Error while obtaining timestamp for time {text} using format {format}: time data '{text}' does not match format '{format}'"
                    )));
                };
                Ok(Time::At(time.strftime("%Y-%m-%d %H:%M:%S").to_string()))
            }
        }
    }

    /// This time, or that it stays where it is `now` already, in seconds since 1970.
    ///
    /// # Errors
    /// As [`View::ask`].
    pub(super) fn unless(self, now: i64, view: &View<'_>) -> Result<Time, Stop> {
        let Time::At(time) = &self else {
            return Ok(self);
        };
        // Only the host knows its time zone.
        let printed = view.probe(&format!("date -d {} +%s", quote(time)), &[])?.text();
        Ok(match printed.trim().parse() == Ok(now) {
            true => Time::Keep,
            false => self,
        })
    }
}

/// The options of each `touch` that gives these times.
pub(super) fn options(modified: Time, accessed: Time) -> Vec<String> {
    let one = |flag: &str, time: Time| match time {
        Time::Keep => None,
        Time::Now => Some(flag.to_string()),
        Time::At(time) => Some(format!("{flag} -d {}", quote(&time)).trim_start().to_string()),
    };
    let calls = match modified == accessed {
        true => [one("", modified), None],
        false => [one("-m", modified), one("-a", accessed)],
    };
    calls.into_iter().flatten().collect()
}
