//! What is asked about the server itself: its metrics, and a backup of it.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use serde_json::json;
use windlass_access::{Resource, Verb};
use windlass_contract::{NewBackup, NewRetention, Retained};
use windlass_model::{Value, code};

use crate::answer::Problem;
use crate::api::Api;
use crate::caller::Caller;
use crate::endpoint::{Endpoint, Needs, endpoint};
use crate::host::MetricsForm;
use crate::objects::Sent;

/// What rights to the server are called.
pub(crate) const SERVER: &str = "Server";
/// What a backup is, among media.
const BACKUP: &str = "application/octet-stream";
const OPEN: &str = "application/openmetrics-text";

/// What can be asked about the server.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        endpoint(
            "GET",
            "/metrics",
            "metrics",
            "what is counted, as Prometheus reads it",
            Needs::Right(Verb::View, SERVER),
            "server",
        )
        .text(),
        endpoint(
            "POST",
            "/api/v1/retention",
            "retain",
            "says which runs were kept long enough, and lets them go where `dryRun` is false",
            Needs::Right(Verb::Write, SERVER),
            "server",
        )
        .takes("NewRetention")
        .gives(200, "Retained"),
        Endpoint {
            media: BACKUP,
            ..endpoint(
                "POST",
                "/api/v1/backup",
                "backUp",
                "everything that the server keeps, as it is now",
                Needs::Right(Verb::Write, SERVER),
                "server",
            )
            .takes("NewBackup")
        },
    ]
}

pub(crate) async fn metrics(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.must(Verb::View, &Resource::global(SERVER)).await?;
    let accepts = headers.get(header::ACCEPT).and_then(|accepts| accepts.to_str().ok()).unwrap_or_default();
    let form = MetricsForm::accepted(accepts);
    let text = api.parts().host.metrics(api.tally(), form).await;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(form.media()))], text).into_response())
}

pub(crate) async fn retain(caller: Caller, sent: Sent) -> Result<Json<Retained>, Problem> {
    Ok(Json(retained(&caller, || sent.read()).await?))
}

/// What was kept long enough.
pub(crate) async fn retained(
    caller: &Caller,
    wanted: impl FnOnce() -> Result<NewRetention, Problem>,
) -> Result<Retained, Problem> {
    let what = Resource::global(SERVER);
    caller.must(Verb::Write, &what).await?;
    let wanted = wanted()?;
    if !wanted.dry_run {
        caller.did(Verb::Write, &what, Value::Null, json!({"retention": wanted})).await?;
    }
    let retained = caller.api().parts().host.retain(wanted.dry_run).await;
    retained.map_err(|why| Problem::new(StatusCode::SERVICE_UNAVAILABLE, &code::SERVER, why))
}

pub(crate) async fn backup(caller: Caller, sent: Sent) -> Result<Response, Problem> {
    let pieces = pieces(&caller, || sent.read()).await?;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(BACKUP))], Body::from_stream(pieces))
        .into_response())
}

/// A backup, piece by piece.
pub(crate) async fn pieces(
    caller: &Caller,
    wanted: impl FnOnce() -> Result<NewBackup, Problem>,
) -> Result<BoxStream<'static, std::io::Result<Bytes>>, Problem> {
    let what = Resource::global(SERVER);
    caller.must(Verb::Write, &what).await?;
    let wanted = wanted()?;
    let pieces = caller.api().parts().host.backup(wanted).await.map_err(|why| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, &code::BACKUP, format!("no backup can be made: {why}"))
    })?;
    // Whoever has a backup has everything: that is worth noting, although nothing is changed.
    caller.did(Verb::Write, &what, Value::Null, json!({"backup": wanted})).await?;
    let pieces = stream::unfold(pieces, |mut pieces| async { Some((pieces.recv().await?, pieces)) });
    Ok(pieces.boxed())
}

// === impl MetricsForm ===

impl MetricsForm {
    /// The form that somebody asks for, by what they accept.
    #[must_use]
    pub fn accepted(accepts: &str) -> Self {
        if accepts.contains(OPEN) { Self::OpenMetrics } else { Self::Prometheus }
    }

    /// What it is called among media.
    #[must_use]
    pub fn media(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}
