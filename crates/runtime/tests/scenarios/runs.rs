//! W16, W13: how runs begin, and how their attempts go.

use std::sync::Arc;
use std::time::Duration;

use windlass_model::outcome::RunStatus;
use windlass_runtime::{Error, Options};
use windlass_store::Store;
use windlass_store::memory::MemoryStore;

use crate::stage::{Ahead, Play, World, ann, chain, end, kinds, log, plan, request};

#[tokio::test]
async fn w13_a_timed_out_attempt_is_retried_with_a_fresh_timeout_and_knows_whose_it_is() {
    let world = World::default();
    world.plays("b/s/a", [Play::Hang, Play::Good]);
    let (_runtime, handle) = world.alone().await;
    let plan = plan(
        "  blocks: [{name: b, sequences: [{name: s, actions: [
             {name: a, use: act, timeout: 100ms, retries: 1, backoff: {initial: 1ms}}]}]}]",
    );
    let run = handle.submit(request(plan).starting()).await.unwrap();
    let view = end(&handle, run).await;
    assert_eq!(view.status, RunStatus::Succeeded);
    let made = world.lock().made.clone();
    assert_eq!(made.iter().map(|made| made.attempt).collect::<Vec<_>>(), [1, 2]);
    assert!(made.iter().all(|made| made.deadline_in == Duration::from_millis(100)));
    assert!(made.iter().all(|made| made.run == run && made.plan == "test" && made.address == "b/s/a"));
    assert_eq!(made[0].key, made[1].key);
    assert!(made[0].key.contains(&run.to_string()) && made[0].key.contains("b/s/a"));
    let fold = handle.fold(run).await.unwrap();
    let action = fold.layout().find("b/s/a").unwrap();
    let attempts = &fold.element(action).attempts;
    assert_eq!(attempts.len(), 2);
    assert_eq!(attempts[0].failure.as_ref().unwrap().code, "timeout");
    assert!(attempts[1].started_at >= attempts[0].ended_at.unwrap());
}

#[tokio::test]
async fn w16_starting_twice_is_starting_once() {
    let world = World::default();
    world.plays("b/s/a", [Play::Gate("go")]);
    let (_runtime, handle) = world.alone().await;
    let run = handle.submit(request(chain("act", &["a"]))).await.unwrap();
    assert_eq!(handle.status(run).await.unwrap().status, RunStatus::Submitted);
    // At the same time ...
    let starts = (0..8).map(|_| {
        let handle = handle.clone();
        tokio::spawn(async move { handle.start(run, ann()).await })
    });
    for start in starts.collect::<Vec<_>>() {
        start.await.unwrap().unwrap();
    }
    world.begun("b/s/a", 1).await;
    let before = log(&handle, run).await;
    assert_eq!(kinds(&before).iter().filter(|kind| **kind == "started").count(), 1);
    // ... while it runs ...
    handle.start(run, ann()).await.unwrap();
    assert_eq!(log(&handle, run).await, before);
    world.open("go");
    end(&handle, run).await;
    // ... and when it is over: nothing is written.
    let (ended, stats) = (log(&handle, run).await, handle.store_stats());
    handle.start(run, ann()).await.unwrap();
    assert_eq!(log(&handle, run).await, ended);
    assert_eq!(handle.store_stats(), stats);
    assert_eq!(world.made(), ["b/s/a"]);
}

#[tokio::test]
async fn w16_a_submission_that_is_too_old_is_not_started() {
    let (world, ahead) = (World::default(), Ahead::default());
    let options =
        Options { clock: ahead.clock(), start_within: Some(Duration::from_secs(3600)), ..Options::default() };
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let handle = world.runtime_with(store, options).await.handle();
    let run = handle.submit(request(chain("act", &["a"]))).await.unwrap();
    ahead.by(Duration::from_secs(3601));
    let refused = handle.start(run, ann()).await.unwrap_err();
    assert_eq!(refused.code().as_str(), "WL-0306");
    assert!(matches!(refused, Error::Refused { .. }));
    assert_eq!(kinds(&log(&handle, run).await), ["submitted"]);
    assert!(world.made().is_empty());
}

