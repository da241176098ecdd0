//! The shell text of every action that changes a file.

use crate::host::{Action, Attributes, mode_text, quote};
use crate::module::ASYNC_FOLDER;

/// Writes standard input to a temporary file beside `path`, checks its length, sets mode and owner,
/// and renames it. Exit status 10: the temporary file cannot be made, 11: the content could not be
/// written, 12: mode, owner or rename failed, 13: the check command refused it.
pub fn write_file(
    path: &str,
    length: u64,
    attributes: &Attributes,
    validate: Option<&str>,
    backup: Option<&str>,
    nonce: &str,
) -> String {
    let target = quote(path);
    let folder = path
        .rsplit_once('/')
        .map_or(".", |split| if split.0.is_empty() { "/" } else { split.0 });
    let name = path.rsplit('/').next().unwrap_or_default();
    let temporary = quote(&format!(
        "{folder}/.vent.{nonce}.{}",
        name.chars().take(40).collect::<String>()
    ));
    let mode = match attributes.mode {
        Some(mode) => format!("chmod {} \"$t\"", mode_text(mode)),
        None => format!(
            "if [ -e {target} ]; then chmod \"$(stat -L -c %a {target})\" \"$t\"; else chmod \"$(printf %o $((0666 & ~0$(umask))))\" \"$t\"; fi"
        ),
    };
    let owner = owner_script(&target, attributes);
    let check = validate.map_or(String::new(), |command| {
        format!(
            "v={}; {} >&2 || {{ rm -f \"$t\"; exit 13; }}\n",
            temporary,
            command.replace("%s", "\"$v\"")
        )
    });
    let backup = backup.map_or(String::new(), |name| {
        format!("[ ! -e {target} ] || cp -p {target} {} &&", quote(name))
    });
    format!(
        "t={temporary}
trap 'rm -f \"$t\"' EXIT
(umask 077; set -C; : >\"$t\") || exit 10
cat >\"$t\" || exit 11
[ \"$(wc -c <\"$t\")\" -eq {length} ] || exit 11
{check}{{ {owner}; }} && {{ {mode}; }} && {backup} {{ sync \"$t\" 2>/dev/null || :; }} && mv -f -T \"$t\" {target} || exit 12
trap - EXIT
"
    )
}

/// Gives `"$t"` its owner; what is not wanted otherwise stays as the file before had it.
fn owner_script(target: &str, attributes: &Attributes) -> String {
    let kept = format!("if [ -e {target} ]; then chown \"$(stat -L -c %u:%g {target})\" \"$t\"; fi");
    let owner = attributes.owner.as_ref();
    let group = attributes.group.as_ref();
    let steps = [
        Some(kept),
        owner.map(|owner| format!("chown {} \"$t\"", quote(owner))),
        group.map(|group| format!("chgrp {} \"$t\"", quote(group))),
    ];
    steps.into_iter().flatten().collect::<Vec<_>>().join(" && ")
}

/// What an exit status of [`write_file`] means.
pub fn write_failure(path: &str, code: i32, stderr: &str) -> String {
    let what = match code {
        10 => "cannot make a temporary file beside it: is the folder there and writable?",
        11 => "the content could not be written: is the disk full?",
        12 => "mode, owner or the final rename failed",
        13 => "the validate command refused it",
        _ => "the write failed",
    };
    format!("could not write {path}: {what}\n{}", stderr.trim_end())
        .trim_end()
        .to_string()
}

/// The shell text of an action on files other than writing content; `None` for all others.
pub fn script(action: &Action) -> Option<String> {
    match action {
        Action::MakeFolder { path, attributes } => Some(make_folder(path, attributes)),
        Action::SetAttributes {
            path,
            attributes,
            follow,
            recursive,
        } => Some(set_attributes(&quote(path), attributes, *follow, *recursive)),
        Action::Link {
            path,
            target,
            symbolic,
        } => Some(link(path, target, *symbolic)),
        Action::Remove { path } => Some(format!("rm -rf -- {}", quote(path))),
        Action::Script { script, .. } => Some(script.clone()),
        Action::WriteFile { .. } | Action::Run(_) | Action::Fetch { .. } | Action::ChangeRecord(_) => None,
    }
}

/// Every folder that is made gets the attributes, as Ansible gives them.
fn make_folder(path: &str, attributes: &Attributes) -> String {
    let mut script = String::from("set -e\n");
    let absolute = path.starts_with('/');
    let mut at = String::new();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        at = if at.is_empty() && !absolute {
            part.to_string()
        } else {
            format!("{at}/{part}")
        };
        let quoted = quote(&at);
        let set = set_attributes(&quoted, attributes, true, false);
        // Another task may make the same folder at this moment; only what is no folder afterwards is an error.
        script.push_str(&format!(
            "if [ ! -d {quoted} ]; then mkdir {quoted} 2>/dev/null || [ -d {quoted} ] || mkdir {quoted}; {set}; fi\n"
        ));
    }
    script
}

fn set_attributes(path: &str, attributes: &Attributes, follow: bool, recursive: bool) -> String {
    let mut steps = vec![];
    let deep = if recursive { "-R " } else { "" };
    let link = if follow || recursive { "" } else { "-h " };
    if let Some(owner) = &attributes.owner {
        steps.push(format!("chown {deep}{link}-- {} {path}", quote(owner)));
    }
    if let Some(group) = &attributes.group {
        steps.push(format!("chgrp {deep}{link}-- {} {path}", quote(group)));
    }
    if let Some(mode) = attributes.mode {
        let mode = mode_text(mode);
        match (recursive, follow) {
            (true, _) => steps.push(format!("find {path} ! -type l -exec chmod {mode} {{}} +")),
            (false, true) => steps.push(format!("chmod {mode} -- {path}")),
            (false, false) => steps.push(format!("{{ [ -L {path} ] || chmod {mode} -- {path}; }}")),
        }
    }
    if steps.is_empty() {
        ":".into()
    } else {
        steps.join(" && ")
    }
}

/// Starts a script that goes on by itself: its output, its error output and its exit status become files of a
/// folder named `job`. It holds no descriptor of the shell, so that nobody waits for it.
pub fn background(script: &str, job: &str, seconds: u64) -> String {
    let inner = "exec 3<&- 4<&- 5<&- 6<&- 7<&- 8<&- 9<&-\n\
                 timeout \"$3\" sh -c \"$1\" >\"$2/out\" 2>\"$2/err\" </dev/null; echo $? >\"$2/code.new\"; mv \"$2/code.new\" \"$2/code\"";
    format!(
        "d=\"${{HOME:-/tmp}}\"/{ASYNC_FOLDER}/{job}; (umask 077; mkdir -p \"$d\") || exit 1\n\
         setsid sh -c {} sh {} \"$d\" {seconds} >/dev/null 2>&1 </dev/null &\necho $! >\"$d/pid\"",
        quote(inner),
        quote(script)
    )
}

/// Through a temporary link and a rename, so that the path is never missing.
fn link(path: &str, target: &str, symbolic: bool) -> String {
    let option = if symbolic { "-s" } else { "" };
    let (path, target) = (quote(path), quote(target));
    format!(
        "t={path}.vent.$$; ln {option} -f -- {target} \"$t\" && mv -f -T -- \"$t\" {path} || {{ rm -f -- \"$t\"; exit 1; }}"
    )
}
