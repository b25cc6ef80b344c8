//! Streams over WebSocket, for those who ask to upgrade where others get events of a server: the same messages, in the same order,
//! taken up again in the same way.
//!
//! ```text
//!   {"event": "created", "id": "17", "data": {…}}     a message; `?after=17` goes on behind it
//!   {"event": "end"}                                  there is no more: closed with 1000
//!   {"event": "problem", "data": {…}}                 why it ends: closed with 4000 and the status, or 1001 when the server ends
//! ```
//!
//! Clients say nothing but that they live. One that does not take what it is sent is cut, and holds up only itself until then.

use std::any::Any;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::Response;
use futures_util::StreamExt as _;
use futures_util::stream::Stream;
use serde_json::json;
use tokio::time::{Instant, interval_at, timeout};
use windlass_model::code;

use crate::answer::Problem;
use crate::api::Api;
use crate::caller::Caller;
use crate::stream::{Told, sse, until_end, while_known};

/// What a connection keeps for as long as anything goes on over it, as whoever listens notes on a request.
#[derive(Clone, Debug)]
pub struct Held(pub Arc<dyn Any + Send + Sync>);

/// In which form a stream is wanted.
pub(crate) struct Form(Option<(WebSocketUpgrade, Option<Held>)>);

/// How often a client is asked whether it lives.
const ASK_EVERY: Duration = Duration::from_secs(15);
/// How long it may take to say so, and to take a message.
const WITHIN: Duration = Duration::from_secs(30);
/// How long it has to answer when it is told that it ends.
const LAST_WORD: Duration = Duration::from_secs(1);
/// The largest message of a client, of which none is needed.
const LARGEST: usize = 4 << 10;
/// The longest reason of a close.
const LONGEST: usize = 123;
/// What codes of ours begin at.
const OURS: u16 = 4000;
const NORMAL: u16 = 1000;
const AWAY: u16 = 1001;

impl FromRequestParts<Api> for Form {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        if !is_asked(&parts.headers) {
            return Ok(Self(None));
        }
        // What a page of another site asks comes with the cookie of ours; what has a token comes from a program.
        if !parts.headers.contains_key(header::AUTHORIZATION) {
            is_own(&parts.headers, &parts.uri, api.parts().is_secure)?;
        }
        let held = parts.extensions.get::<Held>().cloned();
        let upgrade = WebSocketUpgrade::from_request_parts(parts, api).await;
        let upgrade = upgrade.map_err(|why| {
            let status = StatusCode::from_u16(why.status().as_u16()).unwrap_or(StatusCode::BAD_REQUEST);
            Problem::new(status, &code::BAD_QUERY, why.body_text())
        })?;
        Ok(Self(Some((upgrade, held))))
    }
}

fn is_asked(headers: &HeaderMap) -> bool {
    let upgrade = headers.get(header::UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
}

/// Whether a page of this server asks.
fn is_own(headers: &HeaderMap, uri: &Uri, is_secure: bool) -> Result<(), Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).or_else(|| uri.authority().map(|it| it.as_str()));
    let own = host.map(|host| format!("{}://{host}", if is_secure { "https" } else { "http" }));
    let origin = text(header::ORIGIN);
    if origin.is_some() && origin.map(str::to_ascii_lowercase) == own.map(|own| own.to_ascii_lowercase()) {
        return Ok(());
    }
    let detail = "a WebSocket of a session is opened by a page of this server, and another one asks, or does not say which it is";
    Err(Problem::new(StatusCode::FORBIDDEN, &code::FORBIDDEN, detail).hint("programs rather use a token"))
}

// === impl Form ===

impl Form {
    /// Whether a WebSocket is wanted.
    pub(crate) fn is_socket(&self) -> bool {
        self.0.is_some()
    }

    /// Where there is an answer at once.
    pub(crate) fn must_be_none(&self) -> Result<(), Problem> {
        match self.0 {
            None => Ok(()),
            Some(_) => Err(Problem::bad("a WebSocket is for what goes on, and this is answered at once")
                .hint("add `watch=true`")),
        }
    }

