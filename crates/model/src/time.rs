//! Points in time, as microseconds since the Unix epoch (or since zero in a rehearsal).
//!
//! The model never asks what time it is; times come in from outside.

use std::fmt;
use std::ops::Add;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point in time: microseconds since the epoch of the clock that made it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub u64);

/// Why a text is no point in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time; write one such as 2026-11-20T13:00:00Z, in UTC")]
pub struct TimeError(String);

// === impl Time ===

impl Time {
    /// The beginning of a virtual clock.
    pub const ZERO: Self = Self(0);

    /// How long after `earlier` this is; zero when it is not after.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// So long before this; the epoch where that is not so long ago.
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        Self(self.0.saturating_sub(micros))
    }

    /// Whole milliseconds since the epoch.
    #[must_use]
    pub fn as_millis(self) -> u64 {
        self.0 / 1_000
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_micros()).unwrap_or(u64::MAX)))
    }
}

impl fmt::Display for Time {
    /// RFC 3339 in UTC with milliseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.as_millis();
        let (days, in_day) = (millis / 86_400_000, millis % 86_400_000);
        let (year, month, day) = civil(days);
        let (hour, minute) = (in_day / 3_600_000, in_day / 60_000 % 60);
        let (second, milli) = (in_day / 1_000 % 60, in_day % 1_000);
        // Every line of every log has one: digits into a text of known length cost a tenth of what formatting does.
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let fields = [
            (0..4, year),
            (5..7, month),
            (8..10, day),
            (11..13, hour),
            (14..16, minute),
            (17..19, second),
            (20..23, milli),
        ];
        for (place, value) in fields {
            let mut rest = value;
            for digit in text.get_mut(place).into_iter().flatten().rev() {
                *digit = b'0' | u8::try_from(rest % 10).unwrap_or_default();
                rest /= 10;
            }
            if rest > 0 {
                return write!(f, "{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z");
            }
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl FromStr for Time {
    type Err = TimeError;

    /// A date, or a date and a time of day to the minute, second or fraction of one, in UTC.
    fn from_str(text: &str) -> Result<Self, TimeError> {
        read(text).ok_or_else(|| TimeError(text.to_owned()))
    }
}

fn read(text: &str) -> Option<Time> {
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, time.strip_suffix('Z').unwrap_or(time)),
        None => (text, "00:00"),
    };
    let mut date = date.splitn(3, '-');
    let (year, month, day) =
        (number(date.next()?, 4, 9_999)?, number(date.next()?, 2, 12)?, number(date.next()?, 2, 31)?);
    let mut time = time.splitn(3, ':');
    let (hour, minute) = (number(time.next()?, 2, 23)?, number(time.next()?, 2, 59)?);
    let (second, micro) = match time.next() {
        None => (0, 0),
        Some(seconds) => {
            let (second, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
            let digits = u32::try_from(fraction.len()).ok().filter(|digits| (1..=6).contains(digits))?;
            let micro = number(fraction, fraction.len(), 999_999)? * 10_u64.pow(6 - digits);
            (number(second, 2, 60)?, micro)
        }
    };
    let days = days(year, month, day)?;
    (civil(days) == (year, month, day)).then_some(())?;
    Some(Time((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000 + micro))
}

fn number(text: &str, digits: usize, most: u64) -> Option<u64> {
    let is_number = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten().filter(|number| *number <= most)
}

/// The days from 1970-01-01 to a Gregorian date: the other way of [`civil`].
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = year.checked_sub(u64::from(month <= 2))?;
    let (era, of_era) = (year / 400, year % 400);
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * shifted + 2) / 5 + day.checked_sub(1)?;
    (era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year).checked_sub(719_468)
}

/// The Gregorian date of a day counted from 1970-01-01, by counting 400-year eras from March.
fn civil(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let (era, of_era) = (z / 146_097, z % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_rfc3339() {
        let check = |micros, text: &str| assert_eq!(Time(micros).to_string(), text);
        check(0, "1970-01-01T00:00:00.000Z");
        check(951_782_400_000_000, "2000-02-29T00:00:00.000Z");
        check(1_795_179_600_123_456, "2026-11-20T13:00:00.123Z");
        check(253_402_300_799_999_000, "9999-12-31T23:59:59.999Z");
        check(253_402_300_800_000_000, "10000-01-01T00:00:00.000Z");
    }

    #[test]
    fn reads_what_it_prints_and_shorter_forms() {
        let check = |text: &str, micros| assert_eq!(text.parse::<Time>().ok(), micros, "{text}");
        check("2026-11-20T13:00:00.123Z", Some(Time(1_795_179_600_123_000)));
        check("2026-11-20T13:00:00.123456Z", Some(Time(1_795_179_600_123_456)));
        check("2026-11-20 13:00", Some(Time(1_795_179_600_000_000)));
        check("2000-02-29", Some(Time(951_782_400_000_000)));
        for bad in [
            "",
            "2026",
            "2026-02-30",
            "2026-13-01",
            "2026-11-20T25:00",
            "1969-12-31",
            "yesterday",
            "2026-11-20T13:00:00.",
        ] {
            check(bad, None);
        }
        for millis in (0..4_000_000_000_000).step_by(77_777_777_777) {
            let time = Time(millis * 1_000);
            check(&time.to_string(), Some(time));
        }
    }
}
