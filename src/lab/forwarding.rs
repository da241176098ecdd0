//! Other programs (Docker, firewalld, ufw) may drop what this computer forwards. Rules of the lab's own table
//! cannot overrule that, so one tagged rule for each direction goes on top of each such chain.

use super::command;
use super::files::text_or_empty;
use super::names::Names;
use crate::error::Result;
use serde_json::Value as Json;
use std::path::Path;

/// A chain at which nftables forwards, and that drops.
#[derive(Debug, PartialEq)]
struct Chain {
    family: String,
    table: String,
    name: String,
}

/// Finds the chains that would drop the nodes' packets, says so, and lets them through.
///
/// # Errors
/// What `nft` or `iptables-legacy` say; firewalls that keep their table to themselves are named.
pub fn permit(names: &Names, progress: &(dyn Fn(&str) + Sync)) -> Result<()> {
    let ruleset = ruleset()?;
    let tagged = tagged_rules(&ruleset, &names.rule_comment());
    for chain in dropping_chains(&ruleset) {
        if tagged.iter().filter(|(other, _)| *other == chain).count() < 2 {
            let place = format!(
                "the chain `{}` of table `{} {}`",
                chain.name, chain.family, chain.table
            );
            progress(&announcement(&place, names));
            permit_in(&chain, names)?;
        }
    }
    if legacy_drops()? && legacy_rules(names)?.is_empty() {
        progress(&announcement("the chain `FORWARD` of iptables-legacy", names));
        for bridge in [names.public_bridge(), names.private_bridge()] {
            for direction in ["-i", "-o"] {
                let comment = names.rule_comment();
                let mut line = vec!["iptables-legacy", "-I", "FORWARD", direction, &bridge];
                line.extend(["-m", "comment", "--comment", &comment, "-j", "ACCEPT"]);
                command::run(&line)?;
            }
        }
    }
    Ok(())
}

fn announcement(place: &str, names: &Names) -> String {
    format!(
        "{place} drops what this computer forwards; adding rules for the lab's bridges (comment \"{}\"), \
         which `vent lab down` removes",
        names.rule_comment()
    )
}

fn permit_in(chain: &Chain, names: &Names) -> Result<()> {
    let bridges = [names.public_bridge(), names.private_bridge()].join(", ");
    let Chain { family, table, name } = chain;
    for direction in ["iifname", "oifname"] {
        let rule = format!(
            "insert rule {family} {table} {name} {direction} {{ {bridges} }} counter accept comment \"{}\"\n",
            names.rule_comment()
        );
        command::with_input(&["nft", "-f", "-"], &rule).map_err(|error| {
            error.help(format!(
                "the firewall that owns this table must let the lab's bridges through; with firewalld:\n\
                 firewall-cmd --zone=trusted --add-interface={} --add-interface={}",
                names.public_bridge(),
                names.private_bridge()
            ))
        })?;
    }
    Ok(())
}

/// Removes every rule that [`permit`] ever added for this lab.
///
/// # Errors
/// What `nft` or `iptables-legacy` say.
pub fn withdraw(names: &Names) -> Result<()> {
    for (chain, handle) in tagged_rules(&ruleset()?, &names.rule_comment()) {
        let handle = handle.to_string();
        let Chain { family, table, name } = &chain;
        command::run(&["nft", "delete", "rule", family, table, name, "handle", &handle])?;
    }
    for rule in legacy_rules(names)? {
        let words = shlex::split(&rule).unwrap_or_default();
        let mut line = vec!["iptables-legacy", "-D"];
        line.extend(words.iter().skip(1).map(String::as_str));
        command::run(&line)?;
    }
    Ok(())
}

/// The whole ruleset as `nft -j` lists it.
fn ruleset() -> Result<Vec<Json>> {
    let text = command::run(&["nft", "--json", "--handle", "list", "ruleset"])?;
    let listed: Json = serde_json::from_str(&text).unwrap_or_default();
    Ok(listed["nftables"].as_array().cloned().unwrap_or_default())
}

