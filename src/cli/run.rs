//! `vent run`: runs playbooks.

use super::choices::Choices;
use super::project;
use crate::engine::{self, Parts, Settings};
use crate::error::{Collector, Error, ErrorKind, Errors, INTERRUPTED, Result, cures, nearest};
use crate::event::{Event, Events, Kind};
use crate::graph::Graph;
use crate::inventory::Inventory;
use crate::model::Playbook;
use crate::model::load::Loader;
use crate::module::MODULES;
use crate::report::{self, Json, Plain, Reporter, Terminal};
use clap::{Args, ValueEnum};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How a run is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// A live view in a terminal, else plain lines.
    #[default]
    Auto,
    /// Plain lines.
    Plain,
    /// One line of JSON for every event.
    Json,
    /// As Ansible shows it.
    #[value(skip)]
    Ansible,
}

impl Output {
    /// The word before a warning.
    pub(super) fn warning_word(self) -> &'static str {
        match self {
            Output::Ansible => "[WARNING]:",
            _ => "warning:",
        }
    }
}

/// What `vent run` takes.
#[derive(Args, Debug)]
pub struct RunCommand {
    /// The playbooks.
    #[arg(required = true)]
    pub playbooks: Vec<PathBuf>,
    #[command(flatten)]
    pub project: project::Options,
    #[command(flatten)]
    pub choices: Choices,
    /// How many seconds other runs that use a host are waited for.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub lock_timeout: u32,
    /// How the run is shown.
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
    /// Run the playbooks that are needed first, too.
    #[arg(long, conflicts_with = "no_needs")]
    pub with_needs: bool,
    /// Do not look at the playbooks that are needed first.
    #[arg(long)]
    pub no_needs: bool,
}

/// Runs the command; gives the exit code.
///
/// # Errors
/// Everything that is wrong in the files and options.
pub async fn run(command: &RunCommand) -> Result<i32, Errors> {
    let first = command.playbooks.first().map(PathBuf::as_path);
    let project = project::Project::open_for(&command.project, first, command.choices.purpose())?;
    let playbooks = load(&project.loader, &command.playbooks)?;
    let graph = Graph::of(&playbooks)?;
    super::missing_needs::check(&graph)?;
    tell_warnings(command.output, &project);
    let survey = super::survey::of(&graph, &project.loader);
    if let Some(warning) = survey.warning(command.output.warning_word()) {
        super::say(&warning);
    }
    let choices = &command.choices;
    if choices.syntax_check {
        for playbook in &command.playbooks {
            super::print(&format!("\nplaybook: {}\n", playbook.display()));
        }
        return Ok(0);
    }
    let inventory = project.inventory();
    tell_warnings(command.output, &project);
    let inventory = inventory?;
    let mut settings = settings(command, &project)?;
    if choices.list_hosts || choices.list_tasks || choices.list_tags {
        settings.prompted = Arc::new(super::prompts::defaults(&graph, &project.extra));
        if choices.list_tags {
            // Who asks for tags wants to know those that nobody gets unasked, too.
            if settings.tags.is_empty() {
                settings.tags.push("all".into());
            }
            settings.tags.push("never".into());
        }
        super::print(&super::list::text(
            &listed(&project, graph, inventory, settings)?,
            choices,
        ));
        return Ok(0);
    }
    super::unheeded::tell(command.output, &project);
    settings.prompted = Arc::new(super::prompts::ask(&graph, &project.extra)?);
    if !command.no_needs
        && let [path] = &command.playbooks[..]
    {
        let needed = super::needs::of(&project.loader, path, &playbooks[0])?;
        if !needed.is_empty() && command.with_needs {
            let mut all = needed;
            all.push(playbooks[0].clone());
            let graph = Graph::of(&all)?;
            return start(command, &project, graph, inventory, settings).await;
        }
        if !needed.is_empty() && !super::needs::are_met(&project, needed, &inventory, &settings).await? {
            return Ok(1);
        }
    }
    start(command, &project, graph, inventory, settings).await
}

/// Tells what was suspicious in the files that were read.
pub(super) fn tell_warnings(output: Output, project: &project::Project) {
    for warning in project.loader.take_warnings() {
        super::say(&match output {
            Output::Ansible => report::ansible::warning(&warning),
            _ => format!("warning: {}\n", warning.drawn()),
        });
    }
}

/// Reads all playbooks; all errors of all of them at once. What cannot be understood ends with Ansible's exit
/// code for that.
pub(super) fn load(loader: &Loader, paths: &[PathBuf]) -> Result<Vec<Arc<Playbook>>, Errors> {
    let mut errors = Collector::default();
    let read: Vec<_> = paths
        .iter()
        .map(|path| loader.path_of(path))
        .filter_map(|path| errors.take(found(&path).and_then(|()| loader.playbook(&path))))
        .map(Arc::new)
        .collect();
    errors
        .finish(read)
        .map_err(|errors| errors.of_kind(ErrorKind::Unreadable))
}

fn found(path: &Path) -> Result<(), Errors> {
    if path.is_dir() {
        let error = Error::new(format!("{} is a folder, not a playbook", path.display()));
        let inside = path.join("site.yml");
        let site = inside.is_file().then(|| inside.display());
        let error = error.help("name a file in it").did_you_mean(site);
        return Err(error.of_kind(ErrorKind::Wrong).into());
    }
    if path.exists() {
        return Ok(());
    }
    let error = Error::new(format!("there is no playbook {}", path.display()));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let entries = std::fs::read_dir(folder.unwrap_or(Path::new(".")))
        .into_iter()
        .flatten();
    let names: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect();
    let wanted = path.file_name().unwrap_or_default().to_string_lossy();
    let near = nearest(&wanted, names.iter().map(String::as_str));
    let near = near.map(|near| folder.map_or(PathBuf::from(near), |folder| folder.join(near)));
    let error = error.help(cures::BELOW_THE_FOLDER);
    let error = error.did_you_mean(near.as_ref().map(|near| near.display()));
    Err(error.of_kind(ErrorKind::Wrong).into())
}

