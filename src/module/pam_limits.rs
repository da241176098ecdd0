//! `pam_limits`: limits of accounts in `limits.conf`.

use super::blockinfile::State;
use super::place::{Place, Wanted, text_of};
use super::returns::{BACKUP, Returns};
use super::{FileArguments, Module, Outcome, Step, Stop, View};
use crate::content::Content;
use schemars::JsonSchema;
use serde::Deserialize;

/// Keeps a limit of an account.
pub(super) struct PamLimits;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// The account, `@group`, or `*`.
    domain: String,
    /// `soft`, `hard` or `-` for both.
    limit_type: String,
    /// What is limited, such as `nofile`.
    limit_item: String,
    /// The limit: a number, `unlimited`, `infinity` or `-1`.
    value: String,
    /// Leave a limit that is lower.
    #[serde(default)]
    use_min: bool,
    /// Leave a limit that is higher.
    #[serde(default)]
    use_max: bool,
    /// The file.
    #[serde(default = "file")]
    dest: String,
    /// A comment behind the limit.
    #[serde(default)]
    comment: String,
    /// Keep the old file beside the new one.
    #[serde(default)]
    backup: bool,
    /// Whether the limit should be there; only `present` is known.
    #[serde(default)]
    state: State,
}

fn file() -> String {
    "/etc/security/limits.conf".into()
}

const WITHOUT_END: [&str; 3] = ["unlimited", "infinity", "-1"];

impl Arguments {
    /// The value that should stand where `held` does.
    fn wanted(&self, held: &str) -> Result<String, Stop> {
        let size = |text: &str| -> Result<i64, Stop> {
            if WITHOUT_END.contains(&text) {
                return Ok(i64::MAX);
            }
            text.parse()
                .map_err(|_| Stop::failed(format!("{text} is no limit: a number, unlimited, infinity or -1")))
        };
        let (old, new) = (size(held)?, size(&self.value)?);
        let keep = (self.use_max && old >= new) || (self.use_min && old <= new);
        Ok(if keep { held } else { &self.value }.to_string())
    }
}

impl Module for PamLimits {
    const NAMES: &'static [&'static str] = &["community.general.pam_limits", "pam_limits"];
    type Arguments = Arguments;
    const RETURNS: &'static [Returns] = &[BACKUP];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        if arguments.use_max && arguments.use_min {
            return Err(Stop::failed("Cannot use use_min and use_max at the same time."));
        }
        if !["soft", "hard", "-"].contains(&arguments.limit_type.as_str()) {
            return Err(Stop::failed("limit_type is soft, hard or -"));
        }
        if arguments.state == State::Absent {
            return Err(Stop::failed("a limit can only be set, not taken away"));
        }
        arguments.wanted("0")?;
        let file = FileArguments::default();
        let place = Place::new(&arguments.dest, &file, view).backup(arguments.backup);
        let before = text_of(&arguments.dest, view)?.unwrap_or_default();
        let key = [&arguments.domain, &arguments.limit_type, &arguments.limit_item];
        let comment = match arguments.comment.as_str() {
            "" => String::new(),
            comment => format!("\t#{comment}"),
        };
        let line = |value: &str| format!("{}\t{}\t{}\t{value}{comment}\n", key[0], key[1], key[2]);
        let mut lines: Vec<String> = vec![];
        let (mut found, mut message) = (false, line(&arguments.value));
        for held in before.split_inclusive('\n') {
            let (said, remark) = held.split_once('#').unwrap_or((held, ""));
            let words: Vec<&str> = said.split_whitespace().collect();
            let ours = matches!(words[..], [domain, kind, item, _] if [domain, kind, item] == key.map(String::as_str));
            if !ours {
                lines.push(held.to_string());
                continue;
            }
            // A second line of the same limit would win over the first.
            if std::mem::replace(&mut found, true) {
                continue;
            }
            let value = arguments.wanted(words[3])?;
            let same_remark = arguments.comment.is_empty() || remark.trim() == arguments.comment;
            message = match value == words[3] && same_remark {
                true => held.to_string(),
                false => line(&value),
            };
            lines.push(message.clone());
        }
        if !found {
            lines.push(line(&arguments.value));
        }
        let edited = lines.concat();
        let wanted = match edited == before {
            true => Wanted::Keep,
            false => Wanted::Write(Content::text(edited)),
        };
        let actions = place.actions(wanted, view)?;
        Ok(Step::Finish(actions, Outcome::new().with("msg", message)))
    }
}
