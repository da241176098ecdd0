//! Events to nodes: anchors, merge keys, duplicate keys, limits.

use super::events::{Event, Events, Kind as Said, Problem, Properties};
use super::{Kind, Node, Parsed, Style, problem};
use crate::budget::NODES;
use crate::error::{Collector, Error, ErrorKind, Errors, Result, nearest};
use crate::source::{Place, Source};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

/// Deeper nesting is refused: nobody writes it, and reading it costs quadratic time.
const DEPTH_LIMIT: usize = 200;

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Reads all documents of a text.
pub(super) fn compose(source: &Arc<Source>) -> Result<Parsed, Errors> {
    let mut errors = Collector::default();
    let mut parsed = Parsed::default();
    let whole = if source.text.starts_with(BYTE_ORDER_MARK) {
        BYTE_ORDER_MARK.len()
    } else {
        0
    };
    let (mut start, mut counted) = (whole, 0);
    // Each round ends with the text or with its first syntax error; the next begins behind that.
    while let Some(rest) = source.text.get(start..) {
        let mut composer = Composer {
            source,
            base: start,
            piece: start > whole,
            events: Events::new(rest),
            anchors: HashMap::new(),
            counted,
            warnings: vec![],
        };
        let ended = composer.documents(&mut parsed.documents, &mut errors);
        parsed.warnings.append(&mut composer.warnings);
        counted = composer.counted;
        let Err(found) = ended else {
            break;
        };
        let (error, reached) = problem::explain(source, start, &found);
        if start == whole || !problem::is_end_of_piece(&found) {
            errors.push(error);
        }
        let Some(next) = problem::next_beginning(&source.text, reached) else {
            break;
        };
        start = next;
    }
    errors
        .finish(parsed)
        .map_err(|errors| errors.of_kind(ErrorKind::Unreadable))
}

/// Why composing stops: a syntax error, or a node that is refused (then the rest of the text is still sound).
enum Stop {
    Syntax(Problem),
    Refused(Box<Error>),
    /// The rest is not read: each level more costs more than the one before.
    TooDeep(Box<Error>),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Refused(Box::new(error))
    }
}

struct Composer<'a> {
    source: &'a Arc<Source>,
    base: usize,
    /// Set when reading goes on behind an error: then anchors may be missing.
    piece: bool,
    events: Events<'a>,
    /// The nodes by their anchors, each with the number of values that it stands for; none while it is read.
    anchors: HashMap<String, Option<(Node, u64)>>,
    /// The values so far, those of an alias as often as it is used: whoever goes through the nodes meets them all.
    counted: u64,
    warnings: Vec<Error>,
}

