//! Recovery: a process takes over a run with a log of a million events.

use std::path::Path;
use std::time::Instant;

use std::sync::Arc;

use serde_json::json;
use windlass_model::plan::{Action, Block, Sequence};
use windlass_runtime::{Options, Request, Runtime};
use windlass_store_fjall::FjallStore;

use crate::setting::{open_with, wide};
use crate::table::row;

const TARGETS: u32 = 45_500;

/// Writes the log, with snapshots or without, and dies.
pub(crate) async fn prepare(directory: &Path, snapshot_every: Option<u64>) {
    let options = Options { recovery_limit: None, snapshot_every, ..Options::default() };
    let runtime = open_with(directory, options).await;
    let handle = runtime.handle();
    let Request { plan, targets, .. } = wide(TARGETS, 5, 4096);
    let mut plan = plan.as_ref().clone();
    let sleep = Action::new("a", "sleep", json!({"duration": "1h"}));
    let sequence = Sequence { name: "s".into(), actions: vec![sleep], ..Sequence::default() };
    plan.spec.blocks.push(Block { name: "then".into(), sequences: vec![sequence], ..Block::default() });
    let mut targets = targets.unwrap();
    targets.push(windlass_model::target::Frozen::default());
    let request = Request { targets: Some(targets), ..Request::new(plan) };
    let run = handle.submit(request.starting()).await.unwrap();
    let mut events = handle.events(run, 1_000_000).await.unwrap();
    while events.next().await.unwrap().unwrap().what.kind() != "attemptBegan" {}
    std::process::exit(0);
}

pub(crate) async fn measure(directory: &Path, figure: &str) {
    let began = Instant::now();
    let store = FjallStore::open(directory.join("store"), windlass_store_fjall::Options::default()).unwrap();
    let opened = began.elapsed().as_secs_f64();
    let options = Options { recovery_limit: None, ..Options::default() };
    let registry = windlass_plugins::standard().unwrap();
    let runtime = Runtime::open(Arc::new(store), registry, options).await.unwrap();
    let time = began.elapsed().as_secs_f64();
    let run = runtime.taken_over().runs[0];
    let seq = runtime.handle().fold(run).await.unwrap().seq();
    row(
        figure,
        format!("{time:.2} s"),
        "2 s".into(),
        time * 1e6 / seq as f64 <= 2.0,
        &format!("{seq} events; {opened:.2} s of it the store's own recovery"),
    );
    runtime.shutdown(std::time::Duration::ZERO).await.unwrap();
}
