//! `docs/reference/plan.md` and `inventory.md`: the keys of files, from the committed JSON Schemas.
//!
//! The schemas themselves come from the types and are checked elsewhere; here they are only put into tables.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::repo::TextFile;

/// A page about a sort of files.
struct Page {
    schema: &'static str,
    /// What the schema as a whole is called, where it has keys of its own.
    root: Option<&'static str>,
    head: &'static str,
}

const PLAN: Page = Page {
    schema: "docs/schema/plan.json",
    root: Some("Plan"),
    head: "\
<!-- Made by `cargo xtask docs` from docs/schema/plan.json. Do not edit. -->

# Plan files

Every key of a plan file, what may stand there, and what it means. The [guide](../guide/README.md) explains how they work
together; `windlass schema plan` prints the same as a JSON Schema, for editors.

",
};

const INVENTORY: Page = Page {
    schema: "docs/schema/inventory.json",
    root: None,
    head: "\
<!-- Made by `cargo xtask docs` from docs/schema/inventory.json. Do not edit. -->

# Inventory files

Every key of an inventory file, what may stand there, and what it means. A file holds documents of the kinds
[Inventory](#inventory), [Node](#nodedocument) and [NodeGroup](#nodegroupdocument). The [guide](../guide/inventory.md) explains
how they work together; `windlass schema inventory` prints the same as a JSON Schema, for editors.

",
};

pub(super) fn plan(files: &[TextFile]) -> String {
    reference(files, &PLAN)
}

pub(super) fn inventory(files: &[TextFile]) -> String {
    reference(files, &INVENTORY)
}

fn reference(files: &[TextFile], about: &Page) -> String {
    let schema = files.iter().find(|file| file.path == about.schema);
    let schema: Value = schema.and_then(|file| serde_json::from_str(&file.text).ok()).unwrap_or(Value::Null);
    let mut page = String::from(about.head);
    if let Some(root) = about.root {
        section(&mut page, root, &schema);
    }
    for (name, definition) in map(&schema, "$defs") {
        section(&mut page, name, definition);
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

fn section(page: &mut String, name: &str, definition: &Value) {
    let _ = writeln!(page, "## {name}\n");
    if let Some(about) = text(definition, "description") {
        let _ = writeln!(page, "{about}\n");
    }
    if let Some(expects) = text(definition, "x-expects") {
        let _ = writeln!(page, "Write {expects}.\n");
    }
    keys(page, definition);
    words(page, definition);
    for alternative in list(definition, "anyOf") {
        keys(page, alternative);
    }
}

/// A table of the keys that a map may have.
fn keys(page: &mut String, definition: &Value) {
    let properties = map(definition, "properties");
    if properties.is_empty() {
        return;
    }
    page.push_str("| Key | Type | Default | Meaning |\n|---|---|---|---|\n");
    for (key, property) in properties {
        let is_required = list(definition, "required").iter().any(|required| required == key.as_str());
        let meaning = text(property, "description").unwrap_or_default();
        let (kind, default) = (kind(property), default(property, is_required));
        let _ = writeln!(page, "| `{key}` | {kind} | {default} | {} |", cell(meaning));
    }
    page.push('\n');
}

/// A table of the words that may stand there.
fn words(page: &mut String, definition: &Value) {
    let words = list(definition, "oneOf");
    if words.is_empty() {
        return;
    }
    page.push_str("| Word | Meaning |\n|---|---|\n");
    for word in words {
        let meaning = text(word, "description").unwrap_or_default();
        let _ = writeln!(page, "| `{}` | {} |", text(word, "const").unwrap_or_default(), cell(meaning));
    }
    page.push('\n');
}

/// What must be given has no default, or an empty one that validation refuses.
fn default(property: &Value, is_required: bool) -> String {
    match property.get("default") {
        _ if is_required => "required".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "required".to_owned(),
        Some(Value::Array(items)) if items.is_empty() => "required".to_owned(),
        Some(Value::String(text)) => format!("`{text}`"),
        Some(other) => format!("`{other}`"),
        None => String::new(),
    }
}

fn kind(schema: &Value) -> String {
    if let Some(reference) = text(schema, "$ref") {
        let name = reference.rsplit('/').next().unwrap_or(reference);
        return format!("[{name}](#{})", name.to_ascii_lowercase());
    }
    if let Some(expected) = text(schema, "const") {
        return format!("`{expected}`");
    }
    let alternatives = list(schema, "anyOf").iter().chain(list(schema, "oneOf"));
    let alternatives: Vec<String> =
        alternatives.filter(|schema| text(schema, "type") != Some("null")).map(kind).collect();
    if !alternatives.is_empty() {
        return alternatives.join(" or ");
    }
    let word = match schema.get("type") {
        Some(Value::Array(types)) => types.iter().filter_map(Value::as_str).find(|word| *word != "null"),
        Some(Value::String(word)) => Some(word.as_str()),
        _ => None,
    };
    match word {
        Some("string") => "text".to_owned(),
        Some("integer") => "whole number".to_owned(),
        Some("number") => "number".to_owned(),
        Some("boolean") => "true or false".to_owned(),
        Some("array") => format!("list of {}", schema.get("items").map_or_else(anything, kind)),
        Some("object") => match schema.get("additionalProperties") {
            Some(value @ Value::Object(_)) => format!("map to {}", kind(value)),
            _ => "map".to_owned(),
        },
        _ => anything(),
    }
}

fn anything() -> String {
    "anything".to_owned()
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn map<'a>(value: &'a Value, key: &str) -> &'a Map<String, Value> {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    value.get(key).and_then(Value::as_object).unwrap_or(&NONE)
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = r##"{
        "description": "A plan.",
        "properties": {
            "kind": {"type": "string", "const": "Plan"},
            "every": {"anyOf": [{"$ref": "#/$defs/Span"}, {"type": "null"}], "default": "5s"}
        },
        "required": ["kind"],
        "$defs": {
            "Span": {"type": "string", "description": "A time.", "x-expects": "5m"},
            "When": {"oneOf": [{"const": "always", "description": "a | b"}]}
        }
    }"##;

    #[test]
    fn keys_words_and_what_is_expected() {
        let page = plan(&[TextFile { path: PLAN.schema.into(), text: EXAMPLE.into() }]);
        assert!(page.contains("| `kind` | `Plan` | required |  |\n"), "{page}");
        assert!(page.contains("| `every` | [Span](#span) | `5s` |  |\n"), "{page}");
        assert!(page.contains("## Span\n\nA time.\n\nWrite 5m.\n\n## When"), "{page}");
        assert!(page.ends_with("| `always` | a \\| b |\n"), "{page}");
    }
}
