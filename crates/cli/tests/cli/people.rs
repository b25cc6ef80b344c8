//! What waits for people: approvals, interrupted actions, retries.

use crate::harness::{Place, ended};

const APPROVAL: &str = "  approval: {quorum: 1}
  blocks: [{name: a, sequences: [{name: s, actions: [{name: x, use: noop}]}]}]
";

#[test]
fn a_run_that_needs_approval_says_whose_and_stays() {
    let place = Place::new();
    let plan = place.plan("guarded", APPROVAL);
    let first = place.run(&["run", plan.to_str().unwrap()]).exits(4);
    first.says(&["waits for approval", "somebody other than ada", "windlass runs approve"]);
    place.run(&["runs", "show"]).exits(0).shows(&["awaiting approval"]).says(&["digest"]);
    place.run(&["runs", "approve"]).exits(2).says(&["WL-0304"]);
    place.run(&["runs", "approve", "--digest", "0123456789abcdef"]).exits(2).says(&["WL-0305"]);
    let mut grace = place.command(&["runs", "approve", "--why", "CHG-1042"]);
    grace.env("WINDLASS_USER", "grace");
    ended(grace).exits(0).shows(&["approved run"]).says(&["windlass recover"]);
    place.run(&["recover"]).exits(0).shows(&["guarded succeeded"]);
    place.run(&["runs", "report"]).exits(0).shows(&["approved by grace", "CHG-1042"]);
}

#[test]
fn two_people_approve_from_two_processes_and_recover_begins_it() {
    let place = Place::new();
    let plan = place.plan("guarded", &APPROVAL.replace("quorum: 1", "quorum: 2"));
    place.run(&["run", plan.to_str().unwrap()]).exits(4).says(&["0 of 2 so far", "must agree before"]);
    let as_person = |user: &str, verb: &str| {
        let mut command = place.command(&["runs", verb]);
        command.env("WINDLASS_USER", user);
        ended(command)
    };
    place.run(&["runs", "list"]).exits(0).shows(&["0 of 2 approvals, until"]);
    as_person("grace", "approve").exits(0).shows(&["it still waits for others"]);
    place.run(&["runs", "list"]).exits(0).shows(&["1 of 2 approvals, until"]);
    let listed = place.run(&["runs", "list", "--output", "json"]).exits(0).json();
    assert_eq!(listed[0]["approval"]["by"], serde_json::json!(["grace"]));
    place.run(&["runs", "show"]).exits(0).shows(&["1 of 2 until"]);
    // Nobody else has agreed: going on with it changes nothing.
    place.run(&["recover"]).exits(4).says(&["1 of 2 so far"]);
    as_person("linus", "approve").exits(0).says(&["windlass recover"]);
    place.run(&["runs", "show"]).exits(0).says(&["no process drives this run"]);
    place.run(&["recover"]).exits(0).shows(&["guarded succeeded"]);
    // One that is stopped before it begins has ended with that.
    place.run(&["run", plan.to_str().unwrap()]).exits(4);
    as_person("grace", "stop").exits(0).shows(&["has ended: stopped"]);
    place.run(&["recover"]).exits(0).says(&["nothing to recover"]);
}

#[test]
fn the_author_approves_where_the_plan_lets_them() {
    let place = Place::new();
    let plan = place.plan("guarded", &APPROVAL.replace("quorum: 1", "quorum: 1, allowAuthor: true"));
    place.run(&["run", plan.to_str().unwrap()]).exits(4).says(&["--approve"]);
    place.run(&["run", plan.to_str().unwrap(), "--approve"]).exits(0).shows(&["guarded succeeded"]);
    let strict = place.plan("strict", APPROVAL);
    place.run(&["run", strict.to_str().unwrap(), "--approve"]).exits(4).says(&["cannot approve"]);
}

#[test]
fn a_rejected_run_has_failed() {
    let place = Place::new();
    let plan = place.plan("guarded", APPROVAL);
    place.run(&["run", plan.to_str().unwrap()]).exits(4);
    let mut grace = place.command(&["runs", "reject", "--why", "not on a Friday"]);
    grace.env("WINDLASS_USER", "grace");
    ended(grace).exits(0);
    place.run(&["recover"]).exits(0).says(&["nothing to recover"]);
    place.run(&["runs", "show"]).exits(0).shows(&["stopped", "not on a Friday"]);
}

#[test]
fn a_retry_is_a_new_run_of_what_did_not_succeed() {
    let place = Place::new();
    let flag = place.path("flag");
    let log = place.path("log");
    let spec = format!(
        "  blocks:
    - name: patch
      targets: {{nodes: [a, b]}}
      failures: unlimited
      sequence:
        - {{name: x, use: shell, with: {{script: 'echo {{{{ node.name }}}} >> {}; [ {{{{ node.name }}}} = a ] || [ -e {} ]'}}}}
    - name: then
      sequences: [{{name: s, actions: [{{name: y, use: shell, with: {{script: '[ -e {} ]'}}}}]}}]
",
        log.display(),
        flag.display(),
        flag.display()
    );
    let plan = place.plan("twice", &spec);
    place.run(&["run", plan.to_str().unwrap()]).exits(1);
    std::fs::write(flag, "").unwrap();
    let document = place.run(&["runs", "retry", "--output", "json"]).exits(0).json();
    assert!(document["run"]["retryOf"].is_string(), "{}", document["run"]);
    let lines = std::fs::read_to_string(&log).unwrap();
    assert_eq!(lines.lines().collect::<Vec<_>>(), ["a", "b", "b"], "what was done is not done again");
    let done = document["elements"].as_array().unwrap().iter().find(|it| it["address"] == "patch/a").unwrap();
    assert_eq!(done["skipped"], "doneBefore");
    place.run(&["runs", "retry", "--from-scratch"]).exits(0);
    assert_eq!(std::fs::read_to_string(&log).unwrap().lines().count(), 5);
}

#[test]
fn secrets_are_given_again_to_a_retry() {
    let place = Place::new();
    let spec = "  params: {token: {type: secret, required: true}}
  blocks: [{name: a, sequences: [{name: s, actions: [{name: x, use: shell, with: {script: '[ \"$T\" = right ]', env: {T: '{{ params.token }}'}}}]}]}]
";
    let plan = place.plan("secret", spec);
    place.run(&["run", plan.to_str().unwrap(), "-p", "token=wrong"]).exits(1);
    place.run(&["runs", "retry"]).exits(2).says(&["WL-0217", "token"]);
    place.run(&["runs", "retry", "-p", "token=right"]).exits(0);
}
