//! Backups: everything that a server keeps, as of one moment, in one file that proves itself whole.
//!
//! ```text
//!   make:     a snapshot of the store, which goes on ─► parts ─► anybody who reads (a file, an answer of the API)
//!   restore:  parts, each of which is proved ─► a directory beside the place ─► the place
//! ```
//!
//! It knows nothing of requests and rights.

mod form;
mod make;
mod restore;

use serde::{Deserialize, Serialize};
use windlass_model::time::Time;

pub use self::form::BackupError;
pub use self::make::{BackupWanted, Maker};
pub use self::restore::{check, restore};

/// The version of the format that this program writes, and the newest that it reads.
pub const BACKUP_VERSION: u32 = 1;

/// What a backup says of itself at its beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupHead {
    /// The version of the format.
    pub v: u32,
    /// Which Windlass made it.
    pub version: String,
    /// Of when it is.
    pub at: Time,
    /// The revision of the store.
    pub revision: u64,
    /// Whether the keys are in it.
    pub keys: bool,
    /// Whether the output of runs is in it.
    pub logs: bool,
}

/// What a backup holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupSum {
    /// Entries of the store.
    pub entries: u64,
    /// Files.
    pub files: u64,
    /// Bytes of both.
    pub bytes: u64,
}

/// Where keys lie below the data directory of a server.
const KEYS: &str = "keys";
/// Where the output of runs lies.
const LOGS: &str = "logs";
