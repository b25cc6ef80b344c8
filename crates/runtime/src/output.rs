//! The log of a run: what its attempts print, and what happens in between, into the files of [`windlass_logs`].
//!
//! It is beside the store of truth: what cannot be written is dropped, counted and said, and no run fails of it. Secrets of
//! the run are replaced by their tokens, line by line. What happened is told when it is durable.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use windlass_logs::{Book, Form, Record, RunFiles, Source, Writer, encode, encode_head, encode_text, header};
use windlass_model::event::Event;
use windlass_model::layout::Layout;
use windlass_model::log_level::LogLevel;
use windlass_model::secret::Secrets;
use windlass_model::time::Time;
use windlass_plugin::{BoxFuture, Output, OutputSink, Printed, Stream};
use windlass_report::{log_line, node_of};

use crate::clock::Clock;
use crate::view::RunView;

mod again;

use self::again::{Sought, Standing};

/// About how much stands in a record beside what was printed.
const RECORD: usize = 96;
/// How much is put together before it is handed over: a sheet of the writer, with room for what stands before the last line.
const AT_ONCE: usize = 63 << 10;

/// The output of one run.
#[derive(Debug)]
pub(crate) struct RunOutput {
    files: RunFiles,
    directory: Arc<Path>,
    header: Arc<[u8]>,
    all: Book,
    clock: Clock,
    writer: Arc<Writer>,
    most: u64,
    sought: Sought,
}

/// Where the lines of one attempt go.
#[derive(Debug)]
struct AttemptOutput {
    run: Arc<RunOutput>,
    address: String,
    n: u32,
    node: Option<(String, Book)>,
    secrets: Option<Arc<Secrets>>,
    /// Of one that is looked for: what stands in its files.
    again: Option<Again>,
    kept: AtomicU64,
    dropped_lines: AtomicU64,
    dropped_bytes: AtomicU64,
}

/// What stands in the files of an attempt that is looked for. They are read when the first line comes that could.
#[derive(Debug)]
struct Again {
    began: Time,
    standing: OnceLock<Mutex<(Standing, Standing)>>,
}

/// What lines of one attempt that are written together have in common, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kind {
    level: LogLevel,
    source: Source,
    form: Form,
    printed_at: Option<Time>,
}

/// In which of its files a line stands already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stands {
    all: bool,
    node: bool,
}

/// What the log says of events, until they are durable.
#[derive(Debug, Default)]
pub(crate) struct Story {
    all: Vec<u8>,
    /// Which of it belongs to nodes.
    nodes: Vec<(Book, Range<usize>)>,
}

// === impl RunOutput ===

impl RunOutput {
    pub(crate) fn new(logs: &Path, view: &RunView, most: u64, clock: Clock, writer: Arc<Writer>) -> Self {
        let files = RunFiles::new(logs, &view.plan, view.id);
        let header: Arc<[u8]> = header(&view.id.to_string(), &view.plan).into();
        let directory: Arc<Path> = files.directory().into();
        let all = Book::new(files.all(), Arc::clone(&header), Arc::clone(&directory));
        Self { files, directory, header, all, clock, writer, most, sought: Sought::default() }
    }

    /// The output of one attempt.
    pub(crate) fn attempt(
        self: &Arc<Self>,
        address: &str,
        n: u32,
        node: Option<&str>,
        secrets: Option<Arc<Secrets>>,
    ) -> Output {
        Output::to(Arc::new(self.begin(address, n, node, secrets)))
    }

    /// The output of one that began then and is looked for: what it has printed comes once more.
    pub(crate) fn attempt_again(
        self: &Arc<Self>,
        address: &str,
        n: u32,
        node: Option<&str>,
        secrets: Option<Arc<Secrets>>,
        began: Time,
    ) -> Output {
        self.sought.want(address, n, began);
        let mut output = self.begin(address, n, node, secrets);
        output.again = Some(Again { began, standing: OnceLock::new() });
        Output::to(Arc::new(output))
    }

