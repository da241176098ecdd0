//! Sizes as people write them: `5`, `1.5K`, `1 MB`.

/// The number of bytes (`unit` is `B`) or bits (`b`) that a text means, as Ansible's `human_to_bytes` reads it; nothing if it is
/// no size of that kind.
pub fn human_to_bytes(text: &str, unit: char) -> Option<i64> {
    const PREFIXES: &str = "KMGTPEZY";
    let end = text
        .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .unwrap_or(text.len());
    let (number, suffix) = (&text[..end], text[end..].trim());
    if number.ends_with('.') {
        return None;
    }
    let number: f64 = number.parse().ok()?;
    let word = if unit == 'B' { "byte" } else { "bit" };
    let mut letters = suffix.chars();
    let factor = match (letters.next(), letters.as_str()) {
        (None, _) => 0,
        (Some('b' | 'B'), "") => 0,
        (Some(_), _) if suffix.eq_ignore_ascii_case(word) => 0,
        (Some(prefix), rest) => {
            let known = PREFIXES.find(prefix.to_ascii_uppercase())?;
            let exact = prefix.is_ascii_uppercase() && rest.chars().eq([unit]);
            if !rest.is_empty() && !exact {
                return None;
            }
            known as i32 + 1
        }
    };
    Some((number * 1024f64.powi(factor)).round_ties_even() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Each was compared with ansible-core 2.19, where the filter and the types of arguments read alike.
    #[test]
    fn units_have_the_letter_of_their_kind() {
        for (text, bytes) in [
            ("1K ", 1024),
            ("1 MB", 1 << 20),
            ("10", 10),
            ("1.5K", 1536),
            (".5K", 512),
            ("1byte", 1),
            ("1b", 1),
        ] {
            assert_eq!(human_to_bytes(text, 'B'), Some(bytes), "{text}");
        }
        for text in ["1kB", "1Kbyte", " 1K", "2bytes", "5.", "1Mb", "1mb"] {
            assert_eq!(human_to_bytes(text, 'B'), None, "{text}");
        }
        assert_eq!(human_to_bytes("1Mb", 'b'), Some(1 << 20));
    }
}
