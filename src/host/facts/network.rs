//! Facts about the network: interfaces, addresses, default routes.

use super::{Sections, put, strings};
use crate::value::{Map, Value};
use std::net::Ipv4Addr;

/// An address of an interface.
struct Address<'a> {
    interface: &'a str,
    address: String,
    prefix: u8,
    broadcast: String,
    scope: String,
}

impl Address<'_> {
    fn is_v6(&self) -> bool {
        self.address.contains(':')
    }

    /// The entries of an IPv4 address.
    fn version4(&self) -> Vec<(&'static str, Value)> {
        let host_bits = 32_u32.saturating_sub(u32::from(self.prefix));
        let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
        let number = self.address.parse::<Ipv4Addr>().map_or(0, u32::from);
        vec![
            ("address", Value::from(self.address.as_str())),
            ("broadcast", self.broadcast.as_str().into()),
            ("netmask", Ipv4Addr::from(mask).to_string().into()),
            ("network", Ipv4Addr::from(number & mask).to_string().into()),
            ("prefix", self.prefix.to_string().into()),
        ]
    }

    fn version6(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("address", Value::from(self.address.as_str())),
            ("prefix", self.prefix.to_string().into()),
            ("scope", self.scope.as_str().into()),
        ]
    }
}

pub(super) fn add(sections: &Sections<'_>, facts: &mut Map) {
    let addresses = addresses(sections);
    let of = |v6: bool, loopback: &'static str| {
        let wanted = addresses
            .iter()
            .filter(move |address| address.is_v6() == v6 && !address.address.starts_with(loopback));
        strings(wanted.map(|address| address.address.as_str()))
    };
    put(facts, "all_ipv4_addresses", of(false, "127."));
    put(facts, "all_ipv6_addresses", of(true, "::1"));
    let mut names = vec![];
    for line in sections.lines("links") {
        let fields: Vec<&str> = line.split('|').collect();
        let Some(name) = fields.first().filter(|_| fields.len() >= 9) else {
            continue;
        };
        names.push(*name);
        let entries = interface(&fields, &addresses);
        put(
            facts,
            &name.replace(['-', '.', ':'], "_"),
            Value::Map(entries.into()),
        );
    }
    put(facts, "interfaces", strings(names));
    put(
        facts,
        "default_ipv4",
        default_route(sections, &addresses, false, facts),
    );
    put(
        facts,
        "default_ipv6",
        default_route(sections, &addresses, true, facts),
    );
    let local = |section: &str| {
        let lines = sections
            .lines(section)
            .filter_map(|line| line.strip_prefix("local "));
        strings(lines.filter_map(|line| line.split_whitespace().next()))
    };
    let reachable = [("ipv4", local("local4")), ("ipv6", local("local6"))];
    put(facts, "locally_reachable_ips", Value::map(reachable));
}

/// The addresses as `ip -o addr` prints them, or as they stand in `/proc` where there is no `ip`.
fn addresses<'a>(sections: &Sections<'a>) -> Vec<Address<'a>> {
    let mut found = vec![];
    let mut networks: Vec<(&str, u32, u32)> = vec![];
    for line in sections.lines("addresses") {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [_, interface, "inet" | "inet6", address, rest @ ..] => {
                let (address, prefix) = address.split_once('/').unwrap_or((address, "32"));
                let after = |word: &str| {
                    let at = rest.iter().position(|other| *other == word)?;
                    rest.get(at + 1).map(|word| word.to_string())
                };
                found.push(Address {
                    interface,
                    address: address.to_string(),
                    prefix: prefix.parse().unwrap_or(32),
                    broadcast: after("brd").unwrap_or_default(),
                    scope: after("scope").unwrap_or_default(),
                });
            }
            ["inet6", digits, _, prefix, scope, _, interface] => {
                let number = u128::from_str_radix(digits, 16).unwrap_or(0);
                found.push(Address {
                    interface,
                    address: std::net::Ipv6Addr::from(number).to_string(),
                    prefix: u8::from_str_radix(prefix, 16).unwrap_or(128),
                    broadcast: String::new(),
                    scope: match *scope {
                        "10" => "host",
                        "20" => "link",
                        "40" => "site",
                        _ => "global",
                    }
                    .to_string(),
                });
            }
            ["net", interface, network, mask] => {
                let number = |digits| u32::from_str_radix(digits, 16).unwrap_or(0).swap_bytes();
                networks.push((interface, number(network), number(mask)));
            }
            ["local", address] => found.extend(placed(address, &networks)),
            _ => {}
        }
    }
    found
}

/// An address of `/proc/net/fib_trie` belongs to the interface with the narrowest network around it.
fn placed<'a>(address: &str, networks: &[(&'a str, u32, u32)]) -> Option<Address<'a>> {
    let number = u32::from(address.parse::<Ipv4Addr>().ok()?);
    let around = networks
        .iter()
        .filter(|(_, network, mask)| *mask != 0 && number & mask == *network)
        .max_by_key(|(_, _, mask)| *mask);
    let (interface, prefix) = match around {
        Some((interface, _, mask)) => (*interface, mask.count_ones() as u8),
        None if address.starts_with("127.") => ("lo", 8),
        None => return None,
    };
    Some(Address {
        interface,
        address: address.to_string(),
        prefix,
        broadcast: String::new(),
        scope: "global".into(),
    })
}