    fn begin(
        self: &Arc<Self>,
        address: &str,
        n: u32,
        node: Option<&str>,
        secrets: Option<Arc<Secrets>>,
    ) -> AttemptOutput {
        AttemptOutput {
            run: Arc::clone(self),
            address: address.to_owned(),
            n,
            node: node.map(|node| (node.to_owned(), self.book(node))),
            secrets,
            again: None,
            kept: AtomicU64::new(0),
            dropped_lines: AtomicU64::new(0),
            dropped_bytes: AtomicU64::new(0),
        }
    }

    /// What the log will say of events.
    pub(crate) fn story(&self, events: &[Event], layout: &Layout) -> Story {
        let mut story = Story::default();
        let mut last = None;
        for event in events {
            let Some(line) = log_line(event, layout) else { continue };
            let element = event.what.element();
            let (address, node) = (layout.address(element), node_of(element, layout));
            let record = Record {
                at: event.at,
                level: line.level,
                source: Source::Event,
                form: Form::Whole,
                address: &address,
                attempt: line.attempt,
                node,
                printed_at: None,
                text: Cow::Owned(line.text.into_bytes()),
            };
            let from = story.all.len();
            encode(&record, &mut story.all);
            let end = story.all.len();
            match (node, story.nodes.last_mut()) {
                // What happens to a node at once mostly happens in a row.
                (Some(_), Some((_, lines))) if node == last => lines.end = end,
                (Some(node), _) => story.nodes.push((self.book(node), from..end)),
                (None, _) => {}
            }
            last = node;
        }
        story
    }

    /// Says it.
    pub(crate) fn tell(&self, story: &Story) {
        if story.all.is_empty() {
            return;
        }
        let all = (&self.all, story.all.as_slice());
        let nodes = story.nodes.iter();
        let nodes = nodes.map(|(book, lines)| (book, story.all.get(lines.clone()).unwrap_or_default()));
        self.writer.append_at_once(std::iter::once(all).chain(nodes));
    }

    fn book(&self, node: &str) -> Book {
        Book::of_node(self.files.node(node), Arc::clone(&self.header), Arc::clone(&self.directory))
    }
}

impl Drop for RunOutput {
    fn drop(&mut self) {
        self.writer.forget(&self.directory);
    }
}

// === impl Story ===

impl Story {
    pub(crate) fn extend(&mut self, more: Self) {
        let before = self.all.len();
        self.all.extend(more.all);
        let moved =
            more.nodes.into_iter().map(|(book, lines)| (book, lines.start + before..lines.end + before));
        self.nodes.extend(moved);
    }
}

// === impl AttemptOutput ===

impl AttemptOutput {
    /// Where a line stands already.
    fn stands(&self, line: &Printed<'_>, source: Source, text: &[u8]) -> Stands {
        let (Some(again), Some(printed)) = (&self.again, line.at) else { return Stands::default() };
        let standing = again.standing.get_or_init(|| {
            // What this process wrote itself, should it have been at this attempt before.
            self.run.writer.flush();
            let all = self.run.sought.standing(&self.address, self.n, self.run.all.path());
            let is_own = |(address, n): &(String, u32)| *address == self.address && *n == self.n;
            // A node has no file before something is printed there, and then has it with all that stands in that of the run.
            let node = match &self.node {
                Some((_, book)) if book.path().exists() => {
                    again::read(book.path(), again.began, &is_own).into_values().next().unwrap_or_default()
                }
                _ => all.clone(),
            };
            Mutex::new((all, node))
        });
        let mut standing = standing.lock().unwrap_or_else(PoisonError::into_inner);
        Stands { all: standing.0.take(printed, source, text), node: standing.1.take(printed, source, text) }
    }

