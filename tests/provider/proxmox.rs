//! The client of Proxmox.

use crate::fakes::proxmox::{BASE, Proxmox as Fake, SECRET, TOKEN_ID, USER};
use crate::fakes::{Server, VirtualClock};
use std::sync::Arc;
use std::time::Duration;
use vent::cloud::client::http::secret::Secret;
use vent::cloud::proxmox::client::guests::escaped_keys;
use vent::cloud::proxmox::client::{Access, Proxmox};
use vent::error::Error;

pub fn client(server: &Server, secret: &str) -> (Proxmox, Arc<VirtualClock>) {
    let clock = Arc::new(VirtualClock::default());
    let access = Access {
        url: Some(server.url(BASE)),
        user: Some(USER.into()),
        token_id: Some(TOKEN_ID.into()),
        token_secret: Some(Secret::new(secret)),
        ..Access::default()
    };
    let proxmox = Proxmox::with(&access, &|_| None, |settings| settings.clock = clock.clone());
    (proxmox.unwrap(), clock)
}

fn fake() -> Fake {
    let mut fake = Fake::default();
    fake.add(90, "debian-12", "qemu", true, "");
    fake.add(101, "controller-0", "qemu", false, "demo;controller");
    fake
}

#[tokio::test]
async fn a_guest_is_cloned_set_up_started_and_removed() {
    let mut fake = fake();
    fake.locks = 2;
    let server = Server::start(fake, None);
    let (proxmox, clock) = client(&server, SECRET);
    let guests = proxmox.guests().await.unwrap();
    let template = guests.iter().find(|guest| guest.template == 1).unwrap();
    proxmox
        .clone_guest(template, 120, "worker-0", vec![("full".into(), "1".into())])
        .await
        .unwrap();
    assert!(clock.waited() > Duration::from_secs(5));
    let guests = proxmox.guests().await.unwrap();
    let guest = guests.iter().find(|guest| guest.vmid == 120).unwrap();
    let keys = escaped_keys(&["ssh-ed25519 AAAA+/= me@host".to_string()]);
    let options = vec![
        ("sshkeys".to_string(), keys),
        ("tags".to_string(), "demo;worker".to_string()),
        (
            "ipconfig0".to_string(),
            "ip=10.0.10.120/24,gw=10.0.10.1".to_string(),
        ),
    ];
    proxmox.configure(guest, options).await.unwrap();
    proxmox.resize(guest, "scsi0", "+20G").await.unwrap();
    proxmox.power(guest, "start").await.unwrap();
    assert_eq!(proxmox.interfaces(guest).await.unwrap(), None);
    let interfaces = proxmox.interfaces(guest).await.unwrap().unwrap();
    assert_eq!(interfaces[1].ip_addresses[0].ip_address, "10.0.10.120");
    assert_eq!(proxmox.config(guest).await.unwrap()["tags"], "demo;worker");
    assert_eq!(proxmox.status(guest).await.unwrap()["status"], "running");
    let text = Error::from(proxmox.delete_guest(guest).await.unwrap_err()).to_string();
    assert!(text.contains("VM 120 is running - destroy failed"), "{text}");
    proxmox.power(guest, "stop").await.unwrap();
    proxmox.delete_guest(guest).await.unwrap();
    assert_eq!(proxmox.guests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_field_that_is_refused_is_named() {
    let server = Server::start(fake(), None);
    let (proxmox, _) = client(&server, SECRET);
    let guests = proxmox.guests().await.unwrap();
    let wrong = vec![("sshkeys".to_string(), "ssh-ed25519 AAAA".to_string())];
    let text = Error::from(proxmox.configure(&guests[1], wrong).await.unwrap_err()).to_string();
    assert!(
        text.contains("`sshkeys`: invalid format - invalid urlencoded string"),
        "{text}"
    );
    assert!(text.contains("Parameter verification failed."), "{text}");
}

#[tokio::test]
async fn a_failed_task_shows_its_log_and_warnings_are_no_failure() {
    let mut failing = fake();
    failing.fail_next = Some("told by the test".into());
    let server = Server::start(failing, None);
    let (proxmox, _) = client(&server, SECRET);
    let guests = proxmox.guests().await.unwrap();
    let text = Error::from(proxmox.power(&guests[1], "stop").await.unwrap_err()).to_string();
    assert!(text.contains("cannot stop controller-0"), "{text}");
    assert!(text.contains("TASK ERROR: told by the test"), "{text}");

    let mut warning = fake();
    warning.fail_next = Some("WARNINGS: 1".into());
    let server = Server::start(warning, None);
    let (proxmox, _) = client(&server, SECRET);
    let guests = proxmox.guests().await.unwrap();
    proxmox.power(&guests[1], "stop").await.unwrap();
}

#[tokio::test]
async fn a_wrong_token_is_told_by_the_reason_phrase() {
    let server = Server::start(fake(), None);
    let (proxmox, _) = client(&server, "wrong-secret-value");
    let text = Error::from(proxmox.nodes().await.unwrap_err()).to_string();
    assert!(text.contains("authentication failure"), "{text}");
    assert!(
        text.contains("PROXMOX_TOKEN_ID or PROXMOX_TOKEN_SECRET"),
        "{text}"
    );
    assert!(!format!("{text}{proxmox:?}").contains("wrong-secret-value"));
}