#[tokio::test]
async fn every_problem_of_a_request_is_told_at_once_and_nothing_is_kept() {
    let world = World::default();
    let (_runtime, handle) = world.alone().await;
    let mut plan = plan(
        "  params: {release: {type: string, required: true}, count: {type: int, min: 1}}
  blocks: [{name: b, sequences: [{name: s, actions: [{name: a, use: act}]}]}]",
    );
    plan.spec.blocks[0].sequences[0].actions[0].uses = "act.nope".into();
    let request = request(plan).param("count", 0).param("cuont", 1);
    let Err(Error::Invalid(problems)) = handle.submit(request).await else { panic!("it was taken") };
    let mut codes: Vec<&str> = problems.0.iter().map(|problem| problem.code.as_str()).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["WL-0205", "WL-0215", "WL-0216", "WL-0217"]);
    assert!(handle.list(10, None).await.unwrap().is_empty());
    assert_eq!(handle.store_stats().transactions, 0);
}

#[tokio::test]
async fn people_command_and_settle() {
    let world = World::default();
    world.plays("b/s/a", [Play::Gate("go")]);
    let (_runtime, handle) = world.alone().await;
    let run = handle.submit(request(chain("act", &["a", "z"])).starting()).await.unwrap();
    world.begun("b/s/a", 1).await;
    handle.pause(run, ann()).await.unwrap();
    assert_eq!(handle.status(run).await.unwrap().status, RunStatus::Paused);
    let mut events = handle.events(run, 1).await.unwrap();
    world.open("go");
    loop {
        let event = events.next().await.unwrap().unwrap();
        if event.what.kind() == "actionEnded" {
            break;
        }
    }
    assert_eq!(world.made(), ["b/s/a"]);
    handle.resume(run, ann()).await.unwrap();
    assert_eq!(end(&handle, run).await.status, RunStatus::Succeeded);
    assert_eq!(world.made(), ["b/s/a", "b/s/z"]);
    let refused = handle.pause(run, ann()).await.unwrap_err();
    assert_eq!(refused.code().as_str(), "WL-0302");
    let refused =
        handle.resolve(run, "b/s/a", windlass_model::event::Verdict::Done, ann()).await.unwrap_err();
    assert_eq!(refused.code().as_str(), "WL-0302");
    let unknown = handle.resolve(run, "b/s/nope", windlass_model::event::Verdict::Done, ann()).await;
    assert!(matches!(unknown, Err(Error::UnknownElement { .. })));
}

#[tokio::test]
async fn a_run_begins_when_it_is_approved() {
    let world = World::default();
    let (_runtime, handle) = world.alone().await;
    let plan = plan(
        "  approval: {quorum: 1}
  blocks: [{name: b, sequences: [{name: s, actions: [{name: a, use: act}]}]}]",
    );
    let run = handle.submit(request(plan).starting()).await.unwrap();
    let view = handle.status(run).await.unwrap();
    assert_eq!(view.status, RunStatus::AwaitingApproval);
    assert!(matches!(view.condition, windlass_runtime::Condition::Driven { needs_person: true, .. }));
    let digest = handle.submission(run).await.unwrap().digest();
    let own = handle.approve(run, digest, ann()).await.unwrap_err();
    assert_eq!(own.code().as_str(), "WL-0304");
    let other = windlass_model::submission::Digest([0; 32]);
    let wrong = handle.approve(run, other, windlass_model::event::Author::new("bob")).await.unwrap_err();
    assert_eq!(wrong.code().as_str(), "WL-0305");
    handle.approve(run, digest, windlass_model::event::Author::new("bob")).await.unwrap();
    assert_eq!(end(&handle, run).await.status, RunStatus::Succeeded);
}
