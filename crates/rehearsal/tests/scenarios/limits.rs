//! Limits: concurrency, failures, batches, canaries, labels.

use std::time::Duration;

use serde_json::json;
use windlass_model::event::What;
use windlass_model::outcome::{Outcome, ReasonKind, RunStatus, Skip, Status};
use windlass_rehearsal::Play;

use crate::stage::{act, block, check, failing, scene, secs};

#[test]
fn w6_unlimited_failures() {
    let spec = json!({"blocks": [block("work", 5, json!({"failures": "unlimited", "concurrency": 2}))]});
    let seen = scene(spec).fails("work/*/do").play();
    seen.is_sound();
    assert_eq!(seen.run(), RunStatus::Succeeded);
    assert_eq!(seen.status("work"), Status::Succeeded);
    assert_eq!(seen.count(0, Status::Failed), 5);
}

#[test]
fn w7_one_tolerated_in_series() {
    let spec = json!({"blocks": [block("work", 3, json!({"failures": 1}))]});
    let seen = scene(spec.clone()).fails("work/t0/do").fails("work/t2/do").play();
    seen.is_sound();
    assert_eq!(seen.run(), RunStatus::Failed);
    assert_eq!(seen.rehearsed.executions.len(), 3);
    assert_eq!(seen.reason().unwrap().1, "work/t2/do");

    let seen = scene(spec).fails("work/t0/do").fails("work/t1/do").play();
    assert_eq!(seen.rehearsed.executions.len(), 2);
    assert_eq!(seen.executed("work/t2/do"), 0);
}

#[test]
fn w8_peak_is_exact_and_failures_are_bounded() {
    let seen = scene(json!({"blocks": [block("work", 10, json!({"concurrency": 3}))]})).play();
    seen.is_sound();
    assert_eq!(seen.peak(0), 3);

    let spec = json!({"blocks": [block("work", 20, json!({"concurrency": 5, "failures": 2}))]});
    let seen = scene(spec).fails("work/*/do").play();
    assert!(seen.count(0, Status::Failed) <= 7);
    assert_eq!(seen.count(0, Status::Failed) + seen.count(0, Status::Pending), 20);

    for max in 0..4 {
        let limit = json!({"max": max, "strict": true});
        let spec = json!({"blocks": [block("work", 20, json!({"concurrency": 5, "failures": limit}))]});
        let seen = scene(spec).fails("work/*/do").play();
        seen.is_sound();
        assert_eq!(seen.count(0, Status::Failed), max + 1, "strict: the fewest at which it is known");
        assert_eq!(seen.peak(0), (max + 1).min(5));
    }
}

#[test]
fn w9_blocks_never_overlap() {
    let first = block("one", 3, json!({"concurrency": 3, "exitDelay": "10s", "entranceDelay": "5s"}));
    let seen = scene(json!({"blocks": [first, block("two", 1, json!({}))]})).play();
    seen.is_sound();
    assert_eq!(seen.began("one/t0"), Some(secs(5)));
    assert_eq!(seen.ended("one/t2"), Some(secs(6)));
    assert_eq!(seen.ended("one"), Some(secs(16)));
    assert_eq!(seen.began("two"), Some(secs(16)));
}

#[test]
fn w10_a_failed_action_ends_its_sequence_only() {
    let actions = json!([act("a"), act("b"), act("c")]);
    let more = json!({"sequence": actions, "concurrency": 2, "failures": 1});
    let seen = scene(json!({"blocks": [block("work", 3, more)]})).fails("work/t1/b").play();
    seen.is_sound();
    assert_eq!(seen.run(), RunStatus::Succeeded);
    assert_eq!(seen.status("work/t1"), Status::Failed);
    assert_eq!(seen.status("work/t1/c"), Status::Pending);
    assert_eq!(seen.status("work/t0/c"), Status::Succeeded);
    assert_eq!(seen.status("work/t2"), Status::Succeeded);
}

