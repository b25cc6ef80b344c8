//! Limits of a block as they are written: failures, batches, backoff.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::amount::Amount;
use crate::span::Span;

/// How many sequences of a block may fail before the block does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailureLimit {
    /// The most failures that are tolerated; `None` is unlimited.
    pub max: Option<Amount>,
    /// Start a sequence only while failed + active ≤ max.
    pub strict: bool,
}

/// The sizes of the batches of a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Batches {
    /// One batch of everything.
    #[default]
    Whole,
    /// 1, 2, 4, … up to the concurrency.
    Auto,
    /// These sizes; the last repeats.
    Sizes(Vec<Amount>),
}

/// The size of the canary batch: a count, or `true` for one and `false` for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canary(pub u32);

/// How long to wait before the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Backoff {
    /// The wait after the first failed attempt.
    pub initial: Span,
    /// By what each further wait is multiplied.
    #[serde(default = "one")]
    #[schemars(range(min = 1.0, max = 100.0))]
    pub factor: f64,
    /// By what share each wait may be shorter or longer: 0.5 is ± 50 %.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub jitter: f64,
    /// The longest wait.
    #[serde(default = "a_minute")]
    pub max: Span,
}

/// A backoff as it is written: one of the named ones, or its numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BackoffChoice {
    /// 100 ms × 2 ± 50 %, at most 60 s.
    Fast,
    /// 1 s × 2 ± 50 %, at most 60 s.
    Seconds,
    /// 30 s × 1.1 ± 20 %, at most 5 m.
    ThirtySeconds,
    /// As written.
    Custom(Backoff),
}

fn one() -> f64 {
    1.0
}

fn a_minute() -> Span {
    Span::secs(60)
}

// === impl FailureLimit ===

impl FailureLimit {
    /// No failure is tolerated.
    pub const NONE: Self = Self { max: Some(Amount::Count(0)), strict: false };
    /// Every failure is.
    pub const UNLIMITED: Self = Self { max: None, strict: false };

    /// At most `max`.
    #[must_use]
    pub fn max(max: impl Into<Amount>) -> Self {
        Self { max: Some(max.into()), strict: false }
    }

    /// At most `max`, with the fewest failures possible at the crossing.
    #[must_use]
    pub fn strict(max: impl Into<Amount>) -> Self {
        Self { max: Some(max.into()), strict: true }
    }
}

impl Default for FailureLimit {
    fn default() -> Self {
        Self::NONE
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FailureLimitForm {
    max: MaxForm,
    #[serde(default)]
    strict: bool,
}

/// A count, a percentage, or the word `unlimited`.
struct MaxForm(Option<Amount>);

impl Serialize for MaxForm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(amount) => amount.serialize(serializer),
            None => serializer.serialize_str("unlimited"),
        }
    }
}

impl<'de> Deserialize<'de> for MaxForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl de::Visitor<'_> for V {
            type Value = MaxForm;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a count such as 2, a percentage such as 5% or `unlimited`")
            }
            fn visit_u64<E: de::Error>(self, n: u64) -> Result<MaxForm, E> {
                let n = u32::try_from(n).map_err(|_| E::custom("the count is too large"))?;
                Ok(MaxForm(Some(Amount::Count(n))))
            }
            fn visit_i64<E: de::Error>(self, _: i64) -> Result<MaxForm, E> {
                Err(E::custom("the count is negative; write `unlimited` to tolerate every failure"))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<MaxForm, E> {
                if text == "unlimited" {
                    return Ok(MaxForm(None));
                }
                Amount::parse(text).map(|amount| MaxForm(Some(amount))).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(V)
    }
}

impl Serialize for FailureLimit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.strict {
            FailureLimitForm { max: MaxForm(self.max), strict: true }.serialize(serializer)
        } else {
            MaxForm(self.max).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for FailureLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        if value.is_object() {
            let form: FailureLimitForm = serde_json::from_value(value).map_err(de::Error::custom)?;
            return Ok(Self { max: form.max.0, strict: form.strict });
        }
        let form: MaxForm = serde_json::from_value(value).map_err(de::Error::custom)?;
        Ok(Self { max: form.0, strict: false })
    }
}

