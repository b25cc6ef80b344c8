//! How a plugin behaves in a rehearsal: nothing is touched, and time is virtual.

use std::time::Duration;

use crate::error::CallError;
use crate::reply::Reply;

/// What a simulated attempt is told.
#[derive(Clone, Copy, Debug)]
pub struct Simulation<'a> {
    /// The action's address.
    pub address: &'a str,
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// The node's name, where there is a node.
    pub node: Option<&'a str>,
    /// Chance that is the same whenever the same rehearsal is run. All choices come from it.
    pub draw: u64,
    /// How long the attempt may take.
    pub timeout: Duration,
}

/// What a simulated attempt did.
#[derive(Clone, Debug, PartialEq)]
pub struct Simulated<R> {
    /// How long it took.
    pub after: Duration,
    /// How it ended. A response of `None` is null to whoever reads it.
    pub result: Result<Reply<Option<R>>, CallError>,
}

// === impl Simulation ===

impl Simulation<'_> {
    /// A time between two, chosen by chance.
    #[must_use]
    pub fn between(&self, least: Duration, most: Duration) -> Duration {
        // A finalizer of the draw, so that neighbouring draws do not give neighbouring times.
        let mut mixed = self.draw ^ (self.draw >> 33);
        mixed = mixed.wrapping_mul(0xff51_afd7_ed55_8ccd);
        mixed ^= mixed >> 33;
        let range = u64::try_from(most.saturating_sub(least).as_micros()).unwrap_or(u64::MAX);
        least.saturating_add(Duration::from_micros(mixed % range.saturating_add(1).max(1)))
    }

    /// A time between two, but never so long that the attempt would time out.
    #[must_use]
    pub fn plausible(&self, least: Duration, most: Duration) -> Duration {
        self.between(least, most).min(self.timeout / 2)
    }
}

// === impl Simulated ===

impl<R> Simulated<R> {
    /// A good end that changed something.
    #[must_use]
    pub fn changed(after: Duration, response: Option<R>) -> Self {
        Self { after, result: Ok(Reply::changed(response)) }
    }

    /// A good end that changed nothing.
    #[must_use]
    pub fn unchanged(after: Duration, response: Option<R>) -> Self {
        Self { after, result: Ok(Reply::unchanged(response)) }
    }

    /// A bad end.
    #[must_use]
    pub fn failed(after: Duration, error: CallError) -> Self {
        Self { after, result: Err(error) }
    }

    /// The same with another response.
    pub fn map<S>(self, change: impl FnOnce(R) -> S) -> Simulated<S> {
        Simulated {
            after: self.after,
            result: self.result.map(|reply| reply.map(|response| response.map(change))),
        }
    }
}
