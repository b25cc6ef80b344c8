//! What is found after a plan was read, as people see it: drawn where it was written and where it was given.

use std::collections::BTreeMap;
use std::sync::Arc;

use miette::{GraphicalReportHandler, GraphicalTheme};
use serde_json::json;
use windlass_lang::{Among, Evaluator, Excerpt, Findings, Given, Loaded, Source, inputs, load};
use windlass_model::code;
use windlass_model::plan::Plan;
use windlass_model::problem::Problem;

use super::catalog;

const PLAN: &str = r#"apiVersion: windlass.dev/v1
kind: Plan
metadata: {name: rolling-patch}
spec:
  params:
    release: {type: string, pattern: '^\d+\.\d+$', required: true, description: The release to install.}
    count: {type: int, min: 1, max: 10, default: 3}
    site: {enum: [north, south], default: north}
    hosts: {type: list, default: []}
    token: {type: secret, pattern: '^.{8,}$'}
  blocks:
    - name: patch
      targets: {nodes: ["web[1-3]"], excludeNodes: ["web[1-{{ params.count }}]", web9]}
      sequence:
        - {name: go, use: shell, with: {script: "{{ params.release }} {{ params.site }} {{ params.token }}"}}
    - name: others
      targets: {nodes: ["{{ params.hosts }}"]}
      failures: 2
      sequence: [{name: go, use: noop}]
"#;

fn draw(findings: &Findings) -> String {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(100);
    findings.render(&handler)
}

/// As a command line gives it: `-p name=text`.
fn option(name: &str, text: &str) -> Excerpt {
    let before = format!("-p {name}=");
    let source = Source::new("command line", &format!("{before}{text}"));
    Excerpt { source, span: before.len()..before.len() + text.len() }
}

fn found(loaded: &Loaded, given: &[(&str, &str)], step_set: &str) -> Findings {
    let texts = given.iter().map(|(name, text)| ((*name).to_owned(), Given::Text((*text).to_owned())));
    let problems =
        match inputs(&loaded.plan, step_set, texts.collect(), None, &Evaluator::new(), Among::default()) {
            Ok(inputs) => inputs.warnings,
            Err(problems) => problems.0,
        };
    loaded.findings(problems, &|problem| {
        let name = problem.address.strip_prefix("params.")?;
        given.iter().find(|(known, _)| *known == name).map(|(name, text)| option(name, text))
    })
}

fn plan() -> Loaded {
    load("plan.yaml", PLAN, &catalog()).unwrap_or_else(|why| panic!("{why}")).remove(0)
}

#[test]
fn draws_parameters_where_they_were_given_and_declared() {
    let given = [
        ("release", "abc"),
        ("count", "11"),
        ("site", "nort"),
        ("hosts", "[1"),
        ("token", "…"),
        ("tokn", "…"),
    ];
    insta::assert_snapshot!(draw(&found(&plan(), &given, "default")));
}

#[test]
fn draws_what_is_missing_and_what_selects_nothing() {
    insta::assert_snapshot!(draw(&found(&plan(), &[], "default")));
    insta::assert_snapshot!(draw(&found(&plan(), &[("release", "1.4"), ("hosts", "a b,c*")], "default")));
}

#[test]
fn draws_a_step_set_that_is_not_there() {
    let text = PLAN.replace("  blocks:\n", "  stepsets: {enter: {blocks: [{name: b, sequences: [{name: s, actions: [{name: a, use: noop}]}]}]}}\n  deferred:\n");
    let text = text.split("  deferred:").next().unwrap();
    let loaded = load("plan.yaml", text, &catalog()).unwrap().remove(0);
    insta::assert_snapshot!(draw(&found(&loaded, &[("release", "1.4")], "entr")));
}

#[test]
fn draws_warnings() {
    let loaded = plan();
    let mut warnings = loaded.warnings.clone();
    let given = [("release", "1.4"), ("hosts", "a,b"), ("count", "1")];
    warnings.extend(found(&loaded, &given, "default").problems().0);
    let findings = loaded.findings(warnings, &|_| None);
    insta::assert_snapshot!(draw(&findings));
    insta::assert_json_snapshot!(findings.to_json_list());
}

#[test]
fn says_as_json_what_was_given() {
    insta::assert_json_snapshot!(found(&plan(), &[("release", "abc"), ("tokn", "x")], "default").to_json());
}

#[test]
fn draws_in_a_plan_that_was_never_in_a_file() {
    let plan: Plan = serde_json::from_value(json!({
        "apiVersion": "windlass.dev/v1", "kind": "Plan", "metadata": {"name": "p"},
        "spec": {
            "params": {"token": {"type": "secret", "required": true}},
            "blocks": [{"name": "b", "targets": {"nodes": ["n"]}, "sequence": [{"name": "go", "use": "gone"}]}],
        },
    }))
    .unwrap();
    let loaded = Loaded::printed("the plan of run 0199f3c2", Arc::new(plan));
    let mut problems = windlass_lang::validate(&loaded.plan, &catalog());
    let of_inputs =
        inputs(&loaded.plan, "default", BTreeMap::new(), None, &Evaluator::new(), Among::default());
    problems.extend(of_inputs.unwrap_err().0);
    problems.push(Problem::new(
        code::PLUGIN_NOT_READY,
        "b/n/go",
        "",
        "plugin `gone` is not ready: it went away",
    ));
    insta::assert_snapshot!(draw(&loaded.findings(problems, &|_| None)));
}
