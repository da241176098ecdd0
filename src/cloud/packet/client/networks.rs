//! Addresses and BGP.

use super::Packet;
use super::types::{Address, Neighbor, Reservation};
use crate::cloud::client::http::failure::Failure;
use crate::cloud::client::http::request::{Call, escape};
use serde_json::{Value, json};

impl Packet {
    /// The address blocks of a project, of the given kinds (`private_ipv4`, `global_ipv4`, ...). The private
    /// block of a metro comes to be with the first device there.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn reservations(&self, project: &str, kinds: &[&str]) -> Result<Vec<Reservation>, Failure> {
        let path = format!("/projects/{}/ips", escape(project));
        let mut call = Call::get(path, format!("list the addresses of the project {project}"));
        for kind in kinds {
            call = call.with("types", kind);
        }
        self.list(call, "ip_addresses").await
    }

    /// Reserves one global IPv4 address; a request that would need a person's approval fails.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn reserve_global_ip(
        &self,
        project: &str,
        tags: &[String],
        details: &str,
    ) -> Result<Reservation, Failure> {
        let call = Call::post(
            format!("/projects/{}/ips", escape(project)),
            format!("reserve a global address in the project {project}"),
        )
        .json(json!({
            "type": "global_ipv4",
            "quantity": 1,
            "tags": tags,
            "details": details,
            "fail_on_approval_required": true,
        }));
        self.call(&call).await
    }

    /// Gives a device an address, as `192.0.2.1/32`.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn attach_address(&self, device: &str, address: &str) -> Result<Address, Failure> {
        let call = Call::post(
            format!("/devices/{}/ips", escape(device)),
            format!("give the address {address} to the device {device}"),
        )
        .json(json!({"address": address}));
        self.call(&call).await
    }

    /// Gives a reservation back, or takes an assignment away; one that is gone already is no error.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn delete_address(&self, id: &str) -> Result<(), Failure> {
        let call = Call::delete(format!("/ips/{}", escape(id)), format!("remove the address {id}"));
        match self.client.send(&call).await {
            Err(failure) if !failure.is_missing() => Err(failure),
            _ => Ok(()),
        }
    }

    /// The BGP settings of a project; `None` when BGP was never enabled.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn bgp_config(&self, project: &str) -> Result<Option<Value>, Failure> {
        let call = Call::get(
            format!("/projects/{}/bgp-config", escape(project)),
            format!("read the BGP settings of the project {project}"),
        );
        let config = self.client.json(&call).await?;
        Ok(config.get("asn").is_some().then_some(config))
    }

    /// Enables local BGP with the private number `asn` in a project.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn enable_bgp(&self, project: &str, asn: u32, md5: Option<&str>) -> Result<(), Failure> {
        let mut body = json!({"deployment_type": "local", "asn": asn});
        if let Some(md5) = md5 {
            body["md5"] = md5.into();
        }
        let call = Call::post(
            format!("/projects/{}/bgp-configs", escape(project)),
            format!("enable BGP in the project {project}"),
        )
        .json(body);
        self.client.send(&call).await.map(|_| ())
    }

    /// The BGP sessions of a device, as the service tells them.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn bgp_sessions(&self, device: &str) -> Result<Vec<Value>, Failure> {
        let call = Call::get(
            format!("/devices/{}/bgp/sessions", escape(device)),
            format!("list the BGP sessions of the device {device}"),
        );
        self.list(call, "bgp_sessions").await
    }

    /// Opens an IPv4 BGP session of a device.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn create_bgp_session(&self, device: &str) -> Result<Value, Failure> {
        let call = Call::post(
            format!("/devices/{}/bgp/sessions", escape(device)),
            format!("open a BGP session of the device {device}"),
        )
        .json(json!({"address_family": "ipv4", "default_route": false}));
        self.client.json(&call).await
    }

    /// What a device's router must be told.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn bgp_neighbors(&self, device: &str) -> Result<Vec<Neighbor>, Failure> {
        let call = Call::get(
            format!("/devices/{}/bgp/neighbors", escape(device)),
            format!("list the BGP neighbours of the device {device}"),
        );
        let mut answer = self.client.json(&call).await?;
        let neighbors = answer
            .get_mut("bgp_neighbors")
            .map(Value::take)
            .unwrap_or_else(|| json!([]));
        self.read(neighbors)
    }
}