#[test]
fn batches_soak_and_check_again() {
    let more = json!({
        "concurrency": 4, "batches": [1, "50%"], "soak": "60s",
        "checks": {"continuous": [check("c")], "every": "1h"},
    });
    let seen = scene(json!({"blocks": [block("work", 8, more)]})).play();
    seen.is_sound();
    assert_eq!(seen.run(), RunStatus::Succeeded);
    let sizes = seen.events().iter().filter_map(|event| match event.what {
        What::BatchBegan { size, .. } => Some(size),
        _ => None,
    });
    assert_eq!(sizes.collect::<Vec<_>>(), [1, 4, 3]);
    // Gate 1 s, t0 1 s, soak 60 s, check 1 s, then the second batch.
    assert_eq!(seen.began("work/t1"), Some(secs(63)));
    assert_eq!(seen.attempts("work/checks.continuous/c").len(), 3);
}

#[test]
fn a_check_that_fails_after_a_batch_stops_the_rest() {
    let more = json!({
        "batches": [2], "soak": "60s", "checks": {"continuous": [check("c")], "every": "1h"},
    });
    let seen = scene(json!({"blocks": [block("work", 8, more)]}))
        .play_as("*/c", |attempt| {
            let after = Duration::from_secs(1);
            if attempt.at.0 == 0 { Play::good(after) } else { Play::bad(after, failing()) }
        })
        .play();
    seen.is_sound();
    assert_eq!(seen.reason().unwrap().0, ReasonKind::ContinuousCheck);
    assert_eq!(seen.count(0, Status::Succeeded), 2);
    assert_eq!(seen.count(0, Status::Pending), 6);
}

#[test]
fn auto_batches_double_up_to_the_concurrency() {
    let more = json!({"batches": "auto", "concurrency": 4});
    let seen = scene(json!({"blocks": [block("work", 14, more)]})).play();
    let sizes = seen.events().iter().filter_map(|event| match event.what {
        What::BatchBegan { size, .. } => Some(size),
        _ => None,
    });
    assert_eq!(sizes.collect::<Vec<_>>(), [1, 2, 4, 4, 3]);
}

#[test]
fn a_failing_canary_stops_the_block() {
    let more = json!({"canary": 2, "concurrency": 2, "failures": "unlimited"});
    let scene_of = |seed| scene(json!({"blocks": [block("work", 10, more.clone())]})).seed(seed);
    let seen = scene_of(3).fails("work/*/do").play();
    seen.is_sound();
    assert_eq!(seen.run(), RunStatus::Failed);
    assert_eq!(seen.count(0, Status::Failed), 2);
    assert_eq!(seen.count(0, Status::Pending), 8);
    assert_eq!(scene_of(3).play().count(0, Status::Succeeded), 10);
    let chosen = |seed| {
        scene_of(seed).play().events().iter().find_map(|event| match &event.what {
            What::BatchBegan { canary, .. } => Some(canary.clone()),
            _ => None,
        })
    };
    assert_eq!(chosen(3), chosen(3));
    let all: std::collections::BTreeSet<u32> = (0..100).flat_map(|seed| chosen(seed).unwrap()).collect();
    assert_eq!(all.len(), 10, "any node can be chosen");
}

#[test]
fn max_per_label_is_exact() {
    let nodes: Vec<_> = (0..12)
        .map(|n| json!({"name": format!("t{n}"), "labels": {"rack": format!("r{}", n % 3), "room": format!("{}", n % 2)}}))
        .collect();
    let more = json!({"targets": {"nodes": nodes}, "concurrency": 12, "maxPer": {"rack": 2, "room": 3}});
    let seen = scene(json!({"blocks": [block("work", 0, more)]})).play();
    seen.is_sound();
    assert_eq!(seen.run(), RunStatus::Succeeded);
    let mut per = std::collections::BTreeMap::<String, i32>::new();
    let mut peak = 0;
    for event in seen.events() {
        let step = match event.what {
            What::Began(_) => 1,
            What::Ended { .. } => -1,
            _ => continue,
        };
        let address = seen.layout().address(event.what.element());
        let Some(n) = address.strip_prefix("work/t").and_then(|n| n.parse::<u32>().ok()) else { continue };
        for (key, most) in [(format!("rack{}", n % 3), 2), (format!("room{}", n % 2), 3)] {
            let count = per.entry(key).or_default();
            *count += step;
            assert!(*count <= most);
        }
        peak = peak.max(per.iter().filter(|(key, _)| key.starts_with("rack")).map(|(_, count)| *count).sum());
    }
    assert_eq!(peak, 6, "and no room is left unused");
}

