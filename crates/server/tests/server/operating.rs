//! What is counted, who may ask how often, and what a server says of itself.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use windlass_server::{Connections, Limits, Operating, Options, Server};

use super::client::{Place, options};
use super::grpc::Services;

async fn place(operating: Operating) -> Place {
    let directory = tempfile::tempdir().unwrap();
    let registry = windlass_plugins::standard().unwrap();
    let server = Server::open(Options { operating, ..options(directory.path()) }, registry).await.unwrap();
    let admin = server.first().unwrap().issued.token.clone();
    Place { directory, server, admin }
}

/// What is answered to bytes; the connection stays open on this side.
async fn raw(place: &Place, text: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(place.server.address()).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while !String::from_utf8_lossy(&answer).contains("\"code\"") {
        let read = stream.read(&mut buffer).await.unwrap();
        if read == 0 {
            break;
        }
        answer.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn metrics_tell_what_has_happened_to_who_may_look() {
    let place = place(Operating::default()).await;
    let plan = json!({"spec": {"blocks": [{"name": "b", "sequences": [{"name": "s", "actions": [
        {"name": "a", "use": "noop"}, {"name": "c", "use": "shell", "with": {"script": "true"}}]}]}]}});
    place.does("PATCH", "/api/v1/namespaces/default/plans/work", plan).await;
    let made = place.does("POST", "/api/v1/namespaces/default/runs", json!({"plan": "work"})).await;
    place.ended(made["run"].as_str().unwrap()).await;
    for number in 0..50 {
        place.ask(&place.admin, "GET", &format!("/made/up/{number}"), None).await;
        place.ask(&place.admin, &format!("M{number}"), "/healthz", None).await;
    }
    let mut services = Services::new(&place, &place.admin).await;
    services.objects.kinds(windlass_rpc::v1::KindsRequest {}).await.unwrap();
    let text = place.ask(&place.admin, "GET", "/metrics", None).await.text;
    let has = |line: &str| assert!(text.lines().any(|it| it == line), "{line} is not in\n{text}");
    has("windlass_ready 1");
    has("windlass_runs{status=\"running\"} 0");
    has("windlass_runs_submitted_total 1");
    has("windlass_runs_ended_total{status=\"succeeded\"} 1");
    has("windlass_actions_begun_total 2");
    has(
        "windlass_api_requests_total{method=\"POST\",endpoint=\"/api/v1/namespaces/{name}/runs\",status=\"201\"} 1",
    );
    has("windlass_api_requests_total{method=\"none\",endpoint=\"none\",status=\"404\"} 50");
    let series = text.lines().filter(|line| !line.starts_with('#') && !line.contains("_bucket")).count();
    assert!(series < 150, "what somebody makes up makes no series: {series}");
    assert!(!text.contains("/made/up"));
    // Every one that is declared is told, and none else.
    for row in windlass_server::metrics_reference().lines().filter(|line| line.starts_with("| `")) {
        let name = row.split('`').nth(1).unwrap();
        assert!(text.contains(&format!("# TYPE {name} ")), "{name} is not told");
    }
    assert_eq!(place.ask("", "GET", "/metrics", None).await.status.as_u16(), 401);
    let ann = place.user("ann", Some("viewer"), &["default"]).await;
    assert_eq!(place.ask(&ann, "GET", "/metrics", None).await.status.as_u16(), 403);
}

#[tokio::test]
async fn who_floods_is_told_to_wait_and_nobody_else_is() {
    let limits = Limits { per_second: Some(1), burst: 20, ..Limits::default() };
    let place = place(Operating { limits, ..Operating::default() }).await;
    let ann = place.user("ann", Some("viewer"), &["*"]).await;
    let mut refused = None;
    for _ in 0..40 {
        let answer = place.ask(&ann, "GET", "/api/v1/me", None).await;
        if answer.status.as_u16() == 429 {
            refused = Some(answer);
            break;
        }
    }
    assert_eq!(refused.unwrap().body["code"], "WL-1203");
    let text =
        raw(&place, &format!("GET /api/v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ann}\r\n\r\n"))
            .await;
    assert!(
        text.starts_with("HTTP/1.1 429") && text.to_ascii_lowercase().contains("\r\nretry-after: 1\r\n"),
        "{text}"
    );
    assert_eq!(place.ask(&place.admin, "GET", "/api/v1/me", None).await.status.as_u16(), 200);
    assert_eq!(place.ask("", "GET", "/healthz", None).await.status.as_u16(), 200);
}

#[tokio::test]
async fn who_sends_too_slowly_is_not_waited_for() {
    let limits = Limits { body_within: Duration::from_millis(100), ..Limits::default() };
    let place = place(Operating { limits, ..Operating::default() }).await;
    let text = raw(
        &place,
        &format!(
            "POST /api/v1/tokens HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{",
            place.admin
        ),
    )
    .await;
    assert!(text.starts_with("HTTP/1.1 408") && text.contains("WL-1204"), "{text}");
    assert_eq!(place.ask(&place.admin, "GET", "/api/v1/me", None).await.status.as_u16(), 200);
}

#[tokio::test]
async fn who_connects_and_asks_nothing_is_cut_and_too_many_are_closed() {
    let connections = Connections { most: 3, head_within: Duration::from_millis(200) };
    let place = place(Operating { connections, ..Operating::default() }).await;
    let connect = async || tokio::net::TcpStream::connect(place.server.address()).await.unwrap();
    let closed = async |stream: &mut tokio::net::TcpStream| {
        let mut rest = Vec::new();
        let read =
            tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut rest)).await.unwrap();
        drop(read);
    };
    let mut slow = Vec::new();
    for _ in 0..3 {
        let mut stream = connect().await;
        stream.write_all(b"GET /healthz HT").await.unwrap();
        slow.push(stream);
    }
    let mut more = connect().await;
    more.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    closed(&mut more).await;
    for stream in &mut slow {
        closed(stream).await;
    }
    assert_eq!(place.ask("", "GET", "/healthz", None).await.text, "ok\n", "and everybody else is answered");
}

