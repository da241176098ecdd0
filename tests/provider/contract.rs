//! Programs that others wrote against the stand-ins. What is needed is installed: see `tests/contract/README.md`.

use super::inventory::{
    Project, exoscale_fake, packet_options, packet_server, proxmox_fake, proxmox_options,
};
use crate::fakes::Server;
use crate::fakes::exoscale::{self, Exoscale};
use crate::fakes::packet;
use crate::fakes::proxmox;
use crate::fakes::specification::{Specification, unpacked};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use vent::cloud::client::http::secret::Secret;

/// What Vent has more than other programs, of a kind (`group`, `variable`): `tests/contract/added.txt`.
fn added(kind: &str) -> Vec<String> {
    let text = std::fs::read_to_string(files("added.txt")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let lines: Vec<(&str, &str)> = lines.map(|line| line.split_once(": ").unwrap()).collect();
    println!("{} exceptions", lines.len());
    let names = lines.iter().filter_map(|line| line.0.split_once(' '));
    names
        .filter(|name| name.0 == kind)
        .map(|name| name.1.to_string())
        .collect()
}

pub(super) fn run(command: &mut Command) -> String {
    let done = command.output().unwrap();
    let told = String::from_utf8_lossy(&done.stderr);
    let output = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{command:?}\n{output}\n{told}");
    String::from_utf8(done.stdout).unwrap()
}

pub(super) fn files(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/contract")
        .join(name)
}

/// The folder with everything installed.
pub(super) fn installed() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| PathBuf::from(run(&mut Command::new(files("install.sh"))).trim()))
}

pub(super) fn python() -> Command {
    Command::new(installed().join("venv/bin/python"))
}

/// Takes Ansible's marks of texts that are not rendered away.
fn unmarked(value: &Value) -> Value {
    match value {
        Value::Object(fields) => match fields.get("__ansible_unsafe") {
            Some(text) => text.clone(),
            None => fields
                .iter()
                .map(|(name, value)| (name.clone(), unmarked(value)))
                .collect(),
        },
        Value::Array(items) => items.iter().map(unmarked).collect(),
        other => other.clone(),
    }
}

/// Compares an inventory of another program with ours; only what Vent adds on purpose may be more.
fn compare(ours: &Value, theirs: &Value) {
    let (more_groups, more_variables) = (added("group"), added("variable"));
    let names = |list: &Value, group: &str| -> BTreeSet<String> {
        let hosts = list[group]
            .get("hosts")
            .unwrap_or(&list[group])
            .as_array()
            .cloned();
        let hosts = hosts.unwrap_or_default();
        hosts
            .iter()
            .map(|name| name.as_str().unwrap().to_string())
            .collect()
    };
    let groups = |list: &Value| -> BTreeSet<String> {
        let all = list.as_object().unwrap().keys();
        let all = all.filter(|name| !more_groups.contains(name));
        all.filter(|name| !names(list, name).is_empty())
            .cloned()
            .collect()
    };
    assert_eq!(groups(ours), groups(theirs));
    for group in groups(theirs) {
        assert_eq!(names(ours, &group), names(theirs, &group), "{group}");
    }
    let variables = |list: &Value, host: &str| -> Map<String, Value> {
        let all = list["_meta"]["hostvars"][host]
            .as_object()
            .cloned()
            .unwrap_or_default();
        all.into_iter()
            .filter(|pair| !more_variables.contains(&pair.0))
            .collect()
    };
    for host in theirs["_meta"]["hostvars"].as_object().unwrap().keys() {
        assert_eq!(
            json!(variables(ours, host)),
            json!(variables(theirs, host)),
            "{host}"
        );
    }
}

#[test]
#[ignore = "needs the network: tests/contract/install.sh brings programs from PyPI and npm"]
fn packet_net_py_gives_the_same_inventory() {
    let server = packet_server();
    let project = Project::new(&packet_options(&server, "host_names: address\n"));
    let settings = installed().join("packet_net.ini");
    let theirs = run(python()
        .arg(files("packet_net.py"))
        .arg(installed().join("packet_net.py"))
        .env("STAND_IN", server.url(packet::BASE))
        .env("PACKET_API_TOKEN", packet::TOKEN)
        .env("PACKET_NET_INI_PATH", settings)
        .env("HOME", project.folder()));
    let theirs: Value = serde_json::from_str(&theirs).unwrap();
    assert_eq!(theirs["packet"].as_array().unwrap().len(), 3);
    compare(&project.list(), &theirs);
}

