//! Numbers of targets: a count, or a percentage of however many there are.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A count (`5`) or a percentage of the targets (`20%`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Amount {
    /// So many.
    Count(u32),
    /// So many of a hundred.
    Percent(u32),
}

// === impl Amount ===

impl Amount {
    /// The amount as a share of `total`, rounded up, and at least 1. For concurrency and batches.
    #[must_use]
    pub fn at_least_one_of(self, total: u32) -> u32 {
        match self {
            Self::Count(count) => count.max(1),
            Self::Percent(percent) => {
                narrow(u64::from(percent).saturating_mul(u64::from(total)).div_ceil(100)).max(1)
            }
        }
    }

    /// The amount as a share of `total`, rounded down. For limits that must not be exceeded.
    #[must_use]
    pub fn at_most_of(self, total: u32) -> u32 {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => narrow(u64::from(percent).saturating_mul(u64::from(total)) / 100),
        }
    }

    /// Reads `5`, `"5"` or `"20%"`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (digits, percent) = match text.strip_suffix('%') {
            Some(digits) => (digits.trim_end(), true),
            None => (text, false),
        };
        let number = digits.parse::<u32>().map_err(|_| format!("`{text}` is not {EXPECTS}"))?;
        Ok(if percent { Self::Percent(number) } else { Self::Count(number) })
    }
}

const EXPECTS: &str = "a count such as 5 or a percentage such as 20%";

fn narrow(wide: u64) -> u32 {
    u32::try_from(wide).unwrap_or(u32::MAX)
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl From<u32> for Amount {
    fn from(count: u32) -> Self {
        Self::Count(count)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => serializer.serialize_u32(*count),
            Self::Percent(_) => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor)
    }
}

struct AmountVisitor;

impl de::Visitor<'_> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTS)
    }

    fn visit_u64<E: de::Error>(self, count: u64) -> Result<Amount, E> {
        u32::try_from(count).map(Amount::Count).map_err(|_| E::custom("the count is too large"))
    }

    fn visit_i64<E: de::Error>(self, count: i64) -> Result<Amount, E> {
        u32::try_from(count).map(Amount::Count).map_err(|_| E::custom("the count is negative or too large"))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Amount, E> {
        Amount::parse(text).map_err(E::custom)
    }
}

impl JsonSchema for Amount {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A count such as `5`, or a percentage of the targets such as `20%`.",
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": 4_294_967_295_u32},
                {"type": "string", "pattern": "^\\s*\\d+\\s*%?\\s*$"},
            ],
            "x-expects": EXPECTS,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_rounds_up_for_room_and_down_for_limits() {
        assert_eq!(Amount::Percent(20).at_least_one_of(11), 3);
        assert_eq!(Amount::Percent(1).at_least_one_of(0), 1);
        assert_eq!(Amount::Percent(5).at_most_of(19), 0);
        assert_eq!(Amount::Percent(5).at_most_of(40), 2);
        assert_eq!(Amount::Count(0).at_least_one_of(9), 1);
    }

    #[test]
    fn reads_numbers_and_texts() {
        assert_eq!(serde_json::from_str::<Amount>("5").unwrap(), Amount::Count(5));
        assert_eq!(serde_json::from_str::<Amount>("\"10%\"").unwrap(), Amount::Percent(10));
        assert!(serde_json::from_str::<Amount>("-1").is_err());
        assert!(serde_json::from_str::<Amount>("\"lots\"").is_err());
    }
}
