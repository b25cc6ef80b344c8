//! Deferred batches, and order at the end.

use std::time::Duration;

use serde_json::json;
use windlass_model::outcome::{ReasonKind, RunStatus, Status};
use windlass_rehearsal::Play;

use crate::stage::{act, block, failing, scene};

#[test]
fn w14_batches_are_selected_by_the_end() {
    let batch = |name: &str, when: &str| json!({"name": name, "when": when, "actions": [act("a"), act("b"), act("c")]});
    let spec = json!({
        "blocks": [block("work", 1, json!({}))],
        "deferred": [batch("good", "success"), batch("bad", "failure"), batch("any", "always")],
    });
    let seen = scene(spec.clone()).fails("deferred/any/b").play();
    seen.is_sound();
    assert_eq!(seen.run(), RunStatus::Succeeded);
    assert_eq!(seen.status("deferred/good"), Status::Succeeded);
    assert_eq!(seen.status("deferred/bad"), Status::Pending);
    assert_eq!(seen.status("deferred/any"), Status::Failed);
    assert_eq!(seen.status("deferred/any/c"), Status::Pending);

    let seen = scene(spec).fails("work/t0/do").play();
    assert_eq!(seen.status("deferred/good"), Status::Pending);
    assert_eq!(seen.status("deferred/bad"), Status::Succeeded);
    assert_eq!(seen.status("deferred/any"), Status::Succeeded);
}

#[test]
fn w15_fail_plan_fails_a_good_run() {
    let spec = |fail| {
        json!({
            "blocks": [block("work", 1, json!({}))],
            "deferred": [{"name": "tell", "failPlan": fail, "actions": [act("mail")]}],
        })
    };
    let seen = scene(spec(true)).fails("deferred/*").play();
    assert_eq!(seen.run(), RunStatus::Failed);
    assert_eq!(
        seen.reason(),
        Some((ReasonKind::DeferredBatch, "deferred/tell/mail".into(), "it broke".into()))
    );
    assert_eq!(scene(spec(false)).fails("deferred/*").play().run(), RunStatus::Succeeded);
    // In a run that had failed it is only listed: the design wins over the scenario.
    let seen = scene(spec(true)).fails("*").play();
    assert_eq!(seen.reason().unwrap().0, ReasonKind::Action);
}

#[test]
fn w23_nothing_runs_behind_a_failure() {
    let spec = json!({
        "blocks": [block("work", 6, json!({"concurrency": 3}))],
        "deferred": [{"name": "rollback", "when": "failure", "actions": [act("undo")]}],
    });
    let seen = scene(spec)
        .takes("work/*", 30)
        .play_as("work/t0/do", |_| Play::bad(Duration::from_millis(200), failing()))
        .play();
    seen.is_sound();
    let rollback = seen.rehearsed.executions.last().unwrap();
    assert_eq!(seen.layout().address(rollback.element), "deferred/rollback/undo");
    for execution in &seen.rehearsed.executions[..3] {
        assert!(execution.ended.unwrap() <= rollback.began);
    }
    assert_eq!(seen.count(0, Status::Succeeded), 2);
    assert_eq!(seen.count(0, Status::Pending), 3);
    assert_eq!(seen.rehearsed.executions.len(), 4);
}
