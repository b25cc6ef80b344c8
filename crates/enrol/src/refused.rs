//! Why somebody is not taken for an agent.

use std::io;
use std::path::PathBuf;

use windlass_model::code::{self, Code};
use windlass_model::time::Time;
use windlass_store::StoreError;

/// Why somebody is refused. Each is said to who asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no such token, or its secret is another.
    #[error("the join token is not known here: it was never made here, or somebody has ended it")]
    UnknownToken,
    /// The token has ended.
    #[error("the join token was good until {0}")]
    TokenOver(Time),
    /// It was used as often as it may be.
    #[error("the join token was used up at {0}")]
    TokenUsedUp(Time),
    /// The token is for other nodes.
    #[error("the join token is for `{nodes}`, and not for `{node}`")]
    OtherNode {
        /// The node that was asked for.
        node: String,
        /// Those that it is for.
        nodes: String,
    },
    /// What was given cannot be the name of a node.
    #[error(
        "`{0}` cannot be the name of a node: letters, digits, `-`, `_` and `.`, beginning with a letter or digit"
    )]
    BadName(String),
    /// What was given is no public key.
    #[error("the public key is no point of P-256")]
    BadKey,
    /// The node has an agent.
    #[error("`{node}` has an agent, which joined at {since} from {from}")]
    Taken {
        /// The node.
        node: String,
        /// When that one joined.
        since: Time,
        /// From where.
        from: String,
    },
    /// The certificate is of nobody.
    #[error("the certificate is not known here")]
    UnknownCertificate,
    /// The agent was revoked.
    #[error("the agent of `{node}` was revoked at {at}")]
    Revoked {
        /// The node.
        node: String,
        /// When.
        at: Time,
    },
    /// A newer certificate of the same agent is in use.
    #[error(
        "the certificate of `{node}` was replaced by a newer one, which is in use: somebody has copied this one and its key"
    )]
    Superseded {
        /// The node.
        node: String,
    },
    /// The certificate has ended.
    #[error("the certificate of `{node}` was good until {until}")]
    CertificateOver {
        /// The node.
        node: String,
        /// Until when it was good.
        until: Time,
    },
}

/// Why something cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody is refused.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file of the authority cannot be used.
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
    /// A key or certificate cannot be made.
    #[error("a certificate cannot be made")]
    Certificate(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Something that is kept is damaged.
    #[error("what is kept of {0} cannot be read")]
    Damaged(String),
}

// === impl Refused ===

impl Refused {
    /// The code that explains it.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::UnknownToken
            | Self::TokenOver(_)
            | Self::TokenUsedUp(_)
            | Self::OtherNode { .. }
            | Self::BadName(_)
            | Self::BadKey => code::JOIN_REFUSED,
            Self::Taken { .. } => code::AGENT_TAKEN,
            Self::UnknownCertificate | Self::Revoked { .. } | Self::CertificateOver { .. } => {
                code::AGENT_REVOKED
            }
            Self::Superseded { .. } => code::AGENT_COPIED,
        }
    }
}

// === impl Error ===

impl Error {
    pub(crate) fn certificate(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Certificate(Box::new(error))
    }
}