#[test]
fn halt_ends_sequences_after_their_current_action() {
    let more = json!({"sequence": [act("a"), act("b")], "concurrency": 3, "onFailure": "halt"});
    let seen =
        scene(json!({"blocks": [block("work", 3, more)]})).takes("work/*", 5).fails("work/t0/a").play();
    seen.is_sound();
    assert_eq!(seen.status("work/t1/a"), Status::Succeeded);
    assert_eq!(seen.status("work/t1/b"), Status::Pending);
    assert_eq!(seen.status("work/t1"), Status::Stopped);
}

#[test]
fn undo_takes_back_what_succeeded_in_reverse() {
    let undo = json!({"use": "work"});
    let action = |name: &str| json!({"name": name, "use": "work", "undo": undo});
    let more = json!({
        "sequence": [action("a"), act("plain"), action("b"), action("c")],
        "concurrency": 2, "onFailure": "undo",
    });
    let seen = scene(json!({"blocks": [block("work", 5, more)]}))
        .play_as("work/t1/c", |_| Play::bad(Duration::from_millis(500), failing()))
        .play();
    seen.is_sound();
    assert_eq!(seen.run(), RunStatus::Failed);
    assert_eq!(seen.reason().unwrap().1, "work/t1/c");
    let undone: Vec<String> = seen
        .rehearsed
        .executions
        .iter()
        .map(|execution| seen.layout().address(execution.element))
        .filter(|address| address.ends_with("!undo"))
        .collect();
    assert_eq!(
        undone,
        ["work/t0/c!undo", "work/t1/b!undo", "work/t0/b!undo", "work/t1/a!undo", "work/t0/a!undo"]
    );
    assert_eq!(seen.count(0, Status::Pending), 3);
}

#[test]
fn w36_retry_does_only_what_did_not_succeed() {
    let spec = json!({"blocks": [block("one", 2, json!({})), block("two", 3, json!({}))]});
    let seen = scene(spec).done(vec![vec![0, 1], vec![1]], vec![0]).play();
    seen.is_sound();
    assert_eq!(seen.run(), RunStatus::Succeeded);
    assert_eq!(seen.outcome("one"), Some(Outcome::Skipped(Skip::DoneBefore)));
    assert_eq!(seen.outcome("two/t1"), Some(Outcome::Skipped(Skip::DoneBefore)));
    assert_eq!(seen.rehearsed.executions.len(), 2);
    assert_eq!(seen.executed("two/t1/do"), 0);
}

#[test]
fn w36_a_block_whose_checks_are_to_be_made_again_is_gone_through_without_its_work() {
    let more = json!({"canary": 1, "batches": [1], "soak": "10s", "onFailure": "undo",
        "checks": {"pre": [check("pre")], "continuous": [check("loop")], "post": [check("post")], "deferred": [check("last")]}});
    let spec = json!({"blocks": [block("one", 3, more)]});
    let seen = scene(spec.clone()).done(vec![vec![0, 1, 2]], vec![]).play();
    seen.is_sound();
    assert_eq!((seen.run(), seen.outcome("one")), (RunStatus::Succeeded, Some(Outcome::UNCHANGED)));
    assert_eq!(seen.count(0, Status::Skipped), 3);
    for slot in ["pre/pre", "continuous/loop", "post/post", "deferred/last"] {
        assert_eq!(seen.executed(&format!("one/checks.{slot}")), 1, "{slot}");
    }
    assert_eq!(seen.rehearsed.executions.len(), 4);
    let seen = scene(spec).done(vec![vec![0, 1, 2]], vec![]).fails("*/post").play();
    seen.is_sound();
    assert_eq!(seen.reason().unwrap().0, ReasonKind::PostCheck);
    assert_eq!(seen.rehearsed.executions.len(), 4);
}
