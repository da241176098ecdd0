//! Proxmox: nodes, templates, clones made by tasks, an agent that needs a while.

use super::boot::{Boot, new_host_key};
use super::message::{Reply, Request};
use super::server::Handler;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub const USER: &str = "root@pam";
pub const TOKEN_ID: &str = "vent";
pub const SECRET: &str = "11111111-2222-4333-8444-555555555555";
pub const BASE: &str = "/api2/json";
/// How often a task is asked for before it ends.
const POLLS: u32 = 2;

pub struct Guest {
    pub node: String,
    pub kind: &'static str,
    pub pool: String,
    pub config: Map<String, Value>,
    pub running: bool,
    /// How often the agent was asked since the start.
    asked: u32,
    /// The address and the host key of the machine behind it.
    behind: Option<(String, String)>,
    /// What it will be when its clone has ended; until then it is locked and has no name.
    cloned: Option<Map<String, Value>>,
}

#[derive(Default)]
pub struct Proxmox {
    pub guests: BTreeMap<u64, Guest>,
    tasks: BTreeMap<String, u32>,
    /// How many clones still meet a lock.
    pub locks: u32,
    /// The end of the next tasks, if it is not good.
    pub fail_next: Option<String>,
    /// Starts machines; they make their host keys themselves.
    pub boot: Option<Boot>,
    /// Tasks end at once.
    pub hurries: bool,
    /// How often a task is asked for before it ends, if not as often as usual.
    pub polls: Option<u32>,
    /// The firewall of the datacenter is off.
    pub unguarded: bool,
    /// The firewall of guests: rules and options.
    firewall: BTreeMap<u64, (Vec<Value>, Value)>,
}

impl Proxmox {
    /// Adds a guest; `template` makes it one that is only cloned.
    pub fn add(&mut self, vmid: u64, name: &str, kind: &'static str, template: bool, tags: &str) {
        let name_field = if kind == "lxc" { "hostname" } else { "name" };
        let mut config = json!({name_field: name, "cores": 2, "memory": "4096", "digest": "d",
            "net0": format!("virtio=BC:24:11:00:00:{vmid:02X},bridge=vmbr0"),
            "ipconfig0": format!("ip=10.0.10.{vmid}/24,gw=10.0.10.1")});
        if template {
            config["template"] = json!(1);
        }
        if !tags.is_empty() {
            config["tags"] = json!(tags);
        }
        let guest = Guest {
            node: "pve1".into(),
            kind,
            pool: String::new(),
            config: config.as_object().unwrap().clone(),
            running: !template,
            asked: 1,
            behind: None,
            cloned: None,
        };
        self.guests.insert(vmid, guest);
    }

    fn task(&mut self, node: &str, kind: &str, vmid: u64) -> Reply {
        let upid = format!(
            "UPID:{node}:{:08X}:00000001:67890ABC:{kind}:{vmid}:{USER}!{TOKEN_ID}:",
            self.tasks.len() + 1
        );
        self.tasks.insert(upid.clone(), 0);
        data(json!(upid))
    }

    fn task_reply(&mut self, upid: &str, rest: &str) -> Reply {
        let Some(polls) = self.tasks.get_mut(upid) else {
            return refuse(500, "no such task");
        };
        if rest == "log" {
            return data(json!([{"n": 1, "t": "starting"}, {"n": 2, "t": "TASK ERROR: told by the test"}]));
        }
        *polls += 1;
        if *polls < self.polls.unwrap_or(POLLS) && !self.hurries {
            return data(json!({"status": "running", "upid": upid}));
        }
        let vmid = upid.split(':').nth(6).and_then(|text| text.parse::<u64>().ok());
        if let Some(guest) = vmid.and_then(|vmid| self.guests.get_mut(&vmid))
            && let Some(config) = guest.cloned.take()
        {
            guest.config = config;
        }
        let end = self.fail_next.take().unwrap_or("OK".into());
        data(json!({"status": "stopped", "exitstatus": end, "upid": upid}))
    }

