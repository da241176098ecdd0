//! Modules of the run by cases: what they tell, ask and change is written down in the order in which it happens
//! (`happens`), and held against the case, as is how they end.

use super::cases::{Ended, brought, fields};
use super::desk::Desk;
use super::shown::shown;
use async_trait::async_trait;
use futures::future::BoxFuture;
use serde_json::{Map as Object, Value as Json, json};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use vent::cloud::machines::{Common, Folder, Machine, Machines, Overview, Tell};
use vent::connection::{Failure, FailureKind, Output};
use vent::error::{Error, Result as Checked};
use vent::module::{Connection, ControlNode, Inventory, Outcome, Stop, World, find};
use vent::value::{Map, Value};

/// What does the work of a module of the run.
type Work = for<'a> fn(&'a Value, &'a dyn World) -> BoxFuture<'a, Result<Outcome, Stop>>;

/// The run that a case pretends.
struct Stage {
    case: Json,
    desk: Desk,
    stop: CancellationToken,
    environment: Vec<(String, String)>,
    happened: Arc<Mutex<Vec<Json>>>,
    /// The answers of the host that were given already.
    answered: Mutex<usize>,
}

impl Stage {
    fn note(&self, what: Json) {
        self.happened.lock().unwrap().push(what);
    }

    fn is(&self, flag: &str) -> bool {
        self.case[flag] == json!(true)
    }
}

impl World for Stage {
    fn is_check(&self) -> bool {
        self.is("check")
    }
    fn wants_diff(&self) -> bool {
        self.is("diff")
    }
    fn stop(&self) -> &CancellationToken {
        &self.stop
    }
    fn say(&self, text: String) {
        self.note(json!({"say": text}));
    }
    fn progress(&self, done: usize, total: usize, text: String) {
        self.note(json!({"progress": format!("{done} of {total}: {text}")}));
    }
    fn output(&self, line: &str) {
        self.note(json!({"output": line}));
    }
    fn inventory(&self) -> &dyn Inventory {
        self
    }
    fn host(&self) -> Result<&dyn Connection, Stop> {
        Ok(self)
    }
    fn control_node(&self) -> &(dyn ControlNode + Sync) {
        &self.desk
    }
    fn environment(&self) -> &[(String, String)] {
        &self.environment
    }
    fn place(&self) -> String {
        "site.yml:7".into()
    }
}

#[async_trait]
impl Inventory for Stage {
    fn machines(&self) -> Vec<Arc<dyn Machines>> {
        let clusters = self.case["clusters"].as_object().cloned().unwrap_or_default();
        let cluster = |(name, plan): (String, Json)| -> Arc<dyn Machines> {
            Arc::new(Cluster {
                folder: Folder::of(Path::new("/nowhere/cloud.yml"), &name),
                common: Common::default(),
                name,
                plan,
                happened: self.happened.clone(),
            })
        };
        clusters.into_iter().map(cluster).collect()
    }
    fn has_host(&self, name: &str) -> bool {
        let hosts = self.case["hosts"].as_array();
        hosts.is_some_and(|hosts| hosts.iter().any(|host| host == name))
    }
    fn add_host(&self, name: &str, groups: &[String], variables: Map) -> Checked<bool> {
        let variables = Json::from(&Value::Map(variables.into()));
        self.note(json!({"add": name, "groups": groups, "variables": variables}));
        Ok(true)
    }
    async fn refresh(&self) -> Checked<()> {
        self.note(json!("refresh"));
        Ok(())
    }
}

/// The host gives the answers of the case in their order.
#[async_trait]
impl Connection for Stage {
    fn is_local(&self) -> bool {
        self.is("local")
    }
    fn connect_timeout(&self) -> Duration {
        Duration::from_secs(1)
    }
    async fn ask(&self, script: &str) -> Result<Output, Failure> {
        self.note(json!({"ask": script}));
        let answer = {
            let mut answered = self.answered.lock().unwrap();
            *answered += 1;
            self.case["answers"][*answered - 1].clone()
        };
        if answer == json!("lost") {
            let (message, cure) = ("the connection was lost", "run again");
            return Err(Failure::new(FailureKind::Lost, message, cure));
        }
        if answer == json!("never") {
            std::future::pending::<()>().await;
        }
        let text = |name: &str| answer[name].as_str().unwrap_or_default().into();
        Ok(Output {
            code: answer["code"].as_i64().unwrap_or(0) as i32,
            stdout: text("stdout"),
            stderr: text("stderr"),
        })
    }
    async fn close(&self) {
        self.note(json!("close"));
    }
}

/// The machines of a cluster, with a plan that the case gives.
#[derive(Debug)]
struct Cluster {
    name: String,
    folder: Folder,
    common: Common,
    plan: Json,
    happened: Arc<Mutex<Vec<Json>>>,
}

