//! What a transport gives: a stream to an agent on a node, or the bare means to run programs there.

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
    fn leave(&self, node: &str) {
        let _ = node;
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}