    /// The tasks that have not ended.
    fn active(&self, node: &str) -> Reply {
        let polls = self.polls.unwrap_or(POLLS);
        let start = format!("UPID:{node}:");
        let open = self
            .tasks
            .iter()
            .filter(|(upid, asked)| **asked < polls && !self.hurries && upid.starts_with(&start));
        let told = open.map(|(upid, _)| {
            let part = |at: usize| upid.split(':').nth(at).unwrap_or_default();
            json!({"upid": upid, "node": node, "type": part(5), "id": part(6), "user": part(7), "starttime": 1})
        });
        data(told.filter(|task| task["type"] == "qmclone").collect())
    }

    fn resources(&self) -> Reply {
        let list = self.guests.iter().map(|(vmid, guest)| {
            let name = guest.config.get("name").or(guest.config.get("hostname"));
            let mut item = json!({"id": format!("{}/{vmid}", guest.kind), "vmid": vmid, "type": guest.kind,
                "node": guest.node, "name": name, "status": state(guest), "maxcpu": 2, "maxmem": 4294967296u64,
                "template": guest.config.get("template").cloned().unwrap_or(json!(0))});
            if let Some(tags) = guest.config.get("tags") {
                item["tags"] = tags.clone();
            }
            if !guest.pool.is_empty() {
                item["pool"] = json!(guest.pool);
            }
            item
        });
        data(list.collect())
    }

    /// The lists of one node, as older clients ask for them.
    fn of_node(&self, node: &str, kind: &str) -> Reply {
        let guests = self
            .guests
            .iter()
            .filter(|(_, guest)| guest.node == node && guest.kind == kind);
        let list = guests.map(|(vmid, guest)| {
            json!({"vmid": vmid, "name": guest.config.get("name").or(guest.config.get("hostname")),
                "status": state(guest), "template": guest.config.get("template").cloned().unwrap_or(json!("")),
                "tags": guest.config.get("tags").cloned().unwrap_or(json!(""))})
        });
        data(list.collect())
    }

    fn members(&self, pool: &str) -> Vec<Value> {
        let members = self.guests.iter().filter(|(_, guest)| guest.pool == pool);
        let told = members.map(|(vmid, guest)| {
            json!({"vmid": vmid, "type": guest.kind, "node": guest.node,
                "name": guest.config.get("name").or(guest.config.get("hostname"))})
        });
        told.collect()
    }

    fn clone_guest(&mut self, vmid: u64, form: &BTreeMap<String, String>) -> Reply {
        if self.locks > 0 {
            self.locks -= 1;
            return refuse(
                500,
                &format!("can't lock file '/var/lock/qemu-server/lock-{vmid}.conf' - got timeout"),
            );
        }
        let Some(newid) = form.get("newid").and_then(|text| text.parse::<u64>().ok()) else {
            return wrong("newid", "property is missing and it is not optional");
        };
        if self.guests.contains_key(&newid) {
            return refuse(
                500,
                &format!("unable to create VM {newid}: config file already exists"),
            );
        }
        let source = &self.guests[&vmid];
        let mut config = source.config.clone();
        config.remove("template");
        config.insert(
            "name".into(),
            json!(form.get("name").cloned().unwrap_or_default()),
        );
        if let Some(text) = form.get("description") {
            config.insert("description".into(), json!(text));
        }
        config.insert(
            "net0".into(),
            json!(format!("virtio=BC:24:11:00:00:{newid:02X},bridge=vmbr0")),
        );
        let guest = Guest {
            node: form.get("target").cloned().unwrap_or(source.node.clone()),
            kind: "qemu",
            pool: form.get("pool").cloned().unwrap_or_default(),
            config,
            running: false,
            asked: 0,
            behind: None,
            cloned: None,
        };
        let mut guest = guest;
        if !self.hurries {
            let locked = Map::from_iter([("lock".to_string(), json!("clone"))]);
            guest.cloned = Some(std::mem::replace(&mut guest.config, locked));
        }
        let node = source.node.clone();
        self.guests.insert(newid, guest);
        self.task(&node, "qmclone", newid)
    }

