//! How many columns of a terminal a text takes.

/// The columns of a text without control characters.
pub(super) fn width(text: &str) -> usize {
    console::measure_text_width(text)
}

/// The text in fewer than `columns` columns, so that the cursor fits beside it.
pub(super) fn cut(line: &str, columns: usize) -> String {
    let line = line.replace(char::is_control, " ");
    console::truncate_str(&line, columns.saturating_sub(1), "...").into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(cut("\u{6f22}\u{5b57}", 5), "\u{6f22}\u{5b57}");
        assert_eq!(cut("\u{6f22}\u{5b57}\u{6f22}\u{5b57}", 8), "\u{6f22}\u{5b57}...");
        assert_eq!(cut("abcdefgh", 8), "abcd...");
        assert_eq!(width("a\u{308}e"), 2);
        assert_eq!(width("\u{1f44d}\u{1f3fd}"), 2);
    }
}
