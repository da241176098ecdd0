//! Amazon Route 53: zones and records of the domain name system.

pub mod credentials;
pub mod signature;
pub mod xml;

use crate::cloud::client::access::{Environment, first_set};
use crate::cloud::client::http::failure::Failure;
use crate::cloud::client::http::request::{Call, escape};
use crate::cloud::client::http::service::Service;
use crate::cloud::client::http::{Client, ClientOptions};
use crate::error::{Error, Result};
use crate::host::{DnsAnswer, DnsZone, RecordAction, RecordChange, RecordQuestion, RecordSet};
use reqwest::Method;
use std::time::Duration;
use xml::{HostedZone, Page};

/// The variables that hold an address that is used instead of Amazon's, those of all usual tools.
pub const ADDRESS_VARIABLES: &[&str] = &[
    "AWS_ENDPOINT_URL_ROUTE_53",
    "AWS_ENDPOINT_URL",
    "AWS_URL",
    "EC2_URL",
];
/// Amazon's address.
pub const ADDRESS: &str = "https://route53.amazonaws.com";
/// The version of the interface, the first part of every path.
const VERSION: &str = "/2013-04-01";
/// How many things a page holds.
const PER_PAGE: usize = 100;
/// How long to wait before a change is asked for again.
const POLL: Duration = Duration::from_secs(5);

/// The service, in words.
pub const SERVICE: Service = Service {
    name: "Route 53",
    token_variables: &["AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"],
    address_variables: ADDRESS_VARIABLES,
    rights: "allow the key's user route53:ListHostedZonesByName, ListResourceRecordSets, ChangeResourceRecordSets and GetChange",
};

/// A client.
#[derive(Debug)]
pub struct Route53 {
    client: Client,
}

impl Route53 {
    /// A client with what `access` and the environment give.
    ///
    /// # Errors
    /// When there is no key or the address is none.
    pub fn new(access: &crate::host::DnsAccess, environment: Environment<'_>) -> Result<Route53> {
        Route53::with(access, environment, |_| {})
    }

    /// Like [`Route53::new`], with the options changed by `change`.
    ///
    /// # Errors
    /// As [`Route53::new`].
    pub fn with(
        access: &crate::host::DnsAccess,
        environment: Environment<'_>,
        change: impl FnOnce(&mut ClientOptions),
    ) -> Result<Route53> {
        let key = credentials::find(access, environment)?;
        let url = access
            .url
            .clone()
            .or_else(|| first_set(environment, ADDRESS_VARIABLES))
            .unwrap_or_else(|| ADDRESS.to_string());
        let mut options = ClientOptions::new(&url);
        options.trust = credentials::trust(access, environment);
        change(&mut options);
        let client = Client::new(SERVICE, options, Box::new(key))?;
        Ok(Route53 { client })
    }

