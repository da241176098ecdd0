//! Exchanges recorded with the real API of Exoscale, played again to the stand-in: the same requests get the
//! same status and answers of the same shape.

use crate::fakes::exoscale::{Exoscale as Fake, KEY, SECRET};
use crate::fakes::server::Request;
use crate::fakes::specification::{Specification, unpacked};
use crate::fakes::{Reply, Server};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use vent::provider::exoscale::signature::Key;
use vent::provider::http::request::{Body, Call};
use vent::provider::http::secret::Secret;
use vent::provider::http::service::Service;
use vent::provider::http::{Client, Settings};

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
    let client = Client::new(SERVICE, Settings::new(&server.url("")), Box::new(key)).unwrap();
    for (path, body) in prepare {
        client
            .send(&Call::post(*path, "prepare").json(body.clone()))
            .await
            .unwrap();
    }
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    let (mut played, mut wrong) = (0, vec![]);
    for line in unpacked(name).lines() {
        let exchange: Value = serde_json::from_str(line).unwrap();
        let translate = |text: &str| {
            known.iter().fold(text.to_string(), |text, (recorded, ours)| {
                text.replace(recorded, ours)
            })
        };
        let path = translate(exchange["path"].as_str().unwrap());
        // Volumes, load balancers and quotas are no part of the client.
        if ["/v2/block-storage", "/v2/load-balancer", "/v2/quota"].contains(&path.as_str()) {
            continue;
        }
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
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    played
}

#[tokio::test]
async fn recorded_exchanges_are_answered_in_the_same_shape() {
    assert_eq!(replay("exoscale-recorded-cli.jsonl.gz", &[]).await, 200);
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
