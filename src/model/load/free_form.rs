//! Free text after a module's name: `key=value` pairs, and what is left of them.

use std::ops::Range;

/// The arguments that a command's free text may hold.
const OF_COMMANDS: &[&str] = &[
    "creates",
    "removes",
    "chdir",
    "executable",
    "warn",
    "stdin",
    "stdin_add_newline",
    "strip_empty_ends",
];

/// One `key=value` of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// The name.
    pub key: String,
    /// The value.
    pub value: String,
    /// The bytes of the text the value comes from, without quotes.
    pub span: Range<usize>,
}

/// A free text taken apart.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct FreeForm {
    /// The pairs, in their order.
    pub pairs: Vec<Pair>,
    /// What is no pair.
    pub rest: String,
}

/// Takes a text apart. For commands only the arguments that all of them know count as pairs, and the rest is
/// kept as it was written.
///
/// # Errors
/// A sentence when quotes or braces are not closed.
pub fn split(text: &str, command: bool) -> Result<FreeForm, String> {
    let mut found = FreeForm::default();
    let mut kept: Vec<Range<usize>> = vec![];
    for word in words(text)? {
        let raw = &text[word.clone()];
        let equals = equals_sign(raw);
        let key = equals.map(|at| &raw[..at]);
        match (key, equals) {
            (Some(key), Some(at)) if !key.is_empty() && (!command || OF_COMMANDS.contains(&key)) => {
                found.pairs.push(pair(key, raw, at, word.start, command));
            }
            _ => kept.push(word),
        }
    }
    found.rest = rest(text, &kept, found.pairs.is_empty(), command).replace("\\=", "=");
    Ok(found)
}

fn pair(key: &str, raw: &str, equals: usize, start: usize, command: bool) -> Pair {
    let value = &raw[equals + 1..];
    let quoted = value.len() > 1
        && value.starts_with(['"', '\''])
        && value.ends_with(&value[..1])
        && !value.ends_with(&format!("\\{}", &value[..1]));
    let margin = usize::from(quoted);
    let inner = &value[margin..value.len() - margin];
    let begin = start + equals + 1 + margin;
    Pair {
        key: key.to_string(),
        value: if command {
            inner.to_string()
        } else {
            unescape(inner)
        },
        span: begin..begin + inner.len(),
    }
}

/// What is left: the whole text if there were no pairs, else the words between them with their gaps.
fn rest(text: &str, kept: &[Range<usize>], whole: bool, command: bool) -> String {
    if whole && command {
        // The end of the last line stays, as in Ansible.
        return text.trim_start().to_string();
    }
    let mut rest = String::new();
    let mut end = None;
    for word in kept {
        match end {
            Some(end) if text[end..word.start].trim().is_empty() => rest.push_str(&text[end..word.start]),
            Some(_) => rest.push(' '),
            None => {}
        }
        rest.push_str(&text[word.clone()]);
        end = Some(word.end);
    }
    rest
}

/// The first `=` that is not behind a backslash.
fn equals_sign(word: &str) -> Option<usize> {
    let bytes = word.as_bytes();
    (0..bytes.len()).find(|at| bytes[*at] == b'=' && (*at == 0 || bytes[*at - 1] != b'\\'))
}

