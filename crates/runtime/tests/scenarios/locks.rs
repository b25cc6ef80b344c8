//! Runs that want the same node: one at a time, in the order in which they came, and none is forgotten.

use std::time::Duration;

use windlass_model::id::RunId;
use windlass_model::outcome::RunStatus;
use windlass_model::plan::Plan;
use windlass_runtime::{Condition, Handle, Options};
use windlass_store::memory::MemoryStore;

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
