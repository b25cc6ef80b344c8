//! The scenarios of the engine's design that are about plan files: W18 and W32, rule by rule.

#![cfg(test)]

#[path = "scenario/drawn.rs"]
mod drawn;
#[path = "scenario/later.rs"]
mod later;
#[path = "scenario/rules.rs"]
mod rules;
#[path = "scenario/strange.rs"]
mod strange;

use serde_json::{Value, json};
use windlass_lang::load;
use windlass_model::fact::{Catalog, PluginFacts, PluginKind};

/// Plugins with schemas like those of real ones.
fn catalog() -> Catalog {
    let with = |name: &str, kind, request: Value| PluginFacts {
        request: std::sync::Arc::new(request),
        ..PluginFacts::plain(name, kind)
    };
    let command = json!({
        "type": "object", "additionalProperties": false, "required": ["argv"],
        "properties": {
            "argv": {"type": "array", "items": {"type": "string"}, "minItems": 1, "description": "The command and its arguments."},
            "env": {"type": "object", "additionalProperties": {"type": "string"}},
            "timeoutCode": {"type": ["integer", "null"], "minimum": 0, "maximum": 255},
        },
    });
    let shell = json!({
        "type": "object", "additionalProperties": false, "required": ["script"],
        "properties": {"script": {"type": "string"}},
    });
    let http = json!({
        "type": "object", "additionalProperties": false, "required": ["url"],
        "properties": {"url": {"type": "string"}, "method": {"enum": ["GET", "POST"]}},
    });
    [
        with("command", PluginKind::Acting, command.clone()),
        with("command.check", PluginKind::Check, command),
        with("shell", PluginKind::Acting, shell),
        with("http", PluginKind::Acting, http.clone()),
        with("http.check", PluginKind::Check, http),
        with("noop", PluginKind::Acting, json!({"type": "object", "additionalProperties": false})),
    ]
    .into_iter()
    .collect()
}

/// The plan of the design, whole.
const GOOD: &str = r#"apiVersion: windlass.dev/v1
kind: Plan
metadata: {name: rolling-patch, labels: {team: web}}
spec:
  params:
    release: {type: string, pattern: '^\d+\.\d+$', required: true}
  vars: {unit: nginx}
  checks:
    bypass: []
    pre: [{name: change-open, use: http.check, with: {url: "https://change/{{ params.release }}"}}]
    continuous: [{name: error-rate, use: command.check, with: {argv: [check-errors]}}]
    every: 10s
    post: []
    deferred: []
  blocks:
    - name: patch
      targets: {nodes: [web01, "web0[2-9]"], excludeNodes: [web07]}
      concurrency: 5
      batches: [1, 10%, 50%]
      soak: 2m
      failures: {max: 2, strict: true}
      onFailure: undo
      sequence:
        - name: drain
          use: command
          with: {argv: [drain, "{{ node.name }}"]}
          timeout: 5m
          retries: 3
          backoff: seconds
          undo: {use: command, with: {argv: [undrain, "{{ node.name }}"]}}
        - {name: patch, use: shell, with: {script: "patch {{ params.release }}"}, save: {kernel: stdout}}
    - name: verify
      sequences:
        - {name: probe, actions: [{name: get, use: http, with: {url: "https://web/"}}]}
  deferred:
    - {name: tell, when: always, actions: [{name: mail, use: http, with: {url: "https://hook/", method: POST}}]}
"#;

/// What is wrong with a file: `line code address`, one a line.
fn problems(text: &str) -> Vec<String> {
    match load("plan.yaml", text, &catalog()) {
        Ok(_) => Vec::new(),
        Err(invalid) => invalid
            .found()
            .iter()
            .map(|found| {
                let (line, _) = invalid.source_text().position(found.span.as_ref().unwrap().start);
                format!("{line} {} {}", found.problem.code, found.problem.address).trim_end().to_owned()
            })
            .collect(),
    }
}

#[test]
fn the_plan_of_the_design_is_accepted() {
    let loaded = load("plan.yaml", GOOD, &catalog()).unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(loaded.len(), 1);
    assert_eq!(loaded[0].plan.spec.blocks.len(), 2);
}

#[test]
fn w32_duplicates_and_misplaced_plugins_are_rejected_at_once_and_can_be_corrected() {
    let bad = r#"apiVersion: windlass.dev/v1
kind: Plan
metadata: {name: p}
spec:
  checks:
    pre: [{name: look, use: command, with: {argv: [look]}}]
  blocks:
    - name: patch
      targets: {nodes: [a]}
      sequence:
        - {name: go, use: command, with: {argv: [go]}}
        - {name: go, use: command, with: {argv: [go]}}
        - {name: see, use: http.check, with: {url: "https://x/"}}
    - name: patch
      sequences: [{name: s, actions: [{name: a, use: noop}]}]
"#;
    assert_eq!(
        problems(bad),
        ["6 WL-0208 checks.pre/look", "12 WL-0203 patch/*/go", "13 WL-0207 patch/*/see", "14 WL-0203 patch",]
    );
    let corrected = bad
        .replace("use: command, with: {argv: [look]}", "use: command.check, with: {argv: [look]}")
        .replacen("{name: go,", "{name: begin,", 1)
        .replace("use: http.check", "use: http")
        .replace("    - name: patch\n      sequences", "    - name: after\n      sequences");
    assert_eq!(problems(&corrected), [] as [&str; 0]);
}
