//! Limits that a plan gives to all of its blocks; what a block says itself counts first, key by key.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Block, Spec};
use crate::amount::Amount;
use crate::limit::{Batches, Canary, FailureLimit};
use crate::span::Span;

/// Limits of all blocks that do not say otherwise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Defaults {
    /// How many sequences of a block are active at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Amount>,
    /// The sizes of the batches; a block with `batches: 100%` has one.
    #[serde(default, skip_serializing_if = "Batches::is_whole")]
    pub batches: Batches,
    /// A first batch of so many, chosen at random, any failure in which fails the block; a block with `canary: false` has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
    /// How many sequences may fail before the block does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<FailureLimit>,
    /// How many sequences may be active at once per value of a label; a block with `maxPer: {}` has no such limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_per: Option<IndexMap<String, u32>>,
    /// The wait between batches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soak: Option<Span>,
}

/// The limits of a block, or those of a plan.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    /// See [`Block::concurrency`].
    pub concurrency: Option<Amount>,
    /// See [`Block::batches`].
    pub batches: &'a Batches,
    /// See [`Block::canary`].
    pub canary: Option<Canary>,
    /// See [`Block::failures`].
    pub failures: Option<FailureLimit>,
    /// See [`Block::max_per`].
    pub max_per: Option<&'a IndexMap<String, u32>>,
    /// See [`Block::soak`].
    pub soak: Option<Span>,
}

// === impl Defaults ===

impl Defaults {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

// === impl Limits ===

impl<'a> Limits<'a> {
    /// Those that a block says itself.
    #[must_use]
    pub fn of(block: &'a Block) -> Self {
        Self {
            concurrency: block.concurrency,
            batches: &block.batches,
            canary: block.canary,
            failures: block.failures,
            max_per: block.max_per.as_ref(),
            soak: block.soak,
        }
    }

    fn or(self, farther: Self) -> Self {
        Self {
            concurrency: self.concurrency.or(farther.concurrency),
            batches: if self.batches.is_whole() { farther.batches } else { self.batches },
            canary: self.canary.or(farther.canary),
            failures: self.failures.or(farther.failures),
            max_per: self.max_per.or(farther.max_per),
            soak: self.soak.or(farther.soak),
        }
    }
}

impl<'a> From<&'a Defaults> for Limits<'a> {
    fn from(defaults: &'a Defaults) -> Self {
        Self {
            concurrency: defaults.concurrency,
            batches: &defaults.batches,
            canary: defaults.canary,
            failures: defaults.failures,
            max_per: defaults.max_per.as_ref(),
            soak: defaults.soak,
        }
    }
}

// === impl Spec ===

impl Spec {
    /// The limits that count for a block of this plan.
    #[must_use]
    pub fn limits_of<'a>(&'a self, block: &'a Block) -> Limits<'a> {
        Limits::of(block).or(Limits::from(&self.defaults))
    }
}
