//! The client: what is asked, and what is answered.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use windlass_contract::{
    AuditPage, AuditVerified, Me, NewBackup, NewRetention, NewToken, NewTokenMade, Problem, Retained, Tokens,
    Version,
};
use windlass_model::Value;

use crate::connection::Door;
use crate::error::Error;
use crate::stream::Body;

/// Where a server is, and what one is known by there.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Server {
    /// `http://HOST:PORT` or `https://HOST[:PORT]`, with a path where something in front of it has it there.
    pub url: String,
    /// The token.
    pub token: Option<String>,
    /// Certificates to trust, in PEM; those of this machine unless given.
    pub ca: Option<PathBuf>,
}

/// A client of one server. Clones share its connection.
#[derive(Clone, Debug)]
pub struct Client {
    shared: Arc<Shared>,
    /// The span of somebody's trace that asks.
    traceparent: Option<HeaderValue>,
}

#[derive(Debug)]
struct Shared {
    door: Door,
    authorization: Option<HeaderValue>,
}

/// What is asked.
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) path: String,
    query: String,
    media: &'static str,
    body: Bytes,
}

const JSON: &str = "application/json";
/// What stands for itself in a part of a path or query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

// === impl Server ===

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("url", &self.url).field("ca", &self.ca).finish_non_exhaustive()
    }
}

// === impl Client ===

impl Client {
    /// Nothing is asked yet, and no connection made.
    pub fn new(server: &Server) -> Result<Self, Error> {
        let authorization = server.token.as_ref().map(|token| {
            let mut value =
                HeaderValue::try_from(format!("Bearer {}", token.trim())).map_err(|_| Error::Token)?;
            value.set_sensitive(true);
            Ok(value)
        });
        let door = Door::new(&server.url, server.ca.as_deref())?;
        let authorization = authorization.transpose()?;
        Ok(Self { shared: Arc::new(Shared { door, authorization }), traceparent: None })
    }

    /// What is asked from now on belongs to a span of somebody's trace, as a `traceparent` names it (W3C Trace Context).
    #[must_use]
    pub fn in_trace(self, traceparent: &str) -> Self {
        Self { traceparent: HeaderValue::try_from(traceparent.trim()).ok(), ..self }
    }

