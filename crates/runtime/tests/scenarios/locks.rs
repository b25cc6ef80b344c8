//! Runs that want the same node: one at a time, in the order in which they came, and none is forgotten.

use std::sync::Arc;
use std::time::Duration;

use windlass_model::id::RunId;
use windlass_model::outcome::RunStatus;
use windlass_model::plan::Plan;
use windlass_runtime::{Condition, Handle, Options, TakeOver};
use windlass_store::memory::MemoryStore;
use windlass_store::{Range, Store, Txn};

use crate::doomed::{Picky, passing};
use crate::stage::{Play, World, ann, end, plan, request, until_it_is};

fn on_a_node() -> Plan {
    plan("  blocks: [{name: b, targets: {nodes: [n]}, sequence: [{name: a, use: act}]}]")
}

/// Starts so many runs, one after the other: each waits before the next one comes.
async fn queue(handle: &Handle, count: usize) -> Vec<RunId> {
    let mut runs = Vec::new();
    for _ in 0..count {
        let run = handle.submit(request(on_a_node())).await.unwrap();
        handle.start(run, ann()).await.unwrap();
        runs.push(run);
    }
    runs
}

/// The runs in the order in which they worked on the node.
fn order(world: &World) -> Vec<RunId> {
    world.lock().made.iter().filter(|made| made.address == "b/n/a").map(|made| made.run).collect()
}

#[tokio::test]
async fn who_came_first_works_first() {
    let world = World::default();
    world.plays("b/n/a", [Play::Gate("go"), Play::Good]);
    let (_runtime, handle) = world.alone().await;
    let runs = queue(&handle, 8).await;
    world.begun("b/n/a", 1).await;
    world.open("go");
    for run in &runs {
        assert_eq!(end(&handle, *run).await.status, RunStatus::Succeeded);
    }
    assert_eq!(order(&world), runs);
    assert_eq!(world.lock().most_overlap, 1);
}

#[tokio::test]
async fn who_may_not_begin_does_not_hold_up_the_others() {
    let world = World::default();
    world.plays("b/n/a", [Play::Gate("go"), Play::Good]);
    let (_runtime, handle) = world.alone().await;
    let runs = queue(&handle, 5).await;
    world.begun("b/n/a", 1).await;
    handle.pause(runs[1], ann()).await.unwrap();
    handle.stop(runs[2], ann()).await.unwrap();
    handle.pause(runs[3], ann()).await.unwrap();
    handle.resume(runs[3], ann()).await.unwrap();
    world.open("go");
    for run in [runs[0], runs[3], runs[4]] {
        assert_eq!(end(&handle, run).await.status, RunStatus::Succeeded);
    }
    assert_eq!(end(&handle, runs[2]).await.status, RunStatus::Stopped);
    assert_eq!(order(&world), [runs[0], runs[3], runs[4]]);
    handle.resume(runs[1], ann()).await.unwrap();
    assert_eq!(end(&handle, runs[1]).await.status, RunStatus::Succeeded);
}

