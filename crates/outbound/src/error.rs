//! Why a server of other people gave no answer.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// A failure to ask. What was asked behind the `?` is left out of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is none.
    #[error("`{0}` is no address of http or https")]
    Address(String),
    /// The certificates that are to be trusted cannot be read.
    #[error("the certificates in {} cannot be read", path.display())]
    Certificates {
        /// Where they are.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No connection came about.
    #[error("{url} cannot be reached")]
    Unreachable {
        /// Where.
        url: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The answer did not come whole, or is too large.
    #[error("the answer of {url} cannot be read")]
    Answer {
        /// Where.
        url: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The answer did not come in time.
    #[error("{url} did not answer within {} s", within.as_secs())]
    Late {
        /// Where.
        url: String,
        /// How long it had.
        within: Duration,
    },
}
