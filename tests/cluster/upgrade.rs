//! A cluster that version 0.1.0 built becomes one of this version by `all.yml`, and nobody who uses it notices.

use super::machines::Cluster;
use super::tree::{Digests, Exceptions, Tree, differences};
use super::truth::NODES;
use crate::lists;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use vent::event::Status;

/// What somebody has on the cluster that no playbook of ours knows: a web server of two pods behind a Service.
const SHOP: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: IMAGE
          imagePullPolicy: Never
          args: [netexec, --http-port=8080]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  type: NodePort
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
";

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Builds a cluster with the program and the playbooks that lie in the folder `VENT_FORMER`, and goes on with those of today.
pub fn from_0_1_0() {
    let former = PathBuf::from(
        std::env::var_os("VENT_FORMER").expect("VENT_FORMER names a folder with version 0.1.0, built"),
    );
    let cluster = Cluster::trial("upgrade", NODES);
    build_with(&former, &cluster);
    open_shop(&cluster);
    let requests = Requests::begin(&cluster);
    let run = cluster.run("all", &[]);
    let (answered, failed) = requests.end();
    println!(
        "{answered} requests were answered during the change, {} were not",
        failed.len()
    );
    let run = run.succeeded();
    println!(
        "{} of {} results changed something",
        run.with(Status::Changed).len(),
        run.tasks().count()
    );
    assert_eq!(failed, Vec::<String>::new());
    assert!(answered > 100, "only {answered} requests");
    assert!(
        cluster
            .run("all", &[])
            .succeeded()
            .with(Status::Changed)
            .is_empty()
    );
    let changed = trees(&cluster);

    // What this version makes of bare machines, with the same keys.
    cluster.lab(&["reset"]);
    cluster.run("all", &[]).succeeded();
    let all = ["tests/cluster/left-by-0.1.0.txt", "tests/volatile-paths.txt"].map(lists::read);
    let but = Exceptions::of(all.iter().flatten().map(|entry| entry.0.as_str()));
    let mut found = vec![];
    for ((node, changed), (_, new)) in changed.iter().zip(trees(&cluster)) {
        found.extend(
            differences(&new, changed, &but)
                .into_iter()
                .map(|line| format!("{node}: {line}")),
        );
    }
    assert!(found.is_empty(), "new, and changed from 0.1.0: {found:#?}");
}

/// The cluster as 0.1.0 makes it on these machines, with its keys where those of this version lie.
fn build_with(former: &Path, cluster: &Cluster) {
    // Whoever goes on with a new version goes on in the same folder.
    let (kept, theirs) = (cluster.folder(), former.join(".vent"));
    std::fs::create_dir_all(&kept).unwrap();
    std::fs::create_dir_all(&theirs).unwrap();
    let link = theirs.join("upgrade");
    let _ = std::fs::remove_file(&link);
    std::os::unix::fs::symlink(kept.canonicalize().unwrap(), link).unwrap();
    let inventory = cluster.inventory_with(&former.join("inventory/group_vars"));
    let output = Command::new(former.join("target/release/vent"))
        .current_dir(former)
        .args(["run", "playbooks/all.yml", "-e", "cluster_name=upgrade", "-i"])
        .arg(inventory.path().join("lab.yml"))
        .env("VENT_STATE", cluster.state())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat())
    );
}

fn open_shop(cluster: &Cluster) {
    let image = [
        "--namespace=vent-smoke",
        "get",
        "deployment",
        "web",
        "-o",
        "jsonpath={.spec.template.spec.containers[0].image}",
    ];
    let image = cluster.kubectl(&image);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), SHOP.replace("IMAGE", &image)).unwrap();
    cluster.kubectl(&["apply", "-f", file.path().to_str().unwrap()]);
    cluster.kubectl(&[
        "--namespace=shop",
        "rollout",
        "status",
        "--timeout=120s",
        "deployment/web",
    ]);
    // Rules of the kernel follow the pods by a moment.
    std::thread::sleep(Duration::from_secs(2));
}

fn trees(cluster: &Cluster) -> Vec<(String, Tree)> {
    let mut digests = Digests::default();
    let nodes = ["controller-0", "worker-0", "worker-1"];
    nodes
        .map(|node| (node.to_string(), digests.tree(&cluster.upper(node))))
        .to_vec()
}

/// Somebody who asks the shop again and again, at each node in turn.
struct Requests {
    ended: Arc<AtomicBool>,
    thread: JoinHandle<(usize, Vec<String>)>,
}

impl Requests {
    fn begin(cluster: &Cluster) -> Requests {
        let port = cluster.kubectl(&[
            "--namespace=shop",
            "get",
            "service",
            "web",
            "-o",
            "jsonpath={.spec.ports[0].nodePort}",
        ]);
        let nodes = cluster.kubectl(&["get", "nodes", "-o", "jsonpath={.items[*].metadata.name}"]);
        let addresses: Vec<SocketAddr> = nodes
            .split_whitespace()
            .map(|node| format!("{}:{port}", cluster.addresses(node)[0]).parse().unwrap())
            .collect();
        let ended = Arc::new(AtomicBool::new(false));
        let end = ended.clone();
        let thread = std::thread::spawn(move || {
            let (mut answered, mut failed, begun) = (0, vec![], Instant::now());
            for address in addresses.iter().cycle() {
                if end.load(Ordering::SeqCst) {
                    break;
                }
                match ask(*address) {
                    Ok(()) => answered += 1,
                    Err(error) => failed.push(format!(
                        "{address} after {:.1} s: {error}",
                        begun.elapsed().as_secs_f64()
                    )),
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            (answered, failed)
        });
        Requests { ended, thread }
    }

    fn end(self) -> (usize, Vec<String>) {
        self.ended.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

fn ask(address: SocketAddr) -> std::io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /hostname HTTP/1.0\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    match text.lines().next() {
        Some(line) if line.ends_with("200 OK") => Ok(()),
        line => Err(std::io::Error::other(format!("{line:?}"))),
    }
}
