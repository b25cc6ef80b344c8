//! The connections of people: so many at once, each served to its end or to that of the server. One that does not say what it
//! wants is not waited for.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tower::ServiceExt as _;
use windlass_api::Remote;

use crate::listen::Port;

/// How many connections there may be, and how long each has to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// How many at once. Those that come when there are so many are closed.
    pub most: usize,
    /// How long the head of a request may take to come, counted from the end of the one before.
    pub head_within: Duration,
}

impl Default for Connections {
    fn default() -> Self {
        Self { most: 10_000, head_within: Duration::from_secs(60) }
    }
}

/// Serves until it is said to drain, and then what has begun.
pub(crate) async fn serve(
    mut port: Port,
    router: Router,
    allowed: Connections,
    mut drain: watch::Receiver<bool>,
) -> io::Result<()> {
    let room = Arc::new(Semaphore::new(allowed.most.clamp(1, Semaphore::MAX_PERMITS)));
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
        let router = router.clone();
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Remote(address));
            router.clone().oneshot(request)
        });
        let mut draining = drain.clone();
        connections.spawn(async move {
            let _permit = permit;
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(allowed.head_within)
                .serve_connection(TokioIo::new(stream), service);
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = &mut connection => ended,
                _ = draining.changed() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%address, %error, "a connection ended");
            }
        });
    }
    while connections.join_next().await.is_some() {}
    Ok(())
}
