//! `amazon.aws.route53`: records of Amazon's Route 53.

mod shape;

use super::returns::Returns;
use super::{Module, Outcome, Step, Stop, View};
use crate::host::{
    Action, Alias, Answer, DnsAccess, DnsAnswer, DnsZone, Hidden, Location, Performed, Question,
    RecordAction, RecordChange, RecordQuestion, RecordSet,
};
use crate::value::{Map, Value};
use schemars::JsonSchema;
use serde::Deserialize;
use shape::{list, made, snake, told};
use std::sync::Arc;

/// Keeps records of a zone of Route 53. This computer asks for them and changes them, whatever host the task is for.
pub(super) struct Route53;

/// What should be with the records.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    #[serde(alias = "create")]
    Present,
    #[serde(alias = "delete")]
    Absent,
    Get,
}

/// The types of records.
const TYPES: &[&str] = &[
    "A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SPF", "SSHFP", "SRV", "TXT",
];

/// Where questions come from that are answered so.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
struct GeoLocation {
    /// A continent.
    continent_code: Option<String>,
    /// A country.
    country_code: Option<String>,
    /// A state of the country.
    subdivision_code: Option<String>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// What should be with the records.
    #[serde(alias = "command")]
    state: State,
    /// The zone's name.
    #[serde(default)]
    zone: String,
    /// The zone's identifier.
    hosted_zone_id: Option<String>,
    /// The records' name.
    record: String,
    /// Seconds that an answer may be kept; 3600 where nothing is said.
    ttl: Option<u64>,
    /// The records' type.
    #[serde(rename = "type")]
    kind: String,
    /// The values.
    #[serde(default)]
    value: Vec<String>,
    /// The value is another name of the service that this one stands for.
    #[serde(default)]
    alias: bool,
    /// The identifier of the zone of that name.
    alias_hosted_zone_id: Option<String>,
    /// Whether that name's health counts.
    #[serde(default)]
    alias_evaluate_target_health: bool,
    /// Replace records with other values.
    #[serde(default)]
    overwrite: bool,
    /// The zone is one of private networks.
    #[serde(default)]
    private_zone: bool,
    /// The private network of the zone.
    vpc_id: Option<String>,
    /// Which of several sets of the same name and type.
    identifier: Option<String>,
    /// How often this set is answered among its like.
    weight: Option<u64>,
    /// The region that this set is for.
    region: Option<String>,
    /// Where questions come from that are answered so.
    geo_location: Option<GeoLocation>,
    /// The check that says whether this set is answered.
    health_check: Option<String>,
    /// `PRIMARY` or `SECONDARY`.
    failover: Option<String>,
    /// Wait until all servers of the service know it.
    #[serde(default)]
    wait: bool,
    /// Seconds to wait at most.
    #[serde(default = "five_minutes")]
    wait_timeout: u64,
    /// The key; else `AWS_ACCESS_KEY_ID`, else the file of credentials.
    #[serde(
        alias = "aws_access_key",
        alias = "aws_access_key_id",
        alias = "ec2_access_key"
    )]
    access_key: Option<String>,
    /// The key's secret; else `AWS_SECRET_ACCESS_KEY`.
    #[serde(
        alias = "aws_secret_key",
        alias = "aws_secret_access_key",
        alias = "ec2_secret_key"
    )]
    secret_key: Option<String>,
    /// The token of a session that the key was made for.
    #[serde(alias = "aws_session_token", alias = "security_token")]
    session_token: Option<String>,
    /// The section of the file of credentials.
    #[serde(alias = "aws_profile")]
    profile: Option<String>,
    /// The address of the service.
    #[serde(alias = "aws_endpoint_url", alias = "ec2_url", alias = "s3_url")]
    endpoint_url: Option<String>,
    /// A file of PEM certificates that are believed.
    aws_ca_bundle: Option<String>,
    /// Check the certificate of the service.
    #[serde(default = "yes")]
    validate_certs: bool,
}

