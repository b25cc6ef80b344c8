//! Nodes for blocks that choose their targets when they begin: those that the run's namespace may touch by then.

use std::sync::{Arc, OnceLock};

use windlass_api::{Gathered, NAMESPACE_LABEL};
use windlass_model::freeze::Nodes;
use windlass_plugin::BoxFuture;
use windlass_runtime::{Inventories, Wanted};

/// Reads the objects, which come to be after whoever asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Later(Arc<OnceLock<Gathered>>);

// === impl Later ===

impl Later {
    pub(crate) fn set(&self, gathered: Gathered) {
        // It is set once, by whoever opens the server.
        let _ = self.0.set(gathered);
    }
}

impl Inventories for Later {
    fn now(&self, wanted: Wanted) -> BoxFuture<'_, Result<Option<Arc<dyn Nodes>>, String>> {
        Box::pin(async move {
            let submission = &wanted.submission;
            let Some(namespace) = submission.plan.metadata.labels.get(NAMESPACE_LABEL) else {
                return Ok(None);
            };
            let gathered = self.0.get().ok_or("the objects are not there yet")?;
            let inventory = gathered
                .inventory_for(namespace, &submission.plan, submission.late.selection.as_ref())
                .await
                .map_err(|problem| problem.detail.clone())?;
            Ok(Some(inventory as Arc<dyn Nodes>))
        })
    }
}
