//! Every endpoint of the table, asked by everybody.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use windlass_access::Verb;
use windlass_api::{Endpoint, Needs, endpoints};

use super::client::Place;

/// A place with something of each kind in two namespaces, and a run in each.
pub(crate) async fn furnished() -> (Place, [String; 2]) {
    let place = Place::new().await;
    let mut runs = Vec::new();
    for team in ["ours", "theirs"] {
        place
            .does(
                "PATCH",
                &format!("/api/v1/namespaces/{team}"),
                json!({"spec": {"nodes": {"nodes": ["*"]}}}),
            )
            .await;
        let plan = json!({"spec": {"blocks": [{"name": "b", "sequences": [{"name": "s", "actions": [{"name": "a", "use": "noop"}]}]}]}});
        place.does("PATCH", &format!("/api/v1/namespaces/{team}/plans/thing"), plan).await;
        place.does("PATCH", &format!("/api/v1/namespaces/{team}/variables/thing"), json!({})).await;
        place.does("PATCH", &format!("/api/v1/namespaces/{team}/secrets/thing"), json!({})).await;
        let budget = json!({"spec": {"targets": {"nodes": ["*"]}, "most": 1}});
        place.does("PATCH", &format!("/api/v1/namespaces/{team}/budgets/thing"), budget).await;
        let run = place
            .does(
                "POST",
                &format!("/api/v1/namespaces/{team}/runs"),
                json!({"plan": "thing", "start": false}),
            )
            .await;
        runs.push(run["run"].as_str().unwrap().to_owned());
    }
    for (plural, spec) in [
        ("users", json!({})),
        ("roles", json!({"includes": ["viewer"]})),
        ("clustervariables", json!({})),
        ("clustervariablesbindings", json!({"variables": ["thing"], "namespaces": ["ours"]})),
        ("nodegroups", json!({})),
        ("nodes", json!({})),
        ("rolebindings", json!({"role": "viewer", "groups": ["none"], "namespaces": "ours"})),
        ("policies", json!({"cedar": "permit (principal, action, resource);", "namespaces": ["nothing"]})),
        ("freezes", json!({"reason": "a test", "plans": ["nothing"]})),
    ] {
        place.does("PATCH", &format!("/api/v1/{plural}/thing"), json!({"spec": spec})).await;
    }
    (place, runs.try_into().unwrap())
}

fn path(endpoint: &Endpoint, namespace: &str, run: &str) -> String {
    let name =
        if endpoint.kind.is_some_and(|kind| kind.plural == "namespaces") { namespace } else { "thing" };
    let path = endpoint.path.replace("{namespace}", namespace).replace("{run}", run);
    let path = path.replace("{name}", name).replace("{id}", "aaaaaaaaaaaaaaaa");
    // What would not end, or change what others are about to ask for.
    match endpoint.method.as_str() {
        "GET" if path.ends_with("/events") => format!("{path}?follow=false"),
        "DELETE" if endpoint.kind.is_some() => format!("{path}?dryRun=true"),
        "PUT" | "PATCH" => format!("{path}?dryRun=true"),
        "POST" if endpoint.kind.is_some() => format!("{path}?dryRun=true"),
        _ => path,
    }
}

/// Something that is refused for what it says, by whoever may say it: so that nothing changes.
fn body(endpoint: &Endpoint) -> Option<Value> {
    endpoint.takes.map(|_| json!({"nothing of this": "is known"}))
}

#[tokio::test]
async fn without_a_good_token_nobody_is_told_anything() {
    let (place, [run, _]) = furnished().await;
    for endpoint in endpoints() {
        if endpoint.needs == Needs::Nothing {
            continue;
        }
        for token in ["", "wl_aaaaaaaaaaaaaaaa_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "nonsense"] {
            let path = path(&endpoint, "ours", &run);
            let answer = place.ask(token, endpoint.method.as_str(), &path, body(&endpoint).as_ref()).await;
            assert_eq!(
                (answer.status.as_u16(), &answer.body["code"]),
                (401, &json!("WL-1001")),
                "{endpoint:?}"
            );
        }
    }
}

