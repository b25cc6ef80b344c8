//! W21, W27: the process dies at every write, in every way in which a write can be lost, and the
//! end is the same as if it had not; nothing that had ended is done again, and every limit is kept.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use windlass_model::event::{Command, What};
use windlass_model::id::RunId;
use windlass_model::outcome::{Failure, RunStatus};
use windlass_runtime::{Error, Handle, Request};
use windlass_store::faulty::{Fault, FaultyStore, Survives};
use windlass_store::memory::MemoryStore;
use windlass_store::{Range, Store, StoreError};
use windlass_store_fjall::FjallStore;

use crate::doomed::{Doomed, Imaging};
use crate::stage::{Outcome, PATIENCE, Play, World, ann, log, outcome, plan, request};

/// A plan, how its world plays, and what a person does.
struct Case {
    name: &'static str,
    spec: &'static str,
    plays: fn(&World),
    person: Person,
    ends: RunStatus,
    /// How many failed attempts there are in all, if that is certain.
    failed_attempts: Option<usize>,
}

#[derive(Clone, Copy)]
enum Person {
    Starts,
    Stops,
    Pauses,
}

const CASES: &[Case] = &[
    Case {
        name: "succeeds",
        spec: "  checks: {pre: [{name: ready, use: look}], post: [{name: fine, use: look}]}
  blocks:
  - {name: one, targets: {nodes: [n1, n2, n3]}, concurrency: 2, sequence: [{name: a, use: act.again}, {name: b, use: act.again}]}
  - {name: two, sequences: [{name: s, actions: [{name: c, use: act.again}]}]}
  deferred: [{name: tell, when: always, actions: [{name: mail, use: act.again}]}]",
        plays: |_| {},
        person: Person::Starts,
        ends: RunStatus::Succeeded,
        failed_attempts: Some(0),
    },
    Case {
        name: "fails",
        spec: "  blocks:
  - {name: one, sequences: [{name: s, actions: [{name: a, use: act.again}, {name: bad, use: act.again}, {name: never, use: act.again}]}]}
  - {name: two, sequences: [{name: s, actions: [{name: never, use: act.again}]}]}
  deferred:
  - {name: sad, when: failure, actions: [{name: mail, use: act.again}]}
  - {name: glad, when: success, actions: [{name: mail, use: act.again}]}",
        plays: |world| {
            world.plays("one/s/bad", [Play::Permanent]);
        },
        person: Person::Starts,
        ends: RunStatus::Failed,
        failed_attempts: Some(1),
    },
    Case {
        name: "exhausts its retries",
        spec: "  blocks:
  - {name: one, sequences: [{name: s, actions: [{name: bad, use: act.again, retries: 2, backoff: {initial: 1ms}}]}]}",
        plays: |world| {
            world.plays("one/s/bad", [Play::Fail]);
        },
        person: Person::Starts,
        ends: RunStatus::Failed,
        failed_attempts: Some(3),
    },
    Case {
        name: "exceeds the limit",
        spec: "  blocks:
  - {name: one, targets: {nodes: ['n[1-5]']}, concurrency: 1, failures: 1, sequence: [{name: a, use: act.again}]}",
        plays: |world| {
            world.plays("one/n2/a", [Play::Fail]).plays("one/n3/a", [Play::Fail]);
        },
        person: Person::Starts,
        ends: RunStatus::Failed,
        failed_attempts: Some(2),
    },
    Case {
        name: "undoes",
        spec: "  blocks:
  - name: one
    targets: {nodes: [n1, n2, n3]}
    concurrency: 1
    onFailure: undo
    sequence: [{name: a, use: act.again, undo: {use: act.again}}, {name: b, use: act.again, undo: {use: act.again}}]",
        plays: |world| {
            world.plays("one/n3/b", [Play::Fail]);
        },
        person: Person::Starts,
        ends: RunStatus::Failed,
        failed_attempts: Some(1),
    },
    Case {
        name: "is stopped",
        spec: "  blocks:
  - {name: one, sequences: [{name: s, actions: [{name: a, use: act.again}, {name: held, use: act.again}, {name: never, use: act.again}]}]}
  deferred: [{name: sad, when: failure, actions: [{name: mail, use: act.again}]}]",
        plays: |world| {
            world.plays("one/s/a", [Play::Gate("go")]);
        },
        person: Person::Stops,
        ends: RunStatus::Stopped,
        failed_attempts: Some(0),
    },
    Case {
        name: "is paused",
        spec: "  blocks:
  - {name: one, sequences: [{name: s, actions: [{name: a, use: act.again}, {name: b, use: act.again}]}]}",
        plays: |world| {
            world.plays("one/s/a", [Play::Gate("go")]);
        },
        person: Person::Pauses,
        ends: RunStatus::Succeeded,
        failed_attempts: Some(0),
    },
];

fn the_run() -> RunId {
    RunId("01900000-0000-7000-8000-000000000001".parse().unwrap())
}

// === impl Case ===

impl Case {
    fn world(&self) -> World {
        let world = World::default();
        (self.plays)(&world);
        world
    }

