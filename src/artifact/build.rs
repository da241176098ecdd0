//! Builds from the sources pinned under `artifacts/`: as reproducible as the compilers allow.

use super::cache::Cache;
use super::command::{command, output, output_told, tail, watched};
use super::key::{Architecture, Key};
use super::manifest::{Artifact, CRecipe, GoRecipe, Manifest};
use super::notice::{Notice, Tell};
use super::toolchain::{self, Compiler, Go};
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::process::Command;
use tokio::sync::OnceCell;

/// How often a build says how far it is.
const PROGRESS: Duration = Duration::from_secs(15);

/// The origin of a build in which nothing but Go took part: the same bytes everywhere.
const BUILT: &str = "built";

/// A finished build.
pub struct Built {
    /// Which kind of build it was, as the lock file names it.
    pub origin: String,
    /// When its turn came.
    pub began: Instant,
}

/// Builds one program at a time.
pub struct Builder {
    folder: PathBuf,
    release: String,
    cache: Cache,
    go: OnceCell<Go>,
    turn: tokio::sync::Mutex<()>,
    /// How often it says how far it is.
    every: Duration,
    tell: Tell,
}

impl Builder {
    /// A builder for the modules beside a manifest.
    pub fn new(manifest: &Manifest, cache: &Cache, tell: &Tell) -> Builder {
        Builder {
            folder: manifest.folder.clone(),
            release: manifest.go.clone(),
            cache: cache.clone(),
            go: OnceCell::new(),
            turn: tokio::sync::Mutex::default(),
            every: PROGRESS,
            tell: tell.clone(),
        }
    }

    /// Builds a Go program to `to`; answers what kind of build it was.
    pub async fn go(&self, artifact: &Artifact, recipe: &GoRecipe, key: &Key, to: &Path) -> Result<Built> {
        let _turn = self.turn(key, &recipe.module).await?;
        let report = Report::default();
        let work = self.compile_go(artifact, recipe, key, to, &report);
        let origin = self.telling(key, &report, work).await?;
        let began = report.began;
        Ok(Built { origin, began })
    }

    async fn compile_go(
        &self,
        artifact: &Artifact,
        recipe: &GoRecipe,
        key: &Key,
        to: &Path,
        report: &Report,
    ) -> Result<String> {
        let go = self.go_command().await?;
        let (compiler, origin) = match recipe.cgo {
            true => {
                let compiler = self.compiler(key.arch, &recipe.needs).await?;
                let origin = format!("{BUILT} with {}", compiler.label);
                (Some(compiler), origin)
            }
            false => (None, BUILT.to_string()),
        };
        let mut build = self.go_in(go, &recipe.module);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        build
            .args(["build", "-v", "-trimpath", "-buildvcs=false"])
            .args(["-p", &cores.to_string(), "-o"])
            .arg(to);
        if !recipe.tags.is_empty() {
            build.args(["-tags", &recipe.tags.join(",")]);
        }
        build
            .arg("-ldflags")
            .arg(linker_flags(artifact, recipe, key.arch));
        build.arg(artifact.expand(&recipe.package, key.arch));
        build.env("GOARCH", key.arch.name());
        for_c(&mut build, compiler.as_ref());
        self.run(&mut build, key, report).await?;
        Ok(origin)
    }

    /// Compiles C sources that lie in a Go module to `to`; answers what kind of build it was.
    pub async fn c(&self, artifact: &Artifact, recipe: &CRecipe, key: &Key, to: &Path) -> Result<Built> {
        let _turn = self.turn(key, &recipe.module).await?;
        let report = Report::default();
        let work = self.compile_c(artifact, recipe, key, to);
        let origin = self.telling(key, &report, work).await?;
        let began = report.began;
        Ok(Built { origin, began })
    }

