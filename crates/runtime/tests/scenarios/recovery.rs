//! W22, W28, W29: what becomes of runs whose process died, and of time that went by meanwhile.

use std::sync::Arc;
use std::time::Duration;

use windlass_model::event::What;
use windlass_model::outcome::{ReasonKind, RunStatus, Status};
use windlass_runtime::{Options, TakeOver};
use windlass_store::memory::MemoryStore;
use windlass_store::{Range, Store};

use crate::stage::{Ahead, Play, World, ann, chain, count_of, end, log, outcome, plan, request};

const HOUR: Duration = Duration::from_secs(3600);

fn options(ahead: &Ahead) -> Options {
    Options { clock: ahead.clock(), recovery_limit: Some(24 * HOUR), ..Options::default() }
}

#[tokio::test]
async fn w22_w29_a_run_that_was_silent_for_too_long_ends_with_every_part_of_it() {
    let (world, ahead) = (World::default(), Ahead::default());
    world.plays("b/n1/x", [Play::Hang]).plays("b/n2/x", [Play::Hang]);
    let store = MemoryStore::new();
    let spec = "  checks: {continuous: [{name: ok, use: look}], every: 1h}
  blocks: [{name: b, targets: {nodes: ['n[1-3]']}, concurrency: 2, sequence: [{name: x, use: act, timeout: 72h}]}]
  deferred: [{name: tell, actions: [{name: mail, use: act}]}]";
    let runtime = world.runtime_with(Arc::new(store.clone()), options(&ahead)).await;
    let run = runtime.handle().submit(request(plan(spec)).starting()).await.unwrap();
    world.begun("b/n2/x", 1).await;
    drop(runtime);
    ahead.by(25 * HOUR);
    let handle = world.runtime_with(Arc::new(store.reopened()), options(&ahead)).await.handle();
    let view = end(&handle, run).await;
    assert_eq!(view.status, RunStatus::Failed);
    assert_eq!(view.reason.unwrap().kind, ReasonKind::Interrupted);
    let outcome = outcome(&handle, run).await;
    assert!(outcome.elements.values().all(|(status, _)| *status != Status::Running), "{outcome:?}");
    assert_eq!(outcome.elements["b/n3/x"].0, Status::Pending);
    assert_eq!(world.count("b/n1/x") + world.count("b/n2/x"), 2);
    assert_eq!(world.count("deferred/tell/mail"), 0);
}

#[tokio::test]
async fn w22_a_submission_that_was_not_completed_is_invisible() {
    use windlass_store::faulty::{Fault, FaultyStore};
    let world = World::default();
    let store = FaultyStore::new(MemoryStore::new()).with(Fault::LostLastWrite(1));
    let inner = store.inner().clone();
    let handle = world.runtime(Arc::new(store)).await.handle();
    let submitting =
        tokio::spawn(async move { handle.submit(request(chain("act", &["a"])).starting()).await });
    tokio::task::yield_now().await;
    submitting.abort();
    let _ = submitting.await;
    let handle = world.runtime(Arc::new(inner.reopened())).await.handle();
    assert!(handle.list(10, None).await.unwrap().is_empty());
    assert!(inner.range(Range::all()).await.unwrap().is_empty());
    assert!(world.made().is_empty());
}

#[tokio::test]
async fn w29_a_long_action_of_a_run_that_says_it_is_alive_is_not_given_up() {
    let (world, ahead) = (World::default(), Ahead::default());
    world.plays("b/s/x", [Play::Gate("go")]);
    let store = MemoryStore::new();
    let spec =
        "  blocks: [{name: b, sequences: [{name: s, actions: [{name: x, use: act.again, timeout: 200h}]}]}]";
    // A sixth of three seconds is half a second: short enough to wait for.
    let short = Options { recovery_limit: Some(Duration::from_secs(3)), ..options(&ahead) };
    let runtime = world.runtime_with(Arc::new(store.clone()), short.clone()).await;
    let handle = runtime.handle();
    let run = handle.submit(request(plan(spec)).starting()).await.unwrap();
    let mut events = handle.events(run, 1).await.unwrap();
    let mut beats = 0;
    while beats < 2 {
        beats += usize::from(matches!(events.next().await.unwrap().unwrap().what, What::Heartbeat));
    }
    drop((runtime, handle, events));
    // Longer than the limit since it began, and not since it was heard of.
    ahead.by(Duration::from_millis(2_500));
    world.open("go");
    let handle = world.runtime_with(Arc::new(store.reopened()), short).await.handle();
    assert_eq!(end(&handle, run).await.status, RunStatus::Succeeded);
}

