//! What policies say of runs, over HTTP.

use serde_json::{Value, json};

use super::client::{Answer, Place};

async fn team(place: &Place) {
    let spec = json!({"spec": {"nodes": {"labels": "team=web"}}});
    place.does("PATCH", "/api/v1/namespaces/web", spec).await;
    for (node, site) in [("web01", "ams"), ("web02", "ams"), ("web03", "fra")] {
        let labels = json!({"team": "web", "site": site});
        let node_spec = json!({"metadata": {"labels": labels}, "spec": {"transport": {"use": "local"}}});
        place.does("PATCH", &format!("/api/v1/nodes/{node}"), node_spec).await;
    }
    plan(place, json!({"labels": "team=web"}), json!({})).await;
}

async fn plan(place: &Place, targets: Value, more: Value) {
    let mut block = json!({"name": "b", "targets": targets, "concurrency": 3, "sequence": [
        {"name": "first", "use": "file.exists", "with": {"path": "/"}},
        {"name": "work", "use": "shell", "with": {"script": "true"}},
    ]});
    block["sequence"].as_array_mut().unwrap().remove(0);
    for (key, value) in more.as_object().unwrap() {
        block[key] = value.clone();
    }
    place.does("PATCH", "/api/v1/namespaces/web/plans/work", json!({"spec": {"blocks": [block]}})).await;
}

async fn policy(place: &Place, name: &str, cedar: &str, message: &str) {
    let spec = json!({"spec": {"cedar": cedar, "message": message, "namespaces": ["web"]}});
    place.does("PATCH", &format!("/api/v1/policies/{name}"), spec).await;
}

async fn submit(place: &Place, body: Value) -> Answer {
    place.ask(&place.admin, "POST", "/api/v1/namespaces/web/runs", Some(&body)).await
}

fn is_refused(answer: &Answer, policies: &[&str]) {
    let named: Vec<&str> = answer.body["problems"].as_array().map_or_else(Vec::new, |problems| {
        problems.iter().map(|problem| problem["address"].as_str().unwrap()).collect()
    });
    assert_eq!((answer.status.as_u16(), &answer.body["code"]), (403, &json!("WL-1009")), "{answer:?}");
    assert_eq!(named, policies, "{answer:?}");
}

#[tokio::test]
async fn w38_policies_speak_of_size_place_care_and_what_is_used() {
    let place = Place::new().await;
    team(&place).await;
    policy(&place, "size", "forbid (principal, action, resource) when { context.targets > 2 };", "too many")
        .await;
    let answer = submit(&place, json!({"plan": "work"})).await;
    is_refused(&answer, &["size"]);
    assert!(
        answer.body["detail"].as_str().unwrap().contains("the policy `size` does not let it begin: too many")
    );
    // It is the nodes that count, not what is written.
    assert_eq!(
        submit(&place, json!({"plan": "work", "selection": "web01,web03"})).await.status.as_u16(),
        201
    );
    policy(
        &place,
        "site",
        "forbid (principal, action, resource) unless { context.alike.contains(\"site\") };",
        "",
    )
    .await;
    is_refused(&submit(&place, json!({"plan": "work", "selection": "web01,web03"})).await, &["site"]);
    is_refused(&submit(&place, json!({"plan": "work"})).await, &["site", "size"]);
    assert_eq!(
        submit(&place, json!({"plan": "work", "selection": "web01,web02"})).await.status.as_u16(),
        201
    );
    policy(
        &place,
        "plugins",
        "forbid (principal, action, resource) unless { [\"noop\"].containsAll(context.plugins) };",
        "only noop",
    )
    .await;
    let small = json!({"plan": "work", "selection": "web01"});
    is_refused(&submit(&place, small.clone()).await, &["plugins"]);
    place.does("DELETE", "/api/v1/policies/plugins", Value::Null).await;
    policy(&place, "gate", "forbid (principal, action, resource) unless { context.everyBlockIsGated };", "")
        .await;
    is_refused(&submit(&place, small.clone()).await, &["gate"]);
    let gate = json!({"checks": {"pre": [{"name": "ok", "use": "file.exists", "with": {"path": "/"}}]}});
    plan(&place, json!({"labels": "team=web"}), gate).await;
    assert_eq!(submit(&place, small.clone()).await.status.as_u16(), 201);
    // Others are not asked about.
    let other = json!({"spec": {"blocks": [{"name": "b", "sequences": [{"name": "s", "actions": [{"name": "a", "use": "noop"}]}]}]}});
    place.does("PATCH", "/api/v1/namespaces/default/plans/work", other).await;
    place.does("POST", "/api/v1/namespaces/default/runs", json!({"plan": "work"})).await;
    // An empty set of targets is an error and never means all.
    let none = submit(&place, json!({"plan": "work", "selection": "web09"})).await;
    assert_eq!(none.status.as_u16(), 422, "{none:?}");
    let audit = place.sees("/api/v1/audit").await;
    let noted =
        audit["items"].as_array().unwrap().iter().find(|it| it["what"]["outcome"] == "failed").unwrap();
    assert_eq!(
        (&noted["what"]["resource"], &noted["what"]["after"]["policies"]),
        (&json!("Run web/work"), &json!(["gate"]))
    );
}

