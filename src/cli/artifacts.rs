//! `vent artifacts`: fetch, build, lock, export, verify, path.

use crate::artifact::{
    Architecture, Cache, Notice, Notices, Selection, Store, lock_official, notices, with_parts,
};
use crate::error::{Error, Errors, Result};
use clap::{Args, Subcommand};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The programs and images a cluster is made of.
///
/// Each is taken from the first of: the cache ($VENT_CACHE, else ~/.cache/vent), the mirror, its
/// publisher's official address, a build from the sources pinned under artifacts/. Digests are locked in
/// artifacts/lock.yml: what it has no digest of is taken neither from a mirror nor from a publisher, and a wrong
/// digest is an error, never a reason to try the next source.
#[derive(Subcommand, Debug)]
pub enum ArtifactsCommand {
    /// Gets artifacts into the cache, and with --to into a folder.
    ///
    /// Prints one line that begins with `changed:` for each file that was not there yet; nothing if all
    /// was there.
    Fetch {
        #[command(flatten)]
        choice: Choice,
        #[command(flatten)]
        source: Source,
        /// Also put the files at FOLDER/ARCH/NAME (a variant at FOLDER/ARCH-VARIANT/NAME).
        #[arg(long, value_name = "FOLDER")]
        to: Option<PathBuf>,
        /// Print the lines, but get nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Builds artifacts from their pinned sources, asking neither mirror nor publishers.
    Build {
        #[command(flatten)]
        choice: Choice,
        #[command(flatten)]
        source: Source,
        /// Write the digests of what was built to artifacts/lock.yml.
        #[arg(long)]
        lock: bool,
    },
    /// Writes digests to artifacts/lock.yml, so that files with these digests may be used.
    Lock {
        #[command(flatten)]
        choice: Choice,
        #[command(flatten)]
        source: Source,
        /// Those of the files at the publishers' addresses, each compared with its publisher's checksum.
        #[arg(long, required = true)]
        official: bool,
    },
    /// Writes artifacts to a folder that can serve as a mirror: without names all of them, with every
    /// variant.
    Export {
        #[command(flatten)]
        choice: Choice,
        #[command(flatten)]
        source: Source,
        /// The mirror's folder.
        folder: PathBuf,
    },
    /// Reads every artifact in the cache again and compares its digest.
    Verify {
        #[command(flatten)]
        source: Source,
    },
    /// Prints where an artifact lies in the cache, after getting it if it is not there.
    Path {
        /// Its name.
        name: String,
        #[command(flatten)]
        source: Source,
        /// The architecture: amd64 or arm64.
        #[arg(long, default_value = Architecture::here().name(), value_parser = architecture)]
        arch: Architecture,
        /// A special build, where there is one.
        #[arg(long)]
        variant: Option<String>,
    },
}

/// Which artifacts.
#[derive(Args, Debug)]
pub struct Choice {
    /// Names, separated by commas; NAME=VERSION makes sure that it is that version [default: all]
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    names: Vec<String>,
    /// Architectures, separated by commas: amd64, arm64.
    #[arg(long, value_delimiter = ',', default_value = Architecture::here().name(), value_parser = architecture)]
    arch: Vec<Architecture>,
    /// The special build of those programs that have it, like no-sys-resource.
    #[arg(long)]
    variant: Option<String>,
}

/// From where.
#[derive(Args, Debug)]
pub struct Source {
    /// The folder with artifacts.yml, lock.yml and the modules [default: artifacts, here or above]
    #[arg(long, value_name = "FOLDER")]
    artifacts: Option<PathBuf>,
    /// A mirror: a folder or an http(s) address; what vent_mirror says in the inventory.
    #[arg(long, env = "VENT_MIRROR", value_name = "FOLDER|URL")]
    mirror: Option<String>,
    /// Print what compilers say, too.
    #[arg(short, long)]
    verbose: bool,
}

fn architecture(name: &str) -> Result<Architecture, String> {
    Architecture::named(name).map_err(|error| error.message().to_string())
}

/// Does what the command says; standard output gets the result, standard error the progress.
pub async fn run(command: &ArtifactsCommand) -> Result<(), Errors> {
    match command {
        ArtifactsCommand::Fetch {
            choice,
            source,
            to,
            dry_run: true,
        } => pending(choice, source, to.as_deref())?,
        ArtifactsCommand::Fetch {
            choice,
            source,
            to,
            dry_run: false,
        } => fetch(choice, source, to.as_deref()).await?,
        ArtifactsCommand::Build { choice, source, lock } => build(choice, source, *lock).await?,
        ArtifactsCommand::Lock { choice, source, .. } => lock(choice, source).await?,
        ArtifactsCommand::Export {
            choice,
            source,
            folder,
        } => export(choice, source, folder).await?,
        ArtifactsCommand::Verify { source } => verify(source)?,
        ArtifactsCommand::Path {
            name,
            source,
            arch,
            variant,
        } => {
            let (store, mut notices) = source.store()?;
            let artifact = store.manifest.find(name, variant.as_deref())?;
            let work = store.obtain(artifact, *arch);
            let obtained = notices
                .during(vec![artifact.key(*arch)], work, source.show())
                .await?;
            print(&obtained.path.display().to_string())?;
        }
    }
    Ok(())
}

async fn fetch(choice: &Choice, source: &Source, to: Option<&Path>) -> Result<()> {
    let (store, mut notices) = source.store()?;
    let selection = choice.selection();
    let work = selection.fetch(&store, to);
    let uncached = selection.uncached(&store)?;
    for file in notices.during(uncached, work, source.show()).await? {
        print(&format!("changed: {} ({})", file.key, file.record.from))?;
    }
    Ok(())
}

fn pending(choice: &Choice, source: &Source, to: Option<&Path>) -> Result<()> {
    for missing in choice.selection().missing(&source.store()?.0, to)? {
        print(&format!("changed: {} ({})", missing.key, missing.why))?;
    }
    Ok(())
}

async fn build(choice: &Choice, source: &Source, write_lock: bool) -> Result<()> {
    let (store, mut notices) = source.store()?;
    let mut store = store.only_build();
    let selection = choice.selection();
    let before = selection.uncached(&store)?;
    let work = selection.obtain(&store);
    let obtained = notices.during(before.clone(), work, source.show()).await?;
    for file in obtained.iter().filter(|file| before.contains(&file.key)) {
        print(&format!("changed: {} ({})", file.key, file.record.from))?;
    }
    if !write_lock {
        return Ok(());
    }
    for file in obtained
        .iter()
        .filter(|file| file.record.origin.starts_with("built"))
    {
        store
            .lock
            .set(&file.key, &file.record.origin, &file.record.sha256);
    }
    store.lock.save()
}

async fn lock(choice: &Choice, source: &Source) -> Result<()> {
    let (mut store, mut notices) = source.store()?;
    let chosen = match choice.names.is_empty() && choice.variant.is_none() {
        true => store.manifest.everything(),
        false => choice.selection().artifacts(&store.manifest)?,
    };
    let artifacts = with_parts(&store.manifest, chosen)?;
    let wanted: Vec<_> = artifacts
        .iter()
        .flat_map(|artifact| choice.arch.iter().map(|arch| ((*artifact).clone(), *arch)))
        .collect();
    let work = lock_official(&mut store, &wanted);
    let done = notices.during(vec![], work, source.show()).await?;
    for (key, from) in &done.written {
        print(&format!("changed: {key} ({from})"))?;
    }
    done.missing().map_or(Ok(()), Err)
}

async fn export(choice: &Choice, source: &Source, folder: &Path) -> Result<()> {
    let (store, mut notices) = source.store()?;
    let unlimited = choice.names.is_empty() && choice.variant.is_none();
    let artifacts = if unlimited {
        store.manifest.everything()
    } else {
        choice.selection().artifacts(&store.manifest)?
    };
    let artifacts = with_parts(&store.manifest, artifacts)?;
    let uncached = store.uncached(&artifacts, &choice.arch)?;
    let work = store.obtain_all(&artifacts, &choice.arch);
    let obtained = notices.during(uncached, work, source.show()).await?;
    let changed = store.export(&obtained, folder)?;
    let total = obtained.len();
    if changed > 0 {
        print(&format!(
            "changed: {changed} of {total} artifacts written to {}",
            folder.display()
        ))?;
    }
    Ok(())
}

fn verify(source: &Source) -> Result<(), Errors> {
    let (store, _) = source.store()?;
    let mut wrong = Vec::new();
    for artifact in &store.manifest.artifacts {
        for arch in [Architecture::Amd64, Architecture::Arm64] {
            let key = artifact.key(arch);
            match store.cache.find(&key, &store.lock, true) {
                Ok(Some(record)) => {
                    print(&format!("ok: {key}, {}, sha256 {}", record.origin, record.sha256))?
                }
                Ok(None) => {}
                Err(error) => wrong.push(error),
            }
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Errors(wrong))
    }
}

impl Choice {
    fn selection(&self) -> Selection {
        Selection {
            names: self.names.clone(),
            architectures: self.arch.clone(),
            variant: self.variant.clone(),
        }
    }
}

impl Source {
    /// A store, and what it tells.
    fn store(&self) -> Result<(Store, Notices)> {
        let folder = match &self.artifacts {
            Some(folder) => folder.clone(),
            None => nearest_folder()?,
        };
        let mirror = self.mirror.as_deref().filter(|mirror| !mirror.is_empty());
        let (tell, notices) = notices();
        Ok((Store::open(&folder, Cache::of_user()?, mirror, tell)?, notices))
    }

    /// Shows what a store tells, with how many of all are there.
    fn show(&self) -> impl FnMut(&Notice, usize, usize) {
        let verbose = self.verbose;
        move |notice, done, total| {
            let line = match notice {
                Notice::Output(_) if !verbose => return,
                Notice::Output(line) => format!("  {line}"),
                notice if total > 1 => format!("{done} of {total}: {notice}"),
                notice => notice.to_string(),
            };
            // Nobody left to read progress is no reason to stop.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }
}

/// The folder `artifacts` of the project: in the current folder or the nearest one above.
fn nearest_folder() -> Result<PathBuf> {
    let here =
        std::env::current_dir().map_err(|error| Error::new("there is no current folder").cause(error))?;
    let folders = here.ancestors().map(|folder| folder.join("artifacts"));
    folders
        .into_iter()
        .find(|folder| folder.join("artifacts.yml").is_file())
        .ok_or_else(|| {
            Error::new("there is no list of artifacts")
                .cause(format!(
                    "neither {} nor a folder above it has artifacts/artifacts.yml",
                    here.display()
                ))
                .help("run this inside a project that has one, or name its folder with --artifacts")
        })
}

fn print(line: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{line}")
        .map_err(|error| Error::new("cannot write to standard output").cause(error))
}
