//! How a guest is reached.

use super::{GuestDetails, text_of};
use crate::cloud::inventory::Addresses;
use crate::cloud::proxmox::client::types::Interface;

/// The addresses of a guest: what its agent tells about its first interfaces, else what cloud-init was told.
/// Interfaces that are no network card of the machine (those of container networks) do not count.
pub(super) fn addresses(network: Option<&ipnet::Ipv4Net>, known: &GuestDetails) -> Addresses {
    let cards: Vec<String> = (0..4)
        .filter_map(|number| known.config.get(&format!("net{number}")))
        .map(|card| text_of(card).to_lowercase())
        .collect();
    let is_card = |interface: &Interface| {
        let hardware = interface.hardware_address.to_lowercase();
        !hardware.is_empty() && cards.iter().any(|card| card.contains(&hardware))
    };
    let mut told: Vec<String> = vec![];
    for interface in known.interfaces.iter().filter(|interface| is_card(interface)) {
        let addresses = interface.ip_addresses.iter().map(|address| &address.ip_address);
        let plain = addresses.chain([&interface.inet, &interface.inet6]);
        told.extend(plain.filter_map(|text| text.split('/').next().map(str::to_string)));
    }
    for number in 0..4 {
        let Some(text) = known.config.get(&format!("ipconfig{number}")).map(text_of) else {
            continue;
        };
        let parts = text.split(',').filter_map(|part| part.split_once('='));
        told.extend(
            parts
                .filter(|(key, _)| *key == "ip" || *key == "ip6")
                .filter_map(|(_, address)| Some(address.split_once('/')?.0.to_string())),
        );
    }
    let ipv4: Vec<std::net::Ipv4Addr> = told
        .iter()
        .filter_map(|text| text.parse().ok())
        .filter(|address: &std::net::Ipv4Addr| !address.is_loopback() && !address.is_link_local())
        .collect();
    let ipv6 = told
        .iter()
        .filter_map(|text| text.parse::<std::net::Ipv6Addr>().ok())
        .find(|address| !address.is_loopback() && address.segments()[0] & 0xffc0 != 0xfe80);
    let inside = |address: &&std::net::Ipv4Addr| match network {
        Some(network) => network.contains(*address),
        None => address.is_private(),
    };
    let private = ipv4.iter().find(inside).or(ipv4.first());
    let public = ipv4.iter().find(|address| !address.is_private());
    Addresses {
        public_ipv4: public.map(ToString::to_string),
        public_ipv6: ipv6.map(|address| address.to_string()),
        private_ipv4: private.map(ToString::to_string),
        provider_id: format!("proxmox://{}", known.guest.vmid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::proxmox::client::types::Guest;
    use serde_json::{Map, json};

    #[test]
    fn addresses_of_container_networks_do_not_count() {
        let config = json!({"net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0", "ipconfig0": "ip=dhcp"});
        let interfaces = json!([
            {"name": "lo", "hardware-address": "00:00:00:00:00:00", "ip-addresses": [{"ip-address": "127.0.0.1"}]},
            {"name": "cni0", "hardware-address": "aa:aa:aa:aa:aa:aa", "ip-addresses": [{"ip-address": "10.200.0.1"}]},
            {"name": "eth0", "hardware-address": "bc:24:11:00:00:01", "ip-addresses": [
                {"ip-address": "fe80::1"}, {"ip-address": "10.0.10.5"}, {"ip-address": "2001:db8::5"}]},
        ]);
        let known = GuestDetails {
            guest: Guest::default(),
            config: config.as_object().unwrap().clone(),
            status: Map::new(),
            snapshots: vec![],
            interfaces: serde_json::from_value(interfaces).unwrap(),
        };
        let found = addresses(None, &known);
        assert_eq!(found.private_ipv4.as_deref(), Some("10.0.10.5"));
        assert_eq!(found.public_ipv4, None);
        assert_eq!(found.public_ipv6.as_deref(), Some("2001:db8::5"));
    }
}
