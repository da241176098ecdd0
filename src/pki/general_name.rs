//! General names, the entries of a subject alternative name: `DNS:`, `IP:`, `email:`, `URI:`, `RID:`,
//! `dirName:` and `otherName:`, written as OpenSSL and `community.crypto` do.

use super::Name;
use super::oid::oid;
use crate::error::{Error, Result};
use std::fmt;
use std::net::IpAddr;
use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Name;
use yasna::models::TaggedDerValue;
use yasna::{DERWriter, PCBit, Tag, TagClass};

/// One general name (RFC 5280, 4.2.1.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GeneralName {
    /// A host name; `*` may stand for its first label.
    Dns(String),
    /// An address.
    Ip(IpAddr),
    /// An address and mask, in name constraints only.
    Network(IpAddr, IpAddr),
    /// A mail address.
    Email(String),
    /// A URI.
    Uri(String),
    /// A registered object identifier.
    RegisteredId(String),
    /// A distinguished name.
    DirectoryName(Name),
    /// Anything else, as it stands in the file.
    Other(TaggedDerValue),
}

const fn context(tag_number: u64) -> Tag {
    Tag {
        tag_class: TagClass::ContextSpecific,
        tag_number,
    }
}

const OTHER_NAME: Tag = context(0);
const EMAIL: Tag = context(1);
const DNS: Tag = context(2);
const DIRECTORY_NAME: Tag = context(4);
const URI: Tag = context(6);
const IP: Tag = context(7);
const REGISTERED_ID: Tag = context(8);

impl GeneralName {
    /// Reads `KIND:text`.
    ///
    /// # Errors
    /// An unknown kind, or a text that does not fit the kind.
    pub fn parse(text: &str) -> Result<GeneralName> {
        let Some((kind, rest)) = text.split_once(':') else {
            return Err(
                Error::new(format!("the alternative name `{text}` has no kind before it"))
                    .help(format!("write `DNS:{text}` or `IP:{text}`")),
            );
        };
        let ascii = || {
            let text = rest.to_string();
            match text.is_ascii() {
                true => Ok(text),
                false => Err(Error::new(format!("`{text}` holds letters outside ASCII"))
                    .help("write it in its encoded form (xn--...)")),
            }
        };
        match kind {
            "DNS" => ascii().map(GeneralName::Dns),
            "IP" => parse_ip(rest),
            "email" => ascii().map(GeneralName::Email),
            "URI" => ascii().map(GeneralName::Uri),
            "RID" => oid(rest).map(|_| GeneralName::RegisteredId(rest.into())),
            "dirName" => parse_directory_name(rest),
            "otherName" => parse_other_name(rest),
            _ => Err(
                Error::new(format!("`{kind}` in `{text}` is not a kind of alternative name"))
                    .help("use one of DNS, IP, email, URI, RID, dirName, otherName"),
            ),
        }
    }

    /// Writes its encoding.
    pub(super) fn write(&self, writer: DERWriter<'_>) -> Result<()> {
        let (tag, content) = match self {
            GeneralName::Dns(name) => (DNS, name.as_bytes().to_vec()),
            GeneralName::Ip(address) => (IP, octets(address)),
            GeneralName::Network(address, mask) => (IP, [octets(address), octets(mask)].concat()),
            GeneralName::Email(address) => (EMAIL, address.as_bytes().to_vec()),
            GeneralName::Uri(uri) => (URI, uri.as_bytes().to_vec()),
            GeneralName::RegisteredId(identifier) => {
                let identifier = oid(identifier)?;
                writer.write_tagged_implicit(REGISTERED_ID, |writer| writer.write_oid(&identifier));
                return Ok(());
            }
            GeneralName::DirectoryName(name) => {
                let name = name.encode()?;
                writer.write_tagged(DIRECTORY_NAME, |writer| writer.write_der(&name));
                return Ok(());
            }
            GeneralName::Other(other) => {
                writer.write_tagged_der(other);
                return Ok(());
            }
        };
        writer.write_tagged_implicit(tag, |writer| writer.write_bytes(&content));
        Ok(())
    }

    /// The general name that an element holds.
    pub(super) fn read(element: TaggedDerValue) -> GeneralName {
        let content = element.value();
        let text = || String::from_utf8_lossy(content).into_owned();
        let known = match element.tag() {
            DNS => Some(GeneralName::Dns(text())),
            EMAIL => Some(GeneralName::Email(text())),
            URI => Some(GeneralName::Uri(text())),
            REGISTERED_ID => registered(&element),
            IP => match content.len() {
                4 | 16 => address(content).map(GeneralName::Ip),
                8 | 32 => {
                    let (left, right) = content.split_at(content.len() / 2);
                    address(left)
                        .zip(address(right))
                        .map(|(left, right)| GeneralName::Network(left, right))
                }
                _ => None,
            },
            DIRECTORY_NAME => X509Name::from_der(content)
                .ok()
                .map(|(_, name)| GeneralName::DirectoryName(Name::read(&name))),
            _ => None,
        };
        known.unwrap_or(GeneralName::Other(element))
    }
}

fn registered(element: &TaggedDerValue) -> Option<GeneralName> {
    let plain = yasna::construct_der(|writer| writer.write_tagged_der(element));
    let identifier = yasna::parse_der(&plain, |reader| {
        reader.read_tagged_implicit(REGISTERED_ID, |reader| reader.read_oid())
    });
    let identifier = identifier.ok()?;
    Some(GeneralName::RegisteredId(identifier.to_string()))
}

