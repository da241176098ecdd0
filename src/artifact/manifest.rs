//! `artifacts/artifacts.yml`: which programs and images there are, and where they come from.

use super::document;
use super::key::{Architecture, Key};
use crate::error::{Error, Result, nearest};
use crate::source::Source;
use indexmap::IndexMap;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The manifest, checked: every artifact that can be asked for.
#[derive(Debug)]
pub struct Manifest {
    /// The Go release all builds use, like `1.26.8`.
    pub go: String,
    /// Programs and images in the order of the file.
    pub artifacts: Vec<Artifact>,
    /// The folder the manifest lies in; the Go modules lie beside it.
    pub folder: PathBuf,
}

/// One program or image.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// File name, and name to ask for.
    pub name: String,
    /// Version without a leading `v`.
    pub version: String,
    /// Set when this is the special build of a program that also has a usual one.
    pub variant: Option<String>,
    /// Where the publisher offers it.
    pub official: Option<Official>,
    /// How it is made here.
    pub recipe: Recipe,
}

/// Where a publisher offers an artifact. Texts hold placeholders, see [`Artifact::expand`].
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Official {
    /// A file or an archive with a checksum file beside it.
    Address {
        /// Address of the file.
        url: String,
        /// Address of the publisher's checksum file.
        checksum: String,
        /// Path inside the archive; without it the file itself is the program.
        member: Option<String>,
    },
    /// A container image in a registry, addressed by digests.
    Image {
        /// Reference with registry and tag.
        image: String,
        /// Path of the program in the image; without it the image itself is wanted.
        member: Option<String>,
    },
}

/// How an artifact is made here.
#[derive(Clone, Debug)]
pub enum Recipe {
    /// `go build` in a module of ours.
    Go(GoRecipe),
    /// A C compiler on sources that lie in a Go module.
    C(CRecipe),
    /// A container image out of other artifacts.
    Image(ImageRecipe),
}

/// A build by Go.
#[derive(Clone, Debug)]
pub struct GoRecipe {
    /// Folder beside the manifest that holds go.mod and go.sum.
    pub module: String,
    /// The package with the main function.
    pub package: String,
    /// Whether C is compiled too.
    pub cgo: bool,
    /// Debian packages with headers and static libraries.
    pub needs: Vec<String>,
    /// Build tags.
    pub tags: Vec<String>,
    /// Variables set by the linker.
    pub variables: IndexMap<String, String>,
}

/// A build by a C compiler.
#[derive(Clone, Debug)]
pub struct CRecipe {
    /// Folder beside the manifest whose go.mod pins the sources.
    pub module: String,
    /// Path of the Go module that holds the sources.
    pub sources_of: String,
    /// Files inside that module.
    pub sources: Vec<String>,
    /// Flags besides the usual ones.
    pub flags: Vec<String>,
}

/// A container image of one layer.
#[derive(Clone, Debug)]
pub struct ImageRecipe {
    /// Reference stored in the archive.
    pub reference: String,
    /// Path in the image, and the artifact that goes there.
    pub files: IndexMap<String, String>,
    /// Empty folders that everybody may write to.
    pub folders: Vec<String>,
    /// What is started.
    pub entrypoint: Vec<String>,
    /// Its arguments, unless the pod names others.
    pub command: Vec<String>,
}

