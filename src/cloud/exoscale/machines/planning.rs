//! What is wanted at Exoscale, against what there is.

use super::options::Network;
use super::{Action, Exoscale, Resources, Set, machine};
use crate::cloud::exoscale::client::types::{ElasticIp, Instance, InstancePool, PrivateNetwork};
use crate::cloud::machines::options::MachineSet;
use crate::cloud::machines::plan::{Machine, Plan, Step};
use crate::error::Result;
use std::collections::HashSet;

impl Exoscale {
    pub(super) fn plan_shared(&self, found: &Resources, plan: &mut Plan<Action>) {
        let cluster = &self.about.cluster;
        for (name, key) in self.keys() {
            let line = format!("the public key {name}");
            match found.keys.contains(&name) {
                true => plan.keep(line),
                false => plan.make(0, line, Action::AddKey { name, key }),
            }
        }
        let line = format!("the security group {cluster}");
        match &found.group {
            Some(_) => plan.keep(line),
            None => plan.make(0, line, Action::MakeGroup),
        }
        self.plan_rules(found, plan);
        if let Some(network) = &self.options.own.network {
            let line = format!(
                "the private network {cluster} ({} to {}, {})",
                network.start, network.end, network.netmask
            );
            match &found.network {
                Some(there) => {
                    plan.keep(line);
                    note_network(network, there, plan);
                }
                None => plan.make(0, line, Action::MakeNetwork),
            }
        }
        for wanted in self.options.sets.iter().filter(|wanted| wanted.set.anti_affinity) {
            let name = self.anti_affinity(wanted);
            let line = format!("the anti-affinity group {name}");
            match found.anti_affinity.contains_key(&name) {
                true => plan.keep(line),
                false => plan.make(0, line, Action::MakeAntiAffinity { name }),
            }
        }
        if self.options.own.elastic_ip {
            match &found.address {
                Some(address) => plan.keep(format!("the elastic address {}", address.ip)),
                None => plan.make(0, "an elastic address for the API server", Action::ReserveAddress),
            }
        }
    }

    pub(super) fn plan_instances(
        &self,
        found: &Resources,
        set: usize,
        wanted: &MachineSet<Set>,
        plan: &mut Plan<Action>,
    ) -> Result<()> {
        for (at, name) in wanted.names.iter().enumerate() {
            let instance = found
                .instances
                .iter()
                .find(|instance| instance.known.name == *name);
            let Some(instance) = instance else {
                self.check_catalogue(found, wanted)?;
                plan.make(1, self.line(wanted, name), Action::Create { set, at });
                plan.machines.push(Machine {
                    name: name.clone(),
                    role: wanted.each.role.clone(),
                    ..Machine::default()
                });
                // What follows from it is told already, and done when it is there.
                if let (Some(_), true) = (&self.options.own.network, found.network.is_some()) {
                    plan.after.push(format!("{name} in the private network"));
                }
                continue;
            };
            plan.keep(self.line(wanted, name));
            let is = instance.known.instance_type.name();
            if is != wanted.set.instance_type && !is.starts_with('.') {
                plan.notes.push(format!(
                    "{name} has the type {is} where {} is asked for; remove it with -e only={name} to have it made anew",
                    wanted.set.instance_type
                ));
            }
            self.plan_attachments(found, wanted, instance, plan);
            plan.machines.push(machine(instance, &wanted.each.role, None));
        }
        Ok(())
    }

    /// What is to be made needs its type and its template.
    fn check_catalogue(&self, found: &Resources, wanted: &MachineSet<Set>) -> Result<()> {
        found.identifier("type", &wanted.set.instance_type)?;
        found.identifier("template", &wanted.set.image)?;
        Ok(())
    }

    fn plan_attachments(
        &self,
        found: &Resources,
        wanted: &MachineSet<Set>,
        instance: &Instance,
        plan: &mut Plan<Action>,
    ) {
        let (name, id) = (&instance.known.name, &instance.known.id);
        if self.options.own.network.is_some() {
            let has_lease = found
                .network
                .as_ref()
                .is_some_and(|network| network.leases.iter().any(|lease| lease.instance_id == *id));
            let line = format!("{name} in the private network");
            match has_lease {
                true => plan.keep(line),
                false => {
                    plan.after.push(line);
                    let instance = id.clone();
                    let text = format!("attach {name} to the private network {}", self.about.cluster);
                    plan.steps.push(Step::new(2, text, Action::Attach { instance }));
                }
            }
        }
        if self.options.own.elastic_ip && wanted.roles().contains(&"controller") {
            let line = format!("{name} behind the elastic address");
            match found.holders.contains(id) {
                true => plan.keep(line),
                false => {
                    plan.after.push(line);
                    let instance = id.clone();
                    let text = format!("give the elastic address to {name}");
                    plan.steps.push(Step::new(2, text, Action::Hold { instance }));
                }
            }
        }
    }

