//! What an object is, as it is shown.

use std::fmt;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use windlass_model::Value;
use windlass_model::time::Time;

/// An object: what it is called, what somebody wants of it, and how it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Object {
    /// The format's version: `windlass.dev/v1`.
    pub api_version: String,
    /// The kind of object.
    pub kind: String,
    /// What it is called, and what is known of it.
    pub metadata: Metadata,
    /// What is wanted.
    pub spec: Value,
    /// How it stands; only Windlass writes here.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub status: Value,
}

/// What an object is called, and what is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// Its name, once in its namespace and kind.
    pub name: String,
    /// The namespace that it lies in; none for what is of the whole cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// What tells it from others that have had its name.
    #[schemars(with = "String")]
    pub uid: Uuid,
    /// What it is found by.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub labels: IndexMap<String, String>,
    /// What else is noted of it.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub annotations: IndexMap<String, String>,
    /// The version: grows with every change of anything.
    #[serde(default)]
    pub version: u64,
    /// When it was made.
    #[serde(with = "text")]
    #[schemars(with = "String")]
    pub created_at: Time,
    /// When it was changed last.
    #[serde(with = "text")]
    #[schemars(with = "String")]
    pub updated_at: Time,
}

/// Where an object is found: its name, and its namespace where it has one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// The namespace.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

/// Times as texts that people read.
mod text {
    use serde::{Deserialize as _, Deserializer, Serializer, de};
    use windlass_model::time::Time;

    pub(super) fn serialize<S: Serializer>(time: &Time, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(time)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

// === impl Object ===

impl Object {
    /// Where it is found.
    #[must_use]
    pub fn name(&self) -> Name {
        Name { namespace: self.metadata.namespace.clone(), name: self.metadata.name.clone() }
    }
}

// === impl Name ===

impl Name {
    /// The name of something of the whole cluster.
    pub fn global(name: impl Into<String>) -> Self {
        Self { namespace: None, name: name.into() }
    }

    /// The name of something in a namespace.
    pub fn within(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: Some(namespace.into()), name: name.into() }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{namespace}/{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}
