//! Packet: projects, devices that take a while, addresses, BGP, keys.

use super::boot::Boot;
use super::identifier;
use super::message::{Reply, Request};
use super::server::Handler;
use serde_json::{Map, Value, json};

pub const TOKEN: &str = "packet-token-for-tests";
pub const BASE: &str = "/metal/v1";
/// How often a device is read before it is active.
const READS_TO_ACTIVE: u64 = 2;

pub struct Packet {
    projects: Vec<Value>,
    /// Devices with the number of times they were read.
    devices: Vec<(Value, u64)>,
    reservations: Vec<(String, Value)>,
    keys: Vec<(String, Value)>,
    bgp: Map<String, Value>,
    sessions: Vec<(String, Value)>,
    next: u64,
    /// The most things on a page.
    pub page: usize,
    /// Starts machines behind the devices.
    pub boot: Option<Boot>,
}

impl Packet {
    pub fn new(projects: &[&str]) -> Packet {
        let mut fake = Packet {
            projects: vec![],
            devices: vec![],
            reservations: vec![],
            keys: vec![],
            bgp: Map::new(),
            sessions: vec![],
            next: 1,
            page: 100,
            boot: None,
        };
        for name in projects {
            let id = fake.new_id();
            fake.projects.push(
                json!({"id": id, "name": name, "href": format!("/metal/v1/projects/{id}"),
                "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"}),
            );
        }
        fake
    }

    fn new_id(&mut self) -> String {
        self.next += 1;
        identifier(self.next)
    }

    pub fn project(&self, at: usize) -> String {
        self.projects[at]["id"].as_str().unwrap().into()
    }

    /// Adds a device that is active already.
    pub fn add(&mut self, project: usize, hostname: &str, tags: &[&str]) -> String {
        let project = self.project(project);
        let body = json!({"hostname": hostname, "tags": tags, "plan": "c3.small.x86", "metro": "am",
            "operating_system": "debian_12"});
        let reply = self.create(&project, &body);
        let device: Value = serde_json::from_str(&reply.body).unwrap();
        let last = self.devices.last_mut().unwrap();
        last.1 = READS_TO_ACTIVE;
        advance(last);
        device["id"].as_str().unwrap().into()
    }

    /// Changes a device.
    pub fn change(&mut self, id: &str, change: impl FnOnce(&mut Value)) {
        let found = self.devices.iter_mut().find(|device| device.0["id"] == id);
        change(&mut found.unwrap().0);
    }

    fn create(&mut self, project: &str, body: &Value) -> Reply {
        let mut wrong = vec![];
        for field in ["plan", "operating_system"] {
            if body[field].as_str().is_none_or(str::is_empty) {
                wrong.push(format!("{field} can't be blank"));
            }
        }
        if !["c3.small.x86", "c2.medium.x86"].contains(&body["plan"].as_str().unwrap_or("")) {
            wrong.push("plan is not available in this location".to_string());
        }
        if body["metro"].is_null() == body["facility"].is_null() {
            wrong.push("metro or facility must be given".into());
        }
        if !wrong.is_empty() {
            return Reply::json(422, json!({"errors": wrong}));
        }
        let (id, number) = (self.new_id(), self.devices.len() as u64);
        let named = |id: String, slug: &Value| json!({"id": id, "slug": slug, "name": slug});
        let facility = body["facility"][0].as_str().unwrap_or("ams1").to_string();
        let metro = body["metro"].as_str().unwrap_or("am").to_string();
        let project_name = &self.projects.iter().find(|item| item["id"] == project).unwrap()["name"];
        let device = json!({
            "id": id, "short_id": id[..8], "hostname": body["hostname"], "state": "queued",
            "tags": body.get("tags").cloned().unwrap_or(json!([])),
            "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z",
            "href": format!("/metal/v1/devices/{id}"), "user": "root", "locked": false,
            "billing_cycle": "hourly", "bonding_mode": 5, "always_pxe": false,
            "spot_instance": body["spot_instance"].as_bool().unwrap_or(false),
            "iqn": "iqn.2026-01.net.packet:device.1",
            "project": {"id": project, "name": project_name, "href": format!("/metal/v1/projects/{project}")},
            "plan": named(identifier(900), &body["plan"]),
            "operating_system": named(identifier(901), &body["operating_system"]),
            "facility": {"id": identifier(902), "code": facility, "name": "Amsterdam 1"},
            "metro": {"id": identifier(903), "code": metro, "name": "Amsterdam"},
            "userdata": body["userdata"].as_str().unwrap_or(""),
            "ip_addresses": [], "ssh_keys": [], "volumes": [],
            "provisioning_percentage": 0.0,
            "_addresses": addresses(number, &id),
        });
        let mut device = device;
        if let Some(boot) = &mut self.boot {
            let text = |name: &str| body[name].as_str().unwrap_or("");
            let booted = boot(text("hostname"), text("userdata"));
            let all = device["_addresses"].as_array_mut().unwrap();
            all.remove(1);
            all[0]["address"] = json!(booted.public);
            all[1]["address"] = json!(booted.private);
        }
        self.devices.push((device.clone(), 0));
        if !self.reservations.iter().any(|(owner, _)| owner == project) {
            let id = self.new_id();
            self.reservations.push((project.into(), json!({"id": id, "type": "private_ipv4",
                "address": "10.80.0.0", "network": "10.80.0.0", "cidr": 25, "address_family": 4, "public": false,
                "management": true, "state": "created", "tags": [], "href": format!("/metal/v1/ips/{id}"),
                "metro": {"id": identifier(903), "code": "am", "name": "Amsterdam"}})));
        }
        Reply::json(201, shown(&device))
    }

