//! Names of hosts in inventories: ranges such as `web[01:10]` and ports such as `web:2222`.

use crate::budget::HOSTS;

/// The names a range stands for, and the port behind them.
///
/// # Errors
/// A sentence that says what is wrong with a range.
pub fn expand(pattern: &str) -> Result<(Vec<String>, Option<u16>), String> {
    let (name, port) = split_port(pattern);
    Ok((expand_name(name)?, port))
}

/// Parts `host:22`, `[::1]:22` and `web[1:3]:22` at the port; an IPv6 address has none.
fn split_port(pattern: &str) -> (&str, Option<u16>) {
    if pattern.parse::<std::net::Ipv6Addr>().is_ok() {
        return (pattern, None);
    }
    let (name, port) = match pattern.rsplit_once(':') {
        Some((name, digits)) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
            (name, digits.parse().ok())
        }
        _ => (pattern, None),
    };
    let inner = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    match inner.filter(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok()) {
        Some(address) => (address, port),
        None if port.is_some() => (name, port),
        None => (pattern, None),
    }
}

/// Expands the first range of a name, then the rest.
fn expand_name(name: &str) -> Result<Vec<String>, String> {
    let Some(open) = name.find('[') else {
        return Ok(vec![name.to_string()]);
    };
    let Some(close) = name[open..].find(']').map(|at| open + at) else {
        return Err(format!("the range of `{name}` is not closed"));
    };
    let (head, inside, tail) = (&name[..open], &name[open + 1..close], &name[close + 1..]);
    if !inside.contains(':') {
        return Err(format!("`[{inside}]` is not a range: write [1:3] or [a:c]"));
    }
    let parts: Vec<&str> = inside.split(':').collect();
    let (begin, end, step) = match parts[..] {
        [begin, end] => (begin, end, 1),
        [begin, end, step] => {
            let step = step.parse().ok().filter(|step| *step > 0);
            (
                begin,
                end,
                step.ok_or_else(|| format!("the step of `[{inside}]` is not a number"))?,
            )
        }
        _ => return Err(format!("`[{inside}]` has more than begin, end and step")),
    };
    let begin = if begin.is_empty() { "0" } else { begin };
    if end.is_empty() {
        return Err(format!("the range `[{inside}]` has no end"));
    }
    let mut names = vec![];
    let (middles, tails) = (steps(begin, end, step, inside)?, expand_name(tail)?);
    HOSTS
        .check((middles.len() as u64).saturating_mul(tails.len() as u64))
        .map_err(|sentence| format!("`{name}`: {sentence}"))?;
    for middle in &middles {
        for rest in &tails {
            names.push(format!("{head}{middle}{rest}"));
        }
    }
    Ok(names)
}

fn steps(begin: &str, end: &str, step: usize, inside: &str) -> Result<Vec<String>, String> {
    let backwards = || format!("the range `[{inside}]` ends before it begins");
    if let ([first], [last]) = (begin.as_bytes(), end.as_bytes())
        && first.is_ascii_alphabetic()
        && last.is_ascii_alphabetic()
    {
        // Small letters before capital ones, as in Python's list of letters.
        let letters: Vec<char> = ('a'..='z').chain('A'..='Z').collect();
        let place = |wanted: &u8| {
            letters
                .iter()
                .position(|letter| *letter as u32 == u32::from(*wanted))
        };
        return match (place(first), place(last)) {
            (Some(from), Some(to)) if from <= to => Ok(letters[from..=to]
                .iter()
                .step_by(step)
                .map(char::to_string)
                .collect()),
            _ => Err(backwards()),
        };
    }
    let (Ok(from), Ok(to)) = (begin.parse::<usize>(), end.parse::<usize>()) else {
        return Err(format!(
            "`[{inside}]` is neither a range of numbers nor of letters"
        ));
    };
    let width = if begin.len() > 1 && begin.starts_with('0') {
        begin.len()
    } else {
        0
    };
    if width > 0 && end.len() != width {
        return Err(format!(
            "begin and end of `[{inside}]` need the same number of digits"
        ));
    }
    if from > to {
        return Err(backwards());
    }
    HOSTS
        .check(((to - from) / step) as u64)
        .map_err(|sentence| format!("`[{inside}]`: {sentence}"))?;
    Ok((from..=to)
        .step_by(step)
        .map(|number| format!("{number:0width$}"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    // Compared with expand_hostname_range and parse_address of ansible-core 2.19.
    #[test]
    fn ranges_stand_for_names() {
        let names = |pattern: &str| expand(pattern).map(|found| (found.0.join(" "), found.1));
        let plain = |text: &str| Ok((text.to_string(), None));
        assert_eq!(names("web[1:3]"), plain("web1 web2 web3"));
        assert_eq!(names("web[08:10].a"), plain("web08.a web09.a web10.a"));
        assert_eq!(names("[a:c]x[0:1]"), plain("ax0 ax1 bx0 bx1 cx0 cx1"));
        assert_eq!(names("n[0:6:3]"), plain("n0 n3 n6"));
        assert_eq!(names("n[:2]"), plain("n0 n1 n2"));
        assert_eq!(names("host:2222"), Ok(("host".into(), Some(2222))));
        assert_eq!(names("w[1:2]:22"), Ok(("w1 w2".into(), Some(22))));
        assert_eq!(names("[::1]:22"), Ok(("::1".into(), Some(22))));
        assert_eq!(names("fe80::1"), plain("fe80::1"));
        for broken in ["w[3:1]", "w[1]", "w[1:", "w[01:1]", "w[a:1]", "w[1:2:0]"] {
            assert!(expand(broken).is_err(), "{broken}");
        }
    }
}
