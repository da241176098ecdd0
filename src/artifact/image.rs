//! Container images as docker-archives: a tar of a configuration, layers and a manifest.

use super::digest;
use crate::error::{Error, Result};
use serde_json::json;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use tar::{EntryType, Header};

/// What a program finds in an image put together here, besides itself.
const PASSWD: &str = "root:x:0:0:root:/:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n";
const GROUP: &str = "root:x:0:\nnogroup:x:65534:\n";

/// An image to put together.
pub struct Contents<'a> {
    /// Reference stored in the archive.
    pub reference: &'a str,
    /// `amd64` or `arm64`.
    pub architecture: &'a str,
    /// Path in the image and the file that goes there.
    pub files: Vec<(&'a str, &'a Path)>,
    /// Empty folders that everybody may write to.
    pub folders: &'a [String],
    /// What is started.
    pub entrypoint: &'a [String],
    /// Its arguments.
    pub command: &'a [String],
}

/// Writes a docker-archive with one layer. The same contents give the same bytes: all times are zero,
/// all owners root.
pub fn assemble(contents: &Contents<'_>, to: &Path) -> Result<()> {
    let layer = to.with_extension("layer");
    let done = write_layer(contents, &layer).and_then(|()| {
        let diff = format!("sha256:{}", digest::sha256(&layer)?);
        let configuration = json!({
            "architecture": contents.architecture,
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": {
                "Entrypoint": contents.entrypoint,
                "Cmd": contents.command,
                "WorkingDir": "/",
                "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            },
            "rootfs": {"type": "layers", "diff_ids": [diff]},
        });
        archive(
            contents.reference,
            configuration.to_string().as_bytes(),
            &[&layer],
            to,
        )
    });
    let _ = std::fs::remove_file(&layer);
    done
}

/// Writes a docker-archive of a configuration and its layers (tar, uncompressed, lowest first).
pub fn archive(reference: &str, configuration: &[u8], layers: &[&Path], to: &Path) -> Result<()> {
    let name = format!("{}.json", digest::sha256_of(configuration));
    let names: Vec<String> = (0..layers.len()).map(|at| format!("layer{at}.tar")).collect();
    let manifest = json!([{"Config": name, "RepoTags": [reference], "Layers": names}]).to_string();
    let write = || -> std::io::Result<()> {
        let mut tar = Tar::create(to)?;
        tar.bytes(&name, 0o644, configuration)?;
        for (name, layer) in names.iter().zip(layers) {
            tar.file(name, 0o644, layer)?;
        }
        tar.bytes("manifest.json", 0o644, manifest.as_bytes())?;
        tar.finish()
    };
    write().map_err(|error| cannot_write(to, &error))
}

fn write_layer(contents: &Contents<'_>, to: &Path) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let mut tar = Tar::create(to)?;
        tar.folder("etc/", 0o755)?;
        tar.bytes("etc/passwd", 0o644, PASSWD.as_bytes())?;
        tar.bytes("etc/group", 0o644, GROUP.as_bytes())?;
        for folder in contents.folders {
            tar.folder(&format!("{folder}/"), 0o1777)?;
        }
        for (name, file) in &contents.files {
            tar.file(name, 0o755, file)?;
        }
        tar.finish()
    };
    write().map_err(|error| cannot_write(to, &error))
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Error {
    Error::new(format!("cannot write the image {}", path.display())).cause(error)
}

/// Writes a tar archive.
struct Tar(tar::Builder<BufWriter<File>>);

impl Tar {
    fn create(path: &Path) -> std::io::Result<Tar> {
        Ok(Tar(tar::Builder::new(BufWriter::new(File::create(path)?))))
    }

    fn folder(&mut self, name: &str, mode: u32) -> std::io::Result<()> {
        let mut header = header(mode, EntryType::Directory);
        self.0.append_data(&mut header, name, std::io::empty())
    }

    fn bytes(&mut self, name: &str, mode: u32, bytes: &[u8]) -> std::io::Result<()> {
        let mut header = header(mode, EntryType::Regular);
        header.set_size(bytes.len() as u64);
        self.0.append_data(&mut header, name, bytes)
    }

    fn file(&mut self, name: &str, mode: u32, path: &Path) -> std::io::Result<()> {
        let mut header = header(mode, EntryType::Regular);
        let mut member = self.0.append_writer(&mut header, name)?;
        std::io::copy(&mut File::open(path)?, &mut member)?;
        member.finish()
    }

    fn finish(self) -> std::io::Result<()> {
        self.0.into_inner()?.flush()
    }
}

/// The header of a member that belongs to root and was never changed.
fn header(mode: u32, kind: EntryType) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(0);
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn listing(archive: &Path) -> String {
        let out = Command::new("tar")
            .arg("-tvf")
            .arg(archive)
            .env("TZ", "UTC")
            .output()
            .unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    }

    #[test]
    fn an_image_is_an_archive_of_one_layer_and_always_the_same() {
        let folder = std::env::temp_dir().join(format!("vent-image-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let program = folder.join("program");
        std::fs::write(&program, vec![7; 1000]).unwrap();
        let contents = Contents {
            reference: "example.org/p:1",
            architecture: "amd64",
            files: vec![("bin/p", &program)],
            folders: &["tmp".to_string()],
            entrypoint: &["/bin/p".to_string()],
            command: &[],
        };
        let (one, two) = (folder.join("one.tar"), folder.join("two.tar"));
        assemble(&contents, &one).unwrap();
        assemble(&contents, &two).unwrap();
        assert_eq!(std::fs::read(&one).unwrap(), std::fs::read(&two).unwrap());
        assert!(listing(&one).contains("manifest.json"), "{}", listing(&one));
        Command::new("tar")
            .arg("-xf")
            .arg(&one)
            .arg("-C")
            .arg(&folder)
            .status()
            .unwrap();
        let layer = listing(&folder.join("layer0.tar"));
        assert!(
            layer.contains("-rwxr-xr-x 0/0            1000 1970-01-01 00:00 bin/p"),
            "{layer}"
        );
        assert!(
            layer.contains("drwxrwxrwt 0/0               0 1970-01-01 00:00 tmp/"),
            "{layer}"
        );
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
