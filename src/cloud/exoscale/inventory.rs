//! `plugin: exoscale`: the instances of all zones.

use crate::cloud::client::access::{first_set, process_environment};
use crate::cloud::exoscale::client::types::{Instance, PrivateNetwork};
use crate::cloud::exoscale::client::{Access, Exoscale, ZONE_VARIABLES, Zone};
use crate::cloud::inventory::options::{Common, secret};
use crate::cloud::inventory::{Addresses, CloudInventory, ProviderInventory, contract, group_name};
use crate::cloud::machines::Machines;
use crate::cloud::machines::given::Given;
use crate::error::{Error, Errors, Result};
use crate::value::Value;
use serde::Deserialize;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

/// The plugin, under one of its names.
pub struct ExoscalePlugin(pub &'static str);

/// The options of this provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Options {
    api_key: Value,
    api_secret: Value,
    api_secret_file: Option<String>,
    #[serde(alias = "url")]
    api_url: Option<String>,
    /// None: all.
    zones: Vec<String>,
    /// `name`, `id`, `public_ipv4`, `private_ipv4`, `label:KEY`; the first that an instance has.
    hostnames: Vec<String>,
    /// The order in which `ansible_host` is chosen.
    address_priority: Vec<String>,
    /// The private network that counts.
    private_network: Option<String>,
    require_address: bool,
    /// Labels, as `key=value` or `key`.
    labels: Vec<String>,
    /// `any` or `all`.
    labels_match: String,
    /// None: all.
    states: Vec<String>,
    group_by: Vec<String>,
    include_raw: bool,
}

impl Default for Options {
    fn default() -> Options {
        let texts = |list: &[&str]| list.iter().map(|text| text.to_string()).collect();
        Options {
            api_key: Value::Null,
            api_secret: Value::Null,
            api_secret_file: None,
            api_url: None,
            zones: vec![],
            hostnames: texts(&["name", "id"]),
            address_priority: texts(&["public_ipv4", "private_ipv4", "public_ipv6"]),
            private_network: None,
            require_address: false,
            labels: vec![],
            labels_match: "any".into(),
            states: vec![],
            group_by: texts(&[
                "product",
                "zone",
                "state",
                "labels",
                "private_network",
                "manager",
                "type",
            ]),
            include_raw: true,
        }
    }
}

impl Options {
    /// The account with these options.
    ///
    /// # Errors
    /// When there is no key.
    pub fn account(&self) -> Result<Exoscale> {
        let access = Access {
            key: secret(&self.api_key),
            secret: secret(&self.api_secret),
            secret_file: self.api_secret_file.as_ref().map(Into::into),
            url: self.api_url.clone(),
        };
        Exoscale::new(&access, &process_environment)
    }

    /// The zones to ask: those given, else all; one only where the address cannot tell zones apart.
    async fn zones(&self, account: &Exoscale) -> Result<Vec<Zone>> {
        let set = first_set(&process_environment, ZONE_VARIABLES);
        let names = match (self.zones.is_empty(), account.is_single_zone()) {
            (false, false) => self.zones.clone(),
            (false, true) => self.zones.iter().take(1).cloned().collect(),
            (true, true) => vec![set.unwrap_or_else(|| "ch-gva-2".to_string())],
            (true, false) => account.zones().await?,
        };
        names.iter().map(|name| account.zone(name)).collect()
    }

    fn wants(&self, instance: &Instance, common: &Common) -> bool {
        let labels = &instance.known.labels;
        let has = |wanted: &String| match wanted.split_once('=') {
            Some((key, value)) => labels.get(key).is_some_and(|found| found == value),
            None => labels.contains_key(wanted),
        };
        let labelled = self.labels.is_empty()
            || match self.labels_match.as_str() {
                "all" => self.labels.iter().all(has),
                _ => self.labels.iter().any(has),
            };
        let state = self.states.is_empty() || self.states.contains(&instance.known.state);
        let cluster = common.cluster.as_ref();
        labelled && state && cluster.is_none_or(|name| labels.get("cluster") == Some(name))
    }

    fn groups_by(&self, what: &str) -> bool {
        self.group_by.iter().any(|name| name == what)
    }
}

impl ProviderInventory for ExoscalePlugin {
    type Options = Options;

