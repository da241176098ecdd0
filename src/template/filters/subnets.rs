//! Cutting networks and putting them together.

use super::address::Network;
use crate::template::call::{Answer, Call};
use crate::template::convert::print;
use crate::value::{Value, to_integer};

/// `network | ipsubnet(prefix, index)`.
pub(super) fn ipsubnet(call: &Call) -> Answer {
    let Some(network) = Network::parse(&call.input_text()) else {
        return Ok(Value::Bool(false));
    };
    let query = call.text(1, "query").unwrap_or_default();
    let index = call.get(2, "index").and_then(to_integer);
    let Ok(prefix) = query.parse::<u8>() else {
        return Ok(if query.is_empty() {
            network.cidr().into()
        } else {
            Value::Bool(false)
        });
    };
    if prefix > network.bits() {
        return Ok(Value::Bool(false));
    }
    if prefix < network.prefix {
        let wider = Network { prefix, ..network };
        return Ok(match index {
            None if network.prefix == network.bits() => wider.cidr().into(),
            _ => Value::Bool(false),
        });
    }
    let count = 1u128
        .checked_shl((prefix - network.prefix).into())
        .unwrap_or(u128::MAX);
    let size = 1u128
        .checked_shl((network.bits() - prefix).into())
        .unwrap_or(u128::MAX);
    match index {
        None => Ok(count.to_string().into()),
        Some(index) => {
            let at = if index < 0 {
                count.checked_sub(index.unsigned_abs().into())
            } else {
                u128::try_from(index).ok()
            };
            Ok(match at.filter(|at| *at < count) {
                Some(at) => Network {
                    ip: network.first() + at * size,
                    prefix,
                    ..network
                }
                .cidr()
                .into(),
                None => Value::Bool(false),
            })
        }
    }
}

/// The fewest networks that hold just the given ones; `span` is the one network that holds all.
pub(super) fn cidr_merge(call: &Call) -> Answer {
    let mut all: Vec<Network> = call
        .input_list()?
        .iter()
        .filter_map(|item| Network::parse(&print(item)))
        .collect();
    if call.text(1, "action").as_deref() == Some("span") {
        let (Some(low), Some(high)) = (
            all.iter().map(Network::first).min(),
            all.iter().map(Network::last).max(),
        ) else {
            return Ok(Value::Null);
        };
        let mut network = Network {
            ip: low,
            prefix: all[0].bits(),
            ..all[0]
        };
        while network.last() < high && network.prefix > 0 {
            network.prefix -= 1;
        }
        return Ok(network.cidr().into());
    }
    all.iter_mut().for_each(|network| network.ip = network.first());
    loop {
        all.sort_by_key(|network| (network.version, network.ip, network.prefix));
        all.dedup_by(|inner, outer| outer.holds(inner));
        let pair = (1..all.len()).find(|at| {
            let (a, b) = (all[at - 1], all[*at]);
            let wider = Network {
                prefix: a.prefix.saturating_sub(1),
                ..a
            };
            a.version == b.version
                && a.prefix == b.prefix
                && a.prefix > 0
                && wider.first() == a.ip
                && wider.holds(&b)
        });
        match pair {
            Some(at) => {
                all[at - 1].prefix -= 1;
                all.remove(at);
            }
            None => return Ok(Value::list(all.iter().map(|network| network.cidr().into()))),
        }
    }
}
