//! Where secrets come from: the trait behind which files, programs and vaults stand.

use std::fmt;
use std::path::PathBuf;

use crate::dynamic::BoxFuture;
use crate::secret::Secret;

/// Gives secrets by name. A run asks once for each name that its plan refers to, when it is submitted; what it takes to
/// log in on a node is asked for when the node is reached.
pub trait SecretProvider: Send + Sync + fmt::Debug {
    /// The names that are known, to suggest one where another was meant; none where they cannot be listed.
    fn names(&self) -> Vec<String>;

    /// What it is called where something is wrong: a file, an address.
    fn place(&self) -> String;

    /// The file that declares them, from the root on, where it is one that can be read again by another process.
    fn file(&self) -> Option<PathBuf> {
        None
    }

    /// The secret of a name.
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Secret, SecretError>>;
}

/// Why a secret cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Nobody knows the name.
    #[error("there is no secret `{name}`")]
    Unknown {
        /// The name.
        name: String,
    },
    /// Where it should come from does not give it.
    #[error("the secret `{name}` cannot be had from {from}: {why}")]
    Failed {
        /// The name.
        name: String,
        /// Where it should come from.
        from: String,
        /// Why not; nothing of a secret is in it.
        why: String,
    },
}
