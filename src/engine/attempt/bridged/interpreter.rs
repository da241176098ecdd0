//! Which interpreter runs a module.

use super::{Attempt, ForeignWork, Stopped};
use crate::bridge::{Core, Discovery, Payload, discovery_script};
use crate::connection::Shell;
use crate::error::Error;
use crate::host::quote;
use crate::value::Map;

/// Words of `ansible_python_interpreter` that ask to look for one.
const LOOKS: [&str; 5] = ["", "auto", "auto_silent", "auto_legacy", "auto_legacy_silent"];

/// The fact with the Python that was found.
const FACT: &str = "discovered_interpreter_python";

/// The interpreter that the variable for `name` says, unless that asks to look for one.
fn chosen<'a>(work: &ForeignWork<'a>, name: &str) -> Option<&'a str> {
    let text = work.interpreters.get(name)?.as_str();
    (!LOOKS.contains(&text)).then_some(text)
}

impl Attempt<'_> {
    /// The interpreter that the first line of a module names, or the variable for it: shell text.
    pub(super) fn written_interpreter(work: &ForeignWork<'_>) -> Option<String> {
        let (program, rest) = work.module.interpreter.split_first()?;
        let name = program.rsplit('/').next().unwrap_or_default();
        let words = match chosen(work, name) {
            Some(chosen) => std::iter::once(chosen.to_string())
                .chain(rest.iter().map(|word| quote(word)))
                .collect(),
            None => work
                .module
                .interpreter
                .iter()
                .map(|word| quote(word))
                .collect::<Vec<_>>(),
        };
        Some(words.join(" "))
    }

    /// The Python of a module: shell text. One that was looked for is told as a fact.
    pub(super) async fn python_of(
        &self,
        work: &ForeignWork<'_>,
        shell: &Shell,
        payload: &Payload,
        facts: &mut Map,
    ) -> Result<String, Stopped> {
        let core = work.bridged.bridge.core()?;
        let first = work.module.interpreter.first().map(String::as_str);
        let is_plain =
            work.module.interpreter.len() <= 1 && first.is_none_or(|first| first.ends_with("/python"));
        if !is_plain && let Some(written) = Self::written_interpreter(work) {
            return Ok(written);
        }
        if let Some(chosen) = chosen(work, "python") {
            return Ok(chosen.to_string());
        }
        if work.implicit {
            return Ok(quote(&core.python.display().to_string()));
        }
        if let Some(known) = work.bridged.python(work.host, &self.user) {
            return Ok(quote(&known));
        }
        let script = discovery_script(&payload.pythons, core.oldest_python());
        let output = shell.ask(&script).await.map_err(super::Broken::Connection)?;
        let discovery = Discovery::read(&output.stdout);
        let Some(found) = discovery.found else {
            return Err(none_found(work, &core, payload, &discovery).into());
        };
        work.bridged.found_python(work.host, &self.user, &found);
        facts.insert(FACT.into(), found.as_str().into());
        Ok(quote(&found))
    }
}

fn none_found(work: &ForeignWork<'_>, core: &Core, payload: &Payload, discovery: &Discovery) -> Error {
    let (major, minor) = core.oldest_python();
    let text = format!(
        "the module {} of ansible-core {} needs Python {major}.{minor} or newer on {}, and there is none",
        work.module.name, core.version, work.host
    );
    let mut error = Error::new(text).cause(format!("looked for {}", payload.pythons.join(", ")));
    for (path, version) in &discovery.too_old {
        error = error.cause(format!("{path} is Python {version}"));
    }
    error.help("install python3 there, or name its path with `ansible_python_interpreter`")
}
