//! The two places of a plan where a short and a long form mean the same.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Action;
use crate::{Map, Value};

/// What to do on each target: a list of actions, or a list with variables and a lock.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SequenceTemplate {
    /// Values for the templates of this sequence.
    pub vars: Map,
    /// What no other sequence of any run may hold meanwhile; the node unless given.
    pub lock: Option<String>,
    /// What to do, in order.
    pub actions: Vec<Action>,
}

/// `verifyAfter`: `true` for the checks of `verify`, or checks of its own.
#[derive(Clone, Debug, PartialEq)]
pub enum VerifyAfter {
    /// Whether the checks of `verify` must pass afterwards.
    Same(bool),
    /// These must.
    Checks(Vec<Action>),
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LongForm {
    /// Values for the templates of this sequence.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    vars: Map,
    /// What no other sequence of any run may hold meanwhile; the node unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lock: Option<String>,
    /// What to do, in order.
    #[serde(default)]
    actions: Vec<Action>,
}

// === impl SequenceTemplate ===

impl From<Vec<Action>> for SequenceTemplate {
    fn from(actions: Vec<Action>) -> Self {
        Self { actions, ..Self::default() }
    }
}

impl Serialize for SequenceTemplate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.vars.is_empty() && self.lock.is_none() {
            return self.actions.serialize(serializer);
        }
        let form =
            LongForm { vars: self.vars.clone(), lock: self.lock.clone(), actions: self.actions.clone() };
        form.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SequenceTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if value.is_array() {
            let actions: Vec<Action> = serde_json::from_value(value).map_err(de::Error::custom)?;
            return Ok(actions.into());
        }
        let form: LongForm = serde_json::from_value(value).map_err(de::Error::custom)?;
        Ok(Self { vars: form.vars, lock: form.lock, actions: form.actions })
    }
}

impl JsonSchema for SequenceTemplate {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SequenceTemplate".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let actions = generator.subschema_for::<Vec<Action>>();
        let long = generator.subschema_for::<LongForm>();
        json_schema!({
            "description": "What to do on each target: a list of actions, or `{actions, vars, lock}`.",
            "anyOf": [actions, long],
            "x-expects": "a list of actions, or {actions: [...], vars: {...}, lock: ...}",
        })
    }
}

// === impl VerifyAfter ===

impl Serialize for VerifyAfter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Same(same) => serializer.serialize_bool(*same),
            Self::Checks(checks) => checks.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for VerifyAfter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Bool(same) => Ok(Self::Same(same)),
            value => serde_json::from_value(value).map(Self::Checks).map_err(de::Error::custom),
        }
    }
}

impl JsonSchema for VerifyAfter {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "VerifyAfter".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let checks = generator.subschema_for::<Vec<Action>>();
        json_schema!({
            "description": "Checks that must pass after the action: `true` for those of `verify`, or a list of check actions.",
            "anyOf": [{"type": "boolean"}, checks],
            "x-expects": "true, or a list of check actions",
        })
    }
}
