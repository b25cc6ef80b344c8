//! Actions: attempts, waits, verification, values.

use std::time::Duration;

use serde_json::json;
use windlass_engine::AttemptResult;
use windlass_model::event::{CancelCause, Severity, What};
use windlass_model::outcome::{Failure, Outcome, ReasonKind, RunStatus, Skip, Status};
use windlass_rehearsal::Play;

use crate::stage::{act, block, check, failing, scene, secs};

fn one(action: serde_json::Value) -> serde_json::Value {
    json!({"blocks": [block("work", 1, json!({"sequence": [action]}))]})
}

#[test]
fn w11_retries() {
    let action = json!({"name": "do", "use": "work", "retries": 3, "backoff": {"initial": "10s"}});
    let seen = scene(one(action.clone())).fails("*").play();
    seen.is_sound();
    assert_eq!(seen.attempts("work/t0/do"), [0, 11, 22, 33].map(secs));
    let seen = scene(one(action.clone())).fault("*@1=fail").play();
    assert_eq!(seen.run(), RunStatus::Succeeded);
    let ends: Vec<bool> = seen
        .events()
        .iter()
        .filter_map(|event| match &event.what {
            What::AttemptEnded { end, .. } => Some(end.failure.is_some()),
            _ => None,
        })
        .collect();
    assert_eq!(ends, [true, false]);
    let seen = scene(one(action)).fault("*=permanent").play();
    assert_eq!(seen.attempts("work/t0/do").len(), 1);
}

#[test]
fn w13_a_timed_out_attempt_is_retried_with_a_fresh_timeout() {
    let action =
        json!({"name": "do", "use": "work", "retries": 1, "timeout": "20s", "backoff": {"initial": "1s"}});
    let seen = scene(one(action)).fault("*=hang").play();
    seen.is_sound();
    assert_eq!(seen.attempts("work/t0/do"), [0, 21].map(secs));
    assert_eq!(seen.ended("work/t0/do"), Some(secs(41)));
    assert_eq!(seen.reason().unwrap().2, "took longer than its timeout of 20s");
}

#[test]
fn w33_no_wait_follows_the_last_attempt() {
    let action = json!({"name": "do", "use": "work", "backoff": "thirtySeconds"});
    let seen = scene(one(action)).fails("*").play();
    assert_eq!(seen.ended("work"), Some(secs(1)));
    assert_eq!(seen.reason().unwrap().2, "it broke");
}

#[test]
fn w34_attempts_of_one_action_never_overlap() {
    let action =
        json!({"name": "do", "use": "work", "retries": 2, "timeout": "10s", "backoff": {"initial": "1s"}});
    let seen = scene(one(action)).fault("*=stubborn").play();
    seen.is_sound();
    // Ten seconds, five of grace, killed; only then the next.
    assert_eq!(seen.attempts("work/t0/do"), [0, 16, 32].map(secs));
    for pair in seen.rehearsed.executions.windows(2) {
        assert!(pair[0].ended.unwrap() <= pair[1].began);
    }
}

#[test]
fn a_deadline_bounds_all_attempts() {
    let action =
        json!({"name": "do", "use": "work", "retries": 99, "deadline": "25s", "backoff": {"initial": "10s"}});
    let seen = scene(one(action)).fails("*").play();
    assert_eq!(seen.attempts("work/t0/do"), [0, 11, 22].map(secs));
    assert_eq!(seen.ended("work/t0/do"), Some(secs(23)), "no wait for an attempt that cannot be");
    assert_eq!(seen.reason().unwrap().0, ReasonKind::Deadline);
    let action = json!({"name": "do", "use": "work", "deadline": "25s", "timeout": "1h"});
    let seen = scene(one(action)).fault("*=hang").play();
    assert_eq!(seen.ended("work/t0/do"), Some(secs(25)));
    assert_eq!(seen.reason().unwrap().0, ReasonKind::Deadline);
}

