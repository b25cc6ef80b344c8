//! Lists of runs, newest first, and what to look for among them.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use windlass_model::id::{GroupId, RunId};
use windlass_model::outcome::RunStatus;
use windlass_model::time::Time;

use crate::view::RunView;

/// What to look for: every kind of condition that is given must hold, and of each kind one of its values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Filter {
    /// These runs.
    pub ids: Vec<RunId>,
    /// Runs whose id begins with this.
    pub id_begins: Option<String>,
    /// Runs of these groups.
    pub groups: Vec<GroupId>,
    /// Runs that stand there.
    pub statuses: Vec<RunStatus>,
    /// Runs of these plans.
    pub plans: Vec<String>,
    /// Runs of these people.
    pub users: Vec<String>,
    /// Runs with all of these labels, each with one of these values; with any value where none is given.
    pub labels: IndexMap<String, Vec<String>>,
    /// Runs with this text in plan, description, user, labels or reason, whatever its case.
    pub text: Option<String>,
    /// Runs submitted then or later.
    pub since: Option<Time>,
    /// Runs submitted before then.
    pub until: Option<Time>,
}

/// A place in the list of runs: what comes behind is older.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// When the last run that was seen was submitted.
    pub at: Time,
    /// That run.
    pub run: RunId,
}

// === impl Filter ===

impl Filter {
    /// Whether it says nothing, which is refused rather than taken for everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a run is looked for.
    #[must_use]
    pub fn matches(&self, run: &RunView) -> bool {
        let one_of = |wanted: bool, none: bool| wanted || none;
        one_of(self.ids.contains(&run.id), self.ids.is_empty())
            && self.id_begins.as_ref().is_none_or(|begin| run.id.to_string().starts_with(begin))
            && one_of(self.groups.contains(&run.group), self.groups.is_empty())
            && one_of(self.statuses.contains(&run.status), self.statuses.is_empty())
            && one_of(self.plans.contains(&run.plan), self.plans.is_empty())
            && one_of(self.users.contains(&run.user), self.users.is_empty())
            && self.labels.iter().all(|(name, values)| {
                run.labels.get(name).is_some_and(|value| one_of(values.contains(value), values.is_empty()))
            })
            && self.since.is_none_or(|since| run.submitted_at >= since)
            && self.until.is_none_or(|until| run.submitted_at < until)
            && self.text.as_ref().is_none_or(|text| says(run, &text.to_lowercase()))
    }
}

fn says(run: &RunView, text: &str) -> bool {
    let contains = |hay: &str| hay.to_lowercase().contains(text);
    contains(&run.plan)
        || contains(&run.description)
        || contains(&run.user)
        || run.labels.iter().any(|(name, value)| contains(name) || contains(value))
        || run.reason.as_ref().is_some_and(|reason| contains(&reason.message) || contains(&reason.address))
}

// === impl Cursor ===

impl Cursor {
    /// Behind this run.
    #[must_use]
    pub fn after(run: &RunView) -> Self {
        Self { at: run.submitted_at, run: run.id }
    }
}
