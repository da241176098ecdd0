//! Many questions in one trip: the shell text that asks them. `printed` reads what it prints.
//!
//! Every answer is framed by a nonce, so any byte may stand in a name or a content. Questions of one
//! kind share one program wherever it takes several names.

use super::Question;
use crate::words::quote;
use std::fmt::Write;

/// The script that asks `questions`; `nonce` must be fresh and random.
pub fn question_script(questions: &[Question], nonce: &str) -> String {
    let mut script = String::from("LC_ALL=C; export LC_ALL\n");
    let out = &mut script;
    stat_script(out, nonce, questions);
    let digests = || {
        questions
            .iter()
            .enumerate()
            .filter(|(_, question)| matches!(question, Question::Digest { .. }))
    };
    if digests().next().is_some() {
        digest_script(out, nonce, digests());
    }
    let packages = questions.iter().filter_map(|question| match question {
        Question::Package { name } => Some(name.as_str()),
        _ => None,
    });
    group(
        out,
        nonce,
        "p",
        "dpkg-query -W -f='${Package} ${Architecture} ${Version} ${db:Status-Status}\\n'",
        packages,
    );
    let units = questions.iter().filter_map(|question| match question {
        Question::Unit { name } => Some(name.as_str()),
        _ => None,
    });
    for unit in units {
        group(out, nonce, "u", "systemctl show", std::iter::once(unit));
    }
    for (at, question) in questions.iter().enumerate() {
        single(out, nonce, at, question);
    }
    script
}

/// Everything `stat` tells, of links and of what they point at. Anybody may read its arguments while it runs, so the nonce
/// is not among them: its records are told apart by the paths, which are known.
fn stat_script(out: &mut String, nonce: &str, questions: &[Question]) {
    const FORMAT: &str = "-c 'S%f %u %g %s %X %Y %Z %h %i %d %U:%G:%n'";
    let stats = |wanted| {
        questions.iter().filter_map(move |question| match question {
            Question::Stat { path, follow } if *follow == wanted => Some(path.as_str()),
            _ => None,
        })
    };
    group(out, nonce, "l", &format!("stat {FORMAT}"), stats(false));
    for path in stats(false) {
        let path = quote(path);
        line(
            out,
            format_args!(
                "[ -L {path} ] && {{ printf '%s' {nonce}t{path}=; readlink -n -- {path}; printf '%s;' {nonce}; }}"
            ),
        );
    }
    group(out, nonce, "f", &format!("stat -L {FORMAT}"), stats(true));
}

/// Writing to a `String` cannot fail.
fn line(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(arguments);
    out.push('\n');
}

/// One program for many names: what it prints stands between the nonce with `kind` and the nonce.
fn group<'a>(out: &mut String, nonce: &str, kind: &str, program: &str, names: impl Iterator<Item = &'a str>) {
    let names: Vec<String> = names.map(quote).collect();
    let separator = if kind == "u" || kind == "p" { "" } else { "-- " };
    if !names.is_empty() {
        let names = names.join(" ");
        let name = if kind == "u" {
            format!("{names}=")
        } else {
            String::new()
        };
        line(
            out,
            format_args!(
                "printf '%s' {nonce}{kind}{name}; {program} {separator}{names} 2>/dev/null; printf '%s;' {nonce}"
            ),
        );
    }
}

/// Digests of all files that are there by one `sha256sum`; numbered, because names may hold anything.
fn digest_script<'a>(out: &mut String, nonce: &str, questions: impl Iterator<Item = (usize, &'a Question)>) {
    line(out, format_args!("set --"));
    let mut index = String::new();
    for (at, question) in questions {
        if let Question::Digest { path } = question {
            let path = quote(path);
            line(
                out,
                format_args!(
                    "if [ -f {path} ] && [ -r {path} ]; then set -- \"$@\" {path}; I=\"$I {at}\"; fi"
                ),
            );
            index.push('.');
        }
    }
    line(
        out,
        format_args!(
            "if [ $# -gt 0 ]; then printf '%s' {nonce}d\"$I\"=; sha256sum -- \"$@\" 2>/dev/null; printf '%s;' {nonce}; fi; I="
        ),
    );
}

fn single(out: &mut String, nonce: &str, at: usize, question: &Question) {
    if let Question::Probe { script, .. } = question {
        line(
            out,
            format_args!(
                "printf '%s' {nonce}n{at}=; ( {script}\n) 2>/dev/null </dev/null; printf '%s%s;' {nonce}c \"$?\""
            ),
        );
    } else if let Some(body) = body(question) {
        line(
            out,
            format_args!(
                "printf '%s' {nonce}n{at}=; {{ {body}\n}} 2>/dev/null </dev/null; printf '%s;' {nonce}"
            ),
        );
    }
}