impl Composer<'_> {
    /// Reads documents until the end or the first syntax error.
    fn documents(&mut self, documents: &mut Vec<Node>, errors: &mut Collector) -> Result<(), Problem> {
        let mut refused = false;
        loop {
            let event = match self.events.next() {
                None => return Ok(()),
                Some(event) => event?,
            };
            match event.kind {
                Said::DocumentStart => {
                    refused = false;
                    self.anchors.clear();
                }
                Said::DocumentEnd => {}
                _ if refused => {}
                _ => match self.node(event, 0) {
                    Ok(node) => documents.push(node),
                    Err(Stop::Syntax(found)) => return Err(found),
                    Err(Stop::TooDeep(error)) => {
                        errors.push(*error);
                        return Ok(());
                    }
                    Err(Stop::Refused(error)) => {
                        errors.push(*error);
                        refused = true;
                    }
                },
            }
        }
    }

    fn place(&self, span: Range<usize>) -> Place {
        Place::new(self.source, span.start + self.base..span.end + self.base)
    }

    fn next(&mut self) -> Result<Event, Stop> {
        match self.events.next() {
            Some(event) => event.map_err(Stop::Syntax),
            None => Err(Error::new("the text ends inside a document").into()),
        }
    }

    /// The node that begins with `event`.
    fn node(&mut self, event: Event, depth: usize) -> Result<Node, Stop> {
        let (before, anchor) = (self.counted, event.anchor().map(str::to_string));
        if let Some(anchor) = &anchor {
            self.anchors.insert(anchor.clone(), None);
        }
        let node = self.unnamed(event, depth)?;
        if let Some(anchor) = anchor {
            self.anchors
                .insert(anchor, Some((node.clone(), self.counted - before)));
        }
        Ok(node)
    }

    /// Counts what a node stands for.
    fn count(&mut self, values: u64, place: &Place) -> Result<()> {
        self.counted += values;
        NODES
            .check(self.counted)
            .map_err(|sentence| Error::new(sentence).at(place))
    }

    fn unnamed(&mut self, event: Event, depth: usize) -> Result<Node, Stop> {
        let place = self.place(event.span.clone());
        if depth > DEPTH_LIMIT {
            let message = format!("the text is nested deeper than {DEPTH_LIMIT} levels");
            return Err(Stop::TooDeep(Box::new(Error::new(message).at(&place))));
        }
        if !matches!(event.kind, Said::Alias(_)) {
            self.count(1, &place)?;
        }
        match event.kind {
            Said::Alias(name) => Ok(self.alias(&name, &place)?),
            Said::Scalar {
                text,
                style,
                properties,
            } => {
                let kind = Kind::Scalar {
                    text: text.into(),
                    style,
                };
                Ok(self.finish(kind, properties, place))
            }
            Said::SequenceStart { flow, properties } => self.sequence(flow, properties, place, depth),
            Said::MappingStart { flow, properties } => self.mapping(flow, properties, place, depth),
            Said::DocumentStart | Said::DocumentEnd | Said::End => {
                Err(Error::new("a value is missing").at(&place).into())
            }
        }
    }

    fn alias(&mut self, name: &str, place: &Place) -> Result<Node> {
        match self.anchors.get(name) {
            Some(Some((node, values))) => {
                let (node, values) = (node.clone(), *values);
                self.count(values, place)?;
                Ok(node)
            }
            None if self.piece => Ok(Node {
                kind: Kind::Mapping(Arc::default()),
                tag: None,
                place: place.clone(),
            }),
            Some(None) => {
                Err(Error::new(format!("the alias `*{name}` stands inside what it names")).at(place))
            }
            None => {
                let known = self.anchors.keys().map(String::as_str);
                let near = nearest(name, known).map(|near| format!("*{near}"));
                let error = Error::new(format!("no anchor `&{name}` stands above this alias")).at(place);
                Err(error
                    .help("a text that begins with `*` needs quotes")
                    .did_you_mean(near))
            }
        }
    }

    fn sequence(
        &mut self,
        flow: bool,
        properties: Properties,
        place: Place,
        depth: usize,
    ) -> Result<Node, Stop> {
        let mut items = vec![];
        let mut end = place.span.end;
        loop {
            let event = self.next()?;
            if event.kind == Said::End {
                let end = self.end(flow, end, &event);
                let kind = Kind::Sequence(Arc::new(items));
                return Ok(self.finish(kind, properties, widen(place, end)));
            }
            end = event.span.end + self.base;
            let item = self.node(event, depth + 1)?;
            end = end.max(item.place.span.end);
            items.push(item);
        }
    }

    fn mapping(
        &mut self,
        flow: bool,
        properties: Properties,
        place: Place,
        depth: usize,
    ) -> Result<Node, Stop> {
        let mut entries = vec![];
        let mut end = place.span.end;
        loop {
            let event = self.next()?;
            if event.kind == Said::End {
                let end = self.end(flow, end, &event);
                let place = widen(place, end);
                let entries = self.settle(entries)?;
                let kind = Kind::Mapping(Arc::new(entries));
                return Ok(self.finish(kind, properties, place));
            }
            let key = self.node(event, depth + 1)?;
            let event = self.next()?;
            end = event.span.end + self.base;
            let value = self.node(event, depth + 1)?;
            // An alias brings a node with a place elsewhere: only what begins behind the key counts.
            if value.place.span.start >= key.place.span.start {
                end = end.max(value.place.span.end);
            }
            entries.push((key, value));
        }
    }

    /// A block collection ends, for libyaml, where the next thing begins: too far for an excerpt.
    fn end(&self, flow: bool, last: usize, event: &Event) -> usize {
        if flow { event.span.end + self.base } else { last }
    }

    fn finish(&self, kind: Kind, properties: Properties, place: Place) -> Node {
        let span = without_properties(&place);
        Node {
            kind,
            tag: properties.tag.map(Arc::from),
            place: Place::new(self.source, span),
        }
    }

    /// Merges `<<`, keeps the last of duplicate keys with a warning, refuses keys that are collections.
    fn settle(&mut self, entries: Vec<(Node, Node)>) -> Result<Vec<(Node, Node)>> {
        let mut merged = Merged::default();
        let mut own: Vec<(Node, Node)> = vec![];
        let mut at: HashMap<String, usize> = HashMap::new();
        for (key, value) in entries {
            let Some(text) = key.text() else {
                return Err(problem::collection_as_key(&key, &value));
            };
            if is_merge(&key) {
                merge(&mut merged, &value)?;
                continue;
            }
            match at.get(text) {
                Some(before) => {
                    let first = &own[*before].0.place;
                    self.warnings.push(
                        Error::new(format!(
                            "the key `{text}` stands twice in the same mapping, the last one counts"
                        ))
                        .at(&key.place)
                        .note(first, "first here"),
                    );
                    own[*before] = (key, value);
                }
                None => {
                    at.insert(text.to_string(), own.len());
                    own.push((key, value));
                }
            }
        }
        let mut merged = merged.entries;
        if merged.is_empty() {
            return Ok(own);
        }
        merged.retain(|entry| entry.0.text().is_none_or(|text| !at.contains_key(text)));
        merged.append(&mut own);
        Ok(merged)
    }
}

