//! Joining, being revoked, and certificates that end.

use super::*;

async fn refused(camp: &Camp, token: &str, node: &str) -> Error {
    let home = tempfile::tempdir().unwrap();
    let error = join(&Home::at(home.path()), &camp.joining(token, node)).await.unwrap_err();
    assert!(!home.path().join("agent.json").exists());
    error
}

#[tokio::test]
async fn a_token_is_for_its_node_once_and_until_it_ends() {
    let camp = Camp::new().await;
    let token = camp.token(json!({"nodes": "web01"})).await;
    let home = tempfile::tempdir().unwrap();
    let other = refused(&camp, &token, "db01").await;
    assert_eq!(other.to_string(), "the server refuses: the join token is for `web01`, and not for `db01`");
    let identity = join(&Home::at(home.path()), &camp.joining(&token, "web01")).await.unwrap();
    assert_eq!(identity.node, "web01");
    let again = refused(&camp, &token, "web01").await;
    assert!(again.to_string().contains("the join token was used up at"), "{again}");
    assert_eq!(again.code(), windlass_model::code::JOIN_REFUSED);
    let short = camp.token(json!({"nodes": "web02", "expiresIn": "1ms"})).await;
    let over = refused(&camp, &short, "web02").await;
    assert!(over.to_string().contains("the join token was good until"), "{over}");
    let ended = camp.token(json!({"nodes": "web02"})).await;
    let id = ended.split('_').nth(1).unwrap();
    camp.place.ask(&camp.place.admin, "DELETE", &format!("/api/v1/agenttokens/{id}"), None).await;
    let ended = refused(&camp, &ended, "web02").await;
    assert!(ended.to_string().contains("is not known here"), "{ended}");
    // A second machine does not become the agent of a node that has one.
    let second = camp.token(json!({"nodes": "web01"})).await;
    let taken = refused(&camp, &second, "web01").await;
    assert!(taken.to_string().contains("`web01` has an agent, which joined at"), "{taken}");
    assert_eq!(taken.code(), windlass_model::code::AGENT_TAKEN);
    let audit = camp.audit().await;
    for text in ["\"agent web01\"", "\"join\"", "\"denied\"", "used up", "\"createAgentToken\""] {
        assert!(audit.contains(text) || text.contains("createAgentToken"), "{text}: {audit}");
    }
    assert!(!audit.contains(&token), "no token is in the record");
}

#[tokio::test]
async fn another_server_gets_no_token_to_see() {
    let (camp, other) = (Camp::new().await, Camp::new().await);
    let token = camp.token(json!({"nodes": "web01"})).await;
    let error = refused(&other, &token, "web01").await;
    assert!(matches!(error, Error::Trust { .. }), "{error:?}");
    // Nothing of it was spent.
    let home = tempfile::tempdir().unwrap();
    join(&Home::at(home.path()), &camp.joining(&token, "web01")).await.unwrap();
}

#[tokio::test]
async fn who_is_revoked_is_cut_at_once_and_does_not_come_back() {
    let camp = Camp::new().await;
    let agent = camp.agent("web01").await;
    let go = agent.home.path().join("begun");
    let script = format!("touch {}; sleep 60", go.display());
    let run = camp
        .submit(json!(["web01"]), json!([{"name": "wait", "use": "shell", "with": {"script": script}}]))
        .await;
    until("it has begun", || async { go.exists() }).await;
    let begun = std::time::Instant::now();
    let revoked = camp.place.ask(&camp.place.admin, "DELETE", "/api/v1/agents/web01", None).await;
    assert_eq!((revoked.status.as_u16(), &revoked.body["state"]), (200, &json!("revoked")));
    let ended = camp.place.ended(&run).await;
    assert!(begun.elapsed() < Duration::from_secs(10), "the run hears of it at once");
    assert_eq!(ended["status"], "failed", "{ended}");
    let report = camp.report(&run).await;
    assert!(report.contains("was revoked"), "{report}");
    agent.says("this agent was revoked").await;
    agent.says("the agent of `web01` was revoked at").await;
    assert_eq!(camp.hub.count(), 0);
    until("the node's status says so", || async {
        camp.place.sees("/api/v1/nodes/web01").await["status"]["agent"]["state"] == "revoked"
    })
    .await;
    // It may join again, and is served while it still tries.
    let token = camp.token(json!({"nodes": "web01"})).await;
    let home = agent.end().await;
    join(&Home::at(home.path()), &camp.joining(&token, "web01")).await.unwrap();
    let agent = Agent::serve(home);
    camp.is("web01", "connected").await;
    drop(agent);
}

#[tokio::test]
async fn certificates_renew_themselves_while_work_goes_on_and_end_where_they_do_not() {
    let life = Duration::from_secs(6);
    let camp = Camp::like(windlass_hub::Options::default(), |options| Options {
        enrol: windlass_enrol::Options { life },
        ..options
    })
    .await;
    let agent = camp.agent("web01").await;
    let first = agent.identity();
    let stays = camp.agent("db01").await;
    let home = stays.end().await;
    let file = agent.home.path().join("counter");
    let script = format!("echo x >> {}; sleep 9; echo end >> {}", file.display(), file.display());
    let ended = camp
        .runs(json!(["web01"]), json!([{"name": "wait", "use": "shell", "with": {"script": script}}]))
        .await;
    assert_eq!(ended["status"], "succeeded");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "x\nend\n");
    let now = agent.identity();
    assert_ne!(first.certificate, now.certificate);
    assert_ne!(first.key, now.key);
    camp.is("web01", "connected").await;
    // Who was away for longer than its certificate was good is not taken in.
    let late = Agent::serve(home);
    late.says("is not trusted, or does not trust this agent").await;
    assert_eq!(camp.hub.count(), 1);
}

#[tokio::test]
async fn beside_the_certificate_of_the_operator_agents_ask_for_a_name_of_their_own() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server/tls");
    let tls = windlass_server::Tls { certificate: here.join("cert.pem"), key: here.join("key.pem") };
    let directory = tempfile::tempdir().unwrap();
    let hub = Hub::default();
    let server = open(directory.path(), &hub, |options| Options { tls: Some(tls), ..options }).await;
    let enrol = hub.enrol().unwrap();
    let wanted = windlass_enrol::Wanted {
        nodes: "web01".into(),
        uses: 1,
        expires_at: windlass_runtime::Clock::system().now() + Duration::from_secs(60),
        replaces: false,
        by: "a test".into(),
    };
    let made = enrol.make(wanted, windlass_runtime::Clock::system().now()).await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let joining = Joining {
        server: format!("https://{}", server.address()),
        token: made.token.text(),
        node: Some("web01".into()),
    };
    join(&Home::at(home.path()), &joining).await.unwrap();
    let agent = Agent::serve(home);
    until("it is here", || async { hub.count() == 1 }).await;
    drop(agent);
}
