//! Noop over real plugins: who acts is asked and never called, also by another process and in a retry.

use std::sync::Arc;

use proptest::prelude::*;
use windlass_model::event::What;
use windlass_model::foresight::Would;
use windlass_model::outcome::{Outcome, RunStatus, Status};
use windlass_report::Fold;
use windlass_runtime::{Handle, Request, Retry};
use windlass_store::memory::MemoryStore;

use crate::stage::{PATIENCE, Play, World, end, log, plan, request};

fn looking(spec: &str) -> Request {
    request(plan(spec)).noop().starting()
}

fn would(fold: &Fold, address: &str) -> (Option<Would>, Option<String>) {
    let view = fold.element(fold.layout().find(address).unwrap());
    (view.would, view.foreseen.as_ref().and_then(|foreseen| foreseen.why.clone()))
}

async fn looked(handle: &Handle, spec: &str) -> Fold {
    let run = handle.submit(looking(spec)).await.unwrap();
    assert_eq!(end(handle, run).await.status, RunStatus::Succeeded);
    handle.fold(run).await.unwrap()
}

#[tokio::test]
async fn values_of_changes_that_were_not_made_are_unknown_and_no_failures() {
    let world = World::default();
    let (_runtime, handle) = world.alone().await;
    let spec = "  checks:
    post: [{name: same, use: look, with: {note: \"{{ targets['n1'].store.kernel }}\"}}]
  blocks:
    - name: b
      targets: {nodes: [n1]}
      sequence:
        - {name: get, use: act, save: {kernel: kernel}}
        - {name: reads, use: act, with: {note: '{{ store.kernel }}'}, save: {again: x}}
        - {name: asks, use: act, when: \"steps.get.response.code == 0\"}
        - {name: follows, use: act, when: steps.get.changed}
        - {name: idle, use: noop, with: {value: 1}}
        - {name: rests, use: act, when: steps.idle.changed}
        - {name: hears, use: act, when: steps.idle.response == 1}
        - {name: doubts, use: act, when: steps.reads.changed}
        - {name: there, use: act, on: '{{ store.again }}'}
        - {name: look, use: noop, verify: [{name: v, use: look, with: {note: '{{ store.kernel }}'}}]}
        - {name: plain, use: act, with: {note: '{{ node.name }}'}, save: {kernel: kernel}}
    - {name: c, targets: {nodes: [n2]}, sequence: [{name: x, use: act, with: {note: \"{{ targets['n1'].store.kernel }}\"}}]}";
    let fold = looked(&handle, spec).await;
    let why = |why: &str| Some(why.to_owned());
    assert_eq!(would(&fold, "b/n1/get"), (Some(Would::Change), None));
    assert_eq!(
        would(&fold, "b/n1/reads"),
        (
            Some(Would::Unknown),
            why("the request of `act` cannot be rendered: store.kernel is not known: `get` was not done")
        )
    );
    let (asks, said) = would(&fold, "b/n1/asks");
    assert_eq!(asks, Some(Would::Unknown));
    assert!(said.unwrap().contains("steps.get.response is not known: `get` was not done"));
    // What would change is known, and what follows from it too.
    assert_eq!(would(&fold, "b/n1/follows"), (Some(Would::Change), None));
    assert_eq!(would(&fold, "b/n1/idle").0, Some(Would::Nothing));
    let status = |address: &str| fold.element(fold.layout().find(address).unwrap()).status;
    assert_eq!(status("b/n1/rests"), Status::Skipped);
    // Who only has to look to answer has answered.
    assert_eq!(would(&fold, "b/n1/hears").0, Some(Would::Change));
    assert_eq!(would(&fold, "b/n1/doubts").0, Some(Would::Unknown));
    assert_eq!(would(&fold, "b/n1/there").0, Some(Would::Unknown));
    // A check that cannot be judged verifies nothing.
    assert_eq!(would(&fold, "b/n1/look!verify/v").0, Some(Would::Unknown));
    assert_eq!(would(&fold, "b/n1/look").0, Some(Would::Nothing));
    assert_eq!(would(&fold, "b/n1/plain").0, Some(Would::Change));
    assert_eq!(would(&fold, "c/n2/x").0, Some(Would::Unknown));
    assert_eq!(would(&fold, "checks.post/same").0, Some(Would::Unknown));
    assert!(world.made().is_empty(), "{:?}", world.made());
    assert_eq!(world.lock().asked, ["b/n1/get", "b/n1/follows", "b/n1/hears", "b/n1/plain"]);
}

#[tokio::test]
async fn a_secret_in_a_diff_is_hidden_and_what_is_sensitive_kept_back() {
    let world = World::default();
    let (_runtime, handle) = world.alone().await;
    let spec = "  params: {password: {type: secret, required: true}}
  blocks:
    - name: b
      targets: {nodes: [n1]}
      sequence:
        - {name: a, use: act, with: {note: '{{ params.password }}'}}
        - {name: s, use: act, sensitive: true, with: {note: 'hush-hush'}}";
    let canary = "c4n4ry-in-the-mine";
    let run = handle.submit(looking(spec).param("password", canary)).await.unwrap();
    assert_eq!(end(&handle, run).await.status, RunStatus::Succeeded);
    let events = log(&handle, run).await;
    assert!(!format!("{events:?}").contains(canary));
    assert!(!format!("{events:?}").contains("hush-hush"));
    let fold = handle.fold(run).await.unwrap();
    let diff = |address: &str| fold.element(fold.layout().find(address).unwrap()).foreseen.clone().unwrap();
    assert_eq!(diff("b/n1/a").diff.as_deref(), Some("note: null -> \"«secret:password»\"\n"));
    assert_eq!(diff("b/n1/s").diff, None);
    assert_eq!(diff("b/n1/s").would, Would::Change);
}

#[tokio::test]
async fn another_process_and_a_retry_look_on() {
    let world = World::default();
    let store = MemoryStore::new();
    world.plays("b/n1/x", [Play::Hang]).plays("b/n2/x", [Play::Permanent]);
    let spec = "  blocks: [{name: b, targets: {nodes: [n1, n2]}, sequence: [{name: x, use: act, onInterrupt: ask}]}]";
    let runtime = world.runtime(Arc::new(store.clone())).await;
    let run = runtime.handle().submit(looking(spec)).await.unwrap();
    world.until("it is asked", |state| state.asked.len() == 1).await;
    drop(runtime);
    world.plays("b/n1/x", [Play::Good]);
    let runtime = world.runtime(Arc::new(store.reopened())).await;
    let handle = runtime.handle();
    let view = end(&handle, run).await;
    assert!(view.noop);
    assert_eq!(view.status, RunStatus::Failed);
    let retry = handle.retry(run, Retry::FromFailure).await.unwrap();
    assert!(retry.noop && retry.done.is_empty(), "nothing was done that need not be looked at again");
    world.plays("b/n2/x", [Play::Good]);
    let again = handle.submit(retry.starting()).await.unwrap();
    assert_eq!(end(&handle, again).await.status, RunStatus::Succeeded);
    assert_eq!(world.lock().asked, ["b/n1/x", "b/n1/x", "b/n2/x", "b/n1/x", "b/n2/x"]);
    assert!(world.made().is_empty());
}

/// A noop of a node that another run works on neither waits nor keeps others waiting.
#[tokio::test]
async fn a_noop_waits_for_no_lock() {
    let world = World::default();
    let (_runtime, handle) = world.alone().await;
    world.plays("b/n1/x", [Play::Gate("door")]);
    let spec = "  blocks: [{name: b, targets: {nodes: [n1]}, sequence: [{name: x, use: act}]}]";
    let other = handle.submit(request(plan(spec)).starting()).await.unwrap();
    world.begun("b/n1/x", 1).await;
    let looking =
        handle.submit(request(plan(&spec.replace("x, use", "y, use"))).noop().starting()).await.unwrap();
    assert_eq!(end(&handle, looking).await.status, RunStatus::Succeeded);
    world.open("door");
    assert_eq!(end(&handle, other).await.status, RunStatus::Succeeded);
}

fn action() -> impl Strategy<Value = String> {
    let plugin = prop_oneof![Just("act"), Just("act.again"), Just("act.asked")];
    let of = (plugin, 0..3_u32, any::<[bool; 4]>(), 0..3_usize);
    of.prop_map(|(plugin, retries, [undo, verify, after, save], on)| {
        let undo = if undo { ", undo: {use: act}" } else { "" };
        let verify = match (verify, after) {
            (true, true) => ", verify: [{name: v, use: look}], verifyAfter: true",
            (true, false) => ", verify: [{name: v, use: look}]",
            _ => "",
        };
        let save = if save { ", save: {kept: kept}" } else { "" };
        let on = ["fail", "rerun", "ask"][on];
        format!("use: {plugin}, retries: {retries}, backoff: fast, onInterrupt: {on}{undo}{verify}{save}")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 50, ..ProptestConfig::default() })]

    /// Random plans, some of whose plugins fail, taken over by another process in the middle, and retried: nobody
    /// who acts is ever called.
    #[test]
    fn nobody_who_acts_is_ever_called(
        actions in proptest::collection::vec(action(), 1..4),
        targets in 1..4_u32,
        failing in 0..4_u32,
        undo in any::<bool>(),
        dies in 0..4_usize,
    ) {
        let sequence: Vec<String> =
            actions.iter().enumerate().map(|(n, action)| format!("        - {{name: a{n}, {action}}}")).collect();
        let on_failure = if undo { "undo" } else { "stop" };
        let spec = format!(
            "  blocks:\n    - name: b\n      targets: {{nodes: ['n[1-{targets}]']}}\n      concurrency: 2\n      \
             onFailure: {on_failure}\n      sequence:\n{}\n  deferred: [{{name: d, actions: [{{name: x, use: act}}]}}]",
            sequence.join("\n")
        );
        let host = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let world = World::default();
        world.plays(&format!("b/n{failing}/a0"), [Play::Fail, Play::Permanent]);
        let looks = |state: &crate::stage::State| {
            state.made.iter().all(|made| made.address.contains("!verify"))
        };
        host.block_on(async {
            let store = MemoryStore::new();
            let runtime = world.runtime(Arc::new(store.clone())).await;
            let run = runtime.handle().submit(looking(&spec)).await.unwrap();
            let far = tokio::time::timeout(PATIENCE, async {
                let mut events = runtime.handle().events(run, 1).await.unwrap();
                for _ in 0..dies * 5 {
                    if events.next().await.is_none() {
                        break;
                    }
                }
            });
            far.await.unwrap();
            drop(runtime);
            let runtime = world.runtime(Arc::new(store.reopened())).await;
            let handle = runtime.handle();
            end(&handle, run).await;
            let events = log(&handle, run).await;
            assert!(!events.iter().any(|event| matches!(
                &event.what,
                What::ActionEnded { outcome: Outcome::Succeeded { changed: true }, .. }
            )));
            let again = handle.retry(run, Retry::FromFailure).await.unwrap();
            let again = handle.submit(again.starting()).await.unwrap();
            end(&handle, again).await;
        });
        let state = world.lock();
        prop_assert!(looks(&state), "{:?}", state.made);
        prop_assert!(!state.asked.is_empty());
    }
}
