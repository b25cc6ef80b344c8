//! What runs are looked for by: labels and times as people write them.

use std::str::FromStr;

use windlass_model::span::Span;
use windlass_model::time::Time;

/// A label, with one of its values or with any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LabelArg {
    pub(crate) key: String,
    pub(crate) value: Option<String>,
}

/// A point in time, or how long ago it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Ago(Span),
    At(Time),
}

// === impl LabelArg ===

impl FromStr for LabelArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (key, Some(value.trim().to_owned())),
            None => (text, None),
        };
        match key.trim() {
            "" => Err("the label's name is missing; write KEY or KEY=VALUE, such as team=web".into()),
            key => Ok(Self { key: key.to_owned(), value }),
        }
    }
}

// === impl When ===

impl When {
    /// The point in time, for somebody who asks now.
    pub(crate) fn time(self, now: Time) -> Time {
        match self {
            Self::At(at) => at,
            Self::Ago(span) => {
                Time(now.0.saturating_sub(u64::try_from(span.0.as_micros()).unwrap_or(u64::MAX)))
            }
        }
    }
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Ok(span) = text.parse::<Span>() {
            return Ok(Self::Ago(span));
        }
        let at = text.parse::<jiff::Timestamp>().or_else(|_| {
            // Without an offset: in UTC, as all times that are printed.
            let civil = text.parse::<jiff::civil::DateTime>()?;
            Ok::<_, jiff::Error>(civil.to_zoned(jiff::tz::TimeZone::UTC)?.timestamp())
        });
        let micros = at.ok().and_then(|at| u64::try_from(at.as_microsecond()).ok());
        micros.map(|micros| Self::At(Time(micros))).ok_or_else(|| {
            "write how long ago, such as 90m, 2h or 7d, or a date and time in UTC, such as 2026-11-20 or \
             2026-11-20T13:00"
                .to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_have_a_value_or_any() {
        let label = |text: &str| text.parse::<LabelArg>().map(|label| (label.key, label.value));
        assert_eq!(label("team"), Ok(("team".into(), None)));
        assert_eq!(label("team=web"), Ok(("team".into(), Some("web".into()))));
        assert_eq!(label("a=b=c"), Ok(("a".into(), Some("b=c".into()))));
        assert_eq!(label("team="), Ok(("team".into(), Some(String::new()))));
        assert!(label("=web").is_err() && label("").is_err());
    }

    #[test]
    fn times_are_dates_or_lengths_before_now() {
        let now = Time(1_795_179_600_000_000);
        let check = |text: &str, expect: &str| {
            assert_eq!(text.parse::<When>().unwrap().time(now).to_string(), expect, "{text}");
        };
        check("2h", "2026-11-20T11:00:00.000Z");
        check("1d12h", "2026-11-19T01:00:00.000Z");
        check("100000d", "1970-01-01T00:00:00.000Z");
        check("2026-11-20", "2026-11-20T00:00:00.000Z");
        check("2026-11-20T13:00", "2026-11-20T13:00:00.000Z");
        check("2026-11-20 13:00:05", "2026-11-20T13:00:05.000Z");
        check("2026-11-20T13:00:00.123Z", "2026-11-20T13:00:00.123Z");
        check("2026-11-20T13:00:00+01:00", "2026-11-20T12:00:00.000Z");
        for wrong in ["", "yesterday", "2026-13-01", "1969-01-01", "-1h"] {
            assert!(wrong.parse::<When>().is_err(), "{wrong}");
        }
    }
}
