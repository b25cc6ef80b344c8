//! Connects, sends, follows redirects, and reads the answer. Dropping it ends it, connection and all.

use std::io;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, HeaderMap, HeaderValue, LOCATION,
};
use hyper::{Method, StatusCode, Version};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::ServerName;
use windlass_plugin::CallError;

use super::prepared::Prepared;
use super::tls::{self, TLS};
use super::url::Url;

/// What came back, before it is judged.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) is_truncated: bool,
    pub(super) method: Method,
    pub(super) url: Url,
}

/// How much of a body is read.
const LONGEST_BODY: usize = 1024 * 1024;

/// How many redirects are followed.
const MOST_REDIRECTS: usize = 10;

const CONNECT: &str = "connect";

pub(super) async fn exchange(prepared: &Prepared) -> Result<Answer, CallError> {
    let mut hop = Hop {
        method: prepared.method.clone(),
        url: prepared.url.clone(),
        headers: prepared.headers.clone(),
        body: prepared.body.clone(),
    };
    for _ in 0..=MOST_REDIRECTS {
        let answer = hop.go(prepared).await?;
        let location = answer.headers.get(LOCATION).filter(|_| leads_on(answer.status));
        match location {
            Some(location) if prepared.follow_redirects => hop.follow(answer.status, location)?,
            _ => return Ok(answer),
        }
    }
    let message = format!("{} leads on and on: more than {MOST_REDIRECTS} redirects", prepared.url);
    Err(CallError::permanent("redirect", message))
}

fn leads_on(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// One request of perhaps several.
struct Hop {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
}

// === impl Hop ===

impl Hop {
    fn follow(&mut self, status: StatusCode, location: &HeaderValue) -> Result<(), CallError> {
        let location = String::from_utf8_lossy(location.as_bytes());
        let url = self.url.join(&location).map_err(|problem| {
            CallError::permanent("redirect", format!("{} leads nowhere: {problem}", self.url))
        })?;
        if !self.url.is_same_origin(&url) {
            self.headers.remove(AUTHORIZATION);
            self.headers.remove(COOKIE);
        }
        // 307 and 308 ask for the same again; the others, by long habit, for what there is to see.
        if !matches!(status.as_u16(), 307 | 308) && !self.method.is_safe() {
            self.method = Method::GET;
            self.body = Bytes::new();
            self.headers.remove(CONTENT_TYPE);
        }
        self.url = url;
        Ok(())
    }

    async fn go(&self, prepared: &Prepared) -> Result<Answer, CallError> {
        let url = &self.url;
        let connected = TcpStream::connect((url.host_name(), url.port)).await;
        let stream = connected.map_err(|error| not_reached(url, &error))?;
        // Small requests must not wait for each other's acknowledgements.
        let _ = stream.set_nodelay(true);
        if !url.is_https {
            return self.talk(stream).await;
        }
        let connector = tls::connector(&prepared.tls).await?;
        let name = ServerName::try_from(url.host_name().to_owned()).map_err(|error| {
            CallError::permanent(TLS, format!("`{}` is no name for TLS", url.host)).because(&error)
        })?;
        let secured = connector.connect(name, stream).await.map_err(|error| not_trusted(url, &error))?;
        self.talk(secured).await
    }

    async fn talk(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send) -> Result<Answer, CallError> {
        let broken = |error: hyper::Error| {
            let message = format!("the exchange with {} was cut short", self.url.authority());
            CallError::retryable(CONNECT, message).because(&error)
        };
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let talk = async {
            let answer = sender.send_request(self.request()?).await.map_err(broken)?;
            self.read(answer, &broken).await
        };
        // The connection is moved on here and not in a task of its own, so that it ends when this does.
        let mut talk = std::pin::pin!(talk);
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            answer = &mut talk => answer,
            ended = &mut connection => {
                // It may end with the answer already read and waiting.
                let answer = talk.await;
                ended.map_err(broken).and(answer)
            }
        }
    }

    fn request(&self) -> Result<hyper::Request<Full<Bytes>>, CallError> {
        let mut request = hyper::Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.version_mut() = Version::HTTP_11;
        *request.uri_mut() = self.url.target.parse()?;
        *request.headers_mut() = self.headers.clone();
        let headers = request.headers_mut();
        headers.entry(HOST).or_insert(HeaderValue::try_from(self.url.authority())?);
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        if self.body.is_empty() && [Method::POST, Method::PUT, Method::PATCH].contains(&self.method) {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        Ok(request)
    }

    async fn read(
        &self,
        answer: hyper::Response<Incoming>,
        broken: &impl Fn(hyper::Error) -> CallError,
    ) -> Result<Answer, CallError> {
        let (head, mut incoming) = answer.into_parts();
        let (mut body, mut is_truncated) = (Vec::new(), false);
        while let Some(frame) = incoming.frame().await {
            let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
            let room = LONGEST_BODY - body.len();
            body.extend_from_slice(data.get(..room).unwrap_or(&data));
            if data.len() > room {
                is_truncated = true;
                break;
            }
        }
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body,
            is_truncated,
            method: self.method.clone(),
            url: self.url.clone(),
        })
    }
}

fn not_reached(url: &Url, error: &io::Error) -> CallError {
    let authority = format!("{}:{}", url.host, url.port);
    CallError::retryable(CONNECT, format!("{authority} cannot be reached")).because(error)
}

fn not_trusted(url: &Url, error: &io::Error) -> CallError {
    use tokio_rustls::rustls::Error as Rustls;
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Rustls>());
    // A certificate that is not trusted now will not be trusted at the next attempt either.
    let mut failure =
        CallError::retryable(TLS, format!("no secure connection to {}", url.authority())).because(error);
    failure.permanent = matches!(inner, Some(Rustls::InvalidCertificate(_)));
    failure
}
