//! Targets that are chosen when their block begins: from an inventory as it is then.

use std::fmt;
use std::sync::Arc;

use windlass_engine::SelectCall;
use windlass_lang::Among;
use windlass_model::eval::Evaluate;
use windlass_model::freeze::Nodes;
use windlass_model::late::Chosen;
use windlass_model::outcome::Failure;
use windlass_model::submission::Submission;
use windlass_plugin::{BoxFuture, Output};

/// Where the nodes come from among which targets are chosen when their block begins.
pub trait Inventories: Send + Sync + fmt::Debug {
    /// The nodes that there are now; `None` where the run has no inventory, and every name stands for itself.
    ///
    /// An error is said to be why the block fails.
    fn now(&self, wanted: Wanted) -> BoxFuture<'_, Result<Option<Arc<dyn Nodes>>, String>>;
}

/// What nodes are wanted for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The run.
    pub submission: Arc<Submission>,
    /// The block, by position.
    pub block: u32,
    /// Where to say what is odd.
    pub output: Output,
}

/// From where a run takes its nodes.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// It was given them when it was submitted, in this process.
    Given(Arc<dyn Nodes>),
    /// They are asked for; who knows none leaves those that it was given.
    Asked(Arc<dyn Inventories>, Option<Arc<dyn Nodes>>),
    /// Nobody knows any.
    Nowhere,
}

/// Chooses the targets of a block, and says why if it cannot.
pub(crate) async fn choose(
    source: Source,
    wanted: Wanted,
    call: SelectCall,
    eval: Arc<dyn Evaluate>,
) -> Result<Chosen, Failure> {
    let cannot = |why: String| Failure::permanent(Failure::SELECTION, why);
    let submission = Arc::clone(&wanted.submission);
    let nodes = match source {
        Source::Given(nodes) => Some(nodes),
        Source::Asked(inventories, given) => inventories.now(wanted).await.map_err(cannot)?.or(given),
        Source::Nowhere if submission.late.inventory.is_empty() => None,
        Source::Nowhere => {
            let why = "this process was not told where to read inventories from";
            return Err(cannot(why.to_owned()));
        }
    };
    // Expressions over very many nodes take a while.
    let chosen = tokio::task::spawn_blocking(move || {
        let among = Among { nodes: nodes.as_deref(), filter: submission.late.selection.as_ref() };
        windlass_lang::choose(&submission.plan, &submission.step_set, call.block, &call.scope, &*eval, among)
    });
    chosen.await.unwrap_or_else(|error| Err(cannot(format!("choosing went wrong: {error}"))))
}
