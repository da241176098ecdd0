//! What stands below `machines` for Proxmox alone.

use super::Proxmox;
use crate::cloud::machines::given::Given;
use crate::cloud::machines::networks;
use crate::cloud::machines::options::ClusterOptions;
use crate::error::{Collector, Error, Errors};
use schemars::JsonSchema;
use serde::Deserialize;

/// What holds for the whole cluster.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Own {
    /// Whether the firewall of Proxmox guards each machine; it must be on for the datacenter.
    pub firewall: bool,
    /// The networks of the machines among each other, which the firewall lets pass.
    pub cluster_cidrs: Vec<String>,
}

/// What a set of virtual machines is like.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Set {
    /// The name or number of the template that is cloned.
    #[serde(alias = "template")]
    pub image: String,
    /// The node the machines run on; left out, that of the template.
    pub node: Option<String>,
    /// The storage for their disks; left out, that of the template.
    pub storage: Option<String>,
    /// The pool they belong to.
    pub pool: Option<String>,
    /// Whether disks are copied whole; `false` makes them depend on the template's.
    pub full: bool,
    /// The lowest number a machine may get.
    pub vmid: u64,
    /// How many processor cores.
    pub cores: u32,
    /// How much memory, in MiB.
    pub memory: u64,
    /// The size of the disk in GiB; it is only made larger.
    pub disk: u64,
    /// The disk that is made larger.
    pub disk_device: String,
    /// The bridge of the network card; left out, as in the template.
    pub bridge: Option<String>,
    /// The VLAN of the network card.
    pub vlan: Option<u16>,
    /// The address of each machine with its prefix, as `10.0.10.11/24`; left out, DHCP.
    pub addresses: Vec<String>,
    /// The gateway of these addresses.
    pub gateway: Option<String>,
    /// The name server.
    pub nameserver: Option<String>,
    /// The domain that names without a dot are looked for in.
    pub searchdomain: Option<String>,
    /// The account that cloud-init makes.
    pub user: Option<String>,
    /// Snippets that are there already, as Proxmox takes them: `vendor=local:snippets/agent.yml`.
    pub cicustom: Option<String>,
    /// Whether the host key that a machine shows first is taken. Without it, the guest agent must tell the key.
    pub trust_first_host_key: bool,
}

impl Default for Set {
    fn default() -> Set {
        Set {
            image: String::new(),
            node: None,
            storage: None,
            pool: None,
            full: true,
            vmid: 100,
            cores: 2,
            memory: 4096,
            disk: 20,
            disk_device: "scsi0".into(),
            bridge: None,
            vlan: None,
            addresses: vec![],
            gateway: None,
            nameserver: None,
            searchdomain: None,
            user: None,
            cicustom: None,
            trust_first_host_key: false,
        }
    }
}

/// Somebody who may come in.
#[derive(Clone, Debug, PartialEq)]
pub struct Opening {
    /// `tcp`; `None`: everything.
    pub protocol: Option<&'static str>,
    /// A port or a range, as `30000:32767`.
    pub ports: String,
    /// From where.
    pub source: String,
}

impl Opening {
    /// In words: `TCP 6443 from 192.0.2.0/24`.
    pub fn line(&self) -> String {
        match self.protocol {
            Some(protocol) => format!("{} {} from {}", protocol.to_uppercase(), self.ports, self.source),
            None => format!("everything from {}", self.source),
        }
    }
}

impl Proxmox {
    /// Who may come in to each machine.
    pub(super) fn openings(&self) -> Vec<Opening> {
        let common = &self.options.common;
        let mut all = vec![];
        let mut open = |ports: String, networks: &[String]| {
            all.extend(networks.iter().map(|network| Opening {
                protocol: Some("tcp"),
                ports: ports.clone(),
                source: network.clone(),
            }));
        };
        open(common.ssh_port.to_string(), &common.management_cidrs);
        open(common.api_port.to_string(), common.api_cidrs());
        open("30000:32767".into(), &common.nodeport_cidrs);
        all.extend(self.options.own.cluster_cidrs.iter().map(|network| Opening {
            protocol: None,
            ports: String::new(),
            source: network.clone(),
        }));
        all
    }
}

/// Checks what is Proxmox's own.
///
/// # Errors
/// Everything that is wrong, with its places.
pub fn check(options: &ClusterOptions<Own, Set>, given: &Given<'_>) -> Result<(), Errors> {
    let mut errors = Collector::default();
    let own = &options.own;
    if own.firewall && own.cluster_cidrs.is_empty() {
        errors.push(
            Error::new("`firewall` without `cluster_cidrs` would keep the machines from each other")
                .at(given.place_of("firewall"))
                .help("name the network they share: cluster_cidrs: [10.0.10.0/24]"),
        );
    }
    networks::check(given, "cluster_cidrs", &own.cluster_cidrs, &mut errors);
    for wanted in &options.sets {
        let set = &wanted.set;
        let mut refuse = |message: String, help: &str| {
            errors.push(Error::new(message).at(&wanted.place).help(help));
        };
        if set.image.is_empty() {
            refuse(
                "the set has no `template`".into(),
                "name the template that is cloned: template: debian-12",
            );
        }
        if wanted.each.user_data.is_some() {
            refuse(
                "`user_data` cannot reach a machine: Proxmox takes no user data by its API".into(),
                "put a snippet onto a storage of Proxmox and name it: cicustom: vendor=local:snippets/NAME.yml",
            );
        }
        if own.firewall && set.bridge.is_none() {
            refuse(
                "`firewall` needs `bridge`: it is turned on in the settings of the network card".into(),
                "name the bridge: bridge: vmbr0",
            );
        }
        if !set.addresses.is_empty() && set.addresses.len() < wanted.names.len() {
            refuse(
                format!(
                    "`addresses` names {} for {} machines",
                    set.addresses.len(),
                    wanted.names.len()
                ),
                "name one for each machine, or leave `addresses` out for DHCP",
            );
        }
        for address in set
            .addresses
            .iter()
            .filter(|text| text.parse::<ipnet::IpNet>().is_err())
        {
            refuse(
                format!("`{address}` in `addresses` is not an address with a prefix"),
                "write it as 10.0.10.11/24",
            );
        }
    }
    errors.finish(())
}
