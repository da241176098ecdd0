//! Exchanges recorded with the real API of Exoscale, played again to the stand-in: the same requests get the
//! same status and answers of the same shape.

use crate::fakes::exoscale::{Exoscale as Fake, KEY, SECRET};
use crate::fakes::message::Request;
use crate::fakes::specification::{Specification, unpacked};
use crate::fakes::{Reply, Server};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use vent::cloud::client::http::request::{Body, Call};
use vent::cloud::client::http::secret::Secret;
use vent::cloud::client::http::service::Service;
use vent::cloud::client::http::{Client, ClientOptions};
use vent::cloud::exoscale::client::signature::Key;

const SERVICE: Service = Service {
    name: "Exoscale",
    token_variables: &[],
    address_variables: &[],
    rights: "",
};

/// All paths of fields in a value; the items of a list count as one.
fn fields(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                let path = format!("{path}/{name}");
                found.insert(path.clone());
                fields(value, &path, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| fields(item, path, found)),
        _ => {}
    }
}

/// Notes which identifier of the stand-in stands for one of the recording.
fn pair(recorded: &Value, given: &Value, known: &mut BTreeMap<String, String>) {
    match (recorded, given) {
        (Value::Object(left), Value::Object(right)) => {
            for (name, value) in left {
                if let Some(other) = right.get(name) {
                    pair(value, other, known);
                }
            }
        }
        (Value::Array(left), Value::Array(right)) => {
            for (value, other) in left.iter().zip(right) {
                pair(value, other, known);
            }
        }
        (Value::String(left), Value::String(right)) if left.len() == 36 && left.starts_with("00000000-") => {
            known.insert(left.clone(), right.clone());
        }
        _ => {}
    }
}

