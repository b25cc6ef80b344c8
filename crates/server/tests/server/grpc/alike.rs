//! REST and gRPC, asked the same by everybody: the same is answered.

use std::future::Future;
use std::pin::Pin;

use prost::Message as _;
use serde_json::{Value, json};
use tonic::{Code, Status};
use windlass_rpc::v1;
use windlass_rpc::v1::control_request::Command;

use super::super::client::Place;
use super::super::rights::furnished;
use super::{Services, problem};

/// Where something is asked.
#[derive(Clone)]
struct At {
    namespace: String,
    name: String,
    run: String,
}

type Called = Pin<Box<dyn Future<Output = Result<(), Status>> + Send>>;
type Rest = (&'static str, String, &'static str, Option<Value>);

/// Something that is asked in both ways, so that nothing changes.
struct Row {
    call: &'static str,
    rest: fn(&At) -> Rest,
    grpc: fn(Services, At) -> Called,
}

const JSON: &str = "application/json";
const UNKNOWN: &str = r#"{"nothing of this": "is known"}"#;

fn unknown() -> Option<Value> {
    Some(serde_json::from_str(UNKNOWN).unwrap())
}

fn plans(at: &At) -> String {
    format!("/api/v1/namespaces/{}/plans", at.namespace)
}

fn runs(at: &At) -> String {
    format!("/api/v1/namespaces/{}/runs", at.namespace)
}

fn run(at: &At) -> String {
    format!("{}/{}", runs(at), at.run)
}

/// What begins well, begins well; what comes then is looked at elsewhere.
async fn begins<T>(begun: Result<tonic::Response<tonic::Streaming<T>>, Status>) -> Result<(), Status> {
    begun.map(drop)
}

macro_rules! row {
    ($call:literal, $rest:expr, $service:ident.$method:ident($message:expr)) => {
        Row {
            call: $call,
            rest: $rest,
            grpc: |services, at| {
                let Services { mut $service, .. } = services;
                let message = $message(&at);
                Box::pin(async move { $service.$method(message).await.map(drop) })
            },
        }
    };
    (stream $call:literal, $rest:expr, $service:ident.$method:ident($message:expr)) => {
        Row {
            call: $call,
            rest: $rest,
            grpc: |services, at| {
                let Services { mut $service, .. } = services;
                let message = $message(&at);
                Box::pin(async move { begins($service.$method(message).await).await })
            },
        }
    };
}

mod beside;

fn rows() -> Vec<Row> {
    let mut rows = of_objects_and_runs();
    rows.extend(beside::rows());
    rows
}

#[test]
fn every_call_is_asked_here() {
    let set = prost_types::FileDescriptorSet::decode(windlass_rpc::DESCRIPTORS).unwrap();
    let asked: Vec<&str> = rows().iter().map(|row| row.call).collect();
    for service in set.file.iter().flat_map(|file| &file.service) {
        for method in &service.method {
            let call = format!("{}/{}", service.name(), method.name());
            // Which kinds there are is said to anybody who is somebody, and REST says it in its document.
            let is_asked = asked.iter().any(|asked| asked.split(' ').next() == Some(&call));
            assert!(is_asked || call == "Objects/Kinds", "{call}");
        }
    }
}

