//! What runs do through agents.

use super::*;

#[tokio::test]
async fn an_agent_joins_and_runs_work_on_its_node_through_it() {
    let camp = Camp::new().await;
    let agent = camp.agent("web01").await;
    let file = agent.home.path().join("counter");
    let script = format!("echo x >> {}; echo hello from {{{{ node.name }}}}", file.display());
    let run = camp
        .submit(json!(["web01"]), json!([
            {"name": "say", "use": "shell", "with": {"script": script}},
            {"name": "facts", "use": "facts"},
            {"name": "write", "use": "file", "with": {"path": agent.home.path().join("motd"), "content": "hi\n"}},
        ]))
        .await;
    let ended = camp.place.ended(&run).await;
    assert_eq!(ended["status"], "succeeded", "{}", camp.report(&run).await);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "x\n");
    assert_eq!(std::fs::read_to_string(agent.home.path().join("motd")).unwrap(), "hi\n");
    let logs = format!("/api/v1/namespaces/default/runs/{run}/logs?node=web01");
    let logs = camp.place.ask(&camp.place.admin, "GET", &logs, None).await;
    assert!(logs.text.contains("hello from web01"), "{}", logs.text);
    // The node came with its agent, and its status says how it stands and what it is.
    until("the status has facts", || async {
        let status = camp.place.sees("/api/v1/nodes/web01").await["status"].clone();
        status["facts"]["os"].is_object() && status["agent"].is_object()
    })
    .await;
    let node = camp.place.sees("/api/v1/nodes/web01").await;
    assert_eq!(node["spec"]["transport"]["use"], "agent");
    assert_eq!(node["status"]["agent"]["state"], "connected");
    assert_eq!(node["status"]["agent"]["address"], "127.0.0.1");
}

#[tokio::test]
async fn work_goes_on_while_the_server_is_away_and_is_found_again() {
    let camp = Camp::new().await;
    let agent = camp.agent("web01").await;
    let (file, go) = (agent.home.path().join("counter"), agent.home.path().join("go"));
    let script = format!(
        "echo x >> {0}; echo begun; while [ ! -e {1} ]; do sleep 0.05; done; echo done",
        file.display(),
        go.display()
    );
    let run = camp
        .submit(json!(["web01"]), json!([{"name": "wait", "use": "shell", "with": {"script": script}}]))
        .await;
    until("it has begun", || async { file.exists() }).await;
    let Camp { place, .. } = camp;
    let Place { directory, server, admin } = place;
    let address = server.address();
    server.close(Duration::from_millis(200)).await.unwrap();
    std::fs::write(&go, "").unwrap();
    let hub = Hub::default();
    let server = open(directory.path(), &hub, |options| Options { listen: address, ..options }).await;
    let camp = Camp { place: Place { directory, server, admin }, hub };
    let ended = camp.place.ended(&run).await;
    assert_eq!(ended["status"], "succeeded", "{}", camp.report(&run).await);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "x\n", "it was done once");
    drop(agent);
}

#[tokio::test]
async fn an_agent_that_is_away_is_waited_for_and_then_said_to_be_away() {
    let camp = Camp::new().await;
    let agent = camp.agent("web01").await;
    let home = agent.end().await;
    camp.is("web01", "away").await;
    let node = json!({"spec": {"transport": {"use": "agent", "connectTimeout": "300ms"}}});
    camp.place.does("PATCH", "/api/v1/nodes/web01", node.clone()).await;
    camp.place.does("PATCH", "/api/v1/nodes/nobody", node).await;
    let sequence = json!([{"name": "say", "use": "command", "with": {"argv": ["true"]}}]);
    for (node, words) in [
        ("web01", "the agent of `web01` is not here"),
        ("nobody", "no agent has joined as `nobody`: make a join token"),
    ] {
        let run = camp.submit(json!([node]), sequence.clone()).await;
        assert_eq!(camp.place.ended(&run).await["status"], "failed");
        let report = camp.report(&run).await;
        assert!(report.split_whitespace().collect::<Vec<_>>().join(" ").contains(words), "{report}");
    }
    camp.place.does("PATCH", "/api/v1/nodes/web01", json!({"spec": {"transport": {"use": "agent"}}})).await;
    let run = camp.submit(json!(["web01"]), sequence).await;
    let agent = Agent::serve(home);
    assert_eq!(camp.place.ended(&run).await["status"], "succeeded", "it came in time");
    drop(agent);
}

#[tokio::test]
async fn fifty_agents_do_their_work_at_once() {
    let camp = Camp::new().await;
    let token = camp.token(json!({"nodes": "n*", "uses": 50})).await;
    let mut agents = Vec::new();
    for n in 0..50 {
        let home = tempfile::tempdir().unwrap();
        join(&Home::at(home.path()), &camp.joining(&token, &format!("n{n}"))).await.unwrap();
        agents.push(Agent::serve(home));
    }
    until("all are here", || async { camp.hub.count() == 50 }).await;
    let sequence = json!([{"name": "say", "use": "command", "with": {"argv": ["true"]}}]);
    for _ in 0..2 {
        let ended = camp.runs(json!(["n*"]), sequence.clone()).await;
        assert_eq!((&ended["status"], &ended["targets"]), (&json!("succeeded"), &json!(50)));
    }
}
