//! Devices: found, made, acted upon, removed.

use super::Packet;
use super::types::{Device, SshKey};
use crate::cloud::client::http::failure::Failure;
use crate::cloud::client::http::request::{Call, escape};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The most expansion a list of devices needs to name facility, plan, system and project.
const INCLUDE: &str = "facility,metro,plan,operating_system,project";

/// What a device to be made is like. Exactly one of `metro` and `facility` is given.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct NewDevice {
    /// Its host name.
    pub hostname: String,
    /// The slug of its kind.
    pub plan: String,
    /// The slug of its operating system.
    pub operating_system: String,
    /// Where: the code of a metro.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metro: Option<String>,
    /// Where, in the older notion: codes of facilities.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub facility: Vec<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// What cloud-init is to do, plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userdata: Option<String>,
    /// `hourly`, `daily`, `monthly` or `yearly`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing_cycle: Option<String>,
    /// A reservation's identifier or `next-available`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hardware_reservation_id: Option<String>,
    /// Whether it is bought by auction.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub spot_instance: bool,
    /// The highest price per hour, in US dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spot_price_max: Option<f64>,
    /// Identifiers of the project's public keys that may log in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub project_ssh_keys: Vec<String>,
}

impl Packet {
    /// The devices of a project, all pages of them; `tag` selects on the service's side.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn devices(&self, project: &str, tag: Option<&str>) -> Result<Vec<Device>, Failure> {
        let path = format!("/projects/{}/devices", escape(project));
        let mut call =
            Call::get(path, format!("list the devices of the project {project}")).with("include", INCLUDE);
        if let Some(tag) = tag {
            call = call.with("tag", tag);
        }
        self.list(call, "devices").await
    }

    /// One device.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn device(&self, id: &str) -> Result<Device, Failure> {
        let call = Call::get(
            format!("/devices/{}", escape(id)),
            format!("read the device {id}"),
        )
        .with("include", INCLUDE);
        self.call(&call).await
    }

    /// Orders a device; it is `queued` at first.
    ///
    /// # Errors
    /// What the service refuses; [`Failure::perhaps_done`] tells when the device may have been made all the
    /// same and is to be looked for by host name and tag before asking again.
    pub async fn create_device(&self, project: &str, device: &NewDevice) -> Result<Device, Failure> {
        let call = Call::post(
            format!("/projects/{}/devices", escape(project)),
            format!("create the device {}", device.hostname),
        )
        .json(json!(device));
        self.call(&call).await
    }

    /// Changes a device's fields.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn update_device(&self, id: &str, fields: Map<String, Value>) -> Result<Device, Failure> {
        let call = Call::put(
            format!("/devices/{}", escape(id)),
            format!("change the device {id}"),
        )
        .json(Value::Object(fields));
        self.call(&call).await
    }

    /// Acts on a device: `power_on`, `power_off`, `reboot`, `rescue`, `reinstall`.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn act(&self, id: &str, action: &str) -> Result<(), Failure> {
        let call = Call::post(
            format!("/devices/{}/actions", escape(id)),
            format!("{action} the device {id}"),
        )
        .json(json!({"type": action}));
        self.client.send(&call).await.map(|_| ())
    }

    /// Removes a device; one that is gone already is no error.
    ///
    /// # Errors
    /// What the service refuses, such as a locked device.
    pub async fn delete_device(&self, id: &str) -> Result<(), Failure> {
        let call = Call::delete(
            format!("/devices/{}", escape(id)),
            format!("remove the device {id}"),
        )
        .with("force_delete", true);
        match self.client.send(&call).await {
            Err(failure) if !failure.is_missing() => Err(failure),
            _ => Ok(()),
        }
    }

    /// The public keys of a project.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn ssh_keys(&self, project: &str) -> Result<Vec<SshKey>, Failure> {
        let call = Call::get(
            format!("/projects/{}/ssh-keys", escape(project)),
            format!("list the public keys of the project {project}"),
        );
        self.list(call, "ssh_keys").await
    }

    /// Adds a public key to a project.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn create_ssh_key(&self, project: &str, label: &str, key: &str) -> Result<SshKey, Failure> {
        let call = Call::post(
            format!("/projects/{}/ssh-keys", escape(project)),
            format!("add the public key {label} to the project {project}"),
        )
        .json(json!({"label": label, "key": key}));
        self.call(&call).await
    }

    /// Takes a public key away; one that is gone already is no error.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn delete_ssh_key(&self, id: &str) -> Result<(), Failure> {
        let call = Call::delete(
            format!("/ssh-keys/{}", escape(id)),
            format!("remove the public key {id}"),
        );
        match self.client.send(&call).await {
            Err(failure) if !failure.is_missing() => Err(failure),
            _ => Ok(()),
        }
    }
}
