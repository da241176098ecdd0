//! What a plain scalar means: PyYAML's rules, which are neither those of YAML 1.1 nor of 1.2.

/// A plain scalar as PyYAML reads it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// A text; dates and whole numbers beyond 64 bits stay texts too.
    Text,
    /// `=`, which PyYAML refuses.
    Equals,
    /// `<<`.
    Merge,
}

/// Reads a plain scalar.
pub(super) fn resolve(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Scalar::Bool(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Scalar::Bool(false),
        "=" => Scalar::Equals,
        "<<" => Scalar::Merge,
        _ if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) => Scalar::Text,
        _ => float(text)
            .map(Scalar::Float)
            .or_else(|| integer(text).map(Scalar::Int))
            .unwrap_or(Scalar::Text),
    }
}

/// True if PyYAML would not read the plain scalar as a text: then a text must be quoted when written.
pub(super) fn is_special(text: &str) -> bool {
    resolve(text) != Scalar::Text || big_integer(text) || timestamp(text)
}

/// The number of a text that is one by the tag `!!int`.
pub(super) fn integer(text: &str) -> Option<i64> {
    let (negative, digits) = sign(text);
    let first = digits.chars().next()?;
    let value = if let Some(rest) = digits.strip_prefix("0b") {
        radix(rest, 2)?
    } else if let Some(rest) = digits.strip_prefix("0x") {
        radix(rest, 16)?
    } else if digits.contains(':') {
        (first != '0').then(|| sexagesimal(digits))??
    } else if first == '0' && digits.len() > 1 {
        radix(digits, 8)?
    } else if first.is_ascii_digit() {
        radix(digits, 10)?
    } else {
        return None;
    };
    i64::try_from(if negative { -value } else { value }).ok()
}

/// The number of a text that is one by the tag `!!float`.
pub(super) fn float(text: &str) -> Option<f64> {
    let (negative, digits) = sign(text);
    let signed = |value: f64| if negative { -value } else { value };
    match digits {
        ".inf" | ".Inf" | ".INF" => return Some(signed(f64::INFINITY)),
        ".nan" | ".NaN" | ".NAN" if digits.len() == text.len() => return Some(f64::NAN),
        _ => {}
    }
    let (mantissa, exponent) = match digits.find(['e', 'E']) {
        Some(at) => (&digits[..at], Some(&digits[at + 1..])),
        None => (digits, None),
    };
    if let Some(exponent) = exponent {
        let power = exponent.strip_prefix(['+', '-'])?;
        if power.is_empty() || !power.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
    }
    let (whole, fraction) = mantissa.split_once('.')?;
    if !fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
        return None;
    }
    if whole.contains(':') {
        let fraction: f64 = format!("0.{}0", fraction.replace('_', "")).parse().ok()?;
        return (exponent.is_none()).then(|| Some(signed(sexagesimal(whole)? as f64 + fraction)))?;
    }
    let known = match whole.bytes().next() {
        Some(first) => first.is_ascii_digit() && whole.bytes().all(|b| b.is_ascii_digit() || b == b'_'),
        // Without digits before the point PyYAML wants no sign and a digit behind it.
        None => digits.len() == text.len() && fraction.starts_with(|c: char| c.is_ascii_digit()),
    };
    let plain = digits.replace('_', "");
    known.then(|| plain.parse().ok().map(signed))?
}

fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn radix(digits: &str, radix: u32) -> Option<i128> {
    if !digits.chars().all(|c| c.is_digit(radix) || c == '_') {
        return None;
    }
    i128::from_str_radix(&digits.replace('_', ""), radix).ok()
}

/// `190:20:30` as seconds.
fn sexagesimal(text: &str) -> Option<i128> {
    let mut parts = text.split(':');
    let first = parts.next()?;
    if !first.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let mut value = radix(first, 10)?;
    for part in parts {
        let small = match part.as_bytes() {
            [one] => one.is_ascii_digit(),
            [ten, one] => (b'0'..=b'5').contains(ten) && one.is_ascii_digit(),
            _ => false,
        };
        value = value
            .checked_mul(60)?
            .checked_add(small.then(|| radix(part, 10))??)?;
    }
    Some(value)
}

fn big_integer(text: &str) -> bool {
    let digits = sign(text).1;
    digits.len() > 18
        && digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|b| b.is_ascii_digit() || b == b'_')
}

/// `2024-01-31`, or a date with a time.
fn timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| {
        bytes
            .get(range)
            .is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    if !(digits(0..4) && bytes.get(4) == Some(&b'-')) {
        return false;
    }
    let simple = bytes.len() == 10 && digits(5..7) && bytes[7] == b'-' && digits(8..10);
    let Some((date, time)) = text.split_once(['T', 't', ' ', '\t']) else {
        return simple;
    };
    let parts = |text: &str, mark: char, count: usize| {
        let parts: Vec<_> = text.split(mark).collect();
        parts.len() == count
            && parts
                .iter()
                .all(|part| (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
    };
    let clock: String = time
        .trim_start()
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == ':')
        .collect();
    parts(&date[5..], '-', 2) && parts(&clock, ':', 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Each line was checked against PyYAML 6.0.3's safe_load.
    #[test]
    fn plain_scalars_mean_what_pyyaml_says() {
        for (text, number) in [
            ("0644", 420),
            ("+0644", 420),
            ("-017", -15),
            ("1_000", 1000),
            ("1_", 1),
            ("12:30:45", 45045),
            ("0b1_0", 2),
            ("0x_1F", 31),
            ("-0x1f", -31),
            ("0", 0),
            ("0_", 0),
            ("685_230", 685_230),
            ("1:1", 61),
        ] {
            assert_eq!(resolve(text), Scalar::Int(number), "{text}");
        }
        for (text, number) in [
            ("190:20:30.15", 685_230.15),
            ("1.5e+3", 1500.0),
            (".5", 0.5),
            ("1.", 1.0),
            ("-.inf", f64::NEG_INFINITY),
            ("1_0.5", 10.5),
            ("0.", 0.0),
            ("-1.5E-1", -0.15),
            ("08.5", 8.5),
        ] {
            assert_eq!(resolve(text), Scalar::Float(number), "{text}");
        }
        for text in [
            "08",
            "0899",
            "0o17",
            "_1",
            "1:60",
            "1e3",
            "1.5e3",
            "y",
            "n",
            "nO",
            "2024-01-31",
            "1.2.3",
            "+.5",
            "-",
            "+",
            ".",
            "-.nan",
            "0:30",
            "1e+3",
            "10.89.0.0/24",
            "1-2",
            "a1",
            "0x",
            "0b2",
            "..",
            "tRUE",
        ] {
            assert_eq!(resolve(text), Scalar::Text, "{text}");
        }
        assert!(matches!(resolve(".NaN"), Scalar::Float(number) if number.is_nan()));
        assert_eq!(resolve("~"), Scalar::Null);
        assert_eq!(resolve("Off"), Scalar::Bool(false));
    }

    #[test]
    fn dates_and_big_numbers_are_special_when_written() {
        for text in [
            "2024-01-31",
            "2024-1-1 1:02:03",
            "12345678901234567890",
            "yes",
            "",
            "1.0",
        ] {
            assert!(is_special(text), "{text}");
        }
        for text in ["2024-1-31", "a", "1.2.3", "08", "2024-01-31x"] {
            assert!(!is_special(text), "{text}");
        }
    }
}
