//! Brings a plan about: look, plan, perform the first stage, look again, until nothing is left to be done.
//! Because every round begins with a look, a run after a kill goes on exactly where things stand.

use super::plan::{Machine, Plan, Step};
use super::provider::{About, Overview, ProviderMachines, Tell};
use super::ssh;
use crate::error::{Error, Result};
use futures::future::{join_all, try_join_all};
use std::collections::HashSet;
use std::time::Duration;

/// How often is looked for what was made and is not shown yet, and for what may have been made after all.
const LOOKS: u32 = 10;
/// The pause before such a look.
const LOOK_PAUSE: Duration = Duration::from_secs(3);

/// What a provider's plans are made by: what is wanted, or that nothing is.
type Planner<'a, C> = dyn Fn(&C, &<C as ProviderMachines>::Resources) -> Result<Plan<<C as ProviderMachines>::Action>>
    + Send
    + Sync
    + 'a;

/// Makes what is missing and waits until all machines answer.
///
/// # Errors
/// What the service refuses, with what was made and what is still missing.
pub async fn apply<C: ProviderMachines>(cloud: &C, tell: Tell<'_>) -> Result<Overview> {
    let about = cloud.about();
    let _alone = about.folder.lock()?;
    let done = rounds(cloud, &|cloud, found| cloud.plan(found), tell).await?;
    let machines = wait_for_running(cloud, tell).await?;
    let waited = machines.iter().map(|machine| answer(about, machine, tell));
    try_join_all(waited).await?;
    Ok(Overview { machines, ..done })
}

/// Removes everything, or the machines named in `only`.
///
/// # Errors
/// What the service refuses, with what is left.
pub async fn remove<C: ProviderMachines>(cloud: &C, only: &[String], tell: Tell<'_>) -> Result<Overview> {
    let about = cloud.about();
    let _alone = about.folder.lock()?;
    let done = rounds(cloud, &|cloud, found| Ok(removal(cloud, found, only)), tell).await?;
    match only {
        [] => about.folder.forget_all()?,
        names => names.iter().try_for_each(|name| about.folder.forget(name))?,
    }
    Ok(done)
}

/// What a provider would remove; names that no machine has are told.
pub fn removal<C: ProviderMachines>(cloud: &C, found: &C::Resources, only: &[String]) -> Plan<C::Action> {
    let mut plan = cloud.removal(found, only);
    for name in only {
        if !plan.machines.iter().any(|machine| machine.name == *name) {
            let cluster = &cloud.about().cluster;
            plan.notes.push(format!(
                "{cluster} has no machine {name}: nothing is removed for it"
            ));
        }
    }
    plan
}

/// Performs stage after stage; what was done, and the first plan's view of before and after.
async fn rounds<C: ProviderMachines>(
    cloud: &C,
    planner: &Planner<'_, C>,
    tell: Tell<'_>,
) -> Result<Overview> {
    let mut first: Option<Overview> = None;
    let mut performed: HashSet<String> = HashSet::new();
    let mut done = vec![];
    let mut looks = 0;
    cloud.settle(tell).await?;
    loop {
        let found = cloud.look().await?;
        let plan = planner(cloud, &found)?;
        let stage = plan.stage();
        if first.is_none() {
            plan.notes.iter().for_each(|note| tell(note.clone()));
            first = Some(plan.clone().into());
        }
        let Some(stage) = stage else {
            let first = first.unwrap_or_default();
            return Ok(Overview { steps: done, ..first });
        };
        // Nothing is done twice: what was done and is not shown yet is looked for again.
        let due: Vec<Step<C::Action>> = plan
            .steps
            .into_iter()
            .filter(|step| step.stage == stage)
            .collect();
        let (again, new): (Vec<_>, Vec<_>) = due.into_iter().partition(|step| performed.contains(&step.text));
        if new.is_empty() {
            looks += 1;
            if looks > LOOKS {
                return Err(not_shown(cloud.about(), &again));
            }
            cloud.about().clock.sleep(LOOK_PAUSE).await;
            continue;
        }
        looks = 0;
        let results = join_all(new.iter().map(|step| cloud.perform(&found, &step.action))).await;
        let mut failed = vec![];
        for (step, result) in new.iter().zip(results) {
            performed.insert(step.text.clone());
            match result {
                Ok(()) => {
                    tell(format!("done: {}", step.text));
                    done.push(step.text.clone());
                }
                Err(error) => failed.push((step.text.clone(), error)),
            }
        }
        if !failed.is_empty() {
            still_missing(cloud, planner, failed, &mut done).await?;
        }
    }
}

