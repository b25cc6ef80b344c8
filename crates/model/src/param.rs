//! Parameters: what a plan asks for at submit, and whether what it gets fits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::span::Span;
use crate::transport::SecretRef;
use crate::{Value, name};

/// One parameter of a plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ParamSpec {
    /// The type of its value.
    #[serde(rename = "type", default)]
    pub kind: ParamType,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The value when none is given; for a secret a reference, `{{ secret('name') }}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// The only acceptable values.
    #[serde(rename = "enum", default, skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<Value>,
    /// A regular expression that a string must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// The least number, shortest duration, or fewest characters or items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Value>,
    /// The greatest number, longest duration, or most characters or items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Value>,
    /// Whether it must be given.
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
}

/// The type of a parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ParamType {
    /// A text.
    #[default]
    String,
    /// A whole number.
    Int,
    /// Yes or no.
    Bool,
    /// Any number.
    Number,
    /// A list.
    List,
    /// A map with text keys.
    Map,
    /// A duration.
    Duration,
    /// A text that is shown nowhere.
    Secret,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

// === impl ParamType ===

impl ParamType {
    /// The word of plan files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Bool => "bool",
            Self::Number => "number",
            Self::List => "list",
            Self::Map => "map",
            Self::Duration => "duration",
            Self::Secret => "secret",
        }
    }

    /// Whether a value is of this type.
    #[must_use]
    pub fn fits(self, value: &Value) -> bool {
        match self {
            Self::String | Self::Secret => value.is_string(),
            Self::Int => value.is_i64() || value.is_u64(),
            Self::Bool => value.is_boolean(),
            Self::Number => value.is_number(),
            Self::List => value.is_array(),
            Self::Map => value.is_object(),
            Self::Duration => value.as_str().is_some_and(|text| text.parse::<Span>().is_ok()),
        }
    }

    /// The value that a text on the command line means: `-p count=5`, `-p hosts='["a","b"]'`.
    pub fn read(self, text: &str) -> Result<Value, String> {
        let wrong = || format!("`{text}` is not of type {}", self.word());
        let value = match self {
            Self::String | Self::Secret | Self::Duration => Value::String(text.to_owned()),
            Self::Int => match text.trim().parse::<i64>() {
                Ok(number) => Value::from(number),
                Err(_) => Value::from(text.trim().parse::<u64>().map_err(|_| wrong())?),
            },
            Self::Bool => match text.trim() {
                "true" | "yes" | "on" | "1" => Value::Bool(true),
                "false" | "no" | "off" | "0" => Value::Bool(false),
                _ => return Err(wrong()),
            },
            Self::Number => serde_json::from_str(text.trim()).map_err(|_| wrong())?,
            Self::List if !text.trim_start().starts_with('[') => text
                .split(',')
                .filter(|item| !item.trim().is_empty())
                .map(|item| Value::from(item.trim()))
                .collect(),
            Self::List | Self::Map => {
                serde_json::from_str(text).map_err(|why| format!("{}: {why}", wrong()))?
            }
        };
        if self.fits(&value) { Ok(value) } else { Err(wrong()) }
    }
}

// === impl ParamSpec ===

impl ParamSpec {
    /// What is wrong with a value for this parameter, apart from its pattern.
    ///
    /// Patterns need a regular-expression engine, which whoever reads plans brings along.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        if !self.kind.fits(value) {
            return Err(match (self.kind, value) {
                (ParamType::Secret, _) => "expected a text".to_owned(),
                (kind, value) => format!("expected {}, got `{value}`", kind.word()),
            });
        }
        if !self.one_of.is_empty() && !self.one_of.contains(value) {
            let known: Vec<String> = self.one_of.iter().map(shown).collect();
            let near =
                value.as_str().and_then(|typed| name::nearest(typed, known.iter().map(String::as_str)));
            let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            let got = if self.kind == ParamType::Secret {
                "the value".into()
            } else {
                format!("`{}`", shown(value))
            };
            return Err(format!("{got} is not one of {}{hint}", known.join(", ")));
        }
        let Some((size, what)) = self.size(value) else { return Ok(()) };
        if let Some(least) = self.bound(self.min.as_ref()).filter(|least| size < *least) {
            return Err(format!("{what} must be at least {}", self.print(least)));
        }
        if let Some(most) = self.bound(self.max.as_ref()).filter(|most| size > *most) {
            return Err(format!("{what} must be at most {}", self.print(most)));
        }
        Ok(())
    }

    /// The secret whose value this one has when none is given: `default: "{{ secret('name') }}"`.
    #[must_use]
    pub fn default_secret(&self) -> Option<SecretRef> {
        let text = self.default.as_ref()?.as_str().filter(|_| self.kind == ParamType::Secret)?;
        SecretRef::parse(text)
    }

    /// A `min` or `max` as a number comparable with [`Self::size`]; `None` when it is none.
    #[must_use]
    pub fn bound(&self, bound: Option<&Value>) -> Option<f64> {
        let bound = bound?;
        match (self.kind, bound) {
            (ParamType::Duration, Value::String(text)) => {
                text.parse::<Span>().ok().map(|span| span.0.as_secs_f64())
            }
            (ParamType::Duration, _) => None,
            (_, number) => number.as_f64(),
        }
    }

    fn size(&self, value: &Value) -> Option<(f64, &'static str)> {
        #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^52")]
        let count = |length: usize| length as f64;
        Some(match (self.kind, value) {
            (ParamType::Int | ParamType::Number, number) => (number.as_f64()?, "the number"),
            (ParamType::Duration, Value::String(text)) => {
                (text.parse::<Span>().ok()?.0.as_secs_f64(), "the duration")
            }
            (_, Value::String(text)) => (count(text.chars().count()), "the number of characters"),
            (_, Value::Array(items)) => (count(items.len()), "the number of items"),
            (_, Value::Object(map)) => (count(map.len()), "the number of keys"),
            _ => return None,
        })
    }

    fn print(&self, bound: f64) -> String {
        match self.kind {
            ParamType::Duration => Span(std::time::Duration::from_secs_f64(bound.max(0.0))).to_string(),
            _ => bound.to_string(),
        }
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
