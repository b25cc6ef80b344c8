//! Where calls are made.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use http::{Request, Response};
use tokio::sync::oneshot;
use tonic::Status;
use tonic::body::Body;

use super::arriving::Arriving;
use super::call::Asker;

/// Where calls are made. Clones share the connection, which ends with the last of them and of its calls.
#[derive(Clone)]
pub struct Calls(Arc<Handle>);

struct Handle(Desk);

/// What those who make calls and the connection share.
#[derive(Clone, Default)]
pub(super) struct Desk(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    asked: VecDeque<(Request<Body>, Asker)>,
    /// Nobody makes calls any more.
    is_left: bool,
    /// Why the connection has ended, once it has.
    closed: Option<String>,
    connection: Option<Waker>,
}

// === impl Calls ===

impl Calls {
    pub(super) fn new() -> (Self, Desk) {
        let desk = Desk::default();
        (Self(Arc::new(Handle(desk.clone()))), desk)
    }

    /// Makes a call; what comes of it. Dropped, the call is given up.
    ///
    /// # Errors
    ///
    /// The connection has ended.
    pub fn make(
        &self,
        request: Request<Body>,
    ) -> impl Future<Output = Result<Response<Arriving>, Status>> + Send + 'static {
        let (asker, answer) = oneshot::channel();
        self.0.0.ask(request, asker);
        async move { answer.await.unwrap_or_else(|_| Err(Status::unavailable("the connection is gone"))) }
    }
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls").finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let mut state = self.0.locked();
        state.is_left = true;
        wake(state);
    }
}

// === impl Desk ===

impl Desk {
    fn ask(&self, request: Request<Body>, asker: Asker) {
        let mut state = self.locked();
        if let Some(why) = &state.closed {
            let why = Status::unavailable(why.clone());
            drop(state);
            let _ = asker.send(Err(why));
            return;
        }
        state.asked.push_back((request, asker));
        wake(state);
    }

    /// The next call that was made; and who is to hear of those behind it.
    pub(super) fn next(&self, own: &Waker) -> Option<(Request<Body>, Asker)> {
        let mut state = self.locked();
        if !state.connection.as_ref().is_some_and(|waker| waker.will_wake(own)) {
            state.connection = Some(own.clone());
        }
        state.asked.pop_front()
    }

    /// Whether nobody makes calls any more.
    pub(super) fn is_left(&self) -> bool {
        let state = self.locked();
        state.is_left && state.asked.is_empty()
    }

    /// No more calls can be made.
    pub(super) fn close(&self, why: &str) {
        let mut state = self.locked();
        if state.closed.is_none() {
            state.closed = Some(why.to_owned());
        }
        let asked = std::mem::take(&mut state.asked);
        drop(state);
        for (_, asker) in asked {
            let _ = asker.send(Err(Status::unavailable(why)));
        }
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake(mut state: MutexGuard<'_, State>) {
    let waker = state.connection.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}
