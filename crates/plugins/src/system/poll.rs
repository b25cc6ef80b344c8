//! Looks again and again until something is so, and knows why it was not so at the last look.

use std::time::{Duration, Instant};

use windlass_plugin::{Call, CallError, CancelSource, Output, Severity, Span};

/// How long to look, and how often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Poll {
    pub(crate) at_most: Span,
    pub(crate) every: Span,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<T> {
    pub(crate) found: T,
    pub(crate) looks: u64,
    pub(crate) waited: Duration,
}

/// The code of something that was not so in time.
pub(crate) const NOT_YET: &str = "notYet";
/// What an attempt needs at its end to say why it failed, before it is made to end.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// What the last look is given, however little is left: a wait of no time looks once, too.
const LAST_LOOK: Duration = Duration::from_secs(2);
/// How long a look that is told to end may take, before it is made to.
const GRACE: Duration = Duration::from_secs(2);

// === impl Poll ===

impl Poll {
    /// Looks until a look succeeds. A failure for good ends it, and so does the end of its time, of the attempt's
    /// time, or being told to.
    pub(crate) async fn until<T, F>(self, call: &Call, look: impl Fn(Call) -> F) -> Result<Seen<T>, CallError>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        let begun = Instant::now();
        let attempt = call.deadline_in.saturating_sub(LAST_WORDS.min(call.deadline_in / 10));
        let within = self.at_most.0.min(attempt);
        let (mut looks, mut last) = (0, None::<CallError>);
        loop {
            looks += 1;
            let left = within.saturating_sub(begun.elapsed());
            let attempt = call.deadline_in.saturating_sub(begun.elapsed());
            match one(call, left.max(LAST_LOOK.min(attempt)), &look).await? {
                Some(Ok(found)) => return Ok(Seen { found, looks, waited: begun.elapsed() }),
                Some(Err(error)) if error.permanent => return Err(error),
                Some(Err(error)) => {
                    let said = error.to_string();
                    if last.as_ref().map(ToString::to_string).as_deref() != Some(&said) {
                        call.output.note(&format!("not yet: {said}"));
                    }
                    last = Some(error);
                }
                None => {}
            }
            let left = within.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Err(in_vain(Span(within), looks, last));
            }
            crate::look::unless_cancelled(call, tokio::time::sleep(self.every.0.min(left))).await?;
        }
    }
}

/// One look, ended when its time is over: then nobody knows.
async fn one<T, F>(
    call: &Call,
    within: Duration,
    look: &impl Fn(Call) -> F,
) -> Result<Option<Result<T, CallError>>, CallError>
where
    F: Future<Output = Result<T, CallError>>,
{
    let source = CancelSource::new();
    let told = Call {
        cancel: source.cancel(),
        deadline_in: within.max(Duration::from_millis(1)),
        output: Output::default(),
        ..call.clone()
    };
    let mut looking = std::pin::pin!(look(told));
    let mut ends = std::pin::pin!(tokio::time::sleep(within));
    let mut stage = None;
    loop {
        tokio::select! {
            biased;
            how = harsher(call, stage.filter(|_| call.cancel.level().is_some())) => {
                stage = Some(how);
                source.trigger(how);
            }
            result = &mut looking => {
                return match (call.cancel.level(), stage) {
                    (Some(_), _) => Err(CallError::cancelled()),
                    (None, Some(_)) if result.is_err() => Ok(None),
                    (None, _) => Ok(Some(result)),
                };
            }
            () = &mut ends => {
                let how = if stage.is_none() { Severity::Term } else { Severity::Kill };
                stage = Some(how);
                source.trigger(how);
                ends.as_mut().reset(tokio::time::Instant::now() + GRACE);
            }
        }
    }
}

async fn harsher(call: &Call, told: Option<Severity>) -> Severity {
    match told {
        None => call.cancel.requested().await,
        Some(Severity::Term) => call.cancel.reached(Severity::Kill).await,
        Some(Severity::Kill) => std::future::pending().await,
    }
}

fn in_vain(within: Span, looks: u64, last: Option<CallError>) -> CallError {
    let times = if looks == 1 { "one look".to_owned() } else { format!("{looks} looks") };
    let Some(last) = last else {
        return CallError::retryable(NOT_YET, format!("nothing was found out within {within}"));
    };
    let mut error =
        CallError::retryable(NOT_YET, format!("not so within {within} ({times}): {}", last.message));
    error.causes = last.causes;
    error.response = last.response;
    error
}
