//! What is said to one agent, in order: bounded, and as small as what waits in it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::Stream;

/// Where messages are put. Clones put them into the same; when the last one is dropped, nothing more comes.
pub struct Queue<T>(Arc<Putting<T>>);

struct Putting<T>(Arc<Mutex<State<T>>>);

/// Where they come out. Dropped, nothing more can be put in.
pub struct Queued<T>(Arc<Mutex<State<T>>>);

struct State<T> {
    items: VecDeque<T>,
    waker: Option<Waker>,
    /// Nothing more comes.
    ended: bool,
}

/// How much may wait. Whoever does not take so few small messages takes none.
const MOST: usize = 256;

// === impl Queue ===

impl<T> Queue<T> {
    /// An empty one.
    #[must_use]
    pub fn new() -> (Self, Queued<T>) {
        let state = Arc::new(Mutex::new(State { items: VecDeque::new(), waker: None, ended: false }));
        (Self(Arc::new(Putting(Arc::clone(&state)))), Queued(state))
    }

    /// Puts something in; whether it could be.
    #[must_use]
    pub fn put(&self, item: T) -> bool {
        let mut state = locked(&self.0.0);
        if state.ended || state.items.len() >= MOST {
            return false;
        }
        state.items.push_back(item);
        wake(state);
        true
    }

    /// Puts something in as the last thing, whatever waits.
    pub fn end(&self, last: Option<T>) {
        let mut state = locked(&self.0.0);
        if !state.ended {
            state.items.extend(last);
            state.ended = true;
        }
        wake(state);
    }
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> std::fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").finish_non_exhaustive()
    }
}

// === impl Putting ===

impl<T> Drop for Putting<T> {
    fn drop(&mut self) {
        let mut state = locked(&self.0);
        state.ended = true;
        wake(state);
    }
}

// === impl Queued ===

impl<T> Stream for Queued<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut state = locked(&self.0);
        match state.items.pop_front() {
            Some(item) => {
                if state.items.is_empty() {
                    state.items = VecDeque::new();
                }
                Poll::Ready(Some(item))
            }
            None if state.ended => Poll::Ready(None),
            None => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl<T> Drop for Queued<T> {
    fn drop(&mut self) {
        let mut state = locked(&self.0);
        state.ended = true;
        state.items = VecDeque::new();
    }
}

impl<T> std::fmt::Debug for Queued<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queued").finish_non_exhaustive()
    }
}

fn locked<T>(state: &Mutex<State<T>>) -> MutexGuard<'_, State<T>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wake<T>(mut state: MutexGuard<'_, State<T>>) {
    let waker = state.waker.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;

    #[tokio::test]
    async fn in_order_to_the_end_and_no_more_than_may_wait() {
        let (queue, mut queued) = Queue::new();
        let waiting = tokio::spawn(async move {
            let first = queued.next().await;
            (first, queued)
        });
        assert!(queue.put(1));
        let (first, mut queued) = waiting.await.unwrap();
        assert_eq!(first, Some(1));
        for n in 0..MOST {
            assert!(queue.put(n));
        }
        assert!(!queue.put(0));
        queue.end(Some(7));
        queue.end(Some(8));
        assert!(!queue.put(0));
        let rest: Vec<usize> = queued.by_ref().collect().await;
        assert_eq!((rest.len(), rest.last()), (MOST + 1, Some(&7)));
        let (queue, mut queued) = Queue::new();
        assert!(queue.clone().put(1));
        drop(queue);
        assert_eq!((queued.next().await, queued.next().await), (Some(1), None));
        let (queue, queued) = Queue::new();
        drop(queued);
        assert!(!queue.put(1));
    }
}
