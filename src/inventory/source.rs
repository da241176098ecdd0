//! Where inventories come from: files, folders, lists of hosts, programs, plugins.

use super::builder::Builder;
use super::{Inventory, ini, plugin, script, variables, yaml_file};
use crate::error::{Collector, Error, Errors};
use crate::model::{Loader, Placed};
use crate::source::Place;
use crate::yaml::{self, Node};
use std::path::{Path, PathBuf};

/// Endings of files in an inventory folder that are no inventories.
const IGNORED: &[&str] = &["~", ".orig", ".bak", ".ini", ".cfg", ".retry", ".pyc", ".pyo"];

impl Inventory {
    /// Reads an inventory out of all its sources: paths, or texts such as `web1,web2` (with a comma). Variables
    /// of `group_vars` and `host_vars` beside the sources and in `playbook_folder` belong to it.
    ///
    /// # Errors
    /// Everything that is wrong in any of the sources.
    pub fn load(
        sources: &[String],
        loader: &Loader,
        playbook_folder: Option<&Path>,
    ) -> Result<Inventory, Errors> {
        let mut builder = Builder::default();
        builder.merges_hashes = loader.merges_hashes;
        builder.group_names = loader.group_names;
        let mut reader = Reader {
            loader,
            folder: playbook_folder.unwrap_or(Path::new("")),
            builder,
            errors: Collector::default(),
        };
        for source in sources {
            reader.source(source);
        }
        let Reader {
            mut errors, builder, ..
        } = reader;
        let warned = builder.warnings.iter();
        loader.warn(warned.map(|text| Error::new(*text)).collect());
        let mut inventory = builder.finish();
        inventory.playbook_folder = playbook_folder.map(Path::to_path_buf);
        variables::settle(&mut inventory, loader, &mut errors);
        errors.finish(inventory)
    }
}

struct Reader<'a> {
    loader: &'a Loader,
    /// The folder of the playbook.
    folder: &'a Path,
    builder: Builder,
    errors: Collector,
}

impl Reader<'_> {
    fn source(&mut self, text: &str) {
        let path = PathBuf::from(text);
        if text.contains(',') && !path.exists() {
            return self.host_list(text);
        }
        if !path.exists() {
            let error = Error::new(format!("there is no inventory {text}"));
            return self
                .errors
                .push(error.help("give a file, a folder, or hosts with a comma behind each: -i host,"));
        }
        self.builder
            .sources
            .push(std::path::absolute(&path).unwrap_or_else(|_| path.clone()));
        if path.is_dir() {
            self.folder(&path)
        } else {
            self.file(&path)
        }
    }

    fn host_list(&mut self, text: &str) {
        for pattern in text
            .split(',')
            .map(str::trim)
            .filter(|pattern| !pattern.is_empty())
        {
            let expanded = self.builder.expand(pattern);
            let counted = expanded.and_then(|found| {
                self.builder.count(&found.0, usize::from(found.1.is_some()))?;
                Ok(found)
            });
            match counted {
                Ok((names, port)) => {
                    let source = crate::source::Source::named("command line", text.to_string());
                    let place = Place::new(&source, 0..text.len());
                    for name in names {
                        self.builder.add_host(&name, "ungrouped", Some(&place));
                        if let Some(port) = port {
                            let port = Placed::new(i64::from(port), &place);
                            self.builder.set_host_variable(&name, "ansible_port", port);
                        }
                    }
                }
                Err(message) => self.errors.push(Error::new(message)),
            }
        }
    }

    /// All inventories of a folder, in alphabetical order.
    fn folder(&mut self, folder: &Path) {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                let message = format!("cannot read the inventory folder {}", folder.display());
                return self.errors.push(Error::new(message).cause(error));
            }
        };
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        paths.retain(|path| !is_passed_over(path));
        let plugins: Vec<String> = paths
            .iter()
            .filter(|path| asks_a_plugin(path))
            .map(|path| path.display().to_string())
            .collect();
        if plugins.len() > 1 {
            let message = format!(
                "the inventory folder {} has {} files that each ask somebody for machines",
                folder.display(),
                plugins.len()
            );
            let help = format!("name the one that is meant: -i {}", plugins.join(", or -i "));
            return self.errors.push(Error::new(message).help(help));
        }
        for path in paths {
            if path.is_dir() {
                self.folder(&path)
            } else {
                self.file(&path)
            }
        }
    }

    fn file(&mut self, path: &Path) {
        self.content(path);
        self.builder
            .read
            .push(std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()));
    }

    fn content(&mut self, path: &Path) {
        if script::is_program(path) {
            let read = script::read(path, &mut self.builder);
            self.errors.take(read);
            return;
        }
        let Some(source) = self.errors.take(yaml::read(path)) else {
            return;
        };
        if crate::vault::is_vaulted(&source.text) {
            let error = Error::new(format!("the inventory {} is vaulted as a whole", path.display()));
            return self
                .errors
                .push(error.help("vault the values in it, or move them to group_vars"));
        }
        let ending = path
            .extension()
            .map(|ending| ending.to_string_lossy().into_owned());
        let surely = ending.is_some_and(|ending| ["yaml", "yml", "json"].contains(&ending.as_str()));
        match yaml::parse_one(&source) {
            Ok((Some(root), warnings)) if surely || looks_like_groups(&root) => {
                self.loader.warn(warnings);
                self.structured(path, &root);
            }
            Ok((None, _)) => {}
            Err(errors) if surely => self.errors.push(errors),
            _ => ini::read(&source, &mut self.builder, &mut self.errors),
        }
    }

    fn structured(&mut self, path: &Path, root: &Node) {
        if let Some(name) = root.get("plugin") {
            let paths = (path, self.folder);
            return plugin::read(
                name,
                root,
                paths,
                self.loader,
                &mut self.builder,
                &mut self.errors,
            );
        }
        if root.entries().is_none() {
            let error = Error::new(format!(
                "an inventory is a mapping of groups, not {}",
                root.kind_name()
            ));
            return self.errors.push(
                error
                    .at(&root.place)
                    .help("begin with `all:`, and below it `hosts:` or `children:`"),
            );
        }
        let warnings = yaml_file::read(root, &self.loader.vault, &mut self.builder, &mut self.errors);
        self.loader.warn(warnings);
    }
}

/// True for what is no inventory in an inventory folder.
fn is_passed_over(path: &Path) -> bool {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    name.starts_with('.')
        || ["group_vars", "host_vars", "vars_plugins"].contains(&name.as_str())
        || IGNORED.iter().any(|ending| name.ends_with(ending))
}

/// True for a file whose machines a plugin of Vent's tells.
fn asks_a_plugin(path: &Path) -> bool {
    let yaml = path
        .extension()
        .is_some_and(|ending| ending == "yml" || ending == "yaml");
    let Some(source) = yaml.then(|| yaml::read(path).ok()).flatten() else {
        return false;
    };
    let root = yaml::parse_one(&source).ok().and_then(|parsed| parsed.0);
    let name = root.as_ref().and_then(|root| root.get("plugin")?.text());
    name.is_some_and(plugin::is_own)
}

/// True for a mapping whose values are mappings with the sections of groups: not for what is INI by chance.
fn looks_like_groups(root: &Node) -> bool {
    let section = |key: &Node| {
        key.text()
            .is_some_and(|text| ["hosts", "children", "vars"].contains(&text))
    };
    root.get("plugin").is_some()
        || root.entries().is_some_and(|entries| {
            entries.iter().any(|entry| {
                entry
                    .1
                    .entries()
                    .is_some_and(|inner| inner.iter().any(|entry| section(&entry.0)))
            })
        })
}
