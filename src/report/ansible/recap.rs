//! The recap: one line for each host.

use super::colour;
use crate::event::Counts;

/// The line of a host. What is undecided counts as skipped, since readers of the recap know no other word.
pub fn line(host: &str, counts: &Counts, coloured: bool) -> String {
    let skipped = counts.skipped + counts.undecided;
    let fields = [
        ("ok", counts.ok, colour::OK),
        ("changed", counts.changed, colour::CHANGED),
        ("unreachable", counts.unreachable, colour::UNREACHABLE),
        ("failed", counts.failed, colour::ERROR),
        ("skipped", skipped, colour::SKIP),
        ("rescued", counts.rescued, colour::OK),
        ("ignored", counts.ignored, colour::WARNING),
    ];
    let fields = fields.map(|(name, count, colour)| {
        let text = format!("{name}={count:<4}");
        match coloured && count > 0 {
            true => format!("\x1b[{colour}m{text}\x1b[0m"),
            false => text,
        }
    });
    let host = match coloured {
        true => format!("{:<37}", format!("\x1b[{}m{host}\x1b[0m", host_colour(counts))),
        false => format!("{host:<26}"),
    };
    format!("{host} : {}", fields.join(" "))
}

fn host_colour(counts: &Counts) -> &'static str {
    match counts {
        counts if counts.failed > 0 || counts.unreachable > 0 => colour::ERROR,
        counts if counts.changed > 0 => colour::CHANGED,
        _ => colour::OK,
    }
}
