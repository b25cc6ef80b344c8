//! What is wrong with a request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_model::Value;

/// What is wrong with a request: a code, a place and advice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The page of the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the code means.
    pub title: String,
    /// The status of the answer.
    pub status: u16,
    /// The stable code, such as `WL-0901`.
    pub code: String,
    /// What is wrong.
    pub detail: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Each thing that is wrong, where there may be several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<OneProblem>,
    /// Of a conflict: what differs between what is there and what was sent.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub changed: Value,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OneProblem {
    /// The stable code.
    pub code: String,
    /// What it is about.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub address: String,
    /// Where in what was sent, as a JSON pointer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}
