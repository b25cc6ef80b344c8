//! From what the store has of a run back to the run: the fold of its log.

use windlass_engine::{Run, Setup};

use crate::archive::Archive;
use crate::error::Error;

/// Folds the log of a run, some chunks at a time.
pub(crate) async fn fold(archive: &Archive, setup: Setup) -> Result<Run, Error> {
    let id = setup.layout.submission.run;
    let mut log = archive.log(id, 1);
    let damaged = |error: windlass_engine::FoldError| Error::Damaged { run: id, detail: error.to_string() };
    let mut run = Run::fold(setup, &log.read().await?).map_err(damaged)?;
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
