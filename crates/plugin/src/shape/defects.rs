//! What a schema says that [`Shape`](super::Shape) does not understand.

use regex::Regex;
use windlass_model::Value;

use super::resolve;

/// Keywords that say something about values, and are followed.
const CHECKED: &[&str] = &[
    "$ref",
    "type",
    "enum",
    "const",
    "properties",
    "required",
    "additionalProperties",
    "minProperties",
    "maxProperties",
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "anyOf",
    "oneOf",
    "allOf",
    "not",
];

/// Keywords for people and tools, which say nothing about values.
const ANNOTATIONS: &[&str] = &[
    "$schema",
    "$id",
    "$comment",
    "$defs",
    "definitions",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "format",
    "contentEncoding",
    "contentMediaType",
];

/// Keywords under which there is one schema, a list of schemas, or schemas by name.
const ONE: &[&str] = &["additionalProperties", "items", "not"];
const LIST: &[&str] = &["prefixItems", "anyOf", "oneOf", "allOf"];
const NAMED: &[&str] = &["properties", "$defs", "definitions"];

pub(super) fn of(root: &Value) -> Vec<String> {
    let mut defects = Vec::new();
    visit(root, "", &mut |schema, place| judge(root, schema, place, &mut defects));
    defects
}

pub(super) fn each_pattern(root: &Value, found: &mut dyn FnMut(&str)) {
    visit(root, "", &mut |schema, _| {
        if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
            found(pattern);
        }
    });
}

fn judge(root: &Value, schema: &Value, place: &str, defects: &mut Vec<String>) {
    let map = match schema {
        Value::Bool(_) => return,
        Value::Object(map) => map,
        _ => return defects.push(format!("{place}: a schema is an object, true or false")),
    };
    for keyword in map.keys() {
        let is_known = CHECKED.contains(&keyword.as_str())
            || ANNOTATIONS.contains(&keyword.as_str())
            || keyword.starts_with("x-");
        if !is_known {
            defects.push(format!("{place}: the keyword `{keyword}` is not understood"));
        }
    }
    match map.get("$ref") {
        Some(Value::String(at)) if resolve(root, at).is_some() => {}
        None => {}
        Some(at) => defects.push(format!("{place}: the reference {at} leads nowhere in this document")),
    }
    if let Some(pattern) = map.get("pattern").and_then(Value::as_str)
        && Regex::new(pattern).is_err()
    {
        defects.push(format!("{place}: the pattern `{pattern}` is not understood"));
    }
}

/// Calls `found` with every schema within a schema, and its place.
fn visit<'a>(schema: &'a Value, place: &str, found: &mut dyn FnMut(&'a Value, &str)) {
    found(schema, place);
    let Value::Object(map) = schema else { return };
    for (keyword, inner) in map {
        let place = format!("{place}/{keyword}");
        if ONE.contains(&keyword.as_str()) {
            visit(inner, &place, found);
        } else if LIST.contains(&keyword.as_str()) {
            for (index, inner) in inner.as_array().into_iter().flatten().enumerate() {
                visit(inner, &format!("{place}/{index}"), found);
            }
        } else if NAMED.contains(&keyword.as_str()) {
            for (name, inner) in inner.as_object().into_iter().flatten() {
                visit(inner, &format!("{place}/{name}"), found);
            }
        }
    }
}
