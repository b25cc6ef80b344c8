//! Agents that an agent starts on its own machine as other users, where a node says `become`.
//!
//! They are placed for those users as agents are over SSH. What is placed is the small agent, where one lies beside this program, else
//! this program, which is an agent under the name of one.

use std::path::Path;
use std::sync::Arc;

use windlass_dial::{Other, Others};
use windlass_fleet::{Agents, Become, Connection, Here, Method, Ways};
use windlass_model::target::Node;
use windlass_plugin::{BoxFuture, CallError};

/// This program, also when it was replaced meanwhile.
const OWN: &str = "/proc/self/exe";

/// Starts them.
#[derive(Debug)]
pub(crate) struct AsOthers(Ways);

// === impl AsOthers ===

impl AsOthers {
    pub(crate) fn new() -> Self {
        let agents = Agents::of_this_process().or(std::env::consts::ARCH, Path::new(OWN));
        Self(Ways::new(Here::of_this_process(), agents))
    }
}

impl Others for AsOthers {
    fn start<'a>(
        &'a self,
        node: &'a str,
        user: &'a str,
        method: &'a str,
        password: Option<String>,
    ) -> BoxFuture<'a, Result<Other, CallError>> {
        Box::pin(async move {
            let known = Method::ALL.into_iter().find(|known| known.to_string() == method);
            let Some(method) = known else {
                let message = format!(
                    "the agent of `{node}` does not know `{method}`, by which it is to become `{user}`"
                );
                return Err(CallError::permanent("become", message));
            };
            let node = Arc::new(Node::named(node));
            let other = Become { user: user.to_owned(), method, password };
            let Connection { reader, writer, keep } = self.0.here_as(&node, other).await?;
            Ok(Other { reader, writer, keep })
        })
    }
}
