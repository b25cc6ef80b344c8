//! Streams over WebSocket, with a real client.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::client::Place;

type Socket = WebSocketStream<TcpStream>;

/// Asks to upgrade, with these headers; the status and the problem where that is refused.
async fn open(place: &Place, path: &str, headers: &[(&'static str, &str)]) -> Result<Socket, (u16, Value)> {
    let address = place.server.address();
    let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let stream = TcpStream::connect(address).await.unwrap();
    match tokio_tungstenite::client_async(request, stream).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(answer)) => {
            let body = answer.body().as_deref().unwrap_or_default();
            Err((answer.status().as_u16(), serde_json::from_slice(body).unwrap_or_default()))
        }
        Err(error) => unreachable!("{path}: {error}"),
    }
}

async fn known(place: &Place, path: &str) -> Socket {
    let token = format!("Bearer {}", place.admin);
    open(place, path, &[("authorization", &token)]).await.unwrap()
}

/// The next message; what it is closed with behind the last.
async fn next(socket: &mut Socket) -> Result<Value, (u16, String)> {
    loop {
        let message = tokio::time::timeout(std::time::Duration::from_secs(30), socket.next()).await.unwrap();
        match message.unwrap().unwrap() {
            Message::Text(text) => return Ok(serde_json::from_str(&text).unwrap()),
            Message::Close(Some(close)) => return Err((close.code.into(), close.reason.to_string())),
            Message::Ping(_) | Message::Pong(_) => {}
            other => unreachable!("{other:?}"),
        }
    }
}

async fn plan(place: &Place, script: &str) {
    let plan = json!({"spec": {"blocks": [{"name": "b", "targets": {"nodes": ["web01"]}, "sequence": [
        {"name": "a", "use": "shell", "with": {"script": script}}]}]}});
    place.does("PATCH", "/api/v1/nodes/web01", json!({"spec": {"transport": {"use": "local"}}})).await;
    place.does("PATCH", "/api/v1/namespaces/default/plans/work", plan).await;
}

