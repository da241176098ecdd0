//! Instances, pools, and what they are made from.

use super::Zone;
use super::types::{Instance, InstancePool, InstanceType, Named, Template};
use crate::cloud::client::http::failure::Failure;
use crate::cloud::client::http::request::{Call, escape};
use crate::error::{Error, nearest};
use base64::Engine;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The longest user data that is accepted, in bytes of Base64.
const USER_DATA_LIMIT: usize = 32768;

/// What an instance to be made is like.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewInstance {
    /// Its name.
    pub name: String,
    /// The identifier of its type.
    pub instance_type: String,
    /// The identifier of its template.
    pub template: String,
    /// The size of its disk in GiB.
    pub disk_size: u64,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Names of the keys that may log in.
    pub ssh_keys: Vec<String>,
    /// Identifiers of its security groups.
    pub security_groups: Vec<String>,
    /// Identifiers of its anti-affinity groups; they cannot be given later.
    pub anti_affinity_groups: Vec<String>,
    /// What cloud-init is to do, plain text.
    pub user_data: Option<String>,
}

impl NewInstance {
    /// The body of a call; user data are Base64 there.
    ///
    /// # Errors
    /// When the user data are too long.
    pub fn body(&self) -> Result<Map<String, Value>, Error> {
        let mut body = Map::new();
        body.insert("name".into(), json!(self.name));
        body.insert("instance-type".into(), json!({"id": self.instance_type}));
        body.insert("template".into(), json!({"id": self.template}));
        body.insert("disk-size".into(), json!(self.disk_size));
        body.insert("labels".into(), json!(self.labels));
        if !self.ssh_keys.is_empty() {
            let keys = self.ssh_keys.iter().map(|name| json!({"name": name}));
            body.insert("ssh-keys".into(), keys.collect());
        }
        for (name, ids) in [
            ("security-groups", &self.security_groups),
            ("anti-affinity-groups", &self.anti_affinity_groups),
        ] {
            if !ids.is_empty() {
                body.insert(name.into(), by_id(ids));
            }
        }
        if let Some(text) = &self.user_data {
            let encoded = base64::engine::general_purpose::STANDARD.encode(text);
            if encoded.len() > USER_DATA_LIMIT {
                return Err(Error::new(format!(
                    "the user data of {} are {} bytes long in Base64",
                    self.name,
                    encoded.len()
                ))
                .help(format!(
                    "Exoscale takes {USER_DATA_LIMIT}: leave out what a playbook can do"
                )));
            }
            body.insert("user-data".into(), json!(encoded));
        }
        Ok(body)
    }
}

/// Identifiers as the service refers to them.
fn by_id(ids: &[String]) -> Value {
    ids.iter().map(|id| json!({"id": id})).collect()
}

