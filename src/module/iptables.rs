//! `iptables`: rules, chains and policies of the packet filter.

mod words;

use super::blockinfile::State;
use super::returns::Returns;
use super::{Module, Outcome, Step, Stop, View};
use crate::host::{Action, Effect, Resource, quote};
use crate::value::Value;
use schemars::JsonSchema;
use serde::Deserialize;
use words::{Words, word};

/// Keeps a rule.
pub(super) struct Iptables;

/// Where a new rule goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Place {
    #[default]
    Append,
    Insert,
}

/// Which protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Version {
    #[default]
    Ipv4,
    Ipv6,
    Both,
}

/// Whether a packet that opens a connection is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Syn {
    #[default]
    Ignore,
    Match,
    Negate,
}

/// Flags of TCP: those that are looked at, and those that must be set.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct TcpFlags {
    /// Looked at.
    flags: Vec<String>,
    /// Set.
    flags_set: Vec<String>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// The table.
    #[serde(default = "filter")]
    table: String,
    /// Whether the rule should be there.
    #[serde(default)]
    state: State,
    /// Where a new rule goes.
    #[serde(default)]
    action: Place,
    /// The number an inserted rule gets.
    rule_num: Option<Value>,
    /// Which protocol.
    #[serde(default)]
    ip_version: Version,
    /// The chain.
    chain: Option<String>,
    /// `-p`
    protocol: Option<String>,
    /// `-s`
    source: Option<String>,
    /// `-d`
    destination: Option<String>,
    /// `--tcp-flags`
    tcp_flags: Option<TcpFlags>,
    /// `-m`
    #[serde(default, rename = "match")]
    matches: Vec<String>,
    /// `-j`
    jump: Option<String>,
    /// `--gateway` of `TEE`
    gateway: Option<String>,
    /// `--log-prefix`
    log_prefix: Option<String>,
    /// `--log-level`
    log_level: Option<Value>,
    /// `-g`
    goto: Option<String>,
    /// `-i`
    in_interface: Option<String>,
    /// `-o`
    out_interface: Option<String>,
    /// `-f`
    fragment: Option<String>,
    /// `-c`
    set_counters: Option<String>,
    /// `--source-port`
    source_port: Option<Value>,
    /// `--destination-port`
    destination_port: Option<Value>,
    /// `--dports` of `multiport`
    #[serde(default)]
    destination_ports: Vec<Value>,
    /// `--to-ports`
    to_ports: Option<Value>,
    /// `--to-destination`
    to_destination: Option<String>,
    /// `--to-source`
    to_source: Option<String>,
    /// `--syn`
    #[serde(default)]
    syn: Syn,
    /// `--set-dscp`
    set_dscp_mark: Option<Value>,
    /// `--set-dscp-class`
    set_dscp_mark_class: Option<String>,
    /// `--comment`
    comment: Option<String>,
    /// `--ctstate` of `conntrack`
    #[serde(default)]
    ctstate: Vec<String>,
    /// `--src-range`
    src_range: Option<String>,
    /// `--dst-range`
    dst_range: Option<String>,
    /// `--match-set`
    match_set: Option<String>,
    /// Flags of `match_set`
    match_set_flags: Option<String>,
    /// `--limit`
    limit: Option<String>,
    /// `--limit-burst`
    limit_burst: Option<Value>,
    /// `--uid-owner`
    uid_owner: Option<Value>,
    /// `--gid-owner`
    gid_owner: Option<Value>,
    /// `--reject-with`
    reject_with: Option<String>,
    /// `--icmp-type`
    icmp_type: Option<Value>,
    /// Remove all rules of the chain.
    #[serde(default)]
    flush: bool,
    /// What becomes of packets that no rule takes.
    policy: Option<String>,
    /// Seconds to wait for the lock.
    wait: Option<Value>,
    /// Make or remove the chain itself.
    #[serde(default)]
    chain_management: bool,
    /// Print addresses as numbers.
    #[serde(default)]
    numeric: bool,
}

fn filter() -> String {
    "filter".into()
}

