//! Container images from their registry, over the OCI distribution protocol: manifest, configuration
//! and layers, each compared with the digest that names it.

use super::command::{command, into_file};
use super::digest;
use super::download::{Downloader, Failure, Tried, successful};
use super::image;
use super::key::Key;
use super::lock::wrong_digest;
use super::official::extract;
use crate::error::Error;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The kinds of manifests that are understood, indexes first.
const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json";

#[derive(Deserialize)]
struct Document {
    /// Set in an index.
    #[serde(default)]
    manifests: Vec<Descriptor>,
    /// Set in a manifest.
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Descriptor {
    digest: String,
    platform: Option<Platform>,
}

#[derive(Deserialize)]
struct Platform {
    os: String,
    architecture: String,
}

#[derive(Deserialize)]
struct Grant {
    token: Option<String>,
    access_token: Option<String>,
}

/// A repository in a registry, and the right to read it.
struct Repository<'a> {
    downloader: &'a Downloader,
    key: &'a Key,
    reference: &'a str,
    base: String,
    token: Option<String>,
}

/// Puts the image `reference` at `to`: as a docker-archive, or only the file `member` in it.
pub async fn fetch(
    downloader: &Downloader,
    key: &Key,
    (reference, member): (&str, Option<&str>),
    to: &Path,
) -> Tried<()> {
    let (base, tag) = address(reference)?;
    let mut repository = Repository {
        downloader,
        key,
        reference,
        base,
        token: None,
    };
    let manifest = repository.manifest(&tag).await?;
    let layers: Vec<PathBuf> = (0..manifest.layers.len())
        .map(|at| to.with_extension(format!("layer{at}")))
        .collect();
    let done = repository.gather(&manifest, &layers, member, to).await;
    for layer in &layers {
        // Absent where an earlier one failed.
        let _ = std::fs::remove_file(layer);
    }
    done
}

/// Base address of the repository, and the tag.
fn address(reference: &str) -> Result<(String, String), Error> {
    let parts = reference.split_once('/').and_then(|(host, rest)| {
        let (path, tag) = rest.rsplit_once(':')?;
        Some((host, path, tag))
    });
    let Some((host, path, tag)) = parts else {
        return Err(Error::new(format!("`{reference}` is not REGISTRY/PATH:TAG")));
    };
    let scheme = if host.starts_with("127.") || host.starts_with("localhost") {
        "http"
    } else {
        "https"
    };
    Ok((format!("{scheme}://{host}/v2/{path}"), tag.to_string()))
}

