//! The compilers: the ones of this computer if they will do, else installed, and said.

use super::command::{command, output, output_told, which};
use super::key::Architecture;
use super::notice::{Notice, Tell};
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// A Go command, and what GOTOOLCHAIN must be so that it is the wanted release.
#[derive(Clone, Debug)]
pub struct Go {
    /// Path of the command.
    pub program: PathBuf,
    /// Value of GOTOOLCHAIN.
    pub toolchain: String,
}

/// A C compiler for an architecture.
#[derive(Clone, Debug)]
pub struct Compiler {
    /// The command.
    pub program: String,
    /// Compiler and libraries with their versions: what the bytes of a build depend on.
    pub label: String,
    /// Where the libraries of a foreign architecture were unpacked.
    pub sysroot: Option<PathBuf>,
}

/// The first release that can fetch another one by itself.
const FETCHES_ITSELF: (u32, u32) = (1, 21);

/// Finds or installs Go of exactly this release.
///
/// Any Go from 1.21 on fetches another release by itself; an older one (Debian 12 has 1.19) is used to
/// fetch it as the module golang.org/toolchain, which is the same file from the same place.
pub async fn go(release: &str, tell: &Tell) -> Result<Go> {
    let mut found = installed().await;
    if found.is_empty() {
        let reason = format!(
            "golang-go (apt): artifacts have to be built, and there is no Go to fetch Go {release} with"
        );
        tell(&Notice::Installing(reason));
        apt_install(&["golang-go"]).await?;
        found = installed().await;
    }
    if let Some((program, _)) = found.iter().find(|(_, version)| version == release) {
        return Ok(Go {
            program: program.clone(),
            toolchain: "local".to_string(),
        });
    }
    let Some((program, version)) = found.into_iter().max_by_key(|(_, version)| minor(version)) else {
        return Err(no_go(release));
    };
    let reason = format!("Go {release} from the Go module proxy, if it is not there yet, by Go {version}");
    tell(&Notice::Installing(reason));
    if minor(&version) >= FETCHES_ITSELF {
        return Ok(Go {
            program,
            toolchain: format!("go{release}"),
        });
    }
    fetched(&program, release, tell).await
}

/// Every Go on this computer with its version.
async fn installed() -> Vec<(PathBuf, String)> {
    let mut places: Vec<PathBuf> = which("go").into_iter().collect();
    places.push(PathBuf::from("/usr/local/go/bin/go"));
    let versioned = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    places.extend(
        versioned
            .map(|entry| entry.path())
            .filter(|path| {
                path.file_name()
                    .is_some_and(|name| name.to_string_lossy().starts_with("go-"))
            })
            .map(|folder| folder.join("bin/go")),
    );
    let mut found = Vec::new();
    for place in places.into_iter().filter(|place| place.is_file()) {
        let mut version = command(&place.display().to_string());
        version.arg("version").env("GOTOOLCHAIN", "local");
        let said = output(&mut version, "ask Go for its version")
            .await
            .unwrap_or_default();
        if let Some(version) = said
            .split_whitespace()
            .nth(2)
            .and_then(|word| word.strip_prefix("go"))
        {
            found.push((place, version.to_string()));
        }
    }
    found
}

/// `(1, 26)` of `1.26.8`.
fn minor(version: &str) -> (u32, u32) {
    let mut numbers = version.split('.').map(|part| part.parse().unwrap_or_default());
    (
        numbers.next().unwrap_or_default(),
        numbers.next().unwrap_or_default(),
    )
}

