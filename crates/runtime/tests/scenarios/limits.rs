//! W8, W23 on real time: the limits and the order of things, seen from the plugins.

use windlass_model::outcome::{RunStatus, Status};

use crate::stage::{Play, World, end, outcome, plan, play, request};

#[tokio::test]
async fn w8_no_more_at_once_than_allowed_and_no_fewer() {
    let world = World::default();
    for n in 1..=10 {
        world.plays(&format!("b/n{n}/x"), [Play::Gate("door")]);
    }
    let (_runtime, handle) = world.alone().await;
    let spec = "  blocks: [{name: b, targets: {nodes: ['n[1-10]']}, concurrency: 3, sequence: [{name: x, use: act}]}]";
    let run = handle.submit(request(plan(spec)).starting()).await.unwrap();
    world.until("three are at it", |state| state.made.len() == 3).await;
    // Whoever answers has heard of everything before, and nothing more has begun.
    assert_eq!(handle.status(run).await.unwrap().status, RunStatus::Running);
    assert_eq!(world.made().len(), 3);
    world.open("door");
    assert_eq!(end(&handle, run).await.status, RunStatus::Succeeded);
    assert_eq!((world.made().len(), world.lock().peak), (10, 3));
}

#[tokio::test]
async fn w8_failures_stay_within_the_limit_and_what_was_in_flight() {
    let world = World::default();
    for n in 1..=20 {
        world.plays(&format!("b/n{n}/x"), [Play::Fail]);
    }
    let (_runtime, handle) = world.alone().await;
    for (failures, most) in [("2", 7), ("{max: 2, strict: true}", 3)] {
        world.lock().made.clear();
        let spec = format!(
            "  blocks: [{{name: b, targets: {{nodes: ['n[1-20]']}}, concurrency: 5, failures: {failures}, \
             sequence: [{{name: x, use: act}}]}}]"
        );
        let view = play(&handle, plan(&spec)).await;
        assert_eq!(view.status, RunStatus::Failed);
        let outcome = outcome(&handle, view.id).await;
        let count = |wanted: Status| {
            let sequences = (1..=20).map(|n| outcome.elements[&format!("b/n{n}")].0);
            sequences.filter(|status| *status == wanted).count()
        };
        assert!((3..=most).contains(&count(Status::Failed)), "{} failed", count(Status::Failed));
        assert_eq!(count(Status::Failed) + count(Status::Pending), 20);
        assert_eq!(world.made().len(), count(Status::Failed));
    }
}

#[tokio::test]
async fn w23_behind_a_failure_nothing_begins_before_all_that_was_in_flight_has_ended() {
    let world = World::default();
    world.plays("b/n1/x", [Play::Fail]);
    world.plays("b/n2/x", [Play::Gate("slow")]).plays("b/n3/x", [Play::Gate("slower")]);
    world.plays("b/n2/x!undo", [Play::Good]);
    let (_runtime, handle) = world.alone().await;
    let spec = "  blocks:
    - name: b
      targets: {nodes: ['n[1-4]']}
      concurrency: 3
      onFailure: undo
      sequence: [{name: x, use: act, undo: {use: act}}]
  deferred: [{name: tell, actions: [{name: mail, use: act}]}]";
    let run = handle.submit(request(plan(spec)).starting()).await.unwrap();
    world.begun("b/n3/x", 1).await;
    world
        .until("the first has failed", |state| {
            state.made.iter().any(|made| made.address == "b/n1/x" && made.ended)
        })
        .await;
    let waits = |made: &[String]| assert_eq!(made.len(), 3, "{made:?}");
    assert_eq!(handle.status(run).await.unwrap().status, RunStatus::Running);
    waits(&world.made());
    world.open("slow");
    world
        .until("the second has ended", |state| {
            state.made.iter().any(|made| made.address == "b/n2/x" && made.ended)
        })
        .await;
    assert_eq!(handle.status(run).await.unwrap().status, RunStatus::Running);
    waits(&world.made());
    world.open("slower");
    assert_eq!(end(&handle, run).await.status, RunStatus::Failed);
    let made = world.made();
    let at = |address: &str| made.iter().position(|one| one == address).unwrap();
    assert!(at("b/n2/x!undo") >= 3 && at("b/n3/x!undo") >= 3, "{made:?}");
    assert_eq!(at("deferred/tell/mail"), made.len() - 1);
    assert_eq!(world.count("b/n4/x"), 0);
}
