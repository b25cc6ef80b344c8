//! A flush that fails: the store has stopped, and what is known of the runs is not lost with it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use windlass_model::event::{AttemptEnd, What};
use windlass_model::id::RunId;
use windlass_model::outcome::{Failure, RunStatus};
use windlass_runtime::{Condition, Error, Handle, Options, Reopen, Runtime};
use windlass_store::Store;
use windlass_store::faulty::{Fault, FaultyStore, Survives};
use windlass_store::memory::MemoryStore;

use crate::doomed::passing;
use crate::stage::{Play, World, ann, chain, end, log, plan, play, request, until_it_is};

/// A runtime on a store whose flush fails when a test says so, and that can be opened again when it says so.
struct Doomed {
    world: World,
    faulty: FaultyStore<MemoryStore>,
    runtime: Runtime,
    opened: Arc<AtomicU32>,
    /// What is on the disk, when it is back.
    disk: Arc<Mutex<Option<MemoryStore>>>,
}

// === impl Doomed ===

impl Doomed {
    async fn new(world: &World) -> Self {
        let faulty = FaultyStore::new(MemoryStore::new());
        let (opened, disk) = (Arc::new(AtomicU32::new(0)), Arc::new(Mutex::new(None::<MemoryStore>)));
        let reopen = Reopen::with({
            let (opened, disk) = (Arc::clone(&opened), Arc::clone(&disk));
            move || {
                opened.fetch_add(1, Ordering::Relaxed);
                let disk = disk.lock().unwrap();
                disk.as_ref().map(|disk| Arc::new(disk.reopened()) as Arc<dyn Store>).ok_or_else(passing)
            }
        });
        let options = Options { reopen: Some(reopen), ..Options::default() };
        let runtime = world.runtime_with(Arc::new(faulty.clone()), options).await;
        Self { world: world.clone(), faulty, runtime, opened, disk }
    }

    fn handle(&self) -> Handle {
        self.runtime.handle()
    }

    /// The next flush fails, and that comes when this gate is opened.
    fn fails_behind(&self, gate: &'static str, survives: Survives) {
        self.faulty.inject(Fault::Flush { commit: self.faulty.commits() + 1, survives });
        self.world.open(gate);
    }

    fn disk_is_back(&self) {
        *self.disk.lock().unwrap() = Some(self.faulty.inner().clone());
    }
}

fn has_stopped(condition: &Condition) -> bool {
    matches!(condition, Condition::StoreStopped { why, .. } if why.code() == "WL-0406")
}

/// How the attempts of an action ended, by number.
async fn ends(handle: &Handle, run: RunId, address: &str) -> Vec<(u32, AttemptEnd)> {
    let element = handle.layout(run).await.unwrap().find(address).unwrap();
    let events = log(handle, run).await;
    let ends = events.into_iter().filter_map(|event| match event.what {
        What::AttemptEnded { element: of, n, end } if of == element => Some((n, end)),
        _ => None,
    });
    ends.collect()
}

#[tokio::test]
async fn a_failed_flush_ends_the_runtime_where_the_store_cannot_be_opened_again() {
    for survives in [Survives::Yes, Survives::No] {
        let world = World::default();
        world.plays("b/s/a", [Play::Gate("go")]);
        let faulty = FaultyStore::new(MemoryStore::new());
        let handle = world.runtime(Arc::new(faulty.clone())).await.handle();
        let run = handle.submit(request(chain("act.again", &["a", "z"])).starting()).await.unwrap();
        world.begun("b/s/a", 1).await;
        let waiting = tokio::spawn({
            let handle = handle.clone();
            async move { handle.wait(run).await }
        });
        tokio::task::yield_now().await;
        faulty.inject(Fault::Flush { commit: faulty.commits() + 1, survives });
        world.open("go");
        let told = waiting.await.unwrap().unwrap_err();
        assert_eq!(told.code().as_str(), "WL-0406");
        let refused = handle.submit(request(chain("act", &["b"]))).await.unwrap_err();
        assert_eq!(refused.code().as_str(), "WL-0406");
        assert_eq!(world.count("b/s/z"), 0);
        // What was durable last can still be seen.
        let view = handle.status(run).await.unwrap();
        assert!(has_stopped(&view.condition), "{:?}", view.condition);
        assert_eq!(view.status, RunStatus::Running);
        // The next process goes on with what is there.
        drop(handle);
        let handle = world.runtime(Arc::new(faulty.inner().reopened())).await.handle();
        assert_eq!(end(&handle, run).await.status, RunStatus::Succeeded);
        let times = if survives == Survives::Yes { 1 } else { 2 };
        assert_eq!((world.count("b/s/a"), world.count("b/s/z")), (times, 1));
    }
}