#[test]
fn a_deadline_that_passes_during_verification_leaves_no_attempt() {
    let action = json!({"name": "do", "use": "work", "deadline": "10s", "verify": [check("v")]});
    let seen = scene(one(action)).takes("*!verify/v", 20).fault("*!verify/v=fail").play();
    seen.is_sound();
    assert_eq!(seen.executed("work/t0/do"), 0);
    let (kind, address, message) = seen.reason().unwrap();
    assert_eq!((kind, &*address), (ReasonKind::Deadline, "work/t0/do"));
    assert_eq!(message, "the deadline of 10s passed before the next attempt");
}

#[test]
fn a_timeout_and_a_deadline_at_once_leave_the_whole_grace() {
    let action = json!({"name": "do", "use": "work", "timeout": "10s", "deadline": "12s", "retries": 3});
    for deadline in ["10s", "12s"] {
        let mut action = action.clone();
        action["deadline"] = json!(deadline);
        let seen = scene(one(action)).fault("work/*=stubborn").play();
        seen.is_sound();
        let told: Vec<_> = seen
            .events()
            .iter()
            .filter_map(|event| match event.what {
                What::Cancelled { how, why, .. } => Some((event.at, how, why)),
                _ => None,
            })
            .collect();
        let (term, kill) = (Severity::Term, Severity::Kill);
        assert_eq!(
            told,
            [(secs(10), term, CancelCause::Timeout), (secs(15), kill, CancelCause::Timeout)],
            "{deadline}"
        );
    }
}

#[test]
fn retry_after_is_honoured() {
    let action = json!({"name": "do", "use": "work", "retries": 1, "backoff": {"initial": "1s"}});
    let seen = scene(one(action))
        .play_as("*", |_| {
            let result = AttemptResult {
                retry_after: Some(Duration::from_secs(90)),
                ..AttemptResult::failed(failing())
            };
            Play::of(Duration::from_secs(1), result)
        })
        .play();
    assert_eq!(seen.attempts("work/t0/do"), [0, 91].map(secs));
}

#[test]
fn retry_after_outlives_a_crash_at_any_event() {
    let action = json!({"name": "do", "use": "work", "retries": 1, "backoff": {"initial": "1s"}});
    let scene = || {
        scene(one(action.clone())).dead_for(Duration::from_secs(60), Duration::from_secs(3600)).play_as(
            "*",
            |_| {
                let result = AttemptResult {
                    retry_after: Some(Duration::from_secs(90)),
                    ..AttemptResult::failed(failing())
                };
                Play::of(Duration::from_secs(1), result)
            },
        )
    };
    let asked_behind_the_crash = (1..=scene().play().events().len() as u64).filter(|crash| {
        let seen = scene().crash_at([*crash]).play();
        let events = seen.events();
        let ends = events.iter().zip(events.iter().skip(1)).filter_map(|(asked, ended)| {
            match (&asked.what, &ended.what) {
                (What::RetryAfter { until, .. }, What::AttemptEnded { .. }) => Some((ended.seq, *until)),
                _ => None,
            }
        });
        let mut met = false;
        for (seq, until) in ends.collect::<Vec<_>>() {
            let next = events
                .iter()
                .find(|event| event.seq > seq && matches!(event.what, What::AttemptBegan { .. }));
            assert!(next.is_none_or(|next| next.at == until), "crash at {crash}: {events:?}");
            met |= next.is_some() && *crash == seq;
        }
        met
    });
    assert_eq!(asked_behind_the_crash.count(), 1, "no crash came between the end of an attempt and its wait");
}