    /// Answers with a stream.
    pub(crate) fn answer(
        self,
        caller: &Caller,
        told: impl Stream<Item = Result<Told, Problem>> + Send + 'static,
    ) -> Response {
        let told = while_known(caller, told, std::convert::identity);
        let Some((upgrade, held)) = self.0 else { return sse(caller.api(), told) };
        let told = until_end(caller.api(), told, Problem::ending);
        upgrade
            .max_message_size(LARGEST)
            .max_frame_size(LARGEST)
            // A message is on its way before the next is made.
            .write_buffer_size(0)
            .on_upgrade(move |socket| async move {
                send(socket, told).await;
                drop(held);
            })
    }
}

/// Sends what is told until it ends, or the client is gone.
async fn send(mut socket: WebSocket, told: impl Stream<Item = Result<Told, Problem>> + Send) {
    let mut told = pin!(told);
    let mut ticks = interval_at(Instant::now() + ASK_EVERY, ASK_EVERY);
    let mut heard_at = Instant::now();
    let end = loop {
        let message = tokio::select! {
            next = told.next() => match next {
                Some(Ok(told)) => text(&json!({"event": told.kind, "id": told.id, "data": told.data})),
                Some(Err(problem)) => break Some(problem),
                None => break None,
            },
            heard = socket.recv() => match heard {
                // It goes, or is gone.
                None | Some(Err(_) | Ok(Message::Close(_))) => return last(socket).await,
                Some(Ok(_)) => {
                    heard_at = Instant::now();
                    continue;
                }
            },
            _ = ticks.tick() => {
                if heard_at.elapsed() > WITHIN + ASK_EVERY {
                    return;
                }
                Message::Ping(Default::default())
            }
        };
        match timeout(WITHIN, socket.send(message)).await {
            Ok(Ok(())) => {}
            // It is gone, or takes nothing.
            Ok(Err(_)) | Err(_) => return,
        }
    };
    let (said, code, reason) = match &end {
        None => (json!({"event": "end"}), NORMAL, "that is all".to_owned()),
        Some(problem) => {
            let code = if problem.status == 503 { AWAY } else { OURS.saturating_add(problem.status) };
            (
                json!({"event": "problem", "data": problem}),
                code,
                format!("{}: {}", problem.code, problem.detail),
            )
        }
    };
    let reason = reason.get(..reason.floor_char_boundary(LONGEST)).unwrap_or_default();
    let close = CloseFrame { code, reason: reason.into() };
    let said = async {
        socket.send(text(&said)).await?;
        socket.send(Message::Close(Some(close))).await
    };
    if let Ok(Ok(())) = timeout(WITHIN, said).await {
        last(socket).await;
    }
}

/// Waits for the other side to close, so that what was sent last is not lost.
async fn last(mut socket: WebSocket) {
    let closed = async { while let Some(Ok(_)) = socket.recv().await {} };
    let _ = timeout(LAST_WORD, closed).await;
}

fn text(value: &serde_json::Value) -> Message {
    Message::Text(Utf8Bytes::from(value.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(origin: Option<&str>, host: &str, is_secure: bool) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        is_own(&headers, &Uri::from_static("/api/v1/nodes"), is_secure).is_ok()
    }

    #[test]
    fn only_pages_of_this_server_open_one_with_a_cookie() {
        assert!(check(Some("https://windlass.example"), "windlass.example", true));
        assert!(check(Some("https://windlass.example:8443"), "windlass.example:8443", true));
        assert!(check(Some("http://127.0.0.1:8380"), "127.0.0.1:8380", false));
        for (origin, host, is_secure) in [
            (None, "windlass.example", true),
            (Some("null"), "windlass.example", true),
            (Some("https://evil.example"), "windlass.example", true),
            (Some("https://windlass.example.evil.example"), "windlass.example", true),
            (Some("http://windlass.example"), "windlass.example", true),
            (Some("https://windlass.example:8443"), "windlass.example", true),
            (Some("http://localhost:3000"), "127.0.0.1:8380", false),
        ] {
            assert!(!check(origin, host, is_secure), "{origin:?}");
        }
    }
}
