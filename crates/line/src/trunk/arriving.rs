//! What arrives of a call, as the body of a request or an answer.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tonic::Status;

use super::WINDOW;

/// What arrives of a call. Dropped, the call is given up by who made it.
pub struct Arriving(Inbox);

/// Where it is put.
#[derive(Clone)]
pub(super) struct Inbox(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    pieces: VecDeque<Bytes>,
    /// How much was taken out, of which the other side was not told.
    taken: u32,
    end: Option<Result<HeaderMap, Status>>,
    /// Its end was told.
    is_told: bool,
    reader: Option<Waker>,
    /// Nobody reads any more.
    is_gone: bool,
    /// Who is to hear that something was taken, or that nobody reads any more.
    connection: Option<Waker>,
}

/// Pieces that wait are put together up to this.
const SMALL: usize = 4 << 10;

// === impl Inbox ===

impl Inbox {
    pub(super) fn new() -> (Self, Arriving) {
        let inbox = Self(Arc::default());
        (inbox.clone(), Arriving(inbox))
    }

    /// Puts a piece in. Whoever waits for it is woken, unless that is `own`, which looks by itself.
    pub(super) fn put(&self, piece: Bytes, own: &Waker) {
        let mut state = self.locked();
        if state.is_gone || state.end.is_some() {
            return;
        }
        let joins = |last: &mut Bytes| last.len().saturating_add(piece.len()) <= SMALL;
        // What it takes to keep a piece is more than many a piece is long.
        match state.pieces.pop_back_if(joins) {
            Some(last) => {
                let mut both = last.try_into_mut().unwrap_or_else(|last| BytesMut::from(last.as_ref()));
                both.extend_from_slice(&piece);
                state.pieces.push_back(both.freeze());
            }
            None => state.pieces.push_back(piece),
        }
        wake(state, own);
    }

    /// Nothing more comes. The first end counts.
    pub(super) fn end(&self, end: Result<HeaderMap, Status>, own: &Waker) {
        let mut state = self.locked();
        if state.end.is_none() {
            state.end = Some(end);
        }
        wake(state, own);
    }

    /// How much was taken since this was asked the last time, once it is worth telling.
    pub(super) fn taken(&self, own: &Waker) -> Option<u32> {
        let mut state = self.locked();
        if !state.connection.as_ref().is_some_and(|waker| waker.will_wake(own)) {
            state.connection = Some(own.clone());
        }
        let is_worth = state.taken >= WINDOW / 2 && state.end.is_none();
        is_worth.then(|| std::mem::take(&mut state.taken))
    }

    pub(super) fn is_gone(&self) -> bool {
        self.locked().is_gone
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake(mut state: MutexGuard<'_, State>, own: &Waker) {
    let reader = state.reader.take();
    drop(state);
    if let Some(reader) = reader.filter(|reader| !reader.will_wake(own)) {
        reader.wake();
    }
}

// === impl Arriving ===

impl Body for Arriving {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let mut state = self.0.locked();
        if let Some(piece) = state.pieces.pop_front() {
            if state.pieces.is_empty() {
                // It is not kept for what may never come.
                state.pieces = VecDeque::new();
            }
            state.taken = state.taken.saturating_add(u32::try_from(piece.len()).unwrap_or(u32::MAX));
            let waker = if state.taken >= WINDOW / 2 { state.connection.take() } else { None };
            drop(state);
            if let Some(waker) = waker.filter(|waker| !waker.will_wake(cx.waker())) {
                waker.wake();
            }
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        if state.is_told {
            return Poll::Ready(None);
        }
        match state.end.clone() {
            Some(end) => {
                state.is_told = true;
                Poll::Ready(match end {
                    Ok(fields) if fields.is_empty() => None,
                    Ok(fields) => Some(Ok(Frame::trailers(fields))),
                    Err(status) => Some(Err(status)),
                })
            }
            None => {
                state.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let state = self.0.locked();
        let is_plain = matches!(&state.end, Some(Ok(fields)) if fields.is_empty());
        state.pieces.is_empty() && (state.is_told || is_plain)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        let mut state = self.0.locked();
        state.is_gone = true;
        state.pieces = VecDeque::new();
        let waker = state.connection.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl std::fmt::Debug for Arriving {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arriving").finish_non_exhaustive()
    }
}
