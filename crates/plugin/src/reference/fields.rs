//! The fields of a schema as a table.

use std::fmt::Write;

use windlass_model::{Map, Value};

use crate::secret::MARK;
use crate::shape::{Shape, resolve};

/// Whose fields they are: only a request's have defaults and can be missing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Request,
    Response,
}

/// How deep fields of fields are listed.
const DEEPEST: usize = 4;

pub(super) fn table(page: &mut String, shape: &Shape, side: Side) {
    let mut rows = Vec::new();
    fields(shape.schema(), shape.schema(), "", side, 0, &mut rows);
    if rows.is_empty() {
        let _ = writeln!(page, "{}", capital(&kind(shape.schema(), shape.schema())));
        return;
    }
    page.push_str(match side {
        Side::Request => "| Field | Type | Default | Meaning |\n|---|---|---|---|\n",
        Side::Response => "| Field | Type | Meaning |\n|---|---|---|\n",
    });
    rows.iter().for_each(|row| page.push_str(row));
}

fn fields(root: &Value, schema: &Value, prefix: &str, side: Side, depth: usize, rows: &mut Vec<String>) {
    let schema = followed(root, schema);
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for (name, field) in properties {
        let place = format!("{prefix}{name}");
        let inner = unwrapped(root, field);
        let meaning = text(field, "description").or_else(|| text(inner, "description")).unwrap_or_default();
        let kind = kind(root, field).replace('|', "\\|");
        let mut row = format!("| `{place}` | {kind} |");
        if side == Side::Request {
            let default = match field.get("default") {
                _ if required.contains(&name.as_str()) => "required".to_owned(),
                Some(Value::Null) | None => String::new(),
                Some(default) => format!("`{default}`"),
            };
            let _ = write!(row, " {default} |");
        }
        let _ = writeln!(row, " {} |", meaning.replace("\n\n", " ").replace('\n', " ").replace('|', "\\|"));
        rows.push(row);
        if depth < DEEPEST {
            fields(root, inner, &format!("{place}."), side, depth + 1, rows);
        }
    }
}

/// The type in words.
fn kind(root: &Value, schema: &Value) -> String {
    let schema = unwrapped(root, schema);
    let Some(map) = schema.as_object() else { return "anything".into() };
    if map.get(MARK).is_some() {
        return "secret".into();
    }
    if let Some(expects) = text(schema, "x-expects") {
        return expects.to_owned();
    }
    if let Some(choices) = map.get("enum").and_then(Value::as_array) {
        return choices.iter().map(|choice| format!("`{}`", plain(choice))).collect::<Vec<_>>().join(", ");
    }
    if let Some(constant) = map.get("const") {
        return format!("`{}`", plain(constant));
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(forms) = map.get(key).and_then(Value::as_array) {
            let mut kinds: Vec<String> = forms.iter().map(|form| kind(root, form)).collect();
            kinds.dedup();
            return kinds.join(" or ");
        }
    }
    match map.get("type") {
        Some(Value::String(one)) => named(root, map, one),
        Some(Value::Array(several)) => {
            let kinds = several.iter().filter_map(Value::as_str).filter(|kind| *kind != "null");
            kinds.map(|kind| named(root, map, kind)).collect::<Vec<_>>().join(" or ")
        }
        _ => "anything".into(),
    }
}

fn named(root: &Value, map: &Map, kind_name: &str) -> String {
    match kind_name {
        "string" => "text".into(),
        "integer" => "whole number".into(),
        "boolean" => "true or false".into(),
        "null" => "nothing".into(),
        "array" => {
            map.get("items").map_or_else(|| "list".into(), |items| format!("list of {}", kind(root, items)))
        }
        "object" => match map.get("additionalProperties") {
            Some(values @ Value::Object(_)) if !map.contains_key("properties") => {
                format!("map to {}", kind(root, values))
            }
            _ => "map".into(),
        },
        other => other.into(),
    }
}

/// A schema without references and without the alternative of being null.
fn unwrapped<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let schema = followed(root, schema);
    let forms = schema.get("anyOf").and_then(Value::as_array);
    let mut real =
        forms.into_iter().flatten().filter(|form| form.get("type").and_then(Value::as_str) != Some("null"));
    match (real.next(), real.next()) {
        (Some(only), None) => followed(root, only),
        _ => schema,
    }
}

fn followed<'a>(root: &'a Value, mut schema: &'a Value) -> &'a Value {
    for _ in 0..16 {
        match schema.get("$ref").and_then(Value::as_str).and_then(|at| resolve(root, at)) {
            Some(target) => schema = target,
            None => break,
        }
    }
    schema
}

fn text<'a>(schema: &'a Value, key: &str) -> Option<&'a str> {
    schema.get(key).and_then(Value::as_str)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
