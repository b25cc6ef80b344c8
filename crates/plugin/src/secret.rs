//! A field that holds a secret: shown nowhere, by type.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, Serializer};

/// A text that is shown nowhere: not by `Debug`, not when it is put into JSON.
///
/// A request field of this type is marked in the schema (`"x-secret": true`), so that whoever
/// records or prints the request knows.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

/// The mark in a JSON Schema.
pub const MARK: &str = "x-secret";

const SHOWN: &str = "«secret»";

// === impl Secret ===

impl Secret {
    /// Wraps a text.
    pub fn new(clear: impl Into<String>) -> Self {
        Self(clear.into())
    }

    /// The text itself. Say it only where it is needed, and never on a command line.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SHOWN)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(SHOWN)
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", MARK: true })
    }
}
