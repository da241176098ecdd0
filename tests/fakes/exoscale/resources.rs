//! What is made, changed, attached and removed, and what follows from it.

use super::{Exoscale, not_found};
use crate::fakes::identifier;
use crate::fakes::message::{Reply, Request};
use base64::Engine;
use serde_json::{Value, json};

impl Exoscale {
    pub(super) fn new_id(&mut self) -> String {
        self.next += 1;
        identifier(self.next)
    }

    pub(super) fn find(&mut self, kind: &str, id: &str) -> Option<&mut Value> {
        let items = self.resources.get_mut(kind)?;
        items
            .iter_mut()
            .find(|item| item["id"] == id || (kind == "ssh-key" && item["name"] == id))
    }

    pub(super) fn catalogued(&self, kind: &str, list: &str, id: &Value) -> Value {
        let items = self.catalogue[kind][list].as_array().unwrap();
        items
            .iter()
            .find(|item| item["id"] == *id)
            .cloned()
            .unwrap_or(Value::Null)
    }

    pub(super) fn make(&mut self, kind: &'static str, body: &Value) -> String {
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
    pub(super) fn start(&mut self, item: &mut Value) {
        let Some(boot) = &mut self.boot else { return };
        let text = item["user-data"].as_str().unwrap_or("");
        let data = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
        let booted = boot(item["name"].as_str().unwrap(), &String::from_utf8(data).unwrap());
        item["public-ip"] = json!(booted.public);
        item["_private"] = json!(booted.private);
    }

    pub(super) fn scale(&mut self, pool: &str, size: u64) {
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

    /// Removes the named instances of a pool.
    fn evict(&mut self, pool: &str, gone: &[Value]) {
        let pool = self.find("instance-pool", pool).unwrap();
        let members = pool["instances"].as_array().unwrap();
        let left = members.iter().filter(|member| !gone.contains(&member["id"]));
        let left: Vec<Value> = left.cloned().collect();
        pool["size"] = json!(left.len());
        pool["instances"] = json!(left);
        let instances = self.resources.get_mut("instance").unwrap();
        instances.retain(|item| !gone.contains(&item["id"]));
    }

    pub(super) fn attach(&mut self, kind: &str, id: &str, instance: &str, ip: Option<&str>) {
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

    /// Adds a service to a load balancer.
    pub(super) fn service(&mut self, request: &Request, balancer: &str) -> Reply {
        let id = self.new_id();
        let mut service = request.json();
        service["id"] = json!(id);
        let Some(item) = self.find("load-balancer", balancer) else {
            return not_found();
        };
        item["services"].as_array_mut().unwrap().push(service);
        self.operation(balancer, false)
    }

    pub(super) fn create(&mut self, kind: &'static str, body: &Value) -> Reply {
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

    pub(super) fn act(&mut self, kind: &'static str, id: &str, verb: &str, body: &Value) -> Reply {
        if self.find(kind, id).is_none() {
            return not_found();
        }
        match verb {
            "scale" => self.scale(id, body["size"].as_u64().unwrap()),
            "evict" => self.evict(id, body["instances"].as_array().unwrap()),
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

    pub(super) fn remove(&mut self, kind: &'static str, id: &str) -> Reply {
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

    pub(super) fn rule(&mut self, request: &Request, group: &str, rest: &[&str]) -> Reply {
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
}
