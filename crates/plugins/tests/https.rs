//! `http` over TLS, against a real server with a certificate of an authority of our own.

#![cfg(test)]

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use windlass_plugin::testkit::Trial;
use windlass_plugin::{CallError, Value as Json};
use windlass_plugins::http::Http;

const CERTIFICATES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/certificates");

/// Answers `ok` over TLS until the test is over.
async fn serve() -> u16 {
    let chain = CertificateDer::pem_file_iter(format!("{CERTIFICATES}/server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(format!("{CERTIFICATES}/server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.map(Result::unwrap).collect(), key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut seen = Vec::new();
            while !seen.ends_with(b"\r\n\r\n") {
                let Ok(byte) = stream.read_u8().await else { break };
                seen.push(byte);
            }
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
            let _ = stream.shutdown().await;
        }
    });
    port
}

async fn get(port: u16, host: &str, tls: Value) -> Result<Json, CallError> {
    let request = json!({"url": format!("https://{host}:{port}/"), "tls": tls});
    Trial::of(Http).call(request).await.result.map(|reply| reply.response)
}

#[tokio::test]
async fn certificates_are_checked() {
    let port = serve().await;
    let authority = json!({"ca": format!("{CERTIFICATES}/authority.pem")});
    assert_eq!(get(port, "localhost", authority.clone()).await.unwrap()["body"], "ok");

    let error = get(port, "127.0.0.1", authority).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.permanent), ("tls", true), "the certificate is for another name");

    let error = get(port, "localhost", json!({})).await.unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.permanent),
        ("tls", true),
        "the machine does not know the authority"
    );

    assert_eq!(get(port, "127.0.0.1", json!({"insecure": true})).await.unwrap()["body"], "ok");
}

#[tokio::test]
async fn an_authority_that_cannot_be_read_is_named() {
    let port = serve().await;
    for (file, says) in [
        ("/no/such/file", "the certificates in `/no/such/file` cannot be read"),
        (concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), "holds no certificates"),
    ] {
        let error = get(port, "localhost", json!({"ca": file})).await.unwrap_err();
        assert_eq!((error.code.as_str(), error.permanent), ("tls", true));
        assert!(error.message.contains(says), "{error}");
    }
}
