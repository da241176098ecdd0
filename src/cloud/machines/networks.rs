//! Networks in options: written with the length of the prefix, and nothing behind the prefix, so that what a
//! service makes of one is the same text again.

use super::given::Given;
use crate::error::{Collector, Error};
use ipnet::IpNet;

/// Notes everything in the option `name` that is no network; `given` is what the option stands in.
pub fn check(given: &Given<'_>, name: &str, networks: &[String], errors: &mut Collector) {
    for (at, text) in networks.iter().enumerate() {
        let (message, help) = match text.parse::<IpNet>() {
            Ok(network) if network == network.trunc() => continue,
            Ok(network) => (
                format!("`{text}` in `{name}` is an address in a network"),
                format!(
                    "write {} for the whole network, or {}/{} for the address alone",
                    network.trunc(),
                    network.addr(),
                    network.max_prefix_len()
                ),
            ),
            Err(_) => (
                format!("`{text}` in `{name}` is not a network"),
                "write it with the length of its prefix, as 203.0.113.7/32 or 2001:db8::/48".to_string(),
            ),
        };
        let items = given.get(name).map(|list| list.items()).unwrap_or_default();
        let place = items.get(at).map_or(given.place_of(name), |item| item.place());
        errors.push(Error::new(message).at(place).help(help));
    }
}
