//! A run from a snapshot is the run from its whole log: behind every write of random runs, whatever
//! happened to what lies in the store, and for what the first version wrote.

use std::cell::Cell;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use tempfile::TempDir;
use windlass_model::event::Author;
use windlass_model::plan::Plan;
use windlass_store::memory::MemoryStore;
use windlass_store::{BoxFuture, Entry, LeaseToken, Op, Revision, StoreStats, Txn, Watch};

use super::*;
use crate::keyring::Keyring;
use crate::submit::Reader;
use crate::{KeyPlace, Options, Request, Runtime};

/// A store that remembers what it was behind each write.
#[derive(Debug)]
struct Remembering {
    inner: MemoryStore,
    images: Mutex<Vec<MemoryStore>>,
}

impl Remembering {
    fn new() -> Arc<Self> {
        Arc::new(Self { inner: MemoryStore::new(), images: Mutex::default() })
    }

    fn images(&self) -> Vec<MemoryStore> {
        self.images.lock().unwrap().clone()
    }
}

impl Store for Remembering {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
        self.inner.get(key)
    }
    fn range(&self, range: Range) -> BoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        self.inner.range(range)
    }
    fn commit(&self, txn: Txn) -> BoxFuture<'static, Result<Revision, StoreError>> {
        let mut images = self.images.lock().unwrap();
        let committed = self.inner.commit(txn);
        images.push(self.inner.reopened());
        committed
    }
    fn watch(&self, prefix: Bytes, from: Revision) -> BoxFuture<'_, Result<Watch, StoreError>> {
        self.inner.watch(prefix, from)
    }
    fn lease(
        &self,
        name: &str,
        holder: &str,
        ttl: Duration,
    ) -> BoxFuture<'_, Result<LeaseToken, StoreError>> {
        self.inner.lease(name, holder, ttl)
    }
    fn renew(&self, token: &LeaseToken, ttl: Duration) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.renew(token, ttl)
    }
    fn release(&self, token: &LeaseToken) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.release(token)
    }
    fn revision(&self) -> Revision {
        self.inner.revision()
    }
    fn stats(&self) -> StoreStats {
        self.inner.stats()
    }
    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.close()
    }
}

const SECRET: &str = "hunter2-in-clear";

static READER: LazyLock<Reader> =
    LazyLock::new(|| Reader::new(windlass_plugins::standard().unwrap().catalog(), None));

fn plan(spec: Value) -> Plan {
    let mut plan = Plan::named("snapshots");
    plan.spec = serde_json::from_value(spec).unwrap();
    plan
}

async fn open(store: Arc<dyn Store>, keys: &Path, every: Option<u64>) -> Runtime {
    let keys = KeyPlace::Directory(keys.to_owned());
    let options = Options { snapshot_every: every, keys, ..Options::default() };
    Runtime::open(store, windlass_plugins::standard().unwrap(), options).await.unwrap()
}

fn in_time<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(120), work).await.unwrap() })
}

/// A run, and a copy of its key, which outlives it.
struct Past {
    run: RunId,
    keys: TempDir,
}

// === impl Past ===

impl Past {
    /// Plays a run to its end on a store that remembers.
    async fn of(spec: Value, every: u64) -> (Self, Vec<MemoryStore>) {
        let (store, keys) = (Remembering::new(), tempfile::tempdir().unwrap());
        let passing = tempfile::tempdir().unwrap();
        let runtime = open(store.clone(), passing.path(), Some(every)).await;
        let handle = runtime.handle();
        let request = Request::new(plan(spec)).user("ann").param("password", SECRET);
        let run = handle.submit(request).await.unwrap();
        for key in std::fs::read_dir(passing.path()).unwrap() {
            let key = key.unwrap();
            std::fs::copy(key.path(), keys.path().join(key.file_name())).unwrap();
        }
        handle.start(run, Author::new("ann")).await.unwrap();
        handle.wait(run).await.unwrap();
        (Self { run, keys }, store.images())
    }

