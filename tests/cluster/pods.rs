//! What pods reach of the machines of the built cluster: tried from within a pod of each node.

use super::machines::Cluster;
use std::collections::BTreeSet;
use vent::words;

const NODES: [&str; 3] = ["controller-0", "worker-0", "worker-1"];

/// SSH, a client's and a member's door of etcd, the API server, the kubelet.
const PORTS: [u16; 5] = [22, 2379, 2380, 6443, 10250];

/// The beginning of a datagram that is no VXLAN: the words `vent-try`.
const DATAGRAM: &str = "0x76656e742d747279";

/// A pod of every node finds at each address of each machine what pods may use, and nothing else; a machine finds the rest as well.
pub fn reach_no_shell_no_store_and_no_vxlan() {
    let cluster = Cluster::of_the_project();
    let addresses = addresses(&cluster);
    let places: Vec<String> = addresses
        .iter()
        .flat_map(|address| PORTS.map(|port| format!("{address}/{port}")))
        .collect();
    let datagrams: String = addresses
        .iter()
        .map(|address| datagram_to(address) + "; ")
        .collect();

    let [[_, controller], [_, worker]] = ["controller-0", "worker-1"].map(|node| cluster.addresses(node));
    let at = |address: &str, port: u16| format!("{address}/{port}");
    let machine = let_in(&cluster, "worker-0", "$$", &places);
    for place in [at(&controller, 2379), at(&controller, 2380), at(&worker, 22)] {
        assert!(
            machine.contains(&place),
            "no machine reaches {place}: {machine:?}"
        );
    }
    count_datagrams(&cluster);
    let mut reached = vec![];
    for node in NODES {
        let pod = "$(pgrep --full 'netexec --http-port=8080 --udp-port=8081' | head -1)";
        let found = let_in(&cluster, node, pod, &places);
        let forbidden = found.iter().filter(|place| is_forbidden(place));
        reached.extend(forbidden.map(|place| format!("{node} {place}")));
        for place in [at(&controller, 6443), at(&controller, 10250), at(&worker, 10250)] {
            assert!(
                found.contains(&place),
                "{node}: no pod reaches {place}: {found:?}"
            );
        }
        enter(&cluster, node, pod, &datagrams);
    }
    let of_pods = counted(&cluster);
    enter(&cluster, "worker-0", "$$", &datagram_to(&controller));
    let in_all = counted(&cluster);
    for node in NODES {
        cluster.on(node, "nft delete table inet vent_trial");
    }
    assert!(
        reached.is_empty() && of_pods == [0, 0, 0],
        "pods reach {reached:#?}, and VXLAN by {of_pods:?} datagrams"
    );
    assert_eq!(in_all, [1, 0, 0], "a datagram of a machine");
}

/// Of each machine its addresses in both networks of the lab, that of the bridge of its pods and that of its end of VXLAN.
fn addresses(cluster: &Cluster) -> Vec<String> {
    let mut all = vec![];
    for node in NODES {
        let said = cluster.on(node, "hostname --all-ip-addresses");
        let ipv4 = said.split_whitespace().filter(|address| !address.contains(':'));
        all.extend(ipv4.map(str::to_string));
    }
    assert_eq!(all.len(), 12, "{all:?}");
    all
}

fn datagram_to(address: &str) -> String {
    format!("echo vent-try >/dev/udp/{address}/8472")
}

fn is_forbidden(place: &str) -> bool {
    ["/22", "/2379", "/2380"].iter().any(|port| place.ends_with(port))
}

/// What a script says on a node in the network of a process: only the network is entered, for the pod's image has no shell.
fn enter(cluster: &Cluster, node: &str, process: &str, script: &str) -> String {
    let script = words::quote(script);
    cluster.on(
        node,
        &format!("process={process}; nsenter --net=/proc/$process/ns/net bash -c {script}"),
    )
}

/// Those of the places at which somebody in the network of a process is let in.
fn let_in(cluster: &Cluster, node: &str, process: &str, places: &[String]) -> BTreeSet<String> {
    let script = format!(
        "for place in {}; do timeout 2 bash -c \": </dev/tcp/$place\" 2>/dev/null && echo $place; done",
        places.join(" ")
    );
    let said = enter(cluster, node, process, &script);
    said.lines().map(str::to_string).collect()
}

/// Lets every machine count the trial's datagrams that its own rules let in.
fn count_datagrams(cluster: &Cluster) {
    let rules = format!(
        "table inet vent_trial {{\n chain input {{\n type filter hook input priority filter + 10\n \
         udp dport 8472 @th,64,64 {DATAGRAM} counter comment \"vent-try\"\n }}\n }}"
    );
    for node in NODES {
        cluster.on(node, &format!("echo {} | nft --file -", words::quote(&rules)));
    }
}

fn counted(cluster: &Cluster) -> [usize; 3] {
    NODES.map(|node| {
        let said = cluster.on(node, "nft list table inet vent_trial");
        let count = said.split("counter packets ").nth(1);
        let count = count.unwrap_or_else(|| panic!("{node} does not count: {said}"));
        count.split(' ').next().unwrap().parse().unwrap()
    })
}
