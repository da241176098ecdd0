//! Filters on texts.

use super::{Filter, filter};
use crate::host::quote;
use crate::template::call::{Answer, Call};
use crate::template::convert::print;
use crate::template::ledger::spend;
use crate::value::{Value, repr};

pub(super) const FILTERS: &[Filter] = &[
    filter("string", |call| Ok(call.input_text().into())),
    filter("quote", |call| {
        Ok(quote(&if call.input().is_null() {
            String::new()
        } else {
            call.input_text()
        })
        .into())
    }),
    filter("comment", comment),
    filter("trim", |call| {
        let text = call.input_text();
        Ok(match call.text(1, "chars") {
            Some(chars) => text.trim_matches(|c| chars.contains(c)).into(),
            None => text.trim().into(),
        })
    }),
    filter("center", |call| {
        let width = call
            .integer(1, "width")?
            .and_then(|width| usize::try_from(width).ok())
            .unwrap_or(80);
        spend(width)?;
        Ok(crate::template::methods::center(&call.input_text(), width, ' ').into())
    }),
    filter("wordcount", |call| {
        let text = call.input_text();
        let words = text
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .filter(|word| !word.is_empty());
        Ok(Value::Int(i64::try_from(words.count()).unwrap_or(i64::MAX)))
    }),
    filter("wordwrap", wordwrap),
    filter("truncate", truncate),
    filter("striptags", striptags),
    filter("escape", |call| Ok(escape(&call.input_text()).into())),
    filter("e", |call| Ok(escape(&call.input_text()).into())),
    filter("forceescape", |call| Ok(escape(&call.input_text()).into())),
    filter("xmlattr", |call| {
        let pairs = call.input_map()?.iter().filter(|(_, value)| !value.is_null());
        let written: Vec<String> = pairs
            .map(|(key, value)| format!("{}=\"{}\"", escape(key), escape(&print(value))))
            .collect();
        let lead = if call.flag(1, "autospace", true) && !written.is_empty() {
            " "
        } else {
            ""
        };
        Ok(format!("{lead}{}", written.join(" ")).into())
    }),
    filter("replace", replace),
    filter("indent", indent),
    filter("pprint", |call| Ok(repr(call.input()).into())),
    filter("title", |call| {
        let mut start = true;
        let text = call.input_text();
        let title = text.chars().map(|c| {
            let changed: String = if start {
                c.to_uppercase().collect()
            } else {
                c.to_lowercase().collect()
            };
            start = c.is_whitespace() || "-([{<".contains(c);
            changed
        });
        Ok(title.collect::<String>().into())
    }),
];

fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&#34;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A text as a comment, in the styles that Ansible knows.
fn comment(call: &Call) -> Answer {
    let style = call.text(1, "style").unwrap_or_else(|| "plain".into());
    let (decoration, begin, end) = match style.as_str() {
        "plain" => ("# ", "", ""),
        "erlang" => ("% ", "", ""),
        "c" => ("// ", "", ""),
        "cblock" => (" * ", "/*", " */"),
        "xml" => (" - ", "<!--", "-->"),
        other => {
            return Err(format!(
                "unknown comment style `{other}`: known are plain, erlang, c, cblock, xml"
            ));
        }
    };
    let given = |name: &str, usual: &str| call.named().get(name).map_or_else(|| usual.to_string(), print);
    let decoration = given("decoration", decoration);
    let (begin, end) = (given("beginning", begin), given("end", end));
    let bare = decoration.trim_end().to_string();
    let newline = given("newline", "\n");
    let prefix = given("prefix", &bare);
    let postfix = given("postfix", &bare);
    let prefix_count = call.integer(usize::MAX, "prefix_count")?.unwrap_or(1);
    let postfix_count = call.integer(usize::MAX, "postfix_count")?.unwrap_or(1);
    let text = call.input_str()?;
    let body = format!(
        "{decoration}{}",
        text.replace(newline.as_str(), &format!("{newline}{decoration}"))
    );
    let body = body.replace(&format!("{decoration}{newline}"), &format!("{bare}{newline}"));
    let line = |text: &str| {
        if text.is_empty() {
            String::new()
        } else {
            format!("{text}{newline}")
        }
    };
    let times = |text: &str, count: i64| -> Result<String, String> {
        let (line, count) = (line(text), usize::try_from(count).unwrap_or(0));
        spend(line.len().saturating_mul(count))?;
        Ok(line.repeat(count))
    };
    let after = match times(&postfix, postfix_count)? {
        text if end.is_empty() => text.trim_end_matches(newline.as_str()).to_string(),
        text => text,
    };
    let between = if after.is_empty() && end.is_empty() {
        ""
    } else {
        &newline
    };
    Ok(format!(
        "{}{}{body}{between}{after}{end}",
        line(&begin),
        times(&prefix, prefix_count)?
    )
    .into())
}

