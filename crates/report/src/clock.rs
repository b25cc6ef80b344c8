//! How times are written: as dates for real runs, counted from zero for rehearsals.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};
use windlass_model::time::Time;

/// Which clock a run's times came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// The wall's: times are RFC 3339 strings.
    #[default]
    Wall,
    /// A rehearsal's: times are whole milliseconds from zero.
    Virtual,
}

/// A time together with its clock, ready to be written.
#[derive(Clone, Copy, Debug)]
pub struct Stamp(pub Clock, pub Time);

/// A length of time as people like to read it: `1h 2m`, `12.3s`, `250ms`.
#[derive(Clone, Copy, Debug)]
pub struct Length(pub Duration);

// === impl Clock ===

impl Clock {
    pub(crate) fn at(self, time: Option<Time>) -> Option<Stamp> {
        time.map(|time| Stamp(self, time))
    }
}

// === impl Stamp ===

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Clock::Wall => serializer.collect_str(&self.1),
            Clock::Virtual => serializer.serialize_u64(self.1.as_millis()),
        }
    }
}

impl fmt::Display for Stamp {
    /// To the second for the wall, as a stop-watch shows it for a rehearsal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Clock::Wall => {
                let text = self.1.to_string();
                let (date, time) = text.split_once('T').unwrap_or((&text, ""));
                write!(f, "{date} {}", time.get(..8).unwrap_or(time))
            }
            Clock::Virtual => {
                let millis = self.1.as_millis();
                let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
                write!(f, "+{hours}:{minutes:02}:{:02}.{:03}", millis / 1_000 % 60, millis % 1_000)
            }
        }
    }
}

// === impl Length ===

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, millis) = (self.0.as_secs(), self.0.subsec_millis());
        let (days, hours, minutes, seconds) = (secs / 86_400, secs / 3_600 % 24, secs / 60 % 60, secs % 60);
        match (days, hours, minutes, seconds) {
            (0, 0, 0, 0) => write!(f, "{millis}ms"),
            (0, 0, 0, 1..10) => write!(f, "{seconds}.{}s", millis / 100),
            (0, 0, 0, _) => write!(f, "{seconds}s"),
            (0, 0, _, 0) => write!(f, "{minutes}m"),
            (0, 0, ..) => write!(f, "{minutes}m {seconds}s"),
            (0, _, 0, _) => write!(f, "{hours}h"),
            (0, ..) => write!(f, "{hours}h {minutes}m"),
            (_, 0, ..) => write!(f, "{days}d"),
            _ => write!(f, "{days}d {hours}h"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_read_well() {
        let check = |millis, text: &str| assert_eq!(Length(Duration::from_millis(millis)).to_string(), text);
        check(0, "0ms");
        check(999, "999ms");
        check(1_500, "1.5s");
        check(59_999, "59s");
        check(60_000, "1m");
        check(150_000, "2m 30s");
        check(3_600_000, "1h");
        check(5_400_000, "1h 30m");
        check(90_000_000, "1d 1h");
    }

    #[test]
    fn stamps_follow_their_clock() {
        let time = Time(3_723_456_000);
        assert_eq!(Stamp(Clock::Virtual, time).to_string(), "+1:02:03.456");
        assert_eq!(Stamp(Clock::Wall, time).to_string(), "1970-01-01 01:02:03");
        assert_eq!(serde_json::to_string(&Stamp(Clock::Virtual, time)).unwrap(), "3723456");
        assert_eq!(serde_json::to_string(&Stamp(Clock::Wall, time)).unwrap(), "\"1970-01-01T01:02:03.456Z\"");
    }
}