    fn list(&self, request: &Request, name: &str, items: Vec<Value>) -> Reply {
        let number = |name: &str| {
            request
                .parameter(name)
                .and_then(|text| text.parse::<usize>().ok())
        };
        let size = number("per_page").unwrap_or(10).min(self.page).max(1);
        let page = number("page").unwrap_or(1);
        let (total, last) = (items.len(), items.len().div_ceil(size).max(1));
        let shown: Vec<Value> = items.into_iter().skip((page - 1) * size).take(size).collect();
        let link = |page: usize| json!({"href": format!("{}?page={page}", request.path)});
        let mut meta = json!({"first": link(1), "last": link(last), "self": link(page), "total": total,
            "current_page": page, "last_page": last});
        if page < last {
            meta["next"] = link(page + 1);
        }
        Reply::json(200, json!({name: shown, "meta": meta}))
    }

    fn device_reply(&mut self, method: &str, id: &str, request: &Request) -> Reply {
        let Some(at) = self.devices.iter().position(|device| device.0["id"] == id) else {
            return Reply::json(404, json!({"errors": ["Not found"]}));
        };
        match method {
            "DELETE" if self.devices[at].0["locked"] == true => {
                Reply::json(422, json!({"errors": ["Cannot delete a locked item"]}))
            }
            "DELETE" => {
                self.devices.remove(at);
                Reply::empty(204)
            }
            "PUT" => {
                for (name, value) in request.json().as_object().into_iter().flatten() {
                    self.devices[at].0[name] = value.clone();
                }
                Reply::json(200, shown(&self.devices[at].0))
            }
            _ => {
                advance(&mut self.devices[at]);
                Reply::json(200, shown(&self.devices[at].0))
            }
        }
    }

    fn project_reply(&mut self, request: &Request, project: &str, rest: &[&str]) -> Reply {
        if !self.projects.iter().any(|item| item["id"] == project) {
            return Reply::json(404, json!({"error": "Not found"}));
        }
        match (request.method.as_str(), rest) {
            ("POST", ["devices"]) => self.create(project, &request.json()),
            ("GET", ["devices"]) => {
                let tag = request.parameter("tag").map(str::to_string);
                let mut found = vec![];
                for device in &mut self.devices {
                    let tagged = tag
                        .as_ref()
                        .is_none_or(|tag| device.0["tags"].as_array().unwrap().contains(&json!(tag)));
                    if device.0["project"]["id"] == project && tagged {
                        advance(device);
                        found.push(shown(&device.0));
                    }
                }
                self.list(request, "devices", found)
            }
            ("GET", ["ips"]) => {
                let kinds: Vec<&String> = request
                    .query
                    .iter()
                    .filter(|pair| pair.0 == "types")
                    .map(|pair| &pair.1)
                    .collect();
                let fits = |item: &Value| kinds.is_empty() || kinds.iter().any(|kind| item["type"] == **kind);
                let items = self
                    .reservations
                    .iter()
                    .filter(|(owner, item)| owner == project && fits(item));
                self.list(
                    request,
                    "ip_addresses",
                    items.map(|pair| pair.1.clone()).collect(),
                )
            }
            ("POST", ["ips"]) => {
                let (id, body) = (self.new_id(), request.json());
                let item = json!({"id": id, "type": body["type"], "address": "192.0.2.250", "network": "192.0.2.250",
                    "cidr": 32, "address_family": 4, "public": true, "global_ip": true, "state": "created",
                    "tags": body["tags"], "href": format!("/metal/v1/ips/{id}")});
                self.reservations.push((project.into(), item.clone()));
                Reply::json(201, item)
            }
            ("GET", ["ssh-keys"]) => {
                let own = self.keys.iter().filter(|(owner, _)| owner == project);
                let own: Vec<&Value> = own.map(|pair| &pair.1).collect();
                Reply::json(200, json!({"ssh_keys": own}))
            }
            ("POST", ["ssh-keys"]) => {
                let (id, body) = (self.new_id(), request.json());
                let item = json!({"id": id, "label": body["label"], "key": body["key"], "fingerprint": "00"});
                self.keys.push((project.into(), item.clone()));
                Reply::json(201, item)
            }
            ("GET", ["bgp-config"]) => Reply::json(200, self.bgp.get(project).cloned().unwrap_or(json!({}))),
            ("POST", ["bgp-configs"]) => {
                let mut config = request.json();
                config["id"] = json!(self.new_id());
                self.bgp.insert(project.into(), config);
                Reply::empty(204)
            }
            _ => Reply::json(404, json!({"errors": ["Not found"]})),
        }
    }

