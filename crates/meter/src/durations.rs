//! How long something took, each time: how often it took up to how long, and all of it together.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The bounds of what is told apart, in microseconds: from a quick disk to a slow night.
const MICROS: [u64; 16] = [
    250,
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    1_000_000,
    2_500_000,
    10_000_000,
    60_000_000,
    600_000_000,
    3_600_000_000,
];

/// The same in seconds.
pub const BOUNDS: [f64; MICROS.len()] = {
    let mut bounds = [0.0; MICROS.len()];
    let mut at = 0;
    while at < MICROS.len() {
        #[expect(clippy::indexing_slicing, reason = "the loop ends with the array")]
        {
            bounds[at] = MICROS[at] as f64 / 1e6;
        }
        at += 1;
    }
    bounds
};

/// How long something took, while that goes on.
#[derive(Debug, Default)]
pub struct Durations {
    counts: [AtomicU64; MICROS.len() + 1],
    micros: AtomicU64,
}

/// How long something has taken up to now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// How often it took no longer than each bound and longer than the one before; at the end, longer than all of them.
    pub counts: [u64; MICROS.len() + 1],
    /// All of it together.
    pub sum: Duration,
}

// === impl Durations ===

impl Durations {
    /// It took so long.
    pub fn note(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let at = MICROS.partition_point(|bound| *bound < micros);
        if let Some(count) = self.counts.get(at) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// All of it, up to now.
    #[must_use]
    pub fn read(&self) -> Taken {
        let mut taken =
            Taken { sum: Duration::from_micros(self.micros.load(Ordering::Relaxed)), ..Taken::default() };
        for (read, count) in taken.counts.iter_mut().zip(&self.counts) {
            *read = count.load(Ordering::Relaxed);
        }
        taken
    }
}

// === impl Taken ===

impl Taken {
    /// How often it happened.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_counts_once_below_the_first_bound_that_holds_it() {
        let durations = Durations::default();
        for micros in [0, 250, 251, 1_000, 3_600_000_000, 3_600_000_001] {
            durations.note(Duration::from_micros(micros));
        }
        let taken = durations.read();
        assert_eq!((taken.count(), taken.counts[0], taken.counts[1], taken.counts[2]), (6, 2, 1, 1));
        assert_eq!((taken.counts[15], taken.counts[16]), (1, 1));
        assert_eq!(taken.sum, Duration::from_micros(7_200_001_502));
        assert!(BOUNDS.is_sorted() && BOUNDS[2] == 0.001);
    }
}
