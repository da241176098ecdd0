//! What a provider must be able to do so that its machines can be made, and how others see a cluster.

use super::host_keys::Folder;
use super::options::Common;
use super::plan::{Machine, Plan};
use crate::cloud::client::http::clock::Clock;
use crate::error::{Error, Result};
use async_trait::async_trait;
use std::collections::HashSet;
use std::fmt::Debug;
use std::sync::Arc;

/// Takes sentences about what is being done.
pub type Tell<'a> = &'a (dyn Fn(String) + Send + Sync);

/// What is the same for every provider.
pub struct About {
    /// The name of the provider.
    pub provider: &'static str,
    /// The name of the cluster.
    pub cluster: String,
    /// What this computer keeps.
    pub folder: Folder,
    /// What all providers have in common.
    pub common: Common,
    /// The time to wait by.
    pub clock: Arc<dyn Clock>,
}

/// Refuses two machines of one name; `machines` are names with what the provider tells them apart by, `all` says
/// whose they are.
///
/// # Errors
/// The first name that two machines have.
pub fn refuse_namesakes<'a>(all: &str, machines: impl Iterator<Item = (&'a String, String)>) -> Result<()> {
    let mut names = HashSet::new();
    for (name, id) in machines {
        if !names.insert(name) {
            return Err(Error::new(format!("two {all} are called {name}"))
                .cause(format!("one of them {id}"))
                .help("remove the one that is not meant, or give it another name"));
        }
    }
    Ok(())
}

/// The machines of one cluster at one provider.
#[async_trait]
pub trait ProviderMachines: Send + Sync + 'static {
    /// What there is.
    type Resources: Send + Sync;
    /// One thing to do.
    type Action: Clone + Debug + PartialEq + Send + Sync;

    /// What is the same for every provider.
    fn about(&self) -> &About;

    /// Waits for what an earlier run has begun and what is not shown while it lasts.
    ///
    /// # Errors
    /// What the service refuses.
    async fn settle(&self, _tell: Tell<'_>) -> Result<()> {
        Ok(())
    }

    /// Reads what there is of this cluster.
    ///
    /// # Errors
    /// What the service refuses.
    async fn look(&self) -> Result<Self::Resources>;

    /// What is to be done so that everything that is wanted is there. Pure.
    ///
    /// # Errors
    /// When what was found contradicts itself.
    fn plan(&self, found: &Self::Resources) -> Result<Plan<Self::Action>>;

    /// What is to be done so that nothing is left of the cluster, or of the machines named in `only`. Pure.
    fn removal(&self, found: &Self::Resources, only: &[String]) -> Plan<Self::Action>;

    /// Does one thing.
    ///
    /// # Errors
    /// What the service refuses.
    async fn perform(&self, found: &Self::Resources, action: &Self::Action) -> Result<()>;
}

/// A plan without the types of its provider.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overview {
    /// What is to be done, or was done, in words.
    pub steps: Vec<String>,
    /// The machines that are wanted.
    pub machines: Vec<Machine>,
    /// Machines of the cluster that nobody asks for.
    pub surplus: Vec<String>,
    /// What does not fit and stays as it is.
    pub notes: Vec<String>,
    /// Every resource there is, one line each.
    pub before: Vec<String>,
    /// Every resource there would be.
    pub after: Vec<String>,
}

impl<A> From<Plan<A>> for Overview {
    fn from(plan: Plan<A>) -> Overview {
        Overview {
            steps: plan.steps.into_iter().map(|step| step.text).collect(),
            machines: plan.machines,
            surplus: plan.surplus,
            notes: plan.notes,
            before: plan.before,
            after: plan.after,
        }
    }
}

/// The machines of one cluster, whoever provides them.
#[async_trait]
pub trait Machines: Debug + Send + Sync {
    /// The name of the cluster.
    fn cluster(&self) -> &str;

    /// What this computer keeps of its machines.
    fn folder(&self) -> &Folder;

    /// What all providers have in common.
    fn common(&self) -> &Common;

    /// What would be done; only reads.
    ///
    /// # Errors
    /// What the service refuses.
    async fn plan(&self) -> Result<Overview>;

    /// Makes what is missing and waits until all machines answer; what was done.
    ///
    /// # Errors
    /// What the service refuses; what was made stays, and the next call goes on from there.
    async fn apply(&self, tell: Tell<'_>) -> Result<Overview>;

    /// What would be removed: everything, or the machines named in `only`; only reads.
    ///
    /// # Errors
    /// What the service refuses.
    async fn removal(&self, only: &[String]) -> Result<Overview>;

    /// Removes everything, or the machines named in `only`; what was done.
    ///
    /// # Errors
    /// What the service refuses; the next call goes on from there.
    async fn remove(&self, only: &[String], tell: Tell<'_>) -> Result<Overview>;
}

/// Any provider's machines.
pub struct Cluster<C>(pub C);

impl<C: ProviderMachines> Debug for Cluster<C> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let about = self.0.about();
        write!(out, "the machines of {} at {}", about.cluster, about.provider)
    }
}

#[async_trait]
impl<C: ProviderMachines> Machines for Cluster<C> {
    fn cluster(&self) -> &str {
        &self.0.about().cluster
    }

    fn folder(&self) -> &Folder {
        &self.0.about().folder
    }

    fn common(&self) -> &Common {
        &self.0.about().common
    }

    async fn plan(&self) -> Result<Overview> {
        let found = self.0.look().await?;
        Ok(self.0.plan(&found)?.into())
    }

    async fn apply(&self, tell: Tell<'_>) -> Result<Overview> {
        super::apply::apply(&self.0, tell).await
    }

    async fn removal(&self, only: &[String]) -> Result<Overview> {
        let found = self.0.look().await?;
        Ok(super::apply::removal(&self.0, &found, only).into())
    }

    async fn remove(&self, only: &[String], tell: Tell<'_>) -> Result<Overview> {
        super::apply::remove(&self.0, only, tell).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_belongs_to_one_machine() {
        let names: Vec<String> = ["a", "b", "a"].map(String::from).to_vec();
        let told = |count: usize| {
            let machines = names[..count].iter().enumerate();
            refuse_namesakes(
                "devices with the tag demo",
                machines.map(|(at, name)| (name, format!("is {at}"))),
            )
        };
        assert!(told(2).is_ok());
        let error = told(3).unwrap_err();
        assert_eq!(error.message(), "two devices with the tag demo are called a");
        assert!(error.to_string().contains("one of them is 2"), "{error}");
    }
}