#[tokio::test]
async fn w28_only_what_is_left_of_a_wait_is_waited() {
    let (world, ahead) = (World::default(), Ahead::default());
    world.plays("b/s/x", [Play::Fail, Play::Good]);
    let store = MemoryStore::new();
    let spec = "  blocks: [{name: b, entranceDelay: 10h, exitDelay: 10h, sequences: [{name: s, actions: [
      {name: x, use: act, retries: 1, backoff: {initial: 10h, max: 10h}}]}]}]";
    let runtime = world.runtime_with(Arc::new(store.clone()), options(&ahead)).await;
    let run = runtime.handle().submit(request(plan(spec)).starting()).await.unwrap();
    drop(runtime);
    let mut now = store;
    for n in 0..3 {
        // Most of the delay, backoff and delay goes by while nobody is there.
        ahead.by(9 * HOUR);
        now = now.reopened();
        let runtime = world.runtime_with(Arc::new(now.clone()), options(&ahead)).await;
        let handle = runtime.handle();
        assert_eq!(world.count("b/s/x"), n.min(2));
        let before = log(&handle, run).await.len();
        ahead.by(HOUR - Duration::from_millis(100));
        drop((runtime, handle));
        now = now.reopened();
        let runtime = world.runtime_with(Arc::new(now.clone()), options(&ahead)).await;
        let mut events = runtime.handle().events(run, before as u64 + 1).await.unwrap();
        let wanted = ["waiting", "waiting", "finished"][n];
        while events.next().await.unwrap().unwrap().what.kind() != wanted {}
    }
    let handle = world.runtime_with(Arc::new(now.reopened()), options(&ahead)).await.handle();
    assert_eq!(end(&handle, run).await.status, RunStatus::Succeeded);
    assert_eq!(world.count("b/s/x"), 2);
}

#[tokio::test]
async fn an_interrupted_attempt_is_asked_about_and_not_guessed() {
    for (done, status, times) in [
        (Some(true), RunStatus::Succeeded, 1),
        (Some(false), RunStatus::Succeeded, 2),
        (None, RunStatus::Failed, 1),
    ] {
        let world = World::default();
        world.plays("b/s/x", [Play::Hang, Play::Good]);
        world.lock().was_done = done;
        let store = MemoryStore::new();
        let runtime = world.runtime(Arc::new(store.clone())).await;
        let run = runtime.handle().submit(request(chain("act.asked", &["x"])).starting()).await.unwrap();
        world.begun("b/s/x", 1).await;
        drop(runtime);
        let handle = world.runtime(Arc::new(store.reopened())).await.handle();
        assert_eq!(end(&handle, run).await.status, status);
        assert_eq!((world.count("b/s/x"), world.lock().asked_done), (times, 1));
    }
}

#[tokio::test]
async fn a_shutdown_lets_attempts_end_and_begins_nothing_new() {
    let world = World::default();
    world.plays("b/s/a", [Play::Gate("go")]);
    let store = MemoryStore::new();
    let runtime = world.runtime(Arc::new(store.clone())).await;
    let handle = runtime.handle();
    let run = handle.submit(request(chain("act", &["a", "z"])).starting()).await.unwrap();
    world.begun("b/s/a", 1).await;
    let closing = tokio::spawn(runtime.shutdown(Duration::from_secs(20)));
    while handle.start(run, ann()).await.is_ok() {}
    world.open("go");
    closing.await.unwrap().unwrap();
    assert_eq!(world.made(), ["b/s/a"]);
    // Nothing was interrupted: the next process goes on where this one ended.
    let handle = world.runtime(Arc::new(store.reopened())).await.handle();
    assert_eq!(end(&handle, run).await.status, RunStatus::Succeeded);
    assert_eq!(world.made(), ["b/s/a", "b/s/z"]);
}

#[tokio::test]
async fn only_the_runs_that_were_named_are_taken_over() {
    let world = World::default();
    let store = MemoryStore::new();
    let runtime = world.runtime(Arc::new(store.clone())).await;
    let (one, two) = (
        runtime.handle().submit(request(chain("act", &["one"]))).await.unwrap(),
        runtime.handle().submit(request(chain("act", &["two"]))).await.unwrap(),
    );
    drop(runtime);
    let only = Options { take_over: TakeOver::Only(vec![one]), ..Options::default() };
    let store: Arc<dyn Store> = Arc::new(store.reopened());
    let runtime = world.runtime_with(store, only).await;
    assert_eq!(runtime.taken_over().runs, [one]);
    let handle = runtime.handle();
    let refused = handle.start(two, ann()).await.unwrap_err();
    assert_eq!(refused.code().as_str(), "WL-0602");
    assert_eq!(handle.wait(two).await.unwrap_err().code().as_str(), "WL-0602");
    assert_eq!(handle.status(two).await.unwrap().status, RunStatus::Submitted);
    handle.start(one, ann()).await.unwrap();
    end(&handle, one).await;
}

#[tokio::test]
async fn runs_that_are_taken_over_keep_their_locks() {
    let world = World::default();
    world.plays("b/n1/held", [Play::Gate("held")]);
    let store = MemoryStore::new();
    let on_n1 = |name: &str| {
        plan(&format!(
            "  blocks: [{{name: b, targets: {{nodes: [n1]}}, sequence: [{{name: {name}, use: act.again}}]}}]"
        ))
    };
    let runtime = world.runtime(Arc::new(store.clone())).await;
    let handle = runtime.handle();
    // The one that waits has the smaller id, so it is taken over first.
    let waits = windlass_runtime::Request {
        run_id: Some(windlass_model::id::RunId("00000000-0000-4000-8000-000000000001".parse().unwrap())),
        ..request(on_n1("waits")).starting()
    };
    let holder = handle.submit(request(on_n1("held")).starting()).await.unwrap();
    world.begun("b/n1/held", 1).await;
    let waiter = handle.submit(waits).await.unwrap();
    drop((runtime, handle));
    let handle = world.runtime(Arc::new(store.reopened())).await.handle();
    world.begun("b/n1/held", 2).await;
    assert_eq!(world.count("b/n1/waits"), 0);
    world.open("held");
    end(&handle, holder).await;
    end(&handle, waiter).await;
    let events = log(&handle, waiter).await;
    assert_eq!(count_of(&events, |what| matches!(what, What::AttemptBegan { .. })), 1);
}