    fn configure(&mut self, node: &str, vmid: u64, form: BTreeMap<String, String>) -> Reply {
        if let Some(keys) = form.get("sshkeys") {
            let plain = percent_decode_str(keys).decode_utf8_lossy();
            if keys.contains([' ', '+', '/', '=']) || !plain.starts_with("ssh-") {
                return wrong("sshkeys", "invalid format - invalid urlencoded string");
            }
        }
        let guest = self.guests.get_mut(&vmid).unwrap();
        let card = guest.config["net0"].clone();
        guest
            .config
            .extend(form.into_iter().map(|(name, value)| (name, json!(value))));
        // The card keeps its address on the wire.
        guest.config.insert("net0".into(), card);
        self.task(node, "qmconfig", vmid)
    }

    /// Starts or stops a guest, and the machine behind it.
    fn power(&mut self, vmid: u64, action: &str) {
        let guest = self.guests.get_mut(&vmid).unwrap();
        guest.running = action == "start";
        guest.asked = 0;
        if let (true, None, Some(boot)) = (guest.running, &guest.behind, &mut self.boot) {
            let (private, public) = new_host_key();
            let keys = guest.config.get("sshkeys").and_then(Value::as_str).unwrap_or("");
            let keys = percent_decode_str(keys).decode_utf8_lossy();
            let keys: Vec<&str> = keys.lines().collect();
            let data = json!({"ssh_keys": {"ed25519_private": private}, "ssh_authorized_keys": keys});
            let data = format!("#cloud-config\n{data}\n");
            let booted = boot(guest.config["name"].as_str().unwrap(), &data);
            guest.behind = Some((booted.public, public));
        }
    }

    fn firewall(&mut self, request: &Request, vmid: u64, part: &str) -> Reply {
        let (rules, options) = self.firewall.entry(vmid).or_insert((vec![], json!({})));
        match (request.method.as_str(), part) {
            ("GET", "rules") => data(json!(rules)),
            ("POST", "rules") => {
                rules.push(json!(request.form()));
                data(Value::Null)
            }
            ("GET", "options") => data(options.clone()),
            ("PUT", "options") => {
                *options = json!(request.form());
                data(Value::Null)
            }
            _ => refuse(501, "Method not implemented"),
        }
    }

    fn agent(&mut self, vmid: u64) -> Reply {
        let guest = self.guests.get_mut(&vmid).unwrap();
        if !guest.running || guest.asked == 0 {
            guest.asked += 1;
            return refuse(500, "QEMU guest agent is not running");
        }
        let interface = |name: &str, mac: &str, address: String, prefix: u8| {
            json!({"name": name, "hardware-address": mac, "ip-addresses": [
                {"ip-address": address, "ip-address-type": "ipv4", "prefix": prefix}]})
        };
        let mac = format!("bc:24:11:00:00:{vmid:02x}");
        let address = match &guest.behind {
            Some((address, _)) => address.clone(),
            None => format!("10.0.10.{vmid}"),
        };
        data(json!({"result": [
            interface("lo", "00:00:00:00:00:00", "127.0.0.1".into(), 8),
            interface("eth0", &mac, address, 24),
            interface("cni0", "fe:00:00:00:00:01", "10.200.0.1".into(), 24),
        ]}))
    }

