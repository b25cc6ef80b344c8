//! What people and plugins said, as it may be recorded: the last gate before the log.

use super::{AttemptEnd, What};
use crate::outcome::Failure;
use crate::secret::Secrets;

// === impl What ===

impl What {
    /// The same with every secret in a text that somebody wrote replaced by its token. Requests,
    /// responses and what is saved come with tokens already.
    pub fn redact(&mut self, secrets: &Secrets) {
        let hide = |text: &mut String| *text = secrets.redact_message(text);
        let hide_failure = |failure: &mut Failure| {
            hide(&mut failure.message);
            failure.causes.iter_mut().for_each(hide);
        };
        match self {
            Self::Approved { by }
            | Self::Rejected { by }
            | Self::Started { by }
            | Self::Resolved { by, .. }
            | Self::Commanded { by, .. } => hide(&mut by.why),
            Self::AttemptEnded { end: AttemptEnd { failure: Some(failure), .. }, .. }
            | Self::ActionEnded { failure: Some(failure), .. }
            | Self::Asked { failure, .. } => hide_failure(failure),
            Self::Caused(reason) => hide(&mut reason.message),
            Self::Foreseen { foreseen, .. } => {
                foreseen.why.iter_mut().chain(&mut foreseen.diff).for_each(hide);
            }
            Self::AttemptEnded { .. }
            | Self::ActionEnded { .. }
            | Self::Submitted { .. }
            | Self::ApprovalAwaited { .. }
            | Self::Phase { .. }
            | Self::Began(_)
            | Self::Ended { .. }
            | Self::RoundBegan { .. }
            | Self::RoundEnded { .. }
            | Self::BatchBegan { .. }
            | Self::ActionBegan { .. }
            | Self::AttemptBegan { .. }
            | Self::Waiting { .. }
            | Self::LockAwaited { .. }
            | Self::Cancelled { .. }
            | Self::Recovered { .. }
            | Self::Heartbeat
            | Self::RetryAfter { .. }
            | Self::Selected { .. }
            | Self::Finished { .. } => {}
        }
    }
}
