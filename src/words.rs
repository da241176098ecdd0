//! Words of a shell: the one place that quotes. No value stands in a script otherwise than through it, which
//! `tests/modules/hostile.rs` holds.

use crate::content::byte_text;

/// Any text (without NUL) as one word of `sh`, letter by letter as Python's `shlex.quote` writes it, which the filter
/// `quote` has to. Bytes that are no UTF-8 ([`byte_text`]) are made by `printf`, so that scripts stay text.
pub fn quote(text: &str) -> String {
    if byte_text::holds_bytes(text) {
        return quote_byte_text(text);
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_string();
    }
    format!("'{}'", text.replace('\'', r#"'"'"'"#))
}

/// What `printf` makes of octal digits stands between double quotes; all else is quoted as ever.
fn quote_byte_text(text: &str) -> String {
    let mut word = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| byte_text::byte_behind(c).is_some()) {
        let end = rest[at..].find(|c: char| byte_text::byte_behind(c).is_none());
        let end = end.map_or(rest.len(), |length| at + length);
        if at > 0 {
            word.push_str(&quote(&rest[..at]));
        }
        let octal: String = rest[at..end]
            .chars()
            .filter_map(byte_text::byte_behind)
            .map(|byte| format!("\\{byte:o}"))
            .collect();
        word.push_str(&format!("\"$(printf '{octal}')\""));
        rest = &rest[end..];
    }
    if !rest.is_empty() {
        word.push_str(&quote(rest));
    }
    word
}

/// Bytes (without NUL) that need not be UTF-8 as one word of `sh`.
pub fn quote_bytes(bytes: &[u8]) -> Vec<u8> {
    let mut word = Vec::with_capacity(bytes.len() + 2);
    word.push(b'\'');
    for &byte in bytes {
        match byte {
            b'\'' => word.extend_from_slice(br#"'"'"'"#),
            other => word.push(other),
        }
    }
    word.push(b'\'');
    word
}

/// The words of a line, as Python's `shlex.split` parts them, each quoted anew; none if its quotes are not closed.
pub fn requote(line: &str) -> Option<String> {
    let words = shlex::split(line)?;
    Some(words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" "))
}

/// A name as one component of a path: `/` and the names `.` and `..` are escaped, so that no name leads elsewhere.
pub fn component(name: &str) -> String {
    match name {
        "" | "." | ".." => name.replace('.', "%2E") + if name.is_empty() { "%" } else { "" },
        name => name.replace('/', "%2F").replace('\0', "%00"),
    }
}

/// True for what may be the name of a variable of the environment: letters, digits and `_`, no digit first (POSIX,
/// "Name"). Others cannot be exported by `sh`.
pub fn is_variable(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(fits) && !name.starts_with(|c: char| c.is_ascii_digit())
}
