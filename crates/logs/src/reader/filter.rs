//! Which records are wanted.

use std::collections::BTreeSet;

use memchr::memchr2;
use windlass_model::log_level::LogLevel;
use windlass_model::pattern::{Glob, Refused};
use windlass_model::time::Time;

use crate::line::Record;

/// Which records are wanted: all conditions must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Those that matter at least so much.
    pub level: LogLevel,
    /// Those of these nodes; of all, and of none, where it is empty.
    pub nodes: BTreeSet<String>,
    /// Those that arrived then or later.
    pub since: Option<Time>,
    /// Those with this text in their line, whether letters of ASCII are large or small.
    pub text: String,
    actions: Vec<(Glob, bool)>,
}

// === impl Filter ===

impl Filter {
    /// Adds a pattern of addresses; one without a `/` is one of the last names in them.
    ///
    /// # Errors
    ///
    /// It is no pattern.
    pub fn add_action(&mut self, pattern: &str) -> Result<(), Refused> {
        let is_whole = pattern.contains('/');
        self.actions.extend(Glob::all(pattern)?.into_iter().map(|glob| (glob, is_whole)));
        Ok(())
    }

    /// Whether lines are wanted of which nothing is known.
    #[must_use]
    pub fn takes_damaged(&self) -> bool {
        self.level <= LogLevel::Info && self.actions.is_empty() && self.nodes.len() <= 1
    }

    /// Whether a line may be wanted, from its bytes alone: most are left out sooner than they are read.
    #[must_use]
    pub fn may_want(&self, line: &[u8]) -> bool {
        self.may_matter(line) && self.has_text(line)
    }

    /// Whether a line matters enough, by the word behind its time.
    fn may_matter(&self, line: &[u8]) -> bool {
        if self.level == LogLevel::Debug {
            return true;
        }
        let mut words = line.splitn(3, |byte| *byte == b' ');
        let word = words.nth(1).and_then(|word| std::str::from_utf8(word).ok());
        word.and_then(|word| word.parse::<LogLevel>().ok()).is_none_or(|level| level >= self.level)
    }

    fn has_text(&self, line: &[u8]) -> bool {
        let needle = self.text.as_bytes();
        let Some(first) = needle.first() else { return true };
        let mut rest = line;
        while let Some(at) = memchr2(first.to_ascii_lowercase(), first.to_ascii_uppercase(), rest) {
            let from = rest.get(at..).unwrap_or_default();
            if from.get(..needle.len()).is_some_and(|found| found.eq_ignore_ascii_case(needle)) {
                return true;
            }
            rest = from.get(1..).unwrap_or_default();
        }
        false
    }

    /// Whether a record is wanted whose line may be.
    #[must_use]
    pub fn wants(&self, record: &Record<'_>) -> bool {
        let last = || record.address.rsplit('/').next().unwrap_or(record.address);
        let matches =
            |(glob, is_whole): &(Glob, bool)| glob.matches(if *is_whole { record.address } else { last() });
        record.level >= self.level
            && self.since.is_none_or(|since| record.at >= since)
            && (self.nodes.is_empty() || record.node.is_some_and(|node| self.nodes.contains(node)))
            && (self.actions.is_empty() || self.actions.iter().any(matches))
    }
}