/// The kind of an `otherName`, an object identifier, and its value.
fn other_name(element: &TaggedDerValue) -> Option<(String, Vec<u8>)> {
    let plain = yasna::construct_der(|writer| writer.write_tagged_der(element));
    let parts = yasna::parse_der(&plain, |reader| {
        reader.read_tagged_implicit(OTHER_NAME, |reader| {
            reader.read_sequence(|parts| {
                let kind = parts.next().read_oid()?;
                let value = parts.next().read_tagged(context(0), |reader| reader.read_der())?;
                Ok((kind.to_string(), value))
            })
        })
    });
    parts.ok()
}

fn octets(address: &IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(octets)
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from))
        .ok()
}

fn parse_ip(text: &str) -> Result<GeneralName> {
    if text.contains('/')
        && let Ok(network) = text.parse::<ipnet::IpNet>()
    {
        return Ok(GeneralName::Network(network.network(), network.netmask()));
    }
    let address = text.parse().map_err(|_| {
        Error::new(format!("`{text}` is not an IP address")).help("host names are written `DNS:name`")
    })?;
    Ok(GeneralName::Ip(address))
}

/// `CN=one,O=two`, or with slashes `/CN=one/O=two`; the last attribute stands first in the name (RFC 4514, 2.1).
fn parse_directory_name(text: &str) -> Result<GeneralName> {
    let (mark, text) = match text.strip_prefix('/') {
        Some(rest) => ('/', rest),
        None => (',', text),
    };
    let attributes = text
        .rsplit(mark)
        .map(|part| {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| Error::new(format!("`{part}` in a dirName is not NAME=VALUE")))?;
            Ok((name.trim(), value.trim()))
        })
        .collect::<Result<Vec<_>>>()?;
    Name::new(attributes).map(GeneralName::DirectoryName)
}

/// `1.2.3.4;UTF8:text`.
fn parse_other_name(text: &str) -> Result<GeneralName> {
    let parts = text
        .split_once(';')
        .and_then(|(oid, value)| Some((oid, value.strip_prefix("UTF8:")?)));
    let (kind, value) = parts
        .ok_or_else(|| Error::new(format!("the otherName `{text}` is not of the form OID;UTF8:text")))?;
    let kind = oid(kind)?;
    let content = yasna::construct_der_seq(|parts| {
        parts.next().write_oid(&kind);
        let writer = parts.next();
        writer.write_tagged(Tag::context(0), |writer| writer.write_utf8_string(value));
    });
    let other = TaggedDerValue::from_tag_pc_and_bytes(OTHER_NAME, PCBit::Constructed, content);
    Ok(GeneralName::Other(other))
}

impl fmt::Display for GeneralName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GeneralName::Dns(name) => write!(out, "DNS:{name}"),
            GeneralName::Ip(address) => write!(out, "IP:{address}"),
            GeneralName::Network(address, mask) => match ipnet::IpNet::with_netmask(*address, *mask) {
                Ok(network) => write!(out, "IP:{network}"),
                Err(_) => write!(out, "IP:{address}/{mask}"),
            },
            GeneralName::Email(address) => write!(out, "email:{address}"),
            GeneralName::Uri(uri) => write!(out, "URI:{uri}"),
            GeneralName::RegisteredId(oid) => write!(out, "RID:{oid}"),
            GeneralName::DirectoryName(name) => {
                let mut name = name.clone();
                name.attributes.reverse();
                write!(out, "dirName:{name}")
            }
            GeneralName::Other(other) => {
                out.write_str("otherName:")?;
                let (kind, value) = other_name(other).unzip();
                if let Some(kind) = kind {
                    write!(out, "{kind};")?;
                }
                let value = value.as_deref().unwrap_or(other.value());
                let pairs: Vec<String> = value.iter().map(|byte| format!("{byte:02x}")).collect();
                out.write_str(&pairs.join(":"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_comes_back_from_its_encoding() {
        for text in [
            "DNS:*.example.org",
            "IP:10.0.0.1",
            "IP:fd00::1",
            "IP:10.0.0.0/8",
            "email:a@b",
            "URI:https://a/",
            "RID:1.2.3",
            "dirName:CN=a,O=b",
            "otherName:1.2.3;UTF8:some",
        ] {
            let name = GeneralName::parse(text).unwrap();
            let encode = |name: &GeneralName| yasna::try_construct_der(|writer| name.write(writer)).unwrap();
            let encoded = encode(&name);
            let read =
                GeneralName::read(yasna::parse_der(&encoded, |reader| reader.read_tagged_der()).unwrap());
            assert_eq!(encode(&read), encoded);
            match text.strip_prefix("otherName:") {
                Some(_) => assert_eq!(read.to_string(), "otherName:1.2.3;0c:04:73:6f:6d:65"),
                None => assert_eq!(read.to_string(), text),
            }
        }
    }

    #[test]
    fn names_are_written_from_their_end() {
        let GeneralName::DirectoryName(name) = GeneralName::parse("dirName:CN=a,O=b").unwrap() else {
            panic!("a dirName is a distinguished name");
        };
        assert_eq!(name.to_string(), "O=b,CN=a");
        let other = GeneralName::parse("otherName:1.2.3;UTF8:ab").unwrap();
        assert_eq!(other.to_string(), "otherName:1.2.3;0c:02:61:62");
    }

    #[test]
    fn different_spellings_of_an_address_are_one() {
        assert_eq!(
            GeneralName::parse("IP:fd00:0::0:1").unwrap(),
            GeneralName::parse("IP:fd00::1").unwrap()
        );
    }

    #[test]
    fn wrong_names_say_what_is_right() {
        let error = GeneralName::parse("example.org").unwrap_err();
        assert_eq!(error.cure(), Some("write `DNS:example.org` or `IP:example.org`"));
        assert!(GeneralName::parse("IP:example.org").is_err());
        assert!(GeneralName::parse("host:a").is_err());
    }
}
