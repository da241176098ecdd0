//! The edits of a template that need its syntax tree, and the shape of a tree to compare before and after.

use super::{Edit, Purpose, Tokens, foreign};
use crate::template::syntax::{argument, children, expressions};
use minijinja::machinery::Token;
use minijinja::machinery::ast::{BinOpKind, CallArg, Expr, UnaryOpKind};
use std::ops::Range;

/// Methods that change a list or mapping in place.
const CHANGING: [&str; 11] = [
    ".append(",
    ".extend(",
    ".insert(",
    ".pop(",
    ".update(",
    ".setdefault(",
    ".remove(",
    ".clear(",
    ".popitem(",
    ".sort(",
    ".reverse(",
];

/// What gives points of time, which the engine cannot subtract.
const TIMES: [&str; 2] = ["to_datetime", "now("];

/// Finds the edits that need the syntax tree.
pub(super) struct Finder<'a> {
    text: &'a str,
    tokens: &'a Tokens<'a>,
    changing: bool,
    keeping: bool,
    condition: bool,
    times: bool,
    pub(super) edits: Vec<Edit>,
}

impl<'a> Finder<'a> {
    pub(super) fn new(text: &'a str, tokens: &'a Tokens<'a>, purpose: Purpose) -> Finder<'a> {
        Finder {
            text,
            tokens,
            changing: CHANGING.iter().any(|method| text.contains(method)),
            keeping: text.contains("set"),
            condition: purpose == Purpose::Condition,
            times: TIMES.iter().any(|name| text.contains(name)),
            edits: vec![],
        }
    }

    pub(super) fn look(&mut self, expression: &Expr<'_>) {
        if let Some(named) = foreign::name_of(expression) {
            return self.foreign(named, expression);
        }
        match expression {
            Expr::BinOp(node) if matches!(node.op, BinOpKind::Rem) => {
                self.operation(&node.left, &node.right, "__remainder");
            }
            Expr::BinOp(node) if self.times && matches!(node.op, BinOpKind::Sub) => {
                self.operation(&node.left, &node.right, "__minus");
            }
            Expr::BinOp(node) => {
                if let Some((_, filter)) = ordering(node.op).or(making(node.op)) {
                    self.operation(&node.left, &node.right, filter);
                }
            }
            Expr::GetAttr(node) => self.link(&node.expr),
            Expr::GetItem(node) => self.link(&node.expr),
            Expr::List(_) | Expr::Map(_) if self.changing => {
                self.wrap(extent(expression), "|__counted|__own)");
            }
            Expr::List(_) | Expr::Map(_) | Expr::Tuple(_) if self.keeping => {
                self.wrap(extent(expression), "|__counted)");
            }
            Expr::Slice(node) => self.wrap(extent(&node.expr), "|__counted)"),
            Expr::Test(node) if self.condition && matches!(node.name, "defined" | "undefined") => {
                let from = extent(&node.expr).end;
                let end = extent(expression).end;
                let found = self.tokens.iter().find(|(token, range)| {
                    range.start >= from
                        && range.end <= end
                        && matches!(token, Token::Ident(name) if *name == node.name)
                });
                if let Some((_, range)) = found {
                    self.edits.push(Edit::insert(range.start, "__"));
                }
            }
            _ => {}
        }
    }

    /// A filter or test that is not here.
    fn foreign(&mut self, named: (&str, &str), expression: &Expr<'_>) {
        let span = expression.span();
        let (base, args) = match expression {
            Expr::Filter(node) => (node.expr.as_ref(), &node.args),
            Expr::Test(node) => (Some(&node.expr), &node.args),
            _ => return,
        };
        let from = base.map_or(span.start_offset as usize, |base| extent(base).end);
        let only = args.first().map(|first| self.balanced(extent(argument(first))));
        let edits = foreign::edits(named, self.tokens, from, only);
        self.edits.extend(edits.into_iter().flatten());
    }

    /// The base of a second link, wrapped so that a missing thing can be asked further.
    fn link(&mut self, base: &Expr<'_>) {
        if matches!(base, Expr::Var(_) | Expr::GetAttr(_)) {
            return;
        }
        let range = self.balanced(extent(base));
        let name = self.text[range.clone()]
            .replace('\\', "\\\\")
            .replace('"', "\\\"");
        self.wrap(range, &format!("|__chain(\"{name}\"))"));
    }

    fn wrap(&mut self, range: Range<usize>, end: &str) {
        let range = self.balanced(range);
        self.edits.push(Edit::insert(range.start, "("));
        self.edits.push(Edit::close(range.end, end));
    }

    /// `left % right` becomes `((left)|__remainder(right))`, and so on.
    fn operation(&mut self, left: &Expr<'_>, right: &Expr<'_>, filter: &str) {
        let (left, right) = (extent(left), extent(right));
        let sign = self.tokens.iter().find(|(token, range)| {
            let sign = matches!(
                token,
                Token::Mod
                    | Token::Minus
                    | Token::Plus
                    | Token::Tilde
                    | Token::Mul
                    | Token::Lt
                    | Token::Lte
                    | Token::Gt
                    | Token::Gte
            );
            sign && range.start >= left.end && range.end <= right.start
        });
        let Some((_, sign)) = sign else { return };
        let left = self.balanced(left.start..sign.start);
        let right = self.balanced(sign.end..right.end);
        self.edits.push(Edit::insert(left.start, "(("));
        self.edits
            .push(Edit::replace(sign.clone(), format!(")|{filter}(")));
        self.edits.push(Edit::close(right.end, "))"));
    }

    /// The range, widened over the brackets that belong to it: the tree does not keep parentheses.
    fn balanced(&self, range: Range<usize>) -> Range<usize> {
        let (mut open, mut missing) = (0usize, 0usize);
        let inside = |at: &Range<usize>| at.start >= range.start && at.end <= range.end;
        for (token, _) in self.tokens.iter().filter(|token| inside(&token.1)) {
            match token {
                Token::BracketOpen | Token::ParenOpen | Token::BraceOpen => open += 1,
                Token::BracketClose | Token::ParenClose | Token::BraceClose if open > 0 => open -= 1,
                Token::BracketClose | Token::ParenClose | Token::BraceClose => missing += 1,
                _ => {}
            }
        }
        let before = self
            .tokens
            .iter()
            .rev()
            .filter(|token| token.1.end <= range.start);
        let start = before
            .take(missing)
            .last()
            .map_or(range.start, |token| token.1.start);
        let after = self.tokens.iter().filter(|token| token.1.start >= range.end);
        let end = after.take(open).last().map_or(range.end, |token| token.1.end);
        start..end
    }
}

/// The bytes an expression covers, without parentheses around it. Spans of postfix nodes begin at the
/// postfix, so the leftmost start below counts.
fn extent(expression: &Expr<'_>) -> Range<usize> {
    let span = expression.span();
    let own = span.start_offset as usize..span.end_offset as usize;
    children(expression)
        .into_iter()
        .map(extent)
        .fold(own, |whole, child| {
            whole.start.min(child.start)..whole.end.max(child.end)
        })
}

/// Name and filter of an operator that Python refuses for values of different kinds.
fn ordering(operator: BinOpKind) -> Option<(&'static str, &'static str)> {
    match operator {
        BinOpKind::Lt => Some(("lt", "__lt")),
        BinOpKind::Lte => Some(("lte", "__lte")),
        BinOpKind::Gt => Some(("gt", "__gt")),
        BinOpKind::Gte => Some(("gte", "__gte")),
        _ => None,
    }
}

/// Name and filter of an operator that makes texts and lists.
fn making(operator: BinOpKind) -> Option<(&'static str, &'static str)> {
    match operator {
        BinOpKind::Add => Some(("plus", "__plus")),
        BinOpKind::Concat => Some(("join", "__join")),
        BinOpKind::Mul => Some(("times", "__times")),
        _ => None,
    }
}

/// Writes what an expression is, leaving out what edits add.
pub(super) fn describe(expression: &Expr<'_>, out: &mut String) {
    use std::fmt::Write;
    if let Some((name, rest)) = foreign::parted(expression) {
        return describe_foreign(expression, name, rest, out);
    }
    // Writing to a String cannot fail.
    let _ = match expression {
        Expr::Var(node) => write!(out, "v{};", node.id),
        Expr::Const(node) => write!(out, "c{:?};", node.value),
        Expr::Slice(_) => write!(out, "slice;"),
        Expr::UnaryOp(node) => write!(out, "u{};", matches!(node.op, UnaryOpKind::Not)),
        Expr::BinOp(node) if matches!(node.op, BinOpKind::Rem) => write!(out, "rem;"),
        Expr::BinOp(node) => match ordering(node.op).or(making(node.op)) {
            Some((name, _)) => write!(out, "{name};"),
            None => write!(out, "b{};", node.op as u8),
        },
        Expr::Compare(node) => {
            write!(
                out,
                "compare{:?};",
                node.ops.iter().map(|op| op.op as u8).collect::<Vec<_>>()
            )
        }
        Expr::IfExpr(_) => write!(out, "if;"),
        Expr::Filter(node) => match node.name {
            "__own" | "__counted" => Ok(()),
            "__remainder" => write!(out, "rem;"),
            "__minus" => write!(out, "b{};", BinOpKind::Sub as u8),
            "__lt" | "__lte" | "__gt" | "__gte" | "__plus" | "__join" | "__times" => {
                write!(out, "{};", node.name.trim_start_matches('_'))
            }
            "__chain" => {
                // Its argument was written just before it.
                if let Some(CallArg::Pos(argument)) = node.args.first() {
                    let mut own = String::new();
                    describe(argument, &mut own);
                    let kept = out.strip_suffix(own.as_str()).map_or(out.len(), str::len);
                    out.truncate(kept);
                }
                Ok(())
            }
            name => write!(out, "f{name}{};", node.args.len()),
        },
        Expr::Test(node) => write!(out, "t{}{};", node.name.trim_start_matches("__"), node.args.len()),
        Expr::GetAttr(node) => write!(out, "a{};", node.name),
        Expr::GetItem(_) => write!(out, "item;"),
        Expr::Call(node) => write!(out, "call{};", node.args.len()),
        Expr::List(node) => write!(out, "l{};", node.items.len()),
        Expr::Tuple(node) => write!(out, "tuple{};", node.items.len()),
        Expr::Map(node) => write!(out, "m{};", node.keys.len()),
    };
}

/// `__filter("name", ...)` is what it stands for. Its arguments were written just before it, the name first.
fn describe_foreign(expression: &Expr<'_>, name: &Expr<'_>, rest: &[CallArg<'_>], out: &mut String) {
    let (mut first, mut others) = (String::new(), String::new());
    describe(name, &mut first);
    for other in rest {
        expressions(argument(other), &mut |below| describe(below, &mut others));
    }
    let both = format!("{first}{others}");
    let kept = out.strip_suffix(both.as_str()).map_or(out.len(), str::len);
    out.truncate(kept);
    out.push_str(&others);
    let letter = if matches!(expression, Expr::Filter(_)) {
        'f'
    } else {
        't'
    };
    let name = match name {
        Expr::Const(name) => name.value.to_string(),
        _ => String::new(),
    };
    out.push_str(&format!("{letter}{name}{};", rest.len()));
}

#[cfg(test)]
mod tests {
    use crate::template::patcher::{Purpose, patch_expression, patch_text};
    use minijinja::syntax::SyntaxConfig;

    #[test]
    fn what_begins_or_ends_at_the_same_place_lies_in_each_other() {
        for (written, patched) in [
            ("a+b", "((a)|__plus(b))"),
            ("a+b+c", "((((a)|__plus(b)))|__plus(c))"),
            ("a+(b*c)", "((a)|__plus((((b)|__times(c)))))"),
            ("a~b[1:]", "((a)|__join((b|__counted)[1:]))"),
            ("a|mine", "a|__filter(\"mine\")"),
            ("a | ns.c.mine () | upper", "a | __filter (\"ns.c.mine\") | upper"),
            (
                "(a+1)|mine(mine, k=b|other(2))",
                "(((a)|__plus(1)))|__filter(\"mine\", mine, k=b|__filter(\"other\", 2))",
            ),
            ("a is not mine", "a is not __test(\"mine\")"),
            ("a is mine (b)", "a is __test (\"mine\", b)"),
            (
                "(a|mine(1)).x",
                "((a|__filter(\"mine\", 1)|__chain(\"a|mine(1)\"))).x",
            ),
            ("a is mine 5 and b", "a is __test(\"mine\", 5) and b"),
            ("a is n.c.mine(5, x=1)", "a is __test(\"n.c.mine\", 5, x=1)"),
        ] {
            assert_eq!(patch_expression(written, Purpose::Value).text, patched);
        }
        assert_eq!(
            patch_text("{% set x=x+[y] %}", &SyntaxConfig::default(), Purpose::Value).text,
            "{% set x=((x)|__plus(([y]|__counted))) %}"
        );
        assert_eq!(
            patch_text(
                "{% filter upper | mine(1) %}a{% endfilter %}",
                &SyntaxConfig::default(),
                Purpose::Value
            )
            .text,
            "{% filter upper | __filter(\"mine\", 1) %}a{% endfilter %}"
        );
    }
}
