//! Tokens and addresses out of every place that the documents name: each variable, a file, the vault.

use super::inventory::{exoscale_fake, packet_server, proxmox_fake};
use crate::fakes::{Server, exoscale, packet, proxmox};
use std::path::Path;
use std::process::Command;
use vent::cloud::exoscale::client as exoscale_client;
use vent::cloud::packet::client as packet_client;
use vent::cloud::proxmox::client as proxmox_client;
use vent::vault::Vault;

/// `vent inventory --graph` of a file, with nothing but the given environment; whether it worked, and what it said.
fn graph(folder: &Path, text: &str, environment: &[(&str, &str)], options: &[&str]) -> (bool, String) {
    std::fs::write(folder.join("cloud.yml"), text).unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_vent"))
        .args(["inventory", "--graph", "-i"])
        .arg(folder.join("cloud.yml"))
        .args(options)
        .env_clear()
        .envs(environment.iter().copied())
        .env("HOME", folder)
        .current_dir("/")
        .output()
        .unwrap();
    let told = String::from_utf8([done.stdout, done.stderr].concat()).unwrap();
    (done.status.success(), told)
}

/// Every variable of each list in turn, the others by their first names; blank ones before it count as unset.
fn every_variable(text: &str, lists: &[(&[&str], &str)]) {
    let folder = tempfile::tempdir().unwrap();
    let mut tried = 0;
    for (list, _) in lists {
        for at in 0..list.len() {
            let mut environment: Vec<(&str, &str)> = vec![];
            for (names, value) in lists {
                match names == list {
                    true => {
                        environment.extend(names[..at].iter().map(|name| (*name, " ")));
                        environment.push((names[at], value));
                    }
                    false => environment.push((names[0], value)),
                }
            }
            let (fine, told) = graph(folder.path(), text, &environment, &[]);
            assert!(fine && told.contains("worker-0"), "{}: {told}", list[at]);
            tried += 1;
        }
    }
    println!("{tried} variables");
}

#[test]
fn every_variable_of_every_provider_is_read() {
    let server = packet_server();
    let lists = [
        (packet_client::TOKEN_VARIABLES, packet::TOKEN),
        (packet_client::ADDRESS_VARIABLES, &server.url(packet::BASE)),
    ];
    every_variable("plugin: packet\n", &lists);

    let server = Server::start(exoscale_fake(), None);
    let lists = [
        (exoscale_client::KEY_VARIABLES, exoscale::KEY),
        (exoscale_client::SECRET_VARIABLES, exoscale::SECRET),
        (exoscale_client::ADDRESS_VARIABLES, &server.url("/{zone}")),
    ];
    every_variable("plugin: exoscale\nzones: [ch-gva-2]\n", &lists);
    // An address without zones serves the one zone that is named.
    let lists = [
        (exoscale_client::ZONE_VARIABLES, "de-muc-1"),
        (exoscale_client::KEY_VARIABLES, exoscale::KEY),
        (exoscale_client::SECRET_VARIABLES, exoscale::SECRET),
        (exoscale_client::ADDRESS_VARIABLES, &server.url("")),
    ];
    every_variable("plugin: exoscale\n", &lists);

    let server = Server::start(proxmox_fake(), None);
    let whole = format!("{}!{}", proxmox::USER, proxmox::TOKEN_ID);
    let lists = [
        (proxmox_client::ADDRESS_VARIABLES, server.url("").leak() as &str),
        (proxmox_client::TOKEN_VARIABLES, &whole),
        (proxmox_client::SECRET_VARIABLES, proxmox::SECRET),
    ];
    every_variable("plugin: proxmox\n", &lists);
    let lists = [
        (proxmox_client::USER_VARIABLES, proxmox::USER),
        (proxmox_client::ADDRESS_VARIABLES, &server.url("")),
        (proxmox_client::TOKEN_VARIABLES, proxmox::TOKEN_ID),
        (proxmox_client::SECRET_VARIABLES, proxmox::SECRET),
    ];
    every_variable("plugin: proxmox\n", &lists);
}

/// A vaulted text below an option.
fn vaulted(folder: &Path, name: &str, secret: &str) -> String {
    std::fs::write(folder.join("password"), "of the vault\n").unwrap();
    let mut vault = Vault::default();
    vault.add("default", "of the vault");
    let text = vault.encrypt(secret.as_bytes(), "default").unwrap();
    let lines: Vec<String> = text.lines().map(|line| format!("  {line}\n")).collect();
    format!("{name}: !vault |\n{}", lines.concat())
}

#[test]
fn tokens_may_be_vaulted_or_stand_in_a_file_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let metal = packet_server();
    let cloud = Server::start(exoscale_fake(), None);
    let nodes = Server::start(proxmox_fake(), None);
    let rows = [
        (
            format!("plugin: packet\nurl: {}\n", metal.url(packet::BASE)),
            vec![("token", "token_file", packet::TOKEN)],
        ),
        (
            format!(
                "plugin: exoscale\nzones: [ch-gva-2]\napi_key: {}\napi_url: {}\n",
                exoscale::KEY,
                cloud.url("")
            ),
            vec![("api_secret", "api_secret_file", exoscale::SECRET)],
        ),
        (
            format!(
                "plugin: proxmox\nurl: {}\ntoken_id: {}!{}\n",
                nodes.url(""),
                proxmox::USER,
                proxmox::TOKEN_ID
            ),
            vec![("token_secret", "token_secret_file", proxmox::SECRET)],
        ),
    ];
    for (text, secrets) in rows {
        for (option, file_option, secret) in secrets {
            let whole = format!("{text}{}\n", vaulted(at, option, secret));
            let password = at.join("password").display().to_string();
            let (fine, told) = graph(at, &whole, &[], &["--vault-password-file", &password]);
            assert!(fine && told.contains("worker-0"), "{option}: {told}");
            let (fine, told) = graph(at, &whole, &[], &[]);
            assert!(
                !fine && told.contains("vault") && told.contains("help:"),
                "{option}: {told}"
            );

            // Beside the file that names it, wherever the program is started; and below the home folder.
            std::fs::create_dir_all(at.join("secrets")).unwrap();
            std::fs::write(at.join("secrets/token"), format!("{secret}\n")).unwrap();
            for path in ["secrets/token", "~/secrets/token"] {
                let (fine, told) = graph(at, &format!("{text}{file_option}: {path}\n"), &[], &[]);
                assert!(fine && told.contains("worker-0"), "{file_option}: {told}");
            }
            std::fs::write(at.join("secrets/token"), "\n").unwrap();
            let (fine, told) = graph(at, &format!("{text}{file_option}: secrets/token\n"), &[], &[]);
            assert!(!fine && told.contains("the file is empty"), "{told}");
        }
    }
}
