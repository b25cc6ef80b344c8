//! The scenarios of earlier designs about serial work over nodes, in our words.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use windlass_model::element::ElementId;
use windlass_model::event::{Command, What};
use windlass_model::outcome::{RunStatus, Status};
use windlass_rehearsal::Told;

use crate::stage::{Seen, block, check, scene, secs};

/// The sequences of a block in the order in which they began.
fn order(seen: &Seen, block: u32) -> Vec<u32> {
    let began = seen.events().iter().filter_map(|event| match event.what {
        What::Began(ElementId::Sequence { block: of, seq }) if of == block => Some(seq),
        _ => None,
    });
    began.collect()
}

#[test]
fn p14_one_canary_goes_first_each_can_be_it_and_its_failure_leaves_the_others() {
    let spec =
        json!({"blocks": [block("b", 5, json!({"canary": 1, "concurrency": 5, "failures": "unlimited"}))]});
    let mut firsts = BTreeSet::new();
    for seed in 0..100 {
        let good = scene(spec.clone()).seed(seed).play();
        assert_eq!(good.run(), RunStatus::Succeeded);
        let first = order(&good, 0)[0];
        firsts.insert(first);
        let ended = good.ended(&format!("b/t{first}")).unwrap();
        for other in (0..5).filter(|other| *other != first) {
            assert!(good.began(&format!("b/t{other}")).unwrap() >= ended, "the canary is alone");
        }
        let bad = scene(spec.clone()).seed(seed).fails("b/*/do").play();
        assert_eq!(
            (bad.run(), bad.count(0, Status::Failed), bad.count(0, Status::Pending)),
            (RunStatus::Failed, 1, 4)
        );
    }
    assert_eq!(firsts.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4], "each can be it, the last one too");
}

/// What a plan says of all of its blocks counts where a block says nothing, and a block that says no has none.
#[test]
fn p14_a_block_says_no_to_the_canary_of_its_plan() {
    let over =
        |own: Value| json!({"defaults": {"canary": true, "concurrency": 5}, "blocks": [block("b", 5, own)]});
    let seen = scene(over(json!({}))).fails("b/*/do").play();
    assert_eq!((seen.count(0, Status::Failed), seen.count(0, Status::Pending)), (1, 4));
    for own in [json!({"canary": false}), json!({"canary": 0})] {
        let seen = scene(over(own)).play();
        assert_eq!((seen.run(), seen.peak(0)), (RunStatus::Succeeded, 5), "all at once, as the plan says");
        assert!(
            !seen
                .events()
                .iter()
                .any(|event| matches!(&event.what, What::BatchBegan { canary, .. } if !canary.is_empty()))
        );
    }
    let seen = scene(over(json!({"canary": 2, "concurrency": 1}))).play();
    assert_eq!(seen.peak(0), 1);
    let sizes = seen.events().iter().filter_map(|event| match event.what {
        What::BatchBegan { size, .. } => Some(size),
        _ => None,
    });
    assert_eq!(sizes.collect::<Vec<_>>(), [2, 3]);
}

/// A canary of which a selection left nothing is no work, and no crash.
#[test]
fn p13_a_canary_block_without_nodes_does_nothing() {
    let more =
        json!({"targets": {"nodes": [], "allowEmpty": true}, "canary": 1, "batches": [1, 2], "soak": "1h"});
    let seen = scene(json!({"blocks": [block("b", 0, more), block("next", 1, json!({}))]})).play();
    assert_eq!(
        (seen.run(), seen.status("b"), seen.status("next/t0")),
        (RunStatus::Succeeded, Status::Succeeded, Status::Succeeded)
    );
    assert!(!seen.events().iter().any(|event| matches!(event.what, What::BatchBegan { block: 0, .. })));
}

#[test]
fn p15_a_block_overrides_what_its_plan_says_of_roles() {
    let node =
        |n: u32| json!({"name": format!("n{n}"), "labels": {"role": if n < 3 { "web" } else { "db" }}});
    let nodes: Vec<Value> = (0..6).map(node).collect();
    let peak = |own: Value| {
        let mut more = json!({"targets": {"nodes": nodes}});
        more.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        let defaults = json!({"maxPer": {"role": 1}, "concurrency": "100%"});
        let seen = scene(json!({"defaults": defaults, "blocks": [block("b", 0, more)]})).play();
        assert_eq!(seen.run(), RunStatus::Succeeded);
        seen.peak(0)
    };
    assert_eq!(peak(json!({})), 2);
    assert_eq!(peak(json!({"maxPer": {"role": 2}})), 4);
    assert_eq!(peak(json!({"maxPer": {}})), 6);
    assert_eq!(peak(json!({"concurrency": 1})), 1);
}

