//! Random playbooks end alike with both programs.

use super::{ansible, installed, output, project};

/// Seeds of the playbooks; other ones may be tried by hand with `tests/ansible/random_playbooks.py`.
const SEEDS: [&str; 2] = ["0", "9"];

#[test]
#[ignore = "needs Ansible: tests/ansible/install.sh brings it from PyPI"]
fn random_playbooks_end_as_with_ansible() {
    let programs = installed().join("venv/bin");
    let told = output(
        ansible("python3")
            .arg(project().join("tests/ansible/random_playbooks.py"))
            .arg(env!("CARGO_BIN_EXE_vent"))
            .arg(programs.join("ansible-playbook"))
            .args(SEEDS),
    );
    print!("{told}");
}
