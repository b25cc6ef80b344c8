//! Who has the lock of a node, over HTTP.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::Place;

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

#[tokio::test]
async fn whoever_has_a_lock_and_who_waits_is_told_as_far_as_they_may_be_seen() {
    let place = Place::new().await;
    place.does("PATCH", "/api/v1/nodes/web1", json!({"metadata": {"labels": {"role": "web"}}})).await;
    place.does("PATCH", "/api/v1/nodes/db1", json!({})).await;
    for team in ["ours", "theirs"] {
        let spec = json!({"spec": {"nodes": {"labels": "role=web"}}});
        place.does("PATCH", &format!("/api/v1/namespaces/{team}"), spec).await;
        let block = json!({
            "name": "b", "targets": {"nodes": ["web1"]},
            "sequence": [{"name": "wait", "use": "sleep", "with": {"duration": "1h"}}],
        });
        let plan = json!({"spec": {"blocks": [block]}});
        place.does("PATCH", &format!("/api/v1/namespaces/{team}/plans/hold"), plan).await;
    }
    let submit = async |team: &str| {
        let made =
            place.does("POST", &format!("/api/v1/namespaces/{team}/runs"), json!({"plan": "hold"})).await;
        made["run"].as_str().unwrap().to_owned()
    };
    let own = "/api/v1/namespaces/ours/inventory/web1/lock";
    assert_eq!(place.sees(own).await, json!({"lock": "node/web1", "waiting": []}));

    let first = submit("ours").await;
    let seen = until(&place, own, |seen| seen["holder"]["atWork"].is_array()).await;
    let holder = &seen["holder"];
    assert_eq!(
        (&holder["run"], &holder["namespace"], &holder["plan"], &holder["address"], &holder["atWork"]),
        (&json!(first), &json!("ours"), &json!("hold"), &json!("b/web1"), &json!(["b/web1/wait"]))
    );
    assert!(holder["since"].is_u64(), "{seen}");

    let second = submit("theirs").await;
    let everywhere = "/api/v1/nodes/web1/lock";
    let seen = until(&place, everywhere, |seen| seen["waiting"][0]["address"].is_string()).await;
    assert_eq!(
        (&seen["waiting"][0]["run"], &seen["waiting"][0]["address"]),
        (&json!(second), &json!("b/web1"))
    );

    // Of what is not theirs, people are told that it is there, and nothing else.
    let ann = place.user("ann", Some("viewer"), &["ours"]).await;
    let told = place.ask(&ann, "GET", own, None).await;
    assert_eq!((&told.body["holder"]["run"], &told.body["waiting"]), (&json!(first), &json!([{}])));
    let bob = place.user("bob", Some("viewer"), &["theirs"]).await;
    let told = place.ask(&bob, "GET", "/api/v1/namespaces/theirs/inventory/web1/lock", None).await;
    assert_eq!((&told.body["holder"], &told.body["waiting"][0]["run"]), (&json!({}), &json!(second)));
    for path in ["/api/v1/namespaces/ours/inventory/db1/lock", "/api/v1/nodes/none/lock"] {
        let asked = place.ask(&place.admin, "GET", path, None).await;
        assert_eq!(asked.status.as_u16(), 404, "{path}");
    }

    place.does("POST", &format!("/api/v1/namespaces/ours/runs/{first}/kill"), json!({})).await;
    until(&place, everywhere, |seen| seen["holder"]["run"] == json!(second)).await;
    place.does("POST", &format!("/api/v1/namespaces/theirs/runs/{second}/kill"), json!({})).await;
    until(&place, everywhere, |seen| seen["holder"].is_null()).await;
}
