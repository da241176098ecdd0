//! What a key's role must allow: the operation of a call, by the name that policies know it by.

use crate::cloud::client::http::failure::Failure;
use crate::cloud::client::http::request::Call;
use reqwest::Method;

/// Operations whose names do not follow from method and path, by method, kind of resource and what follows its
/// identifier.
const IRREGULAR: &[(&Method, &str, &str, &str)] = &[
    (&Method::POST, "ssh-key", "", "register-ssh-key"),
    (
        &Method::PUT,
        "instance-pool",
        "evict",
        "evict-instance-pool-members",
    ),
    (
        &Method::PUT,
        "private-network",
        "attach",
        "attach-instance-to-private-network",
    ),
    (
        &Method::PUT,
        "elastic-ip",
        "attach",
        "attach-instance-to-elastic-ip",
    ),
    (
        &Method::POST,
        "security-group",
        "rules",
        "add-rule-to-security-group",
    ),
    (
        &Method::DELETE,
        "security-group",
        "rules",
        "delete-rule-from-security-group",
    ),
    (
        &Method::POST,
        "load-balancer",
        "service",
        "add-service-to-load-balancer",
    ),
];

/// The name of the operation that a call is.
pub fn operation(call: &Call) -> String {
    let mut parts = call.path.trim_matches('/').split('/');
    let kind = parts.next().unwrap_or_default();
    let (id, verb) = match parts.next() {
        Some(id) => id.split_once(':').unwrap_or((id, "")),
        None => ("", ""),
    };
    let below = match parts.next() {
        Some(below) => below,
        None => verb,
    };
    let irregular = IRREGULAR
        .iter()
        .find(|row| *row.0 == call.method && row.1 == kind && row.2 == below);
    if let Some(row) = irregular {
        return row.3.to_string();
    }
    let verb = match (&call.method, id.is_empty(), below.is_empty()) {
        (_, _, false) => below,
        (&Method::GET, true, _) => return format!("list-{kind}s"),
        (&Method::GET, false, _) => "get",
        (&Method::POST, _, _) => "create",
        (&Method::DELETE, _, _) => "delete",
        _ => "update",
    };
    format!("{verb}-{kind}")
}

/// A refusal for want of rights with the operation that is to be allowed; any other failure as it is.
pub fn explained(failure: Failure, call: &Call) -> Failure {
    // A signature that is not accepted is answered with the same status.
    if failure.status != Some(403) || failure.says("request signature") {
        return failure;
    }
    let operation = operation(call);
    failure.help(format!(
        "the key is valid, but the policy of its role, or that of the organization, does not allow `{operation}`: allow it \
         in the service class `compute`, or use a key whose role may do everything there (IAM in the portal)"
    ))
}