    fn archive(&self, store: &MemoryStore) -> Archive {
        let keyring = Keyring::new(&KeyPlace::Directory(self.keys.path().to_owned()));
        Archive::new(Arc::new(store.reopened()), keyring)
    }

    async fn setup(&self, archive: &Archive) -> Setup {
        let submission = archive.submission(self.run).await.unwrap();
        READER.setup(submission, archive.secrets(self.run).await.unwrap().secrets)
    }

    /// What a new process makes of a store, and the number of the event up to which it used a snapshot.
    async fn recovered(&self, store: &MemoryStore) -> (Run, Option<u64>) {
        let archive = self.archive(store);
        let setup = self.setup(&archive).await;
        let used = restore(&archive, &setup).await.unwrap().map(|run| run.seq());
        (crate::load::fold(&archive, setup).await.unwrap(), used)
    }

    /// The same from the whole log.
    async fn folded(&self, store: &MemoryStore) -> Run {
        let store = store.reopened();
        let Range { start, end, .. } = Range::prefix(keys::snapshots(self.run));
        store.commit(Txn::new().delete_range(start, end.unwrap())).await.unwrap();
        let (run, used) = self.recovered(&store).await;
        assert_eq!(used, None);
        run
    }

    /// A new process makes of a store what the whole log says. Returns which snapshot it used.
    async fn check(&self, store: &MemoryStore) -> Option<u64> {
        let (recovered, used) = self.recovered(store).await;
        let folded = self.folded(store).await;
        assert!(recovered.same_state(&folded) && recovered.wake_at() == folded.wake_at());
        used
    }

    /// Checks the store behind every write; returns how many snapshots there were.
    async fn check_all(&self, images: &[MemoryStore]) -> usize {
        let mut newest = 0;
        let mut count = 0;
        for image in images {
            let entries = self.entries(image).await;
            for Entry { value, .. } in &entries {
                let is_clear = value.windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
                assert!(!is_clear, "a secret stands in a snapshot");
            }
            if self.archive(image).known(self.run).await.unwrap().status.is_terminal() {
                assert!(entries.is_empty(), "snapshots are left behind the end");
                continue;
            }
            // From the first one on there always is one, and it never is an older one than before.
            let used = self.check(image).await.unwrap_or(0);
            assert!(used >= newest, "a snapshot of {newest} was followed by one of {used}");
            count += usize::from(used > newest);
            newest = used;
            let heads = entries.iter().filter(|entry| self.is_head(entry)).count();
            assert!(heads <= 2, "{heads} snapshots are kept");
        }
        count
    }

    async fn entries(&self, store: &MemoryStore) -> Vec<Entry> {
        store.range(Range::prefix(keys::snapshots(self.run))).await.unwrap()
    }

    fn is_head(&self, entry: &Entry) -> bool {
        entry.key.len() == keys::snapshot(self.run, 0).len()
    }
}

#[derive(Clone, Debug)]
struct Case {
    targets: u32,
    concurrency: u32,
    actions: Vec<Value>,
    undo: bool,
    most: u32,
    checks: bool,
    every: u64,
}

impl Case {
    fn spec(&self) -> Value {
        let actions: Vec<Value> = (0..)
            .zip(&self.actions)
            .map(|(n, action): (u32, &Value)| {
                let mut action = action.clone();
                action["name"] = format!("a{n}").into();
                if self.undo {
                    action["undo"] = json!({"use": "noop"});
                }
                action
            })
            .collect();
        let block = |name: &str| {
            json!({
                "name": name,
                "targets": {"nodes": [format!("n[1-{}]", self.targets)]},
                "concurrency": self.concurrency,
                "batches": [1, "50%"],
                "failures": self.most,
                "onFailure": if self.undo { "undo" } else { "stop" },
                "checks": if self.checks { json!({"pre": [{"name": "p", "use": "noop.check"}], "continuous": [{"name": "c", "use": "noop.check"}], "every": "1s"}) } else { json!({}) },
                "sequence": actions,
            })
        };
        json!({
            "params": {"password": {"type": "secret", "required": true}},
            "blocks": [block("one"), block("two")],
            "deferred": [{"name": "d", "when": "always", "actions": [{"name": "x", "use": "noop"}]}],
        })
    }
}