#[test]
fn when_and_verify_skip() {
    let action = json!({"name": "do", "use": "work", "when": "false"});
    let seen = scene(one(action)).play();
    seen.is_sound();
    assert_eq!(seen.outcome("work/t0/do"), Some(Outcome::Skipped(Skip::Condition)));
    assert_eq!(seen.run(), RunStatus::Succeeded);

    let action = json!({"name": "do", "use": "work", "when": "params.nope"});
    let seen = scene(one(action)).play();
    assert_eq!(seen.run(), RunStatus::Failed);

    let action =
        json!({"name": "do", "use": "work", "verify": [check("a"), check("b")], "verifyAfter": true});
    let seen = scene(one(action.clone())).play();
    seen.is_sound();
    assert_eq!(seen.outcome("work/t0/do"), Some(Outcome::Skipped(Skip::Verified)));
    // It fails before the work and passes after it.
    let seen = scene(one(action.clone())).fault("*!verify/b=fail").play();
    seen.is_sound();
    assert_eq!(seen.outcome("work/t0/do"), Some(Outcome::CHANGED));
    assert_eq!(seen.executed("work/t0/do!verifyAfter/a"), 1);
    let seen = scene(one(action)).fault("*!verify*/b=fail").play();
    seen.is_sound();
    assert_eq!(seen.status("work/t0/do"), Status::Failed);
    assert!(seen.reason().unwrap().2.contains("does not show"));
}

#[test]
fn values_are_saved_and_seen() {
    let spec = json!({"blocks": [
        block("one", 2, json!({"sequence": [
            {"name": "a", "use": "work", "save": {"kernel": "out.kernel"}},
            {"name": "b", "use": "work", "with": {"text": "{{ store.kernel }} on {{ node.name }}"}},
        ]})),
    ]});
    let seen = scene(spec.clone()).answers("one/*/a", json!({"out": {"kernel": "6.1"}})).play();
    seen.is_sound();
    assert_eq!(seen.run(), RunStatus::Succeeded);
    let requests: Vec<String> = seen
        .events()
        .iter()
        .filter_map(|event| match &event.what {
            What::ActionBegan { request: Some(request), .. } => Some(request.as_str().to_owned()),
            _ => None,
        })
        .collect();
    assert_eq!(requests, [r#"{"text":"6.1 on t0"}"#, r#"{"text":"6.1 on t1"}"#]);

    let seen = scene(spec).play();
    assert_eq!(seen.status("one/t0/a"), Status::Failed);
    assert!(seen.reason().unwrap().2.contains("`out.kernel`"));
}

#[test]
fn a_request_that_cannot_be_rendered_fails_its_action() {
    let seen = scene(one(json!({"name": "do", "use": "work", "with": {"x": "{{ store.nope }}"}}))).play();
    seen.is_sound();
    assert_eq!(seen.run(), RunStatus::Failed);
    assert_eq!(seen.rehearsed.executions.len(), 0);
    let failure = seen.events().iter().find_map(|event| match &event.what {
        What::ActionEnded { failure: Some(failure), .. } => Some(failure.clone()),
        _ => None,
    });
    assert_eq!(failure.unwrap().code, Failure::TEMPLATE);
}

#[test]
fn a_rehearsal_ends_when_only_its_checks_would_go_on() {
    let spec = json!({
        "checks": {"continuous": [check("c")], "every": "1s"},
        "blocks": [block("work", 1, json!({
            "sequence": [{"name": "do", "use": "work", "undo": {"use": "work"}}, act("last")], "onFailure": "undo",
        }))],
    });
    // The checks take as long as their period, so that one is always in flight.
    let seen = scene(spec).fails("work/t0/last").fails("*!undo").play();
    assert!(seen.rehearsed.run.needs_person());
    assert!(seen.events().len() < 100, "{} events", seen.events().len());
}

#[test]
fn an_undo_that_fails_asks_for_a_person() {
    let action = json!({"name": "a", "use": "work", "undo": {"use": "work"}});
    let more = json!({"sequence": [action, act("b")], "onFailure": "undo"});
    let seen = scene(json!({"blocks": [block("work", 1, more)]})).fails("work/*/b").fails("*!undo").play();
    assert_eq!(seen.run(), RunStatus::Running);
    assert!(seen.rehearsed.run.needs_person());
}
