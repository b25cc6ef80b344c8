//! What a transport gives: a stream to an agent on a node, or the bare means to run programs there.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use windlass_model::id::RunId;
use windlass_plugin::{BoxFuture, CallError, Node};

use crate::bare::Bare;

/// Where to, and for whom.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The node.
    pub node: Arc<Node>,
    /// The run that works on it.
    pub run: RunId,
}

/// What was reached.
#[derive(Debug)]
pub enum Reached {
    /// An agent.
    Agent(Connection),
    /// A place where no agent runs.
    Bare(Bare),
}

/// A stream to an agent, and whatever must live as long.
pub struct Connection {
    /// What the agent says.
    pub reader: Pin<Box<dyn AsyncRead + Send>>,
    /// What it is told.
    pub writer: Pin<Box<dyn AsyncWrite + Send>>,
    /// Dropped when the connection is not needed any more.
    pub keep: Box<dyn Send>,
}

/// A way to a node.
pub trait Connect: Send + Sync + 'static {
    /// Starts an agent on a node and connects to it. Everything in it has a deadline of its own.
    fn connect<'a>(&'a self, to: &'a Destination) -> BoxFuture<'a, Result<Reached, CallError>>;

    /// Whether a connection to it is made from here, so that there must not be too many in the making.
    fn is_made_here(&self, to: &Destination) -> bool {
        let _ = to;
        true
    }

    /// A node's connection is not needed any more.
    fn leave(&self, node: &Node) {
        let _ = node;
    }
}

/// Something for each node, and each way in which it is reached: two runs may say different things of how to reach a node of
/// one name, or mean different nodes.
#[derive(Debug)]
pub(crate) struct ByWay<T>(HashMap<String, Vec<(Arc<Node>, T)>>);

// === impl ByWay ===

impl<T> ByWay<T> {
    /// What there is for a node.
    pub(crate) fn get(&self, node: &Node) -> Option<&T> {
        let ways = self.0.get(&node.name)?;
        ways.iter().find_map(|(other, it)| is_reached_alike(other, node).then_some(it))
    }

    /// Does something with it, made where there is nothing.
    pub(crate) fn with<R>(&mut self, node: &Arc<Node>, work: impl FnOnce(&mut T) -> R) -> R
    where
        T: Default,
    {
        let ways = self.0.entry(node.name.clone()).or_default();
        if let Some((_, it)) = ways.iter_mut().find(|(other, _)| is_reached_alike(other, node)) {
            return work(it);
        }
        let mut it = T::default();
        let done = work(&mut it);
        ways.push((Arc::clone(node), it));
        done
    }

    /// Takes away what there is for a node.
    pub(crate) fn remove(&mut self, node: &Node) {
        if let Some(ways) = self.0.get_mut(&node.name) {
            ways.retain(|(other, _)| !is_reached_alike(other, node));
            if ways.is_empty() {
                self.0.remove(&node.name);
            }
        }
    }

    /// All there is.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&Arc<Node>, &mut T)> {
        self.0.values_mut().flatten().map(|(node, it)| (&*node, it))
    }
}

impl<T> Default for ByWay<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

/// Whether two descriptions of nodes lead to the same place, as the same user.
fn is_reached_alike(one: &Node, other: &Node) -> bool {
    std::ptr::eq(one, other)
        || (one.name == other.name && one.addresses == other.addresses && one.transport == other.transport)
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}