#[tokio::test]
async fn a_failed_flush_leads_through_recovery_where_the_store_can_be_opened_again() {
    for survives in [Survives::Yes, Survives::No] {
        let world = World::default();
        world.plays("b/s/a", [Play::Gate("a")]).plays("b/s/held", [Play::Gate("held")]);
        let doomed = Doomed::new(&world).await;
        let handle = doomed.handle();
        let over = play(&handle, chain("noop", &["x"])).await.id;
        let run = handle.submit(request(chain("act", &["a", "z"])).starting()).await.unwrap();
        let held = handle.submit(request(chain("act", &["held"])).starting()).await.unwrap();
        world.begun("b/s/held", 1).await;
        doomed.fails_behind("a", survives);
        world.until("a to end", |state| state.made[0].ended).await;
        for run in [run, held] {
            let view = until_it_is(&handle, run, has_stopped).await;
            assert_eq!((view.id, view.status, view.ended_at), (run, RunStatus::Running, None));
        }
        // A run that is over is known to the store alone, and so it says why that is silent.
        assert_eq!(handle.status(over).await.unwrap_err().code().as_str(), "WL-0406");
        let refused = handle.submit(request(chain("act", &["b"]))).await.unwrap_err();
        assert_eq!(refused.code().as_str(), "WL-0406");
        doomed.disk_is_back();
        // What was in flight all the time ends, and counts.
        world.open("held");
        for run in [run, held] {
            let view = end(&handle, run).await;
            assert_eq!(view.status, RunStatus::Succeeded, "{survives:?}");
        }
        assert!(doomed.opened.load(Ordering::Relaxed) >= 1);
        for address in ["b/s/a", "b/s/z", "b/s/held"] {
            assert_eq!(world.count(address), 1, "{address} {survives:?}");
        }
        assert_eq!(world.lock().most_overlap, 1);
        assert_eq!(play(&handle, chain("noop", &["x"])).await.status, RunStatus::Succeeded);
        assert_eq!(handle.status(over).await.unwrap().status, RunStatus::Succeeded);
    }
}

#[tokio::test]
async fn an_attempt_that_was_only_written_down_is_simply_made() {
    for survives in [Survives::Yes, Survives::No] {
        let world = World::default();
        world.plays("b/s/a", [Play::Gate("a")]).plays("b/s/z", [Play::Fail, Play::Good]);
        let doomed = Doomed::new(&world).await;
        let handle = doomed.handle();
        // An interruption would fail it, and the one retry is for the failure that comes.
        let spec = "  blocks: [{name: b, sequences: [{name: s, actions: [
            {name: a, use: act}, {name: z, use: act, retries: 1, backoff: {initial: 1ms}}]}]}]";
        let run = handle.submit(request(plan(spec)).starting()).await.unwrap();
        world.begun("b/s/a", 1).await;
        doomed.disk_is_back();
        doomed.fails_behind("a", survives);
        assert_eq!(end(&handle, run).await.status, RunStatus::Succeeded, "{survives:?}");
        assert_eq!((world.count("b/s/a"), world.count("b/s/z")), (1, 2));
        let codes: Vec<(u32, Option<String>)> = ends(&handle, run, "b/s/z")
            .await
            .into_iter()
            .map(|(n, end)| (n, end.failure.map(|failure| failure.code)))
            .collect();
        let failed = |n| (n, Some("no".to_owned()));
        match survives {
            Survives::Yes => {
                assert_eq!(codes, [(1, Some(Failure::NOT_MADE.to_owned())), failed(2), (3, None)]);
            }
            Survives::No => assert_eq!(codes, [failed(1), (2, None)]),
        }
    }
}

