//! Spans of requests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::StatusCode;
use tokio::sync::mpsc;
use windlass_model::id::RunId;
use windlass_model::time::Time;

use crate::context::Context;
use crate::export::Telling;
use crate::span::{Says, Sort, Span};
use crate::tally::{Tallied, Tally};

/// Makes spans of requests. Clones share everything.
#[derive(Clone, Debug)]
pub struct Tracer(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    to: mpsc::WeakSender<Telling>,
    share: Share,
    counts: Tallied,
    begun: Arc<Begun>,
}

/// The requests that runs began with, until the runs have ended.
#[derive(Debug, Default)]
pub(crate) struct Begun(Mutex<HashMap<RunId, Context>>);

/// How many of those there are at most.
const MOST: usize = 16_384;

/// Which traces are kept, out of 100.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share(pub(crate) u8);

/// A request that is being answered.
#[derive(Debug)]
pub struct Asking {
    context: Context,
    parent: Option<[u8; 8]>,
    begun: Time,
}

/// What there is to say of a request that was answered.
#[derive(Clone, Debug)]
pub struct Answered {
    /// Its method.
    pub method: String,
    /// The path of its endpoint, with names in braces; none where there is no such endpoint.
    pub endpoint: Option<String>,
    /// What was answered.
    pub status: StatusCode,
    /// The code of a call over gRPC that is known already.
    pub code: Option<String>,
    /// The run that it began.
    pub run: Option<RunId>,
    /// When the answer began.
    pub at: Time,
}

// === impl Share ===

impl Share {
    /// Whether a trace is among those that are kept. The same trace is, or is not, everywhere.
    pub(crate) fn keeps(self, trace: [u8; 16]) -> bool {
        // The last seven bytes are drawn by chance, in ids of runs, too.
        let [.., a, b, c, d, e, f, g] = trace;
        let drawn = u64::from_be_bytes([0, a, b, c, d, e, f, g]);
        drawn.saturating_mul(100) < u64::from(self.0) << 56
    }
}

// === impl Begun ===

impl Begun {
    fn note(&self, run: RunId, by: Context) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MOST {
            all.insert(run, by);
        }
    }

    pub(crate) fn take(&self, run: RunId) -> Option<Context> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&run)
    }
}

// === impl Tracer ===

impl Tracer {
    pub(crate) fn new(
        to: mpsc::WeakSender<Telling>,
        share: Share,
        counts: Tallied,
        begun: Arc<Begun>,
    ) -> Self {
        Self(Arc::new(Shared { to, share, counts, begun }))
    }

    /// What was told so far, of runs, too.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.0.counts.read()
    }

    /// A request has come; `caller` is what its header `traceparent` says. `None` where its trace is not kept.
    #[must_use]
    pub fn ask(&self, caller: Option<&str>, begun: Time) -> Option<Asking> {
        let caller = caller.and_then(|text| text.parse::<Context>().ok());
        let (mut trace, mut span) = ([0; 16], [0; 8]);
        getrandom::fill(&mut span).ok()?;
        if let Some(caller) = caller {
            trace = caller.trace;
        } else {
            getrandom::fill(&mut trace).ok()?;
        }
        let is_sampled = caller.map_or_else(|| self.0.share.keeps(trace), |caller| caller.is_sampled);
        let context = Context { trace, span, is_sampled };
        is_sampled.then_some(Asking { context, parent: caller.map(|caller| caller.span), begun })
    }

    /// It was answered.
    pub fn answered(&self, asking: &Asking, answered: Answered) {
        let Answered { method, endpoint, status, code, run, at } = answered;
        if let Some(run) = run {
            self.0.begun.note(run, asking.context);
        }
        let mut says: Vec<Says> = vec![
            ("http.request.method", method.as_str().into()),
            ("http.response.status_code", status.as_u16().into()),
        ];
        let name = match endpoint {
            Some(endpoint) => {
                let name = format!("{method} {endpoint}");
                says.push(("http.route", endpoint.into()));
                name
            }
            None => method,
        };
        if let Some(code) = code {
            says.push(("rpc.response.status_code", code.into()));
        }
        if let Some(run) = run {
            says.push(("windlass.run", run.to_string().into()));
        }
        let span = Span {
            context: asking.context,
            parent: asking.parent,
            link: None,
            name,
            sort: Sort::Answered,
            begun: asking.begun,
            ended: at,
            says,
            notes: Vec::new(),
            unnoted: 0,
            failed: status.is_server_error().then(String::new),
        };
        let telling = Telling { spans: vec![span], version: None };
        let told = self.0.to.upgrade().map(|to| to.try_send(telling));
        if !matches!(told, Some(Ok(()))) {
            self.0.counts.dropped.one();
        }
    }
}

// === impl Asking ===

impl Asking {
    /// Its span, for the header `traceresponse`.
    #[must_use]
    pub fn context(&self) -> Context {
        self.context
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_share_that_is_kept_is_the_share_that_is_set(share in 0_u8..=100, seed in any::<u64>()) {
            // Ids that are spread evenly over everything that can be drawn.
            let kept = (0..10_000_u64).filter(|n| {
                let step = (1_u64 << 56) / 10_000;
                let drawn = (step.wrapping_mul(*n).wrapping_add(seed)) & ((1 << 56) - 1);
                let mut trace = [7; 16];
                trace[9..].copy_from_slice(&drawn.to_be_bytes()[1..]);
                Share(share).keeps(trace)
            });
            let kept = i64::try_from(kept.count()).unwrap();
            prop_assert!((kept - i64::from(share) * 100).abs() <= 2, "{kept} of 10,000 at {share} in 100");
        }
    }
}
