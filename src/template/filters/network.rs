//! Addresses and networks: the filters of `ansible.utils`.

use super::address::Network;
use super::subnets::{cidr_merge, ipsubnet};
use super::{Filter, filter};
use crate::template::call::{Answer, Call};
use crate::template::convert::print;
use crate::value::Value;

pub(super) const FILTERS: &[Filter] = &[
    filter("ansible.utils:ipaddr", |call| each(call, None)),
    filter("ansible.utils:ipv4", |call| each(call, Some(4))),
    filter("ansible.utils:ipv6", |call| each(call, Some(6))),
    filter("ansible.utils:ipwrap", |call| {
        Ok(match call.input() {
            Value::List(items) => Value::list(items.iter().map(wrapped)),
            one => wrapped(one),
        })
    }),
    filter("ansible.utils:nthhost", |call| {
        let index = call.integer(1, "query")?.unwrap_or(0);
        let network = Network::parse(&call.input_text());
        Ok(network
            .and_then(|network| network.nth(index))
            .map_or(Value::Bool(false), |host| host.address().into()))
    }),
    filter("ansible.utils:network_in_network", |call| {
        let test = call.need_text(1, "test")?;
        Ok(Value::Bool(
            match (Network::parse(&call.input_text()), Network::parse(&test)) {
                (Some(outer), Some(inner)) => outer.holds(&inner),
                _ => false,
            },
        ))
    }),
    filter("ansible.utils:network_in_usable", |call| {
        let test = call.need_text(1, "test")?;
        Ok(Value::Bool(
            match (Network::parse(&call.input_text()), Network::parse(&test)) {
                (Some(outer), Some(inner)) => {
                    let (first, last) = outer.usable();
                    outer.version == inner.version && first <= inner.first() && inner.last() <= last
                }
                _ => false,
            },
        ))
    }),
    filter("ansible.utils:ipsubnet", ipsubnet),
    filter("ansible.utils:ipmath", |call| {
        let amount = call.integer(1, "amount")?.unwrap_or(0);
        let network = Network::parse(&call.input_text()).ok_or("You must pass a valid IP address")?;
        let moved = if amount < 0 {
            network.ip.checked_sub(u128::from(amount.unsigned_abs()))
        } else {
            network.ip.checked_add(u128::from(amount.unsigned_abs()))
        };
        Ok(Network {
            ip: moved.ok_or("the address is out of range")?,
            ..network
        }
        .address()
        .into())
    }),
    filter("ansible.utils:cidr_merge", cidr_merge),
    filter("ansible.utils:reduce_on_network", |call| {
        let outer = Network::parse(&call.need_text(1, "network")?).ok_or("the network cannot be read")?;
        let inside = |item: &Value| Network::parse(&print(item)).is_some_and(|inner| outer.holds(&inner));
        Ok(Value::list(call.input_list()?.into_iter().filter(inside)))
    }),
    filter("ansible.utils:hwaddr", hardware_address),
    filter("ansible.utils:macaddr", hardware_address),
    filter("ansible.utils:ip4_hex", |call| {
        let delimiter = call.text(1, "delimiter").unwrap_or_default();
        let network = Network::parse(&call.input_text()).filter(|network| network.version == 4);
        let bytes = (network.ok_or("the address cannot be read")?.ip as u32).to_be_bytes();
        Ok(bytes.map(|byte| format!("{byte:02x}")).join(&delimiter).into())
    }),
    filter("ansible.utils:next_nth_usable", |call| neighbour(call, 1)),
    filter("ansible.utils:previous_nth_usable", |call| neighbour(call, -1)),
];

/// A hardware address in the way of writing that is asked for.
fn hardware_address(call: &Call) -> Answer {
    let text = call.input_text();
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    let plain = text.chars().all(|c| c.is_ascii_hexdigit() || ":-.".contains(c));
    if digits.len() != 12 || !plain {
        return Ok(Value::Bool(false));
    }
    let digits = digits.to_lowercase();
    let pieces = |size: usize, mark: &str| -> String {
        let parts: Vec<&str> = (0..12 / size)
            .map(|at| &digits[size * at..size * (at + 1)])
            .collect();
        parts.join(mark)
    };
    let number = || i64::from_str_radix(&digits, 16).unwrap_or_default();
    Ok(match call.text(1, "query").unwrap_or_default().as_str() {
        "" => call.input().clone(),
        "bool" => Value::Bool(true),
        "int" => Value::Int(number()),
        "bare" => digits.to_uppercase().into(),
        "cisco" => pieces(4, ".").into(),
        "eui48" | "win" => pieces(2, "-").to_uppercase().into(),
        "linux" => pieces(2, ":").into(),
        "pgsql" | "postgresql" | "psql" => pieces(6, ":").into(),
        "unix" => {
            let short = |pair: &str| pair.strip_prefix('0').unwrap_or(pair).to_string();
            pieces(2, ":")
                .split(':')
                .map(short)
                .collect::<Vec<_>>()
                .join(":")
                .into()
        }
        other => return Err(format!("unknown filter type: {other}")),
    })
}

