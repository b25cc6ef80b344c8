//! A watch, as the one who watches sees it. Where the changes come from is a [`WatchSource`]: the
//! history of an embedded store, or a connection to a server.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll};

use crate::{Change, StoreError};

/// Where a watch gets its changes from.
pub trait WatchSource: Send {
    /// The next change; `None` when the store is closed and all changes were told.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Change, StoreError>>>;
}

/// Some changes, and what comes behind them.
struct Behind {
    changes: VecDeque<Change>,
    then: Watch,
}

/// A stream of changes.
pub struct Watch(Box<dyn WatchSource>);

// === impl Watch ===

impl Watch {
    /// A watch over a source.
    #[must_use]
    pub fn new(source: impl WatchSource + 'static) -> Self {
        Self(Box::new(source))
    }

    /// A watch that tells these changes first, and then goes on with another one.
    #[must_use]
    pub fn behind(changes: impl IntoIterator<Item = Change>, then: Self) -> Self {
        Self::new(Behind { changes: changes.into_iter().collect(), then })
    }

    /// Waits for the next change. It may be dropped and called again without losing any.
    pub async fn next(&mut self) -> Option<Result<Change, StoreError>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The next change; `None` when the store is closed and all changes were told.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Change, StoreError>>> {
        self.0.poll_next(cx)
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

// === impl Behind ===

impl WatchSource for Behind {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Change, StoreError>>> {
        match self.changes.pop_front() {
            Some(change) => Poll::Ready(Some(Ok(change))),
            None => self.then.poll_next(cx),
        }
    }
}
