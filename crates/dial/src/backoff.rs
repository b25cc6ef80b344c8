//! How long is waited before the server is tried again: so long that thousands who lose it at once do not come back at once.

use std::time::Duration;

/// How often it failed in a row, and how long is waited at the most the first time and ever.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    most: Duration,
    failures: u32,
}

// === impl Backoff ===

impl Backoff {
    pub(crate) fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, failures: 0 }
    }

    /// It went well.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// How long to wait now: anything up to a bound that doubles each time.
    pub(crate) fn next(&mut self) -> Duration {
        let bound = self.bound();
        self.failures = self.failures.saturating_add(1);
        bound.mul_f64(chance())
    }

    fn bound(&self) -> Duration {
        let doubled = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        self.first.saturating_mul(doubled).min(self.most)
    }
}

/// Something between a half and one for what must not be tried too often, anything for the rest.
pub(crate) fn at_least_half(span: Duration) -> Duration {
    span.mul_f64(0.5 + chance() / 2.0)
}

/// A number from 0 to 1. Where the system gives no chance, the middle.
fn chance() -> f64 {
    let mut bytes = [0_u8; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 0.5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_to_the_most_and_the_wait_is_anywhere_below() {
        let mut backoff = Backoff::new(Duration::from_secs(2), Duration::from_secs(60));
        let bounds: Vec<u64> = (0..8)
            .map(|_| {
                let bound = backoff.bound();
                assert!(backoff.next() <= bound);
                bound.as_secs()
            })
            .collect();
        assert_eq!(bounds, [2, 4, 8, 16, 32, 60, 60, 60]);
        backoff.reset();
        assert_eq!(backoff.bound(), Duration::from_secs(2));
    }

    #[test]
    fn a_thousand_who_lose_the_server_at_once_come_back_over_all_of_the_time() {
        let waits: Vec<Duration> =
            (0..1000).map(|_| Backoff::new(Duration::from_secs(2), Duration::from_secs(60)).next()).collect();
        for part in 0..10 {
            let (from, to) = (Duration::from_millis(200 * part), Duration::from_millis(200 * (part + 1)));
            let count = waits.iter().filter(|wait| (from..to).contains(*wait)).count();
            assert!((50..200).contains(&count), "{count} of 1000 in a tenth of the time");
        }
    }
}
