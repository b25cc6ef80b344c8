//! Traces, as a collector takes them in: one of each run, with every span of it once, whatever happens on the way.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Said;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::json;
use tokio::sync::Notify;
use windlass_server::{Options, Server, Traces};

use super::client::{Place, options};

/// A collector: what it takes in, and how often it refuses before.
#[derive(Clone, Debug, Default)]
struct Collector(Arc<Mutex<Taken>>, Arc<Notify>);

#[derive(Debug, Default)]
struct Taken {
    spans: Vec<Span>,
    services: HashSet<String>,
    keys: HashSet<String>,
    /// With what it answers, the next last; after that it takes in.
    answers: Vec<StatusCode>,
    asked: usize,
}

impl Collector {
    /// Where it listens.
    async fn start(&self, address: &str) -> String {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
        let router = Router::new().route("/v1/traces", post(take)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        url
    }

    fn spans(&self) -> Vec<Span> {
        self.0.lock().unwrap().spans.clone()
    }

    /// The spans of a trace, when it has so many.
    async fn has(&self, run: &str, count: usize) -> Vec<Span> {
        let trace: uuid::Uuid = run.parse().unwrap();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        loop {
            let more = self.1.notified();
            let spans: Vec<Span> =
                self.spans().into_iter().filter(|span| span.trace_id == trace.as_bytes()).collect();
            if spans.len() >= count {
                return spans;
            }
            if tokio::time::timeout_at(deadline, more).await.is_err() {
                break;
            }
        }
        unreachable!("only {:?}", self.spans().iter().map(|span| span.name.clone()).collect::<Vec<_>>());
    }
}

async fn take(
    State(Collector(taken, more)): State<Collector>,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let mut taken = taken.lock().unwrap();
    taken.asked += 1;
    assert_eq!(headers["content-type"], "application/x-protobuf");
    taken.keys.extend(headers.get("x-key").map(|key| key.to_str().unwrap().to_owned()));
    if let Some(status) = taken.answers.pop() {
        return (status, [("retry-after", "1")], Bytes::new());
    }
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    for resource in request.resource_spans {
        let attributes = resource.resource.unwrap().attributes;
        let service = attributes.into_iter().find(|said| said.key == "service.name").unwrap();
        let Some(Said::StringValue(name)) = service.value.unwrap().value else { unreachable!("no text") };
        taken.services.insert(name);
        taken.spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
    }
    more.notify_waiters();
    (StatusCode::OK, [("retry-after", "0")], Bytes::new())
}

fn traces(url: &str) -> Traces {
    Traces {
        url: url.to_owned(),
        headers: vec![("x-key".to_owned(), "sesame".to_owned().into())],
        percent: 100,
        ca: None,
        service: "windlass-of-a-test".to_owned(),
    }
}

async fn server(directory: &Path, traces: Traces) -> Server {
    let registry = windlass_plugins::standard().unwrap();
    Server::open(Options { traces: Some(traces), ..options(directory) }, registry).await.unwrap()
}

async fn place(traces: Traces) -> Place {
    let directory = tempfile::tempdir().unwrap();
    let server = server(directory.path(), traces).await;
    let admin = server.first().unwrap().issued.token.clone();
    Place { directory, server, admin }
}

/// Submits a plan; the run.
async fn submit(place: &Place, spec: serde_json::Value) -> String {
    place.does("PATCH", "/api/v1/namespaces/default/plans/work", json!({ "spec": spec })).await;
    let run = place.does("POST", "/api/v1/namespaces/default/runs", json!({"plan": "work"})).await;
    run["run"].as_str().unwrap().to_owned()
}

fn said(span: &Span, key: &str) -> Option<String> {
    let value = span.attributes.iter().find(|said| said.key == key)?.value.clone()?.value?;
    Some(match value {
        Said::StringValue(text) => text,
        Said::IntValue(number) => number.to_string(),
        Said::BoolValue(is) => is.to_string(),
        other => unreachable!("{other:?}"),
    })
}

fn shell(name: &str, script: &str) -> serde_json::Value {
    json!({"name": name, "use": "shell", "with": {"script": script}})
}

#[tokio::test]
async fn a_run_is_a_trace_with_a_span_for_everything_in_it() {
    let collector = Collector::default();
    let place = place(traces(&collector.start("127.0.0.1:0").await)).await;
    let flag = place.directory.path().join("tried");
    let flaky = format!("test -e {0} || {{ touch {0}; echo not yet >&2; exit 7; }}", flag.display());
    let retried = json!({"name": "flaky", "use": "shell", "retries": 2, "with": {"script": flaky}, "backoff": {"initial": "10ms"}});
    let secret = json!({"spec": {"data": {"password": "canary-hunter2"}}});
    place.does("PATCH", "/api/v1/namespaces/default/secrets/db", secret).await;
    let bad = json!({"name": "bad", "use": "shell", "with": {
        "script": "echo \"$PASSWORD\" is broken >&2; exit 3", "env": {"PASSWORD": "{{ secret('password') }}"}}});
    let spec = json!({
        "checks": {"pre": [json!({"name": "ready", "use": "shell.check", "with": {"script": "true"}})]},
        "blocks": [{"name": "patch", "failures": 1, "sequences": [
            {"name": "one", "actions": [shell("first", "true"), retried]},
            {"name": "two", "actions": [bad, shell("never", "true")]},
        ]}],
        "deferred": [{"name": "tidy", "actions": [shell("up", "true")]}],
    });
    let run = submit(&place, spec).await;
    place.ended(&run).await;
    // The run; checks and check with an attempt; block; two sequences; three actions with four attempts; batch, action, attempt.
    let spans = collector.has(&run, 17).await;
    let by_id: HashMap<&[u8], &Span> = spans.iter().map(|span| (span.span_id.as_slice(), span)).collect();
    assert_eq!(by_id.len(), spans.len(), "each has an id of its own");
    let path = |span: &Span| {
        let mut names = vec![span.name.clone()];
        let mut at = span;
        while let Some(parent) = by_id.get(at.parent_span_id.as_slice()) {
            assert!(parent.start_time_unix_nano <= at.start_time_unix_nano, "{} in {}", at.name, parent.name);
            assert!(parent.end_time_unix_nano >= at.end_time_unix_nano, "{} in {}", at.name, parent.name);
            names.push(parent.name.clone());
            at = parent;
        }
        assert!(at.parent_span_id.is_empty(), "{} has a parent that is not there", at.name);
        names.reverse();
        names.join(" > ")
    };
    let mut paths: Vec<String> = spans.iter().map(path).collect();
    paths.sort();
    insta::assert_snapshot!(paths.join("\n"));
    assert!(!format!("{:?}", collector.spans()).contains("hunter2"), "a secret was told");
    let named = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    let root = named("run work");
    assert_eq!(said(root, "windlass.namespace").as_deref(), Some("default"));
    assert_eq!(said(root, "windlass.outcome").as_deref(), Some("succeeded"));
    let bad = named("action bad");
    assert_eq!(said(bad, "windlass.address").as_deref(), Some("patch/two/bad"));
    assert_eq!(said(bad, "windlass.plugin").as_deref(), Some("shell"));
    let status = bad.status.clone().unwrap();
    assert_eq!((status.code, status.message.contains("exit code 3")), (2, true), "{status:?}");
    assert!(named("action flaky").status.is_none(), "it went well in the end");
    let attempts =
        spans.iter().filter(|span| said(span, "windlass.address").as_deref() == Some("patch/one/flaky"));
    let attempts: Vec<_> = attempts.filter_map(|span| said(span, "windlass.attempt")).collect();
    assert_eq!(attempts, ["1", "2"]);
    {
        let taken = collector.0.lock().unwrap();
        assert_eq!(taken.services, HashSet::from(["windlass-of-a-test".to_owned()]));
        assert_eq!(taken.keys, HashSet::from(["sesame".to_owned()]));
    }
    let metrics = place.ask(&place.admin, "GET", "/metrics", None).await.text;
    assert!(metrics.contains("windlass_traces_spans_dropped_total 0"), "{metrics}");
    // Nothing of it comes again.
    place.server.close(Duration::from_secs(5)).await.unwrap();
    assert_eq!(collector.has(&run, 17).await.len(), 17);
}

#[tokio::test]
async fn what_a_collector_did_not_take_in_is_told_when_it_does_and_once() {
    let collector = Collector::default();
    let answers = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS, StatusCode::BAD_GATEWAY];
    collector.0.lock().unwrap().answers = answers.to_vec();
    let place = place(traces(&collector.start("127.0.0.1:0").await)).await;
    let run = submit(
        &place,
        json!({"blocks": [{"name": "b", "sequences": [{"name": "s", "actions": [shell("a", "true")]}]}]}),
    )
    .await;
    place.ended(&run).await;
    assert_eq!(collector.has(&run, 5).await.len(), 5);
    assert!(collector.0.lock().unwrap().asked > 3);
}

