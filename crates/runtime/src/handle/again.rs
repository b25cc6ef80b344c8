//! Runs made from runs: clones and retries. A run itself is never run twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use windlass_lang::Given;
use windlass_model::element::{ElementId, Work};
use windlass_model::id::RunId;
use windlass_model::late::Late;
use windlass_model::layout::{BlockDef, Choice};
use windlass_model::outcome::{RunStatus, Skip, Status};
use windlass_model::secret::{self, Secrets};
use windlass_model::submission::Submission;
use windlass_model::{Map, Value};
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
    /// Secrets are not carried over: give them again. What a block or the whole run was judged by is judged
    /// again, though all work may be done.
    ///
    /// # Errors
    ///
    /// A run that has not ended, or succeeded; and one that saved secrets which what is left needs.
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
                return Err(Error::NotResubmittable {
                    run,
                    why: "it succeeded, and nothing of it is left".to_owned(),
                });
            }
            Retry::FromFailure => Some(self.fold(run).await?),
        };
        let submission = self.archive.submission(run).await?;
        let mut request = Request {
            group: Some(submission.group),
            retry_of: Some(run),
            targets: Some(submission.targets.clone()),
            others: Some(submission.others.clone()),
            ..same_again(&submission)
        };
        request.late.blocks.clone_from(&submission.late.blocks);
        if let Some(fold) = fold {
            take_choices(&mut request, &fold);
            request.done = done(&fold);
            request.done_blocks = done_blocks(&fold, &request.done);
            let Carried { values, gone } = carried(&fold, &request.done, &submission);
            let gone = needed_again(&gone, &submission, &request.done_blocks);
            if !gone.is_empty() {
                let why = format!(
                    "what is left of it needs secrets that it saved and that are gone with it: {}",
                    gone.join(", ")
                );
                return Err(Error::NotResubmittable { run, why });
            }
            request.carried = values;
        }
        Ok(request)
    }
}

fn same_again(submission: &Submission) -> Request {
    // Neither secrets nor what they were part of.
    let is_withheld = |(_, value): &(&String, &Value)| secret::holds_any(value);
    let params = submission.params.iter().filter(|param| !is_withheld(param));
    let withheld = submission.params.iter().filter(is_withheld);
    let mut none = Secrets::default();
    none.expect_more();
    Request {
        step_set: submission.step_set.clone(),
        withheld: withheld.map(|(name, _)| name.clone()).collect(),
        params: params.map(|(name, value)| (name.clone(), Given::Value(none.reveal_value(value)))).collect(),
        user: submission.user.clone(),
        start: Start::Later,
        noop: submission.noop,
        // Which blocks these are, the plan says.
        late: Late { blocks: Vec::new(), ..submission.late.clone() },
        ..Request::new(Arc::clone(&submission.plan))
    }
}

/// What was chosen for blocks as they began stays chosen; the others are chosen when they begin.
fn take_choices(request: &mut Request, fold: &Fold) {
    let layout = fold.layout();
    request.late.blocks.retain(|block| layout.block(*block).is_some_and(|def| def.choice == Choice::Open));
    for (def, targets) in layout.blocks.iter().zip(request.targets.iter_mut().flatten()) {
        if let (Choice::Made, Some(chosen)) = (def.choice, def.sequences.targets()) {
            *targets = chosen.clone();
        }
    }
    request.others = Some(layout.others());
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
    let of_block = |(block, def): (u32, &Arc<BlockDef>)| {
        let is_done = |seq: &u32| {
            let status = fold.element(ElementId::Sequence { block, seq: *seq }).status;
            matches!(status, Status::Succeeded | Status::Skipped) && !undone.contains(&(block, *seq))
        };
        (0..def.sequences.len()).filter(is_done).collect()
    };
    blocks.map(of_block).collect()
}

/// The blocks of which nothing is left: neither a sequence, nor a check that did not pass.
fn done_blocks(fold: &Fold, done: &[Vec<u32>]) -> Vec<u32> {
    let blocks = (0_u32..).zip(&fold.layout().blocks).zip(done);
    let is_done = |((block, def), done): &((u32, &Arc<BlockDef>), &Vec<u32>)| {
        let view = fold.element(ElementId::Block(*block));
        // One that was bypassed asks again whether it is to be.
        let is_good = view.status == Status::Succeeded || view.skip == Some(Skip::DoneBefore);
        is_good && done.len() == def.sequences.len() as usize
    };
    blocks.filter(is_done).map(|((block, _), _)| block).collect()
}

/// What the sequences that are done had saved.
struct Carried {
    /// For whoever reads it in a later block.
    values: BTreeMap<String, Map>,
    /// Where what was saved under which name cannot be carried, because it is a secret of its run.
    gone: Vec<(String, String)>,
}

fn carried(fold: &Fold, done: &[Vec<u32>], submission: &Submission) -> Carried {
    let mut carried = Carried { values: submission.carried.clone(), gone: Vec::new() };
    for ((block, def), done) in (0_u32..).zip(&fold.layout().blocks).zip(done) {
        for seq in done {
            let (Some(name), Some(body)) = (def.sequences.name(*seq), def.sequences.body(*seq)) else {
                continue;
            };
            let actions = 0..u16::try_from(body.actions.len()).unwrap_or(u16::MAX);
            let actions = actions.map(|action| Work::Action { block, seq: *seq, action });
            for view in actions.filter_map(|action| fold.begun(action.into())) {
                let saves = view.details().map_or(&[][..], |details| &details.saves);
                // What came up in the old run is sealed with its key, and that is gone.
                for (key, value) in saves.iter().map(|(key, value)| (key, value.value())) {
                    if secret::is_of_its_run(&value) {
                        carried.gone.push((format!("{}/{name}", def.name), key.clone()));
                    } else {
                        carried.values.entry(name.to_owned()).or_default().insert(key.clone(), value);
                    }
                }
            }
        }
    }
    carried
}

/// Those of the saved values that something which is left to do names. What is named otherwise, by an
/// expression, is found missing when it is read.
fn needed_again(gone: &[(String, String)], submission: &Submission, done_blocks: &[u32]) -> Vec<String> {
    if gone.is_empty() {
        return Vec::new();
    }
    let spec = &submission.plan.spec;
    let blocks = (0_u32..).zip(submission.plan.step_set(&submission.step_set).unwrap_or_default());
    let left: Vec<_> =
        blocks.filter(|(block, _)| !done_blocks.contains(block)).map(|(_, block)| block).collect();
    let left = serde_json::to_value((left, &spec.checks, &spec.deferred, &spec.vars)).unwrap_or_default();
    let is_read = |name: &str| any_text(&left, &|text| text.contains("targets") && text.contains(name));
    let read = gone.iter().filter(|(_, name)| is_read(name));
    read.map(|(sequence, name)| format!("`{name}` of {sequence}")).collect()
}

fn any_text(value: &Value, is_it: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => is_it(text),
        Value::Array(items) => items.iter().any(|item| any_text(item, is_it)),
        Value::Object(map) => map.values().any(|item| any_text(item, is_it)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