    fn name(&self) -> &'static str {
        self.0
    }

    async fn find(&self, options: &Options, common: &Common) -> Result<CloudInventory> {
        let account = options.account()?;
        let zones = options.zones(&account).await?;
        let read = futures::future::try_join_all(zones.iter().map(read_zone)).await?;
        let mut found = CloudInventory::default();
        for (zone, (instances, networks)) in zones.iter().zip(read) {
            for instance in instances
                .iter()
                .filter(|instance| options.wants(instance, common))
            {
                add(&mut found, options, common, &zone.name, instance, &networks)?;
            }
        }
        Ok(found)
    }

    fn machines(
        &self,
        options: &Options,
        common: &Common,
        given: Given<'_>,
        path: &Path,
    ) -> Result<Arc<dyn Machines>, Errors> {
        let account = options.account()?;
        let cluster = common.cluster.as_deref();
        super::machines::read(&account, given, cluster, &options.zones, path)
    }
}

/// The instances of a zone and its private networks with their leases.
async fn read_zone(zone: &Zone) -> Result<(Vec<Instance>, Vec<PrivateNetwork>)> {
    let (instances, listed) = futures::try_join!(zone.instances(), zone.private_networks())?;
    let networks = listed.iter().map(async |network| {
        match zone.private_network(&network.id).await {
            // Removed since it was listed.
            Err(failure) if failure.is_missing() => Ok(None),
            read => read.map(Some),
        }
    });
    let read = futures::future::try_join_all(networks);
    let (networks, instances) = futures::try_join!(
        async { read.await.map_err(Error::from) },
        with_labels_of_pools(zone, instances)
    )?;
    Ok((instances, networks.into_iter().flatten().collect()))
}

/// Members of pools carry the labels of their pool, where they have none of that name themselves.
async fn with_labels_of_pools(zone: &Zone, mut instances: Vec<Instance>) -> Result<Vec<Instance>> {
    let pooled = |instance: &Instance| instance.known.manager.kind == "instance-pool";
    if !instances.iter().any(pooled) {
        return Ok(instances);
    }
    let pools = zone.pools().await?;
    for instance in instances.iter_mut().filter(|instance| pooled(instance)) {
        let pool = pools.iter().find(|pool| pool.id == instance.known.manager.id);
        for (name, value) in pool.into_iter().flat_map(|pool| &pool.labels) {
            let labels = &mut instance.known.labels;
            labels.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    Ok(instances)
}

/// A private network that an instance is in, with its address there if the network gives addresses.
struct Membership<'a> {
    network: &'a PrivateNetwork,
    address: Option<&'a str>,
}

fn memberships<'a>(instance: &Instance, networks: &'a [PrivateNetwork]) -> Vec<Membership<'a>> {
    let mut found = vec![];
    for network in networks {
        let lease = network
            .leases
            .iter()
            .find(|lease| lease.instance_id == instance.known.id);
        let attached = instance
            .known
            .private_networks
            .iter()
            .any(|attachment| attachment.id == network.id);
        if attached || lease.is_some() {
            found.push(Membership {
                network,
                address: lease.map(|lease| lease.ip.as_str()),
            });
        }
    }
    found
}

