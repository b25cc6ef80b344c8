//! Whether secrets may come up while a plan runs: what a sensitive action answers is one.

use super::{ActionDef, Body, Layout, Sequences, SlotDefs};
use crate::element::Slot;

// === impl Layout ===

impl Layout {
    /// Whether any action, check, undo or deferred action is sensitive.
    #[must_use]
    pub fn is_sensitive(&self) -> bool {
        let in_checks = |checks: &SlotDefs| Slot::ALL.iter().any(|slot| any(checks.slot(*slot)));
        let in_body = |body: &Body| any(&body.actions);
        in_checks(&self.checks)
            || self.batches.iter().any(|batch| any(&batch.actions))
            || self.blocks.iter().any(|block| {
                in_checks(&block.checks)
                    || match &block.sequences {
                        Sequences::Template { body, .. } => in_body(body),
                        Sequences::Explicit(sequences) => {
                            sequences.iter().any(|sequence| in_body(&sequence.body))
                        }
                    }
            })
    }
}

fn any(actions: &[ActionDef]) -> bool {
    actions.iter().any(|def| {
        def.action.sensitive
            || any(&def.verify)
            || any(&def.after)
            || def.undo.as_deref().is_some_and(|undo| any(std::slice::from_ref(undo)))
    })
}
