//! One attempt: a plugin's work, with its panics caught and its end enforced.
//!
//! ```text
//! plugin future ─┬─ ends ───────────────────────────────▶ result
//!                ├─ panics ─────────────────────────────▶ failed, code `panic`
//!                └─ killed, and does not end in time ───▶ dropped, then failed; interrupted where it may go on elsewhere
//! ```
//!
//! When the result is there, nothing of the work is running any more, as far as a future can say:
//! work that a plugin left to tasks or threads of its own is the plugin's to end.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use windlass_engine::{AttemptResult, Input};
use windlass_model::Value;
use windlass_model::element::ElementId;
use windlass_model::event::Severity;
use windlass_model::id::RunId;
use windlass_model::late::Chosen;
use windlass_model::outcome::Failure;
use windlass_plugin::{Call, CallError, Cancel, DynPlugin, Foresight, Reply};

/// What a plugin answers.
pub(crate) type Answered = Result<Said, CallError>;

/// What a plugin says when all is well.
#[derive(Debug)]
pub(crate) enum Said {
    /// It did its work.
    Done(Reply<Value>),
    /// It was only asked what that would change.
    Foreseen(Foresight),
}

/// A plugin's work, with nothing borrowed.
pub(crate) type Work = Pin<Box<dyn Future<Output = Option<Answered>> + Send>>;

/// The end of an attempt, on its way to the dispatcher.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) run: RunId,
    pub(crate) element: ElementId,
    pub(crate) n: u32,
    pub(crate) ended: Ended,
}

/// How it ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// It made an attempt.
    Attempt {
        result: AttemptResult,
        /// Whether it answered at once.
        pace: Pace,
    },
    /// It looked for an attempt that a crash hid, and found its end or nothing.
    Reattached(Option<AttemptResult>),
    /// It looked whether the work was done.
    Known(Option<bool>),
    /// It is no attempt: targets of a block were chosen.
    Selected(u32, Result<Chosen, Failure>),
}

/// What becomes of work that was killed and is dropped because it does not end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// It ends with that.
    Ends,
    /// It is elsewhere, and may go on without us.
    MayGoOn,
}

/// How soon a plugin answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Within [`AT_ONCE`], without waiting for anything.
    Quick,
    Slow,
}

/// What counts as at once: about what handing the work to another thread would cost.
pub(crate) const AT_ONCE: Duration = Duration::from_micros(20);

/// The work of an attempt.
pub(crate) fn calling(plugin: Arc<dyn DynPlugin>, call: Call, request: Arc<Value>) -> Work {
    Box::pin(async move { Some(plugin.call(call, request).await.map(Said::Done)) })
}

/// The work of asking what an attempt would change.
pub(crate) fn foreseeing(plugin: Arc<dyn DynPlugin>, call: Call, request: Arc<Value>) -> Work {
    Box::pin(async move { Some(plugin.noop(call, request).await.map(Said::Foreseen)) })
}

/// The work of finding an attempt again.
pub(crate) fn reattaching(plugin: Arc<dyn DynPlugin>, call: Call, request: Arc<Value>) -> Work {
    Box::pin(async move { Some(plugin.reattach(call, request).await?.map(Said::Done)) })
}

/// Polls work once, where it is; what it returns pending must be polled again by somebody.
pub(crate) fn glance(work: &mut Work) -> (Poll<Option<Answered>>, Pace) {
    let began = Instant::now();
    let polled = poll_caught(work, &mut Context::from_waker(Waker::noop()));
    let quick = polled.is_ready() && began.elapsed() <= AT_ONCE;
    (polled, if quick { Pace::Quick } else { Pace::Slow })
}

