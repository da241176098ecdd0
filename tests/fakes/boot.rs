//! Machines behind a stand-in: a server for SSH on this computer for each, with the host key it was given.

use russh::server::{Config, Handler, Server as _};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

/// Where a machine is reached.
#[derive(Clone, Debug)]
pub struct Addresses {
    pub public: String,
    pub private: String,
}

/// Starts a machine, from its name and user data; called once for each that is made.
pub type Boot = Box<dyn FnMut(&str, &str) -> Addresses + Send>;

/// A port that is free on all addresses of this computer.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Machines that only answer SSH, at 127.0.NET.1 and so on; what each was given is noted.
pub fn ssh_servers(net: u8, port: u16, given: Arc<Mutex<Vec<(String, String)>>>) -> Boot {
    let mut number: u16 = 0;
    Box::new(move |name, user_data| {
        let (block, host) = (number / 250, number % 250 + 1);
        number += 1;
        let address = format!("127.{block}.{net}.{host}");
        given
            .lock()
            .unwrap()
            .push((name.to_string(), user_data.to_string()));
        let key = private_key(user_data);
        serve(format!("{address}:{port}").parse().unwrap(), key);
        Addresses {
            public: address,
            private: format!("10.{}.{net}.{host}", 80 + block),
        }
    })
}

/// What cloud-init reads first in user data: the whole, or its first part.
pub fn cloud_config(user_data: &str) -> vent::value::Value {
    let start = user_data.find("#cloud-config").unwrap();
    let end = user_data[start..]
        .find("\n--==")
        .map_or(user_data.len(), |at| start + at + 1);
    let source = vent::source::Source::named("user data", user_data[start..end].to_string());
    let root = vent::yaml::parse_one(&source).unwrap().0.unwrap();
    root.value(&vent::vault::Vault::default()).unwrap()
}

/// The host key inside user data.
pub fn private_key(user_data: &str) -> String {
    let config = cloud_config(user_data);
    let key = config.get("ssh_keys").unwrap().get("ed25519_private").unwrap();
    key.as_str().unwrap().to_string()
}

/// A new host key: its private half, and kind and blob of its public one.
pub fn new_host_key() -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&path)
        .status();
    assert!(made.unwrap().success());
    let public = std::fs::read_to_string(path.with_extension("pub")).unwrap();
    let words: Vec<&str> = public.split_whitespace().take(2).collect();
    (std::fs::read_to_string(&path).unwrap(), words.join(" "))
}

struct Nobody;

impl Handler for Nobody {
    type Error = russh::Error;
}

struct Greeter;

impl russh::server::Server for Greeter {
    type Handler = Nobody;

    fn new_client(&mut self, _: Option<SocketAddr>) -> Nobody {
        Nobody
    }
}

/// Shows the host key to everybody and lets nobody in.
fn serve(address: SocketAddr, key: String) {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let config = Config {
                keys: vec![russh::keys::PrivateKey::from_openssh(&key).unwrap()],
                ..Config::default()
            };
            Greeter.run_on_address(Arc::new(config), address).await.unwrap();
        });
    });
}
