//! `plugin: packet`: groups and variables as the inventory script `packet_net.py` gives them.

use crate::cloud::client::access::process_environment;
use crate::cloud::inventory::options::{Common, secret};
use crate::cloud::inventory::{Addresses, CloudInventory, ProviderInventory, contract};
use crate::cloud::machines::Machines;
use crate::cloud::machines::given::Given;
use crate::cloud::packet::client::types::{Device, Project};
use crate::cloud::packet::client::{Access, Packet};
use crate::error::{Error, Errors, Result};
use crate::value::Value;
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use std::path::Path;
use std::sync::Arc;

/// The plugin, under one of its names.
pub struct PacketPlugin(pub &'static str);

/// The attributes that become variables `packet_*`, those of the script's library.
const ATTRIBUTES: &[&str] = &[
    "id",
    "short_id",
    "hostname",
    "description",
    "state",
    "image_url",
    "billing_cycle",
    "user",
    "iqn",
    "locked",
    "bonding_mode",
    "created_at",
    "updated_at",
    "ipxe_script_url",
    "always_pxe",
    "storage",
    "customdata",
    "operating_system",
    "facility",
    "metro",
    "project",
    "ssh_keys",
    "project_lite",
    "volumes",
    "ip_addresses",
    "plan",
    "userdata",
    "switch_uuid",
    "network_ports",
    "href",
    "spot_instance",
    "hardware_reservation_id",
    "spot_price_max",
    "termination_time",
    "root_password",
    "provisioning_percentage",
];

/// The options of this provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Options {
    #[serde(alias = "metal_api_token")]
    token: Value,
    token_file: Option<String>,
    url: Option<String>,
    /// Names or identifiers; none: all.
    #[serde(alias = "project_ids")]
    projects: Vec<String>,
    projects_exclude: Vec<String>,
    device_states: Vec<String>,
    /// `hostname` or `address`.
    host_names: String,
    nested_groups: bool,
    replace_dash_in_groups: bool,
    group_by_device_id: bool,
    group_by_hostname: Option<bool>,
    group_by_facility: bool,
    group_by_project: bool,
    group_by_operating_system: bool,
    group_by_plan_type: bool,
    group_by_tags: bool,
    group_by_tag_none: bool,
    pattern_include: Option<String>,
    pattern_exclude: Option<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            token: Value::Null,
            token_file: None,
            url: None,
            projects: vec![],
            projects_exclude: vec![],
            device_states: ["active", "inactive", "queued", "provisioning"]
                .map(str::to_string)
                .to_vec(),
            host_names: "hostname".into(),
            nested_groups: false,
            replace_dash_in_groups: true,
            group_by_device_id: true,
            group_by_hostname: None,
            group_by_facility: true,
            group_by_project: true,
            group_by_operating_system: true,
            group_by_plan_type: true,
            group_by_tags: true,
            group_by_tag_none: true,
            pattern_include: None,
            pattern_exclude: None,
        }
    }
}

impl Options {
    /// A client with these options.
    ///
    /// # Errors
    /// When there is no token.
    pub fn client(&self) -> Result<Packet> {
        let access = Access {
            token: secret(&self.token),
            token_file: self.token_file.as_ref().map(Into::into),
            url: self.url.clone(),
        };
        Packet::new(&access, &process_environment)
    }

    fn wants(&self, project: &Project) -> bool {
        let named = |list: &[String]| {
            list.iter()
                .any(|name| *name == project.name || *name == project.id)
        };
        let all = self.projects.is_empty() || self.projects.iter().any(|name| name == "all");
        (all || named(&self.projects)) && !named(&self.projects_exclude)
    }

    fn by_address(&self) -> bool {
        self.host_names == "address"
    }

    /// Letters, digits, `_`, and `-` if it is to stay.
    fn safe(&self, text: &str) -> String {
        let fits = |letter: char| {
            letter.is_ascii_alphanumeric() || letter == '_' || (letter == '-' && !self.replace_dash_in_groups)
        };
        text.chars()
            .map(|letter| if fits(letter) { letter } else { '_' })
            .collect()
    }
}

impl ProviderInventory for PacketPlugin {
    type Options = Options;

