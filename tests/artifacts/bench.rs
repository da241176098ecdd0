//! What the tests of `vent artifacts` work with: a web server and a small project.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A web server that knows some files and counts its visitors.
#[derive(Clone)]
pub struct Server {
    pub address: String,
    visits: Arc<AtomicUsize>,
    files: Arc<Mutex<HashMap<String, Vec<u8>>>>,
    /// Where it finds what it was not told.
    folder: Option<PathBuf>,
}

impl Server {
    pub fn start() -> Server {
        Server::listening(None)
    }

    /// Serves the files of a folder.
    pub fn of_folder(folder: &Path) -> Server {
        Server::listening(Some(folder.into()))
    }

    fn listening(folder: Option<PathBuf>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = Server {
            address,
            visits: Arc::default(),
            files: Arc::default(),
            folder,
        };
        let this = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                this.visits.fetch_add(1, Ordering::SeqCst);
                let this = this.clone();
                std::thread::spawn(move || this.answer(stream.unwrap()));
            }
        });
        server
    }

    pub fn put(&self, path: &str, content: impl Into<Vec<u8>>) {
        self.files
            .lock()
            .unwrap()
            .insert(path.to_string(), content.into());
    }

    pub fn visits(&self) -> usize {
        self.visits.load(Ordering::SeqCst)
    }

    fn answer(&self, mut stream: TcpStream) {
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let request = lines.next().unwrap().unwrap();
        while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
        let path = request.split(' ').nth(1).unwrap().to_string();
        let known = self.files.lock().unwrap().get(&path).cloned();
        let file = || std::fs::read(self.folder.as_ref()?.join(path.trim_start_matches('/'))).ok();
        let (status, body) = match known.or_else(file) {
            Some(body) => ("200 OK", body),
            None => ("404 Not Found", Vec::new()),
        };
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
        stream.write_all(&body).unwrap();
    }
}

/// A project with one Go program `hello` (official at `server`), and an image of it.
pub struct Project {
    pub folder: PathBuf,
}

const MAIN: &str = "package main\n\nvar version string\n\nfunc main() { println(\"hello\", version) }\n";

impl Project {
    pub fn new(name: &str, server: &str) -> Project {
        let folder = std::env::temp_dir().join(format!("vent-artifacts-{name}-{}", std::process::id()));
        let module = folder.join("artifacts/hello");
        std::fs::create_dir_all(&module).unwrap();
        std::fs::write(module.join("main.go"), MAIN).unwrap();
        std::fs::write(module.join("go.mod"), "module hello\n\ngo 1.21\n").unwrap();
        let go = Command::new("go").args(["env", "GOVERSION"]).output().unwrap();
        let release = String::from_utf8(go.stdout)
            .unwrap()
            .trim()
            .trim_start_matches("go")
            .to_string();
        let manifest = format!(
            "go: {release}\n\
             programs:\n\
             \x20 - names: [hello]\n\
             \x20   version: 1.0.0\n\
             \x20   official:\n\
             \x20     url: http://{server}/v{{version}}/hello-{{arch}}.tar.gz\n\
             \x20     checksum: \"{{url}}.sha256\"\n\
             \x20     member: bin/{{name}}\n\
             \x20   build: {{module: hello, package: ., variables: {{main.version: \"{{version}}\"}}}}\n\
             \x20 - names: [part]\n\
             \x20   version: 1.0.0\n\
             \x20   build: {{module: hello, package: .}}\n\
             images:\n\
             \x20 - name: hello.tar\n\
             \x20   version: 1.0.0\n\
             \x20   reference: {server}/hello:{{version}}\n\
             \x20   pull: true\n\
             \x20   files: {{hello: part}}\n\
             \x20   entrypoint: [/hello]\n"
        );
        std::fs::write(folder.join("artifacts/artifacts.yml"), manifest).unwrap();
        Project { folder }
    }

    /// Runs `vent artifacts WORDS` with a cache called `cache`; the build may only use Go itself.
    pub fn vent(&self, cache: &str, words: &[&str]) -> Output {
        let mut vent = Command::new(env!("CARGO_BIN_EXE_vent"));
        vent.arg("artifacts").args(words).current_dir(&self.folder);
        vent.env("VENT_CACHE", self.folder.join(cache))
            .env("GOPROXY", "off")
            .env_remove("VENT_MIRROR");
        vent.output().unwrap()
    }

    pub fn fetch(&self, cache: &str, words: &[&str]) -> (String, String) {
        let mut all = vec!["fetch", "--arch", "amd64"];
        all.extend(words);
        let out = self.vent(cache, &all);
        let (said, progress) = texts(&out);
        assert!(out.status.success(), "{progress}");
        (said, progress)
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub fn texts(out: &Output) -> (String, String) {
    (
        String::from_utf8_lossy(&out.stdout).into_owned(),
        String::from_utf8_lossy(&out.stderr).into_owned(),
    )
}

pub fn sha256(path: &Path) -> String {
    let out = Command::new("sha256sum").arg(path).output().unwrap();
    String::from_utf8(out.stdout).unwrap()[..64].to_string()
}

/// Offers `bin/hello` with this content, and its checksum.
pub fn publish(server: &Server, project: &Project, content: &str) {
    let bin = project.folder.join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    std::fs::write(bin.join("hello"), content).unwrap();
    let archive = project.folder.join("hello.tar.gz");
    let mut tar = Command::new("tar");
    assert!(
        tar.arg("-czf")
            .arg(&archive)
            .arg("-C")
            .arg(&project.folder)
            .arg("./bin")
            .status()
            .unwrap()
            .success()
    );
    server.put("/v1.0.0/hello-amd64.tar.gz", std::fs::read(&archive).unwrap());
    server.put(
        "/v1.0.0/hello-amd64.tar.gz.sha256",
        format!("{}  hello-amd64.tar.gz\n", sha256(&archive)),
    );
}