    /// Does what is left to do, and waits for the end.
    async fn operate(&self, world: &World, handle: &Handle) -> Result<(), Error> {
        let run = the_run();
        match handle.status(run).await {
            Err(Error::UnknownRun(_)) => {
                let request = Request { run_id: Some(run), seed: Some(7), ..request(plan(self.spec)) };
                handle.submit(request).await?;
            }
            other => drop(other?),
        }
        handle.start(run, ann()).await?;
        match self.person {
            Person::Starts => {}
            Person::Stops => {
                // Whoever does not know whether they were heard says it again.
                handle.stop(run, ann()).await?;
                world.open("go");
            }
            Person::Pauses => {
                let resumed = log(handle, run)
                    .await
                    .iter()
                    .any(|event| matches!(event.what, What::Commanded { command: Command::Resume, .. }));
                if !resumed {
                    handle.pause(run, ann()).await?;
                    world.open("go");
                    let mut events = handle.events(run, 1).await?;
                    while let Some(event) = events.next().await {
                        if event?.what.kind() == "actionEnded" {
                            break;
                        }
                    }
                    handle.resume(run, ann()).await?;
                }
            }
        }
        handle.wait(run).await.map(drop)
    }

    /// Drives the run on this store until it has ended or the process is dead.
    async fn drive(&self, world: &World, store: Arc<dyn Store>, dead: &Notify) -> Option<Outcome> {
        let runtime = world.runtime(store).await;
        let handle = runtime.handle();
        let operated = async {
            tokio::select! {
                operated = self.operate(world, &handle) => Some(operated),
                () = dead.notified() => None,
            }
        };
        let Ok(operated) = tokio::time::timeout(PATIENCE, operated).await else {
            panic!("{}: it does not end: {:?}", self.name, handle.status(the_run()).await);
        };
        match operated {
            Some(Ok(())) => Some(self.check(&handle).await),
            // The store has stopped, which is as good as dead.
            Some(Err(Error::Store(StoreError::Stopped { .. }))) | None => None,
            Some(Err(error)) => panic!("{}: {error}", self.name),
        }
    }

    /// What must be so however often the process died.
    async fn check(&self, handle: &Handle) -> Outcome {
        let events = log(handle, the_run()).await;
        let failures = events.iter().filter_map(|event| match &event.what {
            What::AttemptEnded { end, .. } => end.failure.as_ref(),
            _ => None,
        });
        let real = failures.filter(|failure| failure.code != Failure::INTERRUPTED).count();
        assert_eq!(Some(real), self.failed_attempts, "{}", self.name);
        assert!(matches!(events.last().unwrap().what, What::Finished { .. }));
        outcome(handle, the_run()).await
    }

    /// Opens what a crash left, and goes on to the end. Returns how much there was of snapshots.
    async fn go_on(&self, world: &World, store: Arc<dyn Store>, expected: &Outcome, how: &str) -> usize {
        let mut ended = BTreeSet::new();
        let before = world.made().len();
        let snapshots = store.range(Range::prefix("snapshot/")).await.unwrap().len();
        let peek = World::default().runtime_nothing(Arc::clone(&store)).await.handle();
        if peek.status(the_run()).await.is_ok() {
            let layout = peek.layout(the_run()).await.unwrap();
            for event in log(&peek, the_run()).await {
                if let What::ActionEnded { element, .. } = event.what {
                    ended.insert(layout.address(element));
                }
            }
        }
        drop(peek);
        let reached = self.drive(world, store, &Notify::new()).await;
        assert_eq!(reached.as_ref(), Some(expected), "{}, {how}", self.name);
        for address in &world.made()[before..] {
            assert!(!ended.contains(address), "{}, {how}: {address} was done again", self.name);
        }
        snapshots
    }
}

/// Every way in which the process can die at the n-th write.
fn deaths(n: u64) -> [Fault; 4] {
    [
        Fault::CrashAfter(n),
        Fault::LostLastWrite(n),
        Fault::Flush { commit: n, survives: Survives::Yes },
        Fault::Flush { commit: n, survives: Survives::No },
    ]
}

async fn crash_everywhere(case: &Case) {
    let alive = FaultyStore::new(MemoryStore::new());
    let expected = case.drive(&case.world(), Arc::new(alive.clone()), &Notify::new()).await.unwrap();
    assert_eq!(expected.status, case.ends, "{}", case.name);
    let (mut died, mut snapshots) = (0, 0);
    for n in 1..=alive.commits() {
        for fault in deaths(n) {
            let world = case.world();
            let (store, dead) = Doomed::new(FaultyStore::new(MemoryStore::new()).with(fault));
            let memory = store.inner.inner().clone();
            if case.drive(&world, store, &dead).await.is_some() {
                // It took fewer writes this time.
                continue;
            }
            died += 1;
            let store = Arc::new(memory.reopened());
            snapshots += case.go_on(&world, store, &expected, &format!("{fault:?}")).await;
        }
    }
    assert!(died >= 3 * alive.commits() && died > 12, "{}: it died {died} times", case.name);
    assert!(snapshots > died as usize / 2, "{}: {snapshots} snapshots were found", case.name);
}