/// Sees work through to its end, whatever it does.
pub(crate) async fn attend(
    mut work: Work,
    cancel: Cancel,
    grace: Duration,
    dropped: Dropped,
) -> (Option<Answered>, Pace) {
    let (first, pace) = {
        let mut pace = Pace::Slow;
        let first = poll_fn(|cx| {
            let began = Instant::now();
            let polled = poll_caught(&mut work, cx);
            if polled.is_ready() && began.elapsed() <= AT_ONCE {
                pace = Pace::Quick;
            }
            Poll::Ready(polled)
        });
        (first.await, pace)
    };
    let answered = match first {
        Poll::Ready(answered) => answered,
        Poll::Pending => {
            let mut overdue = pin!(async {
                cancel.reached(Severity::Kill).await;
                tokio::time::sleep(grace).await;
            });
            poll_fn(|cx| match poll_caught(&mut work, cx) {
                Poll::Ready(answered) => Poll::Ready(answered),
                Poll::Pending => overdue.as_mut().poll(cx).map(|()| Some(Err(dropped.after(grace)))),
            })
            .await
        }
    };
    // Only what is gone has ended.
    if catch_unwind(AssertUnwindSafe(|| drop(work))).is_err() {
        // What it said may hold a secret, and nobody here knows which.
        tracing::warn!("the work of a plugin panicked when it was dropped");
    }
    (answered, pace)
}

/// What the engine is told.
pub(crate) fn result(answered: Answered) -> AttemptResult {
    match answered {
        Ok(Said::Done(reply)) => AttemptResult {
            response: Some(reply.response),
            changed: reply.changed,
            ..AttemptResult::default()
        },
        Ok(Said::Foreseen(mut foresight)) => AttemptResult {
            response: foresight.response.take(),
            foreseen: Some(foresight.into_foreseen()),
            ..AttemptResult::default()
        },
        Err(error) => {
            let retry_after = error.retry_after.map(|span| span.0);
            let (failure, response) = error.into_failure();
            AttemptResult { response, failure: Some(failure), retry_after, ..AttemptResult::default() }
        }
    }
}

/// Asks a plugin whether an attempt was done. One that panics, or does not answer in time, does not know.
pub(crate) async fn inquire(
    plugin: Arc<dyn DynPlugin>,
    call: Call,
    request: Arc<Value>,
    within: Duration,
) -> Option<bool> {
    let mut asked: Pin<Box<dyn Future<Output = Option<bool>> + Send>> =
        Box::pin(async move { plugin.was_done(call, request).await });
    let caught =
        poll_fn(|cx| catch_unwind(AssertUnwindSafe(|| asked.as_mut().poll(cx))).unwrap_or(Poll::Ready(None)));
    tokio::time::timeout(within, caught).await.unwrap_or(None)
}

// === impl End ===

impl End {
    /// What the run is told.
    pub(crate) fn into_input(self) -> Input {
        let Self { element, n, ended, .. } = self;
        match ended {
            Ended::Attempt { result, .. } | Ended::Reattached(Some(result)) => {
                Input::Ended { element, n, result }
            }
            Ended::Reattached(None) => Input::Lost { element, n },
            Ended::Known(done) => Input::Known { element, n, done },
            Ended::Selected(block, result) => Input::Selected { block, result },
        }
    }
}

fn poll_caught(work: &mut Work, cx: &mut Context<'_>) -> Poll<Option<Answered>> {
    catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))).unwrap_or_else(|panic| {
        let error = CallError::retryable(Failure::PANIC, format!("the plugin panicked: {}", said(&*panic)));
        Poll::Ready(Some(Err(error)))
    })
}

// === impl Dropped ===

impl Dropped {
    fn after(self, grace: Duration) -> CallError {
        let grace = windlass_model::span::Span(grace);
        match self {
            Self::Ends => {
                let message = format!("it was killed and did not end within {grace}; its work was dropped");
                CallError::retryable(Failure::CANCELLED, message)
            }
            Self::MayGoOn => {
                let message = format!(
                    "it was killed, and nobody answered within {grace} that it has ended; it may go on"
                );
                CallError::permanent(Failure::INTERRUPTED, message)
            }
        }
    }
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}