/// Adds an instance with its groups and variables.
fn add(
    found: &mut CloudInventory,
    options: &Options,
    common: &Common,
    zone: &str,
    instance: &Instance,
    networks: &[PrivateNetwork],
) -> Result<()> {
    let known = &instance.known;
    let members = memberships(instance, networks);
    let chosen = members.iter().find(|member| match &options.private_network {
        Some(name) => member.network.name == *name || member.network.id == *name,
        None => member.address.is_some(),
    });
    let some = |text: &str| (!text.is_empty()).then(|| text.to_string());
    let addresses = Addresses {
        public_ipv4: some(&known.public_ip),
        public_ipv6: some(&known.ipv6_address),
        private_ipv4: chosen.and_then(|member| member.address).map(str::to_string),
        provider_id: format!("exoscale://{}", known.id),
    };
    let by_name = |name: &str| match name {
        "public_ipv4" => Ok(addresses.public_ipv4.clone()),
        "public_ipv6" => Ok(addresses.public_ipv6.clone()),
        "private_ipv4" => Ok(addresses.private_ipv4.clone()),
        "private_ipv6" => Ok(None),
        other => Err(Error::new(format!("`{other}` is no kind of address"))
            .help("the kinds are public_ipv4, public_ipv6 and private_ipv4")),
    };
    let mut source = None;
    for name in &options.address_priority {
        if let (None, Some(address)) = (&source, by_name(name)?) {
            source = Some((name.clone(), address));
        }
    }
    if options.require_address && source.is_none() {
        return Ok(());
    }
    let wanted = options.hostnames.iter().find_map(|name| match name.as_str() {
        "name" => some(&known.name),
        "id" => some(&known.id),
        "public_ipv4" => addresses.public_ipv4.clone(),
        "private_ipv4" => addresses.private_ipv4.clone(),
        other => known.labels.get(other.strip_prefix("label:")?).cloned(),
    });
    let wanted = wanted.unwrap_or_else(|| known.id.clone());
    let host = found.free_name(&wanted, &[zone, &known.id]);
    variables(found, options, zone, instance, &members, &host);
    let tags: Vec<&str> = ["role", "roles", "group"]
        .iter()
        .filter_map(|key| known.labels.get(*key))
        .flat_map(|text| text.split([',', ' ', '+']))
        .chain(known.labels.keys().map(String::as_str))
        .collect();
    contract::apply(found, common, &host, &addresses, &tags);
    if let (Some((kind, address)), Some(variables)) = (source, found.hosts.get_mut(&host)) {
        variables.insert("ansible_host".into(), address.into());
        variables.insert("exoscale_address_source".into(), kind.into());
    }
    groups(found, options, zone, instance, &members, &host);
    Ok(())
}

fn variables(
    found: &mut CloudInventory,
    options: &Options,
    zone: &str,
    instance: &Instance,
    members: &[Membership<'_>],
    host: &str,
) {
    let known = &instance.known;
    let list = |text: &str| if text.is_empty() { json!([]) } else { json!([text]) };
    let private: Vec<&str> = members.iter().filter_map(|member| member.address).collect();
    let networks = members
        .iter()
        .map(|member| json!({"id": member.network.id, "name": member.network.name, "ipv4": member.address}));
    let networks: Vec<_> = networks.collect();
    let some = |text: &str| if text.is_empty() { json!(null) } else { json!(text) };
    let key = match known.ssh_keys.first() {
        Some(key) => &key.name,
        None => &known.ssh_key.name,
    };
    let mut told = json!({
        "exoscale_id": known.id,
        "exoscale_product": "instance",
        "exoscale_name": known.name,
        "exoscale_zone": zone,
        "exoscale_state": known.state,
        "exoscale_labels": known.labels,
        "exoscale_public_ipv4": list(&known.public_ip),
        "exoscale_public_ipv6": list(&known.ipv6_address),
        "exoscale_private_ipv4": private,
        "exoscale_private_networks": networks,
        "exoscale_manager_type": some(&known.manager.kind),
        "exoscale_manager_id": some(&known.manager.id),
        "exoscale_instance": {
            "type": known.instance_type.name(),
            "template": some(&known.template.name),
            "ssh_key": some(key),
            "disk_size": if known.disk_size == 0 { json!(null) } else { json!(known.disk_size) },
            "created_at": some(&known.created_at),
            "mac_address": some(&known.mac_address),
        },
    });
    if options.include_raw {
        told["exoscale_raw"] = instance.raw.clone();
    }
    if let serde_json::Value::Object(variables) = told {
        found.hosts.insert(host.to_string(), variables);
    }
}

fn groups(
    found: &mut CloudInventory,
    options: &Options,
    zone: &str,
    instance: &Instance,
    members: &[Membership<'_>],
    host: &str,
) {
    let known = &instance.known;
    let mut put = |what: &str, name: String| {
        if options.groups_by(what) {
            found.put(host, &group_name(&name));
        }
    };
    put("product", "exo_product_instance".into());
    put("zone", format!("exo_zone_{zone}"));
    put("state", format!("exo_state_{}", known.state));
    for (key, value) in &known.labels {
        put("labels", format!("exo_label_{key}_{value}"));
    }
    for member in members {
        put(
            "private_network",
            format!("exo_private_network_{}", member.network.name),
        );
    }
    if !known.manager.id.is_empty() {
        put("manager", format!("exo_manager_{}", known.manager.kind));
        put("manager", format!("exo_manager_{}", known.manager.id));
    }
    put("type", format!("exo_type_{}", known.instance_type.name()));
}
