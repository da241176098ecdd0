//! `plugin: proxmox`: groups and variables as Ansible's `community.proxmox.proxmox` gives them.

mod addresses;
mod facts;

use crate::cloud::client::access::process_environment;
use crate::cloud::client::http::tls::Trust;
use crate::cloud::inventory::options::{Common, secret};
use crate::cloud::inventory::{CloudInventory, ProviderInventory, contract};
use crate::cloud::machines::Machines;
use crate::cloud::machines::given::Given;
use crate::cloud::proxmox::client::types::{Guest, Interface};
use crate::cloud::proxmox::client::{Access, Proxmox};
use crate::error::{Error, Errors, Result};
use crate::value::Value;
use addresses::addresses;
use facts::more_facts;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use std::path::Path;
use std::sync::Arc;

/// The plugin, under one of its names.
pub struct ProxmoxPlugin(pub &'static str);

/// The options of this provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Options {
    url: Option<String>,
    user: Option<String>,
    token_id: Option<String>,
    token_secret: Value,
    token_secret_file: Option<String>,
    validate_certs: bool,
    ca_file: Option<String>,
    fingerprint: Option<String>,
    group_prefix: String,
    facts_prefix: String,
    want_facts: bool,
    want_proxmox_nodes_ansible_host: bool,
    qemu_extended_statuses: bool,
    exclude_nodes: bool,
    exclude_vms: bool,
    /// The network that `private_ipv4` is in, as `10.0.0.0/8`.
    private_network: Option<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            url: None,
            user: None,
            token_id: None,
            token_secret: Value::Null,
            token_secret_file: None,
            validate_certs: true,
            ca_file: None,
            fingerprint: None,
            group_prefix: "proxmox_".into(),
            facts_prefix: "proxmox_".into(),
            want_facts: false,
            want_proxmox_nodes_ansible_host: false,
            qemu_extended_statuses: false,
            exclude_nodes: false,
            exclude_vms: false,
            private_network: None,
        }
    }
}

impl Options {
    /// A client with these options.
    ///
    /// # Errors
    /// When address or token are not given.
    pub fn client(&self) -> Result<Proxmox> {
        let trust = match (&self.fingerprint, &self.ca_file, self.validate_certs) {
            (Some(fingerprint), _, _) => Some(Trust::Fingerprint(fingerprint.clone())),
            (None, Some(path), _) => Some(Trust::Authority(path.into())),
            (None, None, false) => Some(Trust::Anything),
            (None, None, true) => None,
        };
        let access = Access {
            url: self.url.clone(),
            user: self.user.clone(),
            token_id: self.token_id.clone(),
            token_secret: secret(&self.token_secret),
            token_secret_file: self.token_secret_file.as_ref().map(Into::into),
            trust,
        };
        Proxmox::new(&access, &process_environment)
    }

    /// The network that `private_ipv4` is in, if one is named.
    fn network(&self) -> Result<Option<ipnet::Ipv4Net>> {
        let read = self.private_network.as_deref().map(str::parse).transpose();
        read.map_err(|error| {
            Error::new("`private_network` is not a network")
                .cause(error)
                .help("write it as 10.0.0.0/8")
        })
    }

    fn group(&self, name: &str) -> String {
        safe(&format!("{}{}", self.group_prefix, name.to_lowercase()))
    }

    /// The name of a variable.
    pub(super) fn fact(&self, name: &str) -> String {
        safe(&format!("{}{}", self.facts_prefix, name.to_lowercase()))
    }
}

/// As Ansible's plugin makes names: spaces dropped, other characters `_`.
fn safe(text: &str) -> String {
    text.chars()
        .filter(|letter| *letter != ' ')
        .map(|letter| {
            if letter.is_ascii_alphanumeric() || letter == '_' {
                letter
            } else {
                '_'
            }
        })
        .collect()
}

/// What is known about a guest.
pub(super) struct GuestDetails {
    pub guest: Guest,
    pub config: Map<String, Json>,
    pub status: Map<String, Json>,
    pub snapshots: Vec<Json>,
    pub interfaces: Vec<Interface>,
}

impl ProviderInventory for ProxmoxPlugin {
    type Options = Options;

