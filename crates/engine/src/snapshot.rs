//! Snapshots: the state of a long run in one piece, so that not all of its log must be read again.
//!
//! A snapshot is only ever an optimisation: whoever cannot read one folds the log. It holds no
//! secret in clear, as the log holds none. Indexes are left out and built again.

use std::sync::Arc;

use windlass_model::element::{ElementId, Level, Slot};
use windlass_model::secret::Secrets;
use windlass_model::{Map, Value};

use crate::run::{Run, Setup};
use crate::state::{ActionTimer, SlotState, State, Timer};

/// The version that this crate writes and reads. Another is no error: the log is folded instead.
const VERSION: u8 = 5;

/// Why bytes are no snapshot of a run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Another version wrote it.
    #[error("the snapshot has format version {0}; this program reads version {VERSION}")]
    Version(u8),
    /// It is damaged.
    #[error("the snapshot is damaged: {0}")]
    Damaged(String),
}

/// The state of a run at one moment. Taking it is quick, because values are shared with the run;
/// turning it into bytes takes longer and may be done elsewhere.
#[derive(Clone)]
pub struct Snapshot {
    state: State,
    secrets: std::sync::Arc<Secrets>,
}

// === impl Snapshot ===

impl Snapshot {
    /// The number of the last event that it covers.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.state.seq
    }

    /// About how many things are in it.
    #[must_use]
    pub fn size(&self) -> usize {
        let State { actions, targets, block, .. } = &self.state;
        let block = block.as_deref();
        let in_block =
            block.map_or(0, |block| block.sequences.len() / 64 + block.active.len() + block.undoable.len());
        actions.len() + targets.len() + in_block
    }

    /// As bytes, to be kept beside the log.
    #[must_use]
    pub fn encode(mut self) -> Vec<u8> {
        if !self.secrets.is_empty() {
            self.state.change_values(&|value| self.secrets.hide_value(value));
        }
        // The state serializes into memory: there is nothing that could fail.
        postcard::to_extend(&self.state, vec![VERSION]).unwrap_or_default()
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("seq", &self.seq()).finish_non_exhaustive()
    }
}

impl Run {
    /// The run's state as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { state: self.state().clone(), secrets: self.secrets().clone() }
    }

    /// The run that a snapshot tells of; the events behind it are to be [replayed](Run::replay).
    pub fn restore(setup: Setup, snapshot: &[u8]) -> Result<Self, SnapshotError> {
        let damaged = |why: &str| SnapshotError::Damaged(why.to_owned());
        let (version, bytes) = snapshot.split_first().ok_or_else(|| damaged("it is empty"))?;
        if *version != VERSION {
            return Err(SnapshotError::Version(*version));
        }
        let mut state: State = postcard::from_bytes(bytes).map_err(|why| damaged(&why.to_string()))?;
        if !setup.secrets.is_empty() {
            state.change_values(&|value| setup.secrets.reveal_value(value));
        }
        let layout = setup.layout.clone();
        state.index(&|level, slot: &SlotState| {
            let every = layout.checks(level).map(|checks| checks.every)?;
            (slot.rounds > 0 && !slot.ended).then(|| slot.began + every)
        });
        Ok(Self::with_state(setup, state))
    }
}

impl State {
    /// Changes every value that came from outside.
    fn change_values(&mut self, change: &impl Fn(&Value) -> Value) {
        let all = |map: &mut Arc<Map>| {
            if !map.is_empty() {
                Arc::make_mut(map).values_mut().for_each(|value| *value = change(value));
            }
        };
        all(&mut self.store);
        Arc::make_mut(&mut self.targets).values_mut().for_each(all);
        if let Some(block) = &mut self.block {
            for sequence in block.active.values_mut() {
                all(&mut sequence.store);
                all(&mut sequence.steps);
            }
            for undoable in block.undoable.values_mut() {
                all(&mut undoable.store);
                all(&mut undoable.steps);
            }
        }
    }

    /// Builds the alarms again from what is waited for.
    fn index(&mut self, due: &impl Fn(Level, &SlotState) -> Option<windlass_model::time::Time>) {
        let elements: Vec<ElementId> = self.actions.keys().copied().collect();
        for element in elements {
            let Some(action) = self.actions.get(&element) else { continue };
            let [timeout, grace, deadline, backoff] = action.timers;
            self.set_timer(element, ActionTimer::Timeout, timeout);
            self.set_timer(element, ActionTimer::Grace, grace);
            self.set_timer(element, ActionTimer::Deadline, deadline);
            self.set_timer(element, ActionTimer::Backoff, backoff);
        }
        let block = self.block.as_deref().map(|block| block.index);
        for level in [Some(Level::Plan), block.map(Level::Block)].into_iter().flatten() {
            let Some(slot) = self.level_mut(level).map(|level| level.slot_mut(Slot::Continuous)) else {
                continue;
            };
            let at = due(level, slot);
            slot.due.0 = at;
            self.timers.0.extend(at.map(|at| (at, Timer::Round(level))));
        }
        if let Some(block) = self.block.as_deref() {
            let until = block.delay_until.map(|until| (until, Timer::Delay(block.index)));
            self.timers.0.extend(until);
        }
        let approval = self.approval_until.filter(|_| self.started.is_none());
        self.timers.0.extend(approval.map(|until| (until, Timer::Approval)));
    }
}

/// Maps of values as JSON text, which a compact format without names can hold.
pub(crate) mod map {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serializer, de};
    use windlass_model::Map;

    pub(crate) fn serialize<S: Serializer>(map: &Arc<Map>, serializer: S) -> Result<S::Ok, S::Error> {
        let text =
            if map.is_empty() { String::new() } else { serde_json::to_string(&**map).unwrap_or_default() };
        serializer.serialize_str(&text)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Map>, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() {
            return Ok(Arc::default());
        }
        serde_json::from_str(&text).map(Arc::new).map_err(de::Error::custom)
    }
}

/// The same for maps of such maps.
pub(crate) mod maps {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serializer, de};
    use windlass_model::Map;

    type Maps = Arc<BTreeMap<String, Arc<Map>>>;

    pub(crate) fn serialize<S: Serializer>(maps: &Maps, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&serde_json::to_string(&**maps).unwrap_or_default())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Maps, D::Error> {
        let text = String::deserialize(deserializer)?;
        serde_json::from_str(&text).map(Arc::new).map_err(de::Error::custom)
    }
}

/// Where sequences stand, as stretches of the same: most of them lie beside others that are over, or
/// have not begun.
pub(crate) mod statuses {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    use crate::state::SequenceStatus;

    /// More sequences than any block has: a larger number is damage, not a reason to reserve memory.
    const MOST: usize = 1 << 24;

    pub(crate) fn serialize<S: Serializer>(all: &[SequenceStatus], serializer: S) -> Result<S::Ok, S::Error> {
        let stretches: Vec<(SequenceStatus, usize)> =
            all.chunk_by(|a, b| a == b).filter_map(|same| Some((*same.first()?, same.len()))).collect();
        stretches.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<SequenceStatus>, D::Error> {
        let stretches = Vec::<(SequenceStatus, usize)>::deserialize(deserializer)?;
        let total = stretches.iter().map(|(_, length)| *length).fold(0, usize::saturating_add);
        if total > MOST {
            return Err(de::Error::custom("there are more sequences than there can be"));
        }
        let mut all = Vec::with_capacity(total);
        for (status, length) in stretches {
            all.extend(std::iter::repeat_n(status, length));
        }
        Ok(all)
    }
}