    fn name(&self) -> &'static str {
        self.0
    }

    async fn find(&self, options: &Options, common: &Common) -> Result<CloudInventory> {
        if !["hostname", "address"].contains(&options.host_names.as_str()) {
            return Err(
                Error::new(format!("`host_names: {}` is unknown", options.host_names))
                    .help("hosts are named by `hostname` or by `address`"),
            );
        }
        let patterns = Patterns::new(options)?;
        let client = options.client()?;
        let projects: Vec<Project> = client
            .projects()
            .await?
            .into_iter()
            .filter(|project| options.wants(project))
            .collect();
        let lists = projects
            .iter()
            .map(|project| client.devices(&project.id, common.cluster.as_deref()));
        let lists = futures::future::try_join_all(lists).await?;
        let mut found = CloudInventory::default();
        for (project, devices) in projects.iter().zip(lists) {
            for device in devices {
                let known = &device.known;
                let wanted =
                    options.device_states.contains(&known.state) && patterns.take(&known.hostname)?;
                if wanted {
                    add(&mut found, options, common, project, &device);
                }
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
        let client = options.client()?;
        let cluster = common.cluster.as_deref();
        super::machines::read(client, given, cluster, &options.projects, path)
    }
}

/// The patterns of names, anchored at the start.
struct Patterns {
    include: Option<fancy_regex::Regex>,
    exclude: Option<fancy_regex::Regex>,
}

impl Patterns {
    fn new(options: &Options) -> Result<Patterns> {
        let compile = |name: &str, text: &Option<String>| {
            let text = text.as_deref().filter(|text| !text.is_empty());
            text.map(|text| fancy_regex::Regex::new(&format!("^(?:{text})")))
                .transpose()
                .map_err(|error| Error::new(format!("`{name}` is not a regular expression")).cause(error))
        };
        Ok(Patterns {
            include: compile("pattern_include", &options.pattern_include)?,
            exclude: compile("pattern_exclude", &options.pattern_exclude)?,
        })
    }

    fn take(&self, name: &str) -> Result<bool> {
        let fits = |pattern: &fancy_regex::Regex| {
            pattern.is_match(name).map_err(|error| {
                Error::new(format!("a pattern cannot be matched against {name}")).cause(error)
            })
        };
        Ok(
            self.include.as_ref().map_or(Ok(true), fits)?
                && !self.exclude.as_ref().map_or(Ok(false), fits)?,
        )
    }
}

/// Adds a device with its groups, unless it has no address.
fn add(found: &mut CloudInventory, options: &Options, common: &Common, project: &Project, device: &Device) {
    // The script takes the last public IPv4 address of those that the machine came with.
    let ipv4 = device
        .known
        .ip_addresses
        .iter()
        .rev()
        .find(|address| address.management && address.public && address.address_family == 4);
    let addresses = Addresses {
        public_ipv4: ipv4.map(|address| address.address.clone()),
        public_ipv6: device.public_ipv6().map(|address| address.address.clone()),
        private_ipv4: device.private_ipv4().map(|address| address.address.clone()),
        provider_id: format!("equinixmetal://{}", device.known.id),
    };
    let host = match (options.by_address(), &addresses.public_ipv4, addresses.best()) {
        (true, Some(address), _) => address.clone(),
        (true, None, _) | (false, _, None) => return,
        (false, _, Some(_)) => found.free_name(&device.known.hostname, &[&project.name, &device.known.id]),
    };
    let mut variables = variables(options, device);
    variables.insert("packet".into(), device.raw.clone());
    found.hosts.insert(host.clone(), variables);
    groups(found, options, project, device, &host);
    let tags: Vec<&str> = device.known.tags.iter().map(String::as_str).collect();
    contract::apply(found, common, &host, &addresses, &tags);
}

/// The groups of the script.
fn groups(found: &mut CloudInventory, options: &Options, project: &Project, device: &Device, host: &str) {
    let known = &device.known;
    let mut put = |wanted: bool, parent: &str, group: &str| {
        if wanted && !group.is_empty() {
            found.put(host, group);
            if options.nested_groups {
                found.nest(parent, group);
            }
        }
    };
    let by_name = options.group_by_hostname.unwrap_or(options.by_address());
    put(options.group_by_device_id, "devices", &known.id);
    put(options.group_by_project, "projects", &project.name);
    put(by_name, "hostnames", &known.hostname);
    put(options.group_by_facility, &project.name, &known.facility.code);
    put(
        options.group_by_operating_system,
        "operating_systems",
        &known.operating_system.slug,
    );
    put(options.group_by_plan_type, "plans", &known.plan.slug);
    for tag in &known.tags {
        let group = options.safe(&format!("tag_{tag}"));
        put(options.group_by_tags, "tags", &group);
    }
    put(
        options.group_by_tag_none && known.tags.is_empty(),
        "tags",
        "tag_none",
    );
    found.put(host, "packet");
}

/// The variables `packet_*`: scalars as they are, null as the empty text, lists and mappings left out.
fn variables(options: &Options, device: &Device) -> Map<String, Json> {
    let mut variables = Map::new();
    for attribute in ATTRIBUTES {
        let missing = match *attribute {
            "always_pxe" | "spot_instance" => Json::Bool(false),
            _ => Json::String(String::new()),
        };
        let told = device.raw.get(*attribute).filter(|value| !value.is_null());
        let value = match (*attribute, told) {
            ("hostname", Some(value)) => Some(value.clone()),
            ("facility", Some(value)) => value.get("code").cloned(),
            ("operating_system" | "plan", Some(value)) => value.get("slug").cloned(),
            (_, Some(Json::String(text))) => Some(text.trim().into()),
            (_, Some(Json::Bool(flag))) => Some((*flag).into()),
            (_, Some(Json::Number(number))) if !number.is_f64() => Some(Json::Number(number.clone())),
            (_, Some(_)) => None,
            (_, None) => Some(missing),
        };
        if let Some(value) = value {
            variables.insert(options.safe(&format!("packet_{attribute}")), value);
        }
    }
    for tag in &device.known.tags {
        let name = options.safe(&format!("packet_tag_{tag}"));
        variables.insert(name, tag.clone().into());
    }
    variables
}
