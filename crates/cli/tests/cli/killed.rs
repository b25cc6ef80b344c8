//! Real processes are killed at random moments, again and again: nothing is lost, nothing is done twice.
//!
//! Each round runs a plan of which every action leaves a line in a file, kills the command at some
//! moment, kills some of the recoveries too, and then holds what the record says against the lines.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::harness::Place;

const TARGETS: usize = 5;

/// Numbers that are the same for the same seed: a failure names its round.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

#[test]
fn a_hundred_rounds_of_kill_from_the_beginning() {
    rounds(1, 100, 40);
}

#[test]
fn a_hundred_rounds_of_kill_in_the_middle() {
    rounds(2, 100, 120);
}

fn rounds(seed: u64, count: u32, latest: u64) {
    let place = Place::new();
    let spec = format!(
        "  params: {{round: {{type: string, required: true}}}}
  blocks:
    - name: work
      targets: {{nodes: ['t{{1..{TARGETS}}}']}}
      concurrency: 3
      failures: unlimited
      sequence:
        - {{name: once, use: shell, with: {{script: 'echo x >> {{{{ params.round }}}}-{{{{ node.name }}}}-once'}}}}
        - {{name: again, use: shell, onInterrupt: rerun, with: {{script: 'echo x >> {{{{ params.round }}}}-{{{{ node.name }}}}-again'}}}}
  deferred: [{{name: end, actions: [{{name: end, use: shell, onInterrupt: rerun, with: {{script: 'echo x >> {{{{ params.round }}}}-end'}}}}]}}]
"
    );
    let plan = place.plan("killed", &spec);
    let mut dice = Dice(seed);
    // The store is there before the first round: otherwise those that die early would all die while they make it.
    let first = place
        .plan("first", "  blocks: [{name: a, sequences: [{name: s, actions: [{name: x, use: noop}]}]}]\n");
    place.run(&["run", first.to_str().unwrap()]).exits(0);
    let mut known = 1;
    for round in 0..count {
        let name = place.path(&format!("r{round}"));
        let param = format!("round={}", name.display());
        let run = ["run", plan.to_str().unwrap(), "-p", &param, "--output", "events"];
        kill_after(place.command(&run), dice.below(latest));
        for _ in 0..dice.below(3) {
            kill_after(place.command(&["recover"]), dice.below(latest));
        }
        let recovered = place.run(&["recover"]);
        assert!(
            matches!(recovered.code, Some(0 | 1)),
            "round {round}: {:?}\n{}",
            recovered.code,
            recovered.err
        );
        let runs = place.json(&["runs", "list", "--limit", "1000", "--output", "json"]);
        let runs = runs.as_array().unwrap();
        let submitted = runs.len() > known;
        known = runs.len();
        let report = submitted.then(|| {
            let id = runs[0]["id"].as_str().unwrap();
            place.run(&["runs", "report", id, "--output", "json"]).json()
        });
        agrees(report.as_ref(), &name, round);
    }
    assert!(known > 1, "no run was ever submitted: the kills come too early");
}

/// Holds the record of a round against what was really done.
fn agrees(report: Option<&Value>, name: &Path, round: u32) {
    let lines = |rest: &str| {
        let text = std::fs::read_to_string(format!("{}-{rest}", name.display())).unwrap_or_default();
        text.lines().count()
    };
    let status = |address: &str| {
        let elements = report.and_then(|report| report["elements"].as_array());
        let element = elements.into_iter().flatten().find(|element| element["address"] == address);
        element.map_or("pending".to_owned(), |element| element["status"].as_str().unwrap().to_owned())
    };
    if let Some(report) = report {
        let ended = report["run"]["status"].as_str().unwrap();
        assert_eq!(ended, "succeeded", "round {round}: {}", report["run"]);
        assert!(lines("end") >= 1, "round {round}: the deferred batch did not run");
    }
    for target in 1..=TARGETS {
        let once = lines(&format!("t{target}-once"));
        let context = format!("round {round}, t{target}");
        assert!(once <= 1, "{context}: done {once} times");
        match status(&format!("work/t{target}/once")).as_str() {
            "succeeded" => assert_eq!(once, 1, "{context}: said to be done and was not"),
            "pending" => assert_eq!(once, 0, "{context}: done before it was written down"),
            "failed" => {}
            other => panic!("{context}: ended {other}"),
        }
        let again = lines(&format!("t{target}-again"));
        match status(&format!("work/t{target}/again")).as_str() {
            "succeeded" => assert!(again >= 1, "{context}: said to be done and was not"),
            "pending" => assert_eq!(again, 0, "{context}: done before it was written down"),
            other => panic!("{context}: ended {other}"),
        }
    }
}

fn kill_after(mut command: Command, millis: u64) {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // tidy-allow: sleep: the moment of death is what is tried, and nothing waits for it
    std::thread::sleep(Duration::from_millis(millis));
    child.kill().unwrap();
    child.wait().unwrap();
}
