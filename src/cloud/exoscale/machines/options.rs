//! What stands below `machines` for Exoscale alone.

use crate::cloud::client::access::{first_set, process_environment};
use crate::cloud::exoscale::client::ZONE_VARIABLES;
use crate::cloud::machines::given::Given;
use crate::cloud::machines::networks;
use crate::cloud::machines::options::ClusterOptions;
use crate::error::{Collector, Error, Errors};
use crate::value::fields;
use schemars::JsonSchema;
use serde::Deserialize;
use std::net::Ipv4Addr;

/// What holds for the whole cluster.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Own {
    /// The zone; left out, the one in `zones` or in EXOSCALE_ZONE.
    pub zone: Option<String>,
    /// The private network of the machines, which gives out addresses.
    pub network: Option<Network>,
    /// Further ports to be opened in the security group.
    pub rules: Vec<RuleOption>,
    /// Whether an elastic address stands before the API servers, with a check of their health.
    pub elastic_ip: bool,
    /// Whether a load balancer stands before the API servers, which must be a `pool`.
    pub nlb: bool,
}

/// A managed private network.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Network {
    /// The first address that is given out.
    pub start: String,
    /// The last address that is given out.
    pub end: String,
    /// The mask.
    pub netmask: String,
}

impl Default for Network {
    fn default() -> Network {
        Network {
            start: "10.0.0.10".into(),
            end: "10.0.0.250".into(),
            netmask: "255.255.255.0".into(),
        }
    }
}

/// Ports to be opened.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RuleOption {
    /// `tcp` or `udp`.
    pub protocol: String,
    /// A port or a range, as `30000-32767`.
    pub ports: String,
    /// The networks that may come in.
    pub from: Vec<String>,
}

/// What a set of instances is like.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Set {
    /// The type, as `standard.medium`.
    #[serde(rename = "type", alias = "plan")]
    pub instance_type: String,
    /// The name of the template.
    #[serde(alias = "template")]
    pub image: String,
    /// Whether the template is `public` or `private`.
    pub visibility: String,
    /// The size of the disk in GiB.
    pub disk: u64,
    /// Whether no two of them stand on the same host; at most 8.
    pub anti_affinity: bool,
    /// Whether they are an instance pool. Its members get their names from Exoscale and share one host key.
    pub pool: bool,
}

impl Default for Set {
    fn default() -> Set {
        Set {
            instance_type: String::new(),
            image: String::new(),
            visibility: "public".into(),
            disk: 50,
            anti_affinity: false,
            pool: false,
        }
    }
}

/// Checks what is Exoscale's own; the name of the zone.
///
/// # Errors
/// Everything that is wrong, with its places.
pub fn check(
    options: &ClusterOptions<Own, Set>,
    given: &Given<'_>,
    zones: &[String],
) -> Result<String, Errors> {
    let mut errors = Collector::default();
    let zone = options.own.zone.clone().or_else(|| match zones {
        [one] => Some(one.clone()),
        _ => first_set(&process_environment, ZONE_VARIABLES),
    });
    if zone.is_none() {
        errors.push(
            Error::new("`machines` does not say in which zone machines are made")
                .at(&options.place)
                .help("write `zone: ch-gva-2` below `machines`; `exo zone list` names them all"),
        );
    }
    if let Some(network) = given.get("network") {
        network.refuse_unknown(fields::<Network>(), &mut errors);
    }
    if let Some(network) = &options.own.network {
        let address = |text: &str| text.parse::<Ipv4Addr>().ok();
        let range = (address(&network.start), address(&network.end));
        if !matches!(range, (Some(start), Some(end)) if start < end) || address(&network.netmask).is_none() {
            errors.push(
                Error::new("`network` needs a first and a last IPv4 address and a mask")
                    .at(given.place_of("network"))
                    .help("write, for one: network: {start: 10.0.0.10, end: 10.0.0.250, netmask: 255.255.255.0}"),
            );
        }
    }
    let rules = given.get("rules").map(|rules| rules.items()).unwrap_or_default();
    for (rule, option) in rules.iter().zip(&options.own.rules) {
        rule.refuse_unknown(fields::<RuleOption>(), &mut errors);
        check_rule(option, rule, &mut errors);
    }
    check_sets(options, &mut errors);
    errors.finish(zone.unwrap_or_default())
}

/// The first and the last port of a range.
pub fn ports(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let range = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (range.0 > 0 && range.0 <= range.1).then_some(range)
}

fn check_rule(option: &RuleOption, rule: &Given<'_>, errors: &mut Collector) {
    if !["tcp", "udp"].contains(&option.protocol.as_str()) {
        errors.push(
            Error::new(format!("`protocol: {}` is neither tcp nor udp", option.protocol))
                .at(rule.place_of("protocol"))
                .help("choose one of them"),
        );
    }
    if ports(&option.ports).is_none() {
        errors.push(
            Error::new(format!("`ports: {}` is neither a port nor a range", option.ports))
                .at(rule.place_of("ports"))
                .help("write ports: 443, or ports: 30000-32767"),
        );
    }
    networks::check(rule, "from", &option.from, errors);
}

fn check_sets(options: &ClusterOptions<Own, Set>, errors: &mut Collector) {
    for wanted in &options.sets {
        let set = &wanted.set;
        let mut refuse = |message: String, help: &str| {
            errors.push(Error::new(message).at(&wanted.place).help(help));
        };
        if set.instance_type.is_empty() {
            refuse(
                "the set has no `type`".into(),
                "name the type of its instances: type: standard.medium",
            );
        }
        if set.image.is_empty() {
            refuse(
                "the set has no `image`".into(),
                "name the template: image: Linux Debian 12 (Bookworm) 64-bit",
            );
        }
        if set.disk < 10 {
            refuse(
                format!(
                    "`disk: {}` is less than the 10 GiB that Exoscale asks for",
                    set.disk
                ),
                "choose a larger disk",
            );
        }
        if set.anti_affinity && wanted.names.len() > 8 {
            refuse(
                format!(
                    "an anti-affinity group takes 8 instances, not {}",
                    wanted.names.len()
                ),
                "make several sets, each with a `name` of its own",
            );
        }
    }
    let pooled = |wanted: &super::MachineSet<Set>| wanted.set.pool && wanted.roles().contains(&"controller");
    if options.own.nlb && !options.sets.iter().any(pooled) {
        errors.push(
            Error::new(
                "`nlb` needs controllers that are a pool: Exoscale's load balancers serve nothing else",
            )
            .at(&options.place)
            .help("write `pool: true` in the set of the controllers, or choose `elastic_ip: true`"),
        );
    }
}