fn chain_of(object: &Json, name: &str) -> Option<Chain> {
    Some(Chain {
        family: object["family"].as_str()?.to_string(),
        table: object["table"].as_str()?.to_string(),
        name: object[name].as_str()?.to_string(),
    })
}

/// The filters at the forward hook whose policy, or whose last rule without any condition, drops.
fn dropping_chains(ruleset: &[Json]) -> Vec<Chain> {
    let ends_in_drop = |chain: &Chain| {
        ruleset
            .iter()
            .map(|entry| &entry["rule"])
            .rfind(|rule| chain_of(rule, "chain").as_ref() == Some(chain))
            .and_then(|rule| rule["expr"].as_array())
            .is_some_and(|steps| {
                let verdict = |step: &&Json| step.get("counter").is_none();
                let verdicts: Vec<&Json> = steps.iter().filter(verdict).collect();
                matches!(verdicts[..], [step] if step.get("drop").is_some() || step.get("reject").is_some())
            })
    };
    ruleset
        .iter()
        .map(|entry| &entry["chain"])
        .filter(|chain| chain["hook"] == "forward" && chain["type"] == "filter")
        .filter(|chain| matches!(chain["family"].as_str(), Some("ip" | "inet")))
        .filter_map(|chain| Some((chain["policy"] == "drop", chain_of(chain, "name")?)))
        .filter(|(drops, chain)| *drops || ends_in_drop(chain))
        .map(|(_, chain)| chain)
        .collect()
}

/// The rules with this comment, and their handles.
fn tagged_rules(ruleset: &[Json], comment: &str) -> Vec<(Chain, u64)> {
    ruleset
        .iter()
        .map(|entry| &entry["rule"])
        .filter(|rule| rule["comment"] == comment)
        .filter_map(|rule| Some((chain_of(rule, "chain")?, rule["handle"].as_u64()?)))
        .collect()
}

/// True if the old tables are in use; asking `iptables-legacy` about unused ones would create them.
fn legacy_is_used() -> bool {
    let tables = text_or_empty(Path::new("/proc/net/ip_tables_names"));
    tables.lines().any(|table| table == "filter") && command::exists("iptables-legacy")
}

/// The lab's rules in the old tables, as `iptables-legacy` would add them.
fn legacy_rules(names: &Names) -> Result<Vec<String>> {
    if !legacy_is_used() {
        return Ok(vec![]);
    }
    let rules = command::run(&["iptables-legacy", "-S", "FORWARD"])?;
    let tag = format!("\"{}\"", names.rule_comment());
    Ok(rules
        .lines()
        .filter(|rule| rule.contains(&tag))
        .map(String::from)
        .collect())
}

fn legacy_drops() -> Result<bool> {
    Ok(legacy_is_used()
        && command::run(&["iptables-legacy", "-S", "FORWARD"])?
            .lines()
            .any(|line| line == "-P FORWARD DROP"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_chain_drops_by_its_policy_or_by_its_last_rule() {
        let chain = |name: &str, hook: &str, policy: &str| {
            json!({"chain": {"family": "ip", "table": "filter", "name": name, "type": "filter",
                             "hook": hook, "policy": policy}})
        };
        let rule = |chain: &str, steps: Json| {
            json!({"rule": {"family": "ip", "table": "filter", "chain": chain, "handle": 7,
                            "comment": "vent lab v1", "expr": steps}})
        };
        let ruleset = [
            chain("FORWARD", "forward", "drop"),
            chain("INPUT", "input", "drop"),
            chain("last", "forward", "accept"),
            chain("guarded", "forward", "accept"),
            rule("last", json!([{"counter": {}}, {"reject": null}])),
            rule("guarded", json!([{"match": {}}, {"drop": null}])),
        ];
        let found: Vec<String> = dropping_chains(&ruleset)
            .into_iter()
            .map(|chain| chain.name)
            .collect();
        assert_eq!(found, ["FORWARD", "last"]);
        assert_eq!(tagged_rules(&ruleset, "vent lab v1").len(), 2);
        assert_eq!(tagged_rules(&ruleset, "vent lab v2").len(), 0);
    }
}
