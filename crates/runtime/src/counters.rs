//! What the runs have come to since this process began, and how busy it is: for whoever watches over it.

use std::collections::BTreeMap;

use windlass_meter::{Count, Durations, Taken};
use windlass_model::event::{Event, What};
use windlass_model::outcome::Outcome;

/// What is counted while the runs go on.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    submitted: Count,
    ended: [Count; ENDS.len()],
    begun: Count,
    actions: [Count; OUTCOMES.len()],
    /// How long attempts took that did not answer at once.
    pub(crate) attempts: Durations,
}

/// How the runs stand, and what they have come to since this process began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The runs that are driven, by where they stand.
    pub runs: BTreeMap<&'static str, u64>,
    /// Of those that are not gone on with, how many for each reason.
    pub held: BTreeMap<&'static str, u64>,
    /// Runs that were taken in.
    pub submitted: u64,
    /// Runs that have ended, by how.
    pub ended: BTreeMap<&'static str, u64>,
    /// Actions, checks and undos that began.
    pub actions_begun: u64,
    /// Those that ended, by how.
    pub actions_ended: BTreeMap<&'static str, u64>,
    /// Attempts that are under way.
    pub attempts: u64,
    /// How long those took that have ended.
    pub attempts_took: Taken,
    /// What waits, and where.
    pub queues: BTreeMap<&'static str, u64>,
}

const ENDS: [&str; 3] = ["succeeded", "failed", "stopped"];
const OUTCOMES: [&str; 6] = ["changed", "unchanged", "failed", "skipped", "stopped", "foreseen"];

// === impl Counters ===

impl Counters {
    /// These are about to be written.
    pub(crate) fn note(&self, events: &[Event]) {
        for event in events {
            match &event.what {
                What::Submitted { .. } => self.submitted.one(),
                What::Finished { status } => one(&self.ended, &ENDS, status.word()),
                What::ActionBegan { .. } => self.begun.one(),
                What::ActionEnded { outcome, .. } => one(&self.actions, &OUTCOMES, word(outcome)),
                _ => {}
            }
        }
    }

    pub(crate) fn read(&self) -> Tally {
        let read = |words: &[&'static str], counts: &[Count]| {
            words.iter().zip(counts).map(|(word, count)| (*word, count.get())).collect()
        };
        Tally {
            submitted: self.submitted.get(),
            ended: read(&ENDS, &self.ended),
            actions_begun: self.begun.get(),
            actions_ended: read(&OUTCOMES, &self.actions),
            attempts_took: self.attempts.read(),
            ..Tally::default()
        }
    }
}

fn one(counts: &[Count], words: &[&str], word: &str) {
    if let Some(at) = words.iter().position(|known| *known == word)
        && let Some(count) = counts.get(at)
    {
        count.one();
    }
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded { changed: true } => "changed",
        Outcome::Succeeded { changed: false } => "unchanged",
        Outcome::Failed => "failed",
        Outcome::Skipped(_) => "skipped",
        Outcome::Stopped => "stopped",
        Outcome::Foreseen(_) => "foreseen",
    }
}
