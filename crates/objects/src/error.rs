//! Everything that can go wrong with objects, with a stable code and advice for each.

use windlass_model::code::{self, Code};
use windlass_model::problem::Problem;
use windlass_store::StoreError;

use windlass_contract::Difference;
use windlass_contract::Name;

/// A failure.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// There is no such kind.
    #[error("there is no kind `{0}`")]
    UnknownKind(String),
    /// There is no such object.
    #[error("there is no {kind} {name}")]
    NotFound {
        /// The kind.
        kind: &'static str,
        /// Which.
        name: Name,
    },
    /// There is one already.
    #[error("there is a {kind} {name} already")]
    Exists {
        /// The kind.
        kind: &'static str,
        /// Which.
        name: Name,
    },
    /// Somebody else was first.
    #[error("{kind} {name} has version {found} by now; this was written on top of version {given}")]
    Conflict {
        /// The kind.
        kind: &'static str,
        /// Which.
        name: Name,
        /// The version that was built on.
        given: u64,
        /// The version that is there.
        found: u64,
        /// What differs between what is there and what was to be written.
        changed: Vec<Difference>,
    },
    /// Other objects need it.
    #[error("{kind} {name} is needed by {}", by.join(", "))]
    Referenced {
        /// The kind.
        kind: &'static str,
        /// Which.
        name: Name,
        /// Who needs it, the first hundred of them.
        by: Vec<String>,
    },
    /// What was sent is not right: everything at once.
    #[error("{}", windlass_model::problem::Problems(.0.clone()))]
    Invalid(Vec<Problem>),
    /// A selector, a cursor or a number in a question is not understood.
    #[error("{0}")]
    BadQuery(String),
    /// A patch cannot be carried out.
    #[error("the patch cannot be applied: {0}")]
    BadPatch(String),
    /// The history that a watch would begin in is gone.
    #[error("changes up to version {oldest} are no longer kept")]
    Expired {
        /// The oldest version that a watch can begin at.
        oldest: u64,
    },
    /// A secret cannot be sealed or opened.
    #[error("a secret of {0} cannot be read: it was sealed with another key, or is damaged")]
    Sealed(Name),
    /// What is stored makes no sense.
    #[error("what is stored cannot be read: {0}")]
    Damaged(String),
    /// The store cannot.
    #[error(transparent)]
    Store(StoreError),
}

// === impl Error ===

impl Error {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::UnknownKind(_) => code::UNKNOWN_OBJECT_KIND,
            Self::NotFound { .. } => code::UNKNOWN_OBJECT,
            Self::Exists { .. } => code::OBJECT_EXISTS,
            Self::Conflict { .. } => code::OBJECT_CHANGED,
            Self::Referenced { .. } => code::OBJECT_NEEDED,
            Self::Invalid(problems) => problems.first().map_or(code::WRONG_TYPE, |first| first.code.clone()),
            Self::BadQuery(_) => code::BAD_QUERY,
            Self::BadPatch(_) => code::BAD_PATCH,
            Self::Expired { .. } => code::STORE_COMPACTED,
            Self::Sealed(_) => code::OBJECT_SEALED,
            Self::Damaged(_) => code::STORE_CORRUPT,
            Self::Store(error) => code::find(error.code()).unwrap_or(code::STORE_IO),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let text = match self {
            Self::Exists { .. } => "apply it to change the one that is there",
            Self::Conflict { .. } => "get it, make the change again on what is there now, and send that",
            Self::Referenced { .. } => "delete those first, or let them refer to something else",
            Self::Expired { .. } => "list again, and watch from the version of the list",
            Self::Sealed(_) => "start the server with the key that the secret was sealed with",
            Self::Store(error) => error.help(),
            _ => return None,
        };
        Some(text.to_owned())
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Compacted { oldest } => Self::Expired { oldest },
            error => Self::Store(error),
        }
    }
}
