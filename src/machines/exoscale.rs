//! Exoscale: instances and pools of them, a security group, a managed private network, an elastic address, a
//! load balancer. A cluster lives in one zone, because private networks do.

mod look;
mod options;
mod perform;
mod removal;
mod rules;
mod wanted;

pub use options::{Own, Set};

use super::cloud::{About, Cloud, Cluster, Machines};
use super::given::Given;
use super::plan::{Machine, Plan};
use super::settings::{Settings, Wanted};
use crate::error::{Error, Errors, Result};
use crate::provider::exoscale::types::{
    ElasticIp, Instance, InstancePool, LoadBalancer, PrivateNetwork, Rule, SecurityGroup,
};
use crate::provider::exoscale::{Exoscale as Account, SERVICE, Zone};
use async_trait::async_trait;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Mutex;

/// The machines of one cluster in one zone.
pub struct Exoscale {
    zone: Zone,
    settings: Settings<Own, Set>,
    about: About,
    /// A security group takes one change at a time.
    one_rule: Mutex<()>,
}

/// What there is of the cluster.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The names of all public keys of the account.
    keys: HashSet<String>,
    group: Option<SecurityGroup>,
    network: Option<PrivateNetwork>,
    /// The identifiers of anti-affinity groups by name.
    anti_affinity: HashMap<String, String>,
    address: Option<ElasticIp>,
    balancer: Option<LoadBalancer>,
    instances: Vec<Instance>,
    /// Instances that hold the elastic address.
    holders: HashSet<String>,
    pools: Vec<InstancePool>,
    /// The host keys of the members of pools, by the pool's name.
    pool_keys: HashMap<String, String>,
    /// The identifiers of types and templates by name.
    catalogue: BTreeMap<String, String>,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Adds a public key to the account.
    AddKey { name: String, key: String },
    /// Takes a public key away.
    RemoveKey { name: String },
    /// Makes the security group.
    MakeGroup,
    /// Opens ports.
    Open(Rule),
    /// Closes ports.
    Close { group: String, rule: String },
    /// Makes the private network.
    MakeNetwork,
    /// Makes an anti-affinity group.
    MakeAntiAffinity { name: String },
    /// Reserves the elastic address.
    ReserveAddress,
    /// Makes an instance: the set, and which of its instances.
    Create { set: usize, at: usize },
    /// Makes the pool of a set.
    CreatePool { set: usize },
    /// Changes how many instances a pool has.
    Scale { pool: String, size: u64 },
    /// Attaches an instance to the private network.
    Attach { instance: String },
    /// Gives the elastic address to an instance.
    Hold { instance: String },
    /// Makes the load balancer.
    MakeBalancer,
    /// Lets the load balancer pass the API server's port on to a pool.
    MakeService { pool: String },
    /// Removes a resource of a kind.
    Remove { kind: Kind, id: String },
}

/// What can be removed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// An instance.
    Instance,
    /// A pool with its instances.
    Pool,
    /// A load balancer.
    Balancer,
    /// An elastic address.
    Address,
    /// A private network.
    Network,
    /// An anti-affinity group.
    AntiAffinity,
    /// A security group.
    Group,
}

/// Reads what stands behind `machines:` in the file at `path`.
///
/// # Errors
/// Everything that is wrong, with its places.
pub fn read(
    account: &Account,
    given: Given<'_>,
    cluster: Option<&str>,
    zones: &[String],
    path: &Path,
) -> Result<Arc<dyn Machines>, Errors> {
    let settings = Settings::<Own, Set>::read(given, cluster, path)?;
    let name = options::check(&settings, &given, zones)?;
    let zone = account.zone(&name)?;
    let about = About {
        provider: SERVICE.name,
        cluster: settings.cluster.clone(),
        folder: settings.folder.clone(),
        common: settings.common.clone(),
        clock: zone.client().clock().clone(),
    };
    Ok(Arc::new(Cluster(Exoscale {
        zone,
        settings,
        about,
        one_rule: Mutex::default(),
    })))
}

impl Exoscale {
    fn plan_shared(&self, found: &Found, plan: &mut Plan<Action>) {
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
        if let Some(network) = &self.settings.own.network {
            let line = format!(
                "the private network {cluster} ({} to {}, {})",
                network.start, network.end, network.netmask
            );
            match &found.network {
                Some(_) => plan.keep(line),
                None => plan.make(0, line, Action::MakeNetwork),
            }
        }
        for wanted in self
            .settings
            .sets
            .iter()
            .filter(|wanted| wanted.set.anti_affinity)
        {
            let name = self.anti_affinity(wanted);
            let line = format!("the anti-affinity group {name}");
            match found.anti_affinity.contains_key(&name) {
                true => plan.keep(line),
                false => plan.make(0, line, Action::MakeAntiAffinity { name }),
            }
        }
        if self.settings.own.elastic_ip {
            match &found.address {
                Some(address) => plan.keep(format!("the elastic address {}", address.ip)),
                None => plan.make(0, "an elastic address for the API server", Action::ReserveAddress),
            }
        }
    }

