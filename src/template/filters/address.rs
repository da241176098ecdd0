//! An address with its network, and the arithmetic on it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address, alone or with the length of its network's prefix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::template) struct Network {
    /// 4 or 6.
    pub version: u8,
    /// The address as a number.
    pub ip: u128,
    /// Length of the prefix in bits.
    pub prefix: u8,
}

impl Network {
    /// Reads `address`, `address/prefix` or `address/netmask`.
    pub(in crate::template) fn parse(text: &str) -> Option<Network> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let (version, ip, bits) = match address {
            IpAddr::V4(address) => (4, u128::from(u32::from(address)), 32),
            IpAddr::V6(address) => (6, u128::from(address), 128),
        };
        let prefix = match prefix {
            None => bits,
            Some(prefix) => match prefix.parse::<u8>() {
                Ok(prefix) if prefix <= bits => prefix,
                Ok(_) => return None,
                Err(_) => mask_length(prefix)?,
            },
        };
        Some(Network { version, ip, prefix })
    }

    /// Bits of an address.
    pub(super) fn bits(&self) -> u8 {
        if self.version == 4 { 32 } else { 128 }
    }

    fn host_mask(&self) -> u128 {
        let bits = u32::from(self.bits() - self.prefix);
        if bits == 128 { u128::MAX } else { (1 << bits) - 1 }
    }

    /// The lowest address of the network.
    pub(super) fn first(&self) -> u128 {
        self.ip & !self.host_mask()
    }

    /// The highest address of the network.
    pub(super) fn last(&self) -> u128 {
        self.ip | self.host_mask()
    }

    /// How many addresses it has (at most 2^128 - 1).
    pub(super) fn size(&self) -> u128 {
        self.host_mask().saturating_add(1)
    }

    /// The lowest and highest address a host can have.
    pub(super) fn usable(&self) -> (u128, u128) {
        if self.size() > 2 {
            (self.first() + 1, self.last() - 1)
        } else {
            (self.first(), self.last())
        }
    }

    /// The address alone.
    pub(super) fn host(&self) -> Network {
        Network {
            prefix: self.bits(),
            ..*self
        }
    }

    /// True if all of `inner` lies in this network.
    pub(in crate::template) fn holds(&self, inner: &Network) -> bool {
        self.version == inner.version && self.first() <= inner.first() && inner.last() <= self.last()
    }

    /// The address at a position of the network, counted from the end if negative.
    pub(super) fn nth(&self, index: i64) -> Option<Network> {
        let ip = if index < 0 {
            self.last()
                .checked_add(1)?
                .checked_sub(u128::from(index.unsigned_abs()))?
        } else {
            self.first().checked_add(u128::from(index.unsigned_abs()))?
        };
        (self.first()..=self.last())
            .contains(&ip)
            .then_some(Network { ip, ..*self })
    }

    /// The address as the standard library knows it.
    pub(super) fn ip_address(&self) -> IpAddr {
        match u32::try_from(self.ip) {
            Ok(ip) if self.version == 4 => IpAddr::V4(Ipv4Addr::from(ip)),
            _ => IpAddr::V6(Ipv6Addr::from(self.ip)),
        }
    }

    /// The address as text.
    pub(super) fn address(&self) -> String {
        self.ip_address().to_string()
    }

    /// The network as text: `address/prefix`.
    pub(super) fn cidr(&self) -> String {
        format!(
            "{}/{}",
            Network {
                ip: self.first(),
                ..*self
            }
            .address(),
            self.prefix
        )
    }

    /// The mask as text.
    pub(super) fn netmask(&self) -> String {
        let all = if self.version == 4 {
            u128::from(u32::MAX)
        } else {
            u128::MAX
        };
        Network {
            ip: all ^ self.host_mask(),
            ..*self
        }
        .address()
    }

    /// The name under which the reverse lookup is done.
    pub(super) fn reverse_name(&self) -> String {
        match self.ip_address() {
            IpAddr::V4(address) => {
                let [a, b, c, d] = address.octets();
                format!("{d}.{c}.{b}.{a}.in-addr.arpa.")
            }
            IpAddr::V6(_) => {
                let digits = format!("{:032x}", self.ip);
                let parts: Vec<String> = digits.chars().rev().map(String::from).collect();
                format!("{}.ip6.arpa.", parts.join("."))
            }
        }
    }
}

/// The prefix length of a netmask or of its complement.
fn mask_length(text: &str) -> Option<u8> {
    let mask = u32::from(text.parse::<Ipv4Addr>().ok()?);
    let length = u8::try_from(mask.leading_ones()).ok()?;
    if mask.count_ones() == u32::from(length) {
        return Some(length);
    }
    let zeros = u8::try_from(mask.leading_zeros()).ok()?;
    (mask.count_zeros() == u32::from(zeros)).then_some(zeros)
}
