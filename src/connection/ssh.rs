//! SSH connections: the way there, the host's key, and programs on channels.

use super::authentication;
use super::failure::{Failure, FailureKind};
use super::host_key::{self, Greeter};
use super::known_hosts::KnownHost;
use super::shell::Stream;
use super::target::Target;
use super::wire::{PIECES, Piece, Pipes};
use russh::client::{self, Handle, Msg};
use russh::keys::Algorithm;
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
        let (mut handle, distrust) = greeted?;
        authentication::authenticate(target, &mut handle, distrust).await?;
        Ok(Connection {
            handle,
            through: vec![],
        })
    }

    /// Connects and checks the host key; the second value says why it is not trusted, if it was let pass all
    /// the same.
    async fn greet(
        target: &Target,
        from: Option<&Connection>,
    ) -> Result<(Handle<Greeter>, Option<Failure>), Refusal> {
        let known = host_key::known(target);
        let (greeter, distrust) = Greeter::new(target, known.clone());
        let (road, complaint) = road(target, from).await?;
        let config = Arc::new(config(target, &known));
        let handshake = client::connect_stream(config, road, greeter).await;
        if handshake.is_err() && target.proxy_command.is_some() {
            // What it complains about comes through another pipe.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let failure = distrust.lock().unwrap_or_else(PoisonError::into_inner).take();
        let said = complaint.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match (handshake, failure) {
            (Ok(handle), failure) => Ok((handle, failure)),
            // Only a key that was refused ends the handshake so; one that was let pass did not.
            (Err(russh::Error::UnknownKey), Some(failure)) => Err(Refusal::Final(failure)),
            (Err(error), _) => Err(Refusal::of(target, error, said.trim())),
        }
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

fn config(target: &Target, known: &KnownHost) -> client::Config {
    let mut preferred = Preferred::DEFAULT;
    let mut keys = target.host_key_algorithms.plain.clone();
    let written = known.algorithms();
    let is_written = |algorithm: &Algorithm| {
        written.iter().any(|other| match (other, algorithm) {
            (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }) => true,
            (other, algorithm) => other == algorithm,
        })
    };
    keys.sort_by_key(|algorithm| !is_written(algorithm));
    if known.has_authority() {
        preferred.host_key_certificates = Cow::Owned(target.host_key_algorithms.certificates.clone());
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