    fn plan_instances(&self, found: &Found, set: usize, wanted: &Wanted<Set>, plan: &mut Plan<Action>) {
        for (at, name) in wanted.names.iter().enumerate() {
            let instance = found
                .instances
                .iter()
                .find(|instance| instance.known.name == *name);
            let Some(instance) = instance else {
                plan.make(1, self.line(wanted, name), Action::Create { set, at });
                plan.machines.push(Machine {
                    name: name.clone(),
                    role: wanted.each.role.clone(),
                    ..Machine::default()
                });
                // What follows from it is told already, and done when it is there.
                if let (Some(_), true) = (&self.settings.own.network, found.network.is_some()) {
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
    }

    fn plan_attachments(
        &self,
        found: &Found,
        wanted: &Wanted<Set>,
        instance: &Instance,
        plan: &mut Plan<Action>,
    ) {
        let (name, id) = (&instance.known.name, &instance.known.id);
        if self.settings.own.network.is_some() {
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
                    plan.steps
                        .push(super::plan::Step::new(2, text, Action::Attach { instance }));
                }
            }
        }
        if self.settings.own.elastic_ip && wanted.roles().contains(&"controller") {
            let line = format!("{name} behind the elastic address");
            match found.holders.contains(id) {
                true => plan.keep(line),
                false => {
                    plan.after.push(line);
                    let instance = id.clone();
                    let text = format!("give the elastic address to {name}");
                    plan.steps
                        .push(super::plan::Step::new(2, text, Action::Hold { instance }));
                }
            }
        }
    }

    fn plan_pool(&self, found: &Found, set: usize, wanted: &Wanted<Set>, plan: &mut Plan<Action>) {
        let (name, count) = (self.pool(wanted), wanted.names.len() as u64);
        let line = |size: u64| {
            format!(
                "the instance pool {name} ({size} of {}, {})",
                wanted.set.instance_type, wanted.set.image
            )
        };
        let Some(pool) = found.pools.iter().find(|pool| pool.name == name) else {
            plan.make(1, line(count), Action::CreatePool { set });
            let expected = wanted.names.iter().map(|name| Machine {
                name: name.clone(),
                role: wanted.each.role.clone(),
                ..Machine::default()
            });
            plan.machines.extend(expected);
            return;
        };
        if pool.size < count {
            plan.before.push(line(pool.size));
            plan.after.push(line(count));
            let action = Action::Scale {
                pool: pool.id.clone(),
                size: count,
            };
            let text = format!("scale the instance pool {name} from {} to {count}", pool.size);
            plan.steps.push(super::plan::Step::new(1, text, action));
        } else {
            plan.keep(line(pool.size));
            if pool.size > count {
                plan.notes.push(format!(
                    "the instance pool {name} has {} instances where {count} are asked for; it is never made smaller, because \
                     Exoscale would choose which of them go: evict the ones that are meant",
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
                name: format!("{name} number {missing}"),
                role: wanted.each.role.clone(),
                state: pool.state.clone(),
                id: pool.id.clone(),
                ..Machine::default()
            });
        }
        self.plan_balancer(found, wanted, pool, plan);
    }

    fn plan_balancer(
        &self,
        found: &Found,
        wanted: &Wanted<Set>,
        pool: &InstancePool,
        plan: &mut Plan<Action>,
    ) {
        if !self.settings.own.nlb || !wanted.roles().contains(&"controller") {
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

    fn plan_surplus(&self, found: &Found, plan: &mut Plan<Action>) {
        let wanted: HashSet<&String> = self
            .settings
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
    }
}

/// An instance as all providers see a machine.
fn machine(instance: &Instance, role: &str, host_key: Option<String>) -> Machine {
    let known = &instance.known;
    let address = [&known.public_ip, &known.ipv6_address];
    Machine {
        name: known.name.clone(),
        role: role.to_string(),
        id: known.id.clone(),
        address: address.into_iter().find(|text| !text.is_empty()).cloned(),
        running: known.state == "running",
        failed: known.state == "error",
        state: known.state.clone(),
        host_key,
        trusts_first: false,
    }
}

#[async_trait]
impl Cloud for Exoscale {
    type Found = Found;
    type Action = Action;

    fn about(&self) -> &About {
        &self.about
    }

    async fn look(&self) -> Result<Found> {
        self.read_all().await
    }

    fn plan(&self, found: &Found) -> Result<Plan<Action>> {
        let mut plan = Plan::default();
        let mut names = HashSet::new();
        for instance in &found.instances {
            if !names.insert(&instance.known.name) {
                return Err(Error::new(format!(
                    "two instances with the label cluster={} are called {}",
                    self.about.cluster, instance.known.name
                ))
                .cause(format!("one of them is {}", instance.known.id))
                .help("remove the one that is not meant, or give it another name"));
            }
        }
        self.plan_shared(found, &mut plan);
        for (set, wanted) in self.settings.sets.iter().enumerate() {
            match wanted.set.pool {
                true => self.plan_pool(found, set, wanted, &mut plan),
                false => self.plan_instances(found, set, wanted, &mut plan),
            }
        }
        self.plan_surplus(found, &mut plan);
        Ok(plan)
    }

    fn removal(&self, found: &Found, only: &[String]) -> Plan<Action> {
        self.plan_removal(found, only)
    }

    async fn perform(&self, found: &Found, action: &Action) -> Result<()> {
        self.do_one(found, action).await
    }
}
