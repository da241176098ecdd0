//! In what manner a module is a program: what its text says of how it takes its arguments, by Ansible's rules.

/// How a module is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// By Python, with the module_utils of ansible-core beside it.
    Python,
    /// By its interpreter, with its arguments as JSON in the place of a mark.
    JsonArgs,
    /// By its interpreter, with a file of JSON as its argument.
    WantJson,
    /// As it is, with a file of JSON as its argument.
    Binary,
    /// By its interpreter, with a file of `key=value` as its argument.
    Old,
    /// By PowerShell, for Windows alone.
    PowerShell,
}

/// What stands where the arguments are to be put in as JSON.
pub const JSON_MARK: &[u8] = b"<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>";

/// What stood where ansible-core put its library in, before 2.1.
const COMMON_MARK: &[u8] = b"#<<INCLUDE_ANSIBLE_MODULE_COMMON>>";

impl Style {
    /// The style of a module by its text.
    pub fn of(text: &[u8]) -> Style {
        let holds = |mark: &[u8]| text.windows(mark.len()).any(|window| window == mark);
        if is_binary(text) {
            return Style::Binary;
        }
        if holds(COMMON_MARK) || text.split(|byte| *byte == b'\n').any(imports_utils) {
            return Style::Python;
        }
        let windows: [&[u8]; 4] = [
            b"# POWERSHELL_COMMON",
            b"#Requires -Module",
            b"#AnsibleRequires -",
            b"#Requires -Version",
        ];
        if windows.iter().any(|mark| holds(mark)) {
            return Style::PowerShell;
        }
        if holds(JSON_MARK) {
            return Style::JsonArgs;
        }
        match holds(b"WANT_JSON") {
            true => Style::WantJson,
            false => Style::Old,
        }
    }
}

/// True for what no text begins with, in its first 1024 bytes.
fn is_binary(text: &[u8]) -> bool {
    let begin = &text[..text.len().min(1024)];
    let plain = |byte: &u8| matches!(byte, 7..=10 | 12 | 13 | 27 | 0x20..=0x7e | 0x80..);
    !begin.iter().all(plain)
}

/// True if a line of Python imports module_utils: those of ansible-core, of a collection, or by a name that begins with points.
fn imports_utils(line: &[u8]) -> bool {
    let line = String::from_utf8_lossy(line);
    let words: Vec<&str> = line.split_whitespace().collect();
    words.windows(2).any(|pair| {
        let [word, name] = pair else { return false };
        let utils = |name: &str| {
            let mut parts = name.split('.');
            match parts.next() {
                Some("ansible") => parts.next() == Some("module_utils"),
                Some("ansible_collections") => {
                    parts.nth(2) == Some("plugins") && parts.next() == Some("module_utils")
                }
                _ => false,
            }
        };
        match *word {
            "from" => {
                let relative = name.strip_prefix("..").map(|name| name.trim_start_matches('.'));
                utils(name) || relative.is_some_and(|name| name.starts_with("module_utils"))
            }
            "import" => utils(name),
            _ => false,
        }
    })
}

/// The words of the first line, behind `#!`; empty if it names no interpreter.
pub fn interpreter(text: &[u8]) -> Vec<String> {
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let words = first.strip_prefix(b"#!").map(String::from_utf8_lossy);
    let words = words.as_deref().unwrap_or_default();
    words.split_whitespace().map(str::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_says_how_it_takes_its_arguments() {
        for (text, style) in [
            (
                &b"#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\n"[..],
                Style::Python,
            ),
            (b"    import ansible.module_utils.basic\n", Style::Python),
            (b"from ..module_utils.x import y\n", Style::Python),
            (b"from ...module_utils import y\n", Style::Python),
            (
                b"from ansible_collections.a.b.plugins.module_utils.x import y\n",
                Style::Python,
            ),
            (b"from ansible.errors import AnsibleError\n", Style::Old),
            (b"#!/bin/sh\n# WANT_JSON\n", Style::WantJson),
            (
                b"#!/bin/sh\nx='<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>'\n",
                Style::JsonArgs,
            ),
            (b"#!/bin/sh\n. \"$1\"\n", Style::Old),
            (b"\x7fELF\x02\x01\x01\x00", Style::Binary),
            (
                b"#Requires -Module Ansible.ModuleUtils.Legacy\n",
                Style::PowerShell,
            ),
            ("#!/bin/sh\necho \u{e4}\n".as_bytes(), Style::Old),
        ] {
            assert_eq!(Style::of(text), style, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn the_first_line_names_the_interpreter() {
        assert_eq!(
            interpreter(b"#! /usr/bin/env python3\n"),
            ["/usr/bin/env", "python3"]
        );
        assert!(interpreter(b"echo\n").is_empty());
    }
}
