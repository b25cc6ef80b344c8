//! W35: storage that fails, for a moment and for good, and plugins that are gone.

use std::sync::Arc;
use std::time::Duration;

use windlass_model::event::What;
use windlass_model::outcome::RunStatus;
use windlass_plugin::Registry;
use windlass_runtime::{Condition, Error, Options, Runtime, Unrunnable};
use windlass_store::faulty::{Fault, FaultyStore};
use windlass_store::memory::MemoryStore;
use windlass_store::{Store, StoreError};

use crate::doomed::{Picky, passing};
use crate::stage::{Play, World, ann, chain, count_of, end, log, play, request, until_it_is};

#[tokio::test]
async fn w35_a_write_that_fails_for_a_moment_is_tried_again_and_others_do_not_notice() {
    let world = World::default();
    world.plays("b/s/a", [Play::Gate("go")]);
    let (store, dislikes) = Picky::new(MemoryStore::new());
    let handle = world.runtime(store).await.handle();
    let run = handle.submit(request(chain("act", &["a", "z"])).starting()).await.unwrap();
    world.begun("b/s/a", 1).await;
    dislikes.run(run, passing(), 3);
    world.open("go");
    world.until("the end of a", |state| state.made[0].ended).await;
    // Nothing is done that is not durable, and others go on.
    assert_eq!(play(&handle, chain("act", &["other"])).await.status, RunStatus::Succeeded);
    assert_eq!(end(&handle, run).await.status, RunStatus::Succeeded);
    assert_eq!(dislikes.refused(), 3);
    assert_eq!(world.count("b/s/a"), 1);
    assert_eq!(world.count("b/s/z"), 1);
    let events = log(&handle, run).await;
    assert_eq!(count_of(&events, |what| matches!(what, What::Recovered { .. })), 0);
}

#[tokio::test]
async fn w35_a_run_that_cannot_be_written_is_parked_and_goes_on_when_it_can() {
    for error in [passing(), StoreError::TooLarge { what: "value", size: 2, limit: 1 }] {
        let world = World::default();
        world.plays("b/s/a", [Play::Gate("go")]).plays("b/s/other", [Play::Gate("other")]);
        let (store, dislikes) = Picky::new(MemoryStore::new());
        let options = Options {
            storage_patience: Duration::ZERO,
            park_for: Duration::from_secs(3600),
            ..Options::default()
        };
        let handle = world.runtime_with(store, options).await.handle();
        let other = handle.submit(request(chain("act", &["other", "then"])).starting()).await.unwrap();
        let run = handle.submit(request(chain("act", &["a", "z"])).starting()).await.unwrap();
        world.begun("b/s/a", 1).await;
        let waiting = tokio::spawn({
            let handle = handle.clone();
            async move { handle.wait(run).await }
        });
        let mut stream = handle.events(run, 1).await.unwrap();
        dislikes.run(run, error, u32::MAX);
        world.open("go");
        until_it_is(&handle, run, |condition| matches!(condition, Condition::Parked { .. })).await;
        // The others are unaffected, and this one says how it stands.
        world.open("other");
        assert_eq!(end(&handle, other).await.status, RunStatus::Succeeded);
        let view = handle.status(run).await.unwrap();
        assert_eq!(view.status, RunStatus::Running);
        let refused = handle.pause(run, ann()).await.unwrap_err();
        assert_eq!(refused.code().as_str(), "WL-0309");
        assert_eq!(world.count("b/s/z"), 0);
        // The storage is back: what had ended in the meantime counts as ended.
        dislikes.nothing();
        handle.unpark(run).await.unwrap();
        assert_eq!(waiting.await.unwrap().unwrap().status, RunStatus::Succeeded);
        assert_eq!(world.count("b/s/a"), 1);
        assert_eq!(world.count("b/s/z"), 1);
        let mut told = 0;
        while let Some(event) = stream.next().await {
            told += 1;
            assert_eq!(event.unwrap().seq, told);
        }
        assert_eq!(told, handle.status(run).await.unwrap().seq);
    }
}