impl Cluster {
    fn overview(&self) -> Checked<Overview> {
        let texts = |name: &str| -> Vec<String> {
            let list = self.plan[name].as_array().cloned().unwrap_or_default();
            list.iter().map(|text| text.as_str().unwrap().into()).collect()
        };
        let machines = self.plan["machines"].as_array().cloned().unwrap_or_default();
        let machine = |machine: &Json| Machine {
            name: machine["name"].as_str().unwrap().into(),
            role: machine["role"].as_str().unwrap().into(),
            id: machine["id"].as_str().unwrap_or_default().into(),
            address: machine["address"].as_str().map(String::from),
            ..Machine::default()
        };
        match self.plan["refuses"].as_str() {
            Some(message) => Err(Error::new(message).help("ask the service")),
            None => Ok(Overview {
                steps: texts("steps"),
                machines: machines.iter().map(machine).collect(),
                surplus: texts("surplus"),
                notes: texts("notes"),
                before: texts("before"),
                after: texts("after"),
            }),
        }
    }

    fn note(&self, what: &str, only: &[String]) {
        let only = if only.is_empty() {
            String::new()
        } else {
            format!(" ({})", only.join(", "))
        };
        let text = format!("{what} {}{only}", self.name);
        self.happened.lock().unwrap().push(json!(text));
    }
}

#[async_trait]
impl Machines for Cluster {
    fn cluster(&self) -> &str {
        &self.name
    }
    fn folder(&self) -> &Folder {
        &self.folder
    }
    fn common(&self) -> &Common {
        &self.common
    }
    async fn plan(&self) -> Checked<Overview> {
        self.overview()
    }
    async fn apply(&self, tell: Tell<'_>) -> Checked<Overview> {
        self.note("apply", &[]);
        tell(format!("{} is made", self.name));
        self.overview()
    }
    async fn removal(&self, only: &[String]) -> Checked<Overview> {
        self.note("look what is to be removed of", only);
        self.overview()
    }
    async fn remove(&self, only: &[String], tell: Tell<'_>) -> Checked<Overview> {
        self.note("remove", only);
        tell(format!("{} is gone", self.name));
        self.overview()
    }
}

/// The files that a case puts into its folder (`files`), and the folder's name wherever the case says `{{ folder }}`.
fn furnish(case: &Json, folder: &Path) -> Json {
    for (name, text) in case["files"].as_object().into_iter().flatten() {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text.as_str().unwrap()).unwrap();
    }
    let text = case.to_string().replace("{{ folder }}", folder.to_str().unwrap());
    serde_json::from_str(&text).unwrap()
}

/// Runs a case. With `again: true` it is run twice in the same folder, and the second run counts.
pub fn ended(case: &Json, work: Work) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let case = furnish(case, folder.path());
    let environment = case["environment"].as_object().cloned().unwrap_or_default();
    let stage = Stage {
        desk: Desk::of(&case),
        stop: CancellationToken::new(),
        environment: environment
            .into_iter()
            .map(|(name, value)| (name, value.as_str().unwrap().into()))
            .collect(),
        happened: Arc::default(),
        answered: Mutex::default(),
        case,
    };
    let case = &stage.case;
    if stage.is("stopped") {
        stage.stop.cancel();
    }
    let arguments = Value::from(case["arguments"].clone());
    if let Err(error) = (find(case["module"].as_str().unwrap()).unwrap().check)(&arguments) {
        return Ended {
            got: json!({"failed": error.to_string()}),
            outcome: Outcome::new().failed(error.to_string()),
            says: stage.case,
        };
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    if stage.is("again") {
        runtime.block_on(work(&arguments, &stage)).unwrap();
        stage.happened.lock().unwrap().clear();
    }
    let outcome = outcome(runtime.block_on(work(&arguments, &stage)));
    Ended {
        got: got(&stage, &outcome),
        outcome,
        says: stage.case,
    }
}

fn outcome(ended: Result<Outcome, Stop>) -> Outcome {
    match ended {
        Ok(outcome) => outcome,
        Err(Stop::FailedWith(outcome)) => *outcome,
        Err(Stop::Failed(message)) => Outcome::new().failed(message),
        Err(Stop::Arguments(error)) => Outcome::new().failed(error.to_string()),
        Err(Stop::Error(error)) => Outcome::new().failed(error.to_string()),
        Err(Stop::Connection(failure)) => Outcome::new().failed(format!("unreachable: {failure}")),
        Err(Stop::Undecided(unknown)) => Outcome::new().failed(format!("undecided: {}", unknown.origin)),
        Err(Stop::Pending) => panic!("a module of the run asks no questions"),
    }
}

/// How a case ended, in the words of cases.
fn got(stage: &Stage, outcome: &Outcome) -> Json {
    let mut got = Object::new();
    let happened = stage.happened.lock().unwrap().clone();
    if !happened.is_empty() {
        got.insert("happens".into(), Json::Array(happened));
    }
    if let Some(message) = &outcome.failed {
        got.insert("failed".into(), json!(message));
    }
    if let Some(changed) = outcome.changed {
        got.insert("changed".into(), json!(changed));
    }
    got.extend(brought(outcome));
    got.extend(fields(&stage.case, outcome));
    if !outcome.diffs.is_empty() {
        let text = outcome
            .diffs
            .iter()
            .map(|diff| diff.text.as_str())
            .collect::<String>();
        got.insert("difference".into(), json!(text));
    }
    if !outcome.planned.is_empty() {
        got.insert("planned".into(), outcome.planned.iter().map(shown).collect());
    }
    Json::Object(got)
}
