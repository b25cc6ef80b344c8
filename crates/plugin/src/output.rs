//! Where the lines go that a plugin, or a program that it runs, prints.

use std::fmt;
use std::sync::Arc;

use crate::dynamic::BoxFuture;

/// Where a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// A program's standard output.
    Stdout,
    /// A program's standard error.
    Stderr,
    /// The plugin itself.
    Note,
}

/// Takes lines as they arrive. Must not block for long: the program that prints waits for it.
pub trait OutputSink: Send + Sync {
    /// One line without its end, as it was printed: not necessarily UTF-8.
    fn line(&self, stream: Stream, bytes: &[u8]);

    /// Waits until more can be taken; `None` where more always can. Whoever reads a program's output waits
    /// for this before reading on, so that a program cannot print faster than its lines get away.
    fn room(&self) -> Option<BoxFuture<'_, ()>> {
        None
    }
}

/// A cheap handle on an [`OutputSink`]; the default one drops everything.
#[derive(Clone, Default)]
pub struct Output(Option<Arc<dyn OutputSink>>);

// === impl Output ===

impl Output {
    /// Output that goes somewhere.
    #[must_use]
    pub fn to(sink: Arc<dyn OutputSink>) -> Self {
        Self(Some(sink))
    }

    /// Whether nobody listens, so that a plugin can spare itself the work.
    #[must_use]
    pub fn is_dropped(&self) -> bool {
        self.0.is_none()
    }

    /// One line without its end.
    pub fn line(&self, stream: Stream, bytes: &[u8]) {
        if let Some(sink) = &self.0 {
            sink.line(stream, bytes);
        }
    }

    /// Waits until more can be taken. See [`OutputSink::room`].
    pub async fn room(&self) {
        if let Some(room) = self.0.as_ref().and_then(|sink| sink.room()) {
            room.await;
        }
    }

    /// A line of the plugin's own.
    pub fn note(&self, text: &str) {
        self.line(Stream::Note, text.as_bytes());
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_dropped() { "Output(dropped)" } else { "Output" })
    }
}
