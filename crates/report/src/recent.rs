//! A history that forgets: the last few of something, and how many there were in all.
//!
//! Continuous checks run for days and batches come by the thousand; what is kept of them is bounded.

use std::collections::VecDeque;
use std::collections::vec_deque::Iter;

/// The last `N` of something, oldest first, and how many there were in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recent<T, const N: usize> {
    kept: VecDeque<T>,
    count: u64,
}

// === impl Recent ===

impl<T, const N: usize> Recent<T, N> {
    /// Adds one, and forgets the oldest when there are more than `N`.
    pub fn push(&mut self, item: T) {
        if self.kept.len() >= N {
            self.kept.pop_front();
        }
        self.kept.push_back(item);
        self.count = self.count.saturating_add(1);
    }

    /// How many there were in all.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How many of them are no longer kept.
    #[must_use]
    pub fn forgotten(&self) -> u64 {
        self.count.saturating_sub(self.kept.len() as u64)
    }

    /// Whether there was none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The newest.
    #[must_use]
    pub fn last(&self) -> Option<&T> {
        self.kept.back()
    }

    pub(crate) fn last_mut(&mut self) -> Option<&mut T> {
        self.kept.back_mut()
    }

    /// Those that are kept, oldest first.
    pub fn iter(&self) -> Iter<'_, T> {
        self.kept.iter()
    }
}

impl<T, const N: usize> Default for Recent<T, N> {
    fn default() -> Self {
        Self { kept: VecDeque::new(), count: 0 }
    }
}

impl<'a, T, const N: usize> IntoIterator for &'a Recent<T, N> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_last_and_counts_all() {
        let mut recent = Recent::<u32, 2>::default();
        assert!(recent.is_empty());
        (1..=3).for_each(|n| recent.push(n));
        assert_eq!(recent.iter().copied().collect::<Vec<_>>(), [2, 3]);
        assert_eq!((recent.count(), recent.forgotten(), recent.last()), (3, 1, Some(&3)));
    }
}