    fn name(&self) -> &'static str {
        self.0
    }

    async fn find(&self, options: &Options, common: &Common) -> Result<CloudInventory> {
        if options.qemu_extended_statuses && !options.want_facts {
            return Err(Error::new("`qemu_extended_statuses` needs `want_facts: true`"));
        }
        let network = options.network()?;
        let client = options.client()?;
        let mut found = CloudInventory::default();
        for state in ["lxc", "qemu", "running", "stopped", "templates"] {
            found.group(&options.group(&format!("all_{state}")));
        }
        if options.qemu_extended_statuses {
            for state in ["prelaunch", "paused"] {
                found.group(&options.group(&format!("all_{state}")));
            }
        }
        let listed = async {
            match options.exclude_vms {
                true => Ok(vec![]),
                false => client.guests().await.map_err(Error::from),
            }
        };
        let (_, listed) = futures::try_join!(nodes(&mut found, options, &client), listed)?;
        let (templates, guests): (Vec<Guest>, Vec<Guest>) = listed
            .into_iter()
            .filter(|guest| guest.status != "unknown" && !guest.name.is_empty())
            .filter(|guest| {
                let cluster = common.cluster.as_deref();
                cluster.is_none_or(|name| guest.tag_list().contains(&name))
            })
            .partition(|guest| guest.template == 1);
        for template in templates {
            // A template is cloned, not run on: it is in no other group.
            let name = found.free_name(&template.name, &[&template.vmid.to_string()]);
            found.hosts.insert(name.clone(), base_facts(options, &template));
            found.put(&name, &options.group("all_templates"));
        }
        let questions = guests.into_iter().map(|guest| ask(options, &client, guest));
        for known in futures::future::try_join_all(questions)
            .await?
            .into_iter()
            .flatten()
        {
            add(&mut found, options, common, &known, network.as_ref());
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
        let client = options.client()?;
        super::machines::read(client, given, common.cluster.as_deref(), path)
    }
}

/// The nodes of the cluster, which are hosts unless they are excluded.
async fn nodes(found: &mut CloudInventory, options: &Options, client: &Proxmox) -> Result<()> {
    let group = options.group("nodes");
    if !options.exclude_nodes {
        found.group(&group);
    }
    let status = async {
        match options.want_proxmox_nodes_ansible_host {
            true => client.cluster_status().await,
            false => Ok(vec![]),
        }
    };
    let (status, nodes) = futures::try_join!(status, client.nodes())?;
    for node in nodes {
        if !options.exclude_nodes {
            found.hosts.entry(node.node.clone()).or_default();
            found.put(&node.node, &group);
            let address = status
                .iter()
                .find(|item| item.node == node.node && !item.ip.is_empty());
            if let (Some(item), Some(variables)) = (address, found.hosts.get_mut(&node.node)) {
                variables.insert("ansible_host".into(), item.ip.clone().into());
            }
        }
        if node.status != "offline" {
            for kind in ["lxc", "qemu"] {
                found.group(&options.group(&format!("{}_{kind}", node.node)));
            }
        }
    }
    Ok(())
}

/// Asks for all that is wanted of a guest; `None` if it was removed since it was listed.
async fn ask(options: &Options, client: &Proxmox, guest: Guest) -> Result<Option<GuestDetails>> {
    let asked = async {
        match options.want_facts {
            true => futures::try_join!(
                client.config(&guest),
                client.status(&guest),
                client.snapshots(&guest)
            ),
            false => Ok((client.config(&guest).await?, Map::new(), vec![])),
        }
    };
    let (config, status, snapshots) = match asked.await {
        Err(failure) if failure.is_missing() => return Ok(None),
        told => told?,
    };
    let agent = config.get("agent").map(text_of).unwrap_or_default();
    let enabled = matches!(agent.split(',').next(), Some("1" | "enabled=1"));
    let interfaces = match guest.status == "running" && (enabled || guest.kind == "lxc") {
        true => client.interfaces(&guest).await?.unwrap_or_default(),
        false => vec![],
    };
    Ok(Some(GuestDetails {
        guest,
        config,
        status,
        snapshots,
        interfaces,
    }))
}

fn text_of(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The variables that every guest has.
fn base_facts(options: &Options, guest: &Guest) -> Map<String, Json> {
    [
        ("node", json!(guest.node)),
        ("vmid", json!(guest.vmid)),
        ("vmtype", json!(guest.kind)),
        ("name", json!(guest.name)),
        ("status", json!(guest.status)),
        ("template", json!(guest.template == 1)),
    ]
    .into_iter()
    .map(|(name, value)| (options.fact(name), value))
    .collect()
}

/// Adds a guest with its groups and variables.
fn add(
    found: &mut CloudInventory,
    options: &Options,
    common: &Common,
    known: &GuestDetails,
    network: Option<&ipnet::Ipv4Net>,
) {
    let guest = &known.guest;
    let host = found.free_name(&guest.name, &[&guest.vmid.to_string()]);
    let mut facts = base_facts(options, guest);
    facts.insert(options.fact("tags"), json!(guest.tags));
    if options.want_facts {
        more_facts(&mut facts, options, known);
    }
    found.hosts.insert(host.clone(), facts);
    let state = match known.status.get("qmpstatus").and_then(Json::as_str) {
        Some(state) if options.qemu_extended_statuses && guest.status == "running" => state,
        _ => &guest.status,
    };
    for group in [
        format!("all_{}", guest.kind),
        format!("{}_{}", guest.node, guest.kind),
        format!("all_{state}"),
    ] {
        found.put(&host, &options.group(&group));
    }
    if !guest.pool.is_empty() {
        found.put(&host, &options.group(&format!("pool_{}", guest.pool)));
    }
    contract::apply(
        found,
        common,
        &host,
        &addresses(network, known),
        &guest.tag_list(),
    );
}
