//! Crashes: the run comes to the same end wherever Windlass dies.

use serde_json::{Value, json};
use windlass_engine::{Input, NoLocks, Run};
use windlass_model::event::{Author, Command, What};
use windlass_model::fact::Recovery;
use windlass_model::outcome::{ReasonKind, RunStatus, Status};
use windlass_rehearsal::{Rehearsed, Told};

use crate::stage::{Scene, Seen, act, block, check, scene, secs};

/// Dies after each event in turn, and compares the end with that of the run that did not die.
fn dies_everywhere(name: &str, make: impl Fn() -> Scene) {
    let whole = make().play();
    whole.is_sound();
    let events = whole.events().len() as u64;
    for at in 1..events {
        let seen = make().crash_at([at]).play();
        let context = format!("{name}: died after event {at}, {:?}", whole.events()[at as usize - 1]);
        assert_eq!(seen.rehearsed.crashes, 1, "{context}");
        seen.is_sound();
        assert_eq!(seen.run(), whole.run(), "{context}");
        assert_eq!(
            seen.reason().map(|(kind, address, _)| (kind, address)),
            whole.reason().map(|(kind, address, _)| (kind, address)),
            "{context}"
        );
        for (address, status) in &whole.statuses {
            assert_eq!(seen.status(address), *status, "{context}: {address}");
        }
        not_repeated(&seen, at, &context);
        assert!(seen.peak(0) <= whole.peak(0), "{context}");
    }
    // And again and again.
    for step in [3, 7, 11] {
        let seen = make().crash_at((1..events * 2).step_by(step)).play();
        seen.is_sound();
        assert_eq!(seen.run(), whole.run(), "{name}: died every {step} events");
    }
}

/// An action that had ended when Windlass died is not executed again.
fn not_repeated(seen: &Seen, died: u64, context: &str) {
    let ended = seen.events().iter().take(died as usize).filter_map(|event| match &event.what {
        What::ActionEnded { element, .. }
            if element.kind() != windlass_model::element::ElementKind::Check =>
        {
            Some((*element, event.at))
        }
        _ => None,
    });
    for (element, _) in ended {
        let after = seen.events().iter().skip(died as usize);
        let again = after
            .filter(|event| matches!(&event.what, What::AttemptBegan { element: e, .. } if *e == element));
        assert_eq!(again.count(), 0, "{context}: {} was executed again", seen.layout().address(element));
    }
}

fn rich() -> Value {
    let action = |name: &str| {
        json!({
            "name": name, "use": "work", "retries": 2, "backoff": {"initial": "3s"}, "undo": {"use": "work"},
        })
    };
    json!({
        "checks": {"pre": [check("p")], "continuous": [check("c")], "every": "4s", "post": [check("q")], "deferred": [check("d")]},
        "blocks": [
            block("one", 4, json!({
                "sequence": [action("a"), action("b")], "concurrency": 2, "batches": [1, 3], "soak": "5s",
                "entranceDelay": "2s", "exitDelay": "2s", "failures": 1,
                "checks": {"pre": [check("p")], "continuous": [check("c")], "every": "7s", "post": [check("q")], "deferred": [check("d")]},
            })),
            block("two", 2, json!({"sequence": [{"name": "v", "use": "work", "verify": [check("x")], "verifyAfter": [check("y")]}]})),
        ],
        "deferred": [
            {"name": "bad", "when": "failure", "actions": [act("m"), act("n")]},
            {"name": "any", "actions": [act("m")]},
        ],
    })
}

#[test]
fn w21_a_successful_run_survives_a_crash_anywhere() {
    dies_everywhere("success", || scene(rich()).fault("*!verify/x=fail"));
}

