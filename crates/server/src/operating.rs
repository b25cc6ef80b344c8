//! How a server is watched over and protected; and the address that says how it is to whoever can reach it.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use windlass_api::{Api, Host as _, Limits, MetricsForm};

use crate::entrance::Entrance;
use crate::error::Error;
use crate::host::Around;
use crate::retention::Retention;
use crate::serve::Connections;

/// How a server is watched over and protected.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Operating {
    /// Where metrics and health are told without a token.
    pub metrics: Option<SocketAddr>,
    /// How often somebody may ask.
    pub limits: Limits,
    /// How many connections there may be.
    pub connections: Connections,
    /// How long runs that have ended are kept, where their namespace does not say.
    pub retention: Retention,
}

/// Tells them there from now on, for as long as the task lives: until it is open, that the server begins.
pub(crate) async fn tell(address: SocketAddr, mut entrance: Entrance) -> Result<JoinHandle<()>, Error> {
    let failed = |source| Error::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let asked = entrance.clone();
    let router = Router::new().fallback(async move |request: Request| asked.answer(request).await);
    let never_opens = async move {
        if entrance.open().await.is_some() {
            std::future::pending().await
        }
    };
    Ok(tokio::spawn(async move {
        let served = axum::serve(listener, router).with_graceful_shutdown(never_opens).await;
        if let Err(error) = served {
            tracing::error!(%address, %error, "metrics are not told any more");
        }
    }))
}

/// What is told.
pub(crate) fn told(around: Around, api: Api) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state(Arc::new((around, api)))
}

async fn metrics(State(state): State<Arc<(Around, Api)>>, headers: HeaderMap) -> impl IntoResponse {
    let accepts = headers.get(header::ACCEPT).and_then(|accepts| accepts.to_str().ok()).unwrap_or_default();
    let form = MetricsForm::accepted(accepts);
    let text = state.0.metrics(state.1.tally(), form).await;
    ([(header::CONTENT_TYPE, form.media())], text)
}

async fn ready(State(state): State<Arc<(Around, Api)>>) -> impl IntoResponse {
    let trouble = match state.0.trouble() {
        None => state.0.watched.runs.list(1, None).await.err().map(|error| error.to_string()),
        trouble => trouble,
    };
    match trouble {
        None => (StatusCode::OK, "ok\n".to_owned()),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
    }
}
