//! The XML of Route 53: written by hand, read through a tree.

use crate::host::{Alias, Location, RecordAction, RecordSet};
use roxmltree::{Document, Node};

/// The namespace of requests.
const NAMESPACE: &str = "https://route53.amazonaws.com/doc/2013-04-01/";

/// The body of a request that changes one set of records.
pub fn change(action: RecordAction, set: &RecordSet) -> String {
    let action = match action {
        RecordAction::Create => "CREATE",
        RecordAction::Upsert => "UPSERT",
        RecordAction::Delete => "DELETE",
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ChangeResourceRecordSetsRequest xmlns=\"{NAMESPACE}\">\
         <ChangeBatch><Changes><Change><Action>{action}</Action>{}</Change></Changes></ChangeBatch>\
         </ChangeResourceRecordSetsRequest>",
        record_set(set)
    )
}

/// The elements stand in the order that the service's schema gives them.
fn record_set(set: &RecordSet) -> String {
    let mut out = String::from("<ResourceRecordSet>");
    let mut put = |name: &str, text: Option<&str>| {
        if let Some(text) = text {
            out.push_str(&format!("<{name}>{}</{name}>", escaped(text)));
        }
    };
    put("Name", Some(&set.name));
    put("Type", Some(&set.kind));
    put("SetIdentifier", set.identifier.as_deref());
    put("Weight", set.weight.map(|weight| weight.to_string()).as_deref());
    put("Region", set.region.as_deref());
    if let Some(location) = &set.location {
        out.push_str("<GeoLocation>");
        for (name, text) in [
            ("ContinentCode", &location.continent),
            ("CountryCode", &location.country),
            ("SubdivisionCode", &location.subdivision),
        ] {
            if let Some(text) = text {
                out.push_str(&format!("<{name}>{}</{name}>", escaped(text)));
            }
        }
        out.push_str("</GeoLocation>");
    }
    let mut put = |name: &str, text: Option<&str>| {
        if let Some(text) = text {
            out.push_str(&format!("<{name}>{}</{name}>", escaped(text)));
        }
    };
    put("Failover", set.failover.as_deref());
    put("TTL", set.ttl.map(|ttl| ttl.to_string()).as_deref());
    if !set.values.is_empty() {
        let values = set.values.iter().map(|value| {
            format!(
                "<ResourceRecord><Value>{}</Value></ResourceRecord>",
                escaped(value)
            )
        });
        out.push_str(&format!(
            "<ResourceRecords>{}</ResourceRecords>",
            values.collect::<String>()
        ));
    }
    if let Some(alias) = &set.alias {
        out.push_str(&format!(
            "<AliasTarget><HostedZoneId>{}</HostedZoneId><DNSName>{}</DNSName><EvaluateTargetHealth>{}</EvaluateTargetHealth></AliasTarget>",
            escaped(&alias.zone_id),
            escaped(&alias.name),
            alias.evaluate_health
        ));
    }
    if let Some(check) = &set.health_check {
        out.push_str(&format!("<HealthCheckId>{}</HealthCheckId>", escaped(check)));
    }
    out.push_str("</ResourceRecordSet>");
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A hosted zone of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostedZone {
    /// Its identifier.
    pub id: String,
    /// Its name with a dot at its end.
    pub name: String,
    /// A zone of private networks.
    pub private: bool,
}

/// One answer of a list, and where the next begins.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page<T> {
    /// What is in it.
    pub items: Vec<T>,
    /// The parameters of the next page; empty: this is the last.
    pub next: Vec<(&'static str, String)>,
}

/// The text of the first element below `node` that has this name.
fn text(node: Node<'_, '_>, name: &str) -> Option<String> {
    let found = node.descendants().find(|node| node.tag_name().name() == name)?;
    found.text().map(|text| text.trim().to_string())
}

fn all<'a, 'input: 'a>(
    node: Node<'a, 'input>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> + 'a {
    node.descendants()
        .filter(move |node| node.tag_name().name() == name)
}

/// An identifier without its kind: `Z1` of `/hostedzone/Z1`.
fn plain(id: &str) -> String {
    id.rsplit('/').next().unwrap_or(id).to_string()
}

