//! The client of Exoscale.

use crate::fakes::exoscale::{Exoscale as Fake, KEY, SECRET};
use crate::fakes::server::FaultKind;
use crate::fakes::specification::Specification;
use crate::fakes::{Reply, Server, VirtualClock};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use vent::cloud::client::http::secret::Secret;
use vent::cloud::exoscale::client::resources::NewInstance;
use vent::cloud::exoscale::client::types::Rule;
use vent::cloud::exoscale::client::{Access, Exoscale, ZONES, Zone};
use vent::error::Error;

fn account(server: &Server, secret: &str) -> (Exoscale, Arc<VirtualClock>) {
    let clock = Arc::new(VirtualClock::default());
    let access = Access {
        key: Some(Secret::new(KEY)),
        secret: Some(Secret::new(secret)),
        url: Some(server.url("")),
        ..Access::default()
    };
    let account = Exoscale::with(&access, &|_| None, |settings| settings.clock = clock.clone());
    (account.unwrap(), clock)
}

fn serve(fake: Fake) -> Server {
    Server::start(fake, Some(Specification::exoscale()))
}

pub fn zone(server: &Server) -> (Zone, Arc<VirtualClock>) {
    let (account, clock) = account(server, SECRET);
    (account.zone("ch-gva-2").unwrap(), clock)
}

async fn new_instance(zone: &Zone, name: &str) -> NewInstance {
    NewInstance {
        name: name.into(),
        instance_type: zone.find_type("standard.medium").await.unwrap(),
        template: zone
            .find_template("Linux Debian 12 (Bookworm) 64-bit", "public")
            .await
            .unwrap(),
        disk_size: 20,
        labels: [("role".to_string(), "worker".to_string())].into(),
        ..NewInstance::default()
    }
}

