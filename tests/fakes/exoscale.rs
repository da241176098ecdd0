//! Exoscale: verifies the signature of every request and keeps operations pending for a while.

mod operations;
mod resources;

use super::boot::Boot;
use super::message::{Reply, Request};
use super::server::Handler;
use super::signature::verify;
use super::specification::unpacked;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub const KEY: &str = "EXOkeyfortests";
pub const SECRET: &str = "exoscale-secret-for-tests";

/// The kinds of resources, the names of their lists, and the fields that a list leaves out.
const KINDS: &[(&str, &str, &[&str])] = &[
    (
        "instance",
        "instances",
        &["disk-size", "user-data", "anti-affinity-groups"],
    ),
    ("instance-pool", "instance-pools", &[]),
    ("private-network", "private-networks", &["leases"]),
    ("security-group", "security-groups", &[]),
    ("anti-affinity-group", "anti-affinity-groups", &[]),
    ("elastic-ip", "elastic-ips", &[]),
    ("ssh-key", "ssh-keys", &[]),
    ("load-balancer", "load-balancers", &[]),
];

pub struct Exoscale {
    /// Resources by kind, in the order they were made.
    resources: BTreeMap<&'static str, Vec<Value>>,
    operations: BTreeMap<String, (Value, u32)>,
    catalogue: BTreeMap<&'static str, Value>,
    next: u64,
    /// Whether the key may list zones.
    pub may_list_zones: bool,
    /// The reason with which the next operations fail.
    pub fail_next: Option<&'static str>,
    /// Operations end at once.
    pub hurries: bool,
    /// Starts machines behind the instances.
    pub boot: Option<Boot>,
}

impl Default for Exoscale {
    fn default() -> Exoscale {
        let mut catalogue = BTreeMap::new();
        for line in unpacked("exoscale-recorded-cli.jsonl.gz").lines() {
            let exchange: Value = serde_json::from_str(line).unwrap();
            for (path, name) in [
                ("/v2/zone", "zone"),
                ("/v2/instance-type", "instance-type"),
                ("/v2/template", "template"),
                ("/v2/load-balancer", "load-balancer"),
                ("/v2/block-storage", "block-storage"),
                ("/v2/quota", "quota"),
            ] {
                if exchange["path"] == path {
                    catalogue
                        .entry(name)
                        .or_insert_with(|| exchange["res"]["body"].clone());
                }
            }
        }
        // Some truth values were scrubbed in the recording.
        for kind in catalogue["instance-type"]["instance-types"]
            .clone()
            .as_array()
            .unwrap()
        {
            assert_eq!(kind["authorized"], "REDACTED");
        }
        let mut fake = Exoscale {
            resources: KINDS.iter().map(|kind| (kind.0, vec![])).collect(),
            operations: BTreeMap::new(),
            catalogue,
            next: 1000,
            may_list_zones: true,
            fail_next: None,
            hurries: false,
            boot: None,
        };
        for (kind, list) in [("instance-type", "instance-types"), ("template", "templates")] {
            let items = fake.catalogue.get_mut(kind).unwrap()[list]
                .as_array_mut()
                .unwrap();
            for item in items.iter_mut() {
                for field in ["authorized", "password-enabled", "ssh-key-enabled"] {
                    if item.get(field).is_some() {
                        item[field] = json!(true);
                    }
                }
            }
        }
        let items = fake.catalogue.get_mut("template").unwrap()["templates"]
            .as_array_mut()
            .unwrap();
        items[0]["name"] = json!("Linux Debian 12 (Bookworm) 64-bit");
        let id = fake.new_id();
        fake.resources.get_mut("security-group").unwrap().push(
            json!({"id": id, "name": "default", "description": "Default Security Group", "visibility": "private"}),
        );
        fake
    }
}

