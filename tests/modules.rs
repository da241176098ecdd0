//! Modules by cases: arguments and pretended answers give actions (`tests/modules/NAME/*.yml`), and tasks that are
//! really carried out in a folder of this computer change nothing the second time (`tests/local/*.yml`).

#[path = "modules/run.rs"]
mod run;

use serde_json::{Map as Object, Value as Json, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vent::content::Content;
use vent::error::Result as Checked;
use vent::host::*;
use vent::module::*;
use vent::source::Source;
use vent::value::{Unknown, Value};
use vent::vault::Vault;

/// This computer as far as modules under test see it.
#[derive(Default)]
struct Desk {
    files: BTreeMap<String, String>,
    /// Variables as they are written.
    variables: vent::value::Map,
    now: i64,
}

impl Desk {
    fn is_folder(&self, path: &Path) -> bool {
        self.files
            .keys()
            .any(|file| Path::new(file).starts_with(path) && Path::new(file) != path)
    }
}

impl ControlNode for Desk {
    fn find(&self, _kind: &str, name: &str) -> Result<PathBuf, Vec<PathBuf>> {
        let there = self.files.contains_key(name) || self.is_folder(Path::new(name));
        match there || Path::new(name).exists() {
            true => Ok(name.into()),
            false => Err(vec![name.into()]),
        }
    }
    fn file(&self, path: &Path) -> LocalFile {
        if let Some(text) = self.files.get(path.to_str().unwrap()) {
            return LocalFile::File(Content::bytes(text));
        }
        if self.is_folder(path) {
            return LocalFile::Folder;
        }
        match Content::local_file(path, &vent::content::Digests::default()) {
            Ok(content) => LocalFile::File(content),
            Err(_) => LocalFile::Missing,
        }
    }
    fn sealed_file(&self, path: &Path) -> LocalFile {
        self.file(path)
    }
    fn opened_vault(&self) -> bool {
        false
    }
    fn entries(&self, path: &Path) -> Vec<LocalEntry> {
        let below = |file: &String| Path::new(file).strip_prefix(path).ok().map(PathBuf::from);
        let files = self.files.keys().filter_map(below);
        let entry = |relative| LocalEntry {
            relative,
            folder: false,
        };
        files.map(entry).collect()
    }
    fn archive(&self, path: &Path) -> std::io::Result<Arc<vent::archive::Archive>> {
        let (digest, _) = vent::content::Digests::default().of(path)?;
        vent::archive::open(path, &digest)
    }
    fn mode(&self, _path: &Path) -> Option<u32> {
        Some(0o644)
    }
    fn render_file(&self, path: &Path, _options: &TemplateOptions) -> Checked<Content> {
        Ok(Content::bytes(&self.files[path.to_str().unwrap()]))
    }
    fn condition(&self, expression: &Value) -> Checked<Value> {
        Ok(expression.clone())
    }
    fn render(&self, value: &Value) -> Checked<Value> {
        Ok(value.clone())
    }
    fn variable(&self, _name: &str) -> Checked<Option<Value>> {
        Ok(None)
    }
    fn written_variable(&self, name: &str) -> Option<Value> {
        self.variables.get(name).cloned()
    }
    fn variables_file(&self, path: &Path) -> Checked<vent::value::Map> {
        let source = Source::file(path, self.files[path.to_str().unwrap()].clone());
        let (node, _) = vent::yaml::parse_one(&source)?;
        match node.unwrap().value(&Vault::default())? {
            Value::Map(map) => Ok((*map).clone()),
            other => panic!("{other:?}"),
        }
    }
    fn now(&self) -> i64 {
        self.now
    }
    fn random(&self) -> [u8; 32] {
        [7; 32]
    }
}

/// Something that answers questions and takes actions.
trait Side {
    fn answer(&mut self, questions: &[Question]) -> Vec<Answer>;
    fn perform(&mut self, action: &Action) -> Performed;
}

/// How a task ended.
struct End {
    actions: Vec<Action>,
    changed: bool,
    outcome: Outcome,
}

fn carry_out(module: &str, arguments: &Value, desk: &Desk, side: &mut dyn Side) -> Result<End, String> {
    let entry = find(module).unwrap_or_else(|| panic!("there is no module {module}"));
    (entry.check)(arguments).map_err(|error| error.to_string())?;
    let (user, origin) = (
        Arc::from("root"),
        Arc::new(Unknown {
            origin: "the task".into(),
        }),
    );
    let mut state = State::default();
    let (mut performed, mut all) = (vec![], vec![]);
    for _ in 0..16 {
        let view = View::new(&state, &user, desk, &performed, &origin, 0);
        let step = entry.work.step(arguments, &view);
        let (actions, outcome) = match step {
            Err(Stop::Pending) => {
                let open = view.into_open();
                let answers = side.answer(&open);
                for (question, answer) in open.into_iter().zip(answers) {
                    state.learn(&user, question, answer);
                }
                continue;
            }
            Err(Stop::Failed(message)) => return Err(message),
            Err(Stop::FailedWith(outcome)) => return Err(outcome.failed.unwrap()),
            Err(Stop::Undecided(unknown)) => return Err(format!("undecided: {}", unknown.origin)),
            Err(Stop::Error(error)) => return Err(error.to_string()),
            Err(Stop::Connection(failure)) => return Err(failure.to_string()),
            Ok(Step::Act(actions)) => (actions, None),
            Ok(Step::Finish(actions, outcome)) => (actions, Some(outcome)),
        };
        for action in actions {
            performed.push(side.perform(&action));
            state.performed(&action);
            all.push(action);
        }
        if let Some(outcome) = outcome {
            if let Some(message) = outcome.failed {
                return Err(message);
            }
            let changed = outcome.changed.unwrap_or(!all.is_empty());
            return Ok(End {
                actions: all,
                changed,
                outcome,
            });
        }
    }
    panic!("{module} does not come to an end");
}

/// A machine that is only pretended: everything it was not told about is absent.
struct Pretended {
    case: Json,
    outputs: Vec<Json>,
}

fn stat(entry: &Json) -> Stat {
    let text = |name: &str, other: &str| entry[name].as_str().unwrap_or(other).to_string();
    let number = |name: &str| entry[name].as_u64().unwrap_or(0);
    Stat {
        kind: match entry["kind"].as_str() {
            Some("folder") => FileKind::Folder,
            Some("link") => FileKind::Link,
            _ => FileKind::File,
        },
        mode: u32::from_str_radix(entry["mode"].as_str().unwrap_or("0644"), 8).unwrap(),
        uid: number("uid") as u32,
        gid: number("gid") as u32,
        owner: text("owner", "root"),
        group: text("group", "root"),
        size: entry["content"].as_str().map_or(0, |text| text.len() as u64),
        accessed: 0,
        modified: number("modified") as i64,
        changed: 0,
        links: 1,
        inode: 1,
        device: 1,
        target: entry["target"].as_str().map(str::to_string),
    }
}

impl Pretended {
    fn entry(&self, kind: &str, name: &str) -> Option<&Json> {
        self.case[kind].get(name)
    }

    fn one(&self, question: &Question) -> Answer {
        let texts = |value: &Json| -> Vec<String> {
            let list = value.as_array().cloned().unwrap_or_default();
            list.iter()
                .map(|item| item.as_str().unwrap().to_string())
                .collect()
        };
        match question {
            Question::Stat { path, .. } => Answer::Stat(self.entry("files", path).map(stat)),
            Question::Digest { path } => {
                let content = self
                    .entry("files", path)
                    .and_then(|entry| entry["content"].as_str());
                Answer::Digest(content.and_then(|text| Content::bytes(text).digest()))
            }
            Question::Content { path, .. } => {
                let content = self
                    .entry("files", path)
                    .and_then(|entry| entry["content"].as_str());
                Answer::Content(content.map(|text| Arc::from(text.as_bytes())))
            }
            Question::Names { path } => {
                let names = self.entry("files", path).map(|entry| texts(&entry["names"]));
                Answer::Names(names)
            }
            Question::User { name } => Answer::User(self.entry("users", name).map(|entry| Account {
                uid: entry["uid"].as_u64().unwrap_or(1000) as u32,
                gid: entry["gid"].as_u64().unwrap_or(1000) as u32,
                comment: entry["comment"].as_str().unwrap_or("").into(),
                home: entry["home"].as_str().unwrap_or("").into(),
                shell: entry["shell"].as_str().unwrap_or("/bin/sh").into(),
                groups: texts(&entry["groups"]),
            })),
            Question::Group { name } => Answer::Group(self.entry("groups", name).map(|entry| Group {
                gid: entry["gid"].as_u64().unwrap_or(1000) as u32,
                members: texts(&entry["members"]),
            })),
            Question::Package { name } => {
                Answer::Package(self.entry("packages", name).map(|version| Package {
                    version: version.as_str().unwrap().into(),
                }))
            }
            Question::Unit { name } => {
                let entry = self
                    .entry("units", name)
                    .cloned()
                    .unwrap_or(json!({"load": "not-found"}));
                let text = |name: &str, other: &str| entry[name].as_str().unwrap_or(other).to_string();
                Answer::Unit(Unit {
                    load: text("load", "loaded"),
                    active: text("active", "inactive"),
                    sub: text("sub", "dead"),
                    enabled: text("enabled", "disabled"),
                    needs_reload: entry["needs_reload"].as_bool().unwrap_or(false),
                    properties: vec![],
                })
            }
            Question::Sysctl { key } => Answer::Text(
                self.entry("sysctls", key)
                    .map(|value| value.as_str().unwrap().into()),
            ),
            Question::KernelModule { name } => Answer::Flag(self.entry("kernel_modules", name).is_some()),
            Question::Record(question) => Answer::Record(Box::new(self.record(question))),
            Question::Probe { script, .. } => {
                let probes = self.case["probes"].as_array().cloned().unwrap_or_default();
                let found = probes
                    .iter()
                    .find(|probe| script.contains(probe["has"].as_str().unwrap()));
                let found = found
                    .unwrap_or_else(|| panic!("{}: nothing answers the probe: {script}", self.case["title"]));
                Answer::Output(Output {
                    code: found["code"].as_i64().unwrap_or(0) as i32,
                    stdout: found["stdout"].as_str().unwrap_or("").into(),
                    stderr: vec![],
                })
            }
        }
    }
}

impl Pretended {
    /// A case names the zones that there are, and records as `NAME TYPE: {ttl, values}`.
    fn record(&self, question: &RecordQuestion) -> DnsAnswer {
        let zone = question.zone.id.clone();
        let zone = zone.or_else(|| Some(self.entry("zones", &question.zone.name)?.as_str()?.to_string()));
        let text = |entry: &Json, name: &str| entry[name].as_str().map(str::to_string);
        let name = format!("{} {}", question.name, question.kind);
        let record = self.entry("records", &name).map(|entry| RecordSet {
            name: question.name.clone(),
            kind: question.kind.clone(),
            ttl: entry["ttl"].as_u64(),
            values: entry["values"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|value| value.as_str().unwrap().to_string())
                .collect(),
            identifier: text(entry, "identifier"),
            weight: entry["weight"].as_u64(),
            alias: entry.get("alias").map(|alias| Alias {
                zone_id: text(alias, "zone").unwrap(),
                name: text(alias, "name").unwrap(),
                evaluate_health: false,
            }),
            ..RecordSet::default()
        });
        DnsAnswer {
            zone_id: zone,
            record,
            servers: vec!["ns1.example.".into()],
        }
    }
}

impl Side for Pretended {
    fn answer(&mut self, questions: &[Question]) -> Vec<Answer> {
        questions.iter().map(|question| self.one(question)).collect()
    }

    fn perform(&mut self, _action: &Action) -> Performed {
        let given = if self.outputs.is_empty() {
            json!({})
        } else {
            self.outputs.remove(0)
        };
        Performed {
            output: Output {
                code: given["code"].as_i64().unwrap_or(0) as i32,
                stdout: given["stdout"].as_str().unwrap_or("").into(),
                stderr: given["stderr"].as_str().unwrap_or("").into(),
            },
            unknown: given["unknown"].as_bool().unwrap_or(false),
            ..Performed::default()
        }
    }
}

/// An action as cases write it.
fn shown(action: &Action) -> Json {
    let mut out = Object::new();
    let mut attributes = None;
    match action {
        Action::WriteFile {
            path,
            content,
            attributes: given,
            validate,
            backup,
        } => {
            out.insert("write".into(), json!(path));
            let content = match content {
                Content::Bytes(bytes) => json!(String::from_utf8_lossy(bytes)),
                Content::Made(recipe) => json!({"made": recipe.what()}),
                Content::LocalFile { path, .. } => json!({"file": path}),
                Content::Unknown(_) => json!({"unknown": true}),
            };
            out.insert("content".into(), content);
            attributes = Some(given);
            if let Some(validate) = validate {
                out.insert("validate".into(), json!(validate));
            }
            if *backup {
                out.insert("backup".into(), json!(true));
            }
        }
        Action::MakeFolder {
            path,
            attributes: given,
        } => {
            out.insert("folder".into(), json!(path));
            attributes = Some(given);
        }
        Action::SetAttributes {
            path,
            attributes: given,
            ..
        } => {
            out.insert("attributes".into(), json!(path));
            attributes = Some(given);
        }
        Action::Link { path, target, .. } => {
            out.insert("link".into(), json!(path));
            out.insert("target".into(), json!(target));
        }
        Action::Remove { path } => drop(out.insert("remove".into(), json!(path))),
        Action::Run(command) => drop(out.insert("run".into(), json!(command.script))),
        Action::Script { explain, .. } => drop(out.insert("script".into(), json!(explain))),
        Action::ChangeRecord(change) => {
            out.insert(
                "record".into(),
                json!(format!("{:?}", change.action).to_lowercase()),
            );
            out.insert("lines".into(), json!(change.difference()));
        }
        Action::Fetch { path, to } => {
            out.insert("fetch".into(), json!(path));
            out.insert("to".into(), json!(to));
        }
    }
    if let Some(attributes) = attributes {
        if let Some(mode) = attributes.mode {
            out.insert("mode".into(), json!(mode_text(mode)));
        }
        for (name, text) in [("owner", &attributes.owner), ("group", &attributes.group)] {
            if let Some(text) = text {
                out.insert(name.into(), json!(text));
            }
        }
    }
    Json::Object(out)
}

fn files_of(folder: &str) -> Vec<PathBuf> {
    let mut found = vec![];
    let mut folders = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|ending| ending == "yml") => found.push(path),
                false => {}
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Path, text: &str) -> Json {
    let source = Source::file(path, text.to_string());
    let (node, _) = vent::yaml::parse_one(&source).unwrap_or_else(|errors| panic!("{errors}"));
    let value = node
        .unwrap()
        .value(&Vault::default())
        .unwrap_or_else(|error| panic!("{error}"));
    Json::from(&value)
}

