//! Budgets over HTTP: how many nodes are worked on at a time by all runs together.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::Place;

const NODES: usize = 6;
const BUDGET: &str = "/api/v1/namespaces/default/budgets/web";

async fn nodes(place: &Place) {
    for n in 1..=NODES {
        let spec = json!({"metadata": {"labels": {"role": "web"}}, "spec": {"transport": {"use": "local"}}});
        place.does("PATCH", &format!("/api/v1/nodes/web{n}"), spec).await;
    }
}

/// A plan whose sequences wait for a gate, and note how many nodes are in the room.
async fn plan(place: &Place, name: &str, lock: Option<&str>) {
    let room = place.directory.path().join("room");
    std::fs::create_dir_all(&room).unwrap();
    let script = format!(
        "mkdir {0}/{name}-{{{{ node.name }}}}; ls {0} | sed 's/.*-//' | sort -u | wc -l >> {1}; while [ ! -e {2} ]; do sleep 0.02; done; \
         sleep 0.05; rmdir {0}/{name}-{{{{ node.name }}}}",
        room.display(),
        place.directory.path().join("peaks").display(),
        place.directory.path().join("gate").display(),
    );
    let mut sequence = json!({"actions": [{"name": "work", "use": "shell", "with": {"script": script}}]});
    if let Some(lock) = lock {
        sequence["lock"] = lock.into();
    }
    let block =
        json!({"name": "b", "targets": {"labels": "role=web"}, "concurrency": NODES, "sequence": sequence});
    let spec = json!({"spec": {"blocks": [block]}});
    place.does("PATCH", &format!("/api/v1/namespaces/default/plans/{name}"), spec).await;
}

async fn submit(place: &Place, plan: &str) -> String {
    let run = place.does("POST", "/api/v1/namespaces/default/runs", json!({"plan": plan})).await;
    run["run"].as_str().unwrap().to_owned()
}

async fn until(place: &Place, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    loop {
        let seen = place.sees(path).await;
        if is_so(&seen) {
            return seen;
        }
        // tidy-allow: sleep: runs come to their places by themselves
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn peak(directory: &Path) -> usize {
    let peaks = std::fs::read_to_string(directory.join("peaks")).unwrap();
    peaks.lines().map(|line| line.trim().parse().unwrap()).max().unwrap()
}

#[tokio::test]
async fn c20_no_more_are_at_work_in_all_runs_together_than_a_budget_says() {
    let place = Place::new().await;
    nodes(&place).await;
    place.does("PATCH", BUDGET, json!({"spec": {"targets": {"labels": "role=web"}, "most": 2}})).await;
    plan(&place, "first", None).await;
    // Whoever takes no lock has to keep to it, too.
    plan(&place, "second", Some("none")).await;
    let runs = [submit(&place, "first").await, submit(&place, "second").await];
    let is_full = |seen: &Value| seen["status"]["atWork"] == 2 && seen["status"]["runsWaiting"] == 2;
    assert_eq!(until(&place, BUDGET, is_full).await["status"]["most"], 2);
    let first = format!("/api/v1/namespaces/default/runs/{}", runs[0]);
    let events = place.ask(&place.admin, "GET", &format!("{first}/logs"), None).await.text;
    assert!(events.contains("waits for the budget `default/web`: 2 of 2 at work"), "{events}");
    // A change counts at once, for what begins from then on.
    place.does("PATCH", BUDGET, json!({"spec": {"targets": {"labels": "role=web"}, "most": 3}})).await;
    until(&place, BUDGET, |seen| seen["status"]["atWork"] == 3).await;
    std::fs::write(place.directory.path().join("gate"), "").unwrap();
    for run in &runs {
        assert_eq!(place.ended(run).await["status"], "succeeded");
    }
    assert_eq!(peak(place.directory.path()), 3);
    assert_eq!(place.sees(BUDGET).await["status"]["atWork"], 0);
}

#[tokio::test]
async fn a_budget_holds_over_a_restart_and_counts_what_goes_on() {
    let place = Place::new().await;
    nodes(&place).await;
    place.does("PATCH", BUDGET, json!({"spec": {"targets": {"labels": "role=web"}, "healthy": 5}})).await;
    plan(&place, "first", None).await;
    let run = submit(&place, "first").await;
    until(&place, BUDGET, |seen| seen["status"]["atWork"] == 1).await;
    let place = place.again().await;
    let seen = place.sees(BUDGET).await;
    assert_eq!(seen["status"]["most"], 1, "{seen}");
    std::fs::write(place.directory.path().join("gate"), "").unwrap();
    let ended = place.ended(&run).await;
    assert!(["succeeded", "failed"].contains(&ended["status"].as_str().unwrap()), "{ended}");
    assert_eq!(peak(place.directory.path()), 1);
}

#[tokio::test]
async fn a_budget_that_limits_nothing_is_refused() {
    let place = Place::new().await;
    let body = json!({"spec": {"targets": {}, "most": "120%"}});
    let answer = place.ask_as(&place.admin, "PATCH", BUDGET, "application/apply+json", Some(&body)).await;
    let said: Vec<&str> = answer.body["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["message"].as_str().unwrap())
        .collect();
    assert_eq!(said, ["120% is more than there are", "it counts no nodes"]);
    let body = json!({"spec": {"targets": {"nodes": ["*"]}}});
    let answer = place.ask_as(&place.admin, "PATCH", BUDGET, "application/apply+json", Some(&body)).await;
    assert_eq!(
        answer.body["problems"][0]["message"],
        "it limits nothing: it says neither `most` nor `healthy`"
    );
}
