//! Actions as the shell lines a person would type: the hard way.

use super::{Action, Attributes, Command, mode_text, quote};
use crate::content::Content;

/// The lines that bring about what the action does. With `hidden` contents are not shown: the file shuts others
/// out, or holds what was in a vault.
pub fn explain(action: &Action, hidden: bool) -> String {
    match action {
        Action::WriteFile {
            path,
            content,
            attributes,
            validate,
            backup,
            ..
        } => {
            let quoted = quote(path);
            let kept = backup.then(|| format!("cp -p {quoted} {quoted}.$(date +%Y-%m-%d@%H:%M:%S)~"));
            let mut lines: Vec<String> = kept.into_iter().collect();
            lines.push(write(path, content, hidden));
            lines.extend(attribute_lines(path, attributes, "", ""));
            lines.extend(validate.as_ref().map(|command| command.replace("%s", &quoted)));
            lines.join("\n")
        }
        Action::MakeFolder { path, attributes } => {
            let mut lines = vec![make_folder(path, attributes.mode)];
            lines.extend(attribute_lines(path, attributes, "", ""));
            lines.join("\n")
        }
        Action::SetAttributes {
            path,
            attributes,
            follow,
            recursive,
        } => {
            let deep = if *recursive { "-R " } else { "" };
            let link = if *follow || *recursive { "" } else { "-h " };
            attribute_lines(path, attributes, deep, link).join("\n")
        }
        Action::Link {
            path,
            target,
            symbolic,
        } => {
            let options = if *symbolic { "-sfn" } else { "-f" };
            format!("ln {options} {} {}", quote(target), quote(path))
        }
        Action::Remove { path } => format!("rm -rf {}", quote(path)),
        Action::Run(command) => run(command),
        Action::Script { explain, .. } => explain.clone(),
        Action::ChangeRecord(change) => {
            let lines = change.difference();
            let lines: Vec<String> = lines.lines().map(|line| format!("# {line}")).collect();
            format!("# records of {}:\n{}", change.question.name, lines.join("\n"))
        }
        Action::Fetch { path, to } => {
            format!(
                "# on this computer: scp HOST:{} {}",
                quote(path),
                quote(&to.to_string_lossy())
            )
        }
    }
}

/// Every folder that is made on the way gets the mode too, which `mkdir -m` does not do.
fn make_folder(path: &str, mode: Option<u32>) -> String {
    let line = format!("mkdir -p {}", quote(path));
    match mode {
        Some(mode) if mode != 0o755 && mode & 0o7300 == 0o300 => {
            format!("(umask {:03o}; {line})", 0o777 & !mode)
        }
        _ => line,
    }
}

fn attribute_lines(path: &str, attributes: &Attributes, deep: &str, link: &str) -> Vec<String> {
    let path = quote(path);
    let owner = match (&attributes.owner, &attributes.group) {
        (Some(owner), Some(group)) => Some(format!(
            "chown {deep}{link}{}:{} {path}",
            quote(owner),
            quote(group)
        )),
        (Some(owner), None) => Some(format!("chown {deep}{link}{} {path}", quote(owner))),
        (None, Some(group)) => Some(format!("chgrp {deep}{link}{} {path}", quote(group))),
        (None, None) => None,
    };
    let mode = attributes
        .mode
        .map(|mode| format!("chmod {deep}{} {path}", mode_text(mode)));
    owner.into_iter().chain(mode).collect()
}

fn write(path: &str, content: &Content, hidden: bool) -> String {
    let to = quote(path);
    match content {
        Content::LocalFile { path: from, .. } => {
            format!(
                "# on this computer: scp {} HOST:{to}",
                quote(&from.to_string_lossy())
            )
        }
        Content::Made(recipe) => format!("# {} is made and written into {path}", recipe.what()),
        Content::Unknown(unknown) => format!(
            "# {path} is written; its content is known after {}",
            unknown.origin
        ),
        Content::Bytes(bytes) if hidden => {
            let digest = content.digest().unwrap_or_default();
            format!(
                "# {path} is written: {} bytes that are not shown, sha256 {digest}",
                bytes.len()
            )
        }
        Content::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok("") => format!(": > {to}"),
            Ok(text) if text.ends_with('\n') && !text.contains('\0') => {
                format!("cat > {to} {}", here_document(text))
            }
            Ok(text) if !text.contains('\0') => format!("printf %s {} > {to}", quote(text)),
            _ => format!("# {path} is written: {} bytes that are no text", bytes.len()),
        },
    }
}

/// A text that ends in a newline, with a word around it that no line of it is.
fn here_document(text: &str) -> String {
    let mut end = String::from("EOF");
    while text.lines().any(|line| line == end) {
        end.push('_');
    }
    format!("<<'{end}'\n{text}{end}")
}

fn run(command: &Command) -> String {
    let script = command.line.as_ref().unwrap_or(&command.script).trim_end();
    let mut line: String = command
        .environment
        .iter()
        .filter(|(name, _)| name != "PATH")
        .map(|(name, value)| format!("export {name}={}\n", quote(value)))
        .collect();
    if let Some(folder) = &command.folder {
        line.push_str(&format!("cd {}\n", quote(folder)));
    }
    match &command.interpreter {
        Some(interpreter) => line.push_str(&format!("{} -c {}", quote(interpreter), quote(script))),
        None => line.push_str(script),
    }
    if let Some(input) = command
        .input
        .as_deref()
        .and_then(|input| std::str::from_utf8(input).ok())
    {
        match input.ends_with('\n') {
            true => line.push_str(&format!(" {}", here_document(input))),
            false => line = format!("printf %s {} | {line}", quote(input)),
        }
    }
    if command.environment.iter().any(|(name, _)| name != "PATH") || command.folder.is_some() {
        line = format!("(\n{line}\n)");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str, mode: u32) -> Action {
        Action::WriteFile {
            path: "/etc/a b".into(),
            content: Content::bytes(text),
            attributes: Attributes {
                mode: Some(mode),
                owner: Some("root".into()),
                group: None,
            },
            validate: None,
            backup: false,
            unsafe_writes: false,
        }
    }

    #[test]
    fn a_file_is_typed_as_a_here_document() {
        assert_eq!(
            explain(&file("x\nEOF\n", 0o644), false),
            "cat > '/etc/a b' <<'EOF_'\nx\nEOF\nEOF_\nchown root '/etc/a b'\nchmod 0644 '/etc/a b'"
        );
        assert_eq!(
            explain(&file("x", 0o644), false).lines().next(),
            Some("printf %s x > '/etc/a b'")
        );
    }

    #[test]
    fn what_is_hidden_is_not_shown() {
        let shown = explain(&file("the secret\n", 0o600), true);
        assert!(!shown.contains("the secret"), "{shown}");
        assert!(
            shown.starts_with("# /etc/a b is written: 11 bytes that are not shown"),
            "{shown}"
        );
    }

    #[test]
    fn what_is_typed_does_what_the_action_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f").to_str().unwrap().to_string();
        let text = "it's $HOME `x` \\ \n\tEOF\nEOF\n";
        let action = Action::WriteFile {
            path: path.clone(),
            content: Content::bytes(text),
            attributes: Attributes {
                mode: Some(0o640),
                ..Attributes::default()
            },
            validate: None,
            backup: false,
            unsafe_writes: false,
        };
        let done = std::process::Command::new("sh")
            .args(["-c", &explain(&action, false)])
            .status();
        assert!(done.unwrap().success());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o640);
    }
}
