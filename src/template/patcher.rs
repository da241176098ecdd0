//! Small edits of a template's text, before it is compiled, for what the engine reads otherwise than
//! Jinja2: `%` on texts, chains over missing keys, lists that change, backslashes, unary plus, bare
//! tuples, no-break spaces. Every edit is remembered, so that offsets can be led back.

mod finder;
mod foreign;

use super::syntax::{expressions, statements};
use finder::{Finder, describe};
use minijinja::machinery::{self, Token};
use minijinja::syntax::SyntaxConfig;
use std::ops::Range;

/// What a text is for; the rules differ a little.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Purpose {
    /// A value of a playbook: backslashes in its expressions mean themselves.
    Value,
    /// The bare expression of a condition: `is defined` looks only whether something is there.
    Condition,
    /// A template file.
    File,
}

/// A text after its edits.
#[derive(Clone, Debug, Default)]
pub(super) struct Patched {
    /// The text to be compiled.
    pub text: String,
    passes: Vec<Vec<Edit>>,
}

#[derive(Clone, Debug)]
struct Edit {
    at: usize,
    removed: usize,
    inserted: String,
    /// True for what ends something.
    closes: bool,
}

impl Edit {
    fn insert(at: usize, text: &str) -> Edit {
        Edit {
            at,
            removed: 0,
            inserted: text.into(),
            closes: false,
        }
    }

    fn close(at: usize, text: &str) -> Edit {
        Edit {
            closes: true,
            ..Edit::insert(at, text)
        }
    }

    fn replace(range: Range<usize>, text: impl Into<String>) -> Edit {
        Edit {
            at: range.start,
            removed: range.len(),
            inserted: text.into(),
            closes: false,
        }
    }
}

impl Patched {
    fn new(text: &str) -> Patched {
        Patched {
            text: text.to_string(),
            passes: vec![],
        }
    }

    /// Applies edits of one pass. Those at the same offset are kept in the order they were found, what is inside first; what ends there
    /// comes before all else.
    fn apply(&mut self, mut edits: Vec<Edit>) {
        edits.sort_by_key(|edit| (edit.at, !edit.closes));
        let mut text = String::with_capacity(self.text.len() + 16 * edits.len());
        let mut done = 0;
        for edit in &edits {
            text.push_str(&self.text[done.min(edit.at)..edit.at]);
            text.push_str(&edit.inserted);
            done = edit.at + edit.removed;
        }
        text.push_str(&self.text[done..]);
        self.text = text;
        self.passes.push(edits);
    }

    /// The offset in the written text of an offset in the patched one.
    pub(super) fn original(&self, offset: usize) -> usize {
        self.passes
            .iter()
            .rev()
            .fold(offset, |offset, edits| before_edits(edits, offset))
    }
}

fn before_edits(edits: &[Edit], offset: usize) -> usize {
    let (mut old, mut new) = (0, 0);
    for edit in edits {
        let next = new + (edit.at - old);
        if offset < next {
            break;
        }
        if offset < next + edit.inserted.len() {
            return edit.at;
        }
        old = edit.at + edit.removed;
        new = next + edit.inserted.len();
    }
    old + (offset - new)
}

type Tokens<'a> = Vec<(Token<'a>, Range<usize>)>;

fn tokens<'a>(text: &'a str, in_expression: bool, syntax: &SyntaxConfig) -> Option<Tokens<'a>> {
    machinery::tokenize(text, in_expression, syntax.clone())
        .map(|token| token.map(|(token, span)| (token, span.start_offset as usize..span.end_offset as usize)))
        .collect::<Result<_, _>>()
        .ok()
}

/// The range of the expression if the text is `{{ expression }}` and nothing else.
pub(super) fn lone_expression(text: &str, syntax: &SyntaxConfig) -> Option<Range<usize>> {
    let text = &tidy_spaces(text, false);
    let tokens = tokens(text, false, syntax)?;
    let ((first, start), (last, end)) = (tokens.first()?, tokens.last()?);
    let whole = start.start == 0 && end.end == text.len();
    let alone = matches!(first, Token::VariableStart) && matches!(last, Token::VariableEnd);
    let once = tokens
        .iter()
        .filter(|token| matches!(token.0, Token::VariableStart))
        .count()
        == 1;
    (whole && alone && once && start.end <= end.start).then_some(start.end..end.start)
}

/// All edits for a text with marks.
pub(super) fn patch_text(text: &str, syntax: &SyntaxConfig, purpose: Purpose) -> Patched {
    let mut patched = Patched::new(&tidy_spaces(text, false));
    if let Some(tokens) = tokens(&patched.text, false, syntax) {
        let edits = token_edits(&patched.text, &tokens, purpose == Purpose::Value);
        patched.apply(edits);
    }
    let edits = (|| {
        let tokens = tokens(&patched.text, false, syntax)?;
        let tree = machinery::parse(&patched.text, "<template>", syntax.clone()).ok()?;
        let mut finder = Finder::new(&patched.text, &tokens, purpose);
        statements(&tree, &mut |expression| finder.look(expression));
        Some(finder.edits)
    })();
    keep_if_same(patched, edits.unwrap_or_default(), &|text| {
        let tree = machinery::parse(text, "<template>", syntax.clone()).ok()?;
        let mut shape = String::new();
        statements(&tree, &mut |expression| describe(expression, &mut shape));
        Some(shape)
    })
}

