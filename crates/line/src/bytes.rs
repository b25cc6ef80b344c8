//! Bytes of a session as messages, and messages as bytes again.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::message::Piece;

/// Where bytes are written that are to be sent.
pub struct Writer(Arc<Mutex<State>>);

/// What was written, in pieces. Dropped, nothing more can be written.
pub struct Pieces(Arc<Mutex<State>>);

/// What arrives, as bytes.
pub struct Incoming<S> {
    pieces: S,
    rest: Bytes,
    ended: bool,
}

#[derive(Default)]
struct State {
    bytes: BytesMut,
    /// Nothing more is written.
    ended: bool,
    /// Nobody sends what is written.
    gone: bool,
    sender: Option<Waker>,
    writer: Option<Waker>,
}

/// How much waits to be sent before whoever writes waits.
const MOST: usize = 256 << 10;
/// The largest piece. Whoever reads takes it in whole.
const LARGEST: usize = 32 << 10;

/// A way for bytes out of here.
#[must_use]
pub fn outgoing() -> (Writer, Pieces) {
    let state = Arc::new(Mutex::new(State::default()));
    (Writer(Arc::clone(&state)), Pieces(state))
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

// === impl Writer ===

impl Writer {
    fn end(&self) {
        let mut state = locked(&self.0);
        state.ended = true;
        let sender = state.sender.take();
        drop(state);
        wake(sender);
    }
}

impl AsyncWrite for Writer {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = locked(&self.0);
        if state.gone || state.ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = MOST.saturating_sub(state.bytes.len());
        if room == 0 {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let taken = bytes.get(..room).unwrap_or(bytes);
        state.bytes.extend_from_slice(taken);
        let (count, sender) = (taken.len(), state.sender.take());
        drop(state);
        wake(sender);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.end();
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

// === impl Pieces ===

impl Stream for Pieces {
    type Item = Piece;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        let mut state = locked(&self.0);
        if state.bytes.is_empty() {
            if state.ended {
                return Poll::Ready(None);
            }
            state.sender = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let count = state.bytes.len().min(LARGEST);
        let bytes = state.bytes.split_to(count).freeze();
        if state.bytes.is_empty() {
            // What was sent is let go of with the piece, not kept for what may never come.
            state.bytes = BytesMut::new();
        }
        let writer = state.writer.take();
        drop(state);
        wake(writer);
        Poll::Ready(Some(Piece { bytes }))
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        let mut state = locked(&self.0);
        state.gone = true;
        state.bytes = BytesMut::new();
        let writer = state.writer.take();
        drop(state);
        wake(writer);
    }
}

impl std::fmt::Debug for Pieces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pieces").finish_non_exhaustive()
    }
}

// === impl Incoming ===

impl<S> Incoming<S> {
    /// The bytes of these pieces.
    pub fn new(pieces: S) -> Self {
        Self { pieces, rest: Bytes::new(), ended: false }
    }
}

impl<S, E> AsyncRead for Incoming<S>
where
    S: Stream<Item = Result<Piece, E>> + Unpin,
    E: std::fmt::Display,
{
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.rest.is_empty() && !self.ended {
            match ready!(Pin::new(&mut self.pieces).poll_next(cx)) {
                Some(Ok(piece)) => self.rest = piece.bytes,
                Some(Err(error)) => {
                    self.ended = true;
                    return Poll::Ready(Err(io::Error::other(error.to_string())));
                }
                None => self.ended = true,
            }
        }
        let count = self.rest.len().min(buf.remaining());
        buf.put_slice(self.rest.get(..count).unwrap_or_default());
        self.rest.advance(count);
        if self.rest.is_empty() {
            self.rest = Bytes::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S> std::fmt::Debug for Incoming<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Incoming").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
