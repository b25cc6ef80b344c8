//! Which secrets a plan, or anything else that holds templates, refers to by `secret('name')`.

use windlass_model::Value;
use windlass_model::eval::is_template;
use windlass_model::schema::escape;

use crate::evaluator::{self, Kind};
use crate::references::text::secrets::named;

/// A reference to a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretUse {
    /// The name of the secret.
    pub name: String,
    /// Where in the document it stands, as a JSON pointer.
    pub pointer: String,
}

/// Keys under which a text is an expression without braces.
const EXPRESSIONS: &[&str] = &["when", "where", "excludeWhere"];

/// The references in a document, in the order in which they stand in it.
#[must_use]
pub fn secret_uses(document: &Value) -> Vec<SecretUse> {
    let mut uses = Vec::new();
    walk(document, &mut String::new(), false, &mut uses);
    uses
}

fn walk(value: &Value, pointer: &mut String, is_expression: bool, uses: &mut Vec<SecretUse>) {
    let len = pointer.len();
    match value {
        Value::String(text) => of_text(text, pointer, is_expression, uses),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointer.push_str(&format!("/{index}"));
                walk(item, pointer, is_expression, uses);
                pointer.truncate(len);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                pointer.push_str(&format!("/{}", escape(key)));
                of_text(key, pointer, false, uses);
                walk(item, pointer, EXPRESSIONS.contains(&key.as_str()), uses);
                pointer.truncate(len);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn of_text(text: &str, pointer: &str, is_expression: bool, uses: &mut Vec<SecretUse>) {
    if !text.contains("secret") || !(is_expression || is_template(text)) {
        return;
    }
    let names = if is_expression {
        named(Kind::Expression, evaluator::unwrapped(text)).names
    } else {
        named(Kind::Template, text).names
    };
    uses.extend(names.into_iter().map(|name| SecretUse { name, pointer: pointer.to_owned() }));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_found_wherever_templates_stand() {
        let document = json!({
            "with": {"env": {"A": "{{ secret('a') }}", "B": "x{{ secret('b') | upper }}"}, "script": "secret('c')"},
            "when": "secret('d') == 'x'",
            "list": ["{{ secret('e') }}"],
        });
        let found: Vec<(String, String)> =
            secret_uses(&document).into_iter().map(|one| (one.name, one.pointer)).collect();
        let expect = [("a", "/with/env/A"), ("b", "/with/env/B"), ("d", "/when"), ("e", "/list/0")];
        assert_eq!(found, expect.map(|(name, pointer)| (name.to_owned(), pointer.to_owned())));
    }
}
