//! Noop: the same run, in which whoever acts is only asked.

use std::time::Duration;

use serde_json::json;
use windlass_engine::AttemptResult;
use windlass_model::event::What;
use windlass_model::foresight::{Foreseen, Would};
use windlass_model::outcome::{Failure, Outcome, ReasonKind, RunStatus, Status};
use windlass_rehearsal::{Asked, Play};

use crate::stage::{Scene, Seen, act, block, check, scene};

const NOTHING: Outcome = Outcome::Foreseen(Would::Nothing);
const UNKNOWN: Outcome = Outcome::Foreseen(Would::Unknown);
const CHANGE: Outcome = Outcome::Foreseen(Would::Change);

/// These attempts would change nothing.
fn idle(scene: Scene, pattern: &str) -> Scene {
    scene.play_as(pattern, |_| Play::of(Duration::from_secs(1), AttemptResult::default()))
}

fn asked(seen: &Seen, address: &str) -> usize {
    let element = seen.layout().find(address).unwrap();
    let executions = seen.rehearsed.executions.iter();
    executions.filter(|execution| execution.element == element && execution.asked == Asked::ToForesee).count()
}

fn foreseen(seen: &Seen, address: &str) -> Foreseen {
    let found = seen.events().iter().rev().find_map(|event| match &event.what {
        What::Foreseen { element, foreseen } if seen.layout().address(*element) == address => {
            Some(foreseen.clone())
        }
        _ => None,
    });
    found.unwrap_or_else(|| panic!("nothing was foreseen of {address}"))
}

#[test]
fn whoever_acts_is_asked_and_whoever_looks_looks() {
    let mut spec = json!({
        "checks": {"pre": [check("open")]},
        "blocks": [block("b", 2, json!({"concurrency": 2, "soak": "1h", "batches": [1], "entranceDelay": "1h"}))],
        "deferred": [{"name": "tell", "actions": [act("mail")]}],
    });
    spec["blocks"][0]["sequence"] = json!([
        {"name": "one", "use": "work", "verify": [check("done")]},
        {"name": "two", "use": "work", "verify": [check("done")], "verifyAfter": true},
        {"name": "three", "use": "work", "when": "false"},
    ]);
    let scene = scene(spec).fails("b/*/two!verify/*").noop();
    let seen = idle(scene, "b/t1/two").play();
    assert_eq!(seen.run(), RunStatus::Succeeded);
    assert_eq!((seen.executed("checks.pre/open"), asked(&seen, "checks.pre/open")), (1, 0));
    // What is verified is not even asked about.
    assert_eq!(seen.status("b/t0/one"), Status::Skipped);
    assert_eq!(seen.status("b/t0/three"), Status::Skipped);
    assert_eq!((seen.executed("b/t0/one!verify/done"), seen.executed("b/t0/one")), (1, 0));
    assert_eq!((seen.outcome("b/t0/two"), asked(&seen, "b/t0/two")), (Some(CHANGE), 1));
    // A change that was not made cannot be looked at.
    assert_eq!(seen.outcome("b/t0/two!verifyAfter/done"), Some(UNKNOWN));
    assert_eq!(seen.executed("b/t0/two!verifyAfter/done"), 0);
    // Where nothing would be changed, it can.
    assert_eq!(seen.executed("b/t1/two!verifyAfter/done"), 1);
    assert_eq!((seen.outcome("b/t1/two"), seen.outcome("b/t1")), (Some(NOTHING), Some(NOTHING)));
    assert_eq!((seen.outcome("b/t0"), seen.outcome("b")), (Some(CHANGE), Some(CHANGE)));
    assert_eq!((seen.outcome("deferred/tell"), asked(&seen, "deferred/tell/mail")), (Some(CHANGE), 1));
    let last = seen.events().last().unwrap().at;
    assert!(last.0 < 60_000_000, "delays were waited for: {last:?}");
}

#[test]
fn what_does_not_pass_after_a_change_that_was_not_made_is_unknown() {
    let spec = json!({
        "checks": {"post": [check("all")]},
        "blocks": [
            block("b", 1, json!({"checks": {"post": [check("up")], "deferred": [check("tidy")]}})),
            block("c", 1, json!({"checks": {"pre": [check("ready")]}})),
        ],
    });
    let failing = |scene: Scene| scene.fails("*checks.*").noop();
    let seen = failing(scene(spec.clone())).play();
    assert_eq!(seen.run(), RunStatus::Succeeded, "{:?}", seen.reason());
    for address in ["b/checks.post/up", "b/checks.deferred/tidy", "c/checks.pre/ready", "checks.post/all"] {
        assert_eq!((seen.outcome(address), seen.executed(address)), (Some(UNKNOWN), 1), "{address}");
    }
    let why = foreseen(&seen, "b/checks.post/up").why.unwrap();
    assert_eq!(why, "changes before it were not made, and as things are: it broke");
    // Where nothing would have been changed, a failure is one.
    let seen = idle(failing(scene(spec)), "*/do").play();
    assert_eq!(seen.run(), RunStatus::Failed);
    assert_eq!(seen.reason().map(|(kind, address, _)| (kind, address)), {
        Some((ReasonKind::PostCheck, "b/checks.post/up".to_owned()))
    });
}

