//! Checks: the five slots at both levels.

use serde_json::json;
use windlass_model::element::ElementId;
use windlass_model::event::What;
use windlass_model::outcome::{Outcome, ReasonKind, RunStatus, Skip, Status};
use windlass_rehearsal::Play;

use crate::stage::{act, block, check, failing, scene, secs};

#[test]
fn w1_plan_bypass_passes_or_not() {
    let spec = json!({
        "checks": {"bypass": [check("a"), check("b")], "deferred": [check("d")], "pre": [check("p")]},
        "blocks": [block("work", 2, json!({}))],
        "deferred": [{"name": "tell", "actions": [act("mail")]}],
    });
    let seen = scene(spec.clone()).play();
    seen.is_sound();
    assert_eq!(seen.run(), RunStatus::Succeeded);
    assert_eq!(seen.reason(), None);
    for address in ["work", "work/t0", "checks.pre", "checks.deferred", "deferred/tell"] {
        assert_eq!(seen.status(address), Status::Pending, "{address}");
    }
    assert!(seen.events().iter().any(|event| {
        event.what == What::Ended { element: ElementId::Run, outcome: Outcome::Skipped(Skip::Bypassed) }
    }));

    let seen = scene(spec).fails("checks.bypass/b").play();
    seen.is_sound();
    assert_eq!(seen.run(), RunStatus::Succeeded);
    assert_eq!(seen.status("checks.bypass"), Status::Failed);
    assert_eq!(seen.status("work/t1/do"), Status::Succeeded);
    assert_eq!(seen.status("deferred/tell/mail"), Status::Succeeded);
}

#[test]
fn w2_block_bypass_passes() {
    let first = block(
        "one",
        2,
        json!({
            "checks": {"bypass": [check("b")], "post": [check("p")], "deferred": [check("d")]}, "exitDelay": "1h",
        }),
    );
    let seen = scene(json!({"blocks": [first, block("two", 1, json!({}))]})).play();
    seen.is_sound();
    assert_eq!(seen.outcome("one"), Some(Outcome::Skipped(Skip::Bypassed)));
    for address in ["one/t0", "one/checks.post", "one/checks.deferred"] {
        assert_eq!(seen.status(address), Status::Pending, "{address}");
    }
    assert_eq!(seen.status("two/t0"), Status::Succeeded);
    assert_eq!(seen.ended("two"), Some(secs(2)));
}

#[test]
fn w3_plan_pre_fails() {
    let seen = scene(json!({
        "checks": {"pre": [check("p")], "deferred": [check("d")], "post": [check("after")]},
        "blocks": [block("work", 2, json!({}))],
        "deferred": [
            {"name": "good", "when": "success", "actions": [act("a")]},
            {"name": "bad", "when": "failure", "actions": [act("a")]},
            {"name": "any", "when": "always", "actions": [act("a")]},
        ],
    }))
    .fails("checks.pre/p")
    .play();
    seen.is_sound();
    assert_eq!(seen.run(), RunStatus::Failed);
    assert_eq!(seen.reason(), Some((ReasonKind::PreCheck, "checks.pre/p".into(), "it broke".into())));
    assert_eq!(seen.status("work"), Status::Pending);
    assert_eq!(seen.status("checks.post"), Status::Pending);
    assert_eq!(seen.status("deferred/good"), Status::Pending);
    assert_eq!(seen.status("deferred/bad"), Status::Succeeded);
    assert_eq!(seen.status("deferred/any"), Status::Succeeded);
    assert_eq!(seen.status("checks.deferred/d"), Status::Succeeded);
}

#[test]
fn w4_block_pre_fails() {
    let checks = json!({"pre": [check("p")], "post": [check("after")], "deferred": [check("d")]});
    let first = block("one", 2, json!({"checks": checks, "exitDelay": "1h"}));
    let seen = scene(json!({"blocks": [first, block("two", 1, json!({}))]})).fails("one/checks.pre/p").play();
    seen.is_sound();
    assert_eq!(seen.run(), RunStatus::Failed);
    assert_eq!(seen.reason().unwrap().0, ReasonKind::PreCheck);
    assert_eq!(seen.reason().unwrap().1, "one/checks.pre/p");
    assert_eq!(seen.status("one"), Status::Failed);
    assert_eq!(seen.status("one/t0"), Status::Pending);
    assert_eq!(seen.status("one/checks.deferred/d"), Status::Succeeded);
    assert_eq!(seen.status("one/checks.post"), Status::Pending);
    assert_eq!(seen.status("two"), Status::Pending);
    assert_eq!(seen.rehearsed.run.last_at(), secs(2));
}

#[test]
fn w5_post_and_deferred_checks_fail_good_work() {
    for (slot, kind) in [("post", ReasonKind::PostCheck), ("deferred", ReasonKind::DeferredCheck)] {
        let mut checks = json!({});
        checks[slot] = json!([check("c")]);
        let spec = json!({"blocks": [block("work", 2, json!({"checks": checks.clone()}))]});
        let seen = scene(spec).fails("work/checks.*/c").play();
        seen.is_sound();
        assert_eq!(seen.run(), RunStatus::Failed);
        assert_eq!(seen.reason().unwrap().0, kind);
        assert_eq!(seen.reason().unwrap().1, format!("work/checks.{slot}/c"));
        assert_eq!(seen.status("work"), Status::Failed);
        assert_eq!(seen.status("work/t1/do"), Status::Succeeded);

        let spec = json!({"checks": checks, "blocks": [block("work", 2, json!({}))]});
        let seen = scene(spec).fails("checks.*/c").play();
        assert_eq!((seen.run(), seen.reason().unwrap().0), (RunStatus::Failed, kind));
        assert_eq!(seen.status("work"), Status::Succeeded);
    }
}