async fn submit(place: &Place) -> String {
    let made = place.does("POST", "/api/v1/namespaces/default/runs", json!({"plan": "work"})).await;
    made["run"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn c49_a_watch_goes_on_where_it_was_cut() {
    let place = Place::new().await;
    let version = place.sees("/api/v1/nodes").await["version"].as_u64().unwrap();
    for name in ["a", "b", "c"] {
        place.does("PATCH", &format!("/api/v1/nodes/{name}"), json!({})).await;
    }
    let mut from = format!("from={version}");
    for name in ["a", "b", "c"] {
        let mut socket = known(&place, &format!("/api/v1/nodes?watch=true&{from}")).await;
        let told = next(&mut socket).await.unwrap();
        assert_eq!(
            (&told["event"], &told["data"]["object"]["metadata"]["name"]),
            (&json!("created"), &json!(name))
        );
        from = format!("after={}", told["id"].as_str().unwrap());
        socket.close(None).await.unwrap();
    }
}

#[tokio::test]
async fn the_events_and_the_log_of_a_run_end_with_it_and_say_so() {
    let place = Place::new().await;
    plan(&place, "echo hello").await;
    let run = submit(&place).await;
    let path = format!("/api/v1/namespaces/default/runs/{run}");
    let mut seqs = Vec::new();
    let mut socket = known(&place, &format!("{path}/events")).await;
    let closed = loop {
        match next(&mut socket).await {
            Ok(told) if told["event"] == "end" => assert_eq!(told, json!({"event": "end"})),
            Ok(told) => {
                assert_eq!(told["id"], told["data"]["seq"].to_string());
                seqs.push(told["data"]["seq"].as_u64().unwrap());
            }
            Err(closed) => break closed,
        }
    };
    assert_eq!(closed, (1000, "that is all".to_owned()));
    assert!(seqs.iter().copied().eq(1..=seqs.len() as u64), "{seqs:?}");
    let mut socket = known(&place, &format!("{path}/events?after=2")).await;
    assert_eq!(next(&mut socket).await.unwrap()["id"], "3");
    let mut socket = known(&place, &format!("{path}/logs?follow=true&node=web01")).await;
    let told = next(&mut socket).await.unwrap();
    assert!(told["event"] == "lines" && told["data"].as_str().unwrap().contains("hello"), "{told}");
    let after = told["id"].as_str().unwrap();
    let mut socket = known(&place, &format!("{path}/logs?node=web01&after={after}")).await;
    assert_eq!(next(&mut socket).await.unwrap(), json!({"event": "end"}), "nothing is repeated");
}

#[tokio::test]
async fn the_state_of_a_plan_is_followed_over_reconnects() {
    let place = Place::new().await;
    plan(&place, "true").await;
    let path = "/api/v1/namespaces/default/plans/work/state";
    let version = place.sees(path).await["version"].as_u64().unwrap();
    let run = submit(&place).await;
    let mut from = format!("from={version}");
    let mut seqs = Vec::new();
    loop {
        let mut socket = known(&place, &format!("{path}?watch=true&{from}")).await;
        let told = next(&mut socket).await.unwrap();
        assert_eq!((&told["event"], &told["data"]["run"]), (&json!("happened"), &json!(run)));
        from = format!("after={}", told["id"].as_str().unwrap());
        let events = told["data"]["events"].as_array().unwrap();
        seqs.extend(events.iter().map(|event| event["seq"].as_u64().unwrap()));
        if events.iter().any(|event| event["kind"] == "finished") {
            break;
        }
    }
    assert!(seqs.iter().copied().eq(1..=seqs.len() as u64), "{seqs:?}");
}

#[tokio::test]
async fn the_server_says_that_it_ends_before_it_does() {
    let place = Place::new().await;
    let mut socket = known(&place, "/api/v1/nodes?watch=true").await;
    let closing = tokio::spawn(place.again());
    let told = next(&mut socket).await.unwrap();
    assert_eq!((&told["event"], &told["data"]["status"]), (&json!("problem"), &json!(503)));
    let (code, reason) = next(&mut socket).await.unwrap_err();
    assert_eq!((code, reason.as_str()), (1001, "WL-1006: the server ends"));
    drop(socket);
    closing.await.unwrap();
}

#[tokio::test]
async fn what_is_refused_is_answered_as_over_http() {
    let place = Place::new().await;
    let ann = place.user("ann", Some("viewer"), &["default"]).await;
    let (ann, admin) = (format!("Bearer {ann}"), format!("Bearer {}", place.admin));
    for (path, token, expect) in [
        ("/api/v1/nodes?watch=true", "", (401, "WL-1001")),
        ("/api/v1/nodes?watch=true", &*ann, (403, "WL-1002")),
        ("/api/v1/namespaces/other/plans?watch=true", &ann, (404, "WL-0901")),
        ("/api/v1/nodes?watch=true&labels=a%20b", &admin, (400, "WL-0906")),
        ("/api/v1/nodes", &admin, (400, "WL-0906")),
        ("/api/v1/namespaces/default/plans/work/state", &admin, (400, "WL-0906")),
        ("/api/v1/namespaces/default/plans/work/state?watch=true&after=x", &admin, (400, "WL-0906")),
        ("/api/v1/namespaces/default/runs/x/events", &admin, (404, "WL-0301")),
    ] {
        let headers = [("authorization", token)];
        let headers = if token.is_empty() { &[][..] } else { &headers[..] };
        let (status, problem) = open(&place, path, headers).await.err().unwrap();
        assert_eq!((status, problem["code"].as_str().unwrap()), expect, "{path} {problem}");
    }
}

#[tokio::test]
async fn only_a_page_of_this_server_opens_one_with_the_cookie_of_a_session() {
    let place = Place::new().await;
    let body = json!({"token": place.admin});
    let answer = place.send("", "POST", "/api/v1/sessions", "application/json", Some(&body)).await;
    assert_eq!(answer.status().as_u16(), 201);
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let own = format!("http://{}", place.server.address());
    let path = "/api/v1/nodes?watch=true";
    let with = |origin: Option<&str>| {
        let mut headers = vec![("cookie", cookie.clone())];
        headers.extend(origin.map(|origin| ("origin", origin.to_owned())));
        headers
    };
    for origin in [None, Some("null"), Some("https://evil.example"), Some("http://127.0.0.1")] {
        let headers = with(origin);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (status, problem) = open(&place, path, &headers).await.err().unwrap();
        assert_eq!((status, &problem["code"]), (403, &json!("WL-1002")), "{origin:?}");
    }
    let headers = with(Some(&own));
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut socket = open(&place, path, &headers).await.unwrap();
    place.does("PATCH", "/api/v1/nodes/a", json!({})).await;
    assert_eq!(next(&mut socket).await.unwrap()["event"], "created");
}

#[tokio::test]
async fn who_reads_nothing_or_talks_nonsense_holds_up_nobody() {
    let place = Place::new().await;
    let path = "/api/v1/nodes?watch=true";
    let mut kept = known(&place, path).await;
    let mut reader = known(&place, path).await;
    let mut talks = known(&place, path).await;
    talks.send(Message::Text("x".repeat(100_000).into())).await.unwrap();
    let cut = async { while let Some(Ok(_)) = talks.next().await {} };
    tokio::time::timeout(std::time::Duration::from_secs(30), cut).await.unwrap();
    reader.send(Message::Ping(b"here"[..].to_vec().into())).await.unwrap();
    assert_eq!(reader.next().await.unwrap().unwrap(), Message::Pong(b"here"[..].to_vec().into()));
    let long = "x".repeat(200_000);
    for number in 0..20 {
        place
            .does("PATCH", &format!("/api/v1/nodes/n{number}"), json!({"spec": {"vars": {"long": long}}}))
            .await;
    }
    for socket in [&mut reader, &mut kept] {
        for number in 0..20 {
            let told = next(socket).await.unwrap();
            assert_eq!(told["data"]["object"]["metadata"]["name"], format!("n{number}"));
        }
    }
}
