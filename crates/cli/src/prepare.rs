//! From a plan and what was given to what would be submitted: parameters complete, targets frozen, limits as numbers.
//!
//! Nothing is touched here; preview and rehearsal need no more than this.

use std::collections::BTreeSet;
use std::sync::Arc;

use windlass_engine::Setup;
use windlass_lang::{Among, Evaluator, Excerpt, Findings, Inputs, Loaded};
use windlass_model::code;
use windlass_model::id::{GroupId, RunId};
use windlass_model::late::Chosen;
use windlass_model::layout::Layout;
use windlass_model::param::ParamType;
use windlass_model::plan::{DEFAULT_STEP_SET, Plan};
use windlass_model::problem::Problem;
use windlass_model::secret::Secrets;
use windlass_model::submission::Submission;
use windlass_model::target::Frozen;
use windlass_model::time::Time;
use windlass_plugin::Registry;

use crate::failure::Failure;
use crate::inventory::SELECTION_FLAG;
use crate::params::{COMMAND_LINE, Given, excerpt};
use crate::user;

/// What problems of the selection that narrows a run are said to be about.
const SELECTION: &str = "selection";

/// What would be submitted.
pub(crate) struct Prepared {
    /// What would be submitted.
    pub(crate) submitted: Arc<Layout>,
    /// The same, with the targets that would be chosen now for the blocks that choose theirs when they begin.
    pub(crate) layout: Arc<Layout>,
    pub(crate) secrets: Secrets,
    /// The blocks of which it can be said what they would choose now.
    pub(crate) foretold: BTreeSet<u32>,
    /// How many nodes a block could choose at the most, as far as that is known.
    pub(crate) most: Option<u32>,
    /// What is odd about the targets.
    pub(crate) warnings: Vec<Problem>,
}

/// What may be chosen about it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Choice<'a> {
    pub(crate) step_set: Option<&'a str>,
    pub(crate) seed: u64,
    /// Replaces the targets of every block by so many simulated nodes.
    pub(crate) targets: Option<u32>,
    /// Whether it only looks.
    pub(crate) noop: bool,
    /// What targets are chosen among.
    pub(crate) among: Option<&'a crate::inventory::Among>,
}

/// Prepares a plan with the parameters that were given.
pub(crate) fn prepare(
    loaded: &Loaded,
    given: Given,
    choice: Choice<'_>,
    registry: &Registry,
) -> Result<Prepared, Failure> {
    let Inputs { params, targets, others, warnings, late } = inputs(loaded, given, choice)?;
    let (values, mut secrets) = params.sealed();
    let mut submission = Submission {
        run: RunId(uuid::Uuid::nil()),
        group: GroupId(uuid::Uuid::nil()),
        retry_of: None,
        plan: Arc::clone(&loaded.plan),
        step_set: choice.step_set.unwrap_or(DEFAULT_STEP_SET).to_owned(),
        params: values,
        targets,
        others,
        seed: choice.seed,
        user: user::current(),
        at: Time::ZERO,
        done: Vec::new(),
        done_blocks: Vec::new(),
        carried: Default::default(),
        noop: choice.noop,
        late: choice.among.map(|among| among.late(late.keys().copied())).unwrap_or_default(),
        secrets_file: None,
    };
    windlass_runtime::stand_in_for_secrets(&mut submission, &mut secrets);
    let submitted = Arc::new(Layout::new(Arc::new(submission), &registry.catalog()));
    let mut layout = Arc::clone(&submitted);
    let mut foretold = BTreeSet::new();
    for (block, now) in late {
        foretold.extend(now.is_some().then_some(block));
        let chosen = Chosen { targets: now.unwrap_or_default(), others: Frozen::default() };
        layout = Arc::new(layout.with_chosen(block, chosen));
    }
    let most = choice.among.and_then(crate::inventory::Among::most);
    Ok(Prepared { submitted, layout, secrets, foretold, most, warnings })
}

