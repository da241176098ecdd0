//! `is version`: loose, strict, semantic and PEP 440 order.

use crate::template::call::{Answer, Call};
use crate::value::Value;
use std::cmp::Ordering;

/// A part of a version: numbers stand before words, as in Python's LooseVersion.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u64),
    Word(String),
}

/// `value is version(other, operator, strict, version_type)`.
pub(super) fn version(call: &Call) -> Answer {
    let (left, right) = (call.input_text(), call.need_text(1, "version")?);
    let operator = call.text(2, "operator").unwrap_or_else(|| "eq".into());
    let kind = call.text(4, "version_type");
    let strict = call.get(3, "strict").is_some_and(crate::template::call::truthy);
    if left.is_empty() {
        return Err("Input version value cannot be empty".into());
    }
    if right.is_empty() {
        return Err("Version parameter to compare against cannot be empty".into());
    }
    if kind.is_some() && call.get(3, "strict").is_some_and(|strict| !strict.is_null()) {
        return Err("Cannot specify both 'strict' and 'version_type'".into());
    }
    let compared = |sentence: String| format!("Version comparison failed: {sentence}");
    let order = match kind.as_deref() {
        Some("semver" | "semantic") => semantic(&left, &right).map_err(compared)?,
        Some("pep440") => pep440(&left).cmp(&pep440(&right)),
        Some("strict") => by_strict_parts(&left, &right).map_err(compared)?,
        None if strict => by_strict_parts(&left, &right).map_err(compared)?,
        None | Some("loose") => loose(&left, &right)?,
        Some(other) => {
            return Err(format!(
                "Invalid version type ({other}). Must be one of 'loose', 'strict', 'semver', 'semantic', 'pep440'"
            ));
        }
    };
    Ok(Value::Bool(match operator.as_str() {
        "==" | "=" | "eq" => order == Ordering::Equal,
        "!=" | "<>" | "ne" => order != Ordering::Equal,
        "<" | "lt" => order == Ordering::Less,
        "<=" | "le" => order != Ordering::Greater,
        ">" | "gt" => order == Ordering::Greater,
        ">=" | "ge" => order != Ordering::Less,
        other => {
            return Err(format!(
                "Invalid operator type ({other}). Must be one of '==', '=', 'eq', '<', 'lt', '<=', 'le', '>', 'gt', '>=', 'ge', '!=', '<>', 'ne'"
            ));
        }
    }))
}

fn by_strict_parts(left: &str, right: &str) -> Result<Ordering, String> {
    Ok(strict_parts(left)?.cmp(&strict_parts(right)?))
}

fn parts(text: &str) -> Vec<Part> {
    let mut parts = vec![];
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let same: &dyn Fn(char) -> bool = match first {
            c if c.is_ascii_digit() => &|c: char| c.is_ascii_digit(),
            '.' => &|c: char| c == '.',
            c if c.is_ascii_lowercase() => &|c: char| c.is_ascii_lowercase(),
            _ => &|c: char| !c.is_ascii_digit() && c != '.' && !c.is_ascii_lowercase(),
        };
        let end = rest.find(|c| !same(c)).unwrap_or(rest.len());
        let (piece, behind) = rest.split_at(end);
        match first {
            '.' => {}
            c if c.is_ascii_digit() => parts.push(Part::Number(piece.parse().unwrap_or(u64::MAX))),
            _ => parts.push(Part::Word(piece.to_string())),
        }
        rest = behind;
    }
    parts
}

/// Part by part; a number against a word is an error in Python, unless an earlier part decides.
fn loose(left: &str, right: &str) -> Result<Ordering, String> {
    let (a, b) = (parts(left), parts(right));
    for (one, other) in a.iter().zip(&b) {
        match (one, other) {
            (Part::Number(_), Part::Word(_)) | (Part::Word(_), Part::Number(_)) => {
                return Err(format!(
                    "Version comparison failed: '{left}' and '{right}' cannot be compared"
                ));
            }
            _ if one != other => return Ok(one.cmp(other)),
            _ => {}
        }
    }
    Ok(a.len().cmp(&b.len()))
}

