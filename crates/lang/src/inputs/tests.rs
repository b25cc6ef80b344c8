//! Parameters and targets together: everything at once, and nothing that only follows.

use serde_json::json;

use super::*;
use crate::Evaluator;

fn plan() -> Plan {
    serde_json::from_value(json!({
        "apiVersion": "windlass.dev/v1", "kind": "Plan", "metadata": {"name": "p"},
        "spec": {
            "params": {"hosts": {"type": "list", "required": true}, "rack": {"type": "int", "default": 1}},
            "vars": {"all": "{{ params.hosts }}"},
            "blocks": [
                {"name": "a", "targets": {"nodes": ["{{ vars.all }}"]}, "sequence": [{"name": "x", "use": "noop"}]},
                {"name": "b", "targets": {"nodes": ["r{{ params.rack }}"], "excludeNodes": ["r9", "q"]},
                 "failures": 1, "maxPer": {"rack": 1}, "sequence": [{"name": "x", "use": "noop"}]},
                {"name": "c", "sequences": [{"name": "s", "actions": [{"name": "x", "use": "noop"}]}]},
            ],
        },
    }))
    .unwrap()
}

fn check(given: &[(&str, &str)], step_set: &str, expect: &[&str]) {
    let given = given.iter().map(|(name, text)| ((*name).to_owned(), Given::Text((*text).to_owned())));
    let said = match inputs(&plan(), step_set, given.collect(), None, &Evaluator::new(), Among::default()) {
        Ok(inputs) => {
            let names = inputs.targets.iter().map(|targets| targets.names().collect::<Vec<_>>().join(" "));
            names.chain(inputs.warnings.iter().map(ToString::to_string)).collect::<Vec<_>>()
        }
        Err(problems) => problems.0.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(said, expect);
}

#[test]
fn freezes_targets_and_says_what_is_odd() {
    check(
        &[("hosts", "n1,n2")],
        "default",
        &[
            "n1 n2",
            "r1",
            "",
            "WL-0707 b: `r9` excludes nothing",
            "WL-0707 b: `q` excludes nothing",
            "WL-0706 b: 1 may fail, and there is only 1: no number of failures ends this block",
            "WL-0706 b: no target has a label `rack`, so nothing is limited by it",
        ],
    );
}

#[test]
fn says_all_at_once_and_nothing_that_only_follows() {
    check(
        &[("rack", "9")],
        "default",
        &["WL-0217 params.hosts: the parameter `hosts` (list) is missing", "WL-0218 b: no nodes are left"],
    );
    check(
        &[("hosts", "a"), ("rack", "x"), ("rak", "2")],
        "mian",
        &[
            "WL-0216 params.rak: there is no parameter `rak`",
            "WL-0215 params.rack: `x` is not of type int",
            "WL-0213: there is no step set `mian`",
        ],
    );
    check(&[("hosts", "a b")], "default", &["WL-0202 a: `a b` cannot name a node"]);
}

#[test]
fn takes_targets_that_are_frozen_already_but_no_step_set_that_is_not_there() {
    let given = || BTreeMap::from([("hosts".to_owned(), Given::Value(json!(["n"])))]);
    let frozen: Frozen = ["m".to_owned()].into_iter().collect();
    let targets = vec![frozen.clone(), frozen, Frozen::default()];
    let inputs = |set: &str| {
        super::inputs(&plan(), set, given(), Some(targets.clone()), &Evaluator::new(), Among::default())
    };
    assert_eq!(inputs("default").unwrap().targets, targets);
    assert!(inputs("other").unwrap_err().to_string().contains("WL-0213"));
}

/// An inventory of two nodes.
#[derive(Debug)]
struct Two;

impl windlass_model::freeze::KnownVars for Two {
    fn has_var(&self, _: &str) -> bool {
        false
    }

    fn var_names(&self) -> Vec<&str> {
        Vec::new()
    }
}

impl Nodes for Two {
    fn choose(&self, asked: &freeze::Asked, _: &Inventory<'_>) -> freeze::Choice {
        let mut choice = freeze::Choice::default();
        for wish in &asked.include {
            let freeze::What::Node(name) = &wish.what else { continue };
            if ["web01", "lb01"].contains(&name.as_str()) {
                let vars = json!({"lb": "lb01"}).as_object().unwrap().clone();
                let node = windlass_model::target::Node::named(name);
                choice.targets.push(windlass_model::target::Node { vars, ..node });
            } else {
                let (code, message) =
                    (windlass_model::code::UNKNOWN_NODE, format!("there is no node `{name}`"));
                choice.problems.push(Problem::new(code, "", wish.pointer(), message));
            }
        }
        choice
    }
}

#[test]
fn nodes_that_actions_go_to_are_frozen_with_the_targets() {
    let found = |on: &str| {
        let plan: Plan = serde_json::from_value(json!({
            "apiVersion": "windlass.dev/v1", "kind": "Plan", "metadata": {"name": "p"},
            "spec": {"blocks": [{"name": "b", "targets": {"nodes": ["web01"]},
                                 "sequence": [{"name": "x", "use": "noop", "on": on}]}]},
        }))
        .unwrap();
        let among = Among { nodes: Some(&Two), filter: None };
        inputs(&plan, "default", BTreeMap::new(), None, &Evaluator::new(), among)
    };
    let others = |on: &str| found(on).unwrap().others.names().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(others("lb01"), ["lb01"]);
    assert_eq!(others("{{ vars.lb }}"), ["lb01"], "what the target says of itself counts");
    assert_eq!(others("{{ store.later }}"), Vec::<String>::new());
    assert_eq!(others("web01"), Vec::<String>::new(), "a target is no other node");
    let problems = found("stranger").unwrap_err().0;
    let told: Vec<_> = problems
        .iter()
        .map(|found| format!("{} {}: {}", found.address, found.pointer, found.message))
        .collect();
    assert_eq!(told, ["b/*/x /spec/blocks/0/sequence/0/on: `on`: there is no node `stranger`"]);
}
