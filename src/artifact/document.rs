//! The form of `artifacts.yml`, and how it becomes the list of artifacts.

use super::manifest::{Artifact, CRecipe, GoRecipe, ImageRecipe, Manifest, Official, Recipe};
use crate::error::{Error, Result};
use crate::source::Source;
use crate::value::deserialize;
use crate::vault::Vault;
use crate::yaml::{self, Node};
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
    let root = root(source)?;
    let wrong = || Error::new(format!("{} is not a list of artifacts", source.name));
    let Some(root) = root else {
        return Err(wrong().cause("the file is empty"));
    };
    let value = root.value(&Vault::default())?;
    let (document, _): (Document, _) = deserialize(&value).map_err(|error| {
        wrong()
            .cause(&error)
            .at(&subject(&root, &error.to_string()).place)
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

/// The only document of a text. Of several errors in it the first is shown.
pub fn root(source: &Arc<Source>) -> Result<Option<Node>> {
    let unreadable = || Error::new(format!("{} is not YAML", source.name));
    match yaml::parse_one(source) {
        Ok((root, _)) => Ok(root),
        Err(errors) => Err(errors.0.into_iter().next().unwrap_or_else(unreadable)),
    }
}

/// The key that a message is about: the unknown field it names, or else the first name in it that is a
/// key somewhere; without any the root.
fn subject<'a>(root: &'a Node, message: &str) -> &'a Node {
    let about = message.rsplit("unknown field ").next().unwrap_or(message);
    let mut names = about.split('`').skip(1).step_by(2);
    names.find_map(|name| key(root, name)).unwrap_or(root)
}

fn key<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    if let Some(items) = node.items() {
        return items.iter().find_map(|item| key(item, name));
    }
    let entries = node.entries()?;
    let own = entries
        .iter()
        .map(|(own, _)| own)
        .find(|own| own.text() == Some(name));
    own.or_else(|| entries.iter().find_map(|(_, value)| key(value, name)))
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
