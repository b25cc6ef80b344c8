//! Large, deep and arbitrary texts: read quickly, or refused with a clear code, never worse.

#![cfg(test)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;
use windlass_lang::{MAX_BYTES, load, parse};
use windlass_model::fact::{Catalog, PluginFacts, PluginKind};
use windlass_model::plan::Plan;

fn catalog() -> Catalog {
    [PluginFacts::plain("noop", PluginKind::Acting), PluginFacts::plain("look", PluginKind::Check)]
        .into_iter()
        .collect()
}

fn with_nodes(nodes: &str) -> String {
    format!(
        "apiVersion: windlass.dev/v1\nkind: Plan\nmetadata: {{name: p}}\nspec:\n  blocks:\n    - name: b\n      sequence: [{{name: a, use: noop}}]\n      targets:\n        nodes:\n{nodes}"
    )
}

#[test]
fn a_million_explicit_nodes_in_fifty_megabytes() {
    let mut nodes = String::with_capacity(52 << 20);
    for n in 0..1_000_000 {
        nodes.push_str(&format!("          - node-{n:07}.rack-11.example.net\n"));
    }
    let text = with_nodes(&nodes);
    assert!(text.len() > 40_000_000);
    let loaded = load("large.yaml", &text, &catalog()).unwrap();
    assert_eq!(loaded[0].plan.spec.blocks[0].targets.as_ref().unwrap().nodes.len(), 1_000_000);
}

#[test]
fn a_file_that_is_too_large() {
    let text = with_nodes(&"          - n\n".repeat(MAX_BYTES / 12 + 1));
    assert!(load("large.yaml", &text, &catalog()).unwrap_err().to_string().contains("WL-0106"));
}

#[test]
fn a_million_problems_are_not_all_listed() {
    let text = with_nodes(&"          - {x: 1}\n".repeat(100_000));
    let invalid = load("bad.yaml", &text, &catalog()).unwrap_err();
    assert!(invalid.found().len() <= 1000);
}

/// Texts that look like plans, so that the deeper layers are reached.
fn near_plan() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("spec"),
        Just("blocks"),
        Just("name"),
        Just("sequence"),
        Just("targets"),
        Just("nodes"),
        Just("use"),
        Just("with"),
        Just("noop"),
        Just("verify"),
        Just("undo"),
        Just("{{ params.x }}"),
        Just("[a]"),
        Just("&a"),
        Just("*a"),
        Just("<<"),
        Just("5%"),
        Just("params"),
        Just("stepsets"),
        Just("failures"),
        Just("{max: 1}"),
        Just("~"),
        Just("|"),
        Just("- "),
        Just("? "),
    ];
    prop::collection::vec((0_usize..6, word, prop::bool::ANY), 0..30).prop_map(|lines| {
        let mut text = "apiVersion: windlass.dev/v1\nkind: Plan\n".to_owned();
        for (indent, word, key) in lines {
            text.push_str(&"  ".repeat(indent));
            text.push_str(word);
            text.push_str(if key { ":\n" } else { "\n" });
        }
        text
    })
}

fn plans() -> impl Strategy<Value = Plan> {
    let amount = prop_oneof![Just(json!(3)), Just(json!("20%"))];
    let action = (0_usize..3, prop::option::of(0_u32..5), prop::bool::ANY).prop_map(|(n, retries, undo)| {
        let mut action = json!({"name": format!("a{n}"), "use": "noop", "timeout": "1m30s", "backoff": "fast"});
        if let Some(retries) = retries {
            action["retries"] = json!(retries);
        }
        if undo {
            action["undo"] = json!({"use": "noop", "with": {"x": [1, null, "no", "0644", "1.10", "a: b", "{{ run.id }}"]}});
            action["verify"] = json!([{"use": "look"}]);
            action["verifyAfter"] = json!(true);
        }
        action
    });
    let block = (prop::collection::vec(action, 1..4), amount, prop::bool::ANY).prop_map(|(mut actions, amount, explicit)| {
        let mut names = BTreeMap::new();
        for action in &mut actions {
            let count = names.entry(action["name"].to_string()).or_insert(0);
            *count += 1;
            action["name"] = json!(format!("{}-{count}", action["name"].as_str().unwrap()));
        }
        if explicit {
            json!({"sequences": [{"name": "s", "vars": {"a": "true"}, "actions": actions}], "concurrency": amount})
        } else {
            json!({"targets": {"nodes": ["n[1-3]", {"name": "x", "labels": {"rack": "1"}}]}, "sequence": actions,
                "concurrency": amount, "failures": {"max": amount, "strict": true}, "batches": [1, "50%"], "soak": "5m"})
        }
    });
    prop::collection::vec(block, 1..4).prop_map(|mut blocks| {
        for (index, block) in blocks.iter_mut().enumerate() {
            block["name"] = json!(format!("b{index}"));
        }
        serde_json::from_value(json!({
            "apiVersion": "windlass.dev/v1", "kind": "Plan", "metadata": {"name": "p", "labels": {"on": "yes"}},
            "spec": {"params": {"p": {"type": "duration", "default": "5m"}}, "blocks": blocks},
        }))
        .unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in "\\PC*|[ \\t\\n:\\-\\[\\]{}&*!|>'\"%@#,?a-c0-9]{0,200}") {
        let _ = parse("any", &text);
        let _ = load("any", &text, &catalog());
    }

    #[test]
    fn nothing_like_a_plan_panics(text in near_plan()) {
        if let Err(invalid) = load("any", &text, &catalog()) {
            prop_assert!(!invalid.found().is_empty());
            let _ = invalid.render(&miette::GraphicalReportHandler::new());
            let _ = invalid.to_json();
        }
    }

    #[test]
    fn a_printed_plan_loads_to_the_same(plan in plans()) {
        for text in [serde_json::to_string(&plan).unwrap(), serde_json::to_string_pretty(&plan).unwrap()] {
            let loaded = load("any", &text, &catalog()).map_err(|why| TestCaseError::fail(why.to_string()))?;
            prop_assert_eq!(&*loaded[0].plan, &plan);
        }
    }
}
