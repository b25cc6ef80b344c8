//! A plan is rehearsed: the engine that runs it for real, in virtual time, with faults of one's own. Nothing is touched and
//! nothing is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::http::StatusCode;
use windlass_access::{Resource, Verb};
use windlass_contract::{NewRehearsal, NewRun, RehearsalTouched, Rehearsed, Run, RunReason, WorstCase};
use windlass_engine::SelectCall;
use windlass_inventory::Inventory;
use windlass_lang::{Among, Evaluator};
use windlass_model::code;
use windlass_model::element::{ElementId, ElementKind, Work};
use windlass_model::event::Event;
use windlass_model::late::Chosen;
use windlass_model::layout::Layout;
use windlass_model::outcome::Failure;
use windlass_model::plan::Plan;
use windlass_model::target::Frozen;
use windlass_model::time::Time;
use windlass_plugin::Registry;
use windlass_rehearsal::{Asked, Attempted, Audience, Execution, Fault, Play, Rehearsal, World};
use windlass_report::{Fold, limits};

use super::RUN;
use super::board::drawn;
use super::submit::{plan, request};
use crate::answer::Problem;
use crate::caller::Caller;

/// After so many events it is broken off: somebody else wants the processor, too.
const MOST_EVENTS: u64 = 500_000;
/// What random choices are made from, unless another one is given.
const SEED: u64 = 7;
/// How many simulated nodes there may be.
const MOST_TARGETS: u32 = 20_000;

/// Plays a plan of a namespace.
pub(crate) async fn rehearse(
    caller: &Caller,
    namespace: &str,
    wanted: impl FnOnce() -> Result<NewRehearsal, Problem>,
) -> Result<Rehearsed, Problem> {
    let api = caller.api();
    caller.must(Verb::View, &Resource::within(RUN, namespace)).await?;
    let NewRehearsal {
        plan: name,
        document,
        step_set,
        params,
        typed_params,
        selection,
        noop,
        targets,
        faults,
        seed,
        crash_at,
    } = wanted()?;
    let mut wanted =
        NewRun { plan: name, document, step_set, params, typed_params, selection, noop, ..NewRun::default() };
    let plan = plan(api, caller, namespace, &mut wanted).await?;
    let faults = read(&faults)?;
    let mut request = request(api, namespace, plan, wanted).await?;
    if let Some(count) = targets {
        if count > MOST_TARGETS {
            return Err(Problem::bad(format!("targets: {count}; at most {MOST_TARGETS} are simulated here")));
        }
        simulate(&mut request, count);
    }
    let nodes = api.gathered().inventory(namespace).await?;
    let registry = api.parts().registry.clone();
    let plan = Arc::clone(&request.plan);
    let seed = seed.unwrap_or(SEED);
    request.seed = Some(seed);
    let step_set = request.step_set.clone();
    let setup = request.setup(registry.catalog())?;
    let idle = idle(&faults, &setup.layout);
    let _turn = api.rehearsing().acquire().await.map_err(|_| Problem::bad("the server ends"))?;
    let played = tokio::task::spawn_blocking(move || {
        let world = Simulated { registry: &registry, plan: &plan, nodes: &nodes, step_set: &step_set };
        let mut seen = Seen { fold: Fold::new(Arc::clone(&setup.layout)), touched: Touched::default() };
        let faults = faults.into_iter().map(|(fault, _)| fault).collect();
        let rehearsal =
            Rehearsal { faults, crash_at, most_events: MOST_EVENTS, ..Rehearsal::new(setup.clone(), &world) };
        let played = rehearsal.play_to(&mut seen);
        told(&seen, &idle, played.crashes, seed)
    });
    played.await.map_err(Problem::lost)
}

fn told(seen: &Seen, idle: &[String], crashes: u32, seed: u64) -> Rehearsed {
    let (fold, layout) = (&seen.fold, seen.fold.layout());
    let worst = (0_u32..).zip(&layout.blocks).map(|(index, block)| {
        let limits::Worst { failed, total } = limits::worst(block);
        WorstCase {
            block: layout.address(ElementId::Block(index)),
            failed,
            total,
            words: limits::in_words(block),
        }
    });
    Rehearsed {
        worst: worst.collect(),
        touched: seen
            .touched
            .by_plugin
            .iter()
            .map(|(uses, (attempts, longest))| RehearsalTouched {
                uses: uses.clone(),
                attempts: *attempts,
                longest: *longest,
            })
            .collect(),
        targets: u32::try_from(seen.touched.targets.len()).unwrap_or(u32::MAX),
        lasted: fold.at().as_millis(),
        events: fold.seq(),
        broken_off: fold.seq() >= MOST_EVENTS,
        idle: idle.to_vec(),
        crashes,
        seed,
        board: drawn(fold, short(fold), fold.at()),
    }
}

