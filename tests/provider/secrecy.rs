//! Tokens are not told by anything: no output, no event, no journal, no file of the cache, no argument list.

use super::cluster::Cluster;
use super::inventory::{exoscale_fake, packet_server, proxmox_fake};
use crate::fakes::server::FaultKind;
use crate::fakes::{Reply, Server, exoscale, packet, proxmox, route53};
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const PLAY: &str = "- hosts: localhost\n  connection: local\n  gather_facts: true\n  tasks:\n\
    - debug:\n        var: hostvars\n    - command: 'true'\n    - fail:\n        msg: \"{{ hostvars }}\"\n      ignore_errors: true\n";

/// Looks at the arguments of every process until it is told to stop; those that hold a token.
fn watch(token: &str, stop: &Arc<AtomicBool>) -> std::thread::JoinHandle<Vec<String>> {
    let (token, stop) = (token.to_string(), stop.clone());
    std::thread::spawn(move || {
        let mut found = vec![];
        while !stop.load(Ordering::Relaxed) {
            for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
                let arguments = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
                let arguments = String::from_utf8_lossy(&arguments).into_owned();
                if arguments.contains(&token) {
                    found.push(arguments);
                }
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        found
    })
}

/// Every file below a folder that holds a token; the folder is what a program left behind.
fn files_with(folder: &Path, token: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            files_with(&path, token, found);
        } else if std::fs::read(&path).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(token)) {
            found.push(path.display().to_string());
        }
    }
}

/// Runs `vent` in every way that could tell something, with a token in the environment; everything it said.
fn all_ways(options: &str, environment: &[(&str, &str)], token: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cloud.yml");
    let cache = folder.path().join("kept");
    let text = format!("{options}cache: true\ncache_connection: {}\n", cache.display());
    std::fs::write(&file, text).unwrap();
    std::fs::write(folder.path().join("play.yml"), PLAY).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let watcher = watch(token, &stop);
    let mut told = String::new();
    let ways: [&[&str]; 5] = [
        &["inventory", "--list"],
        &["inventory", "--graph"],
        &["run", "play.yml", "-vvv", "--diff", "--output", "json"],
        &["run", "play.yml", "-vvv", "--diff"],
        &["run", "play.yml", "-vvv", "--check"],
    ];
    for way in ways {
        let done = Command::new(env!("CARGO_BIN_EXE_vent"))
            .args(way)
            .arg("-i")
            .arg(&file)
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .env("RUST_BACKTRACE", "1")
            .env("HOME", folder.path())
            .envs(environment.iter().copied())
            .current_dir(folder.path())
            .output()
            .unwrap();
        told.push_str(&String::from_utf8_lossy(&done.stdout));
        told.push_str(&String::from_utf8_lossy(&done.stderr));
    }
    stop.store(true, Ordering::Relaxed);
    let arguments = watcher.join().unwrap();
    assert!(arguments.is_empty(), "{arguments:?}");
    let mut found = vec![];
    files_with(folder.path(), token, &mut found);
    assert!(found.is_empty(), "{found:?}");
    assert!(!told.contains(token), "{told}");
    told
}

#[test]
fn no_token_is_told_by_anything() {
    let server = packet_server();
    let url = server.url(packet::BASE);
    let environment = [
        ("METAL_API_URL", url.as_str()),
        ("METAL_AUTH_TOKEN", packet::TOKEN),
    ];
    let told = all_ways("plugin: packet\n", &environment, packet::TOKEN);
    assert!(told.contains("packet_hostname"), "{told}");

    let server = Server::start(exoscale_fake(), None);
    let url = server.url("/{zone}");
    let environment = [
        ("EXOSCALE_API_ENDPOINT", url.as_str()),
        ("EXOSCALE_API_KEY", exoscale::KEY),
        ("EXOSCALE_API_SECRET", exoscale::SECRET),
    ];
    let told = all_ways(
        "plugin: exoscale\nzones: [ch-gva-2]\n",
        &environment,
        exoscale::SECRET,
    );
    assert!(told.contains("exoscale_id"), "{told}");

    let server = Server::start(proxmox_fake(), None);
    let url = server.url("");
    let token = format!("{}!{}", proxmox::USER, proxmox::TOKEN_ID);
    let environment = [
        ("PROXMOX_URL", url.as_str()),
        ("PROXMOX_TOKEN_ID", token.as_str()),
        ("PROXMOX_TOKEN_SECRET", proxmox::SECRET),
    ];
    let told = all_ways("plugin: proxmox\n", &environment, proxmox::SECRET);
    assert!(told.contains("proxmox_vmid"), "{told}");
}

/// A service that says the token in its refusal is not repeated word by word.
#[test]
fn a_token_that_a_service_repeats_is_masked() {
    let server = packet_server();
    let refused = Reply::json(
        401,
        json!({"error": format!("the token {} is not valid", packet::TOKEN)}),
    );
    server.fault("GET", "/projects", 1000, FaultKind::Answer(refused));
    let url = server.url(packet::BASE);
    let environment = [
        ("PACKET_API_URL", url.as_str()),
        ("PACKET_AUTH_TOKEN", packet::TOKEN),
    ];
    let told = all_ways("plugin: packet\n", &environment, packet::TOKEN);
    assert!(told.contains("the token *** is not valid"), "{told}");
}

/// The key of Route 53, in the environment and as an argument of a task.
#[test]
fn the_key_of_route53_is_not_told() {
    let server = Server::start(route53::Route53::with_zones(), None);
    let cluster = Cluster::new("");
    let task = format!(
        "- hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks:\n  - amazon.aws.route53:\n      state: present\n      \
         zone: example.org\n      record: a.example.org\n      type: A\n      value: 192.0.2.1\n      access_key: {}\n      secret_key: {}\n",
        route53::KEY,
        route53::SECRET
    );
    std::fs::write(cluster.path("task.yml"), task).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let watcher = watch(route53::SECRET, &stop);
    let key = (route53::KEY, route53::SECRET);
    for playbook in ["playbooks/01-names.yml", "task.yml"] {
        for options in [
            ["-vvv", "--output=json"],
            ["-vvv", "--check"],
            ["-vvv", "--output=plain"],
        ] {
            let (fine, told) = cluster.run(playbook, &options, &server.url(""), key);
            assert!(fine, "{told}");
            assert!(!told.contains(route53::SECRET), "{told}");
        }
    }
    stop.store(true, Ordering::Relaxed);
    let arguments = watcher.join().unwrap();
    assert!(arguments.is_empty(), "{arguments:?}");
    std::fs::remove_file(cluster.path("task.yml")).unwrap();
    let mut found = vec![];
    files_with(&cluster.path(""), route53::SECRET, &mut found);
    assert!(found.is_empty(), "{found:?}");
}
