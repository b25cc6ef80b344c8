//! `on`: an action goes to another node than its target, also after a restart.

use std::sync::Arc;

use serde_json::json;
use windlass_model::Map;
use windlass_model::outcome::RunStatus;
use windlass_model::target::{Frozen, Node};
use windlass_store::memory::MemoryStore;

use crate::stage::{Made, Play, World, end, plan, request};

fn made(world: &World, address: &str) -> Made {
    world.lock().made.iter().rev().find(|made| made.address == address).unwrap().clone()
}

fn labelled(name: &str, rack: &str) -> Node {
    let vars: Map = [("port".to_owned(), json!(8080))].into_iter().collect();
    Node { labels: [("rack".to_owned(), rack.to_owned())].into_iter().collect(), vars, ..Node::named(name) }
}

const SPEC: &str = "  vars: {lb: lb01}
  blocks:
    - name: b
      targets:
        nodes: [{name: web01, labels: {rack: r1}, vars: {peer: web02}}, {name: web02, labels: {rack: r2}, vars: {peer: web01}}]
      sequence:
        - {name: own, use: act}
        - {name: drain, use: act, on: '{{ vars.lb }}', with: {note: \"{{ node.name }} on {{ targets[vars.lb].labels.rack }}:{{ targets[vars.lb].vars.port }}\"}}
        - {name: tell, use: act, on: '{{ vars.peer }}'}
        - {name: self, use: act, on: '{{ node.name }}'}
        - {name: far, use: act, on: nowhere}";

/// A request whose targets were frozen elsewhere, with the node beside them that actions go to.
fn frozen() -> windlass_runtime::Request {
    let mut others = Frozen::default();
    others.push(labelled("lb01", "r9"));
    windlass_runtime::Request { others: Some(others), ..request(plan(SPEC)).starting() }
}

#[tokio::test]
async fn p41_an_action_goes_to_the_other_node_and_knows_whom_it_is_for() {
    let world = World::default();
    let (_runtime, handle) = world.alone().await;
    let run = handle.submit(frozen()).await.unwrap();
    assert_eq!(end(&handle, run).await.status, RunStatus::Succeeded);
    let went = |address: &str| {
        let made = made(&world, address);
        let node = made.node.unwrap();
        (node.name.clone(), node.labels.get("rack").cloned(), made.for_node)
    };
    let (some, web) = (|text: &str| Some(text.to_owned()), "web01");
    assert_eq!(went("b/web01/own"), (web.into(), some("r1"), None));
    // What is known of the other node, its transport among it, comes along.
    assert_eq!(went("b/web01/drain"), ("lb01".into(), some("r9"), some(web)));
    assert_eq!(went("b/web01/tell"), ("web02".into(), some("r2"), some(web)));
    assert_eq!(went("b/web01/self"), (web.into(), some("r1"), None));
    assert_eq!(went("b/web01/far"), ("nowhere".into(), None, some(web)));
    let fold = handle.fold(run).await.unwrap();
    let view = fold.element(fold.layout().find("b/web02/drain").unwrap());
    assert_eq!(view.request.as_ref().unwrap().value(), json!({"note": "web02 on r9:8080"}));
}

#[tokio::test]
async fn after_a_restart_it_goes_to_the_same_node() {
    let world = World::default();
    let store = MemoryStore::new();
    world.plays("b/web01/drain", [Play::Hang]);
    let spec = SPEC.replace("{name: drain, use: act,", "{name: drain, use: act.again,");
    let mut others = Frozen::default();
    others.push(labelled("lb01", "r9"));
    let asked = windlass_runtime::Request { others: Some(others), ..request(plan(&spec)).starting() };
    let runtime = world.runtime(Arc::new(store.clone())).await;
    let run = runtime.handle().submit(asked).await.unwrap();
    world.begun("b/web01/drain", 1).await;
    drop(runtime);
    world.plays("b/web01/drain", [Play::Good]);
    let runtime = world.runtime(Arc::new(store.reopened())).await;
    let handle = runtime.handle();
    assert_eq!(end(&handle, run).await.status, RunStatus::Succeeded);
    let made = made(&world, "b/web01/drain");
    let node = made.node.unwrap();
    assert_eq!((node.name.as_str(), node.labels["rack"].as_str()), ("lb01", "r9"));
    assert_eq!(made.for_node.as_deref(), Some("web01"));
}

/// Where nodes are reached over a network, one that nobody knows is not taken for this machine.
#[tokio::test]
async fn what_nobody_knows_how_to_reach_is_not_done_here() {
    let world = World::default();
    let (_runtime, handle) = world.alone().await;
    let spec = "  blocks:
    - name: b
      targets: {nodes: [{name: web01, transport: {use: ssh}}]}
      sequence: [{name: drain, use: act, on: lb01}]";
    let run = handle.submit(request(plan(spec)).starting()).await.unwrap();
    let view = end(&handle, run).await;
    assert_eq!(view.status, RunStatus::Failed);
    let message = view.reason.unwrap().message;
    assert!(
        message.contains("`on` says `lb01`") && message.contains("how to reach it is not known"),
        "{message}"
    );
    assert!(world.made().is_empty());
}
