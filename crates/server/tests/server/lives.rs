//! How a server begins, listens and ends.

use std::time::Duration;

use http_body_util::BodyExt as _;
use serde_json::json;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use windlass_server::{Error, Server, Tls};

use super::client::{Place, open, options};

#[tokio::test]
async fn the_first_start_gives_a_token_and_no_other_does() {
    let place = Place::new().await;
    assert!(place.server.first().unwrap().issued.token.starts_with("wl_"));
    let me = place.sees("/api/v1/me").await;
    assert_eq!((&me["user"], me["cluster"].as_array().unwrap().len()), (&json!("admin"), 6));
    let place = place.again().await;
    assert!(place.server.first().is_none());
    assert_eq!(place.sees("/api/v1/me").await, me, "and the token is still good");
}

#[tokio::test]
async fn it_says_how_it_is_to_everybody() {
    let place = Place::new().await;
    assert_eq!(place.ask("", "GET", "/healthz", None).await.text, "ok\n");
    assert_eq!(place.ask("", "GET", "/readyz", None).await.text, "ok\n");
    assert_eq!(place.ask("", "GET", "/api/v1/version", None).await.body, json!({"version": "0.0.0"}));
    let document = place.ask("", "GET", "/api/v1/openapi.json", None).await.body;
    assert_eq!(document["openapi"], "3.1.0");
    let nothing = place.ask("", "GET", "/nothing", None).await;
    assert_eq!((nothing.status.as_u16(), &nothing.body["code"]), (404, &json!("WL-1005")));
    let wrong = place.ask("", "DELETE", "/healthz", None).await;
    assert_eq!((wrong.status.as_u16(), &wrong.body["code"]), (405, &json!("WL-1005")));
}

#[tokio::test]
async fn whoever_follows_something_is_cut_when_the_server_ends_and_does_not_hold_it_up() {
    let place = Place::new().await;
    let namespace = "/api/v1/namespaces/default";
    let plan = json!({"spec": {"blocks": [{"name": "b", "sequences": [{"name": "s", "actions": [
        {"name": "a", "use": "sleep", "with": {"duration": "1h"}}]}]}]}});
    place.does("PATCH", &format!("{namespace}/plans/wait"), plan).await;
    let made = place.does("POST", &format!("{namespace}/runs"), json!({"plan": "wait"})).await;
    let run = format!("{namespace}/runs/{}", made["run"].as_str().unwrap());
    let mut followed = Vec::new();
    for path in [
        format!("{namespace}/plans?watch=true"),
        format!("{run}/events"),
        format!("{run}/logs?follow=true"),
        format!("{namespace}/plans/wait/state?watch=true"),
    ] {
        let answer = place.send(&place.admin, "GET", &path, "", None).await;
        assert_eq!(answer.status().as_u16(), 200, "{path}");
        followed.push((path, answer));
    }
    place.does("POST", &format!("{run}/kill"), json!({})).await;
    let logs = format!("{run}/logs?follow=true");
    // What follows the run ends with it, the rest with the server.
    followed.retain(|(path, _)| path.contains("watch=true"));
    assert!(!place.ask(&place.admin, "GET", &logs, None).await.text.contains("problem"));
    let begun = tokio::time::Instant::now();
    place.server.close(Duration::from_secs(5)).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(4), "nobody is waited for who would stay for ever");
    for (path, mut answer) in followed {
        let mut broke = false;
        while let Some(frame) = answer.body_mut().frame().await {
            broke = broke || frame.is_err();
        }
        assert!(broke, "{path}: nobody takes it for whole");
    }
}

#[tokio::test]
async fn others_are_not_reached_without_a_certificate() {
    let directory = tempfile::tempdir().unwrap();
    let listen = "0.0.0.0:0".parse().unwrap();
    let registry = windlass_plugins::standard().unwrap();
    let opened =
        Server::open(windlass_server::Options { listen, ..options(directory.path()) }, registry).await;
    assert!(matches!(opened, Err(Error::Open(_))), "{opened:?}");
    assert!(!directory.path().join("FORMAT").exists(), "nothing was begun");
}

#[tokio::test]
async fn a_second_server_is_told_who_has_the_store() {
    let place = Place::new().await;
    let registry = windlass_plugins::standard().unwrap();
    let opened = Server::open(options(place.directory.path()), registry).await;
    assert!(opened.unwrap_err().to_string().contains("in use by"));
}

#[tokio::test]
async fn tls_with_a_certificate_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    // Made with openssl, for localhost and a hundred years; the key keeps nothing.
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server/tls");
    let (certificate, key) = (here.join("cert.pem"), here.join("key.pem"));
    let data_dir = directory.path().join("data");
    std::fs::create_dir(&data_dir).unwrap();
    let tls = Some(Tls { certificate: certificate.clone(), key });
    let registry = windlass_plugins::standard().unwrap();
    let server =
        Server::open(windlass_server::Options { tls, ..options(&data_dir) }, registry.clone()).await.unwrap();
    // Somebody who connects and says nothing holds up nobody.
    let mute = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    let text = over_tls(server.address(), CertificateDer::from_pem_file(&certificate).unwrap()).await;
    assert!(text.starts_with("HTTP/1.1 200 OK") && text.ends_with("ok\n"), "{text}");
    drop(mute);
    let address = server.address();
    let authority = CertificateDer::from_pem_file(&certificate).unwrap();
    let connector = tower::service_fn(move |_| {
        let stream = encrypted(address, authority.clone(), &[b"h2"]);
        async move { Ok::<_, std::io::Error>(hyper_util::rt::TokioIo::new(stream.await)) }
    });
    let endpoint = tonic::transport::Endpoint::from_static("http://localhost");
    let channel = endpoint.connect_with_connector(connector);
    let token = &server.first().unwrap().issued.token;
    let mut services = super::grpc::Services::over(channel.await.unwrap(), token);
    let kinds = services.objects.kinds(windlass_rpc::v1::KindsRequest {}).await.unwrap();
    assert!(!kinds.into_inner().kinds.is_empty(), "gRPC on the same port");
    drop(services);
    server.close(Duration::from_secs(1)).await.unwrap();
    let tls = Some(Tls { certificate: certificate.clone(), key: certificate });
    let opened = Server::open(windlass_server::Options { tls, ..options(&data_dir) }, registry).await;
    assert!(opened.is_err());
    drop(open(&data_dir).await);
}

async fn over_tls(address: std::net::SocketAddr, authority: CertificateDer<'static>) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = encrypted(address, authority, &[]).await;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text).await;
    String::from_utf8(text).unwrap()
}

async fn encrypted(
    address: std::net::SocketAddr,
    authority: CertificateDer<'static>,
    spoken: &'static [&'static [u8]],
) -> tokio_rustls::client::TlsStream<tokio::net::TcpStream> {
    use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};
    let mut roots = RootCertStore::empty();
    roots.add(authority).unwrap();
    let mut config = ClientConfig::builder_with_provider(crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let name = "localhost".try_into().unwrap();
    config.alpn_protocols = spoken.iter().map(|it| it.to_vec()).collect();
    tokio_rustls::TlsConnector::from(std::sync::Arc::new(config)).connect(name, stream).await.unwrap()
}
