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
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use windlass_model::secret::Secrets;
use windlass_plugin::{Output, OutputSink, Stream};

use crate::clock::Clock;

/// The output of one run.
#[derive(Debug)]
pub(crate) struct RunOutput {
    directory: PathBuf,
    clock: Clock,
    files: Mutex<Files>,
    failed: AtomicBool,
}

/// Files that are open: that of the run, and those of the nodes that printed lately.
#[derive(Debug, Default)]
struct Files {
    all: Option<File>,
    nodes: BTreeMap<String, File>,
}

/// Where the lines of one attempt go.
#[derive(Debug)]
struct AttemptOutput {
    run: Arc<RunOutput>,
    label: String,
    node: Option<String>,
    secrets: Option<Arc<Secrets>>,
}

/// How many files of nodes are kept open: far fewer than a process may have.
const OPEN_NODES: usize = 64;

/// The longest name of a file of a node, without its ending.
const LONGEST_NAME: usize = 200;

// === impl RunOutput ===

impl RunOutput {
    pub(crate) fn new(directory: PathBuf, clock: Clock) -> Self {
        Self { directory, clock, files: Mutex::default(), failed: AtomicBool::new(false) }
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
        }))
    }

    fn write(&self, label: &str, node: Option<&str>, stream: Stream, text: &str) {
        let word = match stream {
            Stream::Stdout => "out",
            Stream::Stderr => "err",
            Stream::Note => "note",
        };
        let line = format!("{} {label} {word} | {text}\n", self.clock.now());
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let written = files.all(&self.directory).and_then(|mut file| file.write_all(line.as_bytes()));
        let written = written.and_then(|()| match node {
            Some(node) => files.node(&self.directory, node)?.write_all(line.as_bytes()),
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

// === impl Files ===

impl Files {
    fn all(&mut self, directory: &Path) -> std::io::Result<&File> {
        let file = match self.all.take() {
            Some(file) => file,
            None => append(&directory.join("all.log"))?,
        };
        Ok(self.all.insert(file))
    }

    fn node(&mut self, directory: &Path, node: &str) -> std::io::Result<&File> {
        if !self.nodes.contains_key(node) {
            if self.nodes.len() >= OPEN_NODES {
                self.nodes.clear();
            }
            let file = append(&directory.join("nodes").join(format!("{}.log", file_name(node))))?;
            self.nodes.insert(node.to_owned(), file);
        }
        self.nodes.get(node).ok_or_else(|| std::io::Error::other("the file is gone"))
    }
}

impl OutputSink for AttemptOutput {
    fn line(&self, stream: Stream, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        match &self.secrets {
            Some(secrets) => {
                self.run.write(&self.label, self.node.as_deref(), stream, &secrets.redact(&text));
            }
            None => self.run.write(&self.label, self.node.as_deref(), stream, &text),
        }
    }
}

fn append(path: &Path) -> std::io::Result<File> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

/// A name that no file system refuses; nodes whose names are very long may share a file.
fn file_name(node: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_.:@%[]".contains(c);
    let name: String = node.chars().take(LONGEST_NAME).map(|c| if safe(c) { c } else { '_' }).collect();
    if name.starts_with('.') { format!("_{name}") } else { name }
}
