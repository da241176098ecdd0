//! Picks the lab's two networks so that they collide with nothing this computer can reach.

use super::command;
use super::names::Names;
use crate::error::{Error, Result};
use ipnet::Ipv4Net;
use std::fmt;

/// The networks of one lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Networks {
    /// This computer and the nodes.
    pub public: Ipv4Net,
    /// The nodes alone.
    pub private: Ipv4Net,
}

/// What Kubernetes on the nodes uses by default: pods and services.
const CLUSTER: [&str; 2] = ["10.200.0.0/16", "10.32.0.0/24"];

impl fmt::Display for Networks {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.public, self.private)
    }
}

impl Networks {
    /// Reads what `Display` wrote.
    pub fn parse(text: &str) -> Option<Networks> {
        let (public, private) = text.trim().split_once(' ')?;
        Some(Networks {
            public: public.parse().ok()?,
            private: private.parse().ok()?,
        })
    }

    /// The wished networks, each replaced by the next free /24 if this computer uses it already. The
    /// lab's own bridges do not count as use.
    ///
    /// # Errors
    /// `ip` cannot be run, or nothing is free.
    pub fn pick(public: Ipv4Net, private: Ipv4Net, names: &Names) -> Result<Networks> {
        let mut used = used_networks(names)?;
        let public = next_free(public, &used)?;
        used.push(public);
        let private = next_free(private, &used)?;
        Ok(Networks { public, private })
    }
}

fn next_free(wished: Ipv4Net, used: &[Ipv4Net]) -> Result<Ipv4Net> {
    let cluster = CLUSTER.iter().filter_map(|text| text.parse::<Ipv4Net>().ok());
    let used: Vec<Ipv4Net> = used.iter().copied().chain(cluster).collect();
    let free = |network: &Ipv4Net| {
        !used
            .iter()
            .any(|other| other.contains(network) || network.contains(other))
    };
    let first = u32::from(wished.network());
    (0..4096u32)
        .filter_map(|step| first.checked_add(step << 8))
        .filter_map(|address| Ipv4Net::new(address.into(), 24).ok())
        .take_while(|network| network.addr().is_private() || *network == wished)
        .find(free)
        .ok_or_else(|| {
            Error::new(format!("from {wished} on, no network of 254 addresses is free")).help(
                "set public_cidr and private_cidr of the lab to networks that this computer does not use",
            )
        })
}

/// All networks this computer has an address in or a route to, except by default.
fn used_networks(names: &Names) -> Result<Vec<Ipv4Net>> {
    let routes = command::run(&["ip", "-4", "-json", "route", "show", "table", "all"])?;
    Ok(networks_of_routes(
        &routes,
        &[&names.public_bridge(), &names.private_bridge()],
    ))
}

fn networks_of_routes(json: &str, own: &[&str]) -> Vec<Ipv4Net> {
    let routes: Vec<serde_json::Value> = serde_json::from_str(json).unwrap_or_default();
    routes
        .iter()
        .filter(|route| {
            let device = route["dev"].as_str().unwrap_or("");
            !own.contains(&device)
        })
        .filter_map(|route| {
            let to = route["dst"].as_str()?;
            to.parse::<Ipv4Net>()
                .ok()
                .or_else(|| Some(Ipv4Net::from(to.parse::<std::net::Ipv4Addr>().ok()?)))
        })
        .filter(|network| network.prefix_len() > 0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    #[test]
    fn a_used_network_gives_way_to_the_next_free_one() {
        let used = [net("10.89.0.0/23"), net("10.89.2.7/32")];
        assert_eq!(
            next_free(net("10.89.0.0/24"), &used).unwrap(),
            net("10.89.3.0/24")
        );
        assert_eq!(
            next_free(net("10.90.0.0/24"), &used).unwrap(),
            net("10.90.0.0/24")
        );
        assert_eq!(
            next_free(net("10.200.7.0/24"), &[]).unwrap(),
            net("10.201.0.0/24")
        );
        assert!(next_free(net("192.168.255.0/24"), &[net("192.168.0.0/16")]).is_err());
    }

    #[test]
    fn routes_count_unless_they_are_the_labs_own_or_the_default() {
        let routes = r#"[{"dst":"default","dev":"eth0"},{"dst":"10.1.0.0/16","dev":"eth0"},
            {"type":"local","dst":"10.2.0.1","dev":"lo"},{"dst":"10.89.0.0/24","dev":"v1-public"}]"#;
        assert_eq!(
            networks_of_routes(routes, &["v1-public"]),
            vec![net("10.1.0.0/16"), net("10.2.0.1/32")]
        );
    }
}
