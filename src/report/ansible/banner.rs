//! Banners: a line with stars.

use crate::report::width::width;

/// The fewest stars.
const LEAST: usize = 3;

/// A text with stars up to so many columns, below an empty line.
pub fn banner(text: &str, columns: usize) -> String {
    let text = text.trim();
    let stars = columns.saturating_sub(width(text)).max(LEAST);
    format!("\n{text} {}", "*".repeat(stars))
}
