//! W19, W36: runs made from runs.

use std::collections::BTreeMap;

use serde_json::json;
use windlass_model::event::What;
use windlass_model::outcome::{RunStatus, Skip, Status};
use windlass_runtime::{Error, Given, Retry};

use crate::stage::{Play, World, ann, chain, count_of, end, log, outcome, plan, play, request};

const SECRET: &str = "c4n4ry-in-the-mine";

#[tokio::test]
async fn w19_a_clone_is_submitted_like_new_and_brings_no_secrets() {
    let world = World::default();
    let (_runtime, handle) = world.alone().await;
    let spec = "  params: {password: {type: secret, required: true}, size: {type: int, default: 3}}
  blocks: [{name: b, targets: {nodes: ['n[1-3]']}, sequence: [{name: a, use: act, with: {note: '{{ params.password }}'}}]}]";
    let request = request(plan(spec)).param("password", SECRET).param("size", 5).starting();
    let first = handle.submit(request).await.unwrap();
    end(&handle, first).await;

    let clone = handle.clone_run(first).await.unwrap();
    assert_eq!(clone.params, BTreeMap::from([("size".to_owned(), Given::Value(json!(5)))]));
    assert!((clone.run_id, clone.group, clone.retry_of) == (None, None, None));
    assert!(!format!("{clone:?}").contains(SECRET));
    let Err(Error::Invalid(problems)) = handle.submit(clone.clone()).await else { panic!("it was taken") };
    assert_eq!(problems.0[0].address, "params.password");

    let second = handle.submit(clone.param("password", "another").starting()).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(end(&handle, second).await.status, RunStatus::Succeeded);
    assert_eq!(outcome(&handle, second).await, outcome(&handle, first).await);
    let (one, two) = (handle.status(first).await.unwrap(), handle.status(second).await.unwrap());
    assert_ne!(one.group, two.group);
    // What keeps the state of a run is a fold of its log: it equals the run, and cannot be submitted.
    let (kept, again) = (handle.fold(first).await.unwrap(), handle.fold(first).await.unwrap());
    assert_eq!((kept.seq(), kept.status()), (again.seq(), again.status()));
}

