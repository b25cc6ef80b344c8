//! What callers hold: cheap to clone, usable from any task.
//!
//! Reads go to the store directly; whatever changes a run goes through the dispatcher, and is
//! answered only when it is durable.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OnceCell, mpsc, oneshot};
use windlass_engine::{Budget, Input, LockStanding, NoLocks, Run, Seats};
use windlass_logs::{Lost, RunFiles, Writer};
use windlass_model::event::{Author, Command, Verdict};
use windlass_model::fact::Catalog;
use windlass_model::id::RunId;
use windlass_model::layout::Layout;
use windlass_model::submission::{Digest, Submission};
use windlass_report::Fold;
use windlass_store::{Range, StoreError, Txn, Watch};

use crate::archive::Archive;
use crate::call::{Answer, Call, Standing, Taken, Waited};
use crate::clock::Clock;
use crate::counters::Tally;
use crate::error::Error;
use crate::events::EventStream;
use crate::keys;
use crate::load;
use crate::options::Logs;
use crate::request::Request;
use crate::search::{Cursor, Filter};
use crate::submit::Reader;
use crate::view::RunView;
use crate::watch::RunsWatch;

mod again;
mod record;

/// A handle on a runtime.
#[derive(Clone, Debug)]
pub struct Handle {
    pub(crate) calls: mpsc::Sender<Call>,
    pub(crate) archive: Archive,
    pub(crate) reader: Reader,
    pub(crate) clock: Clock,
    pub(crate) logs: Logs,
    pub(crate) writer: Arc<Writer>,
    /// Whether the locks of runs that nobody drives here are held.
    pub(crate) respected: Arc<OnceCell<()>>,
}

/// How long is waited for what was printed to be in its files: a disk that hangs harms no run.
const FLUSH_WITHIN: Duration = Duration::from_secs(5);

/// How many runs of a list are read from the store at once.
const PAGE: usize = 256;

// === impl Handle: people and their runs ===

impl Handle {
    /// Takes a new run in. When this returns it is durable; before, nobody sees anything of it.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the plan, its parameters and targets, at once.
    pub async fn submit(&self, request: Request) -> Result<RunId, Error> {
        let given = request.run_id;
        let mut prepared = self.reader.prepare(request, self.clock.now()).await?;
        let run = prepared.view.id;
        self.respect_others().await?;
        if given.is_some() && self.archive.head(run).await?.is_some() {
            return Err(Error::Exists(run));
        }
        let needs_key = prepared.needs_key();
        if needs_key {
            // Durable before anything that it seals is.
            prepared.seal(self.archive.make_key(run).await?)?;
        }
        let taken = self.ask(|answer| Call::Submit { run: Box::new(prepared), answer }).await;
        // An id that was given may be that of another, whose key this is, too.
        if taken.is_err() && needs_key && given.is_none() && matches!(self.archive.head(run).await, Ok(None))
        {
            self.archive.shred_key(run).await;
        }
        taken.map(|()| run)
    }

    /// Begins a run. One that has begun, or ended, is left as it is.
    pub async fn start(&self, run: RunId, by: Author) -> Result<(), Error> {
        self.input(run, Input::Start { by }).await
    }

    /// Lets nothing new begin until the run is resumed.
    pub async fn pause(&self, run: RunId, by: Author) -> Result<(), Error> {
        self.command(run, Command::Pause, by).await
    }

    /// Goes on.
    pub async fn resume(&self, run: RunId, by: Author) -> Result<(), Error> {
        self.command(run, Command::Resume, by).await
    }

    /// Lets nothing new begin, and what is in flight end; then the run is over.
    pub async fn stop(&self, run: RunId, by: Author) -> Result<(), Error> {
        self.command(run, Command::Stop, by).await
    }

    /// As stop; and what is in flight is asked to end.
    pub async fn cancel(&self, run: RunId, by: Author) -> Result<(), Error> {
        self.command(run, Command::Cancel, by).await
    }

    /// As stop; and what is in flight is ended.
    pub async fn kill(&self, run: RunId, by: Author) -> Result<(), Error> {
        self.command(run, Command::Kill, by).await
    }

    /// Any of the above.
    ///
    /// A run whose secrets cannot be read, or whose plugins are not there, takes none of them but
    /// [`Command::Kill`], which ends it where it stands: what would have come after its work cannot be done
    /// without them.
    pub async fn command(&self, run: RunId, command: Command, by: Author) -> Result<(), Error> {
        match self.input(run, Input::Command { command, by: by.clone() }).await {
            Err(Error::Sealed { .. } | Error::Unrunnable { .. }) if command == Command::Kill => {
                self.give_up(run, by).await
            }
            taken => taken,
        }
    }