/// Three numbers; then whether it is a release, and letter and number of the pre-release.
type Strict = ([u64; 3], (bool, char, u64));

/// `1.2`, `1.2.3`, `1.2a1`: three numbers and a pre-release, of which none is the highest.
fn strict_parts(text: &str) -> Result<Strict, String> {
    let wrong = || format!("invalid version number '{text}'");
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (numbers, pre) = text.split_at(end);
    let numbers: Vec<u64> = numbers
        .split('.')
        .map(str::parse)
        .collect::<Result<_, _>>()
        .map_err(|_| wrong())?;
    if !(2..=3).contains(&numbers.len()) {
        return Err(wrong());
    }
    let mut all = [0; 3];
    all[..numbers.len()].copy_from_slice(&numbers);
    match pre.chars().next() {
        None => Ok((all, (true, 'z', 0))),
        Some(letter @ ('a' | 'b')) => Ok((all, (false, letter, pre[1..].parse().map_err(|_| wrong())?))),
        Some(_) => Err(wrong()),
    }
}

/// Semantic Versioning 2.0, section 11.
fn semantic(left: &str, right: &str) -> Result<Ordering, String> {
    type Version = (Vec<u64>, Option<Vec<Part>>);
    let read = |text: &str| -> Result<Version, String> {
        let wrong = || format!("invalid semantic version '{text}'");
        let bare = text.split('+').next().unwrap_or(text);
        let (core, pre) = bare
            .split_once('-')
            .map_or((bare, None), |(core, pre)| (core, Some(pre)));
        let core: Vec<u64> = core
            .split('.')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map_err(|_| wrong())?;
        if core.len() != 3 {
            return Err(wrong());
        }
        let part = |part: &str| {
            part.parse()
                .map_or_else(|_| Part::Word(part.to_string()), Part::Number)
        };
        Ok((core, pre.map(|pre| pre.split('.').map(part).collect())))
    };
    let ((a, a_pre), (b, b_pre)) = (read(left)?, read(right)?);
    Ok(a.cmp(&b).then_with(|| match (a_pre, b_pre) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(a), Some(b)) => a.cmp(&b),
    }))
}

/// A sortable form of PEP 440: epoch, release without ending zeros, phase, post and dev.
fn pep440(text: &str) -> (u64, Vec<u64>, i64, u64, i64, i64) {
    let text = text.trim().to_lowercase();
    let text = text
        .trim_start_matches('v')
        .split('+')
        .next()
        .unwrap_or("")
        .to_string();
    let (epoch, rest) = match text.split_once('!') {
        Some((epoch, rest)) => (epoch.parse().unwrap_or(0), rest.to_string()),
        None => (0, text),
    };
    let end = rest
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(rest.len());
    let mut release: Vec<u64> = rest[..end]
        .split('.')
        .filter_map(|part| part.parse().ok())
        .collect();
    while release.last() == Some(&0) {
        release.pop();
    }
    let tail = &rest[end..];
    let after = |word: &str| tail.find(word).map(|at| number_behind(&tail[at + word.len()..]));
    let phase = [("alpha", 1), ("beta", 2), ("rc", 3), ("c", 3), ("a", 1), ("b", 2)];
    let pre = phase.iter().find_map(|(word, rank)| {
        let at = tail.trim_start_matches(['-', '_', '.']).strip_prefix(word)?;
        Some((*rank, number_behind(at)))
    });
    let (dev, post) = (after("dev"), after("post"));
    let (rank, number) = pre.unwrap_or((if dev.is_some() && post.is_none() { 0 } else { 4 }, 0));
    let post = post.map_or(-1, |post| i64::try_from(post).unwrap_or(i64::MAX));
    (
        epoch,
        release,
        rank,
        number,
        post,
        dev.map_or(i64::MAX, |dev| i64::try_from(dev).unwrap_or(i64::MAX)),
    )
}

fn number_behind(text: &str) -> u64 {
    let text = text.trim_start_matches(['-', '_', '.']);
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().unwrap_or(0)
}
