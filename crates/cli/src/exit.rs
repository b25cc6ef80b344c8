//! Exit codes: the part of the contract that scripts build on. They never change their meaning.

use std::process::ExitCode;

use windlass_model::outcome::RunStatus;

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// What was asked for was done; a run succeeded.
    Succeeded,
    /// A run failed.
    Failed,
    /// The input or the command line makes no sense. Nothing was done.
    Invalid,
    /// A person stopped the run.
    Stopped,
    /// The run waits for a person.
    Waiting,
    /// The store is locked or cannot be used.
    Store,
    /// A bug in Windlass.
    Bug,
}

/// The table for help and reference: code, name, meaning.
pub(crate) const TABLE: &[(Exit, &str)] = &[
    (Exit::Succeeded, "done; for a run: it succeeded"),
    (Exit::Failed, "the run failed"),
    (Exit::Invalid, "invalid input or usage; nothing was done"),
    (Exit::Stopped, "the run was stopped by a person"),
    (Exit::Waiting, "the run waits for a person: an approval, or something to resolve"),
    (Exit::Store, "the store is locked by another process, or cannot be used"),
    (Exit::Bug, "a bug in Windlass"),
];

// === impl Exit ===

impl Exit {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Succeeded => 0,
            Self::Failed => 1,
            Self::Invalid => 2,
            Self::Stopped => 3,
            Self::Waiting => 4,
            Self::Store => 5,
            Self::Bug => 70,
        }
    }

    /// The exit of a number.
    pub(crate) fn from_code(code: u8) -> Self {
        TABLE.iter().map(|(exit, _)| *exit).find(|exit| exit.code() == code).unwrap_or(Self::Bug)
    }

    /// What a run that was driven to this status exits with. One that has not ended waits for a person.
    #[must_use]
    pub fn of(status: RunStatus) -> Self {
        match status {
            RunStatus::Succeeded => Self::Succeeded,
            RunStatus::Failed => Self::Failed,
            RunStatus::Stopped => Self::Stopped,
            RunStatus::Submitted | RunStatus::AwaitingApproval | RunStatus::Running | RunStatus::Paused => {
                Self::Waiting
            }
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
