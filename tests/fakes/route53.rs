//! Route 53: zones and records in memory, which takes only its own key and lets changes settle slowly.

use super::message::{Reply, Request};
use super::server::Handler;
use vent::cloud::route53::client::xml;
use vent::host::{RecordAction, RecordSet};

/// The key that is taken.
pub const KEY: &str = "AKIDEXAMPLE";
/// Its secret.
pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// The service.
#[derive(Default)]
pub struct Route53 {
    /// Identifier, name, and whether private networks only see it.
    pub zones: Vec<(&'static str, &'static str, bool)>,
    pub records: Vec<RecordSet>,
    /// How often a change is still told to be under way.
    pub pending: u32,
}

impl Route53 {
    pub fn with_zones() -> Route53 {
        Route53 {
            zones: vec![
                ("Z0PRIVATE", "example.org.", true),
                ("Z1PUBLIC", "example.org.", false),
                ("Z2OTHER", "example.org.uk.", false),
            ],
            ..Route53::default()
        }
    }

    fn change(&mut self, body: &str) -> Reply {
        let page = xml::records(body).unwrap();
        let set = page.items[0].clone();
        let same = |known: &RecordSet| {
            known.name == set.name && known.kind == set.kind && known.identifier == set.identifier
        };
        let place = self.records.iter().position(same);
        let named = format!("resource record set [name='{}', type='{}']", set.name, set.kind);
        let refused = |text: String| {
            answer(
                400,
                &format!(
                    "<InvalidChangeBatch xmlns=\"x\"><Messages><Message>[Tried to {text}]</Message></Messages></InvalidChangeBatch>"
                ),
            )
        };
        match (action(body), place) {
            (RecordAction::Create, Some(_)) => {
                return refused(format!("create {named} but it already exists"));
            }
            (RecordAction::Delete, None) => return refused(format!("delete {named} but it was not found")),
            (RecordAction::Delete, Some(place)) if !self.records[place].agrees(&set) => {
                return refused(format!(
                    "delete {named} but the values provided do not match the current values"
                ));
            }
            (RecordAction::Delete, Some(place)) => drop(self.records.remove(place)),
            (_, Some(place)) => self.records[place] = set,
            (_, None) => self.records.push(set),
        }
        answer(
            200,
            "<ChangeResourceRecordSetsResponse xmlns=\"x\"><ChangeInfo><Id>/change/C1</Id><Status>PENDING</Status></ChangeInfo></ChangeResourceRecordSetsResponse>",
        )
    }

    fn list(&self, request: &Request) -> Reply {
        let ask = |name: &str| {
            let found = request.query.iter().find(|pair| pair.0 == name);
            found.map(|pair| pair.1.clone()).unwrap_or_default()
        };
        let start = (ask("name"), ask("type"));
        let mut sets: Vec<&RecordSet> = self.records.iter().collect();
        sets.sort_by_key(|set| (set.name.clone(), set.kind.clone(), set.identifier.clone()));
        let sets = sets
            .into_iter()
            .filter(|set| (set.name.clone(), set.kind.clone()) >= start);
        let bodies = sets.map(|set| {
            let text = xml::change(RecordAction::Upsert, set);
            let from = text.find("<ResourceRecordSet>").unwrap();
            let to = text.find("</Change></Changes>").unwrap();
            text[from..to].replace('*', "\\052")
        });
        answer(
            200,
            &format!(
                "<ListResourceRecordSetsResponse xmlns=\"x\"><ResourceRecordSets>{}</ResourceRecordSets><IsTruncated>false</IsTruncated></ListResourceRecordSetsResponse>",
                bodies.collect::<String>()
            ),
        )
    }

    fn zones(&self) -> Reply {
        let zones = self.zones.iter().map(|(id, name, private)| {
            format!("<HostedZone><Id>/hostedzone/{id}</Id><Name>{name}</Name><Config><PrivateZone>{private}</PrivateZone></Config></HostedZone>")
        });
        answer(
            200,
            &format!(
                "<ListHostedZonesByNameResponse xmlns=\"x\"><HostedZones>{}</HostedZones><IsTruncated>false</IsTruncated></ListHostedZonesByNameResponse>",
                zones.collect::<String>()
            ),
        )
    }
}

fn action(body: &str) -> RecordAction {
    match body {
        body if body.contains("<Action>CREATE<") => RecordAction::Create,
        body if body.contains("<Action>DELETE<") => RecordAction::Delete,
        _ => RecordAction::Upsert,
    }
}

/// An answer as the service gives it.
pub fn answer(status: u16, body: &str) -> Reply {
    let mut reply = Reply::empty(status).header("Content-Type", "text/xml");
    reply.body = format!("<?xml version=\"1.0\"?>\n{body}");
    reply
}

/// A refusal as the service gives it.
pub fn refusal(status: u16, code: &str, message: &str) -> Reply {
    let body = format!(
        "<ErrorResponse xmlns=\"x\"><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    );
    answer(status, &body)
}

impl Handler for Route53 {
    fn handle(&mut self, request: &Request) -> Reply {
        let named = format!("AWS4-HMAC-SHA256 Credential={KEY}/");
        if !request.header("authorization").starts_with(&named) {
            return refusal(
                403,
                "InvalidClientTokenId",
                "The security token included in the request is invalid.",
            );
        }
        let path = request.path.trim_start_matches("/2013-04-01");
        match (request.method.as_str(), path) {
            ("GET", "/hostedzonesbyname") => self.zones(),
            ("GET", "/change/C1") => {
                let state = if self.pending == 0 { "INSYNC" } else { "PENDING" };
                self.pending = self.pending.saturating_sub(1);
                answer(
                    200,
                    &format!(
                        "<GetChangeResponse xmlns=\"x\"><ChangeInfo><Id>/change/C1</Id><Status>{state}</Status></ChangeInfo></GetChangeResponse>"
                    ),
                )
            }
            ("GET", path) if path.ends_with("/rrset") => self.list(request),
            ("POST", path) if path.ends_with("/rrset") => {
                let body = String::from_utf8(request.body.clone()).unwrap();
                self.change(&body)
            }
            _ => refusal(404, "NoSuchHostedZone", "No hosted zone found"),
        }
    }
}