/// Says whether a file of secrets lacks the line of a name. Only root can tell; where there is no such file, none is missing.
fn unfinished(file: &str, name: &str) -> String {
    format!("[ ! -r /etc/{file} ] || grep -q \"^\"{name}: /etc/{file} || echo {file};")
}

/// Says whether an account is a member of other groups in the one file of groups than in the other.
fn unfinished_memberships(name: &str) -> String {
    format!(
        "vent_groups() {{ while IFS=: read -r group password third members; do case \",$members,\" in *,{name},*) echo \"$group\";; esac; done <\"$1\"; }}\n\
         [ ! -r /etc/gshadow ] || [ \"$(vent_groups /etc/group)\" = \"$(vent_groups /etc/gshadow)\" ] || \
         [ \"$(vent_groups /etc/group | sort)\" = \"$(vent_groups /etc/gshadow | sort)\" ] || echo memberships"
    )
}

/// The shell text that answers one question alone; none for those that are asked together.
fn body(question: &Question) -> Option<String> {
    Some(match question {
        Question::Content { path, limit } => {
            let path = quote(path);
            format!("if [ -f {path} ] && [ -r {path} ]; then printf y; head -c {limit} -- {path}; fi")
        }
        Question::Names { path } => {
            let path = quote(path);
            format!(
                "if [ -d {path} ]; then printf y; (cd -- {path} && for n in * .[!.]* ..?*; do {{ [ -e \"$n\" ] || [ -L \"$n\" ]; }} && printf '%s\\0' \"$n\"; done); fi"
            )
        }
        Question::User { name } => {
            let name = quote(name);
            format!(
                "{{ getent passwd {name} || grep \"^\"{name}: /etc/passwd; }} && {{ id -Gn -- {name} 2>/dev/null || echo; }} && {{\n\
                 ! grep -q \"^\"{name}: /etc/passwd || {{ {}\n\
                 g=$(grep \"^\"{name}: /etc/passwd | cut -d: -f4)\n\
                 cut -d: -f3 /etc/group | grep -qxF -- \"$g\" || getent group \"$g\" >/dev/null 2>&1 || echo primary-group\n\
                 {}; }}; }}",
                unfinished("shadow", &name),
                unfinished_memberships(&name)
            )
        }
        Question::Group { name } => {
            let name = quote(name);
            format!(
                "{{ getent group {name} || grep \"^\"{name}: /etc/group; }} && {{ ! grep -q \"^\"{name}: /etc/group || {{ {} }}; }}",
                unfinished("gshadow", &name)
            )
        }
        Question::Sysctl { key } => {
            let path = quote(&sysctl_path(key));
            format!("[ -r {path} ] && printf y && cat {path}")
        }
        Question::KernelModule { name } => {
            let name = quote(&name.replace('-', "_"));
            format!(
                "{{ [ -d /sys/module/{name} ] || grep -q \"^\"{name}\" \" /proc/modules || tr - _ </lib/modules/$(uname -r)/modules.builtin | grep -q /{name}'\\.ko'; }} && printf y"
            )
        }
        Question::Probe { .. }
        | Question::Stat { .. }
        | Question::Digest { .. }
        | Question::Package { .. }
        | Question::Unit { .. }
        | Question::Record(_) => return None,
    })
}

/// Where the kernel keeps a setting: a name with dots between, or with slashes where a part holds a dot.
fn sysctl_path(key: &str) -> String {
    let first = key.find(['.', '/']).map(|at| key.as_bytes()[at]);
    let below: String = match first {
        Some(b'/') => key.into(),
        _ => key
            .chars()
            .map(|c| {
                if c == '.' {
                    '/'
                } else if c == '/' {
                    '.'
                } else {
                    c
                }
            })
            .collect(),
    };
    format!("/proc/sys/{below}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_keeps_plain_words_and_wraps_the_rest() {
        for (text, quoted) in [
            ("/etc/a-b.conf", "/etc/a-b.conf"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's $x\n", "'it'\"'\"'s $x\n'"),
            ("~root", "'~root'"),
            ("/a\u{10FFE9}b c", "/a\"$(printf '\\351')\"'b c'"),
        ] {
            assert_eq!(quote(text), quoted);
        }
    }

    #[test]
    fn settings_are_found_where_the_kernel_keeps_them() {
        assert_eq!(
            sysctl_path("net.ipv4.ip_forward"),
            "/proc/sys/net/ipv4/ip_forward"
        );
        assert_eq!(
            sysctl_path("net.ipv4.conf.eth0/1.rp_filter"),
            "/proc/sys/net/ipv4/conf/eth0.1/rp_filter"
        );
        assert_eq!(
            sysctl_path("net/ipv4/conf/eth0.1/rp_filter"),
            "/proc/sys/net/ipv4/conf/eth0.1/rp_filter"
        );
    }
}
