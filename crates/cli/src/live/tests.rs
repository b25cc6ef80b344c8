//! Pictures and lines of rehearsed runs: readable at every moment and on every terminal.

use windlass_rehearsal::Rehearsal;
use windlass_report::Fold;

use super::frame::Frame;
use super::line;
use crate::plan_file;
use crate::prepare::{Choice, prepare};

const PLAN: &str = "apiVersion: windlass.dev/v1
kind: Plan
metadata: {name: wide}
spec:
  checks: {continuous: [{name: ok, use: noop.check}], every: 1m}
  blocks:
    - {name: before, sequences: [{name: s, actions: [{name: a, use: noop}]}]}
    - name: patch
      targets: {nodes: [x]}
      concurrency: 50
      failures: 20
      batches: [10, 50%]
      soak: 30s
      sequence:
        - {name: drain, use: sleep, with: {duration: 10s}}
        - {name: patch, use: shell, with: {script: x}, retries: 1}
    - {name: after, sequences: [{name: s, actions: [{name: a, use: noop}]}]}
";

/// Calls with every state that a rehearsal goes through.
fn watch(targets: u32, faults: &[&str], mut look: impl FnMut(&Fold, &windlass_model::event::Event)) {
    let registry = plan_file::registry().unwrap();
    let loaded = windlass_lang::load("wide.yaml", PLAN, &registry.catalog()).unwrap().pop().unwrap();
    let choice = Choice { targets: Some(targets), ..Choice::default() };
    let prepared = prepare(loaded, &windlass_model::Map::new(), choice, &registry).unwrap();
    let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
    let played = Rehearsal { faults, ..Rehearsal::new(prepared.setup(), &registry) }.play();
    let mut fold = Fold::new(prepared.layout);
    for event in &played.events {
        fold.apply(event).unwrap();
        look(&fold, event);
    }
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn a_picture_has_no_more_rows_than_the_terminal_at_any_moment() {
    watch(120, &["patch/n0001?/patch=fail"], |fold, event| {
        for (width, rows) in [(20, 6), (60, 10), (200, 50)] {
            let frame = Frame { fold, now: event.at, width, rows, is_unicode: false, hint: "Ctrl-C" };
            let lines = frame.lines();
            assert!(lines.len() < rows, "{}", lines.join("\n"));
        }
    });
}

#[test]
fn a_picture_says_batch_limits_and_what_runs() {
    let mut seen = false;
    watch(1_000, &["patch/n0001?/patch=permanent"], |fold, event| {
        let frame = Frame { fold, now: event.at, width: 100, rows: 30, is_unicode: true, hint: "" };
        let text = plain(&frame.lines().join("\n"));
        if text.contains("50/50 active") && text.contains("2/20 failed") {
            seen = true;
            for part in [
                "wide running",
                "✓ before 1/1",
                "/1,000",
                "batch 2 of 3",
                "▸",
                "✗",
                "· after 0/1",
                "now: patch/",
            ] {
                assert!(text.contains(part), "`{part}` is not in\n{text}");
            }
        }
    });
    assert!(seen);
}

#[test]
fn a_thousand_targets_are_told_in_a_page() {
    let (mut lines, mut failures) = (0, 0);
    watch(1_000, &["patch/n0001?/patch=permanent"], |fold, event| {
        if let Some(line) = line::of(fold, event) {
            lines += 1;
            failures += usize::from(plain(&line.text).contains("/patch failed:"));
        }
    });
    assert_eq!(failures, 10);
    assert!(lines < 80, "{lines}");
}
