//! What can go wrong between a client and a server.

use std::io;
use std::path::PathBuf;

use windlass_contract::Problem;

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server refused it, and said why.
    #[error("{}", .0.detail)]
    Refused(Box<Problem>),
    /// The address is none.
    #[error("`{url}` is no address of a server: {why}")]
    Address {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The token cannot be one.
    #[error("the token holds what no token holds")]
    Token,
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
        /// The server.
        url: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The connection ended before the answer did.
    #[error("the exchange with {url} was cut short")]
    CutShort {
        /// The server.
        url: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Nobody has signed in.
    #[error("nobody has signed in: {0}")]
    NotSignedIn(&'static str),
    /// The answer is none that this client knows.
    #[error("{url} answered with something else than was asked for")]
    Strange {
        /// The server.
        url: String,
        /// What was found.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

// === impl Error ===

impl Error {
    /// What the server said, where it said something.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) => Some(problem),
            _ => None,
        }
    }

    /// Whether the same request may well succeed a little later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Refused(problem) => problem.status == 503,
            Self::Unreachable { .. } | Self::CutShort { .. } => true,
            _ => false,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Refused(problem) => problem.hint.clone(),
            Self::NotSignedIn(_) => Some("begin again with `windlass login URL --oidc`".to_owned()),
            Self::Address { .. } => Some("write it as http://HOST:PORT or https://HOST[:PORT]".to_owned()),
            Self::Token => Some("copy it again: letters, digits and `_`".to_owned()),
            Self::Certificates { .. } => Some("give a file of certificates in PEM".to_owned()),
            Self::Unreachable { .. } => Some(
                "is the server running, and is that where it listens? `windlass server` says where"
                    .to_owned(),
            ),
            Self::CutShort { .. } => {
                Some("ask again; what the server had acknowledged is not lost".to_owned())
            }
            Self::Strange { .. } => {
                Some("is that a Windlass server, of this version or a later one?".to_owned())
            }
        }
    }
}
