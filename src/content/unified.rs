//! A unified diff of two texts, as Python's `difflib` writes it for `ansible-playbook --diff`.

use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU32, Ordering};

use gix_imara_diff::{
    Algorithm, Diff, InternedInput, Interner, Token, UnifiedDiffConfig, UnifiedDiffPrinter,
};

/// So many lines around each change are shown.
static AROUND: AtomicU32 = AtomicU32::new(3);

/// Shows so many lines around each change from now on, as `DIFF_CONTEXT` says; three if nobody says it.
pub fn show_around(lines: u32) {
    AROUND.store(lines, Ordering::Relaxed);
}

/// The diff with some lines around each change; empty if the texts are the same. `names` stand in its first two lines.
pub fn unified(before: &str, after: &str, names: (&str, &str)) -> String {
    let input = InternedInput::new(before, after);
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let printer = Lines(&input.interner);
    let mut layout = UnifiedDiffConfig::default();
    layout.context_len(AROUND.load(Ordering::Relaxed));
    let hunks = diff.unified_diff(&printer, layout, &input).to_string();
    if hunks.is_empty() {
        return hunks;
    }
    format!("--- {}\n+++ {}\n{hunks}", names.0, names.1)
}

struct Lines<'a>(&'a Interner<&'a str>);

impl Lines<'_> {
    fn line(&self, mut to: impl Write, sign: char, token: Token) -> fmt::Result {
        let line = self.0[token];
        match line.strip_suffix('\n') {
            Some(line) => writeln!(to, "{sign}{line}"),
            None => writeln!(to, "{sign}{line}\n\\ No newline at end of file"),
        }
    }
}

/// The range of a hunk: one line has no length, and none stands at the line before it.
fn range(start: u32, length: u32) -> String {
    match length {
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        _ => format!("{},{length}", start + 1),
    }
}

impl UnifiedDiffPrinter for Lines<'_> {
    fn display_header(
        &self,
        mut to: impl Write,
        start_before: u32,
        start_after: u32,
        before: u32,
        after: u32,
    ) -> fmt::Result {
        let (before, after) = (range(start_before, before), range(start_after, after));
        writeln!(to, "@@ -{before} +{after} @@")
    }

    fn display_context_token(&self, to: impl Write, token: Token) -> fmt::Result {
        self.line(to, ' ', token)
    }

    fn display_hunk(&self, mut to: impl Write, before: &[Token], after: &[Token]) -> fmt::Result {
        before
            .iter()
            .try_for_each(|token| self.line(&mut to, '-', *token))?;
        after.iter().try_for_each(|token| self.line(&mut to, '+', *token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hunks(before: &str, after: &str) -> String {
        let text = unified(before, after, ("a", "b"));
        text.strip_prefix("--- a\n+++ b\n").unwrap_or(&text).to_string()
    }

    #[test]
    fn ranges_are_written_as_python_writes_them() {
        assert_eq!(unified("a\n", "a\n", ("x", "y")), "");
        assert_eq!(
            unified("", "a\n", ("x", "y")),
            "--- x\n+++ y\n@@ -0,0 +1 @@\n+a\n"
        );
        assert_eq!(hunks("a\nb\n", ""), "@@ -1,2 +0,0 @@\n-a\n-b\n");
        assert_eq!(hunks("a\n", "b\n"), "@@ -1 +1 @@\n-a\n+b\n");
    }

    #[test]
    fn three_lines_stand_around_each_change() {
        let before: String = (1..=20).map(|line| format!("{line}\n")).collect();
        let after = before.replace("5\n6\n", "5\nnew\n6\n").replace("\n19\n", "\n");
        assert_eq!(
            hunks(&before, &after),
            "@@ -3,6 +3,7 @@\n 3\n 4\n 5\n+new\n 6\n 7\n 8\n@@ -16,5 +17,4 @@\n 16\n 17\n 18\n-19\n 20\n"
        );
    }

    #[test]
    fn a_missing_newline_at_the_end_is_said() {
        assert_eq!(
            hunks("a\nb", "a\nb\n"),
            "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n"
        );
        assert_eq!(
            hunks("x\nb", "y\nb"),
            "@@ -1,2 +1,2 @@\n-x\n+y\n b\n\\ No newline at end of file\n"
        );
    }
}