fn five_minutes() -> u64 {
    300
}

fn yes() -> bool {
    true
}

/// A name in lower case with a dot at its end.
fn full(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    if name.ends_with('.') {
        name
    } else {
        format!("{name}.")
    }
}

impl Arguments {
    fn check(&self) -> Result<(), Stop> {
        let refuse = |text: &str| Err(Stop::failed(text));
        let changes = self.state != State::Get;
        let chosen = [
            self.failover.is_some(),
            self.region.is_some(),
            self.weight.is_some(),
        ];
        let chosen = chosen.into_iter().filter(|given| *given).count();
        if self.zone.is_empty() && self.hosted_zone_id.is_none() {
            return refuse("one of the following is required: zone, hosted_zone_id");
        }
        if !TYPES.contains(&self.kind.as_str()) {
            return Err(Stop::failed(format!(
                "value of type must be one of: {}, got: {}",
                TYPES.join(", "),
                self.kind
            )));
        }
        if self.state == State::Present && self.value.is_empty() {
            return refuse("state is present but all of the following are missing: value");
        }
        if self.alias && self.alias_hosted_zone_id.is_none() {
            return refuse("alias needs alias_hosted_zone_id as well");
        }
        if self.alias && self.ttl.is_some() {
            return refuse("parameters are mutually exclusive: alias|ttl");
        }
        if chosen > 1 {
            return refuse("parameters are mutually exclusive: failover|region|weight");
        }
        if (chosen > 0 || self.geo_location.is_some()) && self.identifier.is_none() {
            return refuse("failover, region, weight and geo_location need an identifier");
        }
        if changes && self.identifier.is_some() && chosen == 0 && self.geo_location.is_none() {
            return refuse(
                "You have specified identifier which makes sense only if you specify one of: weight, region, \
                 geo_location or failover.",
            );
        }
        if changes && self.alias && self.value.len() != 1 {
            return refuse("parameter 'value' must contain a single dns name for alias records");
        }
        Ok(())
    }

    fn question(&self) -> RecordQuestion {
        RecordQuestion {
            access: DnsAccess {
                key: self.access_key.clone(),
                secret: self.secret_key.clone().map(Hidden),
                session_token: self.session_token.clone().map(Hidden),
                profile: self.profile.clone(),
                url: self.endpoint_url.clone(),
                authorities: self.aws_ca_bundle.clone(),
                unchecked: !self.validate_certs,
            },
            zone: DnsZone {
                id: self.hosted_zone_id.clone(),
                name: full(&self.zone),
                private: self.private_zone || self.vpc_id.is_some(),
                network: self.vpc_id.clone(),
            },
            name: full(&self.record),
            kind: self.kind.clone(),
            identifier: self.identifier.clone(),
            servers: self.state == State::Get,
        }
    }

    /// The records as they are wanted.
    fn wanted(&self) -> RecordSet {
        let alias = self.alias.then(|| Alias {
            zone_id: self.alias_hosted_zone_id.clone().unwrap_or_default(),
            name: self.value.first().map(|name| full(name)).unwrap_or_default(),
            evaluate_health: self.alias_evaluate_target_health,
        });
        RecordSet {
            name: full(&self.record),
            kind: self.kind.clone(),
            ttl: (!self.alias).then(|| self.ttl.unwrap_or(3600)),
            values: if self.alias { vec![] } else { self.value.clone() },
            alias,
            identifier: self.identifier.clone(),
            weight: self.weight,
            region: self.region.clone(),
            location: self.geo_location.as_ref().map(|place| Location {
                continent: place.continent_code.clone(),
                country: place.country_code.clone(),
                subdivision: place.subdivision_code.clone(),
            }),
            failover: self.failover.clone(),
            health_check: self.health_check.clone(),
        }
    }

