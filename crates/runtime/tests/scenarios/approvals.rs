//! Approvals, refusals and stops of runs that nobody drives: what was said takes effect, and the truth is told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use windlass_engine::Input;
use windlass_model::event::{Author, Command};
use windlass_model::id::RunId;
use windlass_model::outcome::{ReasonKind, RunStatus};
use windlass_runtime::{Error, Handle, Options, RunView, TakeOver};
use windlass_store::memory::MemoryStore;
use windlass_store::{Range, Store as _};

use crate::stage::{Ahead, World, ann, end, plan, request};

const SPEC: &str = "  approval: {quorum: 2, expires: 2d}
  blocks: [{name: b, sequences: [{name: s, actions: [{name: a, use: act}]}]}]";

/// A store whose processes come and go, and the time in which they do.
struct Place {
    world: World,
    store: Mutex<MemoryStore>,
    clock: Ahead,
    run: RunId,
}

// === impl Place ===

impl Place {
    /// With a run that awaits two approvals, and nobody who drives it.
    async fn awaiting() -> Self {
        let (world, store, clock) = (World::default(), MemoryStore::new(), Ahead::default());
        let options = Options { clock: clock.clock(), ..Options::default() };
        let runtime = world.runtime_with(Arc::new(store.clone()), options).await;
        let run = runtime.handle().submit(request(plan(SPEC)).starting()).await.unwrap();
        runtime.shutdown(Duration::ZERO).await.unwrap();
        Self { world, store: Mutex::new(store), clock, run }
    }

    /// The store as the last process left it.
    fn reopened(&self) -> Arc<MemoryStore> {
        let mut store = self.store.lock().unwrap();
        *store = store.reopened();
        Arc::new(store.clone())
    }

    /// What a process that drives nothing writes down, and how the run stands then.
    async fn says(&self, input: Input) -> (Result<(), Error>, RunView) {
        let options = Options {
            clock: self.clock.clock(),
            take_over: TakeOver::Only(Vec::new()),
            ..Options::default()
        };
        let runtime = self.world.runtime_with(self.reopened(), options).await;
        let handle = runtime.handle();
        let said = handle.record(self.run, input).await;
        let view = handle.status(self.run).await.unwrap();
        let fold = handle.fold(self.run).await.unwrap();
        assert_eq!(fold.status(), view.status, "the head and the log tell different things");
        runtime.shutdown(Duration::ZERO).await.unwrap();
        (said, view)
    }

    async fn approves(&self, who: &str) -> (Result<(), Error>, RunView) {
        let digest = self.digest().await;
        self.says(Input::Approve { by: Author::new(who), digest }).await
    }

    async fn digest(&self) -> windlass_model::submission::Digest {
        let handle = self.world.runtime_nothing(self.reopened()).await.handle();
        handle.submission(self.run).await.unwrap().digest()
    }

    /// A process goes on with everything.
    async fn recovers(&self) -> (windlass_runtime::Runtime, Handle) {
        let options = Options { clock: self.clock.clock(), ..Options::default() };
        let runtime = self.world.runtime_with(self.reopened(), options).await;
        let handle = runtime.handle();
        (runtime, handle)
    }

    async fn is_open(&self) -> bool {
        !self.reopened().range(Range::prefix("open/")).await.unwrap().is_empty()
    }
}

fn agreed(view: &RunView) -> Vec<&str> {
    view.approval.as_ref().unwrap().by.iter().map(String::as_str).collect()
}

#[tokio::test]
async fn two_people_approve_from_two_processes_and_a_third_begins_it() {
    let place = Place::awaiting().await;
    let (said, view) = place.approves("bob").await;
    said.unwrap();
    assert_eq!((view.status, agreed(&view)), (RunStatus::AwaitingApproval, vec!["bob"]));
    let approval = view.approval.as_ref().unwrap();
    assert_eq!(approval.quorum, 2);
    assert!(approval.until > view.submitted_at);
    // Saying it again does not make two of one.
    let (said, view) = place.approves("bob").await;
    said.unwrap();
    assert_eq!(agreed(&view), ["bob"]);
    let (said, _) = place.approves("ann").await;
    assert_eq!(said.unwrap_err().code().as_str(), "WL-0304");
    let (said, view) = place.approves("cyd").await;
    said.unwrap();
    assert_eq!((view.status, agreed(&view)), (RunStatus::Running, vec!["bob", "cyd"]));
    assert!(view.started_at.is_some() && place.world.made().is_empty());
    let (said, _) = place.approves("dan").await;
    assert_eq!(said.unwrap_err().code().as_str(), "WL-0303");

    let (_runtime, handle) = place.recovers().await;
    assert_eq!(end(&handle, place.run).await.status, RunStatus::Succeeded);
    assert_eq!(place.world.made(), ["b/s/a"]);
}

