//! Agents that are not started from here: they dial in to a server by themselves.

use std::fmt::Debug;
use std::time::Duration;

use windlass_plugin::{BoxFuture, CallError};

use crate::connect::Connection;
use crate::elevate::Become;

/// Whoever knows the agents that dialled in.
pub trait Dialled: Debug + Send + Sync + 'static {
    /// A stream to the agent of a node, or to one that it starts as another user. It is waited for so long if it may be about to come;
    /// or why there is none, since when, and what to do.
    fn reach<'a>(
        &'a self,
        node: &'a str,
        other: Option<&'a Become>,
        within: Duration,
    ) -> BoxFuture<'a, Result<Connection, CallError>>;
}

/// Where no agent can dial in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nobody;

// === impl Nobody ===

impl Dialled for Nobody {
    fn reach<'a>(
        &'a self,
        node: &'a str,
        _: Option<&'a Become>,
        _: Duration,
    ) -> BoxFuture<'a, Result<Connection, CallError>> {
        Box::pin(async move {
            let message = format!(
                "`{node}` is to be reached by an agent that dials in to a server, and this process is none; run it through the \
                 server that the agent has joined, or use ssh, container or local"
            );
            Err(CallError::permanent("transport", message))
        })
    }
}
