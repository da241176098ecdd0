//! Finding the user's own ansible-core: the Python that has it, its version and where it lies.

use super::folder::Folder;
use crate::content::blocking;
use crate::error::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The variable of the environment that names the Python.
pub const VARIABLE: &str = "VENT_ANSIBLE_PYTHON";

/// The versions that are served: 2.16 to 2.20.
const MINORS: std::ops::RangeInclusive<u32> = 16..=20;

/// Where the answers of Pythons are kept, in the folder of the bridge.
const KEPT: &str = "cores.json";

/// An installed ansible-core.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Core {
    /// The Python that has it.
    pub python: PathBuf,
    /// Its version, such as `2.19.14`.
    pub version: String,
    /// The folder of its package.
    pub folder: PathBuf,
    /// Folders of Python packages that hold collections.
    pub packages: Vec<PathBuf>,
}

/// An answer of a Python, and what tells that it is still true.
#[derive(Serialize, Deserialize)]
struct Kept {
    core: Core,
    stamps: [(i64, i64); 2],
}

/// Prints what a Python says of its ansible-core.
const QUESTION: &str = "\
import sys
sys.path[:] = [path for path in sys.path if path]
import json, os
from ansible.release import __version__
import ansible
packages = [path for path in sys.path if os.path.isdir(os.path.join(path, 'ansible_collections'))]
print(json.dumps({'python': sys.executable, 'version': __version__, 'folder': os.path.dirname(ansible.__file__), 'packages': packages}))
";

impl Core {
    /// The minor number of its version.
    pub fn minor(&self) -> u32 {
        let minor = self
            .version
            .split('.')
            .nth(1)
            .and_then(|minor| minor.parse().ok());
        minor.unwrap_or_default()
    }

    /// The oldest Python that its modules run with on a host.
    pub fn oldest_python(&self) -> (u32, u32) {
        match self.minor() {
            ..=16 => (2, 7),
            17 => (3, 7),
            18 | 19 => (3, 8),
            _ => (3, 9),
        }
    }

    /// Finds it: the Python that `named` names, else those of `ansible-playbook` and `ansible` on the search path, else `python3`.
    ///
    /// # Errors
    /// There is none, or none of a version that is served: where it was looked for, and what was found there.
    pub fn find(named: Option<&Path>, search_path: &str, folder: Option<&Folder>) -> Result<Core> {
        let pythons = match named {
            Some(python) => vec![(python.to_path_buf(), format!("{VARIABLE} or --ansible-python"))],
            None => pythons(search_path),
        };
        let mut looked = vec![];
        for (python, whence) in pythons {
            match ask(&python, folder) {
                Ok(core) if MINORS.contains(&core.minor()) && core.version.starts_with("2.") => {
                    return Ok(core);
                }
                Ok(core) => looked.push(format!(
                    "{} ({whence}) has ansible-core {}",
                    python.display(),
                    core.version
                )),
                Err(why) => looked.push(format!("{} ({whence}): {why}", python.display())),
            }
        }
        let error = Error::new("this needs ansible-core 2.16 to 2.20 on this computer, and there is none");
        let error = match looked.is_empty() {
            true => {
                error.cause("there is neither ansible-playbook nor ansible nor python3 on the search path")
            }
            false => looked.into_iter().fold(error, Error::cause),
        };
        Err(error
            .help(format!(
                "install it (`python3 -m pip install 'ansible-core>=2.16,<2.21'`), or name its Python: {VARIABLE}=/path/to/python3"
            ))
            .of_kind(ErrorKind::Wrong))
    }
}

/// The Pythons on the search path that may have ansible-core, the likeliest first, and what led to them.
pub fn pythons(search_path: &str) -> Vec<(PathBuf, String)> {
    let mut found: Vec<(PathBuf, String)> = vec![];
    let folders: Vec<PathBuf> = std::env::split_paths(search_path).collect();
    let on_path = |name: &str| {
        let files = folders.iter().map(|folder| folder.join(name));
        files.filter(|path| path.is_file()).collect::<Vec<_>>()
    };
    for script in ["ansible-playbook", "ansible"]
        .iter()
        .flat_map(|name| on_path(name))
    {
        let Some(interpreter) = interpreter(&script) else {
            continue;
        };
        let python = match interpreter.is_absolute() {
            true => Some(interpreter),
            false => on_path(&interpreter.to_string_lossy()).into_iter().next(),
        };
        found.extend(python.map(|python| (python, script.display().to_string())));
    }
    found.extend(
        on_path("python3")
            .into_iter()
            .next()
            .map(|python| (python, "python3".to_string())),
    );
    let mut seen = std::collections::HashSet::new();
    found.retain(|(python, _)| seen.insert(python.clone()));
    found
}

