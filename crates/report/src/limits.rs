//! The limits of a block as numbers and in words: its batches, and how bad it can get.

use windlass_model::late::Chosen;
use windlass_model::layout::{BlockDef, Choice, Layout};
use windlass_model::target::Frozen;

use crate::words::{count, grouped};

/// How many batches are written out.
const WRITTEN: usize = 8;

/// How many sequences of a block can fail before nothing more begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Worst {
    /// The most that can fail.
    pub failed: u32,
    /// Of so many.
    pub total: u32,
}

/// The sizes of the batches, first ones first, and how many there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// The first of them.
    pub first: Vec<u32>,
    /// How many there are in all.
    pub count: u32,
    /// The largest.
    pub largest: u32,
}

/// The batches of a block when nothing fails; the canary batch is the first of them.
pub fn sizes(block: &BlockDef) -> Sizes {
    let total = block.sequences.len().saturating_sub(u32::try_from(block.done.len()).unwrap_or(0));
    let mut sizes = Sizes { first: Vec::new(), count: 0, largest: 0 };
    let mut left = total;
    let mut n = 1;
    if let Some(canary) = block.canary {
        left = sizes.add(canary, left);
    }
    while left > 0 {
        left = sizes.add(block.batch_size(n).max(1), left);
        n += 1;
    }
    sizes
}

/// How bad it can get.
pub fn worst(block: &BlockDef) -> Worst {
    let total = block.sequences.len();
    let active = block.concurrency.min(sizes(block).largest.max(1));
    let failed = match (block.failures, block.strict) {
        (None, _) => total,
        (Some(limit), true) => limit.saturating_add(1),
        (Some(limit), false) => limit.saturating_add(active),
    };
    Worst { failed: failed.min(total), total }
}

/// The same in words.
pub fn in_words(block: &BlockDef) -> String {
    let Worst { failed, total } = worst(block);
    let all = grouped(u64::from(total));
    let sequences = |n: u32| grouped(u64::from(n));
    match (block.failures, block.strict) {
        _ if total == 0 => "nothing can fail: there are no sequences".to_owned(),
        (None, _) => format!("all {all} can fail: failures are unlimited"),
        (Some(limit), _) if limit >= total => {
            format!("all {all} can fail: the limit of {} is never crossed", sequences(limit))
        }
        (Some(limit), true) => format!(
            "at most {} of {all} fail: one begins only while failed + active ≤ {limit}",
            sequences(failed)
        ),
        (Some(0), false) => format!(
            "at most {} of {all} fail: the first failure ends the block, and {} can be active then",
            sequences(failed),
            count(u64::from(block.concurrency.min(total)), "sequence")
        ),
        (Some(limit), false) => format!(
            "at most {} of {all} fail: {} may, the next ends the block, and {} can be active then",
            sequences(failed),
            sequences(limit),
            sequences(block.concurrency.min(total))
        ),
    }
}

/// How bad it can get with targets that are chosen when the block begins, of which there are so many at the most.
pub fn whatever_is_chosen(layout: &Layout, block: u32, most: Option<u32>) -> Option<String> {
    layout.block(block).filter(|def| def.choice != Choice::AtSubmit)?;
    let Some(most) = most else {
        return Some("its targets are chosen when it begins, and may be others and more than now".to_owned());
    };
    let targets: Frozen = (1..=most).map(|n| n.to_string()).collect();
    let layout = layout.with_chosen(block, Chosen { targets, others: Frozen::default() });
    let words = in_words(layout.block(block)?);
    Some(format!("its targets are chosen when it begins; if it were all {most} nodes there are now: {words}"))
}

// === impl Sizes ===

impl Sizes {
    fn add(&mut self, size: u32, left: u32) -> u32 {
        let size = size.min(left);
        if self.first.len() < WRITTEN {
            self.first.push(size);
        }
        self.count = self.count.saturating_add(1);
        self.largest = self.largest.max(size);
        left - size
    }

    /// `1, 10, 50, 50, … 12 batches`.
    pub fn in_words(&self) -> String {
        let first: Vec<String> = self.first.iter().map(|size| grouped(u64::from(*size))).collect();
        let first = first.join(", ");
        if self.count as usize > self.first.len() {
            return format!("{first}, … {} in all", grouped(u64::from(self.count)));
        }
        first
    }
}