/// The directory of a dead process: its lock is free as soon as its last task is gone.
async fn reopen(directory: &Path) -> Arc<dyn Store> {
    let opening = async {
        loop {
            match FjallStore::open(directory, small()) {
                Ok(store) => return Arc::new(store) as Arc<dyn Store>,
                Err(StoreError::Locked { .. }) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, opening).await.unwrap()
}

fn small() -> windlass_store_fjall::Options {
    windlass_store_fjall::Options { memtable_bytes: 1 << 20, ..windlass_store_fjall::Options::default() }
}

async fn crash_everywhere_on_disk(case: &Case) {
    let expected = case.drive(&case.world(), Arc::new(MemoryStore::new()), &Notify::new()).await.unwrap();
    let mut n = 0;
    loop {
        n += 1;
        let mut died = false;
        // How a flush fails is the same for every store.
        for fault in [Fault::CrashAfter(n), Fault::LostLastWrite(n)] {
            let directory = tempfile::tempdir().unwrap();
            let world = case.world();
            let disk = FjallStore::open(directory.path(), small()).unwrap();
            let (store, dead) = Doomed::new(FaultyStore::new(disk).with(fault));
            if case.drive(&world, store, &dead).await.is_some() {
                continue;
            }
            died = true;
            let store = reopen(directory.path()).await;
            case.go_on(&world, store, &expected, &format!("{fault:?} on disk")).await;
        }
        if !died {
            return;
        }
    }
}

macro_rules! crashes {
    ($($memory:ident, $disk:ident: $index:literal;)+) => {
        $(
            #[tokio::test]
            async fn $memory() {
                crash_everywhere(&CASES[$index]).await;
            }

            #[tokio::test]
            async fn $disk() {
                crash_everywhere_on_disk(&CASES[$index]).await;
            }
        )+
    };
}

crashes! {
    w21_crash_at_every_write_of_a_run_that_succeeds, w21_the_same_on_disk: 0;
    w27_crash_at_every_write_of_a_run_that_fails, w27_the_same_on_disk_when_it_fails: 1;
    w27_crash_at_every_write_of_a_run_that_retries, w27_the_same_on_disk_when_it_retries: 2;
    w27_crash_at_every_write_of_a_run_over_its_limit, w27_the_same_on_disk_over_its_limit: 3;
    w27_crash_at_every_write_of_a_run_that_undoes, w27_the_same_on_disk_when_it_undoes: 4;
    w27_crash_at_every_write_of_a_run_that_is_stopped, w27_the_same_on_disk_when_it_is_stopped: 5;
    w27_crash_at_every_write_of_a_run_that_is_paused, w27_the_same_on_disk_when_it_is_paused: 6;
}

#[tokio::test]
async fn w21_w27_a_last_write_that_is_torn_is_as_good_as_lost() {
    for case in CASES {
        let directory = tempfile::tempdir().unwrap();
        let images = Arc::new(Mutex::new(Vec::new()));
        let disk = FjallStore::open(directory.path(), small()).unwrap();
        let store = Imaging::new(disk, directory.path(), Arc::clone(&images));
        let expected = case.drive(&case.world(), store, &Notify::new()).await.unwrap();
        let images = std::mem::take(&mut *images.lock().unwrap());
        for (number, pair) in images.windows(2).enumerate() {
            let (before, after) = (pair[0].journal().len(), pair[1].journal().len());
            for end in [before + (after - before) / 2, after - 1] {
                let copy = tempfile::tempdir().unwrap();
                pair[1].write(copy.path(), end);
                let how = format!("write {number} torn at {end} of {before}..{after}");
                case.go_on(&case.world(), reopen(copy.path()).await, &expected, &how).await;
            }
        }
        assert!(images.len() > 3, "{}", case.name);
    }
}

/// A store's directory as a crash would leave it.
#[derive(Debug)]
pub(crate) struct Image {
    files: Vec<(PathBuf, Vec<u8>)>,
    journal: usize,
}

// === impl Image ===

impl Image {
    pub(crate) fn of(directory: &Path) -> Self {
        let mut files = Vec::new();
        collect(directory, directory, &mut files);
        files.sort();
        let journal = files.iter().rposition(|(path, _)| is_journal(path)).unwrap();
        Self { files, journal }
    }

    fn journal(&self) -> &[u8] {
        &self.files[self.journal].1
    }

    /// Writes it with its journal cut off.
    fn write(&self, directory: &Path, end: usize) {
        for (number, (path, bytes)) in self.files.iter().enumerate() {
            let path = directory.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let bytes = if number == self.journal { &bytes[..end] } else { bytes.as_slice() };
            fs::write(path, bytes).unwrap();
        }
    }
}

fn collect(root: &Path, directory: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let mut bytes = fs::read(&path).unwrap();
            if is_journal(&path) {
                // It is made with much space ahead.
                let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
                bytes.truncate(end);
            }
            files.push((path.strip_prefix(root).unwrap().to_owned(), bytes));
        }
    }
}

fn is_journal(path: &Path) -> bool {
    path.extension().is_some_and(|suffix| suffix == "jnl")
}
