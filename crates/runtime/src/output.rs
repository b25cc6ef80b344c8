//! The output of plugins, as plain files that can be read while they are written.
//!
//! ```text
//! <logs>/<plan>/<run>/all.log           every line, stamped, with the action that printed it
//! <logs>/<plan>/<run>/nodes/<node>.log  the lines of one node
//! ```
//!
//! It is beside the store of truth: what cannot be written is dropped and said once, and no run
//! fails of it. Secrets of the run are replaced by their tokens, line by line.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use windlass_model::secret::Secrets;
use windlass_plugin::{Output, OutputSink, Stream};

use crate::clock::Clock;

/// The files that are open, of all runs.
#[derive(Debug, Default)]
pub(crate) struct OpenFiles(Mutex<BTreeMap<PathBuf, File>>);

/// The output of one run.
#[derive(Debug)]
pub(crate) struct RunOutput {
    directory: PathBuf,
    clock: Clock,
    files: Arc<OpenFiles>,
    failed: AtomicBool,
}

/// Where the lines of one attempt go.
#[derive(Debug)]
struct AttemptOutput {
    run: Arc<RunOutput>,
    label: String,
    node: Option<String>,
    secrets: Option<Arc<Secrets>>,
    written: AtomicU64,
}

/// How many files are kept open: far fewer than a process may have, for the store needs some too.
const OPEN_FILES: usize = 64;

/// How much of an attempt's output is kept: what prints without end must not fill the store's disk.
const MOST_OF_AN_ATTEMPT: u64 = 64 << 20;

/// The longest name of a file of a node, without its ending.
const LONGEST_NAME: usize = 200;

// === impl OpenFiles ===

impl OpenFiles {
    fn append(&self, path: &Path, line: &[u8]) -> std::io::Result<()> {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = files.get_mut(path) {
            return file.write_all(line);
        }
        if files.len() >= OPEN_FILES {
            files.clear();
        }
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        file.write_all(line)?;
        files.insert(path.to_owned(), file);
        Ok(())
    }
}

// === impl RunOutput ===

impl RunOutput {
    pub(crate) fn new(directory: PathBuf, clock: Clock, files: Arc<OpenFiles>) -> Self {
        Self { directory, clock, files, failed: AtomicBool::new(false) }
    }

    /// The output of one attempt.
    pub(crate) fn attempt(
        self: &Arc<Self>,
        address: &str,
        n: u32,
        node: Option<&str>,
        secrets: Option<Arc<Secrets>>,
    ) -> Output {
        let label = if n == 1 { address.to_owned() } else { format!("{address}#{n}") };
        Output::to(Arc::new(AttemptOutput {
            run: Arc::clone(self),
            label,
            node: node.map(str::to_owned),
            secrets,
            written: AtomicU64::new(0),
        }))
    }

    fn write(&self, label: &str, node: Option<&str>, stream: Stream, text: &str) {
        let word = match stream {
            Stream::Stdout => "out",
            Stream::Stderr => "err",
            Stream::Note => "note",
        };
        let line = format!("{} {label} {word} | {text}\n", self.clock.now());
        let written = self.files.append(&self.directory.join("all.log"), line.as_bytes());
        let written = written.and_then(|()| match node {
            Some(node) => {
                let path = self.directory.join("nodes").join(format!("{}.log", file_name(node)));
                self.files.append(&path, line.as_bytes())
            }
            None => Ok(()),
        });
        if let Err(error) = written
            && !self.failed.swap(true, Ordering::Relaxed)
        {
            let directory = self.directory.display();
            tracing::warn!(%directory, %error, "output of plugins cannot be written and is dropped");
        }
    }
}

// === impl AttemptOutput ===

impl OutputSink for AttemptOutput {
    fn line(&self, stream: Stream, bytes: &[u8]) {
        let before = self.written.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        if before > MOST_OF_AN_ATTEMPT {
            return;
        }
        let write = |stream, text: &str| self.run.write(&self.label, self.node.as_deref(), stream, text);
        let text = String::from_utf8_lossy(bytes);
        match &self.secrets {
            Some(secrets) => write(stream, &secrets.redact(&text)),
            None => write(stream, &text),
        }
        if before.saturating_add(bytes.len() as u64) > MOST_OF_AN_ATTEMPT {
            write(Stream::Note, "this attempt has printed too much; the rest of its output is dropped");
        }
    }
}

/// A name that no file system refuses; nodes whose names are very long may share a file.
fn file_name(node: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_.:@%[]".contains(c);
    let name: String = node.chars().take(LONGEST_NAME).map(|c| if safe(c) { c } else { '_' }).collect();
    if name.starts_with('.') { format!("_{name}") } else { name }
}