#[tokio::test]
async fn an_instance_with_network_and_rules_is_made_and_removed() {
    let server = serve(Fake::default());
    let (zone, clock) = zone(&server);
    zone.create_ssh_key("me", "ssh-ed25519 AAAA").await.unwrap();
    assert_eq!(zone.ssh_keys().await.unwrap()[0].name, "me");
    let again = zone.create_ssh_key("me", "ssh-ed25519 AAAA").await.unwrap_err();
    assert_eq!(again.status, Some(409));
    let group = zone.create_security_group("demo", "of a test").await.unwrap();
    let rule = Rule {
        flow_direction: "ingress".into(),
        protocol: "tcp".into(),
        network: "192.0.2.0/24".into(),
        start_port: 6443,
        end_port: 6443,
        ..Rule::default()
    };
    zone.add_rule(&group, &rule, "the API").await.unwrap();
    let groups = zone.security_groups().await.unwrap();
    let rules = &groups.iter().find(|item| item.id == group).unwrap().rules;
    assert_eq!((rules.len(), rules[0].start_port), (1, 6443));
    let affinity = zone
        .create_anti_affinity_group("demo", "of a test")
        .await
        .unwrap();
    let network = zone
        .create_private_network(
            "demo",
            "10.0.0.10",
            "10.0.0.253",
            "255.255.255.0",
            json!({"cluster": "demo"}),
        )
        .await
        .unwrap();
    let mut instance = new_instance(&zone, "worker-0").await;
    instance.ssh_keys = vec!["me".into()];
    instance.security_groups = vec![group.clone()];
    instance.anti_affinity_groups = vec![affinity.clone()];
    instance.user_data = Some("#cloud-config\n".into());
    let id = zone.create_instance(&instance).await.unwrap();
    zone.attach_private_network(&network, &id, Some("10.0.0.77"))
        .await
        .unwrap();
    let leases = zone.private_network(&network).await.unwrap().leases;
    assert_eq!(
        (leases[0].instance_id.as_str(), leases[0].ip.as_str()),
        (id.as_str(), "10.0.0.77")
    );
    let listed = zone.instances().await.unwrap();
    assert_eq!(listed[0].known.instance_type.name(), "standard.medium");
    assert_eq!(zone.instance(&id).await.unwrap().known.disk_size, 20);
    let address = zone
        .create_managed_elastic_ip("api", json!({}), 6443)
        .await
        .unwrap();
    zone.attach_elastic_ip(&address, &id).await.unwrap();
    assert_eq!(zone.elastic_ips().await.unwrap().len(), 1);
    assert!(clock.waited() > Duration::from_secs(3));

    zone.delete_elastic_ip(&address).await.unwrap();
    zone.delete_instance(&id).await.unwrap();
    zone.delete_instance(&id).await.unwrap();
    zone.delete_private_network(&network).await.unwrap();
    zone.delete_anti_affinity_group(&affinity).await.unwrap();
    zone.delete_rule(&group, &rules[0].id).await.unwrap();
    zone.delete_security_group(&group).await.unwrap();
    zone.delete_ssh_key("me").await.unwrap();
    assert!(zone.instances().await.unwrap().is_empty());
    assert!(zone.private_networks().await.unwrap().is_empty());
    assert!(zone.anti_affinity_groups().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_pool_is_scaled() {
    let server = serve(Fake::default());
    let (zone, _) = zone(&server);
    let network = zone
        .create_private_network("demo", "10.0.0.10", "10.0.0.253", "255.255.255.0", json!({}))
        .await
        .unwrap();
    let instance = new_instance(&zone, "workers").await;
    let pool = zone
        .create_pool(&instance, 1, std::slice::from_ref(&network), &[])
        .await
        .unwrap();
    zone.scale_pool(&pool, 3).await.unwrap();
    let members = zone.instances().await.unwrap();
    assert!(members.iter().all(|member| member.known.manager.id == pool));
    assert_eq!(members.len(), 3);
    assert_eq!(zone.private_network(&network).await.unwrap().leases.len(), 3);
    assert_eq!(zone.pools().await.unwrap()[0].size, 3);
    zone.delete_pool(&pool).await.unwrap();
    assert!(zone.instances().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_failed_operation_says_why() {
    let mut fake = Fake::default();
    fake.fail_next = Some("unavailable");
    let server = serve(fake);
    let (zone, _) = zone(&server);
    let instance = new_instance(&zone, "worker-0").await;
    let text = Error::from(zone.create_instance(&instance).await.unwrap_err()).to_string();
    assert!(
        text.contains("cannot create the instance worker-0 in ch-gva-2"),
        "{text}"
    );
    assert!(
        text.contains("reason: unavailable") && text.contains("told by the test"),
        "{text}"
    );
    assert!(text.contains("help: the zone has no room"), "{text}");
}

#[tokio::test]
async fn an_operation_outlives_troubles_of_the_service() {
    let server = serve(Fake::default());
    let down = Reply::json(503, json!({"message": "Endpoint temporarily unavailable"}));
    server.fault("GET", "/operation/", 9, FaultKind::Answer(down));
    let (zone, _) = zone(&server);
    zone.create_anti_affinity_group("demo", "of a test")
        .await
        .unwrap();
}

#[tokio::test]
async fn a_wrong_secret_is_told_without_showing_it() {
    let server = serve(Fake::default());
    let (account, _) = account(&server, "a-wrong-secret");
    let text = Error::from(account.zones().await.unwrap_err()).to_string();
    assert!(text.contains("the key or its secret is wrong"), "{text}");
    assert!(text.contains("EXOSCALE_API_KEY"), "{text}");
    assert!(!text.contains("a-wrong-secret"), "{text}");
    assert!(!format!("{account:?}").contains("a-wrong-secret"));
}

#[tokio::test]
async fn zones_are_known_where_they_may_not_be_listed() {
    let server = serve(Fake::default());
    let (account_listing, _) = account(&server, SECRET);
    assert_eq!(account_listing.zones().await.unwrap().len(), 8);
    let mut fake = Fake::default();
    fake.may_list_zones = false;
    let server = serve(fake);
    let (account_refused, _) = account(&server, SECRET);
    assert_eq!(account_refused.zones().await.unwrap(), ZONES);
}

#[tokio::test]
async fn what_a_zone_does_not_have_is_told_with_the_nearest() {
    let server = serve(Fake::default());
    let (zone, _) = zone(&server);
    let text = Error::from(zone.find_type("standard.mediun").await.unwrap_err()).to_string();
    assert!(text.contains("did you mean `standard.medium`?"), "{text}");
}
