//! Route 53: signatures by AWS's own suite, the client, the module, the playbook that names a cluster.

use crate::fakes::route53::{KEY, Route53 as Fake, SECRET, refusal};
use crate::fakes::server::FaultKind;
use crate::fakes::specification::unpacked;
use crate::fakes::{Server, VirtualClock};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use vent::cloud::client::http::secret::Secret;
use vent::cloud::route53::client::Route53;
use vent::cloud::route53::client::signature::{Key, Signed};
use vent::error::Error;
use vent::host::{DnsAccess, DnsZone, Hidden, RecordAction, RecordChange, RecordQuestion, RecordSet};

/// A case of the suite, as the signer takes it.
struct Case {
    name: String,
    key: Key,
    method: String,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    time: String,
    wanted: [String; 3],
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

fn case(line: &str) -> Case {
    let case: Value = serde_json::from_str(line).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_string();
    let context = &case["context"];
    let credentials = &context["credentials"];
    let token = credentials["token"].as_str();
    let request = text(&case["request"]);
    let (head, body) = request.split_once("\n\n").unwrap_or((&request, ""));
    let mut lines = head.lines();
    let first = lines.next().unwrap();
    let (method, rest) = first.split_once(' ').unwrap();
    let target = rest.strip_suffix(" HTTP/1.1").unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers: Vec<(String, String)> = vec![];
    for line in lines {
        match line.split_once(':').filter(|_| !line.starts_with(' ')) {
            Some((name, value)) => headers.push((name.into(), value.into())),
            None => headers.last_mut().unwrap().1.push_str(line),
        }
    }
    let time = text(&context["timestamp"]).replace(['-', ':'], "");
    headers.push(("X-Amz-Date".into(), time.clone()));
    if let Some(token) = token.filter(|_| context["omit_session_token"] != true) {
        headers.push(("X-Amz-Security-Token".into(), token.into()));
    }
    if context["sign_body"] == true {
        use sha2::Digest;
        let digest = sha2::Sha256::digest(body.as_bytes());
        let digest = vent::content::hexadecimal(&digest);
        headers.push(("X-Amz-Content-Sha256".into(), digest));
    }
    let query = query.split('&').filter(|pair| !pair.is_empty());
    let query = query.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    Case {
        name: text(&case["name"]),
        key: Key {
            key: Secret::new(&text(&credentials["access_key_id"])),
            secret: Secret::new(&text(&credentials["secret_access_key"])),
            session_token: token.map(Secret::new),
            region: text(&context["region"]),
            service: text(&context["service"]),
        },
        method: method.into(),
        path: path.into(),
        query: query
            .map(|(name, value)| (decoded(name), decoded(value)))
            .collect(),
        headers,
        body: body.into(),
        time,
        wanted: ["canonical", "string_to_sign", "signature"].map(|name| text(&case[name])),
    }
}

#[test]
fn signatures_are_those_of_the_official_suite() {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/specs/aws-sigv4-suite.exceptions.txt");
    let list = std::fs::read_to_string(list).unwrap();
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    let exceptions: Vec<&str> = lines.map(|line| line.split_once(": ").unwrap().0).collect();
    let (mut passed, mut wrong) = (0, vec![]);
    for case in unpacked("aws-sigv4-suite.jsonl.gz").lines().map(case) {
        let request = Signed {
            method: &case.method,
            path: &case.path,
            query: &case.query,
            headers: &case.headers,
            body: &case.body,
        };
        let given = [
            request.canonical(),
            case.key.string_to_sign(&request, &case.time),
            case.key.signature(&request, &case.time),
        ];
        let excepted = exceptions.contains(&case.name.as_str());
        match given == case.wanted {
            true if !excepted => passed += 1,
            true => wrong.push(format!("{}: it is an exception, and passes", case.name)),
            false if excepted => {}
            false => wrong.push(format!("{}: {given:#?}\n{:#?}", case.name, case.wanted)),
        }
    }
    println!("{passed} cases agree, {} exceptions", exceptions.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(passed + exceptions.len(), 38);
}

fn access(server: &Server) -> DnsAccess {
    DnsAccess {
        key: Some(KEY.into()),
        secret: Some(Hidden(SECRET.into())),
        url: Some(server.url("")),
        ..DnsAccess::default()
    }
}

fn client(server: &Server) -> (Route53, Arc<VirtualClock>) {
    let clock = Arc::new(VirtualClock::default());
    let client = Route53::with(&access(server), &|_| None, |settings| {
        settings.clock = clock.clone();
    });
    (client.unwrap(), clock)
}

fn question(name: &str) -> RecordQuestion {
    RecordQuestion {
        zone: DnsZone {
            name: "example.org.".into(),
            ..DnsZone::default()
        },
        name: name.into(),
        kind: "A".into(),
        ..RecordQuestion::default()
    }
}

fn set(name: &str, values: &[&str]) -> RecordSet {
    RecordSet {
        name: name.into(),
        kind: "A".into(),
        ttl: Some(60),
        values: values.iter().map(|value| value.to_string()).collect(),
        ..RecordSet::default()
    }
}

fn change(action: RecordAction, before: Option<RecordSet>, after: Option<RecordSet>) -> RecordChange {
    let name = after.as_ref().or(before.as_ref()).unwrap().name.clone();
    RecordChange {
        question: question(&name),
        zone_id: "Z1PUBLIC".into(),
        action,
        before,
        after,
        wait: None,
    }
}

#[tokio::test]
async fn records_are_found_in_the_right_zone_made_and_removed() {
    let server = Server::start(Fake::with_zones(), None);
    let (client, _) = client(&server);
    let wanted = set("*.demo.example.org.", &["192.0.2.1", "192.0.2.2"]);
    let asked = client.ask(&question(&wanted.name)).await.unwrap();
    assert_eq!(asked.zone_id.as_deref(), Some("Z1PUBLIC"));
    assert_eq!(asked.record, None);
    let made = change(RecordAction::Create, None, Some(wanted.clone()));
    assert_eq!(client.change(&made).await.unwrap(), "C1");
    assert_eq!(
        client.ask(&question(&wanted.name)).await.unwrap().record,
        Some(wanted.clone())
    );
    // Another was faster.
    let told = Error::from(client.change(&made).await.unwrap_err()).to_string();
    assert!(told.contains("but it already exists"), "{told}");
    let removed = change(RecordAction::Delete, Some(wanted), None);
    assert_eq!(client.change(&removed).await.unwrap(), "C1");
    assert_eq!(client.change(&removed).await.unwrap(), "");
    let mut other = question("a.example.net.");
    other.zone.name = "example.net.".into();
    assert_eq!(client.ask(&other).await.unwrap().zone_id, None);
    other.zone.name = "example.org.".into();
    other.zone.private = true;
    assert_eq!(
        client.ask(&other).await.unwrap().zone_id.as_deref(),
        Some("Z0PRIVATE")
    );
}

#[tokio::test]
async fn a_change_is_waited_for_and_given_up_in_time() {
    let fake = Fake {
        pending: 3,
        ..Fake::with_zones()
    };
    let server = Server::start(fake, None);
    let (client, clock) = client(&server);
    let mut made = change(
        RecordAction::Upsert,
        None,
        Some(set("demo.example.org.", &["192.0.2.1"])),
    );
    made.wait = Some(300);
    client.change(&made).await.unwrap();
    assert_eq!(server.count("GET /2013-04-01/change/C1"), 4);
    assert_eq!(clock.waited(), Duration::from_secs(20));

    let fake = Fake {
        pending: 1000,
        ..Fake::with_zones()
    };
    let server = Server::start(fake, None);
    let (client, _) = self::client(&server);
    made.wait = Some(12);
    let told = Error::from(client.change(&made).await.unwrap_err()).to_string();
    assert!(
        told.contains("the change C1 has not reached all servers after 12 seconds"),
        "{told}"
    );
    assert_eq!(server.count("GET /2013-04-01/change/C1"), 3);
}

#[tokio::test]
async fn a_busy_service_is_asked_again_and_a_refusal_is_told() {
    let server = Server::start(Fake::with_zones(), None);
    let (client, clock) = client(&server);
    for code in ["Throttling", "PriorRequestNotComplete"] {
        let busy = refusal(400, code, "Rate exceeded");
        server.fault("POST", "rrset", 2, FaultKind::Answer(busy));
    }
    let upsert = change(
        RecordAction::Upsert,
        None,
        Some(set("demo.example.org.", &["192.0.2.1"])),
    );
    client.change(&upsert).await.unwrap();
    assert_eq!(server.count("POST"), 5);
    assert!(clock.waited() > Duration::from_secs(10));

    // An answer that was lost: the same once more, and nothing is there twice.
    server.fault("POST", "rrset", 1, FaultKind::Lost);
    client.change(&upsert).await.unwrap();
    assert_eq!(server.count("POST"), 7);

    let limit = refusal(400, "InvalidInput", "Invalid Resource Record: not an address");
    server.fault("POST", "rrset", 1, FaultKind::Answer(limit));
    let told = Error::from(client.change(&upsert).await.unwrap_err()).to_string();
    assert_eq!(
        told,
        "error: Route 53: cannot make the record demo.example.org. A\n  \
         cause: Route 53 answered 400 Bad Request\n  \
         cause: InvalidInput: Invalid Resource Record: not an address\n  \
         help: correct the value named above where it was set, then run again\n"
    );
    let mut wrong = access(&server);
    wrong.key = Some("AKIDWRONG".into());
    let wrong = Route53::new(&wrong, &|_| None).unwrap();
    let told = Error::from(wrong.ask(&question("a.example.org.")).await.unwrap_err()).to_string();
    assert!(
        told.contains("the key or its secret is wrong, or this computer's clock is"),
        "{told}"
    );
}
