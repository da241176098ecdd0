//! Performing actions: the only code that changes a host. And asking: the only code that reads one.

use super::destination::Aim;
use super::{scripts, services};
use crate::connection::{Ended, Failure, Job, Shell, Stream};
use crate::content::{Content, hexadecimal};
use crate::engine::state::host::Knowledge;
use crate::host::{
    Action, Answer, Command, Output, Performed, Question, Writing, failure_text, parse, places,
    question_script, quote, write_file,
};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// The bytes of output that a result keeps.
const KEPT: usize = 16 << 20;

/// Why an action did not succeed.
pub enum Broken {
    /// The host cannot be reached.
    Connection(Failure),
    /// The action failed.
    Action(String),
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Broken {
        Broken::Connection(failure)
    }
}

/// Lines of a running command, for whoever watches.
pub type Watch<'a> = &'a (dyn Fn(Stream, &[u8]) + Send + Sync);

/// 128 random bits in hexadecimal.
pub fn nonce() -> Result<String, Broken> {
    let mut bytes = [0; 16];
    let filled = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    match filled {
        Ok(16) => Ok(hexadecimal(&bytes)),
        _ => Err(Broken::Action("this computer gives no random bytes".into())),
    }
}

/// The shell of a module that needs a host; one that says that it needs none must ask and change nothing there.
fn needed(shell: Option<&Shell>) -> Result<&Shell, Broken> {
    shell.ok_or_else(|| Broken::Action("a module that needs no host wants to use one".into()))
}

/// Asks all questions in one trip and keeps the answers; services are asked with the task's `environment` too.
pub async fn ask(
    shell: Option<&Shell>,
    known: &Knowledge,
    user: &Arc<str>,
    questions: Vec<Question>,
    environment: &[(String, String)],
) -> Result<(), Broken> {
    let (elsewhere, questions): (Vec<_>, Vec<_>) = questions
        .into_iter()
        .partition(|question| matches!(question, Question::Record(_)));
    for question in elsewhere {
        let answer = services::ask(&question, environment).await?;
        known.change(|state| state.learn(user, question, answer));
    }
    if questions.is_empty() {
        return Ok(());
    }
    let questions = with_places(questions);
    let nonce = nonce()?;
    let output = needed(shell)?.ask(&question_script(&questions, &nonce)).await?;
    let answers: Vec<Answer> = parse(&questions, &nonce, &output.stdout).map_err(|error| {
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        Broken::Action(format!(
            "the host answered something else than was asked: {}\n{stderr}",
            error.0
        ))
    })?;
    known.change(|state| {
        for (question, answer) in questions.into_iter().zip(answers) {
            state.learn(user, question, answer);
        }
    });
    Ok(())
}

/// Along with what is asked of a file goes what has to be known of its place before it may be changed: the same program
/// tells it.
fn with_places(mut questions: Vec<Question>) -> Vec<Question> {
    let mut more = vec![];
    for question in &questions {
        if let Question::Stat { path, .. } | Question::Digest { path } | Question::Content { path, .. } =
            question
        {
            more.extend(places(path));
        }
    }
    let mut seen: HashSet<Question> = questions.iter().cloned().collect();
    more.retain(|question| seen.insert(question.clone()));
    questions.extend(more);
    questions
}

/// What travels to the host with an action.
pub struct Companions<'a> {
    /// Where it aims at.
    pub aim: &'a Aim,
    /// Shell text to be run first (the debts of handlers).
    pub before: &'a str,
    /// What is asked when the action has succeeded; only for actions that print nothing.
    pub asked: Option<&'a Asked>,
}

impl Companions<'_> {
    /// The script of an action between them.
    fn around(&self, script: &str) -> String {
        let before = self.before;
        match self.asked {
            None => format!("{before}{script}"),
            Some(asked) => format!("(\n{before}{script}\n) || exit\n{}\n:", asked.script()),
        }
    }
}

/// A question that is asked behind an action.
pub struct Asked {
    question: Question,
    nonce: String,
}

impl Asked {
    /// A question under a fresh mark.
    pub fn new(question: Question) -> Result<Asked, Broken> {
        let nonce = nonce()?;
        Ok(Asked { question, nonce })
    }

    fn script(&self) -> String {
        question_script(std::slice::from_ref(&self.question), &self.nonce)
    }

    /// The question with the answer in what was printed.
    pub fn answered(self, stdout: &[u8]) -> Option<(Question, Answer)> {
        let answers = parse(std::slice::from_ref(&self.question), &self.nonce, stdout);
        Some((self.question, answers.ok()?.pop()?))
    }
}

/// True if an action is done through a script that prints nothing.
pub fn is_silent(action: &Action) -> bool {
    match action {
        Action::WriteFile { .. }
        | Action::MakeFolder { .. }
        | Action::SetAttributes { .. }
        | Action::Link { .. }
        | Action::Remove { .. } => true,
        Action::Script { .. } | Action::Run(_) | Action::Fetch { .. } | Action::ChangeRecord(_) => false,
    }
}

