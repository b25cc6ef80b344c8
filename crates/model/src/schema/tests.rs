//! Values and schemas that do not fit each other.

use serde_json::json;

use super::*;

#[derive(Debug)]
struct Digits;

impl Patterns for Digits {
    fn compile(&self, _: &str) -> Result<(), String> {
        Ok(())
    }

    fn matches(&self, _: &str, text: &str) -> Option<bool> {
        Some(text.bytes().all(|byte| byte.is_ascii_digit()))
    }
}

fn problems(schema: &Value, value: Value, templates: bool) -> Vec<String> {
    check(schema, &value, Rules { templates, patterns: &Digits })
        .into_iter()
        .map(|problem| {
            let help = problem.help.map(|help| format!(" ({help})")).unwrap_or_default();
            format!("{}: {}{help}", problem.pointer, problem.message)
        })
        .collect()
}

fn schema() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["argv"],
        "properties": {
            "argv": {"type": "array", "items": {"type": "string"}, "minItems": 1, "description": "The command.\nMore."},
            "code": {"type": ["string", "null"], "pattern": "^\\d+$", "x-expects": "digits"},
            "method": {"enum": ["GET", "POST"]},
            "size": {"type": "integer", "minimum": 1, "maximum": 10},
            "form": {"anyOf": [{"$ref": "#/$defs/Long"}, {"type": "boolean"}]},
            "token": {"type": "string", "x-secret": true, "maxLength": 3},
            "env": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "$defs": {"Long": {"type": "object", "additionalProperties": false, "properties": {"deep": {"type": "integer"}}}},
    })
}

#[test]
fn names_every_problem() {
    for (value, expect) in [
        (json!({"argv": ["a"]}), &[][..]),
        (json!({}), &["/argv: `argv` is missing (The command.)"]),
        (json!({"argv": []}), &["/argv: it has 0 items; at least 1 must be there"]),
        (json!({"argv": ["a", 5]}), &["/argv/1: expected a text, got `5` (write it in quotes: \"5\")"]),
        (
            json!({"arvg": ["a"], "argv": ["x"]}),
            &[
                "/arvg: unknown key `arvg` (did you mean `argv`? Known here: argv, code, method, size, form, token, env)",
            ],
        ),
        (json!({"argv": ["a"], "code": "1x"}), &["/code: expected digits, got `1x`"]),
        (json!({"argv": ["a"], "code": null}), &[]),
        (
            json!({"argv": ["a"], "method": "PSOT"}),
            &["/method: expected one of GET, POST, got `PSOT` (did you mean `POST`?)"],
        ),
        (
            json!({"argv": ["a"], "size": 0, "env": {"a/b": []}}),
            &["/size: 0 is too small; the least is 1", "/env/a~1b: expected a text, got a list"],
        ),
        (json!({"argv": ["a"], "form": {"deep": "x"}}), &["/form/deep: expected a whole number, got `x`"]),
        (json!({"argv": ["a"], "form": 5}), &["/form: expected a map or true or false, got `5`"]),
        (
            json!({"argv": ["a"], "token": "hunter2"}),
            &["/token: it has 7 characters; at most 3 are accepted"],
        ),
        (json!({"argv": ["a"], "token": 12345}), &["/token: expected a text, got a whole number"]),
        (json!([]), &[": expected a map, got a list"]),
    ] {
        assert_eq!(problems(&schema(), value.clone(), false), expect, "{value}");
    }
}

#[test]
fn lets_templates_stand_anywhere() {
    let value = json!({"argv": "{{ params.argv }}", "size": "{{ params.size }}", "method": "{% if x %}", "form": "{{ x }}"});
    assert_eq!(problems(&schema(), value.clone(), true), [] as [&str; 0]);
    assert_eq!(problems(&schema(), value, false).len(), 4);
}

#[test]
fn ends_with_references_that_lead_back() {
    let schema = json!({"$ref": "#"});
    assert!(!problems(&schema, json!(1), false).is_empty());
}
