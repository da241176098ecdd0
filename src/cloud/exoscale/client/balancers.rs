//! Load balancers, and elastic addresses that look after the health of who holds them.

use super::Zone;
use super::types::LoadBalancer;
use crate::cloud::client::http::failure::Failure;
use crate::cloud::client::http::request::{Call, escape};
use serde_json::{Value, json};

impl Zone {
    /// The load balancers of the zone with their services.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn load_balancers(&self) -> Result<Vec<LoadBalancer>, Failure> {
        let purpose = format!("list the load balancers in {}", self.name);
        self.list(Call::get("/load-balancer", purpose), "load-balancers")
            .await
    }

    /// Makes a load balancer without services; its identifier.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn create_load_balancer(&self, name: &str, labels: Value) -> Result<String, Failure> {
        let call = Call::post("/load-balancer", format!("create the load balancer {name}"))
            .json(json!({"name": name, "labels": labels}));
        self.perform(&call).await
    }

    /// Lets a load balancer pass the TCP port `port` on to the instances of a pool that accept connections there.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn add_service(
        &self,
        balancer: &str,
        name: &str,
        pool: &str,
        port: u16,
    ) -> Result<(), Failure> {
        let path = format!("/load-balancer/{}/service", escape(balancer));
        let call = Call::post(
            path,
            format!("add the service {name} to the load balancer {balancer}"),
        )
        .json(json!({
            "name": name, "instance-pool": {"id": pool}, "protocol": "tcp", "strategy": "round-robin",
            "port": port, "target-port": port,
            "healthcheck": {"mode": "tcp", "port": port, "interval": 10, "timeout": 5, "retries": 1},
        }));
        self.perform(&call).await.map(|_| ())
    }

    /// Removes a load balancer; one that is gone already is no error.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn delete_load_balancer(&self, id: &str) -> Result<(), Failure> {
        self.remove("load-balancer", id).await
    }

    /// Reserves an elastic address that only instances accepting connections at the TCP port `port` answer for;
    /// its identifier.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn create_managed_elastic_ip(
        &self,
        description: &str,
        labels: Value,
        port: u16,
    ) -> Result<String, Failure> {
        let purpose = format!("reserve an elastic address in {}", self.name);
        let call = Call::post("/elastic-ip", purpose).json(json!({
            "description": description, "labels": labels,
            "healthcheck": {"mode": "tcp", "port": port, "interval": 10, "timeout": 5,
                "strikes-ok": 2, "strikes-fail": 3},
        }));
        self.perform(&call).await
    }
}