/// Performs one action; services are asked with the task's `environment` too.
pub async fn perform(
    shell: Option<&Shell>,
    action: &Action,
    companions: &Companions<'_>,
    environment: &[(String, String)],
    watch: Watch<'_>,
    cancel: &CancellationToken,
) -> Result<Performed, Broken> {
    let before = companions.before;
    let (started, began) = (Instant::now(), jiff::Zoned::now().datetime());
    let shell = needed(shell)?;
    let mut performed = match action {
        Action::WriteFile { .. } => write(shell, action, companions).await?,
        Action::Run(command) => run(shell, command, before, watch, cancel).await?,
        Action::Fetch { path, to } => fetch(shell, path, to).await?,
        Action::ChangeRecord(change) => {
            if !before.is_empty() {
                long(shell, before, watch, cancel).await?;
            }
            services::change(change, environment).await?
        }
        Action::MakeFolder { path, .. } | Action::Link { path, .. } | Action::Remove { path }
            if !companions.aim.destination.has_name() =>
        {
            return Err(Broken::Action(format!(
                "{path} has no name in a folder: it is left alone"
            )));
        }
        action => {
            let script = scripts::script(action, companions.aim).unwrap_or_default();
            let unseen: Watch<'_> = &|_, _| {};
            let watch = if is_silent(action) { unseen } else { watch };
            let output = long(shell, &companions.around(&script), watch, cancel).await?;
            if output.code != 0 {
                return Err(Broken::Action(failure(action, &output)));
            }
            Performed {
                output,
                ..Performed::default()
            }
        }
    };
    performed.started = began;
    performed.seconds = started.elapsed().as_secs_f64();
    Ok(performed)
}

fn failure(action: &Action, output: &Output) -> String {
    let what = match action {
        Action::MakeFolder { path, .. } => format!("could not make the folder {path}"),
        Action::WriteFile { path, .. } => format!("could not write {path}"),
        Action::SetAttributes { path, .. } => format!("could not set mode or owner of {path}"),
        Action::Link { path, .. } => format!("could not make the link {path}"),
        Action::Remove { path } => format!("could not remove {path}"),
        Action::Script { explain, .. } => format!("`{explain}` ended with exit status {}", output.code),
        _ => "the action failed".into(),
    };
    let shown = String::from_utf8_lossy(if output.stderr.is_empty() {
        &output.stdout
    } else {
        &output.stderr
    })
    .into_owned();
    let what = match failure_text(output.code, &shown).filter(|_| is_silent(action)) {
        Some(why) => format!("{what}: {why}"),
        None => what,
    };
    format!("{what}\n{}", shown.trim_end()).trim_end().to_string()
}

/// A script of ours that may take long, such as an installation: run apart, so that it can be ended.
pub async fn long(
    shell: &Shell,
    script: &str,
    watch: Watch<'_>,
    cancel: &CancellationToken,
) -> Result<Output, Broken> {
    let job = Job {
        script: script.into(),
        stdin: None,
        timeout: None,
        keep: KEPT,
    };
    let end = shell.job(&job, watch, cancel).await?;
    let code = match end.ended {
        Ended::Exit(code) => code,
        Ended::Lost => return Err(Broken::Action("the script was killed on the host".into())),
        Ended::TimedOut | Ended::Cancelled => return Err(Broken::Action("stopped".into())),
    };
    Ok(Output {
        code,
        stdout: end.stdout,
        stderr: end.stderr,
    })
}

/// The bytes that travel within the line of a write, which is run whole or not at all; more may be cut off.
const WHOLE: u64 = 16 << 10;

async fn write(shell: &Shell, action: &Action, companions: &Companions<'_>) -> Result<Performed, Broken> {
    let Action::WriteFile {
        path,
        content,
        attributes,
        validate,
        backup,
        unsafe_writes,
    } = action
    else {
        return Err(Broken::Action("nothing to write".into()));
    };
    let destination = &companions.aim.destination;
    if !destination.has_name() {
        return Err(Broken::Action(format!("{path} is no name of a file")));
    }
    let length = content.length().unwrap_or(0);
    let kept = match backup {
        true => Some(format!(
            ".{}.{}~",
            &nonce()?[..8],
            jiff::Zoned::now().strftime("%Y-%m-%d@%H:%M:%S")
        )),
        false => None,
    };
    let name = path.rsplit('/').next().unwrap_or_default();
    let backup = kept.as_ref().map(|ending| format!("{name}{ending}"));
    let write_script = |length: u64| {
        let writing = Writing {
            length: Some(length).filter(|length| *length > WHOLE),
            validate: validate.as_deref(),
            backup: backup.as_deref(),
            in_place: *unsafe_writes,
        };
        companions.around(&write_file(destination, attributes, &writing))
    };
    let script = write_script(length);
    let output = match content {
        Content::Bytes(bytes) => shell.feed(&script, length, &mut &bytes[..]).await?,
        Content::LocalFile { path: from, .. } => {
            let mut file = tokio::fs::File::open(from).await.map_err(|error| {
                Broken::Action(format!(
                    "cannot read {} on this computer: {error}",
                    from.display()
                ))
            })?;
            shell.feed(&script, length, &mut file).await?
        }
        Content::Made(recipe) => {
            let made = recipe.make().map_err(|error| Broken::Action(error.line()))?;
            shell
                .feed(
                    &write_script(made.len() as u64),
                    made.len() as u64,
                    &mut &made[..],
                )
                .await?
        }
        Content::Unknown(unknown) => {
            return Err(Broken::Action(format!(
                "the content of {path} is not known: {}",
                unknown.origin
            )));
        }
    };
    let output = Output {
        code: output.code,
        stdout: output.stdout,
        stderr: output.stderr,
    };
    if output.code != 0 {
        return Err(Broken::Action(failure(action, &output)));
    }
    Ok(Performed {
        output: Output {
            stdout: output.stdout,
            ..Output::default()
        },
        backup: kept.map(|ending| format!("{path}{ending}")),
        ..Performed::default()
    })
}

