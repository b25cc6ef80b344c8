//! What stands in the way of an agent.

use std::io;
use std::path::PathBuf;

use tonic::Code;
use windlass_line::CODE_HEADER;
use windlass_model::code::{self, Code as Explained};

/// Why an agent cannot join or serve.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is none.
    #[error("`{0}` is not where a server can be: HOST:PORT, or https://HOST:PORT")]
    Address(String),
    /// The token is none.
    #[error("{0}")]
    Token(#[from] windlass_line::NotAToken),
    /// The server cannot be reached.
    #[error("the server at {address} cannot be reached")]
    Unreachable {
        /// Where it is said to be.
        address: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// What answers there is not the server, or does not take this agent's certificate.
    #[error("the server at {address} is not trusted, or does not trust this agent")]
    Trust {
        /// Where.
        address: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The server refuses, and says why.
    #[error("the server refuses: {}", .0.message())]
    Refused(Box<tonic::Status>),
    /// The connection has ended.
    #[error("the connection to the server has ended: {0}")]
    Ended(String),
    /// A file of the agent cannot be used.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// There is no agent in the directory.
    #[error("no agent has joined with {}", .0.display())]
    NotJoined(PathBuf),
    /// Another process serves.
    #[error("another process serves as the agent of {}", .0.display())]
    Locked(PathBuf),
    /// A key or a certificate cannot be made or used.
    #[error("a key or certificate cannot be used")]
    Certificate(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Whether a refusal stays one until a person does something.
#[must_use]
pub fn is_final(status: &tonic::Status) -> bool {
    matches!(status.code(), Code::PermissionDenied | Code::Unauthenticated | Code::AlreadyExists)
}

// === impl Error ===

impl Error {
    pub(crate) fn certificate(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Certificate(Box::new(error))
    }

    /// What the server said: a refusal, or that the connection has ended.
    pub(crate) fn said(status: tonic::Status) -> Self {
        let is_ours = status.metadata().contains_key(CODE_HEADER) || is_final(&status);
        if is_ours || matches!(status.code(), Code::InvalidArgument | Code::Unimplemented) {
            Self::Refused(Box::new(status))
        } else {
            Self::Ended(status.message().to_owned())
        }
    }

    /// The code that explains it.
    #[must_use]
    pub fn code(&self) -> Explained {
        match self {
            Self::Refused(status) => {
                let named = status.metadata().get(CODE_HEADER).and_then(|code| code.to_str().ok());
                named.and_then(code::find).unwrap_or(code::NO_AGENT)
            }
            Self::Token(_) => code::JOIN_REFUSED,
            _ => code::NO_AGENT,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::Address(_) => {
                "give the address at which the server listens, such as https://windlass.example.org:8443"
            }
            Self::Token(_) => "copy all of it; `windlass server agent-token NODE` makes another one",
            Self::Unreachable { .. } => {
                "see that the server runs, and that nothing between lets its port not through"
            }
            Self::Trust { .. } => {
                "the token must be of this server, nothing between may end TLS, and both clocks must be right; who was away longer than \
                 its certificate is good for joins again with a new token"
            }
            Self::Refused(status) if status.code() == Code::AlreadyExists => {
                "revoke the agent that is there, or make a token that lets the new one take its place"
            }
            Self::Refused(_) => "let somebody who may make join tokens make a new one, and join again",
            Self::NotJoined(_) => "run `windlass agent join` first",
            Self::Locked(_) => "end that one first, or give another --data-dir",
            Self::Ended(_) | Self::File { .. } | Self::Certificate(_) => return None,
        })
    }
}
