//! What is asked, counted: by endpoint, and not by who asks or about what, so that there are only so many counters.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use windlass_meter::{Durations, Taken};

use crate::api::Api;
use crate::grpc::CalledTally;

/// What is counted.
#[derive(Debug, Default)]
pub(crate) struct Asked(Mutex<BTreeMap<Place, Counted>>);

/// Method and path of an endpoint, with names in braces.
type Place = (String, String);

#[derive(Debug, Default)]
struct Counted {
    statuses: BTreeMap<u16, u64>,
    took: Durations,
}

/// What was asked since the process began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AskedTally {
    /// Of each endpoint, and each status that was answered, how often.
    pub answers: BTreeMap<(String, String, u16), u64>,
    /// Of each endpoint, how long it took until an answer began.
    pub took: BTreeMap<(String, String), Taken>,
}

/// Both ways of asking.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Over HTTP with JSON.
    pub asked: AskedTally,
    /// Over gRPC.
    pub called: CalledTally,
}

/// What has no endpoint.
const NOWHERE: &str = "none";

// === impl Asked ===

impl Asked {
    fn note(&self, place: Place, status: u16, begun: Instant) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = all.entry(place).or_default();
        let count = counted.statuses.entry(status).or_default();
        *count = count.saturating_add(1);
        counted.took.note(begun.elapsed());
    }

    pub(crate) fn read(&self) -> AskedTally {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tally = AskedTally::default();
        for ((method, path), counted) in all.iter() {
            for (status, count) in &counted.statuses {
                tally.answers.insert((method.clone(), path.clone(), *status), *count);
            }
            tally.took.insert((method.clone(), path.clone()), counted.took.read());
        }
        tally
    }
}

/// Counts a request when its answer begins.
pub(crate) async fn count(State(api): State<Api>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>();
    let place = match path {
        Some(path) => (request.method().to_string(), path.as_str().to_owned()),
        // Whatever somebody makes up is counted as one.
        None => (NOWHERE.to_owned(), NOWHERE.to_owned()),
    };
    let begun = Instant::now();
    let answer = next.run(request).await;
    // Methods that an endpoint does not have can be made up, too.
    let place = if answer.status().as_u16() == 405 { (NOWHERE.to_owned(), place.1) } else { place };
    api.asked().note(place, answer.status().as_u16(), begun);
    answer
}
