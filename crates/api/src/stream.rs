//! Streams of events. A client that goes away ends its stream; one that reads slowly holds up only that.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use serde::Serialize;
use windlass_objects::ObjectWatch;

use crate::answer::Problem;

/// How often something is sent when nothing happens, so that whoever stands between does not take the stream for dead.
const ALIVE_EVERY: Duration = Duration::from_secs(15);

/// The changes of objects.
pub(crate) fn objects(watch: ObjectWatch) -> Response {
    let events = stream::unfold(Some(watch), |watch| async {
        let mut watch = watch?;
        match watch.next().await? {
            Ok(changed) => {
                let word = serde_json::to_value(changed.what).ok();
                let word = word.as_ref().and_then(|word| word.as_str()).unwrap_or("changed").to_owned();
                Some((event(&word, Some(changed.version), &changed), Some(watch)))
            }
            // The last that is told: list again, and watch from there.
            Err(error) => Some((event("problem", None, &Problem::from(error)), None)),
        }
    });
    sse(events)
}

/// Events as they are sent.
pub(crate) fn sse(events: impl Stream<Item = Event> + Send + 'static) -> Response {
    use futures_util::StreamExt as _;
    let events = events.map(Ok::<_, Infallible>);
    Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE_EVERY)).into_response()
}

/// One of them.
pub(crate) fn event(kind: &str, id: Option<u64>, data: &impl Serialize) -> Event {
    let event = Event::default().event(kind);
    let event = match id {
        Some(id) => event.id(id.to_string()),
        None => event,
    };
    // JSON holds no line breaks, so that one line is enough.
    event.data(serde_json::to_string(data).unwrap_or_default())
}
