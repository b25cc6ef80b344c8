//! What is packed reads as what is kept whole, and takes little.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;
use windlass_model::element::{ElementId, Side, Work};
use windlass_model::event::{AttemptEnd, Wait, What};
use windlass_model::layout::Layout;
use windlass_model::outcome::{Failure, Outcome, Skip};
use windlass_model::payload::Payload;
use windlass_model::time::Time;

use crate::fixture::{Log, action, layout, sequence, submitted, web};
use crate::fold::Fold;
use crate::{JsonOptions, TextOptions, write_json, write_text};

fn plan() -> serde_json::Value {
    let check = json!({"name": "look", "use": "command.check", "with": {"argv": ["look"]}});
    let undo = json!({"use": "command", "with": {"argv": ["undrain"]}});
    json!({
        "apiVersion": "windlass.dev/v1", "kind": "Plan", "metadata": {"name": "patch"},
        "spec": {"blocks": [{
            "name": "patch", "targets": {"nodes": ["web01"]},
            "sequence": [
                {"name": "drain", "use": "command", "with": {"argv": ["drain"]}, "undo": undo},
                {"name": "patch", "use": "command", "with": {"argv": ["patch"]}, "verify": [check], "verifyAfter": [check]},
            ],
        }]},
    })
}

/// What happens to one target.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Good,
    Retried,
    Verified,
    Needed,
    Failed,
    Undone,
    SkippedWhole,
    Cancelled,
    Pending,
}

fn fate() -> impl Strategy<Value = Fate> {
    use Fate::*;
    proptest::sample::select(vec![
        Good,
        Retried,
        Verified,
        Needed,
        Failed,
        Undone,
        SkippedWhole,
        Cancelled,
        Pending,
    ])
}

fn befall(log: &mut Log, seq: u32, fate: Fate) {
    let sequence = sequence(seq);
    let (first, second) = (action(0, seq, 0), action(0, seq, 1));
    let failure = Failure::new("exit", format!("status {}", seq % 3));
    let look = |side| ElementId::Verify { of: second, side, index: 0 };
    match fate {
        Fate::Pending => return,
        Fate::SkippedWhole => {
            log.ended(sequence, Outcome::Skipped(Skip::Condition));
            return;
        }
        _ => {}
    }
    log.began(sequence).good(first, 30, true);
    match fate {
        Fate::Verified => {
            let element = look(Side::Before);
            log.push(What::ActionBegan { element, request: None })
                .push(What::AttemptBegan { element, n: 1 })
                .push(What::AttemptEnded { element, n: 1, end: AttemptEnd::GOOD })
                .push(What::ActionEnded {
                    element,
                    outcome: Outcome::UNCHANGED,
                    failure: None,
                    saves: vec![],
                })
                .ended(second.into(), Outcome::Skipped(Skip::Verified));
        }
        Fate::Needed => {
            let element = look(Side::Before);
            log.push(What::ActionBegan { element, request: None })
                .push(What::AttemptBegan { element, n: 1 })
                .push(What::AttemptEnded { element, n: 1, end: AttemptEnd::failed(failure) })
                .push(What::ActionEnded { element, outcome: Outcome::Failed, failure: None, saves: vec![] })
                .good(second, 5, false);
        }
        Fate::Retried | Fate::Cancelled => {
            let element = ElementId::Work(second);
            log.push(What::ActionBegan { element, request: Some(Payload::of(&json!({"script": "x"}))) });
            for n in 1..=3 {
                log.push(What::AttemptBegan { element, n }).wait(u64::from(seq));
                if n == 1 && matches!(fate, Fate::Cancelled) {
                    use windlass_model::event::{CancelCause, Severity};
                    let (how, why) = (Severity::Term, CancelCause::Timeout);
                    log.push(What::Cancelled { element, n, how, why });
                }
                if n < 3 {
                    let end = AttemptEnd::failed(failure.clone());
                    log.push(What::AttemptEnded { element, n, end });
                    let until = Time(log.now.0 + 1_000_000);
                    log.push(What::Waiting { element, wait: Wait::Backoff, until }).wait(1_000);
                } else {
                    log.push(What::AttemptEnded { element, n, end: AttemptEnd::GOOD });
                }
            }
            let saves = vec![("kernel".to_owned(), Payload::of(&json!("6.12")))];
            log.push(What::ActionEnded { element, outcome: Outcome::CHANGED, failure: None, saves });
        }
        Fate::Failed => {
            log.bad(second, 2, &failure).ended(sequence, Outcome::Failed);
            return;
        }
        _ => {
            log.good(second, 7, false);
        }
    }
    log.ended(sequence, Outcome::CHANGED);
    if matches!(fate, Fate::Undone) {
        log.good(Work::Undo { block: 0, seq, action: 0 }, 3, true);
    }
}

fn folded(log: &Log, layout: &Arc<Layout>, detailed: usize) -> Fold {
    let mut fold = Fold::detailed(layout.clone(), detailed);
    for event in &log.events {
        fold.apply(event).unwrap();
    }
    fold
}

/// All that JSON and text say of a run.
fn told(fold: &Fold) -> String {
    let mut out = Vec::new();
    write_json(fold, &JsonOptions::default(), &mut out).unwrap();
    write_text(fold, &TextOptions::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_packed_is_told_as_what_is_not(fates in proptest::collection::vec(fate(), 1..40)) {
        let layout = layout(plan(), web(fates.len() as u32));
        let mut log = submitted();
        (0_u32..).zip(&fates).for_each(|(seq, fate)| befall(&mut log, seq, *fate));
        let (whole, packed) = (folded(&log, &layout, usize::MAX), folded(&log, &layout, 3));
        prop_assert_eq!(told(&whole), told(&packed));
        prop_assert_eq!(whole.reached().count(), packed.reached().count());
        let tries = |fold: &Fold| fold.reached().map(|(_, view)| view.attempts.len()).sum::<usize>();
        prop_assert_eq!(tries(&whole), tries(&packed));
    }
}

#[test]
fn only_the_first_keep_their_requests_and_what_went_well_takes_little() {
    let layout = layout(plan(), web(500));
    let mut log = submitted();
    (0..500).for_each(|seq| befall(&mut log, seq, Fate::Retried));
    let fold = folded(&log, &layout, 10);
    let request = |seq| fold.element(action(0, seq, 1).into()).request.is_some();
    assert!(request(0) && request(9) && !request(10) && !request(499));
    assert!(fold.element(sequence(10)).abridged && !fold.element(sequence(9)).abridged);
    // The block, of ten targets the sequence and two actions, and nothing of the rest.
    assert_eq!(fold.elements.len(), 31);
    assert!(fold.packed.bytes() <= 500 * 64, "{} bytes", fold.packed.bytes());
}

#[test]
fn what_failed_or_was_told_to_end_is_kept_whole() {
    let layout = layout(plan(), web(3));
    let mut log = submitted();
    befall(&mut log, 0, Fate::Failed);
    befall(&mut log, 1, Fate::Cancelled);
    befall(&mut log, 2, Fate::Undone);
    let fold = folded(&log, &layout, 0);
    assert_eq!(fold.failing().next().unwrap().failure.unwrap().message, "status 0");
    assert!(!fold.element(action(0, 1, 1).into()).details().unwrap().cancels.is_empty());
    assert!(fold.begun(Work::Undo { block: 0, seq: 2, action: 0 }.into()).is_some());
}
