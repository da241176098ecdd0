//! When a call is made again, and after how long.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How often and how patiently calls are repeated.
#[derive(Clone, Debug)]
pub struct Retry {
    /// The number of calls in all.
    pub attempts: u32,
    /// The pause after the first call; it doubles each time.
    pub first: Duration,
    /// The longest pause of our own.
    pub longest: Duration,
    /// The longest pause that a service may ask for.
    pub patience: Duration,
    /// Whether 500 tells of a passing trouble. Proxmox answers 500 to what is simply wrong.
    pub repeat_500: bool,
}

impl Default for Retry {
    fn default() -> Retry {
        Retry {
            attempts: 7,
            first: Duration::from_secs(1),
            longest: Duration::from_secs(30),
            patience: Duration::from_secs(180),
            repeat_500: true,
        }
    }
}

impl Retry {
    /// The pause after call number `attempt` (from 0), spread by up to a quarter by `salt` so that many
    /// callers do not come back at once.
    pub fn pause(&self, attempt: u32, salt: u64) -> Duration {
        let doubled = self.first.saturating_mul(2u32.saturating_pow(attempt));
        let pause = doubled.min(self.longest);
        pause + pause.mul_f64((salt % 256) as f64 / 1024.0)
    }
}

/// Whether a call that was answered with `status` may be made again. A call that is not idempotent is made
/// again only where the answer says that nothing was done, as 429 does. No provider promises that of 503: whatever
/// stands before the service may say it of a call that the service has taken.
pub fn may_repeat(status: u16, idempotent: bool) -> bool {
    match status {
        429 => true,
        500 | 502..=504 | 520..=530 => idempotent,
        _ => false,
    }
}

/// How long the answer asks to wait: `Retry-After` (seconds, or a date as RFC 9110 writes it), else
/// `X-RateLimit-Reset` (seconds since 1970) of an answer with no calls remaining.
pub fn asked(headers: &reqwest::header::HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::trim)
    };
    if let Some(after) = text("retry-after") {
        if let Ok(seconds) = after.parse::<u64>() {
            return Some(Duration::from_secs(seconds));
        }
        let date = jiff::fmt::rfc2822::parse(after).ok()?;
        let until = u64::try_from(date.timestamp().as_second()).ok()?;
        return Some(until_epoch(until, now));
    }
    let reset = text("x-ratelimit-reset")?.parse::<u64>().ok()?;
    (text("x-ratelimit-remaining").is_none_or(|left| left == "0")).then(|| until_epoch(reset, now))
}

fn until_epoch(second: u64, now: SystemTime) -> Duration {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    Duration::from_secs(second).saturating_sub(since)
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_are_spread() {
        let retry = Retry::default();
        let seconds: Vec<u64> = (0..7).map(|at| retry.pause(at, 0).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30]);
        assert!(retry.pause(0, 255) > retry.pause(0, 0));
        assert!(retry.pause(9, 255) < Duration::from_secs(38));
    }

    #[test]
    fn what_is_not_idempotent_is_repeated_only_when_nothing_was_done() {
        assert!(may_repeat(502, true) && !may_repeat(502, false));
        assert!(may_repeat(429, false) && may_repeat(503, true) && !may_repeat(503, false));
        assert!(!may_repeat(404, true) && !may_repeat(501, true));
    }

    #[test]
    fn the_service_may_ask_for_seconds_a_date_or_a_reset() {
        let now = UNIX_EPOCH + Duration::from_secs(1_445_412_480);
        assert_eq!(
            asked(&headers(&[("retry-after", "7")]), now),
            Some(Duration::from_secs(7))
        );
        let date = headers(&[("retry-after", "Wed, 21 Oct 2015 07:28:10 GMT")]);
        assert_eq!(asked(&date, now), Some(Duration::from_secs(10)));
        let reset = headers(&[
            ("x-ratelimit-reset", "1445412490"),
            ("x-ratelimit-remaining", "0"),
        ]);
        assert_eq!(asked(&reset, now), Some(Duration::from_secs(10)));
        let left = headers(&[
            ("x-ratelimit-reset", "1445412490"),
            ("x-ratelimit-remaining", "3"),
        ]);
        assert_eq!(asked(&left, now), None);
        let never = headers(&[
            ("x-ratelimit-reset", "18446744073709551615"),
            ("x-ratelimit-remaining", "0"),
        ]);
        assert!(asked(&never, now) > Some(Duration::from_secs(1 << 60)));
    }
}
