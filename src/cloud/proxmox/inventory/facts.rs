//! The settings of a guest as variables, as `community.proxmox.proxmox` has them with `want_facts`.

use super::{GuestDetails, Options};
use crate::cloud::proxmox::client::types::Interface;
use serde_json::{Map, Value as Json, json};

/// All settings as variables, as the plugin has them with `want_facts`.
pub(super) fn more_facts(facts: &mut Map<String, Json>, options: &Options, known: &GuestDetails) {
    for (name, value) in &known.status {
        if name == "status" || (name == "qmpstatus" && known.guest.kind == "qemu") {
            facts.insert(options.fact(name), value.clone());
        }
    }
    for (name, value) in &known.config {
        let value = match value {
            Json::String(text) => setting(name, text),
            other => other.clone(),
        };
        facts.insert(options.fact(name), value);
    }
    let tags = known.guest.tag_list();
    if !tags.is_empty() {
        facts.insert(options.fact("tags_parsed"), json!(tags));
    }
    let names: Vec<&str> = known
        .snapshots
        .iter()
        .filter_map(|snapshot| snapshot.get("name").and_then(Json::as_str))
        .filter(|name| *name != "current")
        .collect();
    facts.insert(options.fact("snapshots"), json!(names));
    let (name, shown): (_, fn(&Interface) -> Json) = match known.guest.kind.as_str() {
        "lxc" => ("lxc_interfaces", container_interface),
        _ => ("agent_interfaces", interface),
    };
    if !known.interfaces.is_empty() {
        let interfaces: Vec<Json> = known.interfaces.iter().map(shown).collect();
        facts.insert(options.fact(name), json!(interfaces));
    }
}

/// A setting: `k=v,k=v` is a mapping; a disk has its image first.
fn setting(name: &str, text: &str) -> Json {
    let disk = name == "rootfs"
        || ["virtio", "sata", "ide", "scsi"]
            .iter()
            .any(|kind| name.starts_with(kind));
    let text = match disk {
        true => format!("disk_image={text}"),
        false => text.to_string(),
    };
    let pairs: Option<Map<String, Json>> = text
        .split(',')
        .map(|pair| pair.split_once('='))
        .map(|pair| pair.map(|(key, value)| (key.to_string(), json!(value))))
        .collect();
    match pairs {
        Some(pairs) if name != "description" => Json::Object(pairs),
        _ => json!(text),
    }
}

fn interface(interface: &Interface) -> Json {
    let addresses: Vec<String> = interface
        .ip_addresses
        .iter()
        .map(|address| format!("{}/{}", address.ip_address, address.prefix))
        .collect();
    json!({"name": interface.name, "mac-address": interface.hardware_address, "ip-addresses": addresses})
}

fn container_interface(interface: &Interface) -> Json {
    let mut shown = json!({"name": interface.name, "hwaddr": interface.hardware_address});
    for (name, address) in [("inet", &interface.inet), ("inet6", &interface.inet6)] {
        if !address.is_empty() {
            shown[name] = address.clone().into();
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_pairs_are_mappings() {
        assert_eq!(
            setting("ipconfig0", "ip=10.0.0.5/24,gw=10.0.0.1"),
            json!({"ip": "10.0.0.5/24", "gw": "10.0.0.1"})
        );
        assert_eq!(
            setting("scsi0", "local:vm-1,size=10G"),
            json!({"disk_image": "local:vm-1", "size": "10G"})
        );
        assert_eq!(setting("description", "a=b"), json!("a=b"));
        assert_eq!(setting("name", "worker-0"), json!("worker-0"));
    }
}