fn settings(command: &RunCommand, project: &project::Project) -> Result<Settings> {
    let paths: Vec<_> = command
        .playbooks
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let choices = &command.choices;
    let chosen = choices.manner.settings(project.settings());
    let chosen = choices.selection.settings(chosen);
    Ok(Settings {
        title: format!("vent run {}", paths.join(" ")),
        within: std::env::var(engine::WITHIN).ok(),
        lock_timeout: Duration::from_secs(command.lock_timeout.into()),
        start_at_task: choices.start_at_task.clone(),
        force_handlers: choices.force_handlers,
        offers_itself: !command.project.named_as_ansible,
        ..chosen
    })
}

async fn start(
    command: &RunCommand,
    project: &project::Project,
    graph: Graph,
    inventory: Inventory,
    settings: Settings,
) -> Result<i32, Errors> {
    project
        .wake(&graph, &inventory, settings.limit.as_deref())
        .await?;
    let is_capable =
        std::io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|name| name != "dumb");
    // https://no-color.org: whatever it is set to, unless that is nothing.
    let colour = is_capable && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let reporter: Box<dyn Reporter> = match command.output {
        Output::Json => Box::new(Json::new(std::io::stdout())),
        Output::Auto if std::io::stderr().is_terminal() && is_capable => {
            Box::new(Terminal::new(settings.verbosity, colour))
        }
        Output::Ansible => {
            let callback = super::ansible::callback(project);
            super::ansible::reporter(callback, project, settings.verbosity)
        }
        Output::Plain | Output::Auto => Box::new(Plain::new(std::io::stdout(), settings.verbosity, colour)),
    };
    let mut reporters = vec![reporter];
    if let Some(journal) = super::journal::open() {
        reporters.push(Box::new(Json::new(journal)));
    }
    Ok(watch(project, graph, inventory, settings, reporters).await?)
}

/// How often reporters are told that time goes by.
const TICK: Duration = Duration::from_secs(5);

/// Runs the graph, with everything that happens shown by the reporters.
pub(super) async fn watch(
    project: &project::Project,
    graph: Graph,
    inventory: Inventory,
    settings: Settings,
    mut reporters: Vec<Box<dyn Reporter>>,
) -> Result<i32> {
    let (sender, mut receiver) = mpsc::unbounded_channel::<Event>();
    let shown = tokio::spawn(async move {
        let mut clock = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                event = receiver.recv() => match event {
                    Some(event) => reporters.iter_mut().for_each(|reporter| reporter.event(&event)),
                    None => return,
                },
                now = clock.tick() => reporters.iter_mut().for_each(|reporter| reporter.tick(now.into_std())),
            }
        }
    });
    let (stop, stop_now) = (CancellationToken::new(), CancellationToken::new());
    let events = Events::new(sender);
    let interrupts = tokio::spawn(interrupts(events.clone(), stop.clone(), stop_now.clone()));
    let parts = Parts {
        stop,
        stop_now,
        ..parts(project, graph, inventory, settings, events)
    };
    let finished = engine::run(parts).await;
    interrupts.abort();
    shown.await.map_err(|error| {
        Error::new("the reporter broke")
            .cause(error)
            .of_kind(ErrorKind::Unexpected)
    })?;
    Ok(finished?.code)
}

/// What a run works with; nobody stops it.
fn parts(
    project: &project::Project,
    graph: Graph,
    inventory: Inventory,
    settings: Settings,
    events: Events,
) -> Parts {
    Parts {
        settings,
        graph,
        inventory,
        events,
        reach: project.reach.clone(),
        modules: MODULES,
        loader: project.loader.clone(),
        reload: project.reload(),
        stop: CancellationToken::new(),
        stop_now: CancellationToken::new(),
    }
}

/// What would be run. Warnings are said.
fn listed(
    project: &project::Project,
    graph: Graph,
    inventory: Inventory,
    settings: Settings,
) -> Result<Vec<engine::ListedPlaybook>> {
    let (sender, mut receiver) = mpsc::unbounded_channel::<Event>();
    let listed = engine::listing(parts(project, graph, inventory, settings, Events::new(sender)));
    while let Ok(event) = receiver.try_recv() {
        if let Kind::Warning { text, .. } = event.kind {
            super::say(&format!("[WARNING]: {text}"));
        }
    }
    listed
}

/// The first interrupt starts nothing new, the second ends what runs, the third this program whatever it does.
async fn interrupts(events: Events, stop: CancellationToken, stop_now: CancellationToken) {
    for (count, token) in [stop, stop_now].into_iter().enumerate() {
        if tokio::signal::ctrl_c().await.is_err() {
            return;
        }
        token.cancel();
        let text = match count {
            0 => "stopping: what runs is finished, nothing new is started (Ctrl-C once more ends what runs)",
            _ => "ending what runs",
        };
        events.tell(Kind::Notice {
            host: None,
            text: text.into(),
        });
    }
    if tokio::signal::ctrl_c().await.is_ok() {
        std::process::exit(INTERRUPTED.into());
    }
}