fn of_objects_and_runs() -> Vec<Row> {
    vec![
        row!(
            "Objects/Get",
            |at| ("GET", format!("{}/{}", plans(at), at.name), JSON, None),
            objects.get(|at: &At| {
                v1::GetRequest { kind: "Plan".into(), namespace: at.namespace.clone(), name: at.name.clone() }
            })
        ),
        row!(
            "Objects/List",
            |at| ("GET", plans(at), JSON, None),
            objects.list(|at: &At| v1::ListRequest {
                kind: "plans".into(),
                namespace: at.namespace.clone(),
                ..Default::default()
            })
        ),
        row!(
            "Objects/Create",
            |at| ("POST", format!("{}?dryRun=true", plans(at)), JSON, unknown()),
            objects.create(|at: &At| v1::CreateRequest {
                kind: "Plan".into(),
                namespace: at.namespace.clone(),
                document_json: UNKNOWN.into(),
                dry_run: true,
            })
        ),
        row!(
            "Objects/Apply",
            |at| (
                "PATCH",
                format!("{}/{}?dryRun=true", plans(at), at.name),
                "application/apply+json",
                unknown()
            ),
            objects.apply(|at: &At| v1::ApplyRequest {
                kind: "Plan".into(),
                namespace: at.namespace.clone(),
                name: at.name.clone(),
                document_json: UNKNOWN.into(),
                dry_run: true,
                version: None,
            })
        ),
        row!(
            "Objects/Replace",
            |at| ("PUT", format!("{}/{}?dryRun=true&version=1", plans(at), at.name), JSON, unknown()),
            objects.replace(|at: &At| v1::ReplaceRequest {
                kind: "Plan".into(),
                namespace: at.namespace.clone(),
                name: at.name.clone(),
                document_json: UNKNOWN.into(),
                dry_run: true,
                version: Some(1),
            })
        ),
        row!(
            "Objects/Patch",
            |at| (
                "PATCH",
                format!("{}/{}?dryRun=true", plans(at), at.name),
                "application/json-patch+json",
                unknown()
            ),
            objects.patch(|at: &At| v1::PatchRequest {
                kind: "Plan".into(),
                namespace: at.namespace.clone(),
                name: at.name.clone(),
                patch: Some(v1::patch_request::Patch::OperationsJson(UNKNOWN.into())),
                dry_run: true,
                version: None,
            })
        ),
        row!(
            "Objects/Delete",
            |at| ("DELETE", format!("{}/{}?dryRun=true", plans(at), at.name), JSON, None),
            objects.delete(|at: &At| v1::DeleteRequest {
                kind: "Plan".into(),
                namespace: at.namespace.clone(),
                name: at.name.clone(),
                dry_run: true,
                version: None,
            })
        ),
        row!(stream
            "Objects/Watch",
            |at| ("GET", format!("{}?watch=true", plans(at)), JSON, None),
            objects.watch(|at: &At| v1::WatchRequest {
                kind: "Plan".into(),
                namespace: at.namespace.clone(),
                ..Default::default()
            })
        ),
        row!(
            "Objects/Revisions",
            |at| ("GET", format!("{}/{}/revisions", plans(at), at.name), JSON, None),
            objects.revisions(|at: &At| v1::RevisionsRequest {
                kind: "Plan".into(),
                namespace: at.namespace.clone(),
                name: at.name.clone(),
                ..Default::default()
            })
        ),
        row!(
            "Objects/Diff",
            |at| ("GET", format!("{}/{}/diff?from=1&to=1", plans(at), at.name), JSON, None),
            objects.diff(|at: &At| v1::DiffRequest {
                kind: "Plan".into(),
                namespace: at.namespace.clone(),
                name: at.name.clone(),
                from: Some(1),
                to: Some(1),
            })
        ),
        row!(
            "Objects/List of all",
            |_| ("GET", "/api/v1/plans".into(), JSON, None),
            objects.list(|_: &At| { v1::ListRequest { kind: "Plan".into(), ..Default::default() } })
        ),
        row!(
            "Objects/Get of the cluster",
            |at| ("GET", format!("/api/v1/nodes/{}", at.name), JSON, None),
            objects.get(|at: &At| v1::GetRequest {
                kind: "Node".into(),
                namespace: String::new(),
                name: at.name.clone()
            })
        ),
        row!(
            "Runs/Submit",
            |at| ("POST", runs(at), JSON, Some(json!({"plan": "none"}))),
            runs.submit(|at: &At| v1::SubmitRequest {
                namespace: at.namespace.clone(),
                what: Some(v1::submit_request::What::Plan("none".into())),
                ..Default::default()
            })
        ),
        row!(
            "Runs/Submit of a document",
            |at| ("POST", runs(at), JSON, Some(json!({"document": {"nothing of this": "is known"}}))),
            runs.submit(|at: &At| v1::SubmitRequest {
                namespace: at.namespace.clone(),
                what: Some(v1::submit_request::What::DocumentJson(UNKNOWN.into())),
                ..Default::default()
            })
        ),
        row!(
            "Runs/Preview",
            |at| ("POST", format!("{}/preview", runs(at)), JSON, Some(json!({"plan": at.name}))),
            runs.preview(|at: &At| v1::SubmitRequest {
                namespace: at.namespace.clone(),
                what: Some(v1::submit_request::What::Plan(at.name.clone())),
                ..Default::default()
            })
        ),
        row!(
            "Runs/Get",
            |at| ("GET", run(at), JSON, None),
            runs.get(|at: &At| v1::GetRunRequest { namespace: at.namespace.clone(), run: at.run.clone() })
        ),
        row!(
            "Runs/List",
            |at| ("GET", runs(at), JSON, None),
            runs.list(|at: &At| v1::ListRunsRequest {
                namespace: at.namespace.clone(),
                ..Default::default()
            })
        ),
        row!(
            "Runs/List of all",
            |_| ("GET", "/api/v1/runs".into(), JSON, None),
            runs.list(|_: &At| { v1::ListRunsRequest::default() })
        ),
        row!(
            "Runs/Submission",
            |at| ("GET", format!("{}/submission", run(at)), JSON, None),
            runs.submission(|at: &At| v1::GetRunRequest {
                namespace: at.namespace.clone(),
                run: at.run.clone()
            })
        ),
        row!(stream
            "Runs/Events",
            |at| ("GET", format!("{}/events?follow=false", run(at)), JSON, None),
            runs.events(|at: &At| v1::EventsRequest {
                namespace: at.namespace.clone(),
                run: at.run.clone(),
                no_follow: true,
                ..Default::default()
            })
        ),
        row!(
            "Runs/Report",
            |at| ("GET", format!("{}/report", run(at)), JSON, None),
            runs.report(|at: &At| {
                v1::ReportRequest { namespace: at.namespace.clone(), run: at.run.clone(), format: 0 }
            })
        ),
        row!(
            "Runs/Control resume",
            |at| ("POST", format!("{}/resume", run(at)), JSON, Some(json!({"why": "a test"}))),
            runs.control(|at: &At| v1::ControlRequest {
                namespace: at.namespace.clone(),
                run: at.run.clone(),
                command: Command::Resume.into(),
                why: "a test".into(),
                ..Default::default()
            })
        ),
        row!(
            "Runs/Control approve",
            |at| ("POST", format!("{}/approve", run(at)), JSON, Some(json!({"digest": "another"}))),
            runs.control(|at: &At| v1::ControlRequest {
                namespace: at.namespace.clone(),
                run: at.run.clone(),
                command: Command::Approve.into(),
                digest: "another".into(),
                ..Default::default()
            })
        ),
        row!(
            "Runs/Resolve",
            |at| (
                "POST",
                format!("{}/resolve", run(at)),
                JSON,
                Some(json!({"address": "b/s/a", "verdict": "done"}))
            ),
            runs.resolve(|at: &At| v1::ResolveRequest {
                namespace: at.namespace.clone(),
                run: at.run.clone(),
                address: "b/s/a".into(),
                verdict: v1::resolve_request::Verdict::Done.into(),
                ..Default::default()
            })
        ),
        row!(
            "Runs/Retry",
            |at| ("POST", format!("{}/retry", run(at)), JSON, Some(json!({}))),
            runs.retry(|at: &At| v1::RetryRequest {
                namespace: at.namespace.clone(),
                run: at.run.clone(),
                ..Default::default()
            })
        ),
        row!(
            "Runs/State",
            |at| ("GET", format!("{}/{}/state", plans(at), at.name), JSON, None),
            runs.state(|at: &At| v1::StateRequest { namespace: at.namespace.clone(), plan: at.name.clone() })
        ),
        row!(stream
            "Runs/WatchState",
            |at| ("GET", format!("{}/{}/state?watch=true", plans(at), at.name), JSON, None),
            runs.watch_state(|at: &At| v1::WatchStateRequest {
                namespace: at.namespace.clone(),
                plan: at.name.clone(),
                since: None,
            })
        ),
        row!(stream
            "Logs/Follow",
            |at| ("GET", format!("{}/logs", run(at)), JSON, None),
            logs.follow(|at: &At| v1::FollowRequest {
                namespace: at.namespace.clone(),
                run: at.run.clone(),
                ..Default::default()
            })
        ),
    ]
}

