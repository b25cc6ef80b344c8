//! What a plugin is told about the attempt that it makes.

use std::sync::Arc;
use std::time::Duration;

use windlass_model::id::RunId;
use windlass_model::target::Node;

use crate::at_node::AtNode;
use crate::bare::BareNode;
use crate::cancel::Cancel;
use crate::origin::Origin;
use crate::output::Output;
use crate::programs::Programs;

/// One attempt: whose it is, how long it may take, how it is told to end, where its output goes.
#[derive(Clone, Debug)]
pub struct Call {
    /// The run.
    pub run: RunId,
    /// The plan's name.
    pub plan: String,
    /// The action's address: `patch/web03/reboot`.
    pub address: String,
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// The same for every attempt of this action in this run and for no other: hand it to services
    /// that can recognise a request that they have seen.
    pub key: String,
    /// The node that the work happens on, where there is one.
    pub node: Option<Arc<Node>>,
    /// The node whose sequence this is, where that is another one: the action says `on`.
    pub for_node: Option<Arc<Node>>,
    /// How long the attempt may still take. Who calls enforces it through `cancel`; it is here for
    /// plugins that must tell somebody else.
    pub deadline_in: Duration,
    /// How long ago it began; nothing unless it is looked for after a crash.
    pub age: Duration,
    /// How it is told to end. A plugin that waits for something must wait for this too.
    pub cancel: Cancel,
    /// Where lines go.
    pub output: Output,
    /// Who hears of the programs that it runs.
    pub programs: Programs,
    /// The files on the side of Windlass.
    pub origin: Origin,
    /// The node, where no agent runs on it and the plugin [works so](crate::About::works_bare).
    pub bare: Option<Arc<dyn BareNode>>,
    /// The node, for a plugin that works beside it.
    pub at_node: AtNode,
    /// Whether the plan calls it sensitive: what it answers is a secret.
    pub sensitive: bool,
}
