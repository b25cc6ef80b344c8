//! How often runs may begin, as policies say: no more than so many within any span of so long. What is too much is refused, or
//! waits for its turn.
//!
//! ```text
//!   submit ──▶ Place ──▶ begins
//!         └──▶ waits, in order ──▶ Place ──▶ begins
//! ```
//!
//! Nothing is kept but the runs themselves: what has begun says when, in its own record, and what waits says so in a label. So a
//! restart forgets nothing, and what is stopped while it waits has used up nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use tokio::sync::{Notify, watch};
use windlass_access::Principal;
use windlass_contract::{GROUPS_LABEL, NAMESPACE_LABEL, OneProblem, WAITS_LABEL};
use windlass_model::code;
use windlass_model::event::Author;
use windlass_model::id::RunId;
use windlass_model::outcome::RunStatus;
use windlass_model::plan::Plan;
use windlass_model::span::Span;
use windlass_model::time::Time;
use windlass_objects::kinds::{Beyond, LONGEST_RATE, Per, Rate};
use windlass_runtime::{Clock, Cursor, Filter, Handle, RunView};

use crate::answer::Problem;
use crate::api::Api;
use crate::caller::Caller;
use crate::gathered::Gathered;
use crate::runs::judged;

/// How often runs may begin. Clones share it.
#[derive(Clone, Debug)]
pub struct Rates {
    gathered: Gathered,
    runs: Handle,
    clock: Clock,
    /// What has begun; read when it is needed first.
    begun: Arc<tokio::sync::Mutex<Option<Begun>>>,
    waiting: Arc<Mutex<Waiting>>,
    woken: Arc<Notify>,
}

/// What a run is counted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) namespace: String,
    pub(crate) plan: String,
    pub(crate) user: String,
}

/// Whether a run may begin now.
#[derive(Debug)]
pub(crate) enum Turn {
    /// It may, and is counted from now on.
    Now(Place),
    /// Not before then.
    Later(Later),
}

/// When a run may begin, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Later {
    policy: String,
    message: String,
    rate: Rate,
    pub(crate) at: Time,
}

/// A place among what has begun. It is given back unless the run does begin.
#[derive(Debug)]
pub(crate) struct Place {
    id: u64,
    has_begun: bool,
    given_back: Arc<Mutex<Waiting>>,
    woken: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Begun {
    all: BTreeMap<u64, (Time, Counted)>,
    next: u64,
}

#[derive(Debug, Default)]
struct Waiting {
    /// By when they were submitted.
    runs: BTreeMap<(Time, RunId), (Counted, Option<Later>)>,
    /// The places that nobody took.
    given_back: Vec<u64>,
}

/// So often it is looked at anyway.
const LOOK_EVERY: Duration = Duration::from_secs(60);
const PAGE: usize = 1000;

// === impl Rates ===

impl Rates {
    /// The rates of these policies over these runs.
    #[must_use]
    pub fn new(gathered: Gathered, runs: Handle, clock: Clock) -> Self {
        Self { gathered, runs, clock, begun: Arc::default(), waiting: Arc::default(), woken: Arc::default() }
    }

    /// Takes a place for a run, if it may begin now. Whatever waits already goes first.
    pub(crate) async fn take(&self, counted: &Counted) -> Result<Turn, Problem> {
        self.take_behind(counted, None).await
    }

    /// The same, for one that waits: what waits longer goes first.
    async fn take_behind(&self, counted: &Counted, waits: Option<(Time, RunId)>) -> Result<Turn, Problem> {
        let rates = self.gathered.rates(&counted.namespace).await?;
        let mut begun = self.begun.lock().await;
        let begun = match &mut *begun {
            Some(begun) => begun,
            // What begins where nothing is limited is found in its record, should a limit come.
            None if rates.is_empty() => return Ok(Turn::Now(self.place(0))),
            none => none.insert(self.read().await?),
        };
        let now = self.clock.now();
        let mut waiting = self.lock();
        for id in std::mem::take(&mut waiting.given_back) {
            begun.all.remove(&id);
        }
        begun.all.retain(|_, (at, _)| now.since(*at) < LONGEST_RATE);
        let mut later: Option<Later> = None;
        for (policy, spec, rate) in rates {
            let is_alike =
                |other: &Counted| spec.covers(&other.namespace) && is_alike(rate.per, counted, other);
            let waits_longer = |key: &(Time, RunId)| waits.is_none_or(|own| *key < own);
            let ahead =
                waiting.runs.iter().filter(|(key, (other, _))| waits_longer(key) && is_alike(other)).count();
            let times = begun.all.values().filter(|(_, other)| is_alike(other)).map(|(at, _)| *at);
            let Some(at) = rate.free_at(times.collect(), ahead, now) else { continue };
            let found = Later { policy, message: spec.message, rate, at };
            // What one policy refuses does not wait because another one would let it. What waits was let in.
            let weight = |later: &Later| (waits.is_none() && !later.is_worth_waiting(), later.at);
            if later.as_ref().is_none_or(|later| weight(later) < weight(&found)) {
                later = Some(found);
            }
        }
        if let Some(later) = later {
            return Ok(Turn::Later(later));
        }
        begun.next = begun.next.saturating_add(1);
        let id = begun.next;
        begun.all.insert(id, (now, counted.clone()));
        drop(waiting);
        Ok(Turn::Now(self.place(id)))
    }

