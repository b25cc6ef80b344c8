//! People: pause, resume, stop, cancel, kill, resolve.

use serde_json::json;
use windlass_model::event::{Command, Verdict};
use windlass_model::outcome::{ReasonKind, RunStatus, Status};
use windlass_rehearsal::{Fault, Told};

use crate::stage::{act, block, check, scene, secs};

fn two_steps() -> serde_json::Value {
    json!({
        "checks": {"deferred": [check("d")]},
        "blocks": [block("work", 4, json!({"sequence": [act("a"), act("b")], "concurrency": 2}))],
        "deferred": [
            {"name": "bad", "when": "failure", "actions": [act("mail")]},
            {"name": "good", "when": "success", "actions": [act("mail")]},
        ],
    })
}

#[test]
fn w31_stop_lets_attempts_end_and_runs_failure_batches() {
    let seen = scene(two_steps()).takes("work/*", 10).told(secs(5), Told::Command(Command::Stop)).play();
    seen.is_sound();
    assert_eq!(seen.run(), RunStatus::Stopped);
    assert_eq!(seen.reason().unwrap().0, ReasonKind::Stopped);
    assert_eq!(seen.status("work/t0/a"), Status::Succeeded);
    assert_eq!(seen.status("work/t0/b"), Status::Pending);
    assert_eq!(seen.status("work/t0"), Status::Stopped);
    assert_eq!(seen.status("work"), Status::Stopped);
    assert_eq!(seen.count(0, Status::Pending), 2);
    assert_eq!(seen.status("deferred/bad"), Status::Succeeded);
    assert_eq!(seen.status("deferred/good"), Status::Pending);
    assert_eq!(seen.status("checks.deferred/d"), Status::Succeeded);
    assert_eq!(seen.began("deferred/bad"), Some(secs(10)));
}

#[test]
fn w31_stop_works_wherever_the_run_is() {
    let check_spec = |slot: &str| {
        let mut spec = json!({"blocks": [block("work", 2, json!({}))]});
        spec["checks"][slot] = json!([check("c")]);
        spec
    };
    let with = |more| json!({"blocks": [block("work", 2, more), block("next", 1, json!({}))]});
    let cases = [
        (with(json!({"entranceDelay": "1h"})), 10),
        (with(json!({"exitDelay": "1h"})), 10),
        (with(json!({"batches": [1], "soak": "1h"})), 10),
        (
            with(
                json!({"sequence": [{"name": "do", "use": "work", "retries": 5, "backoff": {"initial": "1h", "max": "1h"}}]}),
            ),
            10,
        ),
        (check_spec("pre"), 0),
        (check_spec("bypass"), 0),
        (check_spec("post"), 2),
    ];
    for (spec, at) in cases {
        let mut scene = scene(spec.clone()).told(secs(at), Told::Command(Command::Stop));
        if spec.to_string().contains("retries") {
            scene = scene.fails("work/*");
        }
        let seen = scene.play();
        seen.is_sound();
        assert_eq!(seen.run(), RunStatus::Stopped, "{spec}");
        assert!(seen.rehearsed.run.last_at() <= secs(12), "{spec}");
        if seen.layout().find("next").is_some() {
            assert_eq!(seen.status("next"), Status::Pending, "{spec}");
        }
    }
}

#[test]
fn w31_stop_is_idempotent_and_harsher_each_time() {
    let seen = scene(two_steps())
        .takes("work/*", 20)
        .fault("work/t1/a=stubborn")
        .told(secs(5), Told::Command(Command::Stop))
        .told(secs(6), Told::Command(Command::Stop))
        .told(secs(7), Told::Command(Command::Cancel))
        .told(secs(9), Told::Command(Command::Kill))
        .play();
    seen.is_sound();
    assert_eq!(seen.run(), RunStatus::Stopped);
    assert_eq!(seen.ended("work/t0/a"), Some(secs(7)), "TERM ends what heeds it");
    assert_eq!(seen.ended("work/t1/a"), Some(secs(9)), "KILL ends the rest");
    assert_eq!(seen.status("work/t0/a"), Status::Stopped);
    let commands = seen.events().iter().filter(|event| event.what.kind() == "commanded").count();
    assert_eq!(commands, 3, "the second stop changed nothing");
}

#[test]
fn w31_pause_and_resume() {
    let mut spec = two_steps();
    spec["checks"]["continuous"] = json!([check("c")]);
    spec["checks"]["every"] = json!("10s");
    let seen = scene(spec)
        .takes("work/*", 10)
        .told(secs(5), Told::Command(Command::Pause))
        .told(secs(100), Told::Command(Command::Resume))
        .play();
    seen.is_sound();
    assert_eq!(seen.run(), RunStatus::Succeeded);
    assert_eq!(seen.ended("work/t0/a"), Some(secs(11)));
    assert_eq!(seen.began("work/t0/b"), Some(secs(100)));
    assert!(seen.attempts("checks.continuous/c").len() >= 10, "loops keep running");
}

#[test]
fn a_stop_while_paused_stops() {
    let seen = scene(two_steps())
        .takes("work/*", 10)
        .told(secs(5), Told::Command(Command::Pause))
        .told(secs(50), Told::Command(Command::Stop))
        .play();
    seen.is_sound();
    assert_eq!(seen.run(), RunStatus::Stopped);
    assert_eq!(seen.count(0, Status::Stopped), 2);
}

#[test]
fn resolve_settles_a_failed_undo() {
    let action = json!({"name": "a", "use": "work", "undo": {"use": "work"}});
    let more = json!({"sequence": [action, act("b")], "onFailure": "undo"});
    let spec = json!({"blocks": [block("work", 2, more)]});
    for (verdict, executions) in [(Verdict::Done, 1), (Verdict::Failed, 1), (Verdict::Again, 2)] {
        let mut scene = scene(spec.clone()).fails("work/*/b").told(secs(60), Told::Resolve(verdict));
        let fault: Fault = "*!undo+0s..30s=fail".parse().unwrap();
        scene = scene.with_fault(fault);
        let seen = scene.play();
        seen.is_sound();
        assert_eq!(seen.run(), RunStatus::Failed);
        assert_eq!(seen.executed("work/t0/a!undo"), executions);
        let expected = if verdict == Verdict::Failed { Status::Failed } else { Status::Succeeded };
        assert_eq!(seen.status("work/t0/a!undo"), expected);
    }
}
