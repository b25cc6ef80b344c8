//! Clients that mean no good, or cannot help it.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::Request;
use hyper::body::Frame;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tonic::Code;
use windlass_rpc::v1;
use windlass_server::{Connections, Limits, Operating, Options, Server};

use super::super::client::{Place, options};
use super::{Services, problem};

async fn place(operating: Operating) -> Place {
    let directory = tempfile::tempdir().unwrap();
    let registry = windlass_plugins::standard().unwrap();
    let server = Server::open(Options { operating, ..options(directory.path()) }, registry).await.unwrap();
    let admin = server.first().unwrap().issued.token.clone();
    Place { directory, server, admin }
}

/// The status that a body is answered with, in headers or trailers.
async fn raw(place: &Place, token: &str, body: Bytes) -> Option<i32> {
    let stream = tokio::net::TcpStream::connect(place.server.address()).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let driving = tokio::spawn(connection);
    let request = Request::post(format!("http://{}/windlass.v1.Objects/List", place.server.address()))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("authorization", format!("Bearer {token}"))
        .body(Full::new(body))
        .unwrap();
    let answer = sender.send_request(request).await.unwrap();
    let of = |headers: &hyper::HeaderMap| headers.get("grpc-status")?.to_str().ok()?.parse().ok();
    let status = match of(answer.headers()) {
        Some(status) => Some(status),
        None => answer.into_body().collect().await.ok().and_then(|all| of(all.trailers()?)),
    };
    driving.abort();
    status
}

#[tokio::test]
async fn garbage_is_answered_and_harms_nobody_else() {
    let place = place(Operating::default()).await;
    let mut other = Services::new(&place, &place.admin).await.objects;
    let framed = |flag: u8, len: u32, rest: &[u8]| -> Bytes {
        [&[flag][..], &len.to_be_bytes(), rest].concat().into()
    };
    for body in [
        Bytes::new(),
        Bytes::from_static(b"\x00"),
        framed(0, 4, b"\xff\xff\xff\xff"),
        framed(0, 100, b"short"),
        framed(7, 0, b""),
        framed(1, 3, b"abc"),
        framed(0, u32::MAX, b"abc"),
        framed(0, 0, b"and more than that"),
        framed(0, 6, b"\x0a\xff\xff\xff\xff\x0f"),
        Bytes::from(vec![0x5a; 100_000]),
    ] {
        let status = raw(&place, &place.admin, body.clone()).await;
        assert!(
            status.is_some_and(|status| status != 0),
            "{:?} {status:?}",
            body.slice(..body.len().min(20))
        );
        other.kinds(v1::KindsRequest {}).await.unwrap();
    }
    // What begins as HTTP/2 and is none.
    for rest in [&b"\0\0\0\0\0\0\0\0\0"[..], &[0xff; 4096], b"GET / HTTP/1.1\r\n\r\n"] {
        let mut stream = tokio::net::TcpStream::connect(place.server.address()).await.unwrap();
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        let _ = stream.write_all(rest).await;
        let mut answer = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await;
        assert!(ended.is_ok(), "it is cut");
        other.kinds(v1::KindsRequest {}).await.unwrap();
    }
}

#[tokio::test]
async fn too_much_is_refused_and_too_slow_is_not_waited_for() {
    let limits = Limits { body_within: Duration::from_millis(200), ..Limits::default() };
    let place = place(Operating { limits, ..Operating::default() }).await;
    let mut objects = Services::new(&place, &place.admin).await.objects;
    let large =
        v1::CreateRequest { kind: "Node".into(), document_json: "x".repeat(9 << 20), ..Default::default() };
    let refused = objects.create(large).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");

    let stream = tokio::net::TcpStream::connect(place.server.address()).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let (sends, body) = tokio::sync::mpsc::channel::<Result<Frame<Bytes>, std::io::Error>>(1);
    sends.send(Ok(Frame::data(Bytes::from_static(b"\0\0\0\0\x09")))).await.unwrap();
    let body = futures_util::stream::unfold(body, |mut body| async { Some((body.recv().await?, body)) });
    let request = Request::post(format!("http://{}/windlass.v1.Objects/List", place.server.address()))
        .header("content-type", "application/grpc")
        .header("authorization", format!("Bearer {}", place.admin))
        .body(StreamBody::new(Box::pin(body)))
        .unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!(answer.headers()["grpc-status"], "4", "{answer:?}");
    assert_eq!(answer.headers()["windlass-code"], "WL-1204");
    drop(sends);
    objects.kinds(v1::KindsRequest {}).await.unwrap();
}

