//! HTTP/1.1 on loopback: one thread for each connection, faults on demand, everything checked.

use super::message::{Reply, Request};
use super::specification::Specification;
use serde_json::json;
use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A trouble to be made for the next requests that fit.
#[derive(Clone, Debug)]
pub struct Fault {
    pub method: &'static str,
    pub part: &'static str,
    pub times: u32,
    pub kind: FaultKind,
}

#[derive(Clone, Debug)]
pub enum FaultKind {
    /// Answered so, and nothing is done.
    Answer(Reply),
    /// Done, but the connection ends before the answer.
    Lost,
    /// Done, but answered so.
    Doubtful(Reply),
    /// Answered after a while.
    Slow(Duration),
}

/// What stands behind a server.
pub trait Handler: Send {
    fn handle(&mut self, request: &Request) -> Reply;
}

struct Shared {
    handler: Mutex<Box<dyn Handler>>,
    specification: Option<Specification>,
    faults: Mutex<Vec<Fault>>,
    log: Mutex<Vec<String>>,
    bodies: Mutex<Vec<(String, String)>>,
    violations: Mutex<Vec<String>>,
    killing: Mutex<Option<Killing>>,
    forbidden: Mutex<Option<String>>,
    connections: AtomicUsize,
    busy: AtomicUsize,
    busiest: AtomicUsize,
    slow: Mutex<Duration>,
}

/// A process that is killed once so many more calls were performed, before they are answered.
struct Killing {
    calls: usize,
    process: Option<u32>,
}

