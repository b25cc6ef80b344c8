//! What is answered while a server begins: that it lives, and is not ready. Whoever wants anything else waits until it is.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::watch;
use tower::ServiceExt as _;
use windlass_api::Problem;

/// Where requests go, once they can.
#[derive(Clone, Debug)]
pub(crate) struct Entrance(watch::Receiver<Option<Router>>);

/// Says where. Dropped before it has, nothing begins any more.
pub(crate) type Opens = watch::Sender<Option<Router>>;

// === impl Entrance ===

impl Entrance {
    pub(crate) fn new() -> (Opens, Self) {
        let (opens, entrance) = watch::channel(None);
        (opens, Self(entrance))
    }

    pub(crate) async fn answer(mut self, request: Request<Body>) -> Result<Response, Infallible> {
        let open = self.0.borrow().clone();
        let router = match (open, request.uri().path()) {
            (Some(router), _) => router,
            (None, "/healthz") => return Ok("ok\n".into_response()),
            (None, "/readyz") => {
                let why = "it begins: its store is read, and its runs are taken up again";
                return Ok(Problem::unavailable(why).into_response());
            }
            (None, _) => match self.open().await {
                Some(router) => router,
                None => return Ok(Problem::unavailable("it did not begin").into_response()),
            },
        };
        router.oneshot(request).await
    }

    /// Waits until it is open; none where it never will be.
    pub(crate) async fn open(&mut self) -> Option<Router> {
        self.0.wait_for(Option::is_some).await.ok()?.clone()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use axum::routing::get;

    use super::*;

    async fn asked(entrance: &Entrance, path: &str) -> (StatusCode, String) {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        let response = entrance.clone().answer(request).await.unwrap();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn whoever_asks_early_hears_whether_it_lives_and_waits_for_the_rest() {
        let (opens, entrance) = Entrance::new();
        assert_eq!(asked(&entrance, "/healthz").await, (StatusCode::OK, "ok\n".to_owned()));
        let (status, text) = asked(&entrance, "/readyz").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(text.contains("it begins: its store is read"), "{text}");
        let early = tokio::spawn({
            let entrance = entrance.clone();
            async move { asked(&entrance, "/x").await }
        });
        tokio::task::yield_now().await;
        assert!(!early.is_finished());
        let router =
            Router::new().route("/x", get(|| async { "x" })).route("/readyz", get(|| async { "ready" }));
        opens.send_replace(Some(router));
        drop(opens);
        assert_eq!(early.await.unwrap(), (StatusCode::OK, "x".to_owned()));
        assert_eq!(asked(&entrance, "/readyz").await.1, "ready");
        // One that does not begin keeps nobody waiting.
        let (opens, entrance) = Entrance::new();
        let early = tokio::spawn(async move { asked(&entrance, "/x").await });
        tokio::task::yield_now().await;
        drop(opens);
        let (status, text) = early.await.unwrap();
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(text.contains("it did not begin"), "{text}");
    }
}