/// What REST answers, and the problem if there is one. What goes on is not waited for.
async fn rest(place: &Place, token: &str, (method, path, media, body): Rest) -> (u16, Value) {
    use http_body_util::BodyExt as _;
    let response = place.send(token, method, &path, media, body.as_ref()).await;
    let status = response.status();
    if status.is_success() {
        return (status.as_u16(), Value::Null);
    }
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status.as_u16(), serde_json::from_slice(&bytes).unwrap())
}

/// What gRPC calls a status of REST, as the reference says it.
fn codes(status: u16) -> &'static [Code] {
    match status {
        400 | 415 | 422 => &[Code::InvalidArgument],
        401 => &[Code::Unauthenticated],
        403 => &[Code::PermissionDenied],
        404 => &[Code::NotFound],
        409 => &[Code::AlreadyExists, Code::Aborted, Code::FailedPrecondition],
        410 => &[Code::OutOfRange],
        413 | 429 | 507 => &[Code::ResourceExhausted],
        503 => &[Code::Unavailable],
        other => unreachable!("{other} is not in the reference"),
    }
}

#[tokio::test]
async fn c8_everybody_is_answered_the_same_in_both_ways_at_home_elsewhere_and_nowhere() {
    let (place, [ours, theirs]) = furnished().await;
    let missing = uuid::Uuid::now_v7().to_string();
    let mut tokens = vec![("nobody".to_owned(), String::new())];
    tokens.push((
        "a stranger".to_owned(),
        "wl_aaaaaaaaaaaaaaaa_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".to_owned(),
    ));
    for role in ["viewer", "operator", "approver", "author", "admin"] {
        tokens.push((role.to_owned(), place.user(&format!("{role}-ours"), Some(role), &["ours"]).await));
    }
    tokens.push(("admin of all".to_owned(), place.admin.clone()));
    let at = |namespace: &str, name: &str, run: &str| At {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        run: run.to_owned(),
    };
    let places = [
        at("ours", "thing", &ours),
        at("ours", "nothing", &missing),
        at("ours", "thing", &theirs),
        at("theirs", "thing", &theirs),
        at("nowhere", "nothing", &missing),
        at("ours", "thing", "no-id"),
    ];
    let mut asked = 0;
    for (who, token) in &tokens {
        let services = Services::new(&place, token).await;
        for row in rows() {
            for at in &places {
                let (status, told, called) = loop {
                    let (status, told) = rest(&place, token, (row.rest)(at)).await;
                    let called = (row.grpc)(services.clone(), at.clone()).await;
                    let is_busy = called.as_ref().is_err_and(|refused| refused.code() == Code::Unavailable);
                    if status != 503 && !is_busy {
                        break (status, told, called);
                    }
                    // tidy-allow: sleep: backups that were asked for before end by themselves when nobody takes them
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                };
                let what =
                    format!("{who} {} {}/{}: {called:?}, {status} {told}", row.call, at.namespace, at.name);
                asked += 1;
                let Err(refused) = called else {
                    assert!((200..300).contains(&status), "{what}");
                    continue;
                };
                assert!(status >= 400, "{what}");
                let problem = problem(&refused);
                assert!(codes(status).contains(&refused.code()), "{what}");
                assert_eq!(problem.status, u32::from(status), "{what}");
                assert_eq!(problem.code, told["code"], "{what}");
                assert_eq!(problem.detail, told["detail"], "{what}");
                assert_eq!(refused.message(), problem.detail);
                let problems = told["problems"].as_array().map_or(0, Vec::len);
                assert_eq!(problem.problems.len() + problem.left_out as usize, problems, "{what}");
            }
        }
    }
    assert!(asked > 1000);
}
