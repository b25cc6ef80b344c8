//! What people say to a run that nobody drives: written down, so that it takes effect when somebody does.
//!
//! Only what was said is written, not what would follow from it: that is decided by whoever takes the
//! run over, as after a crash right behind these words. So nothing that was about to begin counts as
//! interrupted.

use windlass_engine::{Input, NoLocks, Refused, Run, Step};
use windlass_model::event::{Author, Command, Event, What};
use windlass_model::id::RunId;
use windlass_model::outcome::RunStatus;
use windlass_model::secret::Secrets;
use windlass_store::{Entry, Op, Precondition, Range, Txn};

use crate::call::Call;
use crate::dispatcher::live::Live;
use crate::error::Error;
use crate::handle::Handle;
use crate::view::RunView;
use crate::{keys, load};

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
        let head = self.head_entry(run).await?;
        let mut listener = match (self.load(run).await, &input) {
            (Err(Error::Sealed { .. }), Input::Command { command: Command::Kill, by }) => {
                return self.give_up(run, by.clone()).await;
            }
            (listener, _) => listener?,
        };
        let now = self.clock.now();
        let is_over = |at| at <= now && listener.status() == RunStatus::AwaitingApproval;
        if listener.wake_at().is_some_and(is_over) {
            return self.too_late(listener, input, &head).await;
        }
        if let Input::Command { command: Command::Kill, by } = &input
            && !listener.layout().missing.is_empty()
        {
            return self.give_up(run, by.clone()).await;
        }
        let step =
            listener.step(input, now, &mut NoLocks).map_err(|refused| Error::Refused { run, refused })?;
        let Some(events) = said(step) else { return Ok(()) };
        let mut told = self.load(run).await?;
        for event in &events {
            told.replay(event).map_err(|error| Error::Damaged { run, detail: error.to_string() })?;
        }
        self.append(told, events, &head, Vec::new()).await
    }

    /// The time for approvals was over when nobody was there to say so: now somebody is.
    async fn too_late(&self, mut listener: Run, input: Input, head: &Entry) -> Result<(), Error> {
        let (run, now) = (listener.id(), self.clock.now());
        // An approval hears that it is too late, and others that the run has ended.
        let refused = listener.step(input, now, &mut NoLocks).err();
        let mut told = self.load(run).await?;
        let step = told.step(Input::Tick, now, &mut NoLocks);
        let step = step.map_err(|refused| Error::Refused { run, refused })?;
        let status = told.status().word();
        self.append(told, step.events, head, Vec::new()).await?;
        Err(Error::Refused { run, refused: refused.unwrap_or(Refused::Ended(status)) })
    }

    /// Ends a run whose secrets cannot be read, or whose plugins are not there, where it stands.
    pub(super) async fn give_up(&self, run: RunId, by: Author) -> Result<(), Error> {
        let head = self.head_entry(run).await?;
        let setup = self.reader.setup(self.archive.submission(run).await?, Secrets::default());
        let mut told = load::fold(&self.archive, setup).await?;
        let step = told.step(Input::GiveUp { by }, self.clock.now(), &mut NoLocks);
        let step = step.map_err(|refused| Error::Refused { run, refused })?;
        let Range { start, end, .. } = Range::prefix(keys::sealed(run));
        let unreadable = end.map(|end| Op::DeleteRange { start, end });
        self.append(told, step.events, &head, unreadable.into_iter().collect()).await?;
        self.ask(|answer| Call::GivenUp { run, answer }).await
    }

    async fn head_entry(&self, run: RunId) -> Result<Entry, Error> {
        self.archive.store().get(&keys::head(run)).await?.ok_or(Error::UnknownRun(run))
    }

    /// Writes events that a run has taken in behind those that are durable.
    async fn append(&self, told: Run, events: Vec<Event>, head: &Entry, more: Vec<Op>) -> Result<(), Error> {
        let run = told.id();
        let view = RunView::read(&head.value).map_err(|detail| Error::Damaged { run, detail })?;
        let first = events.first().map(|event| event.seq);
        let mut live = Live::new(told, view, None, None);
        live.part.add(Step { events, ..Step::default() });
        let written = live.write(false);
        let mut txn = Txn { preconditions: written.preconditions, ops: written.ops };
        txn.preconditions.push(Precondition::At(keys::head(run), head.revision));
        // Not every word changes the head, and no word overwrites another.
        txn.preconditions.extend(first.map(|first| Precondition::Absent(keys::chunk(run, first))));
        txn.ops.extend(more);
        self.archive.store().commit(txn).await?;
        if written.ends {
            self.archive.shred_key(run).await;
        }
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
    let is_rejected = matches!(events.get(place).map(|event| &event.what), Some(What::Rejected { .. }));
    let next = place.saturating_add(1);
    // A run that has not begun ends with the word that stops it.
    let ends = matches!(events.get(next).map(|event| &event.what), Some(What::Finished { .. }));
    if !is_rejected && !ends {
        events.truncate(next);
    }
    Some(events)
}