#[tokio::test]
async fn one_approval_is_not_enough_to_begin() {
    let place = Place::awaiting().await;
    place.approves("bob").await.0.unwrap();
    let (_runtime, handle) = place.recovers().await;
    let view = handle.status(place.run).await.unwrap();
    assert_eq!(view.status, RunStatus::AwaitingApproval);
    assert!(matches!(handle.start(place.run, ann()).await, Err(Error::Refused { .. })));
    // The second one comes while it is driven, and begins it.
    let digest = handle.submission(place.run).await.unwrap().digest();
    handle.approve(place.run, digest, Author::new("cyd")).await.unwrap();
    let view = end(&handle, place.run).await;
    assert_eq!((view.status, agreed(&view)), (RunStatus::Succeeded, vec!["bob", "cyd"]));
}

#[tokio::test]
async fn an_approval_that_comes_too_late_is_refused_and_the_run_has_ended() {
    let place = Place::awaiting().await;
    place.approves("bob").await.0.unwrap();
    place.clock.by(Duration::from_secs(3 * 24 * 3600));
    let (said, view) = place.approves("cyd").await;
    let error = said.unwrap_err();
    assert_eq!(error.code().as_str(), "WL-0306", "{error}");
    assert_eq!((view.status, view.reason.unwrap().kind), (RunStatus::Failed, ReasonKind::Deadline));
    assert!(!place.is_open().await);
    let (said, _) = place.approves("cyd").await;
    assert_eq!(said.unwrap_err().code().as_str(), "WL-0302");
    // Where nobody says anything, whoever goes on with it notices.
    let place = Place::awaiting().await;
    place.clock.by(Duration::from_secs(3 * 24 * 3600));
    let (_runtime, handle) = place.recovers().await;
    assert_eq!(end(&handle, place.run).await.reason.unwrap().kind, ReasonKind::Deadline);
    assert!(place.world.made().is_empty());
}

#[tokio::test]
async fn what_was_approved_on_friday_begins_on_monday_and_not_a_month_later() {
    for (days, ends) in [(3, RunStatus::Succeeded), (30, RunStatus::Failed)] {
        let place = Place::awaiting().await;
        place.approves("bob").await.0.unwrap();
        place.approves("cyd").await.0.unwrap();
        place.clock.by(Duration::from_secs(days * 24 * 3600));
        let (_runtime, handle) = place.recovers().await;
        let view = end(&handle, place.run).await;
        assert_eq!(view.status, ends, "{days}");
        assert_eq!(place.world.made().len(), usize::from(ends == RunStatus::Succeeded));
    }
}

#[tokio::test]
async fn who_refuses_or_stops_a_run_that_nobody_drives_ends_it() {
    let by = || Author { user: "bob".into(), why: "not on a Friday".into() };
    for input in [
        Input::Reject { by: by() },
        Input::Command { command: Command::Stop, by: by() },
        Input::Command { command: Command::Cancel, by: by() },
        Input::Command { command: Command::Kill, by: by() },
    ] {
        let place = Place::awaiting().await;
        place.approves("cyd").await.0.unwrap();
        let (said, view) = place.says(input).await;
        said.unwrap();
        assert_eq!(view.status, RunStatus::Stopped);
        assert!(view.ended_at.is_some() && view.reason.unwrap().message.ends_with("by bob: not on a Friday"));
        assert!(!place.is_open().await);
        assert_eq!(place.approves("dan").await.0.unwrap_err().code().as_str(), "WL-0302");
        let (runtime, _) = place.recovers().await;
        assert!(runtime.taken_over().runs.is_empty() && place.world.made().is_empty());
    }
}

#[tokio::test]
async fn of_two_who_speak_at_once_none_is_lost() {
    let place = Place::awaiting().await;
    let handle = place.world.runtime_nothing(place.reopened()).await.handle();
    let digest = place.digest().await;
    let say = |who: &str| handle.record(place.run, Input::Approve { by: Author::new(who), digest });
    let (one, two) = tokio::join!(say("bob"), say("cyd"));
    let heard = usize::from(one.is_ok()) + usize::from(two.is_ok());
    // Whoever came second by a hair is told, and says it again.
    for refused in [one, two].into_iter().filter_map(Result::err) {
        assert_eq!(refused.code().as_str(), "WL-0408", "{refused}");
    }
    assert_eq!(agreed(&handle.status(place.run).await.unwrap()).len(), heard);
}