#[test]
fn a_failure_that_may_follow_from_a_change_that_was_not_made_is_unknown() {
    let never = |scene: Scene| {
        let permanent = || Failure::permanent("absent", "there is no unit `web`");
        scene.play_as("b/*/start", move |_| Play::bad(Duration::from_secs(1), permanent()))
    };
    let mut spec = json!({"blocks": [block("b", 1, json!({}))]});
    spec["blocks"][0]["sequence"] = json!([act("install"), act("start")]);
    let seen = never(scene(spec.clone()).noop()).play();
    assert_eq!((seen.run(), seen.outcome("b/t0/start")), (RunStatus::Succeeded, Some(UNKNOWN)));
    // One that another attempt might help does not follow from it: the node is not there.
    let seen = scene(spec.clone()).noop().fails("b/*/start").play();
    assert_eq!((seen.run(), seen.status("b/t0/start")), (RunStatus::Failed, Status::Failed));
    let seen = idle(never(scene(spec).noop()), "b/*/install").play();
    assert_eq!((seen.run(), seen.status("b/t0/start")), (RunStatus::Failed, Status::Failed));
}

#[test]
fn undo_is_listed_and_not_run() {
    let mut spec = json!({"blocks": [block("b", 2, json!({"onFailure": "undo", "concurrency": 2}))]});
    spec["blocks"][0]["sequence"] = json!([
        {"name": "one", "use": "work", "undo": {"use": "work"}},
        {"name": "two", "use": "work", "undo": {"use": "work"}},
    ]);
    let seen = idle(scene(spec).fails("b/t0/two").noop(), "b/t1/one").play();
    assert_eq!(seen.run(), RunStatus::Failed);
    assert_eq!((seen.outcome("b/t0/one!undo"), seen.executed("b/t0/one!undo")), (Some(UNKNOWN), 0));
    assert_eq!(foreseen(&seen, "b/t0/one!undo").why.unwrap(), "it would be run to take back `one`");
    // Nothing is taken back where nothing would be done.
    assert_eq!(seen.outcome("b/t1/one!undo"), None);
    assert_eq!(seen.outcome("b/t1/two!undo"), Some(UNKNOWN));
}

#[test]
fn nobody_need_agree_and_no_lock_is_taken() {
    let spec = json!({
        "approval": {"quorum": 2},
        "blocks": [block("b", 3, json!({"concurrency": 3}))],
    });
    let seen = scene(spec).noop().play();
    assert_eq!((seen.run(), seen.peak(0)), (RunStatus::Succeeded, 3));
    assert!(!seen.events().iter().any(|event| matches!(event.what, What::ApprovalAwaited { .. })));
}

/// Windlass dies after each event in turn; the run ends as if it had not, and nobody ever acts.
#[test]
fn a_crash_at_any_event_makes_nobody_act() {
    let mut spec = json!({
        "blocks": [block("b", 2, json!({"onFailure": "undo", "failures": 0, "checks": {"post": [check("up")]}}))],
        "deferred": [{"name": "tell", "actions": [act("mail")]}],
    });
    spec["blocks"][0]["sequence"] = json!([
        {"name": "one", "use": "work", "undo": {"use": "work"}, "onInterrupt": "ask", "verify": [check("done")],
         "verifyAfter": true},
        {"name": "two", "use": "work", "retries": 1, "backoff": "seconds"},
    ]);
    for recovery in [windlass_model::fact::Recovery::Neither, windlass_model::fact::Recovery::Reattachable] {
        let play = |crash: Option<u64>| {
            let scene = scene(spec.clone()).fails("b/t1/two").fails("*!verify/*").noop();
            scene.recovery(recovery).crash_at(crash).play()
        };
        let whole = play(None);
        assert_eq!(whole.run(), RunStatus::Failed);
        for at in 1..=whole.events().len() as u64 {
            let seen = play(Some(at));
            assert_eq!((seen.run(), &seen.statuses), (whole.run(), &whole.statuses), "crash at {at}");
            for execution in &seen.rehearsed.executions {
                let acts = seen.layout().action(execution.element).unwrap().facts.name == "work";
                assert_eq!(execution.asked == Asked::ToForesee, acts, "crash at {at}: {execution:?}");
            }
        }
    }
}
