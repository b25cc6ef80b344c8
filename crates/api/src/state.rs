//! How a plan stands: what it does, its runs, and each of its targets; and everything that happens in its runs, live.
//!
//! ```text
//!   the state of a plan ── version ──▶ everything that happens in its runs from then on, each once, in order
//! ```

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use futures_util::stream::{self, Stream};
use serde::Deserialize;
use serde_json::json;
use windlass_access::{Resource, Verb};
use windlass_contract::{NAMESPACE_LABEL, PlanState, PlanStep, PreviewedAction, TargetState};
use windlass_model::element::ElementId;
use windlass_model::event::Event;
use windlass_model::id::RunId;
use windlass_model::layout::Layout;
use windlass_model::plan::{Action, Plan};
use windlass_objects::{Name, kinds};
use windlass_runtime::{Filter, Happened, RunsWatch};

use crate::answer::Problem;
use crate::api::Api;
use crate::caller::Caller;
use crate::endpoint::{Endpoint, Needs, endpoint};
use crate::runs::look::{ToldEvent, as_shown, shown};
use crate::socket::Form;
use crate::stream::Told;

/// How many of its runs are shown, the newest first.
const RUNS: usize = 20;
/// In how many of them targets are looked for.
const FOLDED: usize = 5;
/// How many targets are shown.
const TARGETS: usize = 10_000;
/// How many runs a stream remembers.
const REMEMBERED: usize = 10_000;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Asked {
    watch: bool,
    from: Option<u64>,
    after: Option<String>,
}

/// Where a stream is: behind so many messages of a version of the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct At {
    version: u64,
    messages: u32,
}

/// Where a stream begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    /// Behind the version of a state.
    Version(u64),
    /// Behind what was received last.
    Heard(At),
}

/// Something that happened in a run of a plan.
#[derive(Clone, Debug)]
pub(crate) struct Followed {
    pub(crate) at: At,
    pub(crate) run: RunId,
    pub(crate) events: Vec<ToldEvent>,
}

/// A stream of what happens in the runs of a plan.
struct Following {
    api: Api,
    watch: RunsWatch,
    namespace: String,
    plan: String,
    /// Runs that were looked at: how they are laid out, where they are of the plan.
    known: HashMap<RunId, Option<Arc<Layout>>>,
    at: At,
    /// What was heard before the stream was cut.
    heard: At,
}

/// What can be asked about it.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let about =
        "how a plan stands: what it does, its newest runs, and how each of its targets stands by them";
    let path = "/api/v1/namespaces/{namespace}/plans/{name}/state";
    let asked: &[(&str, &str)] = &[
        (
            "watch",
            "`true`: everything that happens in its runs from now on, or from `from`, as a stream of events",
        ),
        ("from", "with `watch`: the `version` of a state; what has happened since comes first"),
        ("after", "with `watch`: the id of the last message that was received, as `Last-Event-ID`"),
    ];
    let needs = Needs::Right(Verb::View, crate::runs::RUN);
    vec![endpoint("GET", path, "getPlanState", about, needs, "runs").query(asked).gives(200, "PlanState")]
}

pub(crate) async fn get(
    caller: Caller,
    Path(places): Path<HashMap<String, String>>,
    headers: HeaderMap,
    form: Form,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let place = |key: &str| places.get(key).map_or("", String::as_str);
    let (namespace, plan) = (place("name"), place("object"));
    // Whether it is to be watched decides only about the form of the answer.
    let is_watched = asked.as_ref().is_ok_and(|Query(asked)| asked.watch);
    let query = || asked.map(|Query(asked)| asked).map_err(|why| Problem::bad(why.body_text()));
    if !is_watched {
        form.must_be_none()?;
        return Ok(Json(state(&caller, namespace, plan, || query().map(drop)).await?).into_response());
    }
    let since = || {
        let last = headers.get("last-event-id").and_then(|id| At::read(id.to_str().ok()?));
        let Asked { from, after, .. } = query()?;
        let after =
            after.map(|id| At::read(&id).ok_or_else(|| Problem::bad("after: it is no id of a message")));
        Ok(last.or(after.transpose()?).map(Since::Heard).or(from.map(Since::Version)))
    };
    let happened = watch(&caller, namespace, plan, since).await?;
    let told = happened.map(|happened| {
        let Followed { at, run, events } = happened?;
        let events: Vec<_> = events.into_iter().map(|event| event.value).collect();
        let data = json!({"run": run, "events": events});
        Ok(Told { kind: "happened".to_owned(), id: Some(at.to_string()), data })
    });
    Ok(form.answer(&caller, told))
}

/// Everything that happens in the runs of a plan, from now on or since then.
pub(crate) async fn watch(
    caller: &Caller,
    namespace: &str,
    plan: &str,
    since: impl FnOnce() -> Result<Option<Since>, Problem>,
) -> Result<impl Stream<Item = Result<Followed, Problem>> + Send + 'static, Problem> {
    caller.must(Verb::View, &Resource::within(crate::runs::RUN, namespace)).await?;
    let (heard, behind) = match since()? {
        // What came with the same version, and was not heard, comes once more from the store and is counted.
        Some(Since::Heard(last)) => (last, Some(last.version.saturating_sub(1))),
        Some(Since::Version(version)) => (At::default(), Some(version)),
        None => (At::default(), None),
    };
    let api = caller.api().clone();
    let watch = api.parts().runs.watch(behind).await?;
    let following = Following {
        api,
        watch,
        namespace: namespace.to_owned(),
        plan: plan.to_owned(),
        known: HashMap::new(),
        at: At::default(),
        heard,
    };
    Ok(stream::unfold(Some(following), async |following| {
        let mut following = following?;
        match following.next().await? {
            Ok(followed) => Some((Ok(followed), Some(following))),
            Err(problem) => Some((Err(problem), None)),
        }
    }))
}