#[tokio::test]
async fn a_full_disk_is_told_by_whether_it_is_ready_and_gone_when_there_is_room() {
    let directory = tempfile::tempdir().unwrap();
    let run = |program: &str, args: &[&str]| {
        let done = std::process::Command::new(program).args(args).arg(directory.path()).output().unwrap();
        (done.status.success(), String::from_utf8_lossy(&done.stderr).trim().to_owned())
    };
    let (mounted, why) = run("mount", &["-t", "tmpfs", "-o", "size=256m", "tmpfs"]);
    if !mounted {
        return skip(&format!("cannot mount a small file system here: {why}"));
    }
    let data = directory.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let server = Server::open(options(&data), windlass_plugins::standard().unwrap()).await.unwrap();
    let admin = server.first().unwrap().issued.token.clone();
    let place = Place { directory: tempfile::tempdir().unwrap(), server, admin };
    assert_eq!(place.ask("", "GET", "/readyz", None).await.status.as_u16(), 200);
    let ballast = directory.path().join("ballast");
    let disk = rustix::fs::statvfs(directory.path()).unwrap();
    let free = usize::try_from(disk.f_bavail * disk.f_frsize).unwrap();
    std::fs::write(&ballast, vec![1; free - (16 << 20)]).unwrap();
    let answer = place.ask("", "GET", "/readyz", None).await;
    assert_eq!((answer.status.as_u16(), &answer.body["code"]), (503, &json!("WL-1006")), "{answer:?}");
    assert_eq!(place.ask("", "GET", "/healthz", None).await.status.as_u16(), 200, "it lives");
    std::fs::remove_file(&ballast).unwrap();
    assert_eq!(place.ask("", "GET", "/readyz", None).await.status.as_u16(), 200);
    place.server.close(Duration::from_secs(1)).await.unwrap();
    run("umount", &["-l"]);
}

#[expect(clippy::print_stdout, reason = "to tell why it did not run")]
fn skip(why: &str) {
    let test = std::thread::current();
    let name = test.name().unwrap_or("operating").to_owned();
    println!("SKIPPED: {name}: {why}");
    if let Some(path) = std::env::var_os("WINDLASS_SKIP_LOG") {
        use std::io::Write as _;
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        writeln!(file, "{name}: {why}").unwrap();
    }
}
