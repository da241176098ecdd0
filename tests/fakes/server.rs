//! HTTP/1.1 on loopback: one thread for each connection, faults on demand, everything checked.

use super::specification::Specification;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub method: String,
    /// The path as sent.
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|pair| pair.0 == name);
        found.map(|pair| pair.1.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The pairs of a form, or the fields of a JSON object as texts.
    pub fn form(&self) -> BTreeMap<String, String> {
        if let Value::Object(fields) = self.json() {
            let text = |value: Value| value.as_str().map_or(value.to_string(), str::to_string);
            return fields
                .into_iter()
                .map(|(name, value)| (name, text(value)))
                .collect();
        }
        pairs(&String::from_utf8_lossy(&self.body)).into_iter().collect()
    }

    /// The segments of the path below `base`, unescaped.
    pub fn segments(&self, base: &str) -> Vec<String> {
        let rest = self.path.strip_prefix(base).unwrap_or(&self.path);
        rest.split('/')
            .filter(|part| !part.is_empty())
            .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
            .collect()
    }
}

fn pairs(text: &str) -> Vec<(String, String)> {
    let decode = |part: &str| {
        percent_decode_str(&part.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned()
    };
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub reason: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    pub fn json(status: u16, body: Value) -> Reply {
        Reply {
            status,
            reason: usual(status).into(),
            headers: vec![("Content-Type".into(), "application/json; charset=utf-8".into())],
            body: body.to_string(),
        }
    }

    pub fn empty(status: u16) -> Reply {
        Reply {
            status,
            reason: usual(status).into(),
            headers: vec![],
            body: String::new(),
        }
    }

    pub fn reason(mut self, reason: &str) -> Reply {
        self.reason = reason.into();
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Reply {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// The usual reason phrase.
fn usual(status: u16) -> &'static str {
    let status = reqwest::StatusCode::from_u16(status).unwrap();
    status.canonical_reason().unwrap_or("")
}

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
    violations: Mutex<Vec<String>>,
    killing: Mutex<Option<Killing>>,
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
            violations: Mutex::default(),
            killing: Mutex::default(),
            busy: AtomicUsize::new(0),
            busiest: AtomicUsize::new(0),
            slow: Mutex::default(),
        });
        let state = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = state.clone();
                std::thread::spawn(move || serve(&state, stream));
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

    /// Nobody is to be killed any more.
    pub fn spare(&self) {
        *self.shared.killing.lock().unwrap() = None;
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
    while let Some(request) = read(&mut reader) {
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
    match fault {
        Some(FaultKind::Answer(reply)) => return Some(reply),
        Some(FaultKind::Slow(time)) => std::thread::sleep(time),
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

fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let mut words = line.split_whitespace();
    let method = words.next()?.to_string();
    let target = words.next()?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut request = Request {
        method,
        path: path.to_string(),
        query: pairs(query),
        ..Request::default()
    };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        let name = name.to_ascii_lowercase();
        request.headers.insert(name, value.trim().to_string());
    }
    let length = request.header("content-length").parse().unwrap_or(0);
    request.body = vec![0; length];
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}
