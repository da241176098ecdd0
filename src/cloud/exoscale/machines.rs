//! Exoscale: instances and pools of them, a security group, a managed private network, an elastic address, a
//! load balancer. A cluster lives in one zone, because private networks do.

mod look;
mod options;
mod perform;
mod planning;
mod removal;
mod rules;
mod wanted;

pub use options::{Own, Set};

use crate::cloud::client::http::failure::Failure;
use crate::cloud::exoscale::client::types::{
    ElasticIp, Instance, InstancePool, LoadBalancer, PrivateNetwork, Rule, SecurityGroup,
};
use crate::cloud::exoscale::client::{Exoscale as Account, SERVICE, Zone};
use crate::cloud::machines::given::Given;
use crate::cloud::machines::options::{ClusterOptions, MachineSet};
use crate::cloud::machines::plan::{Machine, Plan};
use crate::cloud::machines::provider::{About, Cluster, Machines, ProviderMachines, refuse_namesakes};
use crate::error::{Errors, Result};
use async_trait::async_trait;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Mutex;

/// The machines of one cluster in one zone.
pub struct Exoscale {
    zone: Zone,
    options: ClusterOptions<Own, Set>,
    about: About,
    /// A security group, or a pool, takes one change at a time.
    one_change: Mutex<()>,
}

/// What there is of the cluster.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    /// The names of all public keys of the account.
    keys: HashSet<String>,
    group: Option<SecurityGroup>,
    network: Option<PrivateNetwork>,
    /// The identifiers of the cluster's anti-affinity groups by name.
    anti_affinity: BTreeMap<String, String>,
    address: Option<ElasticIp>,
    balancer: Option<LoadBalancer>,
    instances: Vec<Instance>,
    /// Instances that hold the elastic address.
    holders: HashSet<String>,
    pools: Vec<InstancePool>,
    /// The host keys of the members of pools, by the pool's name.
    pool_keys: HashMap<String, String>,
    /// The identifiers of types and templates by name, or why there are none: what is there needs them no more.
    catalogue: BTreeMap<String, Result<String, Failure>>,
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
    /// Lets the instances of a pool hold the elastic address.
    GivePool { pool: String },
    /// Removes an instance of a pool.
    Evict { pool: String, instance: String },
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
    let options = ClusterOptions::<Own, Set>::read(given, cluster, path)?;
    let name = options::check(&options, &given, zones)?;
    let zone = account.zone(&name)?;
    let about = About {
        provider: SERVICE.name,
        cluster: options.cluster.clone(),
        folder: options.folder.clone(),
        common: options.common.clone(),
        clock: zone.client().clock().clone(),
    };
    Ok(Arc::new(Cluster(Exoscale {
        zone,
        options,
        about,
        one_change: Mutex::default(),
    })))
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
impl ProviderMachines for Exoscale {
    type Resources = Resources;
    type Action = Action;

    fn about(&self) -> &About {
        &self.about
    }

    async fn look(&self) -> Result<Resources> {
        self.read_all().await
    }

    fn plan(&self, found: &Resources) -> Result<Plan<Action>> {
        let mut plan = Plan::default();
        refuse_namesakes(
            &format!("instances with the label cluster={}", self.about.cluster),
            found.instances.iter().map(|instance| {
                let known = &instance.known;
                (&known.name, format!("is {}", known.id))
            }),
        )?;
        self.plan_shared(found, &mut plan);
        for (set, wanted) in self.options.sets.iter().enumerate() {
            match wanted.set.pool {
                true => self.plan_pool(found, set, wanted, &mut plan)?,
                false => self.plan_instances(found, set, wanted, &mut plan)?,
            }
        }
        self.plan_surplus(found, &mut plan);
        Ok(plan)
    }

    fn removal(&self, found: &Resources, only: &[String]) -> Plan<Action> {
        self.plan_removal(found, only)
    }

    async fn perform(&self, found: &Resources, action: &Action) -> Result<()> {
        self.do_one(found, action).await
    }
}
