//! Lists of exceptions: one a line, with its reason behind ` # `. Their length is printed.

/// Reads a list; each entry with its reason.
pub fn read(path: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let entries: Vec<_> = lines
        .map(|line| {
            let (entry, reason) = line
                .split_once(" # ")
                .unwrap_or_else(|| panic!("{path}: no reason behind ` # `: {line}"));
            (entry.trim().to_string(), reason.trim().to_string())
        })
        .collect();
    println!("{path}: {} exceptions", entries.len());
    entries
}
