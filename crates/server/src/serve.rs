//! The connections of people: so many at once, each served to its end or to that of the server. One that does not say what it
//! wants is not waited for.
//!
//! ```text
//!   connection ─► what is spoken? ─► HTTP/1.1, a request at a time ─┬─► the API
//!                                └─► HTTP/2, many at once ──────────┘
//! ```

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::response::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use windlass_api::{Held, Remote};

use crate::begun::{Begun, Spoken};
use crate::entrance::Entrance;
use crate::listen::{Connection, Port};

/// How many connections there may be, and how long each has to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// How many at once. Those that come when there are so many are closed.
    pub most: usize,
    /// How long the head of a request may take to come, counted from the end of the one before.
    pub head_within: Duration,
}

/// How many requests of one connection may be under way at once; more wait in the client.
const STREAMS: u32 = 128;
/// How much of what is sent may be on its way: of one request, and of all of a connection.
const WINDOW: u32 = 256 << 10;
const WINDOWS: u32 = 1 << 20;
/// How much of an answer waits for a client that does not take it.
const WAITING: usize = 64 << 10;
const LARGEST_HEADERS: u32 = 16 << 10;
/// How often a silent client is asked whether it lives, and how long it has to say so.
const ASK_EVERY: Duration = Duration::from_secs(20);
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

impl Default for Connections {
    fn default() -> Self {
        Self { most: 10_000, head_within: Duration::from_secs(60) }
    }
}

/// Serves until it is said to drain, and then what has begun.
pub(crate) async fn serve(
    mut port: Port,
    entrance: Entrance,
    allowed: Connections,
    mut drain: watch::Receiver<bool>,
) -> io::Result<()> {
    let most = allowed.most.clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
    let room = Arc::new(Semaphore::new(most));
    let mut connections = JoinSet::new();
    loop {
        let (stream, address) = tokio::select! {
            accepted = port.accept() => accepted,
            _ = drain.changed() => break,
            Some(_) = connections.join_next() => continue,
        };
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
            tracing::warn!(%address, most = allowed.most, "there are too many connections, and one more is closed");
            continue;
        };
        let one = One {
            entrance: entrance.clone(),
            address,
            // What was upgraded is a connection for as long as it lasts.
            held: Held(Arc::new(permit)),
            within: allowed.head_within,
            drain: drain.clone(),
        };
        connections.spawn(async move {
            if let Err(error) = one.serve(stream).await {
                tracing::debug!(%address, %error, "a connection ended");
            }
        });
    }
    while connections.join_next().await.is_some() {}
    // Those that were upgraded say their last words.
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    let _ = room.acquire_many(most).await;
    Ok(())
}

/// One of them.
struct One {
    entrance: Entrance,
    address: SocketAddr,
    held: Held,
    within: Duration,
    drain: watch::Receiver<bool>,
}

/// Why one ended.
type Ended = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// How many requests of a connection are under way.
#[derive(Clone)]
struct UnderWay(watch::Sender<usize>);

/// An answer on its way.
struct Answered {
    body: Body,
    _under_way: UnderWayOne,
}

struct UnderWayOne(watch::Sender<usize>);

// === impl One ===

impl One {
    async fn serve(mut self, stream: Connection) -> Ended {
        let begun = tokio::select! {
            begun = tokio::time::timeout(self.within, Begun::read(stream)) => begun,
            // It has asked nothing.
            _ = self.drain.changed() => return Ok(()),
        };
        match begun?? {
            (stream, Spoken::Http1) => self.one_at_a_time(stream).await,
            (stream, Spoken::Http2) => self.many_at_once(stream).await,
        }
    }

    fn answer(
        &self,
        request: hyper::Request<Incoming>,
    ) -> impl Future<Output = Result<Response, Infallible>> + use<> {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Remote(self.address));
        request.extensions_mut().insert(self.held.clone());
        self.entrance.clone().answer(request)
    }

    async fn one_at_a_time(self, stream: Begun<Connection>) -> Ended {
        let mut draining = self.drain.clone();
        let within = self.within;
        let service = service_fn(move |request| self.answer(request));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(within)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut connection = pin!(connection);
        tokio::select! {
            ended = &mut connection => Ok(ended?),
            _ = draining.changed() => {
                connection.as_mut().graceful_shutdown();
                Ok(connection.await?)
            }
        }
    }

    async fn many_at_once(self, stream: Begun<Connection>) -> Ended {
        let under_way = UnderWay(watch::channel(0).0);
        let idle = under_way.idle(self.within);
        let mut draining = self.drain.clone();
        let service = service_fn(move |request| {
            let one = under_way.one();
            let answer = self.answer(request);
            async move {
                let answer = answer.await?;
                Ok::<_, Infallible>(answer.map(|body| Body::new(Answered { body, _under_way: one })))
            }
        });
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .keep_alive_interval(ASK_EVERY)
            .keep_alive_timeout(ANSWER_WITHIN)
            .max_concurrent_streams(STREAMS)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOWS)
            .max_send_buf_size(WAITING)
            .max_header_list_size(LARGEST_HEADERS);
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        tokio::select! {
            ended = &mut connection => Ok(ended?),
            () = async { tokio::select! { _ = draining.changed() => {}, () = idle => {} } } => {
                connection.as_mut().graceful_shutdown();
                Ok(connection.await?)
            }
        }
    }
}

// === impl UnderWay ===

impl UnderWay {
    fn one(&self) -> UnderWayOne {
        self.0.send_modify(|count| *count = count.saturating_add(1));
        UnderWayOne(self.0.clone())
    }

    /// Waits until nothing was under way for so long.
    fn idle(&self, within: Duration) -> impl Future<Output = ()> + use<> {
        let mut count = self.0.subscribe();
        async move {
            loop {
                let is_idle = *count.borrow_and_update() == 0;
                let changed = count.changed();
                match is_idle {
                    true => match tokio::time::timeout(within, changed).await {
                        Ok(Ok(())) => {}
                        Ok(Err(_)) | Err(_) => return,
                    },
                    false if changed.await.is_err() => return,
                    false => {}
                }
            }
        }
    }
}

impl Drop for UnderWayOne {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

// === impl Answered ===

impl HttpBody for Answered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
