//! `file.exists`, `file.contains`, `port.open`, `sleep`, `noop` and `fail` against real files, ports and time.

#![cfg(test)]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use windlass_plugin::testkit::Trial;
use windlass_plugin::{Plugin, Reply, Severity, Span};
use windlass_plugins::fail::{Fail, FailCheck};
use windlass_plugins::file_contains::FileContains;
use windlass_plugins::file_exists::FileExists;
use windlass_plugins::noop::{Noop, NoopCheck};
use windlass_plugins::port_open::PortOpen;
use windlass_plugins::sleep::Sleep;

/// `Ok` with the response, or the failure's code and message.
async fn look(plugin: impl Plugin, request: Value) -> Result<Value, (String, String)> {
    match Trial::of(plugin).call(request).await.result {
        Ok(reply) => {
            assert!(!reply.changed, "a check changes nothing");
            Ok(reply.response)
        }
        Err(error) => Err((error.code, error.message)),
    }
}

fn not_so(message: &str) -> Result<Value, (String, String)> {
    Err(("check".into(), message.into()))
}

#[tokio::test]
async fn file_exists_tells_kinds_apart() {
    let dir = TempDir::new().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("file"), "abc").unwrap();
    fs::create_dir(at("directory")).unwrap();
    symlink(at("file"), at("link")).unwrap();
    symlink(at("nowhere"), at("dangling")).unwrap();
    for (name, kind, exists) in [
        ("file", "any", true),
        ("file", "file", true),
        ("file", "directory", false),
        ("file", "symlink", false),
        ("directory", "directory", true),
        ("directory", "file", false),
        ("link", "symlink", true),
        ("link", "file", true),
        ("dangling", "any", true),
        ("dangling", "file", false),
        ("none", "any", false),
        ("file/below", "any", false),
    ] {
        let asked = |absent: bool| json!({"path": at(name), "kind": kind, "absent": absent});
        assert_eq!(look(FileExists, asked(false)).await.is_ok(), exists, "{name} {kind}");
        assert_eq!(look(FileExists, asked(true)).await.is_ok(), !exists, "{name} {kind} absent");
    }
    let found = look(FileExists, json!({"path": at("file")})).await;
    assert_eq!(found, Ok(json!({"exists": true, "size": 3})));
    let wrong = look(FileExists, json!({"path": at("file"), "kind": "directory"})).await;
    assert_eq!(wrong, not_so(&format!("`{}` exists and is not a directory", at("file"))));
    let none = look(FileExists, json!({"path": at("none")})).await;
    assert_eq!(none, not_so(&format!("`{}` does not exist", at("none"))));
}

#[tokio::test]
async fn file_contains_texts_lines_and_patterns() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("conf").to_str().unwrap().to_owned();
    fs::write(&path, b"# caf\xe9\n  mode = active  \nlevel=3\n").unwrap();
    let asked = |field: &str, value: &str| json!({"path": path, field: value});
    for (field, value, line) in [
        ("text", "active", Some(2)),
        ("text", "passive", None),
        ("line", "mode = active", Some(2)),
        ("line", "mode", None),
        ("regex", r"^level=\d$", Some(3)),
        ("regex", r"^\d", None),
    ] {
        let mut request = asked(field, value);
        let expect = line.map(|line| json!({"found": true, "line": line}));
        assert_eq!(look(FileContains, request.clone()).await.ok(), expect, "{request}");
        request["absent"] = true.into();
        assert_eq!(look(FileContains, request.clone()).await.is_ok(), line.is_none(), "{request}");
    }
    assert_eq!(
        look(FileContains, asked("text", "passive")).await,
        not_so(&format!("`{path}` does not have the text `passive`"))
    );
    let none = json!({"path": "/no/such/file", "text": "a", "absent": true});
    assert!(look(FileContains, none).await.is_ok(), "a file that does not exist has no text");
    let large = json!({"path": path, "text": "a", "maxSize": 4});
    assert_eq!(look(FileContains, large).await.unwrap_err().0, "tooLarge");
    let device = json!({"path": "/dev/zero", "text": "a"});
    assert_eq!(look(FileContains, device).await.unwrap_err().0, "notAFile");
}

#[test]
fn file_contains_wants_exactly_one() {
    let says = |request: Value| Trial::of(FileContains).validate(&request).unwrap_err();
    assert_eq!(says(json!({"path": "a"})), ["one of `text`, `line` and `regex` is needed"]);
    assert_eq!(
        says(json!({"path": "a", "text": "a", "line": "b"})),
        ["`text`, `line` and `regex` exclude each other"]
    );
    assert_eq!(says(json!({"path": "a", "regex": "["})), ["`regex`: unclosed character class"]);
}

