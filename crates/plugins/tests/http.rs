//! `http` and `http.check` against a real server.

#![cfg(test)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};
use windlass_plugin::testkit::Trial;
use windlass_plugin::{CallError, Reply, Severity, Span};
use windlass_plugins::http::{Http, HttpCheck};

/// A server that answers each path as it was told, and remembers what it was asked.
struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers are given as they go over the wire, without the length, which is added.
    fn with(answer: impl Fn(&str) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut request = String::new();
                while !request.ends_with("\r\n\r\n")
                    && reader.read_line(&mut request).is_ok_and(|count| count > 0)
                {}
                let length = request.lines().find_map(|line| {
                    line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok()
                });
                let mut body = vec![0; length.unwrap_or(0)];
                reader.read_exact(&mut body).unwrap();
                request.push_str(&String::from_utf8_lossy(&body));
                let answer = answer(&request);
                log.lock().unwrap().push(request);
                let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
                // The other side may have gone, which is what some tests are about.
                let _ = write!(stream, "HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            }
        });
        Self { port, seen }
    }

    fn always(answer: &str) -> Self {
        let answer = answer.to_owned();
        Self::with(move |_| answer.clone())
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

async fn http(request: Value) -> Result<Reply<Value>, CallError> {
    Trial::of(Http).call(request).await.result
}

async fn check(request: Value) -> Result<Reply<Value>, CallError> {
    Trial::of(HttpCheck).call(request).await.result
}

#[tokio::test]
async fn get_reads_and_changes_nothing() {
    let server = Server::always(
        "200 OK\r\nContent-Type: application/json; charset=utf-8\r\nX-A: 1\r\nX-A: 2\r\n\r\n{\"a\": [1]}",
    );
    let reply = http(json!({"url": server.url("/x?y=z"), "headers": {"X-Mine": "m"}})).await.unwrap();
    assert!(!reply.changed);
    assert_eq!(reply.response["status"], 200);
    assert_eq!(reply.response["body"], "{\"a\": [1]}");
    assert_eq!(reply.response["json"], json!({"a": [1]}));
    assert_eq!(reply.response["headers"]["x-a"], "1, 2");
    assert_eq!(reply.response["url"], server.url("/x?y=z"));
    let seen = &server.seen()[0];
    assert!(seen.starts_with("GET /x?y=z HTTP/1.1\r\n"), "{seen}");
    for header in [&format!("host: 127.0.0.1:{}\r\n", server.port), "x-mine: m\r\n", "user-agent: windlass/"]
    {
        assert!(seen.contains(header), "{seen}");
    }
    assert!(!seen.contains("idempotency-key"));
}

#[tokio::test]
async fn post_sends_json_or_text_with_the_key_of_the_action() {
    let server = Server::always("201 Created");
    let reply = http(json!({"url": server.url("/"), "method": "POST", "body": {"a": 1}})).await.unwrap();
    assert!(reply.changed);
    http(json!({"url": server.url("/"), "method": "PUT", "body": "text", "headers": {"content-type": "text/x"}}))
        .await
        .unwrap();
    http(json!({"url": server.url("/"), "method": "DELETE", "headers": {"Idempotency-Key": "mine"}}))
        .await
        .unwrap();
    let seen = server.seen();
    assert!(
        seen[0].contains("content-type: application/json\r\n") && seen[0].ends_with("{\"a\":1}"),
        "{}",
        seen[0]
    );
    assert!(seen[0].contains("idempotency-key: 00000000-0000-0000-0000-000000000001/trial/action\r\n"));
    assert!(seen[1].contains("content-type: text/x\r\n") && seen[1].ends_with("text"), "{}", seen[1]);
    assert!(seen[2].contains("idempotency-key: mine\r\n"));
}

#[tokio::test]
async fn statuses_are_retryable_or_final() {
    for (status, permanent) in [
        (400, true),
        (401, true),
        (404, true),
        (304, true),
        (408, false),
        (425, false),
        (429, false),
        (500, false),
        (503, false),
    ] {
        let server = Server::always(&format!("{status} X\r\n\r\n\n  no luck \n"));
        let error = http(json!({"url": server.url("/a")})).await.unwrap_err();
        assert_eq!((error.code.as_str(), error.permanent), ("status", permanent), "{status}");
        assert!(
            error.message.starts_with(&format!("GET {} answers {status}", server.url("/a"))),
            "{}",
            error.message
        );
        assert_eq!(error.response.as_ref().unwrap()["status"], status);
        let error = check(json!({"url": server.url("/a")})).await.unwrap_err();
        assert_eq!((error.code.as_str(), error.permanent), ("status", false), "a check may pass later");
    }
    let server = Server::always("404 Not Found\r\n\r\nno such node");
    let error = http(json!({"url": server.url("/")})).await.unwrap_err();
    assert!(error.message.ends_with("answers 404 Not Found: no such node"), "{}", error.message);
    for accepted in [json!(404), json!("4xx"), json!(["2xx", "400-410"])] {
        assert!(http(json!({"url": server.url("/"), "status": accepted})).await.is_ok());
    }
    assert!(http(json!({"url": Server::always("200 OK").url("/"), "status": [404]})).await.is_err());
}

#[tokio::test]
async fn the_servers_wish_to_be_left_alone_is_passed_on() {
    for (status, header, wait) in [
        (429, "7", Some(Span::secs(7))),
        (503, "Fri, 20 Nov 2099 12:00:00 GMT", Some(Span::secs(24 * 60 * 60))),
        (503, "Fri, 20 Nov 1999 12:00:00 GMT", Some(Span::ZERO)),
        (503, "soon", None),
        (500, "7", None),
    ] {
        let server = Server::always(&format!("{status} X\r\nRetry-After: {header}"));
        assert_eq!(
            http(json!({"url": server.url("/")})).await.unwrap_err().retry_after,
            wait,
            "{status} {header}"
        );
    }
}

#[tokio::test]
async fn bodies_are_looked_at() {
    let server =
        Server::always("200 OK\r\n\r\n{\"state\": \"ready\", \"nodes\": [{\"up\": true, \"load\": 1}]}");
    let asked = |key: &str, value: Value| json!({"url": server.url("/"), key: value});
    for (key, good, bad, says) in [
        ("contains", json!("ready"), json!("steady"), "answers without the text `steady`"),
        ("regex", json!("\"load\": \\d"), json!("^x"), "answers without a match of `^x`"),
        ("json", json!({"nodes[0].up": true}), json!({"nodes[1].up": true}), "answers without `nodes[1].up`"),
        (
            "json",
            json!({"state": "ready", "nodes[0].load": 1}),
            json!({"state": "gone"}),
            "answers with `state` \"ready\", not \"gone\"",
        ),
    ] {
        assert!(check(asked(key, good)).await.is_ok(), "{key}");
        let error = check(asked(key, bad.clone())).await.unwrap_err();
        assert_eq!((error.code.as_str(), error.permanent), ("check", false));
        assert!(error.message.ends_with(says), "{}", error.message);
        assert_eq!(http(asked(key, bad)).await.unwrap_err().code, "body");
    }
    let text = Server::always("200 OK\r\n\r\nhello");
    let error = check(json!({"url": text.url("/"), "json": {"a": 1}})).await.unwrap_err();
    assert!(error.message.ends_with("answers with something else than JSON"), "{}", error.message);
}

#[tokio::test]
async fn redirects_are_followed_without_taking_credentials_elsewhere() {
    let other = Server::always("200 OK\r\n\r\nother");
    let away = other.url("/away");
    let server = Server::with(move |request| {
        let location = match request.split(' ').nth(1) {
            Some("/a") => "b",
            Some("/b") => "/c",
            Some("/c") => return "200 OK\r\n\r\nhere".into(),
            Some("/away") => &away,
            _ => "/loop",
        };
        let status = if request.starts_with("POST") { 303 } else { 307 };
        format!("{status} X\r\nLocation: {location}")
    });
    let reply = http(json!({"url": server.url("/a"), "bearer": "t0ken"})).await.unwrap();
    assert_eq!(reply.response["body"], "here");
    assert_eq!(reply.response["url"], server.url("/c"));
    assert!(server.seen().iter().all(|seen| seen.contains("authorization: Bearer t0ken")));

    let reply =
        http(json!({"url": server.url("/away"), "basicAuth": {"user": "u", "password": "p"}})).await.unwrap();
    assert_eq!(reply.response["body"], "other");
    assert!(server.seen().last().unwrap().contains("authorization: Basic dTpw\r\n"));
    assert!(!other.seen()[0].contains("authorization"), "{}", other.seen()[0]);

    http(json!({"url": server.url("/a"), "method": "POST", "body": "x"})).await.unwrap();
    let seen = server.seen();
    let methods: Vec<&str> =
        seen.iter().rev().take(3).rev().map(|seen| seen.split(' ').next().unwrap()).collect();
    assert_eq!(methods, ["POST", "GET", "GET"]);

    let error = http(json!({"url": server.url("/loop")})).await.unwrap_err();
    assert!(error.permanent && error.message.contains("more than 10 redirects"), "{error}");
    let kept = http(json!({"url": server.url("/a"), "followRedirects": false, "status": 307})).await.unwrap();
    assert_eq!(kept.response["headers"]["location"], "b");
}

#[tokio::test]
async fn large_and_binary_bodies_are_bounded_and_safe() {
    let server = Server::with(|request| {
        let length = if request.contains("/large") { (1 << 20) + 1 } else { 1 << 20 };
        format!("200 OK\r\n\r\n{}", "x".repeat(length))
    });
    for (path, truncated) in [("/exact", false), ("/large", true)] {
        let reply = http(json!({"url": server.url(path)})).await.unwrap();
        assert_eq!(reply.response["body"].as_str().unwrap().len(), 1 << 20);
        assert_eq!(reply.response["truncated"], truncated);
    }
}

#[tokio::test]
async fn nobody_there_may_be_retried() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = http(json!({"url": format!("http://127.0.0.1:{port}/")})).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.permanent), ("connect", false));
    assert_eq!(error.message, format!("127.0.0.1:{port} cannot be reached"));
    assert!(error.causes[0].contains("refused"), "{error}");
    let error = http(json!({"url": "http://no-such-host.invalid/"})).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.permanent), ("connect", false));
}

