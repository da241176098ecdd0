//! What identifies one file: name, version, variant and architecture.

use crate::error::{Error, Result};
use std::fmt;
use std::path::PathBuf;

/// A processor architecture, named as Go and Debian name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Architecture {
    /// x86-64.
    Amd64,
    /// AArch64.
    Arm64,
}

impl Architecture {
    /// The architecture of this computer.
    pub fn here() -> Architecture {
        if cfg!(target_arch = "aarch64") {
            Architecture::Arm64
        } else {
            Architecture::Amd64
        }
    }

    /// Reads any of the names in use: `amd64`, `x86_64`, `arm64`, `aarch64`.
    pub fn named(name: &str) -> Result<Architecture> {
        match name {
            "amd64" | "x86_64" => Ok(Architecture::Amd64),
            "arm64" | "aarch64" => Ok(Architecture::Arm64),
            other => Err(
                Error::new(format!("`{other}` is not an architecture Vent has artifacts for"))
                    .help("use amd64 or arm64"),
            ),
        }
    }

    /// `amd64` or `arm64`.
    pub fn name(self) -> &'static str {
        match self {
            Architecture::Amd64 => "amd64",
            Architecture::Arm64 => "arm64",
        }
    }

    /// What `uname -m` says.
    pub fn machine(self) -> &'static str {
        match self {
            Architecture::Amd64 => "x86_64",
            Architecture::Arm64 => "aarch64",
        }
    }
}

/// One file among all that can be had.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Name of the program or image, and of its file.
    pub name: String,
    /// Version without a leading `v`.
    pub version: String,
    /// A special build, if it is one.
    pub variant: Option<String>,
    /// What it runs on.
    pub arch: Architecture,
}

impl Key {
    /// `amd64`, or `amd64-VARIANT`: the last folder of the path and the key in the lock file.
    pub fn platform(&self) -> String {
        match &self.variant {
            Some(variant) => format!("{}-{variant}", self.arch.name()),
            None => self.arch.name().to_string(),
        }
    }

    /// Folder below a cache or a mirror.
    pub fn folder(&self) -> PathBuf {
        [
            self.name.as_str(),
            self.version.as_str(),
            self.platform().as_str(),
        ]
        .iter()
        .collect()
    }

    /// Permission bits of its file: programs are run, images are not.
    pub fn mode(&self) -> u32 {
        if self.name.ends_with(".tar") { 0o644 } else { 0o755 }
    }

    /// File below a cache or a mirror: `NAME/VERSION/PLATFORM/NAME`.
    pub fn path(&self) -> PathBuf {
        self.folder().join(&self.name)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} for {}", self.name, self.version, self.arch.name())?;
        match &self.variant {
            Some(variant) => write!(out, " ({variant})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_has_a_folder_of_its_own() {
        let mut key = Key {
            name: "x".into(),
            version: "1".into(),
            variant: None,
            arch: Architecture::Arm64,
        };
        assert_eq!(key.path(), PathBuf::from("x/1/arm64/x"));
        key.variant = Some("small".into());
        assert_eq!(key.path(), PathBuf::from("x/1/arm64-small/x"));
        assert_eq!(key.to_string(), "x 1 for arm64 (small)");
    }

    #[test]
    fn architectures_have_several_names() {
        assert_eq!(Architecture::named("aarch64").unwrap(), Architecture::Arm64);
        assert_eq!(
            Architecture::named("riscv64").unwrap_err().to_string(),
            "error: `riscv64` is not an architecture Vent has artifacts for\n  help: use amd64 or arm64\n"
        );
    }
}