/// What a case calls the variables of the task.
fn variables(given: &Json) -> vent::value::Map {
    let given = Value::from(given.clone());
    given.as_map().cloned().unwrap_or_default()
}

/// Variables and changes of the inventory that a module brings.
fn brought(outcome: &Outcome) -> Object<String, Json> {
    let mut out = Object::new();
    if !outcome.included.is_empty() {
        let included = Value::Map(outcome.included.clone().into());
        out.insert("included".into(), Json::from(&included));
    }
    match &outcome.inventory {
        None => {}
        Some(InventoryChange::Host {
            name,
            groups,
            variables,
        }) => {
            let variables = Json::from(&Value::Map(variables.clone().into()));
            let host = json!({"host": name, "groups": groups, "variables": variables});
            out.insert("inventory".into(), host);
        }
        Some(InventoryChange::Group { name, parents }) => {
            out.insert("inventory".into(), json!({"group": name, "parents": parents}));
        }
    }
    out
}

#[test]
fn arguments_and_answers_give_actions() {
    let mut wrong = vec![];
    for path in files_of("tests/modules") {
        let text = std::fs::read_to_string(&path).unwrap();
        for case in read(&path, &text).as_array().unwrap() {
            let title = format!("{}: {}", path.display(), case["title"].as_str().unwrap());
            let strings = |name: &str| -> BTreeMap<String, String> {
                let entries = case[name].as_object().cloned().unwrap_or_default();
                entries
                    .into_iter()
                    .map(|(name, text)| (name, text.as_str().unwrap().into()))
                    .collect()
            };
            let desk = Desk {
                files: strings("computer"),
                variables: variables(&case["variables"]),
                now: case["now"].as_i64().unwrap_or(1_000_000),
            };
            let outputs = case["outputs"].as_array().cloned().unwrap_or_default();
            let mut side = Pretended {
                case: case.clone(),
                outputs,
            };
            let arguments = Value::from(case["arguments"].clone());
            let module = case["module"].as_str().unwrap();
            if let Work::Run(work) = find(module).unwrap().work {
                wrong.extend(run::differs(case, work, desk).map(|how| format!("{title}\n{how}")));
                continue;
            }
            let got = match carry_out(module, &arguments, &desk, &mut side) {
                Err(message) => json!({"failed": message}),
                Ok(end) => {
                    let mut got = Object::new();
                    if case["actions"] != json!(null) || !end.actions.is_empty() {
                        got.insert("actions".into(), end.actions.iter().map(shown).collect());
                    }
                    got.insert("changed".into(), json!(end.changed));
                    got.extend(brought(&end.outcome));
                    let wanted = case["fields"].as_object().cloned().unwrap_or_default();
                    if !wanted.is_empty() {
                        let fields = wanted.keys().map(|name| {
                            let value = end.outcome.fields.get(name.as_str());
                            let value = value.or(end.outcome.host_facts.get(name.as_str()));
                            (name.clone(), value.map_or(json!("<missing>"), Json::from))
                        });
                        got.insert("fields".into(), Json::Object(fields.collect()));
                    }
                    Json::Object(got)
                }
            };
            let mut wanted = Object::new();
            for name in ["actions", "changed", "fields", "failed", "included", "inventory"] {
                if let Some(value) = case.get(name) {
                    wanted.insert(name.into(), value.clone());
                }
            }
            if got != Json::Object(wanted.clone()) {
                wrong.push(format!(
                    "{title}\n  wanted {}\n  got    {got}",
                    Json::Object(wanted)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// This computer, really.
struct Real;

fn sh(script: &str) -> Output {
    let output = std::process::Command::new("sh")
        .arg("-c")
        .arg(script)
        .output()
        .unwrap();
    Output {
        code: output.status.code().unwrap_or(-1),
        stdout: output.stdout,
        stderr: output.stderr,
    }
}

fn attributes(path: &str, attributes: &Attributes) {
    use std::os::unix::fs::PermissionsExt;
    if let Some(mode) = attributes.mode {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
}

impl Side for Real {
    fn answer(&mut self, questions: &[Question]) -> Vec<Answer> {
        let nonce = "6b9e3c2f6b9e3c2f6b9e3c2f6b9e3c2f";
        parse(questions, nonce, &sh(&question_script(questions, nonce)).stdout).unwrap()
    }

    fn perform(&mut self, action: &Action) -> Performed {
        let mut output = Output::default();
        match action {
            Action::WriteFile {
                path,
                content,
                attributes: given,
                ..
            } => {
                let bytes = match content {
                    Content::Bytes(bytes) => bytes.to_vec(),
                    Content::Made(recipe) => recipe.make().unwrap(),
                    Content::LocalFile { path, .. } => std::fs::read(path).unwrap(),
                    other => panic!("{other:?}"),
                };
                std::fs::write(path, bytes).unwrap();
                attributes(path, given);
            }
            Action::MakeFolder {
                path,
                attributes: given,
            } => {
                std::fs::create_dir_all(path).unwrap();
                attributes(path, given);
            }
            Action::SetAttributes {
                path,
                attributes: given,
                ..
            } => attributes(path, given),
            Action::Remove { path } => drop(sh(&format!("rm -rf {}", quote(path)))),
            Action::Script { script, explain, .. } => {
                output = sh(script);
                assert_eq!(
                    output.code,
                    0,
                    "{explain}: {}",
                    String::from_utf8_lossy(&output.stderr)
                );
            }
            other => panic!("{other:?}"),
        }
        Performed {
            output,
            ..Performed::default()
        }
    }
}

/// With `VENT_KEEP` the tasks work in that folder and leave it, for another engine to look at.
#[test]
fn the_second_time_nothing_changes() {
    for path in files_of("tests/local") {
        let temporary = tempfile::tempdir().unwrap();
        let folder = match std::env::var_os("VENT_KEEP") {
            Some(folder) => PathBuf::from(folder),
            None => temporary.path().to_path_buf(),
        };
        let text = std::fs::read_to_string(&path)
            .unwrap()
            .replace("{{ folder }}", folder.to_str().unwrap());
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs() as i64;
        let desk = Desk {
            now,
            ..Desk::default()
        };
        for second in [false, true] {
            for task in read(&path, &text).as_array().unwrap() {
                let title = format!("{}: {}", path.display(), task["name"]);
                let (module, arguments) = task
                    .as_object()
                    .unwrap()
                    .iter()
                    .find(|(name, _)| {
                        !["name", "register", "fails", "repeats", "changes"].contains(&name.as_str())
                    })
                    .unwrap();
                let end = carry_out(module, &Value::from(arguments.clone()), &desk, &mut Real);
                match (end, task["fails"].as_str()) {
                    (Ok(end), None) => {
                        let expected =
                            (!second && task["changes"] != json!(false)) || task["repeats"] == json!(true);
                        let reads =
                            module.ends_with("_info") || ["find", "stat", "slurp"].contains(&module.as_str());
                        assert!(
                            reads
                                || end.changed == expected
                                || std::env::var_os("VENT_KEEP").is_some() && !second,
                            "{title}: changed is {}, run {}\n{:?}",
                            end.changed,
                            u8::from(second) + 1,
                            end.actions
                        );
                    }
                    (Err(message), Some(wanted)) => assert!(message.contains(wanted), "{title}: {message}"),
                    (Err(message), None) => panic!("{title}: {message}"),
                    (Ok(_), Some(_)) => panic!("{title}: should have failed"),
                }
            }
        }
    }
}