#[tokio::test]
async fn who_cannot_be_written_does_not_hold_up_the_others() {
    for patience in [Duration::ZERO, Duration::from_secs(3600)] {
        let world = World::default();
        world.plays("b/n/a", [Play::Gate("go"), Play::Good]);
        world.plays("b/other/a", [Play::Gate("other"), Play::Good]);
        let (store, dislikes) = Picky::new(MemoryStore::new());
        let options = Options { storage_patience: patience, ..Options::default() };
        let handle = world.runtime_with(store, options).await.handle();
        let first = queue(&handle, 1).await[0];
        let both = plan(
            "  blocks: [{name: b, targets: {nodes: [other, n]}, concurrency: 2, sequence: [{name: a, use: act}]}]",
        );
        let second = handle.submit(request(both).starting()).await.unwrap();
        world.begun("b/other/a", 1).await;
        let third = queue(&handle, 1).await[0];
        // The second one waits for the node, and what happens beside that cannot be written.
        dislikes.run(second, passing(), u32::MAX);
        world.open("other");
        let refused = async {
            while dislikes.refused() == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(crate::stage::PATIENCE, refused).await.unwrap();
        world.open("go");
        for run in [first, third] {
            assert_eq!(end(&handle, run).await.status, RunStatus::Succeeded);
        }
        dislikes.nothing();
        handle.unpark(second).await.unwrap();
        assert_eq!(end(&handle, second).await.status, RunStatus::Succeeded);
        assert_eq!(order(&world), [first, third, second], "{patience:?}");
        assert_eq!(world.count("b/other/a"), 1);
    }
}

#[tokio::test]
async fn who_takes_it_and_cannot_be_written_leaves_it_to_the_next() {
    let world = World::default();
    world.plays("b/n/a", [Play::Gate("go"), Play::Good]);
    let (store, dislikes) = Picky::new(MemoryStore::new());
    let options = Options { storage_patience: Duration::ZERO, ..Options::default() };
    let handle = world.runtime_with(store, options).await.handle();
    let runs = queue(&handle, 3).await;
    world.begun("b/n/a", 1).await;
    dislikes.run(runs[1], passing(), u32::MAX);
    world.open("go");
    for run in [runs[0], runs[2]] {
        assert_eq!(end(&handle, run).await.status, RunStatus::Succeeded);
    }
    until_it_is(&handle, runs[1], |condition| matches!(condition, Condition::Parked { .. })).await;
    dislikes.nothing();
    handle.unpark(runs[1]).await.unwrap();
    assert_eq!(end(&handle, runs[1]).await.status, RunStatus::Succeeded);
    assert_eq!(order(&world), [runs[0], runs[2], runs[1]]);
}

/// A process begins one run on the node, and dies while it works there.
async fn dies_at_work(world: &World, store: &MemoryStore) -> RunId {
    let runtime = world.runtime(Arc::new(store.clone())).await;
    let before = world.count("b/n/a");
    let run = queue(&runtime.handle(), 1).await[0];
    world.begun("b/n/a", before + 1).await;
    runtime.shutdown(Duration::ZERO).await.unwrap();
    run
}

fn again_on_a_node() -> Plan {
    plan("  blocks: [{name: b, targets: {nodes: [n]}, sequence: [{name: a, use: act.again}]}]")
}

#[tokio::test]
async fn a_run_that_nobody_drives_keeps_its_node() {
    let (world, store) = (World::default(), MemoryStore::new());
    world.plays("b/n/a", [Play::Gate("go")]);
    let first = dies_at_work(&world, &store).await;
    // Whoever begins another one does not go on with the first, and must not work beside what it left.
    let nothing = Options { take_over: TakeOver::Only(Vec::new()), ..Options::default() };
    let store = store.reopened();
    let runtime = world.runtime_with(Arc::new(store.clone()), nothing).await;
    let handle = runtime.handle();
    let second = handle.submit(request(again_on_a_node()).starting()).await.unwrap();
    // Nobody but a person can do anything about it here.
    until_it_is(&handle, second, |condition| {
        matches!(condition, Condition::Driven { needs_person: true, .. })
    })
    .await;
    let held = handle.fold(second).await.unwrap();
    let holder = held.held().next().unwrap().1.holder.clone();
    assert_eq!(holder, format!("run {first}"));
    runtime.shutdown(Duration::ZERO).await.unwrap();
    assert_eq!(order(&world), [first]);

    world.open("go");
    let runtime = world.runtime(Arc::new(store.reopened())).await;
    let handle = runtime.handle();
    for run in [first, second] {
        assert!(end(&handle, run).await.status.is_terminal());
    }
    // The first one is over: nobody knows what it had done.
    assert_eq!(order(&world), [first, second]);
    assert_eq!(world.lock().most_overlap, 1);
}

#[tokio::test]
async fn a_lock_goes_on_only_when_it_is_durable_that_it_was_given_back() {
    for dies in [false, true] {
        let world = World::default();
        world.plays("b/n/a", [Play::Gate("go"), Play::Good]);
        let memory = MemoryStore::new();
        let (store, dislikes) = Picky::new(memory.clone());
        let options = Options { storage_patience: Duration::from_secs(3600), ..Options::default() };
        let runtime = world.runtime_with(store, options).await;
        let handle = runtime.handle();
        let first = handle.submit(request(again_on_a_node()).starting()).await.unwrap();
        world.begun("b/n/a", 1).await;
        let second = queue(&handle, 1).await[0];
        dislikes.run(first, passing(), u32::MAX);
        world.open("go");
        // By the third refusal everything that could come of the end of the first one has come.
        let refused = async {
            while dislikes.refused() < 3 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(crate::stage::PATIENCE, refused).await.unwrap();
        handle.status(second).await.unwrap();
        assert_eq!(order(&world), [first], "the second one began beside what the first one's record says");
        if dies {
            runtime.shutdown(Duration::ZERO).await.unwrap();
            let runtime = world.runtime(Arc::new(memory.reopened())).await;
            for run in [first, second] {
                assert_eq!(end(&runtime.handle(), run).await.status, RunStatus::Succeeded);
            }
            assert_eq!(order(&world), [first, first, second]);
        } else {
            dislikes.nothing();
            for run in [first, second] {
                assert_eq!(end(&handle, run).await.status, RunStatus::Succeeded);
            }
            assert_eq!(order(&world), [first, second]);
        }
        assert_eq!(world.lock().most_overlap, 1);
    }
}

#[tokio::test]
async fn of_two_records_that_hold_one_lock_one_waits_for_the_end_of_the_other() {
    let (world, one, two) = (World::default(), MemoryStore::new(), MemoryStore::new());
    world.plays("b/n/a", [Play::Gate("go")]);
    let (first, second) = (dies_at_work(&world, &one).await, dies_at_work(&world, &two).await);
    // A store in which both are, as earlier versions could leave one.
    let (one, two) = (one.reopened(), two.reopened());
    let all = two.range(Range::all()).await.unwrap().into_iter();
    one.commit(all.fold(Txn::new(), |txn, entry| txn.put(entry.key, entry.value))).await.unwrap();
    world.plays("b/n/a", [Play::Gate("then")]);
    let runtime = world.runtime(Arc::new(one)).await;
    let handle = runtime.handle();
    assert_eq!(runtime.taken_over().runs, [first, second]);
    let view = handle.status(second).await.unwrap();
    let blocked = |condition: &Condition| match condition {
        Condition::Blocked { lock, holder } => lock == "node/n" && *holder == Some(first),
        _ => false,
    };
    if !blocked(&view.condition) {
        // The first one had nothing left to do, and is over.
        assert!(end(&handle, first).await.status.is_terminal());
    } else {
        let error = handle.pause(second, ann()).await.unwrap_err();
        assert_eq!(error.code().as_str(), "WL-0309");
    }
    for run in [first, second] {
        assert!(end(&handle, run).await.status.is_terminal());
    }
    assert_eq!(world.lock().most_overlap, 1);
}
