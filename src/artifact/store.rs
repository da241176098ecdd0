//! Getting an artifact: cache, mirror, publisher, build, in this order.

use super::build::Builder;
use super::cache::{Cache, Record};
use super::digest;
use super::download::{Downloader, Failure, Tried};
use super::image;
use super::key::{Architecture, Key};
use super::lock::{Lock, NO_DIGEST};
use super::manifest::{Artifact, ImageRecipe, Manifest, Official as Offer, Recipe};
use super::mirror::{Mirror, differs, place};
use super::notice::{Notice, Tell};
use super::official::Official;
use super::registry;
use crate::error::{Error, Result};
use futures::{StreamExt, TryStreamExt};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// The origin of a publisher's own file.
pub(super) const OFFICIAL: &str = "official";
/// The origin of an image put together here from locked parts.
const ASSEMBLED: &str = "assembled";

/// Everything that is needed to get artifacts.
pub struct Store {
    /// What there is.
    pub manifest: Manifest,
    /// What it must be.
    pub lock: Lock,
    /// Where it is kept.
    pub cache: Cache,
    mirror: Option<Mirror>,
    /// Whether publishers are asked.
    publishers: bool,
    official: Official,
    downloader: Downloader,
    builder: Builder,
    /// Who in this process is busy with which file.
    busy: Mutex<HashMap<Key, Arc<tokio::sync::Mutex<()>>>>,
    tell: Tell,
}

/// A file that is in the cache now.
#[derive(Clone, Debug)]
pub struct Obtained {
    /// Which.
    pub key: Key,
    /// Where.
    pub path: PathBuf,
    /// What is known of it.
    pub record: Record,
}

/// What was made here.
struct Made {
    origin: String,
    from: String,
    /// The digests of an image's parts.
    parts: Vec<String>,
    /// When its turn came.
    began: Instant,
}

impl Store {
    /// A store over the manifest and lock of a folder.
    pub fn open(folder: &Path, cache: Cache, mirror: Option<&str>, tell: Tell) -> Result<Store> {
        let manifest = Manifest::load(folder)?;
        Ok(Store {
            lock: Lock::load(folder)?,
            mirror: mirror.map(Mirror::new),
            publishers: true,
            official: Official::default(),
            downloader: Downloader::new(tell.clone())?,
            builder: Builder::new(&manifest, &cache, &tell),
            busy: Mutex::default(),
            manifest,
            cache,
            tell,
        })
    }

    /// Asks neither mirror nor publishers: what is not in the cache is built.
    pub fn only_build(mut self) -> Store {
        self.mirror = None;
        self.publishers = false;
        self
    }

    /// What of several artifacts is not in the cache yet.
    ///
    /// # Errors
    /// A file that is not what it must be.
    pub fn uncached(&self, artifacts: &[&Artifact], architectures: &[Architecture]) -> Result<Vec<Key>> {
        let keys = architectures
            .iter()
            .flat_map(|arch| artifacts.iter().map(|artifact| artifact.key(*arch)));
        let mut missing = vec![];
        for key in keys {
            if self.cache.find(&key, &self.lock, false)?.is_none() {
                missing.push(key);
            }
        }
        Ok(missing)
    }

    /// Gets several artifacts, the slow ones of an architecture side by side; answers in the order asked.
    pub async fn obtain_all(
        &self,
        artifacts: &[&Artifact],
        architectures: &[Architecture],
    ) -> Result<Vec<Obtained>> {
        let mut all = vec![];
        for arch in architectures {
            let work = artifacts.iter().map(|artifact| self.obtain(artifact, *arch));
            let obtained: Vec<_> = futures::stream::iter(work).buffered(8).try_collect().await?;
            all.extend(obtained);
        }
        Ok(all)
    }

    /// Gets one artifact.
    pub async fn obtain(&self, artifact: &Artifact, arch: Architecture) -> Result<Obtained> {
        let key = artifact.key(arch);
        let path = self.cache.path(&key);
        if let Some(record) = self.cached(artifact, &key)? {
            return Ok(Obtained { key, path, record });
        }
        let busy = {
            let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
            busy.entry(key.clone()).or_default().clone()
        };
        let _busy = busy.lock().await;
        let _held = self.hold(&key).await?;
        if let Some(record) = self.cached(artifact, &key)? {
            return Ok(Obtained { key, path, record });
        }
        // The same name every time: what a killed run left is written over by the next one.
        let part = self
            .cache
            .workshop()?
            .join(format!("{}-{}-{}", key.name, key.version, key.platform()));
        let record = self.bring(artifact, &key, &part).await;
        // Absent when all went well, half a file when not.
        let _ = std::fs::remove_file(&part);
        Ok(Obtained {
            key,
            path,
            record: record?,
        })
    }

