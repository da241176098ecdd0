//! The firewall of a single guest, and the number that is free next.

use super::Proxmox;
use super::guests::path;
use super::types::{FirewallRule, Guest};
use crate::cloud::client::http::failure::Failure;
use crate::cloud::client::http::request::Call;
use serde_json::{Map, Value};

/// Where a machine keeps the public half of its host key.
const HOST_KEY: &str = "/etc/ssh/ssh_host_ed25519_key.pub";

impl Proxmox {
    /// A number that no guest has, those that the token cannot see included; others may take it meanwhile.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn next_id(&self) -> Result<u64, Failure> {
        let call = Call::get("/cluster/nextid", "find a free number");
        let told: Value = self.call(&call).await?;
        let text = told.as_str().map_or_else(|| told.to_string(), str::to_string);
        Ok(text.parse().unwrap_or(100))
    }

    /// The host key of a guest (kind and blob), read by the agent inside it; `None` while it cannot be.
    ///
    /// # Errors
    /// What the service refuses otherwise, such as a token without the right to read files.
    pub async fn host_key(&self, guest: &Guest) -> Result<Option<String>, Failure> {
        let call = Call::get(
            format!("{}/agent/file-read", path(guest)),
            format!("let the agent in {} read its host key", guest.name),
        )
        .with("file", HOST_KEY);
        match self.call::<Map<String, Value>>(&call).await {
            Ok(told) => {
                let text = told.get("content").and_then(Value::as_str).unwrap_or_default();
                let words: Vec<&str> = text.split_whitespace().take(2).collect();
                Ok((words.len() == 2).then(|| words.join(" ")))
            }
            Err(failure) if failure.status == Some(500) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// What the firewall of a guest lets in.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn firewall_rules(&self, guest: &Guest) -> Result<Vec<FirewallRule>, Failure> {
        let call = Call::get(
            format!("{}/firewall/rules", path(guest)),
            format!("list the firewall rules of {}", guest.name),
        );
        let rules: Vec<FirewallRule> = self.call(&call).await?;
        let counts = |rule: &FirewallRule| rule.kind == "in" && rule.action == "ACCEPT" && rule.enable == 1;
        Ok(rules.into_iter().filter(counts).collect())
    }

    /// Lets `source` in to a guest, at the given ports of a protocol or everywhere.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn open(
        &self,
        guest: &Guest,
        protocol: Option<&str>,
        ports: &str,
        source: &str,
    ) -> Result<(), Failure> {
        let mut form = vec![
            ("type", "in"),
            ("action", "ACCEPT"),
            ("enable", "1"),
            ("source", source),
        ];
        if let Some(protocol) = protocol {
            form.extend([("proto", protocol), ("dport", ports)]);
        }
        let form = form.into_iter().map(|(name, value)| (name.into(), value.into()));
        let call = Call::post(
            format!("{}/firewall/rules", path(guest)),
            format!("open {ports} of {} for {source}", guest.name),
        )
        .form(form.collect());
        self.perform(&call).await
    }

    /// True if the firewall of the datacenter is on, without which none of a guest is; `None` if the token may not
    /// know.
    ///
    /// # Errors
    /// What the service refuses otherwise.
    pub async fn is_firewall_on(&self) -> Result<Option<bool>, Failure> {
        let call = Call::get(
            "/cluster/firewall/options",
            "read the firewall options of the datacenter",
        );
        match self.call::<Map<String, Value>>(&call).await {
            Ok(told) => Ok(Some(
                told.get("enable").is_some_and(|flag| *flag == 1 || flag == "1"),
            )),
            Err(failure) if failure.status == Some(403) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// True if the firewall of a guest is on.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn is_guarded(&self, guest: &Guest) -> Result<bool, Failure> {
        let call = Call::get(
            format!("{}/firewall/options", path(guest)),
            format!("read the firewall options of {}", guest.name),
        );
        let told: Map<String, Value> = self.call(&call).await?;
        let enabled = told.get("enable").is_some_and(|flag| *flag == 1 || flag == "1");
        Ok(enabled && told.get("policy_in").is_none_or(|policy| policy != "ACCEPT"))
    }

    /// Turns the firewall of a guest on: who is not let in is kept out.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn guard(&self, guest: &Guest) -> Result<(), Failure> {
        let call = Call::put(
            format!("{}/firewall/options", path(guest)),
            format!("turn the firewall of {} on", guest.name),
        )
        .form(vec![
            ("enable".into(), "1".into()),
            ("policy_in".into(), "DROP".into()),
        ]);
        self.perform(&call).await
    }
}
