//! Types and values in words for people.

use crate::{Map, Value};

/// The mark of a schema whose values are shown nowhere.
const SECRET: &str = "x-secret";
const LONGEST: usize = 60;

pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Whether a value is of a type. 2.0 is an integer to JSON Schema; to the types behind ours it is not.
pub(super) fn is_kind(value: &Value, kind: &str) -> bool {
    kind_of(value) == kind || (kind == "number" && value.is_number())
}

pub(super) fn in_words(kind: &str) -> &'static str {
    match kind {
        "null" => "null",
        "boolean" => "true or false",
        "number" => "a number",
        "integer" => "a whole number",
        "string" => "a text",
        "array" => "a list",
        "object" => "a map",
        _ => "something else",
    }
}

/// Equal as JSON Schema means it: 1 and 1.0 are the same.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}

/// The value in a few words, unless it is a secret.
pub(super) fn quoted(map: &Map, value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(_) | Value::Number(_) | Value::Bool(_) if !is_secret(map) => short(value),
        other => in_words(kind_of(other)).to_owned(),
    }
}

/// Whether a schema marks its values as secret.
pub(super) fn is_secret(map: &Map) -> bool {
    map.contains_key(SECRET)
}

/// What to do with a number or truth value where a text is expected.
pub(super) fn in_quotes(value: &Value) -> String {
    format!("write it in quotes: \"{value}\"")
}

/// What a number lacks where a duration is expected.
pub(super) fn unit(expected: &str, value: &Value) -> Option<String> {
    let number = value.as_u64().filter(|_| expected.starts_with("a duration"))?;
    Some(format!("a unit is missing: {number}s is so many seconds, {number}m so many minutes"))
}

/// What somebody means who writes truth as in YAML 1.1.
pub(super) fn truth(text: &str) -> Option<&'static str> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "y" | "on" => Some("write true"),
        "no" | "n" | "off" => Some("write false"),
        _ => None,
    }
}

/// The least and the most that a number of a format can be.
pub(super) fn bounds(format: &str) -> (Option<f64>, Option<f64>) {
    match format {
        "uint8" => (Some(0.0), Some(f64::from(u8::MAX))),
        "uint16" => (Some(0.0), Some(f64::from(u16::MAX))),
        "uint32" => (Some(0.0), Some(f64::from(u32::MAX))),
        "int32" => (Some(f64::from(i32::MIN)), Some(f64::from(i32::MAX))),
        "uint64" | "uint" => (Some(0.0), None),
        _ => (None, None),
    }
}

pub(super) fn one_of(choices: &[&Value]) -> String {
    let words: Vec<String> =
        choices.iter().filter(|choice| !choice.is_null()).map(|choice| plain(choice)).collect();
    match words.as_slice() {
        [one] => format!("`{one}`"),
        several => format!("one of {}", several.join(", ")),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn short(value: &Value) -> String {
    let text = plain(value);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("`{}…`", text.get(..end).unwrap_or_default()),
        None => format!("`{text}`"),
    }
}
