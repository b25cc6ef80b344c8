//! How busy the dispatcher is, for whoever watches over it.

use std::collections::BTreeMap;

use windlass_model::outcome::RunStatus;

use super::Dispatcher;
use crate::counters::Tally;

const LIVE: [RunStatus; 4] =
    [RunStatus::Submitted, RunStatus::AwaitingApproval, RunStatus::Running, RunStatus::Paused];

impl Dispatcher {
    /// How it stands. It looks at every run that is driven, which is asked for some times a minute.
    pub(super) fn tally(&self) -> Tally {
        let mut runs: BTreeMap<&'static str, u64> = LIVE.iter().map(|status| (status.word(), 0)).collect();
        let mut held: BTreeMap<&'static str, u64> =
            ["person", "lock", "store", "otherRun", "cannotGoOn"].iter().map(|why| (*why, 0)).collect();
        let add = |map: &mut BTreeMap<&'static str, u64>, word, count: usize| {
            let sum = map.entry(word).or_default();
            *sum = sum.saturating_add(count as u64);
        };
        for (id, live) in &self.runs {
            add(&mut runs, live.run.status().word(), 1);
            if live.run.needs_person() {
                add(&mut held, "person", 1);
            }
            if self.locks.waits_of(*id).next().is_some() {
                add(&mut held, "lock", 1);
            }
        }
        add(&mut held, "store", self.parked.len());
        add(&mut held, "otherRun", self.blocked.len());
        add(&mut held, "cannotGoOn", self.left.len());
        let queues = [
            ("calls", self.calls.len()),
            ("ends", self.ends.len()),
            ("inputs", self.inbox.len()),
            ("writes", self.commits.len()),
        ];
        let queues = queues.map(|(word, count)| (word, count as u64)).into();
        Tally { runs, held, attempts: self.attempts.len() as u64, queues, ..self.counters.read() }
    }
}
