//! What the figures share: plans, stores, a runtime on them.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use windlass_model::Value;
use windlass_model::amount::Amount;
use windlass_model::plan::{Action, Block, Plan, SequenceTemplate};
use windlass_model::target::{Frozen, Targets};
use windlass_runtime::{Handle, Options, Request, Runtime};
use windlass_store::StoreStats;
use windlass_store_fjall::FjallStore;

/// What work cost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    pub(crate) wall: f64,
    pub(crate) cpu: f64,
    pub(crate) flushes: f64,
    pub(crate) bytes: f64,
}

/// Where a cost begins.
pub(crate) struct Meter {
    began: Instant,
    cpu: f64,
    stats: StoreStats,
}

pub(crate) fn blocking(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(work);
}

/// Measures in a process of its own.
pub(crate) fn child(program: &Path, figure: &str, directory: &Path) {
    let status = Command::new(program).args(["--alone", figure]).arg(directory).status().unwrap();
    assert!(status.success());
}

pub(crate) async fn open(directory: &Path) -> Runtime {
    open_with(directory, Options { recovery_limit: None, ..Options::default() }).await
}

pub(crate) async fn open_with(directory: &Path, options: Options) -> Runtime {
    let store = FjallStore::open(directory.join("store"), windlass_store_fjall::Options::default()).unwrap();
    Runtime::open(Arc::new(store), windlass_plugins::standard().unwrap(), options).await.unwrap()
}

/// Runs a plan to its end.
pub(crate) async fn play(handle: &Handle, request: Request) -> Cost {
    let meter = Meter::new(handle);
    let run = handle.submit(request.starting()).await.unwrap();
    let view = handle.wait(run).await.unwrap();
    assert_eq!(view.status.word(), "succeeded", "{view:?}");
    meter.read(handle)
}

// === impl Meter ===

impl Meter {
    pub(crate) fn new(handle: &Handle) -> Self {
        let (cpu, stats) = (cpu(), handle.store_stats());
        Self { began: Instant::now(), cpu, stats }
    }

    #[expect(clippy::cast_precision_loss, reason = "counters of a measurement are small")]
    pub(crate) fn read(&self, handle: &Handle) -> Cost {
        let stats = handle.store_stats();
        Cost {
            wall: self.began.elapsed().as_secs_f64(),
            cpu: cpu() - self.cpu,
            flushes: (stats.flushes - self.stats.flushes) as f64,
            bytes: (stats.bytes_written - self.stats.bytes_written) as f64,
        }
    }
}

/// A sequence of `actions` no-op actions on each target, `concurrency` of them at once.
pub(crate) fn wide(targets: u32, actions: usize, concurrency: u32) -> Request {
    let names = (0..targets).map(|n| format!("n{n:07}"));
    let frozen: Frozen = names.collect();
    let request = Request::new(plan("work", actions, "noop", &json!({}), concurrency)).user("bench");
    Request { targets: Some(vec![frozen]), ..request }
}

pub(crate) fn plan(block: &str, actions: usize, plugin: &str, with: &Value, concurrency: u32) -> Plan {
    let mut plan = Plan::named("bench");
    let action = |n: usize| Action::new(format!("a{n}"), plugin, with.clone());
    plan.spec.blocks = vec![Block {
        name: block.into(),
        targets: Some(Targets { allow_empty: true, ..Targets::default() }),
        sequence: Some(SequenceTemplate::from((0..actions).map(action).collect::<Vec<_>>())),
        concurrency: Some(Amount::Count(concurrency)),
        ..Block::default()
    }];
    plan
}

/// The memory of this process, now and at the most, in megabytes.
pub(crate) fn memory() -> (f64, f64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let read = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    };
    (read("VmRSS:"), read("VmHWM:"))
}

/// The processor time of this process in seconds, in steps of ten milliseconds.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / 100.0
}

pub(crate) fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}
