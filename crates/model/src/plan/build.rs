//! What makes plans short in Rust: constructors for what every plan has. Everything else is a field.

use super::{Action, Block, Plan, Sequence, Undo};
use crate::Value;
use crate::param::ParamSpec;
use crate::target::{NodeEntry, Targets};

// === impl Plan ===

impl Plan {
    /// With one more parameter.
    #[must_use]
    pub fn param(mut self, name: impl Into<String>, spec: ParamSpec) -> Self {
        self.spec.params.insert(name.into(), spec);
        self
    }

    /// With one more block.
    #[must_use]
    pub fn block(mut self, block: Block) -> Self {
        self.spec.blocks.push(block);
        self
    }
}

// === impl Block ===

impl Block {
    /// A block of this name that does these actions on each of these nodes: `["web[01-20]", "db1"]`.
    pub fn on(
        name: impl Into<String>,
        nodes: impl IntoIterator<Item: Into<String>>,
        actions: impl Into<Vec<Action>>,
    ) -> Self {
        Self {
            name: name.into(),
            targets: Some(Targets::nodes(nodes)),
            sequence: Some(actions.into().into()),
            ..Self::default()
        }
    }

    /// A block of this name that does these sequences.
    pub fn of(name: impl Into<String>, sequences: impl Into<Vec<Sequence>>) -> Self {
        Self { name: name.into(), sequences: sequences.into(), ..Self::default() }
    }
}

// === impl Sequence ===

impl Sequence {
    /// A sequence of this name that does these actions.
    pub fn new(name: impl Into<String>, actions: impl Into<Vec<Action>>) -> Self {
        Self { name: name.into(), actions: actions.into(), ..Self::default() }
    }
}

// === impl Action ===

impl Action {
    /// An action of this name that calls this plugin with this request.
    pub fn new(name: impl Into<String>, uses: impl Into<String>, with: Value) -> Self {
        Self { name: name.into(), uses: uses.into(), with, ..Self::default() }
    }

    /// Taken back by calling this plugin with this request.
    #[must_use]
    pub fn undone_by(self, uses: impl Into<String>, with: Value) -> Self {
        Self { undo: Some(Box::new(Undo { uses: uses.into(), with, ..Undo::default() })), ..self }
    }
}

// === impl Targets ===

impl Targets {
    /// These nodes, which may be patterns: `["web[01-20]", "db1"]`.
    pub fn nodes(nodes: impl IntoIterator<Item: Into<String>>) -> Self {
        let nodes = nodes.into_iter().map(|name| NodeEntry::Name(name.into())).collect();
        Self { nodes, ..Self::default() }
    }
}