impl Arguments {
    /// The words of the rule.
    fn rule(&self) -> Vec<String> {
        let mut rule = Words::default();
        rule.negatable("-p", self.protocol.as_deref());
        rule.negatable("-s", self.source.as_deref());
        rule.negatable("-d", self.destination.as_deref());
        for name in &self.matches {
            rule.pair("-m", Some(name));
        }
        if let Some(flags) = &self.tcp_flags {
            rule.pair("--tcp-flags", Some(&flags.flags.join(",")));
            rule.0.push(flags.flags_set.join(","));
        }
        rule.pair("-j", self.jump.as_deref());
        rule.pair(
            "--gateway",
            self.gateway
                .as_deref()
                .filter(|_| self.jump.as_deref() == Some("TEE")),
        );
        rule.pair("--log-prefix", self.log_prefix.as_deref());
        rule.value("--log-level", self.log_level.as_ref());
        rule.pair("--to-destination", self.to_destination.as_deref());
        rule.pair("--to-source", self.to_source.as_deref());
        rule.pair("-g", self.goto.as_deref());
        rule.negatable("-i", self.in_interface.as_deref());
        rule.negatable("-o", self.out_interface.as_deref());
        rule.pair("-f", self.fragment.as_deref());
        rule.pair("-c", self.set_counters.as_deref());
        rule.value("--source-port", self.source_port.as_ref());
        rule.value("--destination-port", self.destination_port.as_ref());
        if !self.destination_ports.is_empty() {
            rule.module(&self.matches, "multiport");
            let ports: Vec<String> = self.destination_ports.iter().map(word).collect();
            rule.pair("--dports", Some(&ports.join(",")));
        }
        rule.value("--to-ports", self.to_ports.as_ref());
        match self.syn {
            Syn::Ignore => {}
            Syn::Match => rule.0.push("--syn".into()),
            Syn::Negate => rule.0.extend(["!".into(), "--syn".into()]),
        }
        rule.value("--set-dscp", self.set_dscp_mark.as_ref());
        rule.pair("--set-dscp-class", self.set_dscp_mark_class.as_deref());
        self.state_and_owner(&mut rule);
        rule.0
    }

    fn state_and_owner(&self, rule: &mut Words) {
        if !self.ctstate.is_empty() {
            if !self.matches.iter().any(|name| name == "state") {
                rule.module(&self.matches, "conntrack");
            }
            let option = if self.matches.iter().any(|name| name == "state") {
                "--state"
            } else {
                "--ctstate"
            };
            rule.pair(option, Some(&self.ctstate.join(",")));
        }
        if self.src_range.is_some() || self.dst_range.is_some() {
            rule.module(&self.matches, "iprange");
            rule.negatable("--src-range", self.src_range.as_deref());
            rule.negatable("--dst-range", self.dst_range.as_deref());
        }
        if let Some(set) = &self.match_set {
            rule.module(&self.matches, "set");
            rule.negatable("--match-set", Some(set));
            rule.0.extend(self.match_set_flags.clone());
        }
        if self.limit.is_some() || self.limit_burst.is_some() {
            rule.module(&self.matches, "limit");
            rule.pair("--limit", self.limit.as_deref());
            rule.value("--limit-burst", self.limit_burst.as_ref());
        }
        if self.uid_owner.is_some() || self.gid_owner.is_some() {
            rule.module(&self.matches, "owner");
            rule.value("--uid-owner", self.uid_owner.as_ref());
            rule.value("--gid-owner", self.gid_owner.as_ref());
        }
        if let Some(with) = &self.reject_with {
            if self.jump.is_none() {
                rule.pair("-j", Some("REJECT"));
            }
            rule.pair("--reject-with", Some(with));
        }
        if let Some(kind) = &self.icmp_type {
            let option = if self.protocol.as_deref() == Some("icmp") {
                "--icmp-type"
            } else {
                "--icmpv6-type"
            };
            rule.value(option, Some(kind));
        }
        if let Some(comment) = &self.comment {
            rule.module(&self.matches, "comment");
            rule.pair("--comment", Some(comment));
        }
    }

    /// `iptables -t TABLE VERB CHAIN ...`
    fn line(&self, program: &str, verb: &str, rest: &[String]) -> String {
        let wait = match &self.wait {
            Some(seconds) => format!(" -w {}", quote(&word(seconds))),
            None => String::new(),
        };
        let chain = self
            .chain
            .as_deref()
            .map(|chain| format!(" {}", quote(chain)))
            .unwrap_or_default();
        let numeric = if self.numeric && verb == "-L" { " -n" } else { "" };
        let rest: String = rest.iter().map(|word| format!(" {}", quote(word))).collect();
        format!(
            "{program}{wait} -t {} {verb}{chain}{numeric}{rest}",
            quote(&self.table)
        )
    }

