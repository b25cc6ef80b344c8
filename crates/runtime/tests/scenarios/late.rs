//! `resolve: late` on real time and a real store: chosen from what is there then, frozen from then on.

use std::sync::{Arc, Mutex};

use serde_json::json;
use windlass_model::freeze::{Asked, Choice, Inventory, KnownVars, Nodes, What as Wanted};
use windlass_model::outcome::{ReasonKind, RunStatus, Skip};
use windlass_model::plan::Plan;
use windlass_model::target::Frozen;
use windlass_plugin::BoxFuture;
use windlass_runtime::{Inventories, Options, Request, Retry, Wanted as WantedFor};
use windlass_store::memory::MemoryStore;

use crate::stage::{Play, World, end, outcome, plan, request};

/// An inventory that people change: all of it is chosen, but what is named must be there.
#[derive(Clone, Debug, Default)]
struct Hosts(Arc<Mutex<Vec<String>>>);

impl Hosts {
    fn of(names: &[&str]) -> Self {
        let hosts = Self::default();
        hosts.are(names);
        hosts
    }

    fn are(&self, names: &[&str]) {
        *self.0.lock().unwrap() = names.iter().map(|name| (*name).to_owned()).collect();
    }
}

impl KnownVars for Hosts {
    fn has_var(&self, _: &str) -> bool {
        false
    }

    fn var_names(&self) -> Vec<&str> {
        Vec::new()
    }
}

impl Nodes for Hosts {
    fn choose(&self, asked: &Asked, _: &Inventory<'_>) -> Choice {
        let mut targets = Frozen::default();
        for name in self.0.lock().unwrap().iter() {
            let is_meant = |wish: &Wanted| !matches!(wish, Wanted::Node(node) if node != name);
            if asked.include.iter().any(|wish| is_meant(&wish.what)) {
                targets.push_name(name);
            }
        }
        Choice { targets, ..Choice::default() }
    }
}

impl Inventories for Hosts {
    fn now(&self, _: WantedFor) -> BoxFuture<'_, Result<Option<Arc<dyn Nodes>>, String>> {
        let hosts = self.clone();
        Box::pin(async move { Ok(Some(Arc::new(hosts) as Arc<dyn Nodes>)) })
    }
}

fn late() -> Plan {
    plan(
        "  blocks:
  - {name: first, targets: {nodes: [n1]}, sequence: [{name: a, use: act}]}
  - {name: then, resolve: late, targets: {groups: web}, failures: unlimited, sequence: [{name: x, use: act}]}
  - {name: last, targets: {nodes: [n1]}, sequence: [{name: z, use: act}]}",
    )
}

fn over(hosts: &Hosts) -> Request {
    Request {
        late: windlass_model::late::Late { inventory: vec!["hosts".into()], ..Default::default() },
        ..request(late()).nodes(Arc::new(hosts.clone()))
    }
}

#[tokio::test]
async fn targets_are_those_of_the_inventory_as_it_is_then_also_for_who_takes_the_run_over() {
    let world = World::default();
    world.plays("first/n1/a", [Play::Gate("go")]);
    let hosts = Hosts::of(&["n1", "n2"]);
    let store = Arc::new(MemoryStore::new());
    let options = || Options { inventories: Some(Arc::new(hosts.clone())), ..Options::default() };
    let runtime = world.runtime_with(store.clone(), options()).await;
    let run = runtime.handle().submit(over(&hosts).starting()).await.unwrap();
    world.begun("first/n1/a", 1).await;
    assert_eq!(runtime.handle().submission(run).await.unwrap().targets[1].len(), 0, "nothing is frozen yet");
    hosts.are(&["n1", "n2", "n3"]);
    world.plays("then/n1/x", [Play::Gate("on")]);
    world.open("go");
    world.begun("then/n1/x", 1).await;
    // From now on nothing changes the choice: neither the inventory, nor another process.
    hosts.are(&[]);
    drop(runtime);
    world.open("on");
    let runtime = world.runtime_with(store, options()).await;
    let handle = runtime.handle();
    assert_eq!(end(&handle, run).await.status, RunStatus::Succeeded);
    for node in ["n1", "n2", "n3"] {
        assert!(world.count(&format!("then/{node}/x")) >= 1, "{node}: {:?}", world.made());
    }
    let fold = handle.fold(run).await.unwrap();
    let names: Vec<&str> = fold.layout().block(1).unwrap().sequences.targets().unwrap().names().collect();
    assert_eq!((names.as_slice(), fold.blocks()[1].total), (&["n1", "n2", "n3"][..], 3));
}

