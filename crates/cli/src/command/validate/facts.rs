//! Facts that a plan names and that no node can have: neither does the plugin `facts` report them, nor does the
//! inventory say or keep them of any node.

use windlass_lang::Loaded;
use windlass_model::problem::Problem;
use windlass_model::{Value, code, eval};

use crate::inventory::Among;

/// What names of facts begin with in templates and expressions.
const ROOT: &str = "facts.";

/// What is odd about the facts that a plan names; nothing where there is no inventory.
pub(super) fn unknown(loaded: &Loaded, among: &Among, reported: &Value) -> Vec<Problem> {
    let document = serde_json::to_value(&*loaded.plan).unwrap_or_default();
    let mut named = Vec::new();
    texts(&document, &mut String::new(), &mut named);
    let nodes = among.in_question();
    let mut warnings: Vec<Problem> = Vec::new();
    for (path, pointer) in named {
        let known = nodes.iter().any(|node| eval::pick_in(&node.facts, &path).is_some());
        if known || can_be(reported, reported, &mut path.split('.')) {
            continue;
        }
        let message = format!("no node has a fact `{path}`");
        let warning = Problem::new(code::UNKNOWN_FACT, "", pointer, message);
        warnings.push(warning.help("`windlass nodes facts NAME` shows which there are"));
    }
    warnings
}

/// Every `facts.a.b` in the texts of a value, with where it stands.
fn texts(value: &Value, pointer: &mut String, named: &mut Vec<(String, String)>) {
    let before = pointer.len();
    match value {
        Value::String(text) => {
            for (at, _) in text.match_indices(ROOT) {
                let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | '$');
                // `my_facts.x` and `/etc/facts.d` are something else.
                if text.get(..at).and_then(|text| text.chars().next_back()).is_some_and(is_part) {
                    continue;
                }
                let rest = text.get(at + ROOT.len()..).unwrap_or_default();
                let end = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.')));
                let path = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
                // What is guarded may well be missing.
                let expression = rest.split("}}").next().unwrap_or_default();
                let is_guarded = expression.contains("default(") || expression.contains("is defined");
                let is_expression = pointer.contains("/where/") || pointer.contains("/excludeWhere/");
                let is_read = is_expression || pointer.ends_with("/when") || eval::is_template(text);
                if is_read && !is_guarded && !path.is_empty() {
                    named.push((path.trim_end_matches('.').to_owned(), pointer.clone()));
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointer.push_str(&format!("/{index}"));
                texts(item, pointer, named);
                pointer.truncate(before);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                pointer.push_str(&format!("/{}", windlass_model::schema::escape(key)));
                texts(item, pointer, named);
                pointer.truncate(before);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether what fits a schema can have something at a path. Where the schema leaves it open, it can.
fn can_be<'a>(all: &Value, schema: &Value, path: &mut impl Iterator<Item = &'a str>) -> bool {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let target = reference.strip_prefix('#').and_then(|pointer| all.pointer(pointer));
        return target.is_none_or(|target| can_be(all, target, path));
    }
    let choices = ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|key| schema.get(key)?.as_array());
    let choices: Vec<&Value> = choices.flatten().collect();
    let properties = schema.get("properties").and_then(Value::as_object);
    if properties.is_none() && choices.is_empty() {
        return true;
    }
    let rest: Vec<&str> = path.collect();
    let Some((first, deeper)) = rest.split_first() else { return true };
    let is_open = schema.get("additionalProperties").is_some_and(|more| *more != Value::Bool(false));
    let in_choice = |choice: &&Value| {
        choice.get("type").and_then(Value::as_str) != Some("null")
            && can_be(all, choice, &mut rest.iter().copied())
    };
    match properties.and_then(|properties| properties.get(*first)) {
        Some(property) => can_be(all, property, &mut deeper.iter().copied()),
        None => is_open || choices.iter().any(in_choice),
    }
}