#[test]
fn p15_one_of_a_role_at_once_and_the_roles_side_by_side() {
    let nodes: Vec<Value> = (0..6)
        .map(|n| {
            let role = if n < 3 { "web" } else { "db" };
            json!({"name": format!("n{n}"), "labels": {"role": role}})
        })
        .collect();
    let more = json!({"targets": {"nodes": nodes}, "concurrency": 6, "maxPer": {"role": 1}});
    let seen = scene(json!({"blocks": [block("b", 0, more)]})).play();
    assert_eq!(seen.run(), RunStatus::Succeeded);
    assert_eq!(seen.peak(0), 2, "two roles side by side");
    let (mut web, mut db) = (0, 0);
    for event in seen.events() {
        let (seq, step) = match event.what {
            What::Began(ElementId::Sequence { seq, .. }) => (seq, 1),
            What::Ended { element: ElementId::Sequence { seq, .. }, .. } => (seq, -1),
            _ => continue,
        };
        *(if seq < 3 { &mut web } else { &mut db }) += step;
        assert!(web <= 1 && db <= 1, "two of one role at once");
    }
}

/// A fact counts like a label, also one that lies deeper.
#[test]
fn a_limit_may_count_by_a_fact() {
    let node = |n: u32| json!({"name": format!("n{n}"), "facts": {"os": {"name": if n < 4 { "debian" } else { "alpine" }}}});
    let nodes: Vec<Value> = (0..6).map(node).collect();
    let more = json!({"targets": {"nodes": nodes}, "concurrency": 6, "maxPer": {"os.name": 1}});
    let seen = scene(json!({"blocks": [block("b", 0, more)]})).play();
    assert_eq!((seen.run(), seen.peak(0)), (RunStatus::Succeeded, 2));
}

#[test]
fn c41_two_at_a_time_of_five_and_a_failed_batch_stops_the_rest() {
    let by = |failures: Value| json!({"blocks": [block("b", 5, json!({"batches": [2], "concurrency": 2, "failures": failures}))]});
    let seen = scene(by(json!(0))).play();
    assert_eq!((seen.run(), seen.peak(0), seen.count(0, Status::Succeeded)), (RunStatus::Succeeded, 2, 5));
    let seen = scene(by(json!(0))).fails("b/t0/do").play();
    assert_eq!(
        (seen.run(), seen.count(0, Status::Succeeded), seen.count(0, Status::Pending)),
        (RunStatus::Failed, 1, 3)
    );
    // All may run, and the last one that fails is one too many.
    let seen = scene(by(json!(4))).fails("b/*/do").play();
    assert_eq!((seen.run(), seen.peak(0), seen.count(0, Status::Failed)), (RunStatus::Failed, 2, 5));
}

#[test]
fn c42_a_block_begins_when_the_last_node_of_the_one_before_has_ended() {
    let spec = json!({"blocks": [block("one", 4, json!({"concurrency": 4})), block("two", 4, json!({"concurrency": 4}))]});
    let seen = scene(spec).takes("one/t2/do", 90).play();
    let last = seen.ended("one/t2").unwrap();
    assert_eq!(last, secs(90));
    for node in 0..4 {
        assert!(seen.began(&format!("two/t{node}")).unwrap() >= last);
        // What does not depend on the slow one did not wait for it.
        assert!(node == 2 || seen.ended(&format!("one/t{node}")).unwrap() == secs(1));
    }
}

#[test]
fn c45_a_condition_is_looked_at_so_often_and_then_fails_or_for_ever_and_can_be_ended() {
    let waits = |retries: u32| {
        let mut ready = check("ready");
        (ready["retries"], ready["backoff"]) = (json!(retries), json!({"initial": "15s"}));
        json!({"blocks": [block("b", 1, json!({"checks": {"pre": [ready]}}))]})
    };
    let seen = scene(waits(2)).fails("b/checks.pre/ready").play();
    assert_eq!(
        (seen.run(), seen.executed("b/checks.pre/ready"), seen.executed("b/t0/do")),
        (RunStatus::Failed, 3, 0)
    );
    let attempts = seen.attempts("b/checks.pre/ready");
    assert!(attempts.windows(2).all(|pair| pair[1].since(pair[0]).as_secs() == 16), "{attempts:?}");
    let seen = scene(waits(1_000_000))
        .fails("b/checks.pre/ready")
        .told(secs(3_600), Told::Command(Command::Stop))
        .play();
    assert_eq!((seen.run(), seen.executed("b/t0/do")), (RunStatus::Stopped, 0));
    assert!(seen.executed("b/checks.pre/ready") > 200);
}
