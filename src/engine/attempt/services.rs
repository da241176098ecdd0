//! Records of the domain name system: asked for and changed by this computer.

use super::perform::Broken;
use crate::cloud::client::access::process_environment;
use crate::cloud::route53::client::Route53;
use crate::error::Error;
use crate::host::{Answer, DnsAccess, Output, Performed, Question, RecordChange};

/// A client with a key out of the arguments, else out of the task's environment, else out of this process's.
fn client(access: &DnsAccess, environment: &[(String, String)]) -> Result<Route53, Broken> {
    let read = |name: &str| {
        let own = environment.iter().find(|pair| pair.0 == name);
        let own = own.map(|pair| pair.1.clone()).filter(|text| !text.is_empty());
        own.or_else(|| process_environment(name))
    };
    Route53::new(access, &read).map_err(broken)
}

fn broken(error: impl Into<Error>) -> Broken {
    Broken::Action(error.into().drawn())
}

/// Asks the service, with the task's environment.
pub async fn ask(question: &Question, environment: &[(String, String)]) -> Result<Answer, Broken> {
    let Question::Record(question) = question else {
        return Err(Broken::Action("a question of a host was put to a service".into()));
    };
    let answer = client(&question.access, environment)?
        .ask(question)
        .await
        .map_err(broken)?;
    Ok(Answer::Record(Box::new(answer)))
}

/// Changes records, with the task's environment; the identifier of the change is the output.
pub async fn change(change: &RecordChange, environment: &[(String, String)]) -> Result<Performed, Broken> {
    let id = client(&change.question.access, environment)?
        .change(change)
        .await
        .map_err(broken)?;
    Ok(Performed {
        output: Output {
            stdout: id.into_bytes(),
            ..Output::default()
        },
        ..Performed::default()
    })
}
