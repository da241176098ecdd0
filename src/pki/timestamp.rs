//! Moments as the arguments of `community.crypto` write them.

use crate::error::{Error, Result};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, PrimitiveDateTime, UtcOffset};

const MINUTES: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day][hour][minute]");
const SECONDS: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day][hour][minute][second]");
const ZONE: &[BorrowedFormatItem<'_>] = format_description!("[offset_hour][offset_minute]");

/// Reads a moment: relative to `now` (`+3w2d`, `-1h`), or absolute as `YYYYMMDDHHMM[SS]Z` or with an offset
/// `±HHMM`. Years have no sign, relative parts are weeks, days, hours, minutes, seconds in this order.
///
/// # Errors
/// Any other text.
pub fn parse_time(text: &str, now: OffsetDateTime) -> Result<OffsetDateTime> {
    let text = text.trim();
    let moment = match text.chars().next() {
        Some('+') => duration(&text[1..]).and_then(|span| now.checked_add(span)),
        Some('-') => duration(&text[1..]).and_then(|span| now.checked_sub(span)),
        _ => absolute(text),
    };
    moment
        .and_then(|moment| moment.replace_nanosecond(0).ok())
        .ok_or_else(|| {
            Error::new(format!("`{text}` is not a time"))
                .help("write it relative (+365d, -1h, +3w2d) or absolute (20300131235959Z)")
        })
}

fn duration(text: &str) -> Option<Duration> {
    let units = [('w', 604_800), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];
    let mut rest = text;
    let mut seconds = 0_i64;
    let mut from = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: i64 = rest[..end].parse().ok()?;
        // A number without a unit counts seconds.
        let unit = rest[end..].chars().next().unwrap_or('s').to_ascii_lowercase();
        let at = from + units[from..].iter().position(|known| known.0 == unit)?;
        seconds = seconds.checked_add(number.checked_mul(units[at].1)?)?;
        from = at + 1;
        rest = rest.get(end + 1..).unwrap_or("");
    }
    (!text.is_empty()).then(|| Duration::seconds(seconds))
}

fn absolute(text: &str) -> Option<OffsetDateTime> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, zone) = text.split_at(end);
    let moment = match digits.len() {
        12 => PrimitiveDateTime::parse(digits, MINUTES),
        14 => PrimitiveDateTime::parse(digits, SECONDS),
        _ => return None,
    };
    let offset = match zone {
        "Z" => UtcOffset::UTC,
        zone => UtcOffset::parse(zone, ZONE).ok()?,
    };
    Some(moment.ok()?.assume_offset(offset).to_offset(UtcOffset::UTC))
}

/// A moment in UTC as `YYYYMMDDHHMMSSZ`.
pub fn asn1_time(moment: OffsetDateTime) -> String {
    let moment = moment.to_offset(UtcOffset::UTC);
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}Z",
        moment.year(),
        u8::from(moment.month()),
        moment.day(),
        moment.hour(),
        moment.minute(),
        moment.second()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn moments_are_relative_or_absolute() {
        let now = datetime!(2026-11-21 12:00:00.5 UTC);
        for (text, shown) in [
            ("-1h", "20261121110000Z"),
            ("+365d", "20271121120000Z"),
            ("+3w2d", "20261214120000Z"),
            ("+0s", "20261121120000Z"),
            ("+90", "20261121120130Z"),
            ("20300131235959Z", "20300131235959Z"),
            ("203001312359Z", "20300131235900Z"),
            ("20300131235959+0130", "20300131222959Z"),
        ] {
            assert_eq!(asn1_time(parse_time(text, now).unwrap()), shown, "{text}");
        }
        for text in [
            "",
            "+",
            "soon",
            "+2d3w",
            "+3y",
            "20301331235959Z",
            "20300131235959+1",
            "20300131235959 01:00",
            "20300131235959+0190",
            "2030",
            "+1d1d",
        ] {
            assert!(parse_time(text, now).is_err(), "{text}");
        }
    }
}
