//! Sets of nodes: a bit per node while something is computed, sorted numbers where they are kept.

/// Numbers of nodes, sorted, each once: what an index keeps. Many of them are short.
pub(crate) type Ids = Vec<u32>;

/// A set of nodes with a bit per node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Set {
    words: Vec<u64>,
    /// How many nodes there are in all.
    size: u32,
}

// === impl Set ===

impl Set {
    pub(crate) fn empty(size: u32) -> Self {
        Self { words: vec![0; (size as usize).div_ceil(64)], size }
    }

    pub(crate) fn of(size: u32, ids: &[u32]) -> Self {
        let mut set = Self::empty(size);
        set.add_all(ids);
        set
    }

    pub(crate) fn has(&self, id: u32) -> bool {
        self.words.get(id as usize / 64).is_some_and(|word| word & (1 << (id % 64)) != 0)
    }

    /// Adds a node; says whether it is new.
    pub(crate) fn add(&mut self, id: u32) -> bool {
        let Some(word) = self.words.get_mut(id as usize / 64).filter(|_| id < self.size) else {
            return false;
        };
        let bit = 1 << (id % 64);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    pub(crate) fn add_all(&mut self, ids: &[u32]) {
        for id in ids {
            self.add(*id);
        }
    }

    pub(crate) fn add_set(&mut self, other: &Self) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word |= other;
        }
    }

    pub(crate) fn keep(&mut self, other: &Self) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word &= other;
        }
    }

    pub(crate) fn invert(&mut self) {
        for word in &mut self.words {
            *word = !*word;
        }
        let spare = self.words.len() * 64 - self.size as usize;
        if let Some(last) = self.words.last_mut() {
            *last &= u64::MAX >> spare;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// The nodes in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        self.words.iter().zip(0_u32..).flat_map(|(word, index)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros();
                (bit < 64).then(|| {
                    rest &= rest - 1;
                    index * 64 + bit
                })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn ids() -> impl Strategy<Value = Vec<u32>> {
        prop::collection::vec(0_u32..150, 0..100)
    }

    proptest! {
        #[test]
        fn does_what_sets_do(size in 0_u32..150, a in ids(), b in ids()) {
            let known = |ids: &[u32]| ids.iter().copied().filter(|id| *id < size).collect::<BTreeSet<_>>();
            let (set, other) = (Set::of(size, &a), Set::of(size, &b));
            let (naive, naive_other) = (known(&a), known(&b));
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), naive.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(set.is_empty(), naive.is_empty());
            let changed = |change: fn(&mut Set, &Set)| {
                let mut set = set.clone();
                change(&mut set, &other);
                set.iter().collect::<BTreeSet<_>>()
            };
            prop_assert_eq!(changed(Set::add_set), &naive | &naive_other);
            prop_assert_eq!(changed(Set::keep), &naive & &naive_other);
            let all: BTreeSet<u32> = (0..size).collect();
            prop_assert_eq!(changed(|set, _| set.invert()), &all - &naive);
            prop_assert!((0..150).all(|id| set.has(id) == naive.contains(&id)));
        }
    }
}