    /// From now on, nothing begins on a node whose budget is spent, in whatever run; runs wait for a free seat in the
    /// order in which they came. What is at work goes on, and counts.
    pub async fn set_budgets(&self, budgets: Vec<Budget>) -> Result<(), Error> {
        self.ask(|answer| Call::Budgets { budgets: Some(budgets), answer }).await.map(drop)
    }

    /// How the budgets stand, by name.
    pub async fn budgets(&self) -> Result<Vec<(String, Seats)>, Error> {
        self.ask(|answer| Call::Budgets { budgets: None, answer }).await
    }

    /// How a lock stands, such as `node/web01`; none where it is free.
    pub async fn lock(&self, name: impl Into<String>) -> Result<Option<LockStanding>, Error> {
        let name = name.into();
        self.ask(|answer| Call::Lock { name, answer }).await
    }

    /// Agrees with a run, exactly as it is: the digest is [`Submission::digest`] of what was looked at.
    pub async fn approve(&self, run: RunId, digest: Digest, by: Author) -> Result<(), Error> {
        self.input(run, Input::Approve { by, digest }).await
    }

    /// Refuses a run that awaits approval.
    pub async fn reject(&self, run: RunId, by: Author) -> Result<(), Error> {
        self.input(run, Input::Reject { by }).await
    }

    /// Settles what waits for a person, by its address.
    pub async fn resolve(
        &self,
        run: RunId,
        address: impl Into<String>,
        verdict: Verdict,
        by: Author,
    ) -> Result<(), Error> {
        let address = address.into();
        match self
            .ask(|answer| Call::Resolve { run, address: address.clone(), verdict, by: by.clone(), answer })
            .await?
        {
            Taken::Yes => Ok(()),
            Taken::NotDriven => {
                let layout = self.layout(run).await?;
                let element = layout
                    .find(&address)
                    .ok_or_else(|| Error::UnknownElement { run, address: address.clone() })?;
                self.not_driven(run, Input::Resolve { element, verdict, by: by.clone() }).await
            }
        }
    }

    /// Goes on with a parked run now instead of later.
    pub async fn unpark(&self, run: RunId) -> Result<(), Error> {
        self.ask(|answer| Call::Unpark { run, answer }).await
    }

    /// Removes a run that has ended, with everything that is kept of it.
    pub async fn delete(&self, run: RunId) -> Result<(), Error> {
        let view = self.archive.known(run).await?;
        if !view.status.is_terminal() {
            return Err(Error::NotEnded { run, status: view.status.word() });
        }
        let mut txn = Txn::new().delete(keys::head(run)).delete(keys::when(view.submitted_at, run));
        for prefix in [keys::submission(run), keys::sealed(run), keys::log(run), keys::snapshots(run)] {
            let Range { start, end, .. } = Range::prefix(prefix);
            if let Some(end) = end {
                txn = txn.delete_range(start, end);
            }
        }
        self.archive.store().commit(txn).await?;
        self.archive.shred_key(run).await;
        if let Some(directory) = self.logs_of(&view) {
            // Output is beside the record: what cannot be removed of it harms nobody.
            let removed = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(directory)).await;
            if let Ok(Err(error)) = removed
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::warn!(%run, %error, "the output of a deleted run was left behind");
            }
        }
        Ok(())
    }
}

// === impl Handle: what runs printed ===

impl Handle {
    /// Whether anything is kept of what a run printed.
    #[must_use]
    pub fn has_output(&self, view: &RunView) -> bool {
        self.logs_of(view).is_some_and(|directory| directory.exists())
    }

    /// Removes what a run that has ended has printed; whether there was anything.
    pub async fn delete_output(&self, run: RunId) -> Result<bool, Error> {
        let view = self.archive.known(run).await?;
        if !view.status.is_terminal() {
            return Err(Error::NotEnded { run, status: view.status.word() });
        }
        let Some(directory) = self.logs_of(&view) else { return Ok(false) };
        let removed = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(directory)).await;
        match removed {
            Ok(Ok(())) => Ok(true),
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Ok(Err(error)) => Err(StoreError::io("remove the output of", run.to_string(), error).into()),
            Err(_) => Err(Error::Ended),
        }
    }
}

// === impl Handle: looking at runs ===

