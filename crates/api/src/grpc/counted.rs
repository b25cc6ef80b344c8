//! What is called, counted: by call and by how it ended, and not by who calls or about what.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::{Body, HttpBody};
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use prost::Message as _;
use tonic::{Code, Status};
use windlass_meter::{Durations, Taken};

/// What is counted. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Called(Arc<Mutex<BTreeMap<Place, Counted>>>);

/// A call that there is, such as `windlass.v1.Objects/Get`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(&'static str);

#[derive(Debug, Default)]
struct Counted {
    codes: BTreeMap<&'static str, u64>,
    took: Durations,
}

/// What was called since the process began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CalledTally {
    /// Of each call, and each code that it ended with, how often.
    pub ended: BTreeMap<(&'static str, &'static str), u64>,
    /// Of each call, how long it took until an answer began.
    pub took: BTreeMap<&'static str, Taken>,
}

/// The answer to a call, which is counted when it ends.
struct Counting {
    body: Body,
    end: End,
}

struct End {
    called: Called,
    place: Place,
    is_noted: bool,
}

/// Whatever somebody makes up is counted as one.
const NOWHERE: Place = Place("none");

/// All calls that there are.
static PLACES: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let sets = [windlass_rpc::DESCRIPTORS, tonic_health::pb::FILE_DESCRIPTOR_SET];
    let sets = sets.into_iter().filter_map(|set| prost_types::FileDescriptorSet::decode(set).ok());
    let files = sets.flat_map(|set| set.file);
    let mut places: BTreeSet<String> = files
        .flat_map(|file| {
            let package = file.package().to_owned();
            file.service.into_iter().flat_map(move |service| {
                let name = format!("{package}.{}", service.name());
                service.method.into_iter().map(move |method| format!("{name}/{}", method.name()))
            })
        })
        .collect();
    for version in ["v1", "v1alpha"] {
        places.insert(format!("grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"));
    }
    places
});

// === impl Place ===

impl Place {
    /// The call of a path.
    pub(crate) fn of(service: &str, path: &str) -> Self {
        let call = path.trim_start_matches('/');
        let known = call.strip_prefix(service).filter(|rest| rest.starts_with('/')).and(PLACES.get(call));
        known.map_or(NOWHERE, |known| Self(known.as_str()))
    }
}

// === impl Called ===

impl Called {
    /// Counts the answer to a call: now, or when it ends.
    pub(crate) fn count(&self, place: Place, begun: Instant, answer: Response) -> Response {
        self.with(place, |counted| counted.took.note(begun.elapsed()));
        let mut end = End { called: self.clone(), place, is_noted: false };
        if let Some(status) = Status::from_header_map(answer.headers()) {
            end.note(status.code());
            return answer;
        }
        answer.map(|body| Body::new(Counting { body, end }))
    }

    fn with(&self, place: Place, note: impl FnOnce(&mut Counted)) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        note(all.entry(place).or_default());
    }

    pub(crate) fn read(&self) -> CalledTally {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tally = CalledTally::default();
        for (Place(place), counted) in all.iter() {
            for (code, count) in &counted.codes {
                tally.ended.insert((*place, *code), *count);
            }
            tally.took.insert(*place, counted.took.read());
        }
        tally
    }
}

// === impl End ===

impl End {
    fn note(&mut self, code: Code) {
        self.is_noted = true;
        self.called.with(self.place, |counted| {
            let count = counted.codes.entry(word(code)).or_default();
            *count = count.saturating_add(1);
        });
    }

    fn note_trailers(&mut self, trailers: &HeaderMap) {
        self.note(Status::from_header_map(trailers).map_or(Code::Unknown, |status| status.code()));
    }
}

impl Drop for End {
    fn drop(&mut self) {
        // Whoever called went before it ended.
        if !self.is_noted {
            self.note(Code::Cancelled);
        }
    }
}

// === impl Counting ===

impl HttpBody for Counting {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(trailers) = frame.trailers_ref() {
                    self.end.note_trailers(trailers);
                }
            }
            Poll::Ready(Some(Err(_))) => self.end.note(Code::Internal),
            _ => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What gRPC calls a code.
fn word(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
