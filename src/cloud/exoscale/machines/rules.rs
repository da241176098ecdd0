//! The rules of the security group: SSH, the API server, NodePorts, the machines among each other.

use super::options::ports;
use super::{Action, Exoscale, Resources};
use crate::cloud::exoscale::client::types::{Named, Rule};
use crate::cloud::machines::plan::{Plan, Step};

/// The ports of Services of the type NodePort.
const NODE_PORTS: (u16, u16) = (30000, 32767);

impl Exoscale {
    /// Who may come in. The machines' own group stands for itself by its name.
    fn wanted_rules(&self) -> Vec<Rule> {
        let common = &self.options.common;
        let mut rules = vec![];
        let mut open = |protocol: &str, (first, last): (u16, u16), networks: &[String]| {
            for network in networks {
                rules.push(Rule {
                    flow_direction: "ingress".into(),
                    protocol: protocol.into(),
                    network: network.clone(),
                    start_port: first,
                    end_port: last,
                    ..Rule::default()
                });
            }
        };
        open(
            "tcp",
            (common.ssh_port, common.ssh_port),
            &common.management_cidrs,
        );
        open("tcp", (common.api_port, common.api_port), common.api_cidrs());
        open("tcp", NODE_PORTS, &common.nodeport_cidrs);
        for option in &self.options.own.rules {
            if let Some(range) = ports(&option.ports) {
                open(&option.protocol, range, &option.from);
            }
        }
        for protocol in ["tcp", "udp"] {
            rules.push(Rule {
                flow_direction: "ingress".into(),
                protocol: protocol.into(),
                security_group: Named {
                    name: self.about.cluster.clone(),
                    ..Named::default()
                },
                start_port: 1,
                end_port: 65535,
                ..Rule::default()
            });
        }
        // A network may be named twice, and a rule exists once.
        let mut once: Vec<Rule> = vec![];
        for rule in rules {
            if !once.iter().any(|known| same(known, &rule)) {
                once.push(rule);
            }
        }
        once
    }

    /// Opens what is wanted and closes what is not: the group bears the cluster's name and is its own.
    pub(super) fn plan_rules(&self, found: &Resources, plan: &mut Plan<Action>) {
        let wanted = self.wanted_rules();
        let there = found
            .group
            .as_ref()
            .map(|group| &group.rules[..])
            .unwrap_or_default();
        for rule in &wanted {
            if there.iter().any(|known| same(known, rule)) {
                plan.keep(line(rule));
                continue;
            }
            plan.after.push(line(rule));
            let text = format!("open {}", line(rule));
            plan.steps.push(Step::new(1, text, Action::Open(rule.clone())));
        }
        for rule in there {
            if rule.flow_direction != "ingress" || wanted.iter().any(|known| same(rule, known)) {
                continue;
            }
            plan.before.push(line(rule));
            let action = Action::Close {
                group: found
                    .group
                    .as_ref()
                    .map(|group| group.id.clone())
                    .unwrap_or_default(),
                rule: rule.id.clone(),
            };
            plan.steps
                .push(Step::new(1, format!("close {}", line(rule)), action));
        }
    }
}

/// True if a rule that is there is the wanted one.
fn same(known: &Rule, wanted: &Rule) -> bool {
    known.flow_direction == wanted.flow_direction
        && known.protocol == wanted.protocol
        && known.network == wanted.network
        && known.security_group.name == wanted.security_group.name
        && (known.start_port, known.end_port) == (wanted.start_port, wanted.end_port)
}

/// A rule in words: `TCP 6443 from 192.0.2.0/24`.
fn line(rule: &Rule) -> String {
    let ports = match (rule.start_port, rule.end_port) {
        (0, _) => "all".to_string(),
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}-{last}"),
    };
    let from = match rule.network.is_empty() {
        true => format!("the machines in {}", rule.security_group.name),
        false => rule.network.clone(),
    };
    format!("{} {ports} from {from}", rule.protocol.to_uppercase())
}