#[test]
fn w27_other_runs_survive_a_crash_anywhere() {
    dies_everywhere("retries", || scene(rich()).fault("one/*/a@1=fail").fault("one/t2/b@1-2=fail"));
    dies_everywhere("within the limit", || scene(rich()).fails("one/t1/b"));
    dies_everywhere("over the limit", || {
        let mut spec = rich();
        // One at a time: with two, a crash may change which of them fails first.
        spec["blocks"][0]["concurrency"] = json!(1);
        scene(spec).fails("one/t1/b").fails("one/t2/a")
    });
    dies_everywhere("pre check", || scene(rich()).fails("one/checks.pre/p"));
    dies_everywhere("plan pre check", || scene(rich()).fails("checks.pre/p"));
    dies_everywhere("post check", || scene(rich()).fails("checks.post/q"));
    dies_everywhere("undo", || {
        let mut spec = rich();
        spec["blocks"][0]["onFailure"] = json!("undo");
        spec["blocks"][0]["failures"] = json!(0);
        scene(spec).fails("one/t2/b")
    });
    dies_everywhere("halt", || {
        let mut spec = rich();
        spec["blocks"][0]["onFailure"] = json!("halt");
        spec["blocks"][0]["failures"] = json!(0);
        scene(spec).fails("one/t2/a")
    });
}

#[test]
fn w27_a_false_condition_stays_false_after_a_crash() {
    dies_everywhere("when", || {
        let action = json!({"name": "never", "use": "work", "when": "false"});
        let broken = json!({"name": "broken", "use": "work", "when": "nothing"});
        scene(json!({"blocks": [
            block("one", 2, json!({"sequence": [action, act("do")]})),
            block("two", 1, json!({"sequence": [broken]})),
        ]}))
    });
}

#[test]
fn w28_only_the_rest_of_a_wait_is_waited() {
    let spec = json!({"blocks": [block("work", 2, json!({
        "entranceDelay": "100s", "exitDelay": "100s", "batches": [1], "soak": "100s",
        "sequence": [{"name": "do", "use": "work", "retries": 1, "backoff": {"initial": "100s", "max": "100s"}}],
    }))]});
    let make = || scene(spec.clone()).fault("work/*@1=fail");
    let whole = make().play();
    for at in 1..whole.events().len() as u64 {
        let seen = make().crash_at([at]).play();
        let late = seen.rehearsed.run.last_at().since(whole.rehearsed.run.last_at());
        // An attempt that was in flight is made again; no wait is.
        assert!(late.as_secs() <= 1, "died after event {at}: {late:?} late");
    }
}

#[test]
fn interrupted_work_is_never_silently_repeated() {
    let spec = |extra: Value| {
        let mut action = json!({"name": "do", "use": "work", "retries": 3});
        action.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        json!({"blocks": [block("work", 1, json!({"sequence": [action]}))]})
    };
    let flying = |seen: &Seen| {
        seen.events().iter().find(|event| event.what.kind() == "attemptBegan").map(|event| event.seq).unwrap()
    };
    let play = |extra: Value, recovery| {
        let make = || scene(spec(extra.clone())).takes("work/*", 10).recovery(recovery);
        let at = flying(&make().play());
        make().crash_at([at]).play()
    };
    let seen = play(json!({}), Recovery::Neither);
    seen.is_sound();
    assert_eq!(seen.status("work/t0/do"), Status::Failed);
    assert_eq!(seen.reason().unwrap().0, windlass_model::outcome::ReasonKind::Interrupted);
    let seen = play(json!({"onInterrupt": "rerun"}), Recovery::Neither);
    assert_eq!(seen.status("work/t0/do"), Status::Succeeded);
    let seen = play(json!({"onInterrupt": "ask"}), Recovery::Neither);
    assert!(seen.rehearsed.run.needs_person());
    let seen = play(json!({"verify": [check("v")]}), Recovery::Neither);
    seen.is_sound();
    assert_eq!(seen.status("work/t0/do"), Status::Skipped);
    let seen = play(json!({}), Recovery::Reattachable);
    seen.is_sound();
}

