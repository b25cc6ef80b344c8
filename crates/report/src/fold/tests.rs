//! The fold against logs made by hand and logs made at random.

use std::sync::Arc;

use windlass_model::element::{ElementId, Level, Slot, Work};
use windlass_model::event::{Author, Command, Event, What};
use windlass_model::fact::Catalog;
use windlass_model::layout::Layout;
use windlass_model::outcome::{Outcome, RunStatus, Skip, Status};
use windlass_model::time::Time;

use super::{Applied, Fold, Gap};
use crate::fixture::{Log, action, failed_run, layout, rolling_patch, sequence, submission, submitted, web};

mod packed;
mod random;
mod speed;

#[test]
fn known_events_are_ignored_and_gaps_refused() {
    let layout = layout(rolling_patch(), web(5));
    let log = failed_run();
    let mut fold = Fold::new(layout.clone());
    let (first, rest) = log.events.split_at(20);
    first.iter().for_each(|event| assert_eq!(fold.apply(event), Ok(Applied::New)));
    first.iter().for_each(|event| assert_eq!(fold.apply(event), Ok(Applied::Known)));
    assert_eq!(fold.apply(&rest[1]), Err(Gap { expected: 21, found: 22 }));
    rest.iter().for_each(|event| assert_eq!(fold.apply(event), Ok(Applied::New)));
    let whole = log.fold(&layout);
    assert_eq!(fold.seq(), whole.seq());
    assert_eq!(format!("{:?}", fold.run), format!("{:?}", whole.run));
}

#[test]
fn limits_are_counted() {
    let fold = failed_run().fold(&layout(rolling_patch(), web(5)));
    let block = &fold.blocks()[0];
    assert_eq!((block.total, block.active, block.peak_active), (5, 0, 2));
    assert_eq!((block.succeeded, block.failed, block.not_started), (1, 2, 2));
    assert_eq!(block.batches.count(), 2);
    assert!(block.batches.iter().all(|batch| batch.ended_at.is_some()));
    assert!(block.delays.last().unwrap().ended_at.is_some());
    assert_eq!(fold.running().count(), 1, "the continuous checks were not ended by this log");
}

#[test]
fn what_is_tried_again_is_told_from_the_first_failure_to_the_end() {
    let layout = layout(rolling_patch(), web(5));
    let of = |seq| Work::Action { block: 0, seq, action: 0 };
    let failure = windlass_model::outcome::Failure::new("exit", "ended with 1");
    let mut log = submitted();
    log.wait(100).good(of(0), 50, true).bad(of(1), 1, &failure);
    let once = log.fold(&layout);
    assert!(once.blocks()[0].retries.is_empty());
    log.bad(of(2), 3, &failure).bad(of(3), 2, &failure);
    let (fold, ends) = (log.fold(&layout), |seq| once_more(&log, of(seq)));
    let told = |fold: &Fold| {
        let retries = fold.blocks()[0].retries.iter();
        retries.map(|it| (it.actions, it.began_at, it.ended_at)).collect::<Vec<_>>()
    };
    assert_eq!(told(&fold), [ends(2), ends(3)].map(|(began, ended)| (1, began, Some(ended))));
    // What goes on has no end yet, and two at a time are one stretch.
    let (two, open) = ([of(1), of(4)].map(ElementId::Work), log.events.len());
    for element in two {
        log.push(What::ActionBegan { element, request: None });
        log.push(What::AttemptBegan { element, n: 2 }).wait(10);
    }
    assert_eq!(told(&log.fold(&layout))[2], (2, log.events[open + 1].at, None));
    for element in two {
        let (outcome, failure) = (Outcome::Failed, Some(failure.clone()));
        log.push(What::ActionEnded { element, outcome, failure, saves: vec![] }).wait(10);
    }
    let last = log.events.last().unwrap().at;
    assert_eq!(told(&log.fold(&layout))[2], (2, log.events[open + 1].at, Some(last)));
}

/// When an action's first attempt had failed, and when it ended.
fn once_more(log: &Log, work: Work) -> (Time, Time) {
    let own = ElementId::Work(work);
    let at = |is: fn(&What) -> Option<ElementId>| {
        log.events.iter().find(|event| is(&event.what) == Some(own)).unwrap().at
    };
    let waited = at(|what| if let What::Waiting { element, .. } = what { Some(*element) } else { None });
    let ended = at(|what| if let What::ActionEnded { element, .. } = what { Some(*element) } else { None });
    (waited, ended)
}

#[test]
fn the_first_cause_is_kept_and_the_rest_is_listed() {
    let layout = layout(rolling_patch(), web(5));
    let fold = failed_run().fold(&layout);
    assert_eq!(fold.status(), RunStatus::Failed);
    assert_eq!(fold.cause().unwrap().message, "no space left on device");
    let failing: Vec<_> = fold.failing().map(|failing| layout.address(failing.element)).collect();
    assert_eq!(failing, ["patch/web02/patch", "patch/web03/patch", "deferred/tell/mail"]);
}

