//! Writing YAML with libyaml's emitter, laid out as PyYAML lays it out.

use super::scalar;
use crate::value::{Value, repr};
use libyaml_rs::*;
use std::ffi::c_void;
use std::mem::MaybeUninit;

/// How the text is laid out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layout {
    /// Columns of one level, 2 to 9.
    pub indent: u8,
    /// The line length at which texts are broken; `None`: never.
    pub width: Option<u16>,
    /// Keys in alphabetical order.
    pub sort_keys: bool,
    /// Lists and mappings of nothing but scalars on one line (`to_yaml`), not in block style (`to_nice_yaml`).
    pub flow_leaves: bool,
}

impl Default for Layout {
    /// Block style, two columns a level, keys in their order, lines as long as they are.
    fn default() -> Layout {
        Layout {
            indent: 2,
            width: None,
            sort_keys: false,
            flow_leaves: false,
        }
    }
}

/// A value as YAML in the default layout. Secrets are written in clear: this is for contents.
pub fn write(value: &Value) -> String {
    write_with(value, &Layout::default())
}

/// A value as YAML. Secrets are written in clear: this is for contents.
pub fn write_with(value: &Value, layout: &Layout) -> String {
    let mut emitter = Emitter::new(layout);
    emitter.document(value);
    let mut text = emitter.finish();
    // PyYAML closes a document that is nothing but a plain scalar.
    let scalar = !matches!(value, Value::List(_) | Value::Map(_));
    if scalar && !text.starts_with(['"', '\'']) && !text.ends_with("...\n") {
        text.push_str("...\n");
    }
    text
}

struct Emitter<'a> {
    layout: &'a Layout,
    // Boxed, because libyaml keeps a pointer to the emitter inside the emitter.
    emitter: Box<MaybeUninit<yaml_emitter_t>>,
    // What was emitted: owned here, and known to the emitter by this pointer.
    text: *mut Vec<u8>,
}

/// Appends what the emitter gives out to the vector `data` points at.
///
/// # Safety
/// `data` must point at the vector of a living [`Emitter`], `buffer` at `size` bytes.
unsafe fn append(data: *mut c_void, buffer: *mut u8, size: u64) -> i32 {
    // SAFETY: as the caller promises; the emitter calls this only from within `Emitter`'s methods.
    unsafe {
        let text = &mut *data.cast::<Vec<u8>>();
        text.extend_from_slice(std::slice::from_raw_parts(buffer, size as usize));
    }
    1
}

impl<'a> Emitter<'a> {
    fn new(layout: &'a Layout) -> Emitter<'a> {
        let mut emitter = Box::new(MaybeUninit::uninit());
        let text = Box::into_raw(Box::new(Vec::new()));
        let width = layout.width.map_or(-1, i32::from);
        // SAFETY: initialise fills the emitter before it is used; the vector lives as long as the emitter.
        unsafe {
            let target = emitter.as_mut_ptr();
            let _ = yaml_emitter_initialize(target);
            yaml_emitter_set_output(target, append, text.cast());
            yaml_emitter_set_unicode(target, true);
            yaml_emitter_set_indent(target, i32::from(layout.indent));
            yaml_emitter_set_width(target, width);
        }
        Emitter {
            layout,
            emitter,
            text,
        }
    }

    /// Emits the event that `initialize` makes. A failure (an impossible order of events) leaves the text short.
    fn emit(&mut self, initialize: impl FnOnce(*mut yaml_event_t)) {
        let mut event = MaybeUninit::<yaml_event_t>::uninit();
        initialize(event.as_mut_ptr());
        // SAFETY: the event was just initialised; the emitter takes it over.
        let _ = unsafe { yaml_emitter_emit(self.emitter.as_mut_ptr(), event.as_mut_ptr()) };
    }

    fn document(&mut self, value: &Value) {
        // SAFETY (all below): each function initialises the event it is given; null means no anchor, no tag,
        // no directives.
        self.emit(|event| unsafe {
            let _ = yaml_stream_start_event_initialize(event, YAML_UTF8_ENCODING);
        });
        self.emit(|event| unsafe {
            let null = std::ptr::null_mut();
            let _ = yaml_document_start_event_initialize(event, null, null.cast(), null.cast(), true);
        });
        self.value(value);
        self.emit(|event| unsafe {
            let _ = yaml_document_end_event_initialize(event, true);
        });
        self.emit(|event| unsafe {
            let _ = yaml_stream_end_event_initialize(event);
        });
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.scalar("null", true),
            Value::Bool(flag) => self.scalar(if *flag { "true" } else { "false" }, true),
            Value::Int(number) => self.scalar(&number.to_string(), true),
            Value::Float(number) => self.scalar(&float(*number), true),
            Value::String(text) | Value::Secret(text) => self.scalar(text, false),
            Value::Template(template) => self.scalar(&template.text, false),
            Value::Unknown(unknown) => self.scalar(&format!("<<unknown: {}>>", unknown.origin), false),
            Value::List(items) => self.list(value, items),
            Value::Map(map) => self.map(value, map),
        }
    }