impl JsonSchema for FailureLimit {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FailureLimit".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let max = serde_json::json!({"anyOf": [
            {"type": "integer", "minimum": 0, "maximum": 4_294_967_295_u32},
            {"type": "string", "pattern": "^\\s*\\d+\\s*%?\\s*$"},
            {"const": "unlimited"},
        ], "description": "The most failures that are tolerated.",
            "x-expects": "a count such as 2, a percentage such as 5% or `unlimited`"});
        json_schema!({
            "description": "How many sequences may fail before the block does: `2`, `5%`, `unlimited`, or `{max: 2, strict: true}`.",
            "anyOf": [
                max,
                {"type": "object", "additionalProperties": false, "required": ["max"], "properties": {
                    "max": max,
                    "strict": {"type": "boolean", "description": "Start a sequence only while failed + active ≤ max, so that at most max + 1 ever fail."},
                }},
            ],
            "x-expects": "a count such as 2, a percentage such as 5%, `unlimited`, or {max: 2, strict: true}",
        })
    }
}

// === impl Batches ===

impl Serialize for Batches {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Whole => serializer.serialize_none(),
            Self::Auto => serializer.serialize_str("auto"),
            Self::Sizes(sizes) => sizes.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Batches {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        match value {
            serde_json::Value::Null => Ok(Self::Whole),
            serde_json::Value::String(word) if word == "auto" => Ok(Self::Auto),
            serde_json::Value::Array(_) => {
                serde_json::from_value(value).map(Self::Sizes).map_err(de::Error::custom)
            }
            one => serde_json::from_value(one).map(|size| Self::Sizes(vec![size])).map_err(de::Error::custom),
        }
    }
}

impl JsonSchema for Batches {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Batches".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let amount = generator.subschema_for::<Amount>();
        json_schema!({
            "description": "The sizes of the batches, each a count or a percentage; the last repeats. `auto` is 1, 2, 4, … up to the concurrency.",
            "anyOf": [{"type": "array", "items": amount, "minItems": 1}, {"const": "auto"}, amount, {"type": "null"}],
            "x-expects": "a list of sizes such as [1, 10%, 50%], or `auto`",
        })
    }
}

// === impl Canary ===

impl Serialize for Canary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            0 => serializer.serialize_bool(false),
            count => serializer.serialize_u32(count),
        }
    }
}

impl<'de> Deserialize<'de> for Canary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::Bool(one) => Ok(Self(u32::from(one))),
            count => serde_json::from_value(count).map(Self).map_err(de::Error::custom),
        }
    }
}

impl JsonSchema for Canary {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Canary".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The size of the canary batch: a count, `true` for one, `false` for none.",
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": 4_294_967_295_u32},
                {"type": "boolean"},
            ],
            "x-expects": "a count such as 1, or `false`",
        })
    }
}

// === impl BackoffChoice ===

impl BackoffChoice {
    /// The numbers behind the name.
    #[must_use]
    pub fn numbers(self) -> Backoff {
        let of = |initial, factor, jitter, max| Backoff { initial, factor, jitter, max };
        match self {
            Self::Fast => of(Span::millis(100), 2.0, 0.5, Span::secs(60)),
            Self::Seconds => of(Span::secs(1), 2.0, 0.5, Span::secs(60)),
            Self::ThirtySeconds => of(Span::secs(30), 1.1, 0.2, Span::secs(300)),
            Self::Custom(backoff) => backoff,
        }
    }
}

impl Serialize for BackoffChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Fast => serializer.serialize_str("fast"),
            Self::Seconds => serializer.serialize_str("seconds"),
            Self::ThirtySeconds => serializer.serialize_str("thirtySeconds"),
            Self::Custom(backoff) => backoff.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for BackoffChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        match value.as_str() {
            Some("fast") => Ok(Self::Fast),
            Some("seconds") => Ok(Self::Seconds),
            Some("thirtySeconds" | "thirty seconds") => Ok(Self::ThirtySeconds),
            Some(other) => {
                Err(de::Error::custom(format!("`{other}` is not one of fast, seconds, thirtySeconds")))
            }
            None => serde_json::from_value(value).map(Self::Custom).map_err(de::Error::custom),
        }
    }
}

impl JsonSchema for BackoffChoice {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "BackoffChoice".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let numbers = generator.subschema_for::<Backoff>();
        json_schema!({
            "description": "How long to wait between attempts: `fast` (100 ms × 2 ± 50 %, at most 60 s), `seconds` (1 s × 2 ± 50 %, at most 60 s), `thirtySeconds` (30 s × 1.1 ± 20 %, at most 5 m), or numbers of your own.",
            "anyOf": [{"enum": ["fast", "seconds", "thirtySeconds"]}, numbers],
            "x-expects": "one of fast, seconds, thirtySeconds, or {initial: 2s, factor: 2, jitter: 0.5, max: 60s}",
        })
    }
}
