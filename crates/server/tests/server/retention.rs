//! Runs that were kept long enough go, and no others.

use std::time::Duration;

use serde_json::{Value, json};
use windlass_server::{Operating, Options, Retention, Server};

use super::client::{Place, options};

async fn place(usual: Retention) -> Place {
    let directory = tempfile::tempdir().unwrap();
    let operating = Operating { retention: usual, ..Operating::default() };
    let registry = windlass_plugins::standard().unwrap();
    let server = Server::open(Options { operating, ..options(directory.path()) }, registry).await.unwrap();
    let admin = server.first().unwrap().issued.token.clone();
    Place { directory, server, admin }
}

/// Runs a plan of a namespace so often; the runs, the oldest first.
async fn runs(place: &Place, namespace: &str, count: usize) -> Vec<String> {
    let plan = json!({"spec": {"blocks": [{"name": "b", "sequences": [{"name": "s", "actions": [
        {"name": "a", "use": "shell", "with": {"script": "echo hello"}}]}]}]}});
    place.does("PATCH", &format!("/api/v1/namespaces/{namespace}/plans/work"), plan).await;
    let mut made = Vec::new();
    for _ in 0..count {
        let run = place
            .does("POST", &format!("/api/v1/namespaces/{namespace}/runs"), json!({"plan": "work"}))
            .await;
        let run = run["run"].as_str().unwrap().to_owned();
        place.ended(&run).await;
        made.push(run);
    }
    made
}

async fn left(place: &Place) -> Vec<String> {
    let all = place.sees("/api/v1/runs").await;
    all["items"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap().to_owned()).rev().collect()
}

async fn looks(place: &Place, body: Value) -> Value {
    place.does("POST", "/api/v1/retention", body).await
}

#[tokio::test]
async fn what_would_go_is_said_first_and_then_goes_by_what_each_namespace_says() {
    let place = place(Retention { output: Some(Duration::ZERO), newest: 1, ..Retention::default() }).await;
    place
        .does(
            "PATCH",
            "/api/v1/namespaces/short",
            json!({"spec": {"retention": {"runs": "0s", "newest": 2}}}),
        )
        .await;
    place.does("PATCH", "/api/v1/namespaces/long", json!({"spec": {"retention": {"output": "90d"}}})).await;
    let short = runs(&place, "short", 4).await;
    let long = runs(&place, "long", 2).await;
    let usual = runs(&place, "default", 2).await;
    let path = format!("/api/v1/namespaces/default/runs/{}/logs", usual[0]);
    let before = left(&place).await;
    assert_eq!(before.len(), 8);

    let said = looks(&place, json!({})).await;
    assert_eq!(
        (&said["dryRun"], &said["looked"], &said["go"], &said["loseOutput"]),
        (&json!(true), &json!(8), &json!(2), &json!(1))
    );
    assert_eq!(left(&place).await, before, "nothing went");
    assert!(place.ask(&place.admin, "GET", &path, None).await.text.contains("hello"));

    let done = looks(&place, json!({"dryRun": false})).await;
    assert_eq!(
        (&done["items"], &done["dryRun"]),
        (&said["items"], &json!(false)),
        "what was said is what went"
    );
    let expected: Vec<String> = short[2..].iter().chain(&long).chain(&usual).cloned().collect();
    assert_eq!(left(&place).await, expected, "the newest stay, and what nobody said anything of");
    assert!(!place.ask(&place.admin, "GET", &path, None).await.text.contains("hello"), "its output went");
    let report = place.sees(&format!("/api/v1/namespaces/default/runs/{}/report", usual[0])).await;
    assert_eq!(report["run"]["status"], "succeeded", "and nothing else of it");
    let again = looks(&place, json!({"dryRun": false})).await;
    assert_eq!((&again["go"], &again["loseOutput"]), (&json!(0), &json!(0)));
    let record = place.sees("/api/v1/audit/verify").await;
    assert_eq!(record["whole"], json!(true), "the record never goes");
    assert!(place.sees("/api/v1/audit?limit=3").await.to_string().contains("retention"));
}

#[tokio::test]
async fn what_has_not_ended_stays_and_so_does_what_it_retries() {
    let place = place(Retention { runs: Some(Duration::ZERO), ..Retention::default() }).await;
    let plan = json!({"spec": {"blocks": [{"name": "b", "sequences": [{"name": "s", "actions": [
        {"name": "a", "use": "fail", "with": {"message": "no"}}]}]}]}});
    place.does("PATCH", "/api/v1/namespaces/default/plans/bad", plan).await;
    let first = place.does("POST", "/api/v1/namespaces/default/runs", json!({"plan": "bad"})).await;
    let first = first["run"].as_str().unwrap();
    place.ended(first).await;
    let path = format!("/api/v1/namespaces/default/runs/{first}/retry");
    let second = place.does("POST", &path, json!({"start": false})).await;
    let second = second["run"].as_str().unwrap();
    let done = looks(&place, json!({"dryRun": false})).await;
    assert_eq!((&done["go"], &done["looked"]), (&json!(0), &json!(2)), "{done}");
    place.does("POST", &format!("/api/v1/namespaces/default/runs/{second}/stop"), json!({})).await;
    place.ended(second).await;
    assert_eq!(looks(&place, json!({"dryRun": false})).await["go"], json!(2));
}

#[tokio::test]
async fn it_is_done_by_itself_too() {
    let place = place(Retention {
        runs: Some(Duration::ZERO),
        every: Duration::from_millis(50),
        ..Retention::default()
    })
    .await;
    runs(&place, "default", 1).await;
    let gone = async {
        let mut look = tokio::time::interval(Duration::from_millis(20));
        while !left(&place).await.is_empty() {
            look.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), gone).await.unwrap();
}