    async fn compile_c(&self, artifact: &Artifact, recipe: &CRecipe, key: &Key, to: &Path) -> Result<String> {
        let go = self.go_command().await?;
        let compiler = self.compiler(key.arch, &[]).await?;
        let mut find = self.go_in(go, &recipe.module);
        find.args(["list", "-m", "-f", "{{.Dir}}", &recipe.sources_of]);
        let mut download = self.go_in(go, &recipe.module);
        download.args(["mod", "download", &recipe.sources_of]);
        let purpose = format!("find the sources of {key}");
        let tell = |line: &str| (self.tell)(&Notice::Output(line.to_string()));
        output_told(&mut download, &purpose, &tell).await?;
        let folder = output(&mut find, &purpose).await?;
        let mut compile = command(&compiler.program);
        compile
            .current_dir(folder.trim())
            .args(["-Os", "-static", "-s", "-Wl,--build-id=none"]);
        compile.args(recipe.flags.iter().map(|flag| artifact.expand(flag, key.arch)));
        compile.arg("-o").arg(to).args(&recipe.sources);
        output_told(&mut compile, &format!("build {key}"), &tell).await?;
        Ok(format!("{BUILT} with {}", compiler.label))
    }

    /// Waits until no other build runs, in this process or another one with the same cache.
    async fn turn(
        &self,
        key: &Key,
        module: &str,
    ) -> Result<(tokio::sync::MutexGuard<'_, ()>, std::fs::File)> {
        let pins = self.folder.join(module).join("go.mod");
        if !pins.is_file() {
            return Err(
                Error::new(format!("cannot build {key}")).cause(format!("there is no {}", pins.display()))
            );
        }
        let turn = self.turn.lock().await;
        let (cache, tell) = (self.cache.clone(), self.tell.clone());
        let held = tokio::task::spawn_blocking(move || {
            cache.hold(None, || {
                tell(&Notice::Waiting("the builds of this cache".to_string()))
            })
        });
        let held = held
            .await
            .map_err(|error| Error::new("cannot wait for a build").cause(error))??;
        let from = format!("artifacts/{module} with Go {}", self.release);
        (self.tell)(&Notice::Building {
            key: key.clone(),
            from,
        });
        Ok((turn, held))
    }

    async fn go_command(&self) -> Result<&Go> {
        self.go
            .get_or_try_init(|| toolchain::go(&self.release, &self.tell))
            .await
    }

    async fn compiler(&self, arch: Architecture, needs: &[String]) -> Result<Compiler> {
        toolchain::compiler(arch, needs, &self.cache.workshop()?, &self.tell).await
    }

    /// The go command in one of our modules, with every setting that could change the outcome fixed.
    fn go_in(&self, go: &Go, module: &str) -> Command {
        let mut command = command(&go.program.display().to_string());
        command.current_dir(self.folder.join(module));
        command.envs([
            ("GOTOOLCHAIN", go.toolchain.as_str()),
            ("GOFLAGS", "-mod=readonly"),
            ("GOWORK", "off"),
            ("GOOS", "linux"),
            ("GOAMD64", "v1"),
            ("GOARM64", "v8.0"),
            ("GOEXPERIMENT", ""),
            // Compiler and linker collect garbage less often while they are small: a seventh less processor time.
            ("GOGC", "400"),
            ("GOMEMLIMIT", "2GiB"),
            // One thread for each of them, and as many of them as there are cores: a tenth less processor time.
            ("GOMAXPROCS", "1"),
        ]);
        command
    }

    /// Does the work of a build, saying from time to time how far it is.
    async fn telling<T>(
        &self,
        key: &Key,
        report: &Report,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let mut clock = tokio::time::interval_at(tokio::time::Instant::now() + self.every, self.every);
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                _ = clock.tick() => (self.tell)(&Notice::Progress {
                    key: key.clone(),
                    state: report.state(),
                }),
            }
        }
    }

    /// Runs Go.
    async fn run(&self, build: &mut Command, key: &Key, report: &Report) -> Result<()> {
        let problem = || Error::new(format!("cannot build {key}"));
        let done = watched(build, |line| {
            report.add(line);
            (self.tell)(&Notice::Output(line.to_string()));
        });
        let (status, _) = done.await.map_err(|error| problem().cause(error))?;
        if status.success() {
            return Ok(());
        }
        Err(problem().cause(status).cause(tail(&report.complaints(), 20)).help(
            "the sources come from the Go module proxy (`go env GOPROXY`); a mirror with this file makes the build unnecessary",
        ))
    }
}

/// Flags for the linker: nothing in the file that differs from one build to the next.
fn linker_flags(artifact: &Artifact, recipe: &GoRecipe, arch: Architecture) -> String {
    let mut flags = "-s -w -buildid=".to_string();
    for (variable, value) in &recipe.variables {
        flags.push_str(&format!(" -X {variable}={}", artifact.expand(value, arch)));
    }
    if recipe.cgo {
        flags.push_str(" -linkmode external -extldflags -static");
    }
    flags
}