/// How a plan stands now.
pub(crate) async fn state(
    caller: &Caller,
    namespace: &str,
    plan: &str,
    asked: impl FnOnce() -> Result<(), Problem>,
) -> Result<PlanState, Problem> {
    caller.must(Verb::View, &Resource::within(crate::runs::RUN, namespace)).await?;
    asked()?;
    let api = caller.api();
    // Before anything is read: what happens meanwhile is told again by a watch from here on, and missed by none.
    let runs = &api.parts().runs;
    let version = runs.version();
    let object = api.parts().objects.get(&kinds::PLAN, &Name::within(namespace, plan)).await;
    let steps = match object {
        Ok(object) => steps(&kinds::plan_of(&object).map_err(windlass_objects::Error::Damaged)?),
        // A plan that is gone still has its runs.
        Err(windlass_objects::Error::NotFound { .. }) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let mut filter = Filter { plans: vec![plan.to_owned()], ..Filter::default() };
    filter.labels.insert(NAMESPACE_LABEL.to_owned(), vec![namespace.to_owned()]);
    let found = runs.search(&filter, RUNS, None).await?;
    if steps.is_empty() && found.is_empty() {
        return Err(Problem::not_found(format!("Plan {namespace}/{plan}")));
    }
    let (mut seen, mut targets) = (HashSet::new(), Vec::new());
    for view in found.iter().take(FOLDED) {
        let fold = runs.fold(view.id).await?;
        for (index, block) in (0_u32..).zip(&fold.layout().blocks) {
            for seq in 0..block.sequences.len() {
                let Some(node) = block.sequences.target(seq) else { continue };
                let element = ElementId::Sequence { block: index, seq };
                if targets.len() >= TARGETS || !seen.insert((node.to_owned(), block.name.clone())) {
                    continue;
                }
                let status = fold.element(element).status;
                let block = block.name.clone();
                targets.push(TargetState { node: node.to_owned(), block, run: view.id, status });
            }
        }
    }
    let runs = found.into_iter().map(shown).collect();
    Ok(PlanState { plan: plan.to_owned(), version, steps, runs, targets })
}

/// What a plan does, in order.
fn steps(plan: &Plan) -> Vec<PlanStep> {
    let mut steps = Vec::new();
    for name in plan.step_set_names() {
        for block in plan.step_set(name).into_iter().flatten() {
            let actions = block.sequence.iter().flat_map(|sequence| &sequence.actions);
            let own = block.sequences.first().into_iter().flat_map(|sequence| &sequence.actions);
            steps.push(PlanStep {
                step_set: name.to_owned(),
                block: block.name.clone(),
                actions: actions.chain(own).map(previewed).collect(),
            });
        }
    }
    steps
}

fn previewed(action: &Action) -> PreviewedAction {
    PreviewedAction { name: action.name.clone(), uses: action.uses.clone() }
}

// === impl At ===

impl At {
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (version, messages) = text.split_once('.')?;
        Some(Self { version: version.parse().ok()?, messages: messages.parse().ok()? })
    }

    /// Behind one more message of a version.
    fn behind(self, version: u64) -> Self {
        let before = if self.version == version { self.messages } else { 0 };
        Self { version, messages: before.saturating_add(1) }
    }
}

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.version, self.messages)
    }
}

// === impl Following ===

impl Following {
    async fn next(&mut self) -> Option<Result<Followed, Problem>> {
        loop {
            let Happened { version, run, events } = match self.watch.next().await? {
                Ok(happened) => happened,
                Err(error) => return Some(Err(error.into())),
            };
            self.at = self.at.behind(version);
            let was_heard = version == self.heard.version && self.at.messages <= self.heard.messages;
            if was_heard {
                continue;
            }
            let layout = match self.layout(run).await {
                Ok(Some(layout)) => layout,
                Ok(None) => continue,
                Err(problem) => return Some(Err(problem)),
            };
            let told = |event: &Event| {
                let (kind, value) = as_shown(event, &layout);
                ToldEvent { seq: event.seq, at: event.at, kind, value }
            };
            let events = events.iter().map(told).collect();
            return Some(Ok(Followed { at: self.at, run, events }));
        }
    }

    /// How a run is laid out, if it is one of the plan.
    async fn layout(&mut self, run: RunId) -> Result<Option<Arc<Layout>>, Problem> {
        if let Some(known) = self.known.get(&run) {
            return Ok(known.clone());
        }
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        let runs = &self.api.parts().runs;
        let is_meant = match runs.status(run).await {
            Ok(view) => {
                view.plan == self.plan
                    && view.labels.get(NAMESPACE_LABEL).is_some_and(|namespace| *namespace == self.namespace)
            }
            // It was let go meanwhile.
            Err(windlass_runtime::Error::UnknownRun(_)) => false,
            Err(error) => return Err(error.into()),
        };
        let layout = if is_meant { Some(runs.layout(run).await?) } else { None };
        self.known.insert(run, layout.clone());
        Ok(layout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_within_its_version_and_is_read_back() {
        let first = At::default().behind(7);
        let second = first.behind(7);
        assert_eq!([first, second, second.behind(9)].map(|at| at.to_string()), ["7.1", "7.2", "9.1"]);
        assert_eq!(At::read("7.2"), Some(second));
        for wrong in ["", "7", "7.", ".2", "a.b", "7.2.3"] {
            assert_eq!(At::read(wrong), None, "{wrong}");
        }
    }
}
