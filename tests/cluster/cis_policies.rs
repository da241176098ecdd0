//! Part 5 of the benchmark: what the API server grants, holds and refuses.

use super::cis::{Answer, holds};
use super::cis_evidence::Evidence;
use serde_json::Value;

/// Roles, of a namespace or of the cluster, that Kubernetes did not bring itself: name and rules.
fn our_roles(evidence: &Evidence) -> Vec<(String, Vec<Value>)> {
    let mut ours = vec![];
    for kind in ["roles", "clusterroles"] {
        for role in evidence.objects(kind) {
            let name = role["metadata"]["name"].as_str().unwrap().to_string();
            let brought = &role["metadata"]["labels"]["kubernetes.io/bootstrapping"];
            let rules = role["rules"].as_array().cloned().unwrap_or_default();
            if brought.is_null() {
                ours.push((name, rules));
            }
        }
    }
    assert!(ours.iter().any(|(name, _)| name == "flannel"), "{ours:?}");
    ours
}

fn list<'a>(rule: &'a Value, key: &str) -> Vec<&'a str> {
    rule[key]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// No role of ours lets anybody do one of the verbs with one of the resources; `*` is any.
pub fn ours_lack(evidence: &Evidence, resources: &[&str], verbs: &[&str]) -> Answer {
    let meets = |held: &[&str], asked: &[&str]| {
        held.contains(&"*") || asked.contains(&"*") || held.iter().any(|one| asked.contains(one))
    };
    for (name, rules) in our_roles(evidence) {
        for rule in &rules {
            let grants = meets(&list(rule, "resources"), resources) && meets(&list(rule, "verbs"), verbs);
            holds(!grants, || format!("{name}: {rule}"))?;
        }
    }
    Ok(())
}

pub fn ours_name_what_they_may(evidence: &Evidence) -> Answer {
    for (name, rules) in our_roles(evidence) {
        for rule in &rules {
            let any = ["apiGroups", "resources", "verbs"]
                .iter()
                .any(|key| list(rule, key).contains(&"*"));
            holds(!any, || format!("{name}: {rule}"))?;
        }
    }
    Ok(())
}

pub fn only_one_binding_of_everything(evidence: &Evidence) -> Answer {
    for binding in evidence.objects("clusterrolebindings") {
        let own = binding["metadata"]["name"] == "cluster-admin";
        holds(own || binding["roleRef"]["name"] != "cluster-admin", || {
            binding.to_string()
        })?;
    }
    Ok(())
}

pub fn nobody_has_a_lasting_token(evidence: &Evidence) -> Answer {
    let tokens = evidence
        .objects("secrets")
        .into_iter()
        .filter(|secret| secret["type"] == "kubernetes.io/service-account-token")
        .count();
    holds(tokens == 0, || format!("{tokens} Secrets with tokens"))
}

pub fn default_accounts_get_no_token(evidence: &Evidence) -> Answer {
    for account in evidence.objects("serviceaccounts") {
        let is_default = account["metadata"]["name"] == "default";
        let refuses = account["automountServiceAccountToken"] == false;
        holds(!is_default || refuses, || account["metadata"].to_string())?;
    }
    Ok(())
}

/// Whoever gets a token has an account of its own: CoreDNS asks the API server for Services.
pub fn tokens_are_mounted_where_needed(evidence: &Evidence) -> Answer {
    for pod in evidence.objects("pods") {
        let refuses = pod["spec"]["automountServiceAccountToken"] == false;
        let needs = pod["spec"]["serviceAccountName"] == "coredns";
        holds(refuses || needs, || pod["metadata"]["name"].to_string())?;
    }
    Ok(())
}

/// The default of Pod Security is in force where the labels of a namespace say nothing: it refuses, and it takes what asks for nothing.
pub fn is_active(evidence: &Evidence) -> Answer {
    let why = evidence.refusal("", r#""tty": false"#);
    holds(why.is_empty(), || why)?;
    refuses(evidence, r#""hostPID": true,"#, r#""tty": false"#)
}

pub fn refuses(evidence: &Evidence, specification: &str, context: &str) -> Answer {
    let why = evidence.refusal(specification, context);
    holds(why.contains("violates PodSecurity"), || {
        format!("a pod with {specification}{context} is answered: {why}")
    })
}

fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    pod["spec"]["containers"].as_array().into_iter().flatten()
}

pub fn secrets_are_files(evidence: &Evidence) -> Answer {
    for pod in evidence.objects("pods") {
        for container in containers(&pod) {
            let text = container["env"].to_string() + &container["envFrom"].to_string();
            holds(!text.contains("secret"), || pod["metadata"]["name"].to_string())?;
        }
    }
    Ok(())
}

pub fn containers_give_away_what_they_do_not_need(evidence: &Evidence) -> Answer {
    for pod in evidence.objects("pods") {
        for container in containers(&pod) {
            let context = &container["securityContext"];
            let given =
                context["allowPrivilegeEscalation"] == false && context["capabilities"]["drop"][0] == "ALL";
            let profile = &pod["spec"]["securityContext"]["seccompProfile"]["type"];
            holds(given && profile == "RuntimeDefault", || {
                pod["metadata"]["name"].to_string()
            })?;
        }
    }
    Ok(())
}

/// Whoever runs something has a namespace for it.
pub fn default_namespace_is_empty(evidence: &Evidence) -> Answer {
    for kind in ["pods", "services", "deployments", "daemonsets"] {
        for object in evidence.objects(kind) {
            let metadata = &object["metadata"];
            let other = metadata["namespace"] != "default" || metadata["name"] == "kubernetes";
            holds(other, || metadata.to_string())?;
        }
    }
    Ok(())
}
