//! Problems as people see them: drawn in the file.

use miette::{GraphicalReportHandler, GraphicalTheme};
use windlass_lang::load;

use super::{GOOD, catalog};

fn drawn(text: &str) -> String {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(100);
    load("plan.yaml", text, &catalog()).unwrap_err().render(&handler)
}

#[test]
fn draws_everything_that_is_wrong() {
    let text = GOOD
        .replace("concurrency: 5", "concurency: 5")
        .replace("timeout: 5m", "timeout: 5x")
        .replace("use: command\n", "use: comand\n")
        .replace("{{ params.release }}\"}, save", "{{ params.relese }}\"}, save")
        .replace("name: verify", "name: patch");
    insta::assert_snapshot!(drawn(&text));
}

#[test]
fn draws_what_is_no_yaml() {
    insta::assert_snapshot!(drawn("apiVersion: windlass.dev/v1\nkind: Plan\nspec:\n\tblocks: []\n"));
}

#[test]
fn draws_a_template_without_quotes() {
    insta::assert_snapshot!(drawn(
        "apiVersion: windlass.dev/v1\nkind: Plan\nspec:\n  vars:\n    a: {{ params.release }}\n"
    ));
}

#[test]
fn draws_duplicate_keys() {
    insta::assert_snapshot!(drawn("apiVersion: windlass.dev/v1\nkind: Plan\nmetadata: {name: a, name: b}\n"));
}

#[test]
fn draws_a_short_part_of_a_long_line() {
    let nodes: Vec<String> = (0..10_000).map(|n| format!("\"n{n}\"")).collect();
    let text = format!(
        "{{\"apiVersion\": \"windlass.dev/v1\", \"kind\": \"Plan\", \"metadata\": {{\"name\": \"p\"}}, \"spec\": {{\"blocks\": [{{\"name\": \"b\", \"targets\": {{\"nodes\": [{}]}}, \"concurency\": 5, \"sequence\": [{{\"name\": \"a\", \"use\": \"noop\"}}]}}]}}}}",
        nodes.join(", ")
    );
    let shown = drawn(&text);
    assert!(shown.len() < 3_000, "{} bytes", shown.len());
    assert!(shown.contains("concurency"), "{shown}");
}

#[test]
fn says_it_as_json() {
    let text = GOOD.replace("concurrency: 5", "concurency: 5");
    let invalid = load("plan.yaml", &text, &catalog()).unwrap_err();
    insta::assert_json_snapshot!(invalid.to_json());
}
