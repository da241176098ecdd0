//! Keys, certificate requests and certificates: pure functions over bytes, nothing here reads a file, a clock or
//! a key store.
//!
//! Keys are generated, read and used through `rcgen` (backend aws-lc), existing requests and certificates are
//! read by `x509-parser`. What is signed is put together here and encoded by `yasna`, because subjects and public
//! keys have to be copied byte for byte from request to certificate and every extension carries its own critical
//! flag, as the modules of `community.crypto` promise.

mod certificate;
mod compare;
mod extension;
mod general_name;
mod issue;
mod key;
mod key_file;
mod name;
mod oid;
mod public_key;
mod request;
mod signature;
mod timestamp;

pub use certificate::{Certificate, verify_chain};
pub use compare::{certificate_differences, request_differences};
pub use extension::{Extension, ExtensionKind, KEY_USAGES, extended_key_usage_name};
pub use general_name::GeneralName;
pub use issue::{Authority, Issuance, KeyIdentifier, issue};
pub use key::{Digest, KeyType, PrivateKey};
pub use key_file::KeyFormat;
pub use name::{Name, attribute_long_name};
pub use public_key::{PublicKey, PublicKeyData};
pub use request::{Request, create_request};
pub use timestamp::{asn1_time, parse_time};
