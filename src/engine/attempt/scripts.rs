//! The shell text of every action that changes a file.

use super::destination::Aim;
use crate::connection::script_by_stdin;
use crate::host::{Action, make_folder, make_link, quote, remove, set_attributes};
use crate::module::ASYNC_FOLDER;

/// The shell text of an action on files other than writing content; `None` for all others.
pub fn script(action: &Action, aim: &Aim) -> Option<String> {
    match action {
        Action::MakeFolder { attributes, .. } => Some(make_folder(&aim.destination, attributes)),
        Action::SetAttributes {
            path,
            attributes,
            follow,
            recursive,
        } => Some(set_attributes(
            path,
            &aim.destination,
            aim.here.as_ref(),
            attributes,
            (*follow, *recursive),
        )),
        Action::Link { target, symbolic, .. } => Some(make_link(&aim.destination, target, *symbolic)),
        Action::Remove { .. } => Some(remove(&aim.destination)),
        Action::Script { script, .. } => Some(script.clone()),
        Action::WriteFile { .. } | Action::Run(_) | Action::Fetch { .. } | Action::ChangeRecord(_) => None,
    }
}

/// Shells that read a script from their standard input as they run one that is given with `-c`.
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "ash", "ksh", "mksh", "zsh"];

/// A script run by another interpreter. A shell is given it by standard input, since anybody may read the arguments of a
/// program; of others only `-c` is known.
pub fn interpreted(interpreter: &str, script: &str) -> String {
    let name = interpreter.rsplit('/').next().unwrap_or_default();
    let program = quote(interpreter);
    match SHELLS.contains(&name) {
        true => format!(
            "{{ printf '%s\\n' {} | {program} 6<&6; }} 6<&0",
            quote(&script_by_stdin(script, "<&6 6<&-"))
        ),
        false => format!("exec {program} -c {}", quote(script)),
    }
}

/// Starts a script that goes on by itself: its output, its error output and its exit status become files of a
/// folder named `job`. It holds no descriptor of the shell, so that nobody waits for it.
pub fn background(script: &str, job: &str, seconds: u64) -> String {
    let inner = "exec 3<&- 4<&- 5<&- 6<&- 7<&- 8<&- 9<&-\n\
                 timeout \"$2\" sh <\"$1/script\" >\"$1/out\" 2>\"$1/err\"; echo $? >\"$1/code.new\"; rm -f \"$1/script\"; mv \"$1/code.new\" \"$1/code\"";
    format!(
        "d=\"${{HOME:-/tmp}}\"/{ASYNC_FOLDER}/{job}; (umask 077; mkdir -p \"$d\"; printf '%s\\n' {} >\"$d/script\") || exit 1\n\
         setsid sh -c {} sh \"$d\" {seconds} >/dev/null 2>&1 </dev/null &\necho $! >\"$d/pid\"",
        quote(&script_by_stdin(script, "</dev/null")),
        quote(inner)
    )
}
