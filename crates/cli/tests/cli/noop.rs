//! `windlass run --noop` and `rehearse --noop`: nothing is changed, and everything is said.

use serde_json::json;

use crate::harness::Place;

/// Three commands on two nodes; the first has a check that is made, the second makes a file that is there on none.
fn three(place: &Place) -> std::path::PathBuf {
    let dir = place.path("");
    let dir = dir.display();
    place.plan(
        "three",
        &format!(
            "  checks: {{pre: [{{name: ready, use: command.check, with: {{argv: ['true']}}}}]}}
  blocks:
    - name: b
      targets: {{nodes: [web01, web02]}}
      onFailure: undo
      sequence:
        - name: one
          use: shell
          with: {{script: 'touch {dir}one-{{{{ node.name }}}}'}}
          verify: [{{name: there, use: file.exists, with: {{path: '{dir}one-{{{{ node.name }}}}'}}}}]
          save: {{said: stdout}}
        - {{name: two, use: command, with: {{argv: [touch, '{dir}two'], creates: '{dir}one-web02'}}}}
        - {{name: three, use: shell, with: {{script: 'touch {dir}three; echo {{{{ store.said | default(0) }}}}'}}}}
  deferred:
    - {{name: tell, actions: [{{name: mail, use: shell, with: {{script: 'touch {dir}mail'}}}}]}}
"
        ),
    )
}

#[test]
fn p10_a_noop_shows_every_command_starts_none_and_says_which_checks_it_made() {
    let place = Place::new();
    let plan = three(&place);
    place.file("one-web02", "");
    let ended = place.run(&["run", plan.to_str().unwrap(), "--noop"]).exits(0);
    let touch = format!("it would run the script `touch {}one-web01`", place.path("").display());
    let mail = format!("it would run the script `touch {}mail`", place.path("").display());
    let ended = ended.shows(&[
        "three noop: succeeded",
        "nothing was changed",
        "Cannot be told",
        &format!("b/web01/one: {touch}"),
        "b/web01/three: the request of `shell` cannot be rendered: store.said is not known: `one` was not done",
        &format!("b/web02/three: it would run the script `touch {}three; echo 0`", place.path("").display()),
        &format!("deferred/tell/mail: {mail}"),
        "Would change nothing",
        "b/*/two on 2 targets (web01, web02): ",
        "Checks that were really made",
        "checks.pre/ready: 1 passed",
        "b/*/one!verify/there: 1 passed, 1 did not pass",
    ]);
    ended.says(&["b/web01/one cannot be told: it would run"]);
    for name in ["one-web01", "two", "three", "mail"] {
        assert!(!place.path(name).exists(), "{name} was made");
    }

    // It is a run with a log of its own, marked as what it was.
    place.run(&["runs", "list"]).exits(0).shows(&["succeeded (noop)"]);
    let listed = place.json(&["runs", "list", "--output", "json"]);
    assert_eq!((&listed[0]["noop"], listed.as_array().unwrap().len()), (&json!(true), 1));
    place.run(&["runs", "report"]).exits(0).shows(&["three noop: succeeded"]);

    let document = place.json(&["run", plan.to_str().unwrap(), "--noop", "--output", "json"]);
    assert_eq!(document["run"]["noop"], json!(true));
    let element = |address: &str| {
        let mut elements = document["elements"].as_array().unwrap().iter();
        elements.find(|element| element["address"] == address).unwrap()
    };
    assert_eq!(
        (&element("b/web01/one")["would"], &element("b/web01/one")["why"]),
        (&json!("unknown"), &json!(touch))
    );
    assert_eq!(element("b/web02/one")["skipped"], json!("verified"));
    assert_eq!(element("b/web02/two")["would"], json!("nothing"));
    assert_eq!(document["limits"][0]["would"], json!({"change": 0, "nothing": 0, "unknown": 2}));

    // The same plan, when it is meant.
    place.run(&["run", plan.to_str().unwrap()]).exits(0);
    for name in ["one-web01", "three", "mail"] {
        assert!(place.path(name).exists(), "{name} was not made");
    }
    assert_eq!(place.json(&["runs", "list", "--output", "json"])[0]["noop"], json!(false));
}

#[test]
fn a_noop_fails_where_a_run_would_and_a_retry_of_it_looks_again() {
    let place = Place::new();
    let gate = place.path("open");
    let plan = place.plan(
        "gated",
        &format!(
            "  checks: {{pre: [{{name: open, use: file.exists, with: {{path: '{}'}}}}]}}
  blocks: [{{name: b, targets: {{nodes: [n]}}, sequence: [{{name: a, use: shell, with: {{script: 'touch {}'}}}}]}}]
",
            gate.display(),
            place.path("made").display()
        ),
    );
    place
        .run(&["run", plan.to_str().unwrap(), "--noop"])
        .exits(1)
        .shows(&["gated noop: failed", "checks.pre/open"]);
    place.file("open", "");
    place.run(&["runs", "retry"]).exits(0).shows(&["gated noop: succeeded", "b/n/a: it would run"]);
    assert!(!place.path("made").exists());
}

#[test]
fn a_rehearsal_of_a_noop_touches_nothing() {
    let place = Place::new();
    let plan = place.plan(
        "patch",
        "  approval: {quorum: 1}
  blocks: [{name: b, targets: {nodes: [n1, n2, n3]}, sequence: [{name: a, use: noop, with: {changed: true}}]}]
",
    );
    let ended = place.run(&["rehearse", plan.to_str().unwrap(), "--noop"]).exits(0);
    ended.shows(&["patch noop: succeeded", "b/*/a on 3 targets (n1, n2, n3)", "Would be touched\n  nothing"]);
    place.run(&["run", plan.to_str().unwrap(), "--noop"]).exits(0).shows(&["b/*/a on 3 targets"]);
    place.run(&["run", plan.to_str().unwrap(), "--noop", "--approve"]).exits(2).says(&["--approve"]);
}
