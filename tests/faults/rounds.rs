//! Rounds of faults: what is run, what is looked at afterwards, and the figures.

use super::disturbance::{FAULTS, Fault};
use super::watcher::Watcher;
use crate::cluster::machines::Cluster;
use crate::cluster::services;
use crate::cluster::tree::{Digests, Exceptions, Tree, differences};
use crate::lists;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What the passwords of the playbook of forty tasks begin with.
const SECRET: &str = "hunter-of-faults";

/// Trees by where they lie: each node, and what this computer keeps of a cluster.
type Trees = BTreeMap<String, Tree>;

/// What is run.
pub enum Scenario<'a> {
    /// Forty tasks that put release 1 or 2 of an application on three machines, by turns.
    Release {
        /// The folder with what they put there.
        made: &'a Path,
    },
    /// The whole cluster, on bare machines.
    Cluster,
}

/// The machines of a trial.
pub struct Machines {
    cluster: Cluster,
    names: Vec<String>,
}

impl Machines {
    /// A lab of its own, up.
    pub fn new(name: &str, nodes: &str) -> Machines {
        let names = nodes
            .lines()
            .filter_map(|line| Some(line.trim().split_once(':')?.0.into()));
        Machines {
            names: names.collect(),
            cluster: Cluster::trial(name, nodes),
        }
    }
}

impl Scenario<'_> {
    /// What all runs need that are compared, and the machines before the first of them.
    fn begin(&self, machines: &Machines) {
        if let Scenario::Cluster = self {
            // Keys and the networks' numbers are made once, so that all rounds give the machines the same files.
            for playbook in ["05-encryption-key", "03-certificates"] {
                machines.cluster.run(playbook, &["--no-needs"]).succeeded();
            }
        }
    }

    /// How often it has to be run before its trees are known, and before each round begins where it should.
    fn turns(&self) -> usize {
        match self {
            Scenario::Release { .. } => 3,
            Scenario::Cluster => 1,
        }
    }

    /// The machines before a run.
    fn prepare(&self, machines: &Machines) {
        if let Scenario::Cluster = self {
            machines.cluster.lab(&["reset"]);
            for folder in ["kubeconfigs", "artifacts", "bin"] {
                let _ = std::fs::remove_dir_all(machines.cluster.folder().join(folder));
            }
        }
    }

    /// Whose tree the next run ends with: the other release, 1 or 2; of a cluster there is only one, 1.
    fn next(&self, last: usize) -> usize {
        match self {
            Scenario::Release { .. } => 3 - last,
            Scenario::Cluster => last,
        }
    }

    fn command(&self, machines: &Machines, which: usize) -> Command {
        match self {
            Scenario::Release { made } => {
                let mut command =
                    machines
                        .cluster
                        .vent(&["run", "tests/faults/site.yml", "--output", "json"]);
                command.args(["--vault-password-file", "tests/faults/vault-password"]);
                command.args(["-e", &format!("release={which} made={}", made.display())]);
                command
            }
            Scenario::Cluster => machines.cluster.playbook("all", &[]),
        }
    }

    /// Whether all who write on the machines sync what they write before they call it done, as Vent does. `apt` and `dpkg` do
    /// not: a broken disk leaves them empty and cut off files that they take for whole.
    fn syncs(&self) -> bool {
        matches!(self, Scenario::Release { .. })
    }

    /// Where all files come from Vent, and none from programs that it calls.
    fn watched(&self) -> &'static [&'static str] {
        match self {
            Scenario::Release { .. } => &["/etc/app", "/opt/app/share", "/etc/systemd/system", "/home/app"],
            Scenario::Cluster => &[
                "/etc/etcd",
                "/etc/kubernetes",
                "/etc/containerd",
                "/etc/cni",
                "/etc/systemd/system",
                "/usr/local/bin",
            ],
        }
    }

    /// How long a run may take, whatever happens.
    fn patience(&self) -> Duration {
        match self {
            Scenario::Release { .. } => Duration::from_secs(300),
            Scenario::Cluster => Duration::from_secs(1200),
        }
    }

    /// What must stand in no record of anything.
    fn secrets(&self, machines: &Machines) -> Vec<String> {
        let Scenario::Cluster = self else {
            return vec![SECRET.into()];
        };
        let keys = std::fs::read_dir(machines.cluster.folder().join("pki")).unwrap();
        let keys = keys.flatten().map(|entry| entry.path());
        keys.filter(|path| path.to_string_lossy().ends_with("-key.pem"))
            .filter_map(|path| Some(std::fs::read_to_string(path).unwrap().lines().nth(1)?.to_string()))
            .collect()
    }

    fn exceptions(&self) -> Exceptions {
        let own = lists::read("tests/faults/volatile-paths.txt");
        let all = lists::read("tests/volatile-paths.txt");
        Exceptions::of(own.iter().chain(&all).map(|entry| entry.0.as_str()))
    }
}

/// A run that has ended, and what it said.
struct Ended {
    code: Option<i32>,
    seconds: f64,
    said: String,
}