#[tokio::test]
async fn port_open_and_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = |closed: bool| json!({"host": "127.0.0.1", "port": port, "closed": closed});
    let found = look(PortOpen, asked(false)).await.unwrap();
    assert_eq!(found["address"], format!("127.0.0.1:{port}"));
    assert_eq!(look(PortOpen, asked(true)).await, not_so(&format!("127.0.0.1:{port} is open")));
    drop(listener);
    assert_eq!(look(PortOpen, asked(false)).await, not_so(&format!("127.0.0.1:{port} is not open")));
    assert!(look(PortOpen, asked(true)).await.is_ok());
}

#[tokio::test]
async fn port_open_does_not_wait_for_ever() {
    // A full backlog: the kernel answers no further connection.
    let listener =
        rustix::net::socket(rustix::net::AddressFamily::INET, rustix::net::SocketType::STREAM, None).unwrap();
    rustix::net::bind(&listener, &"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap()).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let address: std::net::SocketAddr = rustix::net::getsockname(&listener).unwrap().try_into().unwrap();
    let _filling = std::net::TcpStream::connect(address).unwrap();
    let asked = |closed: bool| json!({"host": "127.0.0.1", "port": address.port(), "within": "200ms", "closed": closed});
    assert_eq!(
        look(PortOpen, asked(false)).await,
        not_so(&format!("{address} does not answer within 200ms"))
    );
    assert!(look(PortOpen, asked(true)).await.is_ok());

    let mut request = asked(false);
    request["within"] = "10m".into();
    let underway = Trial::of(PortOpen).start(request);
    underway.cancel(Severity::Term);
    assert_eq!(underway.end().await.result.unwrap_err().code, "cancelled");
}

#[tokio::test]
async fn port_open_of_an_unknown_name_is_an_error_either_way() {
    for closed in [false, true] {
        let request = json!({"host": "no-such-host.invalid", "port": 1, "closed": closed});
        assert_eq!(look(PortOpen, request).await.unwrap_err().0, "resolve");
    }
}

#[tokio::test(start_paused = true)]
async fn sleep_sleeps() {
    let begun = tokio::time::Instant::now();
    let reply = Trial::of(Sleep).call(json!({"duration": "1h30m"})).await.result.unwrap();
    assert_eq!(reply, Reply::unchanged(Value::Null));
    assert_eq!(begun.elapsed().as_secs(), 90 * 60);
    let simulated = Trial::of(Sleep).simulate(&json!({"duration": "1h30m"}), 7);
    assert_eq!(Span(simulated.after), Span::secs(90 * 60));
}

#[tokio::test]
async fn sleep_ends_at_once_when_told_to() {
    let begun = Instant::now();
    let underway = Trial::of(Sleep).start(json!({"duration": "10m"}));
    underway.cancel(Severity::Term);
    assert_eq!(underway.end().await.result.unwrap_err().code, "cancelled");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn noop_echoes() {
    let echoed = Trial::of(Noop).call(json!({"value": {"a": 1}, "changed": true})).await.result.unwrap();
    assert_eq!(echoed, Reply::changed(json!({"a": 1})));
    assert_eq!(Trial::of(Noop).call(json!({})).await.result.unwrap(), Reply::unchanged(Value::Null));
    assert_eq!(look(NoopCheck, json!({"value": 1})).await, Ok(json!(1)));
}

#[tokio::test]
async fn fail_fails_as_often_as_it_is_told() {
    let request = json!({"times": 2, "message": "busy", "code": "busy", "retryAfter": "3s", "response": 7});
    for attempt in [1, 2] {
        let error = Trial::of(Fail).attempt(attempt).call(request.clone()).await.result.unwrap_err();
        assert_eq!((error.code.as_str(), error.message.as_str(), error.permanent), ("busy", "busy", false));
        assert_eq!(error.retry_after, Some(Span::secs(3)));
        assert_eq!(error.response.as_deref(), Some(&json!(7)));
    }
    let third = Trial::of(Fail).attempt(3).call(request).await.result.unwrap();
    assert_eq!(third, Reply::changed(json!(7)));
    let error = Trial::of(Fail).attempt(99).call(json!({"permanent": true})).await.result.unwrap_err();
    assert_eq!((error.message.as_str(), error.permanent), ("told to fail", true));
    assert!(look(FailCheck, json!({})).await.is_err());
    assert!(Trial::of(Fail).simulate(&json!({"times": 1}), 0).result.is_err());
}
