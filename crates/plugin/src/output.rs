//! Where the lines go that a plugin, or a program that it runs, prints.

use std::fmt;
use std::sync::Arc;

use windlass_model::log_level::LogLevel;
use windlass_model::time::Time;

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

/// A line with all that is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Printed<'a> {
    /// Where it came from.
    pub stream: Stream,
    /// What it says, without its end.
    pub bytes: &'a [u8],
    /// How much it matters, where somebody knows better than its stream says.
    pub level: Option<LogLevel>,
    /// When it was printed by the clock of where that happened, where that is another one than ours.
    pub at: Option<Time>,
    /// Whether the line was too long and goes on in the next of this stream.
    pub goes_on: bool,
}

/// Takes lines as they arrive. Must not block for long: the program that prints waits for it.
pub trait OutputSink: Send + Sync {
    /// One line without its end, as it was printed: not necessarily UTF-8.
    fn line(&self, stream: Stream, bytes: &[u8]);

    /// The same with all that is known of it.
    fn printed(&self, line: &Printed<'_>) {
        self.line(line.stream, line.bytes);
    }

    /// Lines that arrived together, in their order. Whoever keeps lines can do it at once.
    fn printed_together(&self, lines: &[Printed<'_>]) {
        lines.iter().for_each(|line| self.printed(line));
    }

    /// Waits until more can be taken; `None` where more always can. Whoever reads a program's output waits
    /// for this before reading on, so that a program cannot print faster than its lines get away.
    fn room(&self) -> Option<BoxFuture<'_, ()>> {
        None
    }
}

/// A cheap handle on an [`OutputSink`]; the default one drops everything.
#[derive(Clone, Default)]
pub struct Output(Option<Arc<dyn OutputSink>>);

// === impl Printed ===

impl<'a> Printed<'a> {
    /// A line of which no more is known.
    #[must_use]
    pub fn new(stream: Stream, bytes: &'a [u8]) -> Self {
        Self { stream, bytes, level: None, at: None, goes_on: false }
    }
}

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

    /// A line with all that is known of it.
    pub fn printed(&self, line: &Printed<'_>) {
        if let Some(sink) = &self.0 {
            sink.printed(line);
        }
    }

    /// Lines that arrived together, in their order.
    pub fn printed_together(&self, lines: &[Printed<'_>]) {
        if let Some(sink) = &self.0 {
            sink.printed_together(lines);
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