impl Handle {
    /// How a run stands. A run that this process drives is known without asking the store: should that
    /// have stopped, this is what was durable last, and the condition says so.
    pub async fn status(&self, run: RunId) -> Result<RunView, Error> {
        let Standing { condition, view, stopped } = self.ask(|answer| Call::Standing { run, answer }).await?;
        let mut view = match view {
            Some(view) => RunView::clone(&view),
            None => self.archive.known(run).await.map_err(|error| match (error, stopped) {
                (Error::Store(_), Some(why)) => Error::Store(why),
                (error, _) => error,
            })?,
        };
        view.condition = condition;
        Ok(view)
    }

    /// Waits until a run has ended, and says how. A run that has not begun is waited for, too.
    ///
    /// Giving up waiting harms nobody.
    pub async fn wait(&self, run: RunId) -> Result<RunView, Error> {
        match self.ask(|answer| Call::Wait { run, answer }).await? {
            Waited::Ended(view) => {
                self.flush_logs().await;
                Ok(*view)
            }
            Waited::NotDriven => {
                let view = self.archive.known(run).await?;
                if view.status.is_terminal() { Ok(view) } else { Err(Error::NotDriven(run)) }
            }
        }
    }

    /// The events of a run from a number on, as they become durable; ends behind the last one.
    pub async fn events(&self, run: RunId, from: u64) -> Result<EventStream, Error> {
        let live = self.ask(|answer| Call::Follow { run, answer }).await?;
        if live.is_none() {
            self.archive.known(run).await?;
        }
        Ok(EventStream::new(self.archive.log(run, from), live))
    }

    /// Runs, newest first, behind a place in the list.
    pub async fn list(&self, limit: usize, before: Option<Cursor>) -> Result<Vec<RunView>, Error> {
        self.find(&Filter::default(), limit, before).await
    }

    /// Runs that a filter looks for, newest first, behind a place in the list.
    pub async fn search(
        &self,
        filter: &Filter,
        limit: usize,
        before: Option<Cursor>,
    ) -> Result<Vec<RunView>, Error> {
        if filter.is_empty() {
            return Err(Error::EmptyFilter);
        }
        self.find(filter, limit, before).await
    }

    /// Everything that happens in all runs, behind a version of the store; what it is at now, for none.
    pub async fn watch(&self, behind: Option<u64>) -> Result<RunsWatch, Error> {
        let store = self.archive.store();
        let behind = behind.unwrap_or_else(|| store.revision());
        match store.watch(keys::LOGS.into(), behind).await {
            // What the store remembers of late is gone, as after a restart; the logs have it.
            Err(StoreError::Compacted { .. }) => {}
            watched => return Ok(RunsWatch::new(watched?)),
        }
        let now = store.revision();
        let live = store.watch(keys::LOGS.into(), now).await?;
        Ok(RunsWatch::new(Watch::behind(self.archive.happened(behind, now).await?, live)))
    }

    /// The version of the store: a watch from here on misses nothing that is not there yet.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.archive.store().revision()
    }

    /// What was submitted. Secrets stand in it as tokens.
    pub async fn submission(&self, run: RunId) -> Result<Arc<Submission>, Error> {
        self.archive.submission(run).await
    }

    /// The plan of a run, compiled.
    pub async fn layout(&self, run: RunId) -> Result<Arc<Layout>, Error> {
        let submission = self.archive.submission(run).await?;
        Ok(Arc::new(Layout::new(submission, &self.reader.catalog)))
    }

    /// Everything that the log of a run tells up to now.
    pub async fn fold(&self, run: RunId) -> Result<Fold, Error> {
        let mut fold = Fold::whole(self.layout(run).await?);
        let mut log = self.archive.log(run, 1);
        loop {
            let events = log.read().await?;
            if events.is_empty() {
                return Ok(fold);
            }
            for event in &events {
                fold.apply(event).map_err(|gap| Error::Damaged { run, detail: gap.to_string() })?;
            }
        }
    }

    /// Where the output of a run's plugins is kept, if anywhere. What was printed before is there.
    pub async fn logs(&self, run: RunId) -> Result<Option<PathBuf>, Error> {
        let view = self.archive.known(run).await?;
        self.flush_logs().await;
        Ok(self.logs_of(&view))
    }

    /// How much of a run's output could not be written since this process began, and why.
    pub async fn lost_output(&self, run: RunId) -> Result<Option<Lost>, Error> {
        let directory = self.logs(run).await?;
        Ok(directory.and_then(|directory| self.writer.lost(&directory)))
    }

    /// Does something while the key of no run goes: runs that end meanwhile wait, so it should be short. It blocks.
    pub fn hold_keys<T>(&self, work: impl FnOnce() -> T) -> T {
        self.archive.hold_keys(work)
    }

    /// Waits until what was printed up to now is in its files.
    pub async fn flush_logs(&self) {
        let writer = Arc::clone(&self.writer);
        let flushed = tokio::task::spawn_blocking(move || writer.flush());
        if tokio::time::timeout(FLUSH_WITHIN, flushed).await.is_err() {
            tracing::warn!("the disk takes long to take the logs");
        }
    }

    /// Waits until this process has written more into logs than in so many rounds, 0 at first, and says in how many it was.
    pub async fn logs_written(&self, rounds: u64) -> u64 {
        self.writer.written(rounds).await
    }

    /// The plugins that there are.
    #[must_use]
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.reader.catalog
    }

    /// How busy the dispatcher is, and what it has done.
    pub async fn tally(&self) -> Result<Tally, Error> {
        self.ask(|answer| Call::Tally { answer }).await
    }

    /// What the store has done since it was opened.
    #[must_use]
    pub fn store_stats(&self) -> windlass_store::StoreStats {
        self.archive.store().stats()
    }
}

