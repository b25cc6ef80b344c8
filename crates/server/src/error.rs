//! Why a server cannot begin, or has ended.

use std::net::SocketAddr;
use std::path::PathBuf;

use windlass_store::StoreError;

/// A failure of a server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store cannot be opened, or has stopped.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The runs cannot be gone on with.
    #[error("the runs cannot be gone on with")]
    Runs(#[source] windlass_runtime::Error),
    /// The objects cannot be read.
    #[error("the objects cannot be read")]
    Objects(#[from] windlass_objects::Error),
    /// How many nodes may be worked on at a time is not known.
    #[error("the budgets cannot be read: {0}")]
    Budgets(String),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The address can be reached from other machines, and what goes there would be readable on the way.
    #[error("{0} can be reached from other machines, and there is no certificate")]
    Open(SocketAddr),
    /// A plugin is not well-formed.
    #[error("a plugin cannot be used")]
    Plugins(#[from] windlass_plugin::RegistryError),
    /// A file of ours cannot be used.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The agents cannot be taken in.
    #[error("agents cannot be taken in")]
    Agents(#[from] windlass_enrol::Error),
    /// People cannot sign in by the provider of identities, however it answers.
    #[error("the provider of identities cannot be used")]
    Provider(#[source] windlass_oidc::Error),
    /// Traces cannot be told.
    #[error("traces cannot be told")]
    Traces(#[from] windlass_traces::Error),
    /// A certificate or key is not understood.
    #[error("the certificate or key cannot be used")]
    Certificate(#[source] Box<dyn std::error::Error + Send + Sync>),
}

// === impl Error ===

impl Error {
    pub(crate) fn file(action: &'static str, path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::File { action, path: path.into(), source }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Store(error) => Some(error.help()),
            Self::Runs(error) => Some(error.help()),
            Self::Listen { .. } => Some("choose another address with --listen, or end who listens there"),
            Self::Open(_) => Some(
                "give --tls-cert and --tls-key; or --without-tls, where something in front of it speaks TLS",
            ),
            Self::Certificate(_) => Some("both are files in PEM, and the key belongs to the certificate"),
            Self::Provider(_) => {
                Some("look at what `oidc` in the settings says; `windlass server config example` explains it")
            }
            Self::Traces(_) => Some(
                "look at what `traces` in the settings says; `windlass server config example` explains it",
            ),
            Self::Objects(_) | Self::Budgets(_) | Self::Plugins(_) | Self::Agents(_) | Self::File { .. } => {
                None
            }
        }
    }
}