fn any_action() -> impl Strategy<Value = Value> {
    let saves = json!({"use": "noop", "with": {"value": {"token": "x{{ params.password }}x", "n": 7}, "changed": true}, "save": {"token": "token"}});
    let retries = json!({"use": "fail", "with": {"times": 1}, "retries": 2, "backoff": {"initial": "1ms"}});
    prop_oneof![
        4 => Just(json!({"use": "noop"})),
        4 => Just(saves),
        2 => Just(retries),
        1 => Just(json!({"use": "fail", "with": {"permanent": true}})),
        1 => Just(json!({"use": "noop", "verify": [{"name": "v", "use": "noop.check"}]})),
    ]
}

fn any_case() -> impl Strategy<Value = Case> {
    let actions = proptest::collection::vec(any_action(), 1..5);
    (1..12_u32, 1..6_u32, actions, any::<bool>(), 0..4_u32, any::<bool>(), 1..40_u64).prop_map(
        |(targets, concurrency, actions, undo, most, checks, every)| Case {
            targets,
            concurrency,
            actions,
            undo,
            most,
            checks,
            every,
        },
    )
}

#[test]
fn behind_every_write_of_a_random_run_a_snapshot_leads_to_what_the_whole_log_does() {
    let mut runner = TestRunner::new(ProptestConfig { cases: 32, ..ProptestConfig::default() });
    let snapshots = Cell::new(0);
    let result = runner.run(&any_case(), |case| {
        in_time(async {
            let (past, images) = Past::of(case.spec(), case.every).await;
            snapshots.set(snapshots.get() + past.check_all(&images).await);
        });
        Ok(())
    });
    result.unwrap();
    assert!(snapshots.get() > 32, "there were {} snapshots", snapshots.get());
}

/// A run with large answers, so that its snapshots have several parts, at a moment when there are two.
fn two_snapshots() -> (Past, MemoryStore) {
    in_time(async {
        let text = "x".repeat(20_000);
        let save =
            json!({"use": "noop", "with": {"value": {"text": text}}, "save": {"text": "text"}, "name": "a"});
        let wait = json!({"use": "noop", "name": "b"});
        let spec = json!({
            "params": {"password": {"type": "secret", "required": true}},
            "blocks": [{"name": "b", "targets": {"nodes": ["n[1-30]"]}, "sequence": [save, wait]}],
        });
        let (past, images) = Past::of(spec, 1).await;
        past.check_all(&images).await;
        for image in images.iter().rev() {
            let entries = past.entries(image).await;
            let heads = entries.iter().filter(|entry| past.is_head(entry)).count();
            if heads == 2 && entries.len() > 5 {
                return (past, image.clone());
            }
        }
        panic!("there never were two among {}", images.len());
    })
}

#[derive(Clone, Debug)]
enum Damage {
    Flip {
        at: usize,
        mask: u8,
    },
    Cut(usize),
    Longer(Vec<u8>),
    Gone,
    /// The value of another entry.
    Other(usize),
}

fn any_damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<usize>(), 1..=u8::MAX).prop_map(|(at, mask)| Damage::Flip { at, mask }),
        any::<usize>().prop_map(Damage::Cut),
        proptest::collection::vec(any::<u8>(), 1..50).prop_map(Damage::Longer),
        Just(Damage::Gone),
        any::<usize>().prop_map(Damage::Other),
    ]
}

