//! `resolve: late`: targets that are chosen when their block begins, and stay chosen.

use serde_json::{Value, json};
use windlass_engine::Run;
use windlass_model::event::{Command, What};
use windlass_model::outcome::{Failure, Outcome, ReasonKind, RunStatus, Status};
use windlass_model::target::Node;
use windlass_rehearsal::Told;

use crate::stage::{Scene, Seen, act, block, check, scene, secs};

/// A block that works as always, then one that chooses among six nodes.
fn late(more: Value) -> Value {
    let mut second = json!({"resolve": "late", "failures": "unlimited", "concurrency": 2});
    second.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"blocks": [block("first", 2, json!({})), block("second", 6, second)]})
}

/// The nodes of a block that worked, in order.
fn worked_on(seen: &Seen, block: &str) -> Vec<String> {
    let of_block = |address: &String| address.strip_prefix(&format!("{block}/")).map(str::to_owned);
    let mut names: Vec<String> = seen.statuses.keys().filter_map(of_block).collect();
    names.retain(|name| !name.contains('/'));
    names.sort();
    names
}

/// What the nth time is asked for: all but the first n.
fn fewer_each_time(nodes: &[Node], nth: u32) -> Result<Vec<Node>, Failure> {
    Ok(nodes.iter().skip(nth as usize).cloned().collect())
}

fn no_inventory(_: &[Node], _: u32) -> Result<Vec<Node>, Failure> {
    Err(Failure::permanent(Failure::SELECTION, "no nodes are left"))
}

#[test]
fn a_block_works_on_what_is_chosen_as_it_begins() {
    let seen = scene(late(json!({}))).selects(|nodes, _| Ok(nodes[2..4].to_vec())).play();
    seen.is_sound();
    assert_eq!(seen.run(), RunStatus::Succeeded);
    assert_eq!(worked_on(&seen, "second"), ["t2", "t3"]);
    let chosen = seen.events().iter().position(|event| matches!(event.what, What::Selected { .. })).unwrap();
    let began = seen.events().iter().position(|event| event.at == seen.began("second").unwrap()).unwrap();
    assert!(chosen > began, "before its block began");
    assert_eq!(seen.events()[chosen].at, seen.began("second/t2/do").unwrap());
}

#[test]
fn limits_follow_from_what_is_chosen() {
    let half = json!({"concurrency": "50%", "failures": "25%", "batches": ["50%"]});
    let seen = scene(late(half)).selects(|nodes, _| Ok(nodes[..4].to_vec())).play();
    assert_eq!(seen.peak(1), 2);
    let def = seen.layout().block(1).unwrap();
    assert_eq!((def.concurrency, def.failures, def.batch_size(1)), (2, Some(1), 2));
}

#[test]
fn an_empty_choice_is_no_work_and_a_failed_one_fails_the_block_and_says_why() {
    let seen = scene(late(json!({}))).selects(|_, _| Ok(Vec::new())).play();
    assert_eq!((seen.run(), seen.status("second")), (RunStatus::Succeeded, Status::Succeeded));
    let seen = scene(late(json!({"checks": {"pre": [check("ready")]}}))).selects(no_inventory).play();
    seen.is_sound();
    assert_eq!((seen.run(), seen.status("second")), (RunStatus::Failed, Status::Failed));
    assert_eq!(seen.status("second/checks.pre/ready"), Status::Pending, "nothing of the block is begun");
    let reason = (ReasonKind::Selection, "second".to_owned(), "no nodes are left".to_owned());
    assert_eq!(seen.reason(), Some(reason));
}

#[test]
fn what_follows_a_failed_choice_is_what_follows_any_failure() {
    let mut spec = late(json!({}));
    spec["blocks"].as_array_mut().unwrap().push(block("third", 1, json!({})));
    spec["deferred"] = json!([{"name": "tell", "when": "failure", "actions": [act("mail")]}]);
    let seen = scene(spec).selects(no_inventory).play();
    assert_eq!(seen.status("third"), Status::Pending);
    assert_eq!(seen.status("deferred/tell/mail"), Status::Succeeded);
}

