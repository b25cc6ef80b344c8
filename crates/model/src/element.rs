//! Which part of a run something is about, in few bytes.
//!
//! The log and the engine speak in [`ElementId`]s: positions in the plan. People read addresses
//! (`patch/web03/reboot`), which [`crate::layout::Layout`] makes from ids and back.

use serde::{Deserialize, Serialize};

/// One of the five check slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Slot {
    /// All pass: the element is unnecessary.
    Bypass,
    /// Must pass before work begins.
    Pre,
    /// Must keep passing while work goes on.
    Continuous,
    /// Must pass after good work.
    Post,
    /// Run at the very end, whatever happened.
    Deferred,
}

/// Whose checks: the plan's or one block's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    /// The plan as a whole.
    Plan,
    /// The block at this position.
    Block(u32),
}

/// Before or after the action that is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Side {
    /// `verify`: passing makes the action unnecessary.
    Before,
    /// `verifyAfter`: failing makes the action fail.
    After,
}

/// Something that calls a plugin, apart from the checks that verify it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Work {
    /// An action of a sequence.
    Action {
        /// Position of the block.
        block: u32,
        /// Position of the sequence in the block.
        seq: u32,
        /// Position of the action in the sequence.
        action: u16,
    },
    /// The undo of an action of a sequence.
    Undo {
        /// Position of the block.
        block: u32,
        /// Position of the sequence in the block.
        seq: u32,
        /// Position of the action that is undone.
        action: u16,
    },
    /// A check action in a slot.
    Check {
        /// Whose slot.
        level: Level,
        /// Which slot.
        slot: Slot,
        /// Position in the slot.
        index: u16,
    },
    /// An action of a deferred batch.
    Deferred {
        /// Position of the batch.
        batch: u16,
        /// Position of the action in the batch.
        action: u16,
    },
}

/// One element of a run, by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ElementId {
    /// The run itself.
    Run,
    /// A block.
    Block(u32),
    /// A sequence of a block.
    Sequence {
        /// Position of the block.
        block: u32,
        /// Position of the sequence.
        seq: u32,
    },
    /// A check slot.
    Slot {
        /// Whose slot.
        level: Level,
        /// Which slot.
        slot: Slot,
    },
    /// A deferred batch.
    Batch(u16),
    /// Something that calls a plugin.
    Work(Work),
    /// A check that verifies some work.
    Verify {
        /// What is verified.
        of: Work,
        /// Before or after it.
        side: Side,
        /// Position among the verifying checks.
        index: u16,
    },
}

/// What sort of element, in the words of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ElementKind {
    /// The run.
    Run,
    /// A block.
    Block,
    /// A sequence.
    Sequence,
    /// A check slot.
    Checks,
    /// A check.
    Check,
    /// A deferred batch.
    Batch,
    /// An action.
    Action,
    /// An undo.
    Undo,
}

// === impl Slot ===

impl Slot {
    /// All slots in the order in which they run.
    pub const ALL: [Self; 5] = [Self::Bypass, Self::Pre, Self::Continuous, Self::Post, Self::Deferred];

    /// Its own among five things that stand in the order of [`Self::ALL`].
    #[must_use]
    pub fn of<T>(self, five: &[T; 5]) -> &T {
        let [bypass, pre, continuous, post, deferred] = five;
        match self {
            Self::Bypass => bypass,
            Self::Pre => pre,
            Self::Continuous => continuous,
            Self::Post => post,
            Self::Deferred => deferred,
        }
    }

    /// The same, to change it.
    #[must_use]
    pub fn of_mut<T>(self, five: &mut [T; 5]) -> &mut T {
        let [bypass, pre, continuous, post, deferred] = five;
        match self {
            Self::Bypass => bypass,
            Self::Pre => pre,
            Self::Continuous => continuous,
            Self::Post => post,
            Self::Deferred => deferred,
        }
    }

    /// The slot's key in a plan.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Pre => "pre",
            Self::Continuous => "continuous",
            Self::Post => "post",
            Self::Deferred => "deferred",
        }
    }
}

// === impl Level ===

impl Level {
    /// The element whose level this is.
    #[must_use]
    pub fn element(self) -> ElementId {
        match self {
            Self::Plan => ElementId::Run,
            Self::Block(block) => ElementId::Block(block),
        }
    }
}

// === impl Work ===

impl Work {
    /// The block and sequence that this is part of, if of any.
    #[must_use]
    pub fn sequence(self) -> Option<(u32, u32)> {
        match self {
            Self::Action { block, seq, .. } | Self::Undo { block, seq, .. } => Some((block, seq)),
            Self::Check { .. } | Self::Deferred { .. } => None,
        }
    }

    /// The block that this is part of, if of any.
    #[must_use]
    pub fn block(self) -> Option<u32> {
        match self {
            Self::Action { block, .. } | Self::Undo { block, .. } => Some(block),
            Self::Check { level: Level::Block(block), .. } => Some(block),
            Self::Check { .. } | Self::Deferred { .. } => None,
        }
    }
}

// === impl ElementId ===

impl ElementId {
    /// What sort of element this is.
    #[must_use]
    pub fn kind(self) -> ElementKind {
        match self {
            Self::Run => ElementKind::Run,
            Self::Block(_) => ElementKind::Block,
            Self::Sequence { .. } => ElementKind::Sequence,
            Self::Slot { .. } => ElementKind::Checks,
            Self::Batch(_) => ElementKind::Batch,
            Self::Work(Work::Check { .. }) | Self::Verify { .. } => ElementKind::Check,
            Self::Work(Work::Undo { .. }) => ElementKind::Undo,
            Self::Work(Work::Action { .. } | Work::Deferred { .. }) => ElementKind::Action,
        }
    }

    /// The work that this is or verifies.
    #[must_use]
    pub fn work(self) -> Option<Work> {
        match self {
            Self::Work(work) | Self::Verify { of: work, .. } => Some(work),
            _ => None,
        }
    }
}

impl From<Work> for ElementId {
    fn from(work: Work) -> Self {
        Self::Work(work)
    }
}