impl Damage {
    fn op(&self, entries: &[Entry], place: usize) -> Op {
        let Entry { key, value, .. } = entries[place % entries.len()].clone();
        let mut bytes = value.to_vec();
        match self {
            Self::Flip { at, mask } => {
                let at = at % bytes.len();
                bytes[at] ^= mask;
            }
            Self::Cut(length) => bytes.truncate(length % bytes.len()),
            Self::Longer(more) => bytes.extend(more),
            Self::Gone => return Op::Delete { key },
            Self::Other(other) => bytes = entries[other % entries.len()].value.to_vec(),
        }
        Op::Put { key, value: bytes.into() }
    }
}

#[test]
fn whatever_happened_to_snapshots_the_log_says_what_is_true() {
    let (past, store) = two_snapshots();
    let entries = in_time(past.entries(&store));
    let mut runner = TestRunner::new(ProptestConfig { cases: 200, ..ProptestConfig::default() });
    let damages = proptest::collection::vec((any::<usize>(), any_damage()), 1..4);
    let result = runner.run(&damages, |damages| {
        in_time(async {
            let store = store.reopened();
            let ops = damages.iter().map(|(place, damage)| damage.op(&entries, *place)).collect();
            store.commit(Txn { ops, ..Txn::new() }).await.unwrap();
            past.check(&store).await;
        });
        Ok(())
    });
    result.unwrap();
}

/// Changes what describes the newest snapshot.
fn with_head(past: &Past, store: &MemoryStore, change: impl FnOnce(&mut Value)) -> MemoryStore {
    in_time(async {
        let store = store.reopened();
        let entries = past.entries(&store).await;
        let newest = entries.iter().rfind(|entry| past.is_head(entry)).unwrap();
        let mut head = serde_json::from_slice(&newest.value).unwrap();
        change(&mut head);
        let head = serde_json::to_vec(&head).unwrap();
        store.commit(Txn::new().put(newest.key.clone(), head)).await.unwrap();
        store
    })
}

