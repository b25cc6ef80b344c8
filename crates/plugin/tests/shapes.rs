//! Shapes: what fits, what does not, and how it is said.

#![cfg(test)]

use serde_json::json;
use windlass_plugin::{Shape, Strictness, Value};

fn check(schema: Value, value: Value, strictness: Strictness) -> Vec<String> {
    let shape = Shape::new(schema);
    assert_eq!(shape.defects(), Vec::<String>::new());
    shape.misfits(&value, strictness).iter().map(ToString::to_string).collect()
}

fn says(schema: Value, value: Value) -> Vec<String> {
    check(schema, value, Strictness::Rendered)
}

#[test]
fn types_bounds_and_patterns() {
    for (schema, good, bad, message) in [
        (
            json!({"type": "string"}),
            json!("a"),
            json!(1),
            "expected a text, got `1` (write it in quotes: \"1\")",
        ),
        (json!({"type": ["integer", "null"]}), json!(null), json!("a"), "expected a whole number, got `a`"),
        (json!({"type": "number"}), json!(1), json!(true), "expected a number, got `true`"),
        (json!({"type": "boolean"}), json!(true), json!([]), "expected true or false, got a list"),
        (json!({"minimum": 2, "maximum": 4}), json!(3), json!(1), "1 is too small; the least is 2"),
        (json!({"exclusiveMaximum": 4}), json!(3.9), json!(4), "4 is too large; it must be less than 4"),
        (json!({"minLength": 1}), json!("ä"), json!(""), "it has 0 characters; at least 1 must be there"),
        (json!({"maxItems": 1}), json!([1]), json!([1, 2]), "it has 2 items; at most 1 are accepted"),
        (json!({"pattern": "^\\d+$"}), json!("42"), json!("x"), "`x` does not match the pattern ^\\d+$"),
        (json!({"const": 1}), json!(1.0), json!(2), "expected `1`, got `2`"),
        (
            json!({"enum": ["any", "file"]}),
            json!("any"),
            json!("fle"),
            "expected one of any, file, got `fle` (did you mean `file`?)",
        ),
        (
            json!({"items": {"type": "string"}}),
            json!(["a"]),
            json!(["a", 1]),
            "`1`: expected a text, got `1` (write it in quotes: \"1\")",
        ),
        (json!({"uniqueItems": true}), json!([1, 2]), json!([1, 1]), "`1` is there twice"),
        (
            json!({"not": {"type": "null"}}),
            json!(1),
            json!(null),
            "it has the one form that it must not have",
        ),
    ] {
        assert_eq!(says(schema.clone(), good), Vec::<String>::new(), "{schema}");
        assert_eq!(says(schema, bad), [message]);
    }
}

#[test]
fn alternatives_say_what_was_meant() {
    let schema = json!({"anyOf": [
        {"type": "string"},
        {"type": "object", "properties": {"max": {"type": "integer"}}, "additionalProperties": false},
        {"type": "null"},
    ]});
    assert_eq!(says(schema.clone(), json!({"max": "x"})), ["`max`: expected a whole number, got `x`"]);
    assert_eq!(says(schema, json!(7)), ["expected a text or a map, got `7` (write it in quotes: \"7\")"]);
}

#[test]
fn types_that_hold_themselves_end() {
    let tree = json!({"$ref": "#/$defs/Tree", "$defs": {
        "Tree": {"type": "object", "properties": {"left": {"$ref": "#/$defs/Tree"}}, "additionalProperties": false},
    }});
    assert_eq!(
        says(tree, json!({"left": {"left": {"right": {}}}})),
        ["`left.left.right`: unknown key `right` (known here: left)"]
    );
    let itself = json!({"$ref": "#"});
    assert_eq!(says(itself, json!(1)), ["it is nested too deeply"]);
}

#[test]
fn templates_fit_wherever_they_stand() {
    let schema = json!({"type": "object", "required": ["port", "host"], "additionalProperties": false,
                        "properties": {"port": {"type": "integer"}, "host": {"type": "string"}}});
    let value = json!({"port": "{{ params.port }}", "hosst": 1});
    assert_eq!(
        check(schema.clone(), value.clone(), Strictness::Templates),
        [
            "`hosst`: unknown key `hosst` (did you mean `host`? Known here: port, host)",
            "`host`: `host` is missing",
        ]
    );
    assert_eq!(says(schema, value).len(), 3);
}

#[test]
fn secrets_are_not_quoted() {
    let schema = json!({"type": "string", "pattern": "^a", "x-secret": true});
    assert_eq!(says(schema, json!("hunter22")), ["a text does not match the pattern ^a"]);
}