    /// What is known of a set of records and its zone.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn ask(&self, question: &RecordQuestion) -> Result<DnsAnswer, Failure> {
        let Some(zone_id) = self.zone(&question.zone).await? else {
            return Ok(DnsAnswer::default());
        };
        let record = self.record(&zone_id, question).await?;
        let servers = match question.servers {
            true => self.servers(&zone_id, question).await?,
            false => vec![],
        };
        Ok(DnsAnswer {
            zone_id: Some(zone_id),
            record,
            servers,
        })
    }

    /// The identifier of a zone, if there is one of that name and kind.
    async fn zone(&self, zone: &DnsZone) -> Result<Option<String>, Failure> {
        if let Some(id) = &zone.id {
            return Ok(Some(id.clone()));
        }
        let purpose = format!("look for the zone {}", zone.name);
        let mut next = vec![("dnsname", zone.name.clone())];
        loop {
            let mut call = Call::get(format!("{VERSION}/hostedzonesbyname"), purpose.clone());
            for (name, value) in &next {
                call = call.with(name, value);
            }
            let body = self.text(&call.with("maxitems", PER_PAGE)).await?;
            let page: Page<HostedZone> = self.read(&purpose, xml::zones(&body))?;
            for found in &page.items {
                if found.name != zone.name || found.private != zone.private {
                    continue;
                }
                match &zone.network {
                    Some(network) if !self.networks(&found.id).await?.contains(network) => {}
                    _ => return Ok(Some(found.id.clone())),
                }
            }
            // Names come in their order: behind another one the wanted one does not come any more.
            let beyond = page.items.last().is_none_or(|last| last.name != zone.name);
            if page.next.is_empty() || beyond {
                return Ok(None);
            }
            next = page.next;
        }
    }

    /// The private networks of a zone.
    async fn networks(&self, zone_id: &str) -> Result<Vec<String>, Failure> {
        let purpose = format!("read the zone {zone_id}");
        let path = format!("{VERSION}/hostedzone/{}", escape(zone_id));
        let body = self.text(&Call::get(path, purpose.clone())).await?;
        self.read(&purpose, xml::networks(&body))
    }

    async fn record(&self, zone_id: &str, question: &RecordQuestion) -> Result<Option<RecordSet>, Failure> {
        let all = self.records(zone_id, &question.name, &question.kind).await?;
        Ok(all.into_iter().find(|set| match &question.identifier {
            Some(identifier) => set.identifier.as_ref() == Some(identifier),
            None => true,
        }))
    }

    /// All sets of one name and type.
    async fn records(&self, zone_id: &str, name: &str, kind: &str) -> Result<Vec<RecordSet>, Failure> {
        let purpose = format!("read the records of {name}");
        let path = format!("{VERSION}/hostedzone/{}/rrset", escape(zone_id));
        let fits = |set: &RecordSet| set.name.eq_ignore_ascii_case(name) && set.kind == kind;
        let mut found = vec![];
        let mut next = vec![("name", name.to_string()), ("type", kind.to_string())];
        loop {
            let mut call = Call::get(path.clone(), purpose.clone());
            for (name, value) in &next {
                call = call.with(name, value);
            }
            let body = self.text(&call.with("maxitems", PER_PAGE)).await?;
            let page = self.read(&purpose, xml::records(&body))?;
            let more = page.items.last().is_some_and(fits) && !page.next.is_empty();
            found.extend(page.items.into_iter().filter(fits));
            if !more {
                return Ok(found);
            }
            next = page.next;
        }
    }

    /// The name servers of a zone: its own record.
    async fn servers(&self, zone_id: &str, question: &RecordQuestion) -> Result<Vec<String>, Failure> {
        let own = self.records(zone_id, &question.zone.name, "NS").await?;
        Ok(own.into_iter().flat_map(|set| set.values).collect())
    }

    /// Changes a set of records; the identifier of the change. What is gone already need not be removed: then there is none.
    ///
    /// # Errors
    /// What the service refuses; a change that does not reach all servers in the time that was given.
    pub async fn change(&self, change: &RecordChange) -> Result<String, Failure> {
        let (verb, set) = match (&change.after, &change.before) {
            (Some(after), Some(_)) => ("replace", after),
            (Some(after), None) => ("make", after),
            (None, Some(before)) => ("remove", before),
            (None, None) => return Ok(String::new()),
        };
        let purpose = format!("{verb} the record {} {}", set.name, set.kind);
        let path = format!("{VERSION}/hostedzone/{}/rrset", escape(&change.zone_id));
        let mut call = Call::new(Method::POST, path, purpose.clone()).xml(xml::change(change.action, set));
        call.repeatable = change.action != RecordAction::Create;
        let body = match self.text(&call).await {
            Ok(body) => body,
            Err(failure) => {
                let done = change.action == RecordAction::Delete && failure.says("but it was not found");
                return if done { Ok(String::new()) } else { Err(failure) };
            }
        };
        let (id, status) = self.read(&purpose, xml::change_info(&body))?;
        if let Some(limit) = change.wait
            && status != "INSYNC"
        {
            self.settle(&id, Duration::from_secs(limit), &purpose).await?;
        }
        Ok(id)
    }

    /// Waits until a change has reached all servers.
    async fn settle(&self, id: &str, limit: Duration, purpose: &str) -> Result<(), Failure> {
        let clock = self.client.clock().clone();
        let start = clock.now();
        loop {
            clock.sleep(POLL).await;
            let path = format!("{VERSION}/change/{}", escape(id));
            let body = self
                .text(&Call::get(path, format!("read the change {id}")))
                .await?;
            if self.read(purpose, xml::change_info(&body))?.1 == "INSYNC" {
                return Ok(());
            }
            if clock.now().duration_since(start).unwrap_or_default() >= limit {
                let error = Error::new(format!("Route 53: cannot {purpose}"))
                    .cause(format!(
                        "the change {id} has not reached all servers after {} seconds",
                        limit.as_secs()
                    ))
                    .help("it will by itself; give `wait_timeout` more seconds, or do not wait");
                return Err(Failure::unanswered(error, true));
            }
        }
    }

    async fn text(&self, call: &Call) -> Result<String, Failure> {
        let answer = self.client.send(call).await?;
        Ok(String::from_utf8_lossy(&answer.body).into_owned())
    }

    fn read<T>(&self, purpose: &str, read: Result<T, roxmltree::Error>) -> Result<T, Failure> {
        read.map_err(|error| {
            let error = Error::new(format!("Route 53: cannot {purpose}"))
                .cause(format!("the answer is not XML: {error}"))
                .help(format!(
                    "check that {} names the address of this API",
                    ADDRESS_VARIABLES.join(" or ")
                ));
            Failure::unanswered(error, true)
        })
    }
}