#[test]
#[ignore = "needs the network: tests/contract/install.sh brings programs from PyPI and npm"]
fn community_proxmox_gives_the_same_inventory() {
    let server = Server::start(proxmox_fake(), None);
    let more = "want_facts: true\nkeyed_groups:\n- {key: 'proxmox_tags_parsed | default([])', prefix: tag, parent_group: '{{ proxmox_node }}_tags'}\n\
        - {key: proxmox_ipconfig0, prefix: ip, separator: '', trailing_separator: false}\n\
        - {key: proxmox_pool_of, default_value: none}\n- {key: proxmox_node if proxmox_vmid != 90 else '', parent_group: nodes-of}\n\
        compose: {place: \"proxmox_node ~ '/' ~ proxmox_vmid\"}\ngroups: {first: proxmox_vmid == 101}\nleading_separator: false\n";
    let options = proxmox_options(&server, more);
    let project = Project::new(&options);
    let path = project.folder().join("proxmox.yml");
    std::fs::write(&path, &options).unwrap();
    let theirs = run(python()
        .arg(installed().join("venv/bin/ansible-inventory"))
        .args(["--list", "-i"])
        .arg(&path)
        .env("ANSIBLE_COLLECTIONS_PATH", installed())
        .env("ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED", "1")
        .env("HOME", project.folder()));
    let theirs = unmarked(&serde_json::from_str(&theirs).unwrap());
    assert!(
        theirs["_meta"]["hostvars"]["controller-0"]["proxmox_vmid"] == 101,
        "{theirs}"
    );
    let ours = project.list();
    compare(&ours, &theirs);
    for name in ["pve1_tags", "nodes_of", "tag_demo", "first"] {
        let below = |list: &Value| -> BTreeSet<String> {
            let items = list[name]
                .as_object()
                .into_iter()
                .flat_map(|group| group.values());
            items
                .flat_map(|items| items.as_array().cloned().unwrap_or_default())
                .map(|item| item.to_string())
                .collect()
        };
        assert!(!below(&ours).is_empty(), "{name}");
        assert_eq!(below(&ours), below(&theirs), "{name}");
    }
}

#[test]
#[ignore = "needs the network: tests/contract/install.sh brings programs from PyPI and npm"]
fn the_official_client_of_equinix_metal_works() {
    let server = packet_server();
    let told = run(python()
        .arg(files("metal_client.py"))
        .env("STAND_IN", server.url(packet::BASE))
        .env("TOKEN", packet::TOKEN));
    assert_eq!(told.trim(), "done");
}

#[test]
#[ignore = "needs the network: tests/contract/install.sh brings programs from PyPI and npm"]
fn the_official_client_of_exoscale_works() {
    let mut fake = Exoscale::default();
    fake.add("worker-0", json!({}));
    let server = Server::start(fake, Some(Specification::exoscale()));
    let told = run(python()
        .arg(files("exoscale_client.py"))
        .env("STAND_IN", server.url("/v2"))
        .env("KEY", exoscale::KEY)
        .env("SECRET", exoscale::SECRET));
    assert_eq!(told.trim(), "done");
}

#[test]
#[ignore = "needs the network: tests/contract/install.sh brings programs from PyPI and npm"]
fn proxmoxer_works() {
    let server = Server::start(proxmox_fake(), None);
    let told = run(python()
        .arg(files("proxmox_client.py"))
        .env("HOST", "127.0.0.1")
        .env("PORT", server.address.port().to_string())
        .env("PROXMOX_USER", proxmox::USER)
        .env("PROXMOX_TOKEN_ID", proxmox::TOKEN_ID)
        .env("PROXMOX_TOKEN_SECRET", proxmox::SECRET));
    assert_eq!(told.trim(), "done");
}

/// `prism proxy` between a client and a stand-in.
struct Prism {
    child: Child,
    url: String,
}

impl Prism {
    /// The paths of the specification stand below `base`; those with a verb come last, as Prism takes the last
    /// of equally good ones.
    fn start(folder: &Path, file: &str, base: &str, server: &Server) -> Prism {
        let mut document: Value = serde_json::from_str(&unpacked(file)).unwrap();
        let paths = document["paths"].as_object().unwrap().clone();
        let (verbs, plain): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| path.0.contains(':'));
        document["paths"] = plain
            .into_iter()
            .chain(verbs)
            .map(|(path, value)| (format!("{base}{path}"), value))
            .collect();
        document["servers"] = json!([{"url": "/"}]);
        let path = folder.join("specification.json");
        std::fs::write(&path, document.to_string()).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut child = Command::new(installed().join("node_modules/.bin/prism"))
            .args(["proxy", "--errors", "-h", "127.0.0.1", "-p", &port.to_string()])
            .arg(&path)
            .arg(server.url(""))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines
            .by_ref()
            .map_while(Result::ok)
            .find(|line| line.contains("is listening"));
        assert!(ready.is_some(), "Prism did not start");
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Prism {
            child,
            url: format!("http://127.0.0.1:{port}"),
        }
    }
}

