//! The record of who did what.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_model::Value;
use windlass_model::time::Time;

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Noted {
    /// When, in microseconds since 1970.
    #[schemars(with = "u64")]
    pub at: Time,
    /// Who.
    pub user: String,
    /// From where: the address of the connection.
    pub from: String,
    /// What they did, or wanted to.
    pub verb: String,
    /// To what.
    pub resource: String,
    /// Whether they could.
    pub outcome: Outcome,
    /// What it was before.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub before: Value,
    /// What it was afterwards.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub after: Value,
}

/// Whether somebody could do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It was done.
    Done,
    /// They may not.
    Denied,
    /// It was allowed, and could not be done.
    Failed,
}

/// What happened, and the chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Counted from one.
    pub seq: u64,
    /// What happened.
    pub what: Noted,
    /// The hash of the entry before.
    pub previous: String,
    /// The hash of this one: of the one before, the number and what happened.
    pub hash: String,
}

/// Some of the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditPage {
    /// The newest first.
    pub items: Vec<Entry>,
    /// Before which number the next page begins, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// Whether the record is whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditVerified {
    /// Whether every entry follows from the one before.
    pub whole: bool,
    /// How many entries there are, as far as it is whole.
    pub entries: u64,
    /// Where it is broken, and in what way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
}
