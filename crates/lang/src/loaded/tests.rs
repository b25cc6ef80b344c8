//! Addresses that lead back into the plan, and plans that were never in a file.

use windlass_model::code;

use super::*;

const PLAN: &str = r#"
apiVersion: windlass.dev/v1
kind: Plan
metadata: {name: p}
spec:
  params: {release: {}}
  checks:
    pre: [{name: look, use: look}]
  stepsets:
    default:
      blocks:
        - name: patch
          targets: {nodes: [web]}
          sequence: {lock: l, actions: [{name: go, use: noop, undo: {use: noop}, verify: [{use: look}]}]}
    maint:
      blocks:
        - {name: own, sequences: [{name: s, actions: [{name: a, use: noop}]}]}
  deferred: [{name: tell, actions: [{name: mail, use: noop}]}]
"#;

fn plan() -> Arc<Plan> {
    let document = yaml::parse("p", PLAN).unwrap().remove(0);
    Arc::new(serde_json::from_value(document.value).unwrap())
}

#[test]
fn finds_elements_by_their_addresses() {
    let plan = plan();
    for (address, expect) in [
        ("params.release", Some("/spec/params/release")),
        ("params.other", None),
        ("checks.pre/look", Some("/spec/checks/pre/0")),
        ("patch", Some("/spec/stepsets/default/blocks/0")),
        ("patch/web", Some("/spec/stepsets/default/blocks/0/sequence")),
        ("patch/web/go", Some("/spec/stepsets/default/blocks/0/sequence/actions/0")),
        ("patch/web/go!undo", Some("/spec/stepsets/default/blocks/0/sequence/actions/0/undo")),
        ("patch/*/go!verify/look", Some("/spec/stepsets/default/blocks/0/sequence/actions/0/verify/0")),
        ("patch/web/gone", Some("/spec/stepsets/default/blocks/0/sequence")),
        ("maint:own/s/a", Some("/spec/stepsets/maint/blocks/0/sequences/0/actions/0")),
        ("deferred/tell/mail", Some("/spec/deferred/0/actions/0")),
        ("nowhere/at/all", None),
    ] {
        assert_eq!(address::pointer(&plan, address).as_deref(), expect, "{address}");
    }
}

#[test]
fn places_problems_of_a_plan_that_was_never_in_a_file() {
    let loaded = Loaded::printed("the plan of run 7", plan());
    let problem = |address: &str| Problem::new(code::PLUGIN_MISSING, address, "", "gone");
    let findings = loaded.findings([problem("maint:own/s/a"), problem("patch/web")], &|_| None);
    let text = findings.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("the plan of run 7:") && lines[0].ends_with("patch/web: gone"), "{text}");
    assert!(lines[1].ends_with("maint:own/s/a: gone"), "{text}");
}