#[tokio::test]
async fn what_was_only_written_down_is_not_made_when_it_is_not_wanted_any_more() {
    for survives in [Survives::Yes, Survives::No] {
        let world = World::default();
        world.plays("b/s/a", [Play::Gate("a")]);
        let doomed = Doomed::new(&world).await;
        let handle = doomed.handle();
        let run = handle.submit(request(chain("act", &["a", "z"])).starting()).await.unwrap();
        world.begun("b/s/a", 1).await;
        doomed.fails_behind("a", survives);
        until_it_is(&handle, run, has_stopped).await;
        // Another process, which knows nothing of what this one did, stops the run.
        let store = doomed.faulty.inner().reopened();
        let other = world.runtime_nothing(Arc::new(store.clone())).await;
        let by = ann();
        let stop = windlass_engine::Input::Command { command: windlass_model::event::Command::Stop, by };
        other.handle().record(run, stop).await.unwrap();
        *doomed.disk.lock().unwrap() = Some(store);
        assert_eq!(end(&handle, run).await.status, RunStatus::Stopped, "{survives:?}");
        assert_eq!((world.count("b/s/a"), world.count("b/s/z")), (1, 0));
    }
}

#[tokio::test]
async fn what_a_sensitive_action_answered_is_not_lost_with_the_write() {
    let secret = "c4n4ry-in-the-mine";
    let spec = "  blocks: [{name: b, sequences: [{name: s, actions: [
        {name: hold, use: act},
        {name: asks, use: act, sensitive: true, save: {token: token}},
        {name: check, use: command, with: {argv: [test, '{{ store.token }}', '=', \"{{ 'c4n4ry-in' ~ '-the-mine' }}\"]}}]}]}]";
    for survives in [Survives::Yes, Survives::No] {
        let world = World::default();
        world.plays("b/s/hold", [Play::Gate("hold")]);
        world.plays("b/s/asks", [Play::Answer(json!({"token": secret}))]);
        let doomed = Doomed::new(&world).await;
        let handle = doomed.handle();
        let run = handle.submit(request(plan(spec)).starting()).await.unwrap();
        world.begun("b/s/hold", 1).await;
        doomed.disk_is_back();
        // The write that fails is the one behind the next: that of the answer.
        doomed.faulty.inject(Fault::Flush { commit: doomed.faulty.commits() + 2, survives });
        world.open("hold");
        let view = end(&handle, run).await;
        assert_eq!(view.status, RunStatus::Succeeded, "{survives:?}: {:?}", view.reason);
        assert_eq!(world.count("b/s/asks"), 1);
        assert!(doomed.opened.load(Ordering::Relaxed) >= 1, "nothing failed");
        let events = serde_json::to_string(&ends(&handle, run, "b/s/asks").await).unwrap();
        assert!(!events.contains(secret), "{events}");
    }
}

#[tokio::test]
async fn a_runtime_ends_in_good_order_while_its_store_is_being_opened_again() {
    let world = World::default();
    world.plays("b/s/a", [Play::Gate("a")]);
    let doomed = Doomed::new(&world).await;
    let handle = doomed.handle();
    let run = handle.submit(request(chain("act", &["a"])).starting()).await.unwrap();
    world.begun("b/s/a", 1).await;
    doomed.fails_behind("a", Survives::No);
    until_it_is(&handle, run, has_stopped).await;
    doomed.disk_is_back();
    let ended = doomed.runtime.shutdown(Duration::ZERO);
    let ended = tokio::time::timeout(crate::stage::PATIENCE, ended).await;
    assert!(matches!(ended, Ok(Ok(()) | Err(Error::Store(_)))), "{ended:?}");
}