/// What failed may have been done all the same: an answer can be lost on its way. What is not there after
/// some looks is told, with all that still is to be done.
async fn still_missing<C: ProviderMachines>(
    cloud: &C,
    planner: &Planner<'_, C>,
    mut failed: Vec<(String, Error)>,
    done: &mut Vec<String>,
) -> Result<()> {
    let mut left: Vec<String> = failed.iter().map(|(text, _)| text.clone()).collect();
    for look in 0..3 {
        if look > 0 {
            cloud.about().clock.sleep(LOOK_PAUSE).await;
        }
        let Ok(found) = cloud.look().await else { break };
        let plan = planner(cloud, &found)?;
        left = plan.steps.into_iter().map(|step| step.text).collect();
        let (missing, there): (Vec<_>, Vec<_>) =
            failed.into_iter().partition(|(text, _)| left.contains(text));
        done.extend(there.into_iter().map(|(text, _)| text));
        failed = missing;
        if failed.is_empty() {
            return Ok(());
        }
    }
    Err(half_done(cloud.about(), failed, done, &left))
}

/// The error of a set that is half made or half removed.
fn half_done(about: &About, failed: Vec<(String, Error)>, done: &[String], left: &[String]) -> Error {
    let mut failed = failed.into_iter();
    let Some((text, error)) = failed.next() else {
        return Error::new(format!(
            "the machines of {} are not as they should be",
            about.cluster
        ));
    };
    let cure = error.cure().map(|cure| format!("{cure}; ")).unwrap_or_default();
    let mut error = error.cause(format!("this was to {text}"));
    for (text, other) in failed {
        error = error.cause(format!("also failed: {text}: {}", other.line()));
    }
    let list = |items: &[String]| match items {
        [] => "nothing".to_string(),
        items => items.join("; "),
    };
    error
        .cause(format!("done before: {}", list(done)))
        .cause(format!("still to be done: {}", list(left)))
        .help(format!(
            "{cure}what was made of {0} stays and is found again: run again to go on, or remove it with \
             `vent run playbooks/99-remove-machines.yml -e remove={0}`",
            about.cluster
        ))
}

fn not_shown<A>(about: &About, steps: &[Step<A>]) -> Error {
    let texts: Vec<&str> = steps.iter().map(|step| step.text.as_str()).collect();
    Error::new(format!(
        "{} took this, but does not show it: {}",
        about.provider,
        texts.join("; ")
    ))
    .help("nothing is made a second time; run again in a minute, when the service shows it")
}

/// Waits until every wanted machine runs and has an address.
async fn wait_for_running<C: ProviderMachines>(cloud: &C, tell: Tell<'_>) -> Result<Vec<Machine>> {
    let about = cloud.about();
    let start = about.clock.now();
    let limit = Duration::from_secs(about.common.wait);
    let mut pause = Duration::from_secs(1);
    let mut told = HashSet::new();
    loop {
        let found = cloud.look().await?;
        let machines = cloud.plan(&found)?.machines;
        if let Some(machine) = machines.iter().find(|machine| machine.failed) {
            return Err(Error::new(format!(
                "{} calls the machine {} ({}) `{}`",
                about.provider, machine.name, machine.id, machine.state
            ))
            .help(format!(
                "look at it there; to have it made anew: `vent run playbooks/99-remove-machines.yml -e remove={} -e only={}`, \
                 then run again",
                about.cluster, machine.name
            )));
        }
        let waiting: Vec<&Machine> = machines
            .iter()
            .filter(|machine| !machine.running || machine.address.is_none())
            .collect();
        let Some(first) = waiting.first() else {
            return Ok(machines);
        };
        if told.insert(first.state.clone()) {
            tell(format!(
                "waiting for {} of {} machines; {} is `{}`",
                waiting.len(),
                machines.len(),
                first.name,
                first.state
            ));
        }
        if about.clock.now().duration_since(start).unwrap_or_default() > limit {
            return Err(Error::new(format!(
                "the machine {} ({}) was not ready within {} seconds: it is `{}`{}",
                first.name,
                first.id,
                limit.as_secs(),
                first.state,
                if first.address.is_none() {
                    " and has no address"
                } else {
                    ""
                }
            ))
            .help("run again to go on waiting, or allow more time with `wait` below `machines`"));
        }
        about.clock.sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(10));
    }
}

/// Waits until a machine answers with its host key; one that did before is not asked again.
async fn answer(about: &About, machine: &Machine, tell: Tell<'_>) -> Result<()> {
    let folder = &about.folder;
    if let Some(key) = &machine.host_key {
        folder.pin(&machine.name, key)?;
    }
    if folder.has_answered(&machine.name, &machine.id) {
        return Ok(());
    }
    let key = folder.pinned(&machine.name);
    if key.is_none() && !machine.trusts_first {
        return Err(Error::new(format!(
            "the host key of {} is not known here: the machine was made from another computer",
            machine.name
        ))
        .help(format!(
            "copy .vent/machines/{} from there, or remove the machine and have it made anew",
            about.cluster
        )));
    }
    let address = machine.address.as_deref().unwrap_or_default();
    let limit = Duration::from_secs(about.common.wait);
    let port = about.common.ssh_port;
    let shown = ssh::wait(&machine.name, address, port, key.as_deref(), limit).await?;
    folder.pin(&machine.name, &shown)?;
    folder.answered(&machine.name, &machine.id)?;
    tell(format!("{} answers at {address}", machine.name));
    Ok(())
}
