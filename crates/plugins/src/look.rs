//! What checks have in common: a failure that says "not so", and the end when told to.

use std::future::Future;
use std::time::Duration;

use serde::Serialize;
use windlass_plugin::{Call, CallError, Simulated, Simulation};

/// The code of a check that looked and found that it is not so.
pub(crate) const CHECK: &str = "check";

/// A check that does not pass. It may at the next look.
pub(crate) fn not_so(message: impl Into<String>, response: impl Serialize) -> CallError {
    CallError::retryable(CHECK, message).with_response(response)
}

/// The same work, given up when the attempt is told to end.
pub(crate) async fn unless_cancelled<T>(call: &Call, work: impl Future<Output = T>) -> Result<T, CallError> {
    tokio::select! {
        biased;
        _ = call.cancel.requested() => Err(CallError::cancelled()),
        done = work => Ok(done),
    }
}

/// A simulated look that passes.
pub(crate) fn passes<R>(simulation: &Simulation<'_>, response: R) -> Simulated<R> {
    let after = simulation.plausible(Duration::from_millis(5), Duration::from_millis(50));
    Simulated::unchanged(after, Some(response))
}
