//! Objects over HTTP.

use serde_json::{Value, json};

use super::client::Place;

#[tokio::test]
async fn objects_are_made_changed_compared_and_deleted() {
    let place = Place::new().await;
    let node = |port: u16| json!({"metadata": {"name": "web01", "labels": {"role": "web"}}, "spec": {"vars": {"port": port}}});
    let made = place.does("POST", "/api/v1/nodes", node(80)).await;
    assert_eq!((&made["kind"], &made["spec"]["vars"]["port"]), (&json!("Node"), &json!(80)));
    let again = place.ask(&place.admin, "POST", "/api/v1/nodes", Some(&node(80))).await;
    assert_eq!((again.status.as_u16(), &again.body["code"]), (409, &json!("WL-0902")));
    let applied = place.does("PATCH", "/api/v1/nodes/web01", node(81)).await;
    assert_eq!(applied["applied"], "changed");
    assert_eq!(place.does("PATCH", "/api/v1/nodes/web01", node(81)).await["applied"], "unchanged");
    let merged = json!({"spec": {"vars": {"port": 82}}});
    let answer = place.ask_as(
        &place.admin,
        "PATCH",
        "/api/v1/nodes/web01",
        "application/merge-patch+json",
        Some(&merged),
    );
    assert_eq!(answer.await.body["object"]["spec"]["vars"]["port"], 82);
    let stale = place.ask(&place.admin, "PUT", "/api/v1/nodes/web01", Some(&made)).await;
    assert_eq!((stale.status.as_u16(), &stale.body["code"]), (409, &json!("WL-0903")));
    assert_eq!(stale.body["changed"], json!([{"pointer": "/spec/vars/port", "from": 82, "to": 80}]));
    let revisions = place.sees("/api/v1/nodes/web01/revisions?limit=2").await;
    assert_eq!((&revisions["items"][0]["number"], &revisions["next"]), (&json!(3), &json!(2)));
    let diff = place.sees("/api/v1/nodes/web01/diff?from=1&to=3").await;
    assert_eq!(diff["items"], json!([{"pointer": "/vars/port", "from": 80, "to": 82}]));
    let dry = place.does("DELETE", "/api/v1/nodes/web01?dryRun=true", Value::Null).await;
    assert_eq!(dry["metadata"]["name"], "web01");
    place.does("DELETE", "/api/v1/nodes/web01", Value::Null).await;
    let gone = place.ask(&place.admin, "GET", "/api/v1/nodes/web01", None).await;
    assert_eq!((gone.status.as_u16(), &gone.body["code"]), (404, &json!("WL-0901")));
}

#[tokio::test]
async fn c7_everything_that_is_wrong_comes_in_one_answer() {
    let place = Place::new().await;
    let document = json!({"extra": 1, "spec": {"adresses": [], "parent": 5}});
    let answer = place.ask(&place.admin, "POST", "/api/v1/nodes", Some(&document)).await;
    assert_eq!(answer.status.as_u16(), 422);
    let pointers: Vec<_> =
        answer.body["problems"].as_array().unwrap().iter().map(|it| &it["pointer"]).collect();
    assert_eq!(pointers, ["/extra", "/spec/adresses", "/spec/parent", "/metadata/name", "/metadata/name"]);
    for (path, code) in [
        ("/api/v1/nodes?limt=3", "WL-0906"),
        ("/api/v1/nodes?labels=a%20b", "WL-0906"),
        ("/api/v1/nodes?fields=name%3Da", "WL-0906"),
    ] {
        let answer = place.ask(&place.admin, "GET", path, None).await;
        assert_eq!((answer.status.as_u16(), &answer.body["code"]), (400, &json!(code)), "{path}");
    }
    let answer = place.ask_as(&place.admin, "PATCH", "/api/v1/nodes/x", "text/plain", Some(&json!({}))).await;
    assert_eq!(answer.status.as_u16(), 415);
}

#[tokio::test]
async fn c49_a_watch_goes_on_where_it_was_cut() {
    use http_body_util::BodyExt as _;
    let place = Place::new().await;
    let version = place.sees("/api/v1/nodes").await["version"].as_u64().unwrap();
    for name in ["a", "b"] {
        place
            .does("PATCH", &format!("/api/v1/nodes/{name}"), json!({"metadata": {"labels": {"role": "web"}}}))
            .await;
    }
    let watched = |from: u64| format!("/api/v1/nodes?watch=true&labels=role%3Dweb&from={from}");
    let mut stream = place.send(&place.admin, "GET", &watched(version), "", None).await.into_body();
    let mut text = String::new();
    while text.matches("\n\n").count() < 2 {
        let frame = stream.frame().await.unwrap().unwrap().into_data().unwrap();
        text.push_str(std::str::from_utf8(&frame).unwrap());
    }
    let events: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!(events, ["created", "created"]);
    let ids: Vec<u64> = text.lines().filter_map(|line| line.strip_prefix("id: ")?.parse().ok()).collect();
    drop(stream);
    let mut stream = place.send(&place.admin, "GET", &watched(ids[0]), "", None).await.into_body();
    let frame = stream.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(
        String::from_utf8_lossy(&frame).contains(&format!("id: {}", ids[1])),
        "nothing lost, nothing repeated"
    );
}

#[tokio::test]
async fn what_was_done_is_in_the_record_and_the_record_is_whole() {
    let place = Place::new().await;
    place.does("PATCH", "/api/v1/namespaces/web", json!({})).await;
    let secret = json!({"spec": {"data": {"password": "canary-hunter2"}}});
    place.does("PATCH", "/api/v1/namespaces/web/secrets/db", secret).await;
    let nobody = place.user("eve", None, &[]).await;
    place.ask(&nobody, "DELETE", "/api/v1/namespaces/web/secrets/db", None).await;
    let page = place.ask(&place.admin, "GET", "/api/v1/audit", None).await;
    assert!(!page.text.contains("hunter2"), "{}", page.text);
    let told: Vec<String> = page.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let what = &entry["what"];
            assert!(what["from"].as_str().unwrap().starts_with("127.0.0.1:"));
            format!("{} {} {} {}", what["user"], what["outcome"], what["verb"], what["resource"])
                .replace('"', "")
        })
        .collect();
    assert_eq!(told[0], "eve denied write Secret web/db");
    assert!(told.contains(&"admin done write Secret web/db".to_owned()), "{told:?}");
    let verified = place.sees("/api/v1/audit/verify").await;
    assert_eq!((&verified["whole"], &verified["entries"]), (&json!(true), &json!(told.len())));
}
