//! Tests on addresses and networks, as `ansible.utils` has them.

use super::{Test, test};
use crate::template::call::{Answer, Call};
use crate::template::convert::print;
use crate::template::filters::Network;
use crate::value::Value;
use std::net::IpAddr;

pub(super) const TESTS: &[Test] = &[
    test("ansible.utils:ip", |call| is_network(call, |_| true)),
    test("ansible.utils:ip_address", |call| is_address(call, |_| true)),
    test("ansible.utils:ipv4", |call| {
        is_network(call, |network| network.version == 4)
    }),
    test("ansible.utils:ipv6", |call| {
        is_network(call, |network| network.version == 6)
    }),
    test("ansible.utils:ipv4_address", |call| {
        is_address(call, |address| address.is_ipv4())
    }),
    test("ansible.utils:ipv6_address", |call| {
        is_address(call, |address| address.is_ipv6())
    }),
    test("ansible.utils:loopback", |call| {
        is_address(call, |address| address.is_loopback())
    }),
    test("ansible.utils:multicast", |call| {
        is_address(call, |address| address.is_multicast())
    }),
    test("ansible.utils:unspecified", |call| {
        is_address(call, |address| address.is_unspecified())
    }),
    test("ansible.utils:private", |call| is_address(call, private)),
    test("ansible.utils:public", |call| {
        is_address(call, |address| !private(address) && !address.is_multicast())
    }),
    test("ansible.utils:in_network", |call| {
        let network = call.need_text(1, "network")?;
        Ok(Value::Bool(inside(&call.input_text(), &network)))
    }),
    test("ansible.utils:in_any_network", |call| {
        let networks = call.list_of(call.need(1, "networks")?)?;
        let inner = call.input_text();
        Ok(Value::Bool(
            networks.iter().any(|network| inside(&inner, &print(network))),
        ))
    }),
    test("ansible.utils:in_one_network", |call| {
        let networks = call.list_of(call.need(1, "networks")?)?;
        let inner = call.input_text();
        let count = networks
            .iter()
            .filter(|network| inside(&inner, &print(network)))
            .count();
        Ok(Value::Bool(count == 1))
    }),
    test("ansible.utils:subnet_of", |call| {
        let outer = call.need_text(1, "network")?;
        Ok(Value::Bool(inside(&call.input_text(), &outer)))
    }),
    test("ansible.utils:supernet_of", |call| {
        let inner = call.need_text(1, "network")?;
        Ok(Value::Bool(inside(&inner, &call.input_text())))
    }),
    test("ansible.utils:mac", |call| {
        let text = call.input_text();
        let parts: Vec<&str> = text.split([':', '-', '.']).collect();
        let size = if parts.len() == 6 { 2 } else { 4 };
        let digits = |part: &&str| part.len() == size && part.chars().all(|c| c.is_ascii_hexdigit());
        Ok(Value::Bool(
            matches!(parts.len(), 3 | 6) && parts.iter().all(digits),
        ))
    }),
];

fn is_network(call: &Call, holds: impl Fn(&Network) -> bool) -> Answer {
    let network = Network::parse(&call.input_text());
    Ok(Value::Bool(network.is_some_and(|network| holds(&network))))
}

fn is_address(call: &Call, holds: impl Fn(&IpAddr) -> bool) -> Answer {
    let address = call.input_text().parse::<IpAddr>();
    Ok(Value::Bool(address.is_ok_and(|address| holds(&address))))
}

/// Ranges that are not reached from everywhere (RFC 6890).
fn private(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_unspecified()
                || address.is_documentation()
                || address.is_broadcast()
                || address.octets()[0] >= 240
                || (address.octets()[0] == 198 && address.octets()[1] & 0xfe == 18)
        }
        IpAddr::V6(address) => {
            address.is_loopback()
                || address.is_unspecified()
                || address.is_unique_local()
                || address.is_unicast_link_local()
                || address.segments()[..2] == [0x2001, 0x0db8]
        }
    }
}

fn inside(inner: &str, outer: &str) -> bool {
    match (Network::parse(inner), Network::parse(outer)) {
        (Some(inner), Some(outer)) => outer.holds(&inner),
        _ => false,
    }
}
