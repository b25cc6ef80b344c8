//! The process dies; another goes on.

use std::path::PathBuf;

use crate::harness::Place;

/// A process was killed in the second of three actions, which left a line each.
struct Crash {
    place: Place,
    log: PathBuf,
}

// === impl Crash ===

impl Crash {
    fn new(on_interrupt: &str) -> Self {
        let place = Place::new();
        Self::die(&place, "crash", on_interrupt);
        // What the process left behind may end, and whoever goes on does not wait.
        place.file("gate", "");
        Self { log: place.path("crash.log"), place }
    }

    /// A process dies in a plan of this name.
    fn die(place: &Place, name: &str, on_interrupt: &str) {
        let log = place.path(&format!("{name}.log"));
        let wait = place.until("gate");
        let spec = format!(
            "  blocks:
    - name: work
      sequences:
        - name: s
          actions:
            - {{name: first, use: shell, with: {{script: 'echo first >> {log}'}}}}
            - {{name: held, use: shell, timeout: 1h, onInterrupt: {on_interrupt}, with: {{script: 'echo held >> {log}; {wait}'}}}}
            - {{name: last, use: shell, with: {{script: 'echo last >> {log}'}}}}
",
            log = log.display()
        );
        let plan = place.plan(name, &spec);
        let mut run = place.start(&["run", plan.to_str().unwrap(), "--output", "events"]);
        run.wait_for("attemptBegan", "work/s/held");
        place.wait_for_line(&format!("{name}.log"), "held");
        run.signal("KILL");
        run.end();
    }

    /// How often an action left its line.
    fn lines(&self, action: &str) -> usize {
        std::fs::read_to_string(&self.log).unwrap().lines().filter(|line| *line == action).count()
    }
}

#[test]
fn recovery_goes_on_and_repeats_nothing_that_was_done() {
    let crash = Crash::new("rerun");
    let place = &crash.place;
    let list = place.json(&["runs", "list", "--output", "json"]);
    assert_eq!((&list[0]["status"], &list[0]["driven"]), (&"running".into(), &false.into()));
    place.run(&["runs", "list"]).exits(0).shows(&["unfinished"]);
    place.run(&["runs", "show"]).exits(0).says(&["windlass recover"]);
    place.run(&["recover"]).exits(0).shows(&["crash succeeded"]).says(&["taken over"]);
    assert_eq!(["first", "held", "last"].map(|action| crash.lines(action)), [1, 2, 1]);
    place.run(&["recover"]).exits(0).says(&["nothing to recover"]);
}

#[test]
fn what_cannot_be_known_fails_unless_the_plan_says_otherwise() {
    let crash = Crash::new("fail");
    crash.place.run(&["recover"]).exits(1).shows(&["crash failed", "work/s/held"]);
}

#[test]
fn a_person_settles_what_the_plan_leaves_to_them() {
    for (verdict, exit) in [("--done", 0), ("--again", 0), ("--failed", 1)] {
        let crash = Crash::new("ask");
        let place = &crash.place;
        let waits = place.run(&["recover"]).exits(4);
        waits.says(&["waits for a person", "windlass runs resolve", "--again work/s/held"]);
        place.run(&["runs", "resolve", verdict, "work/s/nope"]).exits(2).says(&["WL-0307", "work/s/held"]);
        place
            .run(&["runs", "resolve", verdict, "work/*/held", "--why", "looked at it"])
            .exits(0)
            .says(&["windlass recover"]);
        place.run(&["recover"]).exits(exit);
        assert_eq!(crash.lines("held"), if verdict == "--again" { 2 } else { 1 }, "{verdict}");
        place.run(&["runs", "report"]).exits(0).shows(&["looked at it"]);
    }
}

#[test]
fn commands_to_a_run_that_nobody_drives_take_effect_when_somebody_does() {
    let crash = Crash::new("rerun");
    crash.place.run(&["runs", "stop", "--why", "enough"]).exits(0).says(&["windlass recover"]);
    crash.place.run(&["recover"]).exits(3).shows(&["stopped"]);
    assert_eq!(crash.lines("last"), 0);
}

/// One that will end well, one that will fail, one that will wait for a person.
fn three(place: &Place) {
    Crash::die(place, "good", "rerun");
    Crash::die(place, "bad", "fail");
    Crash::die(place, "open", "ask");
}