#[tokio::test]
async fn a_retry_works_on_what_was_chosen_and_chooses_what_was_not() {
    let world = World::default();
    world.plays("then/n2/x", [Play::Fail]);
    let hosts = Hosts::of(&["n1", "n2"]);
    let options = Options { inventories: Some(Arc::new(hosts.clone())), ..Options::default() };
    let runtime = world.runtime_with(Arc::new(MemoryStore::new()), options).await;
    let handle = runtime.handle();
    let mut plan = late();
    plan.spec.blocks[1].failures = None;
    plan.spec.blocks[2].resolve = windlass_model::plan::Resolve::Late;
    let first = Request { plan: Arc::new(plan), ..over(&hosts) };
    let first = handle.submit(first.starting()).await.unwrap();
    assert_eq!(end(&handle, first).await.status, RunStatus::Failed);
    hosts.are(&["n1", "n7"]);
    world.plays("then/n2/x", [Play::Good]);
    let retry = handle.retry(first, Retry::FromFailure).await.unwrap();
    assert_eq!((retry.late.blocks.as_slice(), retry.done[1].as_slice()), (&[2][..], &[0][..]));
    let second = handle.submit(retry.starting()).await.unwrap();
    assert_eq!(end(&handle, second).await.status, RunStatus::Succeeded);
    assert_eq!((world.count("then/n2/x"), world.count("then/n7/x"), world.count("last/n1/z")), (2, 0, 1));
    let elements = outcome(&handle, second).await.elements;
    assert_eq!(elements["then/n1"].1, Some(Skip::DoneBefore));
    // From scratch everything is chosen anew, as nothing of it is done.
    let scratch = handle.retry(first, Retry::FromScratch).await.unwrap();
    assert_eq!(scratch.late.blocks, [1, 2]);
    let third = handle.submit(scratch.starting()).await.unwrap();
    assert_eq!(end(&handle, third).await.status, RunStatus::Succeeded);
    assert_eq!(world.count("then/n7/x"), 1);
}

#[tokio::test]
async fn an_empty_choice_fails_its_block_unless_that_is_allowed_and_a_lost_inventory_says_so() {
    let world = World::default();
    let hosts = Hosts::of(&["n1"]);
    let (_runtime, handle) = world.alone().await;
    let view = |request: Request| async {
        let run = handle.submit(request.starting()).await.unwrap();
        end(&handle, run).await
    };
    world.plays("first/n1/a", [Play::Gate("go")]);
    let run = handle.submit(over(&hosts).starting()).await.unwrap();
    world.begun("first/n1/a", 1).await;
    hosts.are(&[]);
    world.open("go");
    let ended = end(&handle, run).await;
    let reason = ended.reason.unwrap();
    assert_eq!(
        (ended.status, reason.kind, reason.address.as_str()),
        (RunStatus::Failed, ReasonKind::Selection, "then")
    );
    assert!(reason.message.contains("no nodes are left"), "{}", reason.message);
    let mut allowed = late();
    allowed.spec.blocks[1].targets.as_mut().unwrap().allow_empty = true;
    allowed.spec.blocks.remove(2);
    allowed.spec.blocks.remove(0);
    let ended = view(Request { plan: Arc::new(allowed), ..over(&hosts) }).await;
    assert_eq!(ended.status, RunStatus::Succeeded);
    // Another process was not given the inventory.
    hosts.are(&["n1"]);
    let mut alone = handle.retry(run, Retry::FromScratch).await.unwrap();
    alone.nodes = None;
    let reason = view(alone).await.reason.unwrap();
    assert!(reason.message.contains("where to read inventories"), "{}", reason.message);
}

#[tokio::test]
async fn targets_may_be_what_the_run_found_out() {
    let world = World::default();
    world.plays("look/find/ask", [Play::Answer(json!({"hosts": ["b1", "b2"]}))]);
    let (_runtime, handle) = world.alone().await;
    let spec = "  blocks:
  - {name: look, sequences: [{name: find, actions: [{name: ask, use: act, save: {hosts: hosts}}]}]}
  - {name: work, resolve: late, targets: {nodes: [\"{{ targets['find'].store.hosts }}\"]}, sequence: [{name: x, use: act}]}";
    let run = handle.submit(request(plan(spec)).starting()).await.unwrap();
    assert_eq!(end(&handle, run).await.status, RunStatus::Succeeded);
    assert_eq!(world.made(), ["look/find/ask", "work/b1/x", "work/b2/x"]);
}