impl Manifest {
    /// Reads `artifacts.yml` of a folder.
    pub fn load(folder: &Path) -> Result<Manifest> {
        let path = folder.join("artifacts.yml");
        let text = std::fs::read_to_string(&path).map_err(|error| {
            Error::new(format!("cannot read the list of artifacts {}", path.display()))
                .cause(error)
                .help("run this in a project that has artifacts/artifacts.yml, or name its folder with --artifacts")
        })?;
        let manifest = document::parse(&Source::file(&path, text), folder)?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The artifact of this name and variant.
    ///
    /// A variant that the program does not have means its usual build: a variant is a wish that
    /// holds for a whole machine, and most programs do not care.
    pub fn find(&self, name: &str, variant: Option<&str>) -> Result<&Artifact> {
        let of_name = || self.artifacts.iter().filter(|artifact| artifact.name == name);
        let special = variant.and_then(|wanted| of_name().find(|a| a.variant.as_deref() == Some(wanted)));
        special
            .or_else(|| of_name().find(|artifact| artifact.variant.is_none()))
            .ok_or_else(|| {
                let error = Error::new(format!("there is no artifact called `{name}`"));
                error
                    .help("artifacts/artifacts.yml lists them all")
                    .did_you_mean(nearest(
                        name,
                        self.artifacts.iter().map(|artifact| artifact.name.as_str()),
                    ))
            })
    }

    /// Like [`Manifest::find`], for `NAME` or `NAME=VERSION`: so a version that is written down elsewhere
    /// as well cannot drift away from the pinned one.
    pub fn pinned(&self, wish: &str, variant: Option<&str>) -> Result<&Artifact> {
        let (name, version) = match wish.split_once('=') {
            Some((name, version)) => (name, Some(version.trim_start_matches('v'))),
            None => (wish, None),
        };
        let artifact = self.find(name, variant)?;
        match version {
            Some(version) if version != artifact.version => {
                Err(Error::new(format!("{name} {version} is wanted, and artifacts.yml pins {}", artifact.version))
                    .help("change the version in artifacts/artifacts.yml and in its module's go.mod as well, or take the pinned one"))
            }
            _ => Ok(artifact),
        }
    }

    /// What a cluster needs: every artifact that is not merely a part of an image, in the given variant
    /// where there is one.
    pub fn finished(&self, variant: Option<&str>) -> Vec<&Artifact> {
        let images = self
            .artifacts
            .iter()
            .filter_map(|artifact| match &artifact.recipe {
                Recipe::Image(image) => Some(image),
                _ => None,
            });
        let parts: Vec<&String> = images.flat_map(|image| image.files.values()).collect();
        let special = |name: &str| {
            variant.is_some()
                && self
                    .artifacts
                    .iter()
                    .any(|a| a.name == name && a.variant.as_deref() == variant)
        };
        let wanted = |artifact: &&Artifact| match &artifact.variant {
            Some(own) => variant == Some(own),
            None => !special(&artifact.name),
        };
        let whole = self
            .artifacts
            .iter()
            .filter(|artifact| !parts.contains(&&artifact.name));
        whole.filter(wanted).collect()
    }

    /// What any cluster may need: like [`Manifest::finished`], with every variant.
    pub fn everything(&self) -> Vec<&Artifact> {
        let variants = self
            .artifacts
            .iter()
            .filter(|artifact| artifact.variant.is_some());
        self.finished(None).into_iter().chain(variants).collect()
    }

    /// True if any artifact has this variant.
    pub fn has_variant(&self, variant: &str) -> bool {
        self.artifacts
            .iter()
            .any(|artifact| artifact.variant.as_deref() == Some(variant))
    }

    /// Every name once and known files in every image.
    fn check(&self) -> Result<()> {
        for (at, artifact) in self.artifacts.iter().enumerate() {
            let same = |other: &&Artifact| other.name == artifact.name && other.variant == artifact.variant;
            if self.artifacts[..at].iter().find(same).is_some() {
                return Err(Error::new(format!(
                    "artifacts.yml lists `{}` twice",
                    artifact.name
                )));
            }
            if let Recipe::Image(image) = &artifact.recipe {
                for file in image.files.values() {
                    self.find(file, None)
                        .map_err(|error| error.cause(format!("the image {} wants it", artifact.name)))?;
                }
            }
        }
        Ok(())
    }
}

impl Artifact {
    /// What identifies its file for an architecture.
    pub fn key(&self, arch: Architecture) -> Key {
        let Artifact {
            name,
            version,
            variant,
            ..
        } = self;
        Key {
            name: name.clone(),
            version: version.clone(),
            variant: variant.clone(),
            arch,
        }
    }

    /// Fills in `{name}`, `{version}`, `{arch}` and `{machine}`.
    pub fn expand(&self, text: &str, arch: Architecture) -> String {
        text.replace("{name}", &self.name)
            .replace("{version}", &self.version)
            .replace("{arch}", arch.name())
            .replace("{machine}", arch.machine())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> Manifest {
        Manifest::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("artifacts")).unwrap()
    }