#[tokio::test]
async fn a_server_that_begins_again_goes_on_with_the_trace_where_it_was() {
    let collector = Collector::default();
    // Nobody listens there yet.
    let reserved = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = reserved.local_addr().unwrap().to_string();
    drop(reserved);
    let url = format!("http://{address}/v1/traces");
    let directory = tempfile::tempdir().unwrap();
    let gate = directory.path().join("gate");
    let opened = server(directory.path(), traces(&url)).await;
    let admin = opened.first().unwrap().issued.token.clone();
    let place = Place { directory, server: opened, admin };
    let wait = format!("until test -e {}; do sleep 0.05; done", gate.display());
    let held = json!({"name": "held", "use": "shell", "onInterrupt": "rerun", "with": {"script": wait}});
    let spec = json!({"blocks": [{"name": "b", "sequences": [{"name": "s", "actions": [shell("a", "true"), held]}]}]});
    let run = submit(&place, spec).await;
    // The second attempt that begins is that of what is held.
    let mut events = place.server.runs().events(run.parse().unwrap(), 1).await.unwrap();
    let mut attempts = 0;
    while attempts < 2 {
        let event = events.next().await.unwrap().unwrap();
        attempts += usize::from(matches!(event.what, windlass_model::event::What::AttemptBegan { .. }));
    }
    drop(events);
    let Place { directory, server: first, admin } = place;
    first.close(Duration::ZERO).await.unwrap();
    assert!(collector.spans().is_empty());
    collector.start(&address).await;
    let place = Place { server: server(directory.path(), traces(&url)).await, directory, admin };
    std::fs::write(&gate, "").unwrap();
    place.ended(&run).await;
    let names = |mut spans: Vec<Span>| {
        spans.sort_by_key(|span| span.span_id.clone());
        spans.into_iter().map(|span| span.name).collect::<Vec<_>>()
    };
    let all = names(collector.has(&run, 8).await);
    insta::assert_snapshot!(all.join("\n"));
    // And what was told is not told again.
    let place = {
        let Place { directory, server: second, admin } = place;
        second.close(Duration::from_secs(5)).await.unwrap();
        Place { server: server(directory.path(), traces(&url)).await, directory, admin }
    };
    let other = submit(
        &place,
        json!({"blocks": [{"name": "b", "sequences": [{"name": "s", "actions": [shell("a", "true")]}]}]}),
    )
    .await;
    collector.has(&other, 5).await;
    assert_eq!(names(collector.has(&run, 8).await), all);
}

