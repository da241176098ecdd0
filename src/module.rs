//! Modules, of two kinds. A pure one looks, then says what to do: it does no I/O and does not know check mode. A
//! module of the run works itself, and not on what a host keeps: it makes machines, pauses, waits for a host.
//!
//! To add one: a file beside the others, and its line in [`MODULES`].

mod arguments;
mod elsewhere;
mod module_output;
mod nature;
mod outcome;
mod package_names;
mod path_arguments;
mod place;
mod placed;
mod python_regex;
mod refusal;
mod returns;
mod run;
mod view;

mod add_host;
mod alternatives;
mod apt;
mod apt_repository;
mod archive;
mod assemble;
mod assert;
mod async_status;
mod authorized_key;
mod blockinfile;
mod command;
mod copy;
mod cron;
mod crypto;
mod debconf;
mod debug;
mod fail;
mod fetch;
mod file;
mod find;
mod get_url;
mod getent;
mod git;
mod group;
mod group_by;
mod hostname;
mod include_vars;
mod ini_file;
mod iptables;
mod lineinfile;
mod locale_gen;
mod modprobe;
mod mount;
mod openssl_csr;
mod openssl_privatekey;
mod openssl_publickey;
mod pam_limits;
mod pause;
mod ping;
mod pip;
mod raw;
mod reboot;
mod replace;
mod route53;
mod service_facts;
mod set_fact;
mod set_stats;
mod setup;
mod slurp;
mod stat;
mod sudoers;
mod sysctl;
mod systemd_service;
mod tempfile;
mod template;
mod timezone;
mod tree;
mod unarchive;
mod uri;
mod user;
mod validate_argument_spec;
mod vent_artifacts;
mod vent_machines;
mod wait_for;
mod x509_certificate;
mod x509_certificate_info;

pub use arguments::{FileArguments, Mode, WithFile, parse_mode};
pub use async_status::ASYNC_FOLDER;
pub use elsewhere::{collection_of, is_moved_lookup};
pub use module_output::{ModuleOutput, ModuleResult};
pub use nature::Nature;
pub use outcome::{InventoryChange, Outcome, Step, Stop};
pub use ping::Patience;
pub use returns::{EVERY, Returns};
pub use run::{Connection, Inventory, RunModule, World};
pub use view::{ControlNode, LocalEntry, LocalFile, TemplateOptions, View, description};

use crate::value::{ArgumentError, Value};
use futures::future::{BoxFuture, FutureExt};
use schemars::Schema;
use std::borrow::Cow;

/// A pure module: its names, its arguments, and the one function that is all of it.
pub trait Module: Send + Sync + 'static {
    /// The full name first, then the short ones.
    const NAMES: &'static [&'static str];
    /// The arguments; doc comments become the documentation.
    type Arguments: arguments::Arguments;
    /// The argument that takes the free text after the module's name.
    const FREE_FORM: Option<&'static str> = None;
    /// Arguments that are given as they are written, not rendered.
    const RAW: &'static [&'static str] = &[];
    /// Arguments of Ansible's that are taken and have no effect here.
    const IGNORED: &'static [&'static str] = &[];
    /// Arguments, aliases included, that are paths of the host: `~` and `$NAME` in them are expanded there.
    const PATHS: &'static [&'static str] = &[];
    /// What Ansible says if an argument is missing that must be given, where it does not name it as other modules do.
    const MISSING: Option<&'static str> = None;
    /// True if arguments of any name are taken.
    const OPEN: bool = false;
    /// What it is.
    const NATURE: Nature = Nature::OF_A_HOST;
    /// What the result holds beside what every result holds.
    const RETURNS: &'static [Returns] = &[];

    /// Says what is still to be done. Called again with what was answered and performed until it is done.
    ///
    /// # Errors
    /// `Stop`: a question is open, the task has failed, or it cannot be decided in check mode.
    fn step(arguments: &Self::Arguments, view: &View<'_>) -> Result<Step, Stop>;
}

