//! Everything that a program does with runs, with what the prelude brings and nothing else of ours.

#![cfg(test)]

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;
use windlass::prelude::*;

/// Waits until it is let go, or told to end.
struct Gate(Arc<Semaphore>);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl Plugin for Gate {
    type Request = Nothing;
    type Response = String;

    fn about(&self) -> About {
        About::acting("gate", "waits at the gate").idempotent()
    }

    async fn call(&self, call: Call, _: Nothing) -> Result<Reply<String>, CallError> {
        tokio::select! {
            passed = self.0.acquire() => {
                passed.map_err(|_| CallError::permanent("closed", "the gate is closed"))?.forget();
                Ok(Reply::changed(call.address))
            }
            _ = call.cancel.requested() => Err(CallError::cancelled()),
        }
    }
}

fn registry(gate: &Arc<Semaphore>) -> Registry {
    let mut registry = Registry::new();
    registry.register(Gate(Arc::clone(gate))).unwrap();
    registry
}

/// Two nodes, one after the other, then one that stands alone.
fn plan() -> Plan {
    let wait = || [Action::new("wait", "gate", json!({})).undone_by("gate", json!({}))];
    Plan::named("doors")
        .param("why", ParamSpec { kind: ParamType::String, ..ParamSpec::default() })
        .block(Block { on_failure: OnFailure::Undo, ..Block::on("each", ["door[1-2]"], wait()) })
        .block(Block::of("last", [Sequence::new("main", [Action::new("wait", "gate", json!({}))])]))
}

fn alice() -> Author {
    Author { user: "alice".into(), why: "the test says so".into() }
}

