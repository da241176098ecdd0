//! Inventories out of the stand-ins, through the plugin files that a user writes.

use crate::fakes::exoscale::{self, Exoscale};
use crate::fakes::packet::{self, Packet};
use crate::fakes::proxmox::{self, Proxmox};
use crate::fakes::server::FaultKind;
use crate::fakes::specification::Specification;
use crate::fakes::{Reply, Server};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use vent::inventory::Inventory;
use vent::model::load::SearchPaths;
use vent::model::{Known, Loader};
use vent::vault::Vault;

pub struct Project {
    folder: TempDir,
    path: PathBuf,
}

impl Project {
    pub fn new(text: &str) -> Project {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cloud.yml");
        std::fs::write(&path, text).unwrap();
        Project { folder, path }
    }

    pub fn load(&self) -> Result<Inventory, String> {
        let known = Known {
            modules: &[],
            lookups: vec![],
        };
        let loader = Loader::new(Vault::default(), known, SearchPaths::default());
        let sources = [self.path.display().to_string()];
        Inventory::load(&sources, &loader, None).map_err(|errors| errors.to_string())
    }

    pub fn list(&self) -> Value {
        Value::from(&self.load().unwrap().view().list())
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

pub fn hosts(list: &Value, group: &str) -> Vec<String> {
    let names = list[group]["hosts"].as_array().cloned().unwrap_or_default();
    names
        .iter()
        .map(|name| name.as_str().unwrap().to_string())
        .collect()
}

pub fn packet_server() -> Server {
    let mut fake = Packet::new(&["Cluster One", "other"]);
    let controller = fake.add(0, "controller-0", &["controller", "rack-1"]);
    fake.add(0, "worker-0", &["worker"]);
    fake.add(1, "lonely", &[]);
    let deprovisioning = fake.add(0, "gone", &["worker"]);
    fake.change(&deprovisioning, |device| {
        device["state"] = json!("deprovisioning")
    });
    fake.change(&controller, |device| device["spot_price_max"] = json!(0.3));
    Server::start(fake, Some(Specification::packet()))
}

pub fn packet_options(server: &Server, more: &str) -> String {
    format!(
        "plugin: packet\ntoken: {}\nurl: {}\n{more}",
        packet::TOKEN,
        server.url(packet::BASE)
    )
}

#[test]
fn packets_devices_have_the_groups_of_the_script_and_of_the_playbooks() {
    let server = packet_server();
    let list = Project::new(&packet_options(&server, "")).list();
    assert_eq!(hosts(&list, "controllers"), ["controller-0"]);
    assert_eq!(hosts(&list, "workers"), ["worker-0"]);
    assert_eq!(hosts(&list, "etcd"), ["controller-0"]);
    assert_eq!(hosts(&list, "tag_rack_1"), ["controller-0"]);
    assert_eq!(hosts(&list, "tag_none"), ["lonely"]);
    assert_eq!(hosts(&list, "Cluster One"), ["controller-0", "worker-0"]);
    assert_eq!(hosts(&list, "debian_12"), ["controller-0", "worker-0", "lonely"]);
    assert_eq!(hosts(&list, "packet").len(), 3);
    let host = &list["_meta"]["hostvars"]["controller-0"];
    assert_eq!(host["ansible_host"], "198.51.100.1");
    assert_eq!(host["public_ipv4"], "198.51.100.1");
    assert_eq!(host["private_ipv4"], "10.80.0.1");
    assert!(
        host["provider_id"]
            .as_str()
            .unwrap()
            .starts_with("equinixmetal://1000")
    );
    assert_eq!(host["packet_plan"], "c3.small.x86");
    assert_eq!(host["packet_facility"], "ams1");
    assert_eq!(host["packet_tag_rack_1"], "rack-1");
    assert_eq!(host["packet_description"], "");
    assert_eq!(host["packet"]["metro"]["code"], "am");
    assert!(host.get("packet_ip_addresses").is_none());
    assert!(host.get("packet_spot_price_max").is_none());
}

#[test]
fn projects_states_and_names_are_chosen() {
    let server = packet_server();
    let more = "projects: [Cluster One]\ndevice_states: [active, deprovisioning]\nhost_names: address\n\
        pattern_exclude: worker\nnested_groups: true\n";
    let list = Project::new(&packet_options(&server, more)).list();
    assert_eq!(hosts(&list, "packet"), ["198.51.100.1", "198.51.100.7"]);
    assert_eq!(hosts(&list, "controller-0"), ["198.51.100.1"]);
    assert_eq!(list["projects"]["children"], json!(["Cluster One"]));
    assert_eq!(list["plans"]["children"], json!(["c3.small.x86"]));
}

#[test]
fn a_host_with_ipv6_only_is_reached_by_it() {
    let mut fake = Packet::new(&["one"]);
    let id = fake.add(0, "six", &["worker"]);
    fake.change(&id, |device| {
        let addresses = device["ip_addresses"].as_array_mut().unwrap();
        addresses.retain(|address| address["address_family"] == 6);
    });
    let server = Server::start(fake, Some(Specification::packet()));
    let list = Project::new(&packet_options(&server, "")).list();
    let host = &list["_meta"]["hostvars"]["six"];
    assert_eq!(host["ansible_host"], "2001:db8::1");
    assert!(host.get("public_ipv4").is_none());
}

#[test]
fn answers_are_kept_if_the_file_asks_for_it() {
    let server = packet_server();
    let project = Project::new("");
    let more = format!(
        "cache: true\ncache_timeout: 60\ncache_connection: {}/kept\n",
        project.folder().display()
    );
    std::fs::write(&project.path, packet_options(&server, &more)).unwrap();
    let first = project.list();
    let calls = server.log().len();
    assert!(calls > 0);
    assert_eq!(project.list(), first);
    assert_eq!(server.log().len(), calls);
}

#[test]
fn wrong_options_are_told_with_their_places() {
    let server = packet_server();
    let text = Project::new(&packet_options(&server, "project: [a]\n"))
        .load()
        .unwrap_err();
    assert!(
        text.contains("`project` is not an option of this inventory"),
        "{text}"
    );
    assert!(text.contains("did you mean `projects`?"), "{text}");
    assert!(
        text.contains("cloud.yml:4:1") || text.contains("cloud.yml:4:10"),
        "{text}"
    );
    let text = Project::new("plugin: packet\ntoken: wrong-token-value\nurl: http://192.0.2.1\n")
        .load()
        .unwrap_err();
    assert!(text.contains("clear text"), "{text}");
    let wrong = packet_options(&server, "").replace(packet::TOKEN, "wrong-token-value");
    let text = Project::new(&wrong).load().unwrap_err();
    assert!(
        text.contains("401 Unauthorized") && text.contains("METAL_AUTH_TOKEN"),
        "{text}"
    );
    assert!(text.contains("the token was not accepted"), "{text}");
}

#[test]
fn a_service_that_is_slow_is_waited_for() {
    let server = packet_server();
    let busy = Reply::json(429, json!({"error": "slow down"})).header("Retry-After", "1");
    server.fault("GET", "/projects", 1, FaultKind::Answer(busy));
    let list = Project::new(&packet_options(&server, "")).list();
    assert_eq!(hosts(&list, "packet").len(), 3);
}

pub fn exoscale_fake() -> Exoscale {
    let mut fake = Exoscale::default();
    let controller = fake.add("controller-0", json!({"role": "controller", "env": "prod"}));
    let worker = fake.add("worker-0", json!({"role": "worker"}));
    fake.add("worker-0", json!({"role": "worker"}));
    fake.change("instance", &worker, |instance| {
        instance["ipv6-address"] = json!("2001:db8::9")
    });
    fake.add_network("back end", &[&controller, &worker]);
    fake
}

pub fn exoscale_options(server: &Server, more: &str) -> String {
    format!(
        "plugin: exoscale\napi_key: {}\napi_secret: {}\napi_url: {}\n{more}",
        exoscale::KEY,
        exoscale::SECRET,
        server.url("/{zone}")
    )
}

#[test]
fn exoscales_instances_have_zones_labels_networks_and_roles() {
    let server = Server::start(exoscale_fake(), Some(Specification::exoscale()));
    let more = "zones: [ch-gva-2]\nkeyed_groups:\n- key: exoscale_labels.env\n  prefix: env\ncompose:\n  \
                ansible_user: \"'root'\"\n";
    let text = exoscale_options(&server, more);
    let list = Project::new(&text).list();
    assert_eq!(hosts(&list, "controllers"), ["controller-0"]);
    assert_eq!(hosts(&list, "workers"), ["worker-0", "worker-0-ch-gva-2"]);
    assert_eq!(hosts(&list, "env_prod"), ["controller-0"]);
    assert_eq!(hosts(&list, "exo_zone_ch_gva_2").len(), 3);
    assert_eq!(hosts(&list, "exo_label_env_prod"), ["controller-0"]);
    assert_eq!(hosts(&list, "exo_private_network_back_end").len(), 2);
    assert_eq!(hosts(&list, "exo_type_standard_medium").len(), 3);
    let host = &list["_meta"]["hostvars"]["controller-0"];
    assert_eq!(host["private_ipv4"], "10.0.0.10");
    assert_eq!(host["ansible_user"], "root");
    assert_eq!(host["exoscale_address_source"], "public_ipv4");
    assert_eq!(
        host["provider_id"],
        format!("exoscale://{}", host["exoscale_id"].as_str().unwrap())
    );
    assert_eq!(host["exoscale_private_networks"][0]["name"], "back end");
    assert_eq!(host["exoscale_instance"]["ssh_key"], "me");
}

#[test]
fn all_zones_are_asked_side_by_side() {
    let fake = Exoscale::default();
    let server = Server::start(fake, None);
    let text =
        exoscale_options(&server, "").replace("plugin: exoscale", "plugin: stephrobert.exoscale.compute");
    Project::new(&text).list();
    assert_eq!(server.count("GET /at-vie-1/v2/instance"), 1);
    assert_eq!(
        server
            .log()
            .iter()
            .filter(|line| line.ends_with("/v2/instance"))
            .count(),
        8
    );
}

pub fn proxmox_fake() -> Proxmox {
    let mut fake = Proxmox::default();
    fake.add(90, "debian-12", "qemu", true, "");
    fake.add(101, "controller-0", "qemu", false, "demo;controller");
    fake.add(102, "worker-0", "qemu", false, "demo;worker");
    fake.add(103, "box", "lxc", false, "");
    let controller = fake.guests.get_mut(&101).unwrap();
    controller.config.insert("agent".into(), json!("enabled=1"));
    controller.pool = "lab".into();
    fake
}

pub fn proxmox_options(server: &Server, more: &str) -> String {
    format!(
        "plugin: community.proxmox.proxmox\nurl: {}\nuser: {}\ntoken_id: {}\ntoken_secret: {}\n{more}",
        server.url(""),
        proxmox::USER,
        proxmox::TOKEN_ID,
        proxmox::SECRET
    )
}

#[test]
fn proxmoxs_guests_have_the_groups_of_the_plugin() {
    let server = Server::start(proxmox_fake(), None);
    let text = proxmox_options(&server, "want_facts: true\n");
    let list = Project::new(&text).list();
    assert_eq!(hosts(&list, "controllers"), ["controller-0"]);
    assert_eq!(hosts(&list, "etcd"), ["controller-0"]);
    assert_eq!(hosts(&list, "proxmox_all_qemu"), ["controller-0", "worker-0"]);
    assert_eq!(hosts(&list, "proxmox_pve1_lxc"), ["box"]);
    assert_eq!(hosts(&list, "proxmox_all_templates"), ["debian-12"]);
    assert_eq!(hosts(&list, "proxmox_nodes"), ["pve1", "pve2"]);
    assert_eq!(hosts(&list, "proxmox_pool_lab"), ["controller-0"]);
    let host = &list["_meta"]["hostvars"]["controller-0"];
    assert_eq!(host["ansible_host"], "10.0.10.101");
    assert_eq!(host["proxmox_vmid"], 101);
    assert_eq!(host["proxmox_ipconfig0"]["ip"], "10.0.10.101/24");
    assert_eq!(host["proxmox_tags_parsed"], json!(["demo", "controller"]));
    assert_eq!(host["proxmox_agent_interfaces"][1]["name"], "eth0");
    assert_eq!(
        list["_meta"]["hostvars"]["worker-0"]["private_ipv4"],
        "10.0.10.102"
    );
    let demo = text.replace("want_facts: true", "cluster: demo\nexclude_nodes: true");
    let list = Project::new(&demo).list();
    assert_eq!(hosts(&list, "proxmox_all_running"), ["controller-0", "worker-0"]);
    assert!(list.get("proxmox_nodes").is_none());
}

#[test]
fn a_folder_with_several_plugin_files_is_refused_unless_one_is_named() {
    let server = packet_server();
    let project = Project::new(&packet_options(&server, ""));
    std::fs::write(project.folder().join("other.yml"), "plugin: exoscale\n").unwrap();
    let known = Known {
        modules: &[],
        lookups: vec![],
    };
    let loader = Loader::new(Vault::default(), known, SearchPaths::default());
    let sources = [project.folder().display().to_string()];
    let text = Inventory::load(&sources, &loader, None).unwrap_err().to_string();
    assert!(
        text.contains("2 files that each ask somebody for machines"),
        "{text}"
    );
    assert!(
        text.contains("cloud.yml, or -i") && text.contains("other.yml"),
        "{text}"
    );
    assert!(server.log().is_empty());
    assert_eq!(hosts(&project.list(), "packet").len(), 3);
}
