//! SSH connections: the way there, the host's key, and programs on channels.

use super::authentication;
use super::failure::{Failure, FailureKind};
use super::known_hosts::{self, KnownHost, Verdict};
use super::shell::Stream;
use super::target::{Checking, Target};
use super::wire::{PIECES, Piece, Pipes};
use russh::client::{self, Handle, Msg};
use russh::keys::{Algorithm, Certificate, EcdsaCurve, HashAlg, PublicKey, PublicKeyOrCertificate};
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Disconnect, Preferred, cipher};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, mpsc};

/// How many logins to one address may be under way at once: sshd drops some beyond ten (MaxStartups).
const STARTUPS: usize = 5;
/// How often a connection that the server dropped before the login is tried again.
const ATTEMPTS: u32 = 9;
/// The longest time between two such attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Bytes a program may send ahead on a channel; a small window makes long distances slow.
const WINDOW: u32 = 16 << 20;

/// A way to the server, whatever it goes through.
pub trait Road: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Road for T {}

/// A login on a host.
pub struct Connection {
    handle: Handle<Greeter>,
    /// The connections it goes through; they live as long as it does.
    through: Vec<Connection>,
}

/// Why a channel was not opened.
pub enum NoChannel {
    /// The server allows no more sessions on this connection.
    Full,
    /// The connection is gone.
    Gone,
}

impl Connection {
    /// Connects and logs in, through the jump hosts if there are any.
    ///
    /// # Errors
    /// All that can go wrong until the host lets the user in.
    pub async fn open(target: &Target) -> Result<Connection, Failure> {
        let mut through: Vec<Connection> = vec![];
        for hop in target.jump.iter().chain([target]) {
            let connection = Connection::hop(hop, through.last()).await?;
            through.push(connection);
        }
        match through.pop() {
            Some(mut last) => {
                last.through = through;
                Ok(last)
            }
            None => Err(Failure::lost(&target.name)),
        }
    }

