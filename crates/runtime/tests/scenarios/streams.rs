//! Live events: no gap, no repeat, and nobody waits for a slow reader.

use serde_json::json;
use windlass_model::outcome::RunStatus;
use windlass_runtime::EventStream;

use crate::stage::{Play, World, end, plan, request};

async fn rest(mut stream: EventStream, from: u64) -> u64 {
    let mut next = from;
    while let Some(event) = stream.next().await {
        assert_eq!(event.unwrap().seq, next);
        next += 1;
    }
    next - 1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_from_any_number_tell_everything_once() {
    let world = World::default();
    world.plays("b/first/a", [Play::Gate("go")]);
    let (_runtime, handle) = world.alone().await;
    let spec = "  blocks: [
      {name: b, sequences: [{name: first, actions: [{name: a, use: act}]}]},
      {name: c, concurrency: 7, targets: {nodes: ['n[001-300]']}, sequence: [{name: x, use: noop}, {name: y, use: noop}]}]";
    let run = handle.submit(request(plan(spec)).starting()).await.unwrap();
    world.begun("b/first/a", 1).await;
    let mut readers = Vec::new();
    for from in [1, 2, 10, 15, 40, 2_000] {
        let stream = handle.events(run, from).await.unwrap();
        readers.push(tokio::spawn(rest(stream, from)));
    }
    // One that has fallen asleep, and wakes when everything is over.
    let mut asleep = handle.events(run, 1).await.unwrap();
    assert_eq!(asleep.next().await.unwrap().unwrap().seq, 1);
    world.open("go");
    let view = end(&handle, run).await;
    assert_eq!(view.status, RunStatus::Succeeded);
    for reader in readers {
        assert_eq!(reader.await.unwrap(), view.seq);
    }
    assert_eq!(rest(asleep, 2).await, view.seq);
    assert!(view.seq > 3_000, "{}", json!(view));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_come_and_go_at_any_moment_miss_nothing() {
    let world = World::default();
    let (_runtime, handle) = world.alone().await;
    let spec = "  blocks: [{name: c, concurrency: 3, targets: {nodes: ['n[001-200]']}, sequence: [{name: x, use: noop}]}]";
    let run = handle.submit(request(plan(spec)).starting()).await.unwrap();
    let mut next = 1;
    let mut turn = 0;
    loop {
        // A few events, then the stream is dropped and another one goes on.
        let mut stream = handle.events(run, next).await.unwrap();
        turn += 1;
        let mut over = true;
        for _ in 0..turn % 37 + 1 {
            let Some(event) = stream.next().await else { break };
            let event = event.unwrap();
            assert_eq!(event.seq, next);
            next += 1;
            over = event.what.kind() == "finished";
        }
        if over {
            break;
        }
    }
    assert_eq!(end(&handle, run).await.seq, next - 1);
}
