//! Durations as people read them.

/// `3.6 s`, `2:05 min`, `1:02:05 h`.
pub(super) fn duration(seconds: f64) -> String {
    // What is rounded to a minute is one.
    if seconds < 59.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02} min"),
        _ => format!("{hours}:{minutes:02}:{seconds:02} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_durations_are_told_in_minutes_and_hours() {
        let told = [0.04, 9.96, 59.94, 59.97, 125.4, 3599.6, 3725.0].map(duration);
        let expected = [
            "0.0 s",
            "10.0 s",
            "59.9 s",
            "1:00 min",
            "2:05 min",
            "1:00:00 h",
            "1:02:05 h",
        ];
        assert_eq!(told, expected);
    }
}
