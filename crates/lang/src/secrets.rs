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

// === impl SecretUse ===

impl SecretUse {
    /// Whether it is what logs in on a node. That is asked for when the node is reached, and is no part of the run.
    #[must_use]
    pub fn is_login(&self) -> bool {
        let pointer = &self.pointer;
        let is_of_node = pointer.starts_with("/targets/")
            || pointer.starts_with("/others/")
            || (pointer.contains("/targets/nodes/") && !pointer.contains("/with/"));
        is_of_node && pointer.contains("/transport/")
    }
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
    fn what_logs_in_is_told_from_what_a_run_uses() {
        let check = |pointer: &str, expect: bool| {
            let one = SecretUse { name: "a".into(), pointer: pointer.into() };
            assert_eq!(one.is_login(), expect, "{pointer}");
        };
        check("/spec/blocks/0/targets/nodes/3/transport/credentials/0/password", true);
        check("/plan/spec/blocks/0/targets/nodes/3/transport/become/password", true);
        check("/targets/0/lineages/0/transport/credentials/0/key", true);
        check("/spec/blocks/0/sequence/0/with/transport/password", false);
        check("/spec/blocks/0/targets/nodes/3/vars/password", false);
    }

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
