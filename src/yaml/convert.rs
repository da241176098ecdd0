//! Nodes to values.

use super::scalar::{self, Scalar};
use super::{Kind, Node, Style};
use crate::error::{Error, Result, nearest};
use crate::value::{Map, Value};
use crate::vault::Vault;
use base64::Engine;
use std::collections::HashMap;
use std::sync::Arc;

const STANDARD: &str = "tag:yaml.org,2002:";

/// How texts become values.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Texts {
    /// Templates where there are marks.
    Trusted,
    /// Final: below `!unsafe`.
    Final,
    /// Out of a vaulted file: final texts are secrets.
    Vaulted,
}

struct Converter<'a> {
    vault: &'a Vault,
    /// What was made of the nodes that aliases name, by the addresses of what they hold.
    made: HashMap<(usize, Texts), Value>,
}

impl Node {
    /// The value of this node: texts with Jinja marks become templates that know their place, `!unsafe`
    /// ones stay as they are, `!vault` ones are opened and become secrets.
    ///
    /// # Errors
    /// Unknown tags, values that do not fit their tag, vaulted texts that cannot be opened.
    pub fn value(&self, vault: &Vault) -> Result<Value> {
        self.convert(vault, Texts::Trusted)
    }

    /// Like [`Node::value`], for a node of a file that is vaulted as a whole: every final text is a secret.
    ///
    /// # Errors
    /// As [`Node::value`].
    pub fn vaulted_value(&self, vault: &Vault) -> Result<Value> {
        self.convert(vault, Texts::Vaulted)
    }

    fn convert(&self, vault: &Vault, texts: Texts) -> Result<Value> {
        let mut converter = Converter {
            vault,
            made: HashMap::new(),
        };
        converter.node(self, texts)
    }
}

impl Converter<'_> {
    /// What an alias names is made once, however often it is used.
    fn node(&mut self, node: &Node, texts: Texts) -> Result<Value> {
        let Some(address) = shared(node) else {
            return self.fresh(node, texts);
        };
        if let Some(made) = self.made.get(&(address, texts)) {
            return Ok(made.clone());
        }
        let made = self.fresh(node, texts)?;
        self.made.insert((address, texts), made.clone());
        Ok(made)
    }

    fn fresh(&mut self, node: &Node, texts: Texts) -> Result<Value> {
        let tag = node.tag.as_deref();
        let texts = if tag == Some("!unsafe") {
            Texts::Final
        } else {
            texts
        };
        match &node.kind {
            Kind::Scalar { text, style } => self.scalar(node, text, *style, texts),
            Kind::Sequence(items) => {
                expect(node, &["!unsafe", "seq", "omap", "pairs"])?;
                let items: Result<Vec<_>> = items.iter().map(|item| self.node(item, texts)).collect();
                Ok(items?.into())
            }
            Kind::Mapping(entries) if tag == Some("tag:yaml.org,2002:set") => {
                let keys: Result<Vec<_>> = entries.iter().map(|entry| self.node(&entry.0, texts)).collect();
                Ok(keys?.into())
            }
            Kind::Mapping(entries) => {
                expect(node, &["!unsafe", "map"])?;
                let mut map = Map::with_capacity(entries.len());
                for (key, value) in entries.iter() {
                    map.insert(self.key(key)?, self.node(value, texts)?);
                }
                Ok(Value::Map(Arc::new(map)))
            }
        }
    }

    fn key(&mut self, key: &Node) -> Result<Arc<str>> {
        match (&key.kind, key.tag.as_deref()) {
            (Kind::Scalar { .. }, Some("!vault" | "!vault-encrypted")) => {
                Err(Error::new("a key cannot be vaulted").at(&key.place))
            }
            (Kind::Scalar { text, .. }, _) => Ok(text.clone()),
            _ => Err(Error::new("a mapping or list cannot be a key").at(&key.place)),
        }
    }

    fn scalar(&self, node: &Node, text: &Arc<str>, style: Style, texts: Texts) -> Result<Value> {
        let as_text = || match (texts, Value::of_trusted(text, Some(node.place.clone()))) {
            (Texts::Final, _) => Value::String(text.clone()),
            (Texts::Vaulted, Value::String(text)) => {
                self.vault.note(&text);
                Value::Secret(text)
            }
            (_, value) => value,
        };
        let Some(tag) = node.tag.as_deref() else {
            if style != Style::Plain {
                return Ok(as_text());
            }
            return Ok(match scalar::resolve(text) {
                Scalar::Null => Value::Null,
                Scalar::Bool(flag) => Value::Bool(flag),
                Scalar::Int(number) => Value::Int(number),
                Scalar::Float(number) => Value::Float(number),
                Scalar::Equals => {
                    return Err(Error::new("a lone `=` has no meaning in YAML")
                        .at(&node.place)
                        .help("write \"=\""));
                }
                Scalar::Text | Scalar::Merge => as_text(),
            });
        };
        let wrong = |what: &str| Err(Error::new(format!("`{text}` is not {what}")).at(&node.place));
        match tag.strip_prefix(STANDARD).unwrap_or(tag) {
            "!" | "str" | "!unsafe" | "timestamp" => Ok(as_text()),
            "!vault" | "!vault-encrypted" => self.vaulted(node, text),
            "null" => Ok(Value::Null),
            "bool" => match scalar::resolve(text) {
                Scalar::Bool(flag) => Ok(Value::Bool(flag)),
                _ => wrong("a bool"),
            },
            "int" => {
                scalar::integer(text).map_or_else(|| wrong("a whole number"), |number| Ok(Value::Int(number)))
            }
            "float" => {
                let number =
                    scalar::float(text).or_else(|| scalar::integer(text).map(|number| number as f64));
                number.map_or_else(|| wrong("a number"), |number| Ok(Value::Float(number)))
            }
            "binary" => match base64::engine::general_purpose::STANDARD
                .decode(text.split_whitespace().collect::<String>())
                .map(String::from_utf8)
            {
                Ok(Ok(decoded)) => Ok(Value::String(decoded.into())),
                _ => Err(Error::new("this is not a text in base64").at(&node.place)),
            },
            _ => Err(unknown_tag(node, tag)),
        }
    }

    fn vaulted(&self, node: &Node, text: &str) -> Result<Value> {
        let plain = self.vault.decrypt(text).map_err(|error| error.at(&node.place))?;
        let plain = String::from_utf8(plain)
            .map_err(|_| Error::new("the vaulted value is not UTF-8").at(&node.place))?;
        self.vault.note(&plain);
        Ok(Value::Secret(plain.into()))
    }
}