#[test]
fn in_a_noop_a_choice_that_may_follow_from_what_was_not_done_is_unknown() {
    let seen = scene(late(json!({}))).noop().selects(no_inventory).play();
    assert_eq!(seen.run(), RunStatus::Succeeded);
    assert!(matches!(seen.outcome("second"), Some(Outcome::Foreseen(_))));
    let alone = json!({"blocks": [block("only", 3, json!({"resolve": "late"}))]});
    assert_eq!(scene(alone).noop().selects(no_inventory).play().run(), RunStatus::Failed);
}

/// The run ends alike wherever Windlass dies, on one choice, though every time it is asked for there would be another.
#[test]
fn a_choice_is_made_once_wherever_windlass_dies() {
    let more = json!({"entranceDelay": "10s", "canary": 1, "checks": {"pre": [check("ready")]}});
    let make = || -> Scene { scene(late(more.clone())).selects(fewer_each_time) };
    let whole = make().play();
    let events = whole.events().len() as u64;
    let choice = whole.events().iter().find(|event| matches!(event.what, What::Selected { .. })).unwrap().seq;
    for at in 1..events {
        let seen = make().crash_at([at]).play();
        seen.is_sound();
        assert_eq!(seen.run(), RunStatus::Succeeded, "died after event {at}");
        let made = seen.events().iter().filter(|event| matches!(event.what, What::Selected { .. }));
        assert_eq!(made.count(), 1, "died after event {at}");
        // Asked in vain once where it died between the beginning of the block and its choice.
        let began = whole
            .events()
            .iter()
            .find(|event| event.what == What::Began(windlass_model::element::ElementId::Block(1)));
        let in_vain = began.is_some_and(|began| at >= began.seq) && at < choice;
        let expected =
            if in_vain { &["t1", "t2", "t3", "t4", "t5"][..] } else { &["t0", "t1", "t2", "t3", "t4", "t5"] };
        let is_one_of = |names: &[String]| names == expected || names == &worked_on(&whole, "second")[..];
        assert!(
            is_one_of(&worked_on(&seen, "second")),
            "died after event {at}: {:?}",
            worked_on(&seen, "second")
        );
        // Whoever reads only the log knows the same targets.
        let folded = Run::fold(make().setup(), seen.events()).unwrap();
        let names = |run: &Run| -> Vec<String> {
            let targets = run.layout().block(1).unwrap().sequences.targets().unwrap();
            targets.names().map(str::to_owned).collect()
        };
        assert_eq!(names(&folded), names(&seen.rehearsed.run));
    }
}

#[test]
fn a_stop_or_a_pause_before_the_choice_holds() {
    // The first block takes two seconds; the command comes with the second one in its entrance delay or before.
    for (command, expected) in [(Command::Stop, RunStatus::Stopped), (Command::Cancel, RunStatus::Stopped)] {
        let seen = scene(late(json!({}))).told(secs(1), Told::Command(command)).play();
        assert_eq!(seen.run(), expected);
        assert_eq!(seen.status("second"), Status::Pending);
    }
    let seen = scene(late(json!({})))
        .told(secs(1), Told::Command(Command::Pause))
        .told(secs(60), Told::Command(Command::Resume))
        .play();
    assert_eq!(seen.run(), RunStatus::Succeeded);
    let chosen = seen.events().iter().find(|event| matches!(event.what, What::Selected { .. })).unwrap();
    assert!(chosen.at >= secs(60), "chosen in a paused run");
}

/// A choice is written down in parts; whoever dies among them has made none.
#[test]
fn a_large_choice_is_whole_or_none() {
    let many = |spec: Value| {
        scene(spec).selects(|_, nth| Ok((0..1_200).map(|n| Node::named(format!("n{nth}-{n}"))).collect()))
    };
    let spec = late(json!({"concurrency": 1_200}));
    let whole = many(spec.clone()).play();
    let parts: Vec<u64> = whole
        .events()
        .iter()
        .filter(|event| matches!(event.what, What::Selected { .. }))
        .map(|event| event.seq)
        .collect();
    assert_eq!(parts.len(), 3);
    for (died, by) in [(parts[0], "n1-"), (parts[1], "n1-"), (parts[2], "n0-")] {
        let seen = many(spec.clone()).crash_at([died]).play();
        seen.is_sound();
        let names = worked_on(&seen, "second");
        assert_eq!(names.len(), 1_200);
        assert!(names.iter().all(|name| name.starts_with(by)), "died after event {died}");
    }
}