    /// A record of this attempt, without its text.
    fn record(&self, at: Time, kind: Kind) -> Record<'_> {
        let Kind { level, source, form, printed_at } = kind;
        Record {
            at,
            level,
            source,
            form,
            address: &self.address,
            attempt: self.n,
            node: self.node.as_ref().map(|(node, _)| node.as_str()),
            printed_at,
            text: Cow::Borrowed(&[]),
        }
    }

    /// Writes records to those files in which they do not stand, and empties the sheet.
    fn write(&self, records: &mut Vec<u8>, stands: Stands) {
        if records.is_empty() {
            return;
        }
        let all = (!stands.all).then_some(&self.run.all);
        let own = self.node.as_ref().map(|(_, book)| book).filter(|_| !stands.node);
        self.run.writer.append_sheet(all.into_iter().chain(own), records);
    }

    /// Whether a line is among those of an attempt that are kept. One that is not is counted.
    fn may_keep(&self, line: &Printed<'_>) -> bool {
        let len = line.bytes.len() as u64;
        let before = self.kept.fetch_add(len.saturating_add(1), Ordering::Relaxed);
        if before.saturating_add(len) <= self.run.most {
            return true;
        }
        self.dropped_lines.fetch_add(1, Ordering::Relaxed);
        self.dropped_bytes.fetch_add(len, Ordering::Relaxed);
        false
    }

    /// The bytes as they may be kept.
    fn redacted<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let Some(secrets) = self.secrets.as_ref().filter(|secrets| !secrets.is_empty()) else {
            return Cow::Borrowed(bytes);
        };
        if let Ok(text) = std::str::from_utf8(bytes) {
            return match secrets.redacted(text) {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            };
        }
        // A secret is a text: no part of it is in what is none.
        let mut out = Vec::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            out.extend_from_slice(secrets.redacted(chunk.valid()).as_bytes());
            out.extend_from_slice(chunk.invalid());
        }
        Cow::Owned(out)
    }
}

// === impl Kind ===

impl Kind {
    fn of(line: &Printed<'_>) -> Self {
        let (level, source) = match line.stream {
            Stream::Stdout => (LogLevel::Info, Source::Out),
            Stream::Stderr => (LogLevel::Warn, Source::Err),
            Stream::Note => (LogLevel::Info, Source::Note),
        };
        let form = if line.goes_on { Form::Part } else { Form::Whole };
        Self { level: line.level.unwrap_or(level), source, form, printed_at: line.at }
    }
}

impl OutputSink for AttemptOutput {
    fn line(&self, stream: Stream, bytes: &[u8]) {
        self.printed(&Printed::new(stream, bytes));
    }

    fn printed(&self, line: &Printed<'_>) {
        self.printed_together(std::slice::from_ref(line));
    }

    fn printed_together(&self, lines: &[Printed<'_>]) {
        let at = self.run.clock.now();
        let len: usize = lines.iter().map(|line| line.bytes.len().saturating_add(RECORD)).sum();
        let (mut records, mut stands) = (self.run.writer.sheet(len), Stands::default());
        // What was put before the text of the line before this one, and where it stands.
        let mut head: Option<(Kind, Range<usize>)> = None;
        for line in lines.iter().filter(|line| self.may_keep(line)) {
            let (kind, text) = (Kind::of(line), self.redacted(line.bytes));
            let own = self.stands(line, kind.source, &text);
            if own.all && (own.node || self.node.is_none()) {
                continue;
            }
            if own != stands || records.len() + line.bytes.len() > AT_ONCE {
                self.write(&mut records, stands);
                (stands, head) = (own, None);
            }
            match &head {
                Some((same, place)) if *same == kind => records.extend_from_within(place.clone()),
                _ => {
                    let begin = records.len();
                    encode_head(&self.record(at, kind), &mut records);
                    head = Some((kind, begin..records.len()));
                }
            }
            encode_text(&text, &mut records);
        }
        self.write(&mut records, stands);
    }

    fn room(&self) -> Option<BoxFuture<'_, ()>> {
        if self.run.writer.has_room() { None } else { Some(Box::pin(self.run.writer.room())) }
    }
}

impl Drop for AttemptOutput {
    /// An attempt that printed too much ends with what was left out.
    fn drop(&mut self) {
        let (lines, bytes) = (*self.dropped_lines.get_mut(), *self.dropped_bytes.get_mut());
        if lines > 0 {
            let most = self.run.most;
            let text = format!(
                "{lines} lines ({bytes} bytes) were left out: no more than {most} bytes of an attempt are kept"
            );
            let (at, mut record) = (self.run.clock.now(), Vec::new());
            let kind =
                Kind { level: LogLevel::Warn, source: Source::Note, form: Form::Whole, printed_at: None };
            encode(&Record { text: text.as_bytes().into(), ..self.record(at, kind) }, &mut record);
            self.write(&mut record, Stands::default());
        }
    }
}