    pub(super) fn plan_pool(
        &self,
        found: &Resources,
        set: usize,
        wanted: &MachineSet<Set>,
        plan: &mut Plan<Action>,
    ) -> Result<()> {
        let (name, count) = (self.pool(wanted), wanted.names.len() as u64);
        let line = |size: u64| {
            format!(
                "the instance pool {name} ({size} of {}, {})",
                wanted.set.instance_type, wanted.set.image
            )
        };
        let Some(pool) = found.pools.iter().find(|pool| pool.name == name) else {
            self.check_catalogue(found, wanted)?;
            plan.make(1, line(count), Action::CreatePool { set });
            let expected = wanted.names.iter().map(|name| Machine {
                name: name.clone(),
                role: wanted.each.role.clone(),
                ..Machine::default()
            });
            plan.machines.extend(expected);
            return Ok(());
        };
        if pool.size < count {
            plan.before.push(line(pool.size));
            plan.after.push(line(count));
            let action = Action::Scale {
                pool: pool.id.clone(),
                size: count,
            };
            let text = format!("scale the instance pool {name} from {} to {count}", pool.size);
            plan.steps.push(Step::new(1, text, action));
        } else {
            plan.keep(line(pool.size));
            if pool.size > count {
                plan.notes.push(format!(
                    "the instance pool {name} has {} instances where {count} are asked for; it is never made smaller, because \
                     Exoscale would choose which of them go: remove those that are meant with -e only=NAME",
                    pool.size
                ));
            }
        }
        let key = found.pool_keys.get(&name);
        let members = found
            .instances
            .iter()
            .filter(|instance| instance.known.manager.id == pool.id);
        let mut there = 0;
        for instance in members {
            there += 1;
            plan.machines
                .push(machine(instance, &wanted.each.role, key.cloned()));
        }
        for missing in there..count {
            plan.machines.push(Machine {
                name: format!("{name}-{missing}"),
                role: wanted.each.role.clone(),
                state: pool.state.clone(),
                ..Machine::default()
            });
        }
        if wanted.roles().contains(&"controller") {
            self.plan_pool_address(found, pool, plan);
            self.plan_balancer(found, pool, plan);
        }
        Ok(())
    }

    fn plan_pool_address(&self, found: &Resources, pool: &InstancePool, plan: &mut Plan<Action>) {
        if !self.options.own.elastic_ip {
            return;
        }
        let line = format!("the instance pool {} behind the elastic address", pool.name);
        let held = |address: &ElasticIp| pool.elastic_ips.iter().any(|held| held.id == address.id);
        if found.address.as_ref().is_some_and(held) {
            plan.keep(line);
            return;
        }
        plan.after.push(line);
        let text = format!("give the elastic address to the instance pool {}", pool.name);
        let pool = pool.id.clone();
        plan.steps.push(Step::new(2, text, Action::GivePool { pool }));
    }

    fn plan_balancer(&self, found: &Resources, pool: &InstancePool, plan: &mut Plan<Action>) {
        if !self.options.own.nlb {
            return;
        }
        let line = format!("the load balancer {}", self.about.cluster);
        let Some(balancer) = &found.balancer else {
            plan.make(2, line, Action::MakeBalancer);
            return;
        };
        plan.keep(line);
        let line = format!("the service of the load balancer for {}", pool.name);
        match balancer
            .services
            .iter()
            .any(|service| service.instance_pool.id == pool.id)
        {
            true => plan.keep(line),
            false => plan.make(
                3,
                line,
                Action::MakeService {
                    pool: pool.id.clone(),
                },
            ),
        }
    }

    pub(super) fn plan_surplus(&self, found: &Resources, plan: &mut Plan<Action>) {
        let wanted: HashSet<&String> = self
            .options
            .sets
            .iter()
            .flat_map(|wanted| &wanted.names)
            .collect();
        for instance in &found.instances {
            let known = &instance.known;
            if known.manager.id.is_empty() && !wanted.contains(&known.name) {
                plan.surplus.push(known.name.clone());
                plan.keep(format!("{}, which nobody asks for", known.name));
            }
        }
        let sets = self.options.sets.iter();
        let wanted: HashSet<String> = sets
            .filter(|wanted| wanted.set.pool)
            .map(|wanted| self.pool(wanted))
            .collect();
        for pool in found.pools.iter().filter(|pool| !wanted.contains(&pool.name)) {
            plan.keep(format!("the instance pool {}, which nobody asks for", pool.name));
            let members = found.instances.iter().map(|instance| &instance.known);
            let members = members.filter(|known| known.manager.id == pool.id);
            plan.surplus.extend(members.map(|known| known.name.clone()));
        }
    }
}

/// Tells what of a private network cannot be changed while machines have addresses in it.
fn note_network(wanted: &Network, there: &PrivateNetwork, plan: &mut Plan<Action>) {
    for (what, is, wished) in [
        ("first address", &there.start_ip, &wanted.start),
        ("last address", &there.end_ip, &wanted.end),
        ("mask", &there.netmask, &wanted.netmask),
    ] {
        if !is.is_empty() && is != wished {
            plan.notes.push(format!(
                "the private network {} has the {what} {is} where {wished} is asked for; it stays as it is, since machines \
                 have their addresses from it",
                there.name
            ));
        }
    }
}
