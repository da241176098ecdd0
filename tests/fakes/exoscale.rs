//! Exoscale: verifies the signature of every request and keeps operations pending for a while.

use super::boot::Boot;
use super::identifier;
use super::server::{Handler, Reply, Request};
use super::signature::verify;
use super::specification::unpacked;
use base64::Engine;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub const KEY: &str = "EXOkeyfortests";
pub const SECRET: &str = "exoscale-secret-for-tests";
/// How often an operation is asked for before it ends.
const POLLS: u32 = 2;

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
    fn new_id(&mut self) -> String {
        self.next += 1;
        identifier(self.next)
    }

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

    fn find(&mut self, kind: &str, id: &str) -> Option<&mut Value> {
        let items = self.resources.get_mut(kind)?;
        items
            .iter_mut()
            .find(|item| item["id"] == id || (kind == "ssh-key" && item["name"] == id))
    }

    fn catalogued(&self, kind: &str, list: &str, id: &Value) -> Value {
        let items = self.catalogue[kind][list].as_array().unwrap();
        items
            .iter()
            .find(|item| item["id"] == *id)
            .cloned()
            .unwrap_or(Value::Null)
    }

    fn make(&mut self, kind: &'static str, body: &Value) -> String {
        let id = self.new_id();
        let mut item = body.clone();
        item["id"] = json!(id);
        let number = self.next % 200;
        match kind {
            "instance" => {
                item["state"] = json!("starting");
                item["public-ip"] = json!(format!("203.0.113.{number}"));
                item["mac-address"] = json!(format!("06:00:00:00:00:{number:02x}"));
                item["created-at"] = json!("2026-01-02T03:04:05Z");
                let template = &body["template"]["id"];
                item["template"] = self.catalogued("template", "templates", template);
                let kind = &body["instance-type"]["id"];
                item["instance-type"] = self.catalogued("instance-type", "instance-types", kind);
                self.start(&mut item);
            }
            "private-network" => {
                item["vni"] = json!(6_000_000 + self.next);
                let fields = item.as_object_mut().unwrap();
                fields.retain(|name, value| name != "options" || value != &json!({}));
            }
            "anti-affinity-group" => item["instances"] = json!([]),
            "security-group" => item["visibility"] = json!("private"),
            "load-balancer" => {
                item["ip"] = json!("203.0.113.199");
                item["services"] = json!([]);
                item["state"] = json!("running");
            }
            "elastic-ip" => item["ip"] = json!(format!("203.0.113.{}", 200 + number % 50)),
            "instance-pool" => {
                item["state"] = json!("running");
                item["instances"] = json!([]);
            }
            "ssh-key" => {
                let fields = item.as_object_mut().unwrap();
                fields.retain(|name, _| name == "name");
                item["fingerprint"] = json!("00:11");
            }
            _ => {}
        }
        self.resources.get_mut(kind).unwrap().push(item);
        if kind == "instance-pool" {
            self.scale(&id, body["size"].as_u64().unwrap_or(0));
        }
        id
    }

    /// Starts the machine behind an instance, as its user data say.
    fn start(&mut self, item: &mut Value) {
        let Some(boot) = &mut self.boot else { return };
        let text = item["user-data"].as_str().unwrap_or("");
        let data = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
        let booted = boot(item["name"].as_str().unwrap(), &String::from_utf8(data).unwrap());
        item["public-ip"] = json!(booted.public);
        item["_private"] = json!(booted.private);
    }

    /// Adds a service to a load balancer.
    fn service(&mut self, request: &Request, balancer: &str) -> Reply {
        let id = self.new_id();
        let mut service = request.json();
        service["id"] = json!(id);
        let Some(item) = self.find("load-balancer", balancer) else {
            return not_found();
        };
        item["services"].as_array_mut().unwrap().push(service);
        self.operation(balancer, false)
    }

    fn scale(&mut self, pool: &str, size: u64) {
        let item = self.find("instance-pool", pool).unwrap().clone();
        let members = item["instances"].as_array().unwrap().clone();
        let mut ids: Vec<Value> = members.iter().map(|member| member["id"].clone()).collect();
        while (ids.len() as u64) < size {
            let body = json!({"name": format!("{}-{}", item["name"].as_str().unwrap(), self.next),
                "labels": item["labels"], "template": item["template"], "instance-type": item["instance-type"],
                "user-data": item["user-data"]});
            let id = self.make("instance", &body);
            self.find("instance", &id).unwrap()["manager"] = json!({"id": pool, "type": "instance-pool"});
            for network in item["private-networks"].as_array().into_iter().flatten() {
                self.attach("private-network", network["id"].as_str().unwrap(), &id, None);
            }
            ids.push(json!(id));
        }
        while ids.len() as u64 > size {
            let gone = ids.pop().unwrap();
            self.resources
                .get_mut("instance")
                .unwrap()
                .retain(|item| item["id"] != gone);
        }
        let pool = self.find("instance-pool", pool).unwrap();
        pool["size"] = json!(size);
        pool["instances"] = ids.iter().map(|id| json!({"id": id})).collect();
    }

    fn attach(&mut self, kind: &str, id: &str, instance: &str, ip: Option<&str>) {
        if kind == "elastic-ip" {
            let address = self.find(kind, id).unwrap()["ip"].clone();
            let member = self.find("instance", instance).unwrap();
            let mut held = member["elastic-ips"].as_array().cloned().unwrap_or_default();
            held.push(json!({"id": id, "ip": address}));
            member["elastic-ips"] = json!(held);
        }
        if kind != "private-network" {
            return;
        }
        let private = self.find("instance", instance).unwrap()["_private"].clone();
        let ip = ip.or(private.as_str());
        let used = self.find(kind, id).unwrap()["leases"]
            .as_array()
            .map_or(0, Vec::len);
        let network = self.find(kind, id).unwrap();
        if network["start-ip"].is_string() {
            let ip = ip.map_or(format!("10.0.0.{}", 10 + used), str::to_string);
            let mut leases = network["leases"].as_array().cloned().unwrap_or_default();
            leases.push(json!({"instance-id": instance, "ip": ip}));
            network["leases"] = json!(leases);
        }
        let member = self.find("instance", instance).unwrap();
        let mut networks = member["private-networks"].as_array().cloned().unwrap_or_default();
        networks.push(json!({"id": id, "mac-address": "0a:00:00:00:00:01"}));
        member["private-networks"] = json!(networks);
    }

    /// The answer that begins an operation.
    fn operation(&mut self, reference: &str, at_once: bool) -> Reply {
        let id = self.new_id();
        if at_once {
            return Reply::json(200, json!({"id": id, "state": "success"}));
        }
        if self.hurries {
            let about = json!({"id": reference, "link": format!("/v2/x/{reference}"), "command": "get-x"});
            return Reply::json(200, json!({"id": id, "state": "success", "reference": about}));
        }
        let operation = json!({"id": id, "state": "pending",
            "reference": {"id": reference, "link": format!("/v2/x/{reference}"), "command": "get-x"}});
        self.operations.insert(id, (operation.clone(), 0));
        Reply::json(200, operation)
    }

    fn poll(&mut self, id: &str) -> Reply {
        let failing = self.fail_next;
        let Some((operation, polls)) = self.operations.get_mut(id) else {
            return not_found();
        };
        *polls += 1;
        if *polls >= POLLS {
            operation["state"] = json!("success");
            // As recorded: the end of this removal names nothing.
            if operation["gone"] == true {
                operation
                    .as_object_mut()
                    .unwrap()
                    .retain(|name, _| name == "id" || name == "state");
            }
            if let Some(reason) = failing {
                operation["state"] = json!("failure");
                operation["reason"] = json!(reason);
                operation["message"] = json!("told by the test");
                self.fail_next = None;
            }
        }
        Reply::json(200, without(&self.operations[id].0, &["gone"]))
    }

    fn create(&mut self, kind: &'static str, body: &Value) -> Reply {
        let required: &[&str] = match kind {
            "instance" => &["disk-size", "instance-type", "template"],
            "instance-pool" => &["name", "size", "disk-size", "instance-type", "template"],
            "elastic-ip" => &[],
            _ => &["name"],
        };
        let missing: Vec<Value> = required
            .iter()
            .filter(|field| body[**field].is_null())
            .map(|field| json!({"message": format!("{field} is required")}))
            .collect();
        let order = |field: &str| {
            body[field]
                .as_str()
                .and_then(|text| text.parse::<std::net::Ipv4Addr>().ok())
        };
        if order("start-ip") > order("end-ip") {
            let errors = json!([{"message": "start-ip must be lower than end-ip"}]);
            return Reply::json(400, json!({"message": "Invalid", "errors": errors}));
        }
        if !missing.is_empty() {
            return Reply::json(400, json!({"message": "Invalid", "errors": missing}));
        }
        if kind == "ssh-key" && self.find(kind, body["name"].as_str().unwrap()).is_some() {
            return Reply::json(409, json!({"message": "The key is registered already"}));
        }
        let id = self.make(kind, body);
        self.operation(&id, kind == "ssh-key")
    }

    fn act(&mut self, kind: &'static str, id: &str, verb: &str, body: &Value) -> Reply {
        if self.find(kind, id).is_none() {
            return not_found();
        }
        match verb {
            "scale" => self.scale(id, body["size"].as_u64().unwrap()),
            "attach" => {
                let member = body["instance"]["id"].as_str().unwrap_or("").to_string();
                self.attach(kind, id, &member, body["ip"].as_str());
            }
            "" => {
                let item = self.find(kind, id).unwrap();
                for (name, value) in body.as_object().into_iter().flatten() {
                    item[name] = value.clone();
                }
            }
            _ => return not_found(),
        }
        self.operation(id, false)
    }

    fn remove(&mut self, kind: &'static str, id: &str) -> Reply {
        if self.find(kind, id).is_none() {
            return not_found();
        }
        if kind == "instance-pool" {
            self.scale(id, 0);
        }
        if kind == "instance" {
            for network in self.resources.get_mut("private-network").unwrap() {
                if let Some(leases) = network["leases"].as_array_mut() {
                    leases.retain(|lease| lease["instance-id"] != id);
                }
            }
        }
        let items = self.resources.get_mut(kind).unwrap();
        items.retain(|item| item["id"] != id && !(kind == "ssh-key" && item["name"] == id));
        let reply = self.operation(id, kind == "ssh-key");
        if kind == "anti-affinity-group" {
            let begun: Value = serde_json::from_str(&reply.body).unwrap();
            let operation = self.operations.get_mut(begun["id"].as_str().unwrap());
            if let Some(operation) = operation {
                operation.0["gone"] = json!(true);
            }
        }
        reply
    }

    fn rule(&mut self, request: &Request, group: &str, rest: &[&str]) -> Reply {
        let id = self.new_id();
        let source = request.json()["security-group"]["id"]
            .as_str()
            .map(str::to_string);
        let source = source.and_then(|id| self.find("security-group", &id).map(|item| item["name"].clone()));
        let Some(group_item) = self.find("security-group", group) else {
            return not_found();
        };
        let mut rules = group_item["rules"].as_array().cloned().unwrap_or_default();
        match (request.method.as_str(), rest) {
            ("POST", []) => {
                let mut rule = request.json();
                rule["id"] = json!(id);
                if let Some(name) = source {
                    rule["security-group"]["name"] = name;
                }
                rules.push(rule);
            }
            ("DELETE", [rule]) => rules.retain(|item| item["id"] != *rule),
            _ => return not_found(),
        }
        group_item["rules"] = json!(rules);
        if rules.is_empty() {
            group_item.as_object_mut().unwrap().remove("rules");
        }
        self.operation(group, false)
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
