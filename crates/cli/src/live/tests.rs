//! Pictures and lines of rehearsed runs: readable at every moment and on every terminal.

use windlass_model::element::ElementId;
use windlass_model::event::What;
use windlass_model::outcome::Status;
use windlass_model::time::Time;
use windlass_rehearsal::Rehearsal;
use windlass_report::Fold;

use super::frame::{Frame, Seat};
use super::line;
use super::several::Several;
use crate::plan_file;
use crate::prepare::{Choice, prepare};
use crate::typed::Typed;

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
    let prepared = prepare(&loaded, crate::params::Given::default(), choice, &registry).unwrap();
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

fn typed() -> Typed {
    Typed::here("--data-dir /d".to_owned())
}

/// The picture of a moment, without colours.
fn picture(fold: &Fold, now: Time, (width, rows): (usize, usize)) -> String {
    let frame = Frame { fold, now, width, rows, seat: Seat::Driver, typed: &typed() };
    plain(&frame.lines().join("\n"))
}

#[test]
fn a_picture_has_no_more_rows_than_the_terminal_at_any_moment() {
    watch(120, &["patch/n0001?/patch=fail"], |fold, event| {
        for (width, rows) in [(20, 6), (60, 10), (200, 50)] {
            let text = picture(fold, event.at, (width, rows));
            assert!(text.lines().count() < rows, "{text}");
        }
    });
}

/// The common picture of the same run in so many stages, without colours.
fn pictures(folds: &[&Fold], now: Time, (width, rows): (usize, usize)) -> String {
    let typed = typed();
    let picture = Several { folds, now, width, rows, seat: Seat::Driver, typed: &typed };
    plain(&picture.lines().join("\n"))
}

#[test]
fn several_runs_share_the_rows_that_there_are() {
    watch(120, &["patch/n0001?/patch=fail"], |fold, event| {
        for runs in [2, 3, 40] {
            let folds = vec![fold; runs];
            for (width, rows) in [(20, 6), (60, 10), (200, 50)] {
                let text = pictures(&folds, event.at, (width, rows));
                assert!(text.lines().count() < rows, "{text}");
                let heads = text.lines().filter(|line| line.starts_with("wide ")).count();
                let more = text.lines().any(|line| line.contains("more runs"));
                let going = if fold.status().is_terminal() { 0 } else { runs };
                assert!(heads == going || (more && heads + 3 < rows && heads < going), "{text}");
            }
        }
    });
}

#[test]
fn several_runs_are_drawn_below_each_other() {
    let mut picture = None;
    watch(60, &["patch/n0001?/patch=permanent"], |fold, event| {
        if fold.blocks()[1].succeeded == 20 {
            picture.get_or_insert_with(|| pictures(&[fold, fold, fold], event.at, (100, 40)));
        }
    });
    insta::assert_snapshot!(picture.unwrap());
}

#[test]
fn a_picture_says_batch_limits_what_runs_and_how_long_it_takes() {
    let mut pictures = Vec::new();
    watch(1_000, &["patch/n0001?/patch=permanent", "patch/n0011?/patch@1=fail"], |fold, event| {
        let block = &fold.blocks()[1];
        let is_due = match pictures.len() {
            0 => block.succeeded == 5,
            1 => block.succeeded == 60 && block.active == 50,
            2 => block.delays.last().is_some_and(|delay| delay.until > event.at) && block.succeeded > 100,
            _ => false,
        };
        if is_due {
            pictures.push(format!(
                "{}\n\n{}",
                picture(fold, event.at, (100, 24)),
                picture(fold, event.at, (40, 12))
            ));
        }
    });
    assert_eq!(pictures.len(), 3);
    insta::assert_snapshot!(pictures.join("\n\n========\n\n"));
}

#[test]
fn the_time_left_is_near_the_truth() {
    let (mut said, mut ended) = (Vec::new(), Time::ZERO);
    watch(1_000, &[], |fold, event| {
        if event.seq.is_multiple_of(10)
            && fold.element(ElementId::Block(1)).status == Status::Running
            && let Some(left) = super::outlook::of(fold, 1, event.at).left
        {
            said.push((event.at, left));
        }
        if matches!(event.what, What::Ended { element: ElementId::Block(1), .. }) {
            ended = event.at;
        }
    });
    assert!(said.len() > 100);
    for (at, left) in said {
        let (truth, left) = (ended.since(at).as_secs_f64(), left.as_secs_f64());
        assert!((left - truth).abs() <= 15.0 + truth * 0.2, "{left} said, {truth} left");
    }
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