    fn place(&self, id: u64) -> Place {
        let (given_back, woken) = (Arc::clone(&self.waiting), Arc::clone(&self.woken));
        Place { id, has_begun: false, given_back, woken }
    }

    /// A run was told to begin in a place: it is counted from when its record says that it did.
    pub(crate) async fn began(&self, mut place: Place, run: RunId) {
        let at = match self.runs.status(run).await {
            Ok(view) => view.started_at,
            // It may have, and counts.
            Err(_) => Some(self.clock.now()),
        };
        let Some(at) = at else { return };
        place.has_begun = true;
        if let Some(begun) = &mut *self.begun.lock().await
            && let Some((when, _)) = begun.all.get_mut(&place.id)
        {
            *when = at.max(*when);
        }
    }

    /// A run waits from now on.
    pub(crate) fn wait(&self, view: &RunView, later: Later) {
        self.lock().runs.insert((view.submitted_at, view.id), (Counted::of(view), Some(later)));
        self.woken.notify_one();
    }

    /// What a run waits for, if it does.
    pub(crate) fn why(&self, view: &RunView) -> Option<String> {
        if view.status != RunStatus::Submitted || !view.labels.contains_key(WAITS_LABEL) {
            return None;
        }
        let waiting = self.lock();
        let (_, later) = waiting.runs.get(&(view.submitted_at, view.id))?;
        Some(later.as_ref().map_or_else(|| "waits for its turn".to_owned(), Later::words))
    }

