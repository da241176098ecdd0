//! The events of a YAML text, by libyaml: the same events at the same places as PyYAML sees them.

use libyaml_rs::*;
use std::ffi::CStr;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Range;

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// In `'`.
    Single,
    /// In `"`.
    Double,
    /// Below `|`.
    Literal,
    /// Below `>`.
    Folded,
}

/// What an event says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    DocumentStart,
    DocumentEnd,
    Alias(String),
    Scalar {
        text: String,
        style: Style,
        properties: Properties,
    },
    SequenceStart {
        flow: bool,
        properties: Properties,
    },
    MappingStart {
        flow: bool,
        properties: Properties,
    },
    End,
}

/// Anchor and tag of a node.
#[derive(Clone, Debug, PartialEq, Default)]
pub(super) struct Properties {
    pub anchor: Option<String>,
    pub tag: Option<String>,
}

/// An event and the bytes it covers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Event {
    pub kind: Kind,
    pub span: Range<usize>,
}

impl Event {
    /// The anchor of the node that begins here.
    pub fn anchor(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { properties, .. }
            | Kind::SequenceStart { properties, .. }
            | Kind::MappingStart { properties, .. } => properties.anchor.as_deref(),
            Kind::DocumentStart | Kind::DocumentEnd | Kind::Alias(_) | Kind::End => None,
        }
    }
}

/// What libyaml dislikes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Problem {
    pub message: String,
    pub offset: usize,
    pub context: Option<(String, usize)>,
}

/// The events of a text, one after the other; nothing comes after the first problem.
pub(super) struct Events<'a> {
    // Boxed, because libyaml keeps a pointer to the parser inside the parser.
    parser: Box<MaybeUninit<yaml_parser_t>>,
    ended: bool,
    text: PhantomData<&'a str>,
}

impl<'a> Events<'a> {
    /// Begins to read `text`.
    pub fn new(text: &'a str) -> Events<'a> {
        let mut parser = Box::new(MaybeUninit::uninit());
        // SAFETY: initialise fills the parser before anything reads it (it fails only without memory, and
        // then Rust's allocator has aborted); the text outlives the parser by the lifetime of `Events`.
        unsafe {
            let _ = yaml_parser_initialize(parser.as_mut_ptr());
            yaml_parser_set_encoding(parser.as_mut_ptr(), YAML_UTF8_ENCODING);
            yaml_parser_set_input_string(parser.as_mut_ptr(), text.as_ptr(), text.len() as u64);
        }
        Events {
            parser,
            ended: false,
            text: PhantomData,
        }
    }

    fn problem(&self) -> Problem {
        // SAFETY: the parser is initialised; its texts are static C strings or null.
        unsafe {
            let parser = &*self.parser.as_ptr();
            let marked = parser.problem_mark.index as usize;
            let offset = if marked == 0 {
                parser.problem_offset as usize
            } else {
                marked
            };
            let context = text_of(parser.context.cast());
            Problem {
                message: text_of(parser.problem.cast()).unwrap_or_else(|| "the text is not YAML".into()),
                offset,
                context: context.map(|text| (text, parser.context_mark.index as usize)),
            }
        }
    }
}

impl Drop for Events<'_> {
    fn drop(&mut self) {
        // SAFETY: initialised in `new`, deleted once.
        unsafe { yaml_parser_delete(self.parser.as_mut_ptr()) }
    }
}

impl Iterator for Events<'_> {
    type Item = Result<Event, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            let mut event = MaybeUninit::<yaml_event_t>::uninit();
            // SAFETY: the parser is initialised; parse fills the event when it succeeds.
            let event = unsafe {
                if yaml_parser_parse(self.parser.as_mut_ptr(), event.as_mut_ptr()).fail {
                    self.ended = true;
                    return Some(Err(self.problem()));
                }
                event.assume_init_mut()
            };
            let span = event.start_mark.index as usize..event.end_mark.index as usize;
            self.ended = matches!(event.type_, YAML_STREAM_END_EVENT | YAML_NO_EVENT);
            // SAFETY: the event was filled by the parser and is deleted once, after its texts were copied.
            let kind = unsafe {
                let kind = kind_of(event);
                yaml_event_delete(event);
                kind
            };
            if let Some(kind) = kind {
                return Some(Ok(Event { kind, span }));
            }
        }
        None
    }
}

/// Copies what an event says; `None` for the ends of the stream.
///
/// # Safety
/// The event must have been filled by the parser and not deleted.
unsafe fn kind_of(event: &yaml_event_t) -> Option<Kind> {
    // SAFETY: the union is read as its type says; texts are null or end with NUL, a scalar has its length.
    unsafe {
        Some(match event.type_ {
            YAML_DOCUMENT_START_EVENT => Kind::DocumentStart,
            YAML_DOCUMENT_END_EVENT => Kind::DocumentEnd,
            YAML_SEQUENCE_END_EVENT | YAML_MAPPING_END_EVENT => Kind::End,
            YAML_ALIAS_EVENT => Kind::Alias(text_of(event.data.alias.anchor).unwrap_or_default()),
            YAML_SCALAR_EVENT => {
                let scalar = event.data.scalar;
                let bytes = std::slice::from_raw_parts(scalar.value, scalar.length as usize);
                Kind::Scalar {
                    text: String::from_utf8_lossy(bytes).into_owned(),
                    style: style_of(scalar.style),
                    properties: properties(scalar.anchor, scalar.tag),
                }
            }
            YAML_SEQUENCE_START_EVENT => {
                let sequence = event.data.sequence_start;
                Kind::SequenceStart {
                    flow: sequence.style == YAML_FLOW_SEQUENCE_STYLE,
                    properties: properties(sequence.anchor, sequence.tag),
                }
            }
            YAML_MAPPING_START_EVENT => {
                let mapping = event.data.mapping_start;
                Kind::MappingStart {
                    flow: mapping.style == YAML_FLOW_MAPPING_STYLE,
                    properties: properties(mapping.anchor, mapping.tag),
                }
            }
            _ => return None,
        })
    }
}

fn style_of(style: yaml_scalar_style_t) -> Style {
    match style {
        YAML_SINGLE_QUOTED_SCALAR_STYLE => Style::Single,
        YAML_DOUBLE_QUOTED_SCALAR_STYLE => Style::Double,
        YAML_LITERAL_SCALAR_STYLE => Style::Literal,
        YAML_FOLDED_SCALAR_STYLE => Style::Folded,
        _ => Style::Plain,
    }
}

/// # Safety
/// Both must be null or end with NUL.
unsafe fn properties(anchor: *const u8, tag: *const u8) -> Properties {
    // SAFETY: as the caller promises.
    unsafe {
        Properties {
            anchor: text_of(anchor),
            tag: text_of(tag),
        }
    }
}

/// # Safety
/// `text` must be null or end with NUL.
unsafe fn text_of(text: *const u8) -> Option<String> {
    // SAFETY: as the caller promises.
    (!text.is_null()).then(|| {
        unsafe { CStr::from_ptr(text.cast()) }
            .to_string_lossy()
            .into_owned()
    })
}