async fn replay(name: &str, prepare: &[(&str, Value)]) -> usize {
    let server = Server::start(Fake::default(), None);
    let key = Key {
        key: Secret::new(KEY),
        secret: Secret::new(SECRET),
    };
    let client = Client::new(SERVICE, ClientOptions::new(&server.url("")), Box::new(key)).unwrap();
    for (path, body) in prepare {
        client
            .send(&Call::post(*path, "prepare").json(body.clone()))
            .await
            .unwrap();
    }
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    let (mut played, mut wrong) = (0, vec![]);
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for line in unpacked(name).lines() {
        let exchange: Value = serde_json::from_str(line).unwrap();
        let translate = |text: &str| {
            known.iter().fold(text.to_string(), |text, (recorded, ours)| {
                text.replace(recorded, ours)
            })
        };
        let path = translate(exchange["path"].as_str().unwrap());
        let method = exchange["method"].as_str().unwrap().parse().unwrap();
        let mut call = Call::new(method, path.as_str(), "play it again");
        if let Some(body) = exchange["req"].get("body") {
            call.body = Body::Json(serde_json::from_str(&translate(&body.to_string())).unwrap());
        }
        let (status, mut body) = match client.json(&call).await {
            Ok(body) => (200, body),
            Err(failure) => (failure.status.unwrap(), Value::Null),
        };
        played += 1;
        let kind = path
            .split('/')
            .map(|part| if part.len() == 36 { "ID" } else { part });
        let kind: Vec<&str> = kind.collect();
        *kinds
            .entry(format!(
                "{} {}",
                exchange["method"].as_str().unwrap(),
                kind.join("/")
            ))
            .or_insert(0) += 1;
        if exchange["status"] != status {
            wrong.push(format!(
                "{} {path}: {status} instead of {}",
                exchange["seq"], exchange["status"]
            ));
        }
        if status != 200 {
            continue;
        }
        // The stand-in keeps operations pending for longer.
        while path.contains("/operation/") && body["state"] == "pending" {
            body = client.json(&call).await.unwrap();
        }
        pair(&exchange["res"]["body"], &body, &mut known);
        let (mut recorded, mut given) = (BTreeSet::new(), BTreeSet::new());
        fields(&exchange["res"]["body"], "", &mut recorded);
        fields(&body, "", &mut given);
        // The keys of the account were scrubbed as a whole.
        if exchange["res"]["body"]["ssh-keys"] == "REDACTED" {
            given.retain(|path| !path.starts_with("/ssh-keys/"));
        }
        if recorded != given {
            let differ: Vec<&String> = recorded.symmetric_difference(&given).collect();
            wrong.push(format!(
                "{} {path}: the fields differ: {differ:?}",
                exchange["seq"]
            ));
        }
    }
    println!("{name}: {played} exchanges of {} kinds: {kinds:?}", kinds.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    played
}

#[tokio::test]
async fn recorded_exchanges_are_answered_in_the_same_shape() {
    assert_eq!(replay("exoscale-recorded-cli.jsonl.gz", &[]).await, 203);
}

#[tokio::test]
async fn recorded_refusals_are_refused_in_the_same_way() {
    let key = serde_json::json!({"name": "redacted-11", "public-key": "ssh-ed25519 AAAA"});
    assert_eq!(
        replay("exoscale-recorded-refusals.jsonl.gz", &[("/v2/ssh-key", key)]).await,
        5
    );
}

#[test]
fn the_specification_judges_requests_and_answers() {
    let request = Request {
        method: "POST".into(),
        path: "/v2/instance".into(),
        body: br#"{"disk-size": 5, "instance-type": {"id": "x"}, "colour": "red"}"#.to_vec(),
        ..Request::default()
    };
    let reply = Reply::json(200, serde_json::json!({"id": "no-uuid", "state": "dreaming"}));
    let found = Specification::exoscale().check(&request, &reply).join("\n");
    for part in [
        "minimum",
        "\"template\" is a required",
        "`colour`",
        "answer: /id",
        "answer: /state",
    ] {
        assert!(found.contains(part), "{part} in {found}");
    }
}

/// Every field of an answer in turn gets a value of another type; those that the specification lets pass.
fn unseen(
    specification: &Specification,
    request: &Request,
    reply: &Reply,
    path: &str,
) -> (usize, Vec<String>) {
    let whole: Value = serde_json::from_str(&reply.body).unwrap();
    let pointers: Vec<String> = whole
        .pointer(path)
        .unwrap()
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    let mut passed = vec![];
    for name in &pointers {
        let mut wrong = whole.clone();
        let field = wrong.pointer_mut(path).unwrap().get_mut(name).unwrap();
        *field = match field {
            Value::Object(_) => Value::Bool(true),
            _ => serde_json::json!({"wrong": [1]}),
        };
        if specification
            .check(request, &Reply::json(reply.status, wrong))
            .is_empty()
        {
            passed.push(format!("{} {path}/{name}", request.path));
        }
    }
    (pointers.len(), passed)
}

/// A request that the fakes accept.
fn authorized(method: &str, path: &str, body: &str) -> Request {
    let mut request = Request {
        method: method.into(),
        path: path.into(),
        body: body.into(),
        ..Request::default()
    };
    request
        .headers
        .insert("x-auth-token".into(), crate::fakes::packet::TOKEN.into());
    request
}

/// That the judge sees a wrong field in the answers of the stand-ins, wherever it is.
#[test]
fn a_wrong_field_anywhere_in_an_answer_is_seen() {
    use crate::fakes::packet::Packet;
    use crate::fakes::server::Handler;
    let mut fields = 0;
    let mut passed = vec![];
    let mut note = |found: (usize, Vec<String>)| {
        fields += found.0;
        passed.extend(found.1);
    };
    let specification = Specification::packet();
    let mut packet = Packet::new(&["one"]);
    let id = packet.add(0, "worker-0", &["worker"]);
    for (path, inner) in [
        (format!("/metal/v1/devices/{id}"), ""),
        (
            format!("/metal/v1/projects/{}/devices", packet.project(0)),
            "/devices/0",
        ),
        ("/metal/v1/projects".to_string(), "/projects/0"),
    ] {
        let request = authorized("GET", &path, "");
        let reply = packet.handle(&request);
        assert_eq!(specification.check(&request, &reply), Vec::<String>::new());
        note(unseen(&specification, &request, &reply, inner));
    }
    let specification = Specification::exoscale();
    for line in unpacked("exoscale-recorded-cli.jsonl.gz").lines() {
        let exchange: Value = serde_json::from_str(line).unwrap();
        let (path, body) = (exchange["path"].as_str().unwrap(), &exchange["res"]["body"]);
        let single = path.contains("/operation/") || path.split('/').count() == 4;
        if exchange["method"] != "GET" || exchange["status"] != 200 || !single {
            continue;
        }
        let request = authorized("GET", path, "");
        let reply = Reply::json(200, body.clone());
        // What was scrubbed may be wrong already.
        if specification.check(&request, &reply).is_empty() {
            note(unseen(&specification, &request, &reply, ""));
        }
    }
    println!(
        "{fields} fields were made wrong, {} passed: {passed:?}",
        passed.len()
    );
    let list = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/specs/fields-of-any-type.txt");
    let list = std::fs::read_to_string(list).unwrap();
    let known: Vec<&str> = list
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once(": ").unwrap().0)
        .collect();
    passed.retain(|field| !known.iter().any(|known| field.ends_with(known)));
    assert!(passed.is_empty(), "{passed:#?}");
    assert!(fields > 100);
}
