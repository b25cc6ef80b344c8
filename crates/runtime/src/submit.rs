//! From a request to a run that can be taken in: validated, frozen, compiled, secrets taken out.
//!
//! All of this happens in the caller's own task; the dispatcher only gets what is right.

use std::sync::Arc;

use windlass_engine::Setup;
use windlass_lang::Evaluator;
use windlass_model::code;
use windlass_model::eval::Evaluate;
use windlass_model::fact::Catalog;
use windlass_model::id::GroupId;
use windlass_model::layout::Layout;
use windlass_model::problem::{Problem, Problems};
use windlass_model::secret::Secrets;
use windlass_model::submission::Submission;
use windlass_model::time::Time;
use windlass_store::StoreError;

use crate::clock::{new_group, new_run, new_seed};
use crate::error::Error;
use crate::load::needs_key;
use crate::request::{Given, Request, Start};
use crate::seal::RunKey;
use crate::view::RunView;

/// A run that can be taken in.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) setup: Setup,
    pub(crate) view: RunView,
    /// The submission as JSON, in parts of bounded size.
    pub(crate) parts: Vec<bytes::Bytes>,
    pub(crate) start: Start,
    /// The run's key, where it needs one.
    pub(crate) key: Option<Arc<RunKey>>,
    /// Its secrets, sealed.
    pub(crate) sealed: Vec<(String, bytes::Bytes)>,
}

/// What a submission is read with.
#[derive(Clone)]
pub(crate) struct Reader {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) eval: Arc<dyn Evaluate>,
    pub(crate) start_within: Option<std::time::Duration>,
}

/// The size of a part of a submission; a store takes values up to four times as large.
const PART: usize = 4 << 20;

// === impl Reader ===

impl Reader {
    pub(crate) fn new(catalog: Catalog, start_within: Option<std::time::Duration>) -> Self {
        Self { catalog: Arc::new(catalog), eval: Arc::new(Evaluator::new()), start_within }
    }

    /// What the engine needs to go on with a run.
    pub(crate) fn setup(&self, submission: Arc<Submission>, secrets: Secrets) -> Setup {
        let layout = Arc::new(Layout::new(submission, &self.catalog));
        Setup { layout, eval: Arc::clone(&self.eval), secrets, start_within: self.start_within }
    }

    /// Checks a request and freezes it. Everything that is wrong is said at once.
    pub(crate) fn prepare(&self, request: Request, now: Time) -> Result<Prepared, Error> {
        let Request {
            plan,
            step_set,
            params,
            user,
            group,
            run_id,
            retry_of,
            targets,
            seed,
            done,
            carried,
            start,
        } = request;
        let mut problems = windlass_lang::validate(&plan, &self.catalog);
        let params = match params {
            Given::Values(values) => windlass_lang::params(&plan, &values),
            Given::Texts(texts) => windlass_lang::params_from_texts(&plan, &texts),
        };
        let params = params.map_err(|found| problems.extend(found.0)).ok();
        let targets = match (targets, &params) {
            (Some(targets), _) => Some(targets),
            // Without parameters, targets that are made from them would only be a second error.
            (None, None) => None,
            (None, Some(params)) => {
                let frozen = params.targets(&plan, &step_set, &*self.eval);
                frozen.map(|(targets, _)| targets).map_err(|found| problems.extend(found)).ok()
            }
        };
        if plan.step_set(&step_set).is_none() && !problems.iter().any(|it| it.code == code::UNKNOWN_STEP_SET)
        {
            let message = format!("there is no step set `{step_set}`");
            problems.push(Problem::new(code::UNKNOWN_STEP_SET, "", "", message));
        }
        let (Some(params), Some(targets), true) = (params, targets, problems.is_empty()) else {
            return Err(Error::Invalid(Problems(problems)));
        };
        let (params, secrets) = params.sealed();
        let named = plan.spec.group.as_deref().map(GroupId::named);
        let submission = Arc::new(Submission {
            run: run_id.unwrap_or_else(new_run),
            group: group.or(named).unwrap_or_else(new_group),
            retry_of,
            plan,
            step_set,
            params,
            targets,
            seed: seed.unwrap_or_else(new_seed),
            user,
            at: now,
            done,
            carried,
        });
        let view = RunView::submitted(&submission);
        let parts = parts(&submission)?;
        let setup = self.setup(submission, secrets);
        Ok(Prepared { setup, view, parts, start, key: None, sealed: Vec::new() })
    }
}

// === impl Prepared ===

impl Prepared {
    pub(crate) fn needs_key(&self) -> bool {
        needs_key(&self.setup)
    }

    /// Seals the secrets that were given.
    pub(crate) fn seal(&mut self, key: Arc<RunKey>) -> Result<(), Error> {
        for (name, clear) in self.setup.secrets.iter() {
            let sealed = key.seal(name, clear).ok_or(StoreError::Io {
                action: "seal a secret for",
                path: self.view.id.to_string().into(),
                source: Arc::new(std::io::Error::other("the system has no randomness to give")),
            })?;
            self.sealed.push((name.to_owned(), sealed));
        }
        self.key = Some(key);
        Ok(())
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

fn parts(submission: &Submission) -> Result<Vec<bytes::Bytes>, Error> {
    let bytes = serde_json::to_vec(submission).map_err(|error| Error::Damaged {
        run: submission.run,
        detail: format!("its submission cannot be put into JSON: {error}"),
    })?;
    let bytes = bytes::Bytes::from(bytes);
    let starts = (0..bytes.len()).step_by(PART);
    Ok(starts.map(|start| bytes.slice(start..bytes.len().min(start.saturating_add(PART)))).collect())
}
