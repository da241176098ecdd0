//! Records of the domain name system that a service of a provider keeps. They belong to no host: this computer
//! asks for them and changes them.

use super::Resource;
use std::fmt;

/// A token or the secret of a key; it is never shown.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hidden(pub String);

impl fmt::Debug for Hidden {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}

/// How to reach the service; what is left open comes from the environment of this computer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DnsAccess {
    /// The key.
    pub key: Option<String>,
    /// The key's secret.
    pub secret: Option<Hidden>,
    /// The token of a session that the key was made for.
    pub session_token: Option<Hidden>,
    /// The section of the file of credentials.
    pub profile: Option<String>,
    /// The address of the service.
    pub url: Option<String>,
    /// A file of PEM certificates that are believed.
    pub authorities: Option<String>,
    /// The certificate of the service is not checked.
    pub unchecked: bool,
}

/// Which zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DnsZone {
    /// Its identifier, if that is known.
    pub id: Option<String>,
    /// Its name with a dot at its end.
    pub name: String,
    /// A zone of private networks.
    pub private: bool,
    /// The private network that it must belong to.
    pub network: Option<String>,
}

/// Which set of records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordQuestion {
    /// How to reach the service.
    pub access: DnsAccess,
    /// The zone.
    pub zone: DnsZone,
    /// The name, in lower case, with a dot at its end.
    pub name: String,
    /// `A`, `CNAME`, ...
    pub kind: String,
    /// Which of several sets of the same name and type.
    pub identifier: Option<String>,
    /// Whether the zone's name servers are wanted too.
    pub servers: bool,
}

impl RecordQuestion {
    /// What the answer depends on.
    pub fn about(&self) -> Resource {
        let zone = self.zone.id.as_ref().unwrap_or(&self.zone.name);
        Resource::Other(format!("record {} {} in {zone}", self.name, self.kind))
    }
}

/// What the service says about a set of records.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DnsAnswer {
    /// The zone's identifier; `None`: there is no such zone.
    pub zone_id: Option<String>,
    /// The set of records; `None`: there is none.
    pub record: Option<RecordSet>,
    /// The zone's name servers, if they were asked for.
    pub servers: Vec<String>,
}

/// All records of one name and type.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordSet {
    /// The name with a dot at its end.
    pub name: String,
    /// `A`, `CNAME`, ...
    pub kind: String,
    /// Seconds that an answer may be kept.
    pub ttl: Option<u64>,
    /// The values.
    pub values: Vec<String>,
    /// Something else that answers under this name.
    pub alias: Option<Alias>,
    /// Which of several sets of the same name and type.
    pub identifier: Option<String>,
    /// How often this set is answered among its like.
    pub weight: Option<u64>,
    /// The region that this set is for.
    pub region: Option<String>,
    /// The place that this set is for.
    pub location: Option<Location>,
    /// `PRIMARY` or `SECONDARY`.
    pub failover: Option<String>,
    /// The check that says whether this set is answered.
    pub health_check: Option<String>,
}

/// What a name stands for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alias {
    /// The identifier of its zone.
    pub zone_id: String,
    /// Its name with a dot at its end.
    pub name: String,
    /// Whether its health counts.
    pub evaluate_health: bool,
}

/// Where a question comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Location {
    /// `EU`, ...
    pub continent: Option<String>,
    /// `CH`, ...
    pub country: Option<String>,
    /// A state of the country.
    pub subdivision: Option<String>,
}

impl RecordSet {
    /// True if both say the same; the order of values has no meaning.
    pub fn agrees(&self, other: &RecordSet) -> bool {
        let sorted = |set: &RecordSet| {
            let mut set = set.clone();
            set.values.sort();
            set.name.make_ascii_lowercase();
            set
        };
        sorted(self) == sorted(other)
    }

    /// The records as lines of a zone file.
    pub fn lines(&self) -> Vec<String> {
        let head = match self.ttl {
            Some(ttl) => format!("{} {ttl} IN {}", self.name, self.kind),
            None => format!("{} IN {}", self.name, self.kind),
        };
        let mut end = String::new();
        for (name, text) in [
            ("identifier", self.identifier.clone()),
            ("weight", self.weight.map(|weight| weight.to_string())),
            ("region", self.region.clone()),
            ("location", self.location.as_ref().map(Location::text)),
            ("failover", self.failover.clone()),
            ("health check", self.health_check.clone()),
        ] {
            if let Some(text) = text {
                end.push_str(&format!(" ; {name} {text}"));
            }
        }
        let alias = self
            .alias
            .iter()
            .map(|alias| format!("alias of {} in {}", alias.name, alias.zone_id));
        let mut values: Vec<String> = self.values.iter().cloned().chain(alias).collect();
        values.sort();
        values
            .iter()
            .map(|value| format!("{head} {value}{end}"))
            .collect()
    }
}

impl Location {
    fn text(&self) -> String {
        let parts = [&self.continent, &self.country, &self.subdivision];
        let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        parts.join(" ")
    }
}

/// How a set of records is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordAction {
    /// Made; refused if it is there.
    Create,
    /// Made or replaced.
    Upsert,
    /// Removed.
    Delete,
}

/// A change of one set of records.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordChange {
    /// What would ask for it.
    pub question: RecordQuestion,
    /// The zone's identifier.
    pub zone_id: String,
    /// How.
    pub action: RecordAction,
    /// What is there.
    pub before: Option<RecordSet>,
    /// What shall be there; `None`: nothing.
    pub after: Option<RecordSet>,
    /// For how many seconds at most all servers of the service are waited for; `None`: not at all.
    pub wait: Option<u64>,
}

impl RecordChange {
    /// The lines of a zone file that go and come.
    pub fn difference(&self) -> String {
        let lines = |set: &Option<RecordSet>| set.as_ref().map(RecordSet::lines).unwrap_or_default();
        let (before, after) = (lines(&self.before), lines(&self.after));
        let gone = before.iter().filter(|line| !after.contains(line));
        let come = after.iter().filter(|line| !before.contains(line));
        gone.map(|line| format!("-{line}\n"))
            .chain(come.map(|line| format!("+{line}\n")))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(ttl: u64, values: &[&str]) -> RecordSet {
        RecordSet {
            name: "demo.example.org.".into(),
            kind: "A".into(),
            ttl: Some(ttl),
            values: values.iter().map(|value| value.to_string()).collect(),
            ..RecordSet::default()
        }
    }

    #[test]
    fn the_order_of_values_has_no_meaning() {
        assert!(set(60, &["b", "a"]).agrees(&set(60, &["a", "b"])));
        assert!(!set(60, &["a"]).agrees(&set(61, &["a"])));
    }

    #[test]
    fn a_difference_shows_what_goes_and_comes() {
        let change = RecordChange {
            question: RecordQuestion::default(),
            zone_id: "Z".into(),
            action: RecordAction::Upsert,
            before: Some(set(60, &["192.0.2.1", "192.0.2.2"])),
            after: Some(set(60, &["192.0.2.2", "192.0.2.3"])),
            wait: None,
        };
        assert_eq!(
            change.difference(),
            "-demo.example.org. 60 IN A 192.0.2.1\n+demo.example.org. 60 IN A 192.0.2.3\n"
        );
    }

    #[test]
    fn secrets_are_not_shown() {
        let access = DnsAccess {
            secret: Some(Hidden("canary".into())),
            ..DnsAccess::default()
        };
        assert!(!format!("{access:?}").contains("canary"));
    }
}
