//! Two agents with one name, and two with one key.

use super::*;

fn copy(agent: &Agent) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    std::fs::copy(agent.home.path().join("agent.json"), home.path().join("agent.json")).unwrap();
    home
}

#[tokio::test]
async fn of_two_with_one_key_the_second_is_refused_and_all_are_told() {
    let camp = Camp::new().await;
    let first = camp.agent("web01").await;
    let second = Agent::serve(copy(&first));
    second.says("two agents use one key").await;
    first.says("its key was copied").await;
    assert_eq!(camp.hub.count(), 1);
    let ended =
        camp.runs(json!(["web01"]), json!([{"name": "a", "use": "file", "with": {"path": first.home.path().join("mine"), "content": "x"}}])).await;
    assert_eq!(ended["status"], "succeeded");
    assert!(camp.audit().await.contains("two agents use one key"));
    // When the first has gone, the second is taken for the same one that moved: nobody can tell them apart.
    let home = first.end().await;
    camp.is("web01", "connected").await;
    until("the second serves", || async {
        second.said().iter().any(|line| line.contains("serves as `web01`"))
    })
    .await;
    drop(home);
}

#[tokio::test]
async fn a_copy_is_found_out_when_one_of_both_has_a_new_certificate() {
    let camp = Camp::like(windlass_hub::Options::default(), |options| Options {
        enrol: windlass_enrol::Options { life: Duration::from_secs(8) },
        ..options
    })
    .await;
    let first = camp.agent("web01").await;
    let home = copy(&first);
    let before = first.identity();
    until("it has renewed", || async { first.identity() != before }).await;
    first.says("has a new certificate").await;
    until("it is back", || async {
        first.said().iter().filter(|line| line.contains("serves as")).count() >= 2
    })
    .await;
    let second = Agent::serve(home);
    second.says("was replaced by a newer one, which is in use: somebody has copied").await;
    first.says("its key was copied").await;
    assert!(camp.audit().await.contains("somebody has copied this one and its key"));
}

#[tokio::test]
async fn one_that_joins_in_the_place_of_another_cuts_it() {
    let camp = Camp::new().await;
    let first = camp.agent("web01").await;
    let token = camp.token(json!({"nodes": "web01", "replaces": true})).await;
    let home = tempfile::tempdir().unwrap();
    join(&Home::at(home.path()), &camp.joining(&token, "web01")).await.unwrap();
    first.says("another agent joined as `web01` from 127.0.0.1").await;
    let second = Agent::serve(home);
    second.says("serves as `web01`").await;
    first.says("was replaced by a newer one").await;
    assert_eq!(camp.hub.count(), 1);
}

#[tokio::test]
async fn a_second_process_beside_the_first_is_told_so_on_its_own_machine() {
    let camp = Camp::new().await;
    let first = camp.agent("web01").await;
    let daemon = Daemon::new(Home::at(first.home.path()), Default::default(), "0.0.0", |_| {});
    assert!(matches!(daemon.run().await, Err(Error::Locked(_))));
    let nothing = tempfile::tempdir().unwrap();
    let daemon = Daemon::new(Home::at(nothing.path()), Default::default(), "0.0.0", |_| {});
    assert!(matches!(daemon.run().await, Err(Error::NotJoined(_))));
}

#[tokio::test]
async fn one_that_does_not_answer_any_more_gives_way_to_the_next() {
    let camp = Camp::new().await;
    let agent = camp.agent("web01").await;
    let identity = agent.identity();
    let home = agent.end().await;
    camp.is("web01", "away").await;
    // One that says that it is here and then nothing.
    let tls = Arc::new(windlass_dial::identified(&identity).unwrap());
    let channel = windlass_dial::connect(&camp.address(), tls).await.unwrap();
    let (queue, said) = windlass_line::Queue::new();
    let hello = windlass_line::Hello { instance: "deaf".into(), ..Default::default() };
    assert!(queue.put(windlass_line::from_agent::What::Hello(hello).into()));
    let _deaf = windlass_dial::serve(&channel, said).await.unwrap();
    camp.is("web01", "connected").await;
    let next = Agent::serve(home);
    next.says("serves as `web01`").await;
    let ended = camp
        .runs(json!(["web01"]), json!([{"name": "a", "use": "command", "with": {"argv": ["true"]}}]))
        .await;
    assert_eq!(ended["status"], "succeeded");
}