impl Drop for Prism {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
#[ignore = "needs the network: tests/contract/install.sh brings programs from PyPI and npm"]
async fn prism_finds_nothing_wrong_between_vent_and_packet() {
    use vent::cloud::packet::client::{Access, Packet, devices::NewDevice};
    let server = packet_server();
    let folder = tempfile::tempdir().unwrap();
    let prism = Prism::start(
        folder.path(),
        "equinix-metal-v1.bundled.json.gz",
        packet::BASE,
        &server,
    );
    let access = Access {
        token: Some(Secret::new(packet::TOKEN)),
        url: Some(format!("{}{}", prism.url, packet::BASE)),
        ..Access::default()
    };
    let client = Packet::new(&access, &|_| None).unwrap();
    let project = client.projects().await.unwrap()[0].id.clone();
    let wanted = NewDevice {
        hostname: "worker-1".into(),
        plan: "c3.small.x86".into(),
        operating_system: "debian_12".into(),
        metro: Some("am".into()),
        tags: vec!["worker".into()],
        spot_instance: true,
        spot_price_max: Some(0.3),
        ..NewDevice::default()
    };
    let made = client.create_device(&project, &wanted).await.unwrap();
    client.device(&made.known.id).await.unwrap();
    client.devices(&project, Some("worker")).await.unwrap();
    client.reservations(&project, &["private_ipv4"]).await.unwrap();
    client
        .create_ssh_key(&project, "demo", "ssh-ed25519 AAAA")
        .await
        .unwrap();
    client
        .enable_bgp(&project, 65000, Some("Abcdefgh12"))
        .await
        .unwrap();
    client.create_bgp_session(&made.known.id).await.unwrap();
    client.act(&made.known.id, "reboot").await.unwrap();
    client.delete_device(&made.known.id).await.unwrap();
}

#[tokio::test]
#[ignore = "needs the network: tests/contract/install.sh brings programs from PyPI and npm"]
async fn prism_finds_nothing_wrong_between_vent_and_exoscale() {
    use vent::cloud::exoscale::client::{Access, Exoscale, resources::NewInstance, types::Rule};
    let server = Server::start(exoscale_fake(), Some(Specification::exoscale()));
    let folder = tempfile::tempdir().unwrap();
    let prism = Prism::start(folder.path(), "exoscale-v2.openapi.json.gz", "/v2", &server);
    let access = Access {
        key: Some(Secret::new(exoscale::KEY)),
        secret: Some(Secret::new(exoscale::SECRET)),
        url: Some(prism.url.clone()),
        ..Access::default()
    };
    let clock = std::sync::Arc::new(crate::fakes::VirtualClock::default());
    let account = Exoscale::with(&access, &|_| None, |settings| settings.clock = clock);
    let zone = account.unwrap().zone("ch-gva-2").unwrap();
    zone.instances().await.unwrap();
    let group = zone.create_security_group("demo", "of a test").await.unwrap();
    let rule = Rule {
        flow_direction: "ingress".into(),
        protocol: "tcp".into(),
        network: "192.0.2.0/24".into(),
        start_port: 6443,
        end_port: 6443,
        ..Rule::default()
    };
    zone.add_rule(&group, &rule, "the API").await.unwrap();
    let network = zone
        .create_private_network("demo", "10.0.0.10", "10.0.0.253", "255.255.255.0", json!({}))
        .await
        .unwrap();
    let wanted = NewInstance {
        name: "workers".into(),
        instance_type: zone.find_type("standard.medium").await.unwrap(),
        template: zone
            .find_template("Linux Debian 12 (Bookworm) 64-bit", "public")
            .await
            .unwrap(),
        disk_size: 20,
        security_groups: vec![group.clone()],
        ..NewInstance::default()
    };
    let pool = zone
        .create_pool(&wanted, 1, std::slice::from_ref(&network), &[])
        .await
        .unwrap();
    zone.scale_pool(&pool, 2).await.unwrap();
    zone.private_network(&network).await.unwrap();
    zone.delete_pool(&pool).await.unwrap();
    zone.delete_private_network(&network).await.unwrap();
    zone.delete_security_group(&group).await.unwrap();
}
