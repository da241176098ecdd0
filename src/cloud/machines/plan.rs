//! What is to be done, as data: the steps of a plan and the machines that it is about.

/// One step of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Step<A> {
    /// Steps of a lower stage are done first, those of one stage at the same time.
    pub stage: u8,
    /// In words, to follow "would": `create worker-1 (c3.small.x86 in am)`.
    pub text: String,
    /// What the provider performs.
    pub action: A,
}

impl<A> Step<A> {
    /// A step.
    pub fn new(stage: u8, text: impl Into<String>, action: A) -> Step<A> {
        Step {
            stage,
            text: text.into(),
            action,
        }
    }
}

/// A machine as it is, or as it would be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Machine {
    /// Its host name.
    pub name: String,
    /// Its role tag.
    pub role: String,
    /// What it is to its provider; empty while it is not there.
    pub id: String,
    /// Where it is reached, once it is known.
    pub address: Option<String>,
    /// True when the provider calls it running.
    pub running: bool,
    /// The provider's own word for its state.
    pub state: String,
    /// True when it will not come up any more by waiting.
    pub failed: bool,
    /// The public host key that the provider tells of it, where it could not be given one.
    pub host_key: Option<String>,
    /// True when the host key that it shows first is taken, because the user says so.
    pub trusts_first: bool,
}

/// A plan: what is to be done, and what was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan<A> {
    /// In order.
    pub steps: Vec<Step<A>>,
    /// All machines that are wanted: those that are there, and those that would be made.
    pub machines: Vec<Machine>,
    /// Machines of the cluster that nobody asks for.
    pub surplus: Vec<String>,
    /// What does not fit and cannot be changed in place.
    pub notes: Vec<String>,
    /// Every resource there is, one line each.
    pub before: Vec<String>,
    /// Every resource there would be.
    pub after: Vec<String>,
}

impl<A> Default for Plan<A> {
    fn default() -> Plan<A> {
        Plan {
            steps: vec![],
            machines: vec![],
            surplus: vec![],
            notes: vec![],
            before: vec![],
            after: vec![],
        }
    }
}

impl<A> Plan<A> {
    /// A resource that is there and stays.
    pub fn keep(&mut self, line: impl Into<String>) {
        let line = line.into();
        self.before.push(line.clone());
        self.after.push(line);
    }

    /// A resource that would be made.
    pub fn make(&mut self, stage: u8, line: impl Into<String>, action: A) {
        let line = line.into();
        self.steps
            .push(Step::new(stage, format!("create {line}"), action));
        self.after.push(line);
    }

    /// A resource that would be removed.
    pub fn remove(&mut self, stage: u8, line: impl Into<String>, action: A) {
        let line = line.into();
        self.steps
            .push(Step::new(stage, format!("remove {line}"), action));
        self.before.push(line);
    }

    /// The stage that is next.
    pub fn stage(&self) -> Option<u8> {
        self.steps.iter().map(|step| step.stage).min()
    }
}
