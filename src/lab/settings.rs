//! What `inventory/lab.yml` says: networks, memory, image, and one entry per node.

use crate::error::{Error, Result, nearest};
use crate::value::{Map, Value, deserialize};
use indexmap::IndexMap;
use ipnet::Ipv4Net;
use serde::Deserialize;
use std::net::Ipv4Addr;
use std::time::Duration;

/// Less than that no node boots with.
const LEAST_MEMORY: u64 = 128 << 20;
/// A smaller disk has no room for a file system and what a node writes while it boots.
const LEAST_DISK: u64 = 64 << 20;

/// How long a node may take to boot if the file says nothing; ten seconds are usual.
const BOOT_TIMEOUT: u64 = 180;

/// The whole file, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct LabSettings {
    /// Tells several labs of one computer apart.
    pub name: String,
    /// What the nodes' base tree is made of.
    pub image: Image,
    /// The wished network that this computer reaches.
    pub public: Ipv4Net,
    /// The wished network that only joins the nodes.
    pub private: Ipv4Net,
    /// The nodes in the order of the file.
    pub nodes: Vec<NodeSettings>,
}

/// A Debian release, with or without Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Image {
    /// Debian 12 as bare as a cloud image, without Python.
    #[serde(rename = "bookworm")]
    Bookworm,
    /// The same with Python, for comparing with programs that need it.
    #[serde(rename = "bookworm-python")]
    BookwormPython,
}

/// One node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeSettings {
    /// Its host name, and its name in the inventory.
    pub name: String,
    /// The last number of its address in both networks.
    pub address: u8,
    /// The groups it is in.
    pub groups: Vec<String>,
    /// Limit of its memory in bytes.
    pub memory: u64,
    /// The size of a disk of its own in bytes; without one it shares this computer's.
    pub disk: Option<u64>,
    /// How long it may take to boot.
    pub boot_timeout: Duration,
    /// Ordinary host variables.
    pub vars: Map,
}

#[derive(Deserialize)]
struct FileForm {
    #[serde(rename = "plugin")]
    _plugin: String,
    name: Option<String>,
    #[serde(default = "FileForm::image")]
    image: Image,
    public_cidr: Option<String>,
    private_cidr: Option<String>,
    memory: Option<String>,
    disk: Option<String>,
    boot_timeout: Option<u64>,
    nodes: IndexMap<String, Value>,
}

/// What the file says for all nodes.
struct Common {
    memory: u64,
    disk: Option<u64>,
    boot_timeout: Duration,
}

impl FileForm {
    fn image() -> Image {
        Image::Bookworm
    }
}

#[derive(Deserialize)]
struct NodeForm {
    address: u8,
    #[serde(default)]
    groups: Vec<String>,
    memory: Option<String>,
    disk: Option<String>,
    #[serde(default, rename = "vars")]
    _vars: Value,
}

impl LabSettings {
    /// Reads the mapping of `inventory/lab.yml`.
    ///
    /// # Errors
    /// Keys that are not known, values out of range, and names or addresses used twice.
    pub fn read(value: &Value) -> Result<LabSettings> {
        let form: FileForm = checked(value, "the lab")?;
        let common = Common {
            memory: amount(form.memory.as_deref().unwrap_or("3G"), "memory", LEAST_MEMORY)?,
            disk: optional(form.disk.as_deref(), "disk")?,
            boot_timeout: Duration::from_secs(form.boot_timeout.unwrap_or(BOOT_TIMEOUT)),
        };
        let nodes = value
            .get("nodes")
            .and_then(Value::as_map)
            .filter(|nodes| !nodes.is_empty())
            .ok_or_else(|| {
                Error::new("the lab has no nodes")
                    .help("name at least one: `nodes: {controller-0: {address: 10, groups: [controllers]}}`")
            })?;
        debug_assert_eq!(nodes.len(), form.nodes.len());
        let nodes = nodes
            .iter()
            .map(|(name, node)| NodeSettings::read(name, node, &common))
            .collect::<Result<Vec<_>>>()?;
        for (at, node) in nodes.iter().enumerate() {
            if let Some(other) = nodes[..at].iter().find(|other| other.address == node.address) {
                return Err(Error::new(format!(
                    "nodes `{}` and `{}` have the same address {}",
                    other.name, node.name, node.address
                ))
                .help("give each node a last number of its own, from 2 to 254"));
            }
        }
        let name = form.name.unwrap_or_else(|| "vent".into());
        host_name(&name, "the lab's name")?;
        Ok(LabSettings {
            name,
            image: form.image,
            public: network(
                form.public_cidr.as_deref().unwrap_or("10.89.0.0/24"),
                "public_cidr",
            )?,
            private: network(
                form.private_cidr.as_deref().unwrap_or("10.89.1.0/24"),
                "private_cidr",
            )?,
            nodes,
        })
    }

