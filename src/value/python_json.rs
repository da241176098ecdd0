//! JSON as Python writes and reads it: with NaN, infinite numbers and numbers of any length.

use super::{Map, Value};
use std::sync::Arc;

/// The deepest nesting that is read.
const DEEPEST: usize = 200;

/// Why a text is no JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonProblem {
    /// At this byte.
    At(usize),
    /// A text in it stands for bytes that are no UTF-8.
    NotUtf8,
}

/// Reads JSON. Whole numbers that do not fit become numbers with a point.
///
/// # Errors
/// What is no JSON, and texts that are none.
pub fn parse_json(text: &str) -> Result<Value, JsonProblem> {
    let mut reader = Reader {
        text: text.as_bytes(),
        at: 0,
        surrogate: false,
    };
    let value = reader.value(0)?;
    reader.space();
    match (reader.at == text.len(), reader.surrogate) {
        (true, false) => Ok(value),
        (true, true) => Err(JsonProblem::NotUtf8),
        _ => Err(JsonProblem::At(reader.at)),
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    /// A lone half of a character of UTF-16 was met: a byte that is no UTF-8.
    surrogate: bool,
}

type Read<T> = Result<T, JsonProblem>;

impl Reader<'_> {
    fn wrong<T>(&self) -> Read<T> {
        Err(JsonProblem::At(self.at))
    }

    fn space(&mut self) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn eats(&mut self, word: &str) -> bool {
        let found = self.text[self.at..].starts_with(word.as_bytes());
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn value(&mut self, depth: usize) -> Read<Value> {
        if depth > DEEPEST {
            return self.wrong();
        }
        self.space();
        let words: [(&str, Value); 6] = [
            ("null", Value::Null),
            ("true", true.into()),
            ("false", false.into()),
            ("NaN", Value::Float(f64::NAN)),
            ("Infinity", Value::Float(f64::INFINITY)),
            ("-Infinity", Value::Float(f64::NEG_INFINITY)),
        ];
        match self.text.get(self.at) {
            Some(b'"') => Ok(self.string()?.into()),
            Some(b'[') => self.list(depth),
            Some(b'{') => self.map(depth),
            _ => match words.into_iter().find(|(word, _)| self.eats(word)) {
                Some((_, value)) => Ok(value),
                None => self.number(),
            },
        }
    }

    fn list(&mut self, depth: usize) -> Read<Value> {
        let mut items = vec![];
        self.at += 1;
        self.space();
        if self.eats("]") {
            return Ok(items.into());
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.space();
            if self.eats("]") {
                return Ok(items.into());
            }
            if !self.eats(",") {
                return self.wrong();
            }
        }
    }

    fn map(&mut self, depth: usize) -> Read<Value> {
        let mut map = Map::new();
        self.at += 1;
        self.space();
        if self.eats("}") {
            return Ok(Value::Map(map.into()));
        }
        loop {
            self.space();
            if self.text.get(self.at) != Some(&b'"') {
                return self.wrong();
            }
            let key = self.string()?;
            self.space();
            if !self.eats(":") {
                return self.wrong();
            }
            map.insert(Arc::from(key), self.value(depth + 1)?);
            self.space();
            if self.eats("}") {
                return Ok(Value::Map(map.into()));
            }
            if !self.eats(",") {
                return self.wrong();
            }
        }
    }

    fn number(&mut self) -> Read<Value> {
        let rest = &self.text[self.at..];
        let digit = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
        let length = rest.iter().take_while(|byte| digit(byte)).count();
        let word = std::str::from_utf8(&rest[..length]).unwrap_or_default();
        let whole = word.parse::<i64>().map(Value::Int);
        match whole.or_else(|_| word.parse::<f64>().map(Value::Float)) {
            Ok(value) => {
                self.at += length;
                Ok(value)
            }
            Err(_) => self.wrong(),
        }
    }

    fn string(&mut self) -> Read<String> {
        let mut text = vec![];
        self.at += 1;
        loop {
            let Some(&byte) = self.text.get(self.at) else {
                return self.wrong();
            };
            self.at += 1;
            match byte {
                b'"' => return String::from_utf8(text).or_else(|_| self.wrong()),
                b'\\' => self.escape(&mut text)?,
                byte => text.push(byte),
            }
        }
    }

    fn escape(&mut self, text: &mut Vec<u8>) -> Read<()> {
        let Some(&byte) = self.text.get(self.at) else {
            return self.wrong();
        };
        self.at += 1;
        let plain = match byte {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'b' => 8,
            b'f' => 12,
            b'"' | b'\\' | b'/' => byte,
            b'u' => {
                let character = self.character()?;
                text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return self.wrong(),
        };
        text.push(plain);
        Ok(())
    }

    fn character(&mut self) -> Read<char> {
        let unit = self.unit()?;
        if let Some(character) = char::from_u32(unit.into()) {
            return Ok(character);
        }
        let pair = match self.text[self.at..].starts_with(b"\\u") {
            true => {
                let before = self.at;
                self.at += 2;
                let low = self.unit()?;
                let pair = char::decode_utf16([unit, low]).next().and_then(Result::ok);
                if pair.is_none() {
                    self.at = before;
                }
                pair
            }
            false => None,
        };
        self.surrogate |= pair.is_none();
        Ok(pair.unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn unit(&mut self) -> Read<u16> {
        let digits = self.text.get(self.at..self.at + 4);
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u16::from_str_radix(digits, 16).ok()) {
            Some(unit) => {
                self.at += 4;
                Ok(unit)
            }
            None => self.wrong(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::repr;

    #[test]
    fn what_python_writes_is_read() {
        for (text, wanted) in [
            (
                r#" {"a": [1, -2.5, 1e3, null, true, "x\n\u00e4\ud83d\ude00\/"], "b": {}, "c": []} "#,
                "{'a': [1, -2.5, 1000.0, None, True, 'x\\nä😀/'], 'b': {}, 'c': []}",
            ),
            (r#"[NaN, Infinity, -Infinity]"#, "[nan, inf, -inf]"),
            ("[123456789012345678901234567890]", "[1.2345678901234568e+29]"),
            ("\"a\tb\"", "'a\\tb'"),
        ] {
            assert_eq!(repr(&parse_json(text).unwrap()), wanted);
        }
        for text in ["", "{", "[1,]", "{1: 2}", "nul", "[1] x", r#""\x""#, r#""\u12""#] {
            assert!(matches!(parse_json(text), Err(JsonProblem::At(_))), "{text}");
        }
        assert_eq!(parse_json(r#"{"a": "\udcff"}"#), Err(JsonProblem::NotUtf8));
        assert!(parse_json(&"[".repeat(100_000)).is_err());
    }
}