#[test]
fn w31_a_stop_survives_a_crash_anywhere() {
    dies_everywhere("stop", || {
        scene(json!({
            "blocks": [block("work", 4, json!({"sequence": [act("a"), act("b")], "concurrency": 2}))],
            "deferred": [{"name": "bad", "when": "failure", "actions": [act("m")]}],
        }))
        .takes("work/*", 10)
        .told(secs(5), Told::Command(Command::Stop))
    });
}

#[test]
fn w22_a_run_silent_beyond_the_limit_is_not_resumed() {
    use std::time::Duration;
    let hour = Duration::from_secs(3600);
    let make = || scene(rich()).fault("one/*/a@1=fail");
    let events = make().play().events().len() as u64;
    for at in 4..events {
        let seen = make().crash_at([at]).dead_for(2 * hour, hour).play();
        seen.is_sound();
        let ended_already = matches!(seen.events()[at as usize - 1].what, What::Finished { .. });
        if !ended_already {
            assert_eq!(seen.run(), RunStatus::Failed, "died after event {at}");
            assert_eq!(seen.reason().unwrap().0, ReasonKind::Interrupted);
        }
        // Shorter than the limit, it goes on.
        let seen = make().crash_at([at]).dead_for(hour / 2, hour).play();
        assert_eq!(seen.run(), make().play().run(), "died after event {at}");
    }
}

#[test]
fn w29_every_descendant_of_an_aged_out_run_is_terminal() {
    use std::time::Duration;
    let hour = Duration::from_secs(3600);
    let make = || scene(rich()).takes("one/*", 20).fault("*!verify/x=fail");
    for at in 4..make().play().events().len() as u64 {
        let seen = make().crash_at([at]).dead_for(2 * hour, hour).play();
        // `is_sound` finds whatever began and did not end.
        seen.is_sound();
        assert!(seen.run().is_terminal());
        let late = seen.events().iter().skip(at as usize).filter(|event| event.what.kind() == "attemptBegan");
        assert_eq!(late.count(), 0, "nothing is begun in a run that is given up");
    }
    // A paused run waits for a person, who may take their time.
    let make = || {
        scene(json!({"blocks": [block("work", 2, json!({}))]}))
            .told(secs(0), Told::Command(Command::Pause))
            .told(secs(90_000), Told::Command(Command::Resume))
    };
    let whole = make().play();
    let pause = whole.events().iter().find(|event| event.what.kind() == "commanded").unwrap().seq;
    let paused = make().crash_at([pause]).dead_for(2 * hour, hour).play();
    paused.is_sound();
    assert_eq!(paused.run(), RunStatus::Succeeded);
}

/// A run that is cut off behind an event and then given up by a person.
fn given_up_behind(scene: &Scene, event: usize) -> Seen {
    let mut rehearsed = scene.play().rehearsed;
    rehearsed.events.truncate(event);
    let mut run = Run::fold(scene.setup(), &rehearsed.events).unwrap();
    let give_up = Input::GiveUp { by: Author::new("ann") };
    let step = run.step(give_up, run.last_at(), &mut NoLocks).unwrap();
    assert!(step.effects.is_empty(), "something is done for a run that is given up: {:?}", step.effects);
    rehearsed.events.extend(step.events);
    let folded = Run::fold(scene.setup(), &rehearsed.events).unwrap();
    assert!(folded.same_state(&run), "the fold of the log is not the live state");
    Seen::new(Rehearsed { run, ..rehearsed })
}

#[test]
fn a_run_that_is_given_up_ends_where_it_stands() {
    let make = || scene(rich()).takes("one/*", 20).fault("*!verify/x=fail");
    let whole = make().play();
    for at in 1..whole.events().len() - 1 {
        let seen = given_up_behind(&make(), at);
        // `is_sound` finds whatever began and did not end.
        seen.is_sound();
        let failing = whole.events()[..at].iter().any(|event| event.what.kind() == "caused");
        let expect = if failing { RunStatus::Failed } else { RunStatus::Stopped };
        assert_eq!(seen.run(), expect, "given up after event {at}");
    }
}
