//! The shipped programs out of a full mirror, where there is nothing but this computer: a namespace of the network that has only
//! its loopback. Needs all programs in the cache, and root; `.ci/run` runs it once the cluster stands.

use super::bench::{Server, sha256};
use crate::anew;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use vent::artifact::{Architecture, Lock, Manifest};

/// The folder with the mirror, given to this test where it is started anew inside the namespace.
const INSIDE: &str = "VENT_TEST_MIRROR";

/// A machine that is this computer.
const HOSTS: &str =
    "controllers: {hosts: {controller-0: {ansible_connection: local, private_ipv4: 127.0.0.1}}}\n";

/// The program that is tested: the one named by `VENT`, or the one built with the test.
fn program() -> PathBuf {
    std::env::var_os("VENT").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_vent")), PathBuf::from)
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What a command printed, and whether it succeeded.
fn run(command: &mut Command) -> (String, bool) {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        String::from_utf8_lossy(&text).into_owned(),
        output.status.success(),
    )
}

fn succeeded(command: &mut Command) -> String {
    let (text, success) = run(command);
    assert!(success, "{command:?}\n{text}");
    text
}

#[test]
#[ignore = "needs the programs of the cluster in the cache, and root"]
fn with_a_full_mirror_the_programs_come_without_a_way_out() {
    if let Some(mirror) = std::env::var_os(INSIDE) {
        return inside(Path::new(&mirror));
    }
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    let mirror = folder.path().join("mirror");
    let export = ["artifacts", "export", "--arch", "amd64"];
    succeeded(
        Command::new(program())
            .current_dir(project())
            .args(export)
            .arg(&mirror),
    );
    let name = "artifacts::mirror::with_a_full_mirror_the_programs_come_without_a_way_out";
    anew::start(name, &["unshare", "--net", "--"], (INSIDE, &mirror));
}

fn inside(mirror: &Path) {
    succeeded(Command::new("ip").args(["link", "set", "dev", "lo", "up"]));
    let folder = mirror.display().to_string();
    let bench = Bench::new();
    let outside = bench.succeeds(&folder);
    bench.holds_what_is_locked(mirror);
    assert_eq!(counted("Tcp", "ActiveOpens"), 0);
    // Where all is there, nobody is asked for programs: what is left is how facts are gathered.
    let facts_only = bench.succeeds(&folder);
    assert_eq!(outside, facts_only);

    let bench = Bench::new();
    let server = Server::of_folder(mirror);
    let outside = bench.succeeds(&format!("http://{}", server.address));
    assert_eq!(outside, facts_only);
    bench.holds_what_is_locked(mirror);
    assert_eq!(counted("Tcp", "ActiveOpens"), server.visits());

    // The mirror's files are links to those of the cache, which must stay as they are.
    let runc = program_in(mirror, "runc");
    std::fs::remove_file(&runc).unwrap();
    std::fs::write(&runc, "another").unwrap();
    let (told, success, outside) = Bench::new().step(&folder);
    assert!(!success && told.contains("wrong digest of runc "), "{told}");
    assert_eq!(outside, facts_only, "another source was asked");

    std::fs::remove_file(&runc).unwrap();
    let (told, success, _) = Bench::new().step(&folder);
    let mirrored = format!("{}: no such file", runc.display());
    for cause in ["for amd64 cannot be had", &mirrored, "build: "] {
        assert!(!success && told.contains(cause), "{cause}\n{told}");
    }
}

/// Where a mirror keeps a program.
fn program_in(mirror: &Path, name: &str) -> PathBuf {
    let manifest = Manifest::load(&project().join("artifacts")).unwrap();
    let key = manifest.find(name, None).unwrap().key(Architecture::Amd64);
    mirror.join(key.path())
}

/// A number that the kernel counts in this namespace (`/proc/net/snmp`).
fn counted(protocol: &str, counter: &str) -> usize {
    let text = std::fs::read_to_string("/proc/net/snmp").unwrap();
    let mut lines = text
        .lines()
        .filter(|line| line.starts_with(&format!("{protocol}:")));
    let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
    let at = names.split(' ').position(|name| name == counter).unwrap();
    values.split(' ').nth(at).unwrap().parse().unwrap()
}

/// An empty cache, and an empty folder of a cluster.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        std::fs::write(folder.path().join("hosts.yml"), HOSTS).unwrap();
        let variables = project().join("inventory/group_vars");
        std::os::unix::fs::symlink(variables, folder.path().join("group_vars")).unwrap();
        Bench { folder }
    }

    /// The step that brings the programs, with this mirror: what it told, whether it succeeded, how often it called outside.
    fn step(&self, mirror: &str) -> (String, bool, usize) {
        let before = outside();
        let program = program();
        let folders = std::env::var("PATH").unwrap();
        let cluster = self.folder.path().join("cluster");
        let (told, success) = run(Command::new(&program)
            .current_dir(project())
            .args(["run", "--no-needs", "playbooks/02-artifacts.yml", "-i"])
            .arg(self.folder.path().join("hosts.yml"))
            .args(["-e", &format!("vent_mirror={mirror}")])
            .args(["-e", &format!("cluster_folder={}", cluster.display())])
            .env("VENT_CACHE", self.folder.path().join("cache"))
            // Nothing can be built: no sources are here, and none can be had.
            .env("GOMODCACHE", self.folder.path().join("modules"))
            .env("GOPROXY", "off")
            .env(
                "PATH",
                format!("{}:{folders}", program.parent().unwrap().display()),
            ));
        (told, success, outside() - before)
    }

    /// The same, which must succeed; how often it called outside.
    fn succeeds(&self, mirror: &str) -> usize {
        let (told, success, outside) = self.step(mirror);
        assert!(success, "{told}");
        outside
    }

    /// Every program that the step wants is there, as the project's lock has it. Images are put together here, of parts as it has
    /// them, and are what the mirror's own lock has.
    fn holds_what_is_locked(&self, mirror: &Path) {
        let manifest = Manifest::load(&project().join("artifacts")).unwrap();
        let lock = Lock::load(&project().join("artifacts")).unwrap();
        let own = Lock::load(mirror).unwrap();
        let mut images = BTreeSet::new();
        let mut programs = BTreeSet::new();
        for platform in std::fs::read_dir(self.folder.path().join("cluster/artifacts")).unwrap() {
            let platform = platform.unwrap();
            let variant = platform.file_name().into_string().unwrap();
            let variant = variant.strip_prefix("amd64-");
            for file in std::fs::read_dir(platform.path()).unwrap() {
                let file = file.unwrap();
                let name = file.file_name().into_string().unwrap();
                let key = manifest.find(&name, variant).unwrap().key(Architecture::Amd64);
                let digest = sha256(&file.path());
                if lock.digests(&key).is_some() {
                    assert!(lock.origin_of(&key, &digest).is_some(), "{key} has {digest}");
                    programs.insert(name);
                } else {
                    assert!(own.origin_of(&key, &digest).is_some(), "{key} has {digest}");
                    images.insert(name);
                }
            }
        }
        println!("{} programs, {} images as locked", programs.len(), images.len());
        assert!(programs.len() >= 20, "{programs:?}");
        let tars = ["agnhost.tar", "coredns.tar", "pause.tar"];
        assert_eq!(images, tars.map(String::from).into());
    }
}

/// Packets for other computers, and lookups of names.
fn outside() -> usize {
    counted("Ip", "OutNoRoutes") + counted("Udp", "OutDatagrams")
}