/// A module without its types: a line of the list.
#[derive(Clone, Copy)]
pub struct Entry {
    /// The full name first, then the short ones.
    pub names: &'static [&'static str],
    /// The argument that takes free text.
    pub free_form: Option<&'static str>,
    /// Arguments that are not rendered.
    pub raw: &'static [&'static str],
    /// Arguments that are paths of the host.
    pub paths: &'static [&'static str],
    /// What Ansible says if an argument is missing that must be given, where it does not name it.
    pub missing: Option<&'static str>,
    /// The names of its arguments, aliases included; `None`: any name is taken.
    pub arguments: fn() -> Option<Vec<&'static str>>,
    /// JSON schema of the arguments.
    pub schema: fn() -> Schema,
    /// What the result holds beside what every result holds.
    pub returns: &'static [Returns],
    /// Checks the arguments: the names that are known (aliases included), and whether they can be read.
    pub check: fn(&Value) -> Result<(), ArgumentError>,
    /// What it does.
    pub work: Work,
    /// What it is.
    pub nature: Nature,
}

/// What a module does.
#[derive(Clone, Copy)]
pub enum Work {
    /// A pure module: reads the arguments and makes the step.
    Step(fn(&Value, &View<'_>) -> Result<Step, Stop>),
    /// A module of the run: reads the arguments and does the work.
    Run(for<'a> fn(&'a Value, &'a dyn World) -> BoxFuture<'a, Result<Outcome, Stop>>),
    /// A module that Vent does not have: a program of others, which the engine runs on the host.
    Foreign,
}

impl Work {
    /// The step of a pure module.
    ///
    /// # Errors
    /// As [`Module::step`]; a module of the run makes no steps.
    pub fn step(&self, arguments: &Value, view: &View<'_>) -> Result<Step, Stop> {
        match self {
            Work::Step(step) => step(arguments, view),
            Work::Run(_) | Work::Foreign => Err(Stop::failed("only a pure module makes steps")),
        }
    }
}

/// The line of a pure module.
pub const fn entry<M: Module>() -> Entry {
    Entry {
        names: M::NAMES,
        free_form: M::FREE_FORM,
        raw: M::RAW,
        paths: M::PATHS,
        missing: M::MISSING,
        arguments: names::<M>,
        schema: <M::Arguments as arguments::Arguments>::schema,
        returns: M::RETURNS,
        check: |value| arguments::read::<M>(value).map(|_| ()),
        work: Work::Step(|value, view| {
            // What is wrong with the arguments is told before the host is asked.
            let arguments = arguments::read::<M>(value)?;
            let arguments = match path_arguments::expanded(value, M::PATHS, view)? {
                Cow::Borrowed(_) => arguments,
                Cow::Owned(value) => arguments::read::<M>(&value)?,
            };
            noted(M::step(&arguments, view)?, view)
        }),
        nature: M::NATURE,
    }
}

/// What the result of a step without actions describes is asked for with the module's own questions.
fn noted(step: Step, view: &View<'_>) -> Result<Step, Stop> {
    if let Step::Finish(actions, outcome) = &step
        && actions.is_empty()
        && let Some(path) = outcome.file.as_ref().filter(|_| outcome.failed.is_none())
    {
        view.described(path)?;
    }
    Ok(step)
}

/// The line of a module of the run.
pub const fn run_entry<M: RunModule>() -> Entry {
    Entry {
        names: M::NAMES,
        free_form: M::FREE_FORM,
        raw: &[],
        paths: &[],
        missing: None,
        arguments: || Some([&<M::Arguments as arguments::Arguments>::names(), M::IGNORED].concat()),
        schema: <M::Arguments as arguments::Arguments>::schema,
        returns: M::RETURNS,
        check: |value| arguments::read_run::<M>(value).map(|_| ()),
        work: Work::Run(run::<M>),
        nature: M::NATURE,
    }
}

fn run<'a, M: RunModule>(value: &'a Value, world: &'a dyn World) -> BoxFuture<'a, Result<Outcome, Stop>> {
    async move { M::run(&arguments::read_run::<M>(value)?, world).await }.boxed()
}

fn names<M: Module>() -> Option<Vec<&'static str>> {
    let names = <M::Arguments as arguments::Arguments>::names();
    let open = M::OPEN || names.is_empty();
    (!open).then(|| [&names, M::IGNORED].concat())
}

/// The line that stands for every module that Vent does not have and that is a program of others.
pub static FOREIGN: Entry = Entry {
    names: &["a module of others"],
    free_form: None,
    raw: &[],
    paths: &[],
    missing: None,
    arguments: || None,
    schema: Schema::default,
    returns: &[],
    check: |_| Ok(()),
    work: Work::Foreign,
    nature: Nature {
        can_go_on: true,
        ..Nature::OF_A_HOST
    },
};

/// The module by which a play gathers facts.
pub const GATHERS_FACTS: &str = <setup::Setup as Module>::NAMES[0];

/// All modules.
pub static MODULES: &[Entry] = &[
    entry::<add_host::AddHost>(),
    entry::<alternatives::Alternatives>(),
    entry::<apt::AnyPackage>(),
    entry::<apt::Apt>(),
    entry::<apt_repository::AptRepository>(),
    entry::<apt_repository::Deb822Repository>(),
    entry::<archive::Archive>(),
    entry::<assemble::Assemble>(),
    entry::<assert::Assert>(),
    entry::<async_status::AsyncStatus>(),
    entry::<authorized_key::AuthorizedKey>(),
    entry::<authorized_key::KnownHosts>(),
    entry::<blockinfile::Blockinfile>(),
    entry::<command::Command>(),
    entry::<command::Shell>(),
    entry::<copy::Copy>(),
    entry::<cron::Cron>(),
    entry::<debconf::Debconf>(),
    entry::<debconf::DpkgSelections>(),
    entry::<debug::Debug>(),
    entry::<fail::Fail>(),
    entry::<fetch::Fetch>(),
    entry::<file::File>(),
    entry::<find::Find>(),
    entry::<get_url::GetUrl>(),
    entry::<getent::Getent>(),
    entry::<git::Git>(),
    entry::<group::Group>(),
    entry::<group_by::GroupBy>(),
    entry::<hostname::Hostname>(),
    entry::<include_vars::IncludeVars>(),
    entry::<ini_file::IniFile>(),
    entry::<iptables::Iptables>(),
    entry::<lineinfile::Lineinfile>(),
    entry::<locale_gen::LocaleGen>(),
    entry::<modprobe::Modprobe>(),
    entry::<mount::Mount>(),
    entry::<openssl_csr::OpensslCsr>(),
    entry::<openssl_csr::OpensslCsrPipe>(),
    entry::<openssl_privatekey::OpensslPrivatekey>(),
    entry::<openssl_publickey::OpensslPublickey>(),
    entry::<pam_limits::PamLimits>(),
    run_entry::<pause::Pause>(),
    entry::<ping::Ping>(),
    entry::<ping::WaitForConnection>(),
    entry::<pip::Pip>(),
    entry::<raw::Raw>(),
    entry::<raw::Script>(),
    run_entry::<reboot::Reboot>(),
    entry::<replace::Replace>(),
    entry::<route53::Route53>(),
    entry::<service_facts::PackageFacts>(),
    entry::<service_facts::ServiceFacts>(),
    entry::<set_fact::SetFact>(),
    entry::<set_stats::SetStats>(),
    entry::<setup::Setup>(),
    entry::<slurp::Slurp>(),
    entry::<stat::Stat>(),
    entry::<sudoers::Sudoers>(),
    entry::<sysctl::Sysctl>(),
    entry::<systemd_service::SystemdService>(),
    entry::<tempfile::Tempfile>(),
    entry::<template::Template>(),
    entry::<timezone::Timezone>(),
    entry::<unarchive::Unarchive>(),
    entry::<uri::Uri>(),
    entry::<user::User>(),
    entry::<validate_argument_spec::ValidateArgumentSpec>(),
    run_entry::<vent_artifacts::VentArtifacts>(),
    run_entry::<vent_machines::VentMachines>(),
    entry::<wait_for::WaitFor>(),
    entry::<x509_certificate::X509Certificate>(),
    entry::<x509_certificate::X509CertificatePipe>(),
    entry::<x509_certificate_info::OpensslPrivatekeyInfo>(),
    entry::<x509_certificate_info::X509CertificateInfo>(),
];

/// The module of a name, full or short.
pub fn find(name: &str) -> Option<&'static Entry> {
    find_in(MODULES, name)
}

/// The module of a name, full or short, in a list.
pub fn find_in(modules: &'static [Entry], name: &str) -> Option<&'static Entry> {
    let short = name.strip_prefix("ansible.legacy.").unwrap_or(name);
    modules.iter().find(|entry| entry.names.contains(&short))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_stands_once() {
        let mut names: Vec<_> = MODULES.iter().flat_map(|entry| entry.names).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn every_argument_is_documented() {
        for entry in MODULES {
            let schema = (entry.schema)();
            let properties = schema
                .as_value()
                .get("properties")
                .and_then(|properties| properties.as_object());
            for (name, property) in properties.into_iter().flatten() {
                let described =
                    property == &serde_json::Value::Bool(true) || property.get("description").is_some();
                assert!(described, "{}: {name} has no description", entry.names[0]);
            }
        }
    }
}