#[tokio::test]
async fn w37_policies_are_judged_when_they_are_made_and_asked_again_at_the_start() {
    let place = Place::new().await;
    team(&place).await;
    let bad =
        json!({"spec": {"cedar": "forbid (principal, action, resource) when { context.targetz > 1 };"}});
    let answer = place
        .ask_as(&place.admin, "PATCH", "/api/v1/policies/bad", "application/apply+json", Some(&bad))
        .await;
    assert_eq!((answer.status.as_u16(), &answer.body["code"]), (422, &json!("WL-1010")), "{answer:?}");
    assert_eq!(answer.body["detail"], "attribute `targetz` in context not found");

    let later = submit(&place, json!({"plan": "work", "start": false})).await;
    let run = later.body["run"].as_str().unwrap().to_owned();
    policy(&place, "late", "forbid (principal, action == Action::\"start\", resource);", "not now").await;
    let start = format!("/api/v1/namespaces/web/runs/{run}/start");
    is_refused(&place.ask(&place.admin, "POST", &start, Some(&json!({}))).await, &["late"]);
    // What is forbidden at the start may be submitted, and waits.
    assert_eq!(submit(&place, json!({"plan": "work", "start": false})).await.status.as_u16(), 201);
    place.does("DELETE", "/api/v1/policies/late", Value::Null).await;
    assert_eq!(place.ask(&place.admin, "POST", &start, Some(&json!({}))).await.status.as_u16(), 204);
    assert_eq!(place.ended(&run).await["status"], "succeeded");

    // Where a policy must be, none is none too few.
    let spec = json!({"spec": {"nodes": {"labels": "team=web"}, "policyRequired": true}});
    place.does("PATCH", "/api/v1/namespaces/web", spec).await;
    let answer = submit(&place, json!({"plan": "work"})).await;
    assert_eq!((answer.status.as_u16(), &answer.body["code"]), (403, &json!("WL-1009")), "{answer:?}");
    assert!(answer.body["detail"].as_str().unwrap().contains("policyRequired"), "{answer:?}");
    policy(&place, "any", "permit (principal, action, resource);", "").await;
    assert_eq!(submit(&place, json!({"plan": "work"})).await.status.as_u16(), 201);
}

#[tokio::test]
async fn a_preview_says_what_would_be_and_what_would_keep_it_from_beginning() {
    let place = Place::new().await;
    team(&place).await;
    policy(&place, "size", "forbid (principal, action, resource) when { context.targets > 2 };", "too many")
        .await;
    place
        .does("PATCH", "/api/v1/freezes/now", json!({"spec": {"reason": "a test", "namespaces": ["web"]}}))
        .await;
    let seen = place.does("POST", "/api/v1/namespaces/web/runs/preview", json!({"plan": "work"})).await;
    assert_eq!(
        seen,
        json!({
            "plan": "work", "stepSet": "default", "approvals": 0,
            "blocks": [{
                "name": "b", "targets": 3, "first": ["web01", "web02", "web03"], "choosesLate": false,
                "concurrency": 3, "failures": 0, "actions": [{"name": "work", "use": "shell"}],
            }],
            "refusals": ["frozen by now: a test", "the policy `size` does not let it begin: too many"],
        })
    );
    assert_eq!(place.sees("/api/v1/namespaces/web/runs").await["items"], json!([]), "nothing was submitted");
}