impl Repository<'_> {
    /// The manifest for the architecture that is wanted.
    async fn manifest(&mut self, tag: &str) -> Tried<Document> {
        let top: Document = self.document(tag).await?;
        if top.config.is_some() {
            return Ok(top);
        }
        let wanted = top.manifests.iter().find(|entry| {
            entry.platform.as_ref().is_some_and(|platform| {
                platform.os == "linux" && platform.architecture == self.key.arch.name()
            })
        });
        match wanted {
            Some(entry) => self.document(&entry.digest).await,
            None => Err(Failure::Unavailable(format!(
                "no image for {}",
                self.key.arch.name()
            ))),
        }
    }

    async fn document(&mut self, reference: &str) -> Tried<Document> {
        let url = format!("{}/manifests/{reference}", self.base);
        let answer = self.get(&url).await?;
        let body = answer
            .bytes()
            .await
            .map_err(|error| Failure::Unavailable(error.to_string()))?;
        if let Some(expected) = reference.strip_prefix("sha256:") {
            self.compare(expected, &digest::sha256_of(&body))?;
        }
        serde_json::from_slice(&body)
            .map_err(|error| Failure::Unavailable(format!("the manifest is not understood: {error}")))
    }

    /// A request; a registry that wants a token (as ghcr.io does, even from everybody) gets one.
    async fn get(&mut self, url: &str) -> Tried<reqwest::Response> {
        let answer = self.send(url).await?;
        if answer.status() != reqwest::StatusCode::UNAUTHORIZED || self.token.is_some() {
            return successful(answer);
        }
        let challenge = answer
            .headers()
            .get("www-authenticate")
            .and_then(|value| value.to_str().ok());
        let Some(address) = challenge.and_then(token_address) else {
            return successful(answer);
        };
        let grant: Grant = successful(self.downloader.send(&address, &[]).await?)?
            .json()
            .await
            .map_err(|error| Failure::Unavailable(error.to_string()))?;
        self.token = grant.token.or(grant.access_token);
        successful(self.send(url).await?)
    }

    fn authorization(&self) -> Option<String> {
        self.token.as_ref().map(|token| format!("Bearer {token}"))
    }

    async fn send(&self, url: &str) -> Tried<reqwest::Response> {
        let bearer = self.authorization();
        let mut headers = vec![("accept", ACCEPT)];
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        self.downloader.send(url, &headers).await
    }

    async fn blob(&self, blob: &Descriptor, to: &Path) -> Tried<()> {
        let url = format!("{}/blobs/{}", self.base, blob.digest);
        let bearer = self.authorization();
        let headers: Vec<(&str, &str)> = bearer
            .iter()
            .map(|bearer| ("authorization", bearer.as_str()))
            .collect();
        self.downloader.file(self.key, &url, &headers, to).await?;
        self.compare(blob.digest.trim_start_matches("sha256:"), &digest::sha256(to)?)
    }

    fn compare(&self, expected: &str, found: &str) -> Tried<()> {
        if expected == found {
            return Ok(());
        }
        Err(wrong_digest(
            self.key,
            expected,
            found,
            &format!("the registry's {}", self.reference),
        )
        .into())
    }

    /// Fetches what is needed of an image: the layers from above until one has `member`, or all of it.
    async fn gather(
        &self,
        manifest: &Document,
        layers: &[PathBuf],
        member: Option<&str>,
        to: &Path,
    ) -> Tried<()> {
        let Some(member) = member else {
            return self.whole(manifest, layers, to).await;
        };
        for (layer, path) in manifest.layers.iter().zip(layers).rev() {
            self.blob(layer, path).await?;
            if extract(path, member, to).await.is_ok() {
                return Ok(());
            }
        }
        Err(Failure::Unavailable(format!("the image contains no {member}")))
    }

    async fn whole(&self, manifest: &Document, layers: &[PathBuf], to: &Path) -> Tried<()> {
        let Some(config) = &manifest.config else {
            return Err(Failure::Unavailable(
                "the manifest names no configuration".to_string(),
            ));
        };
        let configuration = to.with_extension("config");
        self.blob(config, &configuration).await?;
        for (layer, path) in manifest.layers.iter().zip(layers) {
            self.blob(layer, path).await?;
            unpacked(path).await?;
        }
        let read = std::fs::read(&configuration);
        // The archive holds a copy.
        let _ = std::fs::remove_file(&configuration);
        let bytes = read.map_err(|error| Error::new("cannot read an image's configuration").cause(error))?;
        let layers: Vec<&Path> = layers.iter().map(PathBuf::as_path).collect();
        Ok(image::archive(self.reference, &bytes, &layers, to)?)
    }
}

/// Replaces a gzipped layer by the tar in it: docker-archives hold plain ones.
async fn unpacked(layer: &Path) -> Result<(), Error> {
    let problem = |error: std::io::Error| Error::new("cannot unpack an image's layer").cause(error);
    let mut start = [0; 2];
    let mut file = std::fs::File::open(layer).map_err(problem)?;
    if std::io::Read::read_exact(&mut file, &mut start).is_err() || start != [0x1f, 0x8b] {
        return Ok(());
    }
    let plain = layer.with_extension("plain");
    into_file(
        command("gzip").arg("-dc").arg(layer),
        &plain,
        "unpack an image's layer",
    )
    .await?;
    std::fs::rename(&plain, layer).map_err(problem)
}

/// Where to ask for a token, from `Bearer realm="...",service="...",scope="..."`.
fn token_address(challenge: &str) -> Option<String> {
    let rest = challenge.strip_prefix("Bearer ")?;
    let value = |name: &str| {
        let (_, after) = rest.split_once(&format!("{name}=\""))?;
        after.split_once('"').map(|(value, _)| value)
    };
    let realm = value("realm")?;
    let query: Vec<String> = ["service", "scope"]
        .iter()
        .filter_map(|name| Some(format!("{name}={}", value(name)?)))
        .collect();
    Some(format!("{realm}?{}", query.join("&")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_become_addresses() {
        let (base, tag) = address("registry.k8s.io/e2e-test-images/agnhost:2.63.0").unwrap();
        assert_eq!(base, "https://registry.k8s.io/v2/e2e-test-images/agnhost");
        assert_eq!(tag, "2.63.0");
        assert_eq!(
            address("127.0.0.1:5000/p:1").unwrap().0,
            "http://127.0.0.1:5000/v2/p"
        );
        assert!(address("pause").is_err());
    }

    #[test]
    fn a_challenge_says_where_tokens_are_given() {
        let challenge =
            "Bearer realm=\"https://ghcr.io/token\",service=\"ghcr.io\",scope=\"repository:a/b:pull\"";
        assert_eq!(
            token_address(challenge).unwrap(),
            "https://ghcr.io/token?service=ghcr.io&scope=repository:a/b:pull"
        );
        assert_eq!(token_address("Basic realm=\"x\""), None);
    }
}