#[test]
fn a_pause_shows_and_a_stop_ends_it() {
    let by = || Author::new("ada");
    let mut log = submitted();
    log.push(What::Started { by: by() }).push(What::Commanded { command: Command::Pause, by: by() });
    let layout = layout(rolling_patch(), web(1));
    assert_eq!(log.fold(&layout).status(), RunStatus::Paused);
    log.push(What::Commanded { command: Command::Stop, by: by() });
    let fold = log.fold(&layout);
    assert_eq!((fold.status(), fold.run().ending), (RunStatus::Running, Some(Command::Stop)));
}

#[test]
fn what_was_done_before_is_shown_without_events() {
    let mut submission = submission(rolling_patch(), web(3));
    submission.done = vec![vec![2, 0, 2, 9]];
    let layout = Arc::new(Layout::new(Arc::new(submission), &Catalog::default()));
    let mut log = submitted();
    let fold = log.fold(&layout);
    assert_eq!((fold.blocks()[0].skipped, fold.blocks()[0].not_started), (2, 1));
    let skip = |element| fold.element(element).skip;
    assert_eq!(skip(sequence(0)), Some(Skip::DoneBefore));
    assert_eq!(skip(action(0, 2, 1).into()), Some(Skip::DoneBefore));
    assert_eq!(fold.element(sequence(1)).status, Status::Pending);
    log.ended(sequence(0), Outcome::Skipped(Skip::DoneBefore)).began(sequence(1));
    let fold = log.fold(&layout);
    assert_eq!((fold.blocks()[0].skipped, fold.blocks()[0].not_started), (2, 0));
}

#[test]
fn what_waits_for_a_lock_is_known_until_it_begins() {
    let layout = layout(rolling_patch(), web(2));
    let mut log = submitted();
    let lock = |element| What::LockAwaited { element, lock: "node/web".into(), holder: "another run".into() };
    log.push(lock(sequence(0))).push(lock(sequence(1)));
    let held =
        |log: &Log| -> Vec<ElementId> { log.fold(&layout).held().map(|(element, _)| element).collect() };
    assert_eq!(held(&log), [sequence(0), sequence(1)]);
    log.began(sequence(0)).ended(sequence(1), Outcome::Stopped);
    assert_eq!(held(&log), []);
}

#[test]
fn what_goes_on_is_told_up_to_now_and_what_ended_is_not() {
    let layout = layout(rolling_patch(), web(1));
    let mut log = submitted();
    log.push(What::Started { by: Author::new("ada") });
    let now = Time(u64::MAX / 2);
    let mut fold = log.fold(&layout);
    let before = fold.at();
    fold.as_of(now);
    assert_eq!(fold.at(), now);
    fold.as_of(before);
    assert_eq!(fold.at(), now, "it does not go back");
    log.push(What::Finished { status: RunStatus::Stopped });
    let mut fold = log.fold(&layout);
    let end = fold.at();
    fold.as_of(now);
    assert_eq!(fold.at(), end);
}

#[test]
fn rounds_are_bounded_and_keep_the_latest_attempts() {
    let layout = layout(rolling_patch(), web(1));
    let (level, slot) = (Level::Plan, Slot::Continuous);
    let mut log = submitted();
    for n in 1..=50 {
        log.round(level, slot, n, n != 7);
    }
    let fold = log.fold(&layout);
    let view = fold.element(ElementId::Slot { level, slot });
    let details = view.details().unwrap();
    assert_eq!((details.rounds.count(), details.rounds.iter().count()), (50, 20));
    assert_eq!(details.last_failed.unwrap().n, 7);
    assert_eq!(fold.element(Work::Check { level, slot, index: 0 }.into()).attempts.len(), 1);
}

#[test]
fn changes_rise_to_sequence_and_block() {
    let fold = failed_run().fold(&layout(rolling_patch(), web(5)));
    let changed = |element| fold.element(element).changed;
    assert!(changed(ElementId::Block(0)) && changed(sequence(0)) && changed(sequence(1)));
    assert!(!changed(sequence(2)) && !changed(sequence(3)) && !changed(ElementId::Block(1)));
}

#[test]
fn a_first_event_that_is_not_the_first_is_a_gap() {
    let mut fold = Fold::new(layout(rolling_patch(), web(1)));
    let event = Event { seq: 2, at: Time::ZERO, what: What::Heartbeat };
    let gap = fold.apply(&event).unwrap_err();
    assert_eq!(gap.to_string(), "event 1 is missing: the log goes on with event 2");
}
