//! Retention: runs that have ended go when they have been kept for as long as their namespace says, or the server. What nobody
//! says is kept for ever. The record of who did what never goes.
//!
//! ```text
//!   runs, the newest first ─► rule: which of them go, of which the output goes ─► said, or done
//! ```

mod rule;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::Mutex;
use windlass_access::{Audit, Noted, Outcome};
use windlass_contract::{NAMESPACE_LABEL, Retained, RetainedRun};
use windlass_model::Value;
use windlass_model::id::GroupId;
use windlass_objects::kinds::{self, NamespaceSpec};
use windlass_objects::{Objects, Query};
use windlass_runtime::{Clock, Cursor, Handle, RunView};

pub use self::rule::Retention;
use self::rule::{Ended, Fate};

/// What looks after it.
#[derive(Clone, Debug)]
pub(crate) struct Keeper {
    pub(crate) runs: Handle,
    pub(crate) objects: Objects,
    pub(crate) audit: Audit,
    pub(crate) clock: Clock,
    /// What counts where a namespace says nothing.
    pub(crate) usual: Retention,
    /// Only one looks at a time.
    pub(crate) turn: Arc<Mutex<()>>,
}

/// A run of which something may go.
struct Candidate {
    view: RunView,
    namespace: Option<String>,
    fate: Fate,
}

/// How many runs are read at once.
const PAGE: usize = 256;
/// How many are named.
const NAMED: usize = 1000;
/// How long a server is left alone after it began.
const SETTLES: Duration = Duration::from_secs(300);

// === impl Keeper ===

impl Keeper {
    /// Looks again and again, for as long as it is polled.
    pub(crate) async fn keep(self, every: Duration) {
        tokio::time::sleep(SETTLES.min(every)).await;
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match self.look(false).await {
                Ok(Retained { go: 0, lose_output: 0, .. }) => {}
                Ok(Retained { go, lose_output, .. }) => {
                    tracing::info!(go, lose_output, "runs that were kept long enough are gone");
                }
                Err(why) => tracing::error!(why, "it cannot be looked which runs were kept long enough"),
            }
        }
    }

    /// Looks once: says what would go, or lets it go.
    pub(crate) async fn look(&self, dry_run: bool) -> Result<Retained, String> {
        let _turn = self.turn.lock().await;
        let rules = self.rules().await?;
        let (candidates, looked) = self.candidates(&rules).await?;
        let mut retained = Retained { dry_run, looked, ..Retained::default() };
        for Candidate { view, namespace, fate } in candidates {
            let gone = match fate {
                Fate::Stays => continue,
                Fate::Goes if dry_run => true,
                Fate::LosesOutput if dry_run => self.runs.has_output(&view),
                // One that cannot go now goes the next time.
                Fate::Goes => self.done(&view, self.runs.delete(view.id).await.map(|()| true)),
                Fate::LosesOutput => self.done(&view, self.runs.delete_output(view.id).await),
            };
            if !gone {
                continue;
            }
            let (count, goes) = match fate {
                Fate::Goes => (&mut retained.go, "run"),
                _ => (&mut retained.lose_output, "output"),
            };
            *count = count.saturating_add(1);
            if retained.items.len() < NAMED {
                retained.items.push(RetainedRun {
                    run: view.id,
                    namespace,
                    plan: view.plan,
                    ended_at: view.ended_at.unwrap_or(view.submitted_at),
                    goes: goes.to_owned(),
                });
            }
        }
        if !dry_run && retained.go.saturating_add(retained.lose_output) > 0 {
            self.note(&retained).await?;
        }
        Ok(retained)
    }

    fn done(&self, view: &RunView, done: Result<bool, windlass_runtime::Error>) -> bool {
        done.unwrap_or_else(|error| {
            tracing::warn!(run = %view.id, %error, "a run that was kept long enough cannot go");
            false
        })
    }

    /// Every run that has ended, with what is to become of it.
    async fn candidates(&self, rules: &HashMap<String, Retention>) -> Result<(Vec<Candidate>, u64), String> {
        let now = self.clock.now();
        let (mut candidates, mut looked, mut before) = (Vec::new(), 0_u64, None);
        let mut going_on: HashSet<GroupId> = HashSet::new();
        let mut newer: HashMap<(Option<String>, String), u32> = HashMap::new();
        loop {
            let page = self.runs.list(PAGE, before).await.map_err(|error| error.to_string())?;
            let Some(last) = page.last() else { break };
            before = Some(Cursor { at: last.submitted_at, run: last.id });
            for view in page {
                looked = looked.saturating_add(1);
                let Some(at) = view.ended_at.filter(|_| view.status.is_terminal()) else {
                    going_on.insert(view.group);
                    continue;
                };
                let namespace = view.labels.get(NAMESPACE_LABEL).cloned();
                let rank = newer.entry((namespace.clone(), view.plan.clone())).or_default();
                let ended = Ended { at, newer: *rank };
                *rank = rank.saturating_add(1);
                let rule =
                    namespace.as_ref().and_then(|namespace| rules.get(namespace)).unwrap_or(&self.usual);
                let fate = rule.fate(ended, now);
                if fate != Fate::Stays {
                    candidates.push(Candidate { view, namespace, fate });
                }
            }
        }
        // What is retried may be looked at for as long as that goes on.
        candidates.retain(|candidate| !going_on.contains(&candidate.view.group));
        Ok((candidates, looked))
    }

    /// What namespaces say, over what counts else.
    async fn rules(&self) -> Result<HashMap<String, Retention>, String> {
        let mut query = Query { limit: PAGE, ..Query::default() };
        let mut rules = HashMap::new();
        loop {
            let page =
                self.objects.list(&kinds::NAMESPACE, &query).await.map_err(|error| error.to_string())?;
            for object in page.objects {
                let name = object.metadata.name;
                // What cannot be read says to keep everything.
                let rule = match serde_json::from_value::<NamespaceSpec>(object.spec) {
                    Ok(spec) => self.usual.under(spec.retention.as_ref()),
                    Err(error) => {
                        tracing::error!(namespace = name, %error, "a namespace cannot be read; its runs are kept");
                        Retention::default()
                    }
                };
                rules.insert(name, rule);
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(rules),
            }
        }
    }

    async fn note(&self, retained: &Retained) -> Result<(), String> {
        let noted = Noted {
            at: self.clock.now(),
            user: "windlass".to_owned(),
            from: String::new(),
            verb: "write".to_owned(),
            resource: "Run".to_owned(),
            outcome: Outcome::Done,
            before: Value::Null,
            after: json!({"retention": {"runs": retained.go, "output": retained.lose_output}}),
        };
        self.audit.note(noted).await.map(drop).map_err(|error| error.to_string())
    }
}
