//! Holding back while the logs of runs are written more slowly than there is to tell.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use windlass_logs::Writer;

/// For how long the logs may take nothing: a disk that hangs harms no run.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether to hold back.
#[derive(Default)]
pub(super) enum Behind {
    /// There was room when last looked.
    #[default]
    No,
    /// Until there is room; gives whether there is.
    Waiting(Pin<Box<dyn Future<Output = bool> + Send>>),
    /// It took too long; not before there is room again.
    GivenUp,
}

// === impl Behind ===

impl Behind {
    /// Whether nothing new is to be told for a while. Whoever is told so is woken when that has changed.
    pub(super) fn poll(&mut self, logs: &Arc<Writer>, cx: &mut Context<'_>) -> bool {
        if logs.has_room() {
            *self = Self::No;
            return false;
        }
        if matches!(self, Self::No) {
            let logs = Arc::clone(logs);
            let room = async move { tokio::time::timeout(PATIENCE, logs.room()).await.is_ok() };
            *self = Self::Waiting(Box::pin(room));
        }
        let Self::Waiting(room) = self else { return false };
        let Poll::Ready(has_room) = room.as_mut().poll(cx) else { return true };
        if !has_room {
            tracing::warn!("the logs of runs are not written; runs go on without them");
        }
        *self = if has_room { Self::No } else { Self::GivenUp };
        false
    }
}