/// The words of a text: white space inside quotes and inside Jinja's braces does not part them.
fn words(text: &str) -> Result<Vec<Range<usize>>, String> {
    let mut words = vec![];
    let mut start = None;
    let mut quote = None;
    let mut braces: Vec<&str> = vec![];
    let mut at = 0;
    while at < text.len() {
        let here = &text[at..];
        let c = here.chars().next().unwrap_or(' ');
        let mut width = c.len_utf8();
        if quote.is_none() {
            if let Some(close) = braces.last().filter(|close| here.starts_with(**close)) {
                width = close.len();
                braces.pop();
                at += width;
                continue;
            }
            if let Some((open, close)) = BRACES.iter().find(|pair| here.starts_with(pair.0)) {
                start.get_or_insert(at);
                braces.push(close);
                at += open.len();
                continue;
            }
        }
        if braces.is_empty() {
            match c {
                '\\' if quote != Some('\'') && here.len() > 1 => {
                    width += here[1..].chars().next().map_or(0, char::len_utf8);
                }
                '"' | '\'' if quote == Some(c) => quote = None,
                '"' | '\'' if quote.is_none() => quote = Some(c),
                c if c.is_whitespace() && quote.is_none() => {
                    words.extend(start.take().map(|start| start..at));
                    at += width;
                    continue;
                }
                _ => {}
            }
        }
        start.get_or_insert(at);
        at += width;
    }
    words.extend(start.map(|start| start..text.len()));
    match (quote, braces.last()) {
        (None, None) => Ok(words),
        (Some(quote), _) => Err(format!("a {quote} is not closed")),
        (None, Some(close)) => Err(format!("a `{close}` is missing")),
    }
}

const BRACES: &[(&str, &str)] = &[("{{", "}}"), ("{%", "%}"), ("{#", "#}")];

/// Decodes the escapes Ansible decodes in values of `key=value`.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let code = rest.clone().next();
        let plain = match code {
            Some('n') => Some('\n'),
            Some('t') => Some('\t'),
            Some('r') => Some('\r'),
            Some('a') => Some('\u{7}'),
            Some('b') => Some('\u{8}'),
            Some('f') => Some('\u{c}'),
            Some('v') => Some('\u{b}'),
            Some('\\') => Some('\\'),
            Some('"') => Some('"'),
            Some('\'') => Some('\''),
            Some('x') => number(&rest, 2),
            Some('u') => number(&rest, 4),
            _ => None,
        };
        match plain {
            Some(plain) => {
                out.push(plain);
                let skip = match code {
                    Some('x') => 3,
                    Some('u') => 5,
                    _ => 1,
                };
                rest.nth(skip - 1);
            }
            None => out.push('\\'),
        }
    }
    out
}

/// The character of `digits` hexadecimal digits behind the next one.
fn number(rest: &std::str::Chars<'_>, digits: usize) -> Option<char> {
    let text = rest.as_str().get(1..=digits)?;
    char::from_u32(u32::from_str_radix(text, 16).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Compared with ansible.parsing.splitter.parse_kv of ansible-core 2.19.
    fn shown(text: &str, command: bool) -> String {
        let found = split(text, command).unwrap();
        let pairs: Vec<_> = found
            .pairs
            .iter()
            .map(|pair| format!("{}={}", pair.key, pair.value))
            .collect();
        format!("{}|{}", pairs.join(","), found.rest)
    }

    #[test]
    fn pairs_are_taken_apart_as_ansible_does() {
        assert_eq!(
            shown("src=a dest=\"b c\" mode='0644'", false),
            "src=a,dest=b c,mode=0644|"
        );
        assert_eq!(
            shown("msg={{ a + 'b c' }} x=1", false),
            "msg={{ a + 'b c' }},x=1|"
        );
        assert_eq!(shown("a=b=c d", false), "a=b=c|d");
        assert_eq!(shown("line=\"a\\tb\"", false), "line=a\tb|");
    }

    #[test]
    fn commands_keep_their_text() {
        assert_eq!(
            shown("echo  hi   A=1 creates=/x", true),
            "creates=/x|echo  hi   A=1"
        );
        assert_eq!(
            shown("chdir=/a ls 'creates=/x'", true),
            "chdir=/a|ls 'creates=/x'"
        );
        assert_eq!(shown("echo \"a=b\"\necho 2", true), "|echo \"a=b\"\necho 2");
        assert_eq!(shown("echo {{ 'a b' }}=1", true), "|echo {{ 'a b' }}=1");
    }

    #[test]
    fn open_quotes_are_refused() {
        assert_eq!(split("msg=\"a", false).unwrap_err(), "a \" is not closed");
        assert_eq!(split("msg={{ a", false).unwrap_err(), "a `}}` is missing");
    }
}
