//! Follows all runs and makes their traces.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use windlass_model::event::What;
use windlass_model::id::RunId;
use windlass_runtime::{Error, Handle, Happened, RunsWatch};

use crate::export::Telling;
use crate::run::RunTrace;
use crate::tracer::{Begun, Share};

/// Follows all runs.
#[derive(Debug)]
pub(crate) struct Follower {
    pub(crate) runs: Handle,
    pub(crate) to: mpsc::Sender<Telling>,
    pub(crate) share: Share,
    /// The label of a plan that names its namespace.
    pub(crate) namespace: &'static str,
    pub(crate) begun: Arc<Begun>,
    /// Runs that have not ended; none: the trace is not kept, or cannot be made.
    pub(crate) open: HashMap<RunId, Option<RunTrace>>,
}

/// When nothing more comes for so long, everything of a version of the store has come.
const QUIET: Duration = Duration::from_millis(200);
/// How long it waits when it cannot follow.
const PAUSE: Duration = Duration::from_secs(5);

// === impl Follower ===

impl Follower {
    /// Goes on behind a version until the store is closed.
    pub(crate) async fn follow(mut self, mut behind: u64) {
        // Whatever comes before a collector has taken anything in is told after a restart, too.
        self.tell(Telling { spans: Vec::new(), version: Some(behind) }).await;
        loop {
            match self.runs.watch(Some(behind)).await {
                Ok(watch) => match self.hear(watch, &mut behind).await {
                    Ok(()) => return,
                    Err(error) => {
                        tracing::warn!(%error, "what happens in runs is read again, for their traces")
                    }
                },
                Err(error) => {
                    tracing::warn!(%error, "what happens in runs cannot be followed for their traces")
                }
            }
            // What was begun may have been told in part.
            self.open.clear();
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Tells what is heard. Several runs can be part of one version: it is told to the end when the next one comes, or none.
    async fn hear(&mut self, mut watch: RunsWatch, behind: &mut u64) -> Result<(), Error> {
        let mut latest = *behind;
        loop {
            let next = if latest == *behind {
                watch.next().await
            } else if let Ok(next) = timeout(QUIET, watch.next()).await {
                next
            } else {
                *behind = latest;
                self.tell(Telling { spans: Vec::new(), version: Some(latest) }).await;
                continue;
            };
            let Some(happened) = next else {
                self.tell(Telling { spans: Vec::new(), version: Some(latest) }).await;
                return Ok(());
            };
            let happened = happened?;
            let is_whole = happened.version != latest;
            if is_whole {
                *behind = latest;
            }
            let version = is_whole.then_some(latest);
            latest = happened.version;
            let mut spans = Vec::new();
            self.apply(&happened, &mut spans).await;
            if !spans.is_empty() {
                self.tell(Telling { spans, version }).await;
            }
        }
    }

    async fn tell(&self, telling: Telling) {
        // Nobody hears when the process ends in a hurry; it is told after the next start.
        let _ = self.to.send(telling).await;
    }

    async fn apply(&mut self, Happened { run, events, .. }: &Happened, spans: &mut Vec<crate::span::Span>) {
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return };
        if !self.open.contains_key(run) {
            let trace = match self.share.keeps(run.0.into_bytes()) {
                true => self.load(*run, first.seq).await,
                false => Ok(None),
            };
            // A run that was removed meanwhile has no trace any more.
            let trace =
                trace.inspect_err(|error| tracing::debug!(%run, %error, "no trace can be made of it"));
            self.open.insert(*run, trace.unwrap_or_default());
        }
        if let Some(Some(trace)) = self.open.get_mut(run) {
            for event in events {
                trace.apply(event, spans);
            }
        }
        if matches!(last.what, What::Finished { .. }) {
            self.open.remove(run);
            let by = self.begun.take(*run);
            // The last to end is the run itself.
            if let Some(root) = spans.last_mut() {
                root.link = by;
            }
        }
    }

    /// The trace of a run up to an event that comes next. What ended before was told.
    async fn load(&self, run: RunId, next: u64) -> Result<Option<RunTrace>, Error> {
        let mut trace = RunTrace::new(self.runs.layout(run).await?, self.namespace);
        let mut told = Vec::new();
        if next > 1 {
            let mut events = self.runs.events(run, 1).await?;
            while let Some(event) = events.next().await {
                let event = event?;
                if event.seq >= next {
                    break;
                }
                trace.apply(&event, &mut told);
                told.clear();
            }
        }
        Ok(Some(trace))
    }
}
