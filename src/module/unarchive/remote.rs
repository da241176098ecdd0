//! An archive that lies on the host, or comes from an address: compared there with `tar --diff`.

use super::super::{FileArguments, Outcome, Step, Stop, View};
use super::{Own, attributes, named, stays_inside};
use crate::content::{byte_text, hexadecimal};
use crate::host::{Action, Effect, Resource, quote};

/// Prints how it is packed, the members, the kinds of things that `tar -tv` tells, and a line for everything that
/// differs; NUL, which no name holds, stands between them.
fn script(own: &Own, archive: &str) -> String {
    let (source, dest) = (quote(archive), quote(&own.dest));
    let (tar, names) = (own.tar_options(), own.included(false));
    format!(
        "[ -f {source} ] || exit 4\n\
         case \"$(head -c 2 {source} | od -An -tx1 | tr -d ' ')\" in 504b) kind=Zip;; 1f8b) kind=Tgz;; 425a) kind=TarBzip;; fd37) kind=TarXz;; 28b5) kind=TarZstd;; *) kind=Tar;; esac\n\
         printf '%sArchive\\0' $kind\n\
         case $kind in\n\
         Zip) command -v unzip >/dev/null || exit 5\n\
         unzip -Z1 {source}{} || exit 6\n\
         printf '\\0\\0'; cd -- {dest} || exit 7\n\
         unzip -Z1 {source}{} | while IFS= read -r f; do case \"$f\" in\n\
         */) [ -d \"$f\" ] || echo \"$f: missing\";;\n\
         *) unzip -p {source} \"$(printf %s \"$f\" | sed 's/[][*?]/[&]/g;s/^-/[-]/')\" | cmp -s - \"./$f\" || echo \"$f: differs\";; esac; done;;\n\
         *) tar -t -P --show-transformed-names{} -f {source}{} || exit 6\n\
         printf '\\0'; tar -tv{} -f {source}{} | cut -c 1-10 | sort -u\n\
         printf '\\0'; LC_ALL=C tar --diff -C {dest}{} -f {source}{} 2>&1;; esac; exit 0",
        own.included(true),
        own.included(true),
        tar,
        names,
        tar,
        names,
        tar,
        names
    )
}

/// True for a device, and for a file that runs as its owner or its group, by the first column of `tar -tv`.
fn privileged(kind: &str) -> bool {
    kind.starts_with(['b', 'c']) || kind.starts_with(['-', 'h']) && kind.contains(['s', 'S'])
}

/// A name as it is, out of what `tar` prints: what is no ASCII letter as `\n`, `\\` or octal digits. `unzip` prints names
/// as they are, without control characters.
fn unescaped(name: &str, zip: bool) -> String {
    if zip {
        return name.to_string();
    }
    let mut bytes = vec![];
    let mut rest = name;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&byte_text::bytes_of(&rest[..at]));
        let code = &rest[at + 1..];
        let octal = code
            .get(..3)
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        let (byte, length) = match (octal, code.as_bytes().first()) {
            (Some(byte), _) => (byte, 3),
            (None, Some(letter)) => {
                let known = b"abfnrtv".iter().position(|known| known == letter);
                (known.map_or(*letter, |at| b"\x07\x08\x0c\n\r\t\x0b"[at]), 1)
            }
            (None, None) => (b'\\', 0),
        };
        bytes.push(byte);
        rest = code.get(length..).unwrap_or_default();
    }
    bytes.extend_from_slice(&byte_text::bytes_of(rest));
    byte_text::text_of(&bytes)
}

/// True if a line of `tar --diff` is a difference that unpacking would mend.
fn counts(line: &str, own_mode: bool, own_owner: bool, own_group: bool) -> bool {
    let ends = |end: &str| line.trim_end().ends_with(end);
    if ends(": Mode differs") {
        return !own_mode;
    }
    if ends(": Uid differs") {
        return !own_owner;
    }
    if ends(": Gid differs") {
        return !own_group;
    }
    let all = [
        "differs",
        "differ",
        "missing",
        "No such file or directory",
        "Not linked to",
        "Invalid owner",
        "Invalid group",
    ];
    all.iter().any(|mark| line.contains(mark))
}

