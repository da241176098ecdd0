//! Where inventories come from: files, folders, lists of hosts, programs, plugins.

use super::builder::{Builder, ReadSource};
use super::{Inventory, ini, plugin, script, variables, yaml_file};
use crate::error::{Collector, Error, Errors};
use crate::model::configuration::Inventories;
use crate::model::{Loader, Placed};
use crate::source::Place;
use crate::yaml::{self, Node};
use std::path::{Path, PathBuf};

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
            by: "",
        };
        let mut parsed = false;
        for source in sources {
            parsed |= reader.source(source);
        }
        if !parsed && reader.errors.is_empty() {
            reader.none_parsed();
        }
        let Reader {
            mut errors, builder, ..
        } = reader;
        let warned = builder.warnings.iter();
        loader.warn(warned.map(|text| Error::new(&**text)).collect());
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
    /// Ansible's name of who reads the source.
    by: &'static str,
}

impl Reader<'_> {
    /// Reads a source; false if that could not be done.
    fn source(&mut self, text: &str) -> bool {
        let path = PathBuf::from(text);
        if text.contains(',') && !path.exists() {
            return self.attempt(Path::new(text), |reader| {
                reader.reads_by(&["host_list", "advanced_host_list"], text) && {
                    reader.host_list(text);
                    true
                }
            });
        }
        let whole = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
        if !path.exists() {
            return self.attempt(&whole, |reader| {
                // Who names none of these has none: Ansible's usual one need not be there.
                if !reader.loader.inventories.unparsed.lenient {
                    let error = Error::new(format!("there is no inventory {text}"));
                    reader.errors.push(
                        error.help("give a file, a folder, or hosts with a comma behind each: -i host,"),
                    );
                }
                false
            });
        }
        self.builder.sources.push(whole.clone());
        self.attempt(&whole, |reader| reader.entry(&path))
    }

    fn entry(&mut self, path: &Path) -> bool {
        match path.is_dir() {
            true => self.folder(path),
            false => {
                self.file(path);
                true
            }
        }
    }

    /// Reads something that may be left out where that is Ansible's way; false if it is.
    fn attempt(&mut self, name: &Path, read: impl FnOnce(&mut Self) -> bool) -> bool {
        let rules = self.loader.inventories.unparsed;
        if !rules.lenient {
            return read(self);
        }
        let around = std::mem::take(&mut self.errors);
        self.by = "";
        let parsed = read(self);
        let own = std::mem::replace(&mut self.errors, around).finish(());
        if parsed && own.is_ok() {
            return true;
        }
        let causes = own.err().map(|errors| errors.0).unwrap_or_default();
        let whole = std::path::absolute(name).unwrap_or_else(|_| name.to_path_buf());
        // What is in a folder was judged by itself.
        if rules.any_is_failed && name.is_dir() && !causes.is_empty() {
            causes.into_iter().for_each(|cause| self.errors.push(cause));
            return false;
        }
        let name = whole.display();
        if rules.any_is_failed {
            let mut error = Error::new(format!("Completely failed to parse inventory source {name}"));
            for cause in causes {
                error = error.cause(cause.message());
            }
            self.errors.push(error);
        } else {
            let by = self.by;
            let failed = |cause: Error| match by {
                "" => cause,
                by => {
                    let text = format!(
                        "Failed to parse inventory with '{by}' plugin: {}",
                        cause.message()
                    );
                    cause.renamed(text)
                }
            };
            self.loader.warn(causes.into_iter().map(failed).collect());
            self.loader.warn(vec![Error::new(format!(
                "Unable to parse {name} as an inventory source"
            ))]);
        }
        false
    }

    /// No source could be read.
    fn none_parsed(&mut self) {
        let rules = self.loader.inventories.unparsed;
        if rules.lenient && rules.none_is_failed {
            self.errors.push(Error::new(
                "No inventory was parsed, please check your configuration and options.",
            ));
        } else if rules.lenient && rules.warns_of_none {
            let text = "No inventory was parsed, only implicit localhost is available";
            self.loader.warn(vec![Error::new(text)]);
        }
    }

    /// Notes who reads: the first of these names of Ansible's that may. False if none may, which is noted as an error.
    fn reads_by(&mut self, plugins: &[&'static str], what: &str) -> bool {
        let enabled = self.loader.inventories.plugins.as_ref();
        let is_enabled = |plugin: &&&str| {
            let mut names = enabled.into_iter().flatten();
            enabled.is_none()
                || names.any(|name| name.strip_prefix("ansible.builtin.").unwrap_or(name) == **plugin)
        };
        if let Some(by) = plugins.iter().find(is_enabled) {
            self.by = by;
            return true;
        }
        let error = Error::new(format!("no plugin that may read {what} is enabled"));
        self.errors.push(error.help(format!(
            "add `{}` to `enable_plugins` of the section `[inventory]` (or ANSIBLE_INVENTORY_ENABLED)",
            plugins[0]
        )));
        false
    }

    fn host_list(&mut self, text: &str) {
        self.builder.read.push(ReadSource {
            text: text.to_string(),
            asks_nobody: true,
        });
        for pattern in text
            .split(',')
            .map(str::trim)
            .filter(|pattern| !pattern.is_empty())
        {
            // As there: a range without an end is a part of the name.
            let expanded = match pattern.contains(":]") {
                true => {
                    self.builder.note(format!(
                        "Unable to parse address from hostname, leaving unchanged: host range must specify end value: {pattern}"
                    ));
                    Ok((vec![pattern.to_string()], None))
                }
                false => self.builder.expand(pattern),
            };
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
    fn folder(&mut self, folder: &Path) -> bool {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                let message = format!("cannot read the inventory folder {}", folder.display());
                self.errors.push(Error::new(message).cause(error));
                return false;
            }
        };
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        paths.retain(|path| !is_passed_over(path, &self.loader.inventories));
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
            self.errors.push(Error::new(message).help(help));
            return false;
        }
        let mut parsed = false;
        for path in paths {
            parsed |= self.attempt(&path, |reader| reader.entry(&path));
        }
        parsed
    }

    fn file(&mut self, path: &Path) {
        self.content(path);
        let asks_nobody = ["yaml", "ini"].contains(&self.by);
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        self.builder.read.push(ReadSource {
            text: whole.display().to_string(),
            asks_nobody,
        });
    }

    fn content(&mut self, path: &Path) {
        let shown = path.display().to_string();
        if script::is_program(path) {
            if !self.reads_by(&["script"], &shown) {
                return;
            }
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
            Ok((None, _)) => {
                self.reads_by(&["ini"], &shown);
            }
            Err(errors) if surely => self.errors.push(errors),
            _ if self.reads_by(&["ini"], &shown) => {
                ini::read(&source, &mut self.builder, &mut self.errors);
            }
            _ => {}
        }
    }

    fn structured(&mut self, path: &Path, root: &Node) {
        if let Some(name) = root.get("plugin") {
            let paths = (path, self.folder);
            let own = name.text().unwrap_or_default();
            let is_enabled = |plugins: &Vec<String>| plugins.iter().any(|plugin| plugin == own);
            let named =
                plugin::is_own(own) || self.loader.inventories.plugins.as_ref().is_some_and(is_enabled);
            if named {
                self.by = "auto";
            } else if !self.reads_by(&["auto"], &path.display().to_string()) {
                return;
            }
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
        if !self.reads_by(&["yaml"], &path.display().to_string()) {
            return;
        }
        let warnings = yaml_file::read(root, &self.loader.vault, &mut self.builder, &mut self.errors);
        self.loader.warn(warnings);
    }
}

/// True for what is no inventory in an inventory folder.
fn is_passed_over(path: &Path, rules: &Inventories) -> bool {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    name.starts_with('.')
        || ["group_vars", "host_vars", "vars_plugins"].contains(&name.as_str())
        || rules.ignores(&name)
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
