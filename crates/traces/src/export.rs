//! Sends spans in batches, again where that may help, and keeps how far it came.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use windlass_model::causes::with_causes;
use windlass_outbound::Outbound;

use crate::message;
use crate::place::Told;
use crate::span::{Says, Span};
use crate::tally::Tallied;

/// Spans on their way, and how far of the store they are.
#[derive(Debug)]
pub(crate) struct Telling {
    pub(crate) spans: Vec<Span>,
    pub(crate) version: Option<u64>,
}

/// Sends to one address.
#[derive(Debug)]
pub(crate) struct Exporter {
    pub(crate) outbound: Outbound,
    pub(crate) url: Uri,
    pub(crate) headers: HeaderMap,
    /// What is said of all spans.
    pub(crate) server: Vec<Says>,
    pub(crate) version: &'static str,
    pub(crate) place: Told,
    pub(crate) counts: Tallied,
}

/// What became of a request.
enum Sent {
    /// It was taken in, but for so many spans.
    Taken { rejected: u64, why: String },
    /// It may be tried again, at the earliest after this.
    Again { after: Option<Duration>, why: String },
    /// It would never be taken in.
    Refused { why: String },
}

/// How many spans are sent at once.
const MOST: usize = 2_048;
/// How long it is waited for more of them.
const PAUSE: Duration = Duration::from_secs(1);
/// The first wait before it is tried again, which doubles up to the longest.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// A collector that wants to be left alone is, for so long at most.
const PATIENCE: Duration = Duration::from_secs(300);

// === impl Exporter ===

impl Exporter {
    /// Goes on until nobody has anything to tell any more.
    pub(crate) async fn export(mut self, mut from: mpsc::Receiver<Telling>) {
        while let Some(Telling { mut spans, mut version }) = from.recv().await {
            if spans.is_empty() {
                self.keep(version);
                continue;
            }
            let until = Instant::now() + PAUSE;
            while spans.len() < MOST {
                let mut next = pin!(from.recv());
                let Ok(Some(more)) = timeout_at(until, &mut next).await else { break };
                spans.extend(more.spans);
                version = more.version.or(version);
            }
            while !spans.is_empty() {
                let rest = spans.split_off(spans.len().min(MOST));
                self.tell(std::mem::replace(&mut spans, rest)).await;
            }
            self.keep(version);
        }
    }

    fn keep(&mut self, version: Option<u64>) {
        if let Some(Err(error)) = version.map(|version| self.place.keep(version)) {
            tracing::warn!(%error, "how far traces were told cannot be kept: after a restart, some are told again");
        }
    }

    /// Sends a batch, until it was taken in or refused.
    async fn tell(&self, spans: Vec<Span>) {
        let count = spans.len() as u64;
        let body = message::request(spans, &self.server, self.version).encode_to_vec();
        let body = Bytes::from(body);
        let (mut pause, longest) = BACKOFF;
        let mut is_away = false;
        loop {
            match self.send(body.clone()).await {
                Sent::Taken { rejected, why } => {
                    if is_away {
                        tracing::info!(url = %self.url, "traces are taken in again");
                    }
                    if rejected > 0 {
                        tracing::warn!(url = %self.url, rejected, why, "spans were not taken in");
                    }
                    let rejected = rejected.min(count);
                    self.counts.dropped.add(rejected);
                    return self.counts.told.add(count.saturating_sub(rejected));
                }
                Sent::Refused { why } => {
                    tracing::warn!(url = %self.url, spans = count, why, "spans were refused");
                    return self.counts.dropped.add(count);
                }
                Sent::Again { after, why } => {
                    if !is_away {
                        tracing::warn!(url = %self.url, why, "traces are not taken in; they are told when they are");
                    }
                    is_away = true;
                    tokio::time::sleep(after.map_or(pause, |after| after.clamp(pause, PATIENCE))).await;
                    pause = (pause * 2).min(longest);
                }
            }
        }
    }

    async fn send(&self, body: Bytes) -> Sent {
        let mut request = Request::post(self.url.clone()).body(body).unwrap_or_default();
        request.headers_mut().extend(self.headers.clone());
        let media = HeaderValue::from_static("application/x-protobuf");
        request.headers_mut().insert(header::CONTENT_TYPE, media);
        match self.outbound.send(request).await {
            Ok(answer) => Sent::of(&answer),
            Err(error) => Sent::Again { after: None, why: with_causes(&error) },
        }
    }
}

// === impl Sent ===

impl Sent {
    fn of(answer: &Response<Bytes>) -> Self {
        let status = answer.status();
        if status.is_success() {
            let told = ExportTraceServiceResponse::decode(answer.body().clone()).unwrap_or_default();
            let partial = told.partial_success.unwrap_or_default();
            let rejected = u64::try_from(partial.rejected_spans).unwrap_or(0);
            return Self::Taken { rejected, why: partial.error_message };
        }
        let why = format!("it answered {status}");
        let may_help = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        );
        if !may_help {
            return Self::Refused { why };
        }
        let after = answer.headers().get(header::RETRY_AFTER).and_then(|after| after.to_str().ok());
        let after = after.and_then(|after| after.parse().ok()).map(Duration::from_secs);
        Self::Again { after, why }
    }
}