/// Go of a release as a module, fetched by a Go that knows nothing of releases.
async fn fetched(program: &Path, release: &str, tell: &Tell) -> Result<Go> {
    let module = format!(
        "golang.org/toolchain@v0.0.1-go{release}.linux-{}",
        Architecture::here().name()
    );
    let mut download = command(&program.display().to_string());
    download
        .args(["mod", "download", "-json", &module])
        .env("GOFLAGS", "")
        .current_dir("/");
    let tell = |line: &str| tell(&Notice::Output(line.to_string()));
    let said = output_told(&mut download, &format!("fetch Go {release}"), &tell).await?;
    let answer: serde_json::Value = serde_json::from_str(&said).unwrap_or_default();
    let Some(folder) = answer["Dir"].as_str().map(PathBuf::from) else {
        return Err(no_go(release));
    };
    // Modules hold no modes: the programs have to be made executable, as Go itself does it.
    let mut executable = command("chmod");
    executable
        .arg("-R")
        .arg("a+x")
        .args([folder.join("bin"), folder.join("pkg/tool")]);
    output(&mut executable, "make Go's programs executable").await?;
    Ok(Go {
        program: folder.join("bin/go"),
        toolchain: "local".to_string(),
    })
}

fn no_go(release: &str) -> Error {
    Error::new(format!("there is no Go to build with, and it could not be installed (wanted: {release})"))
        .help("install Go 1.21 or later from https://go.dev/dl, or set vent_mirror to a mirror that has the artifacts")
}