/// The usable address some steps further in the same network, or false.
fn neighbour(call: &Call, direction: i64) -> Answer {
    let steps = direction * call.integer(1, "offset")?.unwrap_or(1);
    let Some(network) = Network::parse(&call.input_text()) else {
        return Ok(Value::Bool(false));
    };
    let (first, last) = network.usable();
    let moved = i128::try_from(network.ip).ok().map(|ip| ip + i128::from(steps));
    let found = moved
        .and_then(|ip| u128::try_from(ip).ok())
        .filter(|ip| (first..=last).contains(ip));
    Ok(found.map_or(Value::Bool(false), |ip| {
        Network { ip, ..network }.address().into()
    }))
}

fn wrapped(value: &Value) -> Value {
    let text = print(value);
    match Network::parse(&text) {
        Some(network) if network.version == 6 => match text.split_once('/') {
            Some((address, prefix)) => format!("[{address}]/{prefix}").into(),
            None => format!("[{text}]").into(),
        },
        _ => value.clone(),
    }
}

/// `ipaddr(query, version, alias)` on a value or on each value of a list; what does not fit is left out.
fn each(call: &Call, version: Option<u8>) -> Answer {
    let query = call.text(1, "query").unwrap_or_default();
    let version = version.or(match call.integer(2, "version")? {
        Some(4) => Some(4),
        Some(6) => Some(6),
        _ => None,
    });
    match call.input() {
        Value::List(items) => {
            let mut kept = vec![];
            for item in items.iter() {
                let answer = ask(item, &query, version)?;
                if answer != Value::Bool(false) && !answer.is_null() {
                    kept.push(answer);
                }
            }
            Ok(Value::list(kept))
        }
        one => ask(one, &query, version),
    }
}

fn ask(value: &Value, query: &str, version: Option<u8>) -> Answer {
    let text = match value {
        Value::Int(number) => u32::try_from(*number).map_or_else(
            |_| String::new(),
            |number| std::net::Ipv4Addr::from(number).to_string(),
        ),
        other => print(other),
    };
    let Some(network) =
        Network::parse(&text).filter(|network| version.is_none_or(|version| version == network.version))
    else {
        return Ok(Value::Bool(false));
    };
    let answer = match query {
        "" => Some(text.as_str().into()),
        query => answer(&network, &text, query)?,
    };
    Ok(answer.unwrap_or(Value::Null))
}

