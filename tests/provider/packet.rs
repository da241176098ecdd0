//! The client of Packet.

use crate::fakes::packet::{BASE, Packet as Fake, TOKEN};
use crate::fakes::server::FaultKind;
use crate::fakes::specification::Specification;
use crate::fakes::{Reply, Server, VirtualClock};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use vent::cloud::client::http::secret::Secret;
use vent::cloud::packet::client::devices::NewDevice;
use vent::cloud::packet::client::{Access, Packet};
use vent::error::Error;

pub fn client(server: &Server, token: &str) -> (Packet, Arc<VirtualClock>) {
    let clock = Arc::new(VirtualClock::default());
    let access = Access {
        token: Some(Secret::new(token)),
        url: Some(server.url(BASE)),
        ..Access::default()
    };
    let packet = Packet::with(&access, &|_| None, |settings| settings.clock = clock.clone()).unwrap();
    (packet, clock)
}

fn serve(fake: Fake) -> Server {
    Server::start(fake, Some(Specification::packet()))
}

fn new_device(hostname: &str) -> NewDevice {
    NewDevice {
        hostname: hostname.into(),
        plan: "c3.small.x86".into(),
        operating_system: "debian_12".into(),
        metro: Some("am".into()),
        tags: vec!["worker".into()],
        ..NewDevice::default()
    }
}

#[tokio::test]
async fn all_pages_are_read() {
    let mut fake = Fake::new(&["one"]);
    fake.page = 3;
    for number in 0..8 {
        fake.add(0, &format!("worker-{number}"), &["worker"]);
    }
    let project = fake.project(0);
    let server = serve(fake);
    let (packet, _) = client(&server, TOKEN);
    let devices = packet.devices(&project, None).await.unwrap();
    let names: Vec<&str> = devices
        .iter()
        .map(|device| device.known.hostname.as_str())
        .collect();
    assert_eq!(names.len(), 8);
    assert_eq!((names[0], names[7]), ("worker-0", "worker-7"));
    assert_eq!(server.count("GET /metal/v1/projects/"), 3);
}

#[tokio::test]
async fn a_device_is_made_becomes_active_and_is_removed() {
    let fake = Fake::new(&["one"]);
    let project = fake.project(0);
    let server = serve(fake);
    let (packet, _) = client(&server, TOKEN);
    let made = packet
        .create_device(&project, &new_device("worker-0"))
        .await
        .unwrap();
    assert_eq!(made.known.state, "queued");
    assert_eq!(made.public_ipv4(), None);
    let mut states = vec![];
    for _ in 0..2 {
        states.push(packet.device(&made.known.id).await.unwrap().known.state);
    }
    assert_eq!(states, ["provisioning", "active"]);
    let device = packet.device(&made.known.id).await.unwrap();
    assert_eq!(device.public_ipv4().unwrap().address, "198.51.100.1");
    assert_eq!(device.private_ipv4().unwrap().parent_block.cidr, 25);
    packet.act(&made.known.id, "reboot").await.unwrap();
    packet.delete_device(&made.known.id).await.unwrap();
    packet.delete_device(&made.known.id).await.unwrap();
    assert!(packet.device(&made.known.id).await.unwrap_err().is_missing());
}

#[tokio::test]
async fn addresses_keys_and_bgp_are_managed() {
    let mut fake = Fake::new(&["one"]);
    let device = fake.add(0, "controller-0", &["controller"]);
    let project = fake.project(0);
    let server = serve(fake);
    let (packet, _) = client(&server, TOKEN);
    let blocks = packet.reservations(&project, &["private_ipv4"]).await.unwrap();
    assert_eq!((blocks[0].network.as_str(), blocks[0].cidr), ("10.80.0.0", 25));
    let global = packet
        .reserve_global_ip(&project, &["demo".into()], "api")
        .await
        .unwrap();
    packet
        .attach_address(&device, &format!("{}/32", global.address))
        .await
        .unwrap();
    packet.delete_address(&global.id).await.unwrap();
    packet.delete_address(&global.id).await.unwrap();
    assert_eq!(packet.bgp_config(&project).await.unwrap(), None);
    packet
        .enable_bgp(&project, 65000, Some("Abcdefgh12"))
        .await
        .unwrap();
    assert_eq!(packet.bgp_config(&project).await.unwrap().unwrap()["asn"], 65000);
    assert!(packet.bgp_sessions(&device).await.unwrap().is_empty());
    packet.create_bgp_session(&device).await.unwrap();
    assert_eq!(packet.bgp_sessions(&device).await.unwrap().len(), 1);
    let neighbors = packet.bgp_neighbors(&device).await.unwrap();
    assert_eq!(neighbors[0].peer_ips, ["169.254.255.1", "169.254.255.2"]);
    packet
        .create_ssh_key(&project, "demo", "ssh-ed25519 AAAA")
        .await
        .unwrap();
    assert_eq!(packet.ssh_keys(&project).await.unwrap()[0].label, "demo");
}

