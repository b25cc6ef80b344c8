//! From a plan and what was given to what would be submitted: parameters complete, targets frozen, limits as numbers.
//!
//! Nothing is touched here; preview and rehearsal need no more than this.

use std::sync::Arc;

use windlass_engine::Setup;
use windlass_lang::{Evaluator, Loaded};
use windlass_model::id::{GroupId, RunId};
use windlass_model::layout::Layout;
use windlass_model::plan::{DEFAULT_STEP_SET, Plan};
use windlass_model::problem::Problem;
use windlass_model::secret::Secrets;
use windlass_model::submission::Submission;
use windlass_model::target::Frozen;
use windlass_model::time::Time;
use windlass_model::{Map, code};
use windlass_plugin::Registry;

use crate::failure::Failure;
use crate::user;

/// What would be submitted.
pub(crate) struct Prepared {
    pub(crate) layout: Arc<Layout>,
    pub(crate) secrets: Secrets,
    pub(crate) warnings: Vec<Problem>,
}

/// What may be chosen about it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Choice<'a> {
    pub(crate) step_set: Option<&'a str>,
    pub(crate) seed: u64,
    /// Replaces the targets of every block by so many simulated nodes.
    pub(crate) targets: Option<u32>,
}

/// Prepares a plan with the parameters that were given.
pub(crate) fn prepare(
    loaded: Loaded,
    given: &Map,
    choice: Choice<'_>,
    registry: &Registry,
) -> Result<Prepared, Failure> {
    let Loaded { plan, mut warnings, .. } = loaded;
    let params = windlass_lang::params(&plan, given).map_err(|problems| Failure::Problems(problems.0))?;
    let step_set = choice.step_set.unwrap_or(DEFAULT_STEP_SET);
    let targets = match choice.targets {
        Some(count) => simulated(&plan, step_set, count),
        None => None,
    };
    let targets = match targets {
        Some(targets) => targets,
        None => {
            let (targets, odd) = resolve(&plan, step_set, &params)?;
            warnings.extend(odd);
            targets
        }
    };
    let (values, secrets) = params.sealed();
    let submission = Submission {
        run: RunId(uuid::Uuid::nil()),
        group: GroupId(uuid::Uuid::nil()),
        retry_of: None,
        plan: Arc::new(plan),
        step_set: step_set.to_owned(),
        params: values,
        targets,
        seed: choice.seed,
        user: user::current(),
        at: Time::ZERO,
        done: Vec::new(),
        carried: Default::default(),
    };
    let layout = Arc::new(Layout::new(Arc::new(submission), &registry.catalog()));
    Ok(Prepared { layout, secrets, warnings })
}

/// What is wrong with the parameters and targets of a plan.
pub(crate) fn check(loaded: &Loaded, given: &Map, choice: Choice<'_>) -> Result<(), Failure> {
    let params =
        windlass_lang::params(&loaded.plan, given).map_err(|problems| Failure::Problems(problems.0))?;
    resolve(&loaded.plan, choice.step_set.unwrap_or(DEFAULT_STEP_SET), &params).map(|_| ())
}

fn resolve(
    plan: &Plan,
    step_set: &str,
    params: &windlass_lang::Params,
) -> Result<(Vec<Frozen>, Vec<Problem>), Failure> {
    params.targets(plan, step_set, &Evaluator::new()).map_err(|mut problems| {
        for problem in problems.iter_mut().filter(|problem| problem.code == code::UNKNOWN_STEP_SET) {
            let known = problem.help.take().unwrap_or_default();
            problem.help = Some(format!("{known}; choose one with --stepset NAME"));
        }
        Failure::Problems(problems)
    })
}

/// `n00001`, `n00002`, … in the place of every selection; `None` where there is no such step set.
fn simulated(plan: &Plan, step_set: &str, count: u32) -> Option<Vec<Frozen>> {
    let nodes: Frozen = (1..=count).map(|n| format!("n{n:05}")).collect();
    let blocks = plan.step_set(step_set)?.iter();
    Some(
        blocks.map(|block| if block.targets.is_some() { nodes.clone() } else { Frozen::default() }).collect(),
    )
}

// === impl Prepared ===

impl Prepared {
    /// What the engine needs beside a log.
    pub(crate) fn setup(&self) -> Setup {
        Setup {
            layout: Arc::clone(&self.layout),
            eval: Arc::new(Evaluator::new()),
            secrets: self.secrets.clone(),
            start_within: None,
        }
    }
}
