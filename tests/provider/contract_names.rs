//! Names at Route 53 as `moto` plays it, which checks signatures, and beside Ansible's own module.

use super::cluster::Cluster;
use super::contract::{files, installed, python, run};
use std::process::{Child, Stdio};
use std::time::Duration;

/// A server of Amazon's services: after the calls that make user, key and policy it checks every signature.
struct Moto {
    child: Child,
    url: String,
    key: String,
    secret: String,
}

impl Moto {
    fn start() -> Moto {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let child = python()
            .arg(files("moto_server.py"))
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .env("INITIAL_NO_AUTH_ACTION_COUNT", "3")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut moto = Moto {
            child,
            url: format!("http://127.0.0.1:{port}"),
            key: String::new(),
            secret: String::new(),
        };
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(moto.child.try_wait().unwrap().is_none(), "moto did not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        let told = run(python().arg(files("route53_zone.py")).env("STAND_IN", &moto.url));
        (moto.key, moto.secret) = serde_json::from_str(&told).unwrap();
        moto
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ansible's own run of the same playbook; what it says at its end.
fn ansible(cluster: &Cluster, moto: &Moto, playbook: &str, options: &[&str]) -> String {
    run(python()
        .arg(installed().join("venv/bin/ansible-playbook"))
        .arg(cluster.path(playbook))
        .arg("-i")
        .arg(cluster.path("hosts"))
        .arg("-e")
        .arg(format!("@{}", cluster.path("more.yml").display()))
        .args(options)
        .env("ANSIBLE_COLLECTIONS_PATH", installed())
        .env("ANSIBLE_NOCOLOR", "1")
        .env("AWS_ENDPOINT_URL", &moto.url)
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", &moto.key)
        .env("AWS_SECRET_ACCESS_KEY", &moto.secret)
        .env("HOME", cluster.path("")))
}

fn recap(told: &str) -> &str {
    told.lines()
        .find(|line| line.starts_with("localhost") && line.contains("changed="))
        .unwrap_or_else(|| panic!("{told}"))
}

#[test]
#[ignore = "needs the network: tests/contract/install.sh brings programs from PyPI and npm"]
fn names_at_moto_are_made_once_and_ansible_finds_nothing_to_change() {
    let moto = Moto::start();
    let cluster = Cluster::new("");
    let names = "playbooks/01-names.yml";
    let key = (moto.key.as_str(), moto.secret.as_str());
    let (fine, told) = cluster.run(names, &["--check"], &moto.url, key);
    assert!(
        fine && told.contains("+vent.example.org. 60 IN A 192.0.2.11"),
        "{told}"
    );
    let (fine, told) = cluster.run(names, &[], &moto.url, key);
    assert!(
        fine && told.contains("+vent-etcd1.example.org. 60 IN A 10.0.0.11"),
        "{told}"
    );
    let (fine, told) = cluster.run(names, &[], &moto.url, key);
    assert!(fine && !told.contains("IN A"), "{told}");
    let told = ansible(&cluster, &moto, names, &[]);
    assert!(recap(&told).contains("changed=0"), "{told}");

    let told = ansible(&cluster, &moto, "playbooks/remove-names.yml", &[]);
    assert!(recap(&told).contains("changed=2"), "{told}");
    let (fine, told) = cluster.run("playbooks/remove-names.yml", &[], &moto.url, key);
    assert!(fine && !told.contains("IN A"), "{told}");
}

#[test]
#[ignore = "needs the network: tests/contract/install.sh brings programs from PyPI and npm"]
fn names_that_ansible_made_at_moto_are_left_and_removed() {
    let moto = Moto::start();
    let cluster = Cluster::new("");
    let names = "playbooks/01-names.yml";
    let key = (moto.key.as_str(), moto.secret.as_str());
    let told = ansible(&cluster, &moto, names, &[]);
    assert!(recap(&told).contains("changed=2"), "{told}");
    let (fine, told) = cluster.run(names, &[], &moto.url, key);
    assert!(fine && !told.contains("IN A"), "{told}");
    let (fine, told) = cluster.run("playbooks/remove-names.yml", &[], &moto.url, key);
    assert!(
        fine && told.contains("-vent.example.org. 60 IN A 192.0.2.10"),
        "{told}"
    );
}

#[test]
#[ignore = "needs the network: tests/contract/install.sh brings programs from PyPI and npm"]
fn moto_refuses_a_wrong_secret() {
    let moto = Moto::start();
    let cluster = Cluster::new("");
    let wrong = "wrong-secret-of-the-key";
    let (fine, told) = cluster.run("playbooks/01-names.yml", &[], &moto.url, (&moto.key, wrong));
    assert!(
        !fine && told.contains("Route 53: cannot look for the zone example.org."),
        "{told}"
    );
    assert!(told.contains("Route 53 answered 403 Forbidden"), "{told}");
    assert!(!told.contains(wrong), "{told}");
}
