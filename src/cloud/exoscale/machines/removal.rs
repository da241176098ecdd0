//! What is to be removed at Exoscale, in an order that its dependencies allow.

use super::{Action, Exoscale, Kind, Resources, machine};
use crate::cloud::machines::plan::Plan;

impl Exoscale {
    pub(super) fn plan_removal(&self, found: &Resources, only: &[String]) -> Plan<Action> {
        let mut plan = Plan::default();
        let remove = |kind: Kind, id: &str| Action::Remove {
            kind,
            id: id.to_string(),
        };
        for instance in &found.instances {
            let known = &instance.known;
            let pooled = found.pools.iter().any(|pool| pool.id == known.manager.id);
            // Without names, members go with their pool; what somebody else manages is theirs.
            let managed = !known.manager.id.is_empty();
            if managed && (only.is_empty() || !pooled) {
                continue;
            }
            let line = format!(
                "{} ({}, {})",
                known.name,
                known.instance_type.name(),
                known.public_ip
            );
            if only.is_empty() || only.contains(&known.name) {
                let action = match pooled {
                    true => Action::Evict {
                        pool: known.manager.id.clone(),
                        instance: known.id.clone(),
                    },
                    false => remove(Kind::Instance, &known.id),
                };
                plan.remove(0, line, action);
                plan.machines.push(machine(instance, "", None));
            } else {
                plan.keep(line);
            }
        }
        if !only.is_empty() {
            return plan;
        }
        if let Some(balancer) = &found.balancer {
            let line = format!("the load balancer {}", balancer.name);
            plan.remove(0, line, remove(Kind::Balancer, &balancer.id));
        }
        for pool in &found.pools {
            let line = format!("the instance pool {} with {} instances", pool.name, pool.size);
            plan.remove(1, line, remove(Kind::Pool, &pool.id));
            let members = found
                .instances
                .iter()
                .filter(|instance| instance.known.manager.id == pool.id);
            plan.machines
                .extend(members.map(|instance| machine(instance, "", None)));
            plan.machines.push(super::Machine {
                name: pool.name.clone(),
                ..super::Machine::default()
            });
        }
        self.plan_shared_removal(found, &mut plan);
        plan
    }

    fn plan_shared_removal(&self, found: &Resources, plan: &mut Plan<Action>) {
        let mut remove = |kind: Kind, id: &str, line: String| {
            let id = id.to_string();
            plan.remove(2, line, Action::Remove { kind, id });
        };
        if let Some(address) = &found.address {
            remove(
                Kind::Address,
                &address.id,
                format!("the elastic address {}", address.ip),
            );
        }
        if let Some(network) = &found.network {
            remove(
                Kind::Network,
                &network.id,
                format!("the private network {}", network.name),
            );
        }
        for (name, id) in &found.anti_affinity {
            remove(Kind::AntiAffinity, id, format!("the anti-affinity group {name}"));
        }
        if let Some(group) = &found.group {
            remove(
                Kind::Group,
                &group.id,
                format!("the security group {}", group.name),
            );
        }
        let mut keys: Vec<&String> = found.keys.iter().filter(|name| self.is_key_name(name)).collect();
        keys.sort();
        for name in keys {
            let action = Action::RemoveKey { name: name.clone() };
            plan.remove(2, format!("the public key {name}"), action);
        }
    }
}