/// The facts of one interface; `fields` is a line of the section `links`.
fn interface(fields: &[&str], addresses: &[Address<'_>]) -> Map {
    let mut entries = Map::new();
    let (name, mac, bridge) = (fields[0], fields[1], fields.len() >= 12);
    put(&mut entries, "device", name);
    if mac != "00:00:00:00:00:00" && !mac.is_empty() {
        put(&mut entries, "macaddress", mac);
    }
    if let Ok(mtu) = fields[2].parse::<i64>() {
        put(&mut entries, "mtu", mtu);
    }
    put(&mut entries, "active", fields[3] != "down");
    let kind = match fields[4] {
        _ if bridge => "bridge",
        "1" => "ether",
        "32" => "infiniband",
        "512" => "ppp",
        "772" => "loopback",
        "65534" => "tunnel",
        _ => "unknown",
    };
    put(&mut entries, "type", kind);
    let flags = i64::from_str_radix(fields[5].trim_start_matches("0x"), 16).unwrap_or(0);
    put(&mut entries, "promisc", flags & 0x100 != 0);
    if let Ok(speed) = fields[6].parse::<i64>() {
        put(&mut entries, "speed", speed);
    }
    for (name, text) in [("pciid", fields[7]), ("module", fields[8])] {
        if !text.is_empty() {
            put(&mut entries, name, text);
        }
    }
    if bridge {
        put(&mut entries, "id", fields[9]);
        put(&mut entries, "stp", fields[10] == "1");
        put(&mut entries, "interfaces", strings(fields[11].split_whitespace()));
    }
    let own = addresses.iter().filter(|address| address.interface == name);
    let (sixes, fours): (Vec<_>, Vec<_>) = own.partition(|address| address.is_v6());
    if let Some((first, others)) = fours.split_first() {
        put(&mut entries, "ipv4", Value::map(first.version4()));
        if !others.is_empty() {
            let others = others.iter().map(|address| Value::map(address.version4()));
            put(&mut entries, "ipv4_secondaries", Value::list(others));
        }
    }
    if !sixes.is_empty() {
        let sixes = sixes.iter().map(|address| Value::map(address.version6()));
        put(&mut entries, "ipv6", Value::list(sixes));
    }
    entries
}

/// The interface, gateway and own address of the default route.
fn default_route(sections: &Sections<'_>, addresses: &[Address<'_>], v6: bool, facts: &Map) -> Value {
    let text = sections.text(if v6 { "route6" } else { "route4" });
    let routed = text.lines().find(|line| line.contains(" dev ")).unwrap_or("");
    let words: Vec<&str> = routed.split_whitespace().collect();
    let after = |word: &str| {
        let at = words.iter().position(|other| *other == word)?;
        words.get(at + 1).copied()
    };
    let table: Vec<&str> = text.lines().next().unwrap_or("").split_whitespace().collect();
    let (interface, gateway) = match (after("dev"), table.as_slice()) {
        (Some(interface), _) => (interface, after("via").map(str::to_string)),
        (None, [interface, gateway, _]) if !v6 => {
            let number = u32::from_str_radix(gateway, 16).unwrap_or(0).swap_bytes();
            (*interface, Some(Ipv4Addr::from(number).to_string()))
        }
        _ => return Value::Map(Map::new().into()),
    };
    let own = addresses
        .iter()
        .filter(|address| address.interface == interface && address.is_v6() == v6);
    let own: Vec<&Address<'_>> = own.collect();
    let source = after("src");
    let chosen = own
        .iter()
        .find(|address| Some(address.address.as_str()) == source)
        .or_else(|| own.first());
    let mut entries = vec![("interface", Value::from(interface))];
    entries.extend(gateway.map(|gateway| ("gateway", gateway.into())));
    match chosen {
        Some(address) if v6 => entries.extend(address.version6()),
        Some(address) => {
            entries.extend(address.version4());
            entries.push(("alias", interface.into()));
        }
        None => {}
    }
    if let Some(link) = facts.get(interface.replace(['-', '.', ':'], "_").as_str()) {
        for name in ["macaddress", "mtu", "type"] {
            entries.extend(link.get(name).map(|value| (name, value.clone())));
        }
    }
    Value::map(entries)
}

#[cfg(test)]
mod tests {
    use super::super::parse_facts;
    use crate::value::Value;

    #[test]
    fn without_ip_the_kernel_tables_are_read() {
        let facts = parse_facts(
            b"\x1elinks\neth0|02:fc:00:00:00:01|1400|up|1|0x1003|||virtio2||\nlo|00:00:00:00:00:00|65536|unknown|772|0x9||||\n\
              \x1eaddresses\ninet6 fd000000000000000000000000000002 04 40 00 80 eth0\nnet eth0 000200C0 00FFFFFF\nlocal 127.0.0.1\nlocal 192.0.2.2\n\
              \x1eroute4\neth0 010200C0 0\n",
        );
        let default = facts.get("default_ipv4").unwrap();
        let text = |name: &str| default.get(name).and_then(Value::as_str).unwrap().to_string();
        assert_eq!(
            (text("address"), text("gateway")),
            ("192.0.2.2".into(), "192.0.2.1".into())
        );
        assert_eq!(
            (text("netmask"), text("network")),
            ("255.255.255.0".into(), "192.0.2.0".into())
        );
        assert_eq!(
            facts.get("all_ipv6_addresses"),
            Some(&Value::list(["fd00::2".into()]))
        );
        assert_eq!(
            facts
                .get("lo")
                .and_then(|lo| lo.get("ipv4")?.get("netmask").cloned()),
            Some("255.0.0.0".into())
        );
    }
}
