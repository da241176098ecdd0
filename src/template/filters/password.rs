//! `password_hash`: texts as the C library's `crypt` writes them, SHA-crypt (Drepper, "Unix crypt using SHA-256
//! and SHA-512", version 0.6) through `sha-crypt`, MD5-crypt by hand.

use super::random::chance;
use crate::budget::ROUNDS;
use crate::template::call::{Answer, Call};
use md5::Digest;
use sha_crypt::Params;

const LETTERS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `password | password_hash(scheme, salt, salt_size, rounds)`.
pub(super) fn password_hash(call: &Call) -> Answer {
    let scheme = call.text(1, "hashtype").unwrap_or_else(|| "sha512".into());
    let rounds = call.integer(4, "rounds")?;
    ROUNDS.check(u64::try_from(rounds.unwrap_or(0)).unwrap_or(0))?;
    let salt = call.text(2, "salt");
    let size = call
        .integer(3, "salt_size")?
        .and_then(|size| usize::try_from(size).ok());
    hashed(&call.input_text(), &scheme, (salt, size), rounds).map(Into::into)
}

/// A password, hashed by a scheme with a salt, or one by chance of so many letters.
///
/// # Errors
/// The sentence about a scheme or a salt that cannot be taken.
pub fn hashed(
    password: &str,
    scheme: &str,
    (salt, size): (Option<String>, Option<usize>),
    rounds: Option<i64>,
) -> Result<String, String> {
    let salt = salt.unwrap_or_else(|| random_text(size.unwrap_or(16).min(16)));
    if let Some(wrong) = salt
        .chars()
        .find(|c| !c.is_ascii() || !LETTERS.contains(&(*c as u8)))
    {
        return Err(format!("the salt must not hold `{wrong}`"));
    }
    match scheme {
        "sha512" | "sha512_crypt" => Ok(sha512_crypt(password, &salt, rounds.unwrap_or(656_000))),
        "sha256" | "sha256_crypt" => Ok(sha256_crypt(password, &salt, rounds.unwrap_or(535_000))),
        "md5" | "md5_crypt" => Ok(md5_crypt("$1$", password, &salt)),
        "apr_md5_crypt" | "apr1" => Ok(md5_crypt("$apr1$", password, &salt)),
        other => Err(format!(
            "the scheme `{other}` is not supported; use sha512, sha256, md5 or apr_md5_crypt"
        )),
    }
}

/// Letters by chance, for salts.
pub(in crate::template) fn random_text(length: usize) -> String {
    let mut chance = chance(None);
    (0..length)
        .map(|_| char::from(LETTERS[usize::try_from(chance.below(64)).unwrap_or(0)]))
        .collect()
}

/// `$1$` (Kamp) and, with the mark `$apr1$`, what Apache makes of it.
fn md5_crypt(mark: &str, password: &str, salt: &str) -> String {
    let key = password.as_bytes();
    let salt = &salt[..salt.len().min(8)];
    let digest = |parts: &[&[u8]]| md5::Md5::digest(parts.concat()).to_vec();
    let second = digest(&[key, salt.as_bytes(), key]);
    let mut first = [key, mark.as_bytes(), salt.as_bytes()].concat();
    first.extend(second.iter().copied().cycle().take(key.len()));
    let mut count = key.len();
    while count > 0 {
        first.push(if count & 1 == 1 { 0 } else { key[0] });
        count >>= 1;
    }
    let mut state = digest(&[&first]);
    for round in 0..1000 {
        let odd = round % 2 == 1;
        let mut parts: Vec<&[u8]> = vec![if odd { key } else { &state }];
        if round % 3 != 0 {
            parts.push(salt.as_bytes());
        }
        if round % 7 != 0 {
            parts.push(key);
        }
        parts.push(if odd { &state } else { key });
        state = digest(&parts);
    }
    let mut out = format!("{mark}{salt}$");
    for [a, b, c] in [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]] {
        encode(&mut out, [state[a], state[b], state[c]], 4);
    }
    encode(&mut out, [0, 0, state[11]], 2);
    out
}

/// `$6$`.
pub(in crate::template) fn sha512_crypt(password: &str, salt: &str, rounds: i64) -> String {
    let digest = sha_crypt::sha512_crypt(password.as_bytes(), salt.as_bytes(), parameters(rounds));
    let mut out = beginning("$6$", salt, rounds);
    for at in 0..21 {
        let mut three = [digest[at], digest[at + 21], digest[at + 42]];
        three.rotate_left(at % 3);
        encode(&mut out, three, 4);
    }
    encode(&mut out, [0, 0, digest[63]], 2);
    out
}

/// `$5$`.
pub(in crate::template) fn sha256_crypt(password: &str, salt: &str, rounds: i64) -> String {
    let digest = sha_crypt::sha256_crypt(password.as_bytes(), salt.as_bytes(), parameters(rounds));
    let mut out = beginning("$5$", salt, rounds);
    for at in 0..10 {
        let mut three = [digest[at], digest[at + 10], digest[at + 20]];
        three.rotate_right(at % 3);
        encode(&mut out, three, 4);
    }
    encode(&mut out, [0, digest[31], digest[30]], 3);
    out
}

fn within(rounds: i64) -> u32 {
    let rounds = rounds.clamp(Params::ROUNDS_MIN.into(), Params::ROUNDS_MAX.into());
    u32::try_from(rounds).unwrap_or(Params::ROUNDS_MAX)
}

fn parameters(rounds: i64) -> Params {
    Params::new(within(rounds)).unwrap_or_default()
}

/// What stands before the digest; the usual number of rounds is not written down.
fn beginning(mark: &str, salt: &str, rounds: i64) -> String {
    let salt = &salt[..salt.len().min(16)];
    match within(rounds) {
        Params::RECOMMENDED_ROUNDS => format!("{mark}{salt}$"),
        rounds => format!("{mark}rounds={rounds}${salt}$"),
    }
}

fn encode(out: &mut String, bytes: [u8; 3], letters: usize) {
    let mut number = usize::from(bytes[0]) << 16 | usize::from(bytes[1]) << 8 | usize::from(bytes[2]);
    for _ in 0..letters {
        out.push(char::from(LETTERS[number & 63]));
        number >>= 6;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_hashed_as_the_c_library_does() {
        for (rounds, password, salt, wanted) in [
            (
                5000,
                "Hello world!",
                "saltstring",
                "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
            ),
            (
                1400,
                "a much longer password than usual, longer than sixty-four bytes, indeed",
                "anotherlongsaltstring",
                "$6$rounds=1400$anotherlongsalts$UFCA4PP7CAaxZa.YyuqbYeV5QegL66WK1JQCf.3w0V0AquhowxXMkQbYG0TbME55l1dJ.EwcL0H77whCnHne30",
            ),
        ] {
            assert_eq!(sha512_crypt(password, salt, rounds), wanted);
        }
        for (rounds, password, salt, wanted) in [
            (
                5000,
                "Hello world!",
                "saltstring",
                "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
            ),
            (
                10000,
                "a",
                "x",
                "$5$rounds=10000$x$8RPjw2pkW65TQP5sxpcIz3nNL8.VfVuhxdaap/uHiU2",
            ),
        ] {
            assert_eq!(sha256_crypt(password, salt, rounds), wanted);
        }
    }
}
