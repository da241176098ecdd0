//! A private sshd on 127.0.0.1 with keys of its own, in a temporary folder; gone when it is dropped.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use vent::connection::{Checking, Host, Target};

/// A running server.
pub struct Server {
    folder: tempfile::TempDir,
    child: Child,
    /// Where it listens.
    pub port: u16,
}

impl Server {
    /// An OpenSSH server; `more` are lines of its sshd_config.
    pub fn start(more: &str) -> Server {
        Server::launch(more, Command::new("/usr/sbin/sshd"))
    }

    /// An OpenSSH server whose sessions have a `/var/lib/vent` of their own, as other computers would.
    pub fn apart(more: &str) -> Server {
        std::fs::create_dir_all("/var/lib/vent").unwrap();
        let mut command = Command::new("unshare");
        let script = "mount -t tmpfs -o mode=755 tmpfs /var/lib/vent && exec /usr/sbin/sshd \"$@\"";
        command.args(["--mount", "sh", "-c", script, "sshd"]);
        Server::launch(more, command)
    }

    fn launch(more: &str, mut program: Command) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        keygen(&at.join("host"), &["-t", "ed25519"]);
        keygen(&at.join("key"), &["-t", "ed25519", "-C", "test key"]);
        std::fs::copy(at.join("key.pub"), at.join("authorized")).unwrap();
        open_to_all(at);
        let port = free_port();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {0}/host\nAuthorizedKeysFile {0}/authorized\nPidFile none\n\
             StrictModes no\nPermitRootLogin yes\nUsePAM no\nPrintMotd no\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nMaxStartups 100\n{more}\n",
            at.display()
        );
        // In sshd_config the first value counts.
        let config = format!("{more}\n{config}");
        std::fs::write(at.join("sshd_config"), config).unwrap();
        std::fs::create_dir_all("/run/sshd").unwrap();
        let child = program
            .args(["-D", "-e", "-f"])
            .arg(at.join("sshd_config"))
            .stdin(Stdio::null())
            .stderr(std::fs::File::create(at.join("log")).unwrap())
            .spawn()
            .expect("sshd is missing: apt-get install openssh-server openssh-client");
        Server { folder, child, port }.when_it_answers()
    }

    /// A dropbear server; it looks for authorized keys in the homes of its users.
    pub fn dropbear() -> Server {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        keygen(&at.join("key"), &["-t", "ed25519", "-C", "test key"]);
        let made = Command::new("dropbearkey")
            .args(["-t", "ed25519", "-f"])
            .arg(at.join("host"))
            .output();
        let made = made.expect("dropbear is missing: apt-get install dropbear-bin");
        let text = String::from_utf8_lossy(&made.stdout).into_owned();
        let public = text.lines().find(|line| line.starts_with("ssh-ed25519")).unwrap();
        std::fs::write(at.join("host.pub"), public).unwrap();
        let port = free_port();
        let child = Command::new("dropbear")
            .args(["-F", "-E", "-p", &format!("127.0.0.1:{port}"), "-r"])
            .arg(at.join("host"))
            .stdin(Stdio::null())
            .stderr(std::fs::File::create(at.join("log")).unwrap())
            .spawn()
            .unwrap();
        Server { folder, child, port }.when_it_answers()
    }

    fn when_it_answers(self) -> Server {
        for _ in 0..200 {
            if std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return self;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!(
            "the server does not start: {}",
            std::fs::read_to_string(self.path("log")).unwrap_or_default()
        );
    }

    /// A file of the server's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The text of a file of the server's folder.
    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Writes a file of the server's folder.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    /// The type and the blob of the host's public key.
    pub fn host_key(&self) -> String {
        let text = self.text("host.pub");
        text.split(' ')
            .take(2)
            .collect::<Vec<_>>()
            .join(" ")
            .trim()
            .to_string()
    }

    /// How root gets in: the key is known both ways.
    pub fn target(&self) -> Target {
        let line = format!("[127.0.0.1]:{} {}\n", self.port, self.host_key());
        self.write("known_hosts", &line);
        self.target_as_it_is_known()
    }

    /// How root gets in, if the file `known_hosts` as it is lets it.
    pub fn target_as_it_is_known(&self) -> Target {
        Target {
            agent: None,
            keys: vec![self.path("key")],
            known_hosts: vec![self.path("known_hosts")],
            host_key_checking: Checking::Strict,
            ..Target::ssh("web", "127.0.0.1", self.port, "root")
        }
    }

    /// The host as root.
    pub fn host(&self) -> Host {
        Host::new(self.target())
    }

    /// The process of the server.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Processes of the server that serve a session.
    pub fn sessions(&self) -> Vec<u32> {
        let out = Command::new("ps")
            .args(["-A", "-o", "pid=,ppid="])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let pairs = text.lines().filter_map(|line| {
            let mut words = line.split_whitespace().map(|word| word.parse::<u32>().unwrap());
            Some((words.next()?, words.next()?))
        });
        pairs
            .filter(|pair| pair.1 == self.child.id())
            .map(|pair| pair.0)
            .collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for session in self.sessions() {
            signal("KILL", session);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes a key pair.
pub fn keygen(path: &Path, options: &[&str]) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-N", ""])
        .args(options)
        .arg("-f")
        .arg(path)
        .output()
        .expect("ssh-keygen is missing: apt-get install openssh-client");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// Runs a program that must succeed; gives its output.
pub fn run(program: &str, arguments: &[&str]) -> String {
    let out = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// Sends a signal to a process.
pub fn signal(name: &str, process: u32) {
    let _ = Command::new("kill")
        .arg(format!("-{name}"))
        .arg(process.to_string())
        .stderr(Stdio::null())
        .status();
}

/// A port nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// The SHA256 fingerprint of a key file.
pub fn fingerprint(path: &Path) -> String {
    let text = run("ssh-keygen", &["-lf", path.to_str().unwrap()]);
    text.split(' ').nth(1).unwrap().to_string()
}

fn open_to_all(folder: &Path) {
    run("chmod", &["755", folder.to_str().unwrap()]);
}