fn replace(call: &Call) -> Answer {
    let (old, new) = (call.need_text(1, "old")?, call.need_text(2, "new")?);
    let text = call.input_text();
    let count = call
        .integer(3, "count")?
        .and_then(|count| usize::try_from(count).ok());
    let found = text.matches(&*old).take(count.unwrap_or(usize::MAX)).count();
    spend(text.len().saturating_add(found.saturating_mul(new.len())))?;
    Ok(match count {
        Some(count) => text.replacen(&old, &new, count).into(),
        None => text.replace(&old, &new).into(),
    })
}

fn indent(call: &Call) -> Answer {
    let lead = match call.get(1, "width") {
        Some(Value::String(text)) => text.to_string(),
        _ => {
            let width = call.integer(1, "width")?;
            let width = width.and_then(|width| usize::try_from(width).ok()).unwrap_or(4);
            spend(width)?;
            " ".repeat(width)
        }
    };
    let first = call.flag(2, "first", false);
    let blank = call.flag(3, "blank", false);
    let text = call.input_str()?;
    spend(text.split('\n').count().saturating_mul(lead.len()))?;
    let mut lines = text.split('\n');
    let mut indented = String::new();
    if first && lines.clone().next().is_some_and(|line| blank || !line.is_empty()) {
        indented.push_str(&lead);
    }
    indented.push_str(lines.next().unwrap_or(""));
    for line in lines {
        indented.push('\n');
        if blank || !line.is_empty() {
            indented.push_str(&lead);
        }
        indented.push_str(line);
    }
    Ok(indented.into())
}

fn wordwrap(call: &Call) -> Answer {
    let width = call
        .integer(1, "width")?
        .and_then(|width| usize::try_from(width).ok())
        .unwrap_or(79)
        .max(1);
    let break_long = call.flag(2, "break_long_words", true);
    let newline = call.text(3, "wrapstring").unwrap_or_else(|| "\n".into());
    let text = call.input_text();
    let wrapped: Vec<String> = text
        .lines()
        .map(|line| wrap_line(line, width, break_long).join(&newline))
        .collect();
    Ok(wrapped.join(&newline).into())
}

fn wrap_line(line: &str, width: usize, break_long: bool) -> Vec<String> {
    let length = |text: &str| text.chars().count();
    let mut lines = vec![];
    let mut current = String::new();
    for word in line.split_whitespace() {
        let mut word = word.to_string();
        if !current.is_empty() && length(&current) + 1 + length(&word) > width {
            lines.push(std::mem::take(&mut current));
        }
        while break_long && current.is_empty() && length(&word) > width {
            let at = word.char_indices().nth(width).map_or(word.len(), |at| at.0);
            let rest = word.split_off(at);
            lines.push(std::mem::replace(&mut word, rest));
        }
        if !current.is_empty() {
            current.push(' ');
        }
        current.push_str(&word);
    }
    if !current.is_empty() || lines.is_empty() {
        lines.push(current);
    }
    lines
}

fn truncate(call: &Call) -> Answer {
    let length = call
        .integer(1, "length")?
        .and_then(|length| usize::try_from(length).ok())
        .unwrap_or(255);
    let kill_words = call.flag(2, "killwords", false);
    let end = call.text(3, "end").unwrap_or_else(|| "...".into());
    let leeway = call
        .integer(4, "leeway")?
        .and_then(|leeway| usize::try_from(leeway).ok())
        .unwrap_or(5);
    let text = call.input_text();
    if text.chars().count() <= length + leeway {
        return Ok(text.into());
    }
    let room = length.saturating_sub(end.chars().count());
    let cut: String = text.chars().take(room).collect();
    let cut = if kill_words {
        cut.as_str()
    } else {
        cut.rsplit_once(' ').map_or(cut.as_str(), |pair| pair.0)
    };
    Ok(format!("{cut}{end}").into())
}

fn striptags(call: &Call) -> Answer {
    let (mut plain, mut inside) = (String::new(), false);
    for c in call.input_text().chars() {
        match c {
            '<' => inside = true,
            '>' if inside => inside = false,
            c if !inside => plain.push(c),
            _ => {}
        }
    }
    Ok(plain.split_whitespace().collect::<Vec<_>>().join(" ").into())
}
