//! Runs made from runs: clones and retries. A run itself is never run twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use windlass_lang::Given;
use windlass_model::Map;
use windlass_model::element::{ElementId, Work};
use windlass_model::id::RunId;
use windlass_model::outcome::{RunStatus, Status};
use windlass_model::secret::{self, Secrets};
use windlass_model::submission::Submission;
use windlass_report::Fold;

use crate::error::Error;
use crate::handle::Handle;
use crate::request::{Request, Retry, Start};

impl Handle {
    /// A request for the same again, in a group of its own; the targets are selected anew.
    ///
    /// Secrets are not carried over: give them again.
    pub async fn clone_run(&self, run: RunId) -> Result<Request, Error> {
        Ok(same_again(&*self.archive.submission(run).await?))
    }

    /// A request for a run that retries one that has ended, in the same group and on the same targets.
    ///
    /// Secrets are not carried over: give them again.
    pub async fn retry(&self, run: RunId, retry: Retry) -> Result<Request, Error> {
        let view = self.archive.known(run).await?;
        if !view.status.is_terminal() {
            return Err(Error::NotEnded { run, status: view.status.word() });
        }
        let fold = match retry {
            Retry::FromScratch => None,
            // Nothing was done in a run that only looked, so nothing of it needs not be looked at again.
            Retry::FromFailure if view.noop => None,
            Retry::FromFailure if view.status == RunStatus::Succeeded => {
                return Err(Error::NotResubmittable { run, why: "it succeeded, and nothing of it is left" });
            }
            Retry::FromFailure => Some(self.fold(run).await?),
        };
        let submission = self.archive.submission(run).await?;
        let mut request = Request {
            group: Some(submission.group),
            retry_of: Some(run),
            targets: Some(submission.targets.clone()),
            ..same_again(&submission)
        };
        if let Some(fold) = fold {
            request.done = done(&fold);
            request.carried = carried(&fold, &request.done, &submission);
        }
        Ok(request)
    }
}

fn same_again(submission: &Submission) -> Request {
    // Neither secrets nor what they were part of.
    let params = submission.params.iter().filter(|(_, value)| !secret::holds_any(value));
    let mut none = Secrets::default();
    none.expect_more();
    Request {
        step_set: submission.step_set.clone(),
        params: params.map(|(name, value)| (name.clone(), Given::Value(none.reveal_value(value)))).collect(),
        user: submission.user.clone(),
        start: Start::Later,
        noop: submission.noop,
        ..Request::new(Arc::clone(&submission.plan))
    }
}

/// The sequences of each block that need not be done again: what was taken back must.
fn done(fold: &Fold) -> Vec<Vec<u32>> {
    let undone: BTreeSet<(u32, u32)> = fold
        .reached()
        .filter_map(|(element, _)| match element {
            ElementId::Work(Work::Undo { block, seq, .. }) => Some((block, seq)),
            _ => None,
        })
        .collect();
    let blocks = (0_u32..).zip(&fold.layout().blocks);
    let of_block = |(block, def): (u32, &windlass_model::layout::BlockDef)| {
        let is_done = |seq: &u32| {
            let status = fold.element(ElementId::Sequence { block, seq: *seq }).status;
            matches!(status, Status::Succeeded | Status::Skipped) && !undone.contains(&(block, *seq))
        };
        (0..def.sequences.len()).filter(is_done).collect()
    };
    blocks.map(of_block).collect()
}

/// What the sequences that are done had saved, for whoever reads it in a later block.
fn carried(fold: &Fold, done: &[Vec<u32>], submission: &Submission) -> BTreeMap<String, Map> {
    let mut carried = submission.carried.clone();
    for ((block, def), done) in (0_u32..).zip(&fold.layout().blocks).zip(done) {
        for seq in done {
            let (Some(name), Some(body)) = (def.sequences.name(*seq), def.sequences.body(*seq)) else {
                continue;
            };
            let actions = 0..u16::try_from(body.actions.len()).unwrap_or(u16::MAX);
            let actions = actions.map(|action| Work::Action { block, seq: *seq, action });
            let views = actions.filter_map(|action| fold.begun(action.into())?.details());
            let saves = views.flat_map(|details| &details.saves).map(|(key, value)| (key, value.value()));
            // What came up in the old run is sealed with its key, and that is gone.
            for (key, value) in saves.filter(|(_, value)| !secret::is_of_its_run(value)) {
                carried.entry(name.to_owned()).or_default().insert(key.clone(), value);
            }
        }
    }
    carried
}
