//! What nodes report of themselves, on a server: noted when a run asks, and seen by whatever is chosen from then on.

use serde_json::{Value, json};

use super::client::Place;

async fn submits(place: &Place, team: &str, targets: Value, with: Value) -> Value {
    let block = json!({"name": "b", "targets": targets, "sequence": [with]});
    let plan = json!({
        "apiVersion": "windlass.dev/v1", "kind": "Plan", "metadata": {"name": "p"}, "spec": {"blocks": [block]},
    });
    let path = format!("/api/v1/namespaces/{team}/runs");
    place.ask(&place.admin, "POST", &path, Some(&json!({"document": plan}))).await.body
}

async fn ends(place: &Place, made: &Value) {
    let run = made["run"].as_str().unwrap_or_else(|| unreachable!("{made}"));
    place.ended(run).await;
}

#[tokio::test]
async fn what_a_node_reports_counts_in_selections_and_templates_from_then_on() {
    let place = Place::new().await;
    place.does("PATCH", "/api/v1/nodes/web1", json!({})).await;
    place.does("PATCH", "/api/v1/nodes/web2", json!({"spec": {"facts": {"os": {"name": "plan9"}}}})).await;
    let spec = json!({"spec": {"nodes": {"nodes": ["*"]}}});
    place.does("PATCH", "/api/v1/namespaces/ours", spec).await;
    let facts = "/api/v1/namespaces/ours/inventory/facts";
    let seen = place.sees(facts).await;
    assert_eq!(
        seen,
        json!({"items": [{"node": "web1", "facts": {}}, {"node": "web2", "facts": {"os": {"name": "plan9"}}}]})
    );

    let all = json!({"nodes": ["*"]});
    let secret =
        submits(&place, "ours", all.clone(), json!({"name": "a", "use": "facts", "sensitive": true}));
    ends(&place, &secret.await).await;
    assert_eq!(place.sees(facts).await, seen, "what is sensitive is noted nowhere");

    let asked = submits(&place, "ours", all, json!({"name": "a", "use": "facts"})).await;
    ends(&place, &asked).await;
    let seen = place.sees(&format!("{facts}?selection=web1")).await;
    let (node, kernel) = (&seen["items"][0], &seen["items"][0]["facts"]["kernel"]["release"]);
    assert_eq!((&node["node"], seen["items"].as_array().unwrap().len()), (&json!("web1"), 1));
    assert!(kernel.is_string() && node["at"].is_string(), "{seen}");
    let said = &place.sees(&format!("{facts}?selection=web2")).await["items"][0]["facts"];
    assert_eq!((&said["os"], &said["kernel"]["release"]), (&json!({"name": "plan9"}), kernel), "over it");

    // A selection chooses by it, and a template is rendered with it.
    let text = kernel.as_str().unwrap();
    let by = json!({"where": format!("facts.kernel.release == '{text}' and facts.os.name != 'plan9'")});
    let echo = json!({"name": "a", "use": "shell", "with": {"script": "echo {{ facts.kernel.release }}"}});
    let made = submits(&place, "ours", by, echo).await;
    ends(&place, &made).await;
    let run = made["run"].as_str().unwrap();
    let report = place.sees(&format!("/api/v1/namespaces/ours/runs/{run}/report")).await.to_string();
    assert!(report.contains("web1") && !report.contains("web2"), "{report}");
    let logs = format!("/api/v1/namespaces/ours/runs/{run}/logs");
    let logs = place.ask(&place.admin, "GET", &logs, None).await.text;
    assert!(logs.contains(text), "{logs}");

    // Whoever asks about it may view the inventory, and asks for nodes that are there.
    for (selection, status) in [("web9", 422), ("where:facts.", 422), ("*&more=1", 400)] {
        let asked = place.ask(&place.admin, "GET", &format!("{facts}?selection={selection}"), None).await;
        assert_eq!(asked.status.as_u16(), status, "{selection}: {}", asked.text);
    }
}

#[tokio::test]
async fn nodes_are_not_granted_for_what_they_report() {
    let place = Place::new().await;
    place.does("PATCH", "/api/v1/nodes/web1", json!({})).await;
    let everything = json!({"spec": {"nodes": {"nodes": ["*"]}}});
    place.does("PATCH", "/api/v1/namespaces/ours", everything).await;
    let picky = json!({"spec": {"nodes": {"where": "facts.kernel.release != ''", "allowEmpty": true}}});
    place.does("PATCH", "/api/v1/namespaces/theirs", picky).await;
    let asked = submits(&place, "ours", json!({"nodes": ["*"]}), json!({"name": "a", "use": "facts"})).await;
    ends(&place, &asked).await;
    assert!(place.sees("/api/v1/nodes/web1").await["status"]["facts"]["kernel"]["release"].is_string());
    let theirs = place.sees("/api/v1/namespaces/theirs/inventory/facts").await;
    assert_eq!(theirs, json!({"items": []}));
}

#[tokio::test]
async fn what_nodes_report_is_gathered_for_whatever_looks_at_it() {
    let place = Place::new().await;
    place.does("PATCH", "/api/v1/nodes/web1", json!({})).await;
    let everything = json!({"spec": {"nodes": {"nodes": ["*"]}}});
    place.does("PATCH", "/api/v1/namespaces/ours", everything).await;
    let all = json!({"nodes": ["*"]});
    let asked = submits(&place, "ours", all.clone(), json!({"name": "a", "use": "facts"})).await;
    ends(&place, &asked).await;
    let inventory = "/api/v1/namespaces/ours/inventory";
    let of = |document: &Value| document["spec"]["nodes"][0]["facts"]["kernel"]["release"].clone();
    assert!(of(&place.sees(inventory).await).is_null(), "it is much, and not asked for");
    let kernel = of(&place.sees(&format!("{inventory}?facts=true")).await);
    let kernel = kernel.as_str().unwrap();
    // By a variable that a template looks into, and by what is counted.
    let vars = json!({"spec": {"vars": {"kernel": "{{ facts.kernel.release }}"}}});
    place.does("PATCH", "/api/v1/namespaces/ours/variables/mine", vars).await;
    let echo = json!({"name": "a", "use": "shell", "with": {"script": "echo it is {{ vars.kernel }}"}});
    let made = submits(&place, "ours", all, echo).await;
    ends(&place, &made).await;
    let logs = format!("/api/v1/namespaces/ours/runs/{}/logs", made["run"].as_str().unwrap());
    let logs = place.ask(&place.admin, "GET", &logs, None).await.text;
    assert!(logs.contains(&format!("it is {kernel}")), "{logs}");
}