#[tokio::test]
async fn an_exchange_that_breaks_off_may_be_retried() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort");
        }
    });
    let error = http(json!({"url": format!("http://127.0.0.1:{port}/")})).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.permanent), ("connect", false), "{error}");
}

#[tokio::test]
async fn cancelling_ends_it_and_its_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let underway = Trial::of(Http).start(json!({"url": format!("http://127.0.0.1:{port}/")}));
    let mut stream = tokio::task::spawn_blocking(move || listener.accept().unwrap().0).await.unwrap();
    underway.cancel(Severity::Term);
    assert_eq!(underway.end().await.result.unwrap_err().code, "cancelled");
    let mut rest = Vec::new();
    // Ends only when the other side has closed.
    let _ = stream.read_to_end(&mut rest);
}

#[test]
fn everything_wrong_with_a_request_is_said_at_once() {
    let request = json!({
        "url": "web01/health", "headers": {"a b": "c", "Connection": "close", "x": "a\nb"},
        "bearer": "a", "basicAuth": {"user": "u", "password": "p"}, "regex": "(",
        "tls": {"insecure": true, "ca": "/x"},
    });
    assert_eq!(
        Trial::of(Http).validate(&request).unwrap_err(),
        [
            "`url`: `web01/health` does not begin with http:// or https://",
            "`headers`: `connection` is set by the connection itself",
            "`headers`: `a b` cannot name a header",
            "`headers`: the value of `x` has a line break or the like",
            "`regex`: unclosed group",
            "`bearer` and `basicAuth` exclude each other",
            "`tls`: with `insecure` nobody's certificate is checked, so `ca` would mean nothing",
        ]
    );
    assert_eq!(
        Trial::of(Http).validate(&json!({"url": "http://a/", "status": "6xx"})).unwrap_err(),
        ["`status`: expected statuses such as 200, 2xx or 200-204, one or a list of them, got `6xx`"]
    );
}

#[test]
fn a_rehearsal_is_answered_what_was_hoped_for() {
    let request = json!({"url": "http://a/", "method": "POST", "status": [204], "contains": "done"});
    let reply = Trial::of(Http).simulate(&request, 1).result.unwrap();
    assert!(reply.changed);
    let response = reply.response.unwrap();
    assert_eq!((&response["status"], &response["body"]), (&json!(204), &json!("done")));
}
