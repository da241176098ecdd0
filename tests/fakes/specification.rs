//! A vendor's OpenAPI 3.0 file as judge of requests and answers.

use super::message::{Reply, Request};
use flate2::read::GzDecoder;
use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap};
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

/// The text of a compressed file in `tests/specs`.
pub fn unpacked(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/specs")
        .join(name);
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(path).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    text
}

/// A specification and the path below which its paths stand.
#[derive(Clone)]
pub struct Specification {
    document: &'static Value,
    base: &'static str,
}

impl Specification {
    pub fn packet() -> Specification {
        static DOCUMENT: OnceLock<Value> = OnceLock::new();
        Specification {
            document: DOCUMENT.get_or_init(|| load("equinix-metal-v1.bundled.json.gz")),
            base: "/metal/v1",
        }
    }

    pub fn exoscale() -> Specification {
        static DOCUMENT: OnceLock<Value> = OnceLock::new();
        Specification {
            document: DOCUMENT.get_or_init(|| load("exoscale-v2.openapi.json.gz")),
            base: "/v2",
        }
    }

    /// What of a request and its answer is against the specification.
    pub fn check(&self, request: &Request, reply: &Reply) -> Vec<String> {
        let line = format!("{} {}", request.method, request.path);
        let Some(operation) = self.operation(request) else {
            return match reply.status {
                404 => vec![],
                _ => vec![format!("{line}: not in the specification")],
            };
        };
        let mut found = vec![];
        // What is refused may be wrong: that is why it is refused.
        if reply.status < 400 {
            self.check_query(operation, request, &mut found);
            self.check_body(operation, request, &mut found);
        }
        let answers = &operation["responses"];
        let answer = &answers[reply.status.to_string()];
        if answer.is_null() && reply.status < 400 {
            found.push(format!("the status {} is not in the specification", reply.status));
        }
        let schema = &self.resolve(answer)["content"]["application/json"]["schema"];
        if !schema.is_null() && reply.status < 400 {
            let body = serde_json::from_str(&reply.body).unwrap_or_default();
            self.validate(schema, &body, "answer", &mut found);
        }
        found.into_iter().map(|text| format!("{line}: {text}")).collect()
    }

    /// The name of the operation that a request is.
    pub fn name_of(&self, request: &Request) -> Option<String> {
        let name = &self.operation(request)?["operationId"];
        name.as_str().map(str::to_string)
    }

    fn operation(&self, request: &Request) -> Option<&Value> {
        let path = request
            .path
            .find(self.base)
            .map(|at| &request.path[at + self.base.len()..])?;
        let paths = self.document["paths"].as_object()?;
        let best = paths
            .iter()
            .filter(|(template, _)| fits(template, path))
            .max_by_key(|(template, _)| template.replace('{', "").len() + literal(template) * 1000)?;
        best.1.get(request.method.to_ascii_lowercase())
    }

    fn check_query(&self, operation: &Value, request: &Request, found: &mut Vec<String>) {
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let known: BTreeSet<String> = parameters
            .iter()
            .map(|parameter| self.resolve(parameter)["name"].as_str().unwrap_or("").to_string())
            .collect();
        // The service pages lists that the specification gives no pages.
        let paging = ["page", "per_page"];
        for (name, _) in &request.query {
            if !known.contains(name) && !paging.contains(&name.as_str()) {
                found.push(format!("the parameter `{name}` is not in the specification"));
            }
        }
    }

    fn check_body(&self, operation: &Value, request: &Request, found: &mut Vec<String>) {
        let schema = &self.resolve(&operation["requestBody"])["content"]["application/json"]["schema"];
        if schema.is_null() {
            if !request.body.is_empty() {
                found.push("a body where the specification has none".into());
            }
            return;
        }
        let body = request.json();
        self.validate(schema, &body, "request", found);
        let mut known = BTreeSet::new();
        self.properties(schema, &mut known);
        for name in body.as_object().into_iter().flat_map(Map::keys) {
            // The recorded exchanges have it on the wire.
            if !known.contains(name) && name != "description" {
                found.push(format!("request: the field `{name}` is not in the specification"));
            }
        }
    }

    /// The names of all fields that a schema knows at its top.
    fn properties(&self, schema: &Value, known: &mut BTreeSet<String>) {
        let schema = self.resolve(schema);
        let own = schema["properties"].as_object().into_iter().flat_map(Map::keys);
        known.extend(own.cloned());
        for name in ["allOf", "oneOf", "anyOf"] {
            for part in schema[name].as_array().into_iter().flatten() {
                self.properties(part, known);
            }
        }
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(link) => self.document.pointer(link.trim_start_matches('#')).unwrap(),
            None => value,
        }
    }

    /// The validator of a schema; made once, since that takes longer than most checks.
    fn validator(&self, schema: &Value) -> Arc<Validator> {
        static MADE: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);
        let name = format!("{} {schema}", self.base);
        if let Some(made) = MADE.lock().unwrap().get(&name) {
            return made.clone();
        }
        let whole = json!({"components": self.document["components"], "allOf": [schema]});
        let validator: Validator = jsonschema::options()
            .with_draft(Draft::Draft4)
            .should_validate_formats(true)
            .with_format("uuid", |text| text.len() == 36 && text.split('-').count() == 5)
            .build(&whole)
            .unwrap();
        let validator = Arc::new(validator);
        MADE.lock().unwrap().insert(name, validator.clone());
        validator
    }

    fn validate(&self, schema: &Value, body: &Value, what: &str, found: &mut Vec<String>) {
        let validator = self.validator(schema);
        for error in validator.iter_errors(body) {
            let text: String = error.to_string().chars().take(300).collect();
            found.push(format!("{what}: {}: {text}", error.instance_path()));
        }
    }
}

fn load(name: &str) -> Value {
    let mut document: Value = serde_json::from_str(&unpacked(name)).unwrap();
    as_draft4(&mut document);
    document
}

/// OpenAPI 3.0's `nullable` as JSON Schema says it.
fn as_draft4(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.get("nullable") == Some(&json!(true)) {
                if let Some(Value::String(kind)) = fields.get("type").cloned() {
                    fields.insert("type".into(), json!([kind, "null"]));
                }
                if let Some(Value::Array(choices)) = fields.get_mut("enum") {
                    choices.push(Value::Null);
                }
            }
            fields.values_mut().for_each(as_draft4);
        }
        Value::Array(items) => items.iter_mut().for_each(as_draft4),
        _ => {}
    }
}

/// Whether a path is one of a template such as `/instance-pool/{id}:scale`.
fn fits(template: &str, path: &str) -> bool {
    let (left, right): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    left.len() == right.len()
        && left
            .iter()
            .zip(&right)
            .all(|(part, given)| match part.split_once('}') {
                Some((_, end)) => {
                    given.ends_with(end) && !given.is_empty() && (!end.is_empty() || !given.contains(':'))
                }
                None => part == given,
            })
}

/// How many segments of a template are no parameters.
fn literal(template: &str) -> usize {
    template.split('/').filter(|part| !part.starts_with('{')).count()
}