    /// Begins what waits when its turn comes, as long as `ended` has a sender.
    pub async fn follow(api: Api, mut changed: watch::Receiver<()>, mut ended: watch::Receiver<()>) {
        let rates = &api.parts().rates;
        while let Err(problem) = rates.find_waiting().await {
            tracing::error!(problem = problem.detail, "runs that wait for their turn cannot be found");
            tokio::select! {
                _ = ended.changed() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
        loop {
            let next = rates.go_on(&api).await;
            let until = next.map_or(LOOK_EVERY, |at| at.since(api.now()).min(LOOK_EVERY));
            tokio::select! {
                _ = ended.changed() => return,
                () = tokio::time::sleep(until.max(Duration::from_millis(10))) => {}
                () = rates.woken.notified() => {}
                going = changed.changed() => if going.is_err() { return },
            }
        }
    }

    /// Begins what may begin; when the next one may.
    async fn go_on(&self, api: &Api) -> Option<Time> {
        let waiting: Vec<((Time, RunId), Counted)> =
            self.lock().runs.iter().map(|(key, (counted, _))| (*key, counted.clone())).collect();
        let mut next: Option<Time> = None;
        for (key, counted) in waiting {
            match self.try_one(api, key, &counted).await {
                Ok(None) => {
                    self.lock().runs.remove(&key);
                }
                Ok(Some(later)) => {
                    next = Some(next.map_or(later.at, |next| next.min(later.at)));
                    if let Some((_, why)) = self.lock().runs.get_mut(&key) {
                        *why = Some(later);
                    }
                }
                Err(problem) => {
                    tracing::error!(run = %key.1, problem = problem.detail, "a run that waits for its turn cannot begin");
                }
            }
        }
        next
    }

    /// Begins a run, or says when it may; none when it is not to be waited for any more.
    async fn try_one(
        &self,
        api: &Api,
        key: (Time, RunId),
        counted: &Counted,
    ) -> Result<Option<Later>, Problem> {
        let run = key.1;
        let view = match self.runs.status(run).await {
            Ok(view) => view,
            Err(windlass_runtime::Error::UnknownRun(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if view.status != RunStatus::Submitted {
            return Ok(None);
        }
        let place = match self.take_behind(counted, Some(key)).await? {
            Turn::Later(later) => return Ok(Some(later)),
            Turn::Now(place) => place,
        };
        let by = |why: String| Author { user: "windlass".to_owned(), why };
        let policies = self.gathered.policies(&counted.namespace).await?;
        if !policies.is_empty() {
            let layout = self.runs.layout(run).await?;
            let user = counted.user.clone();
            let groups = view.labels.get(GROUPS_LABEL).and_then(|groups| serde_json::from_str(groups).ok());
            let who = Principal { user, namespaces: None, verbs: None, groups: groups.unwrap_or_default() };
            if let Some(problem) = judged(api, &who, &counted.namespace, true, &layout, &policies) {
                self.runs.stop(run, by(problem.detail.clone())).await?;
                return Ok(None);
            }
        }
        self.runs.start(run, by("its turn has come".to_owned())).await?;
        self.began(place, run).await;
        Ok(None)
    }

    /// The runs that waited when the server ended.
    async fn find_waiting(&self) -> Result<(), Problem> {
        let mut filter = Filter { statuses: vec![RunStatus::Submitted], ..Filter::default() };
        filter.labels.insert(WAITS_LABEL.to_owned(), Vec::new());
        let found = self.runs.search(&filter, usize::MAX, None).await?;
        let mut waiting = self.lock();
        for view in found {
            waiting.runs.entry((view.submitted_at, view.id)).or_insert_with(|| (Counted::of(&view), None));
        }
        Ok(())
    }

    /// What has begun in the longest span that a policy may speak of.
    async fn read(&self) -> Result<Begun, Problem> {
        let (mut begun, mut after, now) = (Begun::default(), None, self.clock.now());
        loop {
            let page = self.runs.list(PAGE, after).await?;
            after = page.last().map(Cursor::after);
            for view in &page {
                if let Some(at) = view.started_at.filter(|at| !view.noop && now.since(*at) < LONGEST_RATE) {
                    begun.next = begun.next.saturating_add(1);
                    begun.all.insert(begun.next, (at, Counted::of(view)));
                }
            }
            if page.len() < PAGE {
                return Ok(begun);
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Counted ===

impl Counted {
    /// A run that somebody wants to begin.
    pub(crate) fn new(namespace: &str, plan: &Plan, caller: &Caller) -> Self {
        Self {
            namespace: namespace.to_owned(),
            plan: plan.metadata.name.clone(),
            user: caller.who.user.clone(),
        }
    }

    pub(crate) fn of(view: &RunView) -> Self {
        Self {
            namespace: view.labels.get(NAMESPACE_LABEL).cloned().unwrap_or_default(),
            plan: view.plan.clone(),
            user: view.user.clone(),
        }
    }
}

// === impl Later ===

impl Later {
    /// Whether it is to be waited for.
    pub(crate) fn is_worth_waiting(&self) -> bool {
        self.rate.beyond == Beyond::Wait
    }

    /// In words.
    pub(crate) fn words(&self) -> String {
        let Self { policy, message, rate, at } = self;
        let runs = if rate.most == 1 { "run" } else { "runs" };
        let of = match rate.per {
            Per::All => "",
            Per::Namespace => " of a namespace",
            Per::Plan => " of a plan",
            Per::User => " of a user",
        };
        let said = if message.is_empty() { String::new() } else { format!(": {message}") };
        format!(
            "the policy `{policy}` lets {} {runs}{of} begin within {}, the next one at {at}{said}",
            rate.most,
            Span(rate.every.0)
        )
    }

    /// As what it is refused with.
    pub(crate) fn problem(&self, now: Time) -> Problem {
        let message = self.words();
        let one = OneProblem {
            code: code::POLICY.to_string(),
            address: self.policy.clone(),
            pointer: String::new(),
            message: message.clone(),
            hint: None,
        };
        let mut problem = Problem::new(StatusCode::FORBIDDEN, &code::POLICY, message)
            .hint("submit it then, or ask whoever made the policy")
            .again_in(self.at.since(now));
        problem.problems = vec![one];
        problem
    }
}

// === impl Place ===

impl Drop for Place {
    fn drop(&mut self) {
        if !self.has_begun && self.id != 0 {
            self.given_back.lock().unwrap_or_else(PoisonError::into_inner).given_back.push(self.id);
            self.woken.notify_one();
        }
    }
}

/// Whether two runs are counted together.
fn is_alike(per: Per, one: &Counted, other: &Counted) -> bool {
    match per {
        Per::All => true,
        Per::Namespace => one.namespace == other.namespace,
        Per::Plan => one.namespace == other.namespace && one.plan == other.plan,
        Per::User => one.user == other.user,
    }
}