    /// The node called `name`.
    ///
    /// # Errors
    /// No node has this name; the nearest one is offered.
    pub fn node(&self, name: &str) -> Result<&NodeSettings> {
        self.nodes.iter().find(|node| node.name == name).ok_or_else(|| {
            let names = self.nodes.iter().map(|node| node.name.as_str());
            let near = nearest(name, names.clone());
            Error::new(format!("the lab has no node `{name}`"))
                .help(format!("the nodes are {}", names.collect::<Vec<_>>().join(", ")))
                .did_you_mean(near)
        })
    }
}

impl NodeSettings {
    fn read(name: &str, value: &Value, common: &Common) -> Result<NodeSettings> {
        host_name(name, "the name of a node")?;
        let form: NodeForm = checked(value, &format!("node `{name}`"))?;
        if !(2..=254).contains(&form.address) {
            return Err(Error::new(format!(
                "node `{name}` has the address {}, which no node can have",
                form.address
            ))
            .help("take a number from 2 to 254; 1 is this computer"));
        }
        let memory = match form.memory {
            Some(text) => amount(&text, &format!("memory of node `{name}`"), LEAST_MEMORY)?,
            None => common.memory,
        };
        let disk = optional(form.disk.as_deref(), &format!("disk of node `{name}`"))?.or(common.disk);
        let vars = match value.get("vars") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Map(vars)) => (**vars).clone(),
            Some(other) => {
                return Err(Error::new(format!(
                    "`vars` of node `{name}` is a {}, not a mapping",
                    other.kind()
                )));
            }
        };
        Ok(NodeSettings {
            name: name.to_string(),
            address: form.address,
            groups: form.groups,
            memory,
            disk,
            boot_timeout: common.boot_timeout,
            vars,
        })
    }

    /// Its address in `network`.
    pub fn address_in(&self, network: Ipv4Net) -> Ipv4Addr {
        nth(network, self.address)
    }
}

/// The address number `last` of a /24.
pub fn nth(network: Ipv4Net, last: u8) -> Ipv4Addr {
    let [a, b, c, _] = network.network().octets();
    Ipv4Addr::new(a, b, c, last)
}

/// Reads `value` and refuses keys that nobody reads.
fn checked<T: serde::de::DeserializeOwned>(value: &Value, what: &str) -> Result<T> {
    let (form, fields) = deserialize::<T>(value)
        .map_err(|error| Error::new(format!("the settings of {what} cannot be read")).cause(error))?;
    for key in value.as_map().into_iter().flat_map(Map::keys) {
        if !fields.contains(&&**key) {
            return Err(Error::new(format!("`{key}` is not a setting of {what}"))
                .help(format!("known are {}", fields.join(", ")))
                .did_you_mean(nearest(key, fields.iter().copied())));
        }
    }
    Ok(form)
}

/// A name that a host can have (RFC 1123, one label).
fn host_name(name: &str, what: &str) -> Result<()> {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty()
        || name.len() > 63
        || !name.bytes().all(good)
        || name.starts_with('-')
        || name.ends_with('-')
    {
        return Err(Error::new(format!("`{name}` cannot be {what}"))
            .help("use lower-case letters, digits and hyphens, at most 63"));
    }
    Ok(())
}

fn network(text: &str, key: &str) -> Result<Ipv4Net> {
    let refuse = || {
        Error::new(format!("`{key}: {text}` is not a network the lab can use"))
            .help("write an IPv4 network of 254 addresses, such as 10.89.0.0/24")
    };
    let network: Ipv4Net = text.parse().map_err(|_| refuse())?;
    if network.prefix_len() != 24 || network.addr() != network.network() {
        return Err(refuse());
    }
    Ok(network)
}

