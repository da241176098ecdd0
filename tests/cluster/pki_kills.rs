//! Vent killed while it makes keys and certificates: the next run finishes, the one after it changes nothing, and every
//! certificate fits its key and its authority.

use super::machines::Cluster;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use vent::event::Status;

const HOSTS: &str = "
[controllers]
controller-0 ansible_host=192.0.2.10 ansible_connection=local
[workers]
worker-0 ansible_host=192.0.2.20 ansible_connection=local
";

#[test]
fn kills_inside_the_pki_step_leave_nothing_broken() {
    let cluster = Cluster::without_machines("pki-kills", HOSTS);
    let started = cluster
        .run("03-certificates", &["--no-needs"])
        .succeeded()
        .started();
    assert!(started > 10, "only {started} tasks");
    let mut killed = 0;
    let points = (1..=6).map(|part| started * part / 7);
    for number in points {
        std::fs::remove_dir_all(cluster.folder()).unwrap();
        killed += usize::from(cluster.kill_at("03-certificates", &["--no-needs"], number));
        cluster.run("03-certificates", &["--no-needs"]).succeeded();
        let third = cluster.run("03-certificates", &["--no-needs"]).succeeded();
        assert_eq!(
            third.with(Status::Changed),
            BTreeSet::new(),
            "killed at task {number}"
        );
        fits(&cluster.folder().join("pki"), number);
    }
    assert_eq!(
        killed, 6,
        "some runs ended before the task began at which they were to be killed"
    );
}

/// Every chain verifies, every key matches, and nothing else lies there.
fn fits(pki: &Path, number: usize) {
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "killed at task {number}: openssl {arguments:?}: {said}"
        );
        output.stdout
    };
    let mut certificates = 0;
    for entry in std::fs::read_dir(pki).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        let known = [".csr", ".pem"].iter().any(|ending| name.ends_with(ending)) && !name.starts_with('.');
        assert!(known, "killed at task {number}: {name} is left");
        let Some(stem) = name.strip_suffix(".pem").filter(|stem| !stem.ends_with("-key")) else {
            continue;
        };
        let path = |file: String| pki.join(file).display().to_string();
        let certificate = path(name.clone());
        let issuer = openssl(&[
            "x509",
            "-noout",
            "-issuer",
            "-nameopt",
            "multiline",
            "-in",
            &certificate,
        ]);
        let issuer = String::from_utf8_lossy(&issuer);
        let authority = issuer.rsplit("= ").next().unwrap().trim();
        openssl(&[
            "verify",
            "-CAfile",
            &path(format!("{authority}.pem")),
            &certificate,
        ]);
        let of_certificate = openssl(&["x509", "-noout", "-pubkey", "-in", &certificate]);
        let of_key = openssl(&["pkey", "-pubout", "-in", &path(format!("{stem}-key.pem"))]);
        assert_eq!(
            of_certificate, of_key,
            "killed at task {number}: {stem} has another key"
        );
        certificates += 1;
    }
    assert!(certificates > 10, "only {certificates} certificates");
}