/// A running server; it fails the test at its end if a request or an answer was against the specification.
pub struct Server {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

impl Server {
    pub fn start(handler: impl Handler + 'static, specification: Option<Specification>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            handler: Mutex::new(Box::new(handler)),
            specification,
            faults: Mutex::default(),
            log: Mutex::default(),
            bodies: Mutex::default(),
            violations: Mutex::default(),
            killing: Mutex::default(),
            forbidden: Mutex::default(),
            connections: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
            busiest: AtomicUsize::new(0),
            slow: Mutex::default(),
        });
        let state = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = state.clone();
                state.connections.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || {
                    serve(&state, stream);
                    state.connections.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Server { address, shared }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn fault(&self, method: &'static str, part: &'static str, times: u32, kind: FaultKind) {
        self.shared.faults.lock().unwrap().push(Fault {
            method,
            part,
            times,
            kind,
        });
    }

    /// Kills the process that is named by [`Server::killed`] as soon as it has made `calls` calls more, when the
    /// last of them is performed and not answered.
    pub fn kill_after(&self, calls: usize) {
        *self.shared.killing.lock().unwrap() = Some(Killing { calls, process: None });
    }

    /// Names the process that is to be killed.
    pub fn killed(&self, process: u32) {
        if let Some(killing) = &mut *self.shared.killing.lock().unwrap() {
            killing.process = Some(process);
        }
    }

    /// Nobody is to be killed any more; what the killed process had sent is performed before the next begins.
    pub fn spare(&self) {
        while self.shared.connections.load(Ordering::SeqCst) > 0 {
            std::thread::sleep(Duration::from_millis(2));
        }
        *self.shared.killing.lock().unwrap() = None;
    }

    /// Refuses an operation of the specification for want of rights, as Exoscale does; `None` allows all.
    pub fn forbid(&self, operation: Option<&str>) {
        *self.shared.forbidden.lock().unwrap() = operation.map(str::to_string);
    }

    /// Lets every call take so long.
    pub fn slow(&self, time: Duration) {
        *self.shared.slow.lock().unwrap() = time;
    }

    /// The most calls that were under way at the same time.
    pub fn busiest(&self) -> usize {
        self.shared.busiest.load(Ordering::SeqCst)
    }

    /// `METHOD /path` of every request so far.
    pub fn log(&self) -> Vec<String> {
        self.shared.log.lock().unwrap().clone()
    }

    /// How many requests so far begin with `start`.
    pub fn count(&self, start: &str) -> usize {
        self.log().iter().filter(|line| line.starts_with(start)).count()
    }

    /// Whether a body with `part` in it was sent; those of forms are decoded.
    pub fn sent(&self, method: &str, part: &str) -> bool {
        let bodies = self.shared.bodies.lock().unwrap();
        bodies
            .iter()
            .any(|(how, text)| how == method && text.contains(part))
    }

    pub fn violations(&self) -> Vec<String> {
        self.shared.violations.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let violations = self.violations();
        if !std::thread::panicking() {
            assert!(violations.is_empty(), "{}", violations.join("\n"));
        }
    }
}

fn serve(shared: &Shared, stream: TcpStream) {
    let Ok(write) = stream.try_clone() else {
        return;
    };
    let mut reader = BufReader::new(stream);
    let mut writer = write;
    while let Some(request) = Request::read(&mut reader) {
        let busy = shared.busy.fetch_add(1, Ordering::SeqCst) + 1;
        shared.busiest.fetch_max(busy, Ordering::SeqCst);
        let slow = *shared.slow.lock().unwrap();
        std::thread::sleep(slow);
        let reply = answer(shared, &request);
        kill(shared);
        shared.busy.fetch_sub(1, Ordering::SeqCst);
        let Some(reply) = reply else {
            return;
        };
        let mut text = format!("HTTP/1.1 {} {}\r\n", reply.status, reply.reason);
        for (name, value) in &reply.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let length = match reply.status {
            204 => String::new(),
            _ => format!("Content-Length: {}\r\n", reply.body.len()),
        };
        text.push_str(&format!("{length}\r\n{}", reply.body));
        if writer.write_all(text.as_bytes()).is_err() {
            return;
        }
    }
}

/// Kills the process that is to be killed, if this call was its last.
fn kill(shared: &Shared) {
    loop {
        let mut killing = shared.killing.lock().unwrap();
        let Some(found) = &mut *killing else { return };
        if found.calls > 1 {
            found.calls -= 1;
            return;
        }
        if let Some(process) = found.process {
            let process = rustix::process::Pid::from_raw(process as i32).unwrap();
            let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
            return;
        }
        // The process is faster than the test that started it.
        drop(killing);
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn answer(shared: &Shared, request: &Request) -> Option<Reply> {
    let line = format!("{} {}", request.method, request.path);
    shared.log.lock().unwrap().push(line);
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let body = match request.json().is_null() {
        true => request
            .form()
            .iter()
            .map(|(name, value)| format!("{name}={value}\n"))
            .collect(),
        false => body,
    };
    shared.bodies.lock().unwrap().push((request.method.clone(), body));
    let fault = {
        let mut faults = shared.faults.lock().unwrap();
        let found = faults.iter_mut().find(|fault| {
            fault.times > 0 && fault.method == request.method && request.path.contains(fault.part)
        });
        found.map(|fault| {
            fault.times -= 1;
            fault.kind.clone()
        })
    };
    let forbidden = shared.forbidden.lock().unwrap().clone();
    let operation = |specification: &Specification| specification.name_of(request);
    if forbidden.is_some() && forbidden == shared.specification.as_ref().and_then(operation) {
        let refusal = json!({"message": "Forbidden by role policy for compute"});
        return Some(Reply::json(403, refusal));
    }
    match fault {
        Some(FaultKind::Answer(reply)) => return Some(reply),
        Some(FaultKind::Slow(time)) => std::thread::sleep(time),
        Some(FaultKind::Doubtful(reply)) => {
            shared.handler.lock().unwrap().handle(request);
            return Some(reply);
        }
        Some(FaultKind::Lost) => {
            shared.handler.lock().unwrap().handle(request);
            return None;
        }
        None => {}
    }
    let reply = shared.handler.lock().unwrap().handle(request);
    if let Some(specification) = &shared.specification {
        let mut found = specification.check(request, &reply);
        shared.violations.lock().unwrap().append(&mut found);
    }
    Some(reply)
}
