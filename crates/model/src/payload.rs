//! JSON kept as text: what a request or response looks like in the log.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Value;

/// A JSON document as compact text. Cheap to clone, cheap to store, parsed only by whoever looks.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Payload(Arc<str>);

// === impl Payload ===

impl Payload {
    /// The text of a value.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        Self(value.to_string().into())
    }

    /// The text of anything that can be written as JSON; of what cannot, `null`.
    #[must_use]
    pub fn json(value: &impl Serialize) -> Self {
        Self(serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned()).into())
    }

    /// The value again; a text that is no JSON (a damaged log) comes back as a string.
    #[must_use]
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or_else(|_| Value::String(self.0.to_string()))
    }

    /// The JSON text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
