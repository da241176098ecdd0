//! What stands below `machines` for Packet alone.

use crate::cloud::machines::options::MachineSet;
use crate::error::{Collector, Error};
use schemars::JsonSchema;
use serde::Deserialize;

/// What holds for the whole cluster.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Own {
    /// The name or identifier of the project; left out, the one in `projects`.
    pub project: Option<String>,
    /// Whether a global IPv4 address is reserved for the cluster.
    pub global_ip: bool,
    /// The private number for local BGP.
    pub bgp_asn: u32,
    /// The password of BGP sessions.
    pub bgp_md5: Option<String>,
}

impl Default for Own {
    fn default() -> Own {
        Own {
            project: None,
            global_ip: false,
            bgp_asn: 65000,
            bgp_md5: None,
        }
    }
}

/// What a set of devices is like.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Set {
    /// The kind of device, as `c3.small.x86`.
    #[serde(alias = "type")]
    pub plan: String,
    /// The operating system, as `debian_12`.
    #[serde(alias = "operating_system")]
    pub image: String,
    /// Where: the code of a metro, as `am`.
    pub metro: Option<String>,
    /// Where, in the older notion: codes of facilities, the first that has room is taken.
    pub facility: Vec<String>,
    /// `hourly`, `daily`, `monthly` or `yearly`.
    pub billing_cycle: Option<String>,
    /// Buys by auction, for at most so many US dollars an hour.
    pub spot_price: Option<f64>,
    /// Reservations of hardware: one identifier for each device, or `next-available` for all.
    pub reservations: Vec<String>,
    /// Whether each device gets a BGP session.
    pub bgp: bool,
}

impl Set {
    /// Where, in words.
    pub(super) fn location(&self) -> String {
        match &self.metro {
            Some(metro) => metro.clone(),
            None => self.facility.join(" or "),
        }
    }
}

/// Checks a set.
pub(super) fn check(wanted: &MachineSet<Set>, errors: &mut Collector) {
    let set = &wanted.set;
    let mut refuse = |message: String, help: &str| {
        errors.push(Error::new(message).at(&wanted.place).help(help));
    };
    if set.plan.is_empty() {
        refuse(
            "the set has no `plan`".into(),
            "name the kind of device: plan: c3.small.x86",
        );
    }
    if set.image.is_empty() {
        refuse(
            "the set has no `image`".into(),
            "name the operating system: image: debian_12",
        );
    }
    if set.metro.is_some() != set.facility.is_empty() {
        refuse(
            "the set needs either `metro` or `facility`".into(),
            "say where the devices are to stand: metro: am",
        );
    }
    if set.spot_price.is_some_and(|price| price <= 0.0) {
        refuse(
            "`spot_price` must be more than nothing".into(),
            "say how many US dollars an hour you would pay at most",
        );
    }
    let shared = set.reservations.len() == 1 && set.reservations[0] == "next-available";
    if !set.reservations.is_empty() && !shared && set.reservations.len() < wanted.names.len() {
        refuse(
            format!(
                "`reservations` names {} for {} devices",
                set.reservations.len(),
                wanted.names.len()
            ),
            "name one for each device, or `next-available` alone",
        );
    }
}