pub(super) fn step(own: &Own, file: &FileArguments, outcome: Outcome, view: &View<'_>) -> Result<Step, Stop> {
    let address = own.src.contains("://");
    let archive = match address {
        true => format!(
            "/tmp/.vent-unarchive-{}",
            hexadecimal(&view.control_node().random()[..8])
        ),
        false => own.src.clone(),
    };
    if address && view.performed().is_empty() {
        return Ok(Step::Act(vec![fetch(&own.src, &archive)]));
    }
    let about = [&archive, &own.dest].map(|path| Resource::Path(path.clone()));
    let output = view.probe(&script(own, &archive), &about)?;
    let source = quote(&archive);
    match output.code {
        0 => {}
        4 => return Err(Stop::failed(format!("Source '{}' does not exist", own.src))),
        5 => return Err(Stop::failed("unarchive needs unzip on the host: install it")),
        _ => {
            let stderr = String::from_utf8_lossy(&output.stderr).trim().to_string();
            return Err(Stop::failed(format!(
                "Failed to read the archive {source}\n{stderr}"
            )));
        }
    }
    let text = output.text();
    let mut sections = text.split('\0');
    let [handler, list, kinds, diff] = [(); 4].map(|()| sections.next().unwrap_or_default());
    let zip = handler == "ZipArchive";
    // Nothing but a slash is left of what `--strip-components` leaves out.
    let members: Vec<String> = (list.lines().map(|name| unescaped(name, zip)))
        .filter(|name| !name.trim_matches('/').is_empty())
        .collect();
    for member in &members {
        stays_inside(member)?;
    }
    if let Some(kind) = kinds.lines().find(|kind| privileged(kind)) {
        own.allows_privileged(&format!("`{kind}`"))?;
    }
    let mut outcome = outcome.with("handler", handler);
    if own.list_files {
        outcome = outcome.with("files", named(members.iter().map(String::as_str)));
    }
    let given = [file.mode.is_some(), file.owner.is_some(), file.group.is_some()];
    let differs = diff
        .lines()
        .any(|line| counts(line, given[0], given[1], given[2]));
    let mut actions = vec![];
    if differs {
        let (explain, script) = own.unpack(&archive, zip, members.iter().cloned(), view)?;
        actions.push(Action::Script {
            script,
            explain,
            effects: vec![Effect::Forgets(Resource::Path(own.dest.clone()))],
        });
    }
    let paths: Vec<String> = members
        .iter()
        .map(|path| path.trim_start_matches("./").trim_matches('/').to_string())
        .map(|path| if path.is_empty() { ".".into() } else { path })
        .collect();
    let set = attributes::set(own, file, &paths, view)?;
    if let Some(set) = set
        && (differs || !attributes_hold(own, file, &paths, view)?)
    {
        actions.push(set);
    }
    let changed = !actions.is_empty();
    if address {
        actions.push(Action::Remove { path: archive });
    }
    Ok(Step::Finish(actions, outcome.changed(changed)))
}

/// Whether mode and owner that were asked for hold for every member.
fn attributes_hold(own: &Own, file: &FileArguments, paths: &[String], view: &View<'_>) -> Result<bool, Stop> {
    let script = format!(
        "{}{{ others; folders; }} | xargs -0 -r stat -c '%F|%a|%u|%U|%g|%G' --",
        attributes::members(own, paths, view)?
    );
    let text = view.probe(&script, &[Resource::Path(own.dest.clone())])?.text();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('|').collect();
        let [kind, mode, uid, owner, gid, group] = fields[..] else {
            continue;
        };
        let mode = u32::from_str_radix(mode, 8).unwrap_or(0);
        let wanted = file.attributes(Some(mode), kind == "directory")?;
        let holds = (kind == "symbolic link" || wanted.mode.is_none_or(|wanted| wanted == mode))
            && wanted.owner.is_none_or(|name| name == uid || name == owner)
            && wanted.group.is_none_or(|name| name == gid || name == group);
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

fn fetch(address: &str, to: &str) -> Action {
    let (from, quoted) = (quote(address), quote(to));
    Action::Script {
        script: format!(
            "umask 077; if command -v curl >/dev/null; then curl -fsSL -o {quoted} -- {from}; \
             elif command -v wget >/dev/null; then wget -q -O {quoted} -- {from}; \
             else echo 'unarchive needs curl or wget on the host for an address' >&2; exit 1; fi"
        ),
        explain: format!("curl -fL -o {quoted} {from}"),
        effects: vec![Effect::Forgets(Resource::Path(to.into()))],
    }
}
