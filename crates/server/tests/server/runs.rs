//! Runs over HTTP: tenants, freezes, approvals, secrets.

use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use super::client::Place;

/// A namespace with nodes of its own, and a plan over them.
async fn team(place: &Place, name: &str, nodes: &[&str], sequence: Value) {
    let spec = json!({"spec": {"nodes": {"labels": format!("team={name}"), "allowEmpty": true}}});
    place.does("PATCH", &format!("/api/v1/namespaces/{name}"), spec).await;
    for node in nodes {
        let node_spec =
            json!({"metadata": {"labels": {"team": name}}, "spec": {"transport": {"use": "local"}}});
        place.does("PATCH", &format!("/api/v1/nodes/{node}"), node_spec).await;
    }
    let blocks = json!([{"name": "b", "targets": {"nodes": ["*"]}, "concurrency": 2, "sequence": sequence}]);
    place
        .does("PATCH", &format!("/api/v1/namespaces/{name}/plans/work"), json!({"spec": {"blocks": blocks}}))
        .await;
}

async fn submit(place: &Place, namespace: &str, body: Value) -> String {
    let made = place.does("POST", &format!("/api/v1/namespaces/{namespace}/runs"), body).await;
    made["run"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_plan_is_run_followed_and_reported() {
    let place = Place::new().await;
    let sequence = json!([{"name": "say", "use": "shell", "with": {"script": "echo {{ vars.greeting }} {{ node.name }}"}}]);
    team(&place, "web", &["web01", "web02"], sequence).await;
    place
        .does("PATCH", "/api/v1/namespaces/web/variables/v", json!({"spec": {"vars": {"greeting": "hello"}}}))
        .await;
    let run = submit(&place, "web", json!({"plan": "work", "why": "because"})).await;
    let path = format!("/api/v1/namespaces/web/runs/{run}");
    let stream = place.send(&place.admin, "GET", &format!("{path}/events"), "", None).await;
    let text = String::from_utf8(stream.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
    let seqs: Vec<u64> = text.lines().filter_map(|line| line.strip_prefix("id: ")?.parse().ok()).collect();
    assert!(seqs.iter().copied().eq(1..=seqs.len() as u64), "each event once, in order: {seqs:?}");
    assert!(text.contains("event: finished"), "the stream ends with the run: {text}");
    let view = place.ended(&run).await;
    assert_eq!(
        (&view["status"], &view["user"], &view["targets"]),
        (&json!("succeeded"), &json!("admin"), &json!(2))
    );
    let report = place.sees(&format!("{path}/report")).await;
    assert_eq!(report["run"]["status"], "succeeded");
    for format in ["text", "html"] {
        let answer = place.ask(&place.admin, "GET", &format!("{path}/report?format={format}"), None).await;
        assert!(answer.status.is_success() && answer.text.contains("work"), "{answer:?}");
    }
    let logs = place.ask(&place.admin, "GET", &format!("{path}/logs?node=web02&follow=true"), None).await;
    assert!(logs.text.contains("hello web02") && !logs.text.contains("web01"), "{}", logs.text);
    for (asked, lines) in [("", 1), ("&tail=1", 1), ("&most=1", 1), ("&until=0", 0), ("%20NOT", 0)] {
        let logs =
            place.ask(&place.admin, "GET", &format!("{path}/logs?text=HELLO%20WEB02{asked}"), None).await;
        let found = logs.text.lines().filter(|line| line.ends_with("hello web02")).count();
        assert_eq!((found, logs.text.lines().count()), (lines, lines), "{asked}: {}", logs.text);
    }
    let again = place.ask(&place.admin, "GET", &format!("{path}/events?follow=false&from=2"), None).await;
    assert!(again.text.starts_with("id: 2") || again.text.contains("id: 2\n"), "{}", again.text);
    let listed = place.sees("/api/v1/namespaces/web/runs?status=succeeded&plan=work").await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn c15_a_run_touches_only_nodes_that_its_namespace_may() {
    let place = Place::new().await;
    let sequence = json!([{"name": "a", "use": "noop"}]);
    team(&place, "web", &["web01", "web02"], sequence.clone()).await;
    team(&place, "db", &["db01"], sequence).await;
    let run = submit(&place, "web", json!({"plan": "work"})).await;
    assert_eq!(place.ended(&run).await["targets"], 2, "all that it may, and no more");
    let blocks = json!([{"name": "b", "targets": {"nodes": ["web01", "db01"]}, "sequence": [{"name": "a", "use": "noop"}]}]);
    place.does("PATCH", "/api/v1/namespaces/web/plans/work", json!({"spec": {"blocks": blocks}})).await;
    let refused =
        place.ask(&place.admin, "POST", "/api/v1/namespaces/web/runs", Some(&json!({"plan": "work"}))).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["code"]),
        (422, &json!("WL-0801")),
        "refused as a whole: {refused:?}"
    );
    let foreign = place.ask(&place.admin, "GET", &format!("/api/v1/namespaces/db/runs/{run}"), None).await;
    assert_eq!((foreign.status.as_u16(), &foreign.body["code"]), (404, &json!("WL-0301")));
    // A node that went to others meanwhile is not touched by a retry, either.
    place
        .does(
            "PATCH",
            "/api/v1/nodes/web02",
            json!({"metadata": {"labels": {"team": "db"}}, "spec": {"transport": {"use": "local"}}}),
        )
        .await;
    let body = json!({"fromScratch": true});
    let retried = place
        .ask(&place.admin, "POST", &format!("/api/v1/namespaces/web/runs/{run}/retry"), Some(&body))
        .await;
    assert_eq!((retried.status.as_u16(), &retried.body["code"]), (409, &json!("WL-1004")), "{retried:?}");
}

#[tokio::test]
async fn c15_a_node_that_went_to_others_is_not_touched_by_what_runs_already() {
    let place = Place::new().await;
    let gate = place.directory.path().join("gate");
    let script = format!(
        "echo {{{{ node.name }}}} >> {0}.log; while [ ! -e {0} ]; do sleep 0.02; done",
        gate.display()
    );
    let sequence = json!([{"name": "a", "use": "shell", "with": {"script": script}}]);
    team(&place, "web", &["web01", "web02"], sequence.clone()).await;
    let blocks = json!([{"name": "b", "targets": {"nodes": ["*"]}, "failures": 1, "sequence": sequence}]);
    place.does("PATCH", "/api/v1/namespaces/web/plans/work", json!({"spec": {"blocks": blocks}})).await;
    let run = submit(&place, "web", json!({"plan": "work"})).await;
    let log = gate.with_extension("log");
    while !std::fs::read_to_string(&log).is_ok_and(|text| text == "web01\n") {
        tokio::task::yield_now().await;
    }
    let moved = json!({"metadata": {"labels": {"team": "db"}}, "spec": {"transport": {"use": "local"}}});
    place.does("PATCH", "/api/v1/nodes/web02", moved).await;
    std::fs::write(&gate, "").unwrap();
    place.ended(&run).await;
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "web01\n", "web02 was not touched");
    let report = place.sees(&format!("/api/v1/namespaces/web/runs/{run}/report")).await;
    let elements = report["elements"].as_array().unwrap();
    let refused = elements.iter().find(|it| it["address"] == "b/web02/a").unwrap();
    let message = refused["attempts"][0]["error"]["message"].as_str().unwrap();
    assert!(message.contains("may not be touched from the namespace web any more"), "{message}");
}

#[tokio::test]
async fn secrets_of_the_namespace_reach_the_run_and_nothing_else() {
    let place = Place::new().await;
    let sequence = json!([{"name": "a", "use": "shell", "with": {
        "script": "test \"$PASSWORD\" = canary-hunter2 && echo matched", "env": {"PASSWORD": "{{ secret('password') }}"}}}]);
    team(&place, "web", &["web01"], sequence).await;
    place
        .does(
            "PATCH",
            "/api/v1/namespaces/web/secrets/db",
            json!({"spec": {"data": {"password": "canary-hunter2"}}}),
        )
        .await;
    let run = submit(&place, "web", json!({"plan": "work"})).await;
    assert_eq!(place.ended(&run).await["status"], "succeeded");
    for path in ["report", "report?format=text", "logs", "events?follow=false"] {
        let answer =
            place.ask(&place.admin, "GET", &format!("/api/v1/namespaces/web/runs/{run}/{path}"), None).await;
        assert!(answer.status.is_success() && !answer.text.contains("hunter2"), "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn w40_a_freeze_stops_what_runs_and_refuses_what_comes() {
    let place = Place::new().await;
    let sequence = json!([{"name": "a", "use": "sleep", "with": {"duration": "60s"}}]);
    team(&place, "web", &["web01"], sequence.clone()).await;
    team(&place, "db", &["db01"], json!([{"name": "a", "use": "noop"}])).await;
    let run = submit(&place, "web", json!({"plan": "work"})).await;
    place
        .does(
            "PATCH",
            "/api/v1/freezes/now",
            json!({"spec": {"reason": "an incident", "namespaces": ["web"]}}),
        )
        .await;
    let path = format!("/api/v1/namespaces/web/runs/{run}");
    // What is in flight may end; here it is told to.
    place.does("POST", &format!("{path}/kill"), json!({"why": "a test"})).await;
    let view = place.ended(&run).await;
    assert_eq!(view["status"], "stopped");
    assert!(view["reason"]["message"].as_str().unwrap().contains("an incident"), "{view}");
    let refused =
        place.ask(&place.admin, "POST", "/api/v1/namespaces/web/runs", Some(&json!({"plan": "work"}))).await;
    assert_eq!((refused.status.as_u16(), &refused.body["code"]), (409, &json!("WL-1003")));
    let other = submit(&place, "db", json!({"plan": "work"})).await;
    assert_eq!(place.ended(&other).await["status"], "succeeded", "others go on");
    place.does("DELETE", "/api/v1/freezes/now", Value::Null).await;
    submit(&place, "web", json!({"plan": "work", "start": false})).await;
}

#[tokio::test]
async fn what_was_not_finished_goes_on_when_the_server_comes_back() {
    let place = Place::new().await;
    let sequence = json!([{"name": "first", "use": "noop"}, {"name": "wait", "use": "sleep", "with": {"duration": "300ms"}}]);
    team(&place, "web", &["web01", "web02", "web03", "web04"], sequence).await;
    let run = submit(&place, "web", json!({"plan": "work"})).await;
    let place = place.again().await;
    assert!(
        place.server.taken_over().runs.iter().any(|taken| taken.to_string() == run)
            || place.ended(&run).await["status"] == "succeeded"
    );
    assert_eq!(place.ended(&run).await["status"], "succeeded");
    let other = submit(&place, "web", json!({"plan": "work", "noop": true})).await;
    assert_eq!(place.ended(&other).await["status"], "succeeded");
}

#[tokio::test]
async fn people_pause_approve_and_resolve_over_the_api() {
    let place = Place::new().await;
    team(&place, "web", &["web01"], json!([{"name": "a", "use": "noop"}])).await;
    let approval = json!({"spec": {"approval": {"quorum": 1}}});
    let patched = place
        .ask_as(
            &place.admin,
            "PATCH",
            "/api/v1/namespaces/web/plans/work",
            "application/merge-patch+json",
            Some(&approval),
        )
        .await;
    assert!(patched.status.is_success(), "{patched:?}");
    let operator = place.user("op", Some("operator"), &["web"]).await;
    let approver = place.user("ann", Some("approver"), &["web"]).await;
    let made =
        place.ask(&operator, "POST", "/api/v1/namespaces/web/runs", Some(&json!({"plan": "work"}))).await;
    assert_eq!(made.status.as_u16(), 201, "{made:?}");
    let (run, digest) = (made.body["run"].as_str().unwrap(), made.body["digest"].as_str().unwrap());
    let path = format!("/api/v1/namespaces/web/runs/{run}");
    let own = place.ask(&operator, "POST", &format!("{path}/approve"), Some(&json!({}))).await;
    assert_eq!(own.status.as_u16(), 403);
    let wrong = digest.chars().rev().collect::<String>();
    let other =
        place.ask(&approver, "POST", &format!("{path}/approve"), Some(&json!({"digest": wrong}))).await;
    assert_eq!(other.status.as_u16(), 409, "{other:?}");
    let agreed = place
        .ask(&approver, "POST", &format!("{path}/approve"), Some(&json!({"digest": digest, "why": "fine"})))
        .await;
    assert_eq!(agreed.status.as_u16(), 204, "{agreed:?}");
    assert_eq!(place.ended(run).await["status"], "succeeded");
    let late = place.ask(&operator, "POST", &format!("{path}/pause"), Some(&json!({}))).await;
    assert_eq!(late.status.as_u16(), 409);
    let unknown = place.ask(&operator, "POST", &format!("{path}/explode"), Some(&json!({}))).await;
    assert_eq!(unknown.status.as_u16(), 404);
}

#[tokio::test]
async fn nothing_runs_on_the_machine_of_the_server_for_those_who_may_only_write_plans() {
    let place = Place::new().await;
    team(&place, "web", &["web01"], json!([{"name": "a", "use": "noop"}])).await;
    let author = place.user("ann", Some("admin"), &["web"]).await;
    let shell = json!({"name": "sneak", "use": "shell", "with": {"script": "id"}});
    let check = json!({"name": "look", "use": "command.check", "with": {"argv": ["id"]}});
    let at_a_node = json!([{"name": "a", "use": "shell", "with": {"script": "id"}}]);
    let targets = json!({"nodes": ["web01"]});
    let sneaky = [
        (json!({"blocks": [{"name": "b", "sequences": [{"name": "s", "actions": [shell]}]}]}), "b/s/sneak"),
        (
            json!({"blocks": [{"name": "b", "targets": targets, "sequence": at_a_node, "checks": {"pre": [check]}}]}),
            "b/checks.pre/look",
        ),
        (
            json!({"blocks": [{"name": "b", "targets": targets, "sequence": at_a_node}], "deferred": [{"name": "d", "actions": [shell]}]}),
            "deferred/d/sneak",
        ),
        (
            json!({"blocks": [{"name": "b", "sequences": [{"name": "s", "actions": [{"name": "sneak", "use": "shell", "on": "web01", "with": {"script": "id"}}]}]}]}),
            "b/s/sneak",
        ),
    ];
    for (spec, address) in sneaky {
        place.does("PUT", "/api/v1/namespaces/web/plans/work", json!({"spec": spec})).await;
        let refused =
            place.ask(&author, "POST", "/api/v1/namespaces/web/runs", Some(&json!({"plan": "work"}))).await;
        assert_eq!((refused.status.as_u16(), &refused.body["code"]), (403, &json!("WL-1002")), "{refused:?}");
        assert_eq!(refused.body["problems"][0]["address"], address);
        let made = place
            .ask(
                &place.admin,
                "POST",
                "/api/v1/namespaces/web/runs",
                Some(&json!({"plan": "work", "start": false})),
            )
            .await;
        assert_eq!(made.status.as_u16(), 201, "somebody who may everywhere: {made:?}");
    }
    let spec = json!({"spec": {"blocks": [{"name": "b", "targets": targets, "sequence": at_a_node}]}});
    place.does("PUT", "/api/v1/namespaces/web/plans/work", spec).await;
    let fine =
        place.ask(&author, "POST", "/api/v1/namespaces/web/runs", Some(&json!({"plan": "work"}))).await;
    assert_eq!(fine.status.as_u16(), 201, "{fine:?}");
}

#[tokio::test]
async fn p37_what_is_wrong_with_a_run_is_answered_with_its_own_status() {
    let place = Place::new().await;
    let sequence = json!([{"name": "say", "use": "shell", "with": {"script": "exit 3"}}]);
    team(&place, "web", &["web01"], sequence).await;
    let params = json!({"spec": {"params": {"n": {"type": "int", "default": 1}}, "blocks": [
        {"name": "b", "sequences": [{"name": "s", "actions": [{"name": "a", "use": "sleep", "with": {"duration": "1h"}}]}]},
    ]}});
    place.does("PATCH", "/api/v1/namespaces/web/plans/typed", params).await;
    let run = submit(&place, "web", json!({"plan": "work"})).await;
    assert_eq!(place.ended(&run).await["status"], "failed", "an action that fails fails its run");
    let runs = "/api/v1/namespaces/web/runs";
    for (body, status, code) in [
        (json!({"plan": "typed", "stepSet": "nightly"}), 422, "WL-0213"),
        (json!({"plan": "typed", "typedParams": {"n": "many"}}), 422, "WL-0215"),
        (json!({"plan": "typed", "params": {"n": "1"}}), 422, "WL-0215"),
        (json!({"plan": "nothing"}), 404, "WL-0901"),
        (json!({}), 400, "WL-0906"),
        (json!({"plan": "typed", "colour": "red"}), 400, "WL-0906"),
    ] {
        let answer = place.ask(&place.admin, "POST", runs, Some(&body)).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body["code"].as_str().unwrap()),
            (status, code),
            "{body}: {answer:?}"
        );
    }
    assert_eq!(place.ask("wl_wrong", "POST", runs, Some(&json!({}))).await.status.as_u16(), 401);
    // What has ended takes no commands, and what runs keeps its plan.
    let stopped = place.ask(&place.admin, "POST", &format!("{runs}/{run}/stop"), Some(&json!({}))).await;
    assert_eq!(stopped.status.as_u16(), 409, "{stopped:?}");
}

#[tokio::test]
async fn w20_over_the_api_an_existing_id_is_refused_and_lists_are_newest_first() {
    let place = Place::new().await;
    team(&place, "web", &["web01"], json!([{"name": "say", "use": "noop"}])).await;
    let mut made = Vec::new();
    for group in ["a", "b", "a"] {
        let group = uuid::Uuid::from_bytes([group.as_bytes()[0]; 16]);
        made.push(submit(&place, "web", json!({"plan": "work", "group": group, "start": false})).await);
    }
    let runs = "/api/v1/namespaces/web/runs";
    let again = place.ask(&place.admin, "POST", runs, Some(&json!({"plan": "work", "run": made[0]}))).await;
    assert_eq!((again.status.as_u16(), &again.body["code"]), (409, &json!("WL-0308")), "{again:?}");
    let ids = async |query: &str| -> Vec<String> {
        let page = place.sees(&format!("{runs}?{query}")).await;
        page["items"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect()
    };
    let [first, second, third] = &made[..] else { panic!() };
    assert_eq!(ids("").await, [third, second, first].map(String::clone));
    assert_eq!(ids("limit=2").await, [third, second].map(String::clone));
    let group = uuid::Uuid::from_bytes([b'a'; 16]);
    assert_eq!(ids(&format!("group={group}")).await, [third, first].map(String::clone));
    // All kinds must fit, and of each one of those that are given.
    assert_eq!(
        ids(&format!("group={group}&id={first}&status=submitted,running")).await,
        std::slice::from_ref(first)
    );
    assert_eq!(ids(&format!("group={group}&status=succeeded,failed")).await, Vec::<String>::new());
}

#[tokio::test]
async fn w31_over_the_api_a_run_pauses_goes_on_and_stops_however_often_it_is_said() {
    let place = Place::new().await;
    let gate = place.directory.path().join("gate");
    let script = format!("while [ ! -e {} ]; do sleep 0.02; done", gate.display());
    let sequence = json!([
        {"name": "wait", "use": "shell", "timeout": "1h", "with": {"script": script}},
        {"name": "then", "use": "noop"},
    ]);
    team(&place, "web", &["web01"], sequence).await;
    let run = submit(&place, "web", json!({"plan": "work"})).await;
    let path = format!("/api/v1/namespaces/web/runs/{run}");
    let says = async |word: &str| {
        let said = json!({"why": "a test"});
        place.ask(&place.admin, "POST", &format!("{path}/{word}"), Some(&said)).await.status.as_u16()
    };
    for word in ["pause", "pause", "resume", "resume", "pause", "stop", "stop"] {
        assert_eq!(says(word).await, 204, "{word}");
    }
    let place = {
        std::fs::write(&gate, "").unwrap();
        place
    };
    let ended = place.ended(&run).await;
    assert_eq!(ended["status"], "stopped", "{ended}");
    let events = place.ask(&place.admin, "GET", &format!("{path}/events?follow=false"), None).await.text;
    let commanded = events.matches("\"why\":\"a test\"").count();
    assert!(commanded >= 4, "each that changed something is in the record with who and why: {events}");
}

/// What a stream of a plan says: the id of each message, and the run and number of each event.
fn happened(text: &str) -> (Vec<String>, Vec<(String, u64)>) {
    let ids = text.lines().filter_map(|line| Some(line.strip_prefix("id: ")?.to_owned())).collect();
    let data =
        text.lines().filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok());
    let events = data.flat_map(|data| {
        let run = data["run"].as_str().unwrap().to_owned();
        let events = data["events"].as_array().unwrap().clone();
        events.into_iter().map(move |event| (run.clone(), event["seq"].as_u64().unwrap()))
    });
    (ids, events.collect())
}

#[tokio::test]
async fn p39_the_state_of_a_plan_is_followed_over_all_its_runs_without_gap_or_repeat() {
    let place = Place::new().await;
    team(&place, "web", &["web01", "web02"], json!([{"name": "say", "use": "noop"}])).await;
    let other = json!({"spec": {"blocks": [{"name": "b", "sequences": [{"name": "s", "actions": [{"name": "a", "use": "noop"}]}]}]}});
    place.does("PATCH", "/api/v1/namespaces/web/plans/other", other).await;
    let path = "/api/v1/namespaces/web/plans/work/state";
    let before = place.sees(path).await;
    assert_eq!((&before["runs"], &before["targets"]), (&json!([]), &json!([])));
    assert_eq!(before["steps"][0]["actions"], json!([{"name": "say", "use": "noop"}]));
    let mut runs = Vec::new();
    for plan in ["work", "other", "work"] {
        let run = submit(&place, "web", json!({"plan": plan})).await;
        assert_eq!(place.ended(&run).await["status"], "succeeded");
        runs.push(run);
    }
    let after = place.sees(path).await;
    let ids: Vec<&Value> = after["runs"].as_array().unwrap().iter().map(|run| &run["id"]).collect();
    assert_eq!(ids, [&json!(runs[2]), &json!(runs[0])], "the newest first, and none of another plan");
    let target = |node: &str| json!({"node": node, "block": "b", "run": runs[2], "status": "succeeded"});
    assert_eq!(after["targets"], json!([target("web01"), target("web02")]));

    // From the first state on, cut after each message, and taken up again there.
    let mut last: Option<String> = None;
    let mut seen: Vec<(String, u64)> = Vec::new();
    let is_over = |seen: &[(String, u64)], expect: &[(String, u64)]| seen.len() >= expect.len();
    let mut expect = Vec::new();
    for run in [&runs[0], &runs[2]] {
        let events = place
            .ask(&place.admin, "GET", &format!("/api/v1/namespaces/web/runs/{run}/events?follow=false"), None)
            .await;
        let seqs = events.text.lines().filter_map(|line| line.strip_prefix("id: ")?.parse::<u64>().ok());
        expect.extend(seqs.map(|seq| (run.clone(), seq)));
    }
    while !is_over(&seen, &expect) {
        let watch = format!("{path}?watch=true&from={}", before["version"]);
        let text = place.first_message(&watch, last.as_deref()).await;
        let (ids, events) = happened(&text);
        assert_eq!(ids.len(), 1, "{text}");
        last = ids.first().cloned();
        seen.extend(events);
    }
    assert_eq!(seen, expect, "each event of each run once, in order");
    let viewer = place.user("eve", Some("viewer"), &["default"]).await;
    assert_eq!(place.ask(&viewer, "GET", path, None).await.status.as_u16(), 404);
    let nothing = place.ask(&place.admin, "GET", "/api/v1/namespaces/web/plans/none/state", None).await;
    assert_eq!((nothing.status.as_u16(), &nothing.body["code"]), (404, &json!("WL-0901")));
}
