//! What an action would do, said without doing it.

use serde::{Deserialize, Serialize};

use windlass_model::Value;
use windlass_model::foresight::Foreseen;
pub use windlass_model::foresight::Would;

use crate::diff::Diff;

/// What an action would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Foresight {
    /// Whether it would change anything.
    pub would: Would,
    /// Why, in one lower-case fragment; for what is unknown, what stands in the way of knowing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What it would change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<Diff>,
    /// What it would answer, where it changes nothing and only has to look to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Value>,
}

// === impl Foresight ===

impl Foresight {
    /// It would change this.
    #[must_use]
    pub fn change(diff: Diff) -> Self {
        Self { would: Would::Change, why: None, diff: diff.some(), response: None }
    }

    /// It would change nothing.
    #[must_use]
    pub fn nothing() -> Self {
        Self { would: Would::Nothing, why: None, diff: None, response: None }
    }

    /// It would change this, or nothing where there is no difference.
    #[must_use]
    pub fn of(diff: Diff) -> Self {
        if diff.is_empty() { Self::nothing() } else { Self::change(diff) }
    }

    /// That cannot be told.
    pub fn unknown(why: impl Into<String>) -> Self {
        Self { would: Would::Unknown, why: Some(why.into()), diff: None, response: None }
    }

    /// It would change nothing, and answer this: what comes after it knows that in a noop, too.
    #[must_use]
    pub fn answer(response: impl Serialize) -> Self {
        // What cannot be put into JSON is not known.
        Self { response: serde_json::to_value(response).ok(), ..Self::nothing() }
    }

    /// As it is recorded.
    #[must_use]
    pub fn into_foreseen(self) -> Foreseen {
        let Self { would, why, diff, response: _ } = self;
        Foreseen { would, why, diff: diff.and_then(Diff::some).map(Diff::into_text) }
    }

    /// The same with a reason.
    #[must_use]
    pub fn because(self, why: impl Into<String>) -> Self {
        Self { why: Some(why.into()), ..self }
    }
}
