//! Private networks, security groups, anti-affinity groups, elastic addresses.

use super::Zone;
use super::types::{AntiAffinityGroup, ElasticIp, PrivateNetwork, Rule, SecurityGroup};
use crate::cloud::client::http::failure::Failure;
use crate::cloud::client::http::request::{Call, escape};
use serde_json::{Value, json};

impl Zone {
    /// The private networks of the zone; items have no leases.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn private_networks(&self) -> Result<Vec<PrivateNetwork>, Failure> {
        let purpose = format!("list the private networks in {}", self.name);
        self.list(Call::get("/private-network", purpose), "private-networks")
            .await
    }

    /// One private network with its leases: the only place where private addresses are told.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn private_network(&self, id: &str) -> Result<PrivateNetwork, Failure> {
        let path = format!("/private-network/{}", escape(id));
        self.call(&Call::get(path, format!("read the private network {id}")))
            .await
    }

    /// Makes a private network that gives out the addresses from `start` to `end`; its identifier.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn create_private_network(
        &self,
        name: &str,
        start: &str,
        end: &str,
        netmask: &str,
        labels: Value,
    ) -> Result<String, Failure> {
        let purpose = format!("create the private network {name} in {}", self.name);
        let call = Call::post("/private-network", purpose).json(json!({
            "name": name, "start-ip": start, "end-ip": end, "netmask": netmask, "labels": labels,
        }));
        self.perform(&call).await
    }

    /// Attaches an instance to a private network, with the address `ip` if one is given.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn attach_private_network(
        &self,
        network: &str,
        instance: &str,
        ip: Option<&str>,
    ) -> Result<(), Failure> {
        let mut body = json!({"instance": {"id": instance}});
        if let Some(ip) = ip {
            body["ip"] = ip.into();
        }
        let path = format!("/private-network/{}:attach", escape(network));
        let purpose = format!("attach the instance {instance} to the private network {network}");
        self.perform(&Call::put(path, purpose).json(body))
            .await
            .map(|_| ())
    }

    /// Removes a private network; one that is gone already is no error.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn delete_private_network(&self, id: &str) -> Result<(), Failure> {
        self.remove("private-network", id).await
    }

    /// The security groups of the account with their rules.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn security_groups(&self) -> Result<Vec<SecurityGroup>, Failure> {
        let call = Call::get("/security-group", "list the security groups");
        self.list(call, "security-groups").await
    }

    /// Makes a security group; its identifier.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn create_security_group(&self, name: &str, description: &str) -> Result<String, Failure> {
        let call = Call::post("/security-group", format!("create the security group {name}"))
            .json(json!({"name": name, "description": description}));
        self.perform(&call).await
    }

    /// Adds a rule to a security group. Rules cannot be changed, only removed.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn add_rule(&self, group: &str, rule: &Rule, description: &str) -> Result<(), Failure> {
        let mut body = json!({
            "flow-direction": rule.flow_direction,
            "protocol": rule.protocol,
            "description": description,
        });
        if !rule.network.is_empty() {
            body["network"] = rule.network.clone().into();
        }
        if !rule.security_group.id.is_empty() {
            body["security-group"] = json!({"id": rule.security_group.id});
        }
        if rule.start_port > 0 {
            body["start-port"] = rule.start_port.into();
            body["end-port"] = rule.end_port.into();
        }
        let path = format!("/security-group/{}/rules", escape(group));
        let purpose = format!(
            "open {} {}-{} in the security group {group}",
            rule.protocol, rule.start_port, rule.end_port
        );
        self.perform(&Call::post(path, purpose).json(body))
            .await
            .map(|_| ())
    }

    /// Removes a rule of a security group; one that is gone already is no error.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn delete_rule(&self, group: &str, rule: &str) -> Result<(), Failure> {
        self.remove(&format!("security-group/{}/rules", escape(group)), rule)
            .await
    }

    /// Removes a security group; one that is gone already is no error.
    ///
    /// # Errors
    /// What the service refuses, such as a group that instances are in.
    pub async fn delete_security_group(&self, id: &str) -> Result<(), Failure> {
        self.remove("security-group", id).await
    }

    /// The anti-affinity groups of the account.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn anti_affinity_groups(&self) -> Result<Vec<AntiAffinityGroup>, Failure> {
        let call = Call::get("/anti-affinity-group", "list the anti-affinity groups");
        self.list(call, "anti-affinity-groups").await
    }

    /// Makes an anti-affinity group; its identifier.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn create_anti_affinity_group(&self, name: &str, description: &str) -> Result<String, Failure> {
        let call = Call::post(
            "/anti-affinity-group",
            format!("create the anti-affinity group {name}"),
        )
        .json(json!({"name": name, "description": description}));
        self.perform(&call).await
    }

    /// Removes an anti-affinity group; one that is gone already is no error.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn delete_anti_affinity_group(&self, id: &str) -> Result<(), Failure> {
        self.remove("anti-affinity-group", id).await
    }

    /// The elastic addresses of the zone.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn elastic_ips(&self) -> Result<Vec<ElasticIp>, Failure> {
        let purpose = format!("list the elastic addresses in {}", self.name);
        self.list(Call::get("/elastic-ip", purpose), "elastic-ips").await
    }

    /// Gives an elastic address to an instance.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn attach_elastic_ip(&self, id: &str, instance: &str) -> Result<(), Failure> {
        let path = format!("/elastic-ip/{}:attach", escape(id));
        let purpose = format!("give the elastic address {id} to the instance {instance}");
        let call = Call::put(path, purpose).json(json!({"instance": {"id": instance}}));
        self.perform(&call).await.map(|_| ())
    }

    /// Gives an elastic address back; one that is gone already is no error.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn delete_elastic_ip(&self, id: &str) -> Result<(), Failure> {
        self.remove("elastic-ip", id).await
    }
}