#[tokio::test]
async fn a_run_is_submitted_started_followed_waited_for_found_and_reported() {
    let directory = tempfile::tempdir().unwrap();
    let gate = Arc::new(Semaphore::new(0));
    let windlass = Windlass::open(directory.path(), registry(&gate)).await.unwrap();

    let run = windlass.submit(Request::new(plan()).user("alice").param("why", "rust")).await.unwrap();
    assert_eq!(windlass.status(run).await.unwrap().status, RunStatus::Submitted);
    let mut events: EventStream = windlass.events(run, 1).await.unwrap();
    let first: Arc<Event> = events.next().await.unwrap().unwrap();
    assert!(matches!(first.what, What::Submitted { .. }), "{first:?}");

    windlass.start(run, alice()).await.unwrap();
    gate.add_permits(3);
    let ended: RunView = windlass.wait(run).await.unwrap();
    assert_eq!((ended.status, ended.user.as_str()), (RunStatus::Succeeded, "alice"));
    let mut kinds = Vec::new();
    while let Some(event) = events.next().await {
        kinds.push(event.unwrap().what.kind());
    }
    assert_eq!(kinds.last(), Some(&"finished"), "the stream ends with the run");

    let listed = windlass.list(10, None).await.unwrap();
    assert_eq!(listed.iter().map(|view| view.id).collect::<Vec<RunId>>(), [run]);
    let filter = Filter { statuses: vec![RunStatus::Succeeded], ..Filter::default() };
    assert_eq!(windlass.search(&filter, 10, None).await.unwrap().len(), 1);
    let filter = Filter { statuses: vec![RunStatus::Failed], ..Filter::default() };
    assert_eq!(windlass.search(&filter, 10, None).await.unwrap().len(), 0);
    assert!(matches!(windlass.search(&Filter::default(), 10, None).await, Err(Error::EmptyFilter)));

    let fold: Fold = windlass.fold(run).await.unwrap();
    assert_eq!(fold.status(), RunStatus::Succeeded);
    let report = windlass.report(run).await.unwrap();
    assert!(report.contains("doors succeeded") && report.contains("2 succeeded of 2"), "{report}");

    windlass.shutdown(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn a_run_is_paused_resumed_stopped_cloned_and_retried() {
    let gate = Arc::new(Semaphore::new(0));
    let windlass = Windlass::in_memory(registry(&gate)).await.unwrap();
    let run = windlass.submit(Request::new(plan()).user("alice").starting()).await.unwrap();
    windlass.pause(run, alice()).await.unwrap();
    assert_eq!(windlass.status(run).await.unwrap().status, RunStatus::Paused);
    windlass.resume(run, alice()).await.unwrap();
    windlass.stop(run, alice()).await.unwrap();
    windlass.cancel(run, alice()).await.unwrap();
    let stopped = windlass.wait(run).await.unwrap();
    assert_eq!(stopped.status, RunStatus::Stopped);
    assert_eq!(stopped.reason.unwrap().kind, ReasonKind::Stopped);

    gate.add_permits(100);
    let clone: Request = windlass.clone_run(run).await.unwrap();
    let clone = windlass.submit(clone.starting()).await.unwrap();
    let retry = windlass.retry(run, Retry::FromFailure).await.unwrap();
    let retry = windlass.submit(retry.starting()).await.unwrap();
    for (again, is_same_group) in [(clone, false), (retry, true)] {
        let ended = windlass.wait(again).await.unwrap();
        assert_eq!(ended.status, RunStatus::Succeeded);
        assert_eq!(ended.group == stopped.group, is_same_group);
    }
    windlass.shutdown(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn all_that_is_wrong_is_said_when_it_is_submitted_or_rehearsed() {
    let gate = Arc::new(Semaphore::new(0));
    let wrong = || Request::new(plan()).param("why", 5).param("wy", "x").step_set("other");
    let windlass = Windlass::in_memory(registry(&gate)).await.unwrap();
    let refused = windlass.submit(wrong()).await.unwrap_err();
    let Error::Invalid(problems) = &refused else { panic!("{refused}") };
    let codes: Vec<&str> = problems.0.iter().map(|problem| problem.code.as_str()).collect();
    assert_eq!(codes, ["WL-0216", "WL-0215", "WL-0213"]);
    assert!(windlass.list(1, None).await.unwrap().is_empty());
    let registry = registry(&gate);
    assert_eq!(windlass::rehearse(wrong(), &registry).err().unwrap().to_string(), refused.to_string());
    windlass.shutdown(Duration::from_secs(5)).await.unwrap();
}

/// What stands in the log of a run, for a word to be looked for.
async fn told(windlass: &Windlass, run: RunId) -> String {
    let mut events = windlass.events(run, 1).await.unwrap();
    let mut told = String::new();
    while let Some(event) = events.next().await {
        told.push_str(&format!("{:?}\n", event.unwrap().what));
    }
    told
}

/// An inventory with these nodes in the role `web`.
fn inventory(nodes: &[&str]) -> String {
    let nodes: Vec<String> =
        nodes.iter().map(|name| format!("{{name: {name}, labels: {{role: web}}}}")).collect();
    format!(
        "apiVersion: windlass.dev/v1\nkind: Inventory\nspec: {{cluster: {{name: c, transport: {{use: local}}}}, nodes: [{}]}}\n",
        nodes.join(", ")
    )
}

#[tokio::test]
async fn a_program_that_was_started_again_reads_the_inventory_again_for_blocks_that_choose_late() {
    let directory = tempfile::tempdir().unwrap();
    let (data, hosts) = (directory.path().join("data"), directory.path().join("hosts.yaml"));
    let text = "apiVersion: windlass.dev/v1\nkind: Plan\nmetadata: {name: late}\nspec:\n  blocks:\n    \
                - {name: first, sequences: [{name: s, actions: [{name: wait, use: gate, timeout: 1h, with: {}}]}]}\n    \
                - {name: each, resolve: late, targets: {roles: web}, sequence: [{name: pass, use: gate, with: {}}]}\n";
    let file = directory.path().join("late.yaml");
    std::fs::write(&file, text).unwrap();
    std::fs::write(&hosts, inventory(&["web1"])).unwrap();

    let closed = Arc::new(Semaphore::new(0));
    let windlass = Windlass::open(&data, registry(&closed)).await.unwrap();
    let nodes = windlass::read_inventory([&hosts]).unwrap();
    let plan = windlass::read_plan(&file, &registry(&closed), Some(&nodes)).unwrap();
    let request = Request::new(plan).nodes(Arc::new(nodes)).read_again([hosts.display().to_string()]);
    let run = windlass.submit(request.starting()).await.unwrap();
    windlass.shutdown(Duration::ZERO).await.unwrap();

    std::fs::write(&hosts, inventory(&["web1", "web2"])).unwrap();
    let open = Arc::new(Semaphore::new(100));
    let windlass = Windlass::open(&data, registry(&open)).await.unwrap();
    assert_eq!(windlass.wait(run).await.unwrap().status, RunStatus::Succeeded);
    let told = told(&windlass, run).await;
    assert!(told.contains("\"web1\"") && told.contains("\"web2\""), "{told}");
    windlass.shutdown(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn who_names_no_inventory_to_read_chooses_late_from_the_one_it_gave() {
    let gate = Arc::new(Semaphore::new(100));
    let windlass = Windlass::in_memory(registry(&gate)).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let hosts = directory.path().join("hosts.yaml");
    std::fs::write(&hosts, inventory(&["web1"])).unwrap();
    let nodes = Arc::new(windlass::read_inventory([&hosts]).unwrap());
    let block = Block::on("each", ["web*"], [Action::new("pass", "gate", json!({}))]);
    let block = Block { resolve: windlass::model::plan::Resolve::Late, ..block };
    let plan = Plan::named("late").block(block);
    let run = windlass.submit(Request::new(plan).nodes(nodes).starting()).await.unwrap();
    assert_eq!(windlass.wait(run).await.unwrap().status, RunStatus::Succeeded);
    let told = told(&windlass, run).await;
    assert!(told.contains("\"web1\""), "{told}");
    windlass.shutdown(Duration::from_secs(5)).await.unwrap();
}

/// A plugin that cannot work here.
struct Lame;

impl Plugin for Lame {
    type Request = Nothing;
    type Response = ();

    fn about(&self) -> About {
        About::check("lame", "cannot work")
    }

    async fn call(&self, _: Call, _: Nothing) -> Result<Reply<()>, CallError> {
        Ok(Reply::unchanged(()))
    }

    async fn ready(&self) -> Result<(), String> {
        Err("it lacks a leg".into())
    }
}

#[tokio::test]
async fn a_plugin_that_is_not_ready_is_found_at_once() {
    let mut registry = Registry::new();
    registry.register(Lame).unwrap();
    let refused = Windlass::in_memory(registry).await.unwrap_err();
    assert!(matches!(&refused, OpenError::NotReady { plugins } if plugins.len() == 1), "{refused}");
    assert!(refused.to_string().contains("it lacks a leg"), "{refused}");
}