/// All edits for a bare expression.
pub(super) fn patch_expression(text: &str, purpose: Purpose) -> Patched {
    let syntax = SyntaxConfig::default();
    let mut patched = Patched::new(&tidy_spaces(text, true));
    if let Some(tokens) = tokens(&patched.text, true, &syntax) {
        let edits = token_edits(&patched.text, &tokens, purpose == Purpose::Value);
        patched.apply(edits);
    }
    let edits = (|| {
        let tokens = tokens(&patched.text, true, &syntax)?;
        let tree = machinery::parse_expr(&patched.text).ok()?;
        let mut finder = Finder::new(&patched.text, &tokens, purpose);
        expressions(&tree, &mut |expression| finder.look(expression));
        Some(finder.edits)
    })();
    keep_if_same(patched, edits.unwrap_or_default(), &|text| {
        let tree = machinery::parse_expr(text).ok()?;
        let mut shape = String::new();
        expressions(&tree, &mut |expression| describe(expression, &mut shape));
        Some(shape)
    })
}

/// Applies the edits that came out of the tree, unless they would change what the text means.
fn keep_if_same(patched: Patched, edits: Vec<Edit>, shape: &dyn Fn(&str) -> Option<String>) -> Patched {
    if edits.is_empty() {
        return patched;
    }
    let mut edited = patched.clone();
    edited.apply(edits);
    match (shape(&patched.text), shape(&edited.text)) {
        (Some(before), Some(after)) if before == after => edited,
        _ => patched,
    }
}

/// The text after the edits that only make it readable for the parser.
pub(super) fn tidy_text(text: &str, syntax: &SyntaxConfig, purpose: Purpose) -> String {
    let mut patched = Patched::new(&tidy_spaces(text, false));
    if let Some(tokens) = tokens(&patched.text, false, syntax) {
        let edits = token_edits(&patched.text, &tokens, purpose == Purpose::Value);
        patched.apply(edits);
    }
    patched.text
}

/// As [`tidy_text`], for a bare expression.
pub(super) fn tidy_expression(text: &str) -> String {
    let mut patched = Patched::new(&tidy_spaces(text, true));
    if let Some(tokens) = tokens(&patched.text, true, &SyntaxConfig::default()) {
        let edits = token_edits(&patched.text, &tokens, false);
        patched.apply(edits);
    }
    patched.text
}

/// No-break spaces inside marks are blanks (each as long in bytes as two of them).
fn tidy_spaces(text: &str, in_expression: bool) -> String {
    if !text.contains('\u{a0}') {
        return text.to_string();
    }
    if in_expression {
        return text.replace('\u{a0}', "  ");
    }
    let mut tidied = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
        let close = if rest[start..].starts_with("{{") {
            "}}"
        } else {
            "%}"
        };
        let end = rest[start..].find(close).map_or(rest.len(), |at| start + at);
        tidied.push_str(&rest[..start]);
        tidied.push_str(&rest[start..end].replace('\u{a0}', "  "));
        rest = &rest[end..];
    }
    tidied + rest
}

fn token_edits(text: &str, tokens: &Tokens<'_>, backslashes: bool) -> Vec<Edit> {
    let mut edits = vec![];
    let mut in_variable = true;
    for (at, (token, range)) in tokens.iter().enumerate() {
        match token {
            Token::VariableStart => in_variable = true,
            Token::BlockStart => {
                in_variable = false;
                edits.extend(bare_tuple(&tokens[at..]).into_iter().flatten());
            }
            Token::Plus if at == 0 || !ends_operand(&tokens[at - 1].0) => {
                edits.push(Edit::replace(range.clone(), " "));
            }
            Token::Str(_) | Token::String(_) if backslashes && in_variable => {
                let written = &text[range.clone()];
                edits.extend(
                    kept_backslashes(written).map(|(offset, more)| Edit::insert(range.start + offset, more)),
                );
            }
            _ => {}
        }
    }
    edits
}

/// What to insert where so that a text literal keeps its backslashes: one more, or two before a quote.
fn kept_backslashes(written: &str) -> impl Iterator<Item = (usize, &'static str)> + '_ {
    let mut skip = false;
    written.bytes().enumerate().filter_map(move |(at, byte)| {
        if std::mem::take(&mut skip) || byte != b'\\' {
            return None;
        }
        match written.as_bytes().get(at + 1) {
            Some(b'\'' | b'"') => {
                skip = true;
                Some((at, "\\\\"))
            }
            _ => Some((at, "\\")),
        }
    })
}

fn ends_operand(token: &Token<'_>) -> bool {
    match token {
        Token::Ident(word) => !matches!(*word, "and" | "or" | "not" | "in" | "is" | "if" | "else"),
        Token::Str(_) | Token::String(_) | Token::Int(_) | Token::Int128(_) | Token::Float(_) => true,
        Token::BracketClose | Token::ParenClose | Token::BraceClose => true,
        _ => false,
    }
}

/// `{% for x in a, b %}`: parentheses around the tuple.
fn bare_tuple(tokens: &[(Token<'_>, Range<usize>)]) -> Option<[Edit; 2]> {
    if !matches!(tokens.get(1)?.0, Token::Ident("for")) {
        return None;
    }
    let start = 1 + tokens
        .iter()
        .position(|token| matches!(token.0, Token::Ident("in")))?;
    let (mut depth, mut comma) = (0, false);
    for (token, range) in &tokens[start..] {
        match token {
            Token::BracketOpen | Token::ParenOpen | Token::BraceOpen => depth += 1,
            Token::BracketClose | Token::ParenClose | Token::BraceClose => depth -= 1,
            Token::Comma if depth == 0 => comma = true,
            Token::BlockEnd | Token::Ident("if" | "recursive") if depth == 0 => {
                let edits = [
                    Edit::insert(tokens[start].1.start, "("),
                    Edit::insert(range.start, ") "),
                ];
                return comma.then_some(edits);
            }
            _ => {}
        }
    }
    None
}