    async fn hop(target: &Target, from: Option<&Connection>) -> Result<Connection, Failure> {
        let first = target.jump.first().unwrap_or(target).endpoint();
        let turns = startups(&first);
        let mut pause = Duration::from_millis(100);
        // Kept over the pauses too, so that an overloaded server sees fewer logins. Nothing ever closes
        // the semaphore.
        let _turn = turns.acquire().await.ok();
        for _ in 1..ATTEMPTS {
            match Connection::login(target, from).await {
                Err(Refusal::Dropped(_)) => {}
                Err(Refusal::Final(failure)) => return Err(failure),
                Ok(connection) => return Ok(connection),
            }
            tokio::time::sleep(jittered(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Connection::login(target, from)
            .await
            .map_err(|refusal| match refusal {
                Refusal::Dropped(reason) => unreachable_host(target, &reason),
                Refusal::Final(failure) => failure,
            })
    }

    async fn login(target: &Target, from: Option<&Connection>) -> Result<Connection, Refusal> {
        let greeting = Connection::greet(target, from);
        let Ok(greeted) = tokio::time::timeout(target.connect_timeout, greeting).await else {
            let seconds = target.connect_timeout.as_secs();
            return Err(unreachable_host(target, &format!("no answer in {seconds} seconds")).into());
        };
        let mut handle = greeted?;
        authentication::authenticate(target, &mut handle).await?;
        Ok(Connection {
            handle,
            through: vec![],
        })
    }

    /// Connects and checks the host key.
    async fn greet(target: &Target, from: Option<&Connection>) -> Result<Handle<Greeter>, Refusal> {
        let known = known(target);
        let refused = Arc::new(Mutex::new(None));
        let greeter = Greeter {
            target: target.clone(),
            known: known.clone(),
            refused: refused.clone(),
        };
        let (road, complaint) = road(target, from).await?;
        let config = Arc::new(config(target, known.as_ref()));
        let handshake = client::connect_stream(config, road, greeter).await;
        if handshake.is_err() && target.proxy_command.is_some() {
            // What it complains about comes through another pipe.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        handshake.map_err(|error| {
            let failure = refused.lock().unwrap_or_else(PoisonError::into_inner).take();
            let said = complaint.lock().unwrap_or_else(PoisonError::into_inner).clone();
            match failure {
                Some(failure) => Refusal::Final(failure),
                None => Refusal::of(target, error, said.trim()),
            }
        })
    }

    /// False once the connection is known to be gone.
    pub fn is_open(&self) -> bool {
        !self.handle.is_closed() && self.through.iter().all(Connection::is_open)
    }

    /// Starts a program.
    pub async fn start(&self, command: &str) -> Result<Pipes, NoChannel> {
        let channel = match self.handle.channel_open_session().await {
            Ok(channel) => channel,
            Err(russh::Error::ChannelOpenFailure(_)) => return Err(NoChannel::Full),
            Err(_) => return Err(NoChannel::Gone),
        };
        channel.exec(false, command).await.map_err(|_| NoChannel::Gone)?;
        let (reading, writing) = channel.split();
        let input = Box::pin(writing.make_writer());
        let (sender, pieces) = mpsc::channel(PIECES);
        tokio::spawn(pump(reading, writing, sender));
        Ok(Pipes { input, pieces })
    }

    /// Says goodbye.
    pub async fn close(&self) {
        // Whoever is gone already needs no goodbye.
        let _ = self.handle.disconnect(Disconnect::ByApplication, "", "").await;
    }
}

/// Moves everything that comes out of a channel; a channel that is not read stops the whole connection.
async fn pump(mut reading: ChannelReadHalf, writing: ChannelWriteHalf<Msg>, sender: mpsc::Sender<Piece>) {
    let mut code = None;
    loop {
        let message = tokio::select! {
            message = reading.wait() => message,
            () = sender.closed() => break,
        };
        let piece = match message {
            Some(ChannelMsg::Data { data }) => Piece::Bytes(Stream::Stdout, data.to_vec()),
            Some(ChannelMsg::ExtendedData { data, ext: 1 }) => Piece::Bytes(Stream::Stderr, data.to_vec()),
            Some(ChannelMsg::ExitStatus { exit_status }) => {
                code = i32::try_from(exit_status).ok();
                continue;
            }
            Some(ChannelMsg::Close) | None => break,
            Some(_) => continue,
        };
        if sender.send(piece).await.is_err() {
            break;
        }
    }
    // Neither the server nor the receiver may be there any more.
    let _ = writing.close().await;
    let _ = sender.send(Piece::Ended(code)).await;
    while reading.wait().await.is_some() {}
}

/// A time between half and the whole of `pause`, so that those who were turned away together do not come
/// back together.
fn jittered(pause: Duration) -> Duration {
    let mut random = [128];
    // Without random bytes it is three quarters.
    let _ = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty());
    pause / 2 + pause * u32::from(random[0]) / 512
}

/// The turns of logins to an address.
fn startups(address: &str) -> Arc<Semaphore> {
    static ALL: LazyLock<Mutex<HashMap<String, Arc<Semaphore>>>> = LazyLock::new(Mutex::default);
    let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    all.entry(address.to_string())
        .or_insert_with(|| Arc::new(Semaphore::new(STARTUPS)))
        .clone()
}

/// Why a login did not come about.
pub enum Refusal {
    /// The server closed the connection before the login, as it does when it has too many of them.
    Dropped(String),
    /// Trying again would change nothing.
    Final(Failure),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Refusal {
        Refusal::Final(failure)
    }
}

impl Refusal {
    /// Judges an error of the handshake; `said` is what a proxy command wrote.
    pub fn of(target: &Target, error: russh::Error, said: &str) -> Refusal {
        use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        let reason = match &error {
            russh::Error::IO(error)
                if matches!(
                    error.kind(),
                    BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
                ) =>
            {
                None
            }
            russh::Error::Disconnect
            | russh::Error::HUP
            | russh::Error::SendError
            | russh::Error::RecvError => None,
            russh::Error::NoCommonAlgo { kind, theirs, .. } => Some(format!(
                "there is no common algorithm ({kind:?}): it offers {}",
                theirs.join(", ")
            )),
            russh::Error::Version => Some("what answers there is no SSH server".to_string()),
            other => Some(other.to_string()),
        };
        let closed = "it closed the connection before the login";
        match (reason, said) {
            (None, "") => Refusal::Dropped(closed.to_string()),
            (None, said) => Refusal::Final(unreachable_host(target, &format!("{closed}: {said}"))),
            (Some(reason), _) => Refusal::Final(unreachable_host(target, &reason)),
        }
    }
}

/// A host that does not answer as it should.
pub fn unreachable_host(target: &Target, reason: &str) -> Failure {
    let Target {
        name,
        address,
        port,
        user,
        ..
    } = target;
    Failure::new(
        FailureKind::Unreachable,
        format!("{name} cannot be reached at {}: {reason}", target.endpoint()),
        format!(
            "check that the host runs and that address and port are right (`ansible_host`, `ansible_port`); try it by hand: `ssh -p {port} {user}@{address}`"
        ),
    )
}

fn known(target: &Target) -> Option<KnownHost> {
    (target.host_key_checking != Checking::Off).then(|| {
        let host = target.host_key_alias.as_deref().unwrap_or(&target.address);
        KnownHost::read(&target.known_hosts, host, known_port(target))
    })
}

/// An alias stands for host and port.
fn known_port(target: &Target) -> u16 {
    if target.host_key_alias.is_some() {
        22
    } else {
        target.port
    }
}

fn config(target: &Target, known: Option<&KnownHost>) -> client::Config {
    let mut preferred = Preferred::DEFAULT;
    let mut keys = preferred.key.to_vec();
    if let Some(known) = known {
        let written = known.algorithms();
        let is_written = |algorithm: &Algorithm| {
            written.iter().any(|other| match (other, algorithm) {
                (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }) => true,
                (other, algorithm) => other == algorithm,
            })
        };
        keys.sort_by_key(|algorithm| !is_written(algorithm));
        if known.has_authority() {
            preferred.host_key_certificates = Cow::Borrowed(CERTIFICATES);
        }
    }
    preferred.key = Cow::Owned(keys);
    if encrypts_in_hardware() {
        preferred.cipher = Cow::Borrowed(&[
            cipher::AES_128_GCM,
            cipher::AES_256_GCM,
            cipher::CHACHA20_POLY1305,
            cipher::AES_256_CTR,
            cipher::AES_192_CTR,
            cipher::AES_128_CTR,
        ]);
    }
    client::Config {
        nodelay: true,
        window_size: WINDOW,
        keepalive_interval: Some(target.keepalive_interval).filter(|time| !time.is_zero()),
        keepalive_max: target.keepalive_count,
        preferred,
        ..client::Config::default()
    }
}

