//! What is wrong with a plan, its parameters or its targets: all of it at once.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::code::Code;

/// One thing that is wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The stable code, with a page of its own.
    pub code: Code,
    /// The address of the element (`patch/web03/reboot`), or `params.release`; empty for the plan as a whole.
    pub address: String,
    /// Where in the document, as a JSON pointer (`/spec/blocks/0/name`).
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// Everything that is wrong; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

// === impl Problem ===

impl Problem {
    /// A problem at an address and a place.
    pub fn new(
        code: Code,
        address: impl Into<String>,
        pointer: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self { code, address: address.into(), pointer: pointer.into(), message: message.into(), help: None }
    }

    /// Whether it says of the same place what another one says.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.code == other.code && self.pointer == other.pointer && self.message == other.message
    }

    /// The same with advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if !self.address.is_empty() {
            write!(f, " {}", self.address)?;
        }
        write!(f, ": {}", self.message)
    }
}

// === impl Problems ===

impl Problems {
    /// `Ok` when there are none.
    pub fn check(problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self(problems)) }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}