/// Environment for the C part of a Go build.
fn for_c(build: &mut Command, compiler: Option<&Compiler>) {
    let Some(compiler) = compiler else {
        build.env("CGO_ENABLED", "0");
        return;
    };
    build.env("CGO_ENABLED", "1").env("CC", &compiler.program);
    for flags in ["CGO_CFLAGS", "CGO_CPPFLAGS", "CGO_CXXFLAGS", "CGO_LDFLAGS"] {
        build.env_remove(flags);
    }
    if let Some(sysroot) = &compiler.sysroot {
        let libraries = sysroot.join("usr/lib/aarch64-linux-gnu");
        build.env(
            "CGO_CFLAGS",
            format!("-O2 -I{}", sysroot.join("usr/include").display()),
        );
        build.env("CGO_LDFLAGS", format!("-L{}", libraries.display()));
        build.env("PKG_CONFIG_LIBDIR", libraries.join("pkgconfig"));
        build.env("PKG_CONFIG_SYSROOT_DIR", sysroot);
    }
}

/// How far a build is.
struct Report {
    /// When its turn came.
    began: Instant,
    said: Mutex<Said>,
}

/// What `go build -v` said.
#[derive(Default)]
struct Said {
    downloads: usize,
    packages: usize,
    complaints: String,
}

impl Default for Report {
    fn default() -> Report {
        Report {
            began: Instant::now(),
            said: Mutex::default(),
        }
    }
}

impl Report {
    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, line: &str) {
        let mut said = self.said();
        if line.starts_with("go: downloading ") {
            said.downloads += 1;
        } else if line.contains([' ', ':', '\t']) {
            said.complaints.push_str(line);
            said.complaints.push('\n');
        } else {
            said.packages += 1;
        }
    }

    fn complaints(&self) -> String {
        self.said().complaints.clone()
    }

    fn state(&self) -> String {
        let said = self.said();
        let (packages, downloads, seconds) = (said.packages, said.downloads, self.began.elapsed().as_secs());
        match (downloads, packages) {
            (0, 0) => format!("{seconds} s"),
            (0, _) => format!("{packages} packages compiled, {seconds} s"),
            _ => format!("{downloads} modules downloaded, {packages} packages compiled, {seconds} s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn packages_and_downloads_are_counted_and_complaints_kept() {
        let report = Report::default();
        assert_eq!(report.state(), "0 s");
        for line in [
            "go: downloading k8s.io/api v0.36.3",
            "k8s.io/api",
            "fmt",
            "# k8s.io/api",
            "x.go:1:2: no",
        ] {
            report.add(line);
        }
        assert_eq!(report.state(), "1 modules downloaded, 2 packages compiled, 0 s");
        assert_eq!(report.complaints(), "# k8s.io/api\nx.go:1:2: no\n");
    }

    #[tokio::test]
    async fn a_silent_build_says_again_and_again_that_it_goes_on() {
        let manifest = Manifest::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("artifacts")).unwrap();
        let told = Arc::new(Mutex::new(vec![]));
        let tell: Tell = {
            let told = told.clone();
            Arc::new(move |notice: &Notice| told.lock().unwrap().push(notice.to_string()))
        };
        let cache = Cache::within(|_| Some("/nowhere".into())).unwrap();
        let builder = Builder {
            every: Duration::from_millis(40),
            ..Builder::new(&manifest, &cache, &tell)
        };
        let key = manifest.find("runc", None).unwrap().key(Architecture::Amd64);
        let work = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            Ok(())
        };
        builder.telling(&key, &Report::default(), work).await.unwrap();
        let told = told.lock().unwrap();
        assert!(
            told.len() > 1 && told.iter().all(|text| text == "runc: 0 s"),
            "{told:?}"
        );
    }

    #[test]
    fn variables_reach_the_linker() {
        let manifest = Manifest::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("artifacts")).unwrap();
        let flanneld = manifest.find("flanneld", None).unwrap();
        let super::super::manifest::Recipe::Go(recipe) = &flanneld.recipe else {
            panic!()
        };
        assert_eq!(
            linker_flags(flanneld, recipe, Architecture::Amd64),
            "-s -w -buildid= -X github.com/flannel-io/flannel/pkg/version.Version=v0.28.9 \
             -linkmode external -extldflags -static"
        );
    }
}
