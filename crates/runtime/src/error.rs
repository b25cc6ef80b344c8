//! Everything that can go wrong between a caller and a run.

use windlass_engine::Refused;
use windlass_model::code::{self, Code};
use windlass_model::id::RunId;
use windlass_model::problem::Problems;
use windlass_store::StoreError;

/// Why something did not happen.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The plan, its parameters or its targets are not acceptable: everything that is wrong.
    #[error("the plan cannot be submitted: {0}")]
    Invalid(Problems),
    /// There is no such run.
    #[error("there is no run {0}")]
    UnknownRun(RunId),
    /// There is a run of this id.
    #[error("there is a run {0} already")]
    Exists(RunId),
    /// There is no such element.
    #[error("run {run} has no `{address}`")]
    UnknownElement {
        /// The run.
        run: RunId,
        /// What was asked for.
        address: String,
    },
    /// The run does not take this now.
    #[error("run {run} does not take this: {refused}")]
    Refused {
        /// The run.
        run: RunId,
        /// Why.
        refused: Refused,
    },
    /// Only a run that has ended can be treated so.
    #[error("run {run} has not ended: it is {status}")]
    NotEnded {
        /// The run.
        run: RunId,
        /// Where it stands.
        status: &'static str,
    },
    /// The run is parked, because the store cannot keep its record.
    #[error("run {run} is parked: {why}")]
    Parked {
        /// The run.
        run: RunId,
        /// Why.
        why: StoreError,
    },
    /// The run holds a lock that another run holds, too.
    #[error("run {run} waits for the end of another run that holds {lock}{}", by(holder.as_ref()))]
    Blocked {
        /// The run.
        run: RunId,
        /// The lock.
        lock: String,
        /// The other run, if it is known.
        holder: Option<RunId>,
    },
    /// The run's record cannot be read.
    #[error("the record of run {run} cannot be read: {detail}")]
    Damaged {
        /// The run.
        run: RunId,
        /// What was found.
        detail: String,
    },
    /// The run's secrets cannot be read, so nothing of it goes on.
    #[error("the secrets of run {run} cannot be read: {why}")]
    Sealed {
        /// The run.
        run: RunId,
        /// Why.
        why: SecretsError,
    },
    /// The run needs plugins that are not registered.
    #[error("run {run} needs plugins that are not registered: {}", missing.join(", "))]
    Unrunnable {
        /// The run.
        run: RunId,
        /// Their names.
        missing: Vec<String>,
    },
    /// This process does not drive the run.
    #[error("this process does not drive run {0}")]
    NotDriven(RunId),
    /// What was asked for cannot be made of this run.
    #[error("run {run} cannot be retried: {why}")]
    NotResubmittable {
        /// The run.
        run: RunId,
        /// Why not.
        why: String,
    },
    /// A search without any condition would mean everything.
    #[error("a search needs at least one condition")]
    EmptyFilter,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The runtime has ended.
    #[error("the runtime has ended")]
    Ended,
}

fn by(holder: Option<&RunId>) -> String {
    holder.map(|holder| format!(": {holder}")).unwrap_or_default()
}

/// Why the secrets of a run cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretsError {
    /// The key is gone.
    #[error("there is no key for them in {place}")]
    NoKey {
        /// Where it was looked for.
        place: String,
    },
    /// The key cannot be used.
    #[error("their key in {place} cannot be used: {detail}")]
    KeyUnreadable {
        /// Where it lies.
        place: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The key fits no lock of this run, or the lock was changed.
    #[error("their key does not open `{name}`: it is the key of another run, or one of the two was changed")]
    DoesNotOpen {
        /// The name of the secret.
        name: String,
    },
    /// What lies there is no sealed value.
    #[error("what is kept of `{name}` is damaged")]
    Damaged {
        /// The name of the secret.
        name: String,
    },
    /// A newer program wrote it.
    #[error("`{name}` is sealed in the way {found}; this program knows up to {supported}")]
    Newer {
        /// The name of the secret.
        name: String,
        /// The version it has.
        found: u8,
        /// The newest version that this program reads.
        supported: u8,
    },
}