#[tokio::test]
async fn a_busy_service_is_waited_for_as_it_asks() {
    let server = serve(Fake::new(&["one"]));
    let busy = Reply::json(429, json!({"error": "slow down"})).header("Retry-After", "7");
    server.fault("GET", "/projects", 2, FaultKind::Answer(busy));
    let broken = Reply::empty(502);
    server.fault("GET", "/projects", 1, FaultKind::Answer(broken));
    let (packet, clock) = client(&server, TOKEN);
    assert_eq!(packet.projects().await.unwrap().len(), 1);
    assert_eq!(server.count("GET"), 4);
    let waited = clock.waited().as_secs();
    assert!((18..=19).contains(&waited), "{waited}");
}

#[tokio::test]
async fn a_service_that_asks_for_too_much_patience_is_left() {
    let server = serve(Fake::new(&["one"]));
    let busy = Reply::json(429, json!({})).header("Retry-After", "86400");
    server.fault("GET", "/projects", 1, FaultKind::Answer(busy));
    let (packet, clock) = client(&server, TOKEN);
    assert_eq!(packet.projects().await.unwrap_err().status, Some(429));
    assert_eq!(clock.waited(), Duration::ZERO);
}

#[tokio::test]
async fn a_device_whose_answer_was_lost_is_not_asked_for_again() {
    let fake = Fake::new(&["one"]);
    let project = fake.project(0);
    let server = serve(fake);
    server.fault("POST", "/devices", 1, FaultKind::Lost);
    let (packet, _) = client(&server, TOKEN);
    let failure = packet
        .create_device(&project, &new_device("worker-0"))
        .await
        .unwrap_err();
    assert!(failure.perhaps_done);
    assert_eq!(server.count("POST"), 1);
    assert_eq!(packet.devices(&project, Some("worker")).await.unwrap().len(), 1);
}

#[tokio::test]
async fn refusals_name_resource_field_value_and_cure() {
    let mut fake = Fake::new(&["one"]);
    let locked = fake.add(0, "locked", &[]);
    fake.change(&locked, |device| device["locked"] = json!(true));
    let project = fake.project(0);
    let server = serve(fake);
    let (packet, _) = client(&server, TOKEN);
    let mut device = new_device("worker-0");
    device.plan = "c9.huge".into();
    let refused = packet.create_device(&project, &device).await.unwrap_err();
    assert_eq!(
        Error::from(refused).to_string(),
        "error: Packet: cannot create the device worker-0\n  \
         cause: Packet answered 422 Unprocessable Entity\n  \
         cause: `plan` (sent: \"c9.huge\"): plan is not available in this location\n  \
         help: correct the value named above where it was set, then run again\n"
    );
    let refused = packet.delete_device(&locked).await.unwrap_err();
    assert!(refused.says("Cannot delete a locked item"));
    let refused = Error::from(packet.device("none").await.unwrap_err()).to_string();
    assert!(
        refused.contains("read the device none") && refused.contains("404 Not Found"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_wrong_token_is_told_without_showing_it() {
    let server = serve(Fake::new(&["one"]));
    let echo = Reply::json(401, json!({"error": "bad token wrong-token-value"}));
    server.fault("GET", "/projects", 1, FaultKind::Answer(echo));
    let (packet, _) = client(&server, "wrong-token-value");
    for _ in 0..2 {
        let text = Error::from(packet.projects().await.unwrap_err()).to_string();
        assert!(text.contains("METAL_AUTH_TOKEN or METAL_API_TOKEN"), "{text}");
        assert!(!text.contains("wrong-token-value"), "{text}");
    }
    assert!(!format!("{packet:?}").contains("wrong-token-value"));
}

#[tokio::test]
async fn calls_run_side_by_side_so_that_a_slow_service_is_bearable() {
    let names: Vec<String> = (0..6).map(|number| format!("p{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let fake = Fake::new(&names);
    let projects: Vec<String> = (0..6).map(|at| fake.project(at)).collect();
    let server = serve(fake);
    server.fault("GET", "/devices", 6, FaultKind::Slow(Duration::from_millis(500)));
    let (packet, _) = client(&server, TOKEN);
    let start = std::time::Instant::now();
    let calls = projects.iter().map(|project| packet.devices(project, None));
    let found = futures::future::try_join_all(calls).await.unwrap();
    assert_eq!(found.len(), 6);
    assert!(
        start.elapsed() < Duration::from_millis(2000),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn a_service_that_is_not_there_is_given_up_soon() {
    let server = serve(Fake::new(&["one"]));
    server.fault("GET", "/projects", 9, FaultKind::Lost);
    let (packet, clock) = client(&server, TOKEN);
    let failure = packet.projects().await.unwrap_err();
    assert_eq!(failure.status, None);
    assert_eq!(server.count("GET"), 3);
    assert!(clock.waited() < Duration::from_secs(5));
    let text = Error::from(failure).to_string();
    assert!(
        text.contains("cannot list the projects") && text.contains("METAL_API_URL"),
        "{text}"
    );
}
