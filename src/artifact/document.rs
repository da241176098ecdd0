//! The form of `artifacts.yml`, and how it becomes the list of artifacts.

use super::manifest::{Artifact, CRecipe, GoRecipe, ImageRecipe, Manifest, Official, Recipe};
use crate::error::{Error, Result};
use crate::source::{Place, Source};
use indexmap::IndexMap;
use serde::Deserialize;
use std::path::Path;
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    go: String,
    programs: Vec<ProgramEntry>,
    images: Vec<ImageEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProgramEntry {
    names: Vec<String>,
    version: String,
    variant: Option<String>,
    official: Option<Official>,
    build: BuildEntry,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct BuildEntry {
    module: String,
    package: Option<String>,
    #[serde(default)]
    packages: IndexMap<String, String>,
    #[serde(default)]
    cgo: bool,
    #[serde(default)]
    needs: Vec<String>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    variables: IndexMap<String, String>,
    c: Option<CEntry>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct CEntry {
    module: String,
    sources: Vec<String>,
    #[serde(default)]
    flags: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ImageEntry {
    name: String,
    version: String,
    reference: String,
    #[serde(default)]
    pull: bool,
    files: IndexMap<String, String>,
    #[serde(default)]
    folders: Vec<String>,
    entrypoint: Vec<String>,
    #[serde(default)]
    command: Vec<String>,
}

/// Reads the text of a manifest; `folder` is where the Go modules lie.
pub fn parse(source: &Arc<Source>, folder: &Path) -> Result<Manifest> {
    let document: Document = yaml_serde::from_str(&source.text).map_err(|error| {
        let problem = Error::new(format!("{} is not a list of artifacts", source.name)).cause(&error);
        match error.location() {
            Some(at) => problem.at(&Place::new(source, at.index()..at.index())),
            None => problem,
        }
    })?;
    let mut artifacts = Vec::new();
    for entry in &document.programs {
        for name in &entry.names {
            artifacts.push(entry.artifact(name)?);
        }
    }
    artifacts.extend(document.images.into_iter().map(ImageEntry::artifact));
    let manifest = Manifest {
        go: document.go,
        artifacts,
        folder: folder.to_path_buf(),
    };
    Ok(manifest)
}

impl ProgramEntry {
    fn artifact(&self, name: &str) -> Result<Artifact> {
        Ok(Artifact {
            name: name.to_string(),
            version: self.version.clone(),
            variant: self.variant.clone(),
            official: self.official.clone(),
            recipe: self.build.clone().recipe(name)?,
        })
    }
}

impl BuildEntry {
    fn recipe(self, name: &str) -> Result<Recipe> {
        if let Some(c) = self.c {
            let CEntry {
                module: sources_of,
                sources,
                flags,
            } = c;
            return Ok(Recipe::C(CRecipe {
                module: self.module,
                sources_of,
                sources,
                flags,
            }));
        }
        let Some(package) = self.packages.get(name).cloned().or(self.package) else {
            return Err(Error::new(format!(
                "artifacts.yml does not say which package builds `{name}`"
            ))
            .help("give `package`, or an entry for it in `packages`"));
        };
        let BuildEntry {
            module,
            cgo,
            needs,
            tags,
            variables,
            ..
        } = self;
        Ok(Recipe::Go(GoRecipe {
            module,
            package,
            cgo,
            needs,
            tags,
            variables,
        }))
    }
}

impl ImageEntry {
    fn artifact(self) -> Artifact {
        let ImageEntry {
            name,
            version,
            reference,
            pull,
            files,
            folders,
            entrypoint,
            command,
        } = self;
        let official = pull.then(|| Official::Image {
            image: reference.clone(),
            member: None,
        });
        let recipe = Recipe::Image(ImageRecipe {
            reference,
            files,
            folders,
            entrypoint,
            command,
        });
        Artifact {
            name,
            version,
            variant: None,
            official,
            recipe,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_shown_with_its_place() {
        let source = Source::named(
            "artifacts.yml",
            "go: 1.2.3\nprograms: []\nimages: []\nextra: 1\n".into(),
        );
        let error = parse(&source, Path::new("/")).unwrap_err().to_string();
        assert!(error.contains("--> artifacts.yml:4:1"), "{error}");
        assert!(error.contains("unknown field `extra`"), "{error}");
    }
}
