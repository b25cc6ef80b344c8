//! Which keys to read, and in which order.

use bytes::Bytes;

/// The direction of a range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Smallest key first.
    #[default]
    Ascending,
    /// Largest key first.
    Descending,
}

/// The keys from `start` up to, and without, `end`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// The first key of the range. Empty means the first of all.
    pub start: Bytes,
    /// The first key behind the range. `None` means that it goes on to the last of all.
    pub end: Option<Bytes>,
    /// The most entries to return.
    pub limit: Option<usize>,
    /// The direction; the limit counts from where it begins.
    pub order: Order,
}

// === impl Range ===

impl Range {
    /// Every key.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// The keys from `start` up to, and without, `end`.
    #[must_use]
    pub fn between(start: impl Into<Bytes>, end: impl Into<Bytes>) -> Self {
        Self { start: start.into(), end: Some(end.into()), ..Self::default() }
    }

    /// The keys that begin with `prefix`.
    #[must_use]
    pub fn prefix(prefix: impl Into<Bytes>) -> Self {
        let start = prefix.into();
        let end = prefix_end(&start);
        Self { start, end, ..Self::default() }
    }

    /// At most `limit` entries.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Largest key first.
    #[must_use]
    pub fn descending(mut self) -> Self {
        self.order = Order::Descending;
        self
    }

    /// Whether no key can lie in this range.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.limit == Some(0) || self.end.as_ref().is_some_and(|end| *end <= self.start)
    }
}

/// The first key behind all that begin with `prefix`; none if there is no such key.
fn prefix_end(prefix: &[u8]) -> Option<Bytes> {
    let (last, head) = prefix
        .iter()
        .rposition(|byte| *byte != u8::MAX)
        .and_then(|at| prefix.get(..=at))
        .and_then(<[u8]>::split_last)?;
    let mut end = head.to_vec();
    end.push(last.saturating_add(1));
    Some(end.into())
}

#[cfg(test)]
mod tests;