    fn list(&mut self, whole: &Value, items: &[Value]) {
        let style = if self.flow(whole) {
            YAML_FLOW_SEQUENCE_STYLE
        } else {
            YAML_BLOCK_SEQUENCE_STYLE
        };
        // SAFETY: as in `document`.
        self.emit(|event| unsafe {
            let null = std::ptr::null();
            let _ = yaml_sequence_start_event_initialize(event, null, null, true, style);
        });
        for item in items {
            self.value(item);
        }
        self.emit(|event| unsafe {
            let _ = yaml_sequence_end_event_initialize(event);
        });
    }

    fn map(&mut self, whole: &Value, map: &crate::value::Map) {
        let style = if self.flow(whole) {
            YAML_FLOW_MAPPING_STYLE
        } else {
            YAML_BLOCK_MAPPING_STYLE
        };
        // SAFETY: as in `document`.
        self.emit(|event| unsafe {
            let null = std::ptr::null();
            let _ = yaml_mapping_start_event_initialize(event, null, null, true, style);
        });
        let mut entries: Vec<_> = map.iter().collect();
        if self.layout.sort_keys {
            entries.sort_by_key(|entry| entry.0);
        }
        for (key, item) in entries {
            self.scalar(key, false);
            self.value(item);
        }
        self.emit(|event| unsafe {
            let _ = yaml_mapping_end_event_initialize(event);
        });
    }

    /// `plain` scalars are those that are no texts; a text that would be read as something else gets quotes.
    fn scalar(&mut self, text: &str, plain: bool) {
        let plain = plain || !scalar::is_special(text);
        // SAFETY: as in `document`; the emitter copies the text.
        self.emit(|event| unsafe {
            let null = std::ptr::null();
            let length = i32::try_from(text.len()).unwrap_or(i32::MAX);
            let style = YAML_ANY_SCALAR_STYLE;
            let _ =
                yaml_scalar_event_initialize(event, null, null, text.as_ptr(), length, plain, true, style);
        });
    }

    fn flow(&self, value: &Value) -> bool {
        let leaf = |value: &Value| !matches!(value, Value::List(_) | Value::Map(_));
        self.layout.flow_leaves
            && match value {
                Value::List(items) => items.iter().all(leaf),
                Value::Map(map) => map.values().all(leaf),
                _ => false,
            }
    }

    fn finish(self) -> String {
        // SAFETY: the vector lives until `self` is dropped, and the emitter is not running.
        let text = unsafe { &*self.text };
        String::from_utf8_lossy(text).into_owned()
    }
}

impl Drop for Emitter<'_> {
    fn drop(&mut self) {
        // SAFETY: both were made in `new` and are deleted once, the vector after its last user.
        unsafe {
            yaml_emitter_delete(self.emitter.as_mut_ptr());
            drop(Box::from_raw(self.text));
        }
    }
}

/// A float as PyYAML writes it.
fn float(number: f64) -> String {
    let text = repr(&Value::Float(number));
    match text.as_str() {
        "inf" => ".inf".into(),
        "-inf" => "-.inf".into(),
        "nan" => ".nan".into(),
        _ if text.contains('e') && !text.contains('.') => text.replacen('e', ".0e", 1),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_is_laid_out_as_pyyaml_does() {
        let value = Value::map([
            (
                "b",
                Value::list([
                    Value::string("yes"),
                    Value::Int(1),
                    Value::Null,
                    Value::string("1:30"),
                ]),
            ),
            (
                "a",
                Value::map([
                    ("text", Value::string("two\nlines\n")),
                    ("é", Value::string("a: b")),
                ]),
            ),
            ("empty", Value::list([])),
            (
                "n",
                Value::list([Value::Float(1e20), Value::Float(0.5), Value::string("2024-01-31")]),
            ),
        ]);
        // The output of yaml.dump(value, indent=4, allow_unicode=True, default_flow_style=False).
        let nice = "a:\n    text: 'two\n\n        lines\n\n        '\n    é: 'a: b'\nb:\n- 'yes'\n- 1\n- null\n- '1:30'\nempty: []\nn:\n- 1.0e+20\n- 0.5\n- '2024-01-31'\n";
        let layout = Layout {
            indent: 4,
            width: Some(80),
            sort_keys: true,
            flow_leaves: false,
        };
        assert_eq!(write_with(&value, &layout), nice);
        assert_eq!(write(&Value::string("x")), "x\n...\n");
    }

    #[test]
    fn leaves_can_stand_on_one_line() {
        let value = Value::map([("a", Value::list([Value::Int(1), Value::Int(2)]))]);
        let layout = Layout {
            flow_leaves: true,
            ..Layout::default()
        };
        assert_eq!(write_with(&value, &layout), "a: [1, 2]\n");
    }
}