#[tokio::test]
async fn c8_each_role_may_what_it_says_at_home_and_nothing_elsewhere() {
    let (place, [ours, theirs]) = furnished().await;
    let all: BTreeSet<Verb> = Verb::ALL.into_iter().collect();
    let roles: [(&str, &[Verb]); 5] = [
        ("viewer", &[Verb::View]),
        ("operator", &[Verb::View, Verb::Submit, Verb::Command, Verb::Resolve]),
        ("approver", &[Verb::View, Verb::Approve]),
        ("author", &[Verb::View, Verb::Write]),
        ("admin", &Verb::ALL),
    ];
    let missing = uuid::Uuid::now_v7().to_string();
    for (role, verbs) in roles {
        let token = place.user(&format!("{role}-ours"), Some(role), &["ours"]).await;
        for endpoint in endpoints() {
            let Needs::Right(verb, kind) = endpoint.needs else { continue };
            let is_at_home =
                endpoint.path.contains("{namespace}") && endpoint.path.starts_with("/api/v1/namespaces/");
            let writable = role != "author" || ["Plan", "Variables", "Secret", "Budget"].contains(&kind);
            let own_namespace = kind == "Namespace" && endpoint.path.contains("{name}");
            let may =
                verbs.contains(&verb) && (verb != Verb::Write || writable) && (is_at_home || own_namespace);
            let ask = |namespace: &'static str, run: String| {
                let (place, token, endpoint) = (&place, &token, &endpoint);
                async move {
                    let path = path(endpoint, namespace, &run);
                    place.ask(token, endpoint.method.as_str(), &path, body(endpoint).as_ref()).await
                }
            };
            let home = ask("ours", ours.clone()).await;
            let refused = [401, 403].contains(&home.status.as_u16())
                || home.status.as_u16() == 404 && home.body["detail"].as_str() != Some("");
            assert_eq!(!refused, may, "{role} {} {}: {home:?}", endpoint.method, endpoint.path);
            assert!(!home.status.is_server_error(), "{endpoint:?} {home:?}");
            if !is_at_home && !own_namespace {
                continue;
            }
            // Of others, what is there and what is not is answered alike.
            let there = ask("theirs", theirs.clone()).await;
            let nowhere = ask("nowhere", missing.clone()).await;
            assert_eq!(there.status.as_u16(), 404, "{role} {} {}: {there:?}", endpoint.method, endpoint.path);
            assert_eq!(
                nowhere.status.as_u16(),
                404,
                "{role} {} {}: {nowhere:?}",
                endpoint.method,
                endpoint.path
            );
            let blank = |answer: &super::client::Answer, namespace: &str, run: &str| {
                answer.text.replace(namespace, "NS").replace(run, "RUN")
            };
            assert_eq!(
                blank(&there, "theirs", &theirs),
                blank(&nowhere, "nowhere", &missing),
                "{endpoint:?}"
            );
        }
    }
    assert_eq!(all.len(), 6, "a new verb needs a column here");
}

#[tokio::test]
async fn tokens_are_ones_own() {
    let place = Place::new().await;
    let ann = place.user("ann", Some("viewer"), &["default"]).await;
    let bob = place.user("bob", Some("admin"), &["default"]).await;
    let made =
        place.ask(&ann, "POST", "/api/v1/tokens", Some(&json!({"note": "mine", "verbs": ["view"]}))).await;
    assert_eq!(made.status.as_u16(), 201);
    let narrow = made.body["token"].as_str().unwrap();
    let narrower = place.ask(narrow, "POST", "/api/v1/tokens", Some(&json!({}))).await;
    let id = narrower.body["id"].as_str().unwrap();
    let listed = place.ask(&ann, "GET", "/api/v1/tokens", None).await;
    let kept = listed.body["items"].as_array().unwrap().iter().find(|it| it["id"] == id).unwrap().clone();
    assert_eq!(kept["verbs"], json!(["view"]), "what is confined makes nothing that is less so");
    let foreign = place.ask(&ann, "POST", "/api/v1/tokens", Some(&json!({"user": "bob"}))).await;
    assert_eq!(foreign.status.as_u16(), 404);
    let theirs = place.ask(&bob, "DELETE", &format!("/api/v1/tokens/{id}"), None).await;
    assert_eq!(theirs.status.as_u16(), 404, "admin of a namespace is not admin of people");
    let revoked = place.ask(&ann, "DELETE", &format!("/api/v1/tokens/{id}"), None).await;
    assert_eq!(revoked.status.as_u16(), 204);
    let token = narrower.body["token"].as_str().unwrap();
    assert_eq!(place.ask(token, "GET", "/api/v1/me", None).await.status.as_u16(), 401);
}

#[tokio::test]
async fn somebody_who_is_shut_out_is_out_at_once() {
    let place = Place::new().await;
    let ann = place.user("ann", Some("viewer"), &["*"]).await;
    assert_eq!(place.ask(&ann, "GET", "/api/v1/nodes", None).await.status.as_u16(), 200);
    place.does("PATCH", "/api/v1/users/ann", json!({"spec": {"disabled": true}})).await;
    assert_eq!(place.ask(&ann, "GET", "/api/v1/nodes", None).await.status.as_u16(), 401);
    place.does("PATCH", "/api/v1/users/ann", json!({"spec": {"disabled": false}})).await;
    place.does("DELETE", "/api/v1/rolebindings/ann", Value::Null).await;
    assert_eq!(place.ask(&ann, "GET", "/api/v1/nodes", None).await.status.as_u16(), 403);
}
