//! Addresses and places of what is wrong; the rules one by one are proved with plan files, in `lang`.

use serde_json::json;

use super::*;
use crate::Value;
use crate::fact::{PluginFacts, PluginKind};
use crate::schema::NoPatterns;

pub(super) fn catalog() -> Catalog {
    [PluginFacts::plain("command", PluginKind::Acting), PluginFacts::plain("probe", PluginKind::Check)]
        .into_iter()
        .collect()
}

/// The codes, addresses and pointers of what is wrong with a plan of this spec.
fn check(spec: Value, expect: &[&str]) {
    let plan: Plan = serde_json::from_value(json!({
        "apiVersion": API_VERSION, "kind": "Plan", "metadata": {"name": "p"}, "spec": spec,
    }))
    .unwrap();
    let found: Vec<String> = super::plan(&plan, &catalog(), &NoPatterns)
        .into_iter()
        .map(|problem| format!("{} {} {}", problem.code, problem.address, problem.pointer))
        .collect();
    assert_eq!(found, expect, "{plan:#?}");
}

#[test]
fn accepts_what_is_right() {
    check(
        json!({"blocks": [{
            "name": "b", "targets": {"nodes": ["a"]}, "maxPer": {"rack": 1}, "canary": 1, "soak": "0s",
            "sequence": [{"name": "x", "use": "command", "verify": [{"use": "probe"}], "verifyAfter": true,
                "undo": {"use": "command"}, "save": {"v": "body.items[0].id"}, "on": "{{ params.x }}"}],
        }]}),
        &[],
    );
}

#[test]
fn addresses_step_sets_and_verifying_checks() {
    let block = json!({"name": "b", "targets": {"nodes": ["a"]}, "sequence": {"vars": {"v": 1}, "actions": [
        {"name": "x", "use": "command", "verify": [{"use": "command"}], "undo": {"use": "probe"}},
    ]}});
    check(
        json!({"stepsets": {"maint": {"blocks": [block]}, "default": {"blocks": [block]}}}),
        &[
            "WL-0208 maint:b/*/x!verify/command /spec/stepsets/maint/blocks/0/sequence/actions/0/verify/0/use",
            "WL-0207 maint:b/*/x!undo /spec/stepsets/maint/blocks/0/sequence/actions/0/undo/use",
            "WL-0208 b/*/x!verify/command /spec/stepsets/default/blocks/0/sequence/actions/0/verify/0/use",
            "WL-0207 b/*/x!undo /spec/stepsets/default/blocks/0/sequence/actions/0/undo/use",
        ],
    );
}
