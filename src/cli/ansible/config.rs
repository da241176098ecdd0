//! `ansible-config`: shows the settings that Ansible knows, what they are, and what Vent does with them.

mod dump;
mod init;
mod listing;

use super::Command;
use super::document::Document;
use crate::cli::{print, say};
use crate::error::{Error, ErrorKind, Errors, Result};
use crate::model::configuration::{
    BASE, Configuration, EffectiveSetting, SettingDefinition, effective_settings,
};
use crate::report::ansible::file_used;
use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::{Path, PathBuf};

/// The types of plugins that have settings, in Ansible's order.
const TYPES: [&str; 11] = [
    "become",
    "cache",
    "callback",
    "cliconf",
    "connection",
    "httpapi",
    "inventory",
    "lookup",
    "netconf",
    "shell",
    "vars",
];

/// Shows settings, by Vent.
#[derive(Parser, Debug)]
#[command(name = "ansible-config", infer_long_args = true)]
pub struct ConfigCommand {
    /// More words.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// All settings that there are, and what Vent does with each.
    List(ListOptions),
    /// What each setting is, and who made it so.
    Dump(DumpOptions),
    /// The file that is read.
    View(Chosen),
    /// A file to begin with.
    Init(InitOptions),
}

/// Which settings.
#[derive(Args, Debug)]
struct Chosen {
    /// The file that is read; else the first that is found.
    #[arg(short, long = "config", value_name = "FILE")]
    config_file: Option<PathBuf>,
    /// Those of plugins of this type; `base`: those of no plugin.
    #[arg(short = 't', long = "type", value_name = "TYPE", default_value = BASE, value_parser = types())]
    kind: String,
    /// Those of these plugins.
    args: Vec<String>,
}

#[derive(Args, Debug)]
struct ListOptions {
    #[command(flatten)]
    chosen: Chosen,
    /// How they are written.
    #[arg(short, long, value_enum, default_value = "yaml")]
    format: Document,
}

#[derive(Args, Debug)]
struct DumpOptions {
    #[command(flatten)]
    chosen: Chosen,
    /// Only those that somebody made.
    #[arg(long, alias = "changed-only")]
    only_changed: bool,
    /// How they are written.
    #[arg(short, long, value_enum, default_value = "display")]
    format: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shape {
    Json,
    Yaml,
    Display,
}

#[derive(Args, Debug)]
struct InitOptions {
    #[command(flatten)]
    chosen: Chosen,
    /// What is written: a file, or variables of the environment.
    #[arg(short, long, value_enum, default_value = "ini")]
    format: Beginning,
    /// As comments.
    #[arg(long)]
    disabled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Beginning {
    Ini,
    Env,
}

fn types() -> PossibleValuesParser {
    PossibleValuesParser::new(["all", BASE].into_iter().chain(TYPES))
}

impl Command for ConfigCommand {
    async fn run(self) -> Result<i32, Errors> {
        if self.verbose > 0 {
            print(&(file_used(Configuration::read()?.file.as_deref()) + "\n"));
        }
        let text = match &self.action {
            Action::List(options) => {
                let chosen = options.chosen.settings()?;
                options.format.written(&listing::listing(&chosen))
            }
            Action::Dump(options) => {
                let chosen = options.chosen.settings()?;
                dump::dump(&chosen, options.only_changed, options.format)
            }
            Action::Init(options) => {
                init::beginning(&options.chosen.settings()?, options.format, options.disabled)
            }
            Action::View(chosen) => chosen.view()?,
        };
        print(&text);
        Ok(0)
    }
}

/// Settings that were asked for.
struct Settings {
    /// Those of no plugin, if they were asked for.
    base: Option<Vec<EffectiveSetting>>,
    /// The types of plugins that were asked for, with the plugins and their settings.
    types: Vec<(&'static str, Vec<(&'static str, Vec<EffectiveSetting>)>)>,
    /// All types were asked for.
    all: bool,
}

impl Chosen {
    fn settings(&self) -> Result<Settings, Errors> {
        self.check()?;
        let settings = effective_settings(self.config_file.as_deref())?;
        let all = self.kind == "all";
        let (base, of_plugins): (Vec<_>, Vec<_>) = settings
            .into_iter()
            .partition(|stated| stated.definition.owner == BASE);
        let types = TYPES.into_iter().filter(|kind| all || *kind == self.kind);
        let types = types.map(|kind| (kind, self.plugins(kind, &of_plugins)));
        Ok(Settings {
            types: types.collect(),
            base: (all || self.kind == BASE).then_some(base),
            all,
        })
    }

    /// The plugins of a type that were asked for.
    fn plugins(&self, kind: &str, stated: &[EffectiveSetting]) -> Vec<(&'static str, Vec<EffectiveSetting>)> {
        let mut plugins: Vec<(&str, Vec<EffectiveSetting>)> = vec![];
        for setting in stated {
            let Some((_, plugin)) = owner(setting.definition).filter(|owner| owner.0 == kind) else {
                continue;
            };
            match plugins.last_mut().filter(|last| last.0 == plugin) {
                Some((_, settings)) => settings.push(setting.clone()),
                None => plugins.push((plugin, vec![setting.clone()])),
            }
        }
        if self.kind == kind {
            for name in &self.args {
                if !plugins.iter().any(|plugin| plugin.0 == name) {
                    say(&format!(
                        "[WARNING]: Vent knows no settings of the {kind} plugin {name}"
                    ));
                }
            }
            plugins.retain(|(name, _)| self.args.is_empty() || self.args.iter().any(|arg| arg == name));
        }
        plugins
    }

    /// Refuses a file that is not there.
    fn check(&self) -> Result<()> {
        let Some(file) = self.config_file.as_deref().filter(|file| !file.exists()) else {
            return Ok(());
        };
        let file = std::path::absolute(file).unwrap_or_else(|_| file.to_path_buf());
        let error = Error::new(format!(
            "The provided configuration file is missing or not accessible: {}",
            file.display()
        ));
        Err(error.of_kind(ErrorKind::Options))
    }

    fn view(&self) -> Result<String, Errors> {
        self.check()?;
        let found = match &self.config_file {
            Some(file) => Some(file.clone()),
            None => Configuration::read()?.file,
        };
        let file = found.ok_or_else(|| Error::new("Invalid or no config file was supplied"))?;
        Ok(with_end(read(&file)?))
    }
}

fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file)
        .map_err(|error| Error::new(format!("Failed to open config file: {}", file.display())).cause(error))
}

/// The text, with an end of its last line.
fn with_end(text: String) -> String {
    match text.ends_with('\n') {
        true => text,
        false => text + "\n",
    }
}

/// The type and the name of the plugin that a setting belongs to.
fn owner(known: &SettingDefinition) -> Option<(&'static str, &'static str)> {
    known.owner.split_once(' ')
}
