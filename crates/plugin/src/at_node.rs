//! The node, as it is reached by a plugin that works on the side of Windlass.
//!
//! Some work cannot be done on the node alone: who waits for a node to go down and to come back
//! cannot sit on it. Such a plugin has the place [`Place::Beside`](crate::Place): it runs in the
//! process of Windlass and asks the node, by [`Call::at_node`](crate::Call), for what has to be done
//! there, as often as it takes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use windlass_model::Value;

use crate::call::Call;
use crate::dynamic::BoxFuture;
use crate::error::CallError;
use crate::reply::Reply;

/// What is asked of a node: one attempt of a plugin that works there.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeAsk {
    /// The plugin's name; its place is the node.
    pub plugin: String,
    /// What it is asked.
    pub request: Value,
    /// How long all of it may take: reaching the node, too.
    pub within: Duration,
    /// Over which connection.
    pub line: Line,
}

/// Over which connection a node is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Line {
    /// The one that there is, or a new one where there is none.
    #[default]
    Warm,
    /// A new one: only that proves that the node can be reached now.
    Fresh,
}

/// How a node is asked.
pub trait NodeCalls: Send + Sync {
    /// Makes one attempt on the node of a call. It is not looked for again when the connection is lost:
    /// that is an answer to whoever asks.
    fn ask<'a>(&'a self, call: &'a Call, ask: NodeAsk) -> BoxFuture<'a, Result<Reply<Value>, CallError>>;
}

/// A cheap handle on the node of a call. The default one says that the node is this machine.
#[derive(Clone, Default)]
pub struct AtNode(Option<Arc<dyn NodeCalls>>);

// === impl AtNode ===

impl AtNode {
    /// A node that is reached in some way.
    #[must_use]
    pub fn away(calls: Arc<dyn NodeCalls>) -> Self {
        Self(Some(calls))
    }

    /// How the node is asked; `None` where it is this machine, and whoever asks can do it himself.
    #[must_use]
    pub fn calls(&self) -> Option<&dyn NodeCalls> {
        self.0.as_deref()
    }
}

impl fmt::Debug for AtNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "AtNode(away)" } else { "AtNode(here)" })
    }
}
