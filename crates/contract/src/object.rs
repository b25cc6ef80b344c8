//! Objects: what one is as it is shown, lists of them, what becomes of one.

use std::fmt;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use windlass_model::id::RunId;
use windlass_model::time::Time;
use windlass_model::{Map, Value};

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
    #[serde(with = "crate::texts")]
    #[schemars(with = "String")]
    pub created_at: Time,
    /// When it was changed last.
    #[serde(with = "crate::texts")]
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

/// What applying an object came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Applied {
    /// There was none, and now there is.
    Created,
    /// The one that was there was changed.
    Changed,
    /// The one that was there is as it is wanted.
    Unchanged,
}

/// What became of an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AppliedObject {
    /// `created`, `changed` or `unchanged`.
    #[schemars(with = "String")]
    pub applied: Applied,
    /// The object as it is now.
    pub object: Object,
}

/// Some objects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectPage {
    /// In the order of their names.
    pub items: Vec<Object>,
    /// What the next page is asked for by, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The version that a watch begins behind.
    pub version: u64,
}

/// What was wanted of an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RevisionPage {
    /// The newest first.
    pub items: Vec<OneRevision>,
    /// Before which number the next page begins, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// What was wanted of an object at some time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OneRevision {
    /// Counted from one.
    pub number: u64,
    /// Who wanted it.
    pub by: String,
    /// When.
    pub at: String,
    /// What was wanted.
    pub spec: Value,
}

/// What two revisions differ in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Differences {
    /// Place by place.
    pub items: Vec<Difference>,
}

/// One place that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// Where, as a JSON pointer.
    pub pointer: String,
    /// What was there; nothing where something was added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    /// What is there now; nothing where something was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
}

/// A change of an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Changed {
    /// What happened to it.
    #[serde(rename = "type")]
    pub what: What,
    /// The version at which it happened, from which a watch may go on.
    pub version: u64,
    /// The object behind the change; of one that was deleted, before it.
    pub object: Object,
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum What {
    /// It was made, or came into what is watched.
    Created,
    /// It was changed.
    Updated,
    /// It was deleted, or left what is watched.
    Deleted,
}

/// The variables of a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeVars {
    /// In the order of their names.
    pub items: Vec<NodeVar>,
}

/// A variable of a node; what is called like a secret is hidden.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeVar {
    /// Its name.
    pub key: String,
    /// Its value, as it is written.
    pub value: Value,
    /// Who supplies it.
    pub from: String,
    /// Whose values it hides, the nearest first.
    pub hides: Vec<HiddenVar>,
}

/// A value that a nearer one hides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HiddenVar {
    /// Who supplies it.
    pub from: String,
    /// The value.
    pub value: Value,
}

/// What nodes of a namespace report of themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeFactsList {
    /// Those of each node, in the order of their names.
    pub items: Vec<NodeFacts>,
}

/// What is known of a node: what it reports of itself, and over it what its object says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeFacts {
    /// The node.
    pub node: String,
    /// When it reported, as a text; none where it never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// The facts.
    pub facts: Map,
}

/// Who has the lock of a node, and who waits for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeLock {
    /// What it is called.
    pub lock: String,
    /// Who has it; none where it is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<AtLock>,
    /// Who waits for it, the first in front.
    #[serde(default)]
    pub waiting: Vec<AtLock>,
}

/// A run that has a lock or waits for it. Of a run that whoever asks may not see, nothing is said but that there is one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AtLock {
    /// The run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub run: Option<RunId>,
    /// Its namespace.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Its plan.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub plan: String,
    /// Who submitted it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// The sequence, by its address.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub address: String,
    /// What goes on in it now, by address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at_work: Vec<String>,
    /// Since when, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
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
