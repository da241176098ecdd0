//! Words of a shell: the one place that quotes. No value stands in a script otherwise than through it, which
//! `tests/modules/hostile.rs` holds.

/// Any text (without NUL) as one word of `sh`, letter by letter as Python's `shlex.quote` writes it, which the filter
/// `quote` has to.
pub fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_string();
    }
    format!("'{}'", text.replace('\'', r#"'"'"'"#))
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