    /// What has to be run with one of the programs.
    fn lines(&self, program: &str, view: &View<'_>) -> Result<Vec<String>, Stop> {
        let about = [about(program)];
        let ask = |line: String| -> Result<(bool, String), Stop> {
            let script = format!("command -v {program} >/dev/null || exit 99; {line} 2>&1");
            let output = view.probe(&script, &about)?;
            match output.code {
                99 => Err(Stop::failed(format!(
                    "{program} is not on the host: install iptables"
                ))),
                code => Ok((code == 0, output.text())),
            }
        };
        let plain = |verb: &str| vec![self.line(program, verb, &[])];
        if self.flush {
            return Ok(plain("-F"));
        }
        if let Some(policy) = &self.policy {
            let (_, listing) = ask(self.line(program, "-L", &[]))?;
            let there = listing
                .lines()
                .next()
                .is_some_and(|line| line.contains(&format!("(policy {policy}")));
            let set = self.line(program, "-P", std::slice::from_ref(policy));
            return Ok(if there { vec![] } else { vec![set] });
        }
        let rule = self.rule();
        let present = self.state == State::Present;
        if self.chain_management && rule.is_empty() {
            let (there, _) = ask(self.line(program, "-L", &[]))?;
            return Ok(match (there, present) {
                (false, true) => plain("-N"),
                (true, false) => plain("-X"),
                _ => vec![],
            });
        }
        let (there, _) = ask(self.line(program, "-C", &rule))?;
        if there == present {
            return Ok(vec![]);
        }
        if !present {
            return Ok(vec![self.line(program, "-D", &rule)]);
        }
        let mut lines = vec![];
        if self.chain_management && !ask(self.line(program, "-L", &[]))?.0 {
            lines.extend(plain("-N"));
        }
        let numbered: Vec<String> = self
            .rule_num
            .iter()
            .map(word)
            .chain(rule.iter().cloned())
            .collect();
        lines.push(match self.action {
            Place::Append => self.line(program, "-A", &rule),
            Place::Insert => self.line(program, "-I", &numbered),
        });
        Ok(lines)
    }
}

fn version_of(program: &str) -> Value {
    Value::string(if program == "iptables" { "ipv4" } else { "ipv6" })
}

fn about(program: &str) -> Resource {
    Resource::Other(format!("the rules of {program}"))
}

impl Module for Iptables {
    const NAMES: &'static [&'static str] = &["ansible.builtin.iptables", "iptables"];
    type Arguments = Arguments;
    const RETURNS: &'static [Returns] = &[&[
        ("ip_version", "The protocols."),
        ("table", "The table."),
        ("chain", "The chain."),
        ("rule", "The words of the rule."),
        ("flush", "Whether all rules were to go."),
        ("state", "`present` or `absent`."),
        (
            "chain_management",
            "Whether the chain itself was to be made or removed.",
        ),
        ("wait", "Seconds to wait for the lock."),
    ]];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        if arguments.chain.is_none() && !arguments.flush {
            return Err(Stop::failed("Either chain or flush parameter must be specified."));
        }
        let programs: &[&str] = match arguments.ip_version {
            Version::Ipv4 => &["iptables"],
            Version::Ipv6 => &["ip6tables"],
            Version::Both => &["iptables", "ip6tables"],
        };
        let mut actions = vec![];
        for program in programs {
            for line in arguments.lines(program, view)? {
                actions.push(Action::Script {
                    script: line.clone(),
                    explain: line,
                    effects: vec![Effect::Forgets(about(program))],
                });
            }
        }
        let outcome = Outcome::new()
            .with("table", arguments.table.as_str())
            .with(
                "chain",
                arguments.chain.as_deref().map_or(Value::Null, Value::string),
            )
            .with("rule", arguments.rule().join(" "))
            .with("flush", arguments.flush)
            .with(
                "ip_version",
                Value::list(programs.iter().map(|program| version_of(program))),
            )
            .with("chain_management", arguments.chain_management)
            .with("wait", arguments.wait.clone())
            .with(
                "state",
                if arguments.state == State::Present {
                    "present"
                } else {
                    "absent"
                },
            );
        Ok(Step::Finish(actions, outcome))
    }
}