/// The rounds of one scenario.
struct Trial<'a> {
    scenario: &'a Scenario<'a>,
    machines: &'a Machines,
    seed: String,
    but: Exceptions,
    expected: BTreeMap<usize, Trees>,
    /// Seconds that an undisturbed run takes.
    seconds: f64,
    output: TempDir,
}

/// What came of the rounds of a fault.
#[derive(Default)]
struct Figures {
    rounds: usize,
    ended_well: usize,
    converged: usize,
}

/// So many rounds of each fault.
pub fn all(scenario: &Scenario<'_>, machines: &Machines, each: usize) {
    let (seed, first) = asked();
    let mut trial = Trial {
        scenario,
        machines,
        seed,
        but: scenario.exceptions(),
        expected: BTreeMap::new(),
        seconds: 0.0,
        output: tempfile::tempdir().unwrap(),
    };
    println!(
        "seed {}, {each} rounds of each of {} faults",
        trial.seed,
        FAULTS.len()
    );
    scenario.begin(machines);
    let mut last = trial.undisturbed();
    let mut figures: BTreeMap<Fault, Figures> = BTreeMap::new();
    let mut wrong = vec![];
    for round in first..each * FAULTS.len() {
        let fault = FAULTS[round % FAULTS.len()];
        let which = scenario.next(last);
        let (ended_well, found) = trial.round(round, fault, which);
        let figures = figures.entry(fault).or_default();
        figures.rounds += 1;
        figures.ended_well += usize::from(ended_well);
        figures.converged += usize::from(found.is_empty());
        last = which;
        if !found.is_empty() {
            println!("  {}", found.join("\n  "));
            wrong.push(format!("round {round}: {}", found.join("; ")));
            machines.cluster.lab(&["reset"]);
            last = trial.undisturbed();
        }
    }
    println!(
        "{:24} {:>6} {:>26} {:>28}",
        "fault", "rounds", "the run ended well anyway", "the next as an undisturbed"
    );
    for (fault, figures) in &figures {
        let Figures {
            rounds,
            ended_well,
            converged,
        } = figures;
        println!("{:24} {rounds:>6} {ended_well:>26} {converged:>28}", fault.name());
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The seed and the first round: those that are asked for, or a seed of this moment.
fn asked() -> (String, usize) {
    let Ok(asked) = std::env::var("VENT_FAULTS") else {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        return (now.as_secs().to_string(), 0);
    };
    match asked.split_once(':') {
        Some((seed, round)) => (seed.into(), round.parse().unwrap()),
        None => (asked, 0),
    }
}

impl Trial<'_> {
    /// A number below `below`, drawn for a purpose.
    fn draw(&self, round: usize, purpose: &str, below: u64) -> u64 {
        let digest = vent::content::digest_of(format!("{} {round} {purpose}", self.seed).as_bytes());
        u64::from_str_radix(&digest[..8], 16).unwrap() % below
    }

    /// Runs without faults until all trees are known; gives the last.
    fn undisturbed(&mut self) -> usize {
        let mut which = 1;
        for _ in 0..self.scenario.turns() {
            self.scenario.prepare(self.machines);
            let run = self.run(which);
            assert_eq!(run.code, Some(0), "{}", run.said);
            self.seconds = run.seconds;
            assert_eq!(self.left_over(), Vec::<String>::new());
            let trees = self.trees();
            self.expected.insert(which, trees);
            which = self.scenario.next(which);
        }
        println!("an undisturbed run takes {:.1} s", self.seconds);
        self.scenario.next(which)
    }

    fn run(&self, which: usize) -> Ended {
        let begun = Instant::now();
        let (mut child, output) = self.start(which);
        let code = self.wait(&mut child);
        Ended {
            code: code.and_then(|status| status.code()),
            seconds: begun.elapsed().as_secs_f64(),
            said: said(&output),
        }
    }

    fn start(&self, which: usize) -> (Child, [PathBuf; 2]) {
        let output = ["events", "errors"].map(|name| self.output.path().join(name));
        let file = |path: &PathBuf| Stdio::from(std::fs::File::create(path).unwrap());
        let child = self
            .scenario
            .command(self.machines, which)
            .stdin(Stdio::null())
            .stdout(file(&output[0]))
            .stderr(file(&output[1]))
            .spawn()
            .unwrap();
        (child, output)
    }

    /// Waits for a run, which is killed if it takes longer than it may.
    fn wait(&self, child: &mut Child) -> Option<std::process::ExitStatus> {
        let begun = Instant::now();
        while begun.elapsed() < self.scenario.patience() {
            if let Some(status) = child.try_wait().unwrap() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        None
    }

    /// One round: whether the disturbed run ended well, and what is wrong after the next one.
    fn round(&mut self, round: usize, fault: Fault, which: usize) -> (bool, Vec<String>) {
        let machines = self.machines;
        let names = &machines.names;
        let node = &names[usize::try_from(self.draw(round, "node", names.len() as u64)).unwrap()];
        let moment = self.seconds * self.draw(round, "moment", 1000) as f64 / 1000.0;
        self.scenario.prepare(machines);
        let mut watchers = self.watchers();
        let begun = Instant::now();
        let (mut child, output) = self.start(which);
        std::thread::sleep(Duration::from_secs_f64(moment));
        if fault == Fault::ReadOnly && !self.scenario.syncs() {
            flush(&machines.cluster.disk(node));
        }
        fault.strike(&machines.cluster, node, &mut child);
        let status = self.wait(&mut child);
        let seconds = begun.elapsed().as_secs_f64();
        let mut found = self.bad_words("the disturbed run", &said(&output));
        if status.is_none() {
            found.push("the disturbed run did not end".into());
        }
        // A node that is stopped is unmounted: nobody may look at its tree.
        let seen: Vec<String> = watchers.drain(..).flat_map(Watcher::seen).collect();
        fault.heal(&machines.cluster, node);
        let watchers = self.watchers();
        let next = self.run(which);
        let code = status.and_then(|status| status.code());
        println!(
            "round {round}: {} ({node}) at {moment:.1} s: ended {} after {seconds:.1} s; the next run {:.1} s",
            fault.name(),
            code.map_or_else(|| "by a signal".into(), |code| format!("with {code}")),
            next.seconds
        );
        if next.code != Some(0) {
            found.push(format!(
                "the next run ended with {:?}: {}",
                next.code,
                errors(&next.said)
            ));
        }
        found.extend(self.bad_words("the next run", &next.said));
        found.extend(seen);
        found.extend(watchers.into_iter().flat_map(Watcher::seen));
        found.extend(self.left_over());
        found.extend(self.differences(which));
        (code == Some(0), found)
    }

    fn watchers(&self) -> Vec<Watcher> {
        let roots = self
            .machines
            .names
            .iter()
            .map(|node| self.machines.cluster.disk(node).join("root"));
        roots
            .map(|root| Watcher::new(&root, self.scenario.watched()))
            .collect()
    }

    fn trees(&self) -> Trees {
        let cluster = &self.machines.cluster;
        let mut digests = Digests::default();
        let nodes = self.machines.names.iter();
        let mut trees: Trees = nodes
            .map(|node| (node.clone(), digests.tree(&cluster.upper(node))))
            .collect();
        if let Scenario::Cluster = self.scenario {
            trees.insert("this computer".into(), digests.tree(&cluster.folder()));
        }
        trees
    }

    fn differences(&self, which: usize) -> Vec<String> {
        let trees = self.trees();
        let expected = self.expected[&which].iter();
        expected
            .flat_map(|(place, expected)| {
                let differ = differences(expected, &trees[place], &self.but);
                differ.into_iter().map(move |line| format!("{place}: {line}"))
            })
            .collect()
    }

    /// Secrets in what was said or noted on the machines, locks that are held, services, processes and files that are left.
    fn left_over(&self) -> Vec<String> {
        let cluster = &self.machines.cluster;
        let secrets = self.scenario.secrets(self.machines).join("\n");
        let script = format!(
            "for file in /var/lib/vent/lock /var/lib/vent/lock.commands; do flock -n $file true || echo $file is held; done\n\
             cat >/run/secrets <<'E'\n{secrets}\nE\n\
             grep -rlF -f /run/secrets /var/log /run/log /tmp /var/tmp /var/lib/vent 2>/dev/null | sed 's/$/ holds a secret/'\n\
             journalctl --quiet | grep -qF -f /run/secrets && echo the journal holds a secret\nrm /run/secrets"
        );
        let mut found = vec![];
        for node in &self.machines.names {
            let upper = cluster.upper(node);
            found.extend(services::older_than_their_files(cluster, node, &upper));
            found.extend(services::remains(cluster, node, &upper));
            found.extend(
                cluster
                    .on(node, &script)
                    .lines()
                    .map(|line| format!("{node}: {line}")),
            );
        }
        found
    }

    fn bad_words(&self, run: &str, said: &str) -> Vec<String> {
        let mut found = vec![];
        if said.contains("panicked") {
            found.push(format!("{run} panicked: {}", errors(said)));
        }
        let secrets = self.scenario.secrets(self.machines);
        if secrets.iter().any(|secret| said.contains(secret)) {
            found.push(format!("{run} told a secret"));
        }
        found
    }
}

/// What has been written on a disk so far is there whatever happens to it.
fn flush(disk: &Path) {
    rustix::fs::syncfs(std::fs::File::open(disk).unwrap()).unwrap();
}

fn said(output: &[PathBuf; 2]) -> String {
    let texts = output
        .iter()
        .map(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned());
    texts.collect::<Vec<_>>().join("")
}

/// The reports of failed tasks, and what is no event.
fn errors(said: &str) -> String {
    let lines = said
        .lines()
        .filter_map(|line| match serde_json::from_str::<serde_json::Value>(line) {
            Ok(event) => Some(event.get("report")?.as_str()?.to_string()),
            Err(_) => Some(line.to_string()),
        });
    lines.collect::<Vec<_>>().join("\n")
}
