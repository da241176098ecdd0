//! Whether services run with what lies on the disk, and whether a run left anything behind.

use super::machines::Cluster;
use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

/// The units that the playbooks wrote on a node, and when each was started last: seconds since 1970, 0 if it does not run.
pub fn started(cluster: &Cluster, node: &str, upper: &Path) -> Vec<(String, f64)> {
    let folder = upper.join("etc/systemd/system");
    let mut units: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.ends_with(".service"))
        .collect();
    units.sort();
    if units.is_empty() {
        return vec![];
    }
    let script = format!(
        "for unit in {}; do echo \"$(systemctl is-active $unit) $(date +%s.%N --date \"$(systemctl show --timestamp=us+utc \
         --value -p ExecMainStartTimestamp $unit)\")\"; done",
        units.join(" ")
    );
    let said = cluster.on(node, &script);
    let times = said.lines().map(|line| match line.split_once(' ') {
        Some(("active", time)) => time.parse().unwrap_or(0.0),
        _ => 0.0,
    });
    units.into_iter().zip(times).collect()
}

/// A sentence for each service that does not run, or was started before the last change of its unit, of its program, or
/// of a file that its unit, or a configuration named there, names.
pub fn older_than_their_files(cluster: &Cluster, node: &str, upper: &Path) -> Vec<String> {
    let mut old = vec![];
    for (unit, started) in started(cluster, node, upper) {
        if started == 0.0 {
            old.push(format!("{node}: {unit} does not run"));
        }
        for path in files_of(upper, &format!("/etc/systemd/system/{unit}")) {
            let data = std::fs::metadata(upper.join(&path[1..])).unwrap();
            let changed = data.ctime() as f64 + data.ctime_nsec() as f64 / 1e9;
            if changed > started {
                old.push(format!(
                    "{node}: {unit} was started {:.3} s before {path} changed",
                    changed - started
                ));
            }
        }
    }
    old
}

/// A unit, what it names, and what the configurations among those name.
fn files_of(upper: &Path, unit: &str) -> BTreeSet<String> {
    let mut files: BTreeSet<String> = [unit.to_string()].into();
    let named = named_in(upper, unit);
    for file in named.iter().filter(|file| file.starts_with("/etc/")) {
        let in_turn = named_in(upper, file);
        files.extend(in_turn.into_iter().filter(|file| file.starts_with("/etc/")));
    }
    files.extend(named);
    files
}

/// The programs and configurations that a text names.
fn named_in(upper: &Path, file: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(upper.join(&file[1..])).unwrap_or_default();
    text.split(|c: char| !(c.is_ascii_alphanumeric() || "/._-".contains(c)))
        .filter(|word| ["/etc/", "/usr/"].iter().any(|folder| word.starts_with(folder)))
        .filter(|word| upper.join(&word[1..]).is_file())
        .map(str::to_string)
        .collect()
}

/// A sentence for each thing that a run left on a node: processes, locks of the package manager, temporary files.
pub fn remains(cluster: &Cluster, node: &str, upper: &Path) -> Vec<String> {
    // Whoever logged in and is not this look itself. A shell ends when its connection does, which takes a moment.
    let script = "ps -eo sid=,unit:30=,args= | awk -v own=$(ps -o sid= $$) '$2 == \"ssh.service\" && $1 != own && $3 != \"sshd:\"'";
    let mut processes = cluster.on(node, script);
    for _ in 0..20 {
        if processes.is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(500));
        processes = cluster.on(node, script);
    }
    let mut left: Vec<String> = processes
        .lines()
        .map(|line| format!("{node}: process {line}"))
        .collect();
    let locks = cluster.on(
        node,
        "dpkg --audit; apt-get check >/dev/null 2>&1 || echo apt-get check fails",
    );
    left.extend(locks.lines().map(|line| format!("{node}: packages: {line}")));
    let temporary = std::process::Command::new("find")
        .arg(upper)
        .args([
            "-name",
            ".vent*",
            "-o",
            "-name",
            "*.vent.*",
            "-o",
            "-name",
            "*.dpkg-new",
            "-o",
            "-path",
            "*/var/lib/vent/debts/*",
        ])
        .output()
        .unwrap();
    left.extend(
        String::from_utf8_lossy(&temporary.stdout)
            .lines()
            .map(|line| format!("{node}: {line} is left")),
    );
    // The lock of an account stays.
    let folder = cluster.on(
        node,
        "find /tmp -mindepth 1 -not -path '/tmp/.*' -not -path '/tmp/systemd-private-*' -not -path '/tmp/vent-*'",
    );
    left.extend(folder.lines().map(|line| format!("{node}: {line} is left")));
    left
}
