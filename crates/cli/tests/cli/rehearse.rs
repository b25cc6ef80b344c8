//! Rehearsals: the contract of faults, seeds, crashes and simulated targets.

use crate::harness::Place;

const SPEC: &str = "  blocks:
    - name: patch
      targets: {nodes: [a, b, c, d]}
      concurrency: 2
      failures: 1
      sequence:
        - {name: drain, use: noop}
        - {name: reboot, use: sleep, with: {duration: 5m}, retries: 1}
";

#[test]
fn a_rehearsal_takes_no_time_and_touches_nothing() {
    let place = Place::new();
    let plan = place.plan("small", SPEC);
    let plan = plan.to_str().unwrap();
    place.run(&["rehearse", plan]).exits(0).shows(&[
        "nothing was touched",
        "Worst case",
        "at most 3 of 4 fail",
        "4 targets",
    ]);
    let document = place.run(&["rehearse", plan, "--output", "json"]).exits(0).json();
    assert_eq!(document["run"]["status"], "succeeded");
    assert_eq!(document["run"]["startedAt"], 0);
    assert_eq!(document["run"]["reason"], serde_json::Value::Null);
    assert!(document["run"]["durationMs"].as_u64().unwrap() >= 600_000, "{}", document["run"]);
    assert!(document["wallMs"].as_u64().unwrap() < 5_000);
    assert_eq!(document["limits"][0]["peakActive"], 2);
    assert!(!place.data().exists());
}

#[test]
fn faults_strike_where_they_are_told_to() {
    let place = Place::new();
    let plan = place.plan("small", SPEC);
    let plan = plan.to_str().unwrap();
    let rehearse = |faults: &[&str]| {
        let mut args = vec!["rehearse", plan, "--output", "json"];
        faults.iter().for_each(|fault| args.extend(["--fault", fault]));
        place.run(&args)
    };
    let document = rehearse(&["patch/*/reboot=fail"]).exits(1).json();
    assert_eq!(document["run"]["reason"]["kind"], "action");
    assert!(document["run"]["reason"]["address"].as_str().unwrap().ends_with("/reboot"));
    rehearse(&["patch/a/reboot@1=fail"]).exits(0);
    rehearse(&["patch/a/drain=permanent", "patch/b/drain=permanent"]).exits(1);
    rehearse(&["patch/a/drain=hang"]).exits(0);
    rehearse(&["patch/*/drain=slow:10s"]).exits(0);
    for idle in ["pach/*=fail", "patch/e/drain=fail", "patch/*/drain!undo=fail"] {
        rehearse(&["patch/*=fail", idle]).exits(2).says(&["WL-0601", idle, "(patch)"]);
    }
    for wrong in ["x", "x=boom", "x=slow", "x@0=fail", "=fail"] {
        rehearse(&[wrong]).exits(2).says(&["WL-0601", "--fault 'patch/*/reboot@1=hang'"]);
    }
}

#[test]
fn the_same_seed_gives_the_same_log() {
    let place = Place::new();
    let plan = place.plan("small", SPEC);
    let events = |seed: &str| {
        place.run(&["rehearse", plan.to_str().unwrap(), "--seed", seed, "--output", "events"]).exits(0).out
    };
    assert_eq!(events("7"), events("7"));
    let first: serde_json::Value = serde_json::from_str(events("7").lines().next().unwrap()).unwrap();
    assert_eq!((&first["seq"], &first["at"], &first["kind"]), (&1.into(), &0.into(), &"submitted".into()));
}

#[test]
fn crashes_are_survived_and_targets_replaced() {
    let place = Place::new();
    let plan = place.plan("small", SPEC);
    let plan = plan.to_str().unwrap();
    place
        .run(&["rehearse", plan, "--crash-at", "5", "--crash-at", "20"])
        .exits(0)
        .shows(&["2 crashes survived"]);
    place
        .run(&["rehearse", plan, "--crash-at", "9999"])
        .exits(0)
        .says(&["warning", "nothing crashed at event 9999: the last one is"]);
    let document = place.run(&["rehearse", plan, "--targets", "1000", "--output", "json"]).exits(0).json();
    assert_eq!(document["limits"][0]["total"], 1000);
    assert_eq!(document["elements"][1]["address"], "patch/n00001");
    place.run(&["rehearse", plan, "--targets", "0"]).exits(2);
}

#[test]
fn an_event_zero_to_crash_at_is_refused_and_a_canary_is_named_as_the_cause() {
    let place = Place::new();
    let plan = place.plan(
        "canary",
        "  blocks:\n    - {name: b, targets: {nodes: ['w[1-9]']}, canary: 1, failures: 3, sequence: [{name: a, use: noop}]}\n",
    );
    let plan = plan.to_str().unwrap();
    place.run(&["rehearse", plan, "--crash-at", "0"]).exits(2).says(&["--crash-at"]);
    place
        .run(&["rehearse", plan, "--fault", "b/*/a=fail"])
        .exits(1)
        .shows(&["it was a canary, of which none may fail"]);
}

#[test]
fn what_is_written_while_a_rehearsal_is_played_is_its_whole_log() {
    let place = Place::new();
    let spec = "  blocks:\n    - {name: b, targets: {nodes: [n]}, concurrency: 64, sequence: [{name: a, use: noop}]}\n";
    let plan = place.plan("many", spec);
    let plan = plan.to_str().unwrap();
    let flags = ["rehearse", plan, "--targets", "3000", "--output"];
    let events = place.run(&[&flags[..], &["events"]].concat()).exits(0);
    let document = place.json(&[&flags[..], &["json"]].concat());
    assert_eq!(document["run"]["events"], events.out.lines().count());
    // The first 2,000 sequences are kept whole, those behind them are not: they must read alike.
    let elements = document["elements"].as_array().unwrap();
    assert_eq!(elements.len(), 1 + 2 * 3000);
    for element in elements.iter().filter(|element| element["kind"] == "action") {
        assert_eq!(element["status"], "succeeded", "{element}");
        assert_eq!(element["attempts"].as_array().unwrap().len(), 1, "{element}");
        assert!(element["attempts"][0]["endedAt"].is_u64() && element["endedAt"].is_u64(), "{element}");
    }
    // A crash folds the log again, and the end is the same.
    let crashed = place.json(&[&flags[..], &["json", "--crash-at", "5000"]].concat());
    assert_eq!(crashed["run"]["status"], "succeeded");
}