// === impl Error ===

impl Error {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Invalid(problems) => {
                problems.0.first().map_or(code::NOT_RESUBMITTABLE, |problem| problem.code.clone())
            }
            Self::UnknownRun(_) => code::UNKNOWN_RUN,
            Self::Exists(_) => code::RUN_EXISTS,
            Self::UnknownElement { .. } => code::NOT_INTERRUPTED,
            Self::Refused { refused, .. } => refused.code(),
            Self::NotEnded { .. } => code::NOT_ALLOWED,
            Self::Parked { .. } | Self::Blocked { .. } => code::RUN_PARKED,
            Self::Damaged { .. } => code::LOG_DAMAGED,
            Self::Sealed { .. } => code::RUN_SEALED,
            Self::Unrunnable { .. } => code::PLUGIN_MISSING,
            Self::NotDriven(_) => code::NO_OWNER,
            Self::NotResubmittable { .. } => code::NOT_RESUBMITTABLE,
            Self::EmptyFilter => code::USAGE,
            Self::Store(error) => store_code(error),
            Self::Ended => code::STORE_CLOSED,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "correct what is listed and submit again",
            Self::UnknownRun(_) => "list the runs of this data directory, and look for a typing error",
            Self::Exists(_) => "leave the id out, and a new one is drawn",
            Self::UnknownElement { .. } => "take the address from the run's report",
            Self::Refused { .. } => "look at where the run stands",
            Self::NotEnded { .. } => "wait for its end, or stop it",
            Self::Parked { .. } => "see to the storage; the run goes on by itself when it is back",
            Self::Blocked { .. } => "wait for the end of the other run, or stop that one",
            Self::Damaged { .. } => "keep a copy of the data directory, and restore it from a backup",
            Self::Sealed { .. } => {
                "put its key file back and recover it, or end it with `kill` and retry it with the secrets given again"
            }
            Self::Unrunnable { .. } => "start the program that has these plugins",
            Self::NotDriven(_) => "command it where it runs, or take it over when that process has ended",
            Self::NotResubmittable { .. } => {
                "make a new run of all of it: `windlass runs retry --from-scratch`, or `clone_run` in a program"
            }
            Self::EmptyFilter => "say what to look for, or list the runs instead",
            Self::Store(error) => error.help(),
            Self::Ended => "open it again",
        }
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.class() == windlass_store::Class::Retryable,
            Self::Parked { .. } | Self::Blocked { .. } => true,
            _ => false,
        }
    }
}

/// The code of a store's error. Those of the store are texts, as it imports nothing of ours.
fn store_code(error: &StoreError) -> Code {
    code::find(error.code()).unwrap_or(code::STORE_IO)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use windlass_store::Precondition;

    use super::*;

    #[test]
    fn an_error_of_the_store_keeps_its_own_code() {
        let path = std::path::PathBuf::new;
        let errors = [
            StoreError::Locked { path: path(), holder: String::new() },
            StoreError::Newer { path: path(), found: 2, supported: 1 },
            StoreError::Full { path: path() },
            StoreError::ReadOnly { path: path() },
            StoreError::Corrupt { path: path(), detail: String::new() },
            StoreError::Stopped { cause: Arc::new(StoreError::Closed) },
            StoreError::io("use", path(), std::io::Error::other("it")),
            StoreError::Precondition { which: Precondition::Absent("k".into()) },
            StoreError::Compacted { oldest: 1 },
            StoreError::TooLarge { what: "value", size: 2, limit: 1 },
            StoreError::Closed,
            StoreError::Busy { queued: 1 },
            StoreError::Leased { name: String::new(), holder: String::new() },
            StoreError::LeaseLost { name: String::new() },
            StoreError::BadKey { why: "it is empty" },
        ];
        for error in errors {
            let text = error.code();
            assert_eq!(Error::Store(error).code().as_str(), text);
        }
    }
}