/// The Python that a script names: in its first line, behind `env`, or, where the path is too long for that, in its second one, which
/// a shell reads.
fn interpreter(script: &Path) -> Option<PathBuf> {
    let bytes = std::fs::read(script).ok()?;
    let text = String::from_utf8_lossy(bytes.strip_prefix(b"#!")?).into_owned();
    let mut lines = text.lines();
    let mut words = lines.next()?.split_whitespace();
    let first = words.next()?;
    if first.ends_with("/env") {
        return words.next().map(PathBuf::from);
    }
    if first.ends_with("/sh") {
        let word = lines.next()?.strip_prefix("'''exec' ")?;
        let path = word.strip_prefix('"').and_then(|rest| rest.split('"').next());
        return path.or(word.split(' ').next()).map(PathBuf::from);
    }
    Some(first.into())
}

/// What a Python says of its ansible-core, asked again when either has changed.
fn ask(python: &Path, folder: Option<&Folder>) -> Result<Core, String> {
    let kept = folder.and_then(|folder| folder.read(KEPT)).unwrap_or_default();
    let mut kept: BTreeMap<PathBuf, Kept> = serde_json::from_slice(&kept).unwrap_or_default();
    if let Some(known) = kept.get(python)
        && stamps(python, &known.core) == Some(known.stamps)
    {
        return Ok(known.core.clone());
    }
    let question = || {
        Command::new(python)
            .args(["-c", QUESTION])
            .stdin(Stdio::null())
            .output()
    };
    let output = blocking(question).map_err(|error| format!("cannot be started: {error}"))?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let last = told.lines().last().unwrap_or("it said nothing").to_string();
    let core: Core = serde_json::from_slice(&output.stdout).map_err(|_| last)?;
    if let Some(stamps) = stamps(python, &core) {
        let core = core.clone();
        kept.insert(python.to_path_buf(), Kept { core, stamps });
        if let (Some(folder), Ok(text)) = (folder, serde_json::to_vec(&kept)) {
            folder.write(KEPT, &text);
        }
    }
    Ok(core)
}

/// When the Python and the release of its ansible-core were changed.
fn stamps(python: &Path, core: &Core) -> Option<[(i64, i64); 2]> {
    let stamp = |path: &Path| {
        let data = std::fs::metadata(path).ok()?;
        Some((data.mtime(), data.mtime_nsec()))
    };
    Some([stamp(python)?, stamp(&core.folder.join("release.py"))?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn program(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A Python that says it has this version.
    fn python(path: &Path, version: &str) {
        let folder = path.parent().unwrap().join("ansible");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("release.py"), "").unwrap();
        let core = Core {
            python: path.into(),
            version: version.into(),
            folder,
            packages: vec![],
        };
        let text = serde_json::to_string(&core).unwrap();
        program(
            path,
            &format!("#!/bin/sh\necho x >>'{}.asked'\necho '{text}'\n", path.display()),
        );
    }

    #[test]
    fn it_is_found_by_the_script_of_ansible_playbook_and_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        python(&root.join("old/python"), "2.15.3");
        python(&root.join("new/python"), "2.18.1");
        let script = |name: &str, line: String| program(&root.join(name), &format!("{line}\nimport x\n"));
        script("a/ansible-playbook", format!("#!{}/old/python", root.display()));
        script(
            "b/ansible",
            format!(
                "#!/bin/sh\n'''exec' \"{}/new/python\" \"$0\" \"$@\"",
                root.display()
            ),
        );
        let path = format!("{0}/a:{0}/b", root.display());
        let kept = Folder::in_cache(root);
        let found = Core::find(None, &path, kept.as_ref()).unwrap();
        assert_eq!(
            (found.version.as_str(), found.oldest_python()),
            ("2.18.1", (3, 8))
        );
        // It was asked once.
        assert_eq!(Core::find(None, &path, kept.as_ref()).unwrap(), found);
        let asked = std::fs::read_to_string(root.join("new/python.asked")).unwrap();
        assert_eq!(asked, "x\n");
        let named = root.join("old/python");
        let error = Core::find(Some(&named), &path, None).unwrap_err().to_string();
        assert!(
            error.contains("2.16 to 2.20") && error.contains("has ansible-core 2.15.3"),
            "{error}"
        );
        let error = Core::find(None, "/nowhere", None).unwrap_err().to_string();
        assert!(error.contains("neither ansible-playbook nor"), "{error}");
    }
}