/// A name in clear: other characters than letters, digits and `-_.` come as `\` and three octal digits.
pub fn decoded(name: &str) -> String {
    let mut bytes = vec![];
    let mut rest = name.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after
            .get(..3)
            .filter(|_| *first == b'\\')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => {
                bytes.push(code);
                rest = &after[3..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The parameters of the next page, if there is one.
fn next(root: Node<'_, '_>, names: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    if text(root, "IsTruncated").as_deref() != Some("true") {
        return vec![];
    }
    names
        .iter()
        .filter_map(|(parameter, element)| Some((*parameter, text(root, element)?)))
        .collect()
}

/// Reads a list of hosted zones.
///
/// # Errors
/// When it is not XML.
pub fn zones(body: &str) -> Result<Page<HostedZone>, roxmltree::Error> {
    let document = Document::parse(body)?;
    let root = document.root();
    let items = all(root, "HostedZone")
        .map(|zone| HostedZone {
            id: plain(&text(zone, "Id").unwrap_or_default()),
            name: decoded(&text(zone, "Name").unwrap_or_default()),
            private: text(zone, "PrivateZone").as_deref() == Some("true"),
        })
        .collect();
    let next = next(
        root,
        &[("dnsname", "NextDNSName"), ("hostedzoneid", "NextHostedZoneId")],
    );
    Ok(Page { items, next })
}

/// Reads the identifiers of the private networks of a zone.
///
/// # Errors
/// When it is not XML.
pub fn networks(body: &str) -> Result<Vec<String>, roxmltree::Error> {
    let document = Document::parse(body)?;
    Ok(all(document.root(), "VPCId")
        .filter_map(|id| id.text().map(|text| text.trim().to_string()))
        .collect())
}

/// Reads a list of sets of records.
///
/// # Errors
/// When it is not XML.
pub fn records(body: &str) -> Result<Page<RecordSet>, roxmltree::Error> {
    let document = Document::parse(body)?;
    let root = document.root();
    let items = all(root, "ResourceRecordSet").map(read_set).collect();
    let next = next(
        root,
        &[
            ("name", "NextRecordName"),
            ("type", "NextRecordType"),
            ("identifier", "NextRecordIdentifier"),
        ],
    );
    Ok(Page { items, next })
}

fn read_set(node: Node<'_, '_>) -> RecordSet {
    let number = |name: &str| text(node, name).and_then(|text| text.parse().ok());
    let values = all(node, "ResourceRecord").filter_map(|record| text(record, "Value"));
    let alias = all(node, "AliasTarget").next().map(|alias| Alias {
        zone_id: text(alias, "HostedZoneId").unwrap_or_default(),
        name: text(alias, "DNSName").unwrap_or_default(),
        evaluate_health: text(alias, "EvaluateTargetHealth").as_deref() == Some("true"),
    });
    let location = all(node, "GeoLocation").next().map(|location| Location {
        continent: text(location, "ContinentCode"),
        country: text(location, "CountryCode"),
        subdivision: text(location, "SubdivisionCode"),
    });
    RecordSet {
        name: decoded(&text(node, "Name").unwrap_or_default()),
        kind: text(node, "Type").unwrap_or_default(),
        ttl: number("TTL"),
        values: values.collect(),
        alias,
        identifier: text(node, "SetIdentifier"),
        weight: number("Weight"),
        region: text(node, "Region"),
        location,
        failover: text(node, "Failover"),
        health_check: text(node, "HealthCheckId"),
    }
}

/// Reads identifier and state of a change.
///
/// # Errors
/// When it is not XML.
pub fn change_info(body: &str) -> Result<(String, String), roxmltree::Error> {
    let document = Document::parse(body)?;
    let root = document.root();
    Ok((
        plain(&text(root, "Id").unwrap_or_default()),
        text(root, "Status").unwrap_or_default(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let set = RecordSet {
            name: "*.demo.example.org.".into(),
            kind: "A".into(),
            ttl: Some(60),
            values: vec!["192.0.2.1".into(), "\"a & <b>\"".into()],
            alias: None,
            identifier: Some("one".into()),
            weight: Some(7),
            region: Some("eu-central-1".into()),
            location: Some(Location {
                continent: None,
                country: Some("CH".into()),
                subdivision: None,
            }),
            failover: Some("PRIMARY".into()),
            health_check: Some("abc".into()),
        };
        let read = records(&change(RecordAction::Upsert, &set)).unwrap();
        assert_eq!(read.items, [set]);
        assert!(read.next.is_empty());
    }

    #[test]
    fn an_alias_is_written_and_read() {
        let set = RecordSet {
            name: "a.".into(),
            kind: "A".into(),
            alias: Some(Alias {
                zone_id: "Z2".into(),
                name: "lb.example.org.".into(),
                evaluate_health: true,
            }),
            ..RecordSet::default()
        };
        assert_eq!(records(&change(RecordAction::Create, &set)).unwrap().items, [set]);
    }

    #[test]
    fn names_are_decoded() {
        assert_eq!(decoded("\\052.example.org."), "*.example.org.");
        assert_eq!(decoded("a\\"), "a\\");
    }
}