fn is_merge(key: &Node) -> bool {
    let merge_tag = key.tag.as_deref() == Some("tag:yaml.org,2002:merge");
    let plain =
        matches!(&key.kind, Kind::Scalar { text, style } if &**text == "<<" && *style == Style::Plain);
    merge_tag || (plain && key.tag.is_none())
}

/// What the `<<` of a mapping bring.
#[derive(Default)]
struct Merged {
    entries: Vec<(Node, Node)>,
    /// The keys of the entries.
    known: HashSet<Arc<str>>,
}

/// Adds what `<<: value` brings; what is there already is stronger.
fn merge(merged: &mut Merged, value: &Node) -> Result<()> {
    match &value.kind {
        Kind::Mapping(entries) => {
            for (key, value) in entries.iter() {
                // A key is a scalar: others were refused.
                if let Kind::Scalar { text, .. } = &key.kind
                    && merged.known.insert(text.clone())
                {
                    merged.entries.push((key.clone(), value.clone()));
                }
            }
            Ok(())
        }
        Kind::Sequence(items) if items.iter().all(|item| item.entries().is_some()) => {
            items.iter().try_for_each(|item| merge(merged, item))
        }
        _ => Err(Error::new(format!(
            "`<<` takes a mapping or a list of mappings, not {}",
            value.kind_name()
        ))
        .at(&value.place)),
    }
}

fn widen(place: Place, end: usize) -> Place {
    let start = place.span.start;
    Place::new(&place.source, start..end.max(start))
}