/// Installs Debian packages.
async fn apt_install(packages: &[&str]) -> Result<()> {
    let purpose = format!("install {}", packages.join(", "));
    let apt = |words: &[&str]| {
        let mut apt = command("apt-get");
        apt.args(["-q", "-y", "-o", "DPkg::Lock::Timeout=300"])
            .args(words);
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    let mut install = vec!["install", "--no-install-recommends"];
    install.extend(packages);
    if output(&mut apt(&install), &purpose).await.is_ok() {
        return Ok(());
    }
    let refreshed = output(&mut apt(&["update"]), "refresh the lists of packages").await;
    match output(&mut apt(&install), &purpose).await {
        Ok(_) => Ok(()),
        Err(error) => Err(refreshed.err().unwrap_or(error).help(format!(
            "install them by hand: sudo apt-get install {}",
            packages.join(" ")
        ))),
    }
}

/// Installs those Debian packages that are not there, after saying so.
async fn ensure_packages(packages: &[&str], tell: &Tell) -> Result<()> {
    let mut missing = Vec::new();
    for package in packages {
        let mut ask = command("dpkg-query");
        ask.args(["-W", "-f", "${db:Status-Status}", package]);
        if output(&mut ask, "look for a package").await.ok().as_deref() != Some("installed") {
            missing.push(*package);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    tell(&Notice::Installing(format!(
        "{} (apt): a build needs a C compiler",
        missing.join(", ")
    )));
    apt_install(&missing).await
}

/// Finds or installs a C compiler for an architecture, and the libraries in the packages `needs`.
/// `workshop` is where libraries of a foreign architecture are unpacked.
pub async fn compiler(
    arch: Architecture,
    needs: &[String],
    workshop: &Path,
    tell: &Tell,
) -> Result<Compiler> {
    if arch == Architecture::here() {
        let packages: Vec<&str> = ["gcc", "libc6-dev"]
            .into_iter()
            .chain(needs.iter().map(String::as_str))
            .collect();
        if which("dpkg-query").is_some() {
            ensure_packages(&packages, tell).await?;
        }
        let mut label = version_of("gcc").await?;
        for package in packages.iter().filter(|package| package.ends_with("-dev")) {
            label.push_str(&package_version(package).await);
        }
        return Ok(Compiler {
            program: "gcc".to_string(),
            label,
            sysroot: None,
        });
    }
    let program = format!("{}-linux-gnu-gcc", arch.machine());
    let (gcc, libc) = (
        format!("gcc-{}-linux-gnu", arch.machine()),
        format!("libc6-dev-{}-cross", arch.name()),
    );
    let (libraries, tools): (Vec<&str>, Vec<&str>) = needs
        .iter()
        .map(String::as_str)
        .partition(|package| package.ends_with("-dev"));
    let packages: Vec<&str> = [gcc.as_str(), libc.as_str()].into_iter().chain(tools).collect();
    ensure_packages(&packages, tell).await?;
    let mut label = version_of(&program).await?;
    label.push_str(&package_version(&libc).await);
    let sysroot = workshop.join(format!("sysroot-{}", arch.name()));
    for library in &libraries {
        label.push_str(&unpack_foreign(library, arch, &sysroot).await?);
    }
    let sysroot = (!libraries.is_empty()).then_some(sysroot);
    Ok(Compiler {
        program,
        label,
        sysroot,
    })
}

/// `gcc Debian 12.2.0-14`, from the first line of what a compiler says of itself.
async fn version_of(program: &str) -> Result<String> {
    let said = output(command(program).arg("--version"), &format!("run {program}")).await?;
    let first = said.lines().next().unwrap_or_default();
    let version = first
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'))
        .map(|(inner, _)| inner);
    Ok(format!("gcc {}", version.unwrap_or(first)))
}

/// `, PACKAGE VERSION`, or nothing where dpkg does not know.
async fn package_version(package: &str) -> String {
    let mut ask = command("dpkg-query");
    ask.args(["-W", "-f", ", ${Package} ${Version}", package]);
    output(&mut ask, "ask for a version").await.unwrap_or_default()
}

/// Unpacks a Debian package of another architecture into a folder, leaving the system's own packages
/// and lists alone; `, PACKAGE VERSION`.
async fn unpack_foreign(package: &str, arch: Architecture, sysroot: &Path) -> Result<String> {
    let state = sysroot.join("apt");
    let problem =
        |error: std::io::Error| Error::new(format!("cannot prepare {}", sysroot.display())).cause(error);
    std::fs::create_dir_all(state.join("lists/partial")).map_err(problem)?;
    std::fs::create_dir_all(state.join("archives/partial")).map_err(problem)?;
    std::fs::write(state.join("status"), "").map_err(problem)?;
    let purpose = format!("fetch {package} for {}", arch.name());
    let apt = |words: &[&str]| {
        let mut apt = command("apt-get");
        apt.current_dir(&state)
            .args(["-q", "-y", "-o", &format!("APT::Architecture={}", arch.name())]);
        apt.args([
            "-o",
            &format!("APT::Architectures={}", arch.name()),
            "-o",
            "APT::Sandbox::User=root",
        ]);
        apt.args([
            "-o",
            &format!("Dir::State={}", state.display()),
            "-o",
            "Dir::State::status=status",
        ]);
        apt.args(["-o", &format!("Dir::Cache={}", state.display())])
            .args(words);
        apt
    };
    output(&mut apt(&["update"]), &purpose).await?;
    output(&mut apt(&["download", package]), &purpose).await?;
    let prefix = format!("{package}_");
    let files = std::fs::read_dir(&state)
        .map_err(problem)?
        .flatten()
        .map(|entry| entry.path());
    let file = files
        .filter(|path| path.extension().is_some_and(|ending| ending == "deb"))
        .find(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with(&prefix))
        });
    let Some(file) = file else {
        return Err(Error::new(format!("cannot {purpose}")).cause("apt-get download left no file"));
    };
    output(command("dpkg-deb").arg("-x").arg(&file).arg(sysroot), &purpose).await?;
    let version = output(command("dpkg-deb").arg("-f").arg(&file).arg("Version"), &purpose).await?;
    Ok(format!(", {package} {}", version.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_by_number() {
        assert!(minor("1.9.1") < FETCHES_ITSELF);
        assert!(minor("1.26.8") >= FETCHES_ITSELF);
        assert_eq!(minor("1.19"), (1, 19));
    }

    #[tokio::test]
    async fn a_compiler_names_itself() {
        let version = version_of("gcc").await.unwrap();
        assert!(version.starts_with("gcc ") && version.contains('.'), "{version}");
    }
}