/// The answer to a query; `None` if the value has none.
fn answer(network: &Network, text: &str, query: &str) -> Result<Option<Value>, String> {
    let single = network.prefix == network.bits();
    let is_host = single || network.ip != network.first() || network.prefix + 1 == network.bits();
    let address = || Value::from(network.address());
    let number = |number: u128| i64::try_from(number).map_or_else(|_| number.to_string().into(), Value::Int);
    let usable = || network.usable();
    let of = |ip: u128| Value::from(Network { ip, ..*network }.address());
    let with_prefix = |ip: u128| {
        Value::from(format!(
            "{}/{}",
            Network { ip, ..*network }.address(),
            network.prefix
        ))
    };
    let ip = network.ip_address();
    let of_network = [
        "first_usable",
        "last_usable",
        "range_usable",
        "next_usable",
        "previous_usable",
        "peer",
    ];
    if of_network.contains(&query) && !text.contains('/') {
        return Err("Not a network address".into());
    }
    Ok(match query {
        "address" | "ip" => is_host.then(address),
        "ip/prefix" => (!single && is_host).then(|| with_prefix(network.ip)),
        "host" => is_host.then(|| with_prefix(network.ip)),
        "address/prefix" | "gateway" | "gw" | "host/prefix" | "hostnet" | "router" => Some(if is_host {
            with_prefix(network.ip)
        } else {
            Value::Bool(false)
        }),
        "bool" => Some(Value::Bool(true)),
        "broadcast" => (network.size() > 2).then(|| of(network.last())),
        "cidr" => Some(with_prefix(network.ip)),
        "cidr_lookup" => Some(text.into()),
        "first_usable" => (network.size() > 1).then(|| of(usable().0)),
        "last_usable" => (network.size() > 1).then(|| of(usable().1)),
        "range_usable" => (network.size() > 1)
            .then(|| format!("{}-{}", print(&of(usable().0)), print(&of(usable().1))).into()),
        "size_usable" => Some(number(match network.size() {
            1 => 0,
            2 => 2,
            size => size - 2,
        })),
        "hostmask" => Some(of(network.last() ^ network.first())),
        "int" => Some(match text.contains('/') {
            true => format!("{}/{}", network.ip, network.prefix).into(),
            false => number(network.ip),
        }),
        "ip_netmask" => {
            (!single && is_host).then(|| format!("{} {}", network.address(), network.netmask()).into())
        }
        "ipv4" | "4" => Some(if network.version == 4 {
            text.into()
        } else {
            Value::Bool(false)
        }),
        "ipv6" | "6" if network.version == 4 => {
            Some(format!("::ffff:{}/{}", network.address(), network.prefix + 96).into())
        }
        "ipv6" | "6" => Some(text.into()),
        "link-local" | "link_local" => {
            in_one_of(network, &["169.254.0.0/16", "fe80::/10"]).then(|| text.into())
        }
        "lo" | "loopback" => ip.is_loopback().then(|| text.into()),
        "multicast" => ip.is_multicast().then(|| text.into()),
        "private" => private(network).then(|| text.into()),
        "public" => public(network).then(|| text.into()),
        "net" => (!single && network.ip == network.first()).then(|| network.cidr().into()),
        "netmask" => Some(network.netmask().into()),
        "network" | "network_id" => Some(of(network.first())),
        "network/prefix" | "subnet" => Some(network.cidr().into()),
        "network_netmask" => Some(format!("{} {}", print(&of(network.first())), network.netmask()).into()),
        "network_wildcard" => Some(
            format!(
                "{} {}",
                print(&of(network.first())),
                print(&of(network.last() ^ network.first()))
            )
            .into(),
        ),
        "next_usable" if single => None,
        "next_usable" => network
            .ip
            .checked_add(1)
            .filter(|next| *next <= usable().1)
            .map(of),
        "previous_usable" if single => None,
        "previous_usable" => network
            .ip
            .checked_sub(1)
            .filter(|previous| *previous >= usable().0)
            .map(of),
        "peer" => match peer(network) {
            Some(ip) => Some(of(ip)),
            None => return Err("Not a point-to-point network".into()),
        },
        "prefix" => Some(Value::Int(network.prefix.into())),
        "revdns" => Some(network.reverse_name().into()),
        "size" => Some(number(network.size())),
        "type" => Some(
            if is_host && (single || network.ip != network.first()) {
                "address"
            } else {
                "network"
            }
            .into(),
        ),
        "unicast" => (!ip.is_multicast()).then(|| text.into()),
        "version" => Some(Value::Int(network.version.into())),
        "wildcard" => Some(of(network.last() ^ network.first())),
        "wrap" => Some(wrapped(&text.into())),
        other => return numbered(network, text, other),
    })
}

/// A query that is a position in the network, or another network that must hold the value.
fn numbered(network: &Network, text: &str, query: &str) -> Result<Option<Value>, String> {
    if let Ok(index) = query.parse::<i64>() {
        if network.prefix == network.bits() {
            return Ok(Some(text.into()));
        }
        let found = network.nth(index);
        let found = found.map(|host| format!("{}/{}", host.address(), network.prefix).into());
        return Ok(Some(found.unwrap_or(Value::Bool(false))));
    }
    match Network::parse(query) {
        Some(outer) => Ok(outer.holds(network).then(|| text.into())),
        None => Err(format!("unknown filter type: {query}")),
    }
}

fn peer(network: &Network) -> Option<u128> {
    let bits = network.bits();
    match bits - network.prefix {
        1 => Some(network.ip ^ 1),
        2 if (1..=2).contains(&(network.ip & 3)) => Some(network.ip ^ 3),
        _ => None,
    }
}

fn in_one_of(network: &Network, ranges: &[&str]) -> bool {
    ranges
        .iter()
        .filter_map(|range| Network::parse(range))
        .any(|range| range.holds(&network.host()))
}

/// Ranges that are not reached through the internet (IANA's registries of special addresses).
const SPECIAL: [&str; 25] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "240.0.0.0/4",
    "255.255.255.255/32",
    "::1/128",
    "::/128",
    "::ffff:0:0/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
    "fc00::/7",
    "fe80::/10",
];

fn private(network: &Network) -> bool {
    in_one_of(network, &SPECIAL)
}

fn public(network: &Network) -> bool {
    !private(network) && !network.ip_address().is_multicast()
}
