//! Everything that can go wrong in a store, with a stable code, a class and advice for each.
//!
//! Errors are cheap to clone, because one failed flush is the answer to every transaction in it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::{Precondition, Revision};

/// Whether the same call on the same store can succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Nothing was written; the same call may succeed later.
    Retryable,
    /// The same call fails again until somebody changes something or the store is opened again.
    Terminal,
}

/// A failure of a store.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the store open.
    #[error("the store in {} is in use by {holder}", path.display())]
    Locked {
        /// The directory of the store.
        path: PathBuf,
        /// Who has it: process, command, since when; or why that is not known.
        holder: String,
    },
    /// A newer program wrote the store.
    #[error("the store in {} has format {found}, this program knows up to {supported}", path.display())]
    Newer {
        /// The directory of the store.
        path: PathBuf,
        /// The version it has.
        found: u32,
        /// The newest version that this program reads.
        supported: u32,
    },
    /// The disk is full.
    #[error("no space left for the store in {}", path.display())]
    Full {
        /// The directory of the store.
        path: PathBuf,
    },
    /// The directory cannot be written.
    #[error("the store in {} cannot be written: read-only or not permitted", path.display())]
    ReadOnly {
        /// The directory of the store.
        path: PathBuf,
    },
    /// What is stored makes no sense.
    #[error("the store in {} is damaged: {detail}", path.display())]
    Corrupt {
        /// The directory of the store.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// A write or flush failed, so the store takes nothing more until it is opened again.
    #[error("the store has stopped after a failed write")]
    Stopped {
        /// The first failure.
        #[source]
        cause: Arc<StoreError>,
    },
    /// The operating system refused something.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Arc<io::Error>,
    },
    /// A precondition of the transaction does not hold; nothing of it happened.
    #[error("precondition does not hold: {which}")]
    Precondition {
        /// The first that does not hold.
        which: Precondition,
    },
    /// The history behind this revision is gone.
    #[error("changes up to revision {oldest} are no longer kept")]
    Compacted {
        /// The oldest revision that a watch can start from.
        oldest: Revision,
    },
    /// A key, value or transaction is too large.
    #[error("{what} of {size} bytes is larger than the limit of {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// Too much is waiting for the disk.
    #[error("{queued} transactions are already waiting for the disk")]
    Busy {
        /// How many wait.
        queued: usize,
    },
    /// Somebody else holds the lease.
    #[error("lease `{name}` is held by {holder}")]
    Leased {
        /// The name of the lease.
        name: String,
        /// Who holds it.
        holder: String,
    },
    /// The lease ended or went to somebody else.
    #[error("lease `{name}` is no longer held")]
    LeaseLost {
        /// The name of the lease.
        name: String,
    },
    /// The key is not one that a store takes.
    #[error("key not allowed: {why}")]
    BadKey {
        /// Why not.
        why: &'static str,
    },
}

// === impl StoreError ===

impl StoreError {
    /// Whether to try again.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Full { .. } | Self::Io { .. } | Self::Busy { .. } | Self::Leased { .. } => Class::Retryable,
            Self::Locked { .. }
            | Self::Newer { .. }
            | Self::ReadOnly { .. }
            | Self::Corrupt { .. }
            | Self::Stopped { .. }
            | Self::Precondition { .. }
            | Self::Compacted { .. }
            | Self::TooLarge { .. }
            | Self::Closed
            | Self::LeaseLost { .. }
            | Self::BadKey { .. } => Class::Terminal,
        }
    }

    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Locked { .. } => "WL-0401",
            Self::Newer { .. } => "WL-0402",
            Self::Full { .. } => "WL-0403",
            Self::ReadOnly { .. } => "WL-0404",
            Self::Corrupt { .. } => "WL-0405",
            Self::Stopped { .. } => "WL-0406",
            Self::Io { .. } => "WL-0407",
            Self::Precondition { .. } => "WL-0408",
            Self::Compacted { .. } => "WL-0409",
            Self::TooLarge { .. } => "WL-0410",
            Self::Closed => "WL-0411",
            Self::Busy { .. } => "WL-0412",
            Self::Leased { .. } => "WL-0413",
            Self::LeaseLost { .. } => "WL-0414",
            Self::BadKey { .. } => "WL-0415",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Locked { .. } => {
                "wait until that process ends, command it instead, or use another data directory"
            }
            Self::Newer { .. } => "use the newer program; this one has changed nothing",
            Self::Full { .. } => {
                "free some space on that disk, some 50 MiB at least; nothing acknowledged was lost"
            }
            Self::ReadOnly { .. } => {
                "make the directory writable for this user, or use another data directory"
            }
            Self::Corrupt { .. } => {
                "keep a copy of the directory, then restore it from a backup or use another one"
            }
            Self::Stopped { .. } => "look at the cause and start again: what was acknowledged is recovered",
            Self::Io { .. } => "look at the disk and at the permissions, then try again",
            Self::Precondition { .. } => "read the state again and decide anew",
            Self::Compacted { .. } => "read the state again and watch from its revision",
            Self::TooLarge { .. } => "split it; bulk output belongs beside the store",
            Self::Closed => "open the store again",
            Self::Busy { .. } => "wait for transactions under way before sending more",
            Self::Leased { .. } => "wait until the lease ends or its holder gives it back",
            Self::LeaseLost { .. } => "stop the work: somebody else may own it now",
            Self::BadKey { .. } => "use a key that is not empty and does not begin with zero",
        }
    }

    /// An operating system error, told apart into what a person can act on.
    #[must_use]
    pub fn io(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        let path = path.into();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => Self::ReadOnly { path },
            _ => Self::Io { action, path, source: Arc::new(source) },
        }
    }
}

#[cfg(test)]
mod tests;
