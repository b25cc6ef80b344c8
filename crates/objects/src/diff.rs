//! What differs between two values, place by place.

use windlass_contract::Difference;
use windlass_model::Value;
use windlass_model::schema::escape;

/// Every place where two values differ, in the order of the first and then of the second. Lists of equal length are
/// compared place by place; other lists as a whole.
#[must_use]
pub fn diff(from: &Value, to: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    walk(from, to, &mut String::new(), &mut found);
    found
}

fn walk(from: &Value, to: &Value, at: &mut String, found: &mut Vec<Difference>) {
    match (from, to) {
        (Value::Object(before), Value::Object(after)) => {
            let added = after.keys().filter(|key| !before.contains_key(*key));
            for key in before.keys().chain(added) {
                let length = at.len();
                at.push('/');
                at.push_str(&escape(key));
                match (before.get(key), after.get(key)) {
                    (Some(from), Some(to)) => walk(from, to, at, found),
                    (from, to) => {
                        found.push(Difference { pointer: at.clone(), from: from.cloned(), to: to.cloned() });
                    }
                }
                at.truncate(length);
            }
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            for (index, (from, to)) in before.iter().zip(after).enumerate() {
                let length = at.len();
                at.push_str(&format!("/{index}"));
                walk(from, to, at, found);
                at.truncate(length);
            }
        }
        (from, to) if from == to => {}
        (from, to) => {
            found.push(Difference { pointer: at.clone(), from: Some(from.clone()), to: Some(to.clone()) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(from: &Value, to: &Value) -> Vec<String> {
        let text = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
        diff(from, to)
            .iter()
            .map(|it| format!("{} {} {}", it.pointer, text(&it.from), text(&it.to)))
            .collect()
    }

    #[test]
    fn each_place_is_named() {
        let from = json!({"a": 1, "b": {"c": [1, 2], "d/e": "x"}, "gone": true});
        let to = json!({"a": 1, "b": {"c": [1, 3], "d/e": "y"}, "new": null});
        assert_eq!(said(&from, &to), ["/b/c/1 2 3", "/b/d~1e \"x\" \"y\"", "/gone true -", "/new - null"]);
        assert_eq!(said(&json!([1]), &json!([1, 2])), [" [1] [1,2]"]);
        assert!(diff(&from, &from).is_empty());
    }
}
