//! What was in memory of a run, and not durable, when the run was parked.
//!
//! Its events are void: they are decided anew when the run is back, from what is durable. But two
//! things they tell of the world stay true. An attempt that has ended has ended, whatever became of
//! the record of it. And an attempt of which only the beginning was on its way to the disk was
//! surely never made, since effects are released behind the write: should the beginning turn up in
//! the record after all, as after a failed flush it may, nothing was interrupted.

use std::collections::{BTreeMap, BTreeSet};

use windlass_engine::{AttemptResult, Input, Run};
use windlass_model::element::ElementId;
use windlass_model::event::{Event, What};
use windlass_model::foresight::Foreseen;
use windlass_model::time::Time;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Lost {
    /// What attempts have come to.
    results: Vec<Result>,
    /// Attempts, by element and number, that were not made.
    pub(super) never_made: BTreeSet<(ElementId, u32)>,
    /// What an attempt that has ended said that it would do.
    foreseen: BTreeMap<ElementId, Foreseen>,
    /// Sequences that have not begun after all.
    pub(super) not_begun: BTreeSet<ElementId>,
    /// Until when whoever attempts spoke to wants to be left alone.
    left_alone: BTreeMap<(ElementId, u32), Time>,
}

/// What an attempt has come to.
#[derive(Debug)]
struct Result {
    input: Input,
    /// When it was known.
    at: Time,
    /// The number of the event that recorded it, if there was one.
    recorded: Option<u64>,
}

// === impl Result ===

impl Result {
    /// What the run is told of it now: what is left of a wait that was asked for is waited.
    fn told_at(mut self, now: Time) -> Input {
        if let Input::EndedMeanwhile { result: AttemptResult { retry_after: Some(wait), .. }, .. } =
            &mut self.input
        {
            *wait = (self.at + *wait).since(now);
        }
        self.input
    }
}

// === impl Lost ===

impl Lost {
    /// Notes an event that is not known to be durable. The run must still know its secrets.
    pub(super) fn event(&mut self, event: Event, run: &Run) {
        let (seq, at, what) = (event.seq, event.at, event.what);
        match what {
            What::AttemptBegan { element, n } => {
                self.never_made.insert((element, n));
            }
            What::Began(element @ ElementId::Sequence { .. }) => {
                self.not_begun.insert(element);
            }
            What::Foreseen { element, foreseen } => {
                self.foreseen.insert(element, foreseen);
            }
            What::RetryAfter { element, n, until } => {
                self.left_alone.insert((element, n), until);
            }
            What::AttemptEnded { element, n, end } => {
                // One that was only taken for interrupted has not ended.
                if end.failure.as_ref().is_some_and(|failure| failure.is_interruption()) {
                    return;
                }
                let result = AttemptResult {
                    // The secrets in it may be lost with it, and it will be recorded once more.
                    response: end.response.map(|response| run.reveal(&response)),
                    changed: end.changed,
                    failure: end.failure,
                    foreseen: self.foreseen.remove(&element),
                    retry_after: self.left_alone.remove(&(element, n)).map(|until| until.since(at)),
                };
                let input = Input::EndedMeanwhile { element, n, result };
                self.results.push(Result { input, at, recorded: Some(seq) });
            }
            _ => {}
        }
    }

    /// Notes what the run was not told any more, if it is the end of an attempt. What was asked of the
    /// world besides is asked again.
    pub(super) fn input(&mut self, input: Input, at: Time) {
        if let Input::Ended { element, n, result } | Input::EndedMeanwhile { element, n, result } = input {
            let input = Input::EndedMeanwhile { element, n, result };
            self.results.push(Result { input, at, recorded: None });
        }
    }

    /// What a run of which so many events turned out to be durable is to be told before all else.
    pub(super) fn results(&mut self, durable: u64, now: Time) -> impl Iterator<Item = Input> {
        let results = std::mem::take(&mut self.results).into_iter();
        // An end that is in the record may by now have been followed by another beginning.
        results
            .filter(move |result| result.recorded.is_none_or(|seq| seq > durable))
            .map(move |result| result.told_at(now))
    }
}