#[test]
fn several_runs_are_told_apart_and_the_worst_counts() {
    let place = Place::new();
    three(&place);
    place.file("gate", "");
    let recovered = place.run(&["recover"]).exits(4);
    let died = "work/s/held: Windlass died while this was running; whether it was done is not known";
    let ends = recovered.out.lines().map(|line| line.rsplit_once(" · run ").unwrap().0);
    let mut ends: Vec<&str> = ends.collect();
    ends.sort_unstable();
    assert_eq!(ends, [format!("bad failed: {died}").as_str(), "good succeeded", "open waits for a person"]);
    recovered.says(&[
        "going on with 3 runs",
        " good: taken over by",
        " good: work/s succeeded in",
        " good: succeeded\n",
        &format!(" bad: failed: {died}\n"),
        " open: work/s/held waits for a person",
        "windlass runs resolve",
        "windlass runs report RUN",
    ]);
    // Those that have ended have, and the one that is left is shown like any single one.
    place.run(&["runs", "resolve", "--failed", "work/s/held"]).exits(0);
    place.run(&["recover"]).exits(1).shows(&["open failed after"]);
}

#[test]
fn runs_of_one_plan_are_told_apart_by_their_ids() {
    let place = Place::new();
    Crash::die(&place, "twice", "rerun");
    Crash::die(&place, "twice", "fail");
    place.file("gate", "");
    let recovered = place.run(&["recover"]).exits(1);
    for line in recovered.out.lines() {
        let end = &line[line.len() - 6..];
        assert!(recovered.err.contains(&format!(" twice …{end}: ")), "{end} is not in\n{}", recovered.err);
    }
}

#[test]
fn several_runs_for_programs() {
    let place = Place::new();
    three(&place);
    place.file("gate", "");
    let document = place.run(&["recover", "--output", "json"]).exits(4).json();
    let statuses = document["runs"].as_array().unwrap().iter().map(|it| &it["run"]);
    let mut statuses: Vec<(&str, &str)> =
        statuses.map(|run| (run["plan"].as_str().unwrap(), run["status"].as_str().unwrap())).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [("bad", "failed"), ("good", "succeeded"), ("open", "running")]);

    let place = Place::new();
    three(&place);
    place.file("gate", "");
    let recovered = place.run(&["recover", "--output", "events"]).exits(4);
    let mut ends = Vec::new();
    for line in recovered.out.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        if matches!(event["kind"].as_str().unwrap(), "finished" | "asked") {
            ends.push(event["run"].as_str().unwrap().to_owned());
        }
    }
    ends.sort_unstable();
    ends.dedup();
    assert_eq!(ends.len(), 3, "{}", recovered.out);
}

#[test]
fn a_run_that_cannot_be_gone_on_with_holds_up_no_other() {
    let place = Place::new();
    let wait = place.until("gate");
    let spec = format!(
        "  params: {{token: {{type: secret, required: true}}}}
  blocks: [{{name: b, sequences: [{{name: s, actions: [{{name: wait, use: shell, timeout: 1h, with: {{script: '{wait}'}}}}]}}]}}]
"
    );
    let plan = place.plan("locked", &spec);
    let token = format!("token=@{}", place.file("token", "hunter2").display());
    let mut run = place.start(&["run", plan.to_str().unwrap(), "-p", &token, "--output", "events"]);
    run.wait_for("attemptBegan", "b/s/wait");
    run.signal("KILL");
    run.end();
    std::fs::remove_dir_all(place.data().join("keys")).unwrap();
    Crash::die(&place, "good", "rerun");
    Crash::die(&place, "bad", "fail");
    place.file("gate", "");
    let recovered = place.run(&["recover"]).exits(5);
    recovered.shows(&["good succeeded", "bad failed"]).says(&["WL-0312", "it is left as it is"]);
}

#[test]
fn programs_get_one_form_however_many_runs_are_recovered() {
    let crash = Crash::new("rerun");
    let document = crash.place.run(&["recover", "--output", "json"]).exits(0).json();
    assert_eq!(document["runs"][0]["run"]["status"], "succeeded");
    let document = crash.place.run(&["recover", "--output", "json"]).exits(0).json();
    assert_eq!(document["runs"].as_array().map(Vec::len), Some(0));
}

#[test]
fn what_to_type_next_says_where_the_run_is() {
    let place = Place::new();
    let spec = "  approval: {quorum: 1}
  blocks: [{name: a, sequences: [{name: s, actions: [{name: x, use: noop}]}]}]
";
    let plan = place.plan("guarded", spec);
    let dir = place.path("other place");
    let flag = format!("--data-dir '{}'", dir.display());
    let with = |args: &[&str]| place.run(&[args, &["--data-dir", dir.to_str().unwrap()]].concat());
    let recover = format!("windlass recover {flag}");
    with(&["run", plan.to_str().unwrap()]).exits(4).says(&["runs approve", &recover]);
    with(&["runs", "show"]).exits(0).says(&[&recover]).shows(&[&flag]);
    with(&["runs", "pause"]).exits(0).says(&[&recover]);
    with(&["runs", "stop"]).exits(0).shows(&["has ended: stopped"]);
    with(&["runs", "pause"]).exits(2).says(&["WL-0302"]);
    // The directory that the environment names needs no flag.
    place.run(&["run", plan.to_str().unwrap()]).exits(4).says(&["\n  windlass recover\n"]);
}
