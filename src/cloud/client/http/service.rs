//! What messages say about a service.

/// A service, in words.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    /// Its name in messages.
    pub name: &'static str,
    /// The environment variables that hold the token, best first.
    pub token_variables: &'static [&'static str],
    /// The environment variables that hold the base address, best first.
    pub address_variables: &'static [&'static str],
    /// What to do when a valid token may not do something.
    pub rights: &'static str,
}

#[cfg(test)]
impl Service {
    /// The service of the unit tests.
    pub fn for_tests() -> Service {
        Service {
            name: "Packet",
            token_variables: &["METAL_AUTH_TOKEN"],
            address_variables: &["METAL_API_URL"],
            rights: "give its user a role",
        }
    }
}