/// Runs a command of the user's, behind the text that notes debts.
pub async fn run(
    shell: &Shell,
    command: &Command,
    before: &str,
    watch: Watch<'_>,
    cancel: &CancellationToken,
) -> Result<Performed, Broken> {
    let mut script = String::from(before);
    if let Some(folder) = &command.folder {
        script.push_str(&format!("cd {} || exit 1\n", quote(folder)));
    }
    for (name, value) in &command.environment {
        script.push_str(&format!("export {name}={}\n", quote(value)));
    }
    match &command.interpreter {
        Some(interpreter) => script.push_str(&scripts::interpreted(interpreter, &command.script)),
        None => script.push_str(&command.script),
    }
    let mut timeout = command.timeout.map(Duration::from_secs);
    if let Some(job) = &command.background {
        script = scripts::background(&script, job, command.timeout.unwrap_or(0));
        timeout = None;
    }
    let job = Job {
        script,
        stdin: command.input.clone(),
        timeout,
        keep: KEPT,
    };
    let end = shell.job(&job, watch, cancel).await?;
    let (code, timed_out) = match end.ended {
        Ended::Exit(code) => (code, false),
        Ended::TimedOut => (143, true),
        Ended::Lost => return Err(lost(&end.stderr)),
        Ended::Cancelled => return Err(Broken::Action("stopped".into())),
    };
    let output = Output {
        code,
        stdout: end.stdout,
        stderr: end.stderr,
    };
    Ok(Performed {
        output,
        timed_out,
        ..Performed::default()
    })
}

fn lost(stderr: &[u8]) -> Broken {
    let text = "the command's exit status is not known: the shell around it was killed";
    let said = String::from_utf8_lossy(stderr);
    Broken::Action(match said.trim() {
        "" => text.into(),
        said => format!("{text}; it said: {said}"),
    })
}

/// Shell text that prints a regular file, as long as it was when it was opened. What has no length (`/proc`) may have 16 MiB.
fn content_of(path: &str) -> String {
    let path = quote(path);
    format!(
        "[ -f {path} ] || {{ echo 'it is no regular file any more' >&2; exit 1; }}\n{{\n\
         s=$(stat -L -c %s /proc/self/fd/0 2>/dev/null) || s=$(stat -L -c %s -- {path}) || exit\n\
         if [ \"$s\" -gt 0 ]; then head -c \"$s\"; exit; fi\n\
         head -c 16777216 || exit\n\
         [ \"$(head -c 1 | wc -c)\" -eq 0 ] || {{ echo 'it goes on beyond 16 MiB, and has no length' >&2; exit 1; }}\n\
         }} <{path}"
    )
}

async fn fetch(shell: &Shell, path: &str, to: &std::path::Path) -> Result<Performed, Broken> {
    let here = |error: std::io::Error| {
        Broken::Action(format!("cannot write {} on this computer: {error}", to.display()))
    };
    if let Some(folder) = to.parent() {
        tokio::fs::create_dir_all(folder).await.map_err(here)?;
    }
    let temporary = to.with_extension(format!("vent-{}", nonce()?));
    let mut file = tokio::fs::File::create(&temporary).await.map_err(here)?;
    let drained = shell.drain(&content_of(path), &mut file).await;
    drop(file);
    if !drained.as_ref().is_ok_and(|output| output.code == 0) {
        // Why nothing came matters more than a file that stays.
        let _ = tokio::fs::remove_file(&temporary).await;
    }
    let output = drained?;
    if output.code != 0 {
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Broken::Action(format!(
            "could not read {path}\n{}",
            stderr.trim_end()
        )));
    }
    tokio::fs::rename(&temporary, to).await.map_err(here)?;
    Ok(Performed::default())
}
