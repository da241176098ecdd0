//! What services refuse is told with the resource, the field and the cure, for every provider and status.

use crate::fakes::exoscale::Exoscale as FakeExoscale;
use crate::fakes::packet::{self, Packet as FakePacket};
use crate::fakes::proxmox::{self, Proxmox as FakeProxmox};
use crate::fakes::server::FaultKind;
use crate::fakes::specification::Specification;
use crate::fakes::{Reply, Server};
use serde_json::{Value, json};
use std::future::Future;
use std::pin::Pin;
use vent::cloud::client::http::failure::Failure;
use vent::cloud::exoscale::client::resources::NewInstance;
use vent::cloud::exoscale::client::types::Rule;
use vent::cloud::packet::client::devices::NewDevice;
use vent::error::Error;

/// A refusal and what must be told of it.
type Row = (u16, Value, &'static [&'static str]);

fn all_there(failure: Failure, common: &[&str], row: &Row) {
    let told = Error::from(failure).to_string();
    let parts = [common, row.2, &["help: "]].concat();
    for part in parts.iter().copied().chain([row.0.to_string().as_str()]) {
        assert!(told.contains(part), "{part} is missing in:\n{told}");
    }
}

#[tokio::test]
async fn packets_refusals_name_device_field_and_cure() {
    let fake = FakePacket::new(&["one"]);
    let project = fake.project(0);
    let server = Server::start(fake, Some(Specification::packet()));
    let (client, _) = super::packet::client(&server, packet::TOKEN);
    let rows: &[Row] = &[
        (
            401,
            json!({"error": "Invalid authentication token"}),
            &["Invalid authentication token", "set METAL_AUTH_TOKEN or"],
        ),
        (
            403,
            json!({"errors": ["You are not authorized"]}),
            &["collaborator of the project"],
        ),
        (
            404,
            json!({"error": "Not found"}),
            &["check project, zone and name"],
        ),
        (
            409,
            json!({"errors": ["hostname is taken"]}),
            &[
                "`hostname` (sent: \"worker-0\"): hostname is taken",
                "look at what exists",
            ],
        ),
        (
            422,
            json!({"errors": ["metro xx does not exist"]}),
            &[
                "`metro` (sent: \"xx\"): metro xx",
                "correct the value named above",
            ],
        ),
    ];
    for row in rows {
        let reply = Reply::json(row.0, row.1.clone());
        server.fault("POST", "/devices", 1, FaultKind::Answer(reply));
        let device = NewDevice {
            hostname: "worker-0".into(),
            metro: Some("xx".into()),
            ..NewDevice::default()
        };
        let failure = client.create_device(&project, &device).await.unwrap_err();
        all_there(failure, &["Packet: cannot create the device worker-0"], row);
    }
}

#[tokio::test]
async fn proxmoxs_refusals_name_machine_field_and_cure() {
    let mut fake = FakeProxmox::default();
    fake.add(90, "debian-12", "qemu", true, "");
    let server = Server::start(fake, None);
    let (client, _) = super::proxmox::client(&server, proxmox::SECRET);
    let template = client.guests().await.unwrap().remove(0);
    let rows: &[Row] = &[
        (
            401,
            json!({"data": null, "message": "no such token"}),
            &["no such token", "set PROXMOX_TOKEN_ID or"],
        ),
        (
            403,
            json!({"data": null, "message": "Permission check failed (/vms/120, VM.Allocate)\n"}),
            &[
                "Permission check failed (/vms/120, VM.Allocate)",
                "give the token itself the rights",
            ],
        ),
        (
            404,
            json!({"data": null, "message": "no such resource"}),
            &["check project, zone and name"],
        ),
        (
            409,
            json!({"data": null, "message": "newid 120 is used"}),
            &["`newid` (sent: 120)", "look at what exists"],
        ),
        (
            400,
            json!({"data": null, "errors": {"storage": "storage 'ssd' does not exist"}}),
            &[
                "`storage` (sent: ssd): storage 'ssd' does not exist",
                "correct the value named above",
            ],
        ),
        (
            422,
            json!({"data": null, "errors": {"pool": "not a pool"}}),
            &["`pool`: not a pool"],
        ),
    ];
    for row in rows {
        let reply = Reply::json(row.0, row.1.clone()).reason("told in the body");
        server.fault("POST", "/clone", 1, FaultKind::Answer(reply));
        let options = vec![("storage".to_string(), "ssd".to_string())];
        let failure = client
            .clone_guest(&template, 120, "worker-0", options)
            .await
            .unwrap_err();
        all_there(
            failure,
            &["Proxmox: cannot clone debian-12 to worker-0 (120)"],
            row,
        );
    }
}

fn instance() -> NewInstance {
    NewInstance {
        name: "worker-0".into(),
        disk_size: 20,
        ..NewInstance::default()
    }
}

