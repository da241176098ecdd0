//! Which artifacts are wanted, for which architectures: looked for, fetched, delivered.

use super::key::{Architecture, Key};
use super::manifest::{Artifact, Manifest, Recipe};
use super::store::{Obtained, Store};
use crate::error::{Error, Result};
use std::path::Path;

/// Which artifacts are wanted.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Names; `NAME=VERSION` makes sure that it is that version. None: all but mere parts of images.
    pub names: Vec<String>,
    /// For which architectures.
    pub architectures: Vec<Architecture>,
    /// The special build of those programs that have it.
    pub variant: Option<String>,
}

/// Something that is not there yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Missing {
    /// What.
    pub key: Key,
    /// Where it is, or that it is nowhere yet; to stand in brackets behind the key.
    pub why: String,
}

impl Selection {
    /// The artifacts that were chosen.
    ///
    /// # Errors
    /// A name, a version or a variant that there is not.
    pub fn artifacts<'a>(&self, manifest: &'a Manifest) -> Result<Vec<&'a Artifact>> {
        if let Some(variant) = self
            .variant
            .as_deref()
            .filter(|variant| !manifest.has_variant(variant))
        {
            return Err(Error::new(format!("no artifact has a variant `{variant}`"))
                .help("artifacts/artifacts.yml lists the variants"));
        }
        if self.names.is_empty() {
            return Ok(manifest.finished(self.variant.as_deref()));
        }
        self.names
            .iter()
            .map(|name| manifest.pinned(name, self.variant.as_deref()))
            .collect()
    }

    /// What is not in the cache yet.
    ///
    /// # Errors
    /// As [`Selection::artifacts`]; a file that is not what it must be.
    pub fn uncached(&self, store: &Store) -> Result<Vec<Key>> {
        let artifacts = self.artifacts(&store.manifest)?;
        store.uncached(&artifacts, &self.architectures)
    }

    /// What [`Selection::fetch`] would put into the cache or the folder; nothing is fetched.
    ///
    /// # Errors
    /// As [`Selection::artifacts`]; a file that is not what it must be.
    pub fn missing(&self, store: &Store, to: Option<&Path>) -> Result<Vec<Missing>> {
        let mut missing = vec![];
        for arch in &self.architectures {
            for artifact in self.artifacts(&store.manifest)? {
                if let Some(why) = store.pending(artifact, *arch, to)? {
                    let key = artifact.key(*arch);
                    missing.push(Missing { key, why });
                }
            }
        }
        Ok(missing)
    }

    /// Gets everything into the cache.
    ///
    /// # Errors
    /// What no source has and what cannot be built.
    pub async fn obtain(&self, store: &Store) -> Result<Vec<Obtained>> {
        let artifacts = self.artifacts(&store.manifest)?;
        store.obtain_all(&artifacts, &self.architectures).await
    }

    /// Gets everything into the cache, and delivers it to a folder; what was not there before.
    ///
    /// # Errors
    /// As [`Selection::obtain`]; a folder that cannot be written.
    pub async fn fetch(&self, store: &Store, to: Option<&Path>) -> Result<Vec<Obtained>> {
        let before = self.uncached(store)?;
        let obtained = self.obtain(store).await?;
        match to {
            Some(folder) => store.deliver(&obtained, folder),
            None => Ok(obtained
                .into_iter()
                .filter(|file| before.contains(&file.key))
                .collect()),
        }
    }
}

/// Artifacts, and behind them the parts of the images among them.
///
/// # Errors
/// An image has a part that there is not.
pub fn with_parts<'a>(manifest: &'a Manifest, artifacts: Vec<&'a Artifact>) -> Result<Vec<&'a Artifact>> {
    let mut all = artifacts.clone();
    for artifact in artifacts {
        let Recipe::Image(image) = &artifact.recipe else {
            continue;
        };
        for name in image.files.values() {
            let part = manifest.find(name, None)?;
            if !all.iter().any(|known| std::ptr::eq(*known, part)) {
                all.push(part);
            }
        }
    }
    Ok(all)
}
