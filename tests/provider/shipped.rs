//! The inventory files that Vent comes with, and providers that take two seconds for every call.

use super::inventory::{
    Project, exoscale_fake, exoscale_options, hosts, packet_options, packet_server, proxmox_fake,
    proxmox_options,
};
use crate::fakes::specification::Specification;
use crate::fakes::{Server, exoscale, packet, proxmox};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

#[test]
fn the_shipped_files_need_nothing_but_a_token() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("inventory");
    for (name, part) in [
        ("packet.yml", "METAL_AUTH_TOKEN"),
        ("exoscale.yml", "EXOSCALE_API_KEY"),
        ("proxmox.yml", "PROXMOX_URL"),
    ] {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        let told = Project::new(&text).load().unwrap_err();
        assert!(told.contains("help: set") && told.contains(part), "{told}");
    }
}

/// Runs `vent inventory` on a shipped file, with nothing but the given environment.
fn vent(file: &str, what: &[&str], environment: &[(&str, &str)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("inventory").join(file);
    let folder = tempfile::tempdir().unwrap();
    let done = std::process::Command::new(env!("CARGO_BIN_EXE_vent"))
        .arg("inventory")
        .arg("-i")
        .arg(path)
        .args(what)
        .env_clear()
        .envs(environment.iter().copied())
        .env("HOME", folder.path())
        .current_dir(folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{told}");
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn the_shipped_files_work_with_a_token_in_the_environment() {
    let server = packet_server();
    let url = server.url(packet::BASE);
    let environment = [
        ("PACKET_API_URL", url.as_str()),
        ("PACKET_API_TOKEN", packet::TOKEN),
    ];
    let graph = vent("packet.yml", &["--graph"], &environment);
    assert!(
        graph.contains("  |--@controllers:\n  |  |--controller-0\n"),
        "{graph}"
    );
    let told: Value =
        serde_json::from_str(&vent("packet.yml", &["--host", "worker-0"], &environment)).unwrap();
    assert_eq!(told["ansible_user"], "root");
    assert_eq!(told["ansible_host"], "198.51.100.3");

    let server = Server::start(exoscale_fake(), Some(Specification::exoscale()));
    let url = server.url("/{zone}");
    let environment = [
        ("EXOSCALE_API_ENDPOINT", url.as_str()),
        ("EXOSCALE_API_KEY", exoscale::KEY),
        ("EXOSCALE_API_SECRET", exoscale::SECRET),
    ];
    let graph = vent("exoscale.yml", &["--graph"], &environment);
    assert!(graph.contains("@etcd:\n  |  |--controller-0\n"), "{graph}");

    let server = Server::start(proxmox_fake(), None);
    let url = server.url("");
    let token = format!("{}!{}", proxmox::USER, proxmox::TOKEN_ID);
    let environment = [
        ("PROXMOX_URL", url.as_str()),
        ("PROXMOX_TOKEN_ID", token.as_str()),
        ("PROXMOX_TOKEN_SECRET", proxmox::SECRET),
    ];
    let list: Value = serde_json::from_str(&vent("proxmox.yml", &["--list"], &environment)).unwrap();
    assert_eq!(hosts(&list, "workers"), ["worker-0"]);
    assert!(list.get("proxmox_nodes").is_none());
}

/// An inventory of a slow service; at least `busiest` calls were under way at once.
fn slow(server: &Server, text: &str, busiest: usize) -> Value {
    server.slow(Duration::from_millis(500));
    let list = Project::new(text).list();
    assert!(server.busiest() >= busiest, "{} calls at once", server.busiest());
    list
}

#[test]
fn slow_services_are_asked_in_parallel() {
    let server = packet_server();
    let list = slow(&server, &packet_options(&server, ""), 2);
    assert_eq!(
        hosts(&list, "packet").len(),
        3,
        "the devices of two projects at once"
    );

    let server = Server::start(exoscale_fake(), None);
    let list = slow(&server, &exoscale_options(&server, ""), 16);
    assert_eq!(
        hosts(&list, "exo_zone_ch_gva_2").len(),
        3,
        "two lists of eight zones at once"
    );

    let server = Server::start(proxmox_fake(), None);
    let list = slow(&server, &proxmox_options(&server, "want_facts: true\n"), 8);
    assert_eq!(
        hosts(&list, "proxmox_all_running").len(),
        3,
        "three facts of three guests, eight at once"
    );
}