#[tokio::test]
async fn exoscales_refusals_name_instance_field_and_cure() {
    let server = Server::start(FakeExoscale::default(), Some(Specification::exoscale()));
    let (zone, _) = super::exoscale::zone(&server);
    let rows: &[Row] = &[
        (
            401,
            json!({"message": "Unauthorized"}),
            &["set EXOSCALE_API_KEY or EXOSCALE_API_SECRET"],
        ),
        (
            403,
            json!({"message": "Invalid request signature"}),
            &["the key or its secret is wrong, or this computer's clock is"],
        ),
        (
            403,
            json!({"message": "Forbidden by role policy for compute"}),
            &[
                "Forbidden by role policy for compute",
                "does not allow `create-instance`",
                "service class `compute`",
            ],
        ),
        (
            404,
            json!({"message": "Not found"}),
            &["check project, zone and name"],
        ),
        (
            409,
            json!({"message": "The name is taken"}),
            &["The name is taken", "look at what exists"],
        ),
        (
            400,
            json!({"message": "Invalid", "errors": [{"location": "$['disk-size']", "detail": "too small"}]}),
            &[
                "`disk-size` (sent: 20): too small",
                "correct the value named above",
            ],
        ),
        (
            422,
            json!({"title": "Unprocessable", "errors": ["template is not there"]}),
            &["`template`", "template is not there"],
        ),
    ];
    for row in rows {
        let reply = Reply::json(row.0, row.1.clone());
        server.fault("POST", "/instance", 1, FaultKind::Answer(reply));
        let failure = zone.create_instance(&instance()).await.unwrap_err();
        all_there(
            failure,
            &["Exoscale: cannot create the instance worker-0 in ch-gva-2"],
            row,
        );
    }
}

type Asked<'a> = Pin<Box<dyn Future<Output = Option<Failure>> + 'a>>;

fn refused<'a, T>(call: impl Future<Output = Result<T, Failure>> + 'a) -> Asked<'a> {
    Box::pin(async { call.await.err() })
}

/// The stand-in refuses an operation by the name that the vendor's specification gives it; the error must give the
/// same name.
#[tokio::test]
async fn every_operation_that_a_role_does_not_allow_is_named() {
    let server = Server::start(FakeExoscale::default(), Some(Specification::exoscale()));
    let (zone, _) = &super::exoscale::zone(&server);
    let (wanted, rule) = (&instance(), &Rule::default());
    let id = "10000000-0000-4000-8000-000000000001";
    let calls: Vec<(&str, Asked<'_>)> = vec![
        ("list-instances", refused(zone.instances())),
        ("get-instance", refused(zone.instance(id))),
        ("create-instance", refused(zone.create_instance(wanted))),
        ("delete-instance", refused(zone.delete_instance(id))),
        ("list-instance-types", refused(zone.find_type("x"))),
        ("list-templates", refused(zone.find_template("x", "public"))),
        ("list-instance-pools", refused(zone.pools())),
        (
            "create-instance-pool",
            refused(zone.create_pool(wanted, 1, &[], &[])),
        ),
        ("scale-instance-pool", refused(zone.scale_pool(id, 2))),
        ("update-instance-pool", refused(zone.give_pool(id, &[]))),
        ("evict-instance-pool-members", refused(zone.evict(id, id))),
        ("delete-instance-pool", refused(zone.delete_pool(id))),
        ("list-ssh-keys", refused(zone.ssh_keys())),
        (
            "register-ssh-key",
            refused(zone.create_ssh_key("me", "ssh-ed25519 AAAA")),
        ),
        ("delete-ssh-key", refused(zone.delete_ssh_key("me"))),
        ("list-private-networks", refused(zone.private_networks())),
        ("get-private-network", refused(zone.private_network(id))),
        (
            "create-private-network",
            refused(zone.create_private_network("n", "", "", "", json!({}))),
        ),
        (
            "attach-instance-to-private-network",
            refused(zone.attach_private_network(id, id, None)),
        ),
        ("delete-private-network", refused(zone.delete_private_network(id))),
        ("list-security-groups", refused(zone.security_groups())),
        (
            "create-security-group",
            refused(zone.create_security_group("g", "g")),
        ),
        (
            "add-rule-to-security-group",
            refused(zone.add_rule(id, rule, "r")),
        ),
        (
            "delete-rule-from-security-group",
            refused(zone.delete_rule(id, id)),
        ),
        ("delete-security-group", refused(zone.delete_security_group(id))),
        ("list-anti-affinity-groups", refused(zone.anti_affinity_groups())),
        (
            "create-anti-affinity-group",
            refused(zone.create_anti_affinity_group("a", "a")),
        ),
        (
            "delete-anti-affinity-group",
            refused(zone.delete_anti_affinity_group(id)),
        ),
        ("list-elastic-ips", refused(zone.elastic_ips())),
        (
            "create-elastic-ip",
            refused(zone.create_managed_elastic_ip("e", json!({}), 6443)),
        ),
        (
            "attach-instance-to-elastic-ip",
            refused(zone.attach_elastic_ip(id, id)),
        ),
        ("delete-elastic-ip", refused(zone.delete_elastic_ip(id))),
        ("list-load-balancers", refused(zone.load_balancers())),
        (
            "create-load-balancer",
            refused(zone.create_load_balancer("l", json!({}))),
        ),
        (
            "add-service-to-load-balancer",
            refused(zone.add_service(id, "api", id, 6443)),
        ),
        ("delete-load-balancer", refused(zone.delete_load_balancer(id))),
    ];
    println!("{} operations", calls.len());
    for (operation, call) in calls {
        server.forbid(Some(operation));
        let Some(failure) = call.await else {
            panic!("{operation} was not refused");
        };
        let told = Error::from(failure).to_string();
        assert!(told.contains(&format!("does not allow `{operation}`")), "{told}");
    }
}