const CERTIFICATES: &[Algorithm] = &[
    Algorithm::Ed25519,
    Algorithm::Ecdsa {
        curve: EcdsaCurve::NistP256,
    },
    Algorithm::Ecdsa {
        curve: EcdsaCurve::NistP384,
    },
    Algorithm::Ecdsa {
        curve: EcdsaCurve::NistP521,
    },
    Algorithm::Rsa {
        hash: Some(HashAlg::Sha512),
    },
    Algorithm::Rsa {
        hash: Some(HashAlg::Sha256),
    },
];

/// True if this processor has instructions for AES, which make AES-GCM the fastest cipher.
fn encrypts_in_hardware() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("aes");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return false;
}

type Complaint = Arc<Mutex<String>>;

/// The stream to the server: a TCP connection, a channel of the host before, or a program.
async fn road(target: &Target, from: Option<&Connection>) -> Result<(Box<dyn Road>, Complaint), Refusal> {
    let complaint = Complaint::default();
    if let Some(from) = from {
        let port = u32::from(target.port);
        let channel = from
            .handle
            .channel_open_direct_tcpip(&target.address, port, "127.0.0.1", 0);
        let channel = channel
            .await
            .map_err(|_| unreachable_host(target, "the jump host before it cannot connect to it"))?;
        return Ok((Box::new(channel.into_stream()), complaint));
    }
    if let Some(command) = &target.proxy_command {
        let program = super::local::proxy(command, complaint.clone()).map_err(|error| {
            unreachable_host(target, &format!("the ProxyCommand cannot be started: {error}"))
        })?;
        return Ok((Box::new(program), complaint));
    }
    let addresses = tokio::net::lookup_host((target.address.as_str(), target.port)).await;
    let addresses = addresses.map_err(|_| {
        unreachable_host(
            target,
            &format!("no address is known for the name {}", target.address),
        )
    })?;
    let mut last = "no address is known".to_string();
    for address in addresses {
        match tokio::net::TcpStream::connect(address).await {
            Ok(socket) => {
                // Slow is better than not at all.
                let _ = socket.set_nodelay(true);
                return Ok((Box::new(socket), complaint));
            }
            Err(error) => last = plain(&error),
        }
    }
    Err(unreachable_host(target, &last).into())
}