    /// The record of a file that is in the cache, and is not an image of other parts than today's.
    fn cached(&self, artifact: &Artifact, key: &Key) -> Result<Option<Record>> {
        let Some(record) = self.cache.find(key, &self.lock, false)? else {
            return Ok(None);
        };
        let Recipe::Image(recipe) = &artifact.recipe else {
            return Ok(Some(record));
        };
        if record.origin != ASSEMBLED {
            return Ok(Some(record));
        }
        for (name, used) in recipe.files.values().zip(&record.parts) {
            let part = self.manifest.find(name, None)?.key(key.arch);
            let now = self.cache.find(&part, &self.lock, false)?;
            if now.is_some_and(|now| now.sha256 != *used) {
                return Ok(None);
            }
        }
        Ok(Some(record))
    }

    async fn hold(&self, key: &Key) -> Result<std::fs::File> {
        let (cache, tell, key) = (self.cache.clone(), self.tell.clone(), key.clone());
        let held = tokio::task::spawn_blocking(move || {
            cache.hold(Some(&key), || tell(&Notice::Waiting(key.to_string())))
        });
        held.await
            .map_err(|error| Error::new("cannot wait for an artifact").cause(error))?
    }

    /// Tries the sources one after the other.
    async fn bring(&self, artifact: &Artifact, key: &Key, part: &Path) -> Result<Record> {
        let mut started = Instant::now();
        let (mut brought, mut refusals) = (None, Vec::new());
        // An image is put together here from parts that are vouched for.
        let asks = self.lock.digests(key).is_some() || !matches!(artifact.recipe, Recipe::Image(_));
        if let Some(mirror) = self.mirror.as_ref().filter(|_| asks) {
            let from = mirror.describe(key);
            let tried = mirror.fetch(&self.downloader, &self.lock, key, part).await;
            brought = self
                .outcome(key, &from, tried, &mut refusals)?
                .map(|(_, origin)| (origin, from, vec![]));
        }
        if let (None, Some(offer), true) = (&brought, &artifact.official, self.publishers && asks) {
            let from = source_of(artifact, offer, key);
            let tried = match self.lock.digest(key, OFFICIAL) {
                Some(_) => self.ask_publisher(artifact, offer, key, part).await,
                None => Err(Failure::Unavailable(NO_DIGEST.to_string())),
            };
            brought = self
                .outcome(key, &from, tried, &mut refusals)?
                .map(|()| (OFFICIAL.to_string(), from, vec![]));
        }
        let made_here = brought.is_none();
        let (origin, from, parts) = match brought {
            Some(brought) => brought,
            None => {
                // Go refuses to write over a file that no Go made, like half a download.
                let _ = std::fs::remove_file(part);
                let made = self.make(artifact, key, part).await;
                let made = made.map_err(|error| nowhere(key, &refusals, &error))?;
                started = made.began;
                (made.origin, made.from, made.parts)
            }
        };
        let sha256 = digest::sha256(part)?;
        self.lock.check(key, &origin, &sha256, &from)?;
        let mut record = Record::new(part, sha256, &origin, &from)?;
        record.parts = parts;
        record.made_here = made_here;
        let record = self.cache.place(key, part, record)?;
        let unlocked = origin != ASSEMBLED && self.lock.digest(key, &origin).is_none();
        let (size, seconds) = (record.size(), started.elapsed().as_secs());
        (self.tell)(&Notice::Obtained {
            key: key.clone(),
            from,
            size,
            seconds,
            unlocked,
        });
        Ok(record)
    }

    /// Says so, and notes it, when a source does not have it.
    fn outcome<T>(
        &self,
        key: &Key,
        from: &str,
        tried: Tried<T>,
        refusals: &mut Vec<String>,
    ) -> Result<Option<T>> {
        match tried {
            Ok(got) => Ok(Some(got)),
            Err(Failure::Fatal(error)) => Err(error),
            Err(Failure::Unavailable(why)) => {
                refusals.push(format!("{from}: {why}"));
                (self.tell)(&Notice::Unavailable {
                    key: key.clone(),
                    from: from.to_string(),
                    why,
                });
                Ok(None)
            }
        }
    }

    /// Puts a publisher's file at `part`, compared with the publisher's checksum.
    pub(super) async fn ask_publisher(
        &self,
        artifact: &Artifact,
        offer: &Offer,
        key: &Key,
        part: &Path,
    ) -> Tried<()> {
        let expand = |text: &str| artifact.expand(text, key.arch);
        match offer {
            Offer::Address {
                url,
                checksum,
                member,
            } => {
                let (url, member) = (expand(url), member.as_deref().map(expand));
                let checksum = expand(checksum).replace("{url}", &url);
                self.official
                    .fetch(&self.downloader, key, (&url, &checksum, member.as_deref()), part)
                    .await
            }
            Offer::Image { image, member } => {
                let wanted = (expand(image), member.as_deref().map(expand));
                registry::fetch(&self.downloader, key, (&wanted.0, wanted.1.as_deref()), part).await
            }
        }
    }