/// Parameters and targets, or everything that is wrong with them, drawn where it was written and where it was given.
pub(crate) fn inputs(loaded: &Loaded, mut given: Given, choice: Choice<'_>) -> Result<Inputs, Failure> {
    let step_set = choice.step_set.unwrap_or(DEFAULT_STEP_SET);
    let targets = choice.targets.and_then(|count| simulated(&loaded.plan, step_set, count));
    let values = std::mem::take(&mut given.values);
    let eval = Evaluator::new();
    let mut inputs = windlass_lang::inputs(&loaded.plan, step_set, values, targets, &eval, narrowed(choice))
        .map_err(|problems| Failure::from(findings(loaded, &given, choice, problems.0)))?;
    let unused = choice.among.and_then(|among| among.unused(&loaded.plan, step_set));
    inputs.warnings.extend(unused);
    Ok(inputs)
}

/// What is odd about the targets of a plan, or wrong with them, before any parameter is given.
pub(crate) fn foreseen(loaded: &Loaded, choice: Choice<'_>) -> Result<Vec<Problem>, Vec<Problem>> {
    let step_set = choice.step_set.unwrap_or(DEFAULT_STEP_SET);
    let among = narrowed(choice);
    let given = std::collections::BTreeMap::new();
    let found = match windlass_lang::inputs(&loaded.plan, step_set, given, None, &Evaluator::new(), among) {
        Ok(inputs) => Ok(inputs.warnings),
        Err(problems) => {
            let wrong = problems.0.into_iter().filter(|problem| problem.code != code::MISSING_PARAM);
            Err(wrong.collect::<Vec<_>>())
        }
    };
    match found {
        Err(problems) if problems.is_empty() => Ok(Vec::new()),
        found => found,
    }
}

pub(crate) fn narrowed(choice: Choice<'_>) -> Among<'_> {
    choice.among.map_or_else(Among::default, |among| Among {
        nodes: among.nodes(),
        filter: among.selection.as_ref().map(|selected| &selected.targets),
    })
}

/// What is odd, each at its place: in the plan, or in the selection that was given.
pub(crate) fn odd(
    loaded: &Loaded,
    choice: Choice<'_>,
    warnings: impl IntoIterator<Item = Problem>,
) -> Findings {
    loaded.findings(warnings, &|problem| selection(choice, problem))
}

/// The selection that was given, where a problem is about it.
fn selection(choice: Choice<'_>, problem: &Problem) -> Option<Excerpt> {
    let selected = choice.among?.selection.as_ref().filter(|_| problem.address == SELECTION)?;
    Some(excerpt(COMMAND_LINE, SELECTION_FLAG, &selected.text))
}

/// Where a plan uses plugins that cannot work here.
pub(crate) async fn not_ready(plan: &Plan, registry: &Registry) -> Vec<Problem> {
    registry.ready().await.iter().flat_map(|plugin| plugin.problems(plan)).collect()
}

/// Problems of a plan and of what was given with it, each at its places.
pub(crate) fn findings(
    loaded: &Loaded,
    given: &Given,
    choice: Choice<'_>,
    mut problems: Vec<Problem>,
) -> Findings {
    for problem in &mut problems {
        let said = problem.help.take();
        problem.help = if problem.code == code::UNKNOWN_STEP_SET {
            Some(format!("{}; choose one with --stepset NAME", said.unwrap_or_default()))
        } else if problem.code == code::MISSING_PARAM {
            let name = problem.address.trim_start_matches("params.");
            let kind = loaded.plan.spec.params.get(name).map(|spec| spec.kind);
            let how = match kind {
                Some(ParamType::Secret) => {
                    format!("give it with -p {name}=@FILE, or set WINDLASS_PARAM_{name}")
                }
                _ => format!("give it with -p {name}=VALUE"),
            };
            Some(said.map_or_else(|| how.clone(), |said| format!("{said}\n{how}")))
        } else {
            said
        };
    }
    loaded.findings(problems, &|problem| -> Option<Excerpt> {
        if problem.code == code::UNKNOWN_STEP_SET {
            return Some(excerpt(COMMAND_LINE, "--stepset ", choice.step_set?));
        }
        selection(choice, problem).or_else(|| given.place(problem))
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
    /// What the engine needs beside a log, for a run that chooses late targets itself.
    pub(crate) fn rehearsed(&self) -> Setup {
        Setup { layout: Arc::clone(&self.submitted), ..self.setup() }
    }

    /// The same for a look at what would be chosen now.
    pub(crate) fn setup(&self) -> Setup {
        Setup {
            layout: Arc::clone(&self.layout),
            eval: Arc::new(Evaluator::new()),
            secrets: self.secrets.clone(),
            start_within: None,
        }
    }
}