#[test]
fn what_cannot_be_used_is_left_out_and_the_one_before_it_taken() {
    let (past, store) = two_snapshots();
    let run = past.run;
    let heads = in_time(past.entries(&store)).into_iter().filter(|entry| past.is_head(entry));
    let seqs: Vec<u64> = heads.map(|entry| keys::last_of_snapshot(run, &entry.key).unwrap()).collect();
    assert_eq!(in_time(past.check(&store)), Some(seqs[1]));
    type Change = (&'static str, fn(&mut Value));
    let changes: [Change; 7] = [
        ("a newer version", |head| *head = json!({"v": 2, "what": "nobody knows"})),
        ("another run", |head| head["run"] = "01900000-0000-7000-8000-000000000001".into()),
        ("another place", |head| head["seq"] = 1.into()),
        ("too large", |head| head["size"] = (1_u64 << 60).into()),
        ("another length", |head| head["size"] = 10.into()),
        ("another log", |head| head["chunkDigest"] = "00".into()),
        ("no log", |head| head["chunk"] = 1_000_000.into()),
    ];
    for (name, change) in changes {
        let changed = with_head(&past, &store, change);
        assert_eq!(in_time(past.check(&changed)), Some(seqs[0]), "{name}");
    }
    // Nothing is left of the newest but its parts, as a crash in the middle of it leaves.
    in_time(store.commit(Txn::new().delete(keys::snapshot(run, seqs[1])))).unwrap();
    assert_eq!(in_time(past.check(&store)), Some(seqs[0]));
    in_time(store.commit(Txn::new().delete(keys::snapshot(run, seqs[0])))).unwrap();
    assert_eq!(in_time(past.check(&store)), None);
}

#[test]
fn a_newer_state_is_left_out() {
    let (past, store) = two_snapshots();
    let run = past.run;
    in_time(async {
        let (recovered, used) = past.recovered(&store).await;
        let seq = used.unwrap();
        let archive = past.archive(&store);
        let at = restore(&archive, &past.setup(&archive).await).await.unwrap().unwrap();
        let mut bytes = at.snapshot().encode();
        bytes[0] += 1;
        let log = store.range(Range::prefix(keys::log(run))).await.unwrap();
        let behind =
            Behind { first: keys::first_of_chunk(&log[0].key).unwrap(), chunk: log[0].value.clone() };
        let Packed { head, parts, .. } = pack(run, seq, bytes, &behind).unwrap();
        let mut txn = Txn::new().put(keys::snapshot(run, seq), head);
        for (number, part) in (0..).zip(parts) {
            txn = txn.put(keys::snapshot_part(run, seq, number), part);
        }
        store.commit(txn).await.unwrap();
        let used = past.check(&store).await;
        assert!(used.unwrap() < seq && recovered.seq() > seq);
    });
}

/// A large one is encoded elsewhere, while the run goes on.
#[test]
fn a_large_snapshot_is_kept_too() {
    in_time(async {
        let (store, keys) = (Remembering::new(), tempfile::tempdir().unwrap());
        let runtime = open(store.clone(), keys.path(), Some(100)).await;
        let handle = runtime.handle();
        let spec = json!({"blocks": [{
            "name": "b",
            "targets": {"nodes": ["n[1-200]"]},
            "concurrency": 200,
            "sequence": [{"name": "a", "use": "sleep", "with": {"duration": "1h"}, "timeout": "2h"}],
        }]});
        let run = handle.submit(Request::new(plan(spec)).starting()).await.unwrap();
        let past = Past { run, keys };
        // Parts ride with what is written anyway, so something is.
        while !past.entries(&store.inner).await.iter().any(|entry| past.is_head(entry)) {
            handle.pause(run, Author::new("ann")).await.unwrap();
            handle.resume(run, Author::new("ann")).await.unwrap();
        }
        assert!(past.check_all(&store.images()).await > 0);
        handle.kill(run, Author::new("ann")).await.unwrap();
        handle.wait(run).await.unwrap();
        assert!(past.entries(&store.inner).await.is_empty());
    });
}

#[test]
fn without_snapshots_there_are_none() {
    in_time(async {
        let (store, keys) = (Remembering::new(), tempfile::tempdir().unwrap());
        let runtime = open(store.clone(), keys.path(), None).await;
        let spec = json!({"blocks": [{
            "name": "b",
            "targets": {"nodes": ["n[1-20]"]},
            "sequence": [{"name": "a", "use": "noop"}],
        }]});
        let run = runtime.handle().submit(Request::new(plan(spec)).starting()).await.unwrap();
        runtime.handle().wait(run).await.unwrap();
        let past = Past { run, keys };
        for image in store.images() {
            assert!(past.entries(&image).await.is_empty());
        }
    });
}

/// What a version wrote: a run in the middle of its work, with snapshots and a log that goes on.
fn sample(text: &str) -> (Past, MemoryStore) {
    let sample: Value = serde_json::from_str(text).unwrap();
    let bytes = |hex: &str| -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
    };
    let mut txn = Txn::new();
    for (key, value) in sample["entries"].as_object().unwrap() {
        txn = txn.put(bytes(key), bytes(value.as_str().unwrap()));
    }
    let store = MemoryStore::new();
    in_time(store.commit(txn)).unwrap();
    let run = RunId(sample["run"].as_str().unwrap().parse().unwrap());
    (Past { run, keys: tempfile::tempdir().unwrap() }, store)
}

/// Snapshots that were kept once can be used for ever, or their version is another: then the log is folded.
#[test]
fn the_committed_samples_of_earlier_versions_are_left_out_and_their_logs_folded() {
    for text in [include_str!("sample-v1.json"), include_str!("sample-v2.json")] {
        let (past, store) = sample(text);
        assert_eq!(in_time(past.check(&store)), None);
        assert_eq!(in_time(past.recovered(&store)).0.seq(), 150);
    }
}