/// The span of a node without the anchor and tag in front of it.
fn without_properties(place: &Place) -> Range<usize> {
    let Range { mut start, end } = place.span;
    while let Some(text) = place.source.text.get(start..end) {
        if !text.starts_with(['!', '&']) {
            break;
        }
        let word = text.find(char::is_whitespace).unwrap_or(text.len());
        let gap = text[word..].find(|c: char| !c.is_whitespace());
        start += word + gap.unwrap_or(text.len() - word);
    }
    start.min(end)..end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Value, json};
    use crate::vault::Vault;

    fn read(text: &str) -> Result<Parsed, Errors> {
        compose(&Source::named("text.yml", text.into()))
    }

    fn value(text: &str) -> String {
        let mut parsed = read(text).unwrap();
        json(
            &parsed.documents.remove(0).value(&Vault::default()).unwrap(),
            None,
            false,
        )
    }

    #[test]
    fn merge_keys_are_weaker_than_own_ones() {
        assert_eq!(
            value("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {<<: [{x: 5}, *a], z: 1}"),
            r#"{"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": {"x": 5, "y": 2, "z": 1}}"#
        );
        assert!(read("a: {<<: 1}").is_err());
    }

    #[test]
    fn the_last_of_duplicate_keys_counts_and_is_warned_of() {
        let parsed = read("a: 1\nb: 2\na: 3\n").unwrap();
        assert_eq!(value("a: 1\nb: 2\na: 3\n"), r#"{"a": 3, "b": 2}"#);
        let place = parsed.warnings[0].place().unwrap().to_string();
        assert_eq!(place, "text.yml:3:1");
    }

    #[test]
    fn places_cover_what_is_written() {
        let text = "\u{feff}- a: !x &y 'b'\n  c:\n    - d\n\n# end\n- e\n";
        let root = read(text).unwrap().documents.remove(0);
        let shown = |node: &Node| text[node.place.span.clone()].to_string();
        let first = &root.items().unwrap()[0];
        assert_eq!(shown(first), "a: !x &y 'b'\n  c:\n    - d");
        assert_eq!(shown(first.get("a").unwrap()), "'b'");
        assert_eq!(shown(first.get("c").unwrap()), "- d");
    }

    #[test]
    fn documents_and_limits() {
        assert_eq!(read("---\na: 1\n---\nb: 2\n").unwrap().documents.len(), 2);
        assert!(read("").unwrap().documents.is_empty());
        let deep = "[".repeat(300);
        assert!(read(&deep).unwrap_err().to_string().contains("deeper than 200"));
        assert!(
            read("a: &x [*x]")
                .unwrap_err()
                .to_string()
                .contains("inside what it names")
        );
        assert_eq!(value("a: &x 1\nb: *x"), r#"{"a": 1, "b": 1}"#);
        assert_eq!(
            Value::Null,
            read("---\n").unwrap().documents[0]
                .value(&Vault::default())
                .unwrap()
        );
    }

    /// Whoever goes through the nodes would not come to an end either: inventories, playbooks.
    #[test]
    fn what_aliases_stand_for_is_counted_while_the_text_is_read() {
        let more = |at: usize| format!("g{at}: &g{at} {{a: *g{0}, b: *g{0}}}\n", at - 1);
        let twice = |times| format!("g0: &g0 {{x: 1}}\n{}", (1..=times).map(more).collect::<String>());
        assert!(read(&twice(15)).is_ok());
        let error = read(&twice(60)).unwrap_err().to_string();
        assert!(
            error.contains("this takes more than 2000000 values in one file"),
            "{error}"
        );
        let keys: String = (0..1000).map(|at| format!("k{at}: 1, ")).collect();
        let merged = format!("a: &a {{{keys}}}\nb:\n  <<: [{}]\n", "*a, ".repeat(5000));
        let error = read(&merged).unwrap_err().to_string();
        assert!(error.contains("text.yml:3:"), "{error}");
        let merged = format!("a: &a {{{keys}}}\nb:\n  <<: [{}]\n", "*a, ".repeat(500));
        let parsed = read(&merged).unwrap();
        assert_eq!(
            parsed.documents[0].get("b").unwrap().entries().unwrap().len(),
            1000
        );
    }

    #[test]
    fn unquoted_braces_are_explained() {
        let error = read("- name: {{ x }}\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "error: a value that begins with `{{` needs quotes, or YAML takes it for a mapping\n \
             --> text.yml:1:9\n  |\n1 | - name: {{ x }}\n  |         ^^^^^^^\n  help: write \"{{ x }}\"\n"
        );
        let error = read("a: {{ x }}/y\n").unwrap_err();
        assert!(
            error.to_string().contains("needs quotes: \"{{ x }}/y\""),
            "{error}"
        );
    }

    #[test]
    fn all_syntax_errors_are_found() {
        let text = "- name: one\n  debug: msg=\"a\n- name: two\n  shell: \"x\" y\n- name: good\n  debug:\n- name: a: b\n";
        let errors = read(text).unwrap_err();
        let lines: Vec<_> = errors
            .0
            .iter()
            .filter_map(|error| Some(error.place()?.line_column().0))
            .collect();
        assert_eq!(lines, [4, 7], "{errors}");
        let nested = "- hosts: a\n  tasks:\n    - debug: msg=\"a: b\"\n    - name: {{ x }}\n      debug: *y\n    - name: two\n\t  debug:\n- hosts: b\n";
        let errors = read(nested).unwrap_err();
        let lines: Vec<_> = errors
            .0
            .iter()
            .filter_map(|error| Some(error.place()?.line_column().0))
            .collect();
        assert_eq!(lines, [3, 4, 7], "{errors}");
        let errors = read("a: [1\n---\nb: 'x\n---\nc: 1\n").unwrap_err();
        assert_eq!(errors.0.len(), 2, "{errors}");
    }
}