    fn guest(&mut self, request: &Request, node: &str, vmid: u64, rest: &[&str]) -> Reply {
        if self.guests.get(&vmid).is_none_or(|guest| guest.node != node) {
            return refuse(
                500,
                &format!("Configuration file 'nodes/{node}/qemu-server/{vmid}.conf' does not exist"),
            );
        }
        match (request.method.as_str(), rest) {
            ("GET", ["config"]) => data(Value::Object(self.guests[&vmid].config.clone())),
            ("POST" | "PUT", ["config"]) => self.configure(node, vmid, request.form()),
            ("GET", ["status", "current"]) => {
                let guest = &self.guests[&vmid];
                data(json!({"status": state(guest), "vmid": vmid, "qmpstatus": state(guest)}))
            }
            ("POST", ["status", action]) => {
                self.power(vmid, action);
                self.task(node, "qmstart", vmid)
            }
            ("GET", ["agent", "file-read"]) => match &self.guests[&vmid].behind {
                Some((_, key)) if self.guests[&vmid].asked > 0 => {
                    data(json!({"content": format!("{key} root@x\n"), "bytes-read": key.len()}))
                }
                _ => refuse(500, "QEMU guest agent is not running"),
            },
            (_, ["firewall", part]) => self.firewall(request, vmid, part),
            ("GET", ["snapshot"]) => data(json!([{"name": "current", "description": "You are here!"}])),
            ("GET", ["agent", "network-get-interfaces"]) => self.agent(vmid),
            ("GET", ["interfaces"]) => data(json!([{"name": "eth0", "hwaddr": "bc:24:11:00:00:01",
                "inet": format!("10.0.10.{vmid}/24")}])),
            ("POST", ["clone"]) => self.clone_guest(vmid, &request.form()),
            ("PUT", ["resize"]) => {
                let form = request.form();
                let text = format!("local:vm-{vmid}-disk-0,size={}", form["size"]);
                self.guests
                    .get_mut(&vmid)
                    .unwrap()
                    .config
                    .insert(form["disk"].clone(), json!(text));
                self.task(node, "resize", vmid)
            }
            ("DELETE", []) if self.guests[&vmid].running => {
                refuse(500, &format!("VM {vmid} is running - destroy failed"))
            }
            ("DELETE", []) => {
                self.guests.remove(&vmid);
                self.firewall.remove(&vmid);
                self.task(node, "qmdestroy", vmid)
            }
            _ => refuse(501, "Method not implemented"),
        }
    }
}

fn state(guest: &Guest) -> &'static str {
    if guest.running { "running" } else { "stopped" }
}

fn data(value: Value) -> Reply {
    Reply::json(200, json!({"data": value})).reason("OK")
}

/// As servers before 2025 refuse: the text is the reason phrase only.
fn refuse(status: u16, text: &str) -> Reply {
    Reply::json(status, json!({"data": null})).reason(text)
}

fn wrong(field: &str, text: &str) -> Reply {
    Reply::json(400, json!({"data": null, "errors": {field: text}})).reason("Parameter verification failed.")
}

impl Handler for Proxmox {
    fn handle(&mut self, request: &Request) -> Reply {
        let wanted = format!("PVEAPIToken={USER}!{TOKEN_ID}={SECRET}");
        if request.header("authorization") != wanted {
            return refuse(401, "authentication failure");
        }
        let segments = request.segments(BASE);
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["version"] => data(json!({"version": "9.1.3", "release": "9.1", "repoid": "x"})),
            ["nodes"] => data(json!([{"node": "pve1", "status": "online", "type": "node"},
                {"node": "pve2", "status": "offline", "type": "node"}])),
            ["cluster", "status"] => {
                data(json!([{"type": "node", "name": "pve1", "ip": "192.0.2.11", "online": 1}]))
            }
            ["cluster", "resources"] => self.resources(),
            ["cluster", "nextid"] => data(json!("200")),
            ["pools"] => {
                let Some(pool) = request.parameter("poolid") else {
                    return data(json!([{"poolid": "lab"}]));
                };
                data(json!([{"poolid": pool, "members": self.members(pool)}]))
            }
            ["pools", pool] => data(json!({"members": self.members(pool)})),
            ["cluster", "firewall", "options"] => data(json!({"enable": u8::from(!self.unguarded)})),
            ["nodes", node, "tasks"] => self.active(node),
            ["nodes", _, "tasks", upid, rest] => self.task_reply(upid, rest),
            ["nodes", node, kind @ ("qemu" | "lxc")] => self.of_node(node, kind),
            ["nodes", _, "network"] => data(json!([])),
            ["nodes", node, "qemu" | "lxc", vmid, rest @ ..] => match vmid.parse() {
                Ok(vmid) => self.guest(request, node, vmid, rest),
                Err(_) => wrong("vmid", "type check ('integer') failed"),
            },
            _ => refuse(501, "Method not implemented"),
        }
    }
}