#[tokio::test]
async fn w35_a_submission_that_cannot_be_written_is_refused_and_leaves_nothing() {
    let world = World::default();
    let store = FaultyStore::new(MemoryStore::new()).with(Fault::Permanent(1));
    let inner = store.inner().clone();
    let options = Options { storage_patience: Duration::ZERO, ..Options::default() };
    let handle = world.runtime_with(Arc::new(store), options).await.handle();
    let refused = handle.submit(request(chain("act", &["a"])).starting()).await.unwrap_err();
    assert!(matches!(refused, Error::Store(StoreError::Io { .. })), "{refused:?}");
    assert!(handle.list(10, None).await.unwrap().is_empty());
    assert!(inner.range(windlass_store::Range::all()).await.unwrap().is_empty());
    assert!(world.made().is_empty());
}

#[tokio::test]
async fn w35_a_run_whose_plugin_is_gone_is_left_and_the_rest_starts() {
    let world = World::default();
    let store = Arc::new(MemoryStore::new());
    world.plays("b/s/a", [Play::Gate("go")]).plays("b/s/x", [Play::Gate("go")]);
    let runtime = world.runtime(Arc::clone(&store) as Arc<dyn Store>).await;
    let handle = runtime.handle();
    let gone = handle.submit(request(chain("act", &["a"])).starting()).await.unwrap();
    let here = handle.submit(request(chain("noop", &["n1", "n2"]))).await.unwrap();
    world.begun("b/s/a", 1).await;
    drop((runtime, handle));

    let poorer: Registry = windlass_plugins::standard().unwrap();
    let again: Arc<dyn Store> = Arc::new(store.reopened());
    let runtime = Runtime::open(Arc::clone(&again), poorer, Options::default()).await.unwrap();
    let left = Unrunnable { run: gone, missing: vec!["act".into()] };
    assert_eq!(runtime.taken_over().unrunnable, [left]);
    assert_eq!(runtime.taken_over().runs, [here]);
    let handle = runtime.handle();
    handle.start(here, ann()).await.unwrap();
    assert_eq!(end(&handle, here).await.status, RunStatus::Succeeded);
    let before = log(&handle, gone).await;
    let view = handle.status(gone).await.unwrap();
    assert!(matches!(view.condition, Condition::Unrunnable { .. }));
    assert_eq!(view.status, RunStatus::Running);
    assert_eq!(handle.wait(gone).await.unwrap_err().code().as_str(), "WL-0506");
    assert_eq!(handle.stop(gone, ann()).await.unwrap_err().code().as_str(), "WL-0506");
    assert_eq!(log(&handle, gone).await, before);
    drop((runtime, handle));
    // With its plugin it goes on.
    world.open("go");
    let handle = world.runtime(Arc::new(store.reopened())).await.handle();
    end(&handle, gone).await;
}

#[tokio::test]
async fn a_log_that_cannot_be_read_is_reported_and_left() {
    let world = World::default();
    world.plays("b/s/a", [Play::Gate("go")]);
    let store = Arc::new(MemoryStore::new());
    let runtime = world.runtime(Arc::clone(&store) as Arc<dyn Store>).await;
    let run = runtime.handle().submit(request(chain("act", &["a"])).starting()).await.unwrap();
    world.begun("b/s/a", 1).await;
    drop(runtime);
    let copy = store.reopened();
    let chunks = copy.range(windlass_store::Range::prefix("log/")).await.unwrap();
    let broken = windlass_store::Txn::new().put(chunks[0].key.clone(), vec![1, 2, 3]);
    copy.commit(broken).await.unwrap();
    let runtime = world.runtime(Arc::new(copy.clone())).await;
    assert_eq!(runtime.taken_over().damaged[0].run, run);
    let handle = runtime.handle();
    assert_eq!(handle.wait(run).await.unwrap_err().code().as_str(), "WL-0310");
    assert!(matches!(handle.status(run).await.unwrap().condition, Condition::Damaged { .. }));
    assert_eq!(play(&handle, chain("noop", &["x"])).await.status, RunStatus::Succeeded);
    drop((runtime, handle));
    // The same for a chunk that is missing.
    copy.commit(windlass_store::Txn::new().delete(chunks[0].key.clone())).await.unwrap();
    let runtime = world.runtime(Arc::new(copy)).await;
    assert_eq!(runtime.taken_over().damaged[0].run, run);
}
