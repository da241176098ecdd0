//! Items of the benchmark about machines and components that more than one flag or file answers.

use super::cis::{Answer, holds};
use super::cis_evidence::{Evidence, NODES};
use std::os::unix::fs::MetadataExt;

/// The administrator's kubeconfig is on this computer alone, and its owner's.
pub fn administrator(evidence: &Evidence) -> Answer {
    let path = evidence.cluster.folder().join("kubeconfigs/admin.kubeconfig");
    let data = std::fs::metadata(&path).unwrap();
    let own = std::fs::metadata("/proc/self").unwrap().uid();
    holds(data.mode() & 0o7777 == 0o600 && data.uid() == own, || {
        format!("{}: {:o}, {}", path.display(), data.mode(), data.uid())
    })?;
    let elsewhere: Vec<_> = evidence
        .files
        .iter()
        .filter(|file| file.path.contains("admin"))
        .filter(|file| file.path.ends_with("config"))
        .map(|file| &file.path)
        .collect();
    holds(elsewhere.is_empty(), || format!("on nodes: {elsewhere:?}"))
}

pub fn encrypts(evidence: &Evidence) -> Answer {
    let script = "grep --only-matching --extended-regexp '(aescbc|aesgcm|secretbox|kms|identity):' /etc/kubernetes/encryption-config.yaml";
    let providers = evidence.controller(script);
    holds(
        providers.starts_with("aescbc:") || providers.starts_with("secretbox:"),
        || format!("the first provider of {providers}"),
    )
}

pub fn etcd_has_an_authority_of_its_own(evidence: &Evidence) -> Answer {
    let script = "cmp --silent /etc/etcd/ca.pem /etc/kubernetes/pki/kubernetes-ca.pem; echo $?";
    let said = evidence.controller(script);
    holds(said.trim() == "1", || "it is that of the cluster".into())
}

/// What the policy says is in force: a Secret that is read stands in the log, without its contents, and so does a way into a pod.
pub fn audits(evidence: &Evidence) -> Answer {
    evidence
        .cluster
        .kubectl(&["--namespace=vent-smoke", "get", "secret", "treasure"]);
    let log = "/var/log/kubernetes/audit.log";
    let script = format!(
        "grep --count '\"resource\":\"secrets\",\"namespace\":\"vent-smoke\",\"name\":\"treasure\"' {log}; \
         grep --count '\"subresource\":\"exec\"' {log}; grep --count 'under the old oak' {log}"
    );
    let said = evidence.controller(&script);
    let counts: Vec<u64> = said.lines().map(|line| line.parse().unwrap()).collect();
    holds(
        counts.len() == 3 && counts[0] > 0 && counts[1] > 0 && counts[2] == 0,
        || format!("lines about a Secret, about a shell, with contents: {counts:?}"),
    )
}

pub fn proxies_tell_their_machine_alone(evidence: &Evidence) -> Answer {
    for node in NODES {
        let said = evidence.cluster.on(
            node,
            "ss --listening --tcp --numeric --no-header 'sport = :10249' | awk '{print $4}'",
        );
        holds(said.trim() == "127.0.0.1:10249", || format!("{node}: {said}"))?;
    }
    Ok(())
}
