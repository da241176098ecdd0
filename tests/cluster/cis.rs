//! The CIS Kubernetes Benchmark 1.10, held against the built cluster: each of its items passes, or stands in the table of
//! `docs/hardening.md` as left out, with its reason.

use super::cis_evidence::{Evidence, File, NODES};
use super::cis_nodes as nodes;
use super::cis_policies as policies;
use std::collections::{BTreeMap, BTreeSet};

/// What passes if it holds; otherwise why not.
pub type Answer = Result<(), String>;

/// How an item is looked at.
enum Look {
    /// A flag of a component, on every node that runs it, and what is said of its value (`None`: the flag is not given).
    Flag(&'static str, &'static str, fn(Option<&str>) -> bool),
    /// The files and folders whose path begins and ends so, of which there must be some: at most these permissions.
    Mode(&'static str, &'static str, u32),
    /// The same files, and their owner.
    Owner(&'static str, &'static str, &'static str),
    /// A value in what every kubelet goes by, as a JSON pointer, and what is said of it.
    Kubelet(&'static str, fn(&serde_json::Value) -> bool),
    /// Anything else.
    Other(fn(&Evidence) -> Answer),
}

use Look::{Flag, Kubelet, Mode, Other, Owner};

const UNITS: &str = "/etc/systemd/system/";
const PKI: &str = "/etc/kubernetes/pki";
const API: &str = "kube-apiserver";
const MANAGER: &str = "kube-controller-manager";
const SCHEDULER: &str = "kube-scheduler";
const PLUGINS: &str = "--enable-admission-plugins";

fn given(value: Option<&str>) -> bool {
    value.is_some_and(|value| !value.is_empty())
}

fn absent(value: Option<&str>) -> bool {
    value.is_none()
}

fn says_false(value: Option<&str>) -> bool {
    value == Some("false")
}

fn says_true(value: Option<&str>) -> bool {
    value == Some("true")
}

fn number(value: Option<&str>) -> u64 {
    value.and_then(|value| value.parse().ok()).unwrap_or(0)
}

fn has(value: Option<&str>, wanted: &str) -> bool {
    value.is_some_and(|value| value.split(',').any(|part| part == wanted))
}

/// Whether all are among the suites that the benchmark calls strong.
fn strong<'a>(mut suites: impl Iterator<Item = &'a str>) -> bool {
    suites.all(|suite| {
        suite.starts_with("TLS_ECDHE_")
            && (suite.contains("_GCM_SHA") || suite.contains("_CHACHA20_POLY1305"))
    })
}

#[rustfmt::skip]
const ITEMS: &[(&str, Look)] = &[
    ("1.1.1", Mode(UNITS, "/kube-apiserver.service", 0o600)),
    ("1.1.2", Owner(UNITS, "/kube-apiserver.service", "root:root")),
    ("1.1.3", Mode(UNITS, "/kube-controller-manager.service", 0o600)),
    ("1.1.4", Owner(UNITS, "/kube-controller-manager.service", "root:root")),
    ("1.1.5", Mode(UNITS, "/kube-scheduler.service", 0o600)),
    ("1.1.6", Owner(UNITS, "/kube-scheduler.service", "root:root")),
    ("1.1.7", Mode(UNITS, "/etcd.service", 0o600)),
    ("1.1.8", Owner(UNITS, "/etcd.service", "root:root")),
    ("1.1.9", Mode("/etc/cni/net.d/", "", 0o600)),
    ("1.1.10", Owner("/etc/cni/net.d/", "", "root:root")),
    ("1.1.11", Mode("/var/lib/etcd", "/etcd", 0o700)),
    ("1.1.12", Owner("/var/lib/etcd", "/etcd", "etcd:etcd")),
    ("1.1.13", Other(nodes::administrator)),
    ("1.1.14", Other(nodes::administrator)),
    ("1.1.15", Mode("/etc/kubernetes/", "/kube-scheduler.kubeconfig", 0o600)),
    ("1.1.16", Owner("/etc/kubernetes/", "/kube-scheduler.kubeconfig", "root:root")),
    ("1.1.17", Mode("/etc/kubernetes/", "/kube-controller-manager.kubeconfig", 0o600)),
    ("1.1.18", Owner("/etc/kubernetes/", "/kube-controller-manager.kubeconfig", "root:root")),
    ("1.1.19", Owner(PKI, "", "root:root")),
    ("1.1.20", Mode(PKI, ".pem", 0o600)),
    ("1.1.21", Mode(PKI, "-key.pem", 0o600)),
    ("1.2.1", Flag(API, "--anonymous-auth", says_false)),
    ("1.2.2", Flag(API, "--token-auth-file", absent)),
    ("1.2.3", Flag(API, PLUGINS, |value| has(value, "DenyServiceExternalIPs"))),
    ("1.2.4", Flag(API, "--kubelet-client-key", given)),
    ("1.2.5", Flag(API, "--kubelet-certificate-authority", given)),
    ("1.2.6", Flag(API, "--authorization-mode", |value| !has(value, "AlwaysAllow"))),
    ("1.2.7", Flag(API, "--authorization-mode", |value| has(value, "Node"))),
    ("1.2.8", Flag(API, "--authorization-mode", |value| has(value, "RBAC"))),
    ("1.2.9", Flag(API, PLUGINS, |value| has(value, "EventRateLimit"))),
    ("1.2.10", Flag(API, PLUGINS, |value| !has(value, "AlwaysAdmit"))),
    ("1.2.11", Flag(API, PLUGINS, |value| has(value, "AlwaysPullImages"))),
    ("1.2.12", Flag(API, "--disable-admission-plugins", |value| !has(value, "ServiceAccount"))),
    ("1.2.13", Flag(API, "--disable-admission-plugins", |value| !has(value, "NamespaceLifecycle"))),
    ("1.2.14", Flag(API, PLUGINS, |value| has(value, "NodeRestriction"))),
    ("1.2.15", Flag(API, "--profiling", says_false)),
    ("1.2.16", Flag(API, "--audit-log-path", given)),
    ("1.2.17", Flag(API, "--audit-log-maxage", |value| number(value) >= 30)),
    ("1.2.18", Flag(API, "--audit-log-maxbackup", |value| number(value) >= 10)),
    ("1.2.19", Flag(API, "--audit-log-maxsize", |value| number(value) >= 100)),
    ("1.2.20", Flag(API, "--request-timeout", given)),
    ("1.2.21", Flag(API, "--service-account-lookup", says_true)),
    ("1.2.22", Flag(API, "--service-account-key-file", given)),
    ("1.2.23", Flag(API, "--etcd-keyfile", given)),
    ("1.2.24", Flag(API, "--tls-private-key-file", given)),
    ("1.2.25", Flag(API, "--client-ca-file", given)),
    ("1.2.26", Flag(API, "--etcd-cafile", given)),
    ("1.2.27", Flag(API, "--encryption-provider-config", given)),
    ("1.2.28", Other(nodes::encrypts)),
    ("1.2.29", Flag(API, "--tls-cipher-suites", |value| given(value) && strong(value.unwrap_or_default().split(',')))),
    ("1.3.1", Flag(MANAGER, "--terminated-pod-gc-threshold", |value| number(value) > 0)),
    ("1.3.2", Flag(MANAGER, "--profiling", says_false)),
    ("1.3.3", Flag(MANAGER, "--use-service-account-credentials", says_true)),
    ("1.3.4", Flag(MANAGER, "--service-account-private-key-file", given)),
    ("1.3.5", Flag(MANAGER, "--root-ca-file", given)),
    ("1.3.6", Flag(MANAGER, "--feature-gates", |value| !has(value, "RotateKubeletServerCertificate=false"))),
    ("1.3.7", Flag(MANAGER, "--bind-address", |value| value == Some("127.0.0.1"))),
    ("1.4.1", Other(scheduler_is_not_profiled)),
    ("1.4.2", Flag(SCHEDULER, "--bind-address", |value| value == Some("127.0.0.1"))),
    ("2.1", Flag("etcd", "--key-file", given)),
    ("2.2", Flag("etcd", "--client-cert-auth", says_true)),
    ("2.3", Flag("etcd", "--auto-tls", absent)),
    ("2.4", Flag("etcd", "--peer-key-file", given)),
    ("2.5", Flag("etcd", "--peer-client-cert-auth", says_true)),
    ("2.6", Flag("etcd", "--peer-auto-tls", absent)),
    ("2.7", Other(nodes::etcd_has_an_authority_of_its_own)),
    ("3.1.2", Other(policies::nobody_has_a_lasting_token)),
    ("3.1.3", Flag(API, "--enable-bootstrap-token-auth", absent)),
    ("3.2.1", Other(nodes::audits)),
    ("3.2.2", Other(nodes::audits)),
    ("4.1.1", Mode(UNITS, "/kubelet.service", 0o600)),
    ("4.1.2", Owner(UNITS, "/kubelet.service", "root:root")),
    ("4.1.3", Mode("/etc/kubernetes/", "/kube-proxy.kubeconfig", 0o600)),
    ("4.1.4", Owner("/etc/kubernetes/", "/kube-proxy.kubeconfig", "root:root")),
    ("4.1.5", Mode("/etc/kubernetes/", "/kubelet.kubeconfig", 0o600)),
    ("4.1.6", Owner("/etc/kubernetes/", "/kubelet.kubeconfig", "root:root")),
    ("4.1.7", Mode(PKI, "/kubelet-ca.pem", 0o600)),
    ("4.1.8", Owner(PKI, "/kubelet-ca.pem", "root:root")),
    ("4.1.9", Mode("/etc/kubernetes/", "/kubelet.yaml", 0o600)),
    ("4.1.10", Owner("/etc/kubernetes/", "/kubelet.yaml", "root:root")),
    ("4.2.1", Kubelet("/authentication/anonymous/enabled", |value| value == false)),
    ("4.2.2", Kubelet("/authorization/mode", |value| value == "Webhook")),
    ("4.2.3", Kubelet("/authentication/x509/clientCAFile", |value| value == "/etc/kubernetes/pki/kubelet-ca.pem")),
    ("4.2.4", Kubelet("/readOnlyPort", |value| value.is_null() || value == 0)),
    ("4.2.5", Kubelet("/streamingConnectionIdleTimeout", |value| value.is_string() && value != "0s")),
    ("4.2.6", Kubelet("/makeIPTablesUtilChains", |value| value == true)),
    ("4.2.7", Flag("kubelet", "--hostname-override", absent)),
    ("4.2.8", Kubelet("/eventRecordQPS", |value| value.as_u64().is_some_and(|rate| rate > 0))),
    ("4.2.9", Kubelet("/tlsPrivateKeyFile", |value| value == "/etc/kubernetes/pki/kubelet-key.pem")),
    ("4.2.12", Kubelet("/tlsCipherSuites", |value| value.as_array().is_some_and(|all| !all.is_empty() && strong(all.iter().filter_map(|suite| suite.as_str()))))),
    ("4.2.13", Kubelet("/podPidsLimit", |value| value.as_u64().is_some_and(|limit| limit > 0))),
    ("4.3.1", Other(nodes::proxies_tell_their_machine_alone)),
    ("5.1.1", Other(policies::only_one_binding_of_everything)),
    ("5.1.2", Other(|evidence| policies::ours_lack(evidence, &["secrets"], &["*"]))),
    ("5.1.3", Other(policies::ours_name_what_they_may)),
    ("5.1.4", Other(|evidence| policies::ours_lack(evidence, &["pods"], &["create"]))),
    ("5.1.5", Other(policies::default_accounts_get_no_token)),
    ("5.1.6", Other(policies::tokens_are_mounted_where_needed)),
    ("5.1.8", Other(|evidence| policies::ours_lack(evidence, &["*"], &["bind", "impersonate", "escalate"]))),
    ("5.1.9", Other(|evidence| policies::ours_lack(evidence, &["persistentvolumes"], &["create"]))),
    ("5.1.10", Other(|evidence| policies::ours_lack(evidence, &["nodes/proxy"], &["*"]))),
    ("5.1.11", Other(|evidence| policies::ours_lack(evidence, &["certificatesigningrequests/approval"], &["*"]))),
    ("5.1.12", Other(|evidence| policies::ours_lack(evidence, &["validatingwebhookconfigurations", "mutatingwebhookconfigurations"], &["*"]))),
    ("5.1.13", Other(|evidence| policies::ours_lack(evidence, &["serviceaccounts/token"], &["*"]))),
    ("5.2.1", Other(policies::is_active)),
    ("5.2.2", Other(|evidence| policies::refuses(evidence, "", r#""securityContext": {"privileged": true}"#))),
    ("5.2.3", Other(|evidence| policies::refuses(evidence, r#""hostPID": true,"#, r#""tty": false"#))),
    ("5.2.4", Other(|evidence| policies::refuses(evidence, r#""hostIPC": true,"#, r#""tty": false"#))),
    ("5.2.5", Other(|evidence| policies::refuses(evidence, r#""hostNetwork": true,"#, r#""tty": false"#))),
    ("5.2.6", Other(|evidence| policies::refuses(evidence, "", r#""securityContext": {"allowPrivilegeEscalation": true}"#))),
    ("5.2.7", Other(|evidence| policies::refuses(evidence, "", r#""securityContext": {"runAsUser": 0}"#))),
    ("5.2.8", Other(|evidence| policies::refuses(evidence, "", r#""securityContext": {"capabilities": {"drop": []}}"#))),
    ("5.2.9", Other(|evidence| policies::refuses(evidence, "", r#""securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}"#))),
    ("5.2.10", Other(|evidence| policies::refuses(evidence, "", r#""securityContext": {"capabilities": {"add": ["CHOWN"]}}"#))),
    ("5.2.11", Other(|evidence| policies::refuses(evidence, r#""os": {"name": "windows"}, "hostNetwork": true,"#, r#""securityContext": {"windowsOptions": {"hostProcess": true}}"#))),
    ("5.2.12", Other(|evidence| policies::refuses(evidence, r#""volumes": [{"name": "h", "hostPath": {"path": "/"}}],"#, r#""tty": false"#))),
    ("5.2.13", Other(|evidence| policies::refuses(evidence, "", r#""ports": [{"containerPort": 80, "hostPort": 80}]"#))),
    ("5.4.1", Other(policies::secrets_are_files)),
    ("5.7.1", Other(policies::default_namespace_is_empty)),
    ("5.7.2", Kubelet("/seccompDefault", |value| value == true)),
    ("5.7.3", Other(policies::containers_give_away_what_they_do_not_need)),
    ("5.7.4", Other(policies::default_namespace_is_empty)),
];

/// How many items each part of the benchmark has.
const PARTS: &[(&str, usize)] = &[
    ("1.1", 21),
    ("1.2", 29),
    ("1.3", 7),
    ("1.4", 2),
    ("2", 7),
    ("3.1", 3),
    ("3.2", 2),
    ("4.1", 10),
    ("4.2", 13),
    ("4.3", 1),
    ("5.1", 13),
    ("5.2", 13),
    ("5.3", 2),
    ("5.4", 2),
    ("5.5", 1),
    ("5.7", 4),
];

/// The items of `docs/hardening.md`: number and last cell of each row.
fn documented() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string("docs/hardening.md").unwrap();
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let number = cells.get(1)?;
        let is_number = number.starts_with(|first: char| first.is_ascii_digit());
        is_number.then(|| (number.to_string(), cells[cells.len() - 2].to_string()))
    });
    rows.collect()
}

/// The numbers of all items, as the benchmark counts them.
fn all() -> BTreeSet<String> {
    PARTS
        .iter()
        .flat_map(|(part, count)| (1..=*count).map(move |at| format!("{part}.{at}")))
        .collect()
}

/// Every item is looked at or left out with a reason, and none is both documented as met and not looked at.
pub fn every_item_is_documented() {
    let documented = documented();
    assert_eq!(documented.keys().cloned().collect::<BTreeSet<_>>(), all());
    for (number, how) in &documented {
        let reason = how.strip_prefix("left out: ");
        assert!(
            reason.map_or(how.len(), str::len) > 5,
            "{number} has no reason, and no way it is met"
        );
        let looked_at = ITEMS.iter().any(|(item, _)| item == number);
        assert!(
            looked_at || reason.is_some(),
            "{number} is said to be met, and nobody looks"
        );
    }
}

/// Holds every item against the built cluster; prints how many pass and which are left out.
pub fn every_item_passes_or_is_left_out() {
    let evidence = Evidence::gather();
    let documented = documented();
    let (mut wrong, mut passed) = (vec![], 0);
    for (number, look) in ITEMS {
        let left_out = documented[*number].starts_with("left out: ");
        match (examine(&evidence, look), left_out) {
            (Ok(()), false) => passed += 1,
            (Ok(()), true) => wrong.push(format!("{number} passes, and docs/hardening.md leaves it out")),
            (Err(_), true) => {}
            (Err(why), false) => wrong.push(format!("{number}: {why}")),
        }
    }
    let left_out: Vec<_> = documented
        .iter()
        .filter(|(_, how)| how.starts_with("left out: "))
        .collect();
    println!(
        "CIS Kubernetes Benchmark 1.10: {passed} of {} items pass, {} left out",
        documented.len(),
        left_out.len()
    );
    for (number, how) in left_out {
        println!("  {number} {how}");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn examine(evidence: &Evidence, look: &Look) -> Answer {
    match look {
        Flag(component, flag, good) => {
            let bad: Vec<_> = evidence
                .flag(component, flag)
                .into_iter()
                .filter(|value| !good(*value))
                .collect();
            holds(bad.is_empty(), || format!("{component} {flag}: {bad:?}"))
        }
        Mode(start, end, most) => files(evidence, start, end, |file| {
            (file.mode & !most != 0).then(|| format!("{:o}", file.mode))
        }),
        Owner(start, end, owner) => files(evidence, start, end, |file| {
            (file.owner != *owner).then(|| file.owner.clone())
        }),
        Kubelet(pointer, good) => {
            let value = |node: &str| {
                evidence.kubelets[node]
                    .pointer(pointer)
                    .unwrap_or(&serde_json::Value::Null)
            };
            let bad: Vec<_> = NODES
                .into_iter()
                .filter(|node| !good(value(node)))
                .map(|node| (node, value(node)))
                .collect();
            holds(bad.is_empty(), || format!("{pointer}: {bad:?}"))
        }
        Other(look) => look(evidence),
    }
}

pub fn holds(holds: bool, why: impl FnOnce() -> String) -> Answer {
    if holds { Ok(()) } else { Err(why()) }
}

/// Whether those files have no trouble; whether there are any.
fn files(evidence: &Evidence, start: &str, end: &str, trouble: impl Fn(&File) -> Option<String>) -> Answer {
    let mut all = evidence
        .files
        .iter()
        .filter(|file| file.path.starts_with(start) && file.path.ends_with(end))
        .peekable();
    holds(all.peek().is_some(), || format!("there is no {start}...{end}"))?;
    let bad: Vec<_> = all
        .filter_map(|file| Some(format!("{} {}: {}", file.node, file.path, trouble(file)?)))
        .collect();
    holds(bad.is_empty(), || bad.join(", "))
}

/// Its flag counts, since no configuration file stands beside it.
fn scheduler_is_not_profiled(evidence: &Evidence) -> Answer {
    for (flag, good) in [
        ("--profiling", says_false as fn(Option<&str>) -> bool),
        ("--config", absent),
    ] {
        examine(evidence, &Flag(SCHEDULER, flag, good))?;
    }
    Ok(())
}