    #[test]
    fn the_shipped_manifest_is_sound_and_its_modules_exist() {
        let manifest = shipped();
        for artifact in &manifest.artifacts {
            let module = match &artifact.recipe {
                Recipe::Go(recipe) => &recipe.module,
                Recipe::C(recipe) => &recipe.module,
                Recipe::Image(_) => continue,
            };
            assert!(manifest.folder.join(module).join("go.mod").is_file(), "{module}");
        }
    }

    #[test]
    fn the_modules_pin_the_versions_of_the_manifest() {
        let manifest = shipped();
        for (name, module, version) in [
            ("kubelet", "k8s.io/kubernetes", "v"),
            ("etcd", "go.etcd.io/etcd/server/v3", "v"),
            ("containerd", "github.com/containerd/containerd/v2", "v"),
            ("crio", "github.com/cri-o/cri-o", "v"),
            ("runc", "github.com/opencontainers/runc", "v"),
            ("runsc", "gvisor.dev/gvisor", "v0.0.0-"),
            ("crictl", "sigs.k8s.io/cri-tools", "v"),
            ("bridge", "github.com/containernetworking/plugins", "v"),
            ("flanneld", "github.com/flannel-io/flannel", "v"),
            ("coredns", "github.com/coredns/coredns", "v"),
        ] {
            let artifact = manifest.find(name, None).unwrap();
            let Recipe::Go(recipe) = &artifact.recipe else {
                panic!("{name} is not built by Go")
            };
            let pins = std::fs::read_to_string(manifest.folder.join(&recipe.module).join("go.mod")).unwrap();
            let pin = format!("{module} {version}{}", artifact.version);
            assert!(
                pins.contains(&pin),
                "{}/go.mod does not contain `{pin}`",
                recipe.module
            );
            assert!(
                pins.contains(&format!("\ngo {}\n", manifest.go)),
                "{}: other Go release",
                recipe.module
            );
        }
    }

    #[test]
    fn addresses_are_filled_in() {
        let manifest = shipped();
        let etcdctl = manifest.find("etcdctl", None).unwrap();
        let Some(Official::Address { url, member, .. }) = &etcdctl.official else {
            panic!()
        };
        assert_eq!(
            etcdctl.expand(url, Architecture::Arm64),
            "https://github.com/etcd-io/etcd/releases/download/v3.6.8/etcd-v3.6.8-linux-arm64.tar.gz"
        );
        assert_eq!(
            etcdctl.expand(member.as_ref().unwrap(), Architecture::Amd64),
            "etcd-v3.6.8-linux-amd64/etcdctl"
        );
    }

    #[test]
    fn a_variant_is_taken_where_there_is_one() {
        let manifest = shipped();
        let variant = Some("no-sys-resource");
        assert_eq!(
            manifest
                .find("containerd-shim-runsc-v1", variant)
                .unwrap()
                .variant
                .as_deref(),
            variant
        );
        assert_eq!(manifest.find("kubelet", variant).unwrap().variant, None);
    }

    #[test]
    fn parts_of_images_are_not_asked_for_by_themselves() {
        let manifest = shipped();
        let names: Vec<&str> = manifest
            .finished(None)
            .iter()
            .map(|artifact| artifact.name.as_str())
            .collect();
        assert!(names.contains(&"agnhost.tar") && names.contains(&"kubelet"));
        assert!(!names.contains(&"agnhost") && !names.contains(&"coredns"));
        let count = |variant| {
            manifest
                .finished(variant)
                .iter()
                .filter(|a| a.variant.is_some())
                .count()
        };
        assert_eq!((count(None), count(Some("no-sys-resource"))), (0, 1));
        assert_eq!(manifest.finished(Some("no-sys-resource")).len(), names.len());
        assert_eq!(manifest.everything().len(), names.len() + 1);
    }

    #[test]
    fn a_version_that_is_not_the_pinned_one_is_refused() {
        let manifest = shipped();
        assert!(manifest.pinned("kubelet=v1.36.3", None).is_ok());
        assert_eq!(
            manifest.pinned("kubelet=1.0.0", None).unwrap_err().message(),
            "kubelet 1.0.0 is wanted, and artifacts.yml pins 1.36.3"
        );
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        let error = shipped().find("kublet", None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "error: there is no artifact called `kublet`\n  help: did you mean `kubelet`?\n"
        );
    }
}
