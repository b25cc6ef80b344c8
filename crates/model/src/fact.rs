//! What the engine must know of a plugin without calling it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Value;
use crate::limit::{Backoff, BackoffChoice};
use crate::span::Span;

/// What a plugin is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PluginKind {
    /// It may change something.
    Acting,
    /// It looks, and never changes anything.
    Check,
}

/// What a plugin promises about an attempt of which a crash hid the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Recovery {
    /// Doing it again is safe.
    Idempotent,
    /// It can look whether it was done.
    Verifiable,
    /// The work goes on without us and can be found again.
    Reattachable,
    /// Nothing.
    #[default]
    Neither,
}

/// What the engine and the validation know of one plugin.
#[derive(Clone, Debug)]
pub struct PluginFacts {
    /// Its name, as `use` spells it.
    pub name: String,
    /// What it is for.
    pub kind: PluginKind,
    /// One sentence on what it does.
    pub summary: String,
    /// Its promise about interrupted attempts.
    pub recovery: Recovery,
    /// Whether the work of an attempt may go on without us: it is looked for before the promise counts.
    pub outlives: bool,
    /// Its waits between attempts.
    pub backoff: Backoff,
    /// Its timeout where the plan gives none; 30 s where this is `None`.
    pub timeout: Option<Span>,
    /// The JSON Schema of its request.
    pub request: Arc<Value>,
    /// The JSON Schema of its response.
    pub response: Arc<Value>,
    /// What it says of a request beyond its schema.
    pub judge: Judge,
}

/// What a plugin says of a request beyond its schema: everything that is wrong with it, nothing if nobody asks.
#[derive(Clone, Default)]
pub struct Judge(Option<Arc<Judgement>>);

type Judgement = dyn Fn(&Value) -> Vec<String> + Send + Sync;

/// The plugins that there are. What validation and layout look names up in.
#[derive(Clone, Debug, Default)]
pub struct Catalog(BTreeMap<String, Arc<PluginFacts>>);

// === impl PluginFacts ===

impl PluginFacts {
    /// The facts of a plugin about which nothing is special. For tests and simulations.
    #[must_use]
    pub fn plain(name: &str, kind: PluginKind) -> Self {
        Self {
            name: name.into(),
            kind,
            summary: String::new(),
            recovery: Recovery::Neither,
            outlives: false,
            backoff: BackoffChoice::Seconds.numbers(),
            timeout: None,
            request: Arc::new(Value::Bool(true)),
            response: Arc::new(Value::Bool(true)),
            judge: Judge::default(),
        }
    }
}

// === impl Judge ===

impl Judge {
    /// A plugin's own judgement. It must not panic.
    pub fn new(judge: impl Fn(&Value) -> Vec<String> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(judge)))
    }

    /// Everything that is wrong with a request.
    #[must_use]
    pub fn of(&self, request: &Value) -> Vec<String> {
        self.0.as_ref().map(|judge| judge(request)).unwrap_or_default()
    }
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Judge").field(&self.0.is_some()).finish()
    }
}

// === impl Catalog ===

impl Catalog {
    /// The facts of a plugin.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<PluginFacts>> {
        self.0.get(name)
    }

    /// All names in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// All plugins in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<PluginFacts>> {
        self.0.values()
    }
}

impl FromIterator<PluginFacts> for Catalog {
    fn from_iter<I: IntoIterator<Item = PluginFacts>>(plugins: I) -> Self {
        Self(plugins.into_iter().map(|facts| (facts.name.clone(), Arc::new(facts))).collect())
    }
}