    async fn make(&self, artifact: &Artifact, key: &Key, to: &Path) -> Result<Made> {
        let (built, module) = match &artifact.recipe {
            Recipe::Go(recipe) => (self.builder.go(artifact, recipe, key, to).await?, &recipe.module),
            Recipe::C(recipe) => (self.builder.c(artifact, recipe, key, to).await?, &recipe.module),
            Recipe::Image(recipe) => return self.assemble(artifact, recipe, key, to).await,
        };
        let from = format!("built from artifacts/{module}");
        Ok(Made {
            origin: built.origin,
            from,
            parts: vec![],
            began: built.began,
        })
    }

    async fn assemble(
        &self,
        artifact: &Artifact,
        recipe: &ImageRecipe,
        key: &Key,
        to: &Path,
    ) -> Result<Made> {
        let mut parts = Vec::new();
        for name in recipe.files.values() {
            // A boxed future, since getting an image means getting its parts.
            parts.push(Box::pin(self.obtain(self.manifest.find(name, None)?, key.arch)).await?);
        }
        let reference = artifact.expand(&recipe.reference, key.arch);
        let places = recipe.files.keys().map(String::as_str);
        let contents = image::Contents {
            reference: &reference,
            architecture: key.arch.name(),
            files: places.zip(parts.iter().map(|part| part.path.as_path())).collect(),
            folders: &recipe.folders,
            entrypoint: &recipe.entrypoint,
            command: &recipe.command,
        };
        let began = Instant::now();
        image::assemble(&contents, to)?;
        let names: Vec<&str> = recipe.files.values().map(String::as_str).collect();
        let from = format!("put together from {}", names.join(", "));
        let parts = parts.into_iter().map(|part| part.record.sha256).collect();
        Ok(Made {
            origin: ASSEMBLED.to_string(),
            from,
            parts,
            began,
        })
    }

    /// Why getting an artifact (and delivering it to a folder) would change something; `None` if it would
    /// not. Nothing is fetched.
    pub fn pending(
        &self,
        artifact: &Artifact,
        arch: Architecture,
        folder: Option<&Path>,
    ) -> Result<Option<String>> {
        let key = artifact.key(arch);
        let Some(record) = self.cached(artifact, &key)? else {
            return Ok(Some("not in the cache yet".to_string()));
        };
        match folder
            .map(|folder| differs(&self.cache.path(&key), &delivered(folder, &key)))
            .transpose()?
        {
            Some(true) => Ok(Some(record.from)),
            _ => Ok(None),
        }
    }

    /// Puts files at `FOLDER/ARCH/NAME`, or `FOLDER/ARCH-VARIANT/NAME`; answers those that were not
    /// there yet or were different.
    pub fn deliver(&self, obtained: &[Obtained], folder: &Path) -> Result<Vec<Obtained>> {
        let mut changed = Vec::new();
        for file in obtained {
            if place(&file.path, &delivered(folder, &file.key))? {
                changed.push(file.clone());
            }
        }
        Ok(changed)
    }

    /// Writes files in the layout of a mirror, with a lock file that vouches for them; answers how
    /// many were not there yet.
    pub fn export(&self, obtained: &[Obtained], folder: &Path) -> Result<usize> {
        let mut changed = 0;
        let mut lock = Lock::load(folder)?;
        for file in obtained {
            changed += usize::from(place(&file.path, &folder.join(file.key.path()))?);
            lock.set(&file.key, &file.record.origin, &file.record.sha256);
        }
        lock.save()?;
        Ok(changed)
    }
}

/// Where a file is delivered to: `FOLDER/PLATFORM/NAME`.
pub fn delivered(folder: &Path, key: &Key) -> PathBuf {
    folder.join(key.platform()).join(&key.name)
}

/// What a publisher's offer is called.
pub(super) fn source_of(artifact: &Artifact, offer: &Offer, key: &Key) -> String {
    match offer {
        Offer::Address { url, .. } => artifact.expand(url, key.arch),
        Offer::Image { image, .. } => artifact.expand(image, key.arch),
    }
}

/// The error of an artifact that no source has and that cannot be built: each with its reason.
fn nowhere(key: &Key, refusals: &[String], build: &Error) -> Error {
    if refusals.is_empty() {
        return build.clone();
    }
    let problem = refusals
        .iter()
        .fold(Error::new(format!("{key} cannot be had")), Error::cause);
    problem
        .cause(format!("build: {}", build.line()))
        .help(build.cure().unwrap_or(
        "put the file into the cache or a mirror (`vent artifacts export DIR` on a computer that can get it)",
    ))
}
