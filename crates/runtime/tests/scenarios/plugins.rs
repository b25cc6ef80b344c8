//! W34: plugins that do not behave.

use std::sync::Arc;
use std::time::Duration;

use windlass_model::outcome::RunStatus;
use windlass_runtime::Options;
use windlass_store::memory::MemoryStore;

use crate::stage::{Play, World, ann, end, plan, play, request};

#[tokio::test]
async fn w34_work_that_ignores_its_cancellation_is_ended_before_it_is_retried() {
    let world = World::default();
    world.plays("b/s/a", [Play::Stubborn, Play::Good]);
    let options = Options { kill_grace: Duration::from_millis(20), ..Options::default() };
    let handle = world.runtime_with(Arc::new(MemoryStore::new()), options).await.handle();
    let plan = plan(
        "  blocks: [{name: b, sequences: [{name: s, actions: [
             {name: a, use: act, timeout: 50ms, retries: 1, backoff: {initial: 1ms}}]}]}]",
    );
    let run = handle.submit(request(plan).starting()).await.unwrap();
    assert_eq!(end(&handle, run).await.status, RunStatus::Succeeded);
    assert_eq!(world.count("b/s/a"), 2);
    assert_eq!(world.lock().most_overlap, 1);
    let fold = handle.fold(run).await.unwrap();
    let attempts = &fold.element(fold.layout().find("b/s/a").unwrap()).attempts;
    assert!(attempts[1].started_at >= attempts[0].ended_at.unwrap());
    assert_eq!(attempts[0].failure.as_ref().unwrap().code, "timeout");
}

#[tokio::test]
async fn w34_work_that_ignores_its_cancellation_is_killed_by_a_person() {
    let world = World::default();
    world.plays("b/s/a", [Play::Stubborn]);
    let options = Options { kill_grace: Duration::from_millis(20), ..Options::default() };
    let handle = world.runtime_with(Arc::new(MemoryStore::new()), options).await.handle();
    let run = handle.submit(request(crate::stage::chain("act", &["a"])).starting()).await.unwrap();
    world.begun("b/s/a", 1).await;
    handle.stop(run, ann()).await.unwrap();
    handle.cancel(run, ann()).await.unwrap();
    assert!(!world.lock().made[0].ended);
    handle.kill(run, ann()).await.unwrap();
    assert_eq!(end(&handle, run).await.status, RunStatus::Stopped);
    assert!(world.lock().made[0].ended);
}

#[tokio::test]
async fn w34_a_panic_is_a_failed_attempt_and_nothing_more() {
    let world = World::default();
    world.plays("b/s/a", [Play::Panic, Play::Good]);
    let (_runtime, handle) = world.alone().await;
    let with_retry = plan(
        "  blocks: [{name: b, sequences: [{name: s, actions: [
             {name: a, use: act, retries: 1, backoff: {initial: 1ms}}]}]}]",
    );
    let view = play(&handle, with_retry).await;
    assert_eq!(view.status, RunStatus::Succeeded);
    let fold = handle.fold(view.id).await.unwrap();
    let attempts = &fold.element(fold.layout().find("b/s/a").unwrap()).attempts;
    let failure = attempts[0].failure.as_ref().unwrap();
    assert_eq!(failure.code, "panic");
    assert!(failure.message.contains("it panicked on purpose"));
    // The process is alive, and without a retry the run fails as with any other error.
    world.plays("b/s/a", [Play::Panic]);
    let view = play(&handle, crate::stage::chain("act", &["a"])).await;
    assert_eq!(view.status, RunStatus::Failed);
}

#[tokio::test]
async fn a_plugin_that_answered_at_once_for_long_may_still_take_its_time() {
    let world = World::default();
    let (_runtime, handle) = world.alone().await;
    // Long enough for the plugin to be called where the dispatcher is.
    let names: Vec<String> = (0..64).map(|n| format!("a{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    world.plays("b/s/a50", [Play::Gate("go")]);
    world.plays("b/s/a60", [Play::Panic]);
    let run = handle.submit(request(crate::stage::chain("act", &names)).starting()).await.unwrap();
    world.begun("b/s/a50", 1).await;
    // The dispatcher is not held up.
    assert_eq!(play(&handle, crate::stage::chain("noop", &["x"])).await.status, RunStatus::Succeeded);
    world.open("go");
    let view = end(&handle, run).await;
    assert_eq!(view.status, RunStatus::Failed);
    assert_eq!(view.reason.unwrap().address, "b/s/a60");
    assert_eq!(world.made().len(), 61);
}

#[tokio::test]
async fn work_that_never_waits_leaves_room_for_commands() {
    let world = World::default();
    // One thread for everything, and a store and a plugin that answer at once.
    let (_runtime, handle) = world.alone().await;
    let spec = "  blocks: [{name: b, targets: {nodes: ['n[00001-20000]']}, sequence: [{name: a, use: noop}, {name: b, use: noop}]}]";
    let run = handle.submit(request(plan(spec)).starting()).await.unwrap();
    handle.stop(run, ann()).await.unwrap();
    let view = end(&handle, run).await;
    assert_eq!(view.status, RunStatus::Stopped);
    assert!(view.seq < 40_000, "{}", view.seq);
}