#[tokio::test]
async fn w36_a_retry_does_what_did_not_succeed_and_nothing_else() {
    let world = World::default();
    world.plays("two/n2/x", [Play::Fail]).plays("two/n4/x", [Play::Fail]);
    world.plays("one/n1/a", [Play::Answer(json!({"kernel": "6.1"}))]);
    let (_runtime, handle) = world.alone().await;
    let spec = "  blocks:
  - {name: one, targets: {nodes: [n1]}, sequence: [{name: a, use: act, save: {kernel: kernel}}]}
  - {name: two, targets: {nodes: ['n[1-5]']}, concurrency: 1, failures: 1,
     sequence: [{name: x, use: act, with: {note: \"{{ targets['n1'].store.kernel }}\"}}]}
  - {name: three, targets: {nodes: [n9]}, sequence: [{name: y, use: act}]}";
    let first = play(&handle, plan(spec)).await;
    assert_eq!(first.status, RunStatus::Failed);
    assert_eq!(world.made(), ["one/n1/a", "two/n1/x", "two/n2/x", "two/n3/x", "two/n4/x"]);

    world.plays("two/n2/x", [Play::Good]).plays("two/n4/x", [Play::Good]);
    world.lock().made.clear();
    let retry = handle.retry(first.id, Retry::FromFailure).await.unwrap();
    assert_eq!(retry.done, [vec![0], vec![0, 2], vec![]]);
    let second = handle.submit(retry.starting()).await.unwrap();
    let view = end(&handle, second).await;
    assert_eq!(view.status, RunStatus::Succeeded);
    assert_eq!((view.group, view.retry_of), (first.group, Some(first.id)));
    // No block that has nothing left to do is gone through, and what was saved is there.
    assert_eq!(world.made(), ["two/n2/x", "two/n4/x", "two/n5/x", "three/n9/y"]);
    let elements = outcome(&handle, second).await.elements;
    let done = (Status::Skipped, Some(Skip::DoneBefore));
    for address in ["one", "one/n1", "one/n1/a", "two/n1", "two/n3/x"] {
        assert_eq!(elements[address], done, "{address}");
    }
    let fold = handle.fold(second).await.unwrap();
    let rendered = fold.element(fold.layout().find("two/n5/x").unwrap()).request.clone().unwrap();
    assert_eq!(rendered.value(), json!({"note": "6.1"}));

    // A good run has nothing left; from scratch all of it is done again.
    let refused = handle.retry(second, Retry::FromFailure).await.unwrap_err();
    assert_eq!(refused.code().as_str(), "WL-0311");
    world.lock().made.clear();
    let scratch = handle.retry(second, Retry::FromScratch).await.unwrap();
    let third = handle.submit(scratch.starting()).await.unwrap();
    assert_eq!(end(&handle, third).await.group, first.group);
    assert_eq!(world.made().len(), 7);
}

#[tokio::test]
async fn w36_what_was_taken_back_is_done_again() {
    let world = World::default();
    world.plays("b/n2/x", [Play::Fail]);
    let (_runtime, handle) = world.alone().await;
    let spec = "  blocks:
  - {name: b, targets: {nodes: [n1, n2]}, onFailure: undo, sequence: [{name: x, use: act, undo: {use: act}}]}";
    let first = play(&handle, plan(spec)).await;
    assert_eq!(first.status, RunStatus::Failed);
    assert_eq!(world.made(), ["b/n1/x", "b/n2/x", "b/n1/x!undo"]);
    let retry = handle.retry(first.id, Retry::FromFailure).await.unwrap();
    assert_eq!(retry.done, [Vec::<u32>::new()]);
}

#[tokio::test]
async fn w36_only_what_has_ended_is_retried() {
    let world = World::default();
    world.plays("b/s/a", [Play::Gate("go")]);
    let (_runtime, handle) = world.alone().await;
    let run = handle.submit(request(chain("act", &["a"])).starting()).await.unwrap();
    world.begun("b/s/a", 1).await;
    assert!(matches!(handle.retry(run, Retry::FromFailure).await, Err(Error::NotEnded { .. })));
    handle.cancel(run, ann()).await.unwrap();
    let view = end(&handle, run).await;
    assert_eq!(view.status, RunStatus::Stopped);
    let retry = handle.retry(run, Retry::FromFailure).await.unwrap();
    world.open("go");
    let again = handle.submit(retry.starting()).await.unwrap();
    assert_eq!(end(&handle, again).await.status, RunStatus::Succeeded);
    let events = log(&handle, again).await;
    assert_eq!(count_of(&events, |what| matches!(what, What::AttemptBegan { .. })), 1);
}

/// Fails once by a guard, though all work was done; returns what a retry then does, and its end.
async fn judged_again(spec: &str, guard: &str) -> (Vec<String>, RunStatus, RunStatus) {
    let world = World::default();
    world.plays(guard, [Play::Permanent]);
    let (_runtime, handle) = world.alone().await;
    let first = play(&handle, plan(spec)).await;
    assert_eq!(first.status, RunStatus::Failed, "{guard}");
    assert_eq!(first.reason.unwrap().address, guard);
    // The guard still stands in the way: then the retry fails as well.
    world.lock().made.clear();
    let retry = handle.retry(first.id, Retry::FromFailure).await.unwrap();
    let again = handle.submit(retry.starting()).await.unwrap();
    let again = end(&handle, again).await;
    assert_eq!(again.reason.unwrap().address, guard);
    let elements = outcome(&handle, again.id).await.elements;
    assert_eq!(elements["b/n1/x"], (Status::Skipped, Some(Skip::DoneBefore)), "{guard}");
    world.plays(guard, [Play::Good]);
    world.lock().made.clear();
    let retry = handle.retry(again.id, Retry::FromFailure).await.unwrap();
    let third = handle.submit(retry.starting()).await.unwrap();
    let third = end(&handle, third).await;
    (world.made(), again.status, third.status)
}

#[tokio::test]
async fn w36_what_failed_by_a_guard_is_judged_again_and_not_done_again() {
    let block = "{name: b, targets: {nodes: [n1, n2]}, sequence: [{name: x, use: act}]";
    let check = "[{name: fine, use: look}]";
    for (spec, guard, made) in [
        (
            format!("  blocks: [{block}, checks: {{post: {check}}}}}]"),
            "b/checks.post/fine",
            vec!["b/checks.post/fine"],
        ),
        (
            format!("  blocks: [{block}, checks: {{pre: {check}, deferred: [{{name: last, use: look}}]}}}}]"),
            "b/checks.deferred/last",
            vec!["b/checks.pre/fine", "b/checks.deferred/last"],
        ),
        (
            format!("  checks: {{post: {check}}}\n  blocks: [{block}}}]"),
            "checks.post/fine",
            vec!["checks.post/fine"],
        ),
        (
            format!("  checks: {{deferred: {check}}}\n  blocks: [{block}}}]"),
            "checks.deferred/fine",
            vec!["checks.deferred/fine"],
        ),
        (
            format!(
                "  blocks: [{block}}}]\n  deferred: [{{name: tell, when: success, failPlan: true, actions: [{{name: mail, use: act}}]}}]"
            ),
            "deferred/tell/mail",
            vec!["deferred/tell/mail"],
        ),
    ] {
        let (done, again, third) = judged_again(&spec, guard).await;
        assert_eq!((again, third), (RunStatus::Failed, RunStatus::Succeeded), "{guard}");
        assert_eq!(done, made);
    }
}

#[tokio::test]
async fn w36_a_retry_asks_for_every_secret_again_and_never_hands_on_a_token() {
    let world = World::default();
    world.plays("b/n2/x", [Play::Fail]);
    world.plays("a/n1/x", [Play::Answer(json!({"url": format!("https://u:{SECRET}@h/")}))]);
    let (_runtime, handle) = world.alone().await;
    let spec = "  params: {token: {type: secret}, note: {type: string, default: nothing}, other: {type: secret}}
  blocks:
  - {name: a, targets: {nodes: [n1]}, sequence: [{name: x, use: act, with: {note: '{{ params.token }}'}, save: {url: url}}]}
  - {name: b, targets: {nodes: [n2]}, sequence: [{name: x, use: act}, {name: y, use: command, with: {
      argv: [test, \"{{ targets['n1'].store.url }}\", '=', 'https://u:c4n4ry-two@h/']}}]}";
    let first = request(plan(spec)).param("token", SECRET).param("note", format!("with {SECRET} in it"));
    let first = end(&handle, handle.submit(first.starting()).await.unwrap()).await;
    assert_eq!(first.status, RunStatus::Failed);
    world.plays("b/n2/x", [Play::Good]);

    let retry = handle.retry(first.id, Retry::FromFailure).await.unwrap();
    assert_eq!(retry.withheld, ["token", "note"]);
    let Err(Error::Invalid(problems)) = handle.submit(retry.clone()).await else { panic!("it was taken") };
    let found: Vec<(&str, &str)> =
        problems.0.iter().map(|problem| (problem.code.as_str(), problem.address.as_str())).collect();
    assert_eq!(found, [("WL-0217", "params.token"), ("WL-0217", "params.note")]);
    assert_eq!(
        problems.0[0].message,
        "the parameter `token` is a secret, or holds one, and is not carried over from the other run"
    );
    // What was saved holds the secret of that name, whatever it is now.
    let given = retry.param("token", "c4n4ry-two").param("note", "none");
    let again = end(&handle, handle.submit(given.starting()).await.unwrap()).await;
    assert_eq!(again.status, RunStatus::Succeeded, "{:?}", again.reason);

    let clone = handle.clone_run(first.id).await.unwrap();
    assert_eq!(clone.withheld, ["token", "note"]);
}

#[tokio::test]
async fn w36_what_a_sensitive_action_saved_is_gone_and_what_needs_it_is_not_begun() {
    let world = World::default();
    world.plays("b/n2/x", [Play::Fail]);
    world.plays("a/n1/x", [Play::Answer(json!({"token": SECRET}))]);
    let (_runtime, handle) = world.alone().await;
    let spec = |read: &str| {
        plan(&format!(
            "  blocks:
  - {{name: a, targets: {{nodes: [n1]}}, sequence: [{{name: x, use: act, sensitive: true, save: {{token: token}}}}]}}
  - {{name: b, targets: {{nodes: [n2]}}, sequence: [{{name: x, use: act}}, {{name: y, use: act, with: {{note: \"{read}\"}}}}]}}"
        ))
    };
    let first = play(&handle, spec("{{ targets['n1'].store.token }}")).await;
    let refused = handle.retry(first.id, Retry::FromFailure).await.unwrap_err();
    assert_eq!(refused.code().as_str(), "WL-0311");
    let text = refused.to_string().replace(&first.id.to_string(), "[run]");
    assert_eq!(
        text,
        "run [run] cannot be retried: what is left of it needs secrets that it saved and that are gone with it: `token` of a/n1"
    );
    // From scratch it is asked for once more.
    world.plays("b/n2/x", [Play::Good]);
    let scratch = handle.retry(first.id, Retry::FromScratch).await.unwrap();
    assert_eq!(
        end(&handle, handle.submit(scratch.starting()).await.unwrap()).await.status,
        RunStatus::Succeeded
    );
    // What nobody reads again is missed by nobody.
    world.plays("b/n2/x", [Play::Fail]);
    let second = play(&handle, spec("nothing")).await;
    world.plays("b/n2/x", [Play::Good]);
    let retry = handle.retry(second.id, Retry::FromFailure).await.unwrap();
    assert_eq!(
        end(&handle, handle.submit(retry.starting()).await.unwrap()).await.status,
        RunStatus::Succeeded
    );
}
