//! How many columns of a terminal a text takes.

/// The columns of a character: two for East Asian ones and pictures, none for marks upon the one before. The
/// ranges are those of Unicode's EastAsianWidth.txt, in coarse blocks.
fn columns_of(c: char) -> usize {
    match u32::from(c) {
        0x300..=0x36f | 0x200b..=0x200f | 0x20d0..=0x20ff | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// The columns of a text without control characters.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// The text in fewer than `columns` columns, so that the cursor fits beside it.
pub(super) fn cut(line: &str, columns: usize) -> String {
    let line = line.replace(char::is_control, " ");
    if width(&line) < columns {
        return line;
    }
    let mut room = columns.saturating_sub(4);
    let fits = |c: &char| {
        let wanted = columns_of(*c);
        let fits = wanted <= room;
        room = room.saturating_sub(wanted);
        fits
    };
    line.chars().take_while(fits).collect::<String>() + "..."
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
    }
}
