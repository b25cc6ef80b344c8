//! From what the store has of a run back to the run: the fold of its log, or of what is behind the
//! newest snapshot.

use std::sync::Arc;

use windlass_engine::{Run, Setup};
use windlass_model::id::RunId;
use windlass_model::outcome::RunStatus;
use windlass_model::secret::Secrets;
use windlass_store::Range;

use crate::archive::{Archive, Unsealed};
use crate::error::Error;
use crate::keys;
use crate::seal::RunKey;
use crate::snapshot;
use crate::submit::Reader;
use crate::view::RunView;

/// What was found of a run.
#[derive(Debug)]
pub(crate) enum Found {
    /// It has not ended.
    Unfinished(Box<Run>, Box<RunView>, Option<Arc<RunKey>>),
    /// It has ended.
    Finished(Box<RunView>),
    /// It needs plugins that are not registered.
    Unrunnable(Vec<String>),
}

/// Loads a run to go on with it.
pub(crate) async fn find(archive: &Archive, reader: &Reader, run: RunId) -> Result<Found, Error> {
    let view = archive.known(run).await?;
    if view.status.is_terminal() {
        return Ok(Found::Finished(Box::new(view)));
    }
    let submission = archive.submission(run).await?;
    let Unsealed { secrets, key } = archive.secrets(run).await?;
    let setup = reader.setup(submission, secrets);
    if !setup.layout.missing.is_empty() {
        return Ok(Found::Unrunnable(setup.layout.missing.clone()));
    }
    let key = match key {
        // What comes up from now on needs one, too.
        None if needs_key(&setup) => Some(archive.make_key(run).await?),
        key => key,
    };
    let folded = fold(archive, setup).await?;
    Ok(Found::Unfinished(Box::new(folded), Box::new(view), key))
}

/// A run that has begun and not ended, as far as it can be read, for the locks that its record holds. What
/// its templates make of secrets that cannot be read stays unknown.
pub(crate) async fn holder(archive: &Archive, reader: &Reader, run: RunId) -> Result<Option<Run>, Error> {
    let view = archive.known(run).await?;
    if !matches!(view.status, RunStatus::Running | RunStatus::Paused) {
        return Ok(None);
    }
    let secrets = match archive.secrets(run).await {
        Ok(unsealed) => unsealed.secrets,
        Err(Error::Sealed { .. }) => Secrets::default(),
        Err(error) => return Err(error),
    };
    let setup = reader.setup(archive.submission(run).await?, secrets);
    fold(archive, setup).await.map(Some)
}

/// Runs that nobody drives here and that hold locks; those that cannot be read are left out.
pub(crate) async fn holders(archive: &Archive, reader: &Reader, except: &[RunId]) -> Result<Vec<Run>, Error> {
    let mut runs = Vec::new();
    for run in unfinished(archive).await?.into_iter().filter(|run| !except.contains(run)) {
        match holder(archive, reader, run).await {
            Ok(holder) => runs.extend(holder),
            Err(error @ Error::Store(_)) => return Err(error),
            Err(error) => tracing::warn!(%run, %error, "nobody knows which locks a run holds"),
        }
    }
    Ok(runs)
}

/// Whether a run has secrets, or may come to have some.
pub(crate) fn needs_key(setup: &Setup) -> bool {
    !setup.secrets.is_empty() || setup.layout.is_sensitive()
}

/// The runs that have not ended, in the order of their ids.
pub(crate) async fn unfinished(archive: &Archive) -> Result<Vec<RunId>, Error> {
    let entries = archive.store().range(Range::prefix(keys::OPEN)).await?;
    Ok(entries.iter().filter_map(|entry| keys::run_at_end(&entry.key)).collect())
}

/// Folds the log of a run, some chunks at a time, from its newest snapshot on if there is one.
pub(crate) async fn fold(archive: &Archive, setup: Setup) -> Result<Run, Error> {
    let id = setup.layout.submission.run;
    let damaged = |error: windlass_engine::FoldError| Error::Damaged { run: id, detail: error.to_string() };
    let (mut run, mut log) = match snapshot::restore(archive, &setup).await? {
        Some(run) => {
            let log = archive.log(id, run.seq().saturating_add(1));
            (run, log)
        }
        None => {
            let mut log = archive.log(id, 1);
            (Run::fold(setup, &log.read().await?).map_err(damaged)?, log)
        }
    };
    loop {
        let events = log.read().await?;
        if events.is_empty() {
            return Ok(run);
        }
        for event in &events {
            run.replay(event).map_err(damaged)?;
        }
    }
}
