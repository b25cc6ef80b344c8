//! Finds fields that look like secrets and are not declared as such.
//!
//! A password in a plain field would stand in every log. So a name is enough for suspicion, and
//! only the secret type, or a type that cannot hold a secret (a number, a truth value), clears it.

use std::collections::BTreeSet;

use windlass_model::eval::has_template;
use windlass_model::{Map, Value};

use crate::secret::MARK;
use crate::shape::resolve;

/// What secrets are called, without case and punctuation.
const NAMES: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "credential",
    "credentials",
    "bearer",
    "basicauth",
    "authorization",
];

/// What a longer name ends with when it holds a secret: `dbPassword`, `client_secret`, `github-token`.
const ENDINGS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "credential",
    "credentials",
    "passwords",
    "secrets",
    "tokens",
];

/// The places of fields that look like secrets and are not of the secret type, such as `request.login.password`.
#[must_use]
pub fn untyped_secrets(side: &str, schema: &Value) -> Vec<String> {
    let mut search = Search { root: schema, open: BTreeSet::new(), found: Vec::new() };
    search.look(schema, side);
    search.found.sort();
    search.found.dedup();
    search.found
}

/// Whether a field of this name probably holds a secret.
#[must_use]
pub fn looks_secret(name: &str) -> bool {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    NAMES.contains(&plain.as_str()) || ENDINGS.iter().any(|ending| plain.ends_with(ending))
}

struct Search<'a> {
    root: &'a Value,
    /// References being followed, because types may hold themselves.
    open: BTreeSet<&'a str>,
    found: Vec<String>,
}

// === impl Search ===

impl<'a> Search<'a> {
    fn look(&mut self, schema: &'a Value, place: &str) {
        let Value::Object(map) = schema else { return };
        if let Some(Value::String(reference)) = map.get("$ref")
            && self.open.insert(reference)
        {
            if let Some(target) = resolve(self.root, reference) {
                self.look(target, place);
            }
            self.open.remove(reference.as_str());
        }
        for (name, field) in objects(map, "properties") {
            let place = format!("{place}.{name}");
            if looks_secret(name) && !self.is_cleared(field, 0) {
                self.found.push(place);
            } else {
                self.look(field, &place);
            }
        }
        for (key, suffix) in [("items", "[]"), ("additionalProperties", ".*")] {
            if let Some(inner) = map.get(key) {
                self.look(inner, &format!("{place}{suffix}"));
            }
        }
        for (_, inner) in objects(map, "patternProperties") {
            self.look(inner, &format!("{place}.*"));
        }
        for key in ["anyOf", "oneOf", "allOf", "prefixItems"] {
            for inner in map.get(key).and_then(Value::as_array).into_iter().flatten() {
                self.look(inner, place);
            }
        }
    }

    /// Whether everything that a field may hold is a secret by type, or cannot be one.
    fn is_cleared(&self, schema: &Value, depth: usize) -> bool {
        let Value::Object(map) = schema else { return false };
        if depth > 16 {
            return false;
        }
        if map.get(MARK) == Some(&Value::Bool(true)) {
            return true;
        }
        if let Some(target) = map.get("$ref").and_then(Value::as_str).and_then(|at| resolve(self.root, at)) {
            return self.is_cleared(target, depth + 1);
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(forms) = map.get(key).and_then(Value::as_array) {
                return forms.iter().all(|form| self.is_cleared(form, depth + 1));
            }
        }
        match map.get("type") {
            Some(Value::String(kind)) if kind == "array" => {
                map.get("items").is_some_and(|items| self.is_cleared(items, depth + 1))
            }
            // The fields of an object are judged each by itself, by the same names and by the mark.
            Some(Value::String(kind)) if kind == "object" => match map.get("additionalProperties") {
                Some(Value::Bool(false)) => self.all_fields_cleared(map, depth),
                Some(values) => self.is_cleared(values, depth + 1) && self.all_fields_cleared(map, depth),
                None => !objects(map, "properties").is_empty() && self.all_fields_cleared(map, depth),
            },
            Some(Value::String(kind)) => ["boolean", "integer", "number", "null"].contains(&kind.as_str()),
            Some(Value::Array(kinds)) => {
                kinds.iter().all(|kind| ["boolean", "integer", "number", "null"].iter().any(|k| kind == k))
            }
            _ => false,
        }
    }

    /// Whether the fields of an object with a secret-looking name are fine: at least one is a
    /// secret, and those that look like one are all typed so. A user name beside it is no secret.
    fn all_fields_cleared(&self, map: &Map, depth: usize) -> bool {
        let fields = objects(map, "properties");
        fields.is_empty()
            || (fields.iter().any(|(_, field)| self.is_cleared(field, depth + 1))
                && fields
                    .iter()
                    .all(|(name, field)| !looks_secret(name) || self.is_cleared(field, depth + 1)))
    }
}

fn objects<'a>(map: &'a Map, key: &str) -> Vec<(&'a str, &'a Value)> {
    map.get(key)
        .and_then(Value::as_object)
        .map(|fields| fields.iter().map(|(name, field)| (name.as_str(), field)).collect())
        .unwrap_or_default()
}

/// What stands in the place of a value whose name says that it is a secret.
pub const HIDDEN: &str = "(hidden)";

/// A value as it may be shown: what is called like a secret is not.
#[must_use]
pub fn shown(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            map.into_iter().map(|(key, value)| (key.clone(), shown_under(&key, value))).collect()
        }
        Value::Array(items) => items.into_iter().map(shown).collect(),
        other => other,
    }
}

/// The same, of a value that is called so.
#[must_use]
pub fn shown_under(key: &str, value: Value) -> Value {
    let is_plain = matches!(&value, Value::String(text) if !text.is_empty() && !has_template(&value))
        || value.is_number();
    if is_plain && looks_secret(key) { HIDDEN.into() } else { shown(value) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names() {
        for name in ["password", "API_KEY", "apiKey", "db-password", "clientSecret", "privateKey", "passwd"] {
            assert!(looks_secret(name), "{name}");
        }
        for name in ["user", "tokenizer", "pinned", "keys", "passed", "secretary"] {
            assert!(!looks_secret(name), "{name}");
        }
    }

    #[test]
    fn finds_nested_ones_and_knows_the_type() {
        let schema = json!({
            "properties": {
                "password": {"type": "string", "x-secret": true},
                "login": {"$ref": "#/$defs/Login"},
                "list": {"items": {"properties": {"apiKey": {"type": ["string", "null"]}}}},
                "tokens": {"type": "integer"},
                "passphrase": {"anyOf": [{"type": "string", "x-secret": true}, {"type": "null"}]},
            },
            "$defs": {"Login": {"properties": {"user": {"type": "string"}, "token": {"type": "string"},
                                               "inner": {"$ref": "#/$defs/Login"}}}},
        });
        assert_eq!(untyped_secrets("request", &schema), ["request.list[].apiKey", "request.login.token"]);
    }
}
