//! Records of the domain name system: asked for and changed by this computer.

use super::perform::Broken;
use crate::error::Error;
use crate::host::{Answer, DnsAccess, Output, Performed, Question, RecordChange};
use crate::provider::access::process_environment;
use crate::provider::route53::Route53;

fn client(access: &DnsAccess) -> Result<Route53, Broken> {
    Route53::new(access, &process_environment).map_err(broken)
}

fn broken(error: impl Into<Error>) -> Broken {
    let text = error.into().to_string();
    let text = text.trim_end();
    Broken::Action(text.strip_prefix("error: ").unwrap_or(text).to_string())
}

/// Asks the service.
pub(super) async fn ask(question: &Question) -> Result<Answer, Broken> {
    let Question::Record(question) = question else {
        return Err(Broken::Action("a question of a host was put to a service".into()));
    };
    let answer = client(&question.access)?.ask(question).await.map_err(broken)?;
    Ok(Answer::Record(Box::new(answer)))
}

/// Changes records; the identifier of the change is the output.
pub(super) async fn change(change: &RecordChange) -> Result<Performed, Broken> {
    let id = client(&change.question.access)?
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
