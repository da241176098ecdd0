//! What is wanted at Packet, against what there is.

use super::{Action, Packet, Resources, Set, same_key};
use crate::cloud::machines::options::MachineSet;
use crate::cloud::machines::plan::{Plan, Step};
use crate::cloud::machines::user_data::user_data;
use crate::cloud::packet::client::devices::NewDevice;
use crate::cloud::packet::client::types::Device;
use crate::error::Result;

impl Packet {
    /// The tags of the devices of a set.
    pub(super) fn tags(&self, wanted: &MachineSet<Set>) -> Vec<String> {
        let mut tags = vec![self.about.cluster.clone()];
        tags.extend(wanted.roles().into_iter().map(str::to_string));
        for tag in &wanted.each.tags {
            if !tags.contains(tag) {
                tags.push(tag.clone());
            }
        }
        tags
    }

    pub(super) fn line(&self, wanted: &MachineSet<Set>, name: &str) -> String {
        let set = &wanted.set;
        let spot = set
            .spot_price
            .map(|price| format!(", at most {price} USD an hour"))
            .unwrap_or_default();
        format!(
            "{name} ({} in {}, {}, tags {}{spot})",
            set.plan,
            set.location(),
            set.image,
            self.tags(wanted).join(" ")
        )
    }

    /// The keys of all sets, each once.
    pub(super) fn wanted_keys(&self) -> Vec<&String> {
        let mut keys: Vec<&String> = vec![];
        for key in self.options.sets.iter().flat_map(|wanted| &wanted.each.ssh_keys) {
            if !keys.iter().any(|known| same_key(known, key)) {
                keys.push(key);
            }
        }
        keys
    }

    pub(super) fn plan_shared(&self, found: &Resources, plan: &mut Plan<Action>) {
        for (at, key) in self.wanted_keys().into_iter().enumerate() {
            let label = format!("{}-{at}", self.about.cluster);
            match found.keys.iter().find(|known| same_key(&known.key, key)) {
                Some(known) => plan.keep(format!("the public key {}", known.label)),
                None => {
                    let key = key.clone();
                    let line = format!("the public key {label} in the project {}", self.project);
                    plan.make(0, line, Action::AddKey { label, key });
                }
            }
        }
        if self.options.own.global_ip {
            match found.addresses.first() {
                Some(address) => plan.keep(format!("the global address {}", address.address)),
                None => plan.make(
                    0,
                    format!("a global IPv4 address with the tag {}", self.about.cluster),
                    Action::ReserveAddress,
                ),
            }
        }
        if self.options.sets.iter().any(|wanted| wanted.set.bgp) {
            let line = format!("local BGP with the number {}", self.options.own.bgp_asn);
            match found.bgp {
                true => plan.keep(line),
                false => plan.make(0, line, Action::EnableBgp),
            }
        }
    }

    pub(super) fn plan_device(
        &self,
        device: &Device,
        wanted: &MachineSet<Set>,
        found: &Resources,
        plan: &mut Plan<Action>,
    ) {
        let known = &device.known;
        let name = &known.hostname;
        let tags = self.tags(wanted);
        let missing: Vec<&str> = tags
            .iter()
            .filter(|tag| !known.tags.contains(tag))
            .map(String::as_str)
            .collect();
        if missing.is_empty() {
            plan.keep(self.line(wanted, name));
        } else {
            let (id, mut all) = (known.id.clone(), known.tags.clone());
            all.extend(missing.iter().map(|tag| tag.to_string()));
            let text = format!("give {name} the tags {}", missing.join(" "));
            plan.before
                .push(format!("{name} (tags {})", known.tags.join(" ")));
            plan.after.push(self.line(wanted, name));
            plan.steps.push(Step::new(1, text, Action::Tag { id, tags: all }));
        }
        for (what, is, wished) in [
            ("plan", &known.plan.slug, &wanted.set.plan),
            ("image", &known.operating_system.slug, &wanted.set.image),
        ] {
            if !is.is_empty() && is != wished {
                plan.notes.push(format!(
                    "{name} has the {what} {is} where {wished} is asked for; that cannot be changed in place: remove it \
                     with -e only={name} to have it made anew"
                ));
            }
        }
        if wanted.set.bgp {
            let line = format!("the BGP session of {name}");
            match found.sessions.contains(&known.id) {
                true => plan.keep(line),
                false => plan.make(2, line, Action::Session { id: known.id.clone() }),
            }
        }
    }

    /// What to order for one name.
    pub(super) fn new_device(&self, found: &Resources, set: usize, at: usize) -> Result<NewDevice> {
        let wanted = &self.options.sets[set];
        let name = &wanted.names[at];
        let key = self.about.folder.key(name)?;
        let more = wanted.each.user_data.as_deref().unwrap_or_default();
        let own = &wanted.set;
        let keys = found
            .keys
            .iter()
            .filter(|known| wanted.each.ssh_keys.iter().any(|key| same_key(&known.key, key)));
        Ok(NewDevice {
            hostname: name.clone(),
            plan: own.plan.clone(),
            operating_system: own.image.clone(),
            metro: own.metro.clone(),
            facility: own.facility.clone(),
            tags: self.tags(wanted),
            userdata: Some(user_data(name, &key, &wanted.each.ssh_keys, &[more])),
            billing_cycle: own.billing_cycle.clone(),
            hardware_reservation_id: own.reservations.get(at).or(own.reservations.first()).cloned(),
            spot_instance: own.spot_price.is_some(),
            spot_price_max: own.spot_price,
            project_ssh_keys: keys.map(|key| key.id.clone()).collect(),
        })
    }
}
