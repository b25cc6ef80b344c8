//! A server in a directory of its own, and a client of it.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client as Hyper;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use windlass_server::{Options, Server};

pub(crate) struct Place {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) server: Server,
    /// The token of somebody who may do everything.
    pub(crate) admin: String,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
    pub(crate) text: String,
}

pub(crate) fn options(directory: &Path) -> Options {
    Options {
        data_dir: directory.to_owned(),
        listen: "127.0.0.1:0".parse().unwrap(),
        tls: None,
        without_tls: false,
        name: "a test".to_owned(),
        version: "0.0.0",
        agents: windlass_hub::Hub::default(),
        enrol: windlass_enrol::Options::default(),
        agent_program: None,
        oidc: None,
        traces: None,
        operating: windlass_server::Operating::default(),
    }
}

pub(crate) async fn open(directory: &Path) -> Server {
    Server::open(options(directory), windlass_plugins::standard().unwrap()).await.unwrap()
}

impl Place {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let server = open(directory.path()).await;
        let admin = server.first().unwrap().issued.token.clone();
        Self { directory, server, admin }
    }

    /// Ends the server and opens another in the same directory.
    pub(crate) async fn again(self) -> Self {
        let Self { directory, server, admin } = self;
        server.close(Duration::from_secs(5)).await.unwrap();
        let server = open(directory.path()).await;
        Self { directory, server, admin }
    }

    pub(crate) async fn ask(&self, token: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.ask_as(token, method, path, "application/json", body).await
    }

    pub(crate) async fn ask_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        media: &str,
        body: Option<&Value>,
    ) -> Answer {
        let response = self.send(token, method, path, media, body).await;
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status, body: serde_json::from_slice(&bytes).unwrap_or_default(), text }
    }

    pub(crate) async fn send(
        &self,
        token: &str,
        method: &str,
        path: &str,
        media: &str,
        body: Option<&Value>,
    ) -> hyper::Response<hyper::body::Incoming> {
        let client: Hyper<HttpConnector, Full<Bytes>> = Hyper::builder(TokioExecutor::new()).build_http();
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(format!("http://{}{path}", self.server.address()))
            .header("content-type", media);
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        client.request(request.body(Full::new(body.into())).unwrap()).await.unwrap()
    }

    /// The first message of a stream, which is then cut.
    pub(crate) async fn first_message(&self, path: &str, last: Option<&str>) -> String {
        let client: Hyper<HttpConnector, Full<Bytes>> = Hyper::builder(TokioExecutor::new()).build_http();
        let mut request = Request::builder()
            .uri(format!("http://{}{path}", self.server.address()))
            .header("authorization", format!("Bearer {}", self.admin));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let mut answer = client.request(request.body(Full::default()).unwrap()).await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        let mut text = String::new();
        while !text.contains("\n\n") {
            let frame = answer.body_mut().frame().await.unwrap().unwrap();
            text.push_str(&String::from_utf8_lossy(&frame.into_data().unwrap_or_default()));
        }
        text[..text.find("\n\n").unwrap()].to_owned()
    }

    /// As somebody who may do everything; it must go well.
    pub(crate) async fn does(&self, method: &str, path: &str, body: Value) -> Value {
        let media = if method == "PATCH" { "application/apply+json" } else { "application/json" };
        let answer = self.ask_as(&self.admin, method, path, media, Some(&body)).await;
        assert!(answer.status.is_success(), "{method} {path}: {answer:?}");
        answer.body
    }

    pub(crate) async fn sees(&self, path: &str) -> Value {
        let answer = self.ask(&self.admin, "GET", path, None).await;
        assert!(answer.status.is_success(), "{path}: {answer:?}");
        answer.body
    }

    /// Makes a user, and a token of theirs.
    pub(crate) async fn user(&self, name: &str, role: Option<&str>, namespaces: &[&str]) -> String {
        self.does("PATCH", &format!("/api/v1/users/{name}"), json!({})).await;
        if let Some(role) = role {
            let spec = json!({"spec": {"role": role, "users": [name], "namespaces": namespaces}});
            self.does("PATCH", &format!("/api/v1/rolebindings/{name}"), spec).await;
        }
        let made = self.does("POST", "/api/v1/tokens", json!({"user": name})).await;
        made["token"].as_str().unwrap().to_owned()
    }

    /// Waits until a run has ended; how it stands.
    pub(crate) async fn ended(&self, run: &str) -> Value {
        let run = run.parse().unwrap();
        let runs = self.server.runs();
        tokio::time::timeout(Duration::from_secs(60), runs.wait(run)).await.unwrap().unwrap();
        let namespace = runs.status(run).await.unwrap().labels[windlass_api::NAMESPACE_LABEL].clone();
        self.sees(&format!("/api/v1/namespaces/{namespace}/runs/{run}")).await
    }
}
