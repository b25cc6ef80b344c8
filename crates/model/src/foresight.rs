//! What would have been changed: what a run that only looks records instead of changes.
//!
//! A value that would have come from a change that was not made is not known. It stands in stores and
//! steps as a mark of its own, so that whoever reads it learns why.

use serde::{Deserialize, Serialize};

use crate::{Map, Value};

/// Whether an action would change anything. The later one weighs more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Would {
    /// Everything is as it should be.
    Nothing,
    /// That cannot be told without doing it.
    Unknown,
    /// It would.
    Change,
}

/// What an action would have done, as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Foreseen {
    /// Whether it would have changed anything.
    pub would: Would,
    /// Why; for what is unknown, what stands in the way of knowing.
    pub why: Option<String>,
    /// What it would have changed.
    pub diff: Option<String>,
}

/// The key of a mark.
const UNKNOWN: &str = "$unknown";

// === impl Foreseen ===

impl Foreseen {
    /// That cannot be told.
    pub fn unknown(why: impl Into<String>) -> Self {
        Self { would: Would::Unknown, why: Some(why.into()), diff: None }
    }
}

/// The mark of a value that is not known.
#[must_use]
pub fn unknown(why: &str) -> Value {
    let mut mark = Map::new();
    mark.insert(UNKNOWN.to_owned(), why.into());
    Value::Object(mark)
}

/// Why a value is not known, if it is such a mark.
#[must_use]
pub fn why_unknown(value: &Value) -> Option<&str> {
    let map = value.as_object().filter(|map| map.len() == 1)?;
    map.get(UNKNOWN)?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn marks_are_told_from_values() {
        assert_eq!(why_unknown(&unknown("nobody did it")), Some("nobody did it"));
        for value in [json!({}), json!("$unknown"), json!({"$unknown": 1}), json!({"$unknown": "a", "b": 1})]
        {
            assert_eq!(why_unknown(&value), None, "{value}");
        }
    }

    #[test]
    fn a_change_weighs_more_than_doubt() {
        let heaviest = [Would::Nothing, Would::Change, Would::Unknown].into_iter().max();
        assert_eq!(heaviest, Some(Would::Change));
    }
}