/// The address of what a node holds, if others hold it too.
fn shared(node: &Node) -> Option<usize> {
    fn address<T: ?Sized>(held: &Arc<T>) -> Option<usize> {
        (Arc::strong_count(held) > 1).then(|| Arc::as_ptr(held).addr())
    }
    match &node.kind {
        Kind::Scalar { text, .. } => address(text),
        Kind::Sequence(items) => address(items),
        Kind::Mapping(entries) => address(entries),
    }
}

fn expect(node: &Node, known: &[&str]) -> Result<()> {
    match node.tag.as_deref() {
        Some(tag) if !known.contains(&tag.strip_prefix(STANDARD).unwrap_or(tag)) && tag != "!" => {
            Err(unknown_tag(node, tag))
        }
        _ => Ok(()),
    }
}

fn unknown_tag(node: &Node, tag: &str) -> Error {
    let shown = tag.replace(STANDARD, "!!");
    let error = Error::new(format!("the tag `{shown}` is unknown here")).at(&node.place);
    error
        .help("a text that begins with `!` needs quotes")
        .did_you_mean(nearest(tag, ["!vault", "!unsafe"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;
    use crate::yaml::parse;

    fn read(text: &str) -> Result<Value> {
        let root = parse(&Source::named("text", text.into()))
            .unwrap()
            .documents
            .remove(0);
        root.value(&Vault::default())
    }

    /// A long text that is used often would take its length each time, and a vaulted one the time to open it.
    #[test]
    fn what_an_alias_names_is_made_once() {
        let long = "x".repeat(10_000);
        let value = read(&format!(
            "[&a '{long}', *a, &b '{{{{ {long} }}}}', *b, &c [1, 2], *c, &d {{e: 1}}, *d, !unsafe [*b]]"
        ))
        .unwrap();
        let items = value.as_list().unwrap();
        for at in [0, 2, 4, 6] {
            assert_eq!(items[at], items[at + 1]);
            let same = match (&items[at], &items[at + 1]) {
                (Value::String(one), Value::String(other)) => Arc::ptr_eq(one, other),
                (Value::Template(one), Value::Template(other)) => Arc::ptr_eq(one, other),
                (Value::List(one), Value::List(other)) => Arc::ptr_eq(one, other),
                (Value::Map(one), Value::Map(other)) => Arc::ptr_eq(one, other),
                _ => false,
            };
            assert!(same, "{at}");
        }
        assert_eq!(
            items[8],
            Value::list([Value::string(format!("{{{{ {long} }}}}"))])
        );
    }

    #[test]
    fn texts_become_values_by_style_and_tag() {
        let value = read(
            "{a: '1', b: 1, c: !!str 1, d: !unsafe '{{ x }}', e: '{{ x }}', f: ! 2, 1: no, g: !!float 3}",
        );
        let value = value.unwrap();
        let entry = |key| value.get(key).unwrap().clone();
        assert_eq!(entry("a"), Value::string("1"));
        assert_eq!(entry("b"), Value::Int(1));
        assert_eq!(entry("c"), Value::string("1"));
        assert_eq!(entry("d"), Value::string("{{ x }}"));
        assert!(entry("e").holds_template());
        assert_eq!(entry("f"), Value::string("2"));
        assert_eq!(entry("1"), Value::Bool(false));
        assert_eq!(entry("g"), Value::Float(3.0));
    }

    #[test]
    fn unknown_tags_are_named() {
        let error = read("a: !vualt x").unwrap_err();
        assert_eq!(error.cure(), Some("did you mean `!vault`?"));
    }
}
