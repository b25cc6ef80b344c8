//! What is killed: a process that runs plans of actions that leave a line behind, until all have ended.
//!
//! It submits what is not there yet, goes on with what is, and says `done` when every run has
//! ended. Every action appends to the file of notes when it begins and when it has ended, so that
//! whoever looks later knows what was done, and how often.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use windlass_model::event::Author;
use windlass_model::id::RunId;
use windlass_plugin::{About, Call, CallError, Plugin, Reply};
use windlass_runtime::{Error, Options, Request, Runtime};
use windlass_store_fjall::FjallStore;

const RUNS: u32 = 3;

/// What it says at its end.
pub(crate) const DONE: &str = "all runs have ended";

const PLAN: &str = "
apiVersion: windlass.dev/v1
kind: Plan
metadata: {name: counter}
spec:
  blocks:
  - name: many
    targets: {nodes: ['n[1-6]']}
    concurrency: 2
    sequence: [{name: a, use: note}, {name: b, use: note}]
  - name: bad
    targets: {nodes: ['m[1-4]']}
    concurrency: 1
    failures: 1
    onFailure: undo
    sequence:
      lock: none
      actions:
      - {name: c, use: note, undo: {use: note}}
      - {name: d, use: note, when: 'node.name == \"m1\"'}
      - {name: e, use: note.fails, retries: 1, backoff: {initial: 1ms}, when: 'node.name != \"m1\"'}
  deferred: [{name: tell, when: failure, actions: [{name: mail, use: note}]}]
";

struct Note {
    notes: PathBuf,
    fails: Option<CallError>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl Note {
    fn write(&self, word: &str, call: &Call) {
        let line = format!("{word} {} {} {}\n", call.run, call.address, call.attempt);
        let mut file = OpenOptions::new().create(true).append(true).open(&self.notes).unwrap();
        // One write of one short line: whole or not at all, also when we are killed.
        file.write_all(line.as_bytes()).unwrap();
    }
}

impl Plugin for Note {
    type Request = Nothing;
    type Response = ();

    fn about(&self) -> About {
        let name = if self.fails.is_some() { "note.fails" } else { "note" };
        About::acting(name, "leaves a line behind").idempotent()
    }

    async fn call(&self, call: Call, _: Nothing) -> Result<Reply<()>, CallError> {
        self.write("begins", &call);
        tokio::task::yield_now().await;
        self.write("ends", &call);
        self.fails.clone().map_or(Ok(Reply::changed(())), Err)
    }
}

/// What the process does.
#[expect(clippy::print_stdout, reason = "it is how it says that it is done")]
#[tokio::main(worker_threads = 2)]
pub(crate) async fn count(store: &Path, notes: &Path) {
    let mut registry = windlass_plugins::standard().unwrap();
    registry.register(Note { notes: notes.to_owned(), fails: None }).unwrap();
    let fails = Some(CallError::retryable("no", "it fails on purpose"));
    registry.register(Note { notes: notes.to_owned(), fails }).unwrap();
    let plan = windlass_lang::load("counter", PLAN, &registry.catalog()).unwrap().remove(0).plan;
    let options =
        windlass_store_fjall::Options { memtable_bytes: 1 << 20, ..windlass_store_fjall::Options::default() };
    let store = FjallStore::open(store, options).unwrap();
    let options = Options { snapshot_every: Some(5), ..Options::default() };
    let runtime = Runtime::open(Arc::new(store), registry, options).await.unwrap();
    let handle = runtime.handle();
    for n in 0..RUNS {
        let run = RunId(format!("01900000-0000-7000-8000-{n:012}").parse().unwrap());
        match handle.status(run).await {
            Err(Error::UnknownRun(_)) => {
                let request = Request { run_id: Some(run), ..Request::new(Arc::clone(&plan)) };
                handle.submit(request).await.unwrap();
            }
            other => drop(other.unwrap()),
        }
        handle.start(run, Author::new("counter")).await.unwrap();
    }
    for view in handle.list(100, None).await.unwrap() {
        handle.wait(view.id).await.unwrap();
    }
    println!("{DONE}");
}