impl Zone {
    /// The instances of the zone; items are shorter than what [`Zone::instance`] reads.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn instances(&self) -> Result<Vec<Instance>, Failure> {
        let purpose = format!("list the instances in {}", self.name);
        self.list(Call::get("/instance", purpose), "instances").await
    }

    /// One instance.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn instance(&self, id: &str) -> Result<Instance, Failure> {
        let path = format!("/instance/{}", escape(id));
        self.call(&Call::get(path, format!("read the instance {id}")))
            .await
    }

    /// Makes an instance and waits until it exists; its identifier.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn create_instance(&self, instance: &NewInstance) -> Result<String, Failure> {
        let body = instance
            .body()
            .map_err(|error| Failure::unanswered(error, false))?;
        let purpose = format!("create the instance {} in {}", instance.name, self.name);
        let call = Call::post("/instance", purpose).json(Value::Object(body));
        self.perform(&call).await
    }

    /// Removes an instance and waits until it is gone; one that is gone already is no error.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn delete_instance(&self, id: &str) -> Result<(), Failure> {
        self.remove("instance", id).await
    }

    /// The instance pools of the zone.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn pools(&self) -> Result<Vec<InstancePool>, Failure> {
        let purpose = format!("list the instance pools in {}", self.name);
        self.list(Call::get("/instance-pool", purpose), "instance-pools")
            .await
    }

    /// Makes a pool of `size` instances like `instance`, attached to private networks and holding elastic
    /// addresses; its identifier.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn create_pool(
        &self,
        instance: &NewInstance,
        size: u64,
        private_networks: &[String],
        addresses: &[String],
    ) -> Result<String, Failure> {
        let mut body = instance
            .body()
            .map_err(|error| Failure::unanswered(error, false))?;
        body.insert("size".into(), json!(size));
        for (name, ids) in [("private-networks", private_networks), ("elastic-ips", addresses)] {
            body.insert(name.into(), by_id(ids));
        }
        let purpose = format!("create the instance pool {} in {}", instance.name, self.name);
        let call = Call::post("/instance-pool", purpose).json(Value::Object(body));
        self.perform(&call).await
    }

    /// Changes how many instances a pool has, and waits for the operation.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn scale_pool(&self, id: &str, size: u64) -> Result<(), Failure> {
        let path = format!("/instance-pool/{}:scale", escape(id));
        let call =
            Call::put(path, format!("scale the instance pool {id} to {size}")).json(json!({"size": size}));
        self.perform(&call).await.map(|_| ())
    }

    /// Lets the instances of a pool, those to come included, hold elastic addresses and no others.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn give_pool(&self, id: &str, addresses: &[String]) -> Result<(), Failure> {
        let path = format!("/instance-pool/{}", escape(id));
        let call = Call::put(path, format!("give an elastic address to the instance pool {id}"))
            .json(json!({"elastic-ips": by_id(addresses)}));
        self.perform(&call).await.map(|_| ())
    }

    /// Removes one instance of a pool, which is smaller afterwards.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn evict(&self, pool: &str, instance: &str) -> Result<(), Failure> {
        let path = format!("/instance-pool/{}:evict", escape(pool));
        let purpose = format!("remove the instance {instance} from the instance pool {pool}");
        let mut call = Call::put(path, purpose).json(json!({"instances": [instance]}));
        // The pool would be made smaller twice.
        call.repeatable = false;
        self.perform(&call).await.map(|_| ())
    }

    /// Removes a pool with its instances; one that is gone already is no error.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn delete_pool(&self, id: &str) -> Result<(), Failure> {
        self.remove("instance-pool", id).await
    }

    /// Removes a resource and waits until it is gone; one that is gone already is no error.
    pub(super) async fn remove(&self, kind: &str, id: &str) -> Result<(), Failure> {
        let path = format!("/{kind}/{}", escape(id));
        let call = Call::delete(path, format!("remove the {} {id}", kind.replace('-', " ")));
        match self.perform(&call).await {
            Err(failure) if !failure.is_missing() => Err(failure),
            _ => Ok(()),
        }
    }

    /// The identifier of the type `family.size`.
    ///
    /// # Errors
    /// What the service refuses, and a type that the zone does not have, with the nearest that it has.
    pub async fn find_type(&self, name: &str) -> Result<String, Failure> {
        let purpose = format!("list the instance types in {}", self.name);
        let types: Vec<InstanceType> = self
            .list(Call::get("/instance-type", purpose), "instance-types")
            .await?;
        let names: Vec<(String, String)> = types.into_iter().map(|kind| (kind.name(), kind.id)).collect();
        self.choose("instance type", name, names)
    }

    /// The template `name`, the newest if the zone has several.
    ///
    /// # Errors
    /// What the service refuses, and a template that the zone does not have, with the nearest that it has.
    pub async fn find_template(&self, name: &str, visibility: &str) -> Result<String, Failure> {
        let purpose = format!("list the templates in {}", self.name);
        let call = Call::get("/template", purpose).with("visibility", visibility);
        let templates: Vec<Template> = self.list(call, "templates").await?;
        let names = templates
            .into_iter()
            .map(|template| (template.name, template.id))
            .collect();
        self.choose("template", name, names)
    }

    fn choose(&self, kind: &str, name: &str, known: Vec<(String, String)>) -> Result<String, Failure> {
        if let Some((_, id)) = known.iter().find(|entry| entry.0 == name || entry.1 == name) {
            return Ok(id.clone());
        }
        let mut error = Error::new(format!("Exoscale: {} has no {kind} `{name}`", self.name));
        error = error
            .help(format!(
                "`exo compute {} list` names them",
                kind.replace(' ', "-")
            ))
            .did_you_mean(nearest(name, known.iter().map(|entry| entry.0.as_str())));
        Err(Failure::unanswered(error, false))
    }

    /// The names of the public keys of the account.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn ssh_keys(&self) -> Result<Vec<Named>, Failure> {
        self.list(Call::get("/ssh-key", "list the public keys"), "ssh-keys")
            .await
    }

    /// Adds a public key.
    ///
    /// # Errors
    /// What the service refuses; 409 when the name is taken.
    pub async fn create_ssh_key(&self, name: &str, key: &str) -> Result<(), Failure> {
        let call = Call::post("/ssh-key", format!("add the public key {name}"))
            .json(json!({"name": name, "public-key": key}));
        self.perform(&call).await.map(|_| ())
    }

    /// Removes a public key; one that is gone already is no error.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn delete_ssh_key(&self, name: &str) -> Result<(), Failure> {
        self.remove("ssh-key", name).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_data_are_base64_and_limited() {
        let mut instance = NewInstance {
            user_data: Some("#cloud-config\n".into()),
            ..NewInstance::default()
        };
        assert_eq!(instance.body().unwrap()["user-data"], "I2Nsb3VkLWNvbmZpZwo=");
        instance.user_data = Some("x".repeat(24577));
        assert!(instance.body().unwrap_err().to_string().contains("32768"));
    }
}