/// The rehearsed run in short.
fn short(fold: &Fold) -> Run {
    let (submission, told) = (&fold.layout().submission, fold.run());
    let plan = &submission.plan;
    Run {
        id: submission.run,
        group: submission.group,
        retry_of: None,
        plan: plan.metadata.name.clone(),
        description: plan.metadata.description.clone(),
        labels: plan.metadata.labels.clone(),
        step_set: submission.step_set.clone(),
        user: submission.user.clone(),
        targets: submission.targets.iter().map(Frozen::len).sum(),
        noop: submission.noop,
        submitted_at: told.submitted_at.unwrap_or(Time::ZERO),
        started_at: told.started_at,
        ended_at: told.ended_at,
        status: told.status,
        reason: told.reason.as_ref().map(|reason| RunReason {
            kind: reason.kind,
            address: fold.layout().address(reason.element),
            message: reason.message.clone(),
        }),
        approval: None,
        seq: fold.seq(),
        driven: false,
        asked: Vec::new(),
        needs_person: fold.asked().next().is_some(),
        trouble: None,
    }
}

fn read(texts: &[String]) -> Result<Vec<(Fault, String)>, Problem> {
    let mut faults = Vec::new();
    for text in texts {
        let fault = text.parse::<Fault>().map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST, &code::BAD_QUERY, format!("the fault `{text}`: {error}"))
                .hint("such as `patch/web03/*=fail`, `patch/*/reboot@1=hang`, `patch/*/drain=slow:90s`")
        })?;
        faults.push((fault, text.clone()));
    }
    Ok(faults)
}

/// The faults that are for nothing in this plan.
fn idle(faults: &[(Fault, String)], layout: &Layout) -> Vec<String> {
    let mut idle: Vec<&(Fault, String)> = faults.iter().collect();
    for element in windlass_report::elements(layout).filter(|element| element.work().is_some()) {
        if idle.is_empty() {
            break;
        }
        let address = layout.address(element);
        idle.retain(|(fault, _)| !fault.address.matches(&address));
    }
    idle.into_iter().map(|(_, text)| text.clone()).collect()
}

/// So many simulated nodes in the place of every selection.
fn simulate(request: &mut windlass_runtime::Request, count: u32) {
    let nodes: Frozen = (1..=count).map(|n| format!("n{n:05}")).collect();
    let blocks = request.plan.step_set(&request.step_set).unwrap_or_default().iter();
    let targets = blocks.map(|block| if block.targets.is_some() { nodes.clone() } else { Frozen::default() });
    request.targets = Some(targets.collect());
    request.nodes = None;
    request.selection = None;
}

/// Whoever looks on.
struct Seen {
    fold: Fold,
    touched: Touched,
}

/// What a real run would have touched.
#[derive(Default)]
struct Touched {
    /// By plugin: how many attempts, and the longest of them in milliseconds.
    by_plugin: BTreeMap<String, (u64, u64)>,
    targets: BTreeSet<String>,
}

/// The plugins' own simulations, on nodes that are chosen as they would be now.
struct Simulated<'a> {
    registry: &'a Registry,
    plan: &'a Plan,
    nodes: &'a Inventory,
    step_set: &'a str,
}

// === impl Seen ===

impl Audience for Seen {
    fn event(&mut self, event: &Event) {
        // A driver makes no gaps; had it made one, what is drawn would end there.
        let _ = self.fold.apply(event);
    }

    fn execution(&mut self, execution: &Execution) {
        let layout = self.fold.layout();
        let Some(def) = layout.action(execution.element).filter(|_| execution.asked == Asked::ToAct) else {
            return;
        };
        let took = execution.ended.map_or(0, |ended| ended.since(execution.began).as_millis());
        let (attempts, longest) = self.touched.by_plugin.entry(def.facts.name.clone()).or_default();
        *attempts = attempts.saturating_add(1);
        *longest = (*longest).max(u64::try_from(took).unwrap_or(u64::MAX));
        if execution.element.kind() != ElementKind::Check
            && let Some((block, seq)) = execution.element.work().and_then(Work::sequence)
            && let Some(name) = layout.block(block).and_then(|block| block.sequences.target(seq))
        {
            self.touched.targets.insert(name.to_owned());
        }
    }
}

// === impl Simulated ===

impl World for Simulated<'_> {
    fn play(&self, attempt: &Attempted<'_>) -> Play {
        self.registry.play(attempt)
    }

    fn foresee(&self, attempt: &Attempted<'_>) -> Play {
        self.registry.foresee(attempt)
    }

    fn select(&self, call: &SelectCall) -> Result<Chosen, Failure> {
        let among = Among { nodes: Some(self.nodes), filter: None };
        windlass_lang::choose(self.plan, self.step_set, call.block, &call.scope, &Evaluator::new(), among)
    }
}