#[test]
fn w24_the_reason_is_the_first_true_cause() {
    // A block fails in a plan that has post checks and a slow continuous check mid-round.
    let seen = scene(json!({
        "checks": {"post": [check("after")], "continuous": [check("slow")], "every": "5s"},
        "blocks": [block("work", 3, json!({"concurrency": 3, "failures": 0}))],
        "deferred": [{"name": "tell", "failPlan": true, "actions": [act("mail")]}],
    }))
    .play_as("checks.continuous/slow", |attempt| {
        Play::good(std::time::Duration::from_secs(if attempt.at.0 == 0 { 1 } else { 60 }))
    })
    .takes("work/*", 10)
    .play_as("work/t1/do", |_| Play::bad(std::time::Duration::from_secs(7), failing()))
    .fails("deferred/tell/mail")
    .play();
    seen.is_sound();
    assert_eq!(seen.run(), RunStatus::Failed);
    assert_eq!(seen.reason(), Some((ReasonKind::Action, "work/t1/do".into(), "it broke".into())));
    assert_eq!(seen.status("checks.post"), Status::Pending);
    assert_eq!(seen.status("checks.continuous"), Status::Succeeded);
    // What began before the crossing ran on to its own end.
    assert_eq!(seen.status("work/t0"), Status::Succeeded);
}

#[test]
fn w25_continuous_checks_keep_their_period() {
    // One long action; the check fails from its fifth round on, at plan and at block level.
    for level in ["", "work/"] {
        let checks = json!({"continuous": [check("c")], "every": "10s"});
        let mut spec = json!({"blocks": [block("work", 4, json!({})), block("next", 1, json!({}))]});
        match level {
            "" => spec["checks"] = checks,
            _ => spec["blocks"][0]["checks"] = checks,
        }
        let seen = scene(spec)
            .takes("work/t*/do", 100)
            .play_as(&format!("{level}checks.continuous/c"), |attempt| {
                let after = std::time::Duration::from_secs(1);
                if attempt.at < secs(40) { Play::good(after) } else { Play::bad(after, failing()) }
            })
            .play();
        seen.is_sound();
        let address = format!("{level}checks.continuous/c");
        assert_eq!(seen.attempts(&address), [0, 10, 20, 30, 40].map(secs), "{level}");
        assert_eq!(seen.run(), RunStatus::Failed);
        assert_eq!(seen.reason().unwrap().0, ReasonKind::ContinuousCheck);
        assert_eq!(seen.status("work/t0"), Status::Succeeded, "what is in flight ends");
        assert_eq!(seen.status("work/t1"), Status::Pending, "nothing new starts");
        assert_eq!(seen.status("next"), Status::Pending);
        let expected = if level.is_empty() { Status::Stopped } else { Status::Failed };
        assert_eq!(seen.status("work"), expected);
    }
    // Without `every` the period is 30 s.
    let spec = json!({"checks": {"continuous": [check("c")]}, "blocks": [block("work", 1, json!({}))]});
    let seen = scene(spec).takes("work/*", 100).play();
    assert_eq!(seen.attempts("checks.continuous/c"), [0, 30, 60, 90].map(secs));
    // A late round is not doubled, and the beat goes on.
    let spec = json!({"checks": {"continuous": [check("c")], "every": "10s"}, "blocks": [block("work", 1, json!({}))]});
    let seen = scene(spec).takes("work/*", 100).takes("checks.continuous/c", 15).play();
    assert_eq!(seen.attempts("checks.continuous/c"), [0, 20, 40, 60, 80, 100].map(secs));
}

#[test]
fn w26_no_work_before_the_gate() {
    for level in ["", "work/"] {
        let checks = json!({"continuous": [check("c")]});
        let mut spec = json!({"blocks": [block("work", 4, json!({"concurrency": 4}))]});
        match level {
            "" => spec["checks"] = checks,
            _ => spec["blocks"][0]["checks"] = checks,
        }
        let seen = scene(spec).fails("*checks.continuous/c").play();
        seen.is_sound();
        assert_eq!(seen.run(), RunStatus::Failed);
        assert_eq!(seen.reason().unwrap().0, ReasonKind::ContinuousCheck);
        let mutating = seen
            .rehearsed
            .executions
            .iter()
            .filter(|execution| seen.layout().address(execution.element).ends_with("/do"));
        assert_eq!(mutating.count(), 0);
    }
}

#[test]
fn gate_runs_pre_and_continuous_in_parallel() {
    let spec = json!({
        "checks": {"pre": [check("p"), check("q")], "continuous": [check("c")]},
        "blocks": [block("work", 1, json!({}))],
    });
    let seen = scene(spec).takes("checks.*", 5).play();
    seen.is_sound();
    assert_eq!(seen.began("checks.pre/q"), Some(secs(0)));
    assert_eq!(seen.began("work/t0/do"), Some(secs(5)));
}

#[test]
fn a_block_whose_post_checks_were_never_made_has_not_succeeded() {
    let more = json!({"checks": {"post": [check("q")]}});
    let spec = json!({
        "checks": {"continuous": [check("c")], "every": "4s"},
        "blocks": [block("work", 1, more)],
    });
    let seen = scene(spec).takes("work/*", 10).fault("checks.continuous/c+1s..9s=fail").play();
    seen.is_sound();
    assert_eq!(seen.reason().unwrap().0, ReasonKind::ContinuousCheck);
    assert_eq!(seen.status("work/t0"), Status::Succeeded, "what was in flight ran on to its end");
    assert_eq!(seen.executed("work/checks.post/q"), 0);
    assert_eq!(seen.status("work"), Status::Stopped);
}
