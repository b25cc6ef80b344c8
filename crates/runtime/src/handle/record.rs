//! What people say to a run that nobody drives: written down, so that it takes effect when somebody does.
//!
//! Only what was said is written, not what would follow from it: that is decided by whoever takes the
//! run over, as after a crash right behind these words. So nothing that was about to begin counts as
//! interrupted.

use windlass_engine::{Input, NoLocks, Step};
use windlass_model::event::{Event, What};
use windlass_model::id::RunId;
use windlass_store::{Precondition, Txn};

use crate::dispatcher::live::Live;
use crate::error::Error;
use crate::handle::Handle;
use crate::keys;

impl Handle {
    /// Writes down a person's approval, rejection, command or verdict for a run that nobody drives.
    ///
    /// For whoever has opened the store without taking the run over; a run that this process drives
    /// is told by the other methods.
    ///
    /// # Errors
    ///
    /// What the run would have answered.
    pub async fn record(&self, run: RunId, input: Input) -> Result<(), Error> {
        let head = self.archive.store().get(&keys::head(run)).await?.ok_or(Error::UnknownRun(run))?;
        let view = self.archive.known(run).await?;
        let mut listener = self.load(run).await?;
        let step = listener
            .step(input, self.clock.now(), &mut NoLocks)
            .map_err(|refused| Error::Refused { run, refused })?;
        let Some(events) = said(step) else { return Ok(()) };
        let mut told = self.load(run).await?;
        for event in &events {
            told.replay(event).map_err(|error| Error::Damaged { run, detail: error.to_string() })?;
        }
        let mut live = Live::new(told, view, None);
        live.part.add(Step { events, ..Step::default() });
        let written = live.write(false);
        let mut txn = Txn { preconditions: written.preconditions, ops: written.ops };
        txn.preconditions.push(Precondition::At(keys::head(run), head.revision));
        self.archive.store().commit(txn).await?;
        Ok(())
    }
}

/// The events up to what was said; all of them where that ends the run.
fn said(step: Step) -> Option<Vec<Event>> {
    let Step { mut events, .. } = step;
    let is_said = |event: &Event| {
        matches!(
            event.what,
            What::Approved { .. }
                | What::Started { .. }
                | What::Rejected { .. }
                | What::Commanded { .. }
                | What::Resolved { .. }
        )
    };
    let place = events.iter().rposition(is_said)?;
    if !matches!(events.get(place).map(|event| &event.what), Some(What::Rejected { .. })) {
        events.truncate(place.saturating_add(1));
    }
    Some(events)
}
