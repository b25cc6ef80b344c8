//! Locks, as the record of a run holds them.

use std::collections::BTreeSet;

use serde_json::json;
use windlass_engine::{Claim, Input, LockTable, Locks, Run};
use windlass_model::element::ElementId;
use windlass_model::event::What;
use windlass_model::id::RunId;
use windlass_model::outcome::Status;

use crate::stage::{Scene, Seen, act, block, scene};

fn undoing() -> Scene {
    let more = json!({
        "sequence": [{"name": "do", "use": "work", "undo": {"use": "work"}}, act("last")],
        "onFailure": "undo",
    });
    scene(json!({"blocks": [block("work", 1, more)]})).fails("work/t0/last")
}

/// The run as it stood when an event was the newest.
fn up_to(scene: &Scene, seen: &Seen, matches: impl Fn(&What) -> bool) -> Run {
    let last = seen.events().iter().position(|event| matches(&event.what)).unwrap();
    Run::fold(scene.setup(), &seen.events()[..=last]).unwrap()
}

fn recover() -> Input {
    Input::Recover { by: "test".into(), limit: None, never_made: BTreeSet::new() }
}

fn stranger() -> (RunId, ElementId) {
    (RunId(uuid::Uuid::from_u128(99)), ElementId::Sequence { block: 0, seq: 0 })
}

#[test]
fn an_undo_keeps_its_lock_across_a_restart() {
    let scene = undoing();
    let seen = scene.play();
    let begun = |what: &What| {
        matches!(what, What::AttemptBegan { .. }) && seen.layout().address(what.element()).ends_with("!undo")
    };
    let mut run = up_to(&scene, &seen, begun);
    let mut locks = LockTable::default();
    run.hold_locks(&mut locks);
    assert_eq!(locks.holder("node/t0"), Some((run.id(), stranger().1)), "before anything goes on");
    let now = run.last_at();
    run.step(recover(), now, &mut locks).unwrap();
    assert!(locks.holder("node/t0").is_some());
    let element = seen.layout().find("work/t0/do!undo").unwrap();
    run.step(Input::Ended { element, n: 2, result: Default::default() }, now, &mut locks).unwrap();
    assert!(run.status().is_terminal());
    assert!(locks.is_empty(), "and gives it back");
}

#[test]
fn an_undo_that_waits_for_a_lock_says_so() {
    let scene = undoing();
    let seen = scene.play();
    let over = |what: &What| matches!(what, What::Ended { element: ElementId::Sequence { .. }, .. });
    let mut run = up_to(&scene, &seen, over);
    let mut locks = LockTable::default();
    let (other, element) = stranger();
    let claim = Claim { lock: Some("node/t0".to_owned()), node: Some("t0".into()) };
    locks.acquire(&claim, other, element).unwrap();
    let now = run.last_at();
    let step = run.step(recover(), now, &mut locks).unwrap();
    let awaited: Vec<_> = step
        .events
        .iter()
        .filter_map(|event| match &event.what {
            What::LockAwaited { element, lock, holder } => {
                Some((seen.layout().address(*element), lock.clone(), holder.contains(&other.to_string())))
            }
            _ => None,
        })
        .collect();
    assert_eq!(awaited, [("work/t0/do!undo".to_owned(), "node/t0".to_owned(), true)]);
    assert!(step.effects.is_empty());
    locks.release(&claim, other, element);
    assert!(locks.take_freed().contains(&run.id()));
    let step = run.step(Input::LockFreed, now, &mut locks).unwrap();
    assert_eq!(step.effects.len(), 1, "it goes on when the lock is free");
}

#[test]
fn a_lock_that_cannot_be_named_stops_its_sequence_wherever_windlass_dies() {
    let make = || {
        let sequence = json!({"lock": "{{ nothing }}", "actions": [act("do")]});
        scene(json!({"blocks": [block("work", 2, json!({"sequence": sequence, "failures": 1}))]}))
    };
    let whole = make().play();
    for at in 1..whole.events().len() as u64 {
        let seen = make().crash_at([at]).play();
        seen.is_sound();
        assert_eq!(seen.status("work/t0"), Status::Failed, "died after event {at}");
        assert_eq!(seen.executed("work/t0/do"), 0, "died after event {at}");
    }
}

#[test]
fn a_lock_is_named_by_what_does_not_change() {
    let sequence = json!({"lock": "{{ store.shard }}", "actions": [act("do")]});
    let saves = json!([{"name": "look", "use": "look", "save": {"shard": "."}}]);
    let spec = json!({"checks": {"pre": saves}, "blocks": [block("work", 1, json!({"sequence": sequence}))]});
    let seen = scene(spec).answers("checks.pre/look", json!("s1")).play();
    seen.is_sound();
    let (_, address, message) = seen.reason().unwrap();
    assert_eq!(address, "work/t0/do");
    assert!(message.contains("the lock `{{ store.shard }}` cannot be rendered"), "{message}");
}
