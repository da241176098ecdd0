//! Virtual machines and containers: found, cloned, set up, started, removed.

use super::Proxmox;
use super::types::{Guest, Interface, Node};
use crate::cloud::client::http::failure::Failure;
use crate::cloud::client::http::request::{Call, escape};
use serde_json::{Map, Value};

/// Where a guest is: its node, its kind (`qemu` or `lxc`) and its number.
pub(super) fn path(guest: &Guest) -> String {
    let kind = if guest.kind.is_empty() {
        "qemu"
    } else {
        &guest.kind
    };
    format!("/nodes/{}/{kind}/{}", escape(&guest.node), guest.vmid)
}

/// Public keys as the field `sshkeys` wants them: escaped once more than the form itself is.
pub fn escaped_keys(keys: &[String]) -> String {
    escape(&keys.join("\n"))
}

impl Proxmox {
    /// All guests of the cluster.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn guests(&self) -> Result<Vec<Guest>, Failure> {
        let call = Call::get("/cluster/resources", "list the virtual machines").with("type", "vm");
        self.call(&call).await
    }

    /// All nodes.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn nodes(&self) -> Result<Vec<Node>, Failure> {
        self.call(&Call::get("/nodes", "list the nodes")).await
    }

    /// The nodes with their addresses.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn cluster_status(&self) -> Result<Vec<Node>, Failure> {
        let call = Call::get("/cluster/status", "read the state of the cluster");
        let items: Vec<Node> = self.call(&call).await?;
        Ok(items.into_iter().filter(|item| item.kind == "node").collect())
    }

    /// The settings of a guest, as the service tells them.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn config(&self, guest: &Guest) -> Result<Map<String, Value>, Failure> {
        let call = Call::get(
            format!("{}/config", path(guest)),
            format!("read the settings of {}", guest.name),
        );
        self.call(&call).await
    }

    /// The present state of a guest, as the service tells it.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn status(&self, guest: &Guest) -> Result<Map<String, Value>, Failure> {
        let call = Call::get(
            format!("{}/status/current", path(guest)),
            format!("read the state of {}", guest.name),
        );
        self.call(&call).await
    }

    /// The snapshots of a guest, as the service tells them.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn snapshots(&self, guest: &Guest) -> Result<Vec<Value>, Failure> {
        let call = Call::get(
            format!("{}/snapshot", path(guest)),
            format!("list the snapshots of {}", guest.name),
        );
        self.call(&call).await
    }

    /// The interfaces that the agent inside a guest tells; `None` while no agent runs there.
    ///
    /// # Errors
    /// What the service refuses otherwise.
    pub async fn interfaces(&self, guest: &Guest) -> Result<Option<Vec<Interface>>, Failure> {
        if guest.kind == "lxc" {
            return self.container_interfaces(guest).await;
        }
        let call = Call::get(
            format!("{}/agent/network-get-interfaces", path(guest)),
            format!("ask the agent in {} for its addresses", guest.name),
        );
        match self.client.json(&call).await {
            Ok(mut answer) => {
                let list = answer.pointer_mut("/data/result").map(Value::take);
                let list = list.unwrap_or_else(|| Value::Array(vec![]));
                let read = crate::cloud::client::http::parse(&super::SERVICE, list);
                read.map(Some).map_err(|error| Failure::unanswered(error, false))
            }
            Err(failure) if failure.status == Some(500) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// The interfaces of a container, which needs no agent.
    async fn container_interfaces(&self, guest: &Guest) -> Result<Option<Vec<Interface>>, Failure> {
        let call = Call::get(
            format!("{}/interfaces", path(guest)),
            format!("read the addresses of {}", guest.name),
        );
        self.call(&call).await.map(Some)
    }

    /// Clones the template `from` to the number `vmid` and waits for the end.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn clone_guest(
        &self,
        from: &Guest,
        vmid: u64,
        name: &str,
        options: Vec<(String, String)>,
    ) -> Result<(), Failure> {
        let mut form = vec![
            ("newid".to_string(), vmid.to_string()),
            ("name".to_string(), name.to_string()),
        ];
        form.extend(options);
        let call = Call::post(
            format!("{}/clone", path(from)),
            format!("clone {} to {name} ({vmid})", from.name),
        )
        .form(form);
        self.perform(&call).await
    }

    /// Changes settings of a guest and waits for the end.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn configure(&self, guest: &Guest, options: Vec<(String, String)>) -> Result<(), Failure> {
        let call = Call::post(
            format!("{}/config", path(guest)),
            format!("set {} up", guest.name),
        )
        .form(options);
        self.perform(&call).await
    }

    /// Makes a disk of a guest `size` large, as `+20G` or `40G`.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn resize(&self, guest: &Guest, disk: &str, size: &str) -> Result<(), Failure> {
        let call = Call::put(
            format!("{}/resize", path(guest)),
            format!("resize {disk} of {}", guest.name),
        )
        .form(vec![("disk".into(), disk.into()), ("size".into(), size.into())]);
        self.perform(&call).await
    }

    /// Starts, stops or shuts a guest down (`start`, `stop`, `shutdown`, `reboot`) and waits for the end.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn power(&self, guest: &Guest, action: &str) -> Result<(), Failure> {
        let call = Call::post(
            format!("{}/status/{}", path(guest), escape(action)),
            format!("{action} {}", guest.name),
        )
        .form(vec![]);
        self.perform(&call).await
    }

    /// Removes a stopped guest with its disks and waits for the end; one that is gone already is no error.
    ///
    /// # Errors
    /// What the service refuses, such as a guest that runs.
    pub async fn delete_guest(&self, guest: &Guest) -> Result<(), Failure> {
        let call = Call::delete(path(guest), format!("remove {} ({})", guest.name, guest.vmid))
            .with("purge", 1)
            .with("destroy-unreferenced-disks", 1);
        match self.perform(&call).await {
            Err(failure) if !failure.is_missing() => Err(failure),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_escaped_once_more_than_the_form() {
        let keys = ["ssh-ed25519 AAAA+/= me@host".to_string()];
        assert_eq!(escaped_keys(&keys), "ssh-ed25519%20AAAA%2B%2F%3D%20me%40host");
    }
}
