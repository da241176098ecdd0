//! What begins on bare machines.

use super::{kills, truth};

#[test]
#[ignore = "needs the lab: bare machines, on which it builds the cluster"]
fn a_check_on_bare_machines_tells_the_truth() {
    truth::check_then_run();
}

#[test]
#[ignore = "needs the lab: makes one of its own"]
fn a_run_after_a_kill_ends_where_an_undisturbed_one_does() {
    kills::compare(
        "  controller-0: {address: 10, groups: [controllers]}\n",
        &["00-hosts", "02-artifacts", "03-certificates", "06-etcd"],
        &["06-etcd"],
    );
}