    fn device_part(&mut self, request: &Request, device: &str, rest: &[&str]) -> Reply {
        match (request.method.as_str(), rest) {
            ("POST", ["actions"]) => Reply::empty(202),
            ("GET", ["bgp", "sessions"]) => {
                let own = self.sessions.iter().filter(|(owner, _)| owner == device);
                let own: Vec<&Value> = own.map(|pair| &pair.1).collect();
                Reply::json(200, json!({"bgp_sessions": own}))
            }
            ("POST", ["bgp", "sessions"]) => {
                let mut item = request.json();
                item["id"] = json!(self.new_id());
                item["status"] = json!("unknown");
                self.sessions.push((device.into(), item.clone()));
                Reply::json(201, item)
            }
            ("GET", ["bgp", "neighbors"]) => Reply::json(
                200,
                json!({"bgp_neighbors": [{"address_family": 4, "customer_as": 65000, "customer_ip": "10.80.0.1",
                    "md5_enabled": false, "multihop": true, "peer_as": 65530,
                    "peer_ips": ["169.254.255.1", "169.254.255.2"]}]}),
            ),
            ("POST", ["ips"]) => {
                let text = request.json()["address"].as_str().unwrap_or("").to_string();
                let (address, cidr) = text.split_once('/').unwrap_or((&text, "32"));
                let item = json!({"id": self.new_id(), "address": address, "cidr": cidr.parse::<u8>().unwrap(),
                    "address_family": 4, "public": true, "management": false});
                Reply::json(201, item)
            }
            _ => Reply::json(404, json!({"errors": ["Not found"]})),
        }
    }
}

impl Handler for Packet {
    fn handle(&mut self, request: &Request) -> Reply {
        if request.header("x-auth-token") != TOKEN {
            return Reply::json(401, json!({"error": "Invalid authentication token"}));
        }
        let segments = request.segments(BASE);
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["projects"] => {
                let all = self.projects.clone();
                self.list(request, "projects", all)
            }
            ["projects", id, rest @ ..] => self.project_reply(request, id, rest),
            ["devices", id] => self.device_reply(&request.method.clone(), id, request),
            ["devices", id, rest @ ..] => self.device_part(request, id, rest),
            ["ssh-keys", id] => {
                let before = self.keys.len();
                self.keys.retain(|(_, item)| item["id"] != *id);
                match before == self.keys.len() {
                    true => Reply::json(404, json!({"errors": ["Not found"]})),
                    false => Reply::empty(204),
                }
            }
            ["ips", id] => {
                let before = self.reservations.len();
                self.reservations.retain(|(_, item)| item["id"] != *id);
                match before == self.reservations.len() {
                    true => Reply::json(404, json!({"errors": ["Not found"]})),
                    false => Reply::empty(204),
                }
            }
            _ => Reply::json(404, json!({"errors": ["Not found"]})),
        }
    }
}

/// One read later: queued, provisioning, then active with addresses.
fn advance(device: &mut (Value, u64)) {
    device.1 += 1;
    let state = match device.1 {
        0..READS_TO_ACTIVE => "provisioning",
        _ => "active",
    };
    if ["queued", "provisioning"].contains(&device.0["state"].as_str().unwrap_or("")) {
        device.0["state"] = json!(state);
        if state == "active" {
            device.0["ip_addresses"] = device.0["_addresses"].clone();
        }
    }
}

fn shown(device: &Value) -> Value {
    let mut device = device.clone();
    device.as_object_mut().unwrap().remove("_addresses");
    device
}

fn addresses(number: u64, device: &str) -> Value {
    let address = |family: u8, public: bool, text: String, cidr: u8, gateway: String| {
        json!({"id": identifier(5000 + number), "address": text, "address_family": family, "public": public,
            "management": true, "cidr": cidr, "gateway": gateway, "enabled": true, "manageable": true,
            "global_ip": false, "href": "/metal/v1/ips/1", "created_at": "2026-01-02T03:04:05Z",
            "network": gateway, "netmask": "255.255.255.254",
            "assigned_to": {"href": format!("/metal/v1/devices/{device}")}, "parent_block": {"network": "10.80.0.0", "cidr": 25, "netmask": "255.255.255.128",
            "href": "/metal/v1/ips/1"}})
    };
    let low = 2 * number;
    json!([
        address(
            4,
            true,
            format!("198.51.100.{}", low + 1),
            31,
            format!("198.51.100.{low}")
        ),
        address(
            6,
            true,
            format!("2001:db8::{:x}", low + 1),
            127,
            format!("2001:db8::{low:x}")
        ),
        address(
            4,
            false,
            format!("10.80.0.{}", low + 1),
            31,
            format!("10.80.0.{low}")
        ),
    ])
}