#[tokio::test]
async fn who_floods_is_told_when_to_come_again_and_nobody_else_waits() {
    let limits = Limits { per_second: Some(1), burst: 20, ..Limits::default() };
    let place = place(Operating { limits, ..Operating::default() }).await;
    let ann = place.user("ann", Some("viewer"), &["*"]).await;
    let mut objects = Services::new(&place, &ann).await.objects;
    let mut refused = None;
    for _ in 0..40 {
        if let Err(status) = objects.kinds(v1::KindsRequest {}).await {
            refused = Some(status);
            break;
        }
    }
    let refused = refused.unwrap();
    assert_eq!((refused.code(), &*problem(&refused).code), (Code::ResourceExhausted, "WL-1203"));
    use tonic_types::StatusExt as _;
    let again = refused.get_details_retry_info().unwrap().retry_delay.unwrap();
    assert!(again >= Duration::from_secs(1));
    // REST counts the same.
    assert_eq!(place.ask(&ann, "GET", "/api/v1/me", None).await.status.as_u16(), 429);
    Services::new(&place, &place.admin).await.objects.kinds(v1::KindsRequest {}).await.unwrap();
}

#[tokio::test]
async fn who_stalls_or_goes_in_the_middle_of_a_stream_holds_up_nobody() {
    let place = place(Operating::default()).await;
    let mut stalled = Services::new(&place, &place.admin).await.objects;
    let watch = v1::WatchRequest { kind: "Node".into(), ..Default::default() };
    // Never read, on a connection that is alive.
    let kept = stalled.watch(watch.clone()).await.unwrap();
    let mut gone = Services::new(&place, &place.admin).await.objects;
    let left = gone.watch(watch.clone()).await.unwrap();
    drop((left, gone));
    let mut reader = Services::new(&place, &place.admin).await.objects;
    let mut stream = reader.watch(watch).await.unwrap().into_inner();
    let long = "x".repeat(100_000);
    let names: Vec<String> = (0..30).map(|number| format!("n{number}")).collect();
    for name in &names {
        place
            .does("PATCH", &format!("/api/v1/nodes/{name}"), json!({"spec": {"vars": {"long": long}}}))
            .await;
    }
    for name in &names {
        let told = tokio::time::timeout(Duration::from_secs(30), stream.message()).await.unwrap();
        assert_eq!(told.unwrap().unwrap().object.unwrap().metadata.unwrap().name, *name);
    }
    // The one who stalled still has everything, in order.
    let mut kept = kept.into_inner();
    for name in &names {
        assert_eq!(kept.message().await.unwrap().unwrap().object.unwrap().metadata.unwrap().name, *name);
    }
}

#[tokio::test]
async fn a_connection_that_asks_nothing_is_let_go_and_one_that_follows_something_is_not() {
    let connections = Connections { head_within: Duration::from_millis(300), ..Connections::default() };
    let place = place(Operating { connections, ..Operating::default() }).await;
    let begin = async || {
        let stream = tokio::net::TcpStream::connect(place.server.address()).await.unwrap();
        hyper::client::conn::http2::handshake::<_, _, Full<Bytes>>(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap()
    };
    let mut follows = Services::new(&place, &place.admin).await.objects;
    let watch = v1::WatchRequest { kind: "Node".into(), ..Default::default() };
    let mut stream = follows.watch(watch).await.unwrap().into_inner();
    let (sender, connection) = begin().await;
    tokio::time::timeout(Duration::from_secs(30), connection).await.unwrap().unwrap();
    drop(sender);
    place.does("PATCH", "/api/v1/nodes/a", json!({})).await;
    assert_eq!(stream.message().await.unwrap().unwrap().object.unwrap().metadata.unwrap().name, "a");
}
