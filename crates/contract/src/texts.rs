//! Times as texts that people read, for `#[serde(with)]`.

use serde::{Deserialize as _, Deserializer, Serializer, de};
use windlass_model::time::Time;

pub(crate) fn serialize<S: Serializer>(time: &Time, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
}

/// To the microsecond, as logs of runs have them.
pub(crate) mod exact {
    use super::{Deserializer, Serializer, Time};

    pub(crate) fn serialize<S: Serializer>(time: &Time, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&text(*time))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        super::deserialize(deserializer)
    }

    pub(super) fn text(time: Time) -> String {
        let millis = time.to_string();
        format!("{}{:03}Z", millis.trim_end_matches('Z'), time.0 % 1000)
    }

    #[cfg(test)]
    #[test]
    fn nothing_is_lost() {
        for micros in [0, 1, 999, 1_000, 1_795_000_000_123_456, 1_795_000_000_999_999] {
            let time = Time(micros);
            assert_eq!(text(time).parse(), Ok(time), "{}", text(time));
        }
    }
}

/// The same of a time that may be missing.
pub(crate) mod maybe {
    use super::{Deserializer, Serializer, Time, de, exact};
    use serde::Deserialize as _;

    pub(crate) fn serialize<S: Serializer>(time: &Option<Time>, serializer: S) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => serializer.collect_str(&exact::text(*time)),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Time>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(de::Error::custom)).transpose()
    }
}
