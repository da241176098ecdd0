//! Filters and tests that are not here: their names become arguments of `__filter` and `__test`, which look for them elsewhere.

use super::{Edit, Tokens};
use crate::template::NameKind;
use crate::template::overridden::is_surely_own;
use minijinja::machinery::Token;
use minijinja::machinery::ast::{CallArg, Expr};
use std::ops::Range;

/// The name of a filter or test that is not here, or may be elsewhere as well, and what is written in its place.
pub(super) fn name_of<'e>(expression: &'e Expr<'_>) -> Option<(&'e str, &'static str)> {
    let (name, kind, written) = match expression {
        Expr::Filter(node) => (node.name, NameKind::Filter, "__filter"),
        Expr::Test(node) => (node.name, NameKind::Test, "__test"),
        _ => return None,
    };
    let own = name.starts_with("__") || is_surely_own(kind, name);
    (!own).then_some((name, written))
}

/// The edits for one use. `from` is where what it is applied to ends, `range` is that of its only argument if it has no parentheses.
pub(super) fn edits(
    (name, written): (&str, &str),
    tokens: &Tokens<'_>,
    from: usize,
    argument: Option<Range<usize>>,
) -> Option<Vec<Edit>> {
    let (at, range) = find(name, tokens, from)?;
    let next = |at: usize| tokens.get(at).map(|token| &token.0);
    let first = format!("\"{name}\"");
    let edits = match (next(at + 1), next(at + 2)) {
        (Some(Token::ParenOpen), then) => {
            let more = match then {
                Some(Token::ParenClose) => first,
                _ => format!("{first}, "),
            };
            vec![
                Edit::replace(range, written),
                Edit::insert(tokens.get(at + 1)?.1.end, &more),
            ]
        }
        _ => match argument {
            Some(argument) => vec![
                Edit::replace(range, format!("{written}({first},")),
                Edit::close(argument.end, ")"),
            ],
            None => vec![Edit::replace(range, format!("{written}({first})"))],
        },
    };
    Some(edits)
}

/// The last token of a name, which may have dots, and the bytes of the whole.
fn find(name: &str, tokens: &Tokens<'_>, from: usize) -> Option<(usize, Range<usize>)> {
    let segments: Vec<&str> = name.split('.').map(str::trim).collect();
    let length = 2 * segments.len() - 1;
    let first = tokens.iter().position(|(_, range)| range.start >= from)?;
    let matches = |at: &usize| {
        let Some(part) = tokens.get(*at..*at + length) else {
            return false;
        };
        part.iter().enumerate().all(|(number, (token, _))| match token {
            Token::Ident(word) => number % 2 == 0 && segments.get(number / 2) == Some(word),
            Token::Dot => number % 2 == 1,
            _ => false,
        })
    };
    let at = (first..tokens.len()).find(matches)?;
    let last = at + length - 1;
    Some((last, tokens.get(at)?.1.start..tokens.get(last)?.1.end))
}

/// The name among the arguments of `__filter` and `__test`, and the other arguments.
pub(super) fn parted<'e, 's>(expression: &'e Expr<'s>) -> Option<(&'e Expr<'s>, &'e [CallArg<'s>])> {
    let (written, args) = match expression {
        Expr::Filter(node) => (node.name, &node.args),
        Expr::Test(node) => (node.name, &node.args),
        _ => return None,
    };
    match args.split_first() {
        Some((CallArg::Pos(name), rest)) if ["__filter", "__test"].contains(&written) => Some((name, rest)),
        _ => None,
    }
}