impl Exoscale {
    /// Adds an instance that runs already; its identifier.
    pub fn add(&mut self, name: &str, labels: Value) -> String {
        let template = self.catalogue["template"]["templates"][0]["id"].clone();
        let kind = self.catalogue["instance-type"]["instance-types"][3]["id"].clone();
        let body = json!({"name": name, "labels": labels, "template": {"id": template},
            "instance-type": {"id": kind}, "disk-size": 20, "ssh-keys": [{"name": "me"}]});
        let id = self.make("instance", &body);
        self.find("instance", &id).unwrap()["state"] = json!("running");
        id
    }

    /// Adds a managed private network with the given instances in it.
    pub fn add_network(&mut self, name: &str, members: &[&str]) -> String {
        let body = json!({"name": name, "start-ip": "10.0.0.10", "end-ip": "10.0.0.253", "netmask": "255.255.255.0"});
        let id = self.make("private-network", &body);
        for member in members {
            self.attach("private-network", &id, member, None);
        }
        id
    }

    /// Changes a resource.
    pub fn change(&mut self, kind: &'static str, id: &str, change: impl FnOnce(&mut Value)) {
        change(self.find(kind, id).unwrap());
    }

    fn route(&mut self, request: &Request, parts: &[&str]) -> Reply {
        match parts {
            ["zone"] if !self.may_list_zones => {
                Reply::json(403, json!({"message": "Forbidden by role policy"}))
            }
            [kind @ ("zone" | "instance-type" | "template")] => {
                Reply::json(200, self.catalogue[kind].clone())
            }
            // What the account has none of, or what Vent only looks at: as recorded.
            [kind] if request.method == "GET" && !KINDS.iter().any(|known| known.0 == *kind) => {
                match self.catalogue.get(kind) {
                    Some(recorded) => Reply::json(200, recorded.clone()),
                    None => not_found(),
                }
            }
            ["operation", id] => self.poll(id),
            ["load-balancer", id, "service"] => self.service(request, id),
            ["security-group", id, "rules", rest @ ..] => self.rule(request, id, rest),
            [kind, rest @ ..] => {
                let Some((kind, list, hidden)) = KINDS.iter().find(|known| known.0 == *kind) else {
                    return not_found();
                };
                match (request.method.as_str(), rest) {
                    ("GET", []) => {
                        let hidden = [hidden, &["_private"][..]].concat();
                        let items = self.resources[kind].iter().map(|item| without(item, &hidden));
                        let reply = Reply::json(200, json!({*list: items.collect::<Vec<Value>>()}));
                        for item in self.resources.get_mut(kind).into_iter().flatten() {
                            if item["state"] == "starting" {
                                item["state"] = json!("running");
                            }
                        }
                        reply
                    }
                    ("POST", []) => self.create(kind, &request.json()),
                    ("GET", [id]) => {
                        let Some(item) = self.find(kind, id) else {
                            return not_found();
                        };
                        let reply = Reply::json(200, without(item, &["_private"]));
                        if item["state"] == "starting" {
                            item["state"] = json!("running");
                        }
                        reply
                    }
                    ("DELETE", [id]) => self.remove(kind, id),
                    ("PUT", [id]) => {
                        let (id, verb) = id.split_once(':').unwrap_or((id, ""));
                        self.act(kind, id, verb, &request.json())
                    }
                    _ => not_found(),
                }
            }
            [] => not_found(),
        }
    }
}

fn not_found() -> Reply {
    Reply::json(404, json!({"message": "Not found"}))
}

fn without(item: &Value, hidden: &[&str]) -> Value {
    let fields: Map<String, Value> = item
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| !hidden.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Value::Object(fields)
}

impl Handler for Exoscale {
    fn handle(&mut self, request: &Request) -> Reply {
        if let Err(text) = verify(request) {
            return Reply::json(
                403,
                json!({"message": format!("Invalid request signature: {text}")}),
            );
        }
        let at = request.path.find("/v2/").unwrap_or(0);
        let mut below = request.clone();
        below.path = request.path[at..].to_string();
        let segments = below.segments("/v2");
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        self.route(&below, &parts)
    }
}
