//! HTTP: one client that finds out quickly whom it cannot reach, and asks nobody twice.

use super::key::Key;
use super::notice::{Notice, Tell, megabytes};
use crate::error::Error;
use futures::StreamExt;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;

/// Time for name look-up, TCP and TLS.
const CONNECT: Duration = Duration::from_secs(4);
/// Time a server may take for the first byte, and between two.
const SILENCE: Duration = Duration::from_secs(20);
/// How often a download says how far it is.
const PROGRESS: Duration = Duration::from_secs(10);

/// Why a source did not give what was asked.
#[derive(Debug)]
pub enum Failure {
    /// It cannot: the next source is tried.
    Unavailable(String),
    /// It gave something wrong, or this computer is at fault: the end.
    Fatal(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Fatal(error)
    }
}

/// What became of asking a source.
pub type Tried<T> = Result<T, Failure>;

/// What is known of a host.
#[derive(Default)]
enum Reach {
    #[default]
    Unknown,
    Answers,
    Silent(String),
}

/// The client.
pub struct Downloader {
    client: reqwest::Client,
    hosts: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Reach>>>>,
    downloads: tokio::sync::Semaphore,
    tell: Tell,
}

impl Downloader {
    /// A client that has asked nobody yet.
    pub fn new(tell: Tell) -> Result<Downloader, Error> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("vent/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .build()
            .map_err(|error| Error::new("cannot set up downloads").cause(error))?;
        let downloads = tokio::sync::Semaphore::new(4);
        Ok(Downloader {
            client,
            hosts: Mutex::default(),
            downloads,
            tell,
        })
    }

    /// Sends a request. A host that could not be reached is not tried again by this client; while
    /// nobody knows yet, only one request at a time finds out.
    pub async fn send(&self, url: &str, headers: &[(&str, &str)]) -> Tried<reqwest::Response> {
        let host = host_of(url);
        let state = {
            let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
            hosts.entry(host.clone()).or_default().clone()
        };
        let mut reach = state.lock().await;
        match &*reach {
            Reach::Silent(why) => return Err(Failure::Unavailable(why.clone())),
            Reach::Answers => drop(reach),
            Reach::Unknown => {
                let answer = self.request(url, headers).await;
                *reach = match &answer {
                    Ok(_) => Reach::Answers,
                    Err(error) => Reach::Silent(format!("{host} cannot be reached ({})", reason(error))),
                };
                return answer.map_err(|_| match &*reach {
                    Reach::Silent(why) => Failure::Unavailable(why.clone()),
                    _ => Failure::Unavailable(host),
                });
            }
        }
        self.request(url, headers)
            .await
            .map_err(|error| Failure::Unavailable(reason(&error)))
    }

    async fn request(&self, url: &str, headers: &[(&str, &str)]) -> reqwest::Result<reqwest::Response> {
        let mut request = self.client.get(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await
    }

    /// A small text, like a checksum file.
    pub async fn text(&self, url: &str) -> Tried<String> {
        let answer = successful(self.send(url, &[]).await?)?;
        answer
            .text()
            .await
            .map_err(|error| Failure::Unavailable(reason(&error)))
    }

    /// Writes what lies at `url` to a file.
    pub async fn file(&self, key: &Key, url: &str, headers: &[(&str, &str)], to: &Path) -> Tried<()> {
        let _permit = self.downloads.acquire().await;
        let answer = successful(self.send(url, headers).await?)?;
        (self.tell)(&Notice::Fetching {
            key: key.clone(),
            from: url.to_string(),
        });
        let total = answer
            .content_length()
            .map(|bytes| format!(" of {}", megabytes(bytes)));
        let problem = |error: std::io::Error| {
            Failure::Fatal(Error::new(format!("cannot write {}", to.display())).cause(error))
        };
        let mut file = tokio::fs::File::create(to).await.map_err(problem)?;
        let (mut stream, mut done, mut said) = (answer.bytes_stream(), 0, Instant::now());
        while let Some(block) = stream.next().await {
            let block = block.map_err(|error| Failure::Unavailable(reason(&error)))?;
            file.write_all(&block).await.map_err(problem)?;
            done += block.len() as u64;
            if said.elapsed() >= PROGRESS {
                said = Instant::now();
                let state = format!("{}{}", megabytes(done), total.as_deref().unwrap_or_default());
                (self.tell)(&Notice::Progress {
                    key: key.clone(),
                    state,
                });
            }
        }
        file.flush().await.map_err(problem)
    }
}

/// The answer, unless the server said no.
pub fn successful(answer: reqwest::Response) -> Tried<reqwest::Response> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    Err(Failure::Unavailable(format!(
        "{} answers {status}",
        host_of(answer.url().as_str())
    )))
}

/// `host:port` of an address, as far as it has one.
fn host_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest).to_string()
}

/// The innermost cause, which says most.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_string();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_silent_host_is_asked_once() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/file", listener.local_addr().unwrap());
        drop(listener);
        let downloader = Downloader::new(Arc::new(|_| {})).unwrap();
        let Err(Failure::Unavailable(first)) = downloader.text(&url).await else {
            panic!()
        };
        assert!(first.contains("cannot be reached"), "{first}");
        let listener = std::net::TcpListener::bind(host_of(&url)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let Err(Failure::Unavailable(second)) = downloader.text(&url).await else {
            panic!()
        };
        assert_eq!(first, second);
        assert!(listener.accept().is_err(), "the host was asked again");
    }

    #[test]
    fn hosts_are_told_apart_with_their_ports() {
        assert_eq!(host_of("http://127.0.0.1:81/a/b"), "127.0.0.1:81");
        assert_eq!(host_of("https://dl.k8s.io"), "dl.k8s.io");
    }
}
