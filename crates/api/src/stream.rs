//! Streams of events. A client that goes away ends its stream; one that reads slowly holds up only that.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::json;
use windlass_model::Value;
use windlass_objects::{Changed, ObjectWatch};

use crate::answer::Problem;
use crate::api::Api;
use crate::caller::Caller;

/// A message of a stream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    /// What sort it is, in one word.
    pub(crate) kind: String,
    /// What a client that has received it goes on behind.
    pub(crate) id: Option<String>,
    pub(crate) data: Value,
}

/// How often something is sent when nothing happens, so that whoever stands between does not take the stream for dead.
const ALIVE_EVERY: Duration = Duration::from_secs(15);

/// The same, until the server ends, which is then said.
pub(crate) fn until_end<T, E>(
    api: &Api,
    told: impl Stream<Item = Result<T, E>> + Send + 'static,
    ending: impl FnOnce() -> E + Send + 'static,
) -> impl Stream<Item = Result<T, E>> + Send + 'static
where
    T: Send + 'static,
    E: Send + 'static,
{
    let mut until = api.parts().until.clone();
    // Nothing is ever sent: whoever holds the other end lets it go.
    let ended = async move { while until.changed().await.is_ok() {} };
    let is_cut = Arc::new(AtomicBool::new(false));
    let cut = Arc::clone(&is_cut);
    let ended = ended.map(move |()| cut.store(true, Ordering::Relaxed));
    let last = stream::once(async move { is_cut.load(Ordering::Relaxed).then(|| Err(ending())) });
    told.take_until(ended).chain(last.filter_map(std::future::ready))
}

/// What goes on for somebody, as long as what they showed is good and they may see it; that it is not so any more is said.
pub(crate) fn while_known<T, E>(
    caller: &Caller,
    told: impl Stream<Item = Result<T, E>> + Send + 'static,
    unknown: impl FnOnce(Problem) -> E + Send + 'static,
) -> impl Stream<Item = Result<T, E>> + Send + 'static
where
    T: Send + 'static,
    E: Send + 'static,
{
    let (known, why) = (caller.clone(), Arc::new(OnceLock::new()));
    let cut = Arc::clone(&why);
    let gone = async move {
        // It is set here alone, once.
        let _ = cut.set(known.gone().await);
    };
    let last = stream::once(async move { why.get().map(|problem| Err(unknown(problem.clone()))) });
    told.take_until(Box::pin(gone)).chain(last.filter_map(std::future::ready))
}

/// The changes of objects, until there is a problem, which is the last that is told: list again, and watch from there.
pub(crate) fn changes(watch: ObjectWatch) -> impl Stream<Item = Result<Changed, Problem>> + Send + 'static {
    stream::unfold(Some(watch), |watch| async {
        let mut watch = watch?;
        match watch.next().await? {
            Ok(changed) => Some((Ok(changed), Some(watch))),
            Err(error) => Some((Err(error.into()), None)),
        }
    })
}

/// The same, as messages.
pub(crate) fn objects(watch: ObjectWatch) -> impl Stream<Item = Result<Told, Problem>> + Send + 'static {
    changes(watch).map(|changed| {
        let changed = changed?;
        let word = json!(changed.what);
        let kind = word.as_str().unwrap_or("changed").to_owned();
        Ok(Told { kind, id: Some(changed.version.to_string()), data: json!(changed) })
    })
}

/// Messages as events of a server. A problem is one of them.
pub(crate) fn sse(api: &Api, told: impl Stream<Item = Result<Told, Problem>> + Send + 'static) -> Response {
    let events = told.map(|told| {
        Ok(match told {
            Ok(Told { kind, id, data }) => event(&kind, id, &data),
            Err(problem) => event("problem", None, &json!(problem)),
        })
    });
    Sse::new(until_end(api, events, broken))
        .keep_alive(KeepAlive::new().interval(ALIVE_EVERY))
        .into_response()
}

/// How what is no message ends with the server: it breaks, so that nobody takes it for whole.
pub(crate) fn broken() -> io::Error {
    io::Error::other("the server ends")
}

fn event(kind: &str, id: Option<String>, data: &Value) -> Event {
    let event = Event::default().event(kind);
    let event = match id {
        Some(id) => event.id(id),
        None => event,
    };
    // JSON holds no line breaks, so that one line is enough.
    event.data(data.to_string())
}
