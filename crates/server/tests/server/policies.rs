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

async fn simple(place: &Place) {
    let spec = json!({"blocks": [{"name": "b", "sequences": [{"name": "s", "actions": [{"name": "a", "use": "noop"}]}]}]});
    for plan in ["one", "other", "asked"] {
        let mut spec = spec.clone();
        if plan == "asked" {
            spec["approval"] = json!({"quorum": 1});
        }
        place.does("PATCH", &format!("/api/v1/namespaces/default/plans/{plan}"), json!({"spec": spec})).await;
    }
}

async fn submits(place: &Place, plan: &str) -> Answer {
    place.ask(&place.admin, "POST", "/api/v1/namespaces/default/runs", Some(&json!({"plan": plan}))).await
}

fn run_of(answer: &Answer) -> String {
    assert_eq!(answer.status.as_u16(), 201, "{answer:?}");
    answer.body["run"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn w39_a_second_run_within_the_interval_is_refused() {
    let place = Place::new().await;
    simple(&place).await;
    place.ended(&run_of(&submits(&place, "one").await)).await;
    let rate = json!({"spec": {"message": "one a day", "rate": {"most": 1, "every": "24h", "per": "plan"}}});
    place.does("PATCH", "/api/v1/policies/slow", rate).await;
    // What began before the policy was made counts.
    let refused = submits(&place, "one").await;
    is_refused(&refused, &["slow"]);
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("the policy `slow` lets 1 run of a plan begin within 1d, the next one at "),
        "{detail}"
    );
    assert!(detail.ends_with(": one a day"), "{detail}");
    let seen = place.does("POST", "/api/v1/namespaces/default/runs/preview", json!({"plan": "one"})).await;
    assert_eq!(seen["refusals"], json!([detail]));
    // Other plans are others, what only looks is not counted, and what is submitted for later begins when it begins.
    place.ended(&run_of(&submits(&place, "other").await)).await;
    is_refused(&submits(&place, "other").await, &["slow"]);
    let runs = "/api/v1/namespaces/default/runs";
    place.does("POST", runs, json!({"plan": "one", "noop": true})).await;
    let later = place.does("POST", runs, json!({"plan": "one", "start": false})).await;
    let start = format!("{runs}/{}/start", later["run"].as_str().unwrap());
    is_refused(&place.ask(&place.admin, "POST", &start, Some(&json!({}))).await, &["slow"]);
    // So does what must be approved.
    let asked: Vec<String> =
        vec![run_of(&submits(&place, "asked").await), run_of(&submits(&place, "asked").await)];
    let bob = place.user("bob", Some("admin"), &["*"]).await;
    let agrees = async |place: &Place, run: &str| {
        place.ask(&bob, "POST", &format!("{runs}/{run}/approve"), Some(&json!({}))).await
    };
    assert_eq!(agrees(&place, &asked[0]).await.status.as_u16(), 204);
    is_refused(&agrees(&place, &asked[1]).await, &["slow"]);
    assert_eq!(place.sees(&format!("{runs}/{}", asked[1])).await["approval"]["by"], json!([]));
    // Over a restart.
    let place = place.again().await;
    for plan in ["one", "other"] {
        is_refused(&submits(&place, plan).await, &["slow"]);
    }
    is_refused(&agrees(&place, &asked[1]).await, &["slow"]);
    place.does("DELETE", "/api/v1/policies/slow", Value::Null).await;
    place.ended(&run_of(&submits(&place, "one").await)).await;
    assert_eq!(agrees(&place, &asked[1]).await.status.as_u16(), 204);
}

#[tokio::test]
async fn w39_a_run_that_waits_begins_in_turn_over_a_restart_and_one_that_is_cancelled_uses_nothing_up() {
    let place = Place::new().await;
    simple(&place).await;
    let every = std::time::Duration::from_secs(3);
    let rate = json!({"spec": {"rate": {"most": 1, "every": "3s", "beyond": "wait"}}});
    place.does("PATCH", "/api/v1/policies/slow", rate).await;
    let first = submits(&place, "one").await;
    assert_eq!(first.body["waits"], Value::Null);
    let mut runs = vec![run_of(&first)];
    for plan in ["other", "one", "other"] {
        let answer = submits(&place, plan).await;
        let why = answer.body["waits"].as_str().unwrap_or_default().to_owned();
        assert!(
            why.starts_with("the policy `slow` lets 1 run begin within 3s, the next one at "),
            "{answer:?}"
        );
        let run = run_of(&answer);
        let seen = place.sees(&format!("/api/v1/namespaces/default/runs/{run}")).await;
        assert_eq!(seen["status"], "submitted");
        assert!(seen["trouble"].as_str().unwrap().starts_with("the policy `slow` lets 1 run"), "{seen}");
        runs.push(run);
    }
    let cancel = format!("/api/v1/namespaces/default/runs/{}/cancel", runs[1]);
    assert_eq!(place.ask(&place.admin, "POST", &cancel, Some(&json!({}))).await.status.as_u16(), 204);
    let place = place.again().await;
    let mut began = Vec::new();
    for run in [&runs[0], &runs[2], &runs[3]] {
        let ended = place.ended(run).await;
        assert_eq!(ended["status"], "succeeded");
        let at = place.server.runs().status(run.parse().unwrap()).await.unwrap().started_at;
        began.push(at.unwrap());
    }
    let apart: Vec<std::time::Duration> = began.windows(2).map(|two| two[1].since(two[0])).collect();
    assert!(apart.iter().all(|apart| *apart >= every), "{apart:?}");
    // The one that was cancelled took nobody's turn.
    assert!(apart[0] < every * 2, "{apart:?}");
    assert_eq!(place.ended(&runs[1]).await["status"], "stopped");
}

#[tokio::test]
async fn what_one_policy_refuses_does_not_wait_because_another_would_let_it() {
    let place = Place::new().await;
    simple(&place).await;
    let waits = json!({"spec": {"rate": {"most": 1, "every": "2h", "beyond": "wait"}}});
    place.does("PATCH", "/api/v1/policies/patient", waits).await;
    place
        .does("PATCH", "/api/v1/policies/strict", json!({"spec": {"rate": {"most": 1, "every": "1h"}}}))
        .await;
    place.ended(&run_of(&submits(&place, "one").await)).await;
    is_refused(&submits(&place, "one").await, &["strict"]);
    let seen = place.does("POST", "/api/v1/namespaces/default/runs/preview", json!({"plan": "one"})).await;
    assert!(seen["refusals"][0].as_str().unwrap().starts_with("the policy `strict`"), "{seen}");
}

#[tokio::test]
async fn a_rate_that_makes_no_sense_is_refused_when_it_is_made() {
    let place = Place::new().await;
    for (spec, detail) in [
        (json!({}), "it limits nothing: it says neither `cedar` nor `rate`"),
        (json!({"rate": {"most": 0, "every": "1h"}}), "no run could ever begin"),
        (json!({"rate": {"most": 1, "every": "0s"}}), "0s is not between 1 ms and 31d"),
        (json!({"rate": {"most": 1, "every": "32d"}}), "32d is not between 1 ms and 31d"),
    ] {
        let answer = place
            .ask_as(
                &place.admin,
                "PATCH",
                "/api/v1/policies/p",
                "application/apply+json",
                Some(&json!({"spec": spec})),
            )
            .await;
        assert_eq!((answer.status.as_u16(), &answer.body["detail"]), (422, &json!(detail)), "{answer:?}");
    }
}