    /// Where the server is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.shared.door.url
    }

    /// Which version the server is.
    pub async fn version(&self) -> Result<Version, Error> {
        self.json(Ask::get("/api/v1/version")).await
    }

    /// Who one is there.
    pub async fn me(&self) -> Result<Me, Error> {
        self.json(Ask::get("/api/v1/me")).await
    }

    /// One's tokens; everybody's, for those who may see them.
    pub async fn tokens(&self) -> Result<Tokens, Error> {
        self.json(Ask::get("/api/v1/tokens")).await
    }

    /// Makes a token, which is shown this once.
    pub async fn issue(&self, wanted: &NewToken) -> Result<NewTokenMade, Error> {
        self.json(Ask::new(Method::POST, "/api/v1/tokens").body(wanted)).await
    }

    /// Ends a token, at once.
    pub async fn revoke(&self, id: &str) -> Result<(), Error> {
        self.nothing(Ask::new(Method::DELETE, format!("/api/v1/tokens/{}", escaped(id)))).await
    }

    /// Who did what, the newest first.
    pub async fn audit(&self, limit: usize, before: Option<u64>) -> Result<AuditPage, Error> {
        self.json(Ask::get("/api/v1/audit").query("limit", Some(limit)).query("before", before)).await
    }

    /// Whether the record of that is whole.
    pub async fn verify_audit(&self) -> Result<AuditVerified, Error> {
        self.json(Ask::get("/api/v1/audit/verify")).await
    }

    /// Everything that the server keeps, as it is now, while it comes.
    pub async fn backup(&self, wanted: &NewBackup) -> Result<Body, Error> {
        self.stream(Ask::new(Method::POST, "/api/v1/backup").body(wanted)).await
    }

    /// Which runs were kept long enough; they go, unless it is only to be said.
    pub async fn retain(&self, dry_run: bool) -> Result<Retained, Error> {
        self.json(Ask::new(Method::POST, "/api/v1/retention").body(&NewRetention { dry_run })).await
    }

    /// Asks for JSON.
    pub(crate) async fn json<T: DeserializeOwned>(&self, ask: Ask) -> Result<T, Error> {
        let bytes = self.bytes(ask).await?;
        serde_json::from_slice(&bytes).map_err(|error| self.strange(error))
    }

    /// Asks for something of which it is only heard that it was done.
    pub(crate) async fn nothing(&self, ask: Ask) -> Result<(), Error> {
        self.bytes(ask).await.map(drop)
    }

    /// Asks for something that is read as a whole.
    pub(crate) async fn bytes(&self, ask: Ask) -> Result<Bytes, Error> {
        let door = &self.shared.door;
        let mut connection = door.connection().await?;
        let request = self.request(ask);
        let answer = door.send(&mut connection, request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await.map_err(|error| door.cut_short(error))?.to_bytes();
        door.keep(connection);
        if status.is_success() { Ok(body) } else { Err(self.refused(status.as_u16(), &body)) }
    }

    /// Asks for something that is read while it comes.
    pub(crate) async fn stream(&self, ask: Ask) -> Result<Body, Error> {
        let door = &self.shared.door;
        let mut connection = door.connection().await?;
        let request = self.request(ask);
        let answer: Response<Incoming> = door.send(&mut connection, request).await?;
        if !answer.status().is_success() {
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await.map_err(|error| door.cut_short(error))?.to_bytes();
            return Err(self.refused(status, &body));
        }
        Ok(Body::new(answer.into_body(), self.clone()))
    }

    fn request(&self, ask: Ask) -> Request<Full<Bytes>> {
        let door = &self.shared.door;
        let gap = if ask.query.is_empty() { "" } else { "?" };
        let target = format!("{}{}{gap}{}", door.prefix, ask.path, ask.query);
        let has_body = !ask.body.is_empty();
        let mut request = Request::new(Full::new(ask.body));
        *request.method_mut() = ask.method;
        // Whatever is not plain was escaped, so that it can be read.
        *request.uri_mut() = target.parse().unwrap_or_default();
        let headers = request.headers_mut();
        if let Ok(authority) = HeaderValue::try_from(door.authority()) {
            headers.insert(HOST, authority);
        }
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        if has_body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(ask.media));
        }
        if let Some(authorization) = &self.shared.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        if let Some(traceparent) = &self.traceparent {
            headers.insert("traceparent", traceparent.clone());
        }
        request
    }

    pub(crate) fn cut_short(&self, error: hyper::Error) -> Error {
        self.shared.door.cut_short(error)
    }

    pub(crate) fn strange(&self, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::Strange { url: self.shared.door.url.clone(), source: error.into() }
    }

    fn refused(&self, status: u16, body: &[u8]) -> Error {
        match serde_json::from_slice::<Problem>(body) {
            Ok(problem) => Error::Refused(Box::new(problem)),
            Err(_) => {
                let text = String::from_utf8_lossy(body);
                let text = text.trim().chars().take(200).collect::<String>();
                self.strange(format!("status {status}: {text}"))
            }
        }
    }
}

// === impl Ask ===

impl Ask {
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), query: String::new(), media: JSON, body: Bytes::new() }
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// With something behind the `?`, where there is something.
    pub(crate) fn query(mut self, key: &str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            let gap = if self.query.is_empty() { "" } else { "&" };
            self.query.push_str(&format!("{gap}{key}={}", escaped(&value.to_string())));
        }
        self
    }

    pub(crate) fn body(self, body: &impl serde::Serialize) -> Self {
        // Nothing that is asked can fail to be written as JSON; what is empty is refused over there.
        Self { body: serde_json::to_vec(body).unwrap_or_default().into(), ..self }
    }

    pub(crate) fn document(self, media: &'static str, document: &Value) -> Self {
        Self { media, ..self.body(document) }
    }
}

/// A part of a path, or a value of a query.
pub(crate) fn escaped(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}