#[tokio::test]
async fn a_request_is_a_span_of_its_callers_trace_and_its_run_leads_back_to_it() {
    let collector = Collector::default();
    let place = place(traces(&collector.start("127.0.0.1:0").await)).await;
    let spec = json!({"spec": {"blocks": [{"name": "b", "sequences": [{"name": "s", "actions": [shell("a", "sleep 0.3")]}]}]}});
    place.does("PATCH", "/api/v1/namespaces/default/plans/work", spec).await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let ask = |sampled: &'static str| {
        let url = format!("http://{}/api/v1/namespaces/default/runs", place.server.address());
        let request = hyper::Request::post(url)
            .header("authorization", format!("Bearer {}", place.admin))
            .header("content-type", "application/json")
            .header("traceparent", format!("00-{trace}-b7ad6b7169203331-{sampled}"))
            .body(http_body_util::Full::new(bytes::Bytes::from(r#"{"plan": "work"}"#)));
        let executor = hyper_util::rt::TokioExecutor::new();
        let client: hyper_util::client::legacy::Client<_, http_body_util::Full<bytes::Bytes>> =
            hyper_util::client::legacy::Client::builder(executor).build_http();
        async move { client.request(request.unwrap()).await.unwrap() }
    };
    let answer = ask("01").await;
    let context = answer.headers()["traceresponse"].to_str().unwrap().to_owned();
    let span_id =
        context.strip_prefix(&format!("00-{trace}-")).unwrap().strip_suffix("-01").unwrap().to_owned();
    let unsampled = ask("00").await;
    assert!(!unsampled.headers().contains_key("traceresponse"));
    let body = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
    let run = serde_json::from_slice::<serde_json::Value>(&body).unwrap()["run"].as_str().unwrap().to_owned();
    let spans = collector.has(&run, 5).await;
    let root = spans.iter().find(|span| span.parent_span_id.is_empty()).unwrap();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(hex(&root.links[0].trace_id), trace);
    assert_eq!(hex(&root.links[0].span_id), span_id);
    let asked = collector.spans().into_iter().filter(|span| hex(&span.trace_id) == trace).collect::<Vec<_>>();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(asked[0].name, "POST /api/v1/namespaces/{name}/runs");
    assert_eq!(hex(&asked[0].span_id), span_id);
    assert_eq!(hex(&asked[0].parent_span_id), "b7ad6b7169203331");
    assert_eq!(said(&asked[0], "http.response.status_code").as_deref(), Some("201"));
    assert_eq!(said(&asked[0], "windlass.run"), Some(run));
    // Our own client says so, too, where it is told.
    let known = windlass_client::Server {
        url: format!("http://{}", place.server.address()),
        token: Some(place.admin.clone()),
        ca: None,
    };
    let step = "1af7651916cd43dd8448eb211c80319c";
    let client = windlass_client::Client::new(&known).unwrap();
    client.clone().in_trace(&format!("00-{step}-b7ad6b7169203331-01")).me().await.unwrap();
    assert_eq!(collector.has(step, 1).await[0].name, "GET /api/v1/me");
}

#[tokio::test]
async fn a_collector_that_is_away_holds_up_neither_runs_nor_requests_nor_the_end() {
    let reserved = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/traces", reserved.local_addr().unwrap());
    // It takes connections in, and never answers.
    let place = place(traces(&url)).await;
    let spec =
        json!({"blocks": [{"name": "b", "sequences": [{"name": "s", "actions": [shell("a", "true")]}]}]});
    let run = submit(&place, spec).await;
    assert_eq!(place.ended(&run).await["status"], "succeeded");
    // It is connected when it waits for an answer, and nothing more is sent.
    let connected = tokio::task::spawn_blocking(move || reserved.accept());
    let connection = connected.await.unwrap().unwrap();
    for _ in 0..400 {
        place.sees("/api/v1/me").await;
    }
    let metrics = place.ask(&place.admin, "GET", "/metrics", None).await.text;
    let dropped =
        metrics.lines().find(|line| line.starts_with("windlass_traces_spans_dropped_total ")).unwrap();
    assert_ne!(dropped, "windlass_traces_spans_dropped_total 0", "so many are not kept");
    tokio::time::timeout(Duration::from_secs(15), place.server.close(Duration::from_secs(1)))
        .await
        .unwrap()
        .unwrap();
    drop(connection);
}

#[tokio::test]
async fn what_cannot_be_used_is_said_before_anything_begins() {
    let wrong = [
        ("collector:4318", "is no address"),
        ("http://10.1.2.3:4318/v1/traces", "headers are sent over https"),
    ];
    for (url, why) in wrong {
        let directory = tempfile::tempdir().unwrap();
        let registry = windlass_plugins::standard().unwrap();
        let options = Options { traces: Some(traces(url)), ..options(directory.path()) };
        let error = Server::open(options, registry).await.unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains(why), "{source}");
    }
}
