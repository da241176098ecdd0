//! What results hold, by name and meaning: what many modules share stands here, the rest in each module's file.

/// Values of a result with what each means. A name with dots lies in another value, at any key of it or in any of its
/// items; a name in angle brackets stands for others.
pub type Returns = &'static [(&'static str, &'static str)];

/// Every result.
pub const EVERY: Returns = &[
    (
        "changed",
        "Whether something was changed, or in check mode would be.",
    ),
    ("failed", "Whether the task failed."),
    ("msg", "What is to be said of it; of a failure, why."),
    ("skipped", "True if there was nothing to do."),
    (
        "skip_reason",
        "Why nothing was done, if a condition did not hold.",
    ),
];

/// A program that was run.
pub(super) const OUTPUT: Returns = &[
    ("rc", "Exit status."),
    ("stdout", "Standard output."),
    ("stdout_lines", "Its lines."),
    ("stderr", "Standard error."),
    ("stderr_lines", "Its lines."),
];

/// A file, folder or link as it is afterwards, if it is there ([`Outcome::of`](super::Outcome::of)).
pub(super) const FILE: Returns = &[
    ("owner", "Name of the owner."),
    ("group", "Name of the group."),
    ("uid", "Number of the owner."),
    ("gid", "Number of the group."),
    ("mode", "Permissions in octal digits, with a `0` before them."),
    ("size", "Bytes."),
    (
        "state",
        "`file`, `hard` (with several names), `directory` or `link`.",
    ),
];

/// A file of which the old one may be kept.
pub(super) const BACKUP: Returns = &[("backup_file", "Where the old file was kept, if one was.")];

/// Facts that are variables of the host from now on.
pub(super) const FACTS: Returns = &[("ansible_facts", "The facts, by name.")];
