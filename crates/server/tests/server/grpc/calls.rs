//! Every call that there is, as a client makes it.

use serde_json::{Value, json};
use tonic::Code;
use windlass_rpc::v1;
use windlass_rpc::v1::control_request::Command;
use windlass_rpc::v1::patch_request::Patch;
use windlass_rpc::v1::submit_request::What;

use super::super::client::Place;
use super::{Services, problem};

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn objects_are_made_changed_compared_and_deleted() {
    let place = Place::new().await;
    let mut objects = Services::new(&place, &place.admin).await.objects;
    let kinds = objects.kinds(v1::KindsRequest {}).await.unwrap().into_inner().kinds;
    assert!(kinds.iter().any(|kind| kind.name == "Plan" && kind.plural == "plans" && kind.namespaced));
    // The largest integer that there is, which no double can hold.
    let document = format!(
        r#"{{"metadata": {{"name": "web01", "labels": {{"role": "web"}}}}, "spec": {{"vars": {{"big": {}}}}}}}"#,
        u64::MAX
    );
    let create = v1::CreateRequest {
        kind: "Node".into(),
        namespace: String::new(),
        document_json: document.clone(),
        dry_run: false,
    };
    let made = objects.create(create.clone()).await.unwrap().into_inner();
    assert!(made.spec_json.contains("18446744073709551615"), "{}", made.spec_json);
    let metadata = made.metadata.unwrap();
    assert_eq!((&*metadata.name, &*metadata.labels["role"]), ("web01", "web"));
    assert!(metadata.version > 0 && metadata.created_at.unwrap().seconds > 1_700_000_000);
    let rest = place.sees("/api/v1/nodes/web01").await;
    assert_eq!((&rest["spec"], &rest["metadata"]["uid"]), (&json_of(&made.spec_json), &json!(metadata.uid)));
    let again = objects.create(create).await.unwrap_err();
    assert_eq!((again.code(), &*problem(&again).code), (Code::AlreadyExists, "WL-0902"));

    let apply = |document: &str, version| v1::ApplyRequest {
        kind: "nodes".into(),
        name: "web01".into(),
        document_json: document.into(),
        version,
        ..Default::default()
    };
    let same = objects.apply(apply(&document, None)).await.unwrap().into_inner();
    assert_eq!(same.applied(), v1::Applied::Unchanged);
    let changed =
        objects.apply(apply(r#"{"spec": {"vars": {"port": 81}}}"#, None)).await.unwrap().into_inner();
    assert_eq!(changed.applied(), v1::Applied::Changed);
    let stale = objects.apply(apply(r#"{"spec": {}}"#, Some(metadata.version))).await.unwrap_err();
    assert_eq!((stale.code(), &*problem(&stale).code), (Code::Aborted, "WL-0903"));
    let patch = v1::PatchRequest {
        kind: "Node".into(),
        name: "web01".into(),
        patch: Some(Patch::MergeJson(r#"{"spec": {"vars": {"port": 82}}}"#.into())),
        ..Default::default()
    };
    let patched = objects.patch(patch.clone()).await.unwrap().into_inner().object.unwrap();
    assert_eq!(json_of(&patched.spec_json)["vars"]["port"], 82);
    let operations = r#"[{"op": "replace", "path": "/spec/vars/port", "value": 83}]"#;
    let operations =
        v1::PatchRequest { patch: Some(Patch::OperationsJson(operations.into())), ..patch.clone() };
    objects.patch(operations).await.unwrap();
    let none = objects.patch(v1::PatchRequest { patch: None, ..patch }).await.unwrap_err();
    assert_eq!(none.code(), Code::InvalidArgument);
    let replace = v1::ReplaceRequest {
        kind: "Node".into(),
        name: "web01".into(),
        document_json: r#"{"metadata": {"name": "web01"}, "spec": {"vars": {"port": 84}}}"#.into(),
        ..Default::default()
    };
    objects.replace(replace).await.unwrap();
    let which = v1::RevisionsRequest {
        kind: "Node".into(),
        name: "web01".into(),
        limit: Some(2),
        ..Default::default()
    };
    let revisions = objects.revisions(which).await.unwrap().into_inner();
    assert_eq!((revisions.items.len(), revisions.items[0].number, revisions.next), (2, 5, Some(4)));
    assert_eq!((&*revisions.items[0].by, revisions.items[0].at.is_some()), ("admin", true));
    let diff = v1::DiffRequest { kind: "Node".into(), name: "web01".into(), ..Default::default() };
    let diff = objects.diff(diff).await.unwrap().into_inner();
    let port = diff.items.iter().find(|it| it.pointer == "/vars/port").unwrap();
    assert_eq!((port.from_json.as_deref(), port.to_json.as_deref()), (Some("83"), Some("84")));

    for name in ["web02", "web03"] {
        place.does("PATCH", &format!("/api/v1/nodes/{name}"), json!({})).await;
    }
    let mut names = Vec::new();
    let mut cursor = String::new();
    loop {
        let list = v1::ListRequest { kind: "Node".into(), limit: Some(2), cursor, ..Default::default() };
        let page = objects.list(list).await.unwrap().into_inner();
        assert!(page.version > 0 && page.items.len() <= 2);
        names.extend(page.items.into_iter().map(|it| it.metadata.unwrap().name));
        cursor = page.next;
        if cursor.is_empty() {
            break;
        }
    }
    assert_eq!(names, ["web01", "web02", "web03"]);
    let delete = v1::DeleteRequest { kind: "Node".into(), name: "web01".into(), ..Default::default() };
    objects.delete(delete.clone()).await.unwrap();
    let gone = objects.delete(delete).await.unwrap_err();
    assert_eq!((gone.code(), &*problem(&gone).code), (Code::NotFound, "WL-0901"));
    let audit = place.sees("/api/v1/audit").await;
    let deleted = &audit["items"][0]["what"];
    assert_eq!(
        (&deleted["verb"], &deleted["resource"]),
        (&json!("write"), &json!("Node web01")),
        "{deleted}"
    );
    assert!(deleted["from"].as_str().unwrap().starts_with("127.0.0.1:"));
}

#[tokio::test]
async fn what_is_not_understood_is_said_with_the_field() {
    let place = Place::new().await;
    let mut objects = Services::new(&place, &place.admin).await.objects;
    let get = |kind: &str, namespace: &str, name: &str| v1::GetRequest {
        kind: kind.into(),
        namespace: namespace.into(),
        name: name.into(),
    };
    for (asked, code, word) in [
        (get("Nod", "", "a"), Code::NotFound, "WL-0905"),
        (get("Node", "default", "a"), Code::InvalidArgument, "WL-0906"),
        (get("Plan", "", "a"), Code::InvalidArgument, "WL-0906"),
        (get("Plan", "default", ""), Code::InvalidArgument, "WL-0906"),
        (get("Plan", "default/plans", "a"), Code::NotFound, "WL-0901"),
    ] {
        let refused = objects.get(asked.clone()).await.unwrap_err();
        assert_eq!((refused.code(), &*problem(&refused).code), (code, word), "{asked:?} {refused:?}");
    }
    let broken = v1::CreateRequest { kind: "Node".into(), document_json: "{".into(), ..Default::default() };
    let refused = objects.create(broken).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().starts_with("`document_json`: "), "{}", refused.message());
    let wrong = r#"{"extra": 1, "spec": {"adresses": [], "parent": 5}}"#;
    let wrong = v1::CreateRequest { kind: "Node".into(), document_json: wrong.into(), ..Default::default() };
    let refused = objects.create(wrong).await.unwrap_err();
    let pointers: Vec<_> = problem(&refused).problems.into_iter().map(|it| it.pointer).collect();
    assert_eq!(pointers, ["/extra", "/spec/adresses", "/spec/parent", "/metadata/name", "/metadata/name"]);
}

async fn web(place: &Place, script: &str) {
    let plan = json!({"spec": {"params": {"word": {"default": "hello"}}, "blocks": [{"name": "b", "targets": {"nodes": ["*"]}, "concurrency": 2,
        "sequence": [{"name": "say", "use": "shell", "with": {"script": script}}]}]}});
    for node in ["web01", "web02"] {
        place
            .does("PATCH", &format!("/api/v1/nodes/{node}"), json!({"spec": {"transport": {"use": "local"}}}))
            .await;
    }
    place.does("PATCH", "/api/v1/namespaces/default/plans/work", plan).await;
}

#[tokio::test]
async fn a_run_is_previewed_submitted_followed_reported_and_retried() {
    let place = Place::new().await;
    web(&place, "echo {{ params.word }} {{ node.name }}; test {{ node.name }} = web01").await;
    let Services { mut runs, mut logs, .. } = Services::new(&place, &place.admin).await;
    let submit = v1::SubmitRequest {
        namespace: "default".into(),
        what: Some(What::Plan("work".into())),
        params_json: [("word".to_owned(), r#""hi""#.to_owned())].into(),
        run: uuid::Uuid::now_v7().to_string(),
        why: "a test".into(),
        ..Default::default()
    };
    let preview = runs.preview(submit.clone()).await.unwrap().into_inner();
    assert_eq!(
        (&*preview.plan, preview.blocks[0].targets, &*preview.blocks[0].actions[0].r#use),
        ("work", 2, "shell")
    );
    let submitted = runs.submit(submit.clone()).await.unwrap().into_inner();
    assert_eq!(submitted.run, submit.run);
    let which = v1::GetRunRequest { namespace: "default".into(), run: submitted.run.clone() };
    let follow =
        v1::EventsRequest { namespace: "default".into(), run: submitted.run.clone(), ..Default::default() };
    let mut stream = runs.events(follow.clone()).await.unwrap().into_inner();
    let mut events = Vec::new();
    while let Some(event) = stream.message().await.unwrap() {
        events.push(event);
    }
    assert!(events.iter().map(|it| it.seq).eq(1..=events.len() as u64));
    assert_eq!(events.last().unwrap().kind, "finished");
    assert_eq!(json_of(&events[0].event_json)["seq"], 1);
    let finite = v1::EventsRequest { from: 2, no_follow: true, form: 1, ..follow };
    let mut stream = runs.events(finite).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap().map(|it| (it.seq, it.kind)), Some((2, "record".to_owned())));
    let run = runs.get(which.clone()).await.unwrap().into_inner();
    assert_eq!((run.status(), &*run.user, run.targets), (v1::RunStatus::Failed, "admin", 2));
    assert!(run.reason.unwrap().address.contains("web02") && run.ended_at.is_some());
    let submission = runs.submission(which.clone()).await.unwrap().into_inner();
    assert!(json_of(&submission.submission_json).is_object());
    let report = v1::ReportRequest { namespace: "default".into(), run: run.id.clone(), format: 1 };
    let report = runs.report(report).await.unwrap().into_inner();
    assert!(
        report.media_type.starts_with("text/plain")
            && String::from_utf8(report.report).unwrap().contains("web02")
    );
    let follow = v1::FollowRequest {
        namespace: "default".into(),
        run: run.id.clone(),
        nodes: vec!["web02".into()],
        follow: true,
        ..Default::default()
    };
    let mut stream = logs.follow(follow.clone()).await.unwrap().into_inner();
    let (mut lines, mut next) = (Vec::new(), 0);
    while let Some(some) = stream.message().await.unwrap() {
        lines.extend(some.lines);
        next = some.next;
    }
    let said = lines.iter().find(|line| line.text == b"hi web02").unwrap();
    assert_eq!(
        (&*said.node, &*said.source, &*said.address, said.attempt),
        ("web02", "out", "b/web02/say", 1)
    );
    assert!(lines.iter().all(|line| line.node == "web02"));
    let mut rest = logs.follow(v1::FollowRequest { from: Some(next), ..follow }).await.unwrap().into_inner();
    assert!(rest.message().await.unwrap().is_none(), "it goes on behind what was received");
    let retry = v1::RetryRequest {
        namespace: "default".into(),
        run: run.id.clone(),
        start: Some(false),
        ..Default::default()
    };
    let retried = runs.retry(retry).await.unwrap().into_inner();
    assert_eq!((&retried.group, retried.run != run.id), (&run.group, true));
    let list = v1::ListRunsRequest {
        namespace: "default".into(),
        statuses: vec![v1::RunStatus::Failed.into()],
        plans: vec!["work".into(), "other".into()],
        groups: vec![run.group.clone()],
        since: run.submitted_at,
        ..Default::default()
    };
    let page = runs.list(list).await.unwrap().into_inner();
    assert_eq!(page.items.iter().map(|it| &it.id).collect::<Vec<_>>(), [&run.id]);
    let state = v1::StateRequest { namespace: "default".into(), plan: "work".into() };
    let state = runs.state(state).await.unwrap().into_inner();
    assert_eq!((state.steps.len(), state.runs.len(), state.targets.len()), (1, 2, 2));
}

#[tokio::test]
async fn runs_are_started_paused_resumed_stopped_approved_and_rejected() {
    let place = Place::new().await;
    let approval = json!({"spec": {"approval": {"quorum": 1}, "blocks": [{"name": "b", "sequences": [{"name": "s", "actions": [
        {"name": "a", "use": "sleep", "with": {"duration": "60s"}}]}]}]}});
    place.does("PATCH", "/api/v1/namespaces/default/plans/work", approval).await;
    let bob = place.user("bob", Some("admin"), &["default"]).await;
    let mut ours = Services::new(&place, &place.admin).await.runs;
    let mut theirs = Services::new(&place, &bob).await.runs;
    let submit = v1::SubmitRequest {
        namespace: "default".into(),
        what: Some(What::Plan("work".into())),
        ..Default::default()
    };
    let run = ours.submit(submit.clone()).await.unwrap().into_inner();
    let say = |run: &str, command: Command, digest: &str| v1::ControlRequest {
        namespace: "default".into(),
        run: run.into(),
        command: command.into(),
        why: "a test".into(),
        digest: digest.into(),
    };
    let own = ours.control(say(&run.run, Command::Approve, "")).await.unwrap_err();
    assert_eq!((own.code(), &*problem(&own).code), (Code::FailedPrecondition, "WL-0304"));
    let other = theirs.control(say(&run.run, Command::Approve, "another")).await.unwrap_err();
    assert_eq!((other.code(), &*problem(&other).code), (Code::FailedPrecondition, "WL-0305"));
    theirs.control(say(&run.run, Command::Approve, &run.digest)).await.unwrap();
    for command in [Command::Pause, Command::Resume, Command::Stop, Command::Cancel, Command::Kill] {
        ours.control(say(&run.run, command, "")).await.unwrap();
    }
    assert_eq!(place.ended(&run.run).await["status"], "stopped");
    let late = ours.control(say(&run.run, Command::Pause, "")).await.unwrap_err();
    assert_eq!((late.code(), &*problem(&late).code), (Code::FailedPrecondition, "WL-0302"));
    let rejected = ours.submit(submit.clone()).await.unwrap().into_inner();
    theirs.control(say(&rejected.run, Command::Reject, "")).await.unwrap();
    assert_eq!(place.ended(&rejected.run).await["status"], "stopped");
    let none = ours.control(say(&rejected.run, Command::Unspecified, "")).await.unwrap_err();
    assert_eq!(none.code(), Code::InvalidArgument);
    let simple = json!({"spec": {"blocks": [{"name": "b", "sequences": [{"name": "s", "actions": [{"name": "a", "use": "noop"}]}]}]}});
    place.does("PATCH", "/api/v1/namespaces/default/plans/simple", simple).await;
    let held = v1::SubmitRequest { what: Some(What::Plan("simple".into())), start: Some(false), ..submit };
    let held = ours.submit(held).await.unwrap().into_inner();
    ours.control(say(&held.run, Command::Start, "")).await.unwrap();
    assert_eq!(place.ended(&held.run).await["status"], "succeeded");
    let resolve = v1::ResolveRequest {
        namespace: "default".into(),
        run: held.run,
        address: "b/s/a".into(),
        verdict: v1::resolve_request::Verdict::Done.into(),
        why: "a test".into(),
    };
    let nothing = ours.resolve(resolve.clone()).await.unwrap_err();
    assert_eq!((nothing.code(), &*problem(&nothing).code), (Code::FailedPrecondition, "WL-0302"));
    let unsaid = ours.resolve(v1::ResolveRequest { verdict: 0, ..resolve }).await.unwrap_err();
    assert_eq!(unsaid.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn people_agents_the_record_and_the_server_are_asked_as_over_rest() {
    let place = Place::new().await;
    place.user("ada", Some("viewer"), &["default"]).await;
    let Services { mut people, mut agents, mut audit, mut inventory, mut operating, .. } =
        Services::new(&place, &place.admin).await;
    let words = |words: &[&str]| v1::Words { words: words.iter().map(|word| (*word).to_owned()).collect() };
    let wanted = v1::IssueTokenRequest {
        user: "ada".into(),
        note: "of a test".into(),
        expires_in: "1h".into(),
        namespaces: Some(words(&["default"])),
        verbs: Some(words(&["view"])),
    };
    let made = people.issue_token(wanted.clone()).await.unwrap().into_inner();
    let mut ada = Services::new(&place, &made.token).await;
    let me = ada.people.who_am_i(v1::WhoAmIRequest {}).await.unwrap().into_inner();
    assert_eq!((&*me.user, me.namespaces), ("ada", Some(words(&["default"]))));
    assert!(me.rights["default"].words.contains(&"view Run".to_owned()), "{:?}", me.rights);
    let tokens = ada.people.list_tokens(v1::ListTokensRequest {}).await.unwrap().into_inner().items;
    let own = tokens.iter().find(|token| token.id == made.id).unwrap();
    assert_eq!((&*own.note, own.verbs.clone()), ("of a test", Some(words(&["view"]))));
    assert!(own.expires_at.unwrap().seconds > own.created_at.unwrap().seconds);
    for (wanted, why) in [
        (v1::IssueTokenRequest { expires_in: "soon".into(), ..wanted.clone() }, "`expires_in`"),
        (v1::IssueTokenRequest { verbs: Some(words(&["fly"])), ..wanted }, "there is no verb `fly`"),
    ] {
        let refused = people.issue_token(wanted).await.unwrap_err();
        assert!(refused.code() == Code::InvalidArgument && refused.message().contains(why), "{refused:?}");
    }
    people.revoke_token(v1::RevokeTokenRequest { id: made.id }).await.unwrap();
    let gone = ada.people.who_am_i(v1::WhoAmIRequest {}).await.unwrap_err();
    assert_eq!(gone.code(), Code::Unauthenticated);
    let password = v1::SetPasswordRequest {
        user: "ada".into(),
        password: "correct horse battery".into(),
        current: String::new(),
    };
    people.set_password(password).await.unwrap();
    let signs_in = json!({"user": "ada", "password": "correct horse battery"});
    let signed_in = async || place.ask("", "POST", "/api/v1/sessions", Some(&signs_in)).await.status.as_u16();
    assert_eq!(signed_in().await, 201);
    people.remove_password(v1::RemovePasswordRequest { user: "ada".into() }).await.unwrap();
    assert_eq!(signed_in().await, 401);

    let wanted = v1::IssueAgentTokenRequest { nodes: "web*".into(), uses: Some(3), ..Default::default() };
    let made = agents.issue_token(wanted).await.unwrap().into_inner();
    let view = made.view.unwrap();
    assert_eq!((&*view.nodes, view.uses, made.token.is_empty()), ("web*", 3, false));
    let listed = agents.list_tokens(v1::ListAgentTokensRequest {}).await.unwrap().into_inner().items;
    assert_eq!(listed, std::slice::from_ref(&view));
    agents.end_token(v1::EndAgentTokenRequest { id: view.id }).await.unwrap();
    assert!(agents.list(v1::ListAgentsRequest::default()).await.unwrap().into_inner().items.is_empty());

    let page = audit.list(v1::ListAuditRequest { limit: Some(2), before: None }).await.unwrap().into_inner();
    let rest = place.sees("/api/v1/audit?limit=2").await;
    let (newest, said) = (&page.items[0], &rest["items"][0]);
    assert_eq!(json!([newest.seq, newest.hash, newest.outcome]), json!([said["seq"], said["hash"], "done"]));
    assert_eq!(page.next, rest["next"].as_u64());
    let verified = audit.verify(v1::VerifyAuditRequest {}).await.unwrap().into_inner();
    assert!(verified.whole && verified.entries >= newest.seq, "{verified:?}");

    let node = json!({"spec": {"vars": {"port": 80, "password": "canary-hunter2"}}});
    place.does("PATCH", "/api/v1/nodes/web01", node).await;
    let document =
        inventory.get(v1::GetInventoryRequest { namespace: "default".into(), facts: false }).await.unwrap();
    let rest = place.sees("/api/v1/namespaces/default/inventory").await;
    assert_eq!(json_of(&document.into_inner().document_json), rest);
    let asked = v1::NodeVarsRequest { namespace: "default".into(), node: "web01".into() };
    let vars = inventory.vars(asked).await.unwrap().into_inner().items;
    assert!(vars.iter().any(|var| var.key == "port" && var.value_json == "80"), "{vars:?}");
    assert!(!format!("{vars:?}").contains("hunter2"), "{vars:?}");

    let wanted = v1::BackUpRequest { keys: false, without_logs: true };
    let mut pieces = operating.back_up(wanted).await.unwrap().into_inner();
    let mut backup = Vec::new();
    while let Some(v1::BackupPiece { piece }) = pieces.message().await.unwrap() {
        backup.extend(piece);
    }
    windlass_server::check(backup.as_slice()).unwrap();
    let retained = operating.retain(v1::RetainRequest { let_go: false }).await.unwrap().into_inner();
    assert!(retained.dry_run && retained.items.is_empty(), "{retained:?}");
}
