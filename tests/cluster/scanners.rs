//! Programs of others that look for weaknesses, on the built cluster: checkov reads what was written, kube-hunter calls from outside.
//! `tests/hardening/install.sh` brings them.

use super::cis_evidence::{Evidence, NODES};
use super::machines::Cluster;
use crate::lists;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

const SKIPS: &str = "tests/hardening/skips.txt";

/// The kubelet is configured by a file, and checkov knows flags alone: the flags that would say the same.
const FLAGS_OF_THE_KUBELET: &[(&str, &str)] = &[
    ("--anonymous-auth", "/authentication/anonymous/enabled"),
    ("--authorization-mode", "/authorization/mode"),
    ("--client-ca-file", "/authentication/x509/clientCAFile"),
    ("--make-iptables-util-chains", "/makeIPTablesUtilChains"),
    ("--protect-kernel-defaults", "/protectKernelDefaults"),
    ("--read-only-port", "/readOnlyPort"),
    (
        "--streaming-connection-idle-timeout",
        "/streamingConnectionIdleTimeout",
    ),
    ("--tls-cert-file", "/tlsCertFile"),
    ("--tls-private-key-file", "/tlsPrivateKeyFile"),
];

/// From this number on checkov's checks are about flags of components; those below are about pods.
const FIRST_OF_FLAGS: u32 = 68;

/// The folder with both programs.
fn installed() -> PathBuf {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hardening/install.sh");
    let output = Command::new(script).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().into()
}

/// What a program prints as JSON, in namespaces of the network that lead nowhere but where `enter` says.
fn told(enter: &[&str], program: PathBuf, arguments: &[&str]) -> Value {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(enter[0])
        .args(&enter[1..])
        .arg(program)
        .args(arguments)
        // Nothing of ours: neither proxies nor certificates.
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", home.path())
        .current_dir(home.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{error}: {text}{}", String::from_utf8_lossy(&output.stderr)))
}

/// A component as a pod that would be started with the same words.
fn as_pod(component: &str, words: &[String]) -> Value {
    let words = std::iter::once(component).chain(words.iter().skip(1).map(String::as_str));
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": component, "namespace": "units"},
        "spec": {"containers": [{"name": component, "image": component, "command": words.collect::<Vec<_>>()}]},
    })
}

/// checkov finds in the manifests and flags of the cluster what `tests/hardening/skips.txt` says, and nothing else.
pub fn checkov_finds_what_is_skipped() {
    let evidence = Evidence::gather();
    // It passes over folders with hidden names.
    let folder = tempfile::Builder::new().prefix("checkov").tempdir().unwrap();
    let write = |name: &str, value: &Value| {
        std::fs::write(folder.path().join(format!("{name}.json")), value.to_string()).unwrap();
    };
    for kind in ["deployments", "daemonsets", "services", "serviceaccounts"] {
        write(
            kind,
            &json!({"apiVersion": "v1", "kind": "List", "items": evidence.objects(kind)}),
        );
    }
    for component in [
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "etcd",
        "kubelet",
    ] {
        let mut words = evidence.words(component).to_vec();
        if component == "kubelet" {
            let configuration = &evidence.kubelets["controller-0"];
            words.extend(FLAGS_OF_THE_KUBELET.iter().map(|(flag, pointer)| {
                // What Go leaves out is nothing, that is 0 or false.
                let value = configuration.pointer(pointer).unwrap_or(&Value::Null);
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_string);
                format!("{flag}={}", text.replace("null", "0"))
            }));
        }
        write(component, &as_pod(component, &words));
    }

    let checkov = installed().join("checkov/bin/checkov");
    let given = folder.path().to_str().unwrap();
    let arguments = [
        "-d",
        given,
        "--framework",
        "kubernetes",
        "--compact",
        "--quiet",
        "--skip-download",
        "-o",
        "json",
    ];
    let report = told(&["unshare", "--net", "--"], checkov, &arguments);
    let failed: BTreeSet<(String, String)> = report["results"]["failed_checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| {
            let text = |key: &str| check[key].as_str().unwrap().to_string();
            (text("check_id"), text("resource"))
        })
        .filter(|(check, resource)| !resource.starts_with("Pod.units.") || is_about_flags(check))
        .collect();
    println!(
        "checkov: {} passed, {} failed",
        report["summary"]["passed"],
        failed.len()
    );

    let skips = lists::read(SKIPS);
    let covers = |skip: &str, check: &str, resource: &str| {
        let (id, which) = skip.split_once(' ').unwrap_or((skip, ""));
        id == check && resource.contains(which)
    };
    let unknown: Vec<_> = failed
        .iter()
        .filter(|(check, resource)| !skips.iter().any(|(skip, _)| covers(skip, check, resource)))
        .collect();
    let stale: Vec<_> = skips
        .iter()
        .filter(|(skip, _)| {
            !failed
                .iter()
                .any(|(check, resource)| covers(skip, check, resource))
        })
        .collect();
    assert!(unknown.is_empty(), "not in {SKIPS}: {unknown:#?}");
    assert!(stale.is_empty(), "checkov finds no more: {stale:#?}");
}

fn is_about_flags(check: &str) -> bool {
    let number = check
        .strip_prefix("CKV_K8S_")
        .and_then(|number| number.parse().ok());
    number.is_some_and(|number: u32| number >= FIRST_OF_FLAGS)
}

/// kube-hunter, which calls all machines as a stranger in the public network does, finds the API server and no weakness.
pub fn kube_hunter_finds_no_weakness() {
    let cluster = Cluster::of_the_project();
    let machines = NODES.map(|node| cluster.addresses(node)[0].clone());
    let stranger = Stranger::beside(&machines[0]);
    let hunter = installed().join("kube-hunter/bin/kube-hunter");
    let mut found = BTreeSet::new();
    for at in &machines {
        let arguments = ["--remote", at, "--report", "json", "--log", "none"];
        let report = told(
            &["ip", "netns", "exec", &stranger.name],
            hunter.clone(),
            &arguments,
        );
        let list = |key: &str| report[key].as_array().unwrap().clone();
        assert_eq!(list("vulnerabilities"), [Value::Null; 0], "{at}");
        let places = list("services")
            .into_iter()
            .map(|service| service["location"].as_str().unwrap().to_string());
        found.extend(places);
    }
    assert_eq!(found, [format!("{}:6443", machines[0])].into());
}

/// Another computer in the public network of the lab, which has no way further.
struct Stranger {
    name: String,
}

impl Stranger {
    /// In the network of a machine with this address.
    fn beside(machine: &str) -> Stranger {
        let name = format!("stranger{}", std::process::id());
        let cable = format!("s{}", std::process::id());
        let (network, _) = machine.rsplit_once('.').unwrap();
        let script = format!(
            "set -e
            bridge=$(ip -oneline route get {machine} | sed 's/.* dev \\([^ ]*\\).*/\\1/')
            ip netns add {name}
            ip link add {cable} type veth peer name eth0 netns {name}
            ip link set {cable} master $bridge up
            ip -n {name} address add {network}.250/24 dev eth0
            ip -n {name} link set lo up
            ip -n {name} link set eth0 up"
        );
        let stranger = Stranger { name };
        let status = Command::new("sh").args(["-c", &script]).status().unwrap();
        assert!(status.success());
        stranger
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        // The cable goes with it.
        let _ = Command::new("ip").args(["netns", "delete", &self.name]).status();
    }
}
