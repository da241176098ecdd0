//! `apt` after an interruption of the real dpkg, whose folders are others in a name space of mounts.

use super::playbook;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// A package without files. Its script kills the dpkg that configures it, once.
fn package(folder: &Path, name: &str, script: &str) {
    let control = folder.join(name).join("DEBIAN");
    std::fs::create_dir_all(&control).unwrap();
    let text =
        format!("Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: nobody\nDescription: nothing\n");
    std::fs::write(control.join("control"), text).unwrap();
    std::fs::write(control.join("postinst"), format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(control.join("postinst"), PermissionsExt::from_mode(0o755)).unwrap();
    let built = Command::new("dpkg-deb")
        .args(["-b", name])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(built.status.success(), "{built:?}");
}

#[test]
#[ignore = "needs root: has other folders of dpkg in a name space of mounts"]
fn apt_goes_on_after_dpkg_was_killed() {
    let folder = playbook(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - apt: { deb: FOLDER/vent-second.deb }\n      register: second\n    - assert: { that: second is changed }\n",
    );
    let path = folder.path();
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    let killed = path.join("killed");
    package(
        path,
        "vent-first",
        &format!(
            "[ -e {0} ] || {{ : >{0}; kill -9 $PPID; sleep 1; }}",
            killed.display()
        ),
    );
    package(path, "vent-second", ":");
    let script = "set -e
        cp -a /var/lib/dpkg dpkg; mkdir -p lib/lists/partial cache/archives/partial log/apt
        mount --bind dpkg /var/lib/dpkg; mount --bind lib /var/lib/apt; mount --bind cache /var/cache/apt; mount --bind log /var/log
        rm -f /var/lib/dpkg/updates/*
        if dpkg -i vent-first.deb; then exit 3; fi
        ls /var/lib/dpkg/updates | grep -q . || exit 4
        \"$0\" run site.yml -i localhost, || exit 5
        dpkg-query -W -f '${Status}\\n' vent-first vent-second";
    let output = Command::new("unshare")
        .args(["-m", "sh", "-c", script, env!("CARGO_BIN_EXE_vent")])
        .current_dir(path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let both = said.matches("install ok installed").count();
    assert_eq!(
        (output.status.code(), both),
        (Some(0), 2),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
