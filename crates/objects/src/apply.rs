//! Three-way merge: what was applied last, what is there, what is applied now.
//!
//! What the last one had and the new one leaves out goes; what neither has stays, because somebody else wrote it. Lists
//! and plain values are taken whole.

use windlass_model::Value;

/// What is there, changed by what is applied.
pub(crate) fn merge(last: Option<&Value>, there: &Value, now: &Value) -> Value {
    let (Value::Object(there), Value::Object(now)) = (there, now) else { return now.clone() };
    let last = last.and_then(Value::as_object);
    let mut merged = there.clone();
    for key in last.into_iter().flat_map(|last| last.keys()).filter(|key| !now.contains_key(*key)) {
        merged.shift_remove(key);
    }
    for (key, value) in now {
        let value = match there.get(key) {
            Some(there) => merge(last.and_then(|last| last.get(key)), there, value),
            None => value.clone(),
        };
        merged.insert(key.clone(), value);
    }
    Value::Object(merged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_left_out_goes_and_what_others_wrote_stays() {
        let last = json!({"a": 1, "b": 2, "map": {"x": 1, "y": 2}});
        let there = json!({"a": 1, "b": 2, "map": {"x": 1, "y": 2, "theirs": 3}, "theirs": [1]});
        let now = json!({"a": 9, "map": {"x": 1, "z": 4}});
        let expect = json!({"a": 9, "map": {"x": 1, "theirs": 3, "z": 4}, "theirs": [1]});
        assert_eq!(merge(Some(&last), &there, &now), expect);
        assert_eq!(merge(Some(&now), &expect, &now), expect, "applying it again changes nothing");
    }

    #[test]
    fn lists_are_taken_whole() {
        assert_eq!(merge(None, &json!({"l": [1, 2]}), &json!({"l": [3]})), json!({"l": [3]}));
        assert_eq!(merge(None, &json!([1]), &json!({"a": 1})), json!({"a": 1}));
    }
}