/// What a system error means, without its number.
fn plain(error: &std::io::Error) -> String {
    use std::io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable, TimedOut};
    match error.kind() {
        ConnectionRefused => "nothing listens there (connection refused)".to_string(),
        HostUnreachable => "the network finds no such host (no route to host)".to_string(),
        NetworkUnreachable => "this computer has no network there (network is unreachable)".to_string(),
        TimedOut => "no answer (timed out)".to_string(),
        _ => error.to_string(),
    }
}

/// Judges the key a server shows.
pub struct Greeter {
    target: Target,
    known: Option<KnownHost>,
    refused: Arc<Mutex<Option<Failure>>>,
}

impl client::Handler for Greeter {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let failure = self.judge(shown);
        let accepted = failure.is_none();
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = failure;
        Ok(accepted)
    }
}

impl Greeter {
    fn judge(&self, shown: &PublicKeyOrCertificate) -> Option<Failure> {
        let known = self.known.as_ref()?;
        let (key, verdict) = match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => (key.clone(), known.judge(key)),
            PublicKeyOrCertificate::Certificate(certificate) => {
                (plain_key(certificate), known.judge_certificate(certificate))
            }
        };
        match verdict {
            Verdict::Known => None,
            Verdict::Unknown if self.target.host_key_checking == Checking::AcceptNew => self.learn(&key),
            Verdict::Unknown => Some(self.unknown(&key)),
            Verdict::Changed(file, line, before) => {
                let place = format!("{}:{line}", file.display());
                Some(self.changed(&key, &place, &before, &file.display().to_string()))
            }
            Verdict::Revoked(file, line) => Some(Failure::new(
                FailureKind::HostKeyRevoked,
                format!(
                    "{} ({}) shows a host key that is marked as revoked in {}:{line}",
                    self.target.name,
                    self.target.endpoint(),
                    file.display()
                ),
                "do not connect: somebody who stole the key may be answering; give the host a new key first",
            )),
        }
    }

    fn name(&self) -> String {
        let host = self
            .target
            .host_key_alias
            .as_deref()
            .unwrap_or(&self.target.address);
        known_hosts::name(host, known_port(&self.target))
    }

    fn learn(&self, key: &PublicKey) -> Option<Failure> {
        let file = self.target.known_hosts.first()?;
        let host = self
            .target
            .host_key_alias
            .as_deref()
            .unwrap_or(&self.target.address);
        let written = known_hosts::learn(file, host, known_port(&self.target), key);
        written.err().map(|error| {
            let what = format!("the new host key cannot be written into {}", file.display());
            Failure::here(&what, &error)
        })
    }

    fn unknown(&self, key: &PublicKey) -> Failure {
        let Target {
            name,
            address,
            port,
            user,
            ..
        } = &self.target;
        Failure::new(
            FailureKind::HostKeyUnknown,
            format!(
                "the host key of {name} ({}) is not known: it shows {} {}",
                self.target.endpoint(),
                key.algorithm(),
                known_hosts::fingerprint(key)
            ),
            format!(
                "compare the fingerprint and accept it with `ssh -p {port} {user}@{address}`, or let Vent write down keys of new hosts: `ansible_ssh_common_args: -o StrictHostKeyChecking=accept-new`"
            ),
        )
    }

    fn changed(&self, key: &PublicKey, place: &str, before: &str, file: &str) -> Failure {
        Failure::new(
            FailureKind::HostKeyChanged,
            format!(
                "the host key of {} ({}) has changed: it shows {} {}, but {place} says {before}",
                self.target.name,
                self.target.endpoint(),
                key.algorithm(),
                known_hosts::fingerprint(key)
            ),
            format!(
                "somebody may be listening in, or the host was installed anew; only if you know that it was, type `ssh-keygen -R {} -f {file}` and run again",
                super::quote(&self.name())
            ),
        )
    }
}

fn plain_key(certificate: &Certificate) -> PublicKey {
    PublicKey::new(certificate.public_key().clone(), "")
}