impl Handle {
    async fn find(
        &self,
        filter: &Filter,
        limit: usize,
        before: Option<Cursor>,
    ) -> Result<Vec<RunView>, Error> {
        let store = self.archive.store();
        let mut found = Vec::new();
        let mut before = before;
        while found.len() < limit {
            let all = Range::prefix(keys::WHEN);
            let end = before.map(|cursor| keys::when(cursor.at, cursor.run)).or(all.end);
            let page = store.range(Range { end, ..all }.descending().limit(PAGE)).await?;
            let Some(last) = page.last() else { break };
            let Some(place) = keys::cursor(&last.key) else { break };
            before = Some(place);
            for entry in &page {
                let Some(run) = keys::run_at_end(&entry.key) else { continue };
                if !filter.ids.is_empty() && !filter.ids.contains(&run) {
                    continue;
                }
                match self.archive.head(run).await {
                    Ok(Some(view)) if filter.matches(&view) => found.push(view),
                    Ok(_) => {}
                    // One record that cannot be read does not hide the others.
                    Err(Error::Damaged { run, detail }) => {
                        tracing::warn!(%run, detail, "a run is left out of the list");
                    }
                    Err(error) => return Err(error),
                }
                if found.len() == limit {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Sees to it that no run of ours takes a lock that the record of one holds which nobody drives.
    async fn respect_others(&self) -> Result<(), Error> {
        let respect = || async {
            let runs = load::holders(&self.archive, &self.reader, &[]).await?;
            self.ask(|answer| Call::Respect { runs, answer }).await
        };
        self.respected.get_or_try_init(respect).await.copied()
    }

    fn logs_of(&self, view: &RunView) -> Option<PathBuf> {
        match &self.logs {
            Logs::Dropped => None,
            Logs::Files(directory) => {
                Some(RunFiles::new(directory, &view.plan, view.id).directory().to_owned())
            }
        }
    }

    async fn input(&self, run: RunId, input: Input) -> Result<(), Error> {
        match self.ask(|answer| Call::Input { run, input: input.clone(), answer }).await? {
            Taken::Yes => Ok(()),
            Taken::NotDriven => self.not_driven(run, input).await,
        }
    }

    /// What a run that is not driven here says to an input: one that has ended answers for itself.
    async fn not_driven(&self, run: RunId, input: Input) -> Result<(), Error> {
        let view = self.archive.known(run).await?;
        if !view.status.is_terminal() {
            return Err(Error::NotDriven(run));
        }
        let mut past = self.load(run).await?;
        match past.step(input, self.clock.now(), &mut NoLocks) {
            Ok(_) => Ok(()),
            Err(refused) => Err(Error::Refused { run, refused }),
        }
    }

    async fn load(&self, run: RunId) -> Result<Run, Error> {
        let submission = self.archive.submission(run).await?;
        let setup = self.reader.setup(submission, self.archive.secrets(run).await?.secrets);
        crate::load::fold(&self.archive, setup).await
    }

    pub(crate) async fn ask<T>(&self, call: impl FnOnce(Answer<T>) -> Call) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        self.calls.send(call(answer)).await.map_err(|_| Error::Ended)?;
        answered.await.unwrap_or(Err(Error::Ended))
    }
}
