//! Asking a host whether it would take a key, without signing anything.

use russh::Signer;
use russh::keys::HashAlg;
use russh::keys::agent::AgentIdentity;

/// A signer that does not sign: being asked is all it wants to know.
pub struct Probe;

/// The host asked for a signature, so it would take the key.
pub struct Wanted;

impl From<russh::SendError> for Wanted {
    fn from(_: russh::SendError) -> Wanted {
        Wanted
    }
}

impl Signer for Probe {
    type Error = Wanted;

    async fn auth_sign(
        &mut self,
        _: &AgentIdentity,
        _: Option<HashAlg>,
        _: Vec<u8>,
    ) -> Result<Vec<u8>, Wanted> {
        Err(Wanted)
    }
}