    /// What would change; `None`: nothing.
    fn change(&self, zone_id: String, before: Option<RecordSet>) -> Result<Option<RecordChange>, Stop> {
        let (action, after) = match (self.state, &before) {
            (State::Absent, Some(there)) => {
                self.may_remove(there)?;
                (RecordAction::Delete, None)
            }
            (State::Present, there) => {
                let wanted = self.wanted();
                match there {
                    Some(there) if there.agrees(&wanted) => return Ok(None),
                    Some(_) if !self.overwrite => {
                        return Err(Stop::failed(
                            "Record already exists with different value. Set 'overwrite' to replace it",
                        ));
                    }
                    Some(_) => (RecordAction::Upsert, Some(wanted)),
                    // The same once more does no harm after an answer that was lost.
                    None if self.overwrite => (RecordAction::Upsert, Some(wanted)),
                    None => (RecordAction::Create, Some(wanted)),
                }
            }
            _ => return Ok(None),
        };
        Ok(Some(RecordChange {
            question: self.question(),
            zone_id,
            action,
            before,
            after,
            wait: self.wait.then_some(self.wait_timeout),
        }))
    }

    /// Values that are named must be those that are there: others may have changed them.
    fn may_remove(&self, there: &RecordSet) -> Result<(), Stop> {
        let mut named = self.value.clone();
        let mut values = there.values.clone();
        named.sort();
        values.sort();
        if named.is_empty() || self.alias || named == values {
            return Ok(());
        }
        Err(Stop::failed(format!(
            "{} {} has the value {}, not {}. Leave `value` out to remove it all the same",
            there.name,
            there.kind,
            values.join(", "),
            named.join(", ")
        )))
    }
}

fn outcome(arguments: &Arguments, performed: &Performed) -> Outcome {
    let id = performed.output.text();
    let id = if id.is_empty() {
        Value::Null
    } else {
        Value::string(format!("/change/{id}"))
    };
    let sets = match arguments.state {
        State::Present => list([made(&arguments.wanted(), &full(&arguments.zone))]),
        _ => Value::Map(Arc::new(Map::new())),
    };
    Outcome::new()
        .changed(true)
        .with("wait_id", id)
        .with("resource_record_sets", sets)
}

impl Module for Route53 {
    const NAMES: &'static [&'static str] = &["amazon.aws.route53", "community.aws.route53", "route53"];
    type Arguments = Arguments;
    const IGNORED: &'static [&'static str] =
        &["retry_interval", "aws_config", "debug_botocore_endpoint_logs"];
    const RETURNS: &'static [Returns] = &[shape::RETURNS];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        if let Some(performed) = view.performed().first() {
            return Ok(Step::done(outcome(arguments, performed)));
        }
        arguments.check()?;
        let question = arguments.question();
        let Answer::Record(answer) = view.ask(Question::Record(Box::new(question.clone())))? else {
            return Err(Stop::failed("an answer of the wrong kind"));
        };
        let DnsAnswer {
            zone_id,
            record,
            servers,
        } = *answer;
        let Some(zone_id) = zone_id else {
            let zone = &question.zone.name;
            return Err(Stop::failed(format!("Zone {zone} does not exist in Route53")));
        };
        if arguments.state == State::Get {
            let set = record
                .as_ref()
                .map(|set| told(set, &question.zone.name, &zone_id));
            return Ok(Step::done(
                Outcome::new()
                    .changed(false)
                    .with("set", set.unwrap_or_else(|| list::<Value>([])))
                    .with("nameservers", list(servers.iter().map(Value::string)))
                    .with("resource_record_sets", list(record.iter().map(snake))),
            ));
        }
        match arguments.change(zone_id, record)? {
            None if arguments.state == State::Absent => Ok(Step::done(Outcome::new().changed(false))),
            None => Ok(Step::done(
                Outcome::new()
                    .changed(false)
                    .with("resource_records_sets", list([snake(&arguments.wanted())])),
            )),
            Some(change) => Ok(Step::Act(vec![Action::ChangeRecord(Box::new(change))])),
        }
    }
}
