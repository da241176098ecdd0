//! General names, the entries of a subject alternative name: `DNS:`, `IP:`, `email:`, `URI:`, `RID:`,
//! `dirName:` and `otherName:`, written as OpenSSL and `community.crypto` do.

use super::{Name, der};
use crate::error::{Error, Result};
use std::fmt;
use std::net::IpAddr;

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
    /// Anything else: tag and content as they stand in the file.
    Other(u8, Vec<u8>),
}

const OTHER_NAME: u8 = 0xa0;
const EMAIL: u8 = 0x81;
const DNS: u8 = 0x82;
const DIRECTORY_NAME: u8 = 0xa4;
const URI: u8 = 0x86;
const IP: u8 = 0x87;
const REGISTERED_ID: u8 = 0x88;

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
            "RID" => der::oid(rest).map(|_| GeneralName::RegisteredId(rest.into())),
            "dirName" => parse_directory_name(rest),
            "otherName" => parse_other_name(rest),
            _ => Err(
                Error::new(format!("`{kind}` in `{text}` is not a kind of alternative name"))
                    .help("use one of DNS, IP, email, URI, RID, dirName, otherName"),
            ),
        }
    }

    /// Its encoding.
    pub(super) fn encode(&self) -> Result<Vec<u8>> {
        Ok(match self {
            GeneralName::Dns(name) => der::wrap(DNS, name.as_bytes()),
            GeneralName::Ip(address) => der::wrap(IP, &octets(address)),
            GeneralName::Network(address, mask) => der::wrap(IP, &[octets(address), octets(mask)].concat()),
            GeneralName::Email(address) => der::wrap(EMAIL, address.as_bytes()),
            GeneralName::Uri(uri) => der::wrap(URI, uri.as_bytes()),
            GeneralName::RegisteredId(oid) => {
                let encoded = der::oid(oid)?;
                let content = der::single(&encoded, der::OBJECT_IDENTIFIER).map_or(&[][..], |id| id.content);
                der::wrap(REGISTERED_ID, content)
            }
            GeneralName::DirectoryName(name) => der::wrap(DIRECTORY_NAME, &name.encode()?),
            GeneralName::Other(tag, content) => der::wrap(*tag, content),
        })
    }

    /// The general name that an element holds.
    pub(super) fn read(element: &der::Element<'_>) -> GeneralName {
        let text = || String::from_utf8_lossy(element.content).into_owned();
        let other = || GeneralName::Other(element.tag, element.content.to_vec());
        match element.tag {
            DNS => GeneralName::Dns(text()),
            EMAIL => GeneralName::Email(text()),
            URI => GeneralName::Uri(text()),
            REGISTERED_ID => der::dotted(element.content).map_or_else(other, GeneralName::RegisteredId),
            IP => match element.content.len() {
                4 | 16 => address(element.content).map(GeneralName::Ip),
                8 | 32 => {
                    let (left, right) = element.content.split_at(element.content.len() / 2);
                    address(left)
                        .zip(address(right))
                        .map(|(left, right)| GeneralName::Network(left, right))
                }
                _ => None,
            }
            .unwrap_or_else(other),
            DIRECTORY_NAME => {
                use x509_parser::prelude::FromDer;
                x509_parser::x509::X509Name::from_der(element.content).map_or_else(
                    |_| other(),
                    |(_, name)| GeneralName::DirectoryName(Name::read(&name)),
                )
            }
            _ => other(),
        }
    }
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
    let (oid, value) = parts
        .ok_or_else(|| Error::new(format!("the otherName `{text}` is not of the form OID;UTF8:text")))?;
    let value = der::wrap(0xa0, &der::wrap(der::UTF8_STRING, value.as_bytes()));
    Ok(GeneralName::Other(OTHER_NAME, [der::oid(oid)?, value].concat()))
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
            GeneralName::Other(tag, content) => {
                let parts = (*tag == OTHER_NAME).then(|| der::elements(content)).flatten();
                let (kind, value) = match parts.as_deref() {
                    Some([id, value]) => (der::dotted(id.content), value.content),
                    _ => (None, &content[..]),
                };
                out.write_str("otherName:")?;
                if let Some(kind) = kind {
                    write!(out, "{kind};")?;
                }
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
        ] {
            let name = GeneralName::parse(text).unwrap();
            let encoded = name.encode().unwrap();
            let read = GeneralName::read(&der::elements(&encoded).unwrap()[0]);
            assert_eq!(read.to_string(), text);
            assert_eq!(read.encode().unwrap(), encoded);
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
