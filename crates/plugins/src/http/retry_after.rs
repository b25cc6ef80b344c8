//! When a server wants to be asked again.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use windlass_plugin::Span;

/// Nobody waits longer than this because a header says so.
const LONGEST: u64 = 24 * 60 * 60;

/// Reads `Retry-After`: a number of seconds, or a date.
pub(super) fn parse(header: &str, now: Timestamp) -> Option<Span> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<u64>() {
        return Some(Span::secs(seconds.min(LONGEST)));
    }
    let at = DateTimeParser::new().relaxed_weekday(true).parse_timestamp(header).ok()?;
    let wait = Duration::try_from(at.duration_since(now)).unwrap_or_default();
    Some(Span::secs(wait.as_secs().min(LONGEST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_seconds_and_dates() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        for (header, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("99999999999", Some(LONGEST)),
            ("Fri, 20 Nov 2026 12:01:30 GMT", Some(90)),
            ("Fri, 20 Nov 2026 11:00:00 GMT", Some(0)),
            ("soon", None),
            ("-5", None),
        ] {
            assert_eq!(parse(header, now), seconds.map(Span::secs), "{header}");
        }
    }
}
