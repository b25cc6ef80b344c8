//! The process dies; another goes on.

use crate::harness::Place;

/// Two actions: the first can be counted and held up, the second follows.
fn plan(place: &Place, on_interrupt: &str) -> (std::path::PathBuf, std::path::PathBuf, std::path::PathBuf) {
    let (log, gate) = (place.path("log"), place.path("gate"));
    let spec = format!(
        "  blocks:
    - name: work
      sequences:
        - name: s
          actions:
            - {{name: first, use: shell, with: {{script: 'echo first >> {log}'}}}}
            - {{name: held, use: shell, timeout: 1h, onInterrupt: {on_interrupt}, with: {{script: 'echo held >> {log}; while [ ! -e {gate} ] && [ -d $(dirname {gate}) ]; do sleep 0.02; done'}}}}
            - {{name: last, use: shell, with: {{script: 'echo last >> {log}'}}}}
",
        log = log.display(),
        gate = gate.display()
    );
    (place.plan("crash", &spec), log, gate)
}

#[test]
fn recovery_goes_on_and_repeats_nothing_that_was_done() {
    let place = Place::new();
    let (plan, log, gate) = plan(&place, "rerun");
    let mut run = place.start(&["run", plan.to_str().unwrap(), "--output", "events"]);
    run.wait_for("attemptBegan", "work/s/held");
    run.signal("KILL");
    run.end();
    let list = place.json(&["runs", "list", "--output", "json"]);
    assert_eq!((&list[0]["status"], &list[0]["driven"]), (&"running".into(), &false.into()));
    place.run(&["runs", "list"]).exits(0).shows(&["unfinished"]);
    place.run(&["runs", "show"]).exits(0).says(&["windlass recover"]);
    std::fs::write(gate, "").unwrap();
    place.run(&["recover"]).exits(0).shows(&["crash succeeded"]).says(&["taken over"]);
    let lines = std::fs::read_to_string(log).unwrap();
    assert_eq!(lines.lines().filter(|line| *line == "first").count(), 1, "{lines}");
    assert_eq!(lines.lines().last(), Some("last"));
    place.run(&["recover"]).exits(0).says(&["nothing to recover"]);
}

#[test]
fn what_cannot_be_known_fails_unless_the_plan_says_otherwise() {
    let place = Place::new();
    let (plan, _, gate) = plan(&place, "fail");
    let mut run = place.start(&["run", plan.to_str().unwrap(), "--output", "events"]);
    run.wait_for("attemptBegan", "work/s/held");
    run.signal("KILL");
    run.end();
    std::fs::write(gate, "").unwrap();
    place.run(&["recover"]).exits(1).shows(&["crash failed", "work/s/held"]);
}

#[test]
fn a_person_settles_what_the_plan_leaves_to_them() {
    for (verdict, exit) in [("--done", 0), ("--again", 0), ("--failed", 1)] {
        let place = Place::new();
        let (plan, log, gate) = plan(&place, "ask");
        let mut run = place.start(&["run", plan.to_str().unwrap(), "--output", "events"]);
        run.wait_for("attemptBegan", "work/s/held");
        run.signal("KILL");
        run.end();
        std::fs::write(gate, "").unwrap();
        let waits = place.run(&["recover"]).exits(4);
        waits.says(&["waits for a person", "windlass runs resolve", "--again work/s/held"]);
        place.run(&["runs", "resolve", verdict, "work/s/nope"]).exits(2).says(&["WL-0307", "work/s/held"]);
        place
            .run(&["runs", "resolve", verdict, "work/*/held", "--why", "looked at it"])
            .exits(0)
            .says(&["windlass recover"]);
        place.run(&["recover"]).exits(exit);
        let held = std::fs::read_to_string(log).unwrap().lines().filter(|line| *line == "held").count();
        assert_eq!(held, if verdict == "--again" { 2 } else { 1 }, "{verdict}");
        place.run(&["runs", "report"]).exits(0).shows(&["looked at it"]);
    }
}

#[test]
fn commands_to_a_run_that_nobody_drives_take_effect_when_somebody_does() {
    let place = Place::new();
    let (plan, log, gate) = plan(&place, "rerun");
    let mut run = place.start(&["run", plan.to_str().unwrap(), "--output", "events"]);
    run.wait_for("attemptBegan", "work/s/held");
    run.signal("KILL");
    run.end();
    std::fs::write(gate, "").unwrap();
    place.run(&["runs", "stop", "--why", "enough"]).exits(0).says(&["windlass recover"]);
    place.run(&["recover"]).exits(3).shows(&["stopped"]);
    let lines = std::fs::read_to_string(log).unwrap();
    assert!(!lines.contains("last"), "{lines}");
}