fn optional(text: Option<&str>, what: &str) -> Result<Option<u64>> {
    text.map(|text| amount(text, what, LEAST_DISK)).transpose()
}

/// A number of bytes written with K, M or G.
fn amount(text: &str, what: &str, least: u64) -> Result<u64> {
    let refuse = || {
        Error::new(format!(
            "`{text}` is not an amount of bytes that can be had ({what})"
        ))
        .help(format!(
            "write a whole number with K, M or G, such as 3G; at least {}M",
            least >> 20
        ))
    };
    let (digits, unit) = text.split_at(text.trim_end_matches(['K', 'M', 'G']).len());
    let shift = match unit {
        "K" => 10,
        "M" => 20,
        "G" => 30,
        _ => return Err(refuse()),
    };
    let number: u64 = digits.parse().map_err(|_| refuse())?;
    let bytes = number.checked_mul(1 << shift).ok_or_else(refuse)?;
    if bytes < least {
        return Err(refuse());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(json: serde_json::Value) -> Result<LabSettings> {
        LabSettings::read(&Value::from(json))
    }

    #[test]
    fn a_node_overrules_the_memory_and_keeps_its_variables() {
        let settings = read(json!({
            "plugin": "lab", "memory": "2G", "boot_timeout": 600,
            "nodes": {"a": {"address": 10, "groups": ["controllers"], "disk": "1G"},
                      "b": {"address": 20, "memory": "512M", "vars": {"container_runtime": "crio"}}}}))
        .unwrap();
        assert_eq!(settings.nodes[0].memory, 2 << 30);
        assert_eq!(settings.nodes[0].boot_timeout, Duration::from_secs(600));
        assert_eq!(settings.nodes[1].memory, 512 << 20);
        assert_eq!(
            [settings.nodes[0].disk, settings.nodes[1].disk],
            [Some(1 << 30), None]
        );
        assert_eq!(
            settings.nodes[1].vars.get("container_runtime"),
            Some(&Value::string("crio"))
        );
        assert_eq!(
            settings.nodes[1].address_in(settings.private).to_string(),
            "10.89.1.20"
        );
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_cure() {
        let node = json!({"a": {"address": 10}});
        for (settings, words) in [
            (json!({"plugin": "lab", "nodes": {}}), "the lab has no nodes"),
            (
                json!({"plugin": "lab", "nodes": node, "memry": "1G"}),
                "did you mean `memory`?",
            ),
            (
                json!({"plugin": "lab", "nodes": node, "memory": "lots"}),
                "such as 3G",
            ),
            (
                json!({"plugin": "lab", "nodes": node, "disk": "1M"}),
                "at least 64M",
            ),
            (
                json!({"plugin": "lab", "nodes": node, "public_cidr": "10.0.0.0/8"}),
                "254 addresses",
            ),
            (
                json!({"plugin": "lab", "nodes": node, "boot_timeout": "soon"}),
                "boot_timeout",
            ),
            (
                json!({"plugin": "lab", "nodes": {"a": {"address": 1}}}),
                "from 2 to 254",
            ),
            (
                json!({"plugin": "lab", "nodes": {"A_b": {"address": 9}}}),
                "lower-case letters",
            ),
            (
                json!({"plugin": "lab", "nodes": {"a": {"address": 9}, "b": {"address": 9}}}),
                "same address 9",
            ),
            (
                json!({"plugin": "lab", "image": "sid", "nodes": node}),
                "`sid` is none of bookworm, bookworm-python",
            ),
        ] {
            let error = read(settings).unwrap_err().to_string();
            assert!(error.contains(words), "{words} is not in {error}");
        }
    }

    #[test]
    fn an_unknown_node_offers_the_nearest() {
        let settings = read(json!({"plugin": "lab", "nodes": {"worker-0": {"address": 20}}})).unwrap();
        let error = settings.node("worker-1").unwrap_err();
        assert_eq!(error.cure(), Some("did you mean `worker-0`?"));
    }
}
